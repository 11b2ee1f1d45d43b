"""What a meeting's page says of who was there, of known histories."""

from datetime import UTC, datetime, timedelta

import pytest

from dashboard.board import with_legs
from dashboard.charts import Axis
from dashboard.roster import Roster
from tests.dashboard.test_board import after, ended, into, out_of, participant, said, started, waits
from tests.zoomfeed.test_record import event
from zoomfeed.models import Leg, Meeting

pytestmark = pytest.mark.django_db

RUN = "run-1=="
MINUTE = timedelta(minutes=1)


def roster(at_s=3600):
    return Roster(with_legs(Meeting.objects.all()).get(), after(at_s))


def names(rows):
    return [row.name for row in rows]


def row(name, at_s=3600):
    return next(row for row in roster(at_s).rows if row.name == name)


def breakout(name, user_id, at_s, **person):
    time = {"join_time": after(at_s).isoformat()} if "joined" in name else {"leave_time": after(at_s).isoformat()}
    return participant(f"participant_{name}_breakout_room", RUN, user_id, at_s, **time, **person)


def for_host(name, user_name, at_s):
    return participant(f"participant_{name}", RUN, "", at_s, date_time=after(at_s).isoformat(), user_name=user_name)


# Sections


def test_everybody_is_in_one_section():
    said(
        started(RUN),
        into(RUN, "1", 10, user_name="In"),
        into(RUN, "2", 20, user_name="Gone"),
        waits(RUN, "3", 30, user_name="Waits"),
        waits(RUN, "4", 40, user_name="Gave up"),
        out_of(RUN, "2", 50),
        participant("participant_left_waiting_room", RUN, "4", 60, date_time=after(60).isoformat()),
        breakout("joined", "5", 70, user_name="Apart"),
    )
    found = roster()

    assert names(found.present) == ["In", "Apart"]
    assert names(found.waiting) == ["Waits"]
    assert names(found.left) == ["Gave up", "Gone"]
    assert found.left_count == 2
    assert len(found.rows) == 5


def test_who_came_first_stands_first_and_who_left_last_too():
    said(*(into(RUN, str(number), 100 - number, user_name=f"P{number}") for number in range(3)))
    assert names(roster().present) == ["P2", "P1", "P0"]

    said(out_of(RUN, "0", 200), out_of(RUN, "2", 210), out_of(RUN, "1", 220))
    assert names(roster().left) == ["P1", "P2", "P0"]


def test_sections_are_ordered_as_by_their_keys():
    said(*(into(RUN, str(number), number % 3, user_name=f"P{number}") for number in range(12)))
    keys = [float(row.key) for row in roster().present]
    assert keys == sorted(set(keys))
    assert len(keys) == 12

    said(*(out_of(RUN, str(number), 60 + number % 2) for number in range(12)))
    keys = [float(row.key) for row in roster().left]
    assert keys == sorted(set(keys), reverse=True)
    assert len(keys) == 12


def test_who_was_let_in_is_no_longer_waiting():
    said(started(RUN), waits(RUN, "1", 0, user_name="Jill", participant_uuid="D"))
    assert names(roster().waiting) == ["Jill"]

    said(into(RUN, "2", 300, user_name="Jill", participant_uuid="D"))
    assert names(roster().present) == ["Jill"]
    assert roster().waiting == []
    assert (row("Jill").waited, row("Jill").has_waited) == (5 * MINUTE, True)


@pytest.mark.parametrize(("length_s", "is_worth_a_word"), [(59, False), (60, True)])
def test_a_short_wait_is_not_worth_a_word(length_s, is_worth_a_word):
    said(waits(RUN, "1", 0, participant_uuid="D"), into(RUN, "2", length_s, user_name="Jill", participant_uuid="D"))

    assert row("Jill").waited == timedelta(seconds=length_s)
    assert row("Jill").has_waited == is_worth_a_word


