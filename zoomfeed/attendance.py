"""From legs to people: who was there, when, and who is there now. Pure; works on anything shaped like a `Leg` row.

A *device* is the legs that share a participant_uuid (Zoom gives a new user_id at every reconnect and breakout move).
A *person* is the devices that share the first identity that is there: Zoom user id, customer key, registrant id, else
the device itself. A device is where its newest open leg is, so that somebody sent back to the waiting room waits
although no leave came, and somebody who was let in no longer waits although the admission was lost.

Everything here is derived from merged rows, so the order in which events came cannot matter.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from zoomfeed.fold import Place

MOVE = timedelta(seconds=3)
"""A leave followed by a join of the same device within this time is a move, not a departure."""

INSIDE = (Place.MEETING, Place.BREAKOUT_ROOM)
BY_WEIGHT = (*INSIDE, Place.WAITING_ROOM, Place.BEFORE_HOST)


@dataclass(frozen=True, slots=True)
class Stay:
    """A time in one place. `end` is None while it lasts."""

    start: datetime
    end: datetime | None
    place: str
    room: str
    leg_pk: int


@dataclass(frozen=True)
class Person:
    """One human being in one run, as far as Zoom's ids tell."""

    key: tuple[str, ...]
    legs: tuple[Any, ...]
    stays: tuple[Stay, ...]
    device_places: tuple[str, ...]

    @cached_property
    def head(self) -> int:
        """The smallest primary key of the legs: a name for this person that lasts."""
        head: int = min(leg.pk for leg in self.legs)
        return head

    @cached_property
    def newest_leg(self) -> Any:
        return max(self.legs, key=lambda leg: (_start(leg) or _AGES_AGO, leg.user_id, leg.place))

    def _newest(self, attribute: str) -> str:
        legs = sorted(self.legs, key=lambda leg: (_start(leg) or _AGES_AGO, leg.user_id, leg.place), reverse=True)
        return next((value for leg in legs if (value := getattr(leg, attribute))), "")

    @property
    def name(self) -> str:
        return self._newest("name")

    @property
    def names(self) -> tuple[str, ...]:
        """All names that were used, in order of time. Zoom has no event for a rename."""
        legs = sorted(self.legs, key=lambda leg: (_start(leg) or _AGES_AGO, leg.user_id, leg.place))
        return tuple(dict.fromkeys(leg.name for leg in legs if leg.name))

    @property
    def email(self) -> str:
        return self._newest("email")

    @property
    def role(self) -> str:
        return self._newest("role")

    @property
    def phone(self) -> str:
        return self._newest("phone")

    @property
    def leave_reason(self) -> str:
        return "" if self.is_present else self._newest("leave_reason")

    @property
    def place(self) -> str:
        """Where this person is now: in the meeting counts before a breakout room, and that before waiting."""
        return next((place for place in BY_WEIGHT if place in self.device_places), "")

    @property
    def is_present(self) -> bool:
        return any(place in INSIDE for place in self.device_places)

    @property
    def is_waiting(self) -> bool:
        return not self.is_present and any(self.device_places)

    @property
    def is_sharing(self) -> bool:
        return self.is_present and any(leg.sharing for leg in self.legs if leg.left_at is None)

    @property
    def devices(self) -> int:
        """How many devices are there now."""
        return sum(1 for place in self.device_places if place)

    @cached_property
    def visits(self) -> tuple[tuple[datetime, datetime | None], ...]:
        """The times inside the meeting, over all devices, moves closed up."""
        return _union((stay.start, stay.end) for stay in self.stays if stay.place in INSIDE)

    @property
    def joined_at(self) -> datetime | None:
        return self.visits[0][0] if self.visits else None

    @property
    def left_at(self) -> datetime | None:
        return self.visits[-1][1] if self.visits else None

    @property
    def waits_since(self) -> datetime | None:
        open_waits = [stay.start for stay in self.stays if stay.end is None and stay.place not in INSIDE]
        return min(open_waits, default=None) if self.is_waiting else None

    def minutes(self, now: datetime) -> int:
        """Whole minutes inside, counted once however many devices."""
        inside = sum(((end or max(now, start)) - start for start, end in self.visits), timedelta())
        return int(inside.total_seconds() // 60)


_AGES_AGO = datetime.fromtimestamp(0).astimezone()


def people(legs: Iterable[Any], *, started_at: datetime | None, ended_at: datetime | None) -> list[Person]:
    """Group the legs of one run into people, in order of their first leg.

    `started_at` ends the waits for a host; `ended_at` ends every stay that began before it.
    """
    devices: dict[Hashable, list[Any]] = defaultdict(list)
    for leg in legs:
        devices[_device_key(leg)].append(leg)
    groups: dict[tuple[str, ...], list[list[Any]]] = defaultdict(list)
    for device in devices.values():
        groups[_identity(device)].append(device)
    found = [_person(key, group, started_at, ended_at) for key, group in groups.items()]
    return sorted(found, key=lambda person: person.head)


def _device_key(leg: Any) -> tuple[str, ...]:
    return ("device", leg.participant_uuid) if leg.participant_uuid else ("leg", leg.user_id, leg.place, leg.room)


def _identity(device: Sequence[Any]) -> tuple[str, ...]:
    for attribute in ("zoom_user_id", "customer_key", "registrant_id"):
        if values := [value for leg in device if (value := getattr(leg, attribute))]:
            return (attribute, min(values).lower() if attribute == "zoom_user_id" else min(values))
    return _device_key(device[0])


def _person(
    key: tuple[str, ...], devices: Sequence[Sequence[Any]], started_at: datetime | None, ended_at: datetime | None
) -> Person:
    stays: list[Stay] = []
    places = []
    for device in devices:
        of_device = _stays(device, started_at, ended_at)
        stays += of_device
        still_open = [stay for stay in of_device if stay.end is None]
        places.append(max(still_open, key=lambda stay: (stay.start, stay.place)).place if still_open else "")
    return Person(
        key=key,
        legs=tuple(leg for device in devices for leg in device),
        stays=tuple(sorted(stays, key=lambda stay: (stay.start, stay.leg_pk))),
        device_places=tuple(places),
    )


def _stays(device: Sequence[Any], started_at: datetime | None, ended_at: datetime | None) -> list[Stay]:
    """The stays of one device. A wait that nobody closed ends where the next stay of the device begins."""
    stays = [
        _close_twin(Stay(start, _end(leg, start, started_at, ended_at), leg.place, leg.room, leg.pk), leg, device)
        for leg in device
        if (start := _start(leg)) is not None
    ]
    return [_close_wait(stay, stays) for stay in stays]


def _close_twin(stay: Stay, leg: Any, device: Sequence[Any]) -> Stay:
    """A connection in a breakout room has left it when it has left at all: REST and events may name its place apart."""
    if stay.end is not None or stay.place != Place.BREAKOUT_ROOM:
        return stay
    twins = [twin for twin in device if twin.user_id == leg.user_id and twin.place in INSIDE and not is_open(twin)]
    left_at = max((twin.left_at for twin in twins if twin.left_at > stay.start), default=None)
    return Stay(stay.start, left_at, stay.place, stay.room, stay.leg_pk)


def _close_wait(stay: Stay, others: Sequence[Stay]) -> Stay:
    if stay.end is not None or stay.place in INSIDE:
        return stay
    later = [other.start for other in others if other.leg_pk != stay.leg_pk and other.start > stay.start]
    return Stay(stay.start, min(later), stay.place, stay.room, stay.leg_pk) if later else stay


def _start(leg: Any) -> datetime | None:
    """When a leg began: its join, else the first time that anything was said of it, else its leave."""
    start: datetime | None = leg.joined_at or leg.seen_at or leg.left_at
    return min(start, leg.left_at) if start and leg.left_at and leg.joined_at is None else start


def is_open(leg: Any) -> bool:
    """Whether a leg lasts, as far as its own joins and leaves say."""
    if leg.left_at is None:
        return True
    return bool(leg.last_joined_at and leg.last_joined_at > leg.left_at)


def _end(leg: Any, start: datetime, started_at: datetime | None, ended_at: datetime | None) -> datetime | None:
    if not is_open(leg):
        left: datetime = leg.left_at
        return max(left, start)
    if leg.place == Place.BEFORE_HOST and started_at is not None:
        return max(started_at, start)
    if ended_at is not None and (leg.last_joined_at or start) <= ended_at:
        return max(ended_at, start)
    return None


def _union(spans: Iterable[tuple[datetime, datetime | None]]) -> tuple[tuple[datetime, datetime | None], ...]:
    merged: list[tuple[datetime, datetime | None]] = []
    for start, end in sorted(spans, key=lambda span: span[0]):
        if merged:
            last_start, last_end = merged[-1]
            if last_end is None or start <= last_end + MOVE:
                merged[-1] = (last_start, None if last_end is None or end is None else max(last_end, end))
                continue
        merged.append((start, end))
    return tuple(merged)


def curve(people: Iterable[Person]) -> list[tuple[datetime, int]]:
    """How many people were inside over time: the instants at which the number changed, and the number from then on."""
    changes: dict[datetime, int] = defaultdict(int)
    for person in people:
        for start, end in person.visits:
            changes[start] += 1
            if end is not None:
                changes[end] -= 1
    steps, inside = [], 0
    for at, change in sorted(changes.items()):
        if change:
            inside += change
            steps.append((at, inside))
    return steps


def peak(people: Iterable[Person]) -> int:
    """The most people inside at once."""
    return max((inside for _, inside in curve(people)), default=0)


def minutes(people: Iterable[Person]) -> int:
    """The time inside of all people together, of visits that are over, in whole minutes."""
    stayed = sum((end - start for person in people for start, end in person.visits if end), timedelta())
    return int(stayed.total_seconds() // 60)
