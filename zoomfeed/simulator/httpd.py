"""Just enough of an HTTP server: one request per connection, on asyncio streams. What is answered is its owner's."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import Any, NamedTuple
from urllib.parse import urlsplit

MAX_BODY = 16 * 1024
READ_S = 10

Answer = tuple[int, dict[str, str], bytes]
"""Status, headers beyond the usual ones, body."""


class Request(NamedTuple):
    """`path` and `query` as they stood on the request line, still percent-encoded; names of headers in lower case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


class HttpServer:
    """Listens on a port, and again on the same one after it was stopped."""

    def __init__(self, handle: Callable[[Request], Awaitable[Answer]]) -> None:
        self.handle = handle
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port, which is a free one for 0."""
        self._server = await asyncio.start_server(self._accept, host, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Listen no more, and leave whoever waits for an answer without one."""
        self._server.close()
        await asyncio.sleep(0.01)  # who was just being let in is in by then, and is sent away like the others
        while self._connections:
            for task in self._connections:
                task.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(READ_S):
                request = await _read(reader)
            writer.write(_reply(*await self.handle(request)))
            await writer.drain()
        except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # no HTTP, or nobody there any more: there is nobody to answer
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def _read(reader: asyncio.StreamReader) -> Request:
    request, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = request.split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(min(int(headers.get("content-length", "0")), MAX_BODY))
    url = urlsplit(target)
    return Request(method, url.path, url.query, headers, body)


def _reply(status: int, headers: dict[str, str], body: bytes) -> bytes:
    usual = {"Content-Type": "application/json", "Date": formatdate(usegmt=True)}
    lines = {**usual, **headers, "Content-Length": str(len(body)), "Connection": "close"}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} Zoom\r\n{head}\r\n".encode() + body


def as_json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    return status, headers or {}, json.dumps(value).encode()


class Refusal(Exception):
    """An answer that is one of Zoom's errors; `code` is Zoom's own number."""

    def __init__(self, status: int, code: int, message: str) -> None:
        self.answer = as_json({"code": code, "message": message}, status)
        super().__init__(message)
