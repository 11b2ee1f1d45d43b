"""The bell: tells the web processes that something is new, and not what.

Nothing that Zoom sent travels through the channel layer. A lost ring costs a few seconds and never truth, because
whoever listens also looks by its own clock; so a layer that is down or slow is no error here.
"""

import asyncio
import logging

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

logger = logging.getLogger(__name__)

GROUP = "live"
"""The one group, joined once by each web process."""

DEADLINE_S = 1.0
"""How long a ring may take before it is given up."""


def notify(revision: int) -> None:
    """Ring: rows up to `revision` are committed. Never raises, and takes a second at most."""
    try:
        async_to_sync(ring)(revision)
    except Exception:
        # protects the commit that has just succeeded: the log must go on without Redis
        logger.warning("could not ring the bell; pages look by their own clock", exc_info=True)


async def ring(revision: int) -> None:
    """Like `notify`, from a coroutine. Raises what the channel layer raises, and TimeoutError."""
    layer = get_channel_layer()
    async with asyncio.timeout(DEADLINE_S):
        await layer.group_send(GROUP, {"type": "rang", "revision": revision})
