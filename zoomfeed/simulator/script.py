"""The script of one run: what people do in it, told as Zoom would tell it, with the truth beside it.

Everything takes the instant at which something happens, in whole seconds since the epoch, as Zoom's times have
them. Zoom notices 1.1 to 3.5 seconds later (`event_ts`), and delivers up to 0.8 seconds before its own stamp or up
to 2.4 after; both were measured on real deliveries. So neither arrival nor `event_ts` is in order, as in life.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import NamedTuple

from zoomfeed.simulator import bodies
from zoomfeed.simulator.bodies import Event, Leg, Run
from zoomfeed.simulator.people import Person
from zoomfeed.simulator.server import encode

FIRST_USER_ID, USER_ID_STEP = 16_777_216, 1024

LEFT = "left the meeting. Reason : left the meeting"
TO_BREAKOUT = "left the meeting. Reason : left the meeting to join breakout room"
FROM_BREAKOUT = "left the meeting. Reason : leave breakout room to join main meeting"
BY_HOST = "left the meeting. Reason : Host ended the meeting."
DISCONNECTED = "got disconnected from the meeting. Reason : Client Close."

MEETING, BREAKOUT_ROOM, WAITING_ROOM = "meeting", "breakout_room", "waiting_room"

Span = tuple[int, int | None]


class Dispatch(NamedTuple):
    """A body, and when it arrives, in ms since the epoch."""

    at_ms: int
    body: bytes


@dataclass
class Device:
    """A device in a run: one participant_uuid from its coming to its leaving, over all its legs."""

    person: Person
    name: str
    participant_uuid: str
    user_id: str = ""
    place: str = ""
    room: str = ""
    main_user_id: str = ""
    keeps_main_leg: bool = False
    inside_since: int | None = None
    stays: list[Span] = field(default_factory=list)
    waited: bool = False

    @property
    def leg(self) -> Leg:
        """The connection that it has now."""
        return Leg(self.person, self.name, self.user_id, self.participant_uuid)


@dataclass
class Attendee:
    """What is true of one person in a run, as far as ids can tell."""

    person: Person
    devices: list[Device] = field(default_factory=list)
    waited_for_host: bool = False

    @property
    def name(self) -> str:
        """The name of the newest leg: Zoom has no other way to tell of a new one."""
        return self.devices[-1].name if self.devices else self.person.name

    @property
    def waited(self) -> bool:
        return self.waited_for_host or any(device.waited for device in self.devices)

    @property
    def visits(self) -> list[Span]:
        """The times inside, from first device in to last device out; None: still there."""
        stays = [stay for device in self.devices for stay in device.stays]
        stays += [(since, None) for device in self.devices if (since := device.inside_since) is not None]
        return united(stays)

    @property
    def devices_there(self) -> int:
        """How many devices are inside or waiting in the end."""
        return sum(bool(device.place) for device in self.devices)

    @property
    def place(self) -> str:
        """Where the person is in the end: inside counts before waiting. "" when gone."""
        places = {device.place for device in self.devices}
        return next((place for place in (MEETING, BREAKOUT_ROOM, WAITING_ROOM) if place in places), "")


def united(stays: Iterable[Span]) -> list[Span]:
    """Stays that overlap or touch, made one."""
    merged: list[Span] = []
    for start, end in sorted(stays, key=lambda stay: stay[0]):
        if merged and (merged[-1][1] is None or start <= merged[-1][1]):
            first, last = merged[-1]
            merged[-1] = (first, None if last is None or end is None else max(last, end))
        else:
            merged.append((start, end))
    return merged


@dataclass
class Truth:
    """What a perfect observer knows of one run."""

    run: Run
    attendees: list[Attendee] = field(default_factory=list)
    ended_at: int | None = None
    recording: str = ""


def dispatch(event: Event, at: int, rng: Random, *, late_s: float = 0) -> Dispatch:
    """Have Zoom notice and deliver what happened at this instant."""
    noticed_ms = at * 1000 + rng.randint(1100, 3500)
    arrives_ms = noticed_ms + rng.randint(-800, 2400) + int(late_s * 1000)
    return Dispatch(arrives_ms, encode({**event, "event_ts": noticed_ms}))


class Script:
    """One run, being written.

    `until` is when the run ends, or how far its story goes when it does not end: who leaves then stays to the end,
    and it is `end` that closes their legs.
    """

    def __init__(self, run: Run, rng: Random, until: int) -> None:
        self.run, self.rng, self.until = run, rng, until
        self.dispatches: list[Dispatch] = []
        self.truth = Truth(run)
        self.rooms = [bodies.run_uuid(rng) for _ in range(3)]
        self._known: dict[str, Attendee] = {}
        self._user_ids = (str(number) for number in count(FIRST_USER_ID, USER_ID_STEP))

    def tell(self, event: Event, at: int, *, late_s: float = 0) -> None:
        self.dispatches.append(dispatch(event, at, self.rng, late_s=late_s))

    # The run

    def start(self) -> None:
        self.tell(bodies.started(self.run), self.run.starts_at)

    def end(self) -> None:
        """The host closes the meeting. `ended` is slow; a few of the leaves that belong to it never come."""
        at = self.until
        self.truth.ended_at = at
        for device in [device for attendee in self.truth.attendees for device in attendee.devices if device.place]:
            if device.place == MEETING and self.rng.random() < 0.85:
                self._tell_left(device.leg, at, BY_HOST)
            self._go(device, at)
        self.tell(bodies.ended(self.run, at), at, late_s=self.rng.uniform(13, 20))

    # People

    def attendee(self, person: Person) -> Attendee:
        """Who this is in the eyes of somebody who has only ids: a guest without any is somebody new each time."""
        if person.identity in self._known:
            return self._known[person.identity]
        attendee = Attendee(person)
        self.truth.attendees.append(attendee)
        if person.identity:
            self._known[person.identity] = attendee
        return attendee

    def device(self, person: Person) -> Device:
        device = Device(person, person.name, bodies.participant_uuid(self.rng))
        self.attendee(person).devices.append(device)
        return device

    def join(self, device: Device, at: int) -> None:
        device.user_id, device.place = next(self._user_ids), MEETING
        device.inside_since = at if device.inside_since is None else device.inside_since
        self.tell(bodies.joined(self.run, device.leg, at, self.rng), at)

    def leave(self, device: Device, at: int) -> None:
        if at < self.until:
            self._tell_left(device.leg, at, LEFT)
            self._go(device, at)

    def move(self, device: Device, at: int, reason: str = LEFT) -> None:
        """A new leg begins in the second in which the old one ends: a reconnect, or a breakout move untold."""
        old = device.leg
        self.join(device, at)
        self._tell_left(old, at, reason)

    def drop(self, device: Device, back_at: int, noticed_at: int) -> None:
        """The line breaks; the device comes back with a new leg before Zoom notices that the old one is dead."""
        dead = device.leg
        self.join(device, back_at)
        self._tell_left(dead, noticed_at, DISCONNECTED)

    def _tell_left(self, leg: Leg, at: int, reason: str) -> None:
        self.tell(bodies.left(self.run, leg, at, reason, self.rng), at)

    def _go(self, device: Device, at: int) -> None:
        if device.inside_since is not None:
            device.stays.append((device.inside_since, at))
        device.inside_since, device.place = None, ""

    # Breakout rooms

    def enter_room(self, device: Device, at: int, room: str, *, keeps_main_leg: bool) -> None:
        """Whether the leg in the main room lasts meanwhile is not documented: both are played."""
        if not keeps_main_leg:
            self._tell_left(device.leg, at, TO_BREAKOUT)
        device.main_user_id, device.keeps_main_leg = device.user_id, keeps_main_leg
        device.user_id, device.place, device.room = next(self._user_ids), BREAKOUT_ROOM, room
        self.tell(bodies.joined_room(self.run, device.leg, at, room, device.main_user_id, self.rng), at)

    def return_from_room(self, device: Device, at: int) -> None:
        self.tell(bodies.left_room(self.run, device.leg, at, device.room, device.main_user_id, self.rng), at)
        if device.keeps_main_leg:
            device.user_id, device.place = device.main_user_id, MEETING
        else:
            self.join(device, at)

    # Waiting

    def wait(self, device: Device, at: int, change: str = "joined_waiting_room") -> None:
        device.user_id, device.place, device.waited = next(self._user_ids), WAITING_ROOM, True
        self.tell(bodies.waiting_room(change, self.run, device.leg, at, self.rng), at)

    def admit(self, device: Device, at: int, *, told: bool = True) -> None:
        if told:
            self.tell(bodies.waiting_room("admitted", self.run, device.leg, at, self.rng), at)
        self.join(device, at)

    def turn_away(self, device: Device, at: int) -> None:
        self.tell(bodies.waiting_room("left_waiting_room", self.run, device.leg, at, self.rng), at)
        device.place = ""

    def send_back(self, device: Device, at: int) -> None:
        self._tell_left(device.leg, at, LEFT)
        self._go(device, at)
        self.wait(device, at, "put_in_waiting_room")

    def wait_for_host(self, person: Person, at: int) -> None:
        self.attendee(person).waited_for_host = True
        self.tell(bodies.before_host("jbh_waiting", self.run, person), at)

    def wait_no_more(self, person: Person, at: int, change: str) -> None:
        """`change`: jbh_joined when the host came, jbh_waiting_left when patience ended first."""
        self.tell(bodies.before_host(change, self.run, person), at)
