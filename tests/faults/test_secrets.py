"""Secrets are planted in every place that has one, everything is made to fail and to talk, and none is found again."""

import json
import re
import secrets
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
import requests

from tests.faults.live_pages import sign_in
from tests.faults.servers import OwnPostgres, OwnRedis
from tests.faults.stage import own_folder
from tests.product import (
    ROOT,
    Process,
    Product,
    ZoomThread,
    base_environment,
    collect_static,
    endpoint,
    free_port,
    is_up,
    until,
)
from tests.sequences import all_bodies
from tests.zoomfeed.test_record import event, join
from zoomfeed import webhook
from zoomfeed.protocol import sign
from zoomfeed.simulator.faults import Faults
from zoomfeed.simulator.server import App

USER, DATABASE = "rollcall", "rollcall"


class RedisWithPassword(OwnRedis):
    """As it is run in earnest."""

    def __init__(self, folder: Path, password: str) -> None:
        super().__init__(folder)
        self.password = password

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        return [*super().command(), "--requirepass", self.password]

    def answers(self) -> bool:
        try:
            return self.ask(b"PING").startswith(b"-NOAUTH")
        except OSError:
            return False


@dataclass
class Talkative(Product):
    """Processes that say all they can, and the servers that they use."""

    database: OwnPostgres | None = None
    redis: RedisWithPassword | None = None

    def start_web(self, name: str, **more: str) -> None:
        port = free_port()
        self.web.append(f"http://127.0.0.1:{port}")
        arguments = ["-m", "daphne", "-v2", *endpoint(port), "dashboard.asgi:application"]
        self.processes[name] = Process(arguments, self.environment | more, self.folder / f"{name}.log").start()

    def told(self, *arguments: str) -> str:
        """What a command says, however it ends."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=120, check=False
        )
        return done.stdout + done.stderr

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.database.url(DATABASE), autocommit=True) as server:
            server.execute(statement)


@pytest.fixture(scope="module")
def planted():
    """Words that are nowhere else: what the environment has, what Zoom sends of secrets, and what of people."""
    names = ("client", "webhooks", "database", "redis", "key", "metrics", "password")
    return SimpleNamespace(
        settings={name: f"{name}-{secrets.token_hex(12)}" for name in names},
        bodies={name: f"{name}-{secrets.token_hex(12)}" for name in ("download", "passcode", "join", "play")},
        people={name: f"{name}-{secrets.token_hex(12)}" for name in ("name", "mail")},
    )


@pytest.fixture(scope="module")
def product(planted, tmp_path_factory):
    """A feed and two web processes, one of them a developer's, that say all they can, on servers with passwords."""
    folder, ours = tmp_path_factory.mktemp("secrets"), planted.settings
    with ExitStack() as stack:
        database = stack.enter_context(OwnPostgres(stack.enter_context(own_folder())))
        redis = stack.enter_context(RedisWithPassword(stack.enter_context(own_folder()), ours["redis"]))
        with psycopg.connect(database.url(), autocommit=True) as server:
            server.execute(f"CREATE ROLE {USER} LOGIN PASSWORD '{ours['database']}'")
            server.execute(f"CREATE DATABASE {DATABASE} OWNER {USER}")
        with psycopg.connect(database.url(DATABASE)) as server:
            server.execute("CREATE EXTENSION pg_trgm")
        app = App("account", "client", ours["client"], "subscription", ours["webhooks"])
        zoom = stack.enter_context(ZoomThread(app))
        url = f"postgres://{USER}:{ours['database']}@127.0.0.1:{database.port}/{DATABASE}"
        made = Talkative(zoom, base_environment(zoom, url, folder), folder, password=ours["password"], user="alice")
        made.database, made.redis = database, redis
        made.environment |= {
            "REDIS_URL": redis.url,
            "SECRET_KEY": ours["key"] * 3,
            "METRICS_TOKEN": ours["metrics"],
            "LOG_LEVEL": "DEBUG",
        }
        made.manage("migrate", "-v0")
        collect_static()
        account = {"DJANGO_SUPERUSER_PASSWORD": made.password}
        made.manage("createsuperuser", "--no-input", "--username=alice", "--email=", **account)
        stack.callback(made.stop)
        made.process("feed", "manage.py", "runfeed")
        made.start_web("web")
        made.start_web("web of a developer", DEBUG="true")
        made.wait_for_pages()
        zoom.wait_connected()
        yield made


