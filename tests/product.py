"""The product as its users run it: processes, a simulated Zoom in a thread, a database of its own."""

import asyncio
import fcntl
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import psycopg
import requests

from zoomfeed.simulator.faults import Faults
from zoomfeed.simulator.server import App, SimulatedZoom

ROOT = Path(__file__).resolve().parents[1]
APP = App("account", "client", "secret-of-the-client", "subscription", "signing")
PASSWORD = "correct horse battery"
SESSION = "session0of0the0tests"
"""The key of a session in which somebody is signed in already: a browser that has it as its cookie needs no form."""


class ZoomThread:
    """A simulated Zoom with an event loop of its own, to be used from tests that have none."""

    def __init__(self, app: App = APP) -> None:
        self.app = app

    def __enter__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.zoom = SimulatedZoom(self.app)
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
            "ZOOM_ACCOUNT_ID": self.app.account_id,
            "ZOOM_CLIENT_ID": self.app.client_id,
            "ZOOM_CLIENT_SECRET": self.app.client_secret,
            "ZOOM_SUBSCRIPTION_ID": self.app.subscription_id,
            "ZOOM_OAUTH_URL": self.zoom.oauth_url,
            "ZOOM_WS_URL": self.zoom.ws_url,
            "ZOOM_API_URL": self.zoom.api_url,
            "ZOOM_WEBHOOK_SECRET_TOKEN": self.app.secret_token,
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

    zoom: ZoomThread | None
    environment: dict[str, str]
    folder: Path
    web: list[str] = field(default_factory=list)
    processes: dict[str, Process] = field(default_factory=dict)
    password: str = PASSWORD
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


def until(call, within_s: float = 45, say=lambda: ""):
    """Wait for something to come true; returns it."""
    ends = time.monotonic() + within_s
    while not (answer := call()):
        assert time.monotonic() < ends, f"never came true. {say()}"
        time.sleep(0.05)
    return answer


