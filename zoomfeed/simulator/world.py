"""What is true at the simulated Zoom: its runs and who is in them, learnt from the bodies that it sends.

It stands on its own: nothing of the feed's reading of events is used here, so that a test which compares the two
does not compare a mistake with itself. It hears every body, also those that no socket took, and in any order; it
forgets nothing that is on. Instants are whole seconds since the epoch, as in `bodies`; only how long ago a body was
sent is told by the monotonic clock.
"""

import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from zoomfeed.simulator.runs import BREAKOUT_ROOM, MEETING, WAITING_ROOM, Leg, Run

ENDED_KEPT_S, SILENT_KEPT_S = 2 * 3600, 48 * 3600
"""For how long a run that ended, and one of which nothing is heard, are kept by a world that forgets."""

TIDY_EVERY = 1000

Members = dict[str, Any]


@dataclass(slots=True)
class User:
    """Somebody with an account."""

    id: str
    name: str = ""
    email: str = ""


@dataclass(slots=True)
class Plan:
    """A meeting as it is scheduled."""

    number: str
    kind: str
    uuid: str = ""
    topic: str = ""
    type: int = 0
    host_id: str = ""
    starts_at: int = 0
    minutes: int = 0
    is_deleted: bool = False
    heard_at: float = 0.0


class World:
    """Asked for the state as of `lag_s` ago. Raise the lag before sending: what is known is not unlearnt."""

    def __init__(self, *, forgets: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self.forgets, self.clock = forgets, clock
        self.lag_s = 0.0
        self.heard = 0
        self._runs: dict[str, Run] = {}
        self._plans: dict[str, Plan] = {}
        self._users: dict[str, User] = {}
        self._waiting: deque[tuple[float, bytes]] = deque()

    def hear(self, body: bytes) -> None:
        """Take a body that is being sent now."""
        self._waiting.append((self.clock(), body))
        self._catch_up()

    # What one may ask

    def runs(self) -> list[Run]:
        self._catch_up()
        return list(self._runs.values())

    def live(self, kind: str) -> list[Run]:
        return [run for run in self.runs() if run.kind == kind and run.ended_at is None]

    def past(self, kind: str) -> list[Run]:
        return [run for run in self.runs() if run.kind == kind and run.ended_at is not None]

    def named(self, uuid_or_number: str) -> list[Run]:
        """The run with this uuid, or those of this number, the latest first."""
        found = [run for run in self.runs() if uuid_or_number in (run.uuid, run.number)]
        return sorted(found, key=lambda run: run.started_at, reverse=True)

    def plan(self, number: str) -> Plan | None:
        self._catch_up()
        plan = self._plans.get(number)
        return None if plan is None or plan.is_deleted else plan

    def user(self, id_or_email: str) -> User | None:
        """Ids have been seen in lower case, too."""
        self._catch_up()
        wanted = id_or_email.lower()
        by_email = (user for user in self._users.values() if user.email.lower() == wanted)
        return self._users.get(wanted) or next(by_email, None)

    # What it learns

    def _catch_up(self) -> None:
        until = self.clock() - self.lag_s
        while self._waiting and self._waiting[0][0] <= until:
            self._learn(*self._waiting.popleft())

    def _learn(self, sent_at: float, body: bytes) -> None:
        self.heard += 1
        if self.forgets and self.heard % TIDY_EVERY == 0:
            self._tidy(sent_at)
        name, about = _opened(body)
        kind, _, change = name.partition(".")
        if kind not in ("meeting", "webinar") or not about:
            return
        if change in ("created", "updated", "deleted"):
            self._learn_plan(kind, change, about, sent_at)
        elif (change in ("started", "ended") or change in PARTS) and _text(about, "uuid"):
            run = self._learn_run(kind, about, sent_at)
            if change == "ended":
                run.ended_at = _instant(about, "end_time") or int(time.time())
                run.ended_sent_at = run.ended_sent_at or sent_at  # it may be sent again
            elif change in PARTS:
                self._learn_leg(run, change, about)

    def _learn_plan(self, kind: str, change: str, about: Members, sent_at: float) -> None:
        number = _text(about, "id")
        plan = self._plans.setdefault(number, Plan(number, kind))
        plan.heard_at, plan.is_deleted = sent_at, plan.is_deleted or change == "deleted"
        if change == "updated" or not plan.topic:  # `created` may come after the change
            plan.topic = _text(about, "topic") or plan.topic
        plan.uuid, plan.host_id = _text(about, "uuid") or plan.uuid, _text(about, "host_id") or plan.host_id
        plan.type, plan.minutes = _number(about, "type") or plan.type, _number(about, "duration") or plan.minutes
        plan.starts_at = _instant(about, "start_time") or plan.starts_at

    def _learn_run(self, kind: str, about: Members, sent_at: float) -> Run:
        run = self._runs.setdefault(about["uuid"], Run(about["uuid"], kind))
        run.heard_at = sent_at
        run.number, run.topic = _text(about, "id") or run.number, _text(about, "topic") or run.topic
        run.host_id, run.timezone = _text(about, "host_id") or run.host_id, _text(about, "timezone") or run.timezone
        run.type, run.minutes = _number(about, "type") or run.type, _number(about, "duration") or run.minutes
        run.started_at = _instant(about, "start_time") or run.started_at
        if run.host_id:
            self._learn_user(run.host_id, "", _text(about, "host_email"))
        return run

    def _learn_leg(self, run: Run, change: str, about: Members) -> None:
        who = about.get("participant")
        if not isinstance(who, dict) or not _text(who, "user_id"):
            return  # those who wait for the host have no connection yet
        place, learn = PARTS[change]
        room = _text(about, "breakout_room_uuid") if place == BREAKOUT_ROOM else ""
        key = (_text(who, "user_id"), place, room)
        leg = run.parts.setdefault(key, Leg(*key))
        _describe(leg, who)
        learn(leg, who)
        if leg.zoom_id:
            self._learn_user(leg.zoom_id, leg.name, leg.email)

    def _learn_user(self, zoom_id: str, name: str, email: str) -> None:
        user = self._users.setdefault(zoom_id.lower(), User(zoom_id))
        user.name, user.email = user.name or name, user.email or email

    def _tidy(self, now: float) -> None:
        def is_over(run: Run) -> bool:
            return now - run.heard_at > (SILENT_KEPT_S if run.ended_at is None else ENDED_KEPT_S)

        self._runs = {uuid: run for uuid, run in self._runs.items() if not is_over(run)}
        self._plans = {key: plan for key, plan in self._plans.items() if now - plan.heard_at <= SILENT_KEPT_S}


# What an event tells of a leg


def _joins(leg: Leg, who: Members) -> None:
    leg.joined_at = _instant(who, "join_time") or leg.joined_at


def _leaves(leg: Leg, who: Members) -> None:
    leg.left_at = _instant(who, "leave_time") or leg.left_at
    leg.leave_reason = _text(who, "leave_reason")


def _begins_to_wait(leg: Leg, who: Members) -> None:
    leg.joined_at = _instant(who, "date_time") or leg.joined_at


def _waits_no_more(leg: Leg, who: Members) -> None:
    leg.left_at = _instant(who, "date_time") or leg.left_at


def _changes_role(leg: Leg, who: Members) -> None:
    if (at := _instant(who, "date_time") or 0) >= leg.role_at:
        leg.role, leg.role_at = _text(who, "new_role") or leg.role, at


PARTS: dict[str, tuple[str, Callable[[Leg, Members], None]]] = {
    "participant_joined": (MEETING, _joins),
    "participant_left": (MEETING, _leaves),
    "participant_role_changed": (MEETING, _changes_role),
    "participant_joined_breakout_room": (BREAKOUT_ROOM, _joins),
    "participant_left_breakout_room": (BREAKOUT_ROOM, _leaves),
    "participant_joined_waiting_room": (WAITING_ROOM, _begins_to_wait),
    "participant_put_in_waiting_room": (WAITING_ROOM, _begins_to_wait),
    "participant_admitted": (WAITING_ROOM, _waits_no_more),
    "participant_left_waiting_room": (WAITING_ROOM, _waits_no_more),
}
"""The last part of an event's name -> the place of the leg that it is about, and what to learn of it."""


def _describe(leg: Leg, who: Members) -> None:
    leg.participant_uuid = _text(who, "participant_uuid") or leg.participant_uuid
    leg.zoom_id = _text(who, "participant_user_id") or _text(who, "id") or leg.zoom_id
    leg.name, leg.email = _text(who, "user_name") or leg.name, _text(who, "email") or leg.email
    leg.registrant_id = _text(who, "registrant_id") or leg.registrant_id
    leg.customer_key = _text(who, "customer_key") or leg.customer_key


# Reading: tests send anything


def _opened(body: bytes) -> tuple[str, Members]:
    """The name of an event and what it is about; nothing when it is none."""
    try:
        event = json.loads(body)
        name, about = event["event"], event["payload"]["object"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return "", {}
    return (name, about) if isinstance(name, str) and isinstance(about, dict) else ("", {})


def _text(members: Members, name: str) -> str:
    value = members.get(name)
    return str(value) if isinstance(value, str | int) else ""


def _number(members: Members, name: str) -> int:
    value = members.get(name)
    return value if isinstance(value, int) else 0


def _instant(members: Members, name: str) -> int | None:
    try:
        return int(datetime.fromisoformat(_text(members, name)).timestamp())
    except (ValueError, OverflowError):
        return None
