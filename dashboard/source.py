"""What the hub reads, and the threads it reads in."""

import asyncio
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from django.db import close_old_connections

from dashboard import fragments, visitors
from dashboard.visitors import Visitor
from zoomfeed.models import Head
from zoomfeed.viewer import Viewer

T = TypeVar("T")

THREADS = 4


@dataclass(frozen=True)
class Position:
    """How far the database is, and which database it is."""

    epoch: str
    revision: int


class Source(Protocol):
    """What the hub reads. Synchronous; called in `Threads`."""

    @property
    def too_much(self) -> type[Exception]: ...
    def position(self) -> Position: ...
    def changes(self, viewer: Viewer, stream: str, since: int) -> Any: ...
    def by_the_clock(self, viewer: Viewer, stream: str) -> dict[str, str]: ...
    def feed_status(self) -> dict[str, Any]: ...
    def welcome(self, session_keys: Collection[str]) -> dict[str, Visitor]: ...


class Database:
    """The source of real life."""

    @property
    def too_much(self) -> type[Exception]:
        return fragments.TooMuch

    def position(self) -> Position:
        head, _ = Head.objects.get_or_create(pk=1)
        return Position(str(head.epoch), head.revision)

    def changes(self, viewer: Viewer, stream: str, since: int) -> Any:
        return fragments.changes(viewer, stream, since)

    def by_the_clock(self, viewer: Viewer, stream: str) -> dict[str, str]:
        return fragments.by_the_clock(viewer, stream)

    def feed_status(self) -> dict[str, Any]:
        return fragments.feed_status()

    def welcome(self, session_keys: Collection[str]) -> dict[str, Visitor]:
        return visitors.welcome(session_keys)


class Threads:
    """The hub's own threads for the database: Django's one shared sync thread may be busy with a page."""

    def __init__(self) -> None:
        self.executor = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="hub")

    async def run(self, function: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.executor, _with_connection, function, *args)


def _with_connection(function: Callable[..., T], *args: Any) -> T:
    close_old_connections()
    try:
        return function(*args)
    finally:
        close_old_connections()
