"""The product as its users run it: processes, a simulated Zoom in a thread, a database of its own."""

import asyncio
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import requests

from zoomfeed.simulator.faults import Faults
from zoomfeed.simulator.server import App, SimulatedZoom

ROOT = Path(__file__).resolve().parents[1]
APP = App("account", "client", "secret-of-the-client", "subscription", "signing")


class ZoomThread:
    """A simulated Zoom with an event loop of its own, to be used from tests that have none."""

    def __enter__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.zoom = SimulatedZoom(APP)
        self.call(self.zoom.__aenter__())
        return self

    def __exit__(self, *_):
        self.call(self.zoom.__aexit__())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
        self.loop.close()

    def call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    def send(self, *bodies):
        for body in bodies:
            self.call(self.zoom.send(body))

    def wait_connected(self):
        self.call(asyncio.wait_for(self.zoom.wait_connected(), 20))

    @property
    def faults(self) -> Faults:
        return self.zoom.faults

    def environment(self) -> dict[str, str]:
        return {
            "ZOOM_ACCOUNT_ID": APP.account_id,
            "ZOOM_CLIENT_ID": APP.client_id,
            "ZOOM_CLIENT_SECRET": APP.client_secret,
            "ZOOM_SUBSCRIPTION_ID": APP.subscription_id,
            "ZOOM_OAUTH_URL": self.zoom.oauth_url,
            "ZOOM_WS_URL": self.zoom.ws_url,
            "ZOOM_API_URL": self.zoom.api_url,
            "ZOOM_WEBHOOK_SECRET_TOKEN": APP.secret_token,
        }


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass
class Process:
    """One process of ours. Its words go to a file; `stop` ends it as a supervisor would."""

    arguments: list[str]
    environment: dict[str, str]
    log: Path
    running: subprocess.Popen[bytes] | None = None

    def start(self) -> "Process":
        with self.log.open("ab") as out:
            self.running = subprocess.Popen(
                [sys.executable, *self.arguments], cwd=ROOT, env=self.environment, stdout=out, stderr=out
            )
        return self

    @property
    def pid(self) -> int:
        assert self.running
        return self.running.pid

    @property
    def is_alive(self) -> bool:
        return self.running is not None and self.running.poll() is None

    def kill(self) -> None:
        assert self.running
        self.running.kill()
        self.running.wait(10)

    def freeze(self) -> None:
        """Neither dead nor alive, as a machine that sleeps, until `thaw`."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def memory(self) -> int:
        """Resident bytes."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def stop(self) -> int:
        assert self.running
        if self.running.poll() is None:
            self.running.send_signal(signal.SIGTERM)
            self.running.send_signal(signal.SIGCONT)
        try:
            return self.running.wait(15)
        finally:
            self.running.kill()

    def said(self) -> str:
        return self.log.read_text(errors="replace")


@dataclass
class Product:
    """Everything that one test needs of Rollcall: `web` are the addresses of its web processes."""

    zoom: ZoomThread
    environment: dict[str, str]
    folder: Path
    web: list[str] = field(default_factory=list)
    processes: dict[str, Process] = field(default_factory=dict)
    password: str = ""
    user: str = "admin"

    def process(self, name: str, *arguments: str) -> Process:
        made = Process(list(arguments), self.environment, self.folder / f"{name}.log")
        self.processes[name] = made
        return made.start()

    def manage(self, *arguments: str, **environment: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ask(self, query: str) -> list[tuple]:
        """What the database says, past Django."""
        url = self.environment["DATABASE_URL"]
        if url.startswith("sqlite"):
            with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
                return database.execute(query).fetchall()
        with psycopg.connect(url) as database:
            return database.execute(query).fetchall()

    def revision(self) -> int:
        """The newest one, when all that Zoom has sent is in the log."""
        sent = len(set(self.zoom.zoom.ledger))
        brought = "SELECT count(*) FROM zoomfeed_event WHERE transport <> 'rest'"
        until(lambda: self.ask(brought) == [(sent,)], 20)
        return self.ask("SELECT revision FROM zoomfeed_head")[0][0] if sent else 0

    def wait_for_pages(self) -> None:
        for address in self.web:
            until(
                lambda address=address: is_up(address), 30, lambda: "\n".join(p.said() for p in self.processes.values())
            )

    def stop(self) -> list[int]:
        return [process.stop() for process in self.processes.values()]


def is_up(address: str) -> bool:
    try:
        return requests.get(f"{address}/healthz", timeout=2).ok
    except requests.RequestException:
        return False


def until(call, within_s: float = 15, say=lambda: ""):
    """Wait for something to come true; returns it."""
    ends = time.monotonic() + within_s
    while not (answer := call()):
        assert time.monotonic() < ends, f"never came true. {say()}"
        time.sleep(0.05)
    return answer


def base_environment(zoom: ZoomThread, database_url: str, folder: Path) -> dict[str, str]:
    """Nothing of the machine's own but what a process needs to start. What waits for the database is in the folder."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    ours = {"ENV_FILE": os.devnull, "SECRET_KEY": "of-the-tests-" * 5, "DATABASE_URL": database_url}
    ours["SPOOL_DIR"] = str(folder / "spool")
    return kept | ours | {"DJANGO_SETTINGS_MODULE": "dashboard.settings", "PYTHONUNBUFFERED": "1"} | zoom.environment()


@contextmanager
def embedded(folder: Path) -> Iterator[Product]:
    """One process on SQLite, set up as a newcomer's."""
    with ZoomThread() as zoom:
        environment = base_environment(zoom, f"sqlite:///{folder / 'rollcall.sqlite3'}", folder)
        product = Product(zoom, environment, folder)
        port = free_port()
        product.web = [f"http://127.0.0.1:{port}"]
        process = product.process("rundashboard", "manage.py", "rundashboard", "--setup", "--port", str(port))
        try:
            product.wait_for_pages()
            product.password = re.search(r"password (\S+)", process.said())[1]
            zoom.wait_connected()
            yield product
        finally:
            product.stop()


@contextmanager
def grown(folder: Path, database_url: str, redis_url: str) -> Iterator[Product]:
    """A feed and two web processes on PostgreSQL and Redis."""
    with ZoomThread() as zoom:
        environment = base_environment(zoom, database_url, folder) | {"REDIS_URL": redis_url}
        product = Product(zoom, environment, folder, password="correct horse battery")
        product.manage("migrate", "-v0")
        product.manage("collectstatic", "--no-input", "-v0")
        product.manage(
            "createsuperuser", "--no-input", "--username=admin", "--email=", DJANGO_SUPERUSER_PASSWORD=product.password
        )
        try:
            product.process("runfeed", "manage.py", "runfeed")
            for name in ("web-1", "web-2"):
                port = free_port()
                product.web.append(f"http://127.0.0.1:{port}")
                product.process(name, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "dashboard.asgi:application")
            product.wait_for_pages()
            zoom.wait_connected()
            yield product
        finally:
            product.stop()
