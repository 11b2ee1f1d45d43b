"""What Zoom's REST says beside what we know: the bodies that repair writes into the log. Pure.

Zoom's rows say who is there; that somebody is no longer there shows only by comparing. A row is a leg, but REST and
events may place it differently, so a row of a leg that we know keeps the place by which we know it.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from zoomfeed.fold import Kind, Place
from zoomfeed.protocol import MAX_BODY_BYTES
from zoomfeed.rest_events import PARTICIPANTS, place
from zoomfeed.values import first

Row = Mapping[str, Any]

RUN_MEMBERS = ("uuid", "id", "topic", "type", "host_id", "host", "email", "user_email", "timezone", "start_time",
               "end_time", "duration", "participants", "participants_count")  # fmt: skip
PARTICIPANT_MEMBERS = (
    "user_id", "participant_uuid", "participant_user_id", "id", "user_name", "name", "email", "user_email",
    "registrant_id", "customer_key", "role", "status", "bo_mtg_id", "leave_reason", "join_time", "leave_time", "place",
    "room",
)  # fmt: skip
"""What is kept of a row. The dashboards tell more (addresses, devices, networks) that nobody here needs."""

MOST_TEXT = 400
ROWS_A_BODY = 300


@dataclass(frozen=True, slots=True)
class KnownLeg:
    """A leg as our tables have it. `joined_ms`: when it last began, as far as we know."""

    user_id: str
    place: str
    room: str
    joined_ms: int
    is_open: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, and when (ms).

    `lists_all`: who is in no row is gone, if not `lag_ms` too new for it. `since_ms` is the begin of the gap before
    which we knew the open legs; None: there was none.
    """

    account_id: str
    uuid: str
    number: str
    kind: Kind
    at_ms: int
    lag_ms: int = 0
    lists_all: bool = False
    since_ms: int | None = None


@dataclass(slots=True)
class Compared:
    """The bodies that say what was found, and figures for people."""

    bodies: list[bytes] = field(default_factory=list)
    people: int = 0
    gone: int = 0


def body(name: str, account_id: str, at_ms: int, about: Row) -> bytes:
    """A body for the log, in the shape of Zoom's own."""
    return json.dumps(
        {"event": name, "event_ts": at_ms, "payload": {"account_id": account_id, "object": about}},
        separators=(",", ":"),
    ).encode()


def run_body(name: str, account_id: str, at_ms: int, row: Row, kind: Kind) -> bytes:
    """What a row says of a run as a whole."""
    return body(name, account_id, at_ms, {**_kept(row, RUN_MEMBERS), "kind": kind})


def compare(asked: Asked, rows: Sequence[Row], legs: Iterable[KnownLeg], *, complete: bool) -> Compared:
    """The participants that Zoom tells of, and the legs that it no longer knows.

    `complete` says that what happened before `asked.at_ms` is in the rows or has come as events.
    """
    known = _by_user_id(legs)
    placed = [_placed(_kept(row, PARTICIPANT_MEMBERS), known) for row in rows]
    gone = list(_gone(asked, placed, known)) if asked.lists_all else []
    there = {first(row, "participant_uuid", "user_id") for row in placed if not row.get("leave_time")}
    return Compared(list(_bodies(asked, placed, gone, complete=complete)), len(there), len(gone))


def _kept(row: Row, members: tuple[str, ...]) -> dict[str, Any]:
    """The members that we read, if they are plain values, and not longer than we read them."""
    return {
        name: value[:MOST_TEXT] if isinstance(value, str) else value
        for name in members
        if isinstance(value := row.get(name), str | int) and (isinstance(value, str) or abs(value) < 2**63)
    }


def _by_user_id(legs: Iterable[KnownLeg]) -> dict[str, list[KnownLeg]]:
    """The legs of each user_id: those that are open first, then the newest."""
    found: dict[str, list[KnownLeg]] = {}
    for leg in sorted(legs, key=lambda leg: (leg.is_open, leg.joined_ms), reverse=True):
        found.setdefault(leg.user_id, []).append(leg)
    return found


def _placed(row: dict[str, Any], known: Mapping[str, Sequence[KnownLeg]]) -> dict[str, Any]:
    """The row, at the place where events have put its leg.

    Who waits does wait. Else the place is a matter of words: which events the app subscribes to decides whether a leg
    in a breakout room is known as one, and the room has another id there.
    """
    row.pop("place", None), row.pop("room", None)
    own = place(row)
    legs = [leg for leg in known.get(first(row, "user_id"), ()) if leg.place != Place.BEFORE_HOST]
    alike = [leg for leg in legs if (leg.place == Place.WAITING_ROOM) == (own[0] == Place.WAITING_ROOM)]
    if row.get("leave_time"):
        alike = alike or legs  # of one that is over, Zoom may not say any more that it was a waiting
    if not alike or own in {(leg.place, leg.room) for leg in alike}:
        return row
    return {**row, "place": alike[0].place, "room": alike[0].room}


def _gone(asked: Asked, rows: Iterable[Row], known: Mapping[str, Sequence[KnownLeg]]) -> Iterator[dict[str, Any]]:
    """The open legs that no row tells of. One that began within the lag may only be too new."""
    told = {(first(row, "user_id"), *place(row)) for row in rows}
    newest_ms = asked.at_ms - asked.lag_ms
    for leg in (leg for legs in known.values() for leg in legs):
        is_told = (leg.user_id, leg.place, leg.room) in told
        if leg.is_open and not is_told and leg.joined_ms < newest_ms and leg.place != Place.BEFORE_HOST:
            left_ms = max(leg.joined_ms, newest_ms if asked.since_ms is None else asked.since_ms)
            yield {"user_id": leg.user_id, "place": leg.place, "room": leg.room, "left_at": left_ms}


def _bodies(asked: Asked, rows: Sequence[Row], gone: Sequence[Row], *, complete: bool) -> Iterator[bytes]:
    """As many bodies as it takes; the last one alone says that the comparison is complete."""
    parts = [rows[at : at + ROWS_A_BODY] for at in range(0, len(rows), ROWS_A_BODY)]
    lost = [gone[at : at + ROWS_A_BODY] for at in range(0, len(gone), ROWS_A_BODY)]
    about = {"uuid": asked.uuid, "id": asked.number, "kind": asked.kind}
    for part in parts:
        yield from _fitting(asked, {**about, "participants": part, "complete": False})
    for part in lost:
        yield body(PARTICIPANTS, asked.account_id, asked.at_ms, {**about, "gone": part, "complete": False})
    if complete:
        yield body(PARTICIPANTS, asked.account_id, asked.at_ms, {**about, "complete": True})


def _fitting(asked: Asked, about: Mapping[str, Any]) -> Iterator[bytes]:
    """One body, or several where names are so long that one would be too large to be read back."""
    made = body(PARTICIPANTS, asked.account_id, asked.at_ms, about)
    rows = about["participants"]
    if len(made) <= MAX_BODY_BYTES or len(rows) == 1:
        yield made
        return
    for half in (rows[: len(rows) // 2], rows[len(rows) // 2 :]):
        yield from _fitting(asked, {**about, "participants": half})
