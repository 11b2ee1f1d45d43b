"""What a meeting's page shows, as plain values: who is in, who waits, who left, and when, on one axis of time.

The axis is the one thing here that looks at the clock, and it does so in steps: whoever knows when a page was painted
can tell whether its axis still holds.

A page shows a `Window` on the people: those whose name matches, and of each section the first so many. What is beyond
it is counted, and painted when somebody asks.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from dashboard import charts
from dashboard.words import clock_times
from zoomfeed.attendance import INSIDE, MOVE, Person, Stay, curve, people
from zoomfeed.fold import Place
from zoomfeed.models import Meeting

SECTIONS = {"present": "asc", "waiting": "asc", "left": "desc"}
"""The lists of the page, and which end of their keys comes first."""

STRIP_WIDTH, STRIP_HEIGHT = 1000, 57
STRIP_PARTS = 250

SHARES = {"in": 0.64, "past": 0.64, "out": 0.64, "br": 0.5, "wt": 0.34, "unk": 0.64}
"""How much of its lane's height each kind of bar fills: colour is never the only sign."""

LANES = 4
"""More devices at once than this share the last lane."""

LEAST_WIDTH = 0.002
"""Of the axis: a stretch of a few seconds is there to be seen."""

PLACES = {
    Place.MEETING: "in the meeting",
    Place.BREAKOUT_ROOM: "in a breakout room",
    Place.WAITING_ROOM: "in the waiting room",
    Place.BEFORE_HOST: "waiting for the host",
}


