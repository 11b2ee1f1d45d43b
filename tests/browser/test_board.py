"""The board in its reader's hands: orders, table, search, what the clock alone changes, and what an update touches."""

import time

import pytest
from playwright.sync_api import expect

from tests.browser.test_live import assert_equals_a_fresh_load, settle
from tests.dashboard.test_board import START, after, ended, planned, started, waits
from tests.zoomfeed.test_record import event

CARDS = "#meetings > article"


def now_s():
    """In the seconds of the tests' histories."""
    return int(time.time() - START.timestamp())


def at(seconds):
    return START.fromtimestamp(START.timestamp() + now_s() + seconds, START.tzinfo)


ABOUT = {
    "a": {"id": "83455219078", "topic": "Ärzte-Konferenz"},
    "b": {"id": "91111111111", "topic": "Stand-up"},
    "c": {"id": "92222222222", "topic": "Thesis"},
    "d": {"id": "93333333333", "topic": "Late news"},
}


def comes(uuid, user_id, at_s, name=""):
    who = {"user_id": user_id, "user_name": name or f"P{user_id}", "join_time": after(at_s).isoformat()}
    return event("meeting.participant_joined", at_s, uuid=uuid, participant=who, **ABOUT[uuid])


def many(uuid, size, at_s):
    return [comes(uuid, str(number), at_s) for number in range(size)]


@pytest.fixture
def three(small):
    """Three meetings of different size and age."""
    began = now_s() - 3600
    small.zoom.send(
        started("a", began, **ABOUT["a"]),
        started("b", began + 600, **ABOUT["b"]),
        started("c", began - 600, **ABOUT["c"]),
        *many("a", 2, began),
        *many("b", 3, began + 600),
        comes("c", "1", began, "Zoë Ångström"),
    )
    small.revision()
    return small


def topics(page):
    return page.locator(f"{CARDS}:visible h3").all_inner_texts()


def test_orders_hold_while_meetings_change(three, visitor):
    page = visitor(three)
    assert topics(page) == ["Stand-up", "Ärzte-Konferenz", "Thesis"]
    page.click("#sort >> text=Longest")
    assert topics(page) == ["Thesis", "Ärzte-Konferenz", "Stand-up"]

    three.zoom.send(started("d", now_s() - 3600 - 60, **ABOUT["d"]), *many("c", 9, now_s()))
    expect(page.locator(CARDS)).to_have_count(4)
    settle(page, three)
    assert topics(page) == ["Thesis", "Late news", "Ärzte-Konferenz", "Stand-up"]
    page.click("#sort >> text=Newest")
    assert topics(page) == ["Stand-up", "Ärzte-Konferenz", "Late news", "Thesis"]
    assert_equals_a_fresh_load(page, three)


def test_what_was_chosen_is_in_the_address_and_remembered_and_the_address_wins(three, visitor):
    page = visitor(three)
    page.click("#sort >> text=Newest")
    page.click("#view >> text=Table")
    assert page.url.endswith("/?sort=newest&view=table")

    page.goto(three.web[0])
    expect(page.locator("#now")).to_have_attribute("data-view", "table")
    assert page.url.endswith("/?sort=newest&view=table")
    assert topics(page)[0] == "Stand-up"

    page.goto(f"{three.web[0]}/?sort=longest&view=cards")
    assert topics(page)[0] == "Thesis"
    expect(page.locator("#now")).to_have_attribute("data-view", "cards")
    expect(page.locator("#sort [aria-pressed=true]")).to_have_text("Longest")
    assert_equals_a_fresh_load(page, three)


def test_a_table_is_the_same_cards_in_lines(three, visitor):
    page = visitor(three, path="/?view=table", viewport={"width": 1200, "height": 900})
    boxes = [card.bounding_box() for card in page.locator(CARDS).all()]

    assert len({box["x"] for box in boxes}) == 1
    assert max(box["height"] for box in boxes) < 48
    lefts = page.eval_on_selector_all(f"{CARDS} .by", "hosts => hosts.map((host) => host.getBoundingClientRect().left)")
    assert len(set(lefts)) == 1
    assert page.locator(".columns").is_visible()


