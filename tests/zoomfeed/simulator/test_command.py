"""manage.py simulatezoom as an operator runs it: a process that prints how to reach it, and ends when told."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from django.core.management import CommandError, call_command
from websockets.asyncio.client import connect

from tests.zoomfeed.simulator.client import hear, until
from tests.zoomfeed.simulator.test_webhooks import Receiver, serving
from zoomfeed.simulator import recorded

ROOT = Path(__file__).resolve().parents[3]
ENVIRONMENT = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONUNBUFFERED": "1"}
PRINTED = (
    "ZOOM_ACCOUNT_ID", "ZOOM_CLIENT_ID", "ZOOM_CLIENT_SECRET", "ZOOM_SUBSCRIPTION_ID",
    "ZOOM_WEBHOOK_SECRET_TOKEN", "ZOOM_OAUTH_URL", "ZOOM_WS_URL", "ZOOM_API_URL",
)  # fmt: skip


def command(*arguments):
    return [sys.executable, "manage.py", "simulatezoom", *arguments]


@contextmanager
def running(*arguments):
    """The process, and the settings that it printed."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command(*arguments), cwd=ROOT, env=ENVIRONMENT, stdout=pipe, stderr=pipe, text=True
    ) as process:
        try:
            lines = [process.stdout.readline().strip() for _ in PRINTED]
            yield process, dict(line.split("=", 1) for line in lines)
        finally:
            process.kill()


def ended_by(process, number):
    process.send_signal(number)
    return process.wait(10)


async def token(printed):
    grant = {"grant_type": "account_credentials", "account_id": printed["ZOOM_ACCOUNT_ID"]}
    auth = (printed["ZOOM_CLIENT_ID"], printed["ZOOM_CLIENT_SECRET"])
    answer = await asyncio.to_thread(requests.post, printed["ZOOM_OAUTH_URL"], data=grant, auth=auth, timeout=5)
    return answer.json()["access_token"]


async def rest(printed, path):
    headers = {"Authorization": f"Bearer {await token(printed)}"}
    return await asyncio.to_thread(requests.get, f"{printed['ZOOM_API_URL']}/{path}", headers=headers, timeout=5)


async def listen(printed, count):
    """What a client hears that knows no more than what was printed."""
    where = f"{printed['ZOOM_WS_URL']}?subscriptionId={printed['ZOOM_SUBSCRIPTION_ID']}"
    async with connect(f"{where}&access_token={await token(printed)}", max_queue=None) as socket:
        assert (await hear(socket)).success
        return [await hear(socket) for _ in range(count)]


async def test_it_prints_how_to_reach_it_plays_and_ends_well():
    with running("--port", "0", "--play", "K1", "--speed", "0") as (process, printed):
        assert tuple(printed) == PRINTED
        heard = await listen(printed, 33)
        assert [frame.body for frame in heard] == [body for _, body in recorded.sequence("K1")]
        assert ended_by(process, signal.SIGTERM) == 0


async def test_it_plays_the_demo_when_nothing_else_is_asked_for():
    with running("--port", "0") as (process, printed):
        heard = await listen(printed, 500)
        assert "meeting.participant_joined" in {json.loads(frame.body)["event"] for frame in heard}
        assert ended_by(process, signal.SIGINT) == 0


async def test_it_answers_over_rest_and_posts_to_the_webhook():
    receiver, arguments = Receiver(), ("--port", "0", "--play", "K3", "--speed", "0", "--rest-plan", "pro")
    with serving(receiver) as url, running(*arguments, "--webhook-url", url) as (_, printed):
        heard = await listen(printed, 4)
        await until(lambda: len(receiver.came) == 4)
        assert sorted(receiver.bodies) == sorted(frame.body for frame in heard)
        about = json.loads(heard[0].body)["payload"]["object"]
        assert (await rest(printed, f"past_meetings/{about['id']}")).json()["uuid"] == about["uuid"]
        assert (await rest(printed, "metrics/meetings")).json()["code"] == 200


async def test_rest_may_lag_behind():
    with running("--port", "0", "--play", "K3", "--speed", "0", "--rest-lag", "3600") as (_, printed):
        heard = await listen(printed, 4)
        number = json.loads(heard[0].body)["payload"]["object"]["id"]
        assert (await rest(printed, f"past_meetings/{number}")).json()["code"] == 3001


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--fault", "nope"], "invalid choice: 'nope'"),
        (["--play", "K2"], "invalid choice: 'K2'"),
        (["--rate", "0"], "'0' is no number above 0"),
        (["--speed", "-1"], "'-1' is no number from 0 upward"),
        (["--port", "65535"], "'65535' is no port from 1 to 65534"),
        (["--since", "noon"], "'noon' is no time such as"),
        (["--rest-plan", "golden"], "invalid choice: 'golden'"),
        (["--rest-lag", "-1"], "'-1' is no number from 0 upward"),
        (["--webhook-url", "nowhere"], "'nowhere' is no address such as"),
        (["--host", "192.0.2.1"], "cannot listen on 192.0.2.1:8100"),
    ],
)
def test_a_bad_argument_is_named(arguments, complaint, capsys):
    with pytest.raises(CommandError, match=complaint):
        call_command("simulatezoom", *arguments)
    assert ("Warning: everybody" in capsys.readouterr().err) == ("--host" in arguments)
