"""Shapes stay in their boxes and say what the numbers say."""

import itertools
import json
import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dashboard import charts
from dashboard.charts import AXIS_PARTS, GRID, SPANS_MIN, Axis, Rect, add, axis, bars, buckets, spans_curve, steps, top

NOON = datetime(2026, 4, 3, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

instants = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001
soon = st.integers(-100, 400).map(lambda seconds: NOON + timedelta(seconds=seconds))
curves = st.dictionaries(soon, st.integers(0, 50), max_size=12).map(lambda points: sorted(points.items()))
values = st.lists(st.integers(0, 1000), max_size=50)


def at(curve, instant):
    """The value of a curve at an instant."""
    return next((value for when, value in reversed(curve) if when <= instant), 0)


def minutes(start, end):
    return [NOON + MINUTE * number for number in range(start, end)]


def corners(path):
    """The points of a path of straight lines. Anything else in it is an error."""
    assert re.fullmatch(r"M[\d.]+ [\d.]+([HV][\d.]+)*Z?", path)
    points, x, y = [], 0.0, 0.0
    for command, first, second in re.findall(r"([MHV])([\d.]+)(?: ([\d.]+))?", path):
        if command == "M":
            x, y = float(first), float(second)
        elif command == "H":
            x = float(first)
        else:
            y = float(first)
        points.append((x, y))
    return points


# Axes


@given(instants, instants, instants)
def test_a_share_is_between_nothing_and_all(first, last, instant):
    assert 0 <= axis(first, last).share(instant) <= 1


@given(instants, st.timedeltas(timedelta(0), timedelta(days=40)))
def test_an_axis_holds_all_that_it_is_made_of(first, length):
    last = first + length
    found = axis(first, last)

    assert first - GRID < found.start <= first
    assert last <= found.end
    assert found.start.timestamp() % GRID.total_seconds() == 0
    assert found.share(first) <= found.share(last)


@given(instants, st.timedeltas(timedelta(0), timedelta(days=3)), st.timedeltas(timedelta(0), timedelta(days=3)))
def test_an_axis_only_ever_grows(first, length, more):
    before, after = axis(first, first + length), axis(first, first + length + more)

    assert after.start == before.start
    assert after.end >= before.end


@pytest.mark.parametrize(
    ("length_min", "span_min"),
    [(0, 30), (30, 30), (30.01, 60), (61, 90), (121, 180), (1440, 1440), (1441, 2880), (2881, 4320)],
)
def test_the_steps_of_an_axis(length_min, span_min):
    assert axis(NOON, NOON + length_min * MINUTE) == Axis(NOON, NOON + span_min * MINUTE)


def test_an_axis_seldom_steps_within_a_day():
    ends = {axis(NOON, NOON + MINUTE * passed).end for passed in range(1441)}

    assert len(ends) == len(SPANS_MIN)


def test_an_axis_of_nothing_is_half_an_hour():
    assert axis(NOON + 5 * MINUTE, NOON - timedelta(days=1)) == Axis(NOON, NOON + 30 * MINUTE)


def test_where_an_instant_is():
    hour = Axis(NOON, NOON + 60 * MINUTE)

    assert [hour.percent(NOON + MINUTE * passed) for passed in (-1, 0, 15, 60, 61)] == [
        "0.00%",
        "0.00%",
        "25.00%",
        "100.00%",
        "100.00%",
    ]
    assert (hour.start_ms, hour.end_ms) == (1775217600000, 1775221200000)


def test_ticks_are_even_and_reach_from_edge_to_edge():
    ticks = Axis(NOON, NOON + 60 * MINUTE).ticks

    assert ticks == minutes(0, 61)[::10]
    assert len(ticks) == AXIS_PARTS + 1


@given(instants, st.sampled_from([MINUTE, GRID, timedelta(hours=1)]))
def test_floor_is_the_latest_multiple_before(instant, step):
    found = charts.floor(instant, step)

    assert found <= instant < found + step
    assert found.timestamp() % step.total_seconds() == 0


# Numbers


@given(st.integers(0, 10**7), st.integers(1, 6))
def test_a_top_is_round_and_near(peak, parts):
    found = top(peak, parts)

    assert found >= peak
    assert found % parts == 0
    assert found <= max(2 * (peak + parts), parts)
    assert len(str(found // parts).rstrip("0")) <= 1


@pytest.mark.parametrize(
    ("peak", "parts", "found"), [(0, 1, 1), (0, 3, 3), (7, 1, 8), (9, 1, 10), (10, 3, 12), (100, 3, 120), (101, 1, 200)]
)
def test_tops(peak, parts, found):
    assert top(peak, parts) == found


@given(curves, st.integers(1, 90), st.integers(0, 20))
@example([(NOON, 5), (NOON + MINUTE, 2)], 60, 3)
@example([(NOON - MINUTE, 9), (NOON, 1)], 60, 1)
def test_a_bucket_holds_the_greatest_value_of_its_time(curve, step_s, count):
    seconds = [NOON + timedelta(seconds=second) for second in range(step_s * count)]
    every = [at(curve, second) for second in seconds]

    found = buckets(curve, NOON, timedelta(seconds=step_s), count)

    assert found == [max(every[number * step_s : (number + 1) * step_s]) for number in range(count)]


@given(st.lists(curves, max_size=5), soon)
def test_a_sum_of_curves_is_the_sum_at_every_instant(many, instant):
    found = add(many)

    assert at(found, instant) == sum(at(curve, instant) for curve in many)
    assert [when for when, _ in found] == sorted({when for when, _ in found})
    assert all(value != after for (_, value), (_, after) in pairwise(found))


@given(st.lists(st.tuples(soon, st.none() | soon), max_size=10), soon)
def test_spans_are_counted_while_they_last(spans, instant):
    lasting = [start for start, end in spans if start <= instant and (end is None or instant < end)]

    assert at(spans_curve(spans), instant) == len(lasting)


# Shapes


@given(values, st.integers(1, 1500))
def test_steps_stay_in_their_box(numbers, highest):
    shape = steps(numbers, width=1000, height=200, highest=highest)

    for x, y in corners(shape.area) if numbers else []:
        assert 0 <= x <= 1000
        assert 0 <= y <= 200


@given(curves, instants | soon, instants | soon)
def test_a_timeline_stays_in_its_box(curve, first, last):
    shape = charts.timeline(curve, axis(first, last), width=1000, height=57, highest=40)

    for x, y in corners(shape.area) if curve else []:
        assert 0 <= x <= 1000
        assert 0 <= y <= 57


@given(values, st.integers(1, 1500))
def test_bars_stay_in_their_box_and_apart(numbers, highest):
    found = bars(numbers, width=1000, height=40, highest=highest)

    assert len(found) == sum(1 for number in numbers if number)
    for bar in found:
        assert bar.x >= 0
        assert bar.x + bar.width <= 1000.05
        assert 0 <= bar.y <= bar.y + bar.height <= 40.05
    for left, right in pairwise(found):
        assert left.x + left.width < right.x


def test_steps_draw_each_value_as_long_as_the_others():
    shape = steps([0, 5, 5, 10], width=100, height=20, highest=10)

    assert shape.line == "M0.0 20.0H25.0V10.0H75.0V0.0H100.0"
    assert shape.area == shape.line + "V20.0H0.0Z"


def test_a_timeline_draws_each_value_where_it_began():
    on = Axis(NOON, NOON + 100 * MINUTE)
    shape = charts.timeline([(NOON + 10 * MINUTE, 2), (NOON + 60 * MINUTE, 1)], on, width=100, height=20, highest=4)

    assert shape.line == "M10.0 20.0H10.0V10.0H60.0V15.0H100.0"
    assert shape.area == shape.line + "V20.0H10.0Z"


def test_a_curve_that_began_before_the_axis_begins_at_its_edge():
    on = Axis(NOON, NOON + 100 * MINUTE)
    shape = charts.timeline([(NOON - 10 * MINUTE, 2), (NOON + 50 * MINUTE, 0)], on, width=100, height=20, highest=2)

    assert shape.line == "M0.0 20.0H0.0V0.0H50.0V20.0H100.0"


def test_no_bar_for_nothing():
    assert bars([0, 2, 0, 1], width=40, height=10, highest=2) == [Rect(11.0, 0.0, 8.0, 10.0), Rect(31.0, 5.0, 8.0, 5.0)]


def test_nothing_has_no_shape():
    assert steps([], width=10, height=10, highest=1) == charts.Shape("", "")
    assert charts.timeline([], axis(NOON, NOON), width=10, height=10, highest=1) == charts.Shape("", "")
    assert bars([], width=10, height=10, highest=1) == []


def test_a_readout_is_the_numbers_of_each_series_and_the_axis_in_milliseconds():
    on = Axis(NOON, NOON + MINUTE)
    said = json.loads(charts.readout(on, People=[(NOON, 0), (NOON + MINUTE, 2)], Meetings=[]))
    at = charts.milliseconds(NOON)

    assert said == {
        "series": [{"name": "People", "points": [[at, 0], [at + 60_000, 2]]}, {"name": "Meetings", "points": []}],
        "from": at,
        "until": at + 60_000,
    }


@given(st.lists(st.integers(0, 3)))
def test_the_curve_of_equal_stretches_has_their_values_and_says_none_twice(values):
    curve = charts.bucket_curve(values, NOON, MINUTE)

    assert charts.buckets(curve, NOON, MINUTE, len(values)) == values
    assert all(before[1] != after[1] for before, after in itertools.pairwise(curve))
