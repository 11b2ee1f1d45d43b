"""The REST side of the simulated Zoom, asked over real HTTP."""

import asyncio
import random
import time
from dataclasses import replace
from urllib.parse import quote

import pytest
import requests

from tests.zoomfeed.simulator.client import ACCOUNT, APRIL, ask, found, get, refused, token
from zoomfeed.simulator import bodies, faults, office, people
from zoomfeed.simulator.bodies import WEBINAR, Leg, Run

BEGIN = 1_775_217_600  # 2026-04-03 12:00 UTC
HOST = people.staff(1)[0]
RUN = Run("aB+c/D==", "123456789", "Topic", HOST, BEGIN)
GUEST = Leg(people.Person("Guest"), "Guest", "16778240", "B0")
HOSTS = Leg(HOST, HOST.name, "16779264", "A0")
RNG = random.Random(1)


def legs(run=RUN):
    return [bodies.joined(run, HOSTS, BEGIN, RNG), bodies.joined(run, GUEST, BEGIN + 60, RNG)]


async def tell(zoom, *events):
    for event in events:
        await zoom.send(event)


def named(uuid, times=1):
    for _ in range(times):
        uuid = quote(uuid, safe="")
    return uuid


# What is answered


async def test_the_dashboard_lists_what_is_live(zoom):
    await tell(zoom, bodies.started(RUN), *legs(), bodies.ended(replace(RUN, uuid="over"), BEGIN + 9))
    said = await found(zoom, "/metrics/meetings", type="live", **APRIL)
    assert (said["total_records"], said["next_page_token"], said["from"]) == (1, "", "2026-04-01")
    [row] = said["meetings"]
    assert (row["uuid"], row["id"], row["topic"], row["participants"]) == (RUN.uuid, 123456789, "Topic", 2)
    assert (row["host"], row["email"]) == (HOST.name, HOST.email)
    assert (row["start_time"], row["end_time"]) == ("2026-04-03T12:00:00Z", "")


async def test_the_dashboard_has_one_row_for_each_leg(zoom):
    waiting = Leg(people.Person("Late"), "Late", "16780288", "C0")
    await tell(zoom, *legs(), bodies.waiting_room("joined_waiting_room", RUN, waiting, BEGIN + 70, RNG))
    await tell(zoom, bodies.left(RUN, GUEST, BEGIN + 90, "left", RNG))
    rows = (await found(zoom, f"/metrics/meetings/{named(RUN.uuid)}/participants", type="live"))["participants"]
    assert [(row["user_id"], row["status"], row["role"], row.get("leave_time")) for row in rows] == [
        ("16779264", "in_meeting", "host", None),
        ("16778240", "in_meeting", "attendee", "2026-04-03T12:01:30Z"),
        ("16780288", "in_waiting_room", "attendee", None),
    ]
    assert (rows[0]["user_name"], rows[0]["email"], rows[0]["participant_user_id"]) == (
        HOST.name,
        HOST.email,
        HOST.zoom_id,
    )
    zoom.rest.lists_left = False
    said = await found(zoom, "/metrics/meetings/123456789/participants", type="live")
    assert [row["participant_uuid"] for row in said["participants"]] == ["A0", "C0"]


async def test_a_leg_in_a_breakout_room_names_the_room(zoom):
    await tell(zoom, bodies.joined_room(RUN, GUEST, BEGIN, "room", "16779264", RNG))
    [row] = (await found(zoom, "/metrics/meetings/123456789/participants"))["participants"]
    assert (row["bo_mtg_id"], row["status"]) == ("room", "in_meeting")


