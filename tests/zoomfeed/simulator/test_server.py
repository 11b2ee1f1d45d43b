"""The simulated Zoom answers as the real one is known to."""

import asyncio
import json

import pytest
import requests
from websockets.asyncio.client import connect

from tests.zoomfeed.simulator.client import GOOD, ask, closed, connected, hear, token, until, url
from zoomfeed import protocol
from zoomfeed.simulator.faults import Faults


async def test_both_grants_give_a_token(zoom):
    for form in (GOOD, {"grant_type": "account_credentials", "account_id": "account"}):
        answer = await ask(zoom, **form)
        assert (answer.status_code, answer.json()["token_type"]) == (200, "bearer")


async def test_parameters_may_stand_in_the_query(zoom):
    where = zoom.oauth_url + "?grant_type=client_credentials"
    answer = await asyncio.to_thread(requests.post, where, auth=("client", "secret"), timeout=5)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("auth", "form", "status", "error"),
    [
        (("client", "wrong"), GOOD, 401, "invalid_client"),
        (("client", "secret"), {"grant_type": "account_credentials", "account_id": "other"}, 400, "invalid_request"),
        (("client", "secret"), {"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
async def test_a_wrong_request_is_refused_with_reason_and_error(zoom, auth, form, status, error):
    answer = await ask(zoom, auth, **form)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["reason"]


@pytest.mark.parametrize("fault", ["400", "401", "429", "500"])
async def test_token_faults_are_served(zoom, fault):
    zoom.faults.tokens = fault
    answer = await ask(zoom, **GOOD)
    assert answer.status_code == int(fault)
    assert ("Retry-After" in answer.headers) == (fault == "429")


async def test_an_event_comes_signed_and_byte_for_byte(zoom):
    event = {"event": "meeting.started", "payload": {"object": {"topic": "Ünïted 会议 🎈"}}}
    async with connect(url(zoom, await token(zoom))) as socket:
        await hear(socket)
        await zoom.wait_connected()
        await zoom.send(event)
        delivery = await hear(socket)
    assert json.loads(delivery.body) == event
    assert zoom.ledger == [delivery.body]
    assert protocol.is_signed("signing", delivery)


async def test_faults_repeat_break_and_reorder(zoom):
    async with connect(url(zoom, await token(zoom))) as socket:
        await hear(socket)
        await zoom.wait_connected()
        zoom.faults = Faults(duplicates=1, malformed=1)
        await zoom.send(b"{}")
        assert isinstance(await hear(socket), protocol.Unreadable)
        assert (await hear(socket)).body == (await hear(socket)).body == b"{}"
        zoom.faults = Faults(reorder=1)
        await zoom.send(b"[1]")
        await zoom.send(b"[2]")
        assert [(await hear(socket)).body for _ in "12"] == [b"[2]", b"[1]"]


async def test_it_can_go_away_and_come_back_on_the_same_ports(zoom):
    good = await token(zoom)
    async with connect(url(zoom, good)) as socket:
        await hear(socket)
        await zoom.wait_connected()
        await zoom.go_away()
        assert await closed(socket) is None
    with pytest.raises(ConnectionRefusedError):
        await connect(url(zoom, good))
    with pytest.raises(requests.ConnectionError):
        await ask(zoom, **GOOD)
    await zoom.send(b"[1]")
    await zoom.come_back()
    async with connect(url(zoom, await token(zoom))) as socket:
        assert (await hear(socket)).success
    assert [(sent.body, sent.connection) for sent in zoom.ledger_sent] == [(b"[1]", 0)]


# What a checker needs to know


async def test_it_knows_which_connection_took_an_event(zoom):
    await zoom.send(b"[0]")
    for number in (1, 2):
        async with connected(zoom) as socket:
            await zoom.send(b"[%d]" % number)
            assert (await hear(socket)).body == b"[%d]" % number
        await until(lambda: not zoom.is_connected)
    await zoom.send(b"[3]")
    assert [(sent.body, sent.connection) for sent in zoom.ledger_sent] == [
        (b"[0]", 0), (b"[1]", 1), (b"[2]", 2), (b"[3]", 0)
    ]  # fmt: skip
    sent_at, opened, ended = [sent.at for sent in zoom.ledger_sent], zoom.socket.opened, zoom.socket.ended
    assert sent_at == sorted(sent_at)
    for number in (1, 2):
        assert opened[number] <= sent_at[number] <= ended[number] <= sent_at[number + 1]


async def test_a_socket_that_takes_nothing_took_nothing(zoom):
    async with connected(zoom):
        zoom.faults.half_open = True
        await zoom.send(b"[1]")
    assert [sent.connection for sent in zoom.ledger_sent] == [0]
