"""The hub: pages catch up, stay in step, and outlive what fails around them."""

import asyncio
import contextlib
import json
import threading
import time
from types import SimpleNamespace

import pytest
import redis.asyncio
from channels.layers import channel_layers, get_channel_layer

from dashboard import metrics, processes, protocol
from dashboard.hub import Hub
from dashboard.source import Position
from dashboard.streams import Page
from dashboard.visitors import Visitor
from zoomfeed.notify import GROUP, ring
from zoomfeed.viewer import EVERYTHING, Right

SOMEBODY = Visitor("1", EVERYTHING)


class TooMuch(Exception):
    pass


class Rows:
    """A source in memory: items with the revision that last changed them."""

    too_much = TooMuch

    def __init__(self):
        self.items = {}
        self.revision = 0
        self.welcomed = {"session": SOMEBODY}
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

    def changes(self, viewer, stream, since):
        if self.revision - since > 500:
            raise TooMuch
        put = {name: f"<p>{name}</p>" for name, revision in self.items.items() if revision > since}
        return SimpleNamespace(put=put, add=[], delete=[], say="")

    def by_the_clock(self, viewer, stream):
        return self.aging

    def feed_status(self):
        return {"state": "live"}

    def welcome(self, session_keys):
        return {key: self.welcomed[key] for key in session_keys if key in self.welcomed}


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
    await end(hub)


async def test_a_page_gets_what_changed_since_it_was_painted(hub, rows):
    rows.write("a")
    rows.write("b")
    page = Page("board", "session", SOMEBODY)

    await hub.join(page, epoch="epoch", revision=1)

    assert await take(page, "from") == {"from": 1, "to": 2, "put": {"b": "<p>b</p>"}}


async def test_a_crowd_that_comes_back_is_caught_up_together(hub, rows):
    """A thousand pages of a process that was away: what all of them missed is worked out a few times, not for each."""
    asked = {"changes": 0, "welcome": 0}

    def counted(name, call):
        def count(*args):
            asked[name] += 1
            time.sleep(0.01)
            return call(*args)

        return count

    rows.changes, rows.welcome = counted("changes", rows.changes), counted("welcome", rows.welcome)
    rows.write("a")
    pages = [Page("board", "session", SOMEBODY) for _ in range(200)]

    async def come_back(page):
        assert await hub.admit("session", Right.MEETINGS) == SOMEBODY
        await hub.join(page, epoch="epoch", revision=0)

    await asyncio.gather(*map(come_back, pages))

    assert asked["changes"] < 20
    assert asked["welcome"] < 20
    for page in pages:
        assert await take(page, "from") == {"from": 0, "to": 1, "put": {"a": "<p>a</p>"}}


async def test_a_page_that_is_newer_than_what_the_hub_knew_is_not_sent_away(hub, rows):
    rows.write("a")
    await hub.join(Page("board", "session", SOMEBODY), epoch="epoch", revision=1)
    rows.write("b")
    page = Page("board", "session", SOMEBODY)
    await hub.join(page, epoch="epoch", revision=2)

    assert protocol.RESYNC not in list(page.outbox._queue)


async def test_a_page_of_another_database_resyncs(hub):
    page = Page("board", "session", SOMEBODY)

    await hub.join(page, epoch="another", revision=0)

    assert await take(page, "resync")


async def test_a_page_from_the_future_resyncs(hub):
    page = Page("board", "session", SOMEBODY)

    await hub.join(page, epoch="epoch", revision=7)

    assert await take(page, "resync")


async def test_a_frame_that_no_server_would_send_is_a_resync(hub, rows):
    page = Page("board", "session", SOMEBODY)
    await hub.join(page, epoch="epoch", revision=0)
    await take(page, "tick")
    rows.write("x" * protocol.MOST_IN_FRAME)
    hub.rung.set()
    assert await take(page, "resync") == {"resync": True}

    late = Page("board", "session", SOMEBODY)
    await hub.join(late, epoch="epoch", revision=0)
    assert await take(late, "resync") == {"resync": True}


async def test_pages_of_a_stream_that_cannot_be_rendered_look_for_themselves(hub, rows, monkeypatch):
    def broken(stream, since):
        raise RuntimeError("a defect")

    page = Page("board", "session", SOMEBODY)
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
    page = Page("board", "session", SOMEBODY)

    await hub.join(page, epoch="epoch", revision=0)

    assert await take(page, "resync")


