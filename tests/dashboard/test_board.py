"""What the live board shows of known histories."""

import json
import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
import time_machine
from django.utils import timezone

from dashboard import board
from dashboard.board import AHEAD, DAY, EARLY, ENDED, FACES, LATE, UPCOMING, Day, Joined
from tests.zoomfeed.test_record import event, incoming, join, leave
from zoomfeed.models import Head, Leg
from zoomfeed.record import record
from zoomfeed.viewer import EVERYTHING

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
    return next(card for card in board.cards(EVERYTHING) if card.meeting.uuid == uuid)


def day_at(now):
    head, _ = Head.objects.get_or_create(pk=1)
    board._days.clear()
    with time_machine.travel(now, tick=False):
        return board.day(head)


# Cards


def test_the_largest_meeting_comes_first():
    said(*crowd("small", 1), *crowd("large", 12), *crowd("middle", 3))

    assert [card.meeting.uuid for card in board.cards(EVERYTHING)] == ["large", "middle", "small"]


def test_of_equals_the_newest_comes_first_as_by_their_keys():
    said(*(body for number in range(12) for body in crowd(f"run-{number}", number % 2 + 1)))
    cards = board.cards(EVERYTHING)

    keys = [float(card.key) for card in cards]
    assert keys == sorted(keys, reverse=True)
    assert len(set(keys)) == len(cards) == 12
    assert [card.meeting.pk for card in cards[:6]] == sorted((card.meeting.pk for card in cards[:6]), reverse=True)


def test_a_meeting_that_is_over_has_no_card():
    said(started("a"), started("b"), ended("b", 60))

    assert [card.meeting.uuid for card in board.cards(EVERYTHING)] == ["a"]


def test_a_meeting_that_goes_on_after_its_end_has_a_card_again():
    said(started("a"), ended("a", 60), into("a", "1", 120))

    assert [card.meeting.uuid for card in board.cards(EVERYTHING)] == ["a"]
    assert board.ended(EVERYTHING) == []


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
    assert card("b").started == f"1775235997.{card('b').meeting.pk:05d}"


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

    for words in ("ward round", "host@example.org", "host himself", "83455219078", "zoe smith", "waiting"):
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
        for one in board.cards(EVERYTHING):
            assert len(one.faces) == 3
            assert all([one.search, one.key, one.id, one.started])


# What has ended


def test_what_ended_last_comes_first_and_old_things_fall_off():
    said(*(ended(f"run-{number:02d}", number * 60) for number in range(ENDED + 3)))
    found = board.ended(EVERYTHING)

    assert [over.meeting.uuid for over in found] == [f"run-{number:02d}" for number in range(10, 2, -1)]
    keys = [float(over.key) for over in found]
    assert keys == sorted(keys, reverse=True)


def test_what_ended_in_the_same_second_is_ordered_as_by_its_keys():
    said(*(ended(f"run-{number}", 60) for number in range(6)))
    keys = [float(over.key) for over in board.ended(EVERYTHING)]

    assert keys == sorted(set(keys), reverse=True)
    assert len(keys) == 6


def test_how_long_it_was():
    said(started("a"), ended("a", 600), ended("b", 60))
    lengths = {over.meeting.uuid: over.length for over in board.ended(EVERYTHING)}

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

    assert board.totals() == board.Totals(
        meetings=4, pending=1, people=4, people_waiting=3, waiting_in=2, waits_since=START
    )
    assert board.totals().title == "4 live · Rollcall"


def test_the_numbers_of_nothing():
    assert board.totals() == board.Totals(0, 0, 0, 0, 0, None)
    assert board.totals().title == "Nothing live · Rollcall"


def test_the_numbers_are_those_of_the_cards():
    said(*crowd("a", 3), waits("a", "9"), waits("b", "1"), *crowd("c", 2), started("d"))
    totals, cards = board.totals(), board.cards(EVERYTHING)

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

    assert (day.today, day.yesterday) == (Joined(3, 2), Joined(0, 0))
    assert day.people_now == 1
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


def test_what_was_more_than_a_day_ago_leaves_the_day(two_meetings):
    day = day_at(START + timedelta(hours=24, minutes=20))

    assert day.line_values[:4] == [2, 2, 1, 1]
    assert (day.peak, day_at(START + timedelta(hours=30)).peak) == (2, 1)
    assert set(day_at(START + timedelta(hours=25)).line_values) == {1}


