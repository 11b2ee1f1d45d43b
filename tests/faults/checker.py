"""What must be true after any fault: the ledger of the simulated Zoom against the log, the tables and the pages."""

import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dashboard.fragments import board
from tests.faults import scale
from tests.faults.live_pages import LivePage
from tests.faults.stage import Stage
from tests.product import APP, ROOT, until

LIVED_S = 2.0
"""What entered a socket that lived so much longer must be in the log; of the rest, it must be said that it may miss."""

BLINK = timedelta(seconds=1)
"""A gap begins with the last frame that was read, which may be a moment after the next one was sent."""


EXPECTED = ("django.request", "channels_redis")
"""Libraries that say with a traceback that a server was away."""

PRESENT = """
    SELECT meeting.uuid, leg.user_id FROM zoomfeed_leg leg JOIN zoomfeed_meeting meeting ON meeting.id = leg.meeting_id
    WHERE meeting.ended_at IS NULL AND leg.joined_at IS NOT NULL AND leg.left_at IS NULL AND leg.place = 'meeting'
"""


@dataclass(frozen=True)
class Sent:
    """One event on its way: when, by both clocks, into which connection, and how long that lived after it."""

    key: bytes
    at: datetime
    sent: float
    connection: int
    lived_s: float


def key(body: bytes) -> bytes:
    """What makes an event the same one: what it says, in whatever order it says it."""
    try:
        said = json.dumps(json.loads(body), sort_keys=True).encode()
    except (ValueError, RecursionError):
        said = body
    return hashlib.sha256(said).digest()


