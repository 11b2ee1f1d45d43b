"""Answers for machines: does the process live, and is it of use."""

import asyncio

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import DatabaseError, InterfaceError

from dashboard.feed_status import feed_status
from zoomfeed.models import Head

LAYER_DEADLINE_S = 1.0


def readiness() -> dict[str, str]:
    """The state of each part that pages depend on. Says no more than that, for anybody may ask."""
    feed, log = _feed()
    return {"database": _database(), "channel_layer": _channel_layer(), "feed": feed, "log": log}


def is_ready(parts: dict[str, str]) -> bool:
    return parts == {"database": "ok", "channel_layer": "ok", "feed": "live", "log": "ok"}


def _database() -> str:
    try:
        Head.objects.filter(pk=1).exists()
    except (DatabaseError, InterfaceError):
        return "away"
    return "ok"


def _feed() -> tuple[str, str]:
    """The state of the link to Zoom, and whether what came through it is in the log: what the pages say."""
    try:
        told = feed_status()
    except (DatabaseError, InterfaceError):
        return "unknown", "unknown"
    return str(told["state"]), "behind" if told["behind_since"] else "ok"


def _channel_layer() -> str:
    try:
        async_to_sync(_send)()
    except Exception:  # noqa: BLE001 - whatever a layer raises, the answer is the same
        return "away"
    return "ok"


async def _send() -> None:
    """To a group without members: the way through the layer, and nobody disturbed."""
    async with asyncio.timeout(LAYER_DEADLINE_S):
        await get_channel_layer().group_send("readyz", {"type": "ping"})
