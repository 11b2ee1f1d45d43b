"""What a web process hears on the channel layer: rings of the feed, and the other processes.

A layer may be away, and may forget its members: neither costs more than the seconds until the next look.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from channels.layers import get_channel_layer

from dashboard import processes
from zoomfeed.notify import GROUP, Ring, heard

logger = logging.getLogger(__name__)

JOIN_S = 5.0
"""How often to join the group again, and to say that this process is there."""

DEADLINE_S = 2.0


class Listener:
    """The one member of the group in this process; `on_ring` is called for each ring."""

    def __init__(self, on_ring: Callable[[Ring], None], clock: Callable[[], float] = time.monotonic) -> None:
        self.on_ring = on_ring
        self.clock = clock

    async def listen(self) -> None:
        """Turn rings into wake-ups, for as long as the layer lasts; then begin again."""
        while True:
            try:
                await self._join_and_hear()
            except Exception as error:  # noqa: BLE001 - protects the pages from whatever a layer raises
                logger.warning("the channel layer is away (%s); pages follow the hub's own clock", error)
            await asyncio.sleep(1)

    async def _join_and_hear(self) -> None:
        layer = get_channel_layer()
        channel = await layer.new_channel()
        joined_at = float("-inf")
        receiving = asyncio.ensure_future(layer.receive(channel))
        try:
            while True:
                if self.clock() - joined_at >= JOIN_S:
                    async with asyncio.timeout(DEADLINE_S):
                        await layer.group_add(GROUP, channel)
                        await layer.group_send(GROUP, processes.message())
                    joined_at = self.clock()
                await asyncio.wait([receiving], timeout=JOIN_S)
                if receiving.done():
                    with contextlib.suppress(ValueError):  # no message of any layer of ours
                        self.heard(receiving.result())
                    receiving = asyncio.ensure_future(layer.receive(channel))
        finally:
            receiving.cancel()
            with contextlib.suppress(Exception, asyncio.CancelledError):
                await receiving
            with contextlib.suppress(Exception):
                async with asyncio.timeout(DEADLINE_S):
                    await layer.group_discard(GROUP, channel)

    def heard(self, message: object) -> None:
        """A ring says that something is new, or that it cannot be written; other processes say who they are.

        Anything else is none of ours, and nothing that comes this way is ever shown to a page as markup.
        """
        if isinstance(message, dict) and message.get("type") == processes.TYPE:
            processes.hear(message, time.monotonic())
        elif ring := heard(message):
            self.on_ring(ring)