class Checker:
    """Holds a stage against the promise. Looks at everything since `begin`, or since the stage exists."""

    def __init__(self, stage: Stage, begin: float = 0.0) -> None:
        self.stage = stage
        self.begin = begin
        self.said_before = {name: len(process.said()) for name, process in stage.processes.items()}

    # Events

    def sent(self) -> list[Sent]:
        """What went into a socket."""
        return [one for one in self.told() if one.connection]

    def told(self) -> list[Sent]:
        """All that Zoom had to say, whether or not a socket took it (connection 0: none did)."""
        zoom, now = self.stage.zoom.zoom, time.monotonic()
        to_utc = datetime.now(UTC) - timedelta(seconds=now)
        return [
            Sent(
                key(body),
                to_utc + timedelta(seconds=at),
                at,
                connection,
                zoom.socket.ended.get(connection, float("inf")) - at,
            )
            for at, body, connection in list(zoom.ledger_sent)
            if at > self.begin
        ]

    def logged(self) -> list[bytes]:
        """The key of every event in the log, made from its body."""
        return [key(bytes(body)) for (body,) in self.stage.ask("SELECT body FROM zoomfeed_event")]

    def missing(self) -> list[Sent]:
        """What went into a socket and is not in the log."""
        known = set(self.logged())
        return [one for one in self.sent() if one.key not in known]

    def wait_none_lost(self, within_s: float = 20) -> None:
        """Until all that a living socket took is in the log; and then, that it is there once."""
        until(lambda: not self.lost(), within_s, lambda: f"{len(self.lost())} are missing\n{self.stage.last_words()}")
        self.assert_nothing_twice()

    def wait_all_logged(self, within_s: float = 20) -> None:
        """Until everything is in the log, by whatever way it came; and then, that it is there once."""
        told = {one.key for one in self.told()}
        until(lambda: not told - set(self.logged()), within_s, lambda: f"{len(told - set(self.logged()))} are missing")
        self.assert_nothing_twice()

    def wait_caught_up(self, within_s: float = 20) -> None:
        """Until the log has what the newest connection took, whatever became of those before."""
        newest = self.stage.zoom.zoom.connections
        until(lambda: not [one for one in self.lost() if one.connection == newest], within_s, self.stage.last_words)

    def lost(self) -> list[Sent]:
        """Of what went into a socket that lived on, what is not in the log."""
        return [one for one in self.missing() if one.lived_s >= LIVED_S]

    def assert_nothing_twice(self) -> None:
        logged = self.logged()
        assert len(logged) == len(set(logged))

    def assert_losses_are_gaps(self) -> int:
        """Every event that was sent and is not there falls into a gap that is shown. Returns how many do."""
        missing, gaps = self.missing(), self.gaps()
        untold = [one for one in missing if not any(begin - BLINK <= one.at <= end + BLINK for begin, end in gaps)]
        assert not untold, f"{len(untold)} of {len(missing)} missing events lie in no gap: {untold[:3]}, gaps {gaps}"
        return len(missing)

    def gaps(self) -> list[tuple[datetime, datetime]]:
        """Begin and end of each; one that is open reaches to now."""
        rows = self.stage.ask("SELECT started_at, ended_at FROM zoomfeed_gap ORDER BY started_at")
        return [(_instant(begin), _instant(end) if end else datetime.now(UTC)) for begin, end in rows]

    def feed_row(self, column: str):
        newest = "ORDER BY lease_until DESC NULLS LAST LIMIT 1"
        return self.stage.ask(f"SELECT {column} FROM zoomfeed_feed {newest}")[0][0]  # noqa: S608

    # What is true at Zoom

    def present(self) -> set[tuple[str, str]]:
        """Who is in which run now, as the tables have it: uuid of the run, user_id of the leg."""
        return set(self.stage.ask(PRESENT))

    def truly_present(self) -> set[tuple[str, str]]:
        """The same, as the simulated Zoom knows it, which heard also what nobody took from it."""
        runs = [run for run in self.stage.zoom.zoom.world.runs() if run.ended_at is None]
        return {(run.uuid, leg.user_id) for run in runs for leg in run.legs if leg.left_at is None}

    def wait_true(self, within_s: float) -> None:
        """Until the tables say who is in which meeting, as it is."""
        until(lambda: self.present() == self.truly_present(), within_s, self._untrue)

    def _untrue(self) -> str:
        shown, true = self.present(), self.truly_present()
        about = f"{len(shown - true)} are not there: {list(shown - true)[:2]}, {len(true - shown)} are: "
        return f"{about}{list(true - shown)[:2]}\n{self.stage.last_words()}"

    # Tables

    def assert_tables_follow_from_the_log(self, seed: int = 1) -> None:
        """Another database that gets the same log in another order comes to the same rows."""
        scratch = self.stage.folder / f"scratch-{time.monotonic_ns()}.sqlite3"
        environment = self.stage.environment | {
            "DATABASE_URL": f"sqlite:///{scratch}",
            "STAGE_URL": self.stage.environment["DATABASE_URL"],
            "REDIS_URL": "",
        }
        done = subprocess.run(
            [sys.executable, "-m", "tests.faults.oracle", str(seed)],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=scale.READ_S, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        differences = json.loads(done.stdout)
        assert not differences, differences[:5]

    # Pages

    def assert_pages_are_right(self, pages: Iterable[LivePage], *, also_by_the_clock: bool = False) -> None:
        """Each shows what a fresh load shows. Only while nothing happens: then the last word has been said.

        `also_by_the_clock`: also what the server sends every five seconds only.
        """
        left_out = () if also_by_the_clock else board.DAY
        for page in pages:
            until(
                lambda page=page: not self._differ(page, left_out),
                scale.PAGES_RIGHT_S,
                lambda page=page: self._difference(page, left_out),
            )

    def _differ(self, page: LivePage, left_out: Iterable[str] = ()) -> dict[str, tuple[object, object]]:
        """What is not as in a fresh load: as it is, and as it should be."""
        if page.error:
            raise page.error
        shows, fresh = page.shows(), page.fresh()
        names = (shows.keys() | fresh.keys()) - set(left_out)
        return {name: (shows.get(name), fresh.get(name)) for name in names if shows.get(name) != fresh.get(name)}

    def _difference(self, page: LivePage, left_out: Iterable[str] = ()) -> str:
        about = f"{page.path} at {page.revision}, closed {[code for _, code in page.closes]}, heard {list(page.heard)}"
        parts = [
            f"{name}:\n  live  {str(live)[:1500]}\n  fresh {str(fresh)[:1500]}"
            for name, (live, fresh) in self._differ(page, left_out).items()
        ]
        return "\n".join([about, *parts[:3]])

    # Processes

    def assert_logs_are_clean(self, *, expected: Iterable[str] = ()) -> None:
        """No secret anywhere, and no new traceback but under lines that hold one of the expected words."""
        for name, process in self.stage.processes.items():
            said = process.said()
            for secret in self.secrets():
                assert secret not in said, f"the log of {name} holds a secret"
            since = said[self.said_before.get(name, 0) :]
            unexpected = [line for line in tracebacks(since) if not any(words in line for words in expected)]
            assert not unexpected, f"{name} raised under: {unexpected[:3]}"

    def secrets(self) -> set[str]:
        """Of Zoom, of Django, and of whoever is signed in."""
        cookies = re.findall(r"=([^;]+)", self.stage.browsers.cookie) if self.stage.browsers else []
        ours = (APP.client_secret, self.stage.environment["SECRET_KEY"], self.stage.password)
        return {*self.stage.zoom.zoom.tokens.ends, *ours, *cookies}


def tracebacks(said: str) -> list[str]:
    """For each traceback in a log, the line before it. What it was chained from belongs to the same one."""
    lines = said.splitlines()
    found, last = [], ""
    for number, line in enumerate(lines):
        if re.match(r"\d{4}-\d\d-\d\d ", line):
            last = line
        if line.startswith(("Traceback", "  + Exception Group Traceback")):
            is_chained = any("exception" in before for before in lines[max(0, number - 3) : number])
            found += [] if is_chained and found else [last]
    return found


def _instant(value: object) -> datetime:
    """PostgreSQL gives instants, SQLite their text in UTC."""
    at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return at if at.tzinfo else at.replace(tzinfo=UTC)


@dataclass
class Memory:
    """What the processes of a stage took when it began; growth is bounded from there."""

    before: dict[str, int]

    @classmethod
    def of(cls, stage: Stage) -> "Memory":
        return cls({name: process.memory() for name, process in stage.processes.items()})

    def assert_grew_less_than(self, megabytes: float, stage: Stage) -> None:
        for name, before in self.before.items():
            grown = (stage.processes[name].memory() - before) / 2**20
            assert grown < megabytes, f"{name} grew by {grown:.0f} MB"


def pids(stage: Stage) -> dict[str, int]:
    """Who runs; a process that was restarted has another."""
    return {name: process.pid for name, process in stage.processes.items()}


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