def base_environment(zoom: ZoomThread | None, database_url: str, folder: Path) -> dict[str, str]:
    """Nothing of the machine's own but what a process needs to start. What waits for the database is in the folder."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    ours = {"ENV_FILE": os.devnull, "SECRET_KEY": "of-the-tests-" * 5, "DATABASE_URL": database_url}
    ours["SPOOL_DIR"] = str(folder / "spool")
    ours |= {"DJANGO_SETTINGS_MODULE": "dashboard.settings", "PYTHONUNBUFFERED": "1"}
    return kept | ours | (zoom.environment() if zoom else {})


@contextmanager
def turn_at_static_files() -> Iterator[None]:
    """For whatever collects them: all runs of tests share the folder that they are served from."""
    turn = os.open(ROOT / "static", os.O_RDONLY)
    try:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield
    finally:
        os.close(turn)


@cache
def collect_static() -> None:
    """Once for all tests of a run."""
    folder = Path(tempfile.gettempdir())
    product = Product(None, base_environment(None, "sqlite:///:memory:", folder), folder)
    with turn_at_static_files():
        product.manage("collectstatic", "--no-input", "-v0")


def set_up(product: Product) -> None:
    """By the commands that README.md tells: tables, static files, somebody who may do everything."""
    product.manage("migrate", "-v0")
    collect_static()
    account = {"DJANGO_SUPERUSER_PASSWORD": product.password}
    product.manage("createsuperuser", "--no-input", f"--username={product.user}", "--email=", **account)


SIGN_IN = f"""
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
Client().force_login(User.objects.get())
Session.objects.update(session_key={SESSION!r})
"""


def set_up_to_be_copied(database_url: str) -> None:
    """Set a database up, with somebody signed in, so that tests need not do it each for itself."""
    with tempfile.TemporaryDirectory() as folder:
        product = Product(None, base_environment(None, database_url, Path(folder)), Path(folder))
        set_up(product)
        product.manage("shell", "-v0", "-c", SIGN_IN)
        assert product.ask("SELECT epoch FROM zoomfeed_head") == []  # each copy gets its own, by which pages know it


@cache
def _file_that_is_set_up() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rollcall.sqlite3"
        set_up_to_be_copied(f"sqlite:///{path}")
        return path.read_bytes()


def database_of_its_own(folder: Path, user: str = "admin") -> str:
    """The URL of a SQLite database that is set up, with `user` as the one who may do everything."""
    path = folder / "rollcall.sqlite3"
    path.write_bytes(_file_that_is_set_up())
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE auth_user SET username = ?", [user])
    return f"sqlite:///{path}"


HURRIED = ("-m", "tests.hurried")
"""Before what a process runs: its pages hear a tick each second."""


@contextmanager
def embedded(folder: Path, by: tuple[str, ...] = (), *, is_first: bool = False, **more: str) -> Iterator[Product]:
    """One process on SQLite, run `by` something, with `more` of its environment.

    `is_first`: it finds nothing and sets itself up, as a newcomer's; else that was done, and nothing is left to do.
    """
    with ZoomThread() as zoom:
        url = f"sqlite:///{folder / 'rollcall.sqlite3'}" if is_first else database_of_its_own(folder)
        product = Product(zoom, base_environment(zoom, url, folder) | more, folder)
        port = free_port()
        product.web = [f"http://127.0.0.1:{port}"]
        how = ("--setup",) if is_first else ()
        try:
            with turn_at_static_files() if is_first else nullcontext():
                process = product.process("rundashboard", *by, "manage.py", "rundashboard", *how, "--port", str(port))
                product.wait_for_pages()
            if is_first:
                product.password = re.search(r"password (\S+)", process.said())[1]
            zoom.wait_connected()
            yield product
        finally:
            product.stop()


def web_options() -> list[str]:
    """What docs/rollcall-web.service gives to Daphne, but for the address; that is `endpoint`."""
    unit = (ROOT / "docs" / "rollcall-web.service").read_text(encoding="utf-8")
    found = re.search(r"^ExecStart=\S+/daphne (.*) -e \S+ \S+$", unit, re.MULTILINE)
    return found[1].split()


PATIENCE = ["--websocket_connect_timeout", "20"]
"""For how long, as there, a socket may wait to be let in."""


def endpoint(port: int) -> list[str]:
    """Where Daphne listens, as there: by default fifty may wait to be let in, and the pages of a process are many."""
    return ["-e", f"tcp:{port}:interface=127.0.0.1:backlog=1024"]


@contextmanager
def served(folder: Path, **more: str) -> Iterator[Product]:
    """The pages alone, on SQLite, by a web process as the systemd unit starts it. Alice may do everything."""
    environment = base_environment(None, database_of_its_own(folder, "alice"), folder) | more
    product = Product(None, environment, folder, user="alice")
    port = free_port()
    product.web = [f"http://127.0.0.1:{port}"]
    try:
        product.process("web", "-m", "daphne", *web_options(), *endpoint(port), "dashboard.asgi:application")
        product.wait_for_pages()
        yield product
    finally:
        product.stop()


@contextmanager
def grown(folder: Path, database_url: str, redis_url: str, web_by: tuple[str, ...] = ("-m",)) -> Iterator[Product]:
    """A feed and two web processes on Redis and a PostgreSQL database that is set up."""
    with ZoomThread() as zoom:
        product = Product(zoom, base_environment(zoom, database_url, folder) | {"REDIS_URL": redis_url}, folder)
        try:
            product.process("runfeed", "manage.py", "runfeed")
            for name in ("web-1", "web-2"):
                port = free_port()
                product.web.append(f"http://127.0.0.1:{port}")
                product.process(name, *web_by, "daphne", *endpoint(port), "dashboard.asgi:application")
            product.wait_for_pages()
            zoom.wait_connected()
            yield product
        finally:
            product.stop()
