"""Who may hold Zoom's socket: a row, a time by the database's clock, and a fencing number that only grows.

Zoom keeps one socket per subscription; two processes that each open one throw each other out without end.
"""

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F, Q

from zoomfeed.exceptions import LeaseLost
from zoomfeed.models import Feed, FeedState

LEASE = timedelta(seconds=15)
RENEW_S = 5.0
LOOK_S = 1.0
"""How often a standby looks whether the lease is free."""


def now() -> datetime:
    """The database's clock, so that the clocks of two machines cannot disagree about a lease."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT clock_timestamp()")
            at: datetime = cursor.fetchone()[0]
            return at
        cursor.execute("SELECT strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')")
        return datetime.fromisoformat(cursor.fetchone()[0])


def acquire(key: str, holder: str, *, simulated: bool, gone: str = "") -> tuple[int, int] | None:
    """Take the lease of a subscription when nobody holds it: (Feed primary key, fencing number), else None.

    `holder` names a process and no other: a name that comes back, as those of containers do, would take the lease
    from whoever has it. `gone` is the end of the name of a holder that is known to be dead.
    """
    with transaction.atomic():
        Feed.objects.get_or_create(key=key)
        at = now()
        free = Q(lease_until=None) | Q(lease_until__lt=at) | Q(holder=holder)  # its own answer may have been lost
        if gone:
            free |= Q(holder__endswith=f":{gone}")
        won = Feed.objects.filter(free, key=key).update(
            holder=holder, lease_until=at + LEASE, fence=F("fence") + 1, simulated=simulated
        )
        feed = Feed.objects.get(key=key)
        return (feed.pk, feed.fence) if won else None


def seize(key: str, holder: str, *, simulated: bool) -> tuple[int, int]:
    """Take the lease from whoever holds it: (Feed primary key, fencing number).

    The holder learns of it at its next renewal, RENEW_S later at the latest, and stands by; its writes are refused at
    once. For a person who asks for it, and never for a feed.
    """
    with transaction.atomic():
        Feed.objects.get_or_create(key=key)
        Feed.objects.filter(key=key).update(
            holder=holder, lease_until=now() + LEASE, fence=F("fence") + 1, simulated=simulated
        )
        feed = Feed.objects.get(key=key)
        return feed.pk, feed.fence


def holder_of(key: str) -> str:
    """Who holds the lease of a subscription, for people; nothing when nobody does."""
    held = Feed.objects.filter(key=key, lease_until__gt=now()).values_list("holder", flat=True)
    return held.first() or ""


def renew(feed_pk: int, fence: int) -> None:
    """Hold on for another 15 seconds.

    Raises LeaseLost when another process has it by now.
    """
    if not Feed.objects.filter(pk=feed_pk, fence=fence).update(lease_until=now() + LEASE):
        raise LeaseLost(feed_pk)


def release(feed_pk: int, fence: int) -> None:
    """Let go, so that a standby need not wait."""
    Feed.objects.filter(pk=feed_pk, fence=fence).update(
        holder="", lease_until=None, state=FeedState.STOPPED, reason="The feed was stopped.", retry_at=None
    )
