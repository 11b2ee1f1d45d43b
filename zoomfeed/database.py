"""The feed's one thread for the database, with one persistent connection."""

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, DatabaseError, close_old_connections, connections

from zoomfeed import stuck

logger = logging.getLogger(__name__)

T = TypeVar("T")
Job = tuple["Future[Any]", Callable[[], Any]]


class Database:
    """Runs what talks to the database, one call after the other, away from the event loop.

    The thread is a daemon: a database that hangs in a call must not keep the process from ending.

    `lives` grows with each new connection: behind it may be another server than before.
    """

    def __init__(self) -> None:
        self.lives = 0
        self._connection: Any = None
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="feed-database", daemon=True)

    async def run(self, call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        if self._thread.ident is None:
            self._thread.start()
        answer: Future[T] = Future()
        self._jobs.put((answer, lambda: call(*args, **kwargs)))
        return await asyncio.wrap_future(answer)

    async def close(self, within_s: float = 1.0) -> None:
        """Close the connection, unless a call hangs for longer than that."""
        if self._thread.ident is not None:
            self._jobs.put(None)
            await asyncio.to_thread(self._thread.join, within_s)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            answer, call = job
            if answer.set_running_or_notify_cancel():
                self._answer(answer, call)
            del job, answer, call  # else the last result lives until the next call
        connections.close_all()

    def _answer(self, answer: "Future[Any]", call: Callable[[], Any]) -> None:
        try:
            _renew_connections()
            result = call()
        except BaseException as error:  # noqa: BLE001 - it is raised where the call was made
            self._count()
            if stuck.timed_out(error):
                _end_stuck()
            answer.set_exception(error)
        else:
            self._count()
            answer.set_result(result)

    def _count(self) -> None:
        connection = connections[DEFAULT_DB_ALIAS].connection
        if connection is not None and connection is not self._connection:
            self._connection = connection
            self.lives += 1


def _end_stuck() -> None:
    """Free the locks that a frozen process keeps: the caller tries again."""
    try:
        stuck.end()
    except DatabaseError as error:
        logger.warning("could not look who keeps a lock: %r", error)


def _renew_connections() -> None:
    """Open one that broke anew, and keep one that works: CONN_MAX_AGE is for the many threads of a web server."""
    for connection in connections.all(initialized_only=True):
        connection.close_at = None
    close_old_connections()
