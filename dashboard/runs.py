"""The runs of one number: a meeting that recurs, or whose room was restarted, is several."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from zoomfeed.models import Meeting
from zoomfeed.viewer import Viewer

MOST = 6
"""How many earlier and how many later runs a meeting's page lists."""

COLUMNS = ("pk", "number", "started_at", "seen_at", "ended_at", "present", "people", "topic")


@dataclass(frozen=True)
class Run:
    """Another run."""

    meeting: Meeting

    @property
    def began_at(self) -> datetime | None:
        return self.meeting.started_at

    @property
    def length(self) -> timedelta | None:
        began, ended_at = self.meeting.started_at, self.meeting.ended_at
        return max(ended_at - began, timedelta()) if began and ended_at else None


@dataclass(frozen=True)
class Runs:
    """Those around one run, newest first. Those whose start nobody told are not among them."""

    later: list[Run]
    earlier: list[Run]


def runs(viewer: Viewer, meeting: Meeting) -> Runs:
    """Two queries of a few rows each, along the index `meeting_number`."""
    began_at = meeting.started_at or meeting.seen_at
    if not meeting.number or began_at is None:
        return Runs([], [])
    of_number = Meeting.objects.seen_by(viewer).filter(number=meeting.number)
    others = of_number.exclude(pk=meeting.pk).only(*COLUMNS)
    later = others.filter(started_at__gt=began_at).order_by("started_at")[:MOST]
    earlier = others.filter(started_at__lte=began_at).order_by("-started_at")[:MOST]
    return Runs([Run(run) for run in reversed(later)], [Run(run) for run in earlier])