@dataclass(frozen=True, slots=True)
class Window:
    """Which people a page shows: those who match all `words`, and of each section the first `most`."""

    words: tuple[str, ...] = ()
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch on the axis. `end` is None while it lasts. `words`: what it was, for who points at it or listens."""

    kind: str
    x: str
    width: str
    y: str
    height: str
    words: str
    start: datetime | None
    end: datetime | None

    @property
    def times(self) -> str:
        times = clock_times(*(at for at in (self.start, self.end) if at))
        if self.end is None:
            return f"since {times}"
        return times if self.start else f"until {times}"

    @property
    def start_ms(self) -> int | None:
        return charts.milliseconds(self.start) if self.start else None

    @property
    def end_ms(self) -> int | None:
        return charts.milliseconds(self.end) if self.end else None

    @property
    def open_ms(self) -> int | None:
        return self.start_ms if self.end is None else None


@dataclass(frozen=True)
class Row:
    """One person. `rooms` numbers the breakout rooms of the meeting."""

    person: Person
    axis: charts.Axis
    rooms: Mapping[str, int]

    @property
    def id(self) -> str:
        return f"p-{self.person.head}"

    @property
    def other_ids(self) -> list[str]:
        """Names under which this person may have stood before it was known that these legs are one person."""
        return [f"p-{leg.pk}" for leg in self.person.legs if leg.pk != self.person.head]

    @cached_property
    def section(self) -> str:
        if self.person.is_present:
            return "present"
        return "waiting" if self.person.is_waiting else "left"

    @cached_property
    def since(self) -> datetime | None:
        """When the state of now began: joined, started to wait, or left."""
        if self.section == "present":
            return self.person.joined_at
        return self.person.waits_since or self.left_at

    @property
    def left_at(self) -> datetime | None:
        return max((stay.end for stay in self.person.stays if stay.end), default=None)

    @property
    def key(self) -> str:
        """The order within a section: by the second, and then by who came first into the log."""
        return f"{int(self.since.timestamp()) if self.since else 0}.{self.person.head % 10**6:06d}"

    @property
    def sort_key(self) -> tuple[int, int]:
        return (int(self.since.timestamp()) if self.since else 0, self.person.head % 10**6)

    @cached_property
    def name(self) -> str:
        return self.person.name or self.person.email or self.person.phone

    def matches(self, words: Iterable[str]) -> bool:
        person = self.person
        known = " ".join([*person.names, person.email, person.phone]).casefold()
        return all(word in known for word in words)

    # Visits

    @property
    def visits(self) -> int:
        return len(self.person.visits)

    @property
    def is_back(self) -> bool:
        return self.person.is_present and self.visits > 1

    @property
    def back_at(self) -> datetime:
        return self.person.visits[-1][0]

    @cached_property
    def is_join_heard(self) -> bool:
        """False: was in before anybody listened, so that a leave, or less, is the first thing known."""
        first = self._first_inside
        return first is None or self._legs[first.leg_pk].joined_at is not None

    @property
    def is_least_known(self) -> bool:
        """Where no join was heard: is there a time worth a word that this person was in for at least?"""
        return self.counts_from is not None or self.stayed >= timedelta(minutes=1)

    @property
    def visits_at_most(self) -> Iterable[tuple[datetime, datetime | None]]:
        """The visits, if a join that nobody heard was as early as the axis."""
        if self.is_join_heard:
            return self.person.visits
        (_, end), *later = self.person.visits
        return [(self.axis.start, end), *later]

    @property
    def waited(self) -> timedelta:
        """How long this person was kept waiting before now."""
        return sum((stay.end - stay.start for stay in self._waits if stay.end), timedelta())

    @property
    def has_waited(self) -> bool:
        return self.waited >= timedelta(minutes=1)

    @property
    def stayed(self) -> timedelta:
        """The length of the visits that are over."""
        return sum((end - start for start, end in self.person.visits if end), timedelta())

    @property
    def counts_from(self) -> datetime | None:
        """An instant whose age is the time in the meeting so far, while it grows."""
        still_in = next((start for start, end in self.person.visits if end is None), None)
        return still_in - self.stayed if still_in else None

    @property
    def room(self) -> int | None:
        """The number of the breakout room that this person is in now."""
        open_rooms = [stay.room for stay in self.person.stays if stay.end is None and stay.place == Place.BREAKOUT_ROOM]
        return self.rooms.get(open_rooms[-1]) if open_rooms else None

    @property
    def all_devices(self) -> int:
        """How many devices this person has come with, now or before."""
        return len(self._devices)

    def leg(self, stay: Stay) -> Any:
        return self._legs[stay.leg_pk]

    def device(self, leg: Any) -> int:
        """The number of a leg's device among those of this person."""
        return self._devices[_device(leg)]

    @cached_property
    def _devices(self) -> dict[str, int]:
        legs = sorted(self.person.legs, key=lambda leg: leg.pk)
        keys = dict.fromkeys(_device(leg) for leg in legs)
        return {key: number for number, key in enumerate(keys, start=1)}

    @cached_property
    def _legs(self) -> dict[int, Any]:
        return {leg.pk: leg for leg in self.person.legs}

    @property
    def _waits(self) -> list[Stay]:
        return [stay for stay in self.person.stays if stay.place not in INSIDE]

    @cached_property
    def _first_inside(self) -> Stay | None:
        return next((stay for stay in self.person.stays if stay.place in INSIDE), None)

    # Bars

    @cached_property
    def bars(self) -> list[Bar]:
        """Every stay, those at the same time one above the other; and before the first what nobody heard."""
        stays = self.person.stays
        lanes = _lanes(stays)
        count = max(lanes, default=0) + 1
        bars = [self._bar(stay, lane, count) for stay, lane in zip(stays, lanes, strict=True)]
        if not self.is_join_heard and self._first_inside:
            lane = lanes[stays.index(self._first_inside)]
            bars.insert(0, self._unheard(self._first_inside.start, lane, count))
        return bars

    def _bar(self, stay: Stay, lane: int, lanes: int) -> Bar:
        return self._place(self._kind(stay), stay.start, stay.end, lane, lanes, self._words(stay))

    def _unheard(self, until: datetime, lane: int, lanes: int) -> Bar:
        bar = self._place("unk", self.axis.start, until, lane, lanes, "was in, nobody heard since when")
        return replace(bar, start=None)

    def _place(self, kind: str, start: datetime, end: datetime | None, lane: int, lanes: int, words: str) -> Bar:
        left = min(self.axis.share(start), 1 - LEAST_WIDTH)
        width = max(self.axis.share(end or self.axis.end) - left, LEAST_WIDTH)
        height = SHARES[kind] / lanes
        y = (lane + 0.5) / lanes - height / 2
        return Bar(kind, _percent(left), _percent(width), _percent(y), _percent(height), words, start, end)

    def _kind(self, stay: Stay) -> str:
        if stay.place not in INSIDE:
            return "wt"
        if stay.place == Place.BREAKOUT_ROOM:
            return "br"
        if stay.end is None:
            return "in"
        return "past" if self.person.is_present else "out"

    def _words(self, stay: Stay) -> str:
        """'in breakout room 2, device 1 of 2, left the meeting. Reason : Host ended the meeting.'"""
        leg = self._legs[stay.leg_pk]
        parts = [self._place_words(stay)]
        if self.all_devices > 1:
            parts.append(f"device {self.device(leg)} of {self.all_devices}")
        parts += [f"by phone {leg.phone}"] if leg.phone else []
        parts += [f"as {leg.name}"] if leg.name and leg.name != self.name else []
        parts += [leg.leave_reason] if leg.leave_reason and stay.end else []
        return ", ".join(parts)

    def _place_words(self, stay: Stay) -> str:
        number = self.rooms.get(stay.room)
        return f"in breakout room {number}" if number else PLACES[Place(stay.place)]


