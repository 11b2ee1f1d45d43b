"""Events in the words of the log."""

from datetime import UTC, datetime, timedelta

import pytest

from dashboard.entries import Entry, entries
from tests.zoomfeed.test_record import incoming, join
from zoomfeed.catalogue import EVENT_NAMES
from zoomfeed.models import Event
from zoomfeed.record import record
from zoomfeed.viewer import EVERYTHING

NOON = datetime(2026, 4, 3, 12, tzinfo=UTC)


def entry(name="meeting.started", **about):
    return Entry(Event(pk=7, name=name, **{"received_at": NOON, **about}))


@pytest.mark.parametrize(
    ("name", "words", "state"),
    [
        ("meeting.started", "started", ""),
        ("meeting.ended", "ended", "left"),
        ("meeting.participant_joined", "joined", ""),
        ("meeting.participant_left", "left", "left"),
        ("meeting.participant_joined_waiting_room", "joined waiting room", "wait"),
        ("meeting.participant_put_in_waiting_room", "put in waiting room", "wait"),
        ("meeting.participant_left_waiting_room", "left waiting room", "left"),
        ("meeting.participant_admitted", "admitted", ""),
        ("meeting.participant_joined_breakout_room", "joined breakout room", ""),
        ("meeting.participant_left_breakout_room", "left breakout room", "left"),
        ("meeting.participant_jbh_waiting", "jbh waiting", "wait"),
        ("meeting.participant_jbh_waiting_left", "jbh waiting left", "left"),
        ("meeting.alert", "alert", "bad"),
        ("meeting.rtms_concurrency_limited", "rtms concurrency limited", "bad"),
        ("meeting.participant_phone_callout_missed", "phone callout missed", "bad"),
        ("meeting.registration_denied", "registration denied", "left"),
        ("recording.paused", "recording paused", "wait"),
        ("recording.stopped", "recording stopped", "left"),
        ("recording.started", "recording started", ""),
        ("app_deauthorized", "app deauthorized", "bad"),
        ("something.brand_new", "something brand new", ""),
        ("x.", "x.", ""),
    ],
)
def test_what_happened_in_words_and_by_a_mark(name, words, state):
    assert (entry(name).words, entry(name).state) == (words, state)


@pytest.mark.parametrize("name", EVENT_NAMES)
def test_every_type_that_zoom_publishes_has_words(name):
    assert entry(name).words.strip()
    assert "_" not in entry(name).words


@pytest.mark.parametrize(
    ("late_ms", "delay"),
    [
        (-5000, "0.0 s"),
        (0, "0.0 s"),
        (140, "0.1 s"),
        (59_940, "59.9 s"),
        (60_000, "1 min"),
        (7_260_000, "2 h 01 min"),
    ],
)
def test_the_delay_is_from_the_notice_to_its_arrival(late_ms, delay):
    assert entry(occurred_at=NOON - timedelta(milliseconds=late_ms)).delay == delay


def test_no_delay_where_zoom_did_not_say_when():
    assert entry(occurred_at=None).delay == ""


def test_the_time_is_zooms_and_else_ours():
    assert entry(occurred_at=NOON - timedelta(seconds=5)).at == NOON - timedelta(seconds=5)
    assert entry(occurred_at=None).at == NOON


def test_who_is_a_name_and_else_an_address():
    assert entry(participant_name="Jill", participant_email="jill@example.org").who == "Jill"
    assert entry(participant_email="jill@example.org").who == "jill@example.org"
    assert entry().who == ""


def test_an_entry_has_an_id_of_its_own():
    assert entry().id == "e-7"


@pytest.mark.django_db
class TestEntries:
    def test_the_newest_come_first_and_no_more_than_asked_for(self):
        record(incoming(*(join(str(number), number, user_name=f"P{number}") for number in range(5))))

        assert [entry.who for entry in entries(EVERYTHING, Event.objects.all(), 3)] == ["P4", "P3", "P2"]

    def test_the_order_in_which_they_were_asked_for_does_not_matter(self):
        record(incoming(*(join(str(number), number, user_name=f"P{number}") for number in range(3))))

        assert [entry.who for entry in entries(EVERYTHING, Event.objects.order_by("name", "pk"), 9)] == [
            "P2",
            "P1",
            "P0",
        ]

    def test_many_entries_take_one_query_and_read_no_body(self, django_assert_num_queries):
        record(incoming(*(join(str(n), n, user_name="Jill", uuid=f"run-{n}==") for n in range(20))))

        with django_assert_num_queries(1) as queries:
            for one in entries(EVERYTHING, Event.objects.all(), 100):
                assert all([one.id, one.words, one.who, one.delay, one.event.topic, one.event.meeting_number])
        assert not any('"body"' in query["sql"] for query in queries.captured_queries)
