"""What was committed of late. A server that takes the place of a failed one, or a backup, may not have all of it.

PostgreSQL copies to a replica after it has said that a commit is safe, unless it is told to wait for the replica; what
it had not copied when it died is gone with it. Zoom will not send that again, but the feed still knows it.
"""

import uuid
from collections import deque
from collections.abc import Iterable

from django.db import transaction

from zoomfeed.models import Head
from zoomfeed.record import Incoming, lock, missing

KEPT_S = 300.0
MOST_KEPT = 20_000


class Recent:
    """The last minutes of what was committed, oldest first. `now` is in seconds of a clock that only grows."""

    def __init__(self) -> None:
        self._kept: deque[tuple[float, Incoming]] = deque(maxlen=MOST_KEPT)

    def add(self, items: Iterable[Incoming], now: float) -> None:
        self._kept.extend((now, item) for item in items)
        while self._kept and self._kept[0][0] < now - KEPT_S:
            self._kept.popleft()

    def items(self) -> list[Incoming]:
        return [item for _, item in self._kept]


def forgotten(items: list[Incoming]) -> list[Incoming]:
    """Those that the database no longer has.

    Then it is not the one that open pages know: its revisions went back, and will stand for other changes. So it gets
    a new epoch, by which every page notices, and loads itself again.
    """
    with transaction.atomic():
        head = lock()
        gone = missing(items)
        if gone:
            Head.objects.filter(pk=head.pk).update(epoch=uuid.uuid4())
    return gone
