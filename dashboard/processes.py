"""Which web processes keep pages in step, as far as this one has heard.

Each tells the others through the channel layer, every few seconds, for as long as a page is open in it. Nothing of that
is stored: a process that ends is forgotten by itself, and one without pages neither tells nor hears.
"""

import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dashboard import metrics
from dashboard.version import version

TYPE = "web.process"
"""Of the messages, so that nobody takes them for a ring of the bell."""

FORGET_S = 15.0
"""Three times as long as between two messages."""

MOST = 50
MOST_CHARS = 100


@dataclass(frozen=True)
class Process:
    """A web process: `name` is its host and process id."""

    name: str
    pages: int
    started_at: datetime
    version: str


_STARTED_S = time.time()
_others: dict[str, tuple[float, Process]] = {}


def _name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def own() -> Process:
    return Process(_name(), metrics.open_pages(), datetime.fromtimestamp(_STARTED_S, UTC), version())


def message() -> dict[str, Any]:
    """What this process tells the others."""
    return {
        "type": TYPE,
        "name": _name(),
        "pages": metrics.open_pages(),
        "started_s": _STARTED_S,
        "version": version(),
    }


def hear(told: Mapping[str, Any], now_s: float) -> None:
    """What another process told, or this one. `now_s` is of any clock that only grows.

    Of names that nobody has heard yet no more are kept than are shown: what comes by Redis is not proven to be ours.

    One of another version may tell it otherwise: then nothing was heard.
    """
    try:
        started_at = datetime.fromtimestamp(told["started_s"], UTC)
        name, version = (str(told[what])[:MOST_CHARS] for what in ("name", "version"))
        process = Process(name, int(told["pages"]), started_at, version)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return
    _forget(now_s)
    if process.name in _others or len(_others) < MOST:
        _others[process.name] = now_s, process


def known(now_s: float) -> list[Process]:
    """This process first, then those that were heard of late."""
    _forget(now_s)
    others = [other for _, other in list(_others.values()) if other.name != _name()]
    return [own(), *sorted(others, key=lambda other: other.name)[: MOST - 1]]


def _forget(now_s: float) -> None:
    for name, (at, _) in list(_others.items()):
        if now_s - at >= FORGET_S:
            _others.pop(name, None)
