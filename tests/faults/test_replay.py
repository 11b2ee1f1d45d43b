"""Replay beside the feed: what it mends is right afterwards, and what comes meanwhile is in the log and on pages."""

import sqlite3
from contextlib import closing

import psycopg
import pytest

from tests.faults import scale
from tests.faults.stage import small_stage, stage
from tests.product import until

SPOILT = (
    "UPDATE zoomfeed_meeting SET topic = 'spoilt', present = 0, people = 7, ended_at = NULL WHERE id % 3 = 0",
    "UPDATE zoomfeed_leg SET name = 'spoilt', left_at = NULL WHERE id % 5 = 0",
    "DELETE FROM zoomfeed_leg WHERE id % 7 = 0",
)


@pytest.fixture(params=[small_stage, stage], ids=["small", "grown"])
def own(request, tmp_path_factory):
    """A stage of this test alone: what it spoils is nobody else's, and there is little to read again."""
    with request.param(tmp_path_factory.mktemp("own")) as made:
        yield made


def test_what_is_mended_beside_the_feed_is_right_and_costs_no_event(own, load, check):
    checker, connections = check(own), own.zoom.zoom.connections
    page = own.browsers.open()
    with load(own):
        until(lambda: len(checker.sent()) > 4 * scale.RATE)
        for statement in SPOILT:
            change(own.environment["DATABASE_URL"], statement)
        assert own.ask("SELECT count(*) FROM zoomfeed_leg WHERE name = 'spoilt'") != [(0,)]
        said = own.manage("replay")

    assert "rows changed" in said
    checker.wait_none_lost()
    checker.assert_tables_follow_from_the_log()
    checker.assert_pages_are_right([page])
    assert own.zoom.zoom.connections == connections
    assert page.closes == []


def change(url, statement):
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=20)) as database, database:
            database.execute(statement)
        return
    with psycopg.connect(url) as database:
        database.execute(statement)
