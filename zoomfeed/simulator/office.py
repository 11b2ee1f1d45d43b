"""Bodies of events around the runs: what is planned, what was recorded, who has an account.

Here the meeting number is a JSON number, while it is text in live events of the same meeting.
"""

from random import Random
from typing import Any

from zoomfeed.simulator.bodies import ACCOUNT_ID, Event, Run, iso, notice, operator, participant_notice
from zoomfeed.simulator.people import Person

FILES = (("MP4", "shared_screen_with_speaker_view"), ("M4A", "audio_only"), ("TIMELINE", "timeline"))


# Planned meetings and webinars


def created(run: Run) -> Event:
    more = {"join_url": f"https://zoom.example.org/j/{run.number}", "settings": {"use_pmi": False}}
    return notice(f"{run.kind}.created", {**_planned(run), **more}, **operator(run.host), operation="single")


def updated(run: Run, old_topic: str, at_ms: int) -> Event:
    """Says what changed, and what it was before."""
    number = int(run.number)
    about = {"id": number, "topic": run.topic}
    event = notice(f"{run.kind}.updated", about, **_changed(run.host, at_ms), scope="single")
    event["payload"]["old_object"] = {"id": number, "topic": old_topic}
    return event


def deleted(run: Run) -> Event:
    return notice(f"{run.kind}.deleted", _planned(run), **operator(run.host), operation="single")


def _planned(run: Run) -> dict[str, Any]:
    return {
        "uuid": run.uuid,
        "id": int(run.number),
        "host_id": run.host.zoom_id,
        "topic": run.topic,
        "type": run.type,
        "start_time": iso(run.starts_at),
        "duration": run.scheduled_minutes,
        "timezone": run.timezone,
    }


# Recordings


def recording(change: str, run: Run, begun_at: int, ended_at: int | None, blank: str | None = None) -> Event:
    """`change`: started, paused, resumed or stopped. `blank` is what stands for an end that is not there yet."""
    file = {"recording_start": iso(begun_at), "recording_end": blank if ended_at is None else iso(ended_at)}
    return participant_notice(f"recording.{change}", {**_planned(run), "recording_file": file})


def recording_completed(run: Run, begun_at: int, ended_at: int, rng: Random) -> Event:
    """Comes more than once, with other links and another token each time; `meeting_id` of a file holds the uuid."""
    files = [_file(run, kind, view, begun_at, ended_at, rng) for kind, view in FILES]
    about = {
        **_planned(run),
        "account_id": ACCOUNT_ID,
        "host_email": run.host.email,
        "duration": (ended_at - begun_at) // 60,
        "total_size": sum(file["file_size"] for file in files),
        "recording_count": len(files),
        "share_url": f"https://zoom.example.org/rec/share/{rng.getrandbits(64):x}",
        "recording_files": files,
    }
    return {**participant_notice("recording.completed", about), "download_token": f"{rng.getrandbits(128):x}"}


def _file(run: Run, kind: str, view: str, begun_at: int, ended_at: int, rng: Random) -> dict[str, Any]:
    return {
        "id": f"{rng.getrandbits(64):016x}",
        "meeting_id": run.uuid,
        "recording_start": iso(begun_at),
        "recording_end": iso(ended_at),
        "file_type": kind,
        "file_size": rng.randrange(10_000, 400_000_000),
        "play_url": f"https://zoom.example.org/rec/play/{rng.getrandbits(64):x}",
        "status": "completed",
        "recording_type": view,
    }


# Accounts


def user_created(person: Person, by: Person) -> Event:
    first, _, last = person.name.rpartition(" ")
    about = {"id": person.zoom_id, "first_name": first, "last_name": last, "email": person.email, "type": 2}
    return notice("user.created", about, **operator(by), creation_type="create")


def user_updated(person: Person, by: Person, at_ms: int) -> Event:
    """They have a new address."""
    about = {"id": person.zoom_id, "email": person.email}
    event = notice("user.updated", about, **_changed(by, at_ms))
    event["payload"]["old_object"] = {"id": person.zoom_id, "email": f"old-{person.email}"}
    return event


def presence(person: Person, status: str, at: int) -> Event:
    """`status`: Available, In_Meeting, Away, Offline ... The id has been seen in lower case here."""
    about = {"date-time": iso(at), "email": person.email, "id": person.zoom_id.lower(), "presence_status": status}
    return notice("user.presence_status_updated", about)


def signed(change: str, person: Person, at: int) -> Event:
    """`change`: in or out."""
    about = {"id": person.zoom_id, "client_type": "win", "date_time": iso(at), "email": person.email}
    return notice(f"user.signed_{change}", {**about, "version": "6.5.1", "login_type": "100"})


def _changed(by: Person, at_ms: int) -> dict[str, Any]:
    """Who made a change, and when."""
    return {**operator(by), "time_stamp": at_ms}
