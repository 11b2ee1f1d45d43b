"""The demo's programme: alive at once, steady, the same for everybody who asks, and nothing of it stays open."""

import json
from itertools import pairwise

import pytest

from zoomfeed.simulator import slots
from zoomfeed.simulator.programme import Programme

NOON = 1_775_217_600
SEED = 7
HOUR, DAY = 3600, 86_400
SIGNS_OF_LIFE = ("started", "participant_joined", "participant_joined_waiting_room")


class Board:
    """What a board would show of the events that it has seen."""

    def __init__(self, bodies=()):
        self.begun, self.ended, self.names = set(), set(), set()
        self.see(bodies)

    def see(self, bodies):
        for event in map(json.loads, bodies):
            name, uuid = event["event"].partition(".")[2], event["payload"].get("object", {}).get("uuid")
            self.names.add(name)
            if name in SIGNS_OF_LIFE and not event["event"].startswith("recording."):
                self.begun.add(uuid)
            if name == "ended":
                self.ended.add(uuid)
        return self

    @property
    def live(self):
        return self.begun - self.ended


def played(*times, since=None):
    """The bodies that a demo delivers when it is asked at these times, and begins at the first of them."""
    programme = Programme(SEED, times[0], since)
    return [body for now in times for _, body in programme.due(now)]


def test_a_new_demo_has_live_meetings_a_past_and_no_future():
    due = Programme(SEED, NOON).due(NOON)
    assert 12 <= len(Board(body for _, body in due).live) <= 20
    assert NOON - 10 * HOUR <= due[0].at_ms / 1000 < NOON - 9 * HOUR
    assert due == sorted(due)
    assert due[-1].at_ms <= NOON * 1000


def test_the_number_of_live_meetings_is_steady():
    programme, board = Programme(SEED, NOON), Board()
    for minute in range(20):
        board.see(body for _, body in programme.due(NOON + minute * 60))
        assert 8 <= len(board.live) <= 26


def test_people_come_and_go_within_ten_seconds_and_meetings_within_thirty():
    programme = Programme(SEED, NOON)
    programme.due(NOON)
    tens = [Board(body for _, body in programme.due(NOON + 10 * step)).names for step in range(1, 31)]
    assert all({"participant_joined", "participant_left"} <= names for names in tens)
    thirties = [set().union(*tens[first : first + 3]) for first in range(0, 30, 3)]
    assert all({"started", "ended"} <= names for names in thirties)


def test_whoever_asks_gets_the_same_bytes():
    bodies = played(NOON, NOON + 30)
    assert bodies == played(NOON, NOON + 30)
    assert set(played(NOON + 30)) <= set(bodies)


def test_a_demo_that_was_away_for_a_minute_repeats_little():
    bodies = played(NOON, NOON + 60, since=NOON - 60)
    assert len(bodies) - len(set(bodies)) < len(bodies) * 0.02  # Zoom itself repeats some


@pytest.mark.parametrize("away_s", [120, 11 * HOUR, 3 * DAY])
def test_what_was_live_when_a_demo_stopped_ends_when_it_starts_again(away_s):
    before = Board(played(NOON, NOON + 17))
    again = NOON + 17 + away_s
    after = Board(played(again, again + (3 * HOUR if away_s < HOUR else 0), since=NOON + 12))
    assert len(before.live) >= 12
    assert before.live <= after.ended


def test_an_absence_leaves_no_meetings_of_which_only_the_end_is_known():
    board = Board(played(NOON)).see(played(NOON + 3 * DAY, since=NOON))
    assert len(board.ended - board.begun) <= 1  # one may lie across the border of the ten hours


def test_midnight_brings_the_next_day():
    midnight = NOON + 12 * HOUR
    programme = Programme(SEED, midnight - 60)
    programme.due(midnight - 60)
    assert "created" in Board(body for _, body in programme.due(midnight + HOUR)).names


def test_every_delivery_of_a_slot_comes_before_it_is_over():
    for slot in range(1000, 1300):
        if script := slots.meeting(SEED, slot):
            assert max(script.dispatches).at_ms <= (slot * slots.SLOT_S + slots.OVER_AFTER_S) * 1000
            assert script.run.starts_at >= slot * slots.SLOT_S


def test_two_of_three_slots_begin_a_meeting():
    begins = [slot for slot in range(300) if slots.meeting(SEED, slot)]
    assert len(begins) == 200
    assert all(later - earlier <= 2 for earlier, later in pairwise(begins))
