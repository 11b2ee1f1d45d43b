"""Charts are read out: under the mouse, by the keyboard, under a finger, and while the page is kept in step."""

import time

import pytest
from playwright.sync_api import expect

from tests.dashboard.test_board import START, into, out_of, started

TIP = ".readout-tip"


def ago(hours):
    """In the seconds of the tests' histories."""
    return int(time.time() - START.timestamp() - hours * 3600)


@pytest.fixture
def page(small, visitor):
    """A board that has seen three people come, six hours ago, and one of them leave, three hours ago."""
    small.zoom.send(
        started("run-1==", ago(6)),
        *(into("run-1==", str(number), ago(6), user_name=f"P{number}") for number in range(3)),
        out_of("run-1==", "2", ago(3)),
    )
    small.revision()
    page = visitor(small, viewport={"width": 1200, "height": 800})
    page.wait_for_selector("html[data-link=live]")
    expect(page.locator("#kpi_people b")).to_have_text("2")
    return page


def at_share(page, share):
    """Where an instant of the day is on the screen, as a share of the axis."""
    box = page.locator("#day [data-plot]").first.bounding_box()
    return box["x"] + box["width"] * share, box["y"] + box["height"] / 2


def read(page):
    page.wait_for_selector(TIP, state="visible")
    rows = "rows => rows.map((row) => [row.firstChild.textContent, row.lastChild.textContent])"
    return dict(page.eval_on_selector_all(f"{TIP} > span", rows))


def test_the_mouse_reads_what_was_then(page):
    page.mouse.move(*at_share(page, 0.5))
    assert read(page) == {"People": "0", "Meetings": "0"}

    page.mouse.move(*at_share(page, 0.8))
    assert read(page) == {"People": "3", "Meetings": "1"}

    page.mouse.move(*at_share(page, 0.95))
    assert read(page) == {"People": "2", "Meetings": "1"}

    page.mouse.move(5, 5)
    page.wait_for_selector(TIP, state="hidden")


def test_the_keyboard_goes_from_change_to_change_and_what_it_finds_is_said(page):
    page.focus("#day")
    page.keyboard.press("End")
    assert read(page) == {"People": "2", "Meetings": "1"}

    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert read(page) == {"People": "3", "Meetings": "1"}
    assert "People 3, Meetings 1" in page.inner_text("#say")

    page.keyboard.press("Home")
    assert read(page) == {"People": "0", "Meetings": "0"}
    page.keyboard.press("ArrowRight")
    assert read(page)["Meetings"] == "1"
    page.keyboard.press("Escape")
    page.wait_for_selector(TIP, state="hidden")


def test_what_is_read_follows_what_happens_and_keeps_the_focus(small, page):
    page.focus("#day")
    page.keyboard.press("End")
    assert read(page)["People"] == "2"

    small.zoom.send(into("run-1==", "9", ago(0), user_name="Late"), into("run-1==", "10", ago(0), user_name="Later"))
    expect(page.locator(f"{TIP} span b").first).to_have_text("4", timeout=15_000)
    assert page.evaluate("document.activeElement.id") == "day"


def test_nothing_is_read_of_the_future(page):
    page.mouse.move(*at_share(page, 0.9999))
    page.wait_for_selector(TIP, state="visible")
    shown = page.evaluate("new Date().toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' })")
    assert page.inner_text(f"{TIP} > b") <= shown


def test_a_finger_reads_too(small, visitor):
    small.zoom.send(started("run-1==", ago(6)), into("run-1==", "1", ago(6)))
    small.revision()
    page = visitor(small, viewport={"width": 390, "height": 800}, has_touch=True)
    page.touchscreen.tap(*at_share(page, 0.9))
    assert read(page)["Meetings"] == "1"

    page.touchscreen.tap(200, 20)
    page.wait_for_selector(TIP, state="hidden")
