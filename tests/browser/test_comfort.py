"""What makes a page good to live with all day: keys, signs, watching, and a wall that nobody touches."""

import itertools
import json
import os
import re
import time

import pytest

from tests.browser.test_live import day
from tests.product import until
from tests.zoomfeed.test_record import event, join, leave

LOAD_S = float(os.environ.get("WALL_LOAD_S", "20"))
"""How long the kiosk view is under load. An hour, by hand: WALL_LOAD_S=3600."""

RECORD = """
    window.told = [];
    const Real = window.Notification;
    window.Notification = class extends Real {
        constructor(title, options) {
            super(title, options);
            window.told.push([title, options.body]);
        }
    };
"""
"""Real notifications, and a note of each."""

NUMBER = "83455219078"
MEETINGS = 20


def live(page):
    page.wait_for_selector("html[data-link=live]")
    return page


@pytest.fixture
def busy(small):
    """A board with four meetings, of which two have ended."""
    small.zoom.send(*day(21))
    small.revision()
    return small


def focused(page):
    return page.evaluate("document.activeElement.closest('[data-order] > *')?.id ?? document.activeElement.tagName")


# Keys


def test_a_meeting_is_found_and_opened_with_keys_alone(busy, visitor):
    page = live(visitor(busy))
    page.keyboard.press("/")
    page.keyboard.type("meets")
    page.keyboard.press("ArrowDown")
    first = page.locator("#meetings article:visible").first.get_attribute("id")
    assert focused(page) == first
    page.keyboard.press("ArrowRight")
    second = focused(page)
    assert second.startswith("m-")
    assert second != first
    page.keyboard.press("ArrowLeft")
    assert focused(page) == first
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(f"/meetings/{first.removeprefix('m-')}/"))


def test_a_cell_of_the_log_filters_it_with_keys_alone(busy, visitor):
    page = live(visitor(busy, path="/events/"))
    row = page.locator("#events tr").first
    type_ = row.locator("td").nth(4).inner_text().splitlines()[0]
    page.keyboard.press("ArrowDown")
    for label in ("Until this moment", "Only this meeting", "Without this meeting"):
        page.keyboard.press("ArrowRight")
        assert page.evaluate("document.activeElement.getAttribute('aria-label')") == label
        assert page.evaluate("document.activeElement.checkVisibility()")
    page.keyboard.press("ArrowDown")
    assert page.locator("#events tr").nth(1).locator("a").first.evaluate("(link) => link === document.activeElement")
    page.keyboard.press("ArrowUp")
    while page.evaluate("document.activeElement.getAttribute('aria-label')") != "Without this type":
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")

    page.wait_for_url(re.compile(f"not_name={re.escape(type_)}"))
    assert type_ not in page.locator("#events").inner_text()


def test_escape_clears_then_leaves_then_closes(busy, visitor):
    page = live(visitor(busy))
    page.keyboard.press("/")
    page.keyboard.type("nobody at all")
    page.wait_for_selector("#no-match:visible")
    page.keyboard.press("Escape")
    assert page.input_value("#search input") == ""
    assert page.is_hidden("#no-match")
    page.keyboard.press("Escape")
    assert focused(page) == "BODY"
    page.click("#link > summary")
    page.keyboard.press("Escape")
    assert page.get_attribute("#link", "open") is None


def test_keys_do_nothing_while_somebody_types(busy, visitor):
    page = live(visitor(busy))
    page.focus("#search input")
    page.keyboard.type("k?f/")

    assert page.input_value("#search input") == "k?f/"
    assert not page.evaluate("document.getElementById('help').open")
    assert "kiosk" not in page.url


def test_single_keys_can_be_switched_off_for_good(busy, visitor):
    page = live(visitor(busy))
    page.keyboard.press("?")
    page.click("#help .switch")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert not page.evaluate("document.getElementById('help').open")
    page.reload()
    page.keyboard.press("/")
    assert focused(page) == "BODY"

    page.click("#link > summary")
    page.click("#help-open")
    assert not page.is_checked("#shortcuts")


# Signs