def test_today_begins_at_the_midnight_of_the_site(settings):
    settings.TIME_ZONE = "Asia/Tokyo"  # where it is 02:06 on the 4th
    said(started("a", -3 * 3600), into("a", "1", -3 * 3600), into("a", "2", 0), into("b", "3", 60), waits("b", "4", 60))
    with timezone.override("Asia/Tokyo"):
        assert day_at(START + HOUR).today == Joined(2, 2)
        assert day_at(START + 23 * HOUR).today == Joined(0, 0)


def test_yesterday_is_compared_by_the_same_time_of_it(two_meetings):
    at_once, later = day_at(START + timedelta(hours=24, minutes=6)), day_at(START + timedelta(hours=24, minutes=25))

    assert (at_once.yesterday, later.yesterday) == (Joined(2, 1), Joined(3, 2))
    assert (at_once.people_yesterday, at_once.meetings_yesterday) == (2, 1)
    assert (later.people_yesterday, later.meetings_yesterday) == (2, 2)


def test_nothing_is_said_of_a_yesterday_in_which_nobody_listened(two_meetings):
    assert not day_at(START + timedelta(hours=24)).knows_yesterday
    assert day_at(START + timedelta(hours=24, minutes=31)).knows_yesterday


@pytest.mark.parametrize("hour", [0, 1, 12, 23])
def test_all_of_yesterday_is_read_at_any_hour_of_the_day(hour):
    yesterday = datetime(2026, 4, 2, tzinfo=UTC)
    at_s = int((yesterday - START).total_seconds())
    said(started("a", at_s), into("a", "1", at_s), ended("a", at_s + 60))

    assert day_at(yesterday + DAY + timedelta(hours=hour, minutes=1)).yesterday == Joined(1, 1)


def test_hours_are_the_most_of_each_hour(two_meetings):
    hours = day_at(START + HOUR).hours

    assert len(hours) == 24
    assert hours[:3] == [
        (datetime(2026, 4, 3, 18, tzinfo=UTC), 1, 1),
        (datetime(2026, 4, 3, 17, tzinfo=UTC), 2, 2),
        (datetime(2026, 4, 3, 16, tzinfo=UTC), 0, 0),
    ]


def test_a_meeting_that_goes_on_after_its_end_counts_for_as_long_as_somebody_is_there():
    said(started("a"), ended("a", 60), into("a", "1", 120))

    assert day_at(START + timedelta(hours=30)).people_now == 1


def test_a_day_of_nothing():
    day = day_at(START)

    assert (day.today, day.people_now, day.peak) == (Joined(0, 0), 0, 0)
    assert (day.top, day.marks, day.bars_top) == (3, [3, 2, 1, 0], 1)
    assert day.bars == []
    assert day.line.line == "M0.0 200.0H1000.0"


def test_marks_are_whole_and_even():
    said(*crowd("a", 10))
    day = day_at(START + MINUTE)

    assert (day.peak, day.marks) == (10, [12, 8, 4, 0])


def test_a_day_takes_three_queries(two_meetings, django_assert_num_queries):
    head = Head.objects.get()
    board._days.clear()

    with django_assert_num_queries(3), time_machine.travel(START + HOUR, tick=False):
        board.day(head)


# What comes next


def planned(number="9", starts=START, name="meeting.created", **about):
    about = {"uuid": "", "id": number, "topic": f"Plan {number}", "start_time": starts.isoformat(), **about}
    return event(name, uuid=about.pop("uuid"), **about)


def next_at(now):
    return [one.meeting.number for one in board.upcoming(EVERYTHING, now)]


def test_what_is_planned_comes_in_the_order_of_its_start():
    said(planned("1", START + HOUR), planned("2", START + MINUTE), planned("3", START + 2 * HOUR, duration=30))
    third = board.upcoming(EVERYTHING, START)[2]

    assert next_at(START) == ["2", "1", "3"]
    assert (third.id, third.length) == (f"s-{third.meeting.pk}", 30 * MINUTE)