def _percent(share: float) -> str:
    return f"{share * 100:.2f}%"


def _device(leg: Any) -> str:
    return leg.participant_uuid or f"leg {leg.pk}"


def _lanes(stays: Sequence[Stay]) -> list[int]:
    """For each stay the first lane that is free by then. A device that comes back where it left needs no other."""
    ends: list[datetime | None] = []
    lanes = []
    for stay in stays:
        free = (at for at, end in enumerate(ends) if end is not None and end <= stay.start + MOVE)
        lane = min(next(free, len(ends)), LANES - 1)
        ends[lane : lane + 1] = [stay.end]
        lanes.append(lane)
    return lanes


@dataclass(frozen=True)
class Section:
    """One list of the page: `rows` are those that match, in order; `count` is how many there are at all."""

    name: str
    rows: list[Row]
    count: int
    window: Window

    @property
    def order(self) -> str:
        return SECTIONS[self.name]

    @property
    def most(self) -> int | None:
        return self.window.most

    @property
    def is_filtered(self) -> bool:
        return bool(self.window.words)

    @property
    def shown(self) -> list[Row]:
        return self.rows[: self.most]

    @property
    def hidden(self) -> int:
        return len(self.rows) - len(self.shown)


@dataclass(frozen=True)
class Roster:
    """One meeting with its people. `now` moves the axis of a meeting that goes on, and nothing else."""

    meeting: Meeting
    now: datetime
    window: Window = Window()

    @cached_property
    def people(self) -> list[Person]:
        legs = self.meeting.legs.all()
        return people(legs, started_at=self.meeting.started_at, ended_at=self.meeting.ended_at)

    @cached_property
    def axis(self) -> charts.Axis:
        return self.axis_at(self.now)

    def axis_at(self, now: datetime, *, up_to_revision: int | None = None) -> charts.Axis:
        """The axis as it was at an instant, from the legs that had not changed since a revision."""
        stays = [
            stay
            for person in self.people
            for stay in person.stays
            if up_to_revision is None or self._revisions[stay.leg_pk] <= up_to_revision
        ]
        began = self.meeting.started_at or self.meeting.seen_at or now
        first = min((stay.start for stay in stays), default=began)
        if self.meeting.is_live:
            return charts.axis(first, max(first, now))
        # with the meeting's own end, so that a leave that comes late cannot make the axis shorter than it was
        ends = [stay.end for stay in stays if stay.end] + [self.meeting.ended_at or first]
        return charts.axis(first, max(*ends, first))

    @cached_property
    def _revisions(self) -> dict[int, int]:
        return {leg.pk: leg.revision for person in self.people for leg in person.legs}

    @cached_property
    def rooms(self) -> dict[str, int]:
        """The breakout rooms, numbered as they came into the log, so that a number is kept. Zoom sends no names."""
        legs = sorted((leg for person in self.people for leg in person.legs if leg.room), key=lambda leg: leg.pk)
        return {room: number for number, room in enumerate(dict.fromkeys(leg.room for leg in legs), start=1)}

    @cached_property
    def rows(self) -> list[Row]:
        return [Row(person, self.axis, self.rooms) for person in self.people]

    @cached_property
    def sections(self) -> list[Section]:
        return [self._section(name) for name in SECTIONS]

    def _section(self, name: str) -> Section:
        every = [row for row in self.rows if row.section == name]
        matching = [row for row in every if row.matches(self.window.words)]
        rows = sorted(matching, key=lambda row: row.sort_key, reverse=SECTIONS[name] == "desc")
        return Section(name, rows, len(every), self.window)

    @property
    def present(self) -> Section:
        return self.sections[0]

    @property
    def waiting(self) -> Section:
        return self.sections[1]

    @property
    def left(self) -> Section:
        return self.sections[2]

    @property
    def matching(self) -> int:
        return sum(len(section.rows) for section in self.sections)

    @property
    def began_at(self) -> datetime | None:
        return self.meeting.started_at or self.meeting.seen_at

    @property
    def length(self) -> timedelta | None:
        ended_at = self.meeting.ended_at
        return ended_at - self.began_at if ended_at and self.began_at else None

    # People over time

    @cached_property
    def unheard(self) -> list[Row]:
        """Those who were in before anybody listened."""
        return [row for row in self.rows if not row.is_join_heard]

    @cached_property
    def least_curve(self) -> charts.Curve:
        """People over time, as far as is known."""
        return self._thinned(curve(self.people))

    @cached_property
    def most_curve(self) -> charts.Curve:
        """The same if those whose joins nobody heard were in from the left edge on."""
        return self._thinned(charts.spans_curve(visit for row in self.rows for visit in row.visits_at_most))

    def _thinned(self, steps: charts.Curve) -> charts.Curve:
        """The greatest value of each stretch, where there are more changes than can be seen or should be sent."""
        if len(steps) <= STRIP_PARTS:
            return steps
        part = (self.axis.end - self.axis.start) / STRIP_PARTS
        values = charts.buckets(steps, self.axis.start, part, STRIP_PARTS)
        starts = [self.axis.start + part * number for number in range(STRIP_PARTS)]
        return [(at, value) for at, value, before in zip(starts, values, [0, *values], strict=False) if value != before]

    @property
    def peak(self) -> int:
        """The most people at once, as far as is known."""
        return max(self.meeting.peak, 1 if self.unheard else 0)

    @property
    def most_peak(self) -> int:
        return max(self.peak, *(value for _, value in self.most_curve)) if self.unheard else self.peak

    @cached_property
    def strip(self) -> charts.Shape | None:
        """People over time, up to the right edge; the page covers what is still to come."""
        return self._shape(self.least_curve)

    @property
    def most_strip(self) -> charts.Shape | None:
        return self._shape(self.most_curve) if self.unheard else None

    def _shape(self, steps: charts.Curve) -> charts.Shape | None:
        if not steps:
            return None
        highest = max(self.most_peak, *(value for _, value in steps), 1)
        return charts.timeline(steps, self.axis, width=STRIP_WIDTH, height=STRIP_HEIGHT, highest=highest)

    @property
    def marks(self) -> list[tuple[datetime, int]]:
        """How many were in at each mark of the axis, up to the last change, for who cannot see the curve."""
        steps = self.least_curve
        last = steps[-1][0] if steps else self.axis.start
        return [
            (tick, next((value for at, value in reversed(steps) if at <= tick), 0))
            for tick in self.axis.ticks
            if tick <= last
        ]

    @property
    def readout(self) -> str:
        """The curves as numbers, in JSON, for who points at them."""
        curves = {"People": self.least_curve} | ({"At most": self.most_curve} if self.unheard else {})
        series = [
            {"name": name, "points": [[charts.milliseconds(at), value] for at, value in steps]}
            for name, steps in curves.items()
        ]
        spans = {"series": series, "from": self.axis.start_ms, "until": self.axis.end_ms}
        return json.dumps(spans, separators=(",", ":"))
