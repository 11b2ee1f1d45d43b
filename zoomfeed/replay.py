"""Rebuild the live state from the log. Gives the same rows that live folding gave, under the same primary keys."""

from collections.abc import Callable

from django.db import connection, transaction

from zoomfeed import events, rows
from zoomfeed.fold import Fact
from zoomfeed.models import Event
from zoomfeed.protocol import loads
from zoomfeed.record import advance, lock

CHUNK = 1000


def replay(progress: Callable[[int], None] = lambda _: None) -> int:
    """Fold the whole log anew, in one transaction; pages resync afterwards. Returns how many events were folded.

    `progress` is called with the number of events done. While it runs the feed cannot write and gathers.
    """
    done = 0
    with transaction.atomic():
        _take_your_time()
        head = lock()
        revision = head.revision + 1
        rows.clear()
        last = 0
        while chunk := list(Event.objects.filter(pk__gt=last).order_by("pk")[:CHUNK]):
            rows.fold((fact for event in chunk for fact in _facts(event)), revision)
            last, done = chunk[-1].pk, done + len(chunk)
            progress(done)
        rows.drop_unknown()
        advance(head, revision)
    return done


def _take_your_time() -> None:
    """What is for all other statements a sign that something hangs, is here a large table."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")


def _facts(event: Event) -> tuple[Fact, ...]:
    reading = events.read(loads(bytes(event.body)))
    return reading.facts if reading else ()
