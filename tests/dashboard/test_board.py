"""What the live board shows of known histories."""

import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
import time_machine
from django.utils import timezone

from dashboard import board
from dashboard.board import ENDED, FACES, Day
from tests.zoomfeed.test_record import event, incoming, join, leave
from zoomfeed.models import Head, Leg, Meeting
from zoomfeed.record import record

pytestmark = pytest.mark.django_db

START = datetime.fromtimestamp(1775235987, UTC)
"""When `at_s` is 0: 2026-04-03 17:06:27."""

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def after(seconds):
    return START + timedelta(seconds=seconds)


def started(uuid, at_s=0, **about):
    return event("meeting.started", at_s, uuid=uuid, start_time=after(at_s).isoformat(), **about)


def ended(uuid, at_s=0, **about):
    return event("meeting.ended", at_s, uuid=uuid, end_time=after(at_s).isoformat(), **about)


def into(uuid, user_id, at_s=0, **person):
    return participant("participant_joined", uuid, user_id, at_s, join_time=after(at_s).isoformat(), **person)


def out_of(uuid, user_id, at_s=0, **person):
    return participant("participant_left", uuid, user_id, at_s, leave_time=after(at_s).isoformat(), **person)


def waits(uuid, user_id, at_s=0, **person):
    name = "participant_joined_waiting_room"
    return participant(name, uuid, user_id, at_s, date_time=after(at_s).isoformat(), **person)


def participant(name, uuid, user_id, at_s, **person):
    return event(f"meeting.{name}", at_s, uuid=uuid, participant={"user_id": user_id, **person})


def said(*bodies):
    record(incoming(*bodies))


def crowd(uuid, size, at_s=0):
    return [into(uuid, str(number), at_s, user_name=f"P{number}") for number in range(size)]


def card(uuid="run-1=="):
    return next(card for card in board.cards() if card.meeting.uuid == uuid)


def day_at(now):
    head, _ = Head.objects.get_or_create(pk=1)
    board._days.clear()
    with time_machine.travel(now, tick=False):
        return board.day(head)


# Cards


def test_the_largest_meeting_comes_first():
    said(*crowd("small", 1), *crowd("large", 12), *crowd("middle", 3))

    assert [card.meeting.uuid for card in board.cards()] == ["large", "middle", "small"]


def test_of_equals_the_newest_comes_first_as_by_their_keys():
    said(*(body for number in range(12) for body in crowd(f"run-{number}", number % 2 + 1)))
    cards = board.cards()

    keys = [float(card.key) for card in cards]
    assert keys == sorted(keys, reverse=True)
    assert len(set(keys)) == len(cards) == 12
    assert [card.meeting.pk for card in cards[:6]] == sorted((card.meeting.pk for card in cards[:6]), reverse=True)


def test_a_meeting_that_is_over_has_no_card():
    said(started("a"), started("b"), ended("b", 60))

    assert [card.meeting.uuid for card in board.cards()] == ["a"]


def test_a_meeting_that_goes_on_after_its_end_has_a_card_again():
    said(started("a"), ended("a", 60), into("a", "1", 120))

    assert [card.meeting.uuid for card in board.cards()] == ["a"]
    assert board.ended() == []


def test_faces_are_few_and_the_rest_is_counted():
    said(*crowd("run-1==", 8), out_of("run-1==", "7", 60), waits("run-1==", "99", 60, user_name="Waiting"))

    assert [person.name for person in card().faces] == ["P0", "P1", "P2", "P3", "P4"]
    assert len(card().faces) == FACES
    assert (card().count, card().more) == (7, 2)


def test_a_meeting_without_its_host_shows_who_waits():
    said(waits("run-1==", "1", user_name="Early"), waits("run-1==", "2", user_name="Bird"))

    assert card().is_pending
    assert (card().count, [person.name for person in card().faces]) == (2, ["Early", "Bird"])

    said(started("run-1==", 60), into("run-1==", "3", 61, user_name="Host"))
    assert not card().is_pending
    assert (card().count, [person.name for person in card().faces]) == (1, ["Host"])
    assert card().since == after(60)


def test_a_meeting_began_when_zoom_says_and_else_when_it_was_first_seen():
    said(join("1", 30), into("b", "1", 40), started("b", 10))

    assert card().since == after(30)
    assert card("b").since == after(10)
    assert card("b").started_ms == 1775235997000


