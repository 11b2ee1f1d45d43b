"""What may be asked of Zoom's REST, over real HTTP to the simulated one."""

import asyncio
import json
import random
import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.zoomfeed.conftest import APP
from zoomfeed.exceptions import (
    CredentialsRefused,
    Limited,
    NotAllowed,
    NotKnown,
    TokenRefused,
    TooEarly,
    Weather,
)
from zoomfeed.fold import Kind
from zoomfeed.oauth import Issuer
from zoomfeed.repair import endpoints, rest
from zoomfeed.repair.limiter import Label, Limiter
from zoomfeed.repair.rest import Zoom
from zoomfeed.simulator import bodies, people
from zoomfeed.simulator.bodies import WEBINAR, Leg, Run
from zoomfeed.simulator.server import SimulatedZoom

NOW = int(time.time())
TODAY = datetime.now(UTC).date()
HOST = people.staff(1)[0]
RNG = random.Random(1)
PLAIN = "aB+cEfGhIjKlMnOpQrStUw=="
AWKWARD = ["/begins/with/a/slash==", "holds//two/in/a/row+==", "//both//=="]
QUICK = dict.fromkeys(Label, (1000, 1.0))


@pytest.fixture
async def zoom():
    async with SimulatedZoom(APP) as zoom:
        yield zoom


def run(uuid=PLAIN, kind=bodies.SCHEDULED):
    return Run(uuid, "123456789", "Topic", HOST, NOW - 600, kind)


def leg(number):
    return Leg(people.Person(f"Guest {number}"), f"Guest {number}", str(16_778_240 + 1024 * number), f"A{number:04}")


async def meet(zoom, of, guests=2, *, ended=False):
    await zoom.send(bodies.started(of))
    for number in range(guests):
        await zoom.send(bodies.joined(of, leg(number), NOW - 500, RNG))
    if ended:
        await zoom.send(bodies.ended(of, NOW - 60))


async def asked(zoom, question, *, slept=None, issuer=None, limiter=None):
    """What a question to the client comes to; `slept` gets the pauses that it made."""
    issuer = issuer or Issuer(zoom.oauth_url, APP.account_id, APP.client_id, APP.client_secret)
    pauses = [] if slept is None else slept

    def ask():
        with Zoom(
            zoom.api_url,
            lambda: issuer.token("account_credentials").value,
            lambda: issuer.drop("account_credentials"),
            limiter or Limiter(time.time, pauses.append, rates=QUICK),
            clock=time.time,
            sleep=pauses.append,
        ) as client:
            return question(client)

    return await asyncio.to_thread(ask)


def live_meetings(client):
    return client.live_runs(Kind.MEETING, TODAY - timedelta(days=1), TODAY)


# What is answered


@pytest.mark.parametrize(("kind", "type_"), [(Kind.MEETING, bodies.SCHEDULED), (Kind.WEBINAR, WEBINAR)])
async def test_live_and_past_runs_are_told_apart(zoom, kind, type_):
    await meet(zoom, run("live==", type_))
    await meet(zoom, run("past==", type_), ended=True)
    listing = await asked(zoom, lambda client: client.live_runs(kind, TODAY - timedelta(days=1), TODAY))
    assert [row["uuid"] for row in listing.rows] == ["live=="]
    assert listing.whole
    listing = await asked(zoom, lambda client: client.past_runs(kind, TODAY - timedelta(days=1), TODAY))
    assert [row["uuid"] for row in listing.rows] == ["past=="]


@pytest.mark.parametrize("uuid", [PLAIN, *AWKWARD])
async def test_a_run_is_found_whatever_its_uuid_holds(zoom, uuid):
    await meet(zoom, run(uuid))
    listing = await asked(zoom, lambda client: client.live_participants(Kind.MEETING, uuid))
    assert {row["user_name"] for row in listing.rows} == {"Guest 0", "Guest 1"}
    await zoom.send(bodies.ended(run(uuid), NOW - 60))
    row = await asked(zoom, lambda client: client.past_run(uuid))
    assert row["end_time"] == bodies.iso(NOW - 60)
    listing = await asked(zoom, lambda client: client.past_participants(Kind.MEETING, uuid))
    assert len(listing.rows) == 2


async def test_all_pages_are_read(zoom):
    await meet(zoom, run(), 1200)
    zoom.rest.requests.clear()
    listing = await asked(zoom, lambda client: client.live_participants(Kind.MEETING, PLAIN))
    assert len({row["user_id"] for row in listing.rows}) == len(listing.rows) == 1200
    assert listing.whole
    assert len(zoom.rest.requests) == 4


async def test_the_meetings_of_a_host_are_told_without_dashboards(zoom):
    zoom.rest.plan = "free"
    await meet(zoom, run())
    listing = await asked(zoom, lambda client: client.live_runs_of(HOST.zoom_id))
    assert [row["uuid"] for row in listing.rows] == [PLAIN]


