"""The way that Channels' tutorial shows: every browser joins the group, and each message visits every consumer."""

import asyncio
import json
import os

import django

django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402
from channels.layers import get_channel_layer  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import path  # noqa: E402

CARD = "<article>" + "x" * 1000 + "</article>"
FLOOD = int(os.environ["BENCHMARK_FLOOD"])


class Consumer(AsyncWebsocketConsumer):
    async def connect(self) -> None:
        await self.channel_layer.group_add("live", self.channel_name)
        await self.accept()

    async def said(self, message: dict[str, str]) -> None:
        await self.send(text_data=message["text"])


async def say(stamp: str) -> None:
    text = json.dumps({"from": 0, "to": 1, "put": {f"at-{stamp}": CARD}})
    await get_channel_layer().group_send("live", {"type": "said", "text": text})


async def flood() -> None:
    for _ in range(FLOOD):
        await say("0")
        await asyncio.sleep(0)


async def control(scope: dict[str, str], _receive: object, send: object) -> None:
    stamp = scope["path"].rpartition("/")[2]
    if stamp == "flood":
        control.task = asyncio.create_task(flood())  # type: ignore[attr-defined]
    else:
        await say(stamp)
    await send({"type": "http.response.start", "status": 204, "headers": []})  # type: ignore[operator]
    await send({"type": "http.response.body", "body": b""})  # type: ignore[operator]


application = ProtocolTypeRouter({"http": control, "websocket": URLRouter([path("ws/live/", Consumer.as_asgi())])})
