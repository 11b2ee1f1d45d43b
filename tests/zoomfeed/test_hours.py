"""What went on in an hour, whatever way the news of it came."""

import json
import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.zoomfeed.test_record import event, forget, history, incoming
from zoomfeed import attendance, counting, hours
from zoomfeed.hours import HOUR, LONGEST, Figures, Run, at_once, between, figures
from zoomfeed.models import Feed, Head, Hour, Leg, Meeting
from zoomfeed.record import record
from zoomfeed.replay import replay

pytestmark = pytest.mark.django_db

TEN = datetime(2026, 4, 3, 10, tzinfo=UTC)
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
MUCH_LATER = datetime(2026, 4, 5, tzinfo=UTC)

instants = st.integers(-90 * 60, 150 * 60).map(lambda seconds: TEN + timedelta(seconds=seconds))
spans = st.tuples(instants, instants).map(lambda pair: (min(pair), max(pair)))


def at(minute):
    return TEN + timedelta(minutes=minute)


def run(begin, end, *visits):
    return Run((at(begin), at(end)), tuple((at(start), at(until)) for start, until in visits))


def hour_of(*runs):
    return figures(runs, TEN, TEN + HOUR)


@pytest.fixture
def held():
    feed = Feed.objects.create(key="s", fence=1)
    return feed.pk, feed.fence


def count_all(held, now):
    while counting.step(held, now):
        pass


def counted():
    """What the rows say of the hours in which anything went on."""
    rows = {
        row.start: Figures(row.people, row.meetings, row.person_s, row.meeting_s, row.began, row.ran)
        for row in Hour.objects.all()
    }
    return {start: said for start, said in rows.items() if said != Figures()}


def stale():
    return list(Hour.objects.stale().order_by("start").values_list("start", flat=True))


def told(name, at_minute, uuid="run-1==", **about):
    """An event of a meeting, so many minutes after ten."""
    seconds = (at(at_minute) - datetime.fromtimestamp(1775235987, UTC)).total_seconds()
    return event(name, int(seconds), uuid=uuid, **about)


def started(minute, uuid="run-1=="):
    return told("meeting.started", minute, uuid, start_time=at(minute).isoformat())


def ended(minute, uuid="run-1=="):
    return told("meeting.ended", minute, uuid, end_time=at(minute).isoformat())


def into(user_id, minute, uuid="run-1==", **who):
    participant = {"user_id": user_id, "join_time": at(minute).isoformat(), **who}
    return told("meeting.participant_joined", minute, uuid, participant=participant)


def out_of(user_id, minute, uuid="run-1==", **who):
    participant = {"user_id": user_id, "leave_time": at(minute).isoformat(), **who}
    return told("meeting.participant_left", minute, uuid, participant=participant)


def said(*bodies):
    return record(incoming(*bodies))


# Figures


def test_the_peak_of_an_hour_is_that_of_all_meetings_together():
    """Each meeting had two at most, and so had both together: not at the same time."""
    first = run(0, 20, (0, 20), (5, 20))
    second = run(20, 40, (20, 40), (25, 40))
    assert hour_of(first, second) == Figures(2, 1, 70 * 60, 40 * 60, 2, 2)


def test_what_lasts_over_the_hour_counts_in_it_for_its_part():
    assert hour_of(run(-30, 90, (-30, 90), (50, 70))) == Figures(2, 1, 70 * 60, 60 * 60, 0, 1)


def test_a_meeting_of_no_time_began_and_ran():
    assert hour_of(run(5, 5)) == Figures(0, 0, 0, 0, 1, 1)
    assert hour_of(run(60, 60)) == Figures()


def test_nobody_is_there_with_who_comes_at_the_very_end_of_the_hour():
    assert hour_of(run(0, 60, (0, 60)), run(60, 80, (60, 80))).people == 1


@given(st.lists(spans, max_size=12))
def test_at_once_is_the_most_at_any_instant(spans):
    most = max((sum(start <= moment < end for start, end in spans) for moment, _ in spans), default=0)
    assert at_once(spans) == most


@given(st.lists(spans, max_size=8))
def test_two_hours_come_to_what_they_are_together(spans):
    runs = [Run(span, (span,)) for span in spans]
    first, second = figures(runs, TEN, TEN + HOUR), figures(runs, TEN + HOUR, TEN + 2 * HOUR)
    both = figures(runs, TEN, TEN + 2 * HOUR)
    assert first.person_s + second.person_s == both.person_s
    assert first.began + second.began == both.began
    assert max(first.people, second.people) == both.people


@given(spans)
@example((TEN, TEN))
@example((TEN, TEN + HOUR))
def test_the_hours_of_a_time_hold_all_of_it_and_no_more(span):
    found = list(between(*span))
    assert found[0] <= span[0] < found[0] + HOUR
    assert found[-1] < span[1] <= found[-1] + HOUR or span[0] == span[1]
    assert [later - earlier for earlier, later in pairwise(found)] == [HOUR] * (len(found) - 1)


