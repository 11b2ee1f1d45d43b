"""How long Zoom waits for the answer to a webhook when many are on their way: one Daphne, stored before answered.

Run: python -m benchmarks.webhook
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import requests

from benchmarks.common import AROUND, environment, interleaved, python, start, table
from tests.product import free_port, until
from zoomfeed.protocol import sign

PATH = "/zoom/webhook"
SECRET = "of-the-benchmarks"  # noqa: S105 - nobody else's
AT_ONCE = (100, 300, 1000)
KINDS = {"group commit": "dashboard.asgi", "a transaction each": "benchmarks.webhook_single"}


@contextmanager
def receiving(module: str, database_url: str) -> Iterator[int]:
    """The port of a Daphne that takes webhooks."""
    port = free_port()
    env = environment(DATABASE_URL=database_url, ZOOM_WEBHOOK_SECRET_TOKEN=SECRET)
    subprocess.run(python("manage.py", "migrate", "-v0"), env=env, check=True)
    process = start(
        # by default 50 connections may wait to be accepted; the next one's dialling is answered a second later
        python("-m", "daphne", "-v0", "-e", f"tcp:{port}:interface=127.0.0.1:backlog=1024", f"{module}:application"),
        env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: _is_up(port), 30)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def _is_up(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=2).ok
    except requests.RequestException:
        return False


async def deliver(port: int, number: int) -> tuple[int, float]:
    """One delivery on a connection of its own: the status, and the seconds from dialling to the answer."""
    body = json.dumps({"event": "user.updated", "payload": {"number": number, "filling": "x" * 700}}).encode()
    timestamp = str(int(time.time()))
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
        f"x-zm-request-timestamp: {timestamp}\r\nx-zm-signature: {sign(SECRET, timestamp, body)}\r\n\r\n"
    )
    began_at = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head.encode() + body)
    status = int((await reader.readline()).split()[1])
    took_s = time.monotonic() - began_at
    writer.close()
    return status, took_s


async def load(port: int, at_once: int, seconds: float) -> dict[str, float]:
    """So many deliveries are on their way at any time: each answer is followed by the next delivery."""
    numbers, answers = count(time.time_ns()), []
    ends_at = time.monotonic() + seconds

    async def one_after_the_other() -> None:
        while time.monotonic() < ends_at:
            answers.append(await deliver(port, next(numbers)))

    await asyncio.gather(*(one_after_the_other() for _ in range(at_once)))
    return _figures(answers, time.monotonic() - ends_at + seconds)


def _figures(answers: list[tuple[int, float]], lasted_s: float) -> dict[str, float]:
    took = sorted(took_s for _, took_s in answers)
    percentiles = statistics.quantiles(took, n=100, method="inclusive")
    return {
        "per s": len(answers) / lasted_s,
        "p50": percentiles[49],
        "p99": percentiles[98],
        "max": took[-1],
        "refused": sum(status != 200 for status, _ in answers),
    }


def run(module: str, at_once: int, seconds: float) -> dict[str, float]:
    """On the database that DATABASE_URL names, or on SQLite."""
    with tempfile.TemporaryDirectory(prefix="rollcall-webhook-") as folder:
        url = os.environ.get("DATABASE_URL") or f"sqlite:///{folder}/rollcall.sqlite3"
        with receiving(module, url) as port:
            asyncio.run(load(port, 10, 0.5))  # imports, first connections
            return asyncio.run(load(port, at_once, seconds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3, help="for each run")
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    os.sched_setaffinity(0, AROUND)
    database = "the database of DATABASE_URL" if os.environ.get("DATABASE_URL") else "SQLite (synchronous=FULL)"
    print(f"## Webhooks: from dialling to the answer, one Daphne, {database}\n")
    found = interleaved(
        asked.repeats,
        {
            f"{at_once} at once, {kind}": lambda module=module, at_once=at_once: run(module, at_once, asked.seconds)  # type: ignore[misc]
            for at_once in AT_ONCE
            for kind, module in KINDS.items()
        },
    )
    rows = [[name, f"{one['per s']:,.0f}", *_ms(one), f"{one['refused']:,.0f}"] for name, one in found.items()]
    table(["", "answers/s", "p50, ms", "p99, ms", "max, ms", "not taken"], rows)


def _ms(one: dict[str, float]) -> list[str]:
    return [f"{one[name] * 1000:,.0f}" for name in ("p50", "p99", "max")]


if __name__ == "__main__":
    main()
