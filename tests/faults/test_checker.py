"""The checks themselves: each finds what it is there to find."""

import time

import psycopg
import pytest

from dashboard.fragments import board
from tests.faults.checker import tracebacks
from tests.product import until


@pytest.fixture
def settled(grown, load, check):
    """A checker of a stage on which some events have come in, and nothing happens now."""
    checker = check(grown)
    with load(grown):
        until(lambda: len(checker.sent()) > 60)
    checker.wait_none_lost()
    return checker


NEWEST_OF_THE_SOCKET = "SELECT max(id) FROM zoomfeed_event WHERE transport = 'websocket'"
"""What repair asked for was sent by none."""


def change(checker, statement):
    with psycopg.connect(checker.stage.environment["DATABASE_URL"]) as database:
        return database.execute(f"{statement} RETURNING *").fetchall()


def put_back_the_events(checker, rows):
    with psycopg.connect(checker.stage.environment["DATABASE_URL"]) as database:
        marks = ", ".join(["%s"] * len(rows[0]))
        database.cursor().executemany(f"INSERT INTO zoomfeed_event VALUES ({marks})", rows)  # noqa: S608


def test_an_event_that_is_missing_is_found_and_no_gap_explains_it(settled):
    taken = change(settled, f"DELETE FROM zoomfeed_event WHERE id = ({NEWEST_OF_THE_SOCKET})")  # noqa: S608
    try:
        assert len(settled.lost()) == 1
        with pytest.raises(AssertionError, match="1 of 1 missing events lie in no gap"):
            settled.assert_losses_are_gaps()
    finally:
        put_back_the_events(settled, taken)
    assert settled.lost() == []


def test_a_row_that_does_not_follow_from_the_log_is_found(settled):
    settled.assert_tables_follow_from_the_log()
    # what nothing else follows from: repair may look at a meeting meanwhile
    changed = change(settled, "UPDATE zoomfeed_leg SET phone = phone || ' alias Mallory'")
    try:
        with pytest.raises(AssertionError, match="Mallory"):
            settled.assert_tables_follow_from_the_log()
    finally:
        assert changed
        change(settled, "UPDATE zoomfeed_leg SET phone = replace(phone, ' alias Mallory', '')")


def test_a_page_that_shows_something_else_is_found(settled):
    page = settled.stage.browsers.open()
    settled.assert_pages_are_right([page])
    name = next(iter(page.page.items))
    page.page.items[name] += "<i>else</i>"

    assert list(settled._differ(page, left_out=board.DAY)) == [name]  # the day changes by the clock
    assert name in settled._difference(page, left_out=board.DAY)


def test_a_secret_in_a_log_is_found(settled):
    settled.assert_logs_are_clean()
    log = settled.stage.feed.log
    kept = log.read_bytes()
    try:
        log.write_bytes(kept + b"2026-04-03 10:00:00,000 INFO x: token " + min(settled.secrets()).encode())
        with pytest.raises(AssertionError, match="holds a secret"):
            settled.assert_logs_are_clean()
    finally:
        log.write_bytes(kept)


def test_tracebacks_are_told_by_the_line_above_them():
    said = """2026-04-03 10:00:00,000 WARNING a: first
Traceback (most recent call last):
  File "x"
OSError: no

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
ValueError: no
2026-04-03 10:00:01,000 WARNING a: fine
2026-04-03 10:00:02,000 ERROR a: second
Traceback (most recent call last):
OSError: no"""
    assert [line.split(": ")[1] for line in tracebacks(said)] == ["first", "second"]


def test_a_stage_is_healed_whatever_was_done_to_it(grown, load, check):
    grown.feed.freeze()
    grown.database.freeze()
    grown.redis.end()
    grown.processes["web-1"].kill()
    grown.socket.refuse()
    grown.zoom.faults.verdict = "no"
    time.sleep(0.5)
    grown.heal()

    checker = check(grown)
    with load(grown):
        until(lambda: len(checker.sent()) > 20)
    checker.wait_none_lost()
