"""A generated day of an organisation: every delivery in order of arrival, and the truth to hold a database against.

The same arguments give the same bytes. Each meeting has a random generator of its own, named after the seed, the day
and its place in the day, so one meeting can change without the others.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random

from zoomfeed.simulator import bodies, office, people, stories
from zoomfeed.simulator.bodies import INSTANT, PERSONAL_ROOM, RECURRING, SCHEDULED, WEBINAR, Run
from zoomfeed.simulator.people import Person
from zoomfeed.simulator.script import Dispatch, Script, Truth, dispatch
from zoomfeed.simulator.stories import Feature, Story

REPEATED, REPEATED_AFTER_S = 0.005, 310
"""The share of deliveries that come again, and after how many seconds: byte for byte the same."""

LATE, LATEST_S = 0.005, 900
"""The share of deliveries that are much too late, and by how many seconds at most."""

NOT_PLANNED = (INSTANT, PERSONAL_ROOM)


@dataclass(frozen=True)
class Day:
    """`dispatches` in order of arrival; `truths` by uuid of the run."""

    dispatches: list[Dispatch]
    truths: dict[str, Truth]


@dataclass(frozen=True)
class Gathering:
    """A sort of meeting: how big, how long, who comes, and what happens."""

    topics: tuple[str, ...]
    size: tuple[int, int]
    minutes: tuple[int, int]
    type: int = SCHEDULED
    staff_share: float = 0.6
    stranger: Callable[[Random], Person] = people.guest
    stories: tuple[Story, ...] = ()
    features: tuple[Feature, ...] = ()
    runs: int = 1


GATHERINGS = (
    Gathering(
        people.LECTURES, (20, 70), (45, 90), type=RECURRING, staff_share=0.2,
        stories=(stories.reconnects, stories.loses_the_line, stories.comes_twice, stories.shares_a_screen),
        features=(stories.is_recorded, stories.is_summarised),
    ),
    Gathering(
        people.TEAM_MEETINGS, (2, 8), (10, 30), type=INSTANT, staff_share=0.9,
        stories=(stories.brings_a_phone, stories.chats),
    ),
    Gathering(people.LECTURES, (10, 25), (45, 90), stories=(stories.visits_a_room,) * 4 + (stories.changes_name,)),
    Gathering(
        people.CLINICS, (5, 20), (15, 45), stranger=people.caller,
        stories=(stories.becomes_co_host, stories.is_measured, stories.shares_a_screen),
        features=(stories.has_trouble,),
    ),
    Gathering(
        people.OPEN_HOURS, (6, 14), (60, 120), staff_share=0.1,
        stories=(stories.waits_to_be_let_in,) * 4
        + (stories.is_turned_away, stories.is_let_in_untold, stories.is_sent_back, stories.waits_on),
    ),
    Gathering(
        people.WEBINARS, (60, 150), (45, 90), type=WEBINAR, staff_share=0.1, stranger=people.registrant,
        stories=(stories.comes_twice, stories.reconnects, stories.becomes_co_host, stories.shares_a_screen),
        features=(stories.is_recorded, stories.feeds_media_streams),
    ),
    Gathering(people.LECTURES, (8, 20), (30, 90), type=RECURRING, stories=(stories.moves_untold,)),
    Gathering(people.TEAM_MEETINGS, (2, 6), (10, 40), type=PERSONAL_ROOM, stories=(stories.comes_twice,), runs=2),
    Gathering(
        people.CLINICS, (4, 12), (20, 60), stranger=people.known_guest,
        stories=(stories.waits_for_the_host, stories.gives_up_before_the_host, stories.comes_twice),
    ),
    Gathering(
        people.LECTURES, (10, 30), (30, 60), stories=(stories.visits_a_room_and_stays_in_the_main, stories.chats),
        features=(stories.is_streamed, stories.feeds_media_streams),
    ),
)  # fmt: skip
"""A day goes through these in turn, so that one of ten meetings or more has every habit."""

PLAIN = 0.7
"""The share of people of whom there is nothing to tell."""


def generate(seed: int, start: datetime, *, meetings: int = 60, hours: float = 10, still_open: int = 0) -> Day:
    """The day that begins at `start`, in which so many meetings begin within so many hours.

    The last `still_open` of them have no end: people are inside, and some wait, when the story stops.
    """
    begin = int(start.timestamp())
    scripts: list[Script] = []
    dispatches: list[Dispatch] = []
    for number in range(meetings):
        rng = Random(f"meeting/{seed}/{begin}/{number}")
        gathering = GATHERINGS[number % len(GATHERINGS)]
        starts_at = begin + int(hours * 3600 * (number + rng.random()) / meetings)
        plan = Plan(seed, begin, number, gathering, rng, is_open=number >= meetings - still_open)
        scripts += plan.scripts(starts_at)
    for script in scripts:
        dispatches += script.dispatches
    office_rng = Random(f"office/{seed}/{begin}")
    dispatches += _cancelled(seed, begin, office_rng, meetings // 10)
    dispatches += _accounts(seed, begin, office_rng, meetings // 5)
    dispatches = sorted(_weather(dispatches, Random(f"weather/{seed}/{begin}")))
    return Day(dispatches, {script.run.uuid: script.truth for script in scripts})


@dataclass(frozen=True)
class Plan:
    """One meeting of the day: its place in it decides which of the rarer habits it has."""

    seed: int
    day_begins: int
    number: int
    gathering: Gathering
    rng: Random
    is_open: bool

    @property
    def start_is_told(self) -> bool:
        """`started` is missing for some: the feed began later, or Zoom did not send it."""
        return self.number % 7 != 3

    @property
    def host_is_seen(self) -> bool:
        """The join of the host who starts the run has been seen to be missing."""
        return self.number % 6 != 2

    def scripts(self, starts_at: int) -> Iterator[Script]:
        """The runs of this meeting; of several, each begins before the `ended` of the one before has arrived."""
        run = self._run(starts_at)
        for number in range(self.gathering.runs):
            minutes = self.rng.randint(*self.gathering.minutes)
            script = Script(run, self.rng, until=run.starts_at + minutes * 60)
            self._play(script)
            if self.is_open and number == self.gathering.runs - 1:
                self._leave_open(script)
            else:
                script.end()
            yield script
            run = replace(run, uuid=bodies.run_uuid(self.rng), starts_at=script.until + self.rng.randint(2, 5))

    def _run(self, starts_at: int) -> Run:
        rng, is_planned = self.rng, self.gathering.type not in NOT_PLANNED
        return Run(
            uuid=bodies.run_uuid(rng, awkward=self.number % 5 == 0),
            number=bodies.meeting_number(rng),
            topic=rng.choice(self.gathering.topics),
            host=rng.choice(people.staff(self.seed)),
            starts_at=starts_at,
            type=self.gathering.type,
            scheduled_minutes=rng.choice((30, 45, 60, 90)) if is_planned else 0,
            timezone=rng.choice(people.TIMEZONES),
        )

    def _play(self, script: Script) -> None:
        if self.gathering.type not in NOT_PLANNED:
            _announce(script, self.day_begins)
        if self.start_is_told:
            script.start()
        if self.host_is_seen:
            stories.comes_and_goes(script, script.run.host, script.run.starts_at, script.until)
        for number, person in enumerate(self._cast(script.run)):
            self._story(number)(script, person, *self._times(script))
        for feature in self.gathering.features:
            feature(script)

    def _leave_open(self, script: Script) -> None:
        """Somebody waits when the story stops; webinars have no waiting room."""
        if script.run.kind == "meeting":
            stories.waits_on(script, people.guest(self.rng), script.until - 60, script.until)

    def _cast(self, run: Run) -> list[Person]:
        gathering, size = self.gathering, self.rng.randint(*self.gathering.size)
        share, stranger = gathering.staff_share, gathering.stranger
        return people.cast(self.seed, self.rng, size=size, host=run.host, staff_share=share, stranger=stranger)

    def _story(self, number: int) -> Story:
        """The first few people play the stories of the gathering in turn, the others whatever comes."""
        if number < len(self.gathering.stories):
            return self.gathering.stories[number]
        return stories.comes_and_goes if self.rng.random() < PLAIN else self.rng.choice(self.gathering.stories)

    def _times(self, script: Script) -> tuple[int, int]:
        """When somebody arrives and leaves: most soon after the start, and many stay to the end."""
        begins, until = script.run.starts_at, script.until
        latest = until - 2 * stories.LONG_S
        arrives = min(begins + int(self.rng.expovariate(1 / 150)), latest)
        if self.rng.random() < 0.6:
            return arrives, until
        return arrives, self.rng.randint(arrives + stories.LONG_S, until)


# Around the meetings


def _announce(script: Script, earliest: int) -> None:
    """Planned an hour or two before, with another topic at first; the uuid of the plan may be that of the run."""
    run, rng = script.run, script.rng
    planned_at = max(earliest, run.starts_at - rng.randint(1800, 7200))
    planned = run if rng.random() < 0.5 else replace(run, uuid=bodies.run_uuid(rng))
    old_topic = f"{run.topic} (draft)"
    script.tell(office.created(replace(planned, topic=old_topic)), planned_at)
    script.tell(office.updated(planned, old_topic, planned_at * 1000), planned_at + 60)


def _cancelled(seed: int, begin: int, rng: Random, how_many: int) -> Iterator[Dispatch]:
    """Meetings that are planned and deleted before anybody came."""
    for _ in range(how_many):
        run = Run(
            uuid=bodies.run_uuid(rng),
            number=bodies.meeting_number(rng),
            topic=rng.choice(people.TEAM_MEETINGS),
            host=rng.choice(people.staff(seed)),
            starts_at=begin + 86_400,
        )
        at = begin + rng.randint(60, 20_000)
        yield dispatch(office.created(run), at, rng)
        yield dispatch(office.deleted(run), at + rng.randint(60, 3600), rng)


def _accounts(seed: int, begin: int, rng: Random, how_many: int) -> Iterator[Dispatch]:
    """Accounts are made, changed and used."""
    staff = people.staff(seed)
    for person in rng.sample(staff, min(how_many, len(staff))):
        at = begin + rng.randint(60, 20_000)
        yield dispatch(office.user_created(person, by=staff[0]), at, rng)
        yield dispatch(office.user_updated(person, staff[0], at * 1000), at + 10, rng)
        yield dispatch(office.signed("in", person, at + 60), at + 60, rng)
        for step, status in enumerate(("Available", "In_Meeting", "Away", "Offline"), start=1):
            yield dispatch(office.presence(person, status, at + step * 600), at + step * 600, rng)
        yield dispatch(office.signed("out", person, at + 3600), at + 3600, rng)


def _weather(dispatches: list[Dispatch], rng: Random) -> Iterator[Dispatch]:
    """What becomes of deliveries on the way: delivery is at least once, and in no order."""
    for at_ms, body in dispatches:
        late_ms = rng.randrange(LATEST_S * 1000) if rng.random() < LATE else 0
        yield Dispatch(at_ms + late_ms, body)
        if rng.random() < REPEATED:
            yield Dispatch(at_ms + REPEATED_AFTER_S * 1000, body)