def test_a_wait_that_lasts_counts_from_its_begin():
    said(started(RUN), waits(RUN, "1", 40, user_name="Jill"))

    assert row("Jill").since == after(40)
    assert row("Jill").waited == timedelta()
    assert (row("Jill").visits, row("Jill").counts_from) == (0, None)


def test_waits_for_a_host_end_with_the_start():
    said(for_host("jbh_waiting", "Early", 0))
    assert names(roster().waiting) == ["Early"]

    said(started(RUN, 120))
    assert names(roster().left) == ["Early"]
    assert row("Early").waited == 2 * MINUTE


def test_a_meeting_that_ended_has_nobody_in():
    said(started(RUN), into(RUN, "1", 10, user_name="In"), waits(RUN, "2", 20, user_name="Waits"), ended(RUN, 60))
    found = roster()

    assert (found.present, found.waiting) == ([], [])
    assert sorted(names(found.left)) == ["In", "Waits"]
    assert row("In").left_at == after(60)
    assert found.length == MINUTE


# One person


def test_a_person_without_a_name_is_called_by_what_is_known():
    said(
        into(RUN, "1", 1, email="jill@example.org"),
        into(RUN, "2", 2, phone_number="+49 170"),
        into(RUN, "3", 3),
    )

    assert names(roster().present) == ["jill@example.org", "+49 170", ""]


def test_two_devices_are_one_row():
    said(
        into(RUN, "1", 0, user_name="Jill", participant_user_id="J"),
        into(RUN, "2", 60, user_name="Jill's phone", participant_user_id="J"),
    )
    (only,) = roster().present
    first, second = Leg.objects.order_by("pk")

    assert only.person.devices == 2
    assert (only.id, only.other_ids) == (f"p-{first.pk}", [f"p-{second.pk}"])


def test_who_came_back_says_when():
    said(
        into(RUN, "1", 0, user_name="Jill", participant_uuid="D"),
        out_of(RUN, "1", 600, participant_uuid="D"),
        into(RUN, "2", 1200, user_name="Jill", participant_uuid="D"),
    )
    jill = row("Jill")

    assert (jill.visits, jill.is_back, jill.back_at) == (2, True, after(1200))
    assert jill.since == after(0)
    assert jill.stayed == 10 * MINUTE
    assert jill.counts_from == after(600)


def test_a_move_is_one_visit():
    said(
        into(RUN, "1", 0, user_name="Jill", participant_uuid="D"),
        out_of(RUN, "1", 600, participant_uuid="D"),
        breakout("joined", "2", 602, user_name="Jill", participant_uuid="D"),
    )
    jill = row("Jill")

    assert (jill.visits, jill.is_back) == (1, False)
    assert jill.person.place == "breakout_room"
    assert jill.counts_from == after(0)


def test_who_left_for_good_is_not_back():
    said(
        into(RUN, "1", 0, user_name="Jill", participant_uuid="D"),
        out_of(RUN, "1", 600, participant_uuid="D"),
        into(RUN, "2", 1200, user_name="Jill", participant_uuid="D"),
        out_of(RUN, "2", 1500, participant_uuid="D"),
    )
    jill = row("Jill")

    assert (jill.section, jill.visits, jill.is_back, jill.counts_from) == ("left", 2, False, None)
    assert (jill.since, jill.stayed) == (after(1500), 15 * MINUTE)


# Bars


def kinds(name):
    return [(bar.kind, bar.open_ms is not None) for bar in row(name).bars]


def test_bars_say_what_a_stretch_was_and_whether_it_lasts():
    said(
        started(RUN),
        waits(RUN, "1", 0, user_name="Jill", participant_uuid="D"),
        into(RUN, "2", 300, user_name="Jill", participant_uuid="D"),
        out_of(RUN, "2", 600, participant_uuid="D"),
        into(RUN, "3", 900, user_name="Jill", participant_uuid="D"),
        waits(RUN, "4", 60, user_name="Bob"),
    )
    assert kinds("Jill") == [("wt", False), ("past", False), ("in", True)]
    assert kinds("Bob") == [("wt", True)]

    said(out_of(RUN, "3", 1200, participant_uuid="D"))
    assert kinds("Jill") == [("wt", False), ("out", False), ("out", False)]


