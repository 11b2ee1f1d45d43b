"""Events without end for measuring: many meetings at once, in which people only come and go."""

import time
from collections.abc import Iterator
from itertools import cycle
from random import Random

from zoomfeed.simulator import bodies, people
from zoomfeed.simulator.bodies import Event, Leg, Run
from zoomfeed.simulator.script import BY_HOST, FIRST_USER_ID, USER_ID_STEP
from zoomfeed.simulator.server import encode

AT_ONCE = 40
PEOPLE = 10


def traffic(seed: int) -> Iterator[bytes]:
    """Bodies that happen in the moment in which they are asked for. Another seed gives other meetings."""
    meetings = [_meetings(Random(f"traffic/{seed}/{number}")) for number in range(AT_ONCE)]
    for events in cycle(meetings):
        yield encode({**next(events), "event_ts": time.time_ns() // 1_000_000})


def _meetings(rng: Random) -> Iterator[Event]:
    """One meeting after the other."""
    while True:
        run = Run(
            uuid=bodies.run_uuid(rng),
            number=bodies.meeting_number(rng),
            topic=rng.choice(people.LECTURES),
            host=people.staff(0)[0],
            starts_at=int(time.time()),
        )
        legs = [_leg(rng, FIRST_USER_ID + number * USER_ID_STEP) for number in range(PEOPLE)]
        yield bodies.started(run)
        yield from (bodies.joined(run, leg, int(time.time()), rng) for leg in legs)
        yield from (bodies.left(run, leg, int(time.time()), BY_HOST, rng) for leg in legs)
        yield bodies.ended(run, int(time.time()))


def _leg(rng: Random, user_id: int) -> Leg:
    person = people.guest(rng)
    return Leg(person, person.name, str(user_id), bodies.participant_uuid(rng))
