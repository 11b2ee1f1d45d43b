"""The bodies that repair writes: total, and merged with events in any order."""

import random
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sequences import sequence
from tests.zoomfeed.test_events import json_values
from tests.zoomfeed.test_record import NOW, event, forget, incoming, join, leave, state
from zoomfeed import events
from zoomfeed.fold import Kind, Place
from zoomfeed.models import Event, Leg, Meeting
from zoomfeed.protocol import loads
from zoomfeed.record import record
from zoomfeed.repair.comparison import Asked, KnownLeg, compare, run_body
from zoomfeed.rest_events import LIVE_RUN, PAST_RUN, READERS, place
from zoomfeed.simulator import rows
from zoomfeed.simulator.day import generate
from zoomfeed.simulator.world import World

BEGIN = 1775235987
run_members = st.sampled_from(["uuid", "id", "topic", "type", "start_time", "end_time", "duration", "kind", "complete"])
row_members = st.sampled_from(
    ["user_id", "user_name", "id", "participant_uuid", "join_time", "leave_time", "status", "bo_mtg_id", "place",
     "room", "left_at", "role", "leave_reason", "participant_user_id"]
)  # fmt: skip
lists = st.lists(st.dictionaries(row_members, json_values) | json_values, max_size=3) | json_values


def iso(at_s):
    return datetime.fromtimestamp(BEGIN + at_s, UTC).isoformat()


def rest(name, at_s, **about):
    about = {"uuid": "run-1==", "id": 83455219078, "kind": "meeting", **about}
    return run_body(name, "a", (BEGIN + at_s) * 1000, about, Kind(about["kind"]))


def participants(at_s, *listed, known=(), complete=True, lag_s=60):
    asked = Asked("a", "run-1==", "83455219078", Kind.MEETING, (BEGIN + at_s) * 1000, lag_s * 1000, lists_all=True)
    return compare(asked, listed, known, complete=complete).bodies


def row(user_id, joined_s=0, left_s=None, **more):
    left = {} if left_s is None else {"leave_time": iso(left_s)}
    return {"user_id": user_id, "join_time": iso(joined_s), "status": "in_meeting", **left, **more}


@given(st.sampled_from(sorted(READERS)), st.dictionaries(run_members, json_values), lists, lists, json_values)
def test_nothing_of_the_right_outer_shape_can_raise(name, about, listed, gone, stamp):
    about = {"uuid": "u", **about, "participants": listed, "gone": gone}
    reading = events.read({"event": name, "event_ts": stamp, "payload": {"account_id": "a", "object": about}})
    assert reading.name == name


@pytest.mark.django_db
def test_the_log_names_the_run_and_nobody_in_it():
    record(incoming(*participants(100, row("1", user_name="Jill", email="jill@example.org"))))
    for logged in Event.objects.all():
        assert (logged.meeting_uuid, logged.meeting_number) == ("run-1==", "83455219078")
        assert (logged.participant_name, logged.participant_email, logged.participant_id) == ("", "", "")
    assert Leg.objects.get().name == "Jill"


@pytest.mark.django_db
def test_a_live_run_is_made_and_described():
    record(incoming(rest(LIVE_RUN, 100, topic="Stand-up", start_time=iso(0), email="host@example.org", kind="webinar")))
    meeting = Meeting.objects.get()
    assert (meeting.topic, meeting.kind, meeting.host_email) == ("Stand-up", "webinar", "host@example.org")
    assert (meeting.started_at.timestamp(), meeting.ended_at, meeting.number) == (BEGIN, None, "83455219078")


@pytest.mark.django_db
@pytest.mark.parametrize("turn", [1, -1])
def test_rest_takes_no_word_of_an_event_back(turn):
    told = [
        event("meeting.started", 3, topic="New topic"),
        join("1", 2, user_name="New name"),
        rest(LIVE_RUN, 100, topic="Old topic", start_time=iso(0)),
        *participants(100, row("1", 1, user_name="Old name")),
    ]
    record(incoming(*told[::turn]))
    assert (Meeting.objects.get().topic, Leg.objects.get().name) == ("New topic", "New name")


@pytest.mark.django_db
def test_a_past_run_is_over_and_its_length_is_no_plan():
    record(incoming(join("1"), rest(PAST_RUN, 500, start_time=iso(0), end_time=iso(300), duration=5)))
    meeting = Meeting.objects.get()
    assert (meeting.ended_at.timestamp(), meeting.present, meeting.scheduled_minutes) == (BEGIN + 300, 0, None)


