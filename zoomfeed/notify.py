"""The bell: tells the web processes that something is new, and not what.

Nothing that Zoom sent travels through the channel layer. A lost ring costs a few seconds and never truth, because
whoever listens also looks by its own clock; so a layer that is down or slow is no error here, and nobody waits for it.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from asgiref.sync import async_to_sync
from channels.layers import InMemoryChannelLayer, get_channel_layer

logger = logging.getLogger(__name__)

GROUP = "live"
"""The one group, joined once by each web process."""

DEADLINE_S = 1.0
"""How long a ring may take before it is given up."""


@dataclass(frozen=True, slots=True)
class Ring:
    """What one ring says; see `ring`."""

    revision: int
    committed_s: float | None = None
    behind_since: datetime | None = None


def heard(message: object) -> Ring | None:
    """The ring that a message of the group is. None for anything else: whoever reaches Redis may write there."""
    if not isinstance(message, Mapping) or message.get("type") != "rang" or type(message.get("revision")) is not int:
        return None
    committed_s, since = message.get("committed_s"), message.get("behind_since")
    if not (committed_s is None or isinstance(committed_s, float)) or not (since is None or isinstance(since, str)):
        return None
    try:
        behind_since = None if since is None else datetime.fromisoformat(since)
    except ValueError:
        return None
    return Ring(message["revision"], committed_s, behind_since)


def notify(revision: int) -> None:
    """Ring: rows up to `revision` are committed. Never raises and never waits for another machine."""
    if isinstance(get_channel_layer(), InMemoryChannelLayer):
        async_to_sync(ring)(revision, committed_s=time.time())  # within this process: there is nothing to wait for
    else:
        Bell.of_this_process().want(revision)


async def ring(revision: int, *, behind_since: datetime | None = None, committed_s: float | None = None) -> None:
    """Like `notify`, from a coroutine. Raises what the channel layer raises, and TimeoutError.

    `behind_since` says that events since then wait for the database, which cannot say so itself;
    `committed_s` is when the rows were committed, in seconds since the epoch, for who measures.
    """
    message: dict[str, object] = {"type": "rang", "revision": revision}
    if committed_s is not None:
        message["committed_s"] = committed_s
    if behind_since is not None:
        message["behind_since"] = behind_since.isoformat()
    async with asyncio.timeout(DEADLINE_S):
        await get_channel_layer().group_send(GROUP, message)


class Bell(threading.Thread):
    """Rings in a thread of its own, the newest revision only: what was wanted meanwhile is said by it, too."""

    _only: "Bell | None" = None
    _making = threading.Lock()

    def __init__(self) -> None:
        super().__init__(name="bell", daemon=True)
        self.revision = 0
        self.committed_s = 0.0
        self.wanted = threading.Event()
        self.is_away = False

    @classmethod
    def of_this_process(cls) -> "Bell":
        with cls._making:
            if cls._only is None or not cls._only.is_alive():
                cls._only = cls()
                cls._only.start()
            return cls._only

    def want(self, revision: int) -> None:
        if not self.wanted.is_set():
            self.committed_s = time.time()  # of the earliest commit that the next ring tells of
        self.revision = max(self.revision, revision)
        self.wanted.set()

    def run(self) -> None:
        with asyncio.Runner() as runner:  # one event loop, and so one connection, for all rings
            while self.wanted.wait():
                self.wanted.clear()
                self._say(runner.run(self._try()))

    async def _try(self) -> Exception | None:
        try:
            await ring(self.revision, committed_s=self.committed_s)
        except Exception as error:  # noqa: BLE001 - whatever a layer raises, the log goes on without it
            return error
        return None

    def _say(self, error: Exception | None) -> None:
        """Once when the layer goes away, and once when it is back."""
        if error is not None and not self.is_away:
            logger.warning("could not ring the bell, pages look by their own clock: %r", error)
        if error is None and self.is_away:
            logger.warning("the bell rings again")
        self.is_away = error is not None
