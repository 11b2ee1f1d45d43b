"""One event as the log shows it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from dashboard.words import duration
from zoomfeed.models import Event, Meeting

COLUMNS = (
    "pk",
    "name",
    "received_at",
    "occurred_at",
    "meeting_uuid",
    "meeting_number",
    "topic",
    "participant_name",
    "participant_email",
)
"""All but the bodies, which are long."""

REPAIR = {
    "rest.live_meeting": "found live, by comparison with Zoom",
    "rest.past_meeting": "found ended, by comparison with Zoom",
    "rest.participants": "participants compared with Zoom",
}
"""What Rollcall writes into the log itself."""

ENDINGS = ("ended", "left", "leave", "deleted", "stopped", "cancelled", "denied", "rejected")
WAITS = ("joined_waiting_room", "put_in_waiting_room", "jbh_waiting", "paused")
ALARMS = ("alert", "deauthorized", "limited", "missed")


@dataclass(frozen=True, slots=True)
class Entry:
    """`meeting_pk` is None when the event is about no meeting that we know."""

    event: Event
    meeting_pk: int | None = None

    @property
    def id(self) -> str:
        return f"e-{self.event.pk}"

    @property
    def at(self) -> datetime:
        return self.event.occurred_at or self.event.received_at

    @property
    def words(self) -> str:
        """What happened: meeting.participant_joined_waiting_room is 'joined waiting room'."""
        if told := REPAIR.get(self.event.name):
            return told
        return self._what.removeprefix("participant_").replace("_", " ")

    @property
    def state(self) -> str:
        """Which mark stands before it; none is that of something that begins."""
        what = self._what
        if what.endswith(ALARMS):
            return "bad"
        if what.endswith(WAITS):
            return "wait"
        return "left" if what.removesuffix("_waiting_room").removesuffix("_breakout_room").endswith(ENDINGS) else ""

    @property
    def who(self) -> str:
        return self.event.participant_name or self.event.participant_email

    @property
    def delay(self) -> str:
        """From the notice being made to its arrival here."""
        if self.event.occurred_at is None:
            return ""
        late = max(self.event.received_at - self.event.occurred_at, timedelta())
        return f"{late.total_seconds():.1f} s" if late < timedelta(minutes=1) else duration(late)

    @property
    def _what(self) -> str:
        return self.event.name.partition(".")[2] or self.event.name


def entries(events: QuerySet[Event], limit: int) -> list[Entry]:
    """The newest events with the meetings that they are about. Two queries."""
    found = list(events.only(*COLUMNS).order_by("-pk")[:limit])
    meetings = _meetings(event.meeting_uuid for event in found)
    return [Entry(event, meetings.get(event.meeting_uuid)) for event in found]


def _meetings(uuids: Iterable[str]) -> dict[str, int]:
    wanted = {uuid for uuid in uuids if uuid}
    return dict(Meeting.objects.filter(uuid__in=wanted).values_list("uuid", "pk")) if wanted else {}