def test_a_card_is_found_by_all_that_is_on_it_and_by_who_is_there():
    said(
        started("run-1==", 5, topic="Ward ROUND", host_id="H", host_email="Host@example.org"),
        into("run-1==", "1", 1, user_name="Zoë Smith"),
        into("run-1==", "2", 1, user_name="Host Himself", participant_user_id="H"),
        into("run-1==", "3", 1, user_name="Gone"),
        waits("run-1==", "4", 1, user_name="Waiting"),
        out_of("run-1==", "3", 2),
    )
    text = card().search

    assert text == text.casefold()
    for words in ("ward round", "host@example.org", "host himself", "83455219078", "zoë smith", "waiting"):
        assert words in text
    assert "gone" not in text


def test_a_spark_needs_two_steps_and_stays_in_its_box():
    said(join("1"))
    assert card().spark is None

    said(join("2", 600), leave("1", 900), join("3", 3600))
    shape = card().spark
    assert shape.line.startswith("M0.0 14.0")
    assert shape.line.endswith("V0.0H100.0")
    assert all(0 <= float(x) <= 100 for x in re.findall(r"H([\d.]+)", shape.line))
    assert all(0 <= float(y) <= 28 for y in re.findall(r"V([\d.]+)", shape.line))


def test_the_board_takes_two_queries_however_many_meetings(django_assert_num_queries):
    said(*(body for number in range(20) for body in crowd(f"run-{number}", 3)))

    with django_assert_num_queries(2):
        for one in board.cards():
            assert len(one.faces) == 3
            assert all([one.search, one.key, one.id, one.started_ms])


# What has ended


def test_what_ended_last_comes_first_and_old_things_fall_off():
    said(*(ended(f"run-{number:02d}", number * 60) for number in range(ENDED + 3)))
    found = board.ended()

    assert [over.meeting.uuid for over in found] == [f"run-{number:02d}" for number in range(10, 2, -1)]
    keys = [float(over.key) for over in found]
    assert keys == sorted(keys, reverse=True)


def test_what_ended_in_the_same_second_is_ordered_as_by_its_keys():
    said(*(ended(f"run-{number}", 60) for number in range(6)))
    keys = [float(over.key) for over in board.ended()]

    assert keys == sorted(set(keys), reverse=True)
    assert len(keys) == 6


def test_how_long_it_was():
    said(started("a"), ended("a", 600), ended("b", 60))
    lengths = {over.meeting.uuid: over.length for over in board.ended()}

    assert lengths["a"] == 10 * MINUTE


# Numbers


def test_the_numbers_of_now():
    said(
        *crowd("large", 3),
        waits("large", "9"),
        *crowd("small", 1),
        waits("pending", "1"),
        waits("pending", "2"),
        started("empty"),
        *crowd("over", 5),
        ended("over", 60),
    )

    assert board.totals() == board.Totals(meetings=4, pending=1, people=4, largest=3, people_waiting=3, waiting_in=2)


def test_the_numbers_of_nothing():
    assert board.totals() == board.Totals(0, 0, 0, 0, 0, 0)


def test_the_numbers_are_those_of_the_cards():
    said(*crowd("a", 3), waits("a", "9"), waits("b", "1"), *crowd("c", 2), started("d"))
    totals, cards = board.totals(), board.cards()

    assert totals.meetings == len(cards)
    assert totals.pending == sum(card.is_pending for card in cards)
    assert totals.people == sum(card.count for card in cards if not card.is_pending)


# The last 24 hours


@pytest.fixture
def two_meetings(db):
    """Jill and Bob meet, then Carol alone beside Bob; one meeting ends, Bob is still there."""
    said(
        started("a"),
        into("a", "1", 0, user_name="Jill"),
        into("a", "2", 300, user_name="Bob"),
        out_of("a", "1", 600),
        started("b", 1200),
        into("b", "3", 1200, user_name="Carol"),
        ended("b", 1800),
    )


