"""What the live board shows, as plain values: cards, what has just ended, the numbers, and the last 24 hours.

Everything but `Day` is a function of recorded rows alone, so that a card painted with the page and a card sent later
are the same. `Day` looks at the clock; it is made at most every few seconds in each process and keeps the revision at
which it was made, by which a page's need of it is decided.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from django.db.models import Count, Max, Prefetch, Q, QuerySet, Sum
from django.utils import timezone

from dashboard import charts
from zoomfeed.attendance import Person, curve, people
from zoomfeed.models import Head, Leg, Meeting

FACES = 5
ENDED = 8
"""How many ended meetings the board lists."""

SPARK_PARTS = 26
DAY = timedelta(hours=24)
LINE_STEP, BAR_STEP = timedelta(minutes=5), timedelta(minutes=20)
DAY_KEEP_LEAST_S, DAY_KEEP_MOST_S = 1.0, 60.0
DAY_SHARE = 0.05
"""The share of one processor's time that may go into making days."""


LEGS = Leg.objects.defer("stamps")


@dataclass(frozen=True)
class Card:
    """One meeting that goes on."""

    meeting: Meeting

    @property
    def id(self) -> str:
        return f"m-{self.meeting.pk}"

    @cached_property
    def people(self) -> list[Person]:
        legs = self.meeting.legs.all()
        return people(legs, started_at=self.meeting.started_at, ended_at=self.meeting.ended_at)

    @property
    def is_pending(self) -> bool:
        """People are there, but nobody may be in yet."""
        return self.meeting.started_at is None and not self.meeting.present and self.meeting.waiting > 0

    @property
    def count(self) -> int:
        return self.meeting.waiting if self.is_pending else self.meeting.present

    @property
    def key(self) -> str:
        """The order of the board, largest first; no two meetings have the same."""
        return f"{self.count}.{self.meeting.pk % 10**9:09d}"

    @property
    def since(self) -> datetime | None:
        return self.meeting.started_at or self.meeting.seen_at

    @property
    def started_ms(self) -> int:
        return charts.milliseconds(self.since) if self.since else 0

    @cached_property
    def there(self) -> list[Person]:
        return [person for person in self.people if (person.is_waiting if self.is_pending else person.is_present)]

    @property
    def faces(self) -> list[Person]:
        return self.there[:FACES]

    @property
    def more(self) -> int:
        return len(self.there) - len(self.faces)

    @property
    def search(self) -> str:
        """What the board's search looks through: who is there counts as much as what it is called."""
        meeting = self.meeting
        here = (person.name for person in self.people if person.place)
        return " ".join([meeting.topic, meeting.host_name, meeting.host_email, meeting.number, *here]).casefold()

    @cached_property
    def spark(self) -> charts.Shape | None:
        """People over time up to the last change; the card is painted again at the next one."""
        steps = curve(self.people)
        if len(steps) < 2:
            return None
        part = max((steps[-1][0] - steps[0][0]) / (SPARK_PARTS - 1), timedelta(seconds=1))
        values = charts.buckets(steps, steps[0][0], part, SPARK_PARTS)
        return charts.steps(values, width=100, height=28, highest=max(*values, 1))


@dataclass(frozen=True)
class Ended:
    """One meeting that is over."""

    meeting: Meeting

    @property
    def id(self) -> str:
        return f"x-{self.meeting.pk}"

    @property
    def sort_key(self) -> tuple[int, int]:
        """By the second, and then by number; small enough for the numbers of browsers when put together."""
        return (int(self.meeting.ended_at.timestamp()) if self.meeting.ended_at else 0, self.meeting.pk % 10**5)

    @property
    def key(self) -> str:
        return "{}.{:05d}".format(*self.sort_key)

    @property
    def length(self) -> timedelta | None:
        began = self.meeting.started_at or self.meeting.seen_at
        return self.meeting.ended_at - began if began and self.meeting.ended_at else None


@dataclass(frozen=True, slots=True)
class Totals:
    """The numbers of now. People are counted once for each meeting that they are in."""

    meetings: int
    pending: int
    people: int
    largest: int
    people_waiting: int
    waiting_in: int


