"""The promise of the live pages: through losses, cuts and a killed server, a live page is what a fresh load shows."""

import difflib
import json
import random
import re

import pytest

from tests.product import served
from tests.zoomfeed.test_record import event, join, leave

REGIONS = """() => {
    const copy = document.cloneNode(true);
    for (const time of copy.querySelectorAll("time")) { time.textContent = ""; time.removeAttribute("title"); }
    for (const time of copy.querySelectorAll("#heading time, #links time")) time.removeAttribute("datetime");
    for (const bar of copy.querySelectorAll("[data-open]")) bar.removeAttribute("width");
    for (const said of copy.querySelectorAll("rect > title")) said.textContent = said.textContent.replace(/.*?,/, "");
    for (const card of copy.querySelectorAll(".new")) card.classList.remove("new");
    for (const empty of copy.querySelectorAll('[class=""]')) empty.removeAttribute("class");
    for (const element of copy.querySelectorAll("[data-live], [data-live] *")) {
        const attributes = [...element.attributes].sort((a, b) => a.name.localeCompare(b.name));
        for (const { name } of attributes) element.removeAttribute(name);
        for (const { name, value } of attributes) element.setAttribute(name, value);
    }
    return [...copy.querySelectorAll("[data-live]")].map((region) =>
        `${region.id}: ${region.outerHTML.replace(/\\s+/g, " ").replace(/> </g, "><")}`);
}"""
NEXT_TICK = """() => new Promise((done) =>
    addEventListener("live:tick", () => setTimeout(done, 600), { once: true }))"""


def day(seed, meetings=4, people=14):
    """A little history: people come and go, meetings end, strangers have odd names."""
    chance = random.Random(seed)
    names = ["Zoë", "王小明", "<b>bold</b>", "محمد", "O'Hara & Sons", "", "Ελένη", "👩‍⚕️ Nurse"]
    bodies = []
    for number in range(meetings):
        about = {"uuid": f"run-{number}==", "id": f"8000000{number:04}", "topic": f"{names[number]} meets"}
        bodies.append((0, event("meeting.started", number, **about)))
        for person in range(people):
            who = {"user_name": names[person % len(names)], "participant_uuid": f"P{number}-{person}"}
            at = chance.randrange(1, 300)
            bodies.append((at, _about(join(str(person), at, **who), about)))
            if chance.random() < 0.6:
                gone = at + chance.randrange(1, 200)
                bodies.append((gone, _about(leave(str(person), gone, **who), about)))
        if number % 2:
            bodies.append((600, event("meeting.ended", 600, **about, end_time="2026-04-03T17:16:27Z")))
    return [body for _, body in sorted(bodies, key=lambda pair: pair[0])]


def _about(body, about):
    said = json.loads(body)
    said["payload"]["object"] |= about
    return json.dumps(said).encode()


def settle(page, product):
    """Until all that Zoom has sent is in the log, and the page has since heard a tick and acted on it."""
    product.revision()
    page.evaluate(NEXT_TICK)


def assert_equals_a_fresh_load(page, product):
    for _ in range(3):
        settle(page, product)
        fresh = page.context.new_page()
        fresh.goto(page.url)
        fresh.wait_for_selector("html[data-link=live]")
        live, asked = page.evaluate(REGIONS), fresh.evaluate(REGIONS)
        fresh.close()
        if live == asked:
            return
    difference = "\n".join(difflib.unified_diff(_lines(live), _lines(asked), "live", "fresh", n=1, lineterm=""))
    assert not difference, difference


def _lines(regions):
    return "\n".join(regions).replace("><", ">\n<").splitlines()


PATHS = [
    "/",
    "/?sort=longest&view=table",
    "/meetings/1/",
    "/meetings/1/?q=o",
    "/events/",
    "/people/",
    "/people/?q=O%27Hara",
    "/status/",
]


EACH = [*(("embedded", path) for path in PATHS), *(("grown", path) for path in ("/", "/meetings/1/", "/people/"))]
"""What is told by several processes is told by the same code whatever the page."""


@pytest.mark.parametrize(("product", "path"), EACH, indirect=["product"])
def test_a_page_that_was_told_equals_a_page_that_asks(product, visitor, path):
    bodies = day(1)
    product.zoom.send(*bodies[:5])
    product.revision()
    page = visitor(product, path=path)
    for body in bodies[5:]:
        product.zoom.send(body)
        page.wait_for_timeout(10)

    assert_equals_a_fresh_load(page, product)
    assert page.evaluate("() => document.documentElement.dataset.link") == "live"


def through(page, lose=0.0, seed=1):
    """Let the page's socket lose some of what the server holds back from slow pages. Returns the ends to cut."""
    chance = random.Random(seed)
    sockets = []

    def is_update(text):
        frame = json.loads(text)
        return frame.get("from", 0) < frame.get("to", 0)

    def route(socket):
        server = socket.connect_to_server()
        sockets.append(socket)
        server.on_message(lambda text: None if is_update(text) and chance.random() < lose else socket.send(text))

    page.route_web_socket(re.compile("/ws/"), route)
    return sockets


