"""What was committed of late is entered again when the database no longer has it."""

import asyncio
import threading
import time
import uuid

import pytest
from django.db import connection

from tests.zoomfeed.conftest import ask
from tests.zoomfeed.test_writer import incoming, logged, writer
from zoomfeed.models import Event, Head, RejectedFrame
from zoomfeed.recent import KEPT_S, MOST_KEPT, Recent, forgotten
from zoomfeed.record import Incoming, record

pytestmark = pytest.mark.django_db(transaction=True)


def epoch():
    return Head.objects.get(pk=1).epoch


def frame(text):
    return Incoming(text, incoming(0).received_at, rejected="nonsense")


def test_it_knows_the_last_minutes_and_no_more():
    recent = Recent()
    recent.add(["a"], 0.0)
    recent.add(["b"], KEPT_S)
    assert recent.items() == ["a", "b"]

    recent.add(["c"], KEPT_S + 1)
    assert recent.items() == ["b", "c"]


def test_it_stays_small_in_a_flood():
    recent = Recent()
    recent.add(range(MOST_KEPT + 5), 0.0)

    assert recent.items() == list(range(5, MOST_KEPT + 5))


def test_a_database_that_has_everything_stays_the_one_that_it_is():
    items = [incoming(1), frame(b"?"), Incoming(b"[1]", incoming(0).received_at)]
    record(items)
    before = epoch()

    assert forgotten(items) == []
    assert epoch() == before


def test_a_database_that_has_lost_something_is_another_one():
    items = [incoming(1), incoming(2), frame(b"?"), frame(b"!")]
    record(items)
    before = epoch()
    Event.objects.first().delete()
    RejectedFrame.objects.first().delete()

    assert forgotten(items) == [items[0], items[2]]
    assert epoch() != before
    assert isinstance(epoch(), uuid.UUID)


def test_many_are_looked_up_in_parts():
    items = [incoming(number) for number in range(2500)]
    record(items[:2000])

    assert forgotten(items) == items[2000:]


def lose(number):
    """What an older copy of the database would not have; and its connection ends."""
    last = Event.objects.order_by("-pk").values_list("pk", flat=True)[:number]
    Event.objects.filter(pk__in=list(last)).delete()
    connection.close()


async def test_after_a_new_connection_the_writer_enters_what_is_gone(spool):
    async with writer(spool) as made:
        for number in range(20):
            await made.take(incoming(number))
        await made.settled(10)
        await made.database.run(lose, 5)
        await made.take(incoming(20))
        await made.settled(10)

    assert sorted(await ask(logged)) == list(range(21))


async def test_a_connection_that_lasts_is_not_asked_again(spool, monkeypatch):
    asked = []
    monkeypatch.setattr("zoomfeed.writer.forgotten", lambda items: asked.append(len(items)) or [])
    async with writer(spool) as made:
        for number in range(20):
            await made.take(incoming(number))
            await made.settled(10)

    assert len(asked) == 1


async def test_a_writer_that_is_told_to_finish_while_it_asks_does_so(spool, monkeypatch):
    asked = threading.Event()
    monkeypatch.setattr("zoomfeed.writer.forgotten", lambda items: asked.set() or time.sleep(0.3) or [])
    async with writer(spool) as made:  # which gives it 20 s to end
        await made.take(incoming(1))
        assert await asyncio.to_thread(asked.wait, 10)
