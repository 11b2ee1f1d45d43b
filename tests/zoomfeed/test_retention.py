"""Whatever is pruned, expires or is erased: counts stay, nothing of it is found, a second time does nothing."""

import json
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sequences import all_bodies, sequence
from tests.zoomfeed.test_record import MODELS, state
from zoomfeed import attendance
from zoomfeed.erasure import erase, fingerprint, foresee
from zoomfeed.held import held
from zoomfeed.models import Act, Attendee, Erasure, Event, Expiry, Head, Leg, Meeting, RejectedFrame, ZoomUser
from zoomfeed.person import identify
from zoomfeed.protocol import loads
from zoomfeed.record import Incoming, record
from zoomfeed.replay import replay
from zoomfeed.retention import Policy, prune
from zoomfeed.retention import foresee as foresee_pruning
from zoomfeed.simulator.day import generate

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 4, 3, 20, tzinfo=UTC)
LONG_AFTER = NOW + timedelta(days=400)
OLD, YOUNG = NOW, LONG_AFTER - timedelta(days=1)
DAY_MS = 1775235987000


@pytest.fixture(autouse=True)
def _hurry(monkeypatch):
    """Turns without the pauses in which a feed would write."""
    monkeypatch.setattr("zoomfeed.turns.PAUSES_S", {})


def incoming(*bodies: bytes, at: datetime = NOW) -> list[Incoming]:
    return [Incoming(body, at) for body in bodies]


