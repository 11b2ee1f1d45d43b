"""What a body says: total functions over any JSON.

`read` takes a parsed body and returns the names and ids by which the log is searched, and the facts that follow from
it. Nothing here raises for what came from outside: a member that is missing, null, empty or of another type than
documented is "not said". Text is cleaned so that every database takes it (NUL and lone surrogates become U+FFFD) and
cut to the width of its column; ids are text, because Zoom sends the same number as text and as number.

Sources: Zoom's OpenAPI event catalogue for member names; recorded bodies for what really arrives.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from zoomfeed import rest_events
from zoomfeed.fold import Entity, Fact, Kind, Place, RecordingState, State
from zoomfeed.protocol import loads
from zoomfeed.values import (
    EMAIL,
    ID,
    SHORT,
    TEXT,
    first,
    https,
    instant,
    integer,
    listed,
    mapping,
    milliseconds,
    person_name,
    text,
)

WEBINAR_TYPES = {"5", "6", "9"}


@dataclass(frozen=True, slots=True)
class Reading:
    """What the log needs to know of one event; `facts` is what the live state needs."""

    name: str = ""
    occurred_ms: int | None = None
    account_id: str = ""
    meeting_uuid: str = ""
    meeting_number: str = ""
    topic: str = ""
    host_id: str = ""
    participant_id: str = ""
    participant_name: str = ""
    participant_email: str = ""
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class Body:
    """The parts of a body that facts are made from, already cleaned."""

    name: str
    at: int  # ms; the stamp of everything that this body describes. 0: Zoom did not say
    payload: Mapping[str, Any]
    object: Mapping[str, Any]
    person: Mapping[str, Any]
    uuid: str
    number: str
    account_id: str = field(default="")

    @property
    def is_webinar(self) -> bool:
        return self.name.startswith("webinar.") or text(self.object.get("type"), ID) in WEBINAR_TYPES

    def newest(self, **values: Any) -> dict[str, tuple[int, Any]]:
        """Stamp what was said; empty means not said."""
        return {name: (self.at, value) for name, value in values.items() if value not in ("", None)}

    def when(self, *members: str) -> int | None:
        """The first instant that a person's member tells, else the time of the notice."""
        told = (instant(self.person.get(member)) for member in members)
        return next((at for at in told if at is not None), self.at or None)


def read(body: Any) -> Reading | None:
    """Say what one event is about; None when it is no event (no object, or no name)."""
    root = mapping(body)
    name = text(root.get("event"), 100)
    if not name:
        return None
    said = _body(name, root)
    reader = READERS.get(name)
    return Reading(
        name=name,
        occurred_ms=milliseconds(root.get("event_ts")),
        account_id=text(said.account_id, SHORT),
        meeting_uuid=said.uuid,
        meeting_number=said.number,
        topic=first(said.object, "topic", "meeting_topic", width=TEXT),
        host_id=first(said.object, "host_id", "meeting_host_id"),
        participant_id=first(said.person, "participant_user_id", "id"),
        participant_name=person_name(said.person),
        participant_email=first(said.person, "email", "user_email", width=EMAIL),
        facts=tuple(reader(said)) if reader else (),
    )


def made_at_s(body: bytes) -> float | None:
    """Zoom's event_ts, when the notice was made, in seconds since the epoch."""
    with contextlib.suppress(ValueError):
        stamp = milliseconds(mapping(loads(body)).get("event_ts"))
        return None if stamp is None else stamp / 1000
    return None


def facts_of(body: bytes) -> tuple[Fact, ...]:
    """The facts that follow from a logged body."""
    reading = read(loads(body))
    return reading.facts if reading else ()


def _body(name: str, root: Mapping[str, Any]) -> Body:
    payload = mapping(root.get("payload"))
    about = mapping(payload.get("object"))
    stamp = milliseconds(root.get("event_ts"))
    return Body(
        name=name,
        at=stamp or 0,
        payload=payload,
        object=about,
        person=_person(name, about, payload),
        uuid=_uuid(name, about, payload),
        number=_number(name, about),
        account_id=first(payload, "account_id", width=SHORT) or first(about, "account_id", width=SHORT),
    )