async def test_an_ended_run_is_past_everywhere(zoom):
    await tell(zoom, *legs(), bodies.ended(RUN, BEGIN + 600))
    uuid = named(RUN.uuid)
    past = await found(zoom, f"/past_meetings/{uuid}")
    assert (past["end_time"], past["participants_count"], past["duration"]) == ("2026-04-03T12:10:00Z", 2, 10)
    assert (past["user_name"], past["user_email"]) == (HOST.name, HOST.email)
    instances = await found(zoom, "/past_meetings/123456789/instances")
    assert instances == {"meetings": [{"uuid": RUN.uuid, "start_time": "2026-04-03T12:00:00Z"}]}
    [row] = (await found(zoom, "/metrics/meetings", type="past", **APRIL))["meetings"]
    assert (row["uuid"], row["end_time"], row["duration"]) == (RUN.uuid, "2026-04-03T12:10:00Z", "10:00")
    assert (await found(zoom, f"/metrics/meetings/{uuid}", type="past"))["uuid"] == RUN.uuid
    assert (await found(zoom, "/metrics/meetings", type="live", **APRIL))["meetings"] == []
    may = {"from": "2026-05-01", "to": "2026-05-02"}
    assert (await found(zoom, "/metrics/meetings", type="past", **may))["meetings"] == []


async def test_reports_have_names_of_their_own(zoom):
    await tell(zoom, *legs(), bodies.ended(RUN, BEGIN + 600))
    for path, more in (("past_meetings", set()), ("report/meetings", {"customer_key", "bo_mtg_id"})):
        rows = (await found(zoom, f"/{path}/{named(RUN.uuid)}/participants"))["participants"]
        assert [(row["name"], row["user_email"], row["duration"]) for row in rows] == [
            (HOST.name, HOST.email, 600),
            ("Guest", "", 540),
        ]
        assert rows[1]["leave_time"] == "2026-04-03T12:10:00Z"
        assert more <= set(rows[0])


async def test_who_was_alone_is_not_reported(zoom):
    await tell(zoom, legs()[0], bodies.ended(RUN, BEGIN + 600))
    assert (await found(zoom, "/past_meetings/123456789/participants"))["participants"] == []


async def test_webinars_have_their_own_paths(zoom):
    webinar = replace(RUN, type=WEBINAR)
    await tell(zoom, *legs(webinar))
    assert (await found(zoom, "/metrics/meetings", **APRIL))["meetings"] == []
    assert [row["uuid"] for row in (await found(zoom, "/metrics/webinars", **APRIL))["webinars"]] == [RUN.uuid]
    assert (await found(zoom, "/metrics/webinars/123456789"))["participants"] == 2
    assert len((await found(zoom, "/metrics/webinars/123456789/participants"))["participants"]) == 2
    assert await refused(zoom, "/meetings/123456789") == (400, 3000)
    await tell(zoom, bodies.ended(webinar, BEGIN + 600))
    assert await refused(zoom, f"/past_meetings/{named(RUN.uuid)}") == (400, 3000)
    for path in ("past_webinars", "report/webinars"):
        assert len((await found(zoom, f"/{path}/123456789/participants"))["participants"]) == 2


async def test_a_users_live_meetings_are_the_scheduled_ones(zoom):
    instant = replace(RUN, uuid="instant", type=bodies.INSTANT)
    planned = replace(RUN, starts_at=BEGIN - 300)
    await tell(zoom, office.created(planned), bodies.started(RUN), bodies.started(instant))
    for name in (HOST.zoom_id, HOST.email):
        rows = (await found(zoom, f"/users/{named(name)}/meetings", type="live"))["meetings"]
        said = [(row["uuid"], row["id"], row["start_time"]) for row in rows]
        assert said == [(RUN.uuid, 123456789, "2026-04-03T11:55:00Z")]
    assert await refused(zoom, "/users/nobody/meetings", type="live") == (404, 1001)


async def test_a_number_is_waiting_or_started_and_never_ended(zoom):
    async def status():
        return (await found(zoom, "/meetings/123456789"))["status"]

    assert await refused(zoom, "/meetings/123456789") == (404, 3001)
    await tell(zoom, office.created(RUN))
    assert await status() == "waiting"
    await tell(zoom, bodies.started(RUN))
    assert await status() == "started"
    await tell(zoom, bodies.ended(RUN, BEGIN + 9))
    assert await status() == "waiting"


