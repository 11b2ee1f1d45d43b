"""Signs of life, heard on a real datagram socket."""

import asyncio
import os
import re
import secrets
import shutil
import socket
import subprocess
import threading
from contextlib import suppress

import pytest

from tests.product import ROOT
from zoomfeed.systemd import keep_alive, notify, watchdog_s


@pytest.fixture(params=["path", "abstract"])
def supervisor(request, tmp_path, monkeypatch):
    """The socket on which systemd listens, in both forms that it uses."""
    name = secrets.token_hex(8)
    address, bound = {
        "path": (str(tmp_path / name), str(tmp_path / name)),
        "abstract": (f"@{name}", f"\0{name}"),
    }[request.param]
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(bound)
        listener.settimeout(5)
        yield listener


def heard(supervisor):
    return supervisor.recv(4096).decode()


def has_heard(supervisor):
    supervisor.setblocking(False)
    with suppress(BlockingIOError):
        return bool(supervisor.recv(4096))
    return False


def test_states_arrive_in_one_message_a_line_each(supervisor):
    notify("READY=1", "STATUS=Connected")

    assert heard(supervisor) == "READY=1\nSTATUS=Connected"


def test_words_of_others_cannot_add_a_state(supervisor):
    notify("STATUS=refused\nSTOPPING=1")

    assert heard(supervisor) == "STATUS=refused STOPPING=1"


def test_lone_surrogates_are_replaced(supervisor):
    notify("STATUS=\ud800")

    assert heard(supervisor) == "STATUS=?"


@pytest.mark.parametrize("address", ["", "nowhere", "/nowhere/at/all", "@" + "x" * 200, "/\0"])
def test_without_a_supervisor_nothing_happens(monkeypatch, address):
    monkeypatch.setattr(os, "environ", {"NOTIFY_SOCKET": address})

    notify("READY=1")


def test_a_supervisor_that_does_not_read_holds_nobody_up(supervisor):
    for _ in range(2000):
        notify("WATCHDOG=1")

    assert heard(supervisor) == "WATCHDOG=1"


@pytest.mark.parametrize(
    ("usec", "pid", "seconds"),
    [
        ("30000000", None, 15.0),
        ("30000000", "ours", 15.0),
        ("30000000", "1", None),
        ("0", None, None),
        ("", None, None),
        ("-5", None, None),
        ("soon", None, None),
        ("²", None, None),
    ],
)
def test_half_of_the_watchdogs_interval(monkeypatch, usec, pid, seconds):
    monkeypatch.setenv("WATCHDOG_USEC", usec)
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    if pid:
        monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()) if pid == "ours" else pid)

    assert watchdog_s() == seconds


def test_without_a_watchdog_none_is_fed(monkeypatch):
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)

    assert watchdog_s() is None
    asyncio.run(asyncio.wait_for(keep_alive(), 5))


async def test_a_loop_that_turns_gives_signs_of_life(supervisor, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "100000")
    living = asyncio.create_task(keep_alive())
    for _ in range(3):
        assert await asyncio.to_thread(heard, supervisor) == "WATCHDOG=1"
    living.cancel()


async def test_a_loop_that_hangs_gives_none(supervisor, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "20000")
    living = asyncio.create_task(keep_alive())
    await asyncio.sleep(0)
    assert heard(supervisor) == "WATCHDOG=1"

    threading.Event().wait(0.2)  # in the loop itself, as a call that never comes back
    assert not has_heard(supervisor)
    living.cancel()


def test_the_web_unit_lets_a_thousand_pages_wait_to_come_back():
    """Daphne by itself lets fifty wait for five seconds; the others are dropped without a word."""
    [run] = re.findall(r"^ExecStart=(.*)$", (ROOT / "docs" / "rollcall-web.service").read_text(), re.MULTILINE)

    assert int(re.search(r"backlog=(\d+)", run)[1]) >= 1000
    assert int(re.search(r"--websocket_connect_timeout (\d+)", run)[1]) >= 20


@pytest.mark.parametrize("unit", ["rollcall-feed.service", "rollcall-web.service"])
def test_a_unit_lets_its_process_do_no_more_than_it_must(unit):
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze")
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", ROOT / "docs" / unit]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout[-400:]
    assert float(re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)[1]) <= 2.0