# What happens


def with_secrets(planted):
    """Every body that we know, with our words where Zoom puts a secret; and a run with all of them."""
    ours = planted.bodies
    members = {"download_token": "download", "password": "passcode", "recording_play_passcode": "play"}
    for name, body in all_bodies().items():
        text = body.decode()
        for member, word in members.items():
            text = re.sub(rf'("{member}"\s*:\s*)"[^"]*"', rf'\1"{ours[word]}"', text)
        text = re.sub(r"pwd=[^\"&]*", f"pwd={ours['join']}", text)
        yield name, json.dumps(json.loads(text)).encode()


def every_kind_of_event(made, planted):
    bodies = dict(with_secrets(planted))
    assert sum(planted.bodies["download"].encode() in body for body in bodies.values()) > 3
    for word in planted.bodies.values():
        assert any(word.encode() in body for body in bodies.values())
    made.zoom.send(*bodies.values(), *meeting_of_strangers(planted))
    made.zoom.send(b'{"event": "meeting.started", "download_token": "' + planted.bodies["download"].encode())  # cut off
    until(lambda: made.ask("SELECT count(*) FROM zoomfeed_event")[0][0] > len(bodies) / 2)
    body = json.dumps({"event": "recording.completed", "download_token": planted.bodies["download"]}).encode()
    at = str(int(time.time()))
    for secret in (planted.settings["webhooks"], "wrong"):
        headers = {"x-zm-request-timestamp": at, "x-zm-signature": sign(secret, at, body)}
        for address in made.web:
            requests.post(address + webhook.PATH, body, headers=headers, timeout=10)


FORGED = "2026-04-03 12:00:00,000 ERROR zoomfeed.feed: forged"


def meeting_of_strangers(planted):
    """Whose names would be lines of the log, and steer the terminal that shows them."""
    name = f"{planted.people['name']}\n{FORGED}\x1b[2J\u2028{FORGED}"
    yield event("meeting.started", topic=name, uuid=name)
    yield join("1", 2, user_name=name, email=f"{planted.people['mail']}@example.org\r\n{FORGED}")
    yield event(name, topic=name)
    yield json.dumps(
        {"event": "meeting.started", "payload": {"object": {"uuid": [name], "topic": {name: name}}}}
    ).encode()
    yield f'{{"event": "{planted.people["name"]}'.encode()


def every_trouble_with_zoom(made):
    """What Zoom can do to a feed, at a start and on the way."""
    for trouble in (
        {"tokens": "500"},
        {"tokens": "401"},
        {"tokens": "429"},
        {"handshake": "html"},
        {"handshake": "401"},
        {"handshake": "500"},
        {"verdict": "Invalid Token"},
        {"rest": "401", "close_code": 1011, "drop_after_s": 0.2},
        {"reset": True, "drop_after_s": 0.2, "malformed": 1.0},
        {"takeover": True},
    ):
        made.processes["feed"].stop()
        made.zoom.zoom.faults = Faults(**trouble)
        before = len(made.processes["feed"].said())
        made.processes["feed"].start()
        until(lambda before=before: len(made.processes["feed"].said()) > before + 200, 20)
        time.sleep(1.0)
    made.zoom.zoom.faults = Faults()
    made.processes["feed"].stop()
    made.processes["feed"].start()
    made.zoom.wait_connected()


def every_server_is_away(made):
    made.redis.end()
    made.database.end()
    made.zoom.send(*(body for _, body in list(all_bodies().items())[:20]))
    for address in made.web:
        for path in ("/", "/readyz", "/login/"):
            requests.get(address + path, timeout=30)
    time.sleep(1.5)
    made.redis.start()
    made.database.restart()
    until(lambda: all(is_up(address) for address in made.web), 30)
    until(lambda: made.ask("SELECT 1") == [(1,)], 30)


def an_error_on_every_page(made, cookies):
    """What a page says when a table is gone, also to a developer, who sees settings and variables."""
    made.execute("ALTER TABLE zoomfeed_head RENAME TO gone")
    try:
        for address, cookie in zip(made.web, cookies, strict=True):
            for path in PAGES:
                answer = requests.get(address + path, headers={"Cookie": cookie}, timeout=30)
                yield f"error of {address}{path}", answer.text
    finally:
        made.execute("ALTER TABLE gone RENAME TO zoomfeed_head")


