"""The writer against a real database that is locked, refuses, or comes back, and a real spool."""

import asyncio
import json
import sqlite3
import time
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.db import OperationalError

from tests.zoomfeed.conftest import ask, until
from tests.zoomfeed.test_record import join
from zoomfeed import lease, metrics
from zoomfeed import writer as writing
from zoomfeed.database import Database
from zoomfeed.models import Event, Feed, RejectedFrame
from zoomfeed.record import Incoming
from zoomfeed.spool import Spool
from zoomfeed.writer import Writer

pytestmark = pytest.mark.django_db(transaction=True)


def incoming(number):
    return Incoming(join(str(number)), datetime.now(UTC))


def logged():
    """The ids in the order of the log."""
    bodies = Event.objects.order_by("pk").values_list("body", flat=True)
    return [int(json.loads(bytes(body))["payload"]["object"]["participant"]["user_id"]) for body in bodies]


@asynccontextmanager
async def writer(folder, most_bytes=2**20):
    database = Database()
    made = Writer(database, Spool(folder, "s", most_bytes))
    task = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        made.finish()
        async with asyncio.timeout(20):
            await task
        await database.close()


class Away:
    """A database that refuses to record, until told otherwise."""

    def __init__(self, monkeypatch):
        self.is_away = True
        self.tries = 0
        self.record = writing.record
        monkeypatch.setattr(writing, "record", self)

    def __call__(self, batch, fence=None):
        self.tries += 1
        if self.is_away:
            raise OperationalError("away")
        return self.record(batch, fence=fence)


async def spooled(made, number):
    ends = time.monotonic() + 10
    while len(made.spool) < number:
        assert time.monotonic() < ends
        await asyncio.sleep(0.01)


async def test_everything_is_logged_in_order(spool, monkeypatch):
    monkeypatch.setattr(writing, "PATIENCE_S", 60)  # however slow the machine, its database is not away
    async with writer(spool) as made:
        for number in range(2500):
            await made.take(incoming(number))
        await made.settled(10)

    assert await ask(logged) == list(range(2500))
    assert not spool.exists()


async def test_while_the_database_is_away_events_are_on_the_disk_and_then_in_the_log_in_order(spool, monkeypatch):
    away = Away(monkeypatch)
    async with writer(spool) as made:
        for number in range(1500):
            await made.take(incoming(number))
        await spooled(made, 1500)
        assert made.behind_since
        assert made.behind == 1500
        away.is_away = False
        await made.settled(10)

        assert made.behind_since is None
        assert await ask(logged) == list(range(1500))


async def test_what_the_database_did_not_take_before_the_end_is_entered_by_the_next_start(spool, monkeypatch):
    away = Away(monkeypatch)
    async with writer(spool) as made:
        for number in range(10):
            await made.take(incoming(number))
    assert await ask(logged) == []

    away.is_away = False
    async with writer(spool):
        await until(lambda: Event.objects.count() == 10)

    assert await ask(logged) == list(range(10))
    assert list(spool.glob("*.spool")) == []


async def test_a_database_that_hangs_in_a_commit_keeps_nothing_in_memory_only(spool):
    if "sqlite" not in settings.DATABASES["default"]["ENGINE"]:
        pytest.skip("SQLite has one lock for all; PostgreSQL is stopped in the fault tests")
    with closing(sqlite3.connect(settings.DATABASES["default"]["TEST"]["NAME"], isolation_level=None)) as other:
        async with writer(spool) as made:
            other.execute("BEGIN IMMEDIATE")
            for number in range(50):
                await made.take(incoming(number))
            await spooled(made, 50)
            assert len(made._waiting) == 0
            other.execute("ROLLBACK")
            await made.settled(10)

    assert sorted(await ask(logged)) == list(range(50))


async def test_a_full_spool_leaves_what_fits_in_memory_and_then_counts_what_is_lost(spool, monkeypatch):
    monkeypatch.setattr(writing, "MOST_WAITING", 20)
    away = Away(monkeypatch)
    before = metrics.FEED.get_sample_value("rollcall_lost_events_total", {"cause": "spool_full"}) or 0
    async with writer(spool, most_bytes=2000) as made:
        for number in range(200):
            await made.take(incoming(number))
        kept = made.behind
        assert made.loss
        assert made.loss.events == 200 - kept
        assert kept > 20
        away.is_away = False
        await until(lambda: Event.objects.count() == kept)

    lost = metrics.FEED.get_sample_value("rollcall_lost_events_total", {"cause": "spool_full"}) - before
    assert lost == 200 - kept
    assert sorted(await ask(logged)) == list(range(kept))


async def test_the_reader_waits_for_memory_but_never_for_the_database(spool, monkeypatch):
    monkeypatch.setattr(writing, "MOST_WAITING", 5)
    Away(monkeypatch)
    async with writer(spool) as made:
        async with asyncio.timeout(20):
            for number in range(100):
                await made.take(incoming(number))
        await spooled(made, 90)


async def test_a_holder_that_lost_its_lease_hears_of_it_and_its_events_enter_as_a_late_comers(spool):
    held = await ask(lambda: lease.acquire("s", "me", simulated=True))
    await ask(lambda: Feed.objects.update(fence=held[1] + 1))
    async with writer(spool) as made:
        made.fence = held
        await made.take(incoming(1))
        async with asyncio.timeout(5):
            await made.lease_lost.wait()
        await until(Event.objects.exists)

        assert made.fence is None


async def test_a_body_that_breaks_record_itself_is_kept_and_stops_nothing(spool, monkeypatch):
    record = writing.record

    def breaking(batch, fence=None):
        if any(b'"13"' in item.body and not item.rejected for item in batch):
            raise RuntimeError("a defect, and somebody's name")
        return record(batch, fence=fence)

    monkeypatch.setattr(writing, "record", breaking)
    async with writer(spool) as made:
        for number in range(20):
            await made.take(incoming(number))
        await made.settled(10)

    assert await ask(logged) == [number for number in range(20) if number != 13]
    kept = await ask(RejectedFrame.objects.get)
    assert b'"13"' in bytes(kept.raw)
    assert "RuntimeError" in kept.reason
    assert "name" not in kept.reason


async def test_files_of_a_process_that_died_are_entered(spool, monkeypatch):
    from zoomfeed.spool import Entry

    left = Spool(spool, "s")
    left.append([Entry(join("7"), 1775235987.5, "websocket")])
    left.close()
    async with writer(spool):
        event = await until(Event.objects.first)

    assert event.received_at == datetime.fromtimestamp(1775235987.5, UTC)
