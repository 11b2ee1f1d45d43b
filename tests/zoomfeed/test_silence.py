"""Silence: judged by what is usual at this hour of the week."""

import hashlib
import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from zoomfeed import silence as module
from zoomfeed.models import Event, Feed, Gap
from zoomfeed.silence import SAVE_ANEW, SHORT, Watch, silence, usual_pause

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
LONG_AGO = MONDAY - 400 * DAY


def log(*times, transport="websocket"):
    """Events at these times, whatever they say."""
    first = Event.objects.count()
    Event.objects.bulk_create(
        Event(
            received_at=at,
            name="meeting.started",
            transport=transport,
            digest=hashlib.sha256(f"{number}".encode()).digest(),
            body=b"{}",
            revision=1,
        )
        for number, at in enumerate(times, first)
    )


def workdays(weeks=8, every=10 * MINUTE):
    """From 8 to 18 o'clock, Monday to Friday, up to the Sunday before MONDAY."""
    for week in range(1, weeks + 1):
        for day in range(5):
            morning = MONDAY - 7 * week * DAY + day * DAY + 8 * HOUR
            yield from (morning + n * every for n in range(round(10 * HOUR / every) + 1))


@pytest.fixture
def history(db):
    log(*workdays())


def gap(started_at, ended_at):
    feed, _ = Feed.objects.get_or_create(key="subscription")
    Gap.objects.create(feed=feed, started_at=started_at, ended_at=ended_at)


def test_in_working_hours_the_usual_pause_is_the_one_of_the_log(history):
    assert usual_pause(MONDAY + 11 * HOUR) == 10 * MINUTE


def test_a_night_has_a_pause_that_began_the_evening_before(history):
    assert usual_pause(MONDAY + DAY + 3 * HOUR) == 9 * HOUR + 45 * MINUTE


def test_a_pause_that_ends_within_the_hour_counts_whole(history):
    """Half an hour before the first meeting nobody has to hear an alarm for the silence of the night."""
    assert usual_pause(MONDAY + DAY + 7.5 * HOUR) == 14 * HOUR


def test_no_moment_of_an_ordinary_week_raises_an_alarm(history):
    """The last week of the history, lived through with the weeks before it as what is usual."""
    events = sorted(Event.objects.values_list("received_at", flat=True))
    start = MONDAY - 7 * DAY
    for step in range(7 * 24):
        now = start + step * 59 * MINUTE
        last = max(at for at in events if at <= now)
        assert silence(now, LONG_AGO, last, usual_pause(now)) == "", now


def test_a_line_that_fell_silent_in_the_morning_is_told_before_noon(history):
    now = MONDAY - 7 * DAY + 9 * HOUR + 30 * MINUTE
    assert "30 minutes" in silence(now, LONG_AGO, now - 30 * MINUTE, usual_pause(now))


def test_a_line_that_fell_silent_in_the_night_is_told_in_the_morning(history):
    evening = MONDAY - 7 * DAY + 18 * HOUR
    assert not silence(evening + 12 * HOUR, LONG_AGO, evening, usual_pause(evening + 12 * HOUR))
    assert silence(evening + 15 * HOUR, LONG_AGO, evening, usual_pause(evening + 15 * HOUR))


def test_one_week_of_holidays_among_six_changes_nothing(history):
    holidays = MONDAY - 14 * DAY
    Event.objects.filter(received_at__range=(holidays, holidays + 7 * DAY)).delete()
    assert usual_pause(MONDAY + 11 * HOUR) == 10 * MINUTE


@pytest.mark.django_db
@pytest.mark.parametrize(("weeks", "known"), [(0, False), (1, False), (2, False), (3, True)])
def test_two_weeks_have_to_lie_within_the_log(weeks, known):
    """The first week of a log begins with its first event: what came before it nobody knows."""
    log(*workdays(weeks))
    assert (usual_pause(MONDAY + 8 * HOUR) is not None) == known


@pytest.mark.django_db
def test_what_rest_was_asked_for_is_no_sign_of_the_line():
    log(*workdays(every=30 * MINUTE))
    log(*(at + 15 * MINUTE for at in workdays(every=30 * MINUTE)), transport="rest")
    assert usual_pause(MONDAY + 11 * HOUR) == 30 * MINUTE


@pytest.mark.django_db
def test_webhooks_are_heard_as_well():
    log(*workdays(every=30 * MINUTE))
    log(*(at + 15 * MINUTE for at in workdays(every=30 * MINUTE)), transport="webhook")
    assert usual_pause(MONDAY + 11 * HOUR) == 15 * MINUTE


@pytest.mark.django_db
def test_a_busy_hour_costs_no_more_than_a_calm_one():
    busy = MONDAY - 7 * DAY + 11 * HOUR
    log(busy - 3 * HOUR, busy - 8 * DAY, *(busy + n * 2 * SECOND for n in range(-1400, 1400)))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert module._longest_pause(busy - 2800 * SECOND, busy + 45 * MINUTE) == SHORT
    assert len(queries) < 60


