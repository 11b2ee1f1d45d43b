"""A thousand browsers in one process: as little of a WebSocket client as it takes to count frames and acknowledge."""

import asyncio
import json
import re
import struct
import time

STAMP = re.compile(rb'"at-(\d+)"')
REVISION = re.compile(rb'"to":(\d+)')
ACK_S = 1.0  # as live.js does


class Browser(asyncio.Protocol):
    """Counts the updates that come in; `delays` are those of stamped ones, in seconds."""

    def __init__(self, origin: str, delays: list[float]) -> None:
        self.origin = origin
        self.delays = delays
        self.buffer = b""
        self.is_open = asyncio.get_running_loop().create_future()
        self.updates = 0
        self.last_at = self.acked_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        lines = (
            "GET /ws/live/?revision=0&epoch=epoch HTTP/1.1",
            f"Host: {self.origin.removeprefix('http://')}",
            f"Origin: {self.origin}",
            "Cookie: sessionid=benchmark",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
        )
        transport.write("\r\n".join(lines).encode() + b"\r\n\r\n")

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.is_open.done():
            head, end, rest = self.buffer.partition(b"\r\n\r\n")
            if not end:
                return
            self.is_open.set_result(b" 101 " in head)
            self.buffer = rest
        self._read()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if not self.is_open.done():
            self.is_open.set_result(False)

    def _read(self) -> None:
        buffer, at = self.buffer, 0
        while len(buffer) - at >= 2:
            opcode, length, begins = buffer[at] & 15, buffer[at + 1], at + 2
            if length == 126:
                if len(buffer) - at < 4:
                    break
                length, begins = struct.unpack_from("!H", buffer, at + 2)[0], at + 4
            if len(buffer) < begins + length:
                break
            if opcode == 1:
                self._update(buffer[begins : begins + length])
            at = begins + length
        self.buffer = buffer[at:]

    def _update(self, text: bytes) -> None:
        found = STAMP.search(text, 0, 200)
        if not found:
            return
        now = time.monotonic()
        self.updates += 1
        self.last_at = now
        if (stamp := int(found[1])) > 0:
            self.delays.append(now - stamp / 1e6)
        if now - self.acked_at >= ACK_S and (revision := REVISION.search(text, 0, 60)):
            self.acked_at = now
            self._send(json.dumps({"ack": int(revision[1])}).encode())

    def _send(self, text: bytes) -> None:
        mask = b"\0\0\0\0"  # the least work that the protocol allows
        self.transport.write(bytes([0x81, 0x80 | len(text)]) + mask + text)


async def connect(port: int, count: int, delays: list[float]) -> list[Browser]:
    """So many open browsers. Raises ConnectionRefusedError when the server takes fewer."""
    origin = f"http://127.0.0.1:{port}"
    loop = asyncio.get_running_loop()
    found = []
    for _ in range(count):
        _, browser = await loop.create_connection(lambda: Browser(origin, delays), "127.0.0.1", port)
        if not await asyncio.wait_for(browser.is_open, 30):
            raise ConnectionRefusedError("the server refused a browser")
        found.append(browser)
    return found
