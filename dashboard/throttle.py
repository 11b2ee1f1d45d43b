"""Who guesses passwords has to wait, for each account and for each address longer from try to try.

Counted in the database, so that it holds for all web processes and over restarts, and by what was typed, so that an
account that does not exist answers like one that does. A try counts before it is judged: many at once are many. Waits
end within minutes, because whoever knows a name could otherwise lock its owner out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from dashboard.models import Tries

FREE_FOR_ACCOUNT, FREE_FOR_ADDRESS = 5, 20
"""So many failures cost no wait: fingers slip, and a whole office can have one address."""

FIRST_WAIT, LAST_WAIT = timedelta(seconds=15), timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(hours=1)
LONGEST_ADDRESS = 64


@dataclass(frozen=True, slots=True)
class Counter:
    """One thing that is counted by: `key` in the database, and how many failures are free."""

    key: str
    free: int


def counters(request: HttpRequest, username: str) -> list[Counter]:
    """The account first."""
    return [
        Counter(_key("account", username.casefold()), FREE_FOR_ACCOUNT),
        Counter(_key("address", address(request)), FREE_FOR_ADDRESS),
    ]


def address(request: HttpRequest) -> str:
    """Where a request comes from: the proxy's word, where we trust the proxy. What a browser says itself is no word."""
    if settings.TRUSTED_PROXIES and (forwarded := request.headers.get("X-Forwarded-For", "")):
        return forwarded.rsplit(",", 1)[-1].strip()[:LONGEST_ADDRESS]
    return str(request.META.get("REMOTE_ADDR", ""))


def _key(kind: str, value: str) -> str:
    return salted_hmac(f"throttle {kind}", value, algorithm="sha256").hexdigest()


def wait_after(failures: int, free: int) -> timedelta:
    """How long after so many failures the next try may come."""
    if failures < free:
        return timedelta()
    doublings = min(failures - free, 10)
    return min(FIRST_WAIT * (1 << doublings), LAST_WAIT)


def enter(of: Sequence[Counter]) -> timedelta:
    """Count one try, before it is judged; or give how long to wait, and then it counts for nothing."""
    now = timezone.now()
    with transaction.atomic():
        Tries.objects.filter(last_at__lt=now - FORGOTTEN_AFTER).delete()
        Tries.objects.bulk_create((Tries(key=one.key, last_at=now) for one in of), ignore_conflicts=True)
        keys = [one.key for one in of]
        rows = {row.key: row for row in Tries.objects.select_for_update().filter(key__in=keys).order_by("pk")}
        waits = [_next_at(rows[one.key], one.free) - now for one in of]
        if max(waits) > timedelta():
            return max(waits)
        Tries.objects.filter(key__in=keys).update(failures=F("failures") + 1, last_at=now)
    return timedelta()


def _next_at(row: Tries, free: int) -> datetime:
    return row.last_at + wait_after(row.failures, free)


def succeeded(of: Sequence[Counter]) -> None:
    """The account starts afresh. Of the address only this one try is taken back: the others were not this account's."""
    account, *others = (one.key for one in of)
    Tries.objects.filter(key=account).delete()
    Tries.objects.filter(key__in=others, failures__gt=0).update(failures=F("failures") - 1)
