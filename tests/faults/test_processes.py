"""Feeds that are killed, ended, frozen or many, and clocks that are wrong: one holds, and what is missing is told."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tests.faults import scale
from tests.faults.checker import pids
from tests.product import until

LAST_MOMENT_S = 0.25 if scale.IS_FULL else 1.0
"""What was sent so short before a kill may be gone: a quarter of a second where the machine is not busy."""

CLEAN_STOP_S = 2.0 + 3.0
"""Two seconds from SIGTERM to the standby's socket, and what a busy machine adds."""

LIBRARIES = list(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


@pytest.fixture
def standby(grown):
    process = grown.start_feed("feed-2")
    until(lambda: "standing by" in process.said(), 20, process.said)
    return process


def connected_again(stage, before, within_s):
    until(lambda: stage.zoom.zoom.connections > before and stage.zoom.zoom.is_connected, within_s, stage.last_words)


def test_a_killed_feed_loses_no_more_than_the_last_moment_and_that_is_told(grown, load, check):
    checker, killed_at = check(grown), []
    with load(grown):
        for number in range(scale.KILLS):
            connections = grown.zoom.zoom.connections
            time.sleep(1 + number / 7)
            killed_at.append(time.monotonic())
            grown.feed.kill()
            grown.feed.start()
            connected_again(grown, connections, scale.TAKEOVER_S + 10)
        time.sleep(1)

    checker.wait_caught_up()
    checker.assert_nothing_twice()
    assert checker.assert_losses_are_gaps() >= 0
    early = [one for one in checker.missing() if not any(0 < at - one.sent < LAST_MOMENT_S for at in killed_at)]
    assert [one for one in early if one.lived_s > 0.5] == []
    checker.assert_tables_follow_from_the_log()


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_a_standby_takes_over(grown, load, check, standby, end):
    checker, connections = check(grown), grown.zoom.zoom.connections
    with load(grown):
        until(lambda: len(checker.sent()) > scale.RATE / 2)
        begin = time.monotonic()
        if end == "kill":
            grown.feed.kill()
        else:
            grown.feed.running.terminate()
        connected_again(grown, connections, scale.TAKEOVER_S if end == "kill" else CLEAN_STOP_S)
        took_s = time.monotonic() - begin
        time.sleep(1)

    checker.wait_caught_up()
    checker.assert_losses_are_gaps()
    assert standby.pid == grown.processes["feed-2"].pid
    assert took_s < scale.TAKEOVER_S
    if end == "stop":
        assert grown.feed.running.wait(10) == 0


@pytest.mark.parametrize("feeds", [2, 5])
def test_of_many_feeds_one_holds(grown, load, check, feeds):
    checker, connections = check(grown), grown.zoom.zoom.connections
    others = [grown.start_feed(f"feed-{number}") for number in range(2, feeds + 1)]
    for other in others:
        until(lambda other=other: "standing by" in other.said(), 40, other.said)
    with load(grown):
        time.sleep(scale.FEEDS_WATCHED_S)

    assert grown.zoom.zoom.connections == connections
    assert all(other.is_alive for other in others)
    checker.wait_none_lost()


def test_a_holder_that_slept_through_its_lease_writes_no_more(grown, load, check, standby):
    checker, connections = check(grown), grown.zoom.zoom.connections
    with load(grown):
        until(lambda: len(checker.sent()) > scale.RATE / 2)
        grown.feed.freeze()
        connected_again(grown, connections, scale.TAKEOVER_S + 10)
        time.sleep(max(0.0, scale.HOLDER_FROZEN_S - scale.TAKEOVER_S))
        fence = checker.feed_row("fence")
        grown.feed.thaw()
        until(lambda: "standing by" in grown.feed.said().splitlines()[-1] or "another process" in grown.feed.said(), 20)
        time.sleep(2)

    assert grown.zoom.zoom.connections == connections + 1
    assert checker.feed_row("fence") == fence
    checker.wait_caught_up()
    checker.assert_nothing_twice()
    checker.assert_losses_are_gaps()


@pytest.mark.parametrize("jumps", [False, True], ids=["from the start", "under way"])
@pytest.mark.parametrize("offset", ["+3600", "-3600"])
def test_a_feed_whose_clock_is_an_hour_off_holds_its_lease(grown, load, check, tmp_path, offset, jumps):
    if not LIBRARIES:
        pytest.skip("no libfaketime: apt-get install libfaketime")
    clock = tmp_path / "clock"
    clock.write_text("+0" if jumps else offset)
    grown.feed.stop()
    connections = grown.zoom.zoom.connections
    wrong = grown.start_feed("feed-2", **by(clock))
    connected_again(grown, connections, 30)
    right = grown.start_feed("feed-3")
    until(lambda: "standing by" in right.said(), 20, right.said)
    checker, connections, before = check(grown), grown.zoom.zoom.connections, pids(grown)
    page = grown.browsers.open()
    with load(grown):
        until(lambda: len(checker.sent()) > scale.RATE / 2)
        move(clock, offset)
        time.sleep(scale.LEASE_S + scale.RENEW_S)

    assert grown.zoom.zoom.connections == connections
    assert pids(grown) == before
    assert wrong.is_alive
    checker.wait_none_lost()
    checker.assert_pages_are_right([page])
    assert page.feed["state"] == "live"
    ((lease_until, skew_s),) = grown.ask("SELECT lease_until, clock_skew_s FROM zoomfeed_feed")
    assert abs(lease_until - datetime.now(UTC)) < timedelta(seconds=scale.LEASE_S + 5)
    assert abs(skew_s - int(offset)) < 5
    # its gaps are an hour long, or in the future: others look at gaps, too, and its successor makes one more
    wrong.stop()
    until(lambda: grown.ask("SELECT count(*) FROM zoomfeed_gap WHERE ended_at IS NULL") == [(0,)], 30, right.said)
    with psycopg.connect(grown.environment["DATABASE_URL"]) as database:
        database.execute("DELETE FROM zoomfeed_gap")


def move(clock, offset):
    """In one step: a file that is empty for a moment is no offset."""
    moved = clock.with_suffix(".new")
    moved.write_text(offset)
    moved.replace(clock)


def by(clock):
    """An environment in which the time of day is that of the machine and what the file says; timers are as they are."""
    return {
        "LD_PRELOAD": str(LIBRARIES[0]),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_CACHE_DURATION": "1",  # the file is read anew once a second
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