def _person(name: str, about: Mapping[str, Any], payload: Mapping[str, Any]) -> Mapping[str, Any]:
    if name.startswith("user."):
        return about
    if name in rest_events.READERS:
        return {}  # about many
    for member in ("participant", "registrant", "chat_message", "host"):
        found = about.get(member)
        found = found[0] if isinstance(found, list) and found else found
        if isinstance(found, dict):
            return found
    listed = about.get("participants")
    if isinstance(listed, list) and listed:
        return mapping(listed[0])
    return {
        "id": about.get("participant_user_id") or payload.get("operator_id") or about.get("host_id"),
        "email": about.get("host_email") or about.get("meeting_host_email"),
        "user_name": about.get("user_name"),
    }


def _uuid(name: str, about: Mapping[str, Any], payload: Mapping[str, Any]) -> str:
    if name.startswith("user."):
        return ""
    found = first(about, "uuid", "meeting_uuid", "webinar_uuid") or first(payload, "meeting_uuid", "webinar_uuid")
    if not found and name.startswith("recording.batch_"):
        uuids = about.get("meeting_uuids")
        if isinstance(uuids, list) and uuids:
            return text(uuids[0], ID)
        meetings = about.get("meetings")
        return first(mapping(meetings[0]), "meeting_uuid") if isinstance(meetings, list) and meetings else ""
    return found


def _number(name: str, about: Mapping[str, Any]) -> str:
    if name.startswith("user."):
        return ""
    return first(about, "id", "meeting_id", "webinar_id", "meeting_number", width=32)


# Facts, one reader for each kind of event


def _run(said: Body, **state: Mapping[str, Any]) -> Iterator[Fact]:
    """What every event of a live run says of the run itself."""
    if not said.uuid:
        return
    host_email = first(said.object, "host_email", width=EMAIL)
    described = said.newest(
        number=said.number,
        account_id=said.account_id,
        type=first(said.object, "type", width=20),
        topic=first(said.object, "topic", width=TEXT),
        host_id=first(said.object, "host_id"),
        host_email=host_email,
        timezone=first(said.object, "timezone", width=SHORT),
        scheduled_minutes=integer(said.object.get("duration")),
    )
    earliest = dict(state.get("earliest", {}))
    if said.at:
        earliest["seen_at"] = min(said.at, *(earliest.values() or [said.at]))
    yield Fact(
        Entity.MEETING,
        (said.uuid,),
        State(
            earliest={name: at for name, at in earliest.items() if at is not None},
            latest={"kind": Kind.WEBINAR if said.is_webinar else Kind.MEETING, **state.get("latest", {})},
            newest={**described, **state.get("newest", {})},
        ),
    )


def _true_start(said: Body) -> dict[str, int]:
    """`start_time` of a live event is when the run really began."""
    started = instant(said.object.get("start_time"))
    return {} if started is None else {"started_at": started}


def _started(said: Body) -> Iterator[Fact]:
    started = instant(said.object.get("start_time")) or said.at
    yield from _run(said, earliest={"started_at": started} if started else {})


def _ended(said: Body) -> Iterator[Fact]:
    ended = instant(said.object.get("end_time")) or said.at
    yield from _run(said, earliest=_true_start(said), latest={"ended_at": ended} if ended else {})


def _leg(
    said: Body, place: Place, *, joined: int | None = None, left: int | None = None, **more: Any
) -> Iterator[Fact]:
    """What an event says of one device's connection."""
    user_id = first(said.person, "user_id") or _substitute_id(said.person)
    if not said.uuid or not user_id:
        return
    room = first(said.object, "breakout_room_uuid") if place == Place.BREAKOUT_ROOM else ""
    seen = min((at for at in (joined, left, said.at) if at), default=None)
    described = said.newest(
        participant_uuid=first(said.person, "participant_uuid"),
        zoom_user_id=first(said.person, "participant_user_id", "id"),
        name=person_name(said.person),
        email=first(said.person, "email", width=EMAIL),
        registrant_id=first(said.person, "registrant_id"),
        customer_key=first(said.person, "customer_key"),
        phone=first(said.person, "phone_number", width=SHORT),
        **more,
    )
    yield Fact(
        Entity.LEG,
        (said.uuid, user_id, place, room),
        State(
            earliest={name: at for name, at in (("joined_at", joined), ("seen_at", seen)) if at},
            latest={name: at for name, at in (("last_joined_at", joined), ("left_at", left)) if at},
            newest=described,
        ),
    )


def _substitute_id(person: Mapping[str, Any]) -> str:
    """Join-before-host events carry no user_id: the steadiest name that they do carry stands in for it."""
    said = first(person, "participant_uuid", "participant_user_id", "id", "customer_key", "registrant_id")
    said = said or person_name(person)
    return f"~{said}"[:ID] if said else ""


