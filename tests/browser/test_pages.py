"""Pages as people use them: with a screen reader, on a phone, without a mouse."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.test_live import day

FOLLOWING = ["/", "/meetings/1/", "/events/"]
PATHS = [*FOLLOWING, "/status/"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_barrier_that_a_machine_can_find(small, visitor, scheme):
    small.zoom.send(*day(7))
    small.revision()
    page = visitor(small, color_scheme=scheme, bypass_csp=True)  # axe brings a script of its own
    for path in [*PATHS, "/nowhere/"]:
        page.goto(f"{small.web[0]}{path}")
        page.wait_for_timeout(300)
        found = Axe().run(page).response["violations"]
        assert [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found] == [], path


def test_a_phone_scrolls_in_one_direction_only(small, visitor):
    small.zoom.send(*day(8))
    small.revision()
    page = visitor(small, viewport={"width": 360, "height": 740})
    for path in PATHS:
        page.goto(f"{small.web[0]}{path}")
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path


def test_the_board_is_searched_and_sorted(small, visitor):
    small.zoom.send(*day(9))
    small.revision()
    page = visitor(small)
    page.fill("#search input", "zoë meets")
    assert page.locator("#meetings article:visible").count() == 1
    page.fill("#search input", "nobody at all")
    page.wait_for_selector("#no-match:visible")
    page.fill("#search input", "")
    page.click("text=Newest")
    started = page.eval_on_selector_all(
        "#meetings article", "cards => cards.map((card) => Number(card.dataset.started))"
    )
    assert started == sorted(started, reverse=True)
    page.reload()
    assert page.get_attribute("[data-sort=newest]", "aria-pressed") == "true"


def test_the_theme_is_kept(small, visitor):
    page = visitor(small, color_scheme="light")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.click("#theme")
    page.click("#theme")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.reload()

    assert dark != light
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark


def test_the_log_is_filtered_and_its_tail_can_be_held(small, visitor):
    small.zoom.send(*day(10)[:10])
    small.revision()
    page = visitor(small, path="/events/")
    page.select_option("[name=name]", "meeting.started")
    page.wait_for_url(re.compile("name=meeting.started"))
    assert set(page.locator("#events tr td:nth-child(5)").all_inner_texts()) == {"meeting.started"}
    small.zoom.send(*day(10)[10:])
    page.wait_for_function("document.querySelectorAll('#events tr').length == 4")
    page.click(".switch")
    page.wait_for_url(re.compile("tail=off"))
    assert page.get_attribute("html", "data-stream-url") == ""


def test_what_strangers_type_is_shown_and_never_run(small, visitor):
    small.zoom.send(*day(11))
    small.revision()
    page = visitor(small)
    for path in FOLLOWING:
        page.goto(f"{small.web[0]}{path}")
        page.wait_for_selector("html[data-link=live]")
        assert "<b>bold</b>" in page.inner_text("main"), path