async def test_a_number_means_the_latest_run(zoom):
    later = replace(RUN, uuid="later", starts_at=BEGIN + 100)
    await tell(zoom, bodies.started(later), bodies.started(RUN), bodies.ended(RUN, BEGIN + 50))
    assert (await found(zoom, "/metrics/meetings/123456789"))["uuid"] == "later"


# Not yet, not there


async def test_what_is_live_or_unknown_is_not_past(zoom):
    await tell(zoom, bodies.started(RUN))
    for path in ("past_meetings/{}", "past_meetings/{}/participants", "report/meetings/{}/participants"):
        for name in (named(RUN.uuid), "unknown"):
            assert await refused(zoom, "/" + path.format(name)) == (404, 3001)
    assert await refused(zoom, f"/metrics/meetings/{named(RUN.uuid)}", type="past") == (404, 3001)
    assert await refused(zoom, "/metrics/meetings/unknown/participants", type="live") == (404, 3001)


async def test_soon_after_the_end_it_is_too_early(zoom):
    zoom.rest.too_early_s = 60
    await tell(zoom, *legs(), bodies.ended(RUN, BEGIN + 600))
    assert await refused(zoom, "/past_meetings/123456789") == (404, 3001)
    assert await refused(zoom, "/report/meetings/123456789/participants") == (404, 3001)
    rows = (await found(zoom, "/past_meetings/123456789/participants"))["participants"]
    assert [row["duration"] for row in rows] == [0, 0]
    zoom.rest.too_early_s = 0
    assert (await found(zoom, "/past_meetings/123456789"))["participants_count"] == 2


async def test_answers_may_lag_behind_the_events(zoom):
    zoom.rest.lag_s = 0.3
    sent_at = time.monotonic()
    await tell(zoom, bodies.started(RUN))
    bearer = await token(zoom, ACCOUNT)
    while not (await found(zoom, "/metrics/meetings", bearer=bearer, **APRIL))["total_records"]:
        assert time.monotonic() - sent_at < 5
    assert time.monotonic() - sent_at >= 0.3


@pytest.mark.parametrize(("uuid", "times"), [("/ab+c==", 2), ("a//b==", 2), ("a/b+==", 1), ("a/b+==", 2), ("ab", 2)])
async def test_a_uuid_is_found_as_its_slashes_demand(zoom, uuid, times):
    await tell(zoom, bodies.started(replace(RUN, uuid=uuid)))
    assert (await found(zoom, f"/metrics/meetings/{named(uuid, times)}"))["uuid"] == uuid


@pytest.mark.parametrize("uuid", ["/ab+c==", "a//b=="])
async def test_an_awkward_uuid_encoded_once_is_not_found(zoom, uuid):
    await tell(zoom, bodies.started(replace(RUN, uuid=uuid)))
    assert await refused(zoom, f"/metrics/meetings/{named(uuid)}") == (404, 3001)


@pytest.mark.parametrize(
    "query",
    [
        {}, {"from": "2026-04-01"}, {"from": "yesterday", "to": "today"}, {"from": "2026-04-02", "to": "2026-04-01"},
        {"from": "2026-04-01", "to": "2026-05-03"}, {**APRIL, "type": "dead"}, {**APRIL, "page_size": "301"},
        {**APRIL, "page_size": "0"}, {**APRIL, "page_size": "many"},
    ],
)  # fmt: skip
async def test_a_bad_query_is_refused(zoom, query):
    assert await refused(zoom, "/metrics/meetings", **query) == (400, 300)


# Who may ask


