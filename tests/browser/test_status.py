"""The status page, open for hours on a second screen: it follows by itself, across web processes."""

from tests.browser.test_live import day


def fact(page, part, name):
    section = page.locator(".part", has=page.locator("h2", has_text=part))
    return section.locator("dl > div", has=page.locator("dt", has_text=name)).locator("dd").first


def test_a_feed_that_is_refused_is_told_with_what_to_do(product, visitor):
    page = visitor(product, path="/status/")
    page.wait_for_selector(".part:has(h2:text-is('Zoom socket')) .chip:text-is('Live')", timeout=15_000)
    product.zoom.faults.verdict = "Invalid Token"
    product.zoom.call(product.zoom.zoom.drop())

    page.wait_for_selector(".part:has(h2:text-is('Zoom socket')) .chip:text-is('Refused')", timeout=30_000)
    page.wait_for_selector("#verdict .chip:has-text('Needs you')", timeout=10_000)
    assert page.locator(".part", has_text="Zoom socket").locator("p", has_text="To do:").count() == 1


def test_what_the_connection_knows_is_told(small, visitor):
    small.zoom.send(*day(1)[:30])
    small.revision()
    page = visitor(small, path="/status/")
    page.wait_for_function("document.querySelector('#links time[data-ago]').textContent.endsWith(' ago')")

    for name in ("Last heartbeat answered", "Token issued", "Last frame"):
        fact(page, "Zoom socket", name).wait_for(timeout=15_000)
    assert fact(page, "Log", "Events within the hour").inner_text() in map(str, range(30, 100))
    assert fact(page, "Log", "From Zoom to us, median").inner_text()


def test_pages_of_every_web_process_are_counted(product, visitor):
    pages = [visitor(product, address, path="/status/") for address in product.web]
    for page in pages:
        page.wait_for_function(
            """(number) => [...document.querySelectorAll(".part dl div")].some((line) =>
                line.firstElementChild.textContent === "Open pages" && line.lastElementChild.textContent === number)""",
            arg=str(len(pages)),
            timeout=25_000,
        )