# Rows


def test_hours_that_are_over_are_counted(held):
    said(started(30), into("1", 30), into("2", 50), out_of("2", 70), ended(80))
    count_all(held, MUCH_LATER)

    assert counted() == {
        TEN: Figures(2, 1, 40 * 60, 30 * 60, 1, 1),
        TEN + HOUR: Figures(2, 1, 30 * 60, 20 * 60, 0, 1),
    }
    assert Head.objects.get().hours_until == hours.floor(MUCH_LATER - hours.SETTLE)


def test_an_hour_is_not_closed_before_it_has_settled(held):
    said(started(30))
    count_all(held, TEN + HOUR + MINUTE)
    assert Head.objects.get().hours_until == TEN
    count_all(held, TEN + HOUR + 2 * MINUTE)
    assert Head.objects.get().hours_until == TEN + HOUR


def test_an_hour_in_which_nothing_new_was_told_is_counted_too(held):
    said(started(0), into("1", 0))
    for hour in range(1, 5):
        count_all(held, TEN + hour * HOUR + 3 * MINUTE)

    assert [Hour.objects.get(start=TEN + hour * HOUR).people for hour in range(4)] == [1, 1, 1, 1]


def test_news_of_now_leaves_the_hours_before_alone(held):
    said(started(30), into("1", 30))
    count_all(held, TEN + HOUR + 3 * MINUTE)

    said(into("2", 64), out_of("1", 65))
    assert not Hour.objects.stale().exists()


def test_late_news_makes_its_hours_stale_and_no_others(held):
    said(started(0), into("1", 0), ended(170))
    count_all(held, MUCH_LATER)

    said(into("2", 70), out_of("2", 80))
    assert stale() == [TEN + HOUR]
    count_all(held, MUCH_LATER)
    assert counted()[TEN + HOUR].people == 2


def test_two_who_turn_out_to_be_one_are_counted_anew(held):
    said(started(0), into("1", 0, participant_uuid="A"), into("2", 0, participant_uuid="B"), ended(90))
    count_all(held, MUCH_LATER)
    assert counted()[TEN].people == 2

    said(*(into(user, 70, participant_uuid=device, id="zoom-user") for user, device in (("3", "A"), ("4", "B"))))
    assert stale() == [TEN, TEN + HOUR]
    count_all(held, MUCH_LATER)
    assert counted()[TEN].people == 1


def test_an_earlier_begin_takes_it_from_the_hour_that_had_it(held):
    said(told("meeting.sharing_started", 60), into("1", 60), ended(90))
    count_all(held, MUCH_LATER)
    assert counted()[TEN + HOUR].began == 1

    said(started(50))
    count_all(held, MUCH_LATER)
    assert (counted()[TEN].began, counted()[TEN + HOUR].began) == (1, 0)


def test_what_never_ends_counts_no_longer_than_zoom_lets_it(held):
    said(started(0), into("1", 0))
    count_all(held, TEN + 100 * HOUR)
    assert len(counted()) == LONGEST // HOUR


def test_what_changes_during_a_count_is_counted_again(held, monkeypatch):
    said(started(0), into("1", 0), ended(30))
    real = hours.runs

    def runs(*span):
        found = real(*span)
        monkeypatch.undo()
        said(into("2", 10))
        return found

    monkeypatch.setattr(hours, "runs", runs)
    counting.step(held, MUCH_LATER)
    assert counted()[TEN].people == 1
    count_all(held, MUCH_LATER)
    assert counted()[TEN].people == 2


def test_a_holder_that_lost_its_lease_counts_nothing(held):
    said(started(0), ended(30))
    counting.step(held, TEN)
    Feed.objects.update(fence=2)
    with pytest.raises(counting.LeaseLost):
        counting.step(held, MUCH_LATER)
    assert counted() == {}


def test_what_is_final_stays_whatever_becomes_of_the_legs(held):
    said(started(0), into("1", 0), into("2", 0), ended(90))
    counting.step(held, MUCH_LATER)
    counting.finish(TEN + HOUR)
    Leg.objects.all().delete()
    said(into("3", 5))
    replay()
    count_all(held, MUCH_LATER)

    assert counted()[TEN].people == 2
    assert Hour.objects.get(start=TEN).is_final
    assert not Hour.objects.get(start=TEN + HOUR).is_final


