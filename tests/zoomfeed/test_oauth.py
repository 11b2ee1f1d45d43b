"""Tokens, from a real endpoint."""

import asyncio
import logging

import pytest
import requests

from tests.zoomfeed.conftest import APP
from zoomfeed.exceptions import CredentialsRefused, TokenUnavailable
from zoomfeed.oauth import GRANTS, Issuer, RedactSecrets, redact
from zoomfeed.simulator.server import SimulatedZoom


@pytest.fixture
async def zoom():
    async with SimulatedZoom(APP) as zoom:
        yield zoom


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def issuer(zoom, **changes):
    values = {"account_id": APP.account_id, "client_id": APP.client_id, "client_secret": APP.client_secret}
    return Issuer(zoom.oauth_url, **values | changes)


@pytest.mark.parametrize("grant", GRANTS)
async def test_both_grants_give_a_token(zoom, grant):
    token = await asyncio.to_thread(issuer(zoom).token, grant)

    assert zoom.tokens.left_s(token.value) > 3000


async def test_a_token_is_shared_until_shortly_before_its_end(zoom):
    clock = Clock()
    ours = issuer(zoom, clock=clock)
    first = await asyncio.to_thread(ours.token, GRANTS[0])
    clock.now = 2900
    assert await asyncio.to_thread(ours.token, GRANTS[0]) == first
    clock.now = 3100
    assert await asyncio.to_thread(ours.token, GRANTS[0]) != first
    assert zoom.tokens.requests == 2


async def test_a_refused_token_is_forgotten(zoom):
    ours = issuer(zoom)
    first = await asyncio.to_thread(ours.token, GRANTS[0])
    ours.drop(GRANTS[0])

    assert await asyncio.to_thread(ours.token, GRANTS[0]) != first


@pytest.mark.parametrize("wrong", [{"client_secret": "no"}, {"account_id": "no"}])
async def test_wrong_credentials_need_a_person(zoom, wrong):
    with pytest.raises(CredentialsRefused) as caught:
        await asyncio.to_thread(issuer(zoom, **wrong).token, "account_credentials")

    assert caught.value.status in (400, 401)
    assert "ZOOM_CLIENT_SECRET" in str(caught.value)


async def test_too_many_requests_say_when_to_come_back(zoom):
    zoom.faults.tokens = "429"
    with pytest.raises(TokenUnavailable) as caught:
        await asyncio.to_thread(issuer(zoom).token, GRANTS[0])

    assert caught.value.retry_after_s == 1


async def test_html_instead_of_json_is_weather(zoom):
    zoom.faults.tokens = "500"
    with pytest.raises(TokenUnavailable, match="HTTP 500"):
        await asyncio.to_thread(issuer(zoom).token, GRANTS[0])


async def test_an_endpoint_that_is_away_is_weather():
    ours = Issuer("http://127.0.0.1:9/oauth/token", "a", "c", "s")
    with pytest.raises(TokenUnavailable, match="ConnectionError"):
        await asyncio.to_thread(ours.token, GRANTS[0])


def answer(status):
    made = requests.Response()
    made.status_code = status
    return made


@pytest.mark.parametrize(
    "body",
    [b'{"access_token":"t","expires_in":3600}', b'{"Access_token":"t","Expire_in":3600}', b'{"access_token":"t"}'],
)
def test_the_spellings_of_the_documentation_are_understood(body):
    assert Issuer("", "a", "c", "s")._read(answer(200), body).value == "t"


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'{"access_token":7}', b"<html>"])
def test_nonsense_is_weather(body):
    with pytest.raises(TokenUnavailable):
        Issuer("", "a", "c", "s")._read(answer(200), body)


def test_no_representation_holds_a_secret():
    ours = Issuer("u", "a", "c", "the-secret")

    assert "the-secret" not in repr(ours)
    assert "the-token" not in repr(ours._read(answer(200), b'{"access_token":"the-token"}'))


@pytest.mark.parametrize(
    "text",
    [
        "GET /ws?subscriptionId=x&access_token=the-token HTTP/1.1",
        "Authorization: Bearer the-token",
        "Authorization: Basic the-token",
        '{"download_token":"the-token"}',
    ],
)
def test_secrets_are_blotted_out(text):
    assert "the-token" not in redact(text)
    assert "[secret]" in redact(text)


def test_also_in_arguments_and_tracebacks():
    error = OSError("wss://host/ws?access_token=the-token")
    record = logging.LogRecord("x", 40, "", 0, "at %s", ("access_token=the-token",), (OSError, error, None))
    assert RedactSecrets().filter(record)

    text = logging.Formatter().format(record)
    assert "the-token" not in text
    assert text.count("[secret]") == 2
