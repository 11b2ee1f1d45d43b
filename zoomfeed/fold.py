"""How facts become state: the heart, without Django, database or clock.

Every field follows one of three rules, and each rule is a merge that is commutative, associative and idempotent:

- `earliest`: the smallest value (starts and joins),
- `latest`: the greatest value (ends and leaves),
- `newest`: the value with the greatest (event time in ms, value), so equal times have a fixed winner.

A fact is a key and a piece of `State`; the state of a row is the merge of all facts with its key. So the order, the
repetition and the batching of events cannot matter, by construction.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    MEETING = "meeting"
    WEBINAR = "webinar"  # sorts after "meeting": evidence for a webinar wins


class Place(StrEnum):
    MEETING = "meeting"
    WAITING_ROOM = "waiting_room"
    BREAKOUT_ROOM = "breakout_room"
    BEFORE_HOST = "before_host"  # waits for a host who has not started the meeting


class RecordingState(StrEnum):
    STARTED = "started"
    PAUSED = "paused"
    STOPPED = "stopped"


Stamped = tuple[int, Any]


@dataclass(frozen=True, slots=True)
class State:
    """What is known of one thing. Instants are ms since the epoch."""

    earliest: Mapping[str, int] = field(default_factory=dict)
    latest: Mapping[str, Any] = field(default_factory=dict)
    newest: Mapping[str, Stamped] = field(default_factory=dict)


def merge(a: State, b: State) -> State:
    """What both say together. Order and repeats change nothing."""
    return State(
        earliest=_join(a.earliest, b.earliest, min),
        latest=_join(a.latest, b.latest, max),
        newest=_join(a.newest, b.newest, newer),
    )


def newer(a: Stamped, b: Stamped) -> Stamped:
    """The later one; at equal times the one whose text is greater."""
    return a if (a[0], str(a[1])) >= (b[0], str(b[1])) else b


def _join(a: Mapping[str, Any], b: Mapping[str, Any], pick: Any) -> Mapping[str, Any]:
    if not b:
        return a
    joined = dict(a)
    for name, value in b.items():
        joined[name] = pick(joined[name], value) if name in joined else value
    return joined


class Entity(StrEnum):
    """What a fact can be about.

    Keys: meeting (uuid,), leg (uuid, user_id, place, room), attendee (digest,), the others (id,).
    """

    MEETING = "meeting"
    LEG = "leg"
    ATTENDEE = "attendee"
    SCHEDULED = "scheduled"
    ZOOM_USER = "zoom_user"
    RECORDING = "recording"


@dataclass(frozen=True, slots=True)
class Fact:
    entity: Entity
    key: tuple[str, ...]
    state: State
