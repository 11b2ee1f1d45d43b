"""What a meeting's page shows, as plain values: who is in, who waits, who left, and when, on one axis of time.

The axis is the one thing here that looks at the clock, and it does so in steps: whoever knows when a page was painted
can tell whether its axis still holds.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from dashboard import charts
from zoomfeed.attendance import INSIDE, Person, Stay, curve, people
from zoomfeed.models import Meeting

SECTIONS = {"present": "asc", "waiting": "asc", "left": "desc"}
"""The lists of the page, and which end of their keys comes first."""

STRIP_WIDTH, STRIP_HEIGHT = 1000, 57


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch on the axis. `open_ms`: it lasts, and began then."""

    kind: str
    x: str
    width: str
    open_ms: int | None = None


@dataclass(frozen=True)
class Row:
    """One person."""

    person: Person
    axis: charts.Axis

    @property
    def id(self) -> str:
        return f"p-{self.person.head}"

    @property
    def other_ids(self) -> list[str]:
        """Names under which this person may have stood before it was known that these legs are one person."""
        return [f"p-{leg.pk}" for leg in self.person.legs if leg.pk != self.person.head]

    @property
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

    @property
    def name(self) -> str:
        return self.person.name or self.person.email or self.person.phone

    @property
    def visits(self) -> int:
        return len(self.person.visits)

    @property
    def is_back(self) -> bool:
        return self.person.is_present and self.visits > 1

    @property
    def back_at(self) -> datetime:
        return self.person.visits[-1][0]

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
    def _waits(self) -> list[Stay]:
        return [stay for stay in self.person.stays if stay.place not in INSIDE]

    @cached_property
    def bars(self) -> list[Bar]:
        gone = "past" if self.person.is_present else "out"
        waits = [self._bar("wt", stay.start, stay.end) for stay in self._waits]
        visits = [self._bar("in" if end is None else gone, start, end) for start, end in self.person.visits]
        return waits + visits

    def _bar(self, kind: str, start: datetime, end: datetime | None) -> Bar:
        width = self.axis.share(end or self.axis.end) - self.axis.share(start)
        open_ms = charts.milliseconds(start) if end is None else None
        return Bar(kind, self.axis.percent(start), f"{width * 100:.2f}%", open_ms)


@dataclass(frozen=True)
class Roster:
    """One meeting with its people. `now` moves the axis of a meeting that goes on, and nothing else."""

    meeting: Meeting
    now: datetime

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
        last = max((stay.end for stay in stays if stay.end), default=first)
        return charts.axis(first, max(last, first))

    @cached_property
    def _revisions(self) -> dict[int, int]:
        return {leg.pk: leg.revision for person in self.people for leg in person.legs}

    @cached_property
    def rows(self) -> list[Row]:
        return [Row(person, self.axis) for person in self.people]

    def section(self, name: str) -> list[Row]:
        rows = [row for row in self.rows if row.section == name]
        return sorted(rows, key=lambda row: row.sort_key, reverse=SECTIONS[name] == "desc")

    @property
    def present(self) -> list[Row]:
        return self.section("present")

    @property
    def waiting(self) -> list[Row]:
        return self.section("waiting")

    @property
    def left(self) -> list[Row]:
        return self.section("left")

    @property
    def left_count(self) -> int:
        return sum(1 for row in self.rows if row.section == "left")

    @property
    def began_at(self) -> datetime | None:
        return self.meeting.started_at or self.meeting.seen_at

    @property
    def length(self) -> timedelta | None:
        ended_at = self.meeting.ended_at
        return ended_at - self.began_at if ended_at and self.began_at else None

    @cached_property
    def strip(self) -> charts.Shape | None:
        """People over time, up to the right edge; the page covers what is still to come."""
        steps = curve(self.people)
        highest = max(self.meeting.peak, *(value for _, value in steps), 1) if steps else 1
        return (
            charts.timeline(steps, self.axis, width=STRIP_WIDTH, height=STRIP_HEIGHT, highest=highest)
            if steps
            else None
        )
