"""When nobody listened: the Gap rows, and which runs they make uncertain.

Each change of a gap is one transaction under the write lock, and stamps the runs that it concerns with a new
revision, so that pages mark them. What is marked, and why, stands in `certainty`.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise

from django.db import transaction
from django.db.models import Max, Q
from django.utils import timezone

from zoomfeed import certainty, sources
from zoomfeed.models import Event, Feed, Gap, Meeting, Transport
from zoomfeed.record import advance, check_fence, lock

CAUSE = 300
"""The width of a cause."""

PROBATION = timedelta(minutes=15)
"""So long before a gap every event must have come by both transports, else webhooks prove nothing about it."""

IN_FLIGHT = timedelta(seconds=10)
"""An event so young may have come by one transport and not yet by the other."""

NO_SIGN = timedelta(seconds=60)
"""Without a webhook for so long within a gap, our line may have been down for both."""

REPAIRABLE = timedelta(hours=25)
"""Repair tries for a day; what it could not mend by then stays as it is, for years perhaps."""

RETRIED = timedelta(minutes=6)
"""Zoom repeats a webhook that nobody took after five minutes: who was away for the socket may have been for it, too."""

LATEST = timedelta(hours=2)
"""Webhooks are repeated for 85 minutes; a gap that they have not covered by then they never will."""


def open_gap(held: tuple[int, int], started_at: datetime, cause: str) -> None:
    """Nobody listens since `started_at`. Does nothing when that is known already.

    `held` is (Feed primary key, fencing number) of the holder here and below; each raises LeaseLost when it is not.
    """
    feed_pk, _ = held
    with transaction.atomic():
        head = lock()
        check_fence(*held)
        if not Gap.objects.filter(feed=feed_pk, ended_at=None).exists():
            gap = Gap.objects.create(feed_id=feed_pk, started_at=started_at, cause=cause[:CAUSE])
            _mark([gap], head.revision + 1)
            advance(head, head.revision + 1)


def close_gap(held: tuple[int, int], ended_at: datetime) -> float:
    """Somebody listens again since `ended_at`; returns for how many seconds nobody did."""
    feed_pk, _ = held
    with transaction.atomic():
        head = lock()
        check_fence(*held)
        # a subscription that was saved anew, or a demo before it, leaves a gap that nobody else would end
        ended = list(Gap.objects.filter(Q(feed=feed_pk) | _nobodys("feed__"), ended_at=None))
        for gap in ended:
            gap.ended_at = max(ended_at, gap.started_at)
            gap.save()
        if ended:
            _mark(ended, head.revision + 1)
            advance(head, head.revision + 1)
    return max(((ended_at - gap.started_at).total_seconds() for gap in ended), default=0.0)


def add_gap(held: tuple[int, int], started_at: datetime, ended_at: datetime, cause: str) -> None:
    """A time of which something is missing although somebody listened."""
    with transaction.atomic():
        head = lock()
        check_fence(*held)
        gap = Gap.objects.create(feed_id=held[0], started_at=started_at, ended_at=ended_at, cause=cause[:CAUSE])
        _mark([gap], head.revision + 1)
        advance(head, head.revision + 1)


def last_heard(feed_pk: int) -> datetime | None:
    """Up to when nothing is missing that came by this feed's socket, or by that of the feed that it follows."""
    feed = Feed.objects.defer("metrics").get(pk=feed_pk)
    before = Feed.objects.filter(_nobodys(), simulated=feed.simulated)
    return feed.last_frame_at or before.aggregate(at=Max("last_frame_at"))["at"]


def unresolved(within: timedelta = REPAIRABLE) -> list[Gap]:
    """The gaps that are over, not for long, and about which nothing is known yet; the earliest first."""
    recent = Gap.objects.unresolved().filter(ended_at__gt=timezone.now() - within)
    return list(recent.order_by("started_at"))


def resolve(gap_pk: int, text: str) -> None:
    """All that ran in it is certain again; `text` says what was done for that."""
    _settle(gap_pk, repaired_at=timezone.now(), repaired=text)


def say(gap_pk: int, text: str) -> None:
    """What was tried, and why it was not enough."""
    Gap.objects.filter(pk=gap_pk).update(repaired=text)


def cover() -> list[int]:
    """Settle the gaps of which webhooks brought everything; returns which."""
    now = timezone.now()
    recent = Gap.objects.unresolved().filter(ended_at__lte=now - IN_FLIGHT, ended_at__gt=now - LATEST)
    covered = [gap.pk for gap in recent if webhooks_cover(gap)]
    for pk in covered:
        _settle(pk, covered=True, repaired="Webhooks brought what the socket did not.")
    return covered


def webhooks_cover(gap: Gap) -> bool:
    """Whether webhooks can be trusted to have brought all that the socket missed.

    They had to bring all that the socket brought before, and to come throughout and afterwards.
    """
    assert gap.ended_at is not None
    before = (gap.started_at - PROBATION, gap.started_at - IN_FLIGHT)
    after = sources.last_at(Transport.WEBHOOK)
    return bool(after and after > gap.ended_at) and _came_by_both(*before) and _came_throughout(gap)


def _came_by_both(since: datetime, until: datetime) -> bool:
    by_socket = Q(transport=Transport.WEBSOCKET) | Q(also_by__contains=Transport.WEBSOCKET)
    by_webhook = Q(transport=Transport.WEBHOOK) | Q(also_by__contains=Transport.WEBHOOK)
    brought = Event.objects.filter(by_socket, received_at__range=(since, until))
    return brought.exists() and not brought.exclude(by_webhook).exists()


def _came_throughout(gap: Gap) -> bool:
    assert gap.ended_at is not None
    arrivals = Event.objects.filter(transport=Transport.WEBHOOK, received_at__range=(gap.started_at, gap.ended_at))
    if not arrivals.exists() and timezone.now() < gap.ended_at + RETRIED:
        return False
    times = [gap.started_at, *arrivals.order_by("received_at").values_list("received_at", flat=True), gap.ended_at]
    return all(later - earlier <= NO_SIGN for earlier, later in pairwise(filter(None, times)))


def _nobodys(feed: str = "") -> Q:
    """Feeds that no process holds."""
    return Q(**{f"{feed}lease_until": None}) | Q(**{f"{feed}lease_until__lt": timezone.now()})


def _settle(gap_pk: int, **changes: object) -> None:
    with transaction.atomic():
        head = lock()
        if Gap.objects.unresolved().filter(pk=gap_pk).update(**changes):
            _mark(Gap.objects.filter(pk=gap_pk), head.revision + 1)
            advance(head, head.revision + 1)


def _mark(changed: Iterable[Gap], revision: int) -> None:
    """Say anew of each run that one of these gaps concerns since when it is uncertain."""
    for gap in changed:
        begun = Q(started_at__lt=gap.ended_at) | Q(started_at=None) if gap.ended_at else Q()
        ran = Q(ended_at=None) | Q(present__gt=0) | Q(ended_at__gt=gap.started_at)
        marked = Q(uncertain_since__gte=gap.started_at)
        concerned = list(Meeting.objects.filter((begun & ran) | marked))
        gaps = certainty.gaps_of(concerned)
        alike: dict[datetime | None, list[int]] = defaultdict(list)
        for meeting in concerned:
            since = certainty.uncertain_since(meeting, gaps)
            if since != meeting.uncertain_since:
                alike[since].append(meeting.pk)
        for since, pks in alike.items():
            Meeting.objects.filter(pk__in=pks).update(uncertain_since=since, revision=revision)
