"""One event: what it says, what follows from it, and what came before and after it in its meeting."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from dashboard.entries import Entry, entries
from dashboard.json_html import pretty
from zoomfeed import events, veil
from zoomfeed.fold import Entity, Fact
from zoomfeed.models import Event, Leg, Meeting, Transport
from zoomfeed.protocol import loads
from zoomfeed.viewer import Viewer

AROUND = 5
ENTITIES = {
    Entity.MEETING: "Meeting",
    Entity.LEG: "Connection",
    Entity.SCHEDULED: "Planned meeting",
    Entity.ZOOM_USER: "Zoom user",
    Entity.RECORDING: "Recording",
}
RULES = (("earliest", "the earliest"), ("latest", "the latest"))


@dataclass(frozen=True, slots=True)
class Change:
    """Something that an event tells. `at` is set for an instant, `rule` says when it counts."""

    of: str
    name: str
    value: str
    at: datetime | None
    rule: str


class EventFacts:
    """`event` as the viewer may see it."""

    def __init__(self, viewer: Viewer, event: Event, size: int) -> None:
        self.viewer, self.event, self.size = viewer, event, size
        meetings = Meeting.objects.seen_by(viewer)
        self.meeting = meetings.filter(uuid=event.meeting_uuid).first() if event.meeting_uuid else None
        self.entry = Entry(event)
        self.body = pretty(bytes(event.body))

    @property
    def has_secrets(self) -> bool:
        """Is anything of it hidden that somebody with the right may ask for?"""
        return veil.HIDDEN in self.body

    @property
    def transports(self) -> list[str]:
        """All that brought it, the first one first."""
        return [str(Transport(name).label) for name in (self.event.transport, *self.event.also_by.split())]

    @cached_property
    def facts(self) -> tuple[Fact, ...]:
        try:
            reading = events.read(loads(bytes(self.event.body)))
        except ValueError:
            return ()
        return reading.facts if reading else ()

    @property
    def changes(self) -> list[Change]:
        return [change for fact in self.facts for change in _changes(fact)]

    @cached_property
    def leg(self) -> Leg | None:
        """The connection that it is about."""
        keys = [fact.key for fact in self.facts if fact.entity is Entity.LEG]
        if self.meeting is None or not keys:
            return None
        _uuid, user_id, place, room = keys[0]
        return (
            Leg.objects.seen_by(self.viewer)
            .filter(meeting=self.meeting, user_id=user_id, place=place, room=room)
            .first()
        )

    @property
    def before(self) -> list[Entry]:
        return entries(self.viewer, self._of_meeting().filter(pk__lt=self.event.pk), AROUND)

    @property
    def after(self) -> list[Entry]:
        """The next ones, newest first like every list of events."""
        following = self._of_meeting().filter(pk__gt=self.event.pk).order_by("pk").values_list("pk", flat=True)[:AROUND]
        return entries(self.viewer, Event.objects.filter(pk__in=list(following)), AROUND)

    def _of_meeting(self) -> Any:
        uuid = self.event.meeting_uuid
        return Event.objects.filter(meeting_uuid=uuid) if uuid else Event.objects.none()


def _changes(fact: Fact) -> list[Change]:
    of, found = ENTITIES[fact.entity], []
    for part, rule in RULES:
        for name, value in getattr(fact.state, part).items():
            found.append(_change(of, name, value, rule))
    for name, (_, value) in fact.state.newest.items():
        found.append(_change(of, name, value, "the newest"))
    return found


def _change(of: str, name: str, value: Any, rule: str) -> Change:
    is_instant = name.endswith("_at") and isinstance(value, int)
    at = datetime.fromtimestamp(value / 1000, UTC) if is_instant else None
    return Change(of, name.removesuffix("_at").replace("_", " "), "" if at else str(value), at, rule)
