"""Take the README's screenshots of the running product: `python -m tests.screenshots`.

The simulated Zoom tells a day that has been going on for hours, so that the board looks as it does at work.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browsers import find_chromium
from tests.product import ROOT, Product, embedded, until
from zoomfeed.simulator.day import generate
from zoomfeed.simulator.script import Dispatch

SEED = 11
SIZE = {"width": 1440, "height": 900}
TOLD_WITHIN_S = 600

LIVELY = """
    SELECT meeting.id FROM zoomfeed_meeting AS meeting JOIN zoomfeed_leg AS leg ON leg.meeting_id = meeting.id
    WHERE meeting.ended_at IS NULL AND meeting.present BETWEEN 5 AND 30
    GROUP BY meeting.id ORDER BY count(DISTINCT leg.place) DESC, meeting.people DESC LIMIT 1
"""
"""The meeting in which most sorts of things happen, and everybody fits on the picture."""


def told_so_far(now: datetime) -> list[Dispatch]:
    """Yesterday afternoon, and today until now; what is on has not ended, and what comes next has been planned."""
    yesterday = generate(SEED, now - timedelta(hours=26), meetings=45, hours=10)
    today = generate(SEED + 1, now - timedelta(hours=8), meetings=110, hours=10)
    dispatches = sorted([*yesterday.dispatches, *today.dispatches])
    return [one for one in dispatches if one.at_ms <= now.timestamp() * 1000]


def tell(product: Product, dispatches: list[Dispatch]) -> None:
    product.zoom.send(*(one.body for one in dispatches))
    sent = len(set(product.zoom.zoom.ledger))
    brought = "SELECT count(*) FROM zoomfeed_event WHERE transport <> 'rest'"
    until(lambda: product.ask(brought) == [(sent,)], TOLD_WITHIN_S)


def where_it_is_afternoon(now: datetime) -> str:
    """The zone in which it is two o'clock or so, whenever the pictures are taken: a day is in full swing then."""
    return f"Etc/GMT{now.hour - 14:+d}"  # in these names + is west


@contextmanager
def visit(product: Product, scheme: str, zone: str) -> Iterator[Page]:
    """A browser of signed-in staff."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        context = browser.new_context(
            viewport=SIZE, color_scheme=scheme, locale="en-GB", timezone_id=zone, reduced_motion="reduce"
        )
        page = context.new_page()
        page.goto(f"{product.web[0]}/login/")
        page.fill("[name=username]", product.user)
        page.fill("[name=password]", product.password)
        page.click("button.primary")
        page.wait_for_url(f"{product.web[0]}/")
        yield page
        browser.close()


def take(page: Page, address: str, name: str) -> None:
    page.goto(address)
    page.wait_for_selector("html[data-link=live]")
    page.evaluate("document.fonts.ready")
    page.screenshot(path=ROOT / "docs" / name)
    print(f"docs/{name}")


def main() -> None:
    now = datetime.now(UTC)
    zone = where_it_is_afternoon(now)
    with tempfile.TemporaryDirectory(prefix="rollcall-") as folder, embedded(Path(folder), TIME_ZONE=zone) as product:
        tell(product, told_so_far(now))
        [(lively,)] = product.ask(LIVELY)
        with visit(product, "light", zone) as page:
            take(page, f"{product.web[0]}/", "board-light.png")
            take(page, f"{product.web[0]}/people/", "people-light.png")
        with visit(product, "dark", zone) as page:
            take(page, f"{product.web[0]}/meetings/{lively}/", "meeting-dark.png")


if __name__ == "__main__":
    main()