@pytest.mark.django_db
def test_the_longest_pause_is_the_one_that_all_events_show():
    """Against the differences of all neighbours, from crowded hours to empty ones."""
    chance = random.Random(1)
    for hour in range(0, 80, 2):
        start = MONDAY - hour * HOUR
        times = sorted(start + chance.randrange(1, 5400) * SECOND for _ in range(chance.choice((0, 1, 3, 10, 60))))
        log(*times)
        differences = [b - a for a, b in pairwise([start, *times, start + 90 * MINUTE])]
        assert module._longest_pause(start, start + 90 * MINUTE) == max(SHORT, *differences)


def test_a_week_in_which_nobody_listened_is_no_evidence(history):
    """Four of six weeks went by unheard; the two others tell what is usual."""
    for week in range(1, 5):
        morning = MONDAY - 7 * week * DAY
        Event.objects.filter(received_at__range=(morning, morning + DAY)).delete()
    assert usual_pause(MONDAY + 11 * HOUR) > 10 * HOUR
    for week in range(1, 5):
        morning = MONDAY - 7 * week * DAY
        gap(morning, morning + DAY)
    assert usual_pause(MONDAY + 11 * HOUR) == 10 * MINUTE


def test_with_one_week_left_to_judge_by_there_is_no_judgement(history):
    gap(MONDAY - 40 * DAY, None)
    assert usual_pause(MONDAY + 11 * HOUR) is None


def test_the_seconds_of_a_renewed_connection_are_no_matter(history):
    for hour in range(24 * 42):
        gap(MONDAY - hour * HOUR, MONDAY - hour * HOUR + 2 * SECOND)
    assert usual_pause(MONDAY + 11 * HOUR) == 10 * MINUTE
    assert usual_pause(MONDAY + DAY + 3 * HOUR) == 9 * HOUR + 45 * MINUTE


pauses = st.timedeltas(timedelta(), 20 * DAY)
usuals = st.none() | pauses


@given(pauses, pauses, usuals)
def test_it_is_silent_from_thrice_the_usual_on_and_never_under_ten_minutes(connected, quiet, usual):
    said = silence(MONDAY, MONDAY - connected, MONDAY - quiet, usual)
    limit = HOUR if usual is None else max(3 * usual, 10 * MINUTE)
    assert bool(said) == (min(connected, quiet) >= limit)
    assert len(said) <= 500  # the width of Feed.reason


@given(pauses, usuals)
def test_where_no_event_has_ever_come_two_minutes_are_enough(connected, usual):
    assert silence(MONDAY, MONDAY - connected, None, usual) == (SAVE_ANEW if connected >= 2 * MINUTE else "")


def test_the_words_say_how_long_what_is_usual_and_what_it_may_be():
    said = silence(MONDAY, LONG_AGO, MONDAY - 3 * HOUR, 12 * MINUTE)
    for part in (
        "3 hours",
        "12 minutes is usual",
        "save it anew",
        "deactivated",
        "scopes",
        "unticked",
        "another client",
    ):
        assert part in said
    assert "usual" not in silence(MONDAY, LONG_AGO, MONDAY - 5 * DAY, None)


def test_the_database_is_asked_every_ten_minutes(history):
    watch, now = Watch(), MONDAY + 11 * HOUR
    assert "10 minutes is usual" in watch.look(now, LONG_AGO, now - HOUR)
    with CaptureQueriesContext(connection) as queries:
        for second in range(5, 600, 5):
            assert watch.look(now + second * SECOND, LONG_AGO, now - HOUR)
    assert len(queries) == 0
    with CaptureQueriesContext(connection) as queries:
        watch.look(now + 10 * MINUTE, LONG_AGO, now)
    assert len(queries) > 0


def test_a_renewed_connection_does_not_end_the_silence_and_a_lost_one_does(history):
    watch, now = Watch(), MONDAY + 11 * HOUR
    last = now - 2 * HOUR
    assert watch.look(now, last, last)
    assert watch.look(now + 10 * SECOND, now + 5 * SECOND, last)
    assert not watch.look(now + 20 * MINUTE, now + 19 * MINUTE, last)


def test_without_the_database_what_was_usual_before_is_good_enough(history, monkeypatch, caplog):
    watch, now = Watch(), MONDAY + 11 * HOUR
    watch.look(now, LONG_AGO, now)

    def away(now):
        raise OperationalError("the server is away")

    monkeypatch.setattr(module, "usual_pause", away)
    assert "10 minutes is usual" in watch.look(now + 11 * MINUTE, LONG_AGO, now - HOUR)
    assert "could not be read" in caplog.text