def test_title_icon_and_notes_tell_that_the_server_went_and_came_back(busy, visitor):
    page = live(visitor(busy))
    plain = page.title()
    page.wait_for_selector("#icon[href*=icon-live]", state="attached")
    assert re.fullmatch(r"\d+ s ago", page.inner_text("#link-age"))
    server = busy.processes["rundashboard"]
    server.kill()
    page.wait_for_selector("#icon[href*=icon-lost]", state="attached", timeout=20_000)
    assert page.title() == f"⚠ Not connected · {plain}"

    server.start()
    page.wait_for_selector("#bar-back:not([hidden])", timeout=40_000)
    assert page.inner_text("#bar-back").startswith("Back in step.")
    assert page.is_hidden("#bar-page")
    assert page.title() == plain


def test_somebody_who_waits_shows_in_the_icon(small, visitor):
    page = live(visitor(small))
    small.zoom.send(event("meeting.started", 0, **about(1)), waits(1, 5))
    page.wait_for_selector("#icon[href*=icon-waiting]", state="attached", timeout=10_000)
    small.zoom.send(gave_up(1, 9))
    page.wait_for_selector("#icon[href*=icon-live]", state="attached", timeout=10_000)


def test_every_instant_says_the_whole_of_it_to_who_points_at_it(busy, visitor):
    page = visitor(busy)
    for path in ("/", "/meetings/1/", "/events/", "/status/"):
        page.goto(f"{busy.web[0]}{path}")
        live(page)
        page.wait_for_function(
            "[...document.querySelectorAll('main time')].every((time) => /20\\d\\d/.test(time.title))"
        )


# Watching


def about(run):
    return {"uuid": f"watched-{run}==", "id": NUMBER, "topic": "<b>Ward</b> round"}


def waits(run, at):
    return of_zoe("meeting.participant_joined_waiting_room", run, at)


def gave_up(run, at):
    return of_zoe("meeting.participant_left_waiting_room", run, at)


def of_zoe(name, run, at):
    who = {"user_id": "7", "user_name": "Zoë", "participant_uuid": "P7", "date_time": f"2026-04-03T17:06:{at + 27}Z"}
    return event(name, at, **about(run), participant=who)


def told_by(pages):
    return [words for page in pages for words in page.evaluate("window.told")]


def test_a_watched_meeting_is_told_of_once_however_many_tabs_are_open(small, visitor):
    first = visitor(small, permissions=["notifications"], prepare=lambda page: page.add_init_script(RECORD))
    small.zoom.send(event("meeting.started", 0, **about(1)))
    first.click(f"main [data-watches='{NUMBER}']")
    first.wait_for_selector("#bar-watch:not([hidden])")
    assert "as long as the live board or the meeting’s own page is open" in first.inner_text("#bar-watch")
    assert first.get_attribute(f"main [data-watches='{NUMBER}']", "aria-pressed") == "true"
    pages = [first]
    for path in ("/", "/meetings/1/"):
        page = first.context.new_page()
        page.add_init_script(RECORD)
        page.goto(f"{small.web[0]}{path}")
        pages.append(live(page))
    topic = "<b>Ward</b> round"

    small.zoom.send(waits(1, 5))
    until(lambda: told_by(pages) == [[topic, "Somebody is waiting."]], 10, lambda: told_by(pages))
    small.zoom.send(event("meeting.ended", 60, **about(1), end_time="2026-04-03T17:07:27Z"))
    until(lambda: len(told_by(pages)) == 2, 10, lambda: told_by(pages))
    small.zoom.send(event("meeting.started", 120, **about(2)))
    until(lambda: len(told_by(pages)) == 3, 10, lambda: told_by(pages))
    for page in pages:
        page.evaluate(
            "new Promise((done) => addEventListener('live:tick', () => setTimeout(done, 500), { once: true }))"
        )

    assert [title for title, _ in told_by(pages)] == [topic] * 3
    assert sorted(words for _, words in told_by(pages)) == [
        "Somebody is waiting.",
        "The meeting has ended.",
        "The meeting has started.",
    ]


def test_watching_is_ended_from_any_page(small, visitor):
    small.zoom.send(event("meeting.started", 0, **about(1)))
    page = visitor(small, permissions=["notifications"], path="/")
    page.click(f"main [data-watches='{NUMBER}']")
    page.goto(f"{small.web[0]}/events/")
    page.click("#link > summary")
    assert page.inner_text("#watching bdi") == "<b>Ward</b> round"
    page.click("#watching button")
    page.wait_for_selector("#watching", state="hidden")
    page.goto(f"{small.web[0]}/")

    assert page.get_attribute(f"main [data-watches='{NUMBER}']", "aria-pressed") == "false"


