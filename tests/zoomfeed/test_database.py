"""The feed's own thread: one connection that lasts, a new one when it broke, and an end that nothing can hold up."""

import asyncio
import threading
import time

import pytest
from django.db import OperationalError, connection

from zoomfeed.database import Database
from zoomfeed.models import Head

pytestmark = pytest.mark.django_db(transaction=True)


def backend():
    Head.objects.exists()
    return id(connection.connection)


async def test_calls_run_one_after_the_other_in_one_thread_with_one_connection():
    database = Database()
    threads = {await database.run(threading.get_ident) for _ in range(5)}
    connections = {await database.run(backend) for _ in range(5)}
    await database.close()

    assert len(threads) == len(connections) == 1


async def test_a_connection_that_broke_is_opened_anew():
    if connection.vendor != "postgresql":
        pytest.skip("nobody else can break a connection to SQLite")
    database = Database()
    first = await database.run(backend)
    with pytest.raises(OperationalError):
        await database.run(lambda: connection.cursor().execute("SELECT pg_terminate_backend(pg_backend_pid())"))

    assert await database.run(backend) != first
    await database.close()


async def test_what_a_call_raises_is_raised_where_it_was_made():
    database = Database()
    with pytest.raises(ZeroDivisionError):
        await database.run(lambda: 1 / 0)
    assert await database.run(lambda: 1) == 1
    await database.close()


async def test_a_call_that_hangs_does_not_hold_up_the_end():
    database = Database()
    go_on = threading.Event()
    hanging = asyncio.ensure_future(database.run(go_on.wait, 30))
    await asyncio.sleep(0.05)
    began = time.monotonic()
    await database.close(within_s=0.1)
    assert time.monotonic() - began < 10
    assert database._thread.daemon

    go_on.set()
    assert await hanging