async def test_a_ring_reaches_every_page_of_a_stream_as_the_same_text(hub, rows):
    pages = [Page("board", "session", SOMEBODY) for _ in range(3)]
    for page in pages:
        await hub.join(page, epoch="epoch", revision=0)
        await take(page, "tick")
    rows.write("a")

    await hub.threads.run(lambda: None)
    while not any(page.outbox.qsize() for page in pages):
        await ring(rows.revision)
        await asyncio.wait([asyncio.ensure_future(hub.rung.wait())], timeout=0.1)

    frames = [await take(page, "to") for page in pages]
    assert frames[0]["put"] == {"a": "<p>a</p>"}
    assert frames[0] == frames[1] == frames[2]


async def test_a_page_whose_session_ended_is_closed_at_the_next_tick(hub, rows):
    page = Page("board", "session", SOMEBODY)
    rows.welcomed.clear()

    await hub.join(page, epoch="epoch", revision=0)

    assert await take(page, protocol.SESSION_OVER)


async def test_pages_stay_while_the_database_is_away(hub, rows):
    page = Page("board", "session", SOMEBODY)
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
    page = Page("board", "session", SOMEBODY)
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
    first, second = Page("board", "session", SOMEBODY), Page("board", "session", SOMEBODY)
    await hub.join(first, epoch="epoch", revision=1)
    await take(first, "put")
    await hub.join(second, epoch="epoch", revision=1)

    assert (await take(second, "put"))["put"] == {"day": "<p>noon</p>"}


async def test_a_process_with_a_page_says_so_to_the_others_and_rings_nobody(hub, monkeypatch):
    monkeypatch.setattr(processes, "_others", {})
    layer = channel_layers["default"]
    channel = await layer.new_channel()
    await layer.group_add(GROUP, channel)
    await hub.join(Page("board", "session", SOMEBODY), epoch="epoch", revision=0)
    async with asyncio.timeout(5):
        told = await layer.receive(channel)
    hub.rung.clear()
    hub.listener.heard(told | {"name": "web-2:77"})

    assert (told["type"], told["pages"]) == (processes.TYPE, metrics.open_pages())
    assert processes.known(time.monotonic())[-1].name == "web-2:77"
    assert not hub.rung.is_set()


HOSTILE = [
    b"",
    b"\xc1",
    b"<script>alert(1)</script>",
    b"\x81\xa4type",  # a message that breaks off
    b"\xdf\xff\xff\xff\xff",  # one that claims to be four thousand million members
]
FORGED = [
    7,
    ["rang"],
    {},
    {"type": "rang", "revision": "<b>9</b>"},
    {"type": "rang", "revision": 1, "committed_s": "<b>now</b>", "behind_since": "<b>then</b>"},
    {"type": "websocket.send", "text": "<img src=x onerror=alert(1)>"},
    {"type": "websocket.close", "code": 4000},
    {"type": processes.TYPE, "name": {"<b>": 1}, "pages": [], "started_s": {}, "version": None},
]


async def test_what_others_write_into_redis_is_not_ours_and_changes_nothing(rows, settings, redis_url):
    """Whoever can write there can ring; and nothing of what else they write is obeyed, shown or in the way."""
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [redis_url], "prefix": "hostile"},
        }
    }
    channel_layers.backends.clear()
    layer, stranger = get_channel_layer(), redis.asyncio.Redis.from_url(redis_url)
    hub, page = Hub(rows), Page("board", "session", SOMEBODY)
    await hub.join(page, epoch="epoch", revision=0)
    await take(page, "tick")
    for _ in range(250):
        if await stranger.publish(f"hostile__group__{GROUP}", b"is anybody there"):
            break
        await asyncio.sleep(0.02)
    for raw in [*HOSTILE, *map(layer.serialize, FORGED)]:
        await stranger.publish(f"hostile__group__{GROUP}", raw)
    rows.write("a")
    began = time.monotonic()
    await ring(rows.revision)
    frame = await take(page, "to")
    took_s = time.monotonic() - began
    listening = hub.tasks[0]

    assert frame == {"from": 0, "to": 1, "put": {"a": "<p>a</p>"}}
    assert took_s < 1  # rung, and not by its own clock
    assert not listening.done()
    assert hub.behind is None
    assert page.code is None
    await end(hub)
    await layer.flush()
    await stranger.aclose()


async def end(hub):
    tasks = hub.tasks
    hub._stop()
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError):
            await task
    channel_layers.backends.clear()