def test_a_day_of_a_known_history(two_meetings):
    day = day_at(START + HOUR)

    assert (day.people, day.meetings) == (3, 2)
    assert (day.axis.start, day.axis.end) == (
        datetime(2026, 4, 2, 18, 10, tzinfo=UTC),
        datetime(2026, 4, 3, 18, 10, tzinfo=UTC),
    )
    assert (day.peak, day.peak_at) == (2, datetime(2026, 4, 3, 17, 10, tzinfo=UTC))
    # five minutes each from 17:05 on: Jill; Bob; until she has left; Bob; Carol; ...
    assert day.line_values[-13:] == [1, 2, 2, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1]
    assert sum(day.line_values[:-13]) == 0
    assert day.bar_values[-4:] == [1, 2, 2, 1]
    assert sum(day.bar_values[:-4]) == 0


def test_who_left_more_than_a_day_ago_is_not_counted_but_whose_meeting_lasts(two_meetings):
    day = day_at(START + timedelta(hours=24, minutes=20))

    assert (day.people, day.meetings) == (2, 2)
    assert day.line_values[:4] == [2, 2, 1, 1]
    assert (day.peak, day_at(START + timedelta(hours=30)).peak) == (2, 1)


def test_what_ended_more_than_a_day_ago_is_not_counted(two_meetings):
    day = day_at(START + timedelta(hours=25))

    assert (day.people, day.meetings) == (1, 1)
    assert set(day.line_values) == {1}


def test_a_meeting_that_goes_on_after_its_end_counts_for_as_long_as_somebody_is_there():
    said(started("a"), ended("a", 60), into("a", "1", 120))

    assert (day_at(START + timedelta(hours=30)).people, day_at(START + timedelta(hours=30)).meetings) == (1, 1)


def test_a_day_of_nothing():
    day = day_at(START)

    assert (day.people, day.meetings, day.peak) == (0, 0, 0)
    assert (day.top, day.marks, day.bars_top) == (3, [3, 2, 1, 0], 1)
    assert day.bars == []
    assert day.line.line == "M0.0 200.0H1000.0"


def test_marks_are_whole_and_even():
    said(*crowd("a", 10))
    day = day_at(START + MINUTE)

    assert (day.peak, day.marks) == (10, [12, 8, 4, 0])


def test_the_people_of_all_meetings_take_two_queries(two_meetings, django_assert_num_queries):
    head = Head.objects.get()
    board._days.clear()

    with django_assert_num_queries(2), time_machine.travel(START + HOUR, tick=False):
        board.day(head)


# A day is kept


@pytest.fixture
def clock(db, monkeypatch):
    """A clock that goes when it is told to, at the start of an axis."""
    monkeypatch.setattr(board, "time", SimpleNamespace(monotonic=lambda: timezone.now().timestamp()))
    board._days.clear()
    with time_machine.travel(datetime(2026, 4, 3, 18, tzinfo=UTC), tick=False) as clock:
        yield clock
    board._days.clear()


def day_now() -> Day:
    return board.day(Head.objects.get_or_create(pk=1)[0])


def test_a_day_is_kept_while_nothing_happens(clock):
    made = day_now()
    clock.shift(200)

    assert day_now() is made


def test_a_day_is_kept_for_a_moment_whatever_happens(clock):
    made = day_now()
    said(join("1"))
    clock.shift(0.5)

    assert day_now() is made


def test_a_day_is_made_anew_when_something_has_happened(clock):
    day_now()
    said(join("1"))
    clock.shift(2)

    assert day_now().people == 1
    assert day_now().revision == Head.objects.get().revision


def test_a_day_is_made_anew_when_its_edge_is_in_the_past(clock):
    made = day_now()
    clock.shift(301)

    assert day_now().axis.end - made.axis.end == 5 * MINUTE


def test_a_day_that_is_dear_is_kept_for_longer(clock, monkeypatch):
    real = board._make_day

    def slowly(revision, now):
        clock.shift(0.5)
        return real(revision, now)

    monkeypatch.setattr(board, "_make_day", slowly)
    made = day_now()
    said(join("1"))
    clock.shift(9)
    assert day_now() is made

    clock.shift(1)
    assert day_now().people == 1


def test_another_database_has_another_day(clock):
    day_now()
    said(join("1"))
    Head.objects.update(epoch="00000000-0000-0000-0000-000000000001")

    assert day_now().people == 1


def test_legs_are_read_without_what_no_page_shows():
    said(join("1"))
    meeting = board.with_legs(Meeting.objects.all()).get()

    assert "stamps" in meeting.get_deferred_fields()
    assert "stamps" in meeting.legs.all()[0].get_deferred_fields()
    assert Leg.objects.count() == 1
