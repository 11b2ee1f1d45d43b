"""The page of one meeting as people use it: a webinar of hundreds, somebody to find, events that wait."""

import csv
import io
import itertools
import json
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.test_live import assert_equals_a_fresh_load, day
from tests.zoomfeed.test_record import event

ABOUT = {"uuid": "webinar==", "id": "92345678901", "topic": "Open day"}
CROWD = 250
HOSTILE = ["محمد الحسن", "田中 由紀", "👩‍⚕️ Nurse", "x" * 200, "<img src=x onerror=alert(1)>", "invoice\u202efdp.exe"]


def at(seconds):
    return f"2026-04-03T17:{seconds // 60:02}:{seconds % 60:02}Z"


def told(name, user_id, seconds, **person):
    who = {"user_id": str(user_id), "participant_uuid": f"D{user_id}", **person}
    body = json.loads(event(f"webinar.{name}", seconds, **ABOUT))
    body["payload"]["object"]["participant"] = who
    return json.dumps(body).encode()


def joins(user_id, seconds, name=""):
    return told("participant_joined", user_id, seconds, user_name=name or f"Guest {user_id}", join_time=at(seconds))


def leaves(user_id, seconds):
    return told("participant_left", user_id, seconds, user_name=f"Guest {user_id}", leave_time=at(seconds))


@pytest.fixture
def webinar(small, visitor):
    """A page of the first hundred of a webinar of hundreds."""
    small.zoom.send(event("webinar.started", 0, **ABOUT), *(joins(number, number) for number in range(CROWD)))
    small.revision()
    page = visitor(small, path="/meetings/1/")
    page.wait_for_selector("html[data-link=live]")
    return page


def rows(page, section="present"):
    return page.locator(f"#{section} > li").count()


def has_rows(page, section, count):
    expect(page.locator(f"#{section} > li")).to_have_count(count, timeout=10_000)


def test_a_webinar_is_painted_by_the_hundred_and_goes_on_when_asked(small, webinar):
    assert rows(webinar) == 100
    assert f"The first 100 of {CROWD} are shown" in webinar.inner_text("#present_more")

    ask = "#present_more >> text=Show"  # told by script: to go there with a pointer is to scroll, which asks by itself
    webinar.dispatch_event(f"{ask} more", "click")
    has_rows(webinar, "present", 200)
    webinar.dispatch_event(f"{ask} all", "click")
    has_rows(webinar, "present", CROWD)
    assert webinar.is_hidden("#present_more")
    assert "rows=all" in webinar.url
    webinar.wait_for_selector("html[data-link=live]")
    small.zoom.send(joins(900, 400, "Late"))
    has_rows(webinar, "present", CROWD + 1)
    assert_equals_a_fresh_load(webinar, small)


def test_who_scrolls_to_the_end_of_a_list_reads_on(webinar):
    webinar.mouse.wheel(0, 200_000)
    webinar.wait_for_timeout(50)
    webinar.mouse.wheel(0, 200_000)
    has_rows(webinar, "present", 200)


def test_what_moves_up_into_sight_is_there_and_the_page_equals_a_fresh_one(small, webinar):
    small.zoom.send(*(leaves(number, 600 + number) for number in range(0, 60, 2)))
    has_rows(webinar, "left", 30)

    assert rows(webinar) == 100
    assert webinar.locator("#present > li >> text=Guest 129").count() == 1
    assert_equals_a_fresh_load(webinar, small)


def test_who_is_out_of_sight_is_counted_and_not_drawn(small, webinar):
    small.zoom.send(joins(900, 400, "Late"))
    expect(webinar.locator("#present_count")).to_have_text(str(CROWD + 1), timeout=10_000)

    assert rows(webinar) == 100
    assert_equals_a_fresh_load(webinar, small)