async def test_who_was_there_is_told_in_another_way_without_the_scope_for_reports(zoom):
    await meet(zoom, run(), ended=True)
    zoom.rest.scopes = {endpoints.PAST_PARTICIPANTS[Kind.MEETING].scope}
    listing = await asked(zoom, lambda client: client.past_participants(Kind.MEETING, PLAIN))
    assert [row["name"] for row in listing.rows] == ["Guest 0", "Guest 1"]


# What is refused


async def test_a_missing_scope_is_named(zoom):
    zoom.rest.scopes = set()
    with pytest.raises(NotAllowed, match="dashboard:read:list_meetings:admin"):
        await asked(zoom, live_meetings)


async def test_a_missing_plan_is_named_and_asked_for_only_once(zoom):
    zoom.rest.plan = "pro"

    def twice(client):
        for _ in range(2):
            with pytest.raises(NotAllowed, match="Business"):
                live_meetings(client)

    await asked(zoom, twice)
    assert len(zoom.rest.requests) == 1


async def test_a_run_that_has_not_ended_is_too_early(zoom):
    await meet(zoom, run())
    with pytest.raises(TooEarly):
        await asked(zoom, lambda client: client.past_run(PLAIN))


async def test_what_zoom_has_not_counted_is_too_early(zoom):
    zoom.rest.too_early_s = 60
    zoom.rest.scopes = {endpoints.PAST_PARTICIPANTS[Kind.MEETING].scope}
    await meet(zoom, run(), ended=True)
    with pytest.raises(TooEarly):
        await asked(zoom, lambda client: client.past_participants(Kind.MEETING, PLAIN))


async def test_a_host_whom_zoom_does_not_know_is_not_known(zoom):
    with pytest.raises(NotKnown):
        await asked(zoom, lambda client: client.live_runs_of("nobody"))


@pytest.mark.parametrize("uuid", ["", ".", ".."])
async def test_an_id_that_would_change_the_path_is_never_asked_for(zoom, uuid):
    with pytest.raises(NotKnown):
        await asked(zoom, lambda client: client.past_run(uuid))
    assert zoom.rest.requests == []


async def test_a_dead_token_is_replaced_once(zoom):
    issuer = Issuer(zoom.oauth_url, APP.account_id, APP.client_id, APP.client_secret)
    dead = await asyncio.to_thread(issuer.token, "account_credentials")
    zoom.tokens.ends[dead.value] = 0.0
    await meet(zoom, run())
    listing = await asked(zoom, live_meetings, issuer=issuer)
    assert len(listing.rows) == 1
    zoom.faults.rest = "401"
    with pytest.raises(TokenRefused):
        await asked(zoom, live_meetings, issuer=issuer)
    assert zoom.tokens.requests == 3


async def test_what_the_token_endpoint_says_comes_through(zoom):
    zoom.faults.tokens = "401"
    with pytest.raises(CredentialsRefused):
        await asked(zoom, live_meetings)


# Limits

PER_SECOND = b'{"code":429,"message":"You have reached the maximum per-second rate limit for this API."}'
PER_DAY = b'{"code":429,"message":"You have reached the maximum daily rate limit for this API."}'


async def test_a_second_of_too_many_calls_is_waited_for_and_makes_us_slower(zoom):
    zoom.rest.fail_next = [(429, {"Retry-After": "2"}, PER_SECOND), (429, {}, PER_SECOND)]
    slept = []
    limiter = Limiter(time.time, slept.append)
    await asked(zoom, live_meetings, slept=slept, limiter=limiter)
    assert slept[:1] == [2.0]
    assert 1.0 in slept
    assert limiter._rates[Label.RESOURCE_INTENSIVE] == (2, 60.0)


@pytest.mark.parametrize("wait", ["1", "3000"])
async def test_a_limit_that_does_not_pass_is_left_to_later(zoom, wait):
    zoom.rest.fail_next = [(429, {"Retry-After": wait}, PER_SECOND)] * 5
    with pytest.raises(Limited) as limited:
        await asked(zoom, live_meetings)
    assert (limited.value.daily, limited.value.retry_after_s) == (False, float(wait))


async def test_a_limit_of_a_day_is_remembered_until_its_time(zoom):
    until = datetime.now(UTC) + timedelta(hours=5)
    zoom.rest.fail_next = [(429, {"Retry-After": until.strftime("%Y-%m-%dT%H:%M:%SZ")}, PER_DAY)]
    limiter = Limiter(time.time, lambda _: None)
    for _ in range(2):
        with pytest.raises(Limited) as limited:
            await asked(zoom, live_meetings, limiter=limiter)
        assert limited.value.daily
    assert abs(limiter.blocked_until["RESOURCE-INTENSIVE"] - until.timestamp()) < 2
    assert len(zoom.rest.requests) == 1


# Weather

HTML = (500, {"Content-Type": "text/html"}, b"<html><h1>500</h1></html>")


