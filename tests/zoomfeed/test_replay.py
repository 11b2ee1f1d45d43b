"""The live state anew from the log: the same rows, whatever had become of them, whatever comes meanwhile."""

import random
import re

import pytest
from django.core.management import call_command
from django.db import OperationalError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.zoomfeed.test_record import event, forget, histories, history, incoming, join, state
from zoomfeed import rebuild, replay, rows
from zoomfeed.events import NAMES_OF
from zoomfeed.management.commands import replay as command
from zoomfeed.models import (
    Attendee,
    Event,
    Head,
    Leg,
    Meeting,
    Recording,
    Replay,
    ScheduledMeeting,
    ZoomUser,
)
from zoomfeed.record import record

pytestmark = pytest.mark.django_db


@pytest.fixture
def by_twos(monkeypatch):
    """Small steps, each noted."""
    for name, value in (("CHUNK", 2), ("RUNS", 2), ("SAVE_S", -1)):
        monkeypatch.setattr(replay, name, value)
    monkeypatch.setattr("zoomfeed.turns.PAUSES_S", {})


class Interruption(Exception):
    """What ends a replay between two steps."""


def spoil(chance: random.Random) -> None:
    """What no event says."""
    Meeting.objects.filter(pk__in=some(Meeting, chance)).update(topic="spoilt", present=9, ended_at=None, stamps={})
    Leg.objects.filter(pk__in=some(Leg, chance)).update(left_at=None, identity="u:somebody else", name="spoilt")
    Recording.objects.filter(pk__in=some(Recording, chance)).update(topic="spoilt", stamps={"topic": 2**52})
    ScheduledMeeting.objects.filter(pk__in=some(ScheduledMeeting, chance)).update(topic="spoilt", deleted=True)
    ZoomUser.objects.filter(pk__in=some(ZoomUser, chance)).update(name="spoilt", stamps={})
    for model in (Leg, Meeting, Recording, ScheduledMeeting, ZoomUser, Attendee):
        model.objects.filter(pk__in=some(model, chance)).delete()
    for number in range(chance.randint(0, 3)):
        invented = Meeting.objects.create(uuid=f"invented {number}", revision=number)
        Leg.objects.create(meeting=invented, user_id="7", place="meeting", name="spoilt")
        Recording.objects.create(meeting_uuid=f"invented {number}", topic="spoilt")
        ScheduledMeeting.objects.create(number=f"{number}")
        ZoomUser.objects.create(zoom_id=f"invented {number}", name="spoilt")


def differing(found, expected):
    """Rows of one and not of the other."""
    pairs = [(kind, row) for kind in expected for row in found[kind] + expected[kind]]
    return [pair for pair in pairs if (pair[1] in found[pair[0]]) != (pair[1] in expected[pair[0]])]


def some(model, chance):
    return [pk for pk in model.objects.values_list("pk", flat=True) if chance.random() < 0.3]