@pytest.mark.parametrize("path", PATHS)
def test_lost_frames_are_noticed_and_mended(small, visitor, path):
    bodies = day(2)
    small.zoom.send(*bodies[:5])
    small.revision()
    page = visitor(small, path=path, prepare=lambda page: through(page, lose=0.4))
    for body in bodies[5:]:
        small.zoom.send(body)
        page.wait_for_timeout(20)

    assert_equals_a_fresh_load(page, small)


def test_a_cut_line_is_mended(product, visitor):
    bodies = day(3)
    sockets = []
    page = visitor(product, prepare=lambda page: sockets.extend([through(page)]))
    for number, body in enumerate(bodies):
        product.zoom.send(body)
        if number % 25 == 10:
            sockets[0][-1].close(code=1011)
        page.wait_for_timeout(20)

    assert_equals_a_fresh_load(page, product)
    assert len(sockets[0]) > 2


def test_a_killed_server_is_said_and_mended(product, visitor):
    bodies = day(4)
    product.zoom.send(*bodies[:20])
    product.revision()
    page = visitor(product)
    page.wait_for_selector("html[data-link=live]")
    server = product.processes.get("rundashboard") or product.processes["web-1"]
    server.kill()
    page.wait_for_selector("#bar-page:not([hidden])", timeout=20_000)
    assert "No connection to Rollcall" in page.inner_text("#bar-page")

    server.start()
    product.wait_for_pages()
    product.zoom.wait_connected()
    product.zoom.send(*bodies[20:])
    page.wait_for_selector("#bar-page[hidden]", state="attached", timeout=40_000)

    assert_equals_a_fresh_load(page, product)


def test_a_line_that_is_dead_but_open_is_said(small, visitor):
    page = visitor(small, prepare=lambda page: page.route_web_socket(re.compile("/ws/"), lambda socket: None))
    page.wait_for_selector("#bar-page:not([hidden])", timeout=20_000)

    assert "These numbers are from" in page.inner_text("#bar-page")
    assert page.inner_text("#bar-page button") == "Try now"


def test_a_feed_that_is_cut_off_is_said(product, visitor):
    page = visitor(product)
    page.wait_for_selector("#bar-zoom[hidden]", state="attached")
    product.zoom.faults.verdict = "Invalid Token"
    product.zoom.call(product.zoom.zoom.drop())
    page.wait_for_selector("#bar-zoom:not([hidden])", timeout=10_000)
    page.wait_for_selector("#bar-zoom >> text=Zoom refused the socket", timeout=20_000)

    product.zoom.faults.verdict = ""
    page.wait_for_selector("#bar-zoom[hidden]", state="attached", timeout=30_000)


def test_a_meeting_that_outgrows_its_axis_is_painted_anew(small, visitor):
    small.zoom.send(*day(12)[:30])
    small.revision()
    page = visitor(small, path="/meetings/1/")
    page.wait_for_selector("html[data-link=live]")
    with page.expect_response(page.url, timeout=10_000):
        page.eval_on_selector("[data-open]", "(bar) => { bar.dataset.until = 1; }")
    page.wait_for_selector("[data-open][data-until='1']", state="detached", timeout=5000)


def test_who_signs_out_elsewhere_is_led_to_the_login(small, visitor):
    page = visitor(small)
    page.wait_for_selector("html[data-link=live]")
    other = page.context.new_page()
    other.goto(page.url)
    other.click("#link > summary")
    other.click("text=Sign out")
    other.wait_for_url("**/login/**")

    page.wait_for_url("**/login/**", timeout=15_000)


def test_who_is_no_longer_staff_is_shown_out(small, visitor):
    page = visitor(small)
    page.wait_for_selector("html[data-link=live]")
    small.manage(
        "shell", "-v0", "-c", "from django.contrib.auth.models import User; User.objects.update(is_staff=False)"
    )

    page.wait_for_selector("text=No access", timeout=15_000)


def test_an_event_reaches_every_web_process(product, visitor):
    pages = [visitor(product, address) for address in product.web]
    for page in pages:
        page.wait_for_selector("html[data-link=live]")
    for body in day(5)[:40]:
        product.zoom.send(body)
    for page in pages:
        page.wait_for_selector("text=Zoë meets", timeout=10_000)

    for page in pages:
        assert_equals_a_fresh_load(page, product)


def test_every_part_stops_cleanly(product):
    product.zoom.send(*day(6)[:10])
    product.revision()

    assert set(product.stop()) == {0}


@pytest.mark.parametrize(
    ("limit", "words"),
    [("ROLLCALL_MOST_PAGES", "Rollcall is full."), ("ROLLCALL_MOST_PAGES_PER_USER", "Too many pages are open.")],
)
def test_a_page_without_a_place_says_so_in_words_and_gets_the_next_one(tmp_path, visitor, limit, words):
    with served(tmp_path, **{limit: "1"}) as site:
        first = visitor(site)
        first.wait_for_selector("html[data-link=live]")
        second = first.context.new_page()
        second.goto(first.url)
        bar = second.locator("#bar-page")
        bar.wait_for(state="visible")
        said = bar.inner_text()
        assert said.startswith(words)
        assert "This one tries again by itself" in said or "this page tries again by itself" in said
        assert "Next try in" in said

        first.close()
        bar.get_by_role("button", name="Try now").click()
        second.wait_for_selector("html[data-link=live]")
        assert not bar.is_visible()