def test_only_the_next_hours_are_listed_and_only_so_many():
    said(planned("far", START + AHEAD), *(planned(str(number), START + number * MINUTE) for number in range(9)))

    assert next_at(START) == [str(number) for number in range(UPCOMING)]
    assert "far" not in next_at(START)


def test_what_is_late_is_waited_for_and_then_no_more():
    said(planned())

    assert next_at(START + LATE - MINUTE) == ["9"]
    assert next_at(START + LATE) == []


def test_what_has_begun_is_not_waited_for():
    said(planned("1"), planned("2"), planned("3", START + HOUR))
    said(started("now", -60, id="1"), started("over", -120, id="2"), ended("over", 60, id="2"))

    assert next_at(START) == ["3"]


def test_a_run_of_long_before_is_another_meeting_but_one_that_goes_on_is_this():
    early_s = -int(EARLY.total_seconds()) - 60
    said(planned("1"), planned("2"))
    said(started("earlier", early_s, id="1"), ended("earlier", -60, id="1"), started("long", early_s, id="2"))

    assert next_at(START) == ["1"]


def test_what_is_called_off_is_not_listed():
    said(planned("1"), event("meeting.deleted", 5, id="1"))

    assert next_at(START) == []


def test_who_will_be_host_is_named_where_we_know():
    user = {
        "event": "user.created",
        "event_ts": 1,
        "payload": {"object": {"id": "H", "first_name": "Ada", "last_name": "L"}},
    }
    said(planned("1", host_id="H"), planned("2", host_id="?"), json.dumps(user).encode())

    assert {one.meeting.number: one.host for one in board.upcoming(EVERYTHING, START)} == {"1": "Ada L", "2": ""}


def test_what_comes_next_takes_one_query_and_its_index(django_assert_num_queries):
    said(*(planned(str(number), START + number * MINUTE) for number in range(5)))

    with django_assert_num_queries(1):
        assert len(board.upcoming(EVERYTHING, START)) == 5


# Signs


def test_a_meeting_is_due_after_its_scheduled_time():
    said(started("a", duration=45), started("b"), into("c", "1", duration=45))

    assert (card("a").due, card("b").due) == (START + 45 * MINUTE, None)


@pytest.mark.parametrize("minutes", [0, -5, 10**15])
def test_a_length_that_nobody_plans_makes_nothing_due(minutes):
    said(started("a", duration=minutes))

    assert card("a").due is None


def test_people_in_breakout_rooms_are_counted():
    said(*crowd("a", 3))
    room = {"breakout_room_uuid": "ROOM"}
    who = {"user_id": "7", "user_name": "P7", "join_time": after(60).isoformat()}
    said(event("meeting.participant_joined_breakout_room", 60, uuid="a", participant=who, **room))

    assert card("a").in_breakout == 1


def test_the_longest_wait_is_that_of_whom_nobody_let_in():
    said(waits("a", "1", 0, participant_uuid="A"), waits("a", "2", 60, participant_uuid="B"))
    assert board.totals().waits_since == START

    said(into("a", "3", 120, participant_uuid="A"))
    assert board.totals().waits_since == after(60)

    said(into("a", "4", 120, participant_uuid="B"))
    assert board.totals().waits_since is None


# Orders


@pytest.mark.parametrize("sort", board.SORTS)
def test_each_order_is_that_of_the_data_that_the_page_sorts_by(sort):
    said(
        *(
            body
            for number in range(6)
            for body in [started(f"r{number}", number % 3 * 60), *crowd(f"r{number}", number % 2)]
        )
    )
    by, order = board.SORTS[sort]
    keys = [float(getattr(one, by)) for one in board.cards(EVERYTHING, sort)]

    assert keys == sorted(set(keys), reverse=order == "desc")
    assert len(keys) == 6


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

    assert day_now().people_now == 1
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
    assert day_now().people_now == 1


def test_another_database_has_another_day(clock):
    day_now()
    said(join("1"))
    Head.objects.update(epoch="00000000-0000-0000-0000-000000000001")

    assert day_now().people_now == 1


def test_legs_are_read_without_what_no_page_shows():
    said(join("1"))
    meeting = board.with_legs(EVERYTHING).get()

    assert "stamps" in meeting.get_deferred_fields()
    assert "stamps" in meeting.legs.all()[0].get_deferred_fields()
    assert Leg.objects.count() == 1
