"""The bodies of Zoom's events, member for member as recorded ones and Zoom's published examples have them.

Habits kept here: the meeting number is text in live events and a number in planned, recording and chat events;
participant and recording events name their event last; what is not known comes as "", as null, or not at all; times
are UTC with Z, in whole seconds. Functions that make an event return it without `event_ts`, which tells when Zoom
noticed: `Script.tell` puts it in.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import UUID

from zoomfeed.simulator.people import Person

ACCOUNT_ID = "R0llCaLLs1mUlat3dZ00mQ"
INSTANT, SCHEDULED, RECURRING, PERSONAL_ROOM, WEBINAR = 1, 2, 3, 4, 5
"""Zoom's numbers for the type of a run."""

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """What stays the same in one run of a meeting or webinar. Instants are seconds since the epoch."""

    uuid: str
    number: str
    topic: str
    host: Person
    starts_at: int
    type: int = SCHEDULED
    scheduled_minutes: int = 60
    timezone: str = "UTC"

    @property
    def kind(self) -> str:
        return "webinar" if self.type == WEBINAR else "meeting"


@dataclass(frozen=True, slots=True)
class Leg:
    """One connection of a device to a run; `user_id` is new for each."""

    person: Person
    name: str
    user_id: str
    participant_uuid: str


