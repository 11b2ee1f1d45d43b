"""The history as people use it: asked by a form, read by eye, by keyboard, as a table and in a spreadsheet."""

import re

from tests.browser.test_live import day
from tests.product import until

FRIDAY = "/history/?since=2026-03-28&until=2026-04-03"


def counted(product):
    """Until the feed has counted all hours of what it was told."""

    def is_done():
        hours = product.ask("SELECT people, touched, counted FROM zoomfeed_hour")
        return any(people for people, _, _ in hours) and all(touched <= counted for _, touched, counted in hours)

    until(is_done, 60)


def test_the_feed_counts_and_the_page_shows_it(product, visitor):
    product.zoom.send(*day(3))
    product.revision()
    counted(product)
    page = visitor(product, path="/history/")
    page.fill("[name=since]", "2026-03-28")
    page.fill("[name=until]", "2026-04-03")
    page.press("[name=until]", "Enter")
    page.wait_for_url(re.compile("since=2026-03-28&until=2026-04-03"))

    most = product.ask("SELECT max(people) FROM zoomfeed_hour")[0][0]
    sums = dict(zip(page.locator(".sums dt").all_inner_texts(), page.locator(".sums b").all_inner_texts(), strict=True))
    assert sums["Meetings"] == "4"
    assert sums["Most people at once"] == str(most)
    assert page.locator("#meetings tbody tr[id]").count() == 2
    assert page.locator("#week td[data-level='8']").first.is_visible()
    assert "being counted" not in page.inner_text("main")


def test_a_chart_is_read_by_keyboard_and_as_a_table(small, visitor):
    small.zoom.send(*day(4))
    small.revision()
    counted(small)
    page = visitor(small, path=FRIDAY)
    most = small.ask("SELECT max(people) FROM zoomfeed_hour")[0][0]

    page.focus("#peaks")
    page.keyboard.press("End")
    page.wait_for_selector(".readout-tip:visible")
    assert "People at once" in page.inner_text(".readout-tip")

    page.locator("#peaks summary").click()
    column = page.locator("#peaks tbody td:nth-child(2)").all_inner_texts()
    assert max(map(int, column)) == most
    assert len(column) == 7 * 24


def test_meetings_are_found_opened_and_taken_along(small, visitor):
    small.zoom.send(*day(5))
    small.revision()
    page = visitor(small, path=FRIDAY)
    page.fill("[name=topic]", "王")
    page.press("[name=topic]", "Enter")
    page.wait_for_url(re.compile("topic="))
    (row,) = page.locator("#meetings tbody tr[id]").all()
    with page.expect_download() as download:
        page.click("#meetings >> text=CSV")
    assert "王小明 meets" in download.value.path().read_text(encoding="utf-8-sig")

    row.locator("a").click()
    page.wait_for_url(re.compile(r"/meetings/\d+/"))
    assert "王小明 meets" in page.inner_text("h1")


def test_without_scripts_all_of_it_is_there(small, visitor):
    small.zoom.send(*day(6))
    small.revision()
    counted(small)
    page = visitor(small, path=FRIDAY, java_script_enabled=False)
    page.fill("[name=since]", "2026-04-09")
    page.click("text=Show")
    assert "This is before the first day." in page.inner_text("[role=alert]")
    page.fill("[name=since]", "2026-04-03")
    page.click("text=Show")
    assert page.locator("#peaks path.s1").get_attribute("d")
    assert page.locator("#meetings tbody tr[id]").count() == 2
