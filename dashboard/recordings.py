"""What was recorded of a run in Zoom's cloud, as plain values. Links lead to Zoom, and hold no token."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from zoomfeed.models import Recording
from zoomfeed.viewer import Viewer

STATES = {
    "started": "recording started",
    "resumed": "recording resumed",
    "paused": "recording paused",
    "stopped": "recorded, Zoom prepares the files",
    "completed": "ready at Zoom",
    "renamed": "ready at Zoom",
    "recovered": "ready at Zoom",
    "transcript_completed": "ready at Zoom, with transcript",
    "trashed": "in Zoom's trash",
    "deleted": "deleted at Zoom",
}
GONE = ("trashed", "deleted")

KINDS = {
    "MP4": "Video",
    "M4A": "Sound",
    "CHAT": "Chat",
    "TRANSCRIPT": "Transcript",
    "CC": "Captions",
    "TIMELINE": "Timeline",
    "CSV": "Polls",
    "SUMMARY": "Summary",
}


@dataclass(frozen=True)
class File:
    """One file, as `zoomfeed.events` keeps it."""

    said: dict[str, Any]

    @property
    def kind(self) -> str:
        kind = str(self.said.get("type") or "")
        return KINDS.get(kind, kind or "File")

    @property
    def view(self) -> str:
        """'shared screen with speaker view'"""
        return str(self.said.get("recording_type") or "").replace("_", " ")

    @property
    def bytes(self) -> int | None:
        size = self.said.get("bytes")
        return size if isinstance(size, int) else None

    @property
    def length(self) -> timedelta | None:
        start, end = self.said.get("start"), self.said.get("end")
        if not (isinstance(start, int) and isinstance(end, int)):
            return None
        return max(timedelta(milliseconds=end - start), timedelta())

    @property
    def started_at(self) -> datetime | None:
        start = self.said.get("start")
        return datetime.fromtimestamp(start / 1000, UTC) if isinstance(start, int) else None


@dataclass(frozen=True)
class Recorded:
    """The recording of one run."""

    recording: Recording

    @property
    def state(self) -> str:
        said = self.recording.state
        return STATES.get(said, said.replace("_", " "))

    @property
    def is_gone(self) -> bool:
        return self.recording.state in GONE

    @property
    def files(self) -> list[File]:
        return [File(file) for file in self.recording.files if isinstance(file, dict)]

    @property
    def share_url(self) -> str:
        """Where staff may watch it: an address of the web and nothing else, whatever was sent."""
        url = self.recording.share_url
        return url if not self.is_gone and _is_web_address(url) else ""


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc) and parts.username is None


def recorded(viewer: Viewer, meeting_uuid: str) -> Recorded | None:
    """One query, by the unique uuid."""
    seen = Recording.objects.seen_by(viewer).defer("stamps")
    recording = seen.filter(meeting_uuid=meeting_uuid).first()
    return Recorded(recording) if recording else None
