"""Whether a run ran while nobody listened, and whether anything has told since who was in it."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import Q

from zoomfeed.models import Gap, Meeting


def gaps_of(meetings: Iterable[Meeting]) -> Sequence[Gap]:
    """The unresolved gaps that may concern one of these runs. One query, or none."""
    begins = [begin for meeting in meetings if (begin := _begin(meeting)) is not None]
    if not begins:
        return ()
    found = Gap.objects.unresolved().filter(Q(ended_at=None) | Q(ended_at__gt=min(begins)))
    return list(found.only("started_at", "ended_at").order_by("started_at"))


def uncertain_since(meeting: Meeting, gaps: Iterable[Gap]) -> datetime | None:
    """The start of the first of these gaps in which the run ran and after which nothing has told of it.

    `gaps` in order of their starts, as `gaps_of` gives them.
    """
    found = (gap.started_at for gap in gaps if _ran_in(meeting, gap) and not _told_since(meeting, gap))
    return next(found, None)


def _ran_in(meeting: Meeting, gap: Gap) -> bool:
    begin = _begin(meeting)
    ended = not meeting.is_live and meeting.ended_at is not None and meeting.ended_at <= gap.started_at
    return begin is not None and not ended and (gap.ended_at is None or begin < gap.ended_at)


def _told_since(meeting: Meeting, gap: Gap) -> bool:
    return gap.ended_at is not None and meeting.checked_at is not None and meeting.checked_at >= gap.ended_at


def _begin(meeting: Meeting) -> datetime | None:
    return meeting.started_at or meeting.seen_at
