"""What pages and machines are told of the link to Zoom."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, F, Subquery
from django.utils import timezone

from zoomfeed.models import Feed, FeedState, Gap, Meeting, Source, Transport
from zoomfeed.text import shown

WORTH_A_BAR = timedelta(seconds=5)
"""A shorter gap marks the meetings that it concerns, and that is enough."""

NOBODY = {
    "state": FeedState.STOPPED.value,
    "label": "No feed",
    "reason": "Rollcall is not connected to Zoom yet.",
    "since": None,
    "last_event_at": None,
    "simulated": False,
    "retry_at": None,
    "attempt": 0,
    "gap_since": None,
    "behind_since": None,
    "gap": None,
    "webhook_at": None,
}

DIED = (
    "The feed has written nothing for a while: its process ended, or it cannot reach the database. In the latter case "
    "it keeps what Zoom sends and enters it later."
)


WEBHOOK_AT = Source.objects.filter(transport=Transport.WEBHOOK).values("last_at")
UNCERTAIN = Exists(Meeting.objects.live().filter(uncertain_since__isnull=False))


def feed_status() -> dict[str, Any]:
    """The state of the feed that was held last, ready for JSON. One query, and two more after a gap."""
    held_last = Feed.objects.defer("metrics").order_by(F("lease_until").desc(nulls_last=True), "-pk")
    feed = held_last.annotate(webhook_at=Subquery(WEBHOOK_AT), uncertain=UNCERTAIN).first()
    if feed is None:
        return {**NOBODY, "webhook_at": _iso(WEBHOOK_AT.values_list("last_at", flat=True).first())}
    state, reason = FeedState(feed.state), shown(feed.reason)
    if state not in (FeedState.STOPPED, FeedState.STANDBY) and _has_died(feed):
        state, reason = FeedState.STOPPED, DIED
    is_live = state == FeedState.LIVE
    return {
        "state": state.value,
        "label": state.label if is_live else f"Zoom feed {state.label.lower()}",
        "reason": reason,
        "since": _iso(feed.connected_at if is_live else feed.last_frame_at),
        "last_event_at": _iso(feed.last_event_at),
        "simulated": feed.simulated,
        "retry_at": _iso(feed.retry_at),
        "attempt": feed.attempt,
        "gap_since": None if state in (FeedState.LIVE, FeedState.SILENT) else _iso(feed.last_frame_at),
        "behind_since": _iso(feed.behind_since),
        "gap": _unresolved(feed) if feed.uncertain else None,
        "webhook_at": _iso(feed.webhook_at),
    }


def _unresolved(feed: Feed) -> dict[str, Any] | None:
    """The newest time that nobody heard, while meetings that it concerns go on."""
    gaps = Gap.objects.unresolved().filter(feed=feed, ended_at__gt=F("started_at") + WORTH_A_BAR)
    newest = gaps.order_by("-started_at").first()
    if newest is None:
        return None
    uncertain = Meeting.objects.live().filter(uncertain_since__isnull=False).count()
    return {"from": _iso(newest.started_at), "to": _iso(newest.ended_at), "meetings": uncertain}


def _has_died(feed: Feed) -> bool:
    """A holder that lives renews its lease long before it ends."""
    return feed.lease_until is None or feed.lease_until < timezone.now()


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
