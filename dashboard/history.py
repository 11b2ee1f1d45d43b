"""What the history shows, as plain values: hours, days and hosts of a span, and the shapes of its charts.

Days, hours and weekdays are those of the site's time zone. Figures come from the Hour rows; the few hours that are not
closed yet, or have changed since, are counted here, so that a page is right at once.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import groupby

from django.db.models import Count, F, Max, Q, Sum
from django.utils import timezone

from dashboard import charts
from dashboard.history_form import Span
from zoomfeed import hours
from zoomfeed.hours import HOUR, Figures
from zoomfeed.models import Gap, Head, Hour, Meeting, ZoomUser
from zoomfeed.veil import letters
from zoomfeed.viewer import Viewer

HOSTS = 10
OWN = 3
"""How many hours a page counts itself. Usually it is one or two; what is more is said to be on its way."""

KEEP_LEAST_S, KEEP_MOST_S, SHARE = 1.0, 60.0, 0.005
"""How long what was counted here may stand, and the share of a processor's time that counting it may take."""

BY_HOUR_DAYS = 14
"""Up to so many days the peaks are shown by the hour, beyond it by the day."""

TICKS = 7
LEVELS = 8
WIDTH, HEIGHT, BARS = 1000, 200, 40

NAMES = tuple(field.name for field in fields(Figures))


@dataclass(frozen=True, slots=True)
class Part:
    """An hour or a day of the span, and what went on in it. Of a day: the peaks of its hours, and the sums."""

    start: datetime
    end: datetime
    figures: Figures

    @property
    def person_hours(self) -> float:
        return self.figures.person_s / 3600

    @property
    def meeting_hours(self) -> float:
        return self.figures.meeting_s / 3600


@dataclass(frozen=True, slots=True)
class Tick:
    x: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Cell:
    """An hour of the week. `level` is its colour, from 0; None: no such hour in the span yet."""

    hour: int
    people: int
    meetings: int
    level: int | None


@dataclass(frozen=True, slots=True)
class Host:
    """Whoever has held the most meetings. `share` is the length of a bar."""

    host_id: str
    name: str
    email: str
    meetings: int
    hours: float
    person_hours: float
    share: str