def _joined(said: Body) -> Iterator[Fact]:
    yield from _run(said, earliest=_true_start(said))
    yield from _leg(said, Place.MEETING, joined=said.when("join_time", "date_time"))


def _left(said: Body) -> Iterator[Fact]:
    yield from _run(said, earliest=_true_start(said))
    yield from _leg(said, Place.MEETING, left=said.when("leave_time", "date_time"), leave_reason=_reason(said))


def _reason(said: Body) -> str:
    """Zoom's prose, without the name and the markup around it."""
    said_reason = first(said.person, "leave_reason", width=TEXT)
    return said_reason.rpartition("Reason")[2].lstrip(" :") or said_reason


def _joined_breakout(said: Body) -> Iterator[Fact]:
    yield from _run(said, earliest=_true_start(said))
    yield from _leg(said, Place.BREAKOUT_ROOM, joined=said.when("join_time", "date_time"))


def _left_breakout(said: Body) -> Iterator[Fact]:
    yield from _run(said, earliest=_true_start(said))
    yield from _leg(said, Place.BREAKOUT_ROOM, left=said.when("leave_time", "date_time"), leave_reason=_reason(said))


def _began_to_wait(said: Body) -> Iterator[Fact]:
    yield from _run(said)
    yield from _leg(said, Place.WAITING_ROOM, joined=said.when("date_time", "join_time"))


def _stopped_waiting(said: Body) -> Iterator[Fact]:
    yield from _run(said)
    yield from _leg(said, Place.WAITING_ROOM, left=said.when("date_time", "leave_time"))


def _waits_for_host(said: Body) -> Iterator[Fact]:
    yield from _run(said)
    yield from _leg(said, Place.BEFORE_HOST, joined=said.when("date_time", "join_time"))


def _waits_for_host_no_more(said: Body) -> Iterator[Fact]:
    yield from _run(said)
    yield from _leg(said, Place.BEFORE_HOST, left=said.when("date_time", "leave_time"))


def _role_changed(said: Body) -> Iterator[Fact]:
    yield from _run(said, earliest=_true_start(said))
    yield from _leg(said, Place.MEETING, role=first(said.person, "new_role", width=20).lower())


def _sharing(said: Body) -> Iterator[Fact]:
    yield from _run(said, earliest=_true_start(said))
    place = Place.BREAKOUT_ROOM if "breakout_room" in said.name else Place.MEETING
    yield from _leg(said, place, sharing=said.name.endswith("_started"))


def _streaming(said: Body) -> Iterator[Fact]:
    yield from _run(said, newest=said.newest(streaming=said.name.endswith("_started")))


def _rtms(said: Body) -> Iterator[Fact]:
    yield from _run(said, newest=said.newest(rtms=said.name.endswith("_started")))


RECORDING_STATES = {
    "recording.started": RecordingState.STARTED,
    "recording.resumed": RecordingState.STARTED,
    "recording.paused": RecordingState.PAUSED,
    "recording.stopped": RecordingState.STOPPED,
}


def _recording_live(said: Body) -> Iterator[Fact]:
    yield from _run(said, earliest=_true_start(said), newest=said.newest(recording=RECORDING_STATES[said.name]))
    yield from _recording(said)


def _recording(said: Body) -> Iterator[Fact]:
    """The recording of a run. It makes no run: a recording is completed hours after the end."""
    if not said.uuid:
        return
    files = [_recording_file(mapping(file)) for file in listed(said.object.get("recording_files"))]
    yield Fact(
        Entity.RECORDING,
        (said.uuid,),
        State(
            newest=said.newest(
                number=said.number,
                topic=first(said.object, "topic", width=TEXT),
                host_id=first(said.object, "host_id"),
                state=said.name.removeprefix("recording.")[:20],
                share_url=https(said.object.get("share_url")),
                total_bytes=integer(said.object.get("total_size")),
                files=files or None,
            )
        ),
    )


def _recording_file(file: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": first(file, "id"),
        "type": first(file, "file_type", width=SHORT),
        "recording_type": first(file, "recording_type", width=SHORT),
        "bytes": integer(file.get("file_size")),
        "play_url": https(file.get("play_url")),
        "start": instant(file.get("recording_start")),
        "end": instant(file.get("recording_end")),
    }