@pytest.mark.timeout(600)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=histories, seed=st.integers(0, 2**32))
def test_whatever_is_spoilt_interrupted_and_comes_meanwhile_the_rows_are_those_of_live_folding(by_twos, name, seed):
    chance = random.Random(seed)
    bodies = history(name)
    forget()
    Replay.objects.all().delete()
    record(incoming(*bodies))
    expected = state()
    forget()

    chance.shuffle(bodies)
    later = [bodies.pop() for _ in range(chance.randint(0, len(bodies) // 2))]
    record(incoming(*bodies))
    spoil(chance)

    def disturb(_step):
        if later and chance.random() < 0.5:
            size = chance.randint(1, len(later))
            record(incoming(*later[:size]))
            del later[:size]
        if chance.random() < 0.2:
            raise Interruption

    while True:
        try:
            replay.replay(disturb)
            break
        except Interruption:
            continue
    record(incoming(*later))
    assert differing(state(), expected) == []
    assert not Replay.objects.exists()


def test_what_reads_right_is_not_written():
    record(incoming(*history("bodies"), *history("K1"), *history("day1")))
    revisions = {model: list(model.objects.values_list("pk", "revision")) for model in (Meeting, Leg, ZoomUser)}
    Meeting.objects.filter(uuid="TESTUUID0001==").update(topic="spoilt")
    done = replay.replay()

    assert done.rows == 1
    of_things = [name for names in NAMES_OF.values() for name in names]
    read = [Event.objects.exclude(meeting_uuid="").count(), Event.objects.filter(name__in=of_things).count()]
    assert done.events == sum(read)
    for model, before in revisions.items():
        changed = {model.objects.get(pk=pk) for pk, _ in set(model.objects.values_list("pk", "revision")) - set(before)}
        assert [str(row.uuid) for row in changed] == (["TESTUUID0001=="] if model is Meeting else [])
    assert Head.objects.get().rewritten == Head.objects.get().revision


def test_rows_keep_their_keys_which_pages_have_in_their_addresses():
    record(incoming(*history("bodies"), *history("K1")))
    keys = {model: sorted(model.objects.values_list("pk", flat=True)) for model in (Meeting, Leg, Recording)}
    Meeting.objects.update(topic="spoilt")
    Leg.objects.update(name="spoilt")
    Recording.objects.update(topic="spoilt")
    replay.replay()

    assert not Leg.objects.filter(name="spoilt").exists()
    for model, before in keys.items():
        assert sorted(model.objects.values_list("pk", flat=True)) == before


def test_an_interrupted_replay_goes_on_where_it_was(by_twos):
    record(incoming(*(event("meeting.started", uuid=f"run-{number}") for number in range(7))))

    def interrupt(step):
        if step.done == 4:
            raise Interruption

    with pytest.raises(Interruption):
        replay.replay(interrupt)
    Meeting.objects.update(topic="spoilt")
    steps = []
    replay.replay(steps.append)

    assert [(step.done, step.total) for step in steps if step.stage == "meetings"] == [(2, 3), (3, 3)]
    spoilt = Meeting.objects.filter(topic="spoilt").order_by("pk").values_list("uuid", flat=True)
    assert list(spoilt) == ["run-0", "run-1", "run-2", "run-3"]

    with pytest.raises(Interruption):
        replay.replay(interrupt)
    replay.replay(anew=True)
    assert not Meeting.objects.filter(topic="spoilt").exists()


def test_what_another_version_had_begun_begins_anew():
    record(incoming(event("meeting.started")))
    Meeting.objects.update(topic="spoilt")
    Replay.objects.create(pk=1, stage="of another version", position="9", last_meeting=0, last_recording=0)
    replay.replay()

    assert Meeting.objects.get().topic == "Stand-up"


def test_what_was_not_understood_when_it_came_is_understood_now(monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(rows, "fold", refuse)
        record(incoming(event("meeting.started"), event("user.updated", id="u"), event("meeting.created", id="12")))
    assert Event.objects.exclude(fold_error="").count() == 3
    assert not Meeting.objects.exists()
    replay.replay()

    assert Meeting.objects.live().get().topic == "Stand-up"
    assert ZoomUser.objects.get().zoom_id == "u"
    assert ScheduledMeeting.objects.get().number == "12"
    assert not Event.objects.exclude(fold_error="").exists()


def refuse(*_):
    raise ValueError("not yet")


@pytest.fixture
def one_fails(monkeypatch):
    """The run `poison` cannot be rebuilt."""
    merge = rebuild.rows.merge_into

    def or_fail(row, state, table):
        if getattr(row, "uuid", "") == "poison":
            raise ValueError("of a stranger's making")
        return merge(row, state, table)

    record(
        incoming(
            event("meeting.started", uuid="a"),
            event("meeting.started", uuid="poison"),
            event("meeting.started", uuid="z"),
        )
    )
    Meeting.objects.update(topic="spoilt")
    monkeypatch.setattr(rebuild.rows, "merge_into", or_fail)


def test_a_run_that_cannot_be_rebuilt_keeps_no_other(one_fails, caplog, capsys):
    with pytest.raises(SystemExit) as ended:
        call_command("replay")

    assert dict(Meeting.objects.values_list("uuid", "topic")) == {"a": "Stand-up", "poison": "spoilt", "z": "Stand-up"}
    assert ended.value.code == 1
    assert "1 could not be rebuilt and stay as they were" in capsys.readouterr().err
    assert "'poison' could not be rebuilt: ValueError at or_fail" in caplog.text
    assert "stranger" not in caplog.text


# The command


def test_it_says_how_far_how_fast_and_how_long(by_twos, monkeypatch, capsys):
    monkeypatch.setattr(command, "SAY_EVERY_S", 0)
    record(incoming(*(event("meeting.started", uuid=f"run-{number}") for number in range(5)), join("1")))
    call_command("replay")
    *steps, end = capsys.readouterr().out.split("\r")[1:]

    said = [step.rstrip() for step in steps if "meetings," in step and "unknown" not in step]
    assert [step[:5].strip() for step in said] == ["33 %", "66 %", "100 %"]
    shape = r"\d+ of 6 meetings, \d events read, [\d,]+ a second, 0:00:\d\d left"
    assert all(re.search(shape, step) for step in said)
    assert re.match(r"Replayed 6 events in 0:00:\d\d: 0 rows changed\.\nThe feed waited for \d+ ms at most\.\n", end)


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (KeyboardInterrupt(), 130, "Stopped. Run it again, and it goes on here."),
        (OperationalError("gone"), 75, "The database is away (OperationalError). Run it again, and it goes on here."),
    ],
)
def test_what_stops_it_is_said_with_what_to_do(monkeypatch, capsys, error, code, words):
    def stop(*_args, **_options):
        raise error

    monkeypatch.setattr(command, "replay", stop)
    with pytest.raises(SystemExit) as ended:
        call_command("replay")

    assert ended.value.code == code
    assert words in capsys.readouterr().err
