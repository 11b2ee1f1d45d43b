"""The runs of one number, as a meeting's page lists them."""

from datetime import timedelta

import pytest

from dashboard.runs import MOST, Runs, runs
from tests.dashboard.test_board import after, ended, said, started
from zoomfeed.models import Meeting
from zoomfeed.viewer import EVERYTHING

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def uuids(found):
    return [run.meeting.uuid for run in found]


def around(uuid):
    return runs(EVERYTHING, Meeting.objects.get(uuid=uuid))


def test_runs_stand_newest_first_on_both_sides():
    said(*(started(f"run-{hour}", hour * 3600, id="777") for hour in range(5)), started("other", 0, id="888"))
    found = around("run-2")

    assert uuids(found.later) == ["run-4", "run-3"]
    assert uuids(found.earlier) == ["run-1", "run-0"]


def test_of_many_runs_the_nearest_are_listed():
    said(*(started(f"run-{hour}", hour * 3600, id="777") for hour in range(3 * MOST)))
    found = around(f"run-{MOST + 2}")

    assert uuids(found.later) == [f"run-{MOST + 2 + hour}" for hour in range(MOST, 0, -1)]
    assert uuids(found.earlier) == [f"run-{MOST + 2 - hour}" for hour in range(1, MOST + 1)]


def test_a_run_that_is_over_says_how_long_it_was():
    said(started("a", 0, id="777"), ended("a", 600, id="777"), started("b", 3600, id="777"))
    (earlier,) = around("b").earlier
    (later,) = around("a").later

    assert (earlier.began_at, earlier.length) == (after(0), 10 * MINUTE)
    assert (later.began_at, later.length) == (after(3600), None)


def test_a_meeting_without_a_number_has_no_other_runs():
    said(started("a", id=""), started("b", id=""))

    assert around("a") == Runs([], [])


def test_the_runs_of_a_number_take_two_queries(django_assert_num_queries):
    said(*(started(f"run-{hour}", hour * 3600, id="777") for hour in range(20)))
    meeting = Meeting.objects.get(uuid="run-10")

    with django_assert_num_queries(2):
        assert len(runs(EVERYTHING, meeting).earlier) == MOST
