"""What pages and machines are told of the link to Zoom."""

from datetime import datetime
from typing import Any

from django.db.models import F
from django.utils import timezone

from zoomfeed.models import Feed, FeedState

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
}


def feed_status() -> dict[str, Any]:
    """The state of the feed that was held last, ready for JSON. One query."""
    feed = Feed.objects.order_by(F("lease_until").desc(nulls_last=True), "-pk").first()
    if feed is None:
        return dict(NOBODY)
    state, reason = FeedState(feed.state), feed.reason
    if state not in (FeedState.STOPPED, FeedState.STANDBY) and _has_died(feed):
        state, reason = FeedState.STOPPED, "The feed process ended without a word."
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
        "gap_since": None if is_live else _iso(feed.last_frame_at),
    }


def _has_died(feed: Feed) -> bool:
    """A holder that lives renews its lease long before it ends."""
    return feed.lease_until is None or feed.lease_until < timezone.now()


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
