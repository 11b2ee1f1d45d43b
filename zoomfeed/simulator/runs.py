"""A run as the simulated Zoom knows it: what was said of it, and what follows for who is inside.

Instants are whole seconds since the epoch, as in `bodies`. `world` fills it in.
"""

from dataclasses import dataclass, field

MEETING, BREAKOUT_ROOM, WAITING_ROOM = "meeting", "breakout_room", "waiting_room"


@dataclass(slots=True)
class Leg:
    """One connection of a device, in one place of a run. `joined_at` is None until the join was sent."""

    user_id: str
    place: str
    room: str = ""
    participant_uuid: str = ""
    zoom_id: str = ""
    name: str = ""
    email: str = ""
    registrant_id: str = ""
    customer_key: str = ""
    role: str = "attendee"
    role_at: int = 0
    joined_at: int | None = None
    left_at: int | None = None
    leave_reason: str = ""


@dataclass(slots=True)
class Run:
    """One run of a meeting or webinar. `ended_sent_at` is on the monotonic clock."""

    uuid: str
    kind: str
    number: str = ""
    topic: str = ""
    type: int = 0
    host_id: str = ""
    minutes: int = 0
    timezone: str = ""
    started_at: int = 0
    ended_at: int | None = None
    ended_sent_at: float = 0.0
    heard_at: float = 0.0
    parts: dict[tuple[str, str, str], Leg] = field(default_factory=dict)

    @property
    def legs(self) -> list[Leg]:
        """The legs that began before the end, in the order in which they began."""
        begun = [leg for leg in self.parts.values() if leg.joined_at is not None]
        known = [leg for leg in begun if self.ended_at is None or (leg.joined_at or 0) < self.ended_at]
        return sorted(known, key=lambda leg: (leg.joined_at or 0, leg.user_id))

    def left_at(self, leg: Leg) -> int | None:
        """When a leg ended, if it did: the end of the run ends it, and being let in ends the waiting."""
        ends = [leg.left_at, self.ended_at]
        if leg.place == WAITING_ROOM:
            ends.append(self._let_in_at(leg))
        return min((end for end in ends if end is not None), default=None)

    def is_open(self, leg: Leg) -> bool:
        return self.left_at(leg) is None

    def role(self, leg: Leg) -> str:
        return "host" if leg.zoom_id and leg.zoom_id == self.host_id else leg.role

    @property
    def inside(self) -> set[str]:
        """The devices that are in the meeting or one of its rooms now; of an ended run, that ever were."""
        there = [leg for leg in self.legs if leg.place != WAITING_ROOM]
        if self.ended_at is None:
            there = [leg for leg in there if self.is_open(leg)]
        return {leg.participant_uuid or leg.user_id for leg in there}

    def _let_in_at(self, waiting: Leg) -> int | None:
        joins = [
            leg.joined_at
            for leg in self.parts.values()
            if leg.participant_uuid == waiting.participant_uuid != ""
            and leg.place == MEETING
            and leg.joined_at is not None
            and leg.joined_at >= (waiting.joined_at or 0)
        ]
        return min(joins, default=None)
