"""Browsers that are many, slow, stalled, asleep, or whose server dies: right, or grey, and nobody else's business."""

import time
from itertools import pairwise
from statistics import quantiles

import pytest

from tests.faults import scale
from tests.faults.live_pages import LivePage, sign_in
from tests.faults.proxy import Proxy
from tests.faults.stage import end_of
from tests.product import until

BACK_S = 20.0 + 10.0
"""All pages of a killed process are back within 20 s, and what a busy machine adds."""

EACH_MB = 0.5


@pytest.fixture
def behind_a_line(grown):
    """Opens pages whose way to the web process leads through a proxy, which comes with them."""
    with Proxy(end_of(grown.web[0])) as proxy:

        def through():
            address = f"http://127.0.0.1:{proxy.port}"
            return grown.browsers.open(address=address)

        yield proxy, through


def at(lines):
    """How far they are, and in which database."""
    return {(line.epoch, line.revision) for line in lines}


def test_all_pages_of_a_killed_server_come_back_and_are_right(grown, load, check):
    checker = check(grown)
    whole = [grown.browsers.open(), grown.browsers.open("/events/")]
    lines = grown.browsers.open_lines(scale.PAGES, loaded=whole[0])
    until(lambda: all(line.ticks for line in lines), 60)
    with load(grown):
        grown.processes["web-1"].kill()
        killed_at = time.monotonic()
        grown.processes["web-1"].start()
        until(lambda: all(line.ticks[-1] > killed_at for line in lines), BACK_S, grown.last_words)

    checker.wait_none_lost()
    checker.assert_pages_are_right(whole)
    until(lambda: at(lines) == at(whole[:1]), scale.PAGES_RIGHT_S)


def test_many_pages_of_one_process_are_told_everything(grown, load, check):
    checker, web = check(grown), grown.processes["web-1"]
    whole = grown.browsers.open()
    lines = grown.browsers.open_lines(scale.PAGES, loaded=whole)
    until(lambda: all(line.ticks for line in lines), 60)
    with load(grown, rate=10.0):
        time.sleep(600.0 if scale.IS_FULL else 5.0)

    checker.wait_none_lost()
    checker.assert_pages_are_right([whole])
    until(lambda: at(lines) == at([whole]), scale.PAGES_RIGHT_S)
    assert [line.closes for line in lines if line.closes] == []
    assert web.memory() < 300 * 2**20


def test_slow_and_stalled_pages_cost_little_and_disturb_nobody(grown, load, check, behind_a_line):
    proxy, through = behind_a_line
    web = grown.processes["web-1"]
    quick = grown.browsers.open()
    slow = [through() for _ in range(10)]
    until(lambda: all(page.ticks for page in slow), 30)
    before = web.memory()
    with load(grown):
        proxy.bytes_per_s = 10_000
        time.sleep(scale.SLOW_PAGES_S / 2)
        proxy.swallow()
        begin = time.monotonic()
        time.sleep(scale.SLOW_PAGES_S)
        assert (web.memory() - before) / 2**20 < EACH_MB * len(slow) + 20
        pauses = [b - a for a, b in pairwise(quick.updates) if a > begin]
        assert quantiles(pauses, n=100)[-1] < 2.0
        proxy.heal()
    assert quick.closes == []

    checker = check(grown)
    until(lambda: all(page.ticks[-1] > begin + scale.SLOW_PAGES_S for page in slow), 60)
    checker.assert_pages_are_right([quick, *slow[:2]])


def test_a_page_that_slept_knows_it_and_wakes_to_the_truth(grown, load, check, behind_a_line):
    checker = check(grown)
    proxy, through = behind_a_line
    page, *awake = through(), *grown.browsers.open_lines(20)
    until(lambda: all(one.ticks for one in (page, *awake)))
    with load(grown):
        proxy.swallow()
        time.sleep(scale.BROWSER_ASLEEP_S)
        assert page.is_stale
        proxy.reset()
        proxy.heal()
        until(lambda: not page.is_stale, scale.PAGES_RIGHT_S)

    checker.wait_none_lost()
    checker.assert_pages_are_right([page], also_by_the_clock=True)


def test_a_page_whose_session_ended_while_it_slept_is_led_to_the_login(grown, behind_a_line):
    proxy, through = behind_a_line
    shared, grown.browsers.cookie = grown.browsers.cookie, sign_in(grown.web[0], grown.user, grown.password)
    try:
        page = through()
        until(lambda: page.ticks)
        proxy.swallow()
        key = grown.browsers.cookie.split("sessionid=")[1].split(";")[0]
        gone = f"from django.contrib.sessions.models import Session; Session.objects.filter(pk={key!r}).delete()"
        grown.manage("shell", "-v0", "-c", gone)
        proxy.heal()
        until(lambda: 4401 in [code for _, code in page.closes], 20)
    finally:
        grown.browsers.cookie = shared


def test_what_is_cut_by_age_is_opened_again_unnoticed(grown, load, check):
    checker = check(grown)
    web, arguments = grown.processes["web-1"], list(grown.processes["web-1"].arguments)
    web.stop()
    web.arguments = [*arguments[:-1], "--websocket_timeout", "3", arguments[-1]]
    web.start()
    try:
        grown.wait_for_pages()
        page: LivePage = grown.browsers.open()
        with load(grown):
            until(lambda: len(page.closes) >= 2, 60, web.said)
            assert not page.is_stale
        checker.wait_none_lost()
        checker.assert_pages_are_right([page])
        assert {code for _, code in page.closes} == {1000}
    finally:
        web.stop()
        web.arguments = arguments


RING_OF_TOMORROW = """
import asyncio
from channels.layers import get_channel_layer
ring = {"type": "of.tomorrow", "revision": "words", "and": ["more"]}
asyncio.run(get_channel_layer().group_send("live", ring))
"""


def test_a_ring_of_tomorrow_closes_no_page(grown, load, check):
    checker, page = check(grown), grown.browsers.open()
    until(lambda: page.ticks)
    grown.manage("shell", "-v0", "-c", RING_OF_TOMORROW)
    with load(grown):
        until(lambda: len(page.updates) > 2)

    checker.wait_none_lost()
    assert page.closes == []
    checker.assert_pages_are_right([page])
