"""The command `checkzoom` as people and scripts use it: what it prints, and its exit codes."""

import json
import re
import signal
import subprocess
import sys
from io import StringIO

import pytest

from tests.product import (
    APP,
    ROOT,
    Process,
    Product,
    ZoomThread,
    base_environment,
    database_of_its_own,
    free_port,
    until,
)
from tests.zoomfeed.test_record import event, join
from zoomfeed.checkup import Outcome, Step
from zoomfeed.management.commands.checkzoom import Command

SCRIPT = (sys.executable, "manage.py", "checkzoom")


class Check:
    """One run of the command that has ended."""

    def __init__(self, environment, *arguments):
        done = subprocess.run(
            [*SCRIPT, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr
        assert "Traceback" not in self.err, self.err

    @property
    def steps(self):
        return {step["name"]: step for step in json.loads(self.out)["steps"]}


@pytest.fixture
def zoom():
    with ZoomThread() as zoom:
        yield zoom


@pytest.fixture
def environment(zoom, tmp_path):
    ours = base_environment(zoom, f"sqlite:///{tmp_path / 'rollcall.sqlite3'}", tmp_path)
    return ours | {"LOG_LEVEL": "DEBUG", "ZOOM_API_URL": zoom.zoom.api_url}


@pytest.fixture
def product(zoom, environment, tmp_path):
    product = Product(zoom, environment, tmp_path)
    database_of_its_own(tmp_path)
    yield product
    product.stop()


def lines(check):
    """The marks and names of the steps."""
    return [line[:6] + line[6:].partition(":")[0] for line in check.out.splitlines() if line.startswith("[")]


def test_people_read_a_line_for_each_step_and_what_to_do_below(product):
    check = Check(product.environment | {"ZOOM_WEBHOOK_SECRET_TOKEN": ""}, "--wait", "0")

    assert "[ ok ] settings" in lines(check)
    assert "[ ok ] socket" in lines(check)
    assert "[ ok ] heartbeat" in lines(check)
    assert "[skip] first event" in lines(check)
    assert re.search(r"^\[skip\] webhook: .+\n {7}-> Optional: ", check.out, re.MULTILINE)


def test_json_is_one_object_with_all_steps(product):
    check = Check(product.environment, "--json", "--wait", "0")

    said = json.loads(check.out)
    assert set(said) == {"ok", "steps"}
    assert said["ok"] is (check.code == 0)
    assert {"name", "tried", "found", "outcome", "advice", "is_weather"} == set(said["steps"][0])
    assert said["steps"][-1]["name"] == "summary"


def test_the_documentation_has_every_step_in_order(product):
    page = (ROOT / "docs" / "checkzoom.md").read_text().partition("## The steps")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+) \|", page, re.MULTILINE)[2:]

    steps = Check(product.environment, "--json", "--wait", "0").steps
    assert ", ".join(rows).split(", ") == list(steps)


def test_colour_is_for_terminals(product):
    assert "\x1b[" in Check(product.environment, "--wait", "0", "--force-color").out
    assert "\x1b[" not in Check(product.environment, "--wait", "0").out


@pytest.mark.parametrize("name", ["ZOOM_ACCOUNT_ID", "ZOOM_CLIENT_ID", "ZOOM_CLIENT_SECRET", "ZOOM_SUBSCRIPTION_ID"])
def test_a_missing_setting_is_work_for_a_person(environment, name):
    check = Check(environment | {name: ""}, "--json")

    assert check.code == 78
    assert f"not set: {name}" in check.steps["settings"]["found"]


def test_a_wrong_secret_is_work_for_a_person(environment):
    check = Check(environment | {"ZOOM_CLIENT_SECRET": "wrong"}, "--json")

    assert check.code == 78
    assert "ZOOM_CLIENT_SECRET" in check.steps["token"]["advice"]
    assert check.steps["socket"]["outcome"] == "skipped"


def test_a_zoom_in_trouble_is_weather(zoom, environment):
    zoom.faults.tokens = "500"

    check = Check(environment, "--json")

    assert check.code == 75
    assert "HTTP 500" in check.steps["token"]["found"]


def test_a_zoom_out_of_reach_is_weather(environment):
    check = Check(environment | {"ZOOM_OAUTH_URL": f"http://127.0.0.1:{free_port()}/oauth/token"}, "--json")

    assert check.code == 75


def test_a_new_installation_without_tables_is_told_to_migrate(zoom, environment):
    check = Check(environment, "--json", "--wait", "0")

    assert "manage.py migrate" in check.steps["socket"]["advice"]
    assert zoom.zoom.connections == 0


def test_a_database_that_is_away_keeps_no_other_step_from_being_tried(zoom, environment):
    away = f"postgres://nobody@127.0.0.1:{free_port()}/nothing"

    check = Check(environment | {"DATABASE_URL": away}, "--json", "--wait", "0")

    assert check.steps["token"]["outcome"] == "ok"
    assert check.steps["socket"]["outcome"] == "skipped"
    assert zoom.zoom.connections == 0


def test_a_running_feed_is_not_disturbed(product):
    product.process("runfeed", "manage.py", "runfeed")
    product.zoom.wait_connected()
    until(lambda: product.ask("SELECT state FROM zoomfeed_feed") == [("live",)])

    check = Check(product.environment, "--json")

    assert "says: Live" in check.steps["socket"]["found"]
    assert product.zoom.zoom.connections == 1
    assert product.zoom.zoom.is_connected


def test_with_take_over_the_feed_stands_by_and_comes_back(product):
    feed = product.process("runfeed", "manage.py", "runfeed")
    product.zoom.wait_connected()
    until(lambda: product.ask("SELECT state FROM zoomfeed_feed") == [("live",)])

    check = Check(product.environment, "--json", "--take-over", "--wait", "0")

    assert check.steps["socket"]["outcome"] == "ok"
    until(lambda: product.zoom.zoom.connections == 3 and product.zoom.zoom.is_connected)
    assert feed.is_alive
    product.zoom.send(event("meeting.started"))
    product.revision()


def test_told_to_end_it_gives_the_lease_back(product):
    listening = Process([*SCRIPT[1:], "--wait", "60"], product.environment, product.folder / "checkzoom.log").start()
    product.processes["checkzoom"] = listening
    product.zoom.wait_connected()
    until(lambda: "heartbeat" in listening.said())
    listening.running.send_signal(signal.SIGTERM)

    assert listening.running.wait(15) == 128 + signal.SIGINT
    assert product.ask("SELECT holder, lease_until FROM zoomfeed_feed") == [("", None)]
    assert "Traceback" not in listening.said()


def test_the_first_event_ends_the_wait_and_is_in_the_log(product):
    listening = Process([*SCRIPT[1:], "--wait", "60"], product.environment, product.folder / "checkzoom.log").start()
    product.processes["checkzoom"] = listening
    product.zoom.wait_connected()
    product.zoom.send(join("16778240", user_name="Zaphod"))

    listening.running.wait(20)
    assert "meeting.participant_joined came after" in listening.said()
    assert "Zaphod" not in listening.said()
    assert product.ask("SELECT count(*) FROM zoomfeed_event") == [(1,)]


def test_words_of_zoom_cannot_command_the_terminal():
    out = StringIO()

    Command(stdout=out)._say(Step("socket", "try", "lost: \x1b[2J\r\ngone", Outcome.FAILED, "\x9bdo"))

    assert out.getvalue() == "[FAIL] socket: lost: \ufffd[2J\ufffd\ufffdgone\n       -> \ufffddo\n"


def test_a_refusal_is_printed_with_the_words_of_zoom(zoom, product):
    zoom.faults.verdict = "Token is invalid"

    check = Check(product.environment, "--wait", "0")

    assert check.code == 78
    assert "[FAIL] socket: refused with client_credentials ('Token is invalid')" in check.out


def test_no_secret_is_in_any_output(zoom, product):
    secret = {"ZOOM_WEBHOOK_SECRET_TOKEN": "secret-token-of-the-webhook"}
    checks = [
        Check(product.environment | secret, "--wait", "0"),
        Check(product.environment | secret, "--json", "--wait", "1"),
    ]
    zoom.faults.verdict = "Invalid Token"
    checks.append(Check(product.environment | secret, "--wait", "0"))

    said = "".join(check.out + check.err for check in checks)
    assert zoom.zoom.tokens.ends
    for hidden in (*zoom.zoom.tokens.ends, APP.client_secret, "secret-token-of-the-webhook"):
        assert hidden not in said


@pytest.mark.parametrize("wait", ["-1", "601", "nan", "soon"])
def test_a_wait_that_is_none_is_refused(environment, wait):
    check = Check(environment, f"--wait={wait}")

    assert check.code == 2
    assert "from 0 to 600" in check.err
