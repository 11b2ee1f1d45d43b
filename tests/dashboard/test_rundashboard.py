"""The whole product in one process, as `script/server` starts it."""

import re
import socket
import sqlite3
from contextlib import closing

import pytest
import requests

from tests.product import Process, ZoomThread, base_environment, free_port, is_up, turn_at_static_files, until


@pytest.fixture
def environment(tmp_path):
    with ZoomThread() as zoom:
        environment = base_environment(zoom, f"sqlite:///{tmp_path / 'rollcall.sqlite3'}", tmp_path)
    return {name: value for name, value in environment.items() if not name.startswith("ZOOM_")}


@pytest.fixture
def server(environment, tmp_path):
    started = []

    def start(*arguments, **changes):
        port = free_port()
        command = ["manage.py", "rundashboard", "--setup", "--port", str(port), *arguments]
        process = Process(command, environment | changes, tmp_path / f"server-{len(started)}.log")
        process.address = f"http://127.0.0.1:{port}"
        started.append(process)
        with turn_at_static_files():
            process.start()
            until(lambda: is_up(process.address) or not process.is_alive, 20, process.said)
        return process

    yield start
    for process in started:
        process.stop()


def ask(tmp_path, query):
    with closing(sqlite3.connect(tmp_path / "rollcall.sqlite3")) as database:
        return database.execute(query).fetchone()[0]


def test_a_newcomer_sees_meetings_within_ten_seconds(server, tmp_path):
    process = server("--or-demo")
    password = re.search(r"Sign in as admin with the password (\S+)", process.said())[1]
    session = requests.Session()
    page = session.get(f"{process.address}/login/", timeout=5)
    assert "Simulated Zoom" in page.text
    form = {
        "username": "admin",
        "password": password,
        "csrfmiddlewaretoken": re.search(r'csrfmiddlewaretoken" value="(\w+)"', page.text)[1],
    }
    answer = session.post(f"{process.address}/login/", data=form, headers={"Referer": process.address}, timeout=5)
    assert "Simulated Zoom" in answer.text

    until(lambda: session.get(f"{process.address}/", timeout=5).text.count('<article class="meeting"') >= 5, 10)
    for happened in ("started", "participant_joined", "participant_left", "ended"):
        query = f"SELECT count(*) FROM zoomfeed_event WHERE name LIKE '%.{happened}'"  # noqa: S608 - ours
        until(lambda query=query: ask(tmp_path, query), 10)


def test_ended_and_begun_again_it_keeps_what_it_has(server, tmp_path):
    first = server("--or-demo")
    until(lambda: ask(tmp_path, "SELECT count(*) FROM zoomfeed_event") > 100, 10)
    assert first.stop() == 0
    known = ask(tmp_path, "SELECT max(id) FROM zoomfeed_event")

    second = server("--or-demo")
    assert ask(tmp_path, "SELECT count(*) FROM zoomfeed_event") >= known
    assert "password" not in second.said()
    assert second.stop() == 0


def test_a_port_that_is_taken_is_said(server):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = server("--port", str(taken.getsockname()[1]))

        assert process.running.wait(20) == 1
    assert "PORT names another port" in process.said()
    assert "Traceback" not in process.said()


def test_half_an_account_is_said_with_78(server):
    process = server("--or-demo", ZOOM_ACCOUNT_ID="account")

    assert process.running.wait(20) == 78
    assert "ZOOM_CLIENT_ID is not set" in process.said()


def test_the_demo_is_for_this_machine_only(server):
    process = server("--demo", "--host", "0.0.0.0")  # noqa: S104 - it is refused

    assert process.running.wait(20) == 1
    assert "this machine only" in process.said()
