"""A TCP proxy that can be slow, silent, rude or away, between any two parts that talk.

It runs in a thread with an event loop of its own. Its switches may be set from any thread at any time, and hold for
the connections that are open as well as for those to come.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from typing import Self

CHUNK = 64 * 1024
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with no time to linger: the kernel says goodbye with RST."""


class Proxy:
    """Listens on `port` of this machine and passes on to `target`, (host, port)."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.delay_s = 0.0
        self.bytes_per_s = 0
        self.slice_bytes = 0
        self.accepted = 0
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._passing = asyncio.Event()

    def __enter__(self) -> Self:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True, name="proxy")
        self.thread.start()
        self.port = 0
        self._passing.set()
        self._call(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
        self.loop.close()

    # What goes wrong

    def heal(self) -> None:
        """Pass on as a wire does."""
        self.delay_s, self.bytes_per_s, self.slice_bytes = 0.0, 0, 0
        self.pass_on()
        self.accept()

    def swallow(self) -> None:
        """A black hole: nothing comes through any more, not even an end."""
        self.loop.call_soon_threadsafe(self._passing.clear)

    def pass_on(self) -> None:
        """The hole has ended, and what is in flight arrives."""
        self.loop.call_soon_threadsafe(self._passing.set)

    def refuse(self) -> None:
        """Nobody listens any more. What is open stays open."""
        self._call(self._deafen())

    def accept(self) -> None:
        """Listen again, at the same port."""
        self._call(self._listen())

    def reset(self) -> None:
        """End everything that is open with RST."""
        self._call(self._end(rudely=True))

    def cut(self) -> None:
        """End everything that is open with FIN."""
        self._call(self._end(rudely=False))

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._open) // 2

    # In its own thread

    def _call(self, coroutine) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    _server: asyncio.Server | None = None

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _deafen(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _close(self) -> None:
        await self._deafen()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _end(self, *, rudely: bool) -> None:
        for writer in list(self._open):
            if rudely:
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                writer.transport.abort()
            else:
                writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._tasks.add(task)
        self.accepted += 1
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await self._connect(reader, writer)
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._passing.wait()
        far_reader, far_writer = await asyncio.open_connection(*self.target)
        both = {writer, far_writer}
        self._open |= both
        try:
            await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        finally:
            self._open -= both
            far_writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One direction. An end is passed on like everything else: not through a hole."""
        while True:
            await self._passing.wait()
            chunk = await reader.read(CHUNK)
            await self._passing.wait()
            if not chunk:
                break
            await asyncio.sleep(self.delay_s)
            await self._write(writer, chunk)
        with contextlib.suppress(OSError):
            writer.write_eof()

    async def _write(self, writer: asyncio.StreamWriter, chunk: bytes) -> None:
        step = self.slice_bytes or (self.bytes_per_s and max(1, self.bytes_per_s // 20)) or CHUNK
        for start in range(0, len(chunk), step):
            part = chunk[start : start + step]
            writer.write(part)
            await writer.drain()
            if self.slice_bytes or self.bytes_per_s:
                await asyncio.sleep(len(part) / self.bytes_per_s if self.bytes_per_s else 0)
