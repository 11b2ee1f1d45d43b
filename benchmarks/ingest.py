"""Events a second from one socket: the real runfeed, committed and folded, beside a Node client that keeps nothing.

Run: python -m benchmarks.ingest
"""

import argparse
import asyncio
import json
import os
import re
import sqlite3
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from itertools import islice
from pathlib import Path

import psycopg

from benchmarks.common import AROUND, HERE, environment, interleaved, python, start, table
from tests.product import APP
from tests.with_postgres import own_postgres
from zoomfeed.simulator.server import SimulatedZoom
from zoomfeed.simulator.traffic import traffic

CHUNK = 64 * 1024


def framed(zoom: SimulatedZoom, body: bytes) -> bytes:
    """The bytes that go over the wire, made before the clock runs."""
    payload = zoom.frame(body)
    length = bytes([len(payload)]) if len(payload) < 126 else b"\x7e" + struct.pack("!H", len(payload))
    return b"\x81" + length + payload


async def flood(zoom: SimulatedZoom, stream: bytes) -> None:
    """Write as fast as the client reads."""
    transport = zoom._socket.transport  # type: ignore[union-attr]  # noqa: SLF001 - past the library, which is slower
    for at in range(0, len(stream), CHUNK):
        transport.write(stream[at : at + CHUNK])
        while transport.get_write_buffer_size() > 4 * CHUNK:
            await asyncio.sleep(0)


async def measure(
    events: int, client: Callable[[SimulatedZoom], subprocess.Popen[bytes]], seen: Callable[[], int]
) -> float:
    """Events a second from the first byte written until the client has dealt with the last one."""
    async with SimulatedZoom(APP, idle_s=300) as zoom:
        bodies = list(islice(traffic(time.time_ns()), events))
        stream = b"".join(framed(zoom, body) for body in bodies)
        process = client(zoom)
        try:
            await asyncio.wait_for(zoom.wait_connected(), 30)
            await asyncio.sleep(1)
            began_at = time.monotonic()
            await flood(zoom, stream)
            while seen() < len(set(bodies)):
                await asyncio.sleep(0.02)
                if time.monotonic() - began_at > 120:
                    raise TimeoutError(f"{seen()} of {len(set(bodies))} events after two minutes")
            return events / (time.monotonic() - began_at)
        finally:
            process.terminate()
            process.wait(20)


def rollcall(events: int, database_url: str) -> dict[str, float]:
    def client(zoom: SimulatedZoom) -> subprocess.Popen[bytes]:
        return start(python("manage.py", "runfeed"), settings(zoom, database_url), stderr=subprocess.DEVNULL)

    subprocess.run(python("manage.py", "migrate", "-v0"), env=environment(DATABASE_URL=database_url), check=True)
    return {"events/s": asyncio.run(measure(events, client, lambda: count(database_url)))}


def settings(zoom: SimulatedZoom, database_url: str) -> dict[str, str]:
    return environment(
        DATABASE_URL=database_url,
        ZOOM_ACCOUNT_ID=APP.account_id,
        ZOOM_CLIENT_ID=APP.client_id,
        ZOOM_CLIENT_SECRET=APP.client_secret,
        ZOOM_SUBSCRIPTION_ID=APP.subscription_id,
        ZOOM_OAUTH_URL=zoom.oauth_url,
        ZOOM_WS_URL=zoom.ws_url,
    )


def count(database_url: str) -> int:
    query = "SELECT count(*) FROM zoomfeed_event"
    if database_url.startswith("sqlite"):
        with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as database:
            return int(database.execute(query).fetchone()[0])
    with psycopg.connect(database_url) as server:
        row = server.execute(query).fetchone()
        assert row
        return int(row[0])


def on_sqlite(events: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="rollcall-ingest-") as folder:
        return rollcall(events, f"sqlite:///{folder}/rollcall.sqlite3")


def on_postgresql(events: int) -> dict[str, float]:
    with own_postgres() as url:
        return rollcall(events, url)


def node(events: int) -> dict[str, float]:
    """Parses both layers and prints to the null device, as the sample that everybody starts from does."""
    with tempfile.TemporaryDirectory(prefix="rollcall-ingest-") as folder:
        progress = Path(folder) / "seen"

        def client(zoom: SimulatedZoom) -> subprocess.Popen[bytes]:
            app = json.dumps({"oauth": zoom.oauth_url, "ws": zoom.ws_url, "app": app_of(), "events": events})
            return start(
                ["node", str(HERE / "ingest_node.mjs")],
                environment(BENCHMARK=app, PROGRESS=str(progress)),
                stdout=subprocess.DEVNULL,
            )

        def seen() -> int:
            return int(re.sub(r"\D", "", progress.read_text()) or 0) if progress.exists() else 0

        return {"events/s": asyncio.run(measure(events, client, seen))}


def app_of() -> dict[str, str]:
    return {"id": APP.client_id, "secret": APP.client_secret, "subscription": APP.subscription_id}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--events", type=int, default=20_000, help="for each run of Rollcall; Node gets five times as many"
    )
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    os.sched_setaffinity(0, AROUND)
    print("## Ingest: events a second, one socket, one process\n")
    figures = interleaved(
        asked.repeats,
        {
            "Node ws, parse and print to the null device": lambda: node(asked.events * 5),
            "Rollcall, SQLite (synchronous=FULL)": lambda: on_sqlite(asked.events),
            "Rollcall, PostgreSQL": lambda: on_postgresql(asked.events),
        },
    )
    base = next(iter(figures.values()))["events/s"]
    rows = [[name, f"{one['events/s']:,.0f}", f"{one['events/s'] / base:.2f}"] for name, one in figures.items()]
    table(["", "events/s", "of Node"], rows)


if __name__ == "__main__":
    main()
