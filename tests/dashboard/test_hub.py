"""The hub: pages catch up, stay in step, and outlive what fails around them."""

import asyncio
import contextlib
import json
import threading
from types import SimpleNamespace

import pytest
from channels.layers import channel_layers

from dashboard import protocol
from dashboard.hub import Hub, Page, Position
from zoomfeed.notify import ring


class TooMuch(Exception):
    pass


class Rows:
    """A source in memory: items with the revision that last changed them."""

    too_much = TooMuch

    def __init__(self):
        self.items = {}
        self.revision = 0
        self.welcomed = {"session"}
        self.error = None
        self.aging = {}
        self.failed = threading.Event()

    def write(self, name):
        self.revision += 1
        self.items[name] = self.revision

    def position(self):
        if self.error:
            self.failed.set()
            raise self.error
        return Position("epoch", self.revision)

    def changes(self, stream, since):
        if self.revision - since > 500:
            raise TooMuch
        put = {name: f"<p>{name}</p>" for name, revision in self.items.items() if revision > since}
        return SimpleNamespace(put=put, add=[], delete=[], say="")

    def by_the_clock(self, stream):
        return self.aging

    def feed_status(self):
        return {"state": "live"}

    def welcome(self, session_keys):
        return self.welcomed & set(session_keys)


async def take(page, name):
    """The next frame that has this member."""
    async with asyncio.timeout(5):
        while True:
            item = await page.outbox.get()
            if item == name:
                return item
            if isinstance(item, str) and name in (frame := json.loads(item)):
                return frame


@pytest.fixture
def rows():
    return Rows()


@pytest.fixture
async def hub(rows, settings):
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    channel_layers.backends.clear()
    hub = Hub(rows)
    yield hub
    tasks = hub.tasks
    hub._stop()
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError):
            await task
    channel_layers.backends.clear()


async def test_a_page_gets_what_changed_since_it_was_painted(hub, rows):
    rows.write("a")
    rows.write("b")
    page = Page("board", "session")

    await hub.join(page, epoch="epoch", revision=1)

    assert await take(page, "from") == {"from": 1, "to": 2, "put": {"b": "<p>b</p>"}}


async def test_a_page_of_another_database_resyncs(hub):
    page = Page("board", "session")

    await hub.join(page, epoch="another", revision=0)

    assert await take(page, "resync")


async def test_a_page_from_the_future_resyncs(hub):
    page = Page("board", "session")

    await hub.join(page, epoch="epoch", revision=7)

    assert await take(page, "resync")


async def test_a_frame_that_no_server_would_send_is_a_resync(hub, rows):
    page = Page("board", "session")
    await hub.join(page, epoch="epoch", revision=0)
    await take(page, "tick")
    rows.write("x" * protocol.MOST_IN_FRAME)
    hub.rung.set()
    assert await take(page, "resync") == {"resync": True}

    late = Page("board", "session")
    await hub.join(late, epoch="epoch", revision=0)
    assert await take(late, "resync") == {"resync": True}


async def test_pages_of_a_stream_that_cannot_be_rendered_look_for_themselves(hub, rows, monkeypatch):
    def broken(stream, since):
        raise RuntimeError("a defect")

    page = Page("board", "session")
    await hub.join(page, epoch="epoch", revision=0)
    await take(page, "tick")
    monkeypatch.setattr("dashboard.hub.FAILING_S", 0.2)
    monkeypatch.setattr(rows, "changes", broken)
    rows.write("a")
    for _ in range(4):
        hub.rung.set()
        await asyncio.sleep(0.15)

    assert await take(page, "resync")


async def test_a_page_that_missed_too_much_resyncs(hub, rows):
    rows.revision = 501
    page = Page("board", "session")

    await hub.join(page, epoch="epoch", revision=0)

    assert await take(page, "resync")


async def test_a_ring_reaches_every_page_of_a_stream_as_the_same_text(hub, rows):
    pages = [Page("board", "session") for _ in range(3)]
    for page in pages:
        await hub.join(page, epoch="epoch", revision=0)
        await take(page, "tick")
    rows.write("a")

    await hub.run(lambda: None)
    while not any(page.outbox.qsize() for page in pages):
        await ring(rows.revision)
        await asyncio.wait([asyncio.ensure_future(hub.rung.wait())], timeout=0.1)

    frames = [await take(page, "to") for page in pages]
    assert frames[0]["put"] == {"a": "<p>a</p>"}
    assert frames[0] == frames[1] == frames[2]


async def test_a_page_whose_session_ended_is_closed_at_the_next_tick(hub, rows):
    page = Page("board", "session")
    rows.welcomed.clear()

    await hub.join(page, epoch="epoch", revision=0)

    assert await take(page, protocol.SESSION_OVER)


async def test_pages_stay_while_the_database_is_away(hub, rows):
    page = Page("board", "session")
    await hub.join(page, epoch="epoch", revision=0)
    await take(page, "tick")
    rows.error = OSError("away")
    hub.rung.set()
    assert await asyncio.to_thread(rows.failed.wait, 5)
    rows.error = None
    rows.write("a")
    hub.rung.set()

    assert (await take(page, "to"))["to"] == 1


async def test_what_time_alone_changes_comes_without_a_revision(hub, rows):
    rows.write("a")
    page = Page("board", "session")
    rows.aging = {"day": "<p>morning</p>"}
    await hub.join(page, epoch="epoch", revision=1)

    assert await take(page, "put") == {"from": 1, "to": 1, "put": {"day": "<p>morning</p>"}}
    rows.aging = {"day": "<p>noon</p>", "night": "<p>far</p>"}
    await hub._age()
    await hub._age()
    page.post("end")
    assert await take(page, "put") == {"from": 1, "to": 1, "put": {"day": "<p>noon</p>", "night": "<p>far</p>"}}
    assert await take(page, "end") == "end"


async def test_a_page_that_comes_later_gets_what_has_aged_too(hub, rows):
    rows.write("a")
    rows.aging = {"day": "<p>noon</p>"}
    first, second = Page("board", "session"), Page("board", "session")
    await hub.join(first, epoch="epoch", revision=1)
    await take(first, "put")
    await hub.join(second, epoch="epoch", revision=1)

    assert (await take(second, "put"))["put"] == {"day": "<p>noon</p>"}
