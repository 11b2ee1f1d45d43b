"""What comes of comparing Zoom's rows with our legs."""

import json

import pytest

from zoomfeed.fold import Kind
from zoomfeed.protocol import MAX_BODY_BYTES, loads
from zoomfeed.repair.comparison import Asked, KnownLeg, compare, run_body
from zoomfeed.rest_events import LIVE_RUN

AT, LAG = 1_775_235_987_000, 90_000
GAP = AT - 600_000


def asked(**changes):
    values = {"since_ms": GAP, "lists_all": True, **changes}
    return Asked("account", "run-1==", "83455219078", Kind.MEETING, AT, LAG, **values)


def leg(user_id="1", place="meeting", room="", joined_ms=GAP - 1000, *, is_open=True):
    return KnownLeg(user_id, place, room, joined_ms, is_open)


def row(user_id="1", **more):
    return {"user_id": user_id, "join_time": "2026-04-03T16:00:00Z", "status": "in_meeting", **more}


def told(rows, legs, **changes):
    """All participants and all who are gone, over all bodies."""
    compared = compare(asked(**changes), rows, legs, complete=True)
    abouts = [json.loads(body)["payload"]["object"] for body in compared.bodies]
    return (
        [row for about in abouts for row in about.get("participants", [])],
        [row for about in abouts for row in about.get("gone", [])],
    )


def gone(rows, legs, **changes):
    return {(row["user_id"], row["left_at"]) for row in told(rows, legs, **changes)[1]}


def test_who_is_in_no_row_left_at_the_earliest_when_the_gap_began():
    assert gone([row("2")], [leg("1"), leg("2")]) == {("1", GAP)}


def test_nobody_leaves_before_they_came():
    assert gone([], [leg(joined_ms=GAP + 5000)]) == {("1", GAP + 5000)}


def test_without_a_gap_they_left_before_the_answer_could_know():
    assert gone([], [leg()], since_ms=None) == {("1", AT - LAG)}


@pytest.mark.parametrize(
    ("legs", "changes"),
    [
        ([leg(joined_ms=AT - LAG)], {}),  # perhaps too new for the answer
        ([leg(joined_ms=AT + 5000)], {}),  # came after it
        ([leg(is_open=False)], {}),
        ([leg(place="before_host")], {}),  # REST never tells of those
        ([leg()], {"lists_all": False}),
    ],
)
def test_who_cannot_be_said_to_be_gone_is_not(legs, changes):
    assert gone([], legs, **changes) == set()


def test_who_moved_to_the_waiting_room_is_gone_from_the_meeting():
    rows, lost = told([row("1", status="in_waiting_room")], [leg("1")])
    assert "place" not in rows[0]
    assert [(one["user_id"], one["place"]) for one in lost] == [("1", "meeting")]


@pytest.mark.parametrize(
    ("legs", "room"),
    [
        ([], None),  # unknown to us: as Zoom says
        ([leg("1", "breakout_room", "theirs")], None),  # both say the same
        ([leg("1", "breakout_room", "ours")], "ours"),  # the room has another id in events
        ([leg("1", "meeting")], ""),  # breakout events are not subscribed
        ([leg("1", "breakout_room", "old", is_open=False), leg("1", "breakout_room", "ours")], "ours"),
        ([leg("1", "waiting_room")], None),
    ],
)
def test_a_leg_stays_where_events_have_put_it(legs, room):
    rows, _ = told([row("1", bo_mtg_id="theirs")], legs)
    assert rows[0].get("room") == room


def test_a_waiting_that_is_over_stays_one():
    over = {"leave_time": "2026-04-03T16:01:00Z"}
    rows, lost = told([row("1", **over), row("2", **over)], [leg("1", "waiting_room"), leg("2")])
    assert [one.get("place") for one in rows] == ["waiting_room", None]
    assert lost == []


def test_rows_cannot_place_themselves():
    rows, _ = told([row("1", place="breakout_room", room="elsewhere")], [])
    assert "place" not in rows[0]


def test_addresses_and_devices_are_not_kept():
    rows, _ = told([row(ip_address="203.0.113.1", device="Windows", user_name="Jill", nested={"a": 1})], [])
    assert rows == [{"user_id": "1", "user_name": "Jill", "join_time": "2026-04-03T16:00:00Z", "status": "in_meeting"}]
    body = run_body(LIVE_RUN, "a", AT, {"uuid": "u", "has_pstn": True, "dept": "x", "id": 10**30}, Kind.MEETING)
    assert json.loads(body)["payload"]["object"] == {"uuid": "u", "kind": "meeting"}


def test_people_are_counted_by_device_and_only_while_they_are_there():
    rows = [row("1", participant_uuid="A"), row("2", participant_uuid="A"), row("3"), row("4", leave_time="x")]
    compared = compare(asked(), rows, [leg("9")], complete=True)
    assert (compared.people, compared.gone) == (2, 1)


def test_bodies_can_be_read_back_however_long_names_are():
    rows = [
        row(str(number), **dict.fromkeys(("user_name", "name", "email", "role"), "\ud83d" * 10_000))
        for number in range(700)
    ]
    compared = compare(asked(), rows, [leg(f"x{number}") for number in range(700)], complete=True)
    read = [loads(body)["payload"]["object"] for body in compared.bodies]
    assert max(map(len, compared.bodies)) <= MAX_BODY_BYTES
    assert sum(len(about.get("participants", [])) for about in read) == 700
    assert sum(len(about.get("gone", [])) for about in read) == 700
    assert [about["complete"] for about in read] == [False] * (len(read) - 1) + [True]


def test_an_incomplete_comparison_says_so():
    (body,) = compare(asked(), [row()], [], complete=False).bodies
    assert json.loads(body)["payload"]["object"]["complete"] is False


def test_the_same_question_gives_the_same_bytes():
    once, again = (compare(asked(), [row("2")], [leg()], complete=True).bodies for _ in range(2))
    assert once == again
