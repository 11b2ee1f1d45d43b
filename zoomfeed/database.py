"""The feed's one thread for the database, with one persistent connection."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

from django.db import close_old_connections, connections

T = TypeVar("T")
Job = tuple["Future[Any]", Callable[[], Any]]


class Database:
    """Runs what talks to the database, one call after the other, away from the event loop.

    The thread is a daemon: a database that hangs in a call must not keep the process from ending.
    """

    def __init__(self) -> None:
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
                _answer(answer, call)
            del job, answer, call  # else the last result lives until the next call
        connections.close_all()


def _answer(answer: "Future[Any]", call: Callable[[], Any]) -> None:
    try:
        _renew_connections()
        answer.set_result(call())
    except BaseException as error:  # noqa: BLE001 - it is raised where the call was made
        answer.set_exception(error)


def _renew_connections() -> None:
    """Open one that broke anew, and keep one that works: CONN_MAX_AGE is for the many threads of a web server."""
    for connection in connections.all(initialized_only=True):
        connection.close_at = None
    close_old_connections()
