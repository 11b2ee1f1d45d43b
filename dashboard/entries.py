"""One event as the log shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from dashboard.words import duration
from zoomfeed.catalogue import EVENT_NAMES, REPAIR_NAMES
from zoomfeed.filters import spelt
from zoomfeed.models import Event, EventQuerySet
from zoomfeed.viewer import Viewer

COLUMNS = (
    "pk",
    "name",
    "received_at",
    "occurred_at",
    "meeting_uuid",
    "meeting_number",
    "topic",
    "participant_id",
    "participant_name",
    "participant_email",
    "late_ms",
)
"""All but the bodies, which are long."""

REPAIR = {
    "rest.live_meeting": "found live, by comparison with Zoom",
    "rest.past_meeting": "found ended, by comparison with Zoom",
    "rest.participants": "participants compared with Zoom",
}
"""What Rollcall writes into the log itself."""

KNOWN = frozenset((*EVENT_NAMES, *REPAIR_NAMES))

ENDINGS = ("ended", "left", "leave", "deleted", "stopped", "cancelled", "denied", "rejected")
WAITS = ("joined_waiting_room", "put_in_waiting_room", "jbh_waiting", "paused")
ALARMS = ("alert", "deauthorized", "limited", "missed")


@dataclass(frozen=True, slots=True)
class Entry:
    """It depends on nothing but the event, so that a row stays as it was painted whatever comes later."""

    event: Event

    @property
    def id(self) -> str:
        return f"e-{self.event.pk}"

    @property
    def at(self) -> datetime:
        return self.event.occurred_at or self.event.received_at

    @property
    def words(self) -> str:
        """What happened: meeting.participant_joined_waiting_room is 'joined waiting room'."""
        return words_of(self.event.name)

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
    def is_known(self) -> bool:
        """Can the log be filtered by its type?"""
        return self.event.name in KNOWN

    @property
    def only_person(self) -> str:
        """By what the log is filtered for them: the id where Zoom gave one, for people share names.

        "" when there is nothing to filter by: initials are nobody's.
        """
        return urlencode({"person": self._person}) if self._person else ""

    @property
    def without_person(self) -> str:
        return urlencode({"not_person": self._person}) if self._person else ""

    @property
    def _person(self) -> str:
        return self.event.participant_id or ("" if self.event.is_veiled else self.who)

    @property
    def only_meeting(self) -> str:
        return urlencode({"meeting": self.event.meeting_uuid or self.event.meeting_number or self.event.topic})

    @property
    def without_meeting(self) -> str:
        return urlencode({"not_meeting": self.event.meeting_uuid or self.event.meeting_number})

    @property
    def until_then(self) -> str:
        return urlencode({"until": spelt(self.event.received_at)})

    @property
    def as_late(self) -> str:
        """Later than this, nearly: the whole seconds of it."""
        return urlencode({"late": max(self.event.late_ms or 0, 0) // 1000})

    @property
    def delay(self) -> str:
        """From the notice being made to its arrival here."""
        if self.event.occurred_at is None:
            return ""
        late = max(self.event.received_at - self.event.occurred_at, timedelta())
        return f"{late.total_seconds():.1f} s" if late < timedelta(minutes=1) else duration(late)

    @property
    def _what(self) -> str:
        return _change(self.event.name)


def words_of(name: str) -> str:
    """What an event of this type says has happened.

    What is about something else than a meeting says so: 'paused' alone would be the meeting.
    """
    if told := REPAIR.get(name):
        return told
    about, _, what = name.partition(".")
    is_of_meeting = about in ("meeting", "webinar") or not what
    said = _change(name).removeprefix("participant_") if is_of_meeting else f"{about} {what}"
    return said.replace("_", " ")


def _change(name: str) -> str:
    return name.partition(".")[2] or name


def entries(viewer: Viewer, events: EventQuerySet, limit: int) -> list[Entry]:
    """The newest events. One query."""
    return [Entry(event) for event in events.seen_by(viewer).only(*COLUMNS).order_by("-pk")[:limit]]


def entries_of(viewer: Viewer, keys: Sequence[int]) -> list[Entry]:
    """The events with these primary keys, newest first. One query."""
    return entries(viewer, Event.objects.filter(pk__in=keys), len(keys)) if keys else []