def test_a_person_is_found_while_typing_and_stays_found(small, webinar):
    webinar.locator("#filter input[type=search]").press_sequentially("guest 24", delay=20)
    has_rows(webinar, "present", 13)
    assert f"13 of {CROWD}" in webinar.inner_text("#present-heading")
    assert re.search(r"[?&]q=guest[+%]", webinar.url)
    assert webinar.evaluate("document.activeElement.name") == "q"

    webinar.wait_for_selector("html[data-link=live]")
    small.zoom.send(joins(2400, 400), joins(901, 401, "Stranger"), leaves(241, 402))
    webinar.wait_for_selector("#left > li >> text=Guest 241")
    assert rows(webinar) == 13
    assert_equals_a_fresh_load(webinar, small)

    webinar.fill("#filter input[type=search]", "nobody at all")
    webinar.wait_for_selector("#found:visible")
    webinar.fill("#filter input[type=search]", "")
    has_rows(webinar, "present", 100)


def test_a_webinar_can_be_read_without_scripts(small, visitor):
    small.zoom.send(*(joins(number, number) for number in range(CROWD)))
    small.revision()
    page = visitor(small, path="/meetings/1/", java_script_enabled=False)
    page.click("#present_more >> text=Show all")
    assert rows(page) == CROWD
    page.fill("#filter input[type=search]", "guest 249")
    page.press("#filter input[type=search]", "Enter")
    page.wait_for_url(re.compile("q=guest"))
    assert rows(page) == 1
    assert page.is_hidden("#follow")


def test_events_that_are_held_keep_their_place_and_say_how_many_came(small, webinar):
    first = webinar.inner_text("#meeting-events li >> nth=0")
    webinar.click(".switch")
    webinar.eval_on_selector("#meeting-events", "(list) => { list.scrollTop = 300; }")
    small.zoom.send(joins(900, 400), joins(901, 401), joins(902, 402))
    webinar.wait_for_selector("#came >> text=3 new")

    assert webinar.inner_text("#meeting-events li >> nth=0") == first
    assert webinar.eval_on_selector("#meeting-events", "(list) => list.scrollTop") == 300

    webinar.click("#came")
    assert webinar.is_checked("#follow")
    assert "Guest 902" in webinar.inner_text("#meeting-events li >> nth=0")
    assert_equals_a_fresh_load(webinar, small)


def test_bars_tell_their_times_in_the_zone_of_whoever_looks(small, visitor):
    small.zoom.send(*(joins(number, 60) for number in range(3)), leaves(0, 1860))
    small.revision()
    page = visitor(small, path="/meetings/1/", timezone_id="Asia/Kathmandu", locale="en-GB")
    page.wait_for_selector("html[data-link=live]")

    said = page.locator("#left rect > title").all_text_contents()
    assert said == ["22:46–23:16, in the meeting"]
    assert page.locator("#present rect > title").first.text_content().startswith("since 22:46, ")


def test_attendance_is_downloaded(small, visitor):
    small.zoom.send(*(joins(number, number, name) for number, name in enumerate([*HOSTILE, "=1+1"])))
    small.revision()
    page = visitor(small, path="/meetings/1/")
    page.click("text=Attendance >> nth=0")
    with page.expect_download() as download:
        page.click("text=People as CSV")
    text = download.value.path().read_text(encoding="utf-8-sig")
    names = [row["Name"] for row in csv.DictReader(io.StringIO(text))]
    assert names == [*HOSTILE[:5], "invoicefdp.exe", "'=1+1"]

    with page.expect_download() as download:
        page.click("text=Spreadsheet (XLSX)")
    assert re.fullmatch(r"attendance-Open-day-92345678901-[\d-]+\.xlsx", download.value.suggested_filename)
    assert download.value.path().read_bytes().startswith(b"PK")


def test_strangers_names_neither_run_nor_break_the_page(small, visitor):
    bodies = [joins(number, number, name) for number, name in enumerate(HOSTILE)]
    small.zoom.send(*bodies, *day(13)[:20], leaves(0, 600))
    small.revision()
    page = visitor(small, path="/meetings/1/", bypass_csp=True)
    for scheme, width in itertools.product(("light", "dark"), (360, 1440)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 800})
        page.reload()
        page.wait_for_selector("html[data-link=live]")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert "<img src=x onerror=alert(1)>" in page.inner_text("#present")
        assert "\u202e" not in page.content()
        found = Axe().run(page).response["violations"]
        assert [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found] == [], (scheme, width)
