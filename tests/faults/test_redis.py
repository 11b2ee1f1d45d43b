"""Redis carries the bell and nothing else: without it pages are slower, and nothing is lost."""

import time
from itertools import pairwise

import pytest

from tests.faults import scale
from tests.faults.checker import pids
from tests.product import until

WITHOUT_BELL_S = 6.0 + 4.0
"""A page is never older than the hub's own clock (5 s) and what a busy machine adds."""


def longest_pause(page, begin, end):
    """Between updates of a page that has something to tell all the time, in seconds."""
    times = [begin, *(at for at in page.updates if begin < at < end), end]
    return max(after - before for before, after in pairwise(times))


def down(redis):
    redis.end()
    time.sleep(scale.REDIS_AWAY_S)
    redis.start()


def frozen(redis):
    redis.freeze()
    time.sleep(scale.REDIS_AWAY_S)
    redis.thaw()


def killed(redis):
    redis.end()
    redis.start()


def flushed(redis):
    assert redis.ask(b"FLUSHALL").startswith(b"+OK")


@pytest.mark.parametrize("fault", [down, frozen, killed, flushed])
def test_pages_stay_open_and_nothing_is_lost(grown, load, check, fault):
    checker = check(grown)
    page, other = grown.browsers.open(), grown.browsers.open(address=grown.web[1])
    before = pids(grown)
    with load(grown):
        until(lambda: len(page.updates) > 2)
        begin = time.monotonic()
        fault(grown.redis)
        end = time.monotonic()
        until(lambda: page.updates[-1] > end and other.updates[-1] > end, scale.PAGES_RIGHT_S)

    assert longest_pause(page, begin, page.updates[-1]) < WITHOUT_BELL_S
    assert page.closes == other.closes == []
    checker.wait_none_lost()
    checker.assert_pages_are_right([page, other])
    assert pids(grown) == before