def test_bars_stand_where_their_stretch_was():
    """The axis is from 17:00 to 17:30; Jill was there from 17:06:27 to 17:16:27."""
    said(started(RUN), into(RUN, "1", 0, user_name="Jill"), out_of(RUN, "1", 600), into(RUN, "2", 660, user_name="Bob"))
    (jill,), (bob,) = row("Jill", 900).bars, row("Bob", 900).bars

    assert (jill.x, jill.width) == ("21.50%", "33.33%")
    assert (bob.x, bob.width) == ("58.17%", "41.83%")
    assert bob.open_ms == 1775236647000


# The axis


def test_the_axis_of_a_live_meeting_goes_with_the_clock_in_steps():
    said(started(RUN), into(RUN, "1", 0))
    at = datetime(2026, 4, 3, 17, tzinfo=UTC)

    spans = [(roster(minutes * 60).axis.end - at) / MINUTE for minutes in (0, 10, 23, 24, 50, 60, 90, 24 * 60)]
    assert spans == [30, 30, 30, 60, 60, 90, 120, 2880]
    assert roster().axis.start == at


def test_the_axis_of_a_meeting_that_ended_stands_still():
    said(started(RUN), into(RUN, "1", 0), ended(RUN, 1800))

    axis = Axis(datetime(2026, 4, 3, 17, tzinfo=UTC), datetime(2026, 4, 3, 18, tzinfo=UTC))
    assert roster(1800).axis == roster(10**6).axis == axis


def test_the_axis_begins_with_the_first_stay_and_else_with_the_meeting():
    said(started(RUN, 3600))
    assert roster().axis.start == datetime(2026, 4, 3, 18, tzinfo=UTC)

    said(waits(RUN, "1", 0))
    assert roster().axis.start == datetime(2026, 4, 3, 17, tzinfo=UTC)


def test_the_axis_of_a_meeting_whose_start_was_missed_begins_when_it_was_first_seen():
    said(event("meeting.live_streaming_started", 3600))

    assert roster(10**6).axis.start == datetime(2026, 4, 3, 18, tzinfo=UTC)


def test_a_meeting_of_which_nothing_is_known_has_an_axis():
    Meeting.objects.create(uuid="never heard of")

    assert roster(0).axis.start == datetime(2026, 4, 3, 17, tzinfo=UTC)
    assert (roster().began_at, roster().length, roster().strip) == (None, None, None)


def test_an_older_axis_is_that_of_the_legs_known_then():
    said(started(RUN, 3600), into(RUN, "1", 3600))
    revision = Meeting.objects.get().revision
    before = roster(3600).axis
    said(waits(RUN, "2", 0))
    now = roster(3600)

    assert now.axis_at(now.now, up_to_revision=revision) == before
    assert now.axis != before


# The strip


def test_the_strip_is_people_over_time():
    """Two, then one of them, on an axis from 17:00 to 17:30 whose height is the peak."""
    said(started(RUN), into(RUN, "1", 33), into(RUN, "2", 333), out_of(RUN, "1", 633))

    assert roster(900).strip.line == "M233.3 57.0H233.3V28.5H400.0V0.0H566.7V28.5H1000.0"


def test_no_strip_before_the_first_is_in():
    said(started(RUN), waits(RUN, "1", 0))

    assert roster().strip is None


def test_a_meeting_takes_two_queries_however_many_people(django_assert_num_queries):
    said(*(into(RUN, str(number), number, user_name=f"P{number}") for number in range(50)))

    with django_assert_num_queries(2):
        found = roster()
        assert len(found.present) == 50
        assert found.strip
        assert all(row.bars for row in found.rows)
