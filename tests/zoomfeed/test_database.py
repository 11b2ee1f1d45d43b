"""The feed's own thread: one connection that lasts, a new one when it broke, and an end that nothing can hold up."""

import asyncio
import threading
import time

import psycopg
import pytest
from django.db import OperationalError, connection, transaction

from zoomfeed import record, stuck
from zoomfeed.database import Database
from zoomfeed.models import Head

pytestmark = pytest.mark.django_db(transaction=True)

PLACE = ("host", "port", "dbname", "user", "password")


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


async def test_a_process_that_froze_in_the_middle_of_a_question_keeps_no_lock(caplog):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite's lock is the frozen process's own: nobody else can let go of it")
    frozen, database = psycopg.connect(**parameters()), Database()
    await database.run(transaction.atomic(record.lock))  # so that there is a row to lock
    frozen.execute("SELECT 1 FROM zoomfeed_head FOR UPDATE")
    frozen.pgconn.enter_pipeline_mode()
    frozen.pgconn.send_query_params(b"SELECT 1", None)  # and never says that this is all
    frozen.pgconn.flush()
    await asyncio.sleep(stuck.STUCK_S)

    with pytest.raises(OperationalError, match="lock timeout"):
        await database.run(lock_soon)
    await database.run(lock_soon)
    assert "stopped in the middle of a question" in caplog.text
    frozen.close()
    await database.close()


async def test_a_process_that_is_at_work_keeps_its_lock():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite's lock is the other process's own: nobody else can let go of it")
    other, database = psycopg.connect(**parameters()), Database()
    await database.run(transaction.atomic(record.lock))
    other.execute("SELECT 1 FROM zoomfeed_head FOR UPDATE")
    working = asyncio.create_task(asyncio.to_thread(other.execute, "SELECT pg_sleep(6)"))
    await asyncio.sleep(stuck.STUCK_S)

    with pytest.raises(OperationalError, match="lock timeout"):
        await database.run(lock_soon)
    await working
    other.close()
    await database.close()


def parameters():
    return {name: value for name, value in connection.get_connection_params().items() if name in PLACE}


@transaction.atomic
def lock_soon():
    connection.cursor().execute("SET LOCAL lock_timeout = '200ms'")
    record.lock()