@pytest.mark.parametrize(
    "answer",
    [
        HTML,
        (503, {}, b""),
        (200, {"Content-Type": "text/html"}, b"<html>Maintenance</html>"),
        (200, {}, b""),
        (200, {}, b"[]"),
        (200, {}, b'{"meetings":[{"id":NaN}]}'),
        (200, {}, b"[" * 100_000),
        (200, {}, b"\xff\xfe"),
        (404, {}, b"<html>nginx</html>"),
        (302, {"Location": "http://192.0.2.1/elsewhere"}, b""),
    ],
)
async def test_nonsense_is_weather(zoom, answer):
    zoom.rest.fail_next = [answer]
    with pytest.raises(Weather):
        await asked(zoom, live_meetings)
    assert len(zoom.rest.requests) == 1


async def test_a_zoom_that_is_away_is_weather(zoom):
    issuer = Issuer(zoom.oauth_url, APP.account_id, APP.client_id, APP.client_secret)
    await asyncio.to_thread(issuer.token, "account_credentials")
    await zoom.go_away()
    with pytest.raises(Weather):
        await asked(zoom, live_meetings, issuer=issuer)
    await zoom.come_back()


async def test_an_answer_without_end_is_given_up(zoom, monkeypatch):
    monkeypatch.setattr(rest, "MOST_BYTES", 1000)
    zoom.rest.fail_next = [(200, {}, b" " * 100_000)]
    with pytest.raises(Weather, match="larger"):
        await asked(zoom, live_meetings)


async def test_a_cut_emoji_costs_no_page(zoom):
    zoom.rest.fail_next = [(200, {}, b'{"meetings":[{"uuid":"u","topic":"\\ud83d"}]}')]
    listing = await asked(zoom, live_meetings)
    assert [row["uuid"] for row in listing.rows] == ["u"]


@pytest.mark.parametrize("rows", ["x", None, {"uuid": "u"}, 5])
async def test_an_answer_without_its_list_proves_nothing(zoom, rows):
    zoom.rest.fail_next = [(200, {}, json.dumps({"meetings": rows}).encode())]
    assert await asked(zoom, live_meetings) == rest.Listing((), whole=False)


async def test_pages_that_go_round_in_a_circle_are_left(zoom):
    zoom.rest.fail_next = [
        (200, {}, json.dumps({"meetings": [{"uuid": token}], "next_page_token": token}).encode()) for token in "aba"
    ]
    listing = await asked(zoom, live_meetings)
    assert [row["uuid"] for row in listing.rows] == ["a", "b", "a"]
    assert not listing.whole


async def test_pages_without_end_are_left(zoom, monkeypatch):
    monkeypatch.setattr(rest, "MOST_PAGES", 3)
    zoom.rest.fail_next = [
        (200, {}, json.dumps({"meetings": [], "next_page_token": str(number)}).encode()) for number in range(9)
    ]
    assert not (await asked(zoom, live_meetings)).whole
    assert len(zoom.rest.requests) == 3


async def test_a_place_in_a_list_that_zoom_forgot_is_weather(zoom):
    zoom.rest.fail_next = [(200, {}, b'{"meetings":[],"next_page_token":"old"}')]
    with pytest.raises(Weather):
        await asked(zoom, live_meetings)


async def test_no_sentence_holds_the_token(zoom):
    zoom.rest.fail_next = [(400, {}, b'{"code":200,"message":"Bearer abc.def is not allowed"}')]
    with pytest.raises(NotAllowed) as refused:
        await asked(zoom, live_meetings)
    assert "abc.def" not in str(refused.value)


# Where tokens go


@pytest.mark.parametrize(
    "api_url",
    [
        "https://api.zoom.us",
        "https://api-eu.zoom.us",
        "https://zoom.us",
        "https://api.zoomgov.com",
        "https://eu.zoom.com",
    ],
)
def test_a_token_goes_to_the_region_that_zoom_names(api_url):
    assert endpoints.base_url("https://api.zoom.us/v2", api_url) == f"{api_url}/v2"


@pytest.mark.parametrize(
    "api_url",
    [
        "",
        "http://api.zoom.us",
        "https://evil.example",
        "https://zoom.us.evil.example",
        "https://notzoom.us",
        "https://api.zoom.us@evil.example",
        "https://user@api.zoom.us",
        "https://api.zoom.us:8443",
        "https://[",
        "//api.zoom.us",
        "https://evil.example/zoom.us",
        "https://api.zoom.us/\n",
        "https://api.zoom.us?x=zoom.us",
    ],
)
def test_a_token_goes_nowhere_else(api_url):
    assert endpoints.base_url("http://127.0.0.1:8000/v2/", api_url) == "http://127.0.0.1:8000/v2"


@pytest.mark.parametrize(
    ("uuid", "segment"),
    [("aB+c/D==", "aB%2Bc%2FD%3D%3D"), ("/aB==", "%252FaB%253D%253D"), ("a//B", "a%252F%252FB")],
)
def test_a_uuid_is_quoted_once_or_twice(uuid, segment):
    assert endpoints.quoted(uuid) == segment
