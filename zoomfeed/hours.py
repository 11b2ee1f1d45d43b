"""What goes on in each hour, over all meetings together: how many people and meetings at once, and for how long.

The peak of an hour cannot be had from the peaks of its meetings, so it is counted from the legs. Hours before
`Head.hours_until` are closed: each has an Hour row. Whatever changes what went on in a closed hour marks its row as
touched, in the transaction of the change and under its lock; a row that was counted at an earlier revision than it was
touched at is stale, and is counted again (`counting`). The hours since are counted by whoever wants to know.

So nothing is counted while events are recorded, order cannot matter, and no clock decides whether a change counts.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

from django.db.models import Q

from zoomfeed.attendance import Person, people
from zoomfeed.models import BEGAN, Head, Hour, Leg, Meeting

HOUR = timedelta(hours=1)

LONGEST = timedelta(hours=30)
"""Zoom ends every meeting after 30 hours. What claims to run for longer lacks its end, and counts no further."""

SETTLE = timedelta(minutes=2)
"""An hour is closed so long after its end: by then most of what is told of it has come."""

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Run:
    """The times of one meeting: its own, and those of its people, who count while it runs."""

    span: Span
    visits: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """What went on in a stretch of time. The names are those of the columns of Hour."""

    people: int = 0
    meetings: int = 0
    person_s: int = 0
    meeting_s: int = 0
    began: int = 0
    ran: int = 0


def floor(at: datetime) -> datetime:
    """The begin of the hour in which `at` is."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def between(start: datetime, end: datetime) -> Iterator[datetime]:
    """The hours of a time: those in which a part of it is, and the first one also when it is no time at all."""
    hour = floor(start)
    while hour < end or hour == floor(start):
        yield hour
        hour += HOUR


# Pure: from meetings to figures


def run_of(meeting: Meeting, persons: Iterable[Person], until: datetime) -> Run | None:
    """What counts of a meeting before `until`, up to which everything lasts that has not ended. None: nothing."""
    begin = meeting.began_at
    if begin is None or begin >= until:
        return None
    ended_at = None if meeting.is_live else meeting.ended_at
    span = begin, max(min(ended_at or until, until, begin + LONGEST), begin)
    visits = (_within((start, end or until), span) for person in persons for start, end in person.visits)
    return Run(span, tuple(visit for visit in visits if visit))


def figures(runs: Iterable[Run], start: datetime, end: datetime) -> Figures:
    """What went on from `start` on and before `end`."""
    runs = [run for run in runs if run.span[0] < end]
    spans = [part for run in runs if (part := _within(run.span, (start, end)))]
    visits = [part for run in runs for visit in run.visits if (part := _within(visit, (start, end)))]
    began = sum(run.span[0] >= start for run in runs)
    at_once_of_no_time = sum(run.span[0] >= start and run.span[0] == run.span[1] for run in runs)
    return Figures(
        people=at_once(visits),
        meetings=at_once(spans),
        person_s=_seconds(visits),
        meeting_s=_seconds(spans),
        began=began,
        ran=len(spans) + at_once_of_no_time,
    )


def at_once(spans: Iterable[Span]) -> int:
    """The most of them at once. One that ends as another begins is not there with it."""
    changes: Counter[datetime] = Counter()
    for start, end in spans:
        changes[start] += 1
        changes[end] -= 1
    return max(accumulate(change for _, change in sorted(changes.items())), default=0)


def _within(span: Span, bounds: Span) -> Span | None:
    start, end = max(span[0], bounds[0]), min(span[1], bounds[1])
    return (start, end) if start < end else None


def _seconds(spans: Iterable[Span]) -> int:
    return int(sum((end - start for start, end in spans), timedelta()).total_seconds())


# From rows to figures


