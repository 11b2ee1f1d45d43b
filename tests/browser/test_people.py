"""Where is Jane? As somebody at a front desk asks it."""

import re

from tests.browser.test_live import assert_equals_a_fresh_load, day
from tests.zoomfeed.test_record import event, join, leave

JANE = {"user_name": "Jane Döe", "email": "jane@example.org", "participant_user_id": "J"}


def test_people_are_found_as_one_types_and_the_page_follows_what_it_then_shows(product, visitor):
    product.zoom.send(event("meeting.started"), join("1", **JANE), join("2", user_name="Bob"))
    product.revision()
    page = visitor(product, path="/people/")
    page.wait_for_selector("html[data-link=live]")
    assert page.locator("#people-present > li").count() == 2

    page.keyboard.type("DOE")  # the search has the focus when the page comes
    page.wait_for_url(re.compile(r"/people/\?q=DOE$"))
    page.wait_for_selector("#people-present > li:only-child >> text=Jane Döe")
    assert page.input_value("[name=q]") == "DOE"
    page.wait_for_selector("#say >> text=1 person in a meeting, 0 waiting", state="attached")

    product.zoom.send(leave("1", 60, **JANE), join("3", 61, user_name="John Doe"))
    page.wait_for_selector("#people-seen >> text=Jane Döe")
    page.wait_for_selector("#people-present >> text=John Doe")
    assert page.locator("#people-present > li").count() == 1
    assert_equals_a_fresh_load(page, product)

    page.fill("[name=q]", "")
    page.wait_for_url(re.compile(r"/people/$"))
    page.wait_for_selector("#people-present >> text=Bob")
    assert page.is_hidden("#people-before")
    assert_equals_a_fresh_load(page, product)


def test_what_was_typed_last_is_what_is_shown(small, visitor):
    small.zoom.send(*day(13))
    small.revision()
    page = visitor(small, path="/people/")
    page.wait_for_selector("html[data-link=live]")
    for text in ("z", "zo", "nurse", "", "hara"):
        page.fill("[name=q]", text)
        page.press("[name=q]", "Enter")
    page.wait_for_url(re.compile(r"q=hara$"))

    assert_equals_a_fresh_load(page, small)
    assert page.input_value("[name=q]") == "hara"


def test_the_search_works_without_scripts(small, visitor):
    small.zoom.send(event("meeting.started"), join("1", **JANE), join("2", user_name="Bob"))
    small.revision()
    page = visitor(small, path="/people/", java_script_enabled=False)
    page.fill("[name=q]", "jane")
    page.press("[name=q]", "Enter")
    page.wait_for_url(re.compile("q=jane"))

    assert page.locator("#people-present > li").count() == 1
    assert page.locator("#people-present b", has_text="Jane Döe").is_visible()
    assert page.get_attribute("html", "data-link") is None


def test_arrows_lead_through_what_was_found(small, visitor):
    small.zoom.send(event("meeting.started"), join("1", **JANE), join("2", user_name="Bob"))
    small.revision()
    page = visitor(small, path="/people/")
    page.wait_for_selector("html[data-link=live]")
    page.focus("[name=q]")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.closest('li[id]').querySelector('b').textContent") == "Jane Döe"
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.name") == "q"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/meetings/1/")


def test_focus_stays_with_who_is_painted_again(small, visitor):
    small.zoom.send(event("meeting.started"), join("1", participant_uuid="D", **JANE))
    small.revision()
    page = visitor(small, path="/people/")
    page.wait_for_selector("html[data-link=live]")
    page.focus("#people-present a[data-stop]")
    small.zoom.send(join("2", 60, **JANE), join("3", 61, user_name="Bob"))
    page.wait_for_selector("text=2 devices")

    assert page.evaluate("document.activeElement.closest('li[id]').querySelector('b').textContent") == "Jane Döe"