async def test_a_token_has_to_be_alive_and_known(zoom):
    bearer = await token(zoom, ACCOUNT)
    assert await refused(zoom, "/meetings/1", bearer=bearer) == (404, 3001)
    zoom.tokens.expire_all()
    assert await refused(zoom, "/meetings/1", bearer=bearer) == (401, 124)
    assert await refused(zoom, "/meetings/1", bearer="made-up") == (401, 124)
    in_the_query = await asyncio.to_thread(
        requests.get, f"{zoom.api_url}/meetings/1?access_token={await token(zoom, ACCOUNT)}", timeout=5
    )
    assert in_the_query.status_code == 401


async def test_a_token_of_the_app_itself_may_ask_nothing(zoom):
    answer = await get(zoom, "/meetings/1", await token(zoom))
    wanted = "Invalid access token, does not contain scopes:[meeting:read:meeting:admin]."
    assert (answer.status_code, answer.json()) == (400, {"code": 4711, "message": wanted})


async def test_a_token_names_its_scopes_and_a_missing_one_is_named(zoom):
    zoom.rest.scopes = {"meeting:read:past_meeting:admin", "meeting:read:meeting:admin"}
    said = (await ask(zoom, **ACCOUNT)).json()
    assert said["scope"] == "meeting:read:meeting:admin meeting:read:past_meeting:admin"
    assert said["api_url"] + "/v2" == zoom.api_url
    assert await refused(zoom, "/meetings/1") == (404, 3001)
    answer = await get(zoom, "/metrics/meetings", **APRIL)
    assert (answer.status_code, answer.json()["code"]) == (400, 4711)
    assert "dashboard:read:list_meetings:admin" in answer.json()["message"]


async def test_the_plan_decides_what_there_is(zoom):
    paths = ("/metrics/meetings", "/report/meetings/1/participants", "/past_meetings/1", "/meetings/1")
    for plan, codes in (("business", [300, 3001, 3001, 3001]), ("pro", [200, 3001, 3001, 3001])):
        zoom.rest.plan = plan
        assert [(await refused(zoom, path))[1] for path in paths] == codes
    zoom.rest.plan = "free"
    assert [await refused(zoom, path) for path in paths] == [(400, 200), (400, 200), (400, 200), (404, 3001)]


# What goes wrong


async def test_the_next_answers_can_be_given(zoom):
    given = [faults.REST_FAULTS[name] for name in ("429", "500", "empty", "401")] + [faults.daily_limit(60)]
    zoom.rest.fail_next = list(given)
    answers = [await get(zoom, "/meetings/1", "any") for _ in given]
    assert [answer.status_code for answer in answers] == [429, 500, 200, 401, 429]
    assert "per-second" in answers[0].text
    assert answers[1].headers["Content-Type"] == "text/html"
    assert answers[2].content == b""
    assert answers[3].json()["code"] == 124
    assert "daily" in answers[4].text
    assert answers[4].headers["Retry-After"].endswith("Z")
    assert await refused(zoom, "/meetings/1") == (404, 3001)


async def test_what_was_asked_is_kept_as_it_came(zoom):
    await get(zoom, f"/past_meetings/{named('/a', 2)}", type="live")
    assert zoom.rest.requests == [("/past_meetings/%252Fa", "type=live")]


async def test_nothing_else_is_there(zoom):
    bearer = await token(zoom, ACCOUNT)
    for path in ("/metrics/rooms", "/meetings/1/2", "/meetings/", "//"):
        assert (await get(zoom, path, bearer)).status_code == 404
    put = {"headers": {"Authorization": f"Bearer {bearer}"}, "timeout": 5}
    assert (await asyncio.to_thread(requests.put, f"{zoom.api_url}/meetings/1", **put)).status_code == 405


async def test_an_answer_may_be_slow(zoom):
    zoom.rest.delay_s = 5
    with pytest.raises(requests.Timeout):
        await asyncio.to_thread(requests.get, f"{zoom.api_url}/meetings/1", timeout=0.1)
