"""The rows of the simulated Zoom's REST answers, member for member as its API reference has them.

Habits kept here: the dashboards say `user_name` and `email` where the reports say `name` and `user_email`; meeting
numbers are JSON numbers; what is not known is ""; there is one row per leg, and waiting is a row of its own. Source:
Zoom's API reference, "Meetings" and "Accounts" (developers.zoom.us/docs/api).
"""

from typing import Any

from zoomfeed.simulator.bodies import iso
from zoomfeed.simulator.runs import WAITING_ROOM, Leg, Run
from zoomfeed.simulator.world import Plan, User, World

Row = dict[str, Any]


# Dashboards


def dashboard_run(run: Run, world: World) -> Row:
    host = _host(run, world)
    return {
        "uuid": run.uuid,
        "id": _number(run.number),
        "topic": run.topic,
        "host": host.name,
        "email": host.email,
        "user_type": "Licensed",
        "start_time": iso(run.started_at),
        "end_time": iso(run.ended_at) if run.ended_at is not None else "",
        "duration": _clock((run.ended_at or run.started_at) - run.started_at),
        "participants": len(run.inside),
        "has_pstn": False,
        "has_voip": True,
        "has_screen_share": False,
        "has_recording": False,
        "dept": "",
    }


def dashboard_leg(run: Run, leg: Leg) -> Row:
    left_at = run.left_at(leg)
    left = {} if left_at is None else {"leave_time": iso(left_at), "leave_reason": leg.leave_reason}
    return {
        "id": leg.zoom_id,
        "user_id": leg.user_id,
        "participant_uuid": leg.participant_uuid,
        "participant_user_id": leg.zoom_id,
        "user_name": leg.name,
        "email": leg.email,
        "registrant_id": leg.registrant_id,
        "customer_key": leg.customer_key,
        "device": "Windows",
        "join_time": iso(leg.joined_at or 0),
        **left,
        "status": _status(leg),
        "role": run.role(leg),
        "bo_mtg_id": leg.room,
    }


# Meetings and reports


def live_meeting(run: Run, plan: Plan | None) -> Row:
    """A row of the meetings of one user; `start_time` is when it was to begin."""
    return {
        "uuid": run.uuid,
        "id": _number(run.number),
        "host_id": run.host_id,
        "topic": run.topic,
        "type": run.type,
        "start_time": iso(plan.starts_at if plan else run.started_at),
        "duration": run.minutes,
        "timezone": run.timezone,
        "created_at": iso(run.started_at),
        "join_url": f"https://zoom.example.org/j/{run.number}",
    }


def meeting(number: str, plan: Plan | None, live: Run | None) -> Row:
    """What a number stands for now; at least one of the two is there."""
    known = live or plan
    assert known is not None
    return {
        "uuid": known.uuid,
        "id": _number(number),
        "host_id": known.host_id,
        "topic": known.topic,
        "type": known.type,
        "status": "started" if live else "waiting",
        "start_time": iso(plan.starts_at if plan else live.started_at if live else 0),
        "duration": known.minutes,
    }


def past_run(run: Run, world: World) -> Row:
    host, ended_at = _host(run, world), run.ended_at or run.started_at
    minutes = -(-(ended_at - run.started_at) // 60)
    return {
        "uuid": run.uuid,
        "id": _number(run.number),
        "host_id": run.host_id,
        "type": run.type,
        "topic": run.topic,
        "user_name": host.name,
        "user_email": host.email,
        "start_time": iso(run.started_at),
        "end_time": iso(ended_at),
        "duration": minutes,
        "total_minutes": minutes * len(run.inside),
        "participants_count": len(run.inside),
        "dept": "",
        "source": "Zoom",
    }


def past_leg(run: Run, leg: Leg, *, is_early: bool = False) -> Row:
    """`is_early`: asked so soon after the end that Zoom has not counted yet, which shows as a duration of 0."""
    left_at = run.left_at(leg) or 0
    return {
        "id": leg.zoom_id,
        "name": leg.name,
        "user_id": leg.user_id,
        "registrant_id": leg.registrant_id,
        "user_email": leg.email,
        "join_time": iso(leg.joined_at or 0),
        "leave_time": iso(left_at),
        "duration": 0 if is_early else left_at - (leg.joined_at or 0),
        "failover": False,
        "status": _status(leg),
        "internal_user": bool(leg.zoom_id),
    }


def report_leg(run: Run, leg: Leg) -> Row:
    more = {"participant_user_id": leg.zoom_id, "customer_key": leg.customer_key, "bo_mtg_id": leg.room}
    return {**past_leg(run, leg), **more}


def _host(run: Run, world: World) -> User:
    return world.user(run.host_id) or User(run.host_id)


def _status(leg: Leg) -> str:
    return "in_waiting_room" if leg.place == WAITING_ROOM else "in_meeting"


def _number(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def _clock(seconds: int) -> str:
    """As the dashboards write a duration: 30:05, or 02:30:05."""
    minutes, second = divmod(max(seconds, 0), 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02}:{minute:02}:{second:02}" if hour else f"{minute:02}:{second:02}"
