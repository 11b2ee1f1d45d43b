"""What REST said, as facts: the bodies that repair writes into the log, read like Zoom's own. Total functions, too.

An answer of REST describes a thing at the moment when it began (`start_time`, `join_time`), however late it was asked
for. So its words are older than those of every event about the same thing, and never take anything back.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from zoomfeed.fold import Entity, Fact, Kind, Place, State
from zoomfeed.values import EMAIL, ID, SHORT, TEXT, first, instant, integer, listed, mapping, milliseconds, person_name

LIVE_RUN, PAST_RUN, PARTICIPANTS = "rest.live_meeting", "rest.past_meeting", "rest.participants"

Members = Mapping[str, Any]


def _live_run(about: Members, account_id: str, at: int) -> Iterator[Fact]:
    yield from _run(about, account_id, at, began=instant(about.get("start_time")))


def _past_run(about: Members, account_id: str, at: int) -> Iterator[Fact]:
    """`duration` is here how long it really took, so it is no plan."""
    began, ended = instant(about.get("start_time")), instant(about.get("end_time"))
    yield from _run({**about, "duration": None}, account_id, at, began=began, ended_at=ended)


def _participants(about: Members, account_id: str, at: int) -> Iterator[Fact]:
    checked = at if about.get("complete") is True else None
    yield from _run(about, account_id, at, checked_at=checked)
    uuid = first(about, "uuid")
    for row in listed(about.get("participants")):
        yield from _leg(uuid, mapping(row), at)
    for row in listed(about.get("gone")):
        yield from _gone(uuid, mapping(row))


def _run(
    about: Members,
    account_id: str,
    at: int,
    *,
    began: int | None = None,
    ended_at: int | None = None,
    checked_at: int | None = None,
) -> Iterator[Fact]:
    uuid = first(about, "uuid")
    if not uuid:
        return
    described = {
        "number": first(about, "id", width=32),
        "account_id": account_id,
        "type": first(about, "type", width=20),
        "topic": first(about, "topic", width=TEXT),
        "host_id": first(about, "host_id"),
        "host_email": first(about, "host_email", "email", "user_email", width=EMAIL),
        "timezone": first(about, "timezone", width=SHORT),
        "scheduled_minutes": integer(about.get("duration")),
    }
    kind = Kind.WEBINAR if about.get("kind") == Kind.WEBINAR else Kind.MEETING
    yield Fact(
        Entity.MEETING,
        (uuid,),
        State(
            earliest=_said(started_at=began, seen_at=min((ms for ms in (began, ended_at, at) if ms), default=None)),
            latest={"kind": kind, **_said(ended_at=ended_at, checked_at=checked_at)},
            newest={name: (began or 0, value) for name, value in described.items() if value not in ("", None)},
        ),
    )


def _leg(uuid: str, row: Members, at: int) -> Iterator[Fact]:
    user_id = first(row, "user_id")
    if not uuid or not user_id:
        return
    joined, left = instant(row.get("join_time")), instant(row.get("leave_time"))
    described = {
        "participant_uuid": first(row, "participant_uuid"),
        "zoom_user_id": _zoom_user_id(row),
        "name": person_name(row),
        "email": first(row, "email", "user_email", width=EMAIL),
        "registrant_id": first(row, "registrant_id"),
        "customer_key": first(row, "customer_key"),
        "role": first(row, "role", width=20).lower(),
        "leave_reason": first(row, "leave_reason", width=TEXT).rpartition("Reason")[2].lstrip(" :"),
    }
    yield Fact(
        Entity.LEG,
        (uuid, user_id, *place(row)),
        State(
            earliest=_said(joined_at=joined, seen_at=min((ms for ms in (joined, left, at) if ms), default=None)),
            latest=_said(last_joined_at=joined, left_at=left),
            newest={name: (joined or 0, value) for name, value in described.items() if value},
        ),
    )


def _zoom_user_id(row: Members) -> str:
    """`id` stands in only where the better name is unknown: of a guest it may be made up anew for each connection."""
    return first(row, "participant_user_id" if "participant_user_id" in row else "id")


def place(row: Members) -> tuple[Place, str]:
    """Where a row of participants is: the place and, of a breakout room, its id.

    `place` and `room` are there when the row is known to be a leg that has events.
    """
    known = row.get("place")
    if isinstance(known, str) and known in set(Place):
        return Place(known), first(row, "room")
    if row.get("status") == "in_waiting_room":
        return Place.WAITING_ROOM, ""
    room = first(row, "bo_mtg_id", width=ID)
    return (Place.BREAKOUT_ROOM, room) if room else (Place.MEETING, "")


def _gone(uuid: str, row: Members) -> Iterator[Fact]:
    """A leg of which REST knows nothing any more: `left_at` (ms) is the earliest that it can have ended."""
    user_id, left = first(row, "user_id"), milliseconds(row.get("left_at"))
    if uuid and user_id and left:
        state = State(earliest={"seen_at": left}, latest={"left_at": left})
        yield Fact(Entity.LEG, (uuid, user_id, *place(row)), state)


def _said(**instants: int | None) -> dict[str, int]:
    return {name: ms for name, ms in instants.items() if ms}


Reader = Callable[[Members, str, int], Iterator[Fact]]

READERS: dict[str, Reader] = {LIVE_RUN: _live_run, PAST_RUN: _past_run, PARTICIPANTS: _participants}
"""Name of a body -> its reader, which takes `payload.object`, the account and when REST was asked (ms, 0: unknown)."""