FOUND = {
    "arzte": "Ärzte-Konferenz",
    "zoe angstrom": "Thesis",
    "KONFERENZ": "Ärzte-Konferenz",
    "Ångström zoë": "Thesis",
    "834 5521 9078": "Ärzte-Konferenz",
    "stand": "Stand-up",
    "834-5521": "Ärzte-Konferenz",
}


def test_search_finds_whatever_way_it_is_typed(three, visitor):
    page = visitor(three)
    for typed, found in FOUND.items():
        page.fill("#search input", typed)
        expect(page.locator(f"{CARDS}:visible h3")).to_have_text([found], use_inner_text=True)  # drawn a frame later


def test_search_goes_on_while_meetings_change(three, visitor):
    page = visitor(three, path="/?q=zoe")
    assert topics(page) == ["Thesis"]

    three.zoom.send(comes("b", "77", now_s(), "Zoe Other"), *many("a", 5, now_s()))
    expect(page.locator(f"{CARDS}:visible")).to_have_count(2)
    assert sorted(topics(page)) == ["Stand-up", "Thesis"]

    page.fill("#search input", "nobody of that name")
    expect(page.locator("#no-match")).to_be_visible()
    three.zoom.send(comes("b", "78", now_s(), "Nobody of that name"))
    expect(page.locator("#no-match")).to_be_hidden()
    assert topics(page) == ["Stand-up"]


def test_the_title_says_the_state_and_stays_true(three, visitor):
    page = visitor(three)
    expect(page).to_have_title("3 live · Rollcall")

    three.zoom.send(ended("a", now_s()))
    expect(page).to_have_title("2 live · Rollcall")


def test_the_longest_wait_grows_by_the_clock(small, visitor):
    small.zoom.send(started("a", now_s() - 600), waits("a", "1", now_s() - 50, user_name="Bob"))
    small.revision()
    page = visitor(small)

    expect(page.locator("#kpi_waiting time")).to_have_text("1 min", timeout=20_000)


def test_time_alone_makes_a_meeting_overdue_and_a_plan_late(small, visitor):
    small.zoom.send(
        started("a", now_s() - 60 * 60, duration=60, topic="Long"),
        planned("9", at(6)),
    )
    small.revision()
    page = visitor(small)
    expect(page.locator(f"{CARDS} .chip[data-after]")).to_be_visible(timeout=10_000)
    late = page.locator("#upcoming .chip")
    expect(page.locator("#upcoming li")).to_contain_text("Plan 9")
    expect(late).to_be_visible(timeout=10_000)

    small.zoom.send(started("run", now_s(), id="9"))
    expect(page.locator("#upcoming li")).to_have_count(0)
    assert_equals_a_fresh_load(page, small)


def test_an_update_touches_the_cards_that_changed_and_no_other(three, visitor):
    page = visitor(three, path="/?q=e")
    settle(page, three)
    page.evaluate("""() => {
        window.touched = new Set();
        const card = (node) => (node.nodeType === 1 ? node : node.parentElement)?.closest("article");
        const topic = (node) => card(node)?.querySelector("h3").textContent;
        const everything = { subtree: true, childList: true, attributes: true, characterData: true };
        const note = (records) => records.map(({ target }) => topic(target)).forEach((it) => it && touched.add(it));
        new MutationObserver(note).observe(document.getElementById("meetings"), everything);
    }""")
    three.zoom.send(comes("b", "50", now_s(), "One more"))
    page.wait_for_selector(f"{CARDS} .count >> text=4")

    assert page.evaluate("[...touched]") == ["Stand-up"]


def test_the_day_as_a_table_stays_open_while_it_changes(three, visitor):
    page = visitor(three)
    page.click("text=The day as a table")
    newest = page.locator("#day_table tbody tr").first
    expect(newest).to_contain_text("6")
    three.zoom.send(*many("b", 9, now_s()))

    expect(newest).to_contain_text("12", timeout=15_000)
