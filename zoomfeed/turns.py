"""Work on the past beside a feed that writes: in short turns with the write lock, with pauses in which others get it.

A turn is one transaction. Its size follows from how long the last one took, so that a batch of the feed waits for a
fraction of a second at most, on a fast machine and on a slow one.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.db import connection, transaction

from zoomfeed.record import lock, rewrite

T = TypeVar("T")

AIM_S = 0.05
"""How long a turn should take,"""

FEWEST, MOST = 20, 500
"""and how many rows it may have to do so."""

PAUSES_S = {"sqlite": 0.11, "postgresql": 0.01}
"""The least pause between two turns. PostgreSQL's lock goes to who has waited longest; SQLite's to who asks while it is
free, and who waits asks every 100 ms in the end."""


class Turns:
    """`size` is how many rows the next turn should have; `longest_s` is the longest that one has taken."""

    def __init__(self, size: int = 100) -> None:
        self.size = size
        self.longest_s = 0.0
        self.changed = 0

    def take(self, act: Callable[[int], T]) -> T:
        """Act once, holding the write lock. `act` gets the revision that rows which pages show are stamped with."""
        with transaction.atomic():
            head = lock()
            began = time.perf_counter()
            done = act(head.revision + 1)
        took = time.perf_counter() - began
        self.longest_s = max(self.longest_s, took)
        self.changed += 1
        self._learn(took)
        time.sleep(max(PAUSES_S.get(connection.vendor, 0.0), took))
        return done

    def _learn(self, took: float) -> None:
        if took > AIM_S:
            self.size = max(FEWEST, self.size // 2)
        elif took < AIM_S / 2:
            self.size = min(MOST, self.size * 3 // 2)


@contextmanager
def turns() -> Iterator[Turns]:
    """Turns, after the last of which open pages begin anew, also when something went wrong between two."""
    taken = Turns()
    with _nothing_left_on_disk():
        try:
            yield taken
        finally:
            if taken.changed:
                _say_that_the_past_changed()


def _say_that_the_past_changed() -> None:
    with transaction.atomic():
        head = lock()
        rewrite(head, head.revision + 1)


@contextmanager
def _nothing_left_on_disk() -> Iterator[None]:
    """SQLite leaves what was deleted in its file until the place is used again, unless told not to."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA secure_delete = ON")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA secure_delete = OFF")
            if not connection.in_atomic_block:
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
