"""What the live board shows, as plain values: cards, what has just ended, what comes next, the numbers, and the day.

Cards, the ended and the numbers of now are functions of recorded rows alone, so that a card painted with the page and a
card sent later are the same. `Day` and `upcoming` look at the clock. A day is made at most every few seconds in each
process and keeps the revision at which it was made, by which a page's need of it is decided.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from django.db.models import Count, Exists, Min, OuterRef, Prefetch, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from dashboard import charts
from zoomfeed import veil
from zoomfeed.attendance import Person, curve, people
from zoomfeed.fold import Place
from zoomfeed.identity import search_key
from zoomfeed.models import LIVE, Feed, Head, Leg, Meeting, ScheduledMeeting, Source, ZoomUser
from zoomfeed.viewer import Viewer

FACES = 5
ENDED = 8
"""How many ended meetings the board lists."""

UPCOMING = 6
"""How many planned meetings the board lists."""

AHEAD, LATE, EARLY = timedelta(hours=12), timedelta(hours=1), timedelta(minutes=30)
"""How far the board looks ahead; how long it waits for a meeting that should have begun; how long before its time a run
of the number counts as this meeting."""

SORTS = {"largest": ("key", "desc"), "newest": ("started", "desc"), "longest": ("started", "asc")}
"""The orders of the board: by which of the cards' data, and which end of it comes first."""

SPARK_PARTS = 26
DAY, HOUR = timedelta(hours=24), timedelta(hours=1)
LONGEST_MINUTES = 60 * 24 * 30
"""A scheduled length beyond this is nobody's plan."""

LINE_STEP, BAR_STEP = timedelta(minutes=5), timedelta(minutes=20)
DAY_KEEP_LEAST_S, DAY_KEEP_MOST_S = 1.0, 60.0
DAY_SHARE = 0.05
"""The share of one processor's time that may go into making days."""


ALL_MEETINGS = Q()

UNNAMED_LEGS = Leg.objects.defer("stamps", "name", "email", "phone")
"""For figures."""


def legs(viewer: Viewer) -> QuerySet[Leg]:
    return Leg.objects.seen_by(viewer).defer("stamps")


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
    def started(self) -> str:
        """When it began, by the second; no two meetings have the same."""
        return "{}.{:05d}".format(*self.started_key)

    @property
    def started_key(self) -> tuple[int, int]:
        return (int(self.since.timestamp()) if self.since else 0, self.meeting.pk % 10**5)

    @property
    def due(self) -> datetime | None:
        """When it should end. Time alone takes a meeting past it, so the page looks at the clock."""
        minutes = self.meeting.scheduled_minutes
        if self.meeting.started_at is None or minutes is None or not 0 < minutes <= LONGEST_MINUTES:
            return None
        return self.meeting.started_at + timedelta(minutes=minutes)

    @cached_property
    def in_breakout(self) -> int:
        return sum(person.place == Place.BREAKOUT_ROOM for person in self.people)

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
        return search_key(" ".join([meeting.topic, meeting.host_name, meeting.host_email, meeting.number, *here]))

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


@dataclass(frozen=True)
class Planned:
    """One meeting that is to begin, or should have begun."""

    meeting: ScheduledMeeting
    host: str

    @property
    def id(self) -> str:
        return f"s-{self.meeting.pk}"

    @property
    def length(self) -> timedelta | None:
        minutes = self.meeting.scheduled_minutes
        return timedelta(minutes=minutes) if minutes and 0 < minutes <= LONGEST_MINUTES else None


@dataclass(frozen=True, slots=True)
class Totals:
    """The numbers of now. People are counted once for each meeting that they are in."""

    meetings: int
    pending: int
    people: int
    people_waiting: int
    waiting_in: int
    waits_since: datetime | None

    @property
    def title(self) -> str:
        """What the page is called while it is so."""
        return f"{self.meetings} live · Rollcall" if self.meetings else "Nothing live · Rollcall"


@dataclass(frozen=True, slots=True)
class Joined:
    """How many people came into a meeting within a time, and into how many meetings."""

    people: int
    meetings: int


@dataclass(frozen=True)
class Day:
    """The last 24 hours, made at one revision.

    `today` counts from the site's midnight; `yesterday` from the midnight before until this time of yesterday. What
    is said of yesterday means something only if somebody listened then (`knows_yesterday`).
    """

    revision: int
    at: datetime
    people_curve: list[tuple[datetime, int]]
    meetings_curve: list[tuple[datetime, int]]
    today: Joined
    yesterday: Joined
    knows_yesterday: bool
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
    def people_now(self) -> int:
        return charts.value(self.people_curve, self.at)

    @property
    def people_yesterday(self) -> int:
        return charts.value(self.people_curve, self.at - DAY)

    @property
    def meetings_yesterday(self) -> int:
        return charts.value(self.meetings_curve, self.at - DAY)

    @property
    def hours(self) -> list[tuple[datetime, int, int]]:
        """The same for eyes that read: the most people and meetings in each hour, the newest first."""
        start = charts.floor(self.at, HOUR) - DAY + HOUR
        count = DAY // HOUR
        most_people = charts.buckets(self.people_curve, start, HOUR, count)
        most_meetings = charts.buckets(self.meetings_curve, start, HOUR, count)
        starts = (start + HOUR * number for number in range(count))
        return list(zip(starts, most_people, most_meetings, strict=True))[::-1]

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

    @property
    def readout(self) -> str:
        """What is drawn, as numbers: the most within each stretch."""
        return charts.readout(
            self.axis,
            People=charts.bucket_curve(self.line_values, self.axis.start, LINE_STEP),
            Meetings=charts.bucket_curve(self.bar_values, self.axis.start, BAR_STEP),
        )

    @cached_property
    def bars(self) -> list[charts.Rect]:
        return charts.bars(self.bar_values, width=1000, height=40, highest=self.bars_top)


