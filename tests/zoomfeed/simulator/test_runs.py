"""What follows for who is inside."""

import random

import pytest

from zoomfeed.simulator import bodies, people
from zoomfeed.simulator.bodies import Leg, Run
from zoomfeed.simulator.server import encode
from zoomfeed.simulator.world import World

RNG = random.Random(1)
RUN = Run("uuid", "123456789", "Topic", people.staff(1)[0], 1000)
GUEST = Leg(people.Person("Guest"), "Guest", "1", "A0")


def told(*events):
    world = World()
    for event in events:
        world.hear(encode(event))
    [run] = world.runs()
    return run


def test_who_is_let_in_untold_waits_no_longer():
    joins = Leg(GUEST.person, "Guest", "2", "A0")
    events = [bodies.waiting_room("joined_waiting_room", RUN, GUEST, 1010, RNG)]
    waiting = told(*events)
    assert [waiting.is_open(leg) for leg in waiting.legs] == [True]
    assert waiting.inside == set()
    inside = told(*events, bodies.joined(RUN, joins, 1020, RNG))
    assert [inside.left_at(leg) for leg in inside.legs] == [1020, None]
    assert inside.inside == {"A0"}


@pytest.mark.parametrize("begins", ["joined_waiting_room", "put_in_waiting_room"])
@pytest.mark.parametrize("ends", ["admitted", "left_waiting_room"])
def test_waiting_begins_and_ends_as_told(begins, ends):
    events = [bodies.waiting_room(change, RUN, GUEST, at, RNG) for change, at in ((begins, 1010), (ends, 1020))]
    for run, left_at in ((told(events[0]), None), (told(*events), 1020), (told(*reversed(events)), 1020)):
        assert [(leg.place, leg.joined_at, run.left_at(leg)) for leg in run.legs] == [("waiting_room", 1010, left_at)]


def test_a_breakout_room_is_a_leg_of_its_own():
    there = Leg(GUEST.person, "Guest", "2", "A0")
    comes = bodies.joined_room(RUN, there, 1020, "room", "1", RNG)
    goes = bodies.left_room(RUN, there, 1030, "room", "1", RNG)
    run = told(bodies.joined(RUN, GUEST, 1010, RNG), comes, goes)
    assert [(leg.user_id, leg.place, leg.room, run.left_at(leg)) for leg in run.legs] == [
        ("1", "meeting", "", None), ("2", "breakout_room", "room", 1030)
    ]  # fmt: skip
    assert run.inside == {"A0"}


def test_the_host_and_a_co_host_have_their_roles():
    host = Leg(RUN.host, RUN.host.name, "0", "B0")
    changed = bodies.role_changed(RUN, GUEST, 1020, "attendee", "co-host")
    run = told(*(bodies.joined(RUN, leg, 1010, RNG) for leg in (host, GUEST)), changed)
    assert [run.role(leg) for leg in run.legs] == ["host", "co-host"]


def test_a_leave_whose_join_was_not_sent_is_no_leg_yet():
    left = bodies.left(RUN, GUEST, 1020, "left", RNG)
    assert told(left).legs == []
    [leg] = (run := told(left, bodies.joined(RUN, GUEST, 1010, RNG))).legs
    assert (leg.joined_at, run.left_at(leg)) == (1010, 1020)


def test_the_end_closes_what_is_open_and_nobody_comes_after_it():
    later = Leg(GUEST.person, "Guest", "2", "C0")
    run = told(bodies.joined(RUN, GUEST, 1010, RNG), bodies.ended(RUN, 1030), bodies.joined(RUN, later, 1030, RNG))
    assert [(leg.user_id, run.left_at(leg)) for leg in run.legs] == [("1", 1030)]