def test_a_long_time_without_a_feed_is_closed_in_parts(held, monkeypatch):
    monkeypatch.setattr(counting, "MOST_CLOSED", 10)
    count_all(held, TEN)
    said(started(0), ended(30))
    count_all(held, TEN + 25 * HOUR)
    for _ in range(3):
        count_all(held, TEN + 25 * HOUR)
    assert Head.objects.get().hours_until == TEN + 24 * HOUR
    assert list(Hour.objects.order_by("start").values_list("start", flat=True)) == [
        TEN + n * HOUR for n in range(-1, 24)
    ]


# All ways lead to the same rows


def brute_force(until):
    """What every hour has to say, looked up instant by instant."""
    runs = []
    for meeting in Meeting.objects.all():
        begin = meeting.started_at or meeting.seen_at
        over = meeting.ended_at is not None and meeting.present == 0
        last = min(meeting.ended_at if over else until, begin + LONGEST) if begin else None
        persons = attendance.people(meeting.legs.all(), started_at=meeting.started_at, ended_at=meeting.ended_at)
        visits = [(start, end or until) for person in persons for start, end in person.visits]
        if begin and begin < until:
            runs.append((begin, max(last, begin), visits))
    starts = {
        hours.floor(begin) + HOUR * n for begin, last, _ in runs for n in range(32) if begin + HOUR * (n - 1) <= last
    }
    said = {start: _looked_up(runs, start) for start in starts if start < until}
    return {start: figures for start, figures in said.items() if figures != Figures()}


def _looked_up(runs, start):
    end = start + HOUR
    there = [(max(b, v), min(last, w)) for b, last, visits in runs for v, w in visits]
    looks = [start, *(edge for span in [*there, *((b, last) for b, last, _ in runs)] for edge in span)]
    looks = [look for look in looks if start <= look < end]

    def overlap(b, e):
        return max(min(e, end) - max(b, start), timedelta())

    return Figures(
        people=max(sum(b <= look < e for b, e in there) for look in looks),
        meetings=max(sum(b <= look < e for b, e, _ in runs) for look in looks),
        person_s=int(sum((overlap(b, e) for b, e in there), timedelta()).total_seconds()),
        meeting_s=int(sum((overlap(b, e) for b, e, _ in runs), timedelta()).total_seconds()),
        began=sum(start <= b < end for b, _, _ in runs),
        ran=sum(bool(overlap(b, e)) or (b == e and start <= b < end) for b, e, _ in runs),
    )


def story(seed):
    """Meetings over five hours with all that makes counting hard: devices, moves, waits, ids that come late."""
    chance, bodies = random.Random(seed), []
    for number in range(chance.randint(1, 5)):
        uuid, begin = f"r{number}", chance.randint(0, 240)
        if chance.random() < 0.8:
            bodies.append(started(begin, uuid))
        for person in range(chance.randint(0, 5)):
            who = {"participant_uuid": f"D{chance.randint(0, person)}"} if chance.random() < 0.7 else {}
            came = begin + chance.randint(-5, 90)
            name = {"id": f"U{chance.randint(0, 2)}"} if chance.random() < 0.3 else {}
            bodies.append(into(str(person), came, uuid, **who, **name))
            if chance.random() < 0.7:
                bodies.append(out_of(str(person), came + chance.randint(0, 120), uuid, **who))
            if chance.random() < 0.2:
                bodies.append(
                    told(
                        "meeting.participant_joined_waiting_room",
                        came,
                        uuid,
                        participant={"user_id": str(person), **who},
                    )
                )
        if chance.random() < 0.7:
            bodies.append(ended(begin + chance.randint(0, 130), uuid))
    return bodies


@pytest.mark.timeout(600)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32),
    name=st.sampled_from(["story"] * 6 + ["K1", "K3", "day1", "day2"]),
    is_replayed=st.booleans(),
)
def test_the_rows_equal_a_look_at_every_instant_whatever_the_order(held, seed, name, is_replayed):
    forget()
    Hour.objects.all().delete()
    Head.objects.update(hours_until=None)
    chance = random.Random(seed)
    bodies = story(seed) if name == "story" else history(name)
    bodies += chance.sample(bodies, len(bodies) // 3)
    chance.shuffle(bodies)
    times = [json.loads(body).get("event_ts", 0) for body in bodies]
    first, now = min(times), datetime.fromtimestamp(chance.choice(times) / 1000, UTC)
    while bodies:
        size = chance.randint(1, max(1, len(bodies) // 3))
        said(*bodies[:size])
        del bodies[:size]
        for _ in range(chance.randint(0, 3)):
            counting.step(held, now)
        now += timedelta(minutes=chance.randint(0, 90))
    now = max(now, datetime.fromtimestamp(first / 1000, UTC)) + 5 * HOUR
    if is_replayed:
        Meeting.objects.update(ended_at=None, present=3)
        replay()
    count_all(held, now)

    until = Head.objects.get().hours_until
    assert counted() == brute_force(until)
    assert not Hour.objects.stale().exists()
