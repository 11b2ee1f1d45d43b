import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sequences import all_bodies
from zoomfeed import events, rest_events, values
from zoomfeed.catalogue import EVENT_NAMES
from zoomfeed.fold import Entity
from zoomfeed.protocol import loads

BODIES = all_bodies()
WITHOUT_MEETING = ("user.", "app_", "endpoint.", "meeting.rtms_concurrency")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
members = st.sampled_from(
    ["uuid", "id", "topic", "type", "start_time", "end_time", "duration", "host_id", "timezone", "recording_files",
     "breakout_room_uuid", "participant", "occurrences", "meeting_uuid", "settings"]
)  # fmt: skip
person_members = st.sampled_from(
    ["user_id", "user_name", "id", "participant_uuid", "join_time", "leave_time", "date_time", "email", "leave_reason",
     "registrant_id", "customer_key", "phone_number", "new_role", "participant_user_id"]
)  # fmt: skip
people = st.dictionaries(person_members, json_values) | json_values
objects = st.dictionaries(members, json_values).flatmap(
    lambda said: people.map(lambda person: {**said, "participant": person})
)


def read(name: str) -> events.Reading:
    reading = events.read(loads(BODIES[name]))
    assert reading is not None
    return reading


@pytest.mark.parametrize("name", BODIES)
def test_every_known_body_is_read_and_can_be_found_by_its_ids(name):
    reading = read(name)
    assert reading.name == json.loads(BODIES[name])["event"]
    if not reading.name.startswith(WITHOUT_MEETING):
        assert reading.meeting_uuid or reading.meeting_number


@given(st.sampled_from(EVENT_NAMES), objects | json_values, json_values)
def test_nothing_of_the_right_outer_shape_can_raise(name, about, stamp):
    body = {"event": name, "event_ts": stamp, "payload": {"account_id": "a", "object": about}}
    reading = events.read(body)
    assert reading is not None
    assert reading.name == name


@given(st.sampled_from([*EVENT_NAMES, *rest_events.READERS]), objects | json_values)
def test_what_speaks_of_a_thing_is_found_again_by_its_columns(name, about):
    """Replay reads of a run what has its uuid in the log, and of plans and users what has one of their names."""
    reading = events.read({"event": name, "event_ts": 1775235987000, "payload": {"account_id": "a", "object": about}})
    for fact in reading.facts:
        if fact.entity in events.NAMES_OF:
            assert name in events.NAMES_OF[fact.entity]
        else:
            assert fact.key[0] == reading.meeting_uuid != ""


def test_the_same_meeting_number_as_text_and_as_a_number_is_one_number():
    body = {"event": "meeting.started", "payload": {"object": {"uuid": "u", "id": 83455219078}}}
    text = {"event": "meeting.started", "payload": {"object": {"uuid": "u", "id": "83455219078"}}}
    assert events.read(body).meeting_number == events.read(text).meeting_number == "83455219078"


def test_the_ids_are_found_where_each_kind_of_event_has_them():
    assert read("meeting.rtms_started.json").meeting_uuid == "4444AAAiAAAAAiAiAiiAii=="
    assert read("meeting.summary_completed.json").meeting_uuid == "aDYlohsHRtCd4ii1uC2+hA=="
    assert read("meeting.summary_completed.json").meeting_number == "97763643886"
    assert read("meeting.summary_completed.json").topic == "My Meeting"
    assert read("recording.completed.2.json").meeting_number == "86084701483"
    assert read("user.created.json").participant_email == "jchill@example.com"
    assert read("user.created.json").participant_name == "Jill Chill"


def test_a_leave_reason_loses_the_name_and_the_markup():
    (leg,) = [f for f in read("meeting.participant_left_breakout_room.2.json").facts if f.entity == Entity.LEG]
    assert leg.state.newest["leave_reason"][1] == "Host ended the meeting."


def test_a_deleted_occurrence_does_not_delete_the_series():
    about = {"id": 1, "occurrences": [{"occurrence_id": "1"}]}
    body = {"event": "meeting.deleted", "event_ts": 1626230691572, "payload": {"object": about}}
    (fact,) = events.read(body).facts
    assert "deleted" not in fact.state.newest


def test_text_that_databases_choke_on_is_cleaned_and_cut():
    name = "a\0b\ud800c" + "x" * 100_000
    body = {
        "event": "meeting.participant_joined",
        "payload": {"object": {"uuid": "u", "participant": {"user_name": name}}},
    }
    cleaned = events.read(body).participant_name
    assert cleaned.startswith("a\ufffdb\ufffdcxxx")
    assert len(cleaned) == 300


@pytest.mark.parametrize(
    "absurd", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "2026-13-01", "x" * 20, 5, None, {}]
)
def test_a_time_that_cannot_be_is_no_evidence(absurd):
    assert values.instant(absurd) is None


@pytest.mark.parametrize(
    ("body", "made_at"),
    [
        (b'{"event": "meeting.started", "event_ts": 1732600000500}', 1732600000.5),
        (b'{"event": "meeting.started"}', None),
        (b'{"event_ts": "soon"}', None),
        (b"[1]", None),
        (b"no json", None),
    ],
)
def test_when_a_notice_was_made_is_what_it_says(body, made_at):
    assert events.made_at_s(body) == made_at


def test_a_link_that_is_not_https_does_not_leave_the_body():
    assert values.https("javascript:alert(1)") == ""
    assert values.https("https://example.com/x") == "https://example.com/x"