@pytest.mark.django_db
def test_only_a_complete_comparison_checks_a_run():
    record(incoming(*participants(100, row("1"), complete=False)))
    assert Meeting.objects.get().checked_at is None
    record(incoming(*participants(200, row("1"))))
    record(incoming(*participants(150, row("1"))))
    assert Meeting.objects.get().checked_at.timestamp() == BEGIN + 200


@pytest.mark.django_db
@pytest.mark.parametrize("turn", [1, -1])
def test_a_real_leave_refines_the_one_that_was_concluded(turn):
    gone = participants(500, known=[KnownLeg("1", "meeting", "", BEGIN * 1000, is_open=True)])
    told = [join("1"), *gone, leave("1", 470)]
    record(incoming(*told[::turn]))
    assert Leg.objects.get().left_at.timestamp() == BEGIN + 470
    assert Meeting.objects.get().present == 0


@pytest.mark.django_db
@pytest.mark.parametrize("turn", [1, -1])
def test_whom_rest_and_events_place_apart_leaves_both_places(turn):
    told = [
        *participants(100, row("2", 10, bo_mtg_id="theirs", participant_uuid="A")),
        join("2", 10, participant_uuid="A"),
        leave("2", 200, participant_uuid="A"),
        join("3", 200, participant_uuid="A"),
        leave("3", 300, participant_uuid="A"),
    ]
    record(incoming(*told[::turn]))

    assert Meeting.objects.get().present == 0


def test_an_id_of_a_guest_is_no_account():
    (body,) = participants(1, row("1", id="made up", participant_user_id=""), complete=False)
    (_, leg) = events.read(loads(body)).facts
    assert "zoom_user_id" not in leg.state.newest


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ({"status": "in_meeting", "bo_mtg_id": ""}, (Place.MEETING, "")),
        ({}, (Place.MEETING, "")),
        ({"status": "in_waiting_room"}, (Place.WAITING_ROOM, "")),
        ({"bo_mtg_id": "room"}, (Place.BREAKOUT_ROOM, "room")),
        ({"bo_mtg_id": "theirs", "place": "breakout_room", "room": "ours"}, (Place.BREAKOUT_ROOM, "ours")),
        ({"place": "moon", "bo_mtg_id": None}, (Place.MEETING, "")),
        ({"place": ["meeting"]}, (Place.MEETING, "")),
    ],
)
def test_where_a_row_is(said, where):
    assert place(said) == where


def answers(bodies, chance):
    """What REST may have said of these events, at some moment, to somebody who had heard some of them."""
    world = World()
    for body in bodies[: chance.randint(len(bodies) // 2, len(bodies))]:
        world.hear(body)
    at_ms = max(events.read(loads(body)).occurred_ms or 0 for body in bodies)
    for run in world.runs():
        name = LIVE_RUN if run.ended_at is None else PAST_RUN
        yield run_body(name, "a", at_ms, rows.dashboard_run(run, world), Kind(run.kind))
        asked = Asked("a", run.uuid, run.number, Kind(run.kind), at_ms, 60_000, lists_all=True)
        listed = [rows.dashboard_leg(run, leg) for leg in run.legs if chance.random() < 0.8]
        known = [
            KnownLeg(leg.user_id, leg.place, leg.room, (leg.joined_at or 0) * 1000, is_open=True) for leg in run.legs
        ]
        yield from compare(asked, listed, known, complete=chance.random() < 0.5).bodies


def history(name):
    if name.startswith("day"):
        return [body for _, body in generate(int(name[3:]), NOW, meetings=6, hours=2, still_open=2).dispatches]
    return sequence(name)


@pytest.mark.django_db
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(["K1", "K3", "day1", "day2"]), seed=st.integers(0, 2**32))
def test_order_repetition_and_batching_give_the_same_rows(name, seed):
    chance = random.Random(seed)
    bodies = history(name)
    said = list(answers(bodies, chance))
    forget()
    record(incoming(*bodies, *said))
    expected = state()
    assert said

    shuffled = [*bodies, *said, *chance.sample(said, len(said) // 2)]
    chance.shuffle(shuffled)
    forget()
    while shuffled:
        size = chance.randint(1, len(shuffled))
        record(incoming(*shuffled[:size]))
        del shuffled[:size]
    assert state() == expected