# Where it is looked for

PAGES = ["/", "/people/", "/history/", "/status/", "/events/", "/login/", "/nowhere/", "/readyz", "/metrics"]
ASKED_FOR = re.compile(r"\?secrets$")
"""Here the secrets that Zoom sends are shown, to whoever may see them and asks."""


def pages(made, cookies):
    """All that people and machines can fetch, from both web processes."""
    ids = [row[0] for row in made.ask("SELECT id FROM zoomfeed_meeting ORDER BY id")]
    events = [row[0] for row in made.ask("SELECT id FROM zoomfeed_event ORDER BY id")]
    frames = [row[0] for row in made.ask("SELECT id FROM zoomfeed_rejectedframe ORDER BY id")]
    admin = [f"/admin/zoomfeed/{name}/" for name in ("event", "rejectedframe", "act", "erasure")]
    paths = [
        *PAGES,
        *(f"/meetings/{pk}/" for pk in ids),
        *(f"/meetings/{pk}/attendance.csv" for pk in ids),
        *(f"/events/{pk}/" for pk in events[:20]),
        *(f"/events/{pk}/?secrets" for pk in events[:20]),
        *(f"/events/export.{kind}" for kind in ("csv", "ndjson")),
        "/history/meetings.csv",
        *admin,
        *(f"{admin[0]}{pk}/change/" for pk in events[:20]),
        *(f"{admin[1]}{pk}/change/" for pk in frames),
        "/admin/auth/user/",
    ]
    for address, cookie in zip(made.web, cookies, strict=True):
        for path in paths:
            headers = {"Cookie": cookie, "Authorization": f"Bearer {made.environment['METRICS_TOKEN']}"}
            yield path, requests.get(address + path, headers=headers, timeout=60).text


def said(made):
    """Every line that any process of ours wrote, and what `ps` shows of it."""
    for name, process in made.processes.items():
        yield f"log of {name}", process.said()
        yield f"title of {name}", Path(f"/proc/{process.pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        yield f"name of {name}", Path(f"/proc/{process.pid}/comm").read_text()
    for arguments in (["checkzoom", "--seconds=1"], ["check", "--deploy"], ["migrate", "--plan"]):
        yield " ".join(arguments), made.told(*arguments)


def kept(made):
    """Every row that we keep, but of the tables whose business it is to hold what Zoom sent."""
    tables = made.ask("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
    for (table,) in tables:
        yield f"table {table}", str(made.ask(f'SELECT "{table}"::text FROM "{table}"'))  # noqa: S608 - names of ours


def found(texts, words):
    return sorted({(where, name) for where, text in texts for name, word in words.items() if word in text})


def test_no_secret_is_found_anywhere_again(product, planted):
    cookies = [sign_in(address, product.user, product.password) for address in product.web]

    every_kind_of_event(product, planted)
    every_trouble_with_zoom(product)
    every_server_is_away(product)
    errors = list(an_error_on_every_page(product, cookies))
    shown, told, rows = list(pages(product, cookies)), list(said(product)), list(kept(product))
    tokens = {f"token {number}": token for number, token in enumerate(product.zoom.zoom.tokens.grants)}
    ours = planted.settings | tokens
    of_bodies = [(path, text) for path, text in shown if not ASKED_FOR.search(path)]

    # it has been looked for in earnest
    assert len(tokens) > 3
    assert any("DEBUG" in text for _, text in told)
    assert sum("UndefinedTable" in text for _, text in errors) > 3
    assert len(shown) > 50
    assert any(word in text for _, text in shown for word in planted.bodies.values())
    assert any(planted.people["name"] in text for _, text in of_bodies)

    assert found([*errors, *shown, *told, *rows], ours) == []
    assert found([*errors, *of_bodies, *told], planted.bodies) == []
    logs = [(where, text) for where, text in told if where.startswith("log of ")]
    assert found(logs, planted.people) == []
    assert [line for _, text in logs for line in text.splitlines() if line.startswith(FORGED)] == []
    assert "\x1b" not in "".join(text for _, text in logs)