def iso(at: float) -> str:
    """An instant as Zoom writes it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def run_uuid(rng: Random, *, awkward: bool = False) -> str:
    """The uuid of a run: base64, 24 characters; an awkward one begins with a slash and holds two in a row."""
    return base64.b64encode(b"\xff\xff" + rng.randbytes(14) if awkward else rng.randbytes(16)).decode()


def participant_uuid(rng: Random) -> str:
    return str(UUID(int=rng.getrandbits(128))).upper()


def meeting_number(rng: Random) -> str:
    """9 to 11 digits."""
    return str(rng.randrange(10**8, 10**11))


# Live runs


def live(run: Run, **more: Any) -> dict[str, Any]:
    """`payload.object` of a live event."""
    return {
        "uuid": run.uuid,
        **more,
        "id": run.number,
        "type": run.type,
        "topic": run.topic,
        "host_id": run.host.zoom_id,
        "duration": run.scheduled_minutes,
        "start_time": iso(run.starts_at),
        "timezone": run.timezone,
    }


def notice(name: str, about: Mapping[str, Any], **more: Any) -> Event:
    """An event about a run as a whole: its name comes first."""
    return {"event": name, "payload": {"account_id": ACCOUNT_ID, **more, "object": about}}


def participant_notice(name: str, about: Mapping[str, Any]) -> Event:
    """An event about a participant: its name comes last."""
    return {"payload": {"account_id": ACCOUNT_ID, "object": about}, "event": name}


def started(run: Run) -> Event:
    return notice(f"{run.kind}.started", {**live(run), "host_email": run.host.email})


def ended(run: Run, at: int) -> Event:
    return notice(f"{run.kind}.ended", {**live(run), "end_time": iso(at)})


def joined(run: Run, leg: Leg, at: int, rng: Random) -> Event:
    who = {**_network(leg), **_participant(leg, rng), "join_time": iso(at)}
    return participant_notice(f"{run.kind}.participant_joined", live(run, participant=who))


def left(run: Run, leg: Leg, at: int, reason: str, rng: Random) -> Event:
    private_ip = f"192.168.{_device_byte(leg)}.{_device_byte(leg, 8)}"
    who = {"leave_time": iso(at), **_network(leg), **_participant(leg, rng), "leave_reason": reason}
    about = live(run, participant={**who, "private_ip": private_ip})
    return participant_notice(f"{run.kind}.participant_left", about)


def joined_room(run: Run, leg: Leg, at: int, room: str, parent: str, rng: Random) -> Event:
    """Into a breakout room; `parent` is the user_id of the leg in the main room."""
    who = {**_participant(leg, rng), "parent_user_id": parent, "join_time": iso(at)}
    about = live(run, breakout_room_uuid=room, participant=who)
    return participant_notice("meeting.participant_joined_breakout_room", about)


def left_room(run: Run, leg: Leg, at: int, room: str, parent: str, rng: Random) -> Event:
    reason = "left the meeting. Reason : leave breakout room to join main meeting"
    who = {**_participant(leg, rng), "parent_user_id": parent, "leave_time": iso(at), "leave_reason": reason}
    about = live(run, breakout_room_uuid=room, participant=who)
    return participant_notice("meeting.participant_left_breakout_room", about)


def waiting_room(change: str, run: Run, leg: Leg, at: int, rng: Random) -> Event:
    """`change`: joined_waiting_room, left_waiting_room, put_in_waiting_room or admitted."""
    who = {**_participant(leg, rng), "date_time": iso(at)}
    return participant_notice(f"meeting.participant_{change}", live(run, participant=who))


def before_host(change: str, run: Run, person: Person) -> Event:
    """`change`: jbh_waiting, jbh_waiting_left or jbh_joined. These know no user_id and no participant_uuid."""
    who = {"id": person.zoom_id, "user_name": person.name, "customer_key": person.customer_key}
    return notice(f"meeting.participant_{change}", live(run, participant=who))


def role_changed(run: Run, leg: Leg, at: int, old: str, new: str) -> Event:
    who = {
        "user_id": leg.user_id,
        "participant_uuid": leg.participant_uuid,
        "user_name": leg.name,
        "email": leg.person.email,
        "participant_user_id": leg.person.zoom_id,
        "date_time": iso(at),
        "old_role": old,
        "new_role": new,
    }
    return participant_notice(f"{run.kind}.participant_role_changed", live(run, participant=who))


def sharing(change: str, run: Run, leg: Leg, at: int) -> Event:
    """`change`: started or ended."""
    details = {"link_source": "in_meeting", "file_link": "", "source": "", "date_time": iso(at), "content": "desktop"}
    who = {"id": leg.person.zoom_id, "user_id": leg.user_id, "user_name": leg.name, "sharing_details": details}
    return notice(f"{run.kind}.sharing_{change}", live(run, participant=who))


def live_streaming(change: str, run: Run, at: int) -> Event:
    settings = {
        "stream_url": "https://live.example.edu/in",
        "page_url": "https://live.example.edu/",
        "resolution": "720p",
    }
    streaming = {"service": "Custom_Live_Streaming_Service", "custom_live_streaming_settings": settings}
    about = live(run, live_streaming={**streaming, "date_time": iso(at)})
    return notice(f"meeting.live_streaming_{change}", about, **operator(run.host))


def media_stream(change: str, run: Run, stream_id: str) -> Event:
    """`change`: rtms_started, rtms_interrupted or rtms_stopped. There is no `object` in these."""
    payload: dict[str, Any] = {f"{run.kind}_uuid": run.uuid, "rtms_stream_id": stream_id}
    if change == "rtms_started":
        payload |= {"operator_id": run.host.zoom_id, "server_urls": "wss://media.example.org:443"}
    if change == "rtms_stopped":
        payload["stop_reason"] = 1
    return {"event": f"{run.kind}.{change}", "payload": payload}


def alert(run: Run, at: int, issue: str) -> Event:
    about = {name: value for name, value in live(run).items() if name != "start_time"}
    return notice(f"{run.kind}.alert", {**about, "join_time": iso(at), "issues": [issue]})


def quality(run: Run, leg: Leg, at: int) -> Event:
    """Of a run it names the uuid and nothing else."""
    details = {"bitrate": "63 kbps", "latency": "134 ms", "jitter": "6 ms", "avg_loss": "0.0%", "quality": "good"}
    measured = [{"date_time": iso(at), "type": "audio_input", "details": details}]
    who = {"user_id": leg.user_id, "participant_user_id": leg.person.zoom_id, "email": leg.person.email}
    return notice(f"{run.kind}.participant_qos", {"uuid": run.uuid, "participant": {**who, "qos": measured}})


def chat_message(run: Run, leg: Leg, at: int, words: str, message_id: str) -> Event:
    message = {
        "date_time": iso(at),
        "sender_session_id": leg.user_id,
        "sender_name": leg.name,
        "sender_email": leg.person.email,
        "sender_type": "guest",
        "recipient_type": "everyone",
        "message_id": message_id,
        "message_content": words,
    }
    about = {"id": int(run.number), "uuid": run.uuid, "chat_message": message}
    return notice(f"{run.kind}.chat_message_sent", about)


def summary_completed(run: Run, ended_at: int) -> Event:
    """Its ids are called `meeting_uuid` and `meeting_id`."""
    about = {
        "meeting_host_id": run.host.zoom_id,
        "meeting_host_email": run.host.email,
        "meeting_uuid": run.uuid,
        "meeting_id": int(run.number),
        "meeting_topic": run.topic,
        "meeting_start_time": iso(run.starts_at),
        "meeting_end_time": iso(ended_at),
        "summary_title": f"Meeting summary for {run.topic}",
        "summary_overview": "A short and friendly talk.",
        "next_steps": ["Meet again"],
    }
    return notice("meeting.summary_completed", about)


def _network(leg: Leg) -> dict[str, Any]:
    """Members that Zoom does not document and sends all the same; addresses from the ranges for documentation."""
    return {"public_ip": f"203.0.113.{_device_byte(leg)}"}


def _device_byte(leg: Leg, shift: int = 0) -> int:
    """A number below 256 that is the same for all legs of a device."""
    return int(leg.participant_uuid[-8:], 16) >> shift & 0xFF


def _participant(leg: Leg, rng: Random) -> dict[str, Any]:
    person = leg.person
    return {
        "user_id": leg.user_id,
        "user_name": leg.name,
        **_said_or_blank(rng, registrant_id=person.registrant_id, phone_number=person.phone),
        "participant_user_id": person.zoom_id,
        "id": person.zoom_id,
        **_said_or_blank(rng, email=person.email, customer_key=person.customer_key),
        "participant_uuid": leg.participant_uuid,
    }


def _said_or_blank(rng: Random, **members: str) -> dict[str, str | None]:
    """Zoom has three ways to say nothing: "", null, and no such member, for the same member of the same person."""
    said: dict[str, str | None] = {}
    for name, value in members.items():
        blank = rng.choice(("", None, "absent"))
        if value or blank != "absent":
            said[name] = value or blank
    return said


def operator(person: Person) -> dict[str, str]:
    """Who did it, in events about changes."""
    return {"operator": person.email, "operator_id": person.zoom_id}
