"""Pages as people use them: with a screen reader, on a phone, without a mouse."""

import json
import re

from axe_playwright_python.sync_playwright import Axe

from tests.browser.test_live import day
from tests.zoomfeed.test_record import event

FOLLOWING = ["/", "/?view=table", "/meetings/1/", "/events/", "/people/"]
PATHS = [*FOLLOWING, "/people/?q=e", "/people/?q=nobody", "/history/?since=2026-03-28&until=2026-04-03", "/status/"]
HELP = "/?help"


STATES = ["/nowhere/", "/?kiosk", "/status/?kiosk", HELP]
EMPTY = ["/", "/?view=table", "/?kiosk", "/events/", "/people/", "/people/?q=nobody", "/history/", "/status/"]
SCHEMES = ["light", "dark"]
INVISIBLE = """() => [...document.querySelectorAll(".dot, .key, .chip, .nav [aria-current], .seg [aria-pressed=true]")]
    .filter((one) => one.checkVisibility({ checkVisibilityCSS: true }))
    .filter((one) => {
        const looks = [getComputedStyle(one), getComputedStyle(one, "::before")];
        const paper = getComputedStyle(document.body).backgroundColor;
        const isPainted = ({ backgroundColor }) => backgroundColor !== paper && !backgroundColor.endsWith(", 0)");
        return !looks.some((look) => isPainted(look) || look.boxShadow !== "none" || look.outlineStyle !== "none");
    })
    .map((one) => one.outerHTML.slice(0, 200))"""
"""What is told apart by a colour of its own, and has lost it without getting an outline instead."""


def barriers(page):
    found = Axe().run(page).response["violations"]
    return [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found]


def assert_no_barriers(page, address, path):
    page.goto(f"{address}{path}")
    if path == HELP:
        page.keyboard.press("?")
        page.wait_for_selector("dialog[open]")
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(300)
        assert barriers(page) == [], (path, scheme)


def test_no_page_has_a_barrier_that_a_machine_can_find(small, visitor):
    page = visitor(small, bypass_csp=True)  # axe brings a script of its own
    for path in EMPTY:
        assert_no_barriers(page, small.web[0], path)
    small.zoom.send(*day(7))
    small.revision()
    for path in [*PATHS, *STATES]:
        assert_no_barriers(page, small.web[0], path)


def test_a_page_that_has_lost_its_server_has_no_barrier_either(small, visitor):
    small.zoom.send(*day(7))
    small.revision()
    page = visitor(small, bypass_csp=True)
    page.wait_for_selector("html[data-link=live]")
    small.processes["rundashboard"].stop()
    page.wait_for_selector("html[data-link=lost][data-stale]")

    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(300)
        assert barriers(page) == [], scheme


def test_without_colours_and_motion_nothing_is_lost(small, visitor):
    small.zoom.send(*day(7))
    small.revision()
    page = visitor(small, forced_colors="active", reduced_motion="reduce")
    for path in [*PATHS, "/?kiosk"]:
        page.goto(f"{small.web[0]}{path}")
        page.wait_for_timeout(300)
        assert page.evaluate(INVISIBLE) == [], path
        assert page.evaluate("document.getAnimations().filter((one) => one.playState === 'running').length") == 0, path


def test_a_phone_scrolls_in_one_direction_only(small, visitor):
    small.zoom.send(*day(8))
    small.revision()
    page = visitor(small, viewport={"width": 360, "height": 740})
    for path in PATHS:
        page.goto(f"{small.web[0]}{path}")
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path


def test_the_theme_is_kept(small, visitor):
    page = visitor(small, color_scheme="light")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.click("#theme > summary")
    page.check("#theme [value=dark]")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.reload()

    assert dark != light
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark
    assert page.get_attribute("#theme > summary", "aria-label") == "Theme: dark"
    assert page.is_checked("#theme [value=dark]")


def test_the_log_is_filtered_and_its_tail_can_be_held(small, visitor):
    small.zoom.send(*day(10)[:10])
    small.revision()
    page = visitor(small, path="/events/")
    page.locator("summary", has_text="Event types").click()
    page.get_by_label("meeting.started", exact=True).check()
    page.get_by_role("button", name="Filter", exact=True).click()
    page.wait_for_url(re.compile("name=meeting.started"))
    assert set(page.locator("#events tr td:nth-child(5)").all_inner_texts()) == {"meeting.started"}
    small.zoom.send(*day(10)[10:])
    page.wait_for_function("document.querySelectorAll('#events tr').length == 4")
    page.goto(f"{page.url}&tail=off")
    assert page.get_attribute("html", "data-stream-url") == ""


def test_what_strangers_type_is_shown_and_never_run(small, visitor):
    small.zoom.send(*day(11))
    small.revision()
    page = visitor(small)
    for path in FOLLOWING:
        page.goto(f"{small.web[0]}{path}")
        page.wait_for_selector("html[data-link=live]")
        assert "<b>bold</b>" in page.inner_text("main"), path


def test_a_held_tail_keeps_its_place_and_counts(small, visitor):
    small.zoom.send(event("meeting.started", 0, uuid="a=="), event("meeting.started", 1, uuid="b=="))
    small.revision()
    page = visitor(small, path="/events/")
    shown = page.locator("#events tr")
    before = shown.evaluate_all("rows => rows.map((row) => row.id)")
    page.get_by_role("switch").uncheck()
    small.zoom.send(event("meeting.started", 2, uuid="c=="), event("meeting.started", 3, uuid="d=="))

    page.get_by_text("2 new events since.").wait_for()
    assert shown.evaluate_all("rows => rows.map((row) => row.id)") == before
    page.get_by_role("button", name="Go on").click()
    page.wait_for_function(f"document.querySelectorAll('#events tr').length == {len(before) + 2}")
    assert page.locator("#paused").is_hidden()


def test_one_click_on_a_cell_filters_by_it_or_excludes_it(small, visitor):
    small.zoom.send(event("meeting.started", 0, uuid="a=="), event("meeting.alert", 1, uuid="b=="))
    small.revision()
    page = visitor(small, path="/events/?late=0")
    row = page.locator("#events tr", has_text="meeting.alert")
    row.hover()
    row.get_by_title("Without this type").click()
    page.wait_for_url("**not_name=meeting.alert**")

    assert "late=0" in page.url
    assert "meeting.alert" not in page.locator("#events").inner_text()
    page.get_by_role("link", name="Remove: Without the types").click()
    page.wait_for_url(lambda url: "not_name" not in url)
    assert "meeting.alert" in page.locator("#events").inner_text()


def test_a_span_is_asked_in_the_readers_zone_and_travels_as_utc(small, visitor):
    page = visitor(small, path="/events/", timezone_id="Asia/Tokyo")
    page.locator("summary", has_text="More filters").click()
    page.fill("#id_since", "2026-04-03T20:00:01")
    page.get_by_role("button", name="Filter", exact=True).click()
    page.wait_for_url("**since=**")

    assert "since=2026-04-03T11%3A00%3A01Z" in page.url
    page.wait_for_function("document.getElementById('id_since').value == '2026-04-03T20:00:01'")


def test_the_page_of_an_event_copies_its_body(small, visitor):
    small.zoom.send(event("meeting.started", 0, uuid="a==", topic="<b>Zoë</b>"))
    small.revision()
    page = visitor(small, path="/events/")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#events tr td a").first.click()
    page.get_by_role("button", name="Copy as JSON").click()
    page.get_by_role("button", name="Copied").wait_for()

    said = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert said["payload"]["object"]["topic"] == "<b>Zoë</b>"