@dataclass(frozen=True)
class Chart:
    """A line of one series, bars of another below it, over the parts of a span."""

    parts: Sequence[Part]
    line_of: Callable[[Part], int]
    bars_of: Callable[[Part], int]
    axis: charts.Axis
    total: int

    @cached_property
    def lines(self) -> list[int]:
        return [self.line_of(part) for part in self.parts]

    @cached_property
    def amounts(self) -> list[int]:
        return [self.bars_of(part) for part in self.parts]

    @property
    def top(self) -> int:
        return charts.top(max(self.lines, default=0), 3)

    @property
    def marks(self) -> list[int]:
        return [self.top, self.top * 2 // 3, self.top // 3, 0]

    @property
    def bars_top(self) -> int:
        return charts.top(max(self.amounts, default=0))

    @cached_property
    def line(self) -> charts.Shape:
        width = WIDTH * len(self.lines) / max(self.total, 1)
        return charts.steps(self.lines, width=width, height=HEIGHT, highest=self.top)

    def _bars(self, values: Sequence[int], height: float, highest: int) -> list[charts.Rect]:
        ahead = [0] * (self.total - len(values))
        return charts.bars([*values, *ahead], width=WIDTH, height=height, highest=highest)

    @cached_property
    def bars(self) -> list[charts.Rect]:
        return self._bars(self.amounts, BARS, self.bars_top)

    @cached_property
    def line_bars(self) -> list[charts.Rect]:
        """The first series as bars: of sums, between which nothing can be read."""
        return self._bars(self.lines, HEIGHT, self.top)

    def readout(self, line: str, bars: str) -> str:
        """What readout.js reads out: both series, nothing after the last part."""
        series = {line: self.lines, bars: self.amounts}
        curves = {name: [(p.start, v) for p, v in zip(self.parts, of, strict=True)] for name, of in series.items()}
        return charts.readout(self.axis, **curves)

    @property
    def peaks_readout(self) -> str:
        return self.readout("People at once", "Meetings at once")

    @property
    def time_readout(self) -> str:
        return self.readout("Person-hours", "Meeting-hours")

    @cached_property
    def ticks(self) -> list[Tick]:
        """Where days begin, not too many of them; of a day or two, some of the hours."""
        starts = [self._start(number) for number in range(self.total)]
        whole = [number for number, at in enumerate(starts) if self.is_of_hours or number == 0 or local(at).hour == 0]
        step = -(-len(whole) // TICKS)
        return [Tick(f"{number / self.total * 100:.2f}%", starts[number]) for number in whole[:: max(step, 1)]]

    @property
    def is_of_hours(self) -> bool:
        return self.axis.end - self.axis.start <= timedelta(days=2, hours=1)

    def _start(self, number: int) -> datetime:
        if number < len(self.parts):
            return self.parts[number].start
        return self.axis.start + (self.axis.end - self.axis.start) * number / self.total


@dataclass(frozen=True)
class History:
    """The figures of a span as of a moment. `pending` hours are being counted: they may change."""

    span: Span
    at: datetime
    hours: Sequence[Part]
    pending: int

    @cached_property
    def days(self) -> list[Part]:
        by_day = groupby(self.hours, key=lambda part: local(part.start).date())
        return [_together(list(parts)) for _, parts in by_day]

    @property
    def is_by_hour(self) -> bool:
        return self.span.days <= BY_HOUR_DAYS

    @property
    def peak_parts(self) -> Sequence[Part]:
        return self.hours if self.is_by_hour else self.days

    @property
    def time_parts(self) -> Sequence[Part]:
        return self.hours if self.span.days <= 2 else self.days

    @cached_property
    def axis(self) -> charts.Axis:
        return charts.Axis(self.span.start, self.span.end)

    @cached_property
    def peaks(self) -> Chart:
        parts = self.peak_parts
        return Chart(parts, lambda p: p.figures.people, lambda p: p.figures.meetings, self.axis, self._total(parts))

    @cached_property
    def times(self) -> Chart:
        parts = self.time_parts
        return Chart(
            parts, lambda p: round(p.person_hours), lambda p: round(p.meeting_hours), self.axis, self._total(parts)
        )

    def _total(self, parts: Sequence[Part]) -> int:
        """How many parts there will be when the span is over."""
        return self.span.days if parts is self.days else len(_starts(self.span.start, self.span.end))

    @cached_property
    def sums(self) -> Part:
        return _together(self.hours) if self.hours else Part(self.span.start, self.span.end, Figures())

    @property
    def people_peak(self) -> Part:
        """The first hour with the most people at once."""
        return max(self.hours, key=lambda part: part.figures.people)

    @property
    def meetings_peak(self) -> Part:
        return max(self.hours, key=lambda part: part.figures.meetings)

    @cached_property
    def week(self) -> list[tuple[str, list[Cell]]]:
        """By weekday and hour, the most meetings and people at once: from Monday, those days that the span has."""
        found: dict[tuple[int, int], list[Figures]] = defaultdict(list)
        for part in self.hours:
            at = local(part.start)
            found[at.weekday(), at.hour].append(part.figures)
        top = max(self.sums.figures.meetings, 1)
        weekdays = sorted({weekday for weekday, _ in found})
        return [(WEEKDAYS[day], [_cell(hour, found[day, hour], top) for hour in range(24)]) for day in weekdays]

    @property
    def has_weeks(self) -> bool:
        return self.span.days >= 7 and bool(self.sums.figures.meetings)


WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def local(at: datetime) -> datetime:
    """In the site's time zone."""
    return timezone.localtime(at)


def history(span: Span, now: datetime) -> History:
    """Two queries, and more for the hours that have to be counted here."""
    head, _ = Head.objects.get_or_create(pk=1)
    closed = head.hours_until
    starts = _starts(span.start, min(span.end, now))
    known, stale = _rows(span, closed)
    newest = hours.floor(now) - OWN * HOUR if closed is None else closed
    wanted = [start for start in reversed(starts) if start in stale or start >= newest]
    known |= {start: _own(head, start, now) for start in wanted[:OWN]}
    is_behind = closed is None and Meeting.objects.began_within(span.start, newest).exists()
    pending = max(len(wanted) - OWN, 0) + is_behind
    parts = [Part(start, start + HOUR, known.get(start, Figures())) for start in starts]
    return History(span, now, parts, pending)


def _starts(start: datetime, end: datetime) -> list[datetime]:
    return list(hours.between(start, end)) if start < end else []


def _rows(span: Span, closed: datetime | None) -> tuple[dict[datetime, Figures], set[datetime]]:
    """What is counted, and what of it is not certain."""
    if closed is None:
        return {}, set()
    rows = Hour.objects.filter(start__gte=hours.floor(span.start), start__lt=min(span.end, closed))
    known, stale = {}, set()
    for start, touched, counted, is_final, *values in rows.values_list(
        "start", "touched", "counted", "is_final", *NAMES
    ):
        known[start] = Figures(*values)
        if touched > counted and not is_final:
            stale.add(start)
    return known, stale


@dataclass(frozen=True, slots=True)
class Kept:
    """An hour that was counted here, at a revision of a database."""

    epoch: str
    revision: int
    until_s: float
    is_whole: bool
    figures: Figures


_kept: dict[datetime, Kept] = {}
_counting = threading.Lock()


def _own(head: Head, start: datetime, now: datetime) -> Figures:
    """One hour as of a moment ago. Dear in a large organisation: counted for all who ask, and kept for a while."""
    epoch = str(head.epoch)
    with _counting:
        kept, began_s = _kept.get(start), time.monotonic()
        if (
            kept
            and kept.epoch == epoch
            and (began_s < kept.until_s or (kept.is_whole and kept.revision == head.revision))
        ):
            return kept.figures
        end = min(start + HOUR, now)
        figures = hours.figures(hours.runs(start, end), start, end)
        keep_s = min(max((time.monotonic() - began_s) / SHARE, KEEP_LEAST_S), KEEP_MOST_S)
        _kept[start] = Kept(epoch, head.revision, began_s + keep_s, end == start + HOUR, figures)
        for old in sorted(_kept)[: -2 * OWN]:
            del _kept[old]
        return figures


def _together(parts: Sequence[Part]) -> Part:
    every = [part.figures for part in parts]
    figures = Figures(
        people=max(one.people for one in every),
        meetings=max(one.meetings for one in every),
        person_s=sum(one.person_s for one in every),
        meeting_s=sum(one.meeting_s for one in every),
        began=sum(one.began for one in every),
        ran=max(one.ran for one in every),
    )
    return Part(parts[0].start, parts[-1].end, figures)


def _cell(hour: int, found: Iterable[Figures], top: int) -> Cell:
    every = list(found)
    if not every:
        return Cell(hour, 0, 0, None)
    meetings = max(one.meetings for one in every)
    level = -(-meetings * LEVELS // top)
    return Cell(hour, max(one.people for one in every), meetings, level)


# Hosts


_kept_hosts: dict[tuple[str, Span], tuple[float, list[Host]]] = {}
"""Until when they may stand, and the hosts."""

MOST_KEPT = 20


def hosts(viewer: Viewer, span: Span) -> list[Host]:
    """Who held the most hours of meetings that are over, as of a minute ago at most: many meetings are looked at."""
    found = _kept_or_found(span)
    return found if viewer.names else [replace(host, name=letters(host.name or host.email), email="") for host in found]


def _kept_or_found(span: Span) -> list[Host]:
    key, now_s = (str(Head.objects.values_list("epoch", flat=True).first()), span), time.monotonic()
    stands_until, kept = _kept_hosts.get(key, (0.0, []))
    if now_s < stands_until:
        return kept
    found = _busiest(span)
    keep_s = min(max((time.monotonic() - now_s) / SHARE, KEEP_LEAST_S), KEEP_MOST_S)
    while len(_kept_hosts) >= MOST_KEPT:
        _kept_hosts.pop(next(iter(_kept_hosts)), None)
    _kept_hosts[key] = now_s + keep_s, found
    return found


def _busiest(span: Span) -> list[Host]:
    """From an index alone, but for the names."""
    ended = Meeting.objects.ended().began_within(span.start, span.end).exclude(host_id="")
    busiest = (
        ended.values("host_id")
        .annotate(held=Count("pk"), seconds=Sum("length_s"), minutes_of_people=Sum("minutes"), newest=Max("pk"))
        .order_by(F("seconds").desc(nulls_last=True), "host_id")[:HOSTS]
    )
    found = list(busiest)
    names = _names({one["host_id"]: one["newest"] for one in found})
    longest = max((one["seconds"] or 0 for one in found), default=0) or 1
    return [
        Host(
            one["host_id"],
            *names.get(one["host_id"], ("", "")),
            one["held"],
            (one["seconds"] or 0) / 3600,
            one["minutes_of_people"] / 60,
            f"{(one['seconds'] or 0) / longest * 100:.1f}%",
        )
        for one in found
    ]


def _names(newest: Mapping[str, int]) -> dict[str, tuple[str, str]]:
    """Name and e-mail of each host, from the newest meeting; what that does not say, from the users that we know."""
    users = ZoomUser.objects.filter(zoom_id__in=newest).values_list("zoom_id", "name", "email")
    known = {zoom_id: (name, email) for zoom_id, name, email in users}
    told = Meeting.objects.filter(pk__in=newest.values()).values_list("host_id", "host_name", "host_email")
    for host_id, name, email in told:
        user_name, user_email = known.get(host_id, ("", ""))
        known[host_id] = (name or user_name, email or user_email)
    return known


# What is missing


def deaf(span: Span, now: datetime) -> timedelta:
    """For how long of this time nobody listened, and nothing has told of it since."""
    within = Q(ended_at=None) | Q(ended_at__gt=span.start)
    gaps = Gap.objects.unresolved().filter(within, started_at__lt=span.end).values_list("started_at", "ended_at")
    end = min(span.end, now)
    lengths = (min(ended_at or end, end) - max(started_at, span.start) for started_at, ended_at in gaps)
    return sum((length for length in lengths if length > timedelta()), timedelta())


# The meetings


@dataclass(frozen=True)
class Past:
    """One meeting that is over."""

    meeting: Meeting

    @property
    def id(self) -> str:
        return f"h-{self.meeting.pk}"

    @property
    def day(self) -> date | None:
        began_at = self.meeting.began_at
        return local(began_at).date() if began_at else None

    @property
    def length(self) -> timedelta:
        return timedelta(seconds=self.meeting.length_s or 0)

    @property
    def attended(self) -> timedelta:
        """The time of all its people together."""
        return timedelta(minutes=self.meeting.minutes)


def by_day(meetings: Iterable[Meeting]) -> list[tuple[date | None, list[Past]]]:
    """In the order in which they come, by the day on which they began."""
    return [(day, list(of_day)) for day, of_day in groupby(map(Past, meetings), key=lambda past: past.day)]
