"""Short meetings without end, so that whoever looks at a demo sees people come and go within seconds.

Time is cut into slots of five seconds since the epoch. Two of three slots begin a meeting of a minute or more, with a
random generator named after the slot: whoever asks again for a slot, in another process too, gets the same bytes.
"""

from dataclasses import dataclass
from itertools import cycle
from random import Random

from zoomfeed.simulator import bodies, people, stories
from zoomfeed.simulator.bodies import INSTANT, RECURRING, SCHEDULED, WEBINAR, Run
from zoomfeed.simulator.people import Person
from zoomfeed.simulator.script import Script
from zoomfeed.simulator.stories import Feature, Story

SLOT_S = 5
SHORTEST_S, MEAN_S, LONGEST_S = 60, 85, 240
OVER_AFTER_S = LONGEST_S + SLOT_S + 30
"""How long after the begin of a slot its last delivery has arrived."""


@dataclass(frozen=True)
class Sort:
    """A sort of short meeting. `stories` are played in turn, one a person."""

    topics: tuple[str, ...]
    size: tuple[int, int]
    stories: tuple[Story, ...]
    features: tuple[Feature, ...] = ()
    type: int = SCHEDULED


PLAIN = (stories.comes_and_goes,) * 3
SORTS = (
    Sort(people.TEAM_MEETINGS, (3, 8), (*PLAIN, stories.shares_a_screen, stories.brings_a_phone), type=INSTANT),
    Sort(people.LECTURES, (6, 14), (*PLAIN, stories.reconnects), (stories.is_being_recorded,), type=RECURRING),
    Sort(people.OPEN_HOURS, (3, 7), (stories.waits_to_be_let_in, stories.waits_on, *PLAIN)),
    Sort(people.CLINICS, (4, 10), (stories.shares_a_screen, *PLAIN, stories.becomes_co_host), type=RECURRING),
    Sort(people.WEBINARS, (12, 24), (*PLAIN, stories.shares_a_screen), (stories.is_being_recorded,), type=WEBINAR),
    Sort(people.LECTURES, (5, 12), (stories.visits_a_room, stories.visits_a_room, *PLAIN)),
)


def slot_of(at: float) -> int:
    """The slot of an instant, given in seconds since the epoch."""
    return int(at // SLOT_S)


def meeting(seed: int, slot: int) -> Script | None:
    """The meeting that begins in this slot, if one does."""
    if slot % 3 == 0:
        return None
    rng = Random(f"slot/{seed}/{slot}")
    sort = rng.choice(SORTS)
    run = Run(
        uuid=bodies.run_uuid(rng, awkward=rng.random() < 0.1),
        number=bodies.meeting_number(rng),
        topic=rng.choice(sort.topics),
        host=rng.choice(people.staff(seed)),
        starts_at=slot * SLOT_S + rng.randrange(SLOT_S),
        type=sort.type,
        scheduled_minutes=0 if sort.type == INSTANT else 30,
        timezone=rng.choice(people.TIMEZONES),
    )
    lasts_s = SHORTEST_S + int(rng.expovariate(1 / (MEAN_S - SHORTEST_S)))
    script = Script(run, rng, until=run.starts_at + min(lasts_s, LONGEST_S))
    _play(script, sort, people.cast(seed, rng, size=rng.randint(*sort.size), host=run.host))
    return script


def _play(script: Script, sort: Sort, cast: list[Person]) -> None:
    """Somebody arrives every second or two, and all leave again before the end or at it."""
    script.start()
    stories.comes_and_goes(script, script.run.host, script.run.starts_at, script.until)
    arrives = script.run.starts_at
    for person, story in zip(cast, cycle(sort.stories), strict=False):
        arrives = min(arrives + script.rng.randint(1, 2), script.until - SHORTEST_S // 2)
        story(script, person, arrives, script.rng.randint(arrives + SHORTEST_S // 3, script.until + 10))
    for feature in sort.features:
        feature(script)
    script.end()
