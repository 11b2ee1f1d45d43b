"""What the simulated Zoom holds for true is the truth of the story that it tells."""

import json
import random
from datetime import UTC, datetime

import pytest

from zoomfeed.simulator import bodies, people, recorded
from zoomfeed.simulator.bodies import Run
from zoomfeed.simulator.day import generate
from zoomfeed.simulator.runs import WAITING_ROOM
from zoomfeed.simulator.script import united
from zoomfeed.simulator.server import encode
from zoomfeed.simulator.traffic import AT_ONCE, traffic
from zoomfeed.simulator.world import ENDED_KEPT_S, SILENT_KEPT_S, TIDY_EVERY, World

START = datetime(2026, 4, 3, 7, tzinfo=UTC)
PLACES = ("meeting", "breakout_room", "waiting_room")
RNG = random.Random(1)


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def told(events, **more):
    world = World(**more)
    for event in events:
        world.hear(event if isinstance(event, bytes) else encode(event))
    return world


def known(run):
    """What the world knows of a run, in the words of the truth."""
    found = {}
    for leg in run.legs:
        found.setdefault(leg.zoom_id or leg.customer_key or leg.registrant_id or leg.participant_uuid, []).append(leg)
    people_there = [
        (
            united((leg.joined_at, run.left_at(leg)) for leg in legs if leg.place != WAITING_ROOM),
            len({leg.participant_uuid for leg in legs if run.is_open(leg)}),
            next((place for place in PLACES if any(leg.place == place and run.is_open(leg) for leg in legs)), ""),
            len({leg.participant_uuid for leg in legs}),
            max(legs, key=lambda leg: leg.joined_at).name,
        )
        for legs in found.values()
    ]
    return (run.kind, run.number, run.topic, run.started_at, run.ended_at), sorted(people_there, key=repr)


def true(truth):
    run, there = truth.run, [attendee for attendee in truth.attendees if attendee.devices]
    people_there = [(who.visits, who.devices_there, who.place, len(who.devices), who.name) for who in there]
    return (run.kind, run.number, run.topic, run.starts_at, truth.ended_at), sorted(people_there, key=repr)


@pytest.mark.parametrize("order", ["arrival", "shuffled"])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_generated_day_is_true_in_any_order(seed, order):
    day = generate(seed, START, meetings=30, still_open=10)
    events = [body for _, body in day.dispatches]
    if order == "shuffled":
        random.Random(3).shuffle(events)
    world = told(events)
    assert {run.uuid for run in world.runs()} == set(day.truths)
    for run in world.runs():
        assert known(run) == true(day.truths[run.uuid])


def test_a_recorded_room_is_over_and_has_whoever_was_seen_to_come():
    [run] = told(body for _, body in recorded.sequence("K1")).runs()
    events = [json.loads(body) for _, body in recorded.sequence("K1")]
    joined = [event for event in events if event["event"] == "meeting.participant_joined"]
    [ended] = [event["payload"]["object"] for event in events if event["event"] == "meeting.ended"]
    assert (run.number, bodies.iso(run.ended_at)) == ("10000000001", ended["end_time"])
    assert len(run.legs) == len(joined) > 5
    assert not any(run.is_open(leg) for leg in run.legs)


def test_measured_traffic_leaves_as_many_meetings_as_are_at_once():
    world = told(body for body, _ in zip(traffic(1), range(AT_ONCE * 3), strict=False))
    assert len(world.live("meeting")) == AT_ONCE
    assert {len(run.inside) for run in world.live("meeting")} == {2}


def test_an_answer_that_lags_knows_only_what_is_old_enough():
    clock = Clock()
    world = World(clock=clock)
    world.lag_s = 30
    world.hear(encode(bodies.started(a_run())))
    clock.now += 29
    assert world.runs() == []
    clock.now += 1
    assert [run.uuid for run in world.runs()] == ["uuid"]


def test_what_runs_for_days_forgets_what_is_over():
    clock = Clock()
    open_run, ended_run = a_run("open"), a_run("ended")
    events = [bodies.started(open_run), bodies.started(ended_run), bodies.ended(ended_run, 2000)]
    for forgets, after_s, left in (
        (True, ENDED_KEPT_S, {"open"}),
        (True, SILENT_KEPT_S, set()),
        (False, SILENT_KEPT_S, {"open", "ended"}),
    ):
        world = told(events, forgets=forgets, clock=clock)
        clock.now += after_s + 1
        for _ in range(TIDY_EVERY):
            world.hear(b"{}")
        assert {run.uuid for run in world.runs()} == left


def test_a_plan_is_what_it_was_last_until_it_is_deleted():
    created = {"id": 123456789, "uuid": "u", "topic": "Old", "host_id": "h", "type": 2, "duration": 30}
    events = [("meeting.updated", {"id": 123456789, "topic": "New"}), ("meeting.created", created)]
    world = told({"event": name, "payload": {"object": about}} for name, about in events)
    assert (world.plan("123456789").topic, world.plan("123456789").type) == ("New", 2)
    world.hear(encode({"event": "meeting.deleted", "payload": {"object": created}}))
    assert world.plan("123456789") is None


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[1]", b"\xff", b"{}", b"1", b'{"event":1,"payload":{"object":{"uuid":"u"}}}',
        b'{"event":"meeting.started","payload":[]}', b'{"event":"meeting.started","payload":{"object":{"uuid":{}}}}',
        b'{"event":"meeting.participant_joined","payload":{"object":{"uuid":"u","participant":[1]}}}',
        b'{"event":"meeting.participant_joined","payload":{"object":{"uuid":"u","participant":{"user_id":[]}}}}',
        b'{"event":"recording.started","payload":{"object":{"uuid":"u"}}}', b"[" * 100_000,
    ],
)  # fmt: skip
def test_what_makes_no_sense_puts_nobody_anywhere(body):
    assert [leg for run in told([body]).runs() for leg in run.legs] == []


def a_run(uuid="uuid"):
    return Run(uuid, "123456789", "Topic", people.staff(1)[0], 1000)
