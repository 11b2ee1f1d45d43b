"""A generated day holds every habit of Zoom, and a database that is fed with it comes to the truth."""

import hashlib
import os
import random
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from zoomfeed import attendance
from zoomfeed.models import Meeting
from zoomfeed.record import Incoming, record
from zoomfeed.simulator.day import generate
from zoomfeed.simulator.script import Truth

START = datetime(2026, 4, 3, 7, tzinfo=UTC)
NOW = datetime(2026, 4, 4, tzinfo=UTC)


def feed(bodies: list[bytes]) -> None:
    for first in range(0, len(bodies), 500):
        record([Incoming(body, NOW) for body in bodies[first : first + 500]])


def moment(at: int | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at, UTC)


def known(uuid: str) -> dict:
    """What the database says of a run, in the words of the truth."""
    run = Meeting.objects.get(uuid=uuid)
    people = attendance.people(run.legs.all(), started_at=run.started_at, ended_at=run.ended_at)
    return {
        "run": (run.kind, run.number, run.topic, run.started_at, run.ended_at, run.recording),
        "present": run.present,
        "people": sorted(
            (person.name, [*person.visits], person.devices, person.place, waited(person), presences(person))
            for person in people
        ),
    }


def waited(person: attendance.Person) -> bool:
    return any(stay.place in ("waiting_room", "before_host") for stay in person.stays)


def presences(person: attendance.Person) -> int:
    return len({leg.participant_uuid for leg in person.legs} - {""})


def true(truth: Truth) -> dict:
    run = truth.run
    people = truth.attendees
    return {
        "run": (run.kind, run.number, run.topic, moment(run.starts_at), moment(truth.ended_at), truth.recording),
        "present": sum(who.place == "meeting" for who in people),
        "people": sorted(
            (
                who.name,
                [(moment(start), moment(end)) for start, end in who.visits],
                who.devices_there,
                who.place,
                who.waited,
                len(who.devices),
            )
            for who in people
        ),
    }


@pytest.mark.django_db
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("order", ["arrival", "shuffled"])
def test_a_recorded_day_is_the_true_one(order, seed):
    day = generate(seed, START, meetings=30, still_open=5)
    bodies = [body for _, body in day.dispatches]
    if order == "shuffled":
        random.Random(1).shuffle(bodies)
    feed(bodies)
    assert len(day.truths) == Meeting.objects.count()
    for uuid, truth in day.truths.items():
        assert known(uuid) == true(truth)


def test_the_same_arguments_give_the_same_bytes_in_every_process():
    digest = (
        "import hashlib; from datetime import datetime, UTC; from zoomfeed.simulator.day import generate; "
        "day = generate(1, datetime(2026, 4, 3, 7, tzinfo=UTC), meetings=10); "
        "print(hashlib.sha256(b''.join(body for _, body in day.dispatches)).hexdigest())"
    )
    ours = hashlib.sha256(b"".join(body for _, body in generate(1, START, meetings=10).dispatches)).hexdigest()
    theirs = subprocess.run(
        [sys.executable, "-c", digest], env={**os.environ, "PYTHONHASHSEED": "7"}, capture_output=True, check=True
    )
    assert theirs.stdout.decode().strip() == ours


@pytest.mark.parametrize("other", [{"seed": 2}, {"start": NOW}])
def test_another_seed_or_start_gives_another_day(other):
    asked = {"seed": 1, "start": START, "meetings": 10}
    assert not set(generate(**asked).truths) & set(generate(**asked | other).truths)


def test_arrivals_are_in_order():
    times = [at_ms for at_ms, _ in generate(1, START, meetings=10).dispatches]
    assert times == sorted(times)


def test_an_open_day_has_people_inside_and_waiting():
    open_runs = [truth for truth in generate(1, START, meetings=20, still_open=5).truths.values() if not truth.ended_at]
    assert len(open_runs) >= 5
    places = {attendee.place for truth in open_runs for attendee in truth.attendees}
    assert places == {"", "meeting", "waiting_room"}