def with_legs(viewer: Viewer, meetings: Q = ALL_MEETINGS) -> QuerySet[Meeting]:
    seen = Meeting.objects.seen_by(viewer).filter(meetings)
    return seen.defer("stamps").prefetch_related(Prefetch("legs", legs(viewer)))


def cards(viewer: Viewer, sort: str = "largest") -> list[Card]:
    """The board in one of its orders. Two queries."""
    found = [Card(meeting) for meeting in with_legs(viewer, LIVE)]
    if sort == "largest":
        return sorted(found, key=lambda card: (card.count, card.meeting.pk), reverse=True)
    return sorted(found, key=lambda card: card.started_key, reverse=sort == "newest")


def ended(viewer: Viewer) -> list[Ended]:
    newest = Meeting.objects.seen_by(viewer).ended().defer("stamps").order_by("-ended_at", "-pk")[:ENDED]
    return sorted(map(Ended, newest), key=lambda over: over.sort_key, reverse=True)


def totals() -> Totals:
    pending = Q(started_at=None, present=0, waiting__gt=0)
    found = Meeting.objects.live().aggregate(
        meetings=Count("pk"),
        pending=Count("pk", filter=pending),
        people=Sum("present", default=0),
        people_waiting=Sum("waiting", default=0),
        waiting_in=Count("pk", filter=Q(waiting__gt=0)),
        waits_since=Min("waits_since", filter=Q(waiting__gt=0)),
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
    today = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    yesterday = timezone.make_aware(datetime.combine(today.date() - timedelta(days=1), datetime.min.time()))
    recent = Meeting.objects.filter(Q(ended_at__gte=min(yesterday, now - DAY)) | Q(pk__in=Meeting.objects.live()))
    meetings = list(recent.only("pk", "started_at", "ended_at", "seen_at"))
    persons = _people_of(meetings)
    spans = [(began, meeting.ended_at) for meeting in meetings if (began := meeting.started_at or meeting.seen_at)]
    return Day(
        revision=revision,
        at=now,
        people_curve=charts.add(curve(of_meeting) for of_meeting in persons),
        meetings_curve=charts.spans_curve(spans),
        today=_joined(persons, today, None),
        yesterday=_joined(persons, yesterday, now - DAY),
        knows_yesterday=Meeting.objects.filter(ended_at__lt=now - DAY).exists(),
    )


def _joined(persons: list[list[Person]], since: datetime, until: datetime | None) -> Joined:
    """People are counted once for each meeting that they came into."""

    def came(person: Person) -> bool:
        return any(start >= since and (until is None or start <= until) for start, _ in person.visits)

    counts = [sum(map(came, of_meeting)) for of_meeting in persons]
    return Joined(sum(counts), sum(map(bool, counts)))


def upcoming(viewer: Viewer, now: datetime) -> list[Planned]:
    """What is planned for the next hours and has not begun. One query.

    A series is known by one start only, which Zoom names in what it says of the series: its later occurrences are not.
    """
    runs = Meeting.objects.filter(number=OuterRef("number"))
    began = runs.annotate(began=Coalesce("started_at", "seen_at")).filter(began__gte=OuterRef("starts_at") - EARLY)
    seen = ScheduledMeeting.objects.seen_by(viewer)
    planned = seen.filter(deleted=False, starts_at__gt=now - LATE, starts_at__lt=now + AHEAD)
    waited_for = planned.exclude(Exists(runs.live())).exclude(Exists(began))
    hosts = ZoomUser.objects.filter(zoom_id=OuterRef("host_id"))
    named = waited_for.annotate(host=Coalesce(Subquery(hosts.values("name")[:1]), Value("")))
    found = named.defer("stamps").order_by("starts_at", "pk")[:UPCOMING]
    called = str if viewer.names else veil.letters
    return [Planned(meeting, called(getattr(meeting, "host", ""))) for meeting in found]


def is_connected() -> bool:
    """Has there ever been anything from Zoom, or somebody who asked? If not, somebody has to set it up."""
    return Feed.objects.exists() or Source.objects.exists()


def _people_of(meetings: Iterable[Meeting]) -> list[list[Person]]:
    """The people of each meeting, in one query."""
    by_pk = {meeting.pk: meeting for meeting in meetings}
    legs = defaultdict(list)
    for leg in UNNAMED_LEGS.filter(meeting__in=list(by_pk)):
        legs[leg.meeting_id].append(leg)
    return [
        people(of_meeting, started_at=by_pk[pk].started_at, ended_at=by_pk[pk].ended_at)
        for pk, of_meeting in legs.items()
    ]
