"""What changed, as HTML, through the very partials that the pages are painted with.

`changes(viewer, stream, since)` is asked for live frames and for pages that come back alike. It reads the database and
nothing else: the same question gets the same answer from any process. Items come whole and in their newest state, so to
apply one twice is harmless, and to send one that had not changed costs only its bytes.

A module for each kind of stream. `changes(viewer, about, since)` is what each has; `by_the_clock(viewer, about)` those
have whose items change with time alone.
"""

from collections.abc import Callable

from dashboard.feed_status import feed_status
from dashboard.fragments import board, events, meeting, people, status
from dashboard.fragments.items import LOG_LENGTH, MOST, Changes, TooMuch
from zoomfeed.models import Head
from zoomfeed.viewer import Viewer

__all__ = ["LOG_LENGTH", "MOST", "Changes", "TooMuch", "by_the_clock", "changes", "feed_status"]

STREAMS: dict[str, Callable[[Viewer, str, int], Changes]] = {
    "board": board.changes,
    "meeting": meeting.changes,
    "events": events.changes,
    "people": people.changes,
    "status": status.changes,
}
CLOCKS: dict[str, Callable[[Viewer, str], dict[str, str]]] = {
    "board": board.by_the_clock,
    "status": status.by_the_clock,
}


def changes(viewer: Viewer, stream: str, since: int) -> Changes:
    """Everything of a stream that changed after a revision.

    Raises TooMuch, also when rows have gone since or were rewritten, of which no item tells.
    """
    kind, _, about = stream.partition(":")
    if Head.objects.filter(rewritten__gt=since).exists():
        raise TooMuch
    return STREAMS[kind](viewer, about, since)


def by_the_clock(viewer: Viewer, stream: str) -> dict[str, str]:
    """The items of a stream that may change without an event, as they are now."""
    kind, _, about = stream.partition(":")
    return CLOCKS[kind](viewer, about) if kind in CLOCKS else {}
