import json
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sequences import all_bodies, sequence
from zoomfeed import attendance, rows
from zoomfeed import record as recording
from zoomfeed.exceptions import LeaseLost
from zoomfeed.models import (
    Attendee,
    Event,
    Feed,
    Head,
    Leg,
    Meeting,
    Recording,
    RejectedFrame,
    ScheduledMeeting,
    ZoomUser,
)
from zoomfeed.record import Incoming, record
from zoomfeed.simulator.day import generate

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 4, 3, 20, tzinfo=UTC)
MODELS = (Meeting, Leg, ScheduledMeeting, ZoomUser, Recording, Attendee)
NOT_STATE = {"id", "revision", "meeting_id"}


def incoming(*bodies: bytes, transport: str = "websocket") -> list[Incoming]:
    return [Incoming(body, NOW, transport) for body in bodies]


def event(name: str, at_s: int = 0, **about) -> bytes:
    about = {"uuid": "run-1==", "id": "83455219078", "topic": "Stand-up", **about}
    body = {"event": name, "event_ts": 1775235987000 + at_s * 1000, "payload": {"account_id": "a", "object": about}}
    return json.dumps(body).encode()


def join(user_id: str, at_s: int = 0, **person) -> bytes:
    moment = datetime.fromtimestamp(1775235987 + at_s, UTC).isoformat()
    return event("meeting.participant_joined", at_s, participant={"user_id": user_id, "join_time": moment, **person})


def leave(user_id: str, at_s: int = 0, **person) -> bytes:
    moment = datetime.fromtimestamp(1775235987 + at_s, UTC).isoformat()
    return event("meeting.participant_left", at_s, participant={"user_id": user_id, "leave_time": moment, **person})


def state() -> dict[str, list]:
    """All live state, without what may differ: primary keys and revisions."""
    found = {}
    for model in MODELS:
        of_model = []
        for row in model.objects.all():
            values = {f.attname: getattr(row, f.attname) for f in row._meta.concrete_fields}
            values["stamps"] = sorted(row.stamps.items())
            uuid = row.meeting.uuid if isinstance(row, Leg) else ""
            of_model.append((uuid, sorted((k, str(v)) for k, v in values.items() if k not in NOT_STATE)))
        found[model.__name__] = sorted(of_model)
    return found


def forget() -> None:
    for model in (*reversed(MODELS), Event, RejectedFrame):
        model.objects.all().delete()


def people_of(uuid: str) -> list[attendance.Person]:
    meeting = Meeting.objects.get(uuid=uuid)
    return attendance.people(meeting.legs.all(), started_at=meeting.started_at, ended_at=meeting.ended_at)


def test_a_join_is_in_the_log_and_on_the_board():
    said = record(incoming(join("16778240", user_name="Jill")))
    assert (said.new, said.duplicates, said.rejected) == (1, 0, 0)
    logged = Event.objects.get()
    assert bytes(logged.body) == join("16778240", user_name="Jill")
    assert logged.participant_name == "Jill"
    meeting = Meeting.objects.live().get()
    assert (meeting.present, meeting.peak, meeting.topic) == (1, 1, "Stand-up")
    assert meeting.revision == logged.revision == said.revision == Head.objects.get().revision


def test_the_same_body_counts_once_over_both_transports():
    record(incoming(join("1"), join("1")))
    said = record(incoming(join("1"), transport="webhook"))
    assert (said.new, said.duplicates) == (0, 1)
    assert Event.objects.count() == 1
    assert Meeting.objects.get().present == 1


def test_a_duplicate_moves_no_revision():
    before = record(incoming(join("1"))).revision
    assert record(incoming(join("1"))).revision == before


def test_the_late_end_of_the_last_run_does_not_empty_the_next():
    record(incoming(event("meeting.started", 0, uuid="old=="), event("meeting.started", 60, uuid="new==")))
    record(incoming(event("meeting.ended", 70, uuid="old==", end_time="2026-04-03T17:07:00Z")))
    assert [meeting.uuid for meeting in Meeting.objects.live()] == ["new=="]


def test_what_cannot_be_read_is_kept():
    said = record([*incoming(b"\xff{", b"[1]", join("1")), Incoming(b"noise", NOW, rejected="no module")])
    assert (said.new, said.rejected) == (1, 3)
    assert {bytes(frame.raw) for frame in RejectedFrame.objects.all()} == {b"\xff{", b"[1]", b"noise"}
    assert RejectedFrame.objects.get(raw=b"noise").reason == "no module"


@pytest.mark.parametrize(
    "person",
    [
        {"user_name": "nul\0nul"},
        {"user_name": "cut emoji \ud83d"},
        {"user_name": "x" * 100_000},
        {"join_time": "9999-12-31T23:59:59Z"},
        {"registrant_id": 10**40},
        {"customer_key": {"nested": [1]}},
        {"email": None, "phone_number": 5},
    ],
)
def test_what_databases_choke_on_is_kept_and_breaks_nothing(person):
    body = join("1", **person)
    assert record(incoming(body, join("2"))).new == 2
    assert Event.objects.filter(body=body).exists()
    assert not Event.objects.exclude(fold_error="").exists()
    assert Meeting.objects.get().present == 2


