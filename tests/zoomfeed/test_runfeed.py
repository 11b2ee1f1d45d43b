"""The command `runfeed` as a supervisor sees it: exit codes, signals, and what it says."""

import contextlib
import socket
import time

import pytest

from tests.product import APP, Process, ZoomThread, base_environment, database_of_its_own, until
from tests.zoomfeed.test_record import join


@pytest.fixture
def zoom():
    with ZoomThread() as zoom:
        yield zoom


@pytest.fixture
def environment(zoom, tmp_path):
    return base_environment(zoom, database_of_its_own(tmp_path), tmp_path) | {"LOG_LEVEL": "DEBUG"}


@pytest.fixture
def runfeed(environment, tmp_path):
    started = []

    def start(**changes):
        process = Process(["manage.py", "runfeed"], environment | changes, tmp_path / f"runfeed-{len(started)}.log")
        started.append(process)
        return process.start()

    yield start
    for process in started:
        process.stop()


def test_told_to_end_it_finishes_and_exits_with_0(zoom, runfeed):
    process = runfeed()
    zoom.wait_connected()
    zoom.send(*(join(str(number)) for number in range(200)))
    time.sleep(0.3)

    assert process.stop() == 0
    assert not zoom.zoom.is_connected


@pytest.mark.parametrize("name", ["ZOOM_ACCOUNT_ID", "ZOOM_CLIENT_ID", "ZOOM_CLIENT_SECRET", "ZOOM_SUBSCRIPTION_ID"])
def test_a_missing_setting_ends_it_with_78_and_its_name(runfeed, name):
    process = runfeed(**{name: ""})

    assert process.running.wait(20) == 78
    assert name in process.said()
    assert "Traceback" not in process.said()


def test_a_refused_app_at_the_start_ends_it_with_78(runfeed):
    process = runfeed(ZOOM_CLIENT_SECRET="wrong")

    assert process.running.wait(20) == 78
    assert "ZOOM_CLIENT_SECRET" in process.said()
    assert "Traceback" not in process.said()


def test_a_zoom_that_is_away_at_the_start_is_waited_for(zoom, runfeed):
    zoom.faults.tokens = "500"
    process = runfeed()
    until(lambda: "HTTP 500" in process.said())
    assert process.running.poll() is None

    zoom.faults.tokens = ""
    zoom.wait_connected()


def test_the_supervisor_sees_no_secret_in_any_line(zoom, runfeed):
    process = runfeed()
    zoom.wait_connected()
    zoom.call(zoom.zoom.drop())
    until(lambda: "connection to Zoom ended" in process.said())
    zoom.faults.verdict = "Invalid Token"
    until(lambda: "refused the socket" in process.said())
    process.stop()

    assert zoom.zoom.tokens.ends
    for secret in (*zoom.zoom.tokens.ends, APP.client_secret):
        assert secret not in process.said()


@pytest.fixture
def supervisor(tmp_path):
    """The end of sd_notify at which systemd listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(10)
        yield listener


def hear(listener, word):
    """Wait until somebody says it."""
    ends = time.monotonic() + 20
    while word not in (said := listener.recv(4096).decode()):
        assert time.monotonic() < ends
    return said


def test_the_supervisor_hears_that_it_is_ready_that_it_lives_and_that_it_stops(zoom, runfeed, supervisor):
    process = runfeed(NOTIFY_SOCKET=supervisor.getsockname(), WATCHDOG_USEC="400000")
    zoom.wait_connected()
    assert "READY=1" in hear(supervisor, "STATUS=Live")
    hear(supervisor, "WATCHDOG=1")

    process.stop()
    hear(supervisor, "STOPPING=1")


def test_a_feed_whose_loop_hangs_gives_no_sign_of_life(zoom, runfeed, supervisor):
    process = runfeed(NOTIFY_SOCKET=supervisor.getsockname(), WATCHDOG_USEC="200000")
    hear(supervisor, "WATCHDOG=1")
    process.freeze()
    supervisor.setblocking(False)
    try:
        with contextlib.suppress(BlockingIOError):
            while supervisor.recv(4096):  # what it had said before
                continue
        supervisor.settimeout(0.6)
        with pytest.raises(TimeoutError):
            supervisor.recv(4096)
    finally:
        process.thaw()


def test_a_killed_feed_is_followed_at_once_by_the_next_on_the_same_machine(zoom, runfeed, environment):
    first = runfeed()
    zoom.wait_connected()
    first.kill()
    runfeed()

    assert until(lambda: zoom.zoom.is_connected, 12)  # the lease of 15 s has not run out by then