def test_nothing_is_asked_before_a_click_and_a_refusal_is_explained(small, visitor):
    small.zoom.send(event("meeting.started", 0, **about(1)))
    note_asking = """
        window.asked = 0;
        const ask = Notification.requestPermission.bind(Notification);
        Notification.requestPermission = () => { window.asked += 1; return ask(); };
    """
    page = live(visitor(small, prepare=lambda page: page.add_init_script(note_asking)))
    page.wait_for_selector(f"main [data-watches='{NUMBER}']")
    assert page.evaluate("window.asked") == 0
    page.click(f"main [data-watches='{NUMBER}']")

    page.wait_for_selector("#bar-watch:not([hidden])")
    assert "Notifications are blocked" in page.inner_text("#bar-watch")
    assert page.get_attribute(f"main [data-watches='{NUMBER}']", "aria-pressed") == "false"
    page.click("#bar-watch button")
    assert page.is_hidden("#bar-watch")


# The wall


def test_the_kiosk_view_shows_no_controls_and_its_links_stay_in_it(busy, visitor):
    page = live(visitor(busy, path="/?kiosk"))
    for control in (".nav", "#search", "#sort", ".watch"):
        assert page.locator(control).first.is_hidden(), control
    page.wait_for_selector("html[data-idle]")
    assert page.evaluate("getComputedStyle(document.querySelector('main h2')).cursor") == "none"
    page.mouse.move(200, 300)
    page.wait_for_selector("html:not([data-idle])")
    page.click("#meetings a")
    page.wait_for_url(re.compile(r"/meetings/\d+/\?kiosk"))
    page.keyboard.press("Escape")
    page.wait_for_url(re.compile(r"/meetings/\d+/$"))


def test_the_kiosk_view_says_that_it_cannot_be_trusted(busy, visitor):
    page = live(visitor(busy, path="/?kiosk"))
    busy.processes["rundashboard"].kill()

    page.wait_for_selector("#bar-page:visible", timeout=20_000)


@pytest.mark.timeout(LOAD_S + 120)
def test_a_wall_does_not_grow_however_long_it_is_updated(small, visitor):
    """Memory after a forced collection, at a quarter of the time and at its end, with the same meetings there."""
    for number in range(MEETINGS):
        small.zoom.send(event("meeting.started", number, **one_of_many(number)))
    small.revision()
    page = live(visitor(small, path="/?kiosk"))
    items, steps, began_s = [], itertools.count(100), time.monotonic()
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    session.send("Network.enable")
    session.on("Network.webSocketFrameReceived", lambda frame: items.append(count(frame["response"]["payloadData"])))
    weights = []
    for quarter in range(1, 5):
        come_and_go(small, page, began_s + LOAD_S * quarter / 4, steps)
        weights.append(weight(session, page))

    said = f"{weights} over {sum(items)} items in {LOAD_S:g} s"
    print(said)
    early, late = weights[0], weights[-1]
    assert sum(items) > 20 * LOAD_S, said
    assert late["JSHeapUsedSize"] < early["JSHeapUsedSize"] + 1_000_000, said
    assert late["Nodes"] < early["Nodes"] * 1.1 + 200, said
    assert late["JSEventListeners"] <= early["JSEventListeners"] + 5, said


def one_of_many(number):
    return {"uuid": f"wall-{number}==", "id": f"8000000{number:04}", "topic": f"Meeting {number}"}


def come_and_go(product, page, until_s, steps):
    """In every meeting somebody joins and leaves again, about four times a second."""
    while time.monotonic() < until_s:
        step = next(steps)
        come_or_go = join if step % 2 else leave
        for number in range(MEETINGS):
            told = json.loads(come_or_go(str(number), step, user_name=f"P{number}", participant_uuid=f"W{number}"))
            told["payload"]["object"] |= one_of_many(number)
            product.zoom.send(json.dumps(told).encode())
        page.wait_for_timeout(150)


def count(text):
    frame = json.loads(text)
    return len(frame.get("put", ())) + len(frame.get("add", ())) + len(frame.get("del", ()))


def weight(session, page):
    """The least of some looks: what was just drawn is let go of a moment later."""
    looks = []
    for _ in range(5):
        page.wait_for_timeout(300)
        looks.append(look(session))
    return {name: min(found[name] for found in looks) for name in looks[0]}


def look(session):
    session.send("HeapProfiler.collectGarbage")
    found = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    return {name: int(found[name]) for name in ("JSHeapUsedSize", "Nodes", "JSEventListeners")}