def test_a_body_nested_too_deep_is_kept():
    body = b'{"event":"x","payload":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert record(incoming(body)).rejected == 1
    assert bytes(RejectedFrame.objects.get().raw) == body


def test_every_known_body_goes_through():
    said = record(incoming(*all_bodies().values()))
    assert said.rejected == 0
    assert not Event.objects.exclude(fold_error="").exists()


def test_a_poisoned_event_is_set_aside_and_the_rest_is_folded(monkeypatch):
    real = rows.fold

    def fold(facts, revision):
        facts = list(facts)
        if any(fact.key[0] == "poison" for fact in facts):
            raise ValueError("cannot fold this")
        real(facts, revision)

    monkeypatch.setattr(rows, "fold", fold)
    said = record(incoming(join("1"), event("meeting.started", uuid="poison"), join("2")))
    assert said.new == 3
    assert "cannot fold this" in Event.objects.exclude(fold_error="").get().fold_error
    assert Meeting.objects.get().present == 2


def test_a_body_that_the_database_refuses_is_kept_and_the_rest_is_logged(monkeypatch):
    real = recording._insert

    def insert(new, revision):
        if any(one.reading.name == "meeting.poison" for one in new):
            raise ValueError("no such value")
        real(new, revision)

    monkeypatch.setattr(recording, "_insert", insert)
    record(incoming(*(join(str(n)) for n in range(40)), event("meeting.poison")))
    assert Event.objects.count() == 40
    assert RejectedFrame.objects.get().reason == "the database refused it: no such value"


def test_a_holder_that_lost_its_lease_cannot_write():
    feed = Feed.objects.create(key="s", fence=7)
    record(incoming(join("1")), fence=(feed.pk, 7))
    with pytest.raises(LeaseLost):
        record(incoming(join("2")), fence=(feed.pk, 6))
    assert Event.objects.count() == 1


def test_the_recorded_meeting_of_ten_seconds_gives_its_attendance():
    record(incoming(*sequence("K3")))
    meeting = Meeting.objects.get()
    (person,) = people_of(meeting.uuid)
    assert (meeting.present, meeting.people, meeting.peak) == (0, 1, 1)
    assert meeting.ended_at - meeting.started_at == timedelta(seconds=9)
    assert person.left_at == datetime(2026, 4, 11, 10, 20, 27, tzinfo=UTC)


def test_the_recorded_room_gives_its_attendance_leg_by_leg():
    """Each joined body opens the leg that it names, each left closes it, and nobody is left over after the end."""
    bodies = [json.loads(body) for body in sequence("K1")]
    record(incoming(*sequence("K1")))
    meeting = Meeting.objects.get(uuid="TESTUUID0001==")
    legs = {leg.user_id: leg for leg in meeting.legs.all()}
    told: dict[str, dict] = {}
    for body in bodies:
        if participant := body["payload"]["object"].get("participant"):
            told.setdefault(participant["user_id"], {}).update(participant)
    assert legs.keys() == told.keys()
    for user_id, participant in told.items():
        leg = legs[user_id]
        assert leg.joined_at == _instant(participant.get("join_time"))
        assert leg.left_at == _instant(participant.get("leave_time"))
        assert leg.name == participant["user_name"]
        assert leg.participant_uuid == participant["participant_uuid"]
    people = people_of(meeting.uuid)
    assert len(people) == len({participant["participant_uuid"] for participant in told.values()})
    assert meeting.present == 0
    assert all(person.left_at is not None for person in people)


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def history(name: str) -> list[bytes]:
    """A recorded sequence, every body that we have, or a generated morning."""
    if name.startswith("day"):
        return [body for _, body in generate(int(name[3:]), NOW, meetings=8, hours=2).dispatches]
    return list(all_bodies().values()) if name == "bodies" else sequence(name)


histories = st.sampled_from(["K1", "K3", "bodies", "day1", "day2", "day3"])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=histories, seed=st.integers(0, 2**32))
def test_order_repetition_and_batching_give_the_same_rows(name, seed):
    bodies = history(name)
    forget()
    record(incoming(*bodies))
    expected = state()
    assert expected["Meeting"]
    assert expected["Attendee"] or name == "K3"

    chance = random.Random(seed)
    shuffled = bodies + chance.sample(bodies, len(bodies) // 2)
    chance.shuffle(shuffled)
    forget()
    while shuffled:
        size = chance.randint(1, len(shuffled))
        record(incoming(*shuffled[:size]))
        del shuffled[:size]
    assert state() == expected
