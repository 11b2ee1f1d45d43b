"""The feed's one thread for the database, with one persistent connection."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from django.db import close_old_connections, connections

T = TypeVar("T")


class Database:
    """Runs what talks to the database, one call after the other, away from the event loop."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="feed-database")

    async def run(self, call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        def in_thread() -> T:
            close_old_connections()  # one that broke is opened anew
            return call(*args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._executor, in_thread)

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._executor, connections.close_all)
        self._executor.shutdown(wait=False)
