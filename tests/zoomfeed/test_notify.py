"""The bell: what is a ring, of all that may come through the channel layer."""

from datetime import UTC, datetime

import pytest
from channels.layers import channel_layers

from zoomfeed.notify import GROUP, Ring, heard, ring

SINCE = datetime(2026, 4, 3, 12, 0, tzinfo=UTC)


async def test_what_is_rung_is_heard(settings):
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    channel_layers.backends.clear()
    layer = channel_layers["default"]
    channel = await layer.new_channel()
    await layer.group_add(GROUP, channel)
    await ring(7)
    await ring(8, committed_s=1.5, behind_since=SINCE)

    assert [heard(await layer.receive(channel)) for _ in range(2)] == [Ring(7), Ring(8, 1.5, SINCE)]
    channel_layers.backends.clear()


RUNG = {"type": "rang", "revision": 7}


@pytest.mark.parametrize(
    "message",
    [
        None,
        7,
        "rang",
        b"rang",
        [RUNG],
        {},
        {"type": "rang"},
        {"revision": 7},
        RUNG | {"type": ["rang"]},
        RUNG | {"type": "websocket.send", "text": "<script>alert(1)</script>"},
        RUNG | {"revision": "7"},
        RUNG | {"revision": True},
        RUNG | {"revision": 7.5},
        RUNG | {"committed_s": "now"},
        RUNG | {"committed_s": {}},
        RUNG | {"behind_since": 7},
        RUNG | {"behind_since": "<img src=x onerror=alert(1)>"},
    ],
)
def test_anything_else_is_not(message):
    assert heard(message) is None