def runs(start: datetime, end: datetime) -> list[Run]:
    """The meetings that ran in a time, as they were until its end. Two queries, along the index of begins."""
    lasts = Q(ended_at=None) | Q(ended_at__gt=start) | Q(present__gt=0) | Q(began__gte=start)
    ran = Meeting.objects.began_within(start - LONGEST, end).filter(lasts)
    meetings = {meeting.pk: meeting for meeting in ran.only("started_at", "seen_at", "ended_at", "present")}
    legs: dict[int, list[Any]] = defaultdict(list)
    for leg in Leg.objects.filter(meeting__in=list(meetings)).values_list("meeting_id", *OF_A_LEG, named=True):
        legs[leg.meeting_id].append(leg)
    found = (
        run_of(meeting, people(legs[pk], started_at=meeting.started_at, ended_at=meeting.ended_at), end)
        for pk, meeting in meetings.items()
    )
    return [run for run in found if run]


OF_A_LEG = (
    "pk",
    "user_id",
    "place",
    "room",
    "participant_uuid",
    "zoom_user_id",
    "registrant_id",
    "customer_key",
    "seen_at",
    "joined_at",
    "last_joined_at",
    "left_at",
)
"""What tells who was where and when. No names."""


# What a change touches


class Ledger:
    """Which closed hours a batch changes: those in which a meeting is not as it was before. Under the write lock."""

    def __init__(self) -> None:
        self._until = Head.objects.values_list("hours_until", flat=True).filter(pk=1).first()
        self._before: dict[int, dict[datetime, list[Span]]] = {}
        self._touched: set[datetime] = set()

    def before(self, meeting: Meeting, legs: Iterable[Leg]) -> None:
        """A meeting as it is known. Most began since the last closed hour, and then there is nothing to look at."""
        if self._until is None or meeting.began_at is None or meeting.began_at >= self._until:
            return
        persons = people(legs, started_at=meeting.started_at, ended_at=meeting.ended_at)
        self._before[meeting.pk] = _parts(meeting, persons, self._until)

    def after(self, meeting: Meeting, persons: Iterable[Person]) -> None:
        if self._until is None:
            return
        before, after = self._before.get(meeting.pk, {}), _parts(meeting, persons, self._until)
        self._touched |= {hour for hour in before.keys() | after.keys() if before.get(hour) != after.get(hour)}

    def write(self, revision: int) -> None:
        _mark(self._touched, revision)


def _parts(meeting: Meeting, persons: Iterable[Person], until: datetime) -> dict[datetime, list[Span]]:
    """All that counts of a meeting before `until`, by hour."""
    parts: dict[datetime, list[Span]] = defaultdict(list)
    if run := run_of(meeting, persons, until):
        begin = run.span[0]
        parts[floor(begin)].append((begin, begin))  # else a begin on the hour and one before it would look alike
        for span in (run.span, *sorted(run.visits)):
            for hour in between(*span):
                parts[hour].append(_within(span, (hour, hour + HOUR)) or span)
    return parts


def _mark(touched: Iterable[datetime], revision: int) -> None:
    rows = [Hour(start=hour, touched=revision) for hour in sorted(touched)]
    if rows:
        Hour.objects.bulk_create(rows, update_conflicts=True, unique_fields=["start"], update_fields=["touched"])


# All of it anew


def forget(head: Head) -> None:
    """No hour is closed, so nothing needs to be marked until `begin`. Under the write lock."""
    head.hours_until = None
    head.save(update_fields=["hours_until"])


def begin(head: Head, revision: int, now: datetime) -> None:
    """Close the hours that are over, and have all of them counted in which anything went on. Under the write lock."""
    until = floor(now - SETTLE)
    touched: set[datetime] = set()
    spans = Meeting.objects.annotate(began=BEGAN).filter(began__lt=until).values_list("began", "ended_at", "present")
    for began_at, ended_at, present in spans.iterator():
        last = until if ended_at is None or present else min(ended_at, until)
        touched.update(between(began_at, min(last, began_at + LONGEST)))
    Hour.objects.update(touched=revision)  # also those in which nothing goes on any more
    close(head, revision, until, touched)


def close(head: Head, revision: int, until: datetime, hours: Iterable[datetime]) -> None:
    """Nothing changes before `until` any more without a mark; `hours` are marked already. Under the write lock."""
    _mark(hours, revision)
    head.hours_until = until
    head.save(update_fields=["hours_until"])
