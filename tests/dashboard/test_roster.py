"""What a meeting's page says of who was there, of known histories."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.board import with_legs
from dashboard.charts import Axis
from dashboard.roster import LANES, STRIP_PARTS, Roster, Window
from tests.dashboard.test_board import after, ended, into, out_of, participant, said, started, waits
from tests.zoomfeed.test_record import event
from zoomfeed.models import Leg, Meeting
from zoomfeed.viewer import EVERYTHING

pytestmark = pytest.mark.django_db

RUN = "run-1=="
MINUTE = timedelta(minutes=1)


def roster(at_s=3600):
    return Roster(with_legs(EVERYTHING).get(), after(at_s))


def names(section):
    return [row.name for row in section.rows]


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
    assert found.left.count == 2
    assert len(found.rows) == 5


def test_who_came_first_stands_first_and_who_left_last_too():
    said(*(into(RUN, str(number), 100 - number, user_name=f"P{number}") for number in range(3)))
    assert names(roster().present) == ["P2", "P1", "P0"]

    said(out_of(RUN, "0", 200), out_of(RUN, "2", 210), out_of(RUN, "1", 220))
    assert names(roster().left) == ["P1", "P2", "P0"]


def test_sections_are_ordered_as_by_their_keys():
    said(*(into(RUN, str(number), number % 3, user_name=f"P{number}") for number in range(12)))
    keys = [float(row.key) for row in roster().present.rows]
    assert keys == sorted(set(keys))
    assert len(keys) == 12

    said(*(out_of(RUN, str(number), 60 + number % 2) for number in range(12)))
    keys = [float(row.key) for row in roster().left.rows]
    assert keys == sorted(set(keys), reverse=True)
    assert len(keys) == 12


def test_who_was_let_in_is_no_longer_waiting():
    said(started(RUN), waits(RUN, "1", 0, user_name="Jill", participant_uuid="D"))
    assert names(roster().waiting) == ["Jill"]

    said(into(RUN, "2", 300, user_name="Jill", participant_uuid="D"))
    assert names(roster().present) == ["Jill"]
    assert roster().waiting.rows == []
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

    assert (found.present.rows, found.waiting.rows) == ([], [])
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
    (only,) = roster().present.rows
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


def places(name):
    return [(bar.kind, bar.y, bar.height) for bar in row(name).bars]


def test_a_breakout_room_is_a_bar_of_its_own_and_says_which_room():
    said(started(RUN), into(RUN, "1", 0, user_name="Jill", participant_uuid="D"))
    said(out_of(RUN, "1", 600, participant_uuid="D", leave_reason="left the meeting to join breakout room"))
    said(breakout("joined", "2", 601, user_name="Jill", participant_uuid="D"))
    inside, apart = row("Jill").bars

    assert [inside.kind, apart.kind] == ["past", "br"]
    assert inside.times == "17:06–17:16 UTC"
    assert inside.words == "in the meeting, left the meeting to join breakout room"
    assert (apart.times, apart.words) == ("since 17:16 UTC", "in a breakout room")
    assert inside.y != apart.y  # thinner, so that the colour is not its only sign


def test_breakout_rooms_keep_the_number_under_which_they_came():
    def enters(user_id, room, at_s):
        time = {"join_time": after(at_s).isoformat()}
        who = {"user_id": user_id, "user_name": f"P{user_id}", **time}
        return event(
            "meeting.participant_joined_breakout_room", at_s, uuid=RUN, breakout_room_uuid=room, participant=who
        )

    said(started(RUN), enters("1", "ROOM-Z", 600), enters("2", "ROOM-A", 60), enters("3", "ROOM-Z", 5))

    assert [row(f"P{number}").room for number in (1, 2, 3)] == [1, 2, 1]
    assert row("P2").bars[0].words == "in breakout room 2"


def test_devices_at_the_same_time_have_lanes_and_say_which_they_are():
    jill = {"participant_user_id": "J"}
    said(started(RUN), into(RUN, "1", 0, user_name="Jill", participant_uuid="A", **jill))
    said(into(RUN, "2", 60, user_name="Jill's phone", participant_uuid="B", phone_number="+49 170", **jill))
    laptop, phone = row("Jill's phone").bars

    assert laptop.words == "in the meeting, device 1 of 2, as Jill"
    assert phone.words == "in the meeting, device 2 of 2, by phone +49 170"
    assert float(laptop.y[:-1]) + float(laptop.height[:-1]) <= 50 <= float(phone.y[:-1])


def test_a_device_that_comes_back_takes_the_lane_that_it_left():
    said(started(RUN), into(RUN, "1", 0, user_name="Jill", participant_uuid="D"), out_of(RUN, "1", 60))
    said(into(RUN, "2", 61, user_name="Jill", participant_uuid="D"))

    assert places("Jill") == [("past", "18.00%", "64.00%"), ("in", "18.00%", "64.00%")]


def test_more_devices_than_lanes_share_the_last():
    said(started(RUN), *(into(RUN, str(number), number, participant_user_id="J") for number in range(LANES + 2)))

    assert len({bar.y for bar in row("").bars}) == LANES
    assert len(row("").bars) == LANES + 2


def test_the_shortest_stay_can_be_seen():
    said(started(RUN), into(RUN, "1", 0, user_name="Jill"), out_of(RUN, "1", 0))

    assert row("Jill").bars[0].width == "0.20%"


# Joins that nobody heard


def test_a_join_that_nobody_heard_is_hatched_from_the_edge_and_of_unknown_length():
    said(out_of(RUN, "1", 600, user_name="Jill"), out_of(RUN, "2", 900, user_name="Bob"))
    jill = row("Jill", 900)
    unheard, seen = jill.bars

    assert (jill.is_join_heard, jill.is_least_known) == (False, False)
    assert (unheard.kind, unheard.x, unheard.start, unheard.end) == ("unk", "0.00%", None, after(600))
    assert (unheard.times, unheard.words) == ("until 17:16 UTC", "was in, nobody heard since when")
    assert (seen.kind, seen.width) == ("out", "0.20%")


def test_who_was_seen_before_leaving_was_in_for_at_least_so_long():
    said(participant("sharing_started", RUN, "1", 0, user_name="Jill"), out_of(RUN, "1", 600))
    jill = row("Jill")

    assert (jill.is_join_heard, jill.is_least_known, jill.stayed) == (False, True, 10 * MINUTE)


def test_a_meeting_of_leaves_alone_says_how_many_there_were_at_most():
    said(*(out_of(RUN, str(number), 60 * number, user_name=f"P{number}") for number in range(1, 6)))
    found = roster(900)

    assert (found.peak, found.most_peak) == (1, 5)
    assert found.most_curve[0] == (found.axis.start, 5)
    assert found.most_curve[-1] == (after(300), 0)
    assert found.most_strip


def test_where_every_join_was_heard_the_peak_is_certain():
    said(started(RUN), *(into(RUN, str(number), number) for number in range(3)))
    found = roster()

    assert (found.peak, found.most_peak, found.most_strip) == (3, 3, None)


# Windows


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ((), ["Jill Chill", "Bob", "Élodie"]),
        (("jill",), ["Jill Chill"]),
        (("chill", "ji"), ["Jill Chill"]),
        (("élo",), ["Élodie"]),
        (("example.org",), ["Bob"]),
        (("nobody",), []),
    ],
)
def test_people_are_found_by_name_and_address(asked, found):
    said(into(RUN, "1", 1, user_name="Jill Chill"), into(RUN, "2", 2, user_name="Bob", email="bob@example.org"))
    said(into(RUN, "3", 3, user_name="Élodie"))
    seen = Roster(with_legs(EVERYTHING).get(), after(60), Window(asked)).present

    assert names(seen) == found
    assert (seen.count, seen.hidden) == (3, 0)


def test_a_window_shows_the_first_of_each_section_and_counts_the_others():
    said(*(into(RUN, str(number), number, user_name=f"P{number}") for number in range(5)))
    seen = Roster(with_legs(EVERYTHING).get(), after(60), Window((), 2)).present

    assert [row.name for row in seen.shown] == ["P0", "P1"]
    assert (seen.count, seen.hidden) == (5, 3)


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


def test_a_strip_of_very_many_changes_keeps_the_greatest_of_each_stretch():
    said(started(RUN), *(into(RUN, str(number), number * 4, user_name=f"P{number}") for number in range(300)))
    found = roster(1300)

    assert STRIP_PARTS / 2 < len(found.least_curve) <= STRIP_PARTS
    assert found.least_curve[-1][1] == found.peak == 300
    assert len(json.loads(found.readout)["series"][0]["points"]) == len(found.least_curve)


def test_the_marks_of_the_axis_say_how_many_were_in():
    said(started(RUN), into(RUN, "1", 0), into(RUN, "2", 60), out_of(RUN, "1", 600))
    start = datetime(2026, 4, 3, 17, tzinfo=UTC)

    assert roster(900).marks == [(start + number * 5 * MINUTE, count) for number, count in enumerate((0, 0, 2, 2))]


def test_no_strip_before_the_first_is_in():
    said(started(RUN), waits(RUN, "1", 0))

    assert roster().strip is None


def test_a_meeting_takes_two_queries_however_many_people(django_assert_num_queries):
    said(*(into(RUN, str(number), number, user_name=f"P{number}") for number in range(50)))

    with django_assert_num_queries(2):
        found = roster()
        assert found.present.count == 50
        assert found.strip
        assert all(row.bars for row in found.rows)