def _scheduled(said: Body) -> Iterator[Fact]:
    if not said.number:
        return
    deleted = {"created": False, "recovered": False, "deleted": True, "permanently_deleted": True}
    gone = deleted.get(said.name.rpartition(".")[2])
    if gone and said.object.get("occurrences"):
        gone = None  # one occurrence of a series was cancelled, the series stands
    yield Fact(
        Entity.SCHEDULED,
        (said.number,),
        State(
            latest={"kind": Kind.WEBINAR if said.is_webinar else Kind.MEETING},
            newest=said.newest(
                account_id=said.account_id,
                type=first(said.object, "type", width=20),
                topic=first(said.object, "topic", width=TEXT),
                host_id=first(said.object, "host_id"),
                timezone=first(said.object, "timezone", width=SHORT),
                starts_at=instant(said.object.get("start_time")),
                scheduled_minutes=integer(said.object.get("duration")),
                deleted=gone,
            ),
        ),
    )


USER_STATUS = {"user.created": "active", "user.activated": "active", "user.deactivated": "inactive",
               "user.deleted": "deleted", "user.disassociated": "left the account"}  # fmt: skip


def _user(said: Body) -> Iterator[Fact]:
    zoom_id = first(said.object, "id")
    if not zoom_id:
        return
    yield Fact(
        Entity.ZOOM_USER,
        (zoom_id,),
        State(
            newest=said.newest(
                account_id=said.account_id,
                name=person_name(said.object),
                email=first(said.object, "email", width=EMAIL),
                type=first(said.object, "type", width=20),
                status=USER_STATUS.get(said.name),
                presence=first(said.object, "presence_status", width=40),
            )
        ),
    )


Reader = Callable[[Body], Iterator[Fact]]


def _of_rest(reader: rest_events.Reader) -> Reader:
    return lambda said: reader(said.object, said.account_id, said.at)


READERS: dict[str, Reader] = {
    "meeting.started": _started,
    "webinar.started": _started,
    "meeting.ended": _ended,
    "webinar.ended": _ended,
    "meeting.participant_joined": _joined,
    "webinar.participant_joined": _joined,
    "meeting.participant_left": _left,
    "webinar.participant_left": _left,
    "meeting.participant_joined_breakout_room": _joined_breakout,
    "meeting.participant_left_breakout_room": _left_breakout,
    "meeting.participant_joined_waiting_room": _began_to_wait,
    "meeting.participant_put_in_waiting_room": _began_to_wait,
    "meeting.participant_admitted": _stopped_waiting,
    "meeting.participant_left_waiting_room": _stopped_waiting,
    "meeting.participant_jbh_waiting": _waits_for_host,
    "meeting.participant_jbh_waiting_left": _waits_for_host_no_more,
    "meeting.participant_jbh_joined": _waits_for_host_no_more,
    "meeting.participant_role_changed": _role_changed,
    "webinar.participant_role_changed": _role_changed,
    "meeting.sharing_started": _sharing,
    "meeting.sharing_ended": _sharing,
    "webinar.sharing_started": _sharing,
    "webinar.sharing_ended": _sharing,
    "meeting.breakout_room_sharing_started": _sharing,
    "meeting.breakout_room_sharing_ended": _sharing,
    "meeting.live_streaming_started": _streaming,
    "meeting.live_streaming_stopped": _streaming,
    "meeting.rtms_started": _rtms,
    "meeting.rtms_stopped": _rtms,
    "meeting.rtms_interrupted": _rtms,
    "webinar.rtms_started": _rtms,
    "webinar.rtms_stopped": _rtms,
    "webinar.rtms_interrupted": _rtms,
    **dict.fromkeys(RECORDING_STATES, _recording_live),
    "recording.completed": _recording,
    "recording.renamed": _recording,
    "recording.trashed": _recording,
    "recording.deleted": _recording,
    "recording.recovered": _recording,
    "recording.transcript_completed": _recording,
    **{
        f"{kind}.{change}": _scheduled
        for kind in ("meeting", "webinar")
        for change in ("created", "updated", "deleted", "permanently_deleted", "recovered")
    },
    **dict.fromkeys((*USER_STATUS, "user.updated", "user.presence_status_updated"), _user),
    **{name: _of_rest(reader) for name, reader in rest_events.READERS.items()},
}

NAMES_OF: dict[Entity, tuple[str, ...]] = {
    entity: tuple(name for name, known in READERS.items() if known is reader)
    for entity, reader in ((Entity.SCHEDULED, _scheduled), (Entity.ZOOM_USER, _user))
}
"""The events that speak of plans, and of Zoom users. Of runs and their recordings those speak that name their uuid."""