@dataclass(frozen=True)
class Day:
    """The last 24 hours, made at one revision."""

    revision: int
    at: datetime
    people_curve: list[tuple[datetime, int]]
    meetings_curve: list[tuple[datetime, int]]
    people: int
    meetings: int
    axis: charts.Axis = field(init=False)

    def __post_init__(self) -> None:
        end = charts.floor(self.at, LINE_STEP) + LINE_STEP
        object.__setattr__(self, "axis", charts.Axis(end - DAY, end))

    @cached_property
    def line_values(self) -> list[int]:
        return charts.buckets(self.people_curve, self.axis.start, LINE_STEP, DAY // LINE_STEP)

    @cached_property
    def bar_values(self) -> list[int]:
        return charts.buckets(self.meetings_curve, self.axis.start, BAR_STEP, DAY // BAR_STEP)

    @property
    def peak(self) -> int:
        return max(self.line_values)

    @property
    def peak_at(self) -> datetime:
        return self.axis.start + self.line_values.index(self.peak) * LINE_STEP

    @property
    def top(self) -> int:
        return charts.top(self.peak, 3)

    @property
    def bars_top(self) -> int:
        return charts.top(max(self.bar_values))

    @property
    def marks(self) -> list[int]:
        return [self.top, self.top * 2 // 3, self.top // 3, 0]

    @cached_property
    def line(self) -> charts.Shape:
        return charts.steps(self.line_values, width=1000, height=200, highest=self.top)

    @cached_property
    def bars(self) -> list[charts.Rect]:
        return charts.bars(self.bar_values, width=1000, height=40, highest=self.bars_top)


def with_legs(meetings: QuerySet[Meeting]) -> QuerySet[Meeting]:
    return meetings.defer("stamps").prefetch_related(Prefetch("legs", LEGS))


def cards() -> list[Card]:
    """The board, largest first. Two queries."""
    found = [Card(meeting) for meeting in with_legs(Meeting.objects.live())]
    return sorted(found, key=lambda card: (card.count, card.meeting.pk), reverse=True)


def ended() -> list[Ended]:
    newest = Meeting.objects.ended().defer("stamps").order_by("-ended_at", "-pk")[:ENDED]
    return sorted(map(Ended, newest), key=lambda over: over.sort_key, reverse=True)


def totals() -> Totals:
    pending = Q(started_at=None, present=0, waiting__gt=0)
    found = Meeting.objects.live().aggregate(
        meetings=Count("pk"),
        pending=Count("pk", filter=pending),
        people=Sum("present", default=0),
        largest=Max("present", default=0),
        people_waiting=Sum("waiting", default=0),
        waiting_in=Count("pk", filter=Q(waiting__gt=0)),
    )
    return Totals(**found)


_days: dict[str, tuple[float, Day]] = {}
"""Until when a day may stand, and the day."""

_making = threading.Lock()


def day(head: Head) -> Day:
    """The last 24 hours as of a moment ago. Dear in a large organisation, so it is made for all, and then kept."""
    epoch = str(head.epoch)
    with _making:
        stands_until, made = _days.get(epoch, (0.0, None))
        began_at = time.monotonic()
        if made is None or (began_at > stands_until and _is_old(made, head)):
            made = _make_day(head.revision, timezone.now())
            took_s = time.monotonic() - began_at
            keep_s = min(max(took_s / DAY_SHARE, DAY_KEEP_LEAST_S), DAY_KEEP_MOST_S)
            _days.clear()
            _days[epoch] = (began_at + keep_s, made)
        return made


def _is_old(made: Day, head: Head) -> bool:
    """Has anything happened since, or is its right edge in the past?"""
    return head.revision > made.revision or timezone.now() >= made.axis.end


def _make_day(revision: int, now: datetime) -> Day:
    recent = Meeting.objects.filter(Q(ended_at__gte=now - DAY) | Q(pk__in=Meeting.objects.live()))
    meetings = list(recent.only("pk", "started_at", "ended_at", "seen_at"))
    persons = _people_of(meetings)
    spans = [(began, meeting.ended_at) for meeting in meetings if (began := meeting.started_at or meeting.seen_at)]
    return Day(
        revision=revision,
        at=now,
        people_curve=charts.add(curve(of_meeting) for of_meeting in persons),
        meetings_curve=charts.spans_curve(spans),
        people=sum(1 for of_meeting in persons for person in of_meeting if _was_in(person, now - DAY)),
        meetings=len(meetings),
    )


def _people_of(meetings: Iterable[Meeting]) -> list[list[Person]]:
    """The people of each meeting, in one query."""
    by_pk = {meeting.pk: meeting for meeting in meetings}
    legs = defaultdict(list)
    for leg in LEGS.filter(meeting__in=list(by_pk)):
        legs[leg.meeting_id].append(leg)
    return [
        people(of_meeting, started_at=by_pk[pk].started_at, ended_at=by_pk[pk].ended_at)
        for pk, of_meeting in legs.items()
    ]


def _was_in(person: Person, since: datetime) -> bool:
    return any(end is None or end >= since for _, end in person.visits)