def event(name: str, at_s: int = 0, *, ascii_only: bool = True, **about) -> bytes:
    about = {"uuid": "run-1==", "id": "83455219078", "topic": "Stand-up", **about}
    body = {"event": name, "event_ts": DAY_MS + at_s * 1000, "payload": {"account_id": "a", "object": about}}
    return json.dumps(body, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")


def went(name: str, user_id: str, at_s: int, *, ascii_only: bool = True, uuid: str = "run-1==", **person) -> bytes:
    moment = {
        f"{name[:-2] if name == 'joined' else 'leave'}_time": datetime.fromtimestamp(1775235987 + at_s, UTC).isoformat()
    }
    person = {"user_id": user_id, **moment, **person}
    return event(f"meeting.participant_{name}", at_s, ascii_only=ascii_only, uuid=uuid, participant=person)


def a_run(
    *people: dict, uuid: str = "run-1==", topic: str = "Stand-up", ascii_only: bool = True, **about
) -> list[bytes]:
    """They come one after the other, and leave in that order; then it ends."""
    joins = [went("joined", str(n), n, uuid=uuid, ascii_only=ascii_only, **one) for n, one in enumerate(people)]
    leaves = [went("left", str(n), 60 + n, uuid=uuid, ascii_only=ascii_only, **one) for n, one in enumerate(people)]
    start = event("meeting.started", 0, uuid=uuid, topic=topic, ascii_only=ascii_only, **about)
    end = event("meeting.ended", 300, uuid=uuid, topic=topic, end_time="2026-04-03T17:30:00Z", ascii_only=ascii_only)
    return [start, *joins, *leaves, end]


JILL = {"user_name": "Jill Chill", "email": "jill@example.org", "participant_user_id": "JillsZoomId00000000000"}
BOB = {"user_name": "Bob", "email": "bob@example.org", "participant_user_id": "BobsZoomId000000000000"}


def counts() -> list[tuple]:
    """What the board says of each run, and what its legs say when they are counted anew."""
    found = []
    for meeting in Meeting.objects.order_by("uuid"):
        people = attendance.people(meeting.legs.all(), started_at=meeting.started_at, ended_at=meeting.ended_at)
        anew = sum(bool(person.visits) for person in people), attendance.peak(people), len(people)
        shapes = sorted((person.head, len(person.legs), person.devices, person.visits) for person in people)
        found.append((meeting.uuid, meeting.present, meeting.waiting, meeting.people, meeting.peak, anew, shapes))
    return found


def everything() -> str:
    """All text and all bytes of all tables of ours, JSON read, without case."""
    found = []
    for model in apps.get_app_config("zoomfeed").get_models():
        for row in model.objects.all():
            for field in row._meta.concrete_fields:
                value = getattr(row, field.attname)
                if isinstance(value, bytes | memoryview):
                    found.append(bytes(value).decode("utf-8", "replace"))
                    if field.name in ("body", "raw") and bytes(value).startswith(b"{"):
                        found.append(str(loads(bytes(value))))
                elif isinstance(value, str | dict | list):
                    found.append(str(value))
    return "\n".join(found).casefold()


def whole() -> list:
    return [
        sorted(str(sorted(row.items(), key=str)) for row in model.objects.values())
        for model in apps.get_app_config("zoomfeed").get_models()
        if model not in (Head, Erasure, Act)
    ]


class TestPolicy:
    def test_the_longest_pattern_wins(self):
        policy = Policy(events=10, types={"meeting.*": 20, "meeting.participant_qos": 5, "user.*": None})
        assert policy.days("meeting.started") == 20
        assert policy.days("meeting.participant_qos") == 5
        assert policy.days("user.created") is None
        assert policy.days("recording.completed") == 10

    def test_nothing_goes_unless_somebody_says_so(self):
        record(incoming(*a_run(JILL)))
        before = whole()
        prune(Policy(), LONG_AFTER)
        assert whole() == before


class TestPrune:
    def test_old_events_go_young_ones_and_other_types_stay(self):
        record(incoming(*a_run(JILL)))
        record(incoming(event("meeting.started", uuid="new=="), at=YOUNG))
        done = prune(Policy(events=30, types={"meeting.ended": None}), LONG_AFTER)
        assert done.events == {"meeting.started": 1, "meeting.participant_joined": 1, "meeting.participant_left": 1}
        assert sorted(Event.objects.values_list("name", "meeting_uuid")) == [
            ("meeting.ended", "run-1=="),
            ("meeting.started", "new=="),
        ]

    def test_what_pages_show_does_not_change(self):
        record(incoming(*a_run(JILL, BOB)))
        before, counted = state(), counts()
        prune(Policy(events=30), LONG_AFTER)
        assert [without_marks(rows) for rows in state().values()] == [without_marks(rows) for rows in before.values()]
        assert counts() == counted

    def test_replay_leaves_what_the_log_cannot_tell_any_more_and_rebuilds_the_rest(self):
        record(incoming(*a_run(JILL)))
        record(incoming(*a_run(BOB, uuid="new=="), at=YOUNG))
        prune(Policy(events=30), LONG_AFTER)
        before = state()
        Meeting.objects.filter(uuid="new==").update(topic="damaged", stamps={})
        replay()
        assert state() == before

    def test_a_run_of_which_a_part_is_gone_comes_back_whole(self):
        record(incoming(*a_run(JILL)))
        prune(Policy(types={"meeting.participant_*": 30}), LONG_AFTER)
        before, counted = state(), counts()
        replay()
        assert (state(), counts()) == (before, counted)
        assert Meeting.objects.get().people == 1

    def test_a_dry_run_says_the_same_and_changes_nothing(self):
        record(incoming(*a_run(JILL), b"no json"))
        policy = Policy(events=30, personal=20)
        before = whole()
        foreseen = foresee_pruning(policy, LONG_AFTER)
        assert whole() == before
        done = prune(policy, LONG_AFTER)
        assert (foreseen.events, foreseen.frames) == (done.events, done.frames)
        assert foreseen.anonymous == done.anonymous

    def test_a_run_goes_only_after_the_last_of_its_events(self):
        record(incoming(*a_run(JILL)))
        assert prune(Policy(meetings=30), LONG_AFTER).meetings == 0
        assert prune(Policy(events=30, meetings=30), LONG_AFTER).meetings == 1
        assert not Leg.objects.exists()

    def test_a_live_run_stays_however_old(self):
        record(incoming(event("meeting.started")))
        prune(Policy(events=30, meetings=30, personal=20), LONG_AFTER)
        assert Meeting.objects.live().get().topic == "Stand-up"

    def test_a_run_without_an_end_keeps_names_as_long_as_something_is_heard_of_it(self):
        record(incoming(event("meeting.started"), went("joined", "1", 1, **JILL)))
        record(incoming(went("joined", "2", 2, **BOB), at=YOUNG))
        prune(Policy(personal=30), LONG_AFTER)
        assert set(Leg.objects.values_list("name", flat=True)) == {"Jill Chill", "Bob"}
        prune(Policy(personal=30), LONG_AFTER + timedelta(days=60))
        assert "jill" not in everything()
        assert Meeting.objects.get().present == 2

    def test_pages_below_begin_anew(self):
        record(incoming(*a_run(JILL)))
        before = Head.objects.get().revision
        prune(Policy(events=30), LONG_AFTER)
        head = Head.objects.get()
        assert head.rewritten == head.revision > before

    def test_who_had_nothing_to_do_moves_no_revision_but_says_nothing_went(self):
        record(incoming(*a_run(JILL), at=YOUNG))
        before = Head.objects.get().revision
        prune(Policy(events=30), LONG_AFTER)
        assert Head.objects.get().revision == before


def without_marks(rows):
    return [
        (uuid, [pair for pair in values if pair[0] not in ("sealed", "anonymous", "mask")]) for uuid, values in rows
    ]


class TestExpiry:
    def test_names_go_and_the_event_stays(self):
        record(incoming(*a_run(JILL, BOB, topic="Jill Chill's meeting with bob")))
        counted = counts()
        digests = set(map(bytes, Event.objects.values_list("digest", flat=True)))
        prune(Policy(personal=30), LONG_AFTER)
        said = everything()
        assert not [word for word in ("jill", "chill", "bob", "example.org") if word in said]
        assert counts() == counted
        assert digests == set(map(bytes, Event.objects.values_list("digest", flat=True)))

    def test_what_comes_again_is_still_known(self):
        bodies = a_run(JILL)
        record(incoming(*bodies))
        prune(Policy(personal=30), LONG_AFTER)
        assert record(incoming(*bodies)).new == 0

    def test_one_person_in_two_runs_cannot_be_followed(self):
        record(incoming(*a_run(JILL), *a_run(JILL, uuid="run-2==")))
        prune(Policy(personal=30), LONG_AFTER)
        one, other = Leg.objects.order_by("pk")
        assert {one.zoom_user_id, one.name, one.email}.isdisjoint({other.zoom_user_id, other.name, other.email})

    def test_within_a_run_the_log_and_the_legs_name_the_same_person_alike(self):
        record(incoming(*a_run(JILL, {**JILL, "user_name": "Jill, phone"})))
        prune(Policy(personal=30), LONG_AFTER)
        ids = set(Leg.objects.values_list("zoom_user_id", flat=True))
        assert len(ids) == 1
        assert set(Event.objects.exclude(participant_name="").values_list("participant_id", flat=True)) == ids

    def test_its_key_is_thrown_away(self):
        record(incoming(*a_run(JILL)))
        prune(Policy(personal=30), LONG_AFTER)
        assert Meeting.objects.get().mask is None

    def test_replay_gives_no_name_back_and_no_row_more(self):
        record(incoming(*all_bodies().values(), *sequence("K1"), *sequence("K3")))
        prune(Policy(personal=30), LONG_AFTER)
        before = {model: model.objects.count() for model in MODELS}
        saved, counted = state(), counts()
        replay()
        assert {model: model.objects.count() for model in MODELS} == before
        assert (state(), counts()) == (saved, counted)

    def test_what_comes_late_of_an_expired_run_expires_in_its_turn(self):
        record(incoming(*a_run(JILL)))
        prune(Policy(personal=30), LONG_AFTER)
        record(incoming(went("left", "0", 3000, **JILL), at=YOUNG))
        assert "jill" in everything()
        prune(Policy(personal=30), LONG_AFTER + timedelta(days=60))
        assert "jill" not in everything()

    def test_every_recorded_body_keeps_its_shape(self):
        bodies = all_bodies().values()
        record(incoming(*bodies))
        shapes = [shape(loads(bytes(one.body))) for one in Event.objects.order_by("pk")]
        names = list(Event.objects.order_by("pk").values_list("name", "meeting_uuid", "meeting_number", "occurred_at"))
        prune(Policy(personal=30), LONG_AFTER)
        assert [shape(loads(bytes(one.body))) for one in Event.objects.order_by("pk")] == shapes
        now = list(Event.objects.order_by("pk").values_list("name", "meeting_uuid", "meeting_number", "occurred_at"))
        assert now == names
        said = everything()
        people = ("chill", "jchill", "arya", "203.0.113", "172.30.1", "12025550143", "amphibious", "awesomeuser",
                  "john smith", "this is a test message", "00:00:5e", "henry")  # fmt: skip
        assert not [word for word in people if word in said]

    def test_a_frame_that_nobody_can_read_is_emptied(self):
        record(incoming(b"Jill without braces"))
        prune(Policy(personal=30), LONG_AFTER)
        assert bytes(RejectedFrame.objects.get().raw) == b""

    def test_a_user_in_use_keeps_the_name(self):
        body = {
            "event": "user.created",
            "event_ts": DAY_MS,
            "payload": {"object": {"id": "BobsZoomId000000000000", "first_name": "Bob"}},
        }
        record(incoming(json.dumps(body).encode()))
        record(incoming(event("meeting.started", host_id="BobsZoomId000000000000"), at=YOUNG))
        prune(Policy(personal=30), LONG_AFTER)
        assert ZoomUser.objects.get().name == "Bob"
        prune(Policy(personal=30), LONG_AFTER + timedelta(days=60))
        assert ZoomUser.objects.get().name == ""


def shape(value):
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    return [shape(one) for one in value] if isinstance(value, list) else type(value)


class TestErasure:
    def test_one_goes_the_other_stays(self):
        record(incoming(*a_run(JILL, BOB, topic="Jill Chill's weekly")))
        counted = counts()
        act = erase(identify(emails=["JILL@example.org"]))
        said = everything()
        assert "jill" not in said
        assert "bob@example.org" in said
        assert counts() == counted
        assert act.rows == {"meetings": 1, "names in the directory": 1, "events": 4}
        assert act.finished_at

    def test_the_record_of_the_act_proves_to_who_asks_and_tells_nobody_else(self):
        record(incoming(*a_run(JILL)))
        act = erase(identify(emails=["jill@example.org"]), reason="case 7")
        assert fingerprint(identify(emails=["jill@example.org"]), bytes(act.salt)) == bytes(act.fingerprint)
        assert "jill" not in str(Erasure.objects.values()).casefold()

    def test_a_name_that_another_carries_stays_the_others(self):
        record(incoming(*a_run(JILL, {**BOB, "user_name": "Jill Chill"})))
        identity = identify(emails=["jill@example.org"])
        assert identity.shared == {"jill chill"}
        erase(identity)
        assert [leg.name for leg in Leg.objects.filter(email="bob@example.org")] == ["Jill Chill"]
        assert "jill@example.org" not in everything()

    def test_by_id_the_address_is_found_and_by_name_nobody_else(self):
        record(incoming(*a_run(JILL, BOB)))
        assert identify(ids=[JILL["participant_user_id"]]).emails == {"jill@example.org"}
        assert identify(names=["bob"]).emails == set()

    def test_a_live_run_goes_on_and_counts_right(self):
        record(incoming(event("meeting.started"), went("joined", "1", 1, **JILL), went("joined", "2", 2, **JILL)))
        erase(identify(emails=["jill@example.org"]))
        assert Meeting.objects.get().present == 1
        record(incoming(went("joined", "3", 5, **BOB)))
        assert Meeting.objects.get().present == 2

    def test_replay_does_not_bring_anybody_back(self):
        user = {"event": "user.created", "event_ts": DAY_MS, "payload": {"object": {"id": JILL["participant_user_id"],
                "email": "jill@example.org", "first_name": "Jill"}}}  # fmt: skip
        record(incoming(json.dumps(user).encode(), *a_run(JILL, BOB, host_id=JILL["participant_user_id"])))
        erase(identify(emails=["jill@example.org"]))
        before, rows = state(), ZoomUser.objects.count()
        replay()
        assert state() == before
        assert ZoomUser.objects.count() == rows == 1
        assert "jill" not in everything()

    def test_who_asks_for_nobody_known_changes_nothing_but_the_record(self):
        record(incoming(*a_run(BOB)))
        before = whole()
        assert erase(identify(emails=["nobody@example.org"])).rows == {}
        assert whole() == before

    def test_what_could_not_be_read_goes_with_them(self):
        record(incoming(b'{"user_name": "J\\u0069ll Chill"', b"noise", *a_run(JILL)))
        erase(identify(emails=["jill@example.org"]))
        assert sorted(bytes(frame.raw) for frame in RejectedFrame.objects.all()) == [b"", b"noise"]


class TestReport:
    def test_it_has_every_row_and_no_other(self):
        record(incoming(*a_run(JILL), *a_run(BOB, uuid="run-2==", topic="Other")))
        found = held(identify(emails=["jill@example.org"]))
        assert {kind: len(rows) for kind, rows in found["rows"].items()} == {
            "connections": 1,
            "names in the directory": 1,
            "meetings": 1,
            "events": 2,
        }
        assert "bob" not in str(found).casefold()
        assert foresee(identify(emails=["jill@example.org"])) == {
            "meetings": 1,
            "names in the directory": 1,
            "events": 2,
        }

    def test_the_commands_say_so(self, capsys, tmp_path, settings):
        settings.SPOOL_DIR = str(tmp_path)
        (tmp_path / "sub-00000001-1-00000000.spool").write_bytes(b"")
        record(incoming(*a_run(JILL)))
        call_command("report", email=["jill@example.org"], json=True)
        told = json.loads(capsys.readouterr().out)
        assert told["known by"]["names"] == ["jill chill"]
        assert len(told["not looked into"]) == 1
        with pytest.raises(SystemExit) as ended:
            call_command("erase", email=["jill@example.org"], yes=True)
        assert ended.value.code == 75
        assert "jill" not in everything()

    def test_a_dry_run_erases_nothing(self, capsys):
        record(incoming(*a_run(JILL)))
        before = whole()
        call_command("erase", email=["jill@example.org"], dry_run=True)
        assert "would change" in capsys.readouterr().out
        assert whole() == before


# Properties

MARKS = st.sampled_from(["Qä\u0301x", "Zoë Q", "qJOx", "\u202eQrtl", "李四Q", "Straße Q", "Q'); DROP--", "=Q+1",
                         "<b>Q</b>",
                         "Q\\u0041", "İQi", "Q\ud83d", "الQ", "O’Q-x", "event Q"])  # fmt: skip
NUMBERS = st.integers(10, 99)
PEOPLE = st.builds(
    lambda mark, n, has_id, has_mail, same: {
        "user_name": f"{mark} xq{n}",
        **({"participant_user_id": f"Idxq{n}xxxxxxxxxxxxxx"} if has_id else {}),
        **({"email": f"mxq{n}@xq{n}.example"} if has_mail else {}),
        "participant_uuid": f"device-{n}-{same}",
        **({"customer_key": f"key-{same}"} if not has_id else {}),
    },
    MARKS, NUMBERS, st.booleans(), st.booleans(), st.integers(0, 2),
)  # fmt: skip
RUNS = st.lists(st.tuples(st.lists(PEOPLE, min_size=1, max_size=4), st.booleans()), min_size=1, max_size=3)
QUICK = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def enter(runs) -> list[dict]:
    for model in (Leg, *MODELS, Event, RejectedFrame, Expiry, Erasure, Act):
        model.objects.all().delete()
    everybody = []
    for n, (people, ascii_only) in enumerate(runs):
        topic = f"About {people[0]['user_name'].upper()} and more" if n % 2 else f"{people[0]['user_name']}'s room"
        record(incoming(*a_run(*people, uuid=f"run-{n}==", topic=topic, ascii_only=ascii_only)))
        everybody += people
    return everybody


@QUICK
@given(RUNS)
def test_after_expiry_nobody_is_found_and_everybody_counts(runs):
    people = enter(runs)
    counted = counts()
    prune(Policy(personal=30), LONG_AFTER)
    said = everything()
    tokens = {f"xq{one['user_name'].rpartition('xq')[2]}" for one in people}
    assert not [token for token in tokens if token in said]
    assert counts() == counted
    before = whole()
    prune(Policy(personal=30), LONG_AFTER)
    assert whole() == before
    replay()
    assert counts() == counted


@QUICK
@given(RUNS, st.data())
def test_after_an_erasure_one_is_not_found_and_everybody_counts(runs, data):
    people = enter(runs)
    counted = counts()
    gone = data.draw(st.sampled_from(people))
    asked = {"emails": [gone["email"].upper()]} if "email" in gone else {"names": [gone["user_name"].upper()]}
    identity = identify(**asked)
    erase(identity)
    said = everything()
    assert not [name for name in identity.names | identity.emails | identity.ids if name in said]
    assert counts() == counted
    before = whole()
    erase(identity)
    assert whole() == before
    replay()
    assert counts() == counted


@QUICK
@given(st.integers(0, 1000), st.integers(2, 30), st.integers(1, 400))
def test_whatever_is_pruned_the_counts_of_a_generated_day_stay(seed, days, after):
    enter([])
    record(incoming(*day(seed)))
    counted, now = counts(), NOW + timedelta(days=after)
    policy = Policy(events=days, types={"meeting.participant_joined": 50}, personal=max(2, days // 2))
    prune(policy, now)
    assert counts() == counted
    assert not prune(policy, now).events
    replay()
    assert counts() == counted


def day(seed: int) -> list[bytes]:
    return [body for _, body in generate(seed, NOW, meetings=2, hours=1).dispatches]


@pytest.mark.django_db(transaction=True)
def test_beside_a_feed_nothing_is_lost():
    record(incoming(*(body for n in range(30) for body in a_run(JILL, BOB, uuid=f"old-{n}=="))))
    failures: list[BaseException] = []

    def feed() -> None:
        try:
            for n in range(40):
                record(incoming(*a_run(JILL, BOB, uuid=f"new-{n}=="), at=LONG_AFTER))
        except BaseException as error:
            failures.append(error)
            raise
        finally:
            connection.close()

    feeding = threading.Thread(target=feed)
    feeding.start()
    prune(Policy(events=30, personal=20), LONG_AFTER)
    erase(identify(emails=["jill@example.org"]))
    feeding.join()
    assert not failures
    assert Event.objects.filter(meeting_uuid__startswith="new-").count() == 40 * 6
    assert not Event.objects.filter(meeting_uuid__startswith="old-").exists()
    assert set(Meeting.objects.values_list("people", flat=True)) == {2}
    erase(identify(emails=["jill@example.org"]))
    assert "jill" not in everything()


class TestDirectory:
    def test_names_of_long_ago_go_and_those_of_late_stay(self):
        record(incoming(*a_run(JILL)))
        Attendee.objects.update(last_at=NOW - timedelta(days=40))
        record(incoming(*a_run(BOB, uuid="run-2==", topic="Other")))
        Attendee.objects.filter(search__contains="bob").update(last_at=NOW)
        prune(Policy(personal=30), NOW)

        assert [attendee.search for attendee in Attendee.objects.all()] == ["bob bob@example.org"]

    def test_a_name_within_another_name_is_not_theirs(self):
        record(incoming(*a_run(JILL), *a_run({**BOB, "user_name": "Jill Chillington"}, uuid="run-2==")))
        erase(identify(emails=["jill@example.org"]))

        assert [attendee.search for attendee in Attendee.objects.all()] == ["jill chillington bob@example.org"]
