"""The socket, against the simulated Zoom and beside a real feed."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from django.db import OperationalError

from tests.product import free_port
from tests.zoomfeed.checkup.conftest import ACCOUNT, QUICKLY
from tests.zoomfeed.conftest import APP, Scene, ask, feeding, subscription_to, until
from tests.zoomfeed.test_record import event, join
from zoomfeed import lease
from zoomfeed.checkup import Outcome
from zoomfeed.checkup.listening import check_socket
from zoomfeed.models import Event, Feed, FeedState, Gap, RejectedFrame
from zoomfeed.oauth import GRANTS, Issuer
from zoomfeed.simulator.server import SimulatedZoom
from zoomfeed.spool import Spool

pytestmark = pytest.mark.django_db(transaction=True)


async def listen(zoom, patience=QUICKLY):
    """The steps of the socket by name, with real tokens of the simulated Zoom."""
    subscription = subscription_to(zoom)
    issuer = Issuer(zoom.oauth_url, APP.account_id, APP.client_id, APP.client_secret)
    tokens = {grant: await asyncio.to_thread(issuer.token, grant) for grant in GRANTS}
    steps = []
    await check_socket(subscription, tokens, patience, steps.append)
    return {step.name: step for step in steps}


async def test_a_verdict_a_heartbeat_and_no_event():
    async with SimulatedZoom(APP) as zoom:
        steps = await listen(zoom)

    assert [step.outcome for step in steps.values()] == [Outcome.OK, Outcome.OK, Outcome.WARNING]
    assert "save it anew" in steps["first event"].advice
    feed = await ask(Feed.objects.get)
    assert (feed.holder, feed.lease_until, feed.state) == ("", None, FeedState.STOPPED)


async def test_events_that_come_meanwhile_are_in_the_log_and_only_their_type_is_told():
    async with SimulatedZoom(APP) as zoom:
        listening = asyncio.create_task(listen(zoom, replace(QUICKLY, wait_s=10)))
        await zoom.wait_connected()
        await zoom.send_frame(b"no json")
        for number in range(50):
            await zoom.send(join(str(number), user_name="Zaphod"))
        steps = await listening

    logged = await ask(lambda: {bytes(row.body) for row in Event.objects.all()})
    assert logged == set(zoom.ledger)
    assert await ask(RejectedFrame.objects.count) == 1
    assert steps["first event"].found.startswith("meeting.participant_joined came after")
    assert "Zaphod" not in str(steps)


async def test_a_type_of_event_that_nobody_knows_is_not_repeated():
    async with SimulatedZoom(APP) as zoom:
        listening = asyncio.create_task(listen(zoom, replace(QUICKLY, wait_s=10)))
        await zoom.wait_connected()
        await zoom.send({"event": "\x1b[31mZaphod", "payload": {}})
        steps = await listening

    assert steps["first event"].found.startswith("an event of an unknown type")


async def test_with_no_wait_the_heartbeat_is_the_end():
    async with SimulatedZoom(APP) as zoom:
        steps = await listen(zoom, replace(QUICKLY, wait_s=0))

        assert list(steps) == ["socket", "heartbeat"]
        assert zoom.heartbeats >= 1


async def test_a_refusal_tells_the_words_of_zoom_and_the_grants():
    async with SimulatedZoom(APP) as zoom:
        zoom.faults.verdict = "Token is invalid"
        steps = await listen(zoom)

    assert steps["socket"].outcome is Outcome.FAILED
    assert steps["socket"].found == (
        "refused with client_credentials ('Token is invalid'); refused with account_credentials ('Token is invalid')"
    )
    assert "ZOOM_SUBSCRIPTION_ID" in steps["socket"].advice


async def test_when_the_socket_takes_the_other_grant_the_advice_is_to_set_it():
    async with SimulatedZoom(APP) as zoom:
        zoom.faults.socket_grant = ACCOUNT
        steps = await listen(zoom)

    assert steps["socket"].outcome is Outcome.WARNING
    assert "ZOOM_OAUTH_GRANT=account_credentials" in steps["socket"].advice
    assert steps["heartbeat"].outcome is Outcome.OK


async def test_a_line_that_swallows_frames_shows_at_the_heartbeat():
    async with SimulatedZoom(APP) as zoom:
        zoom.faults.half_open = True
        steps = await listen(zoom, replace(QUICKLY, answer_s=0.2, wait_s=0))

    assert steps["heartbeat"].outcome is Outcome.FAILED
    assert "no answer" in steps["heartbeat"].found


async def test_a_socket_that_nobody_serves_is_weather():
    async with SimulatedZoom(APP) as zoom:
        zoom.ws_url = f"ws://127.0.0.1:{free_port()}/ws"
        steps = await listen(zoom)

    assert (steps["socket"].outcome, steps["socket"].is_weather) == (Outcome.FAILED, True)


async def test_another_client_of_the_subscription_is_recognised():
    async with SimulatedZoom(APP) as zoom:
        listening = asyncio.create_task(listen(zoom, replace(QUICKLY, wait_s=10)))
        await zoom.wait_connected()
        other = Scene(zoom, subscription_id=f"{zoom.ws_url}?subscriptionId={APP.subscription_id}&x")
        await ask(lambda: Feed.objects.update(lease_until=None))
        steps = await listening
        await other.end()

    assert steps["connection"].outcome is Outcome.FAILED
    assert "another client" in steps["connection"].found


async def test_a_running_feed_is_left_alone_and_speaks_for_itself():
    async with feeding() as scene:
        await until(lambda: Feed.objects.filter(state=FeedState.LIVE).exists())
        steps = await listen(scene.zoom)
        await asyncio.sleep(0.5)

        assert scene.zoom.connections == 1
        assert not await ask(Gap.objects.exists)
    assert steps["socket"].outcome is Outcome.SKIPPED
    assert "the feed on " in steps["socket"].found
    assert "says: Live" in steps["socket"].found
    assert "--take-over" in steps["socket"].advice


async def test_taking_over_makes_the_feed_stand_by_until_it_is_over(monkeypatch):
    monkeypatch.setattr(lease, "RENEW_S", 0.3)
    async with feeding() as scene:
        await until(lambda: Feed.objects.filter(state=FeedState.LIVE).exists())
        fence = (await ask(Feed.objects.get)).fence
        listening = asyncio.create_task(listen(scene.zoom, replace(QUICKLY, wait_s=10, take_over=True)))
        feed = await until(lambda: Feed.objects.filter(holder__startswith="checkzoom").first())
        assert feed.fence == fence + 1
        await until(lambda: scene.zoom.connections == 2)
        await asyncio.sleep(1)
        assert scene.zoom.connections == 2
        await scene.zoom.send(event("meeting.started"))
        steps = await listening

        assert steps["first event"].found.startswith("meeting.started")
        await until(lambda: Feed.objects.filter(state=FeedState.LIVE, fence=fence + 2).exists())
        assert scene.zoom.connections == 3
        assert await ask(Event.objects.count) == 1
        assert await ask(Gap.objects.exists)


async def test_a_feed_that_takes_the_lease_ends_the_listening(monkeypatch):
    monkeypatch.setattr(lease, "RENEW_S", 0.1)
    async with SimulatedZoom(APP) as zoom:
        listening = asyncio.create_task(listen(zoom, replace(QUICKLY, wait_s=10)))
        await zoom.wait_connected()
        held = await ask(lambda: lease.seize(APP.subscription_id, "a-feed:1", simulated=True))
        steps = await listening

    assert "took the lease" in steps["connection"].found
    feed = await ask(Feed.objects.get)
    assert (feed.holder, feed.fence) == ("a-feed:1", held[1])


async def test_a_long_wait_keeps_its_lease(monkeypatch):
    monkeypatch.setattr(lease, "RENEW_S", 0.1)
    ends = []
    async with SimulatedZoom(APP) as zoom:
        listening = asyncio.create_task(listen(zoom, replace(QUICKLY, wait_s=1)))
        await zoom.wait_connected()
        ends.append((await ask(Feed.objects.get)).lease_until)
        await until(lambda: Feed.objects.filter(lease_until__gt=ends[0]).exists())
        await listening


async def test_a_database_that_is_away_leaves_the_socket_alone(monkeypatch):
    def away(*_, **__):
        raise OperationalError("the database is away")

    monkeypatch.setattr(lease, "acquire", away)
    async with SimulatedZoom(APP) as zoom:
        steps = await listen(zoom)

        assert zoom.connections == 0
    assert steps["socket"].outcome is Outcome.SKIPPED
    assert "the database cannot tell" in steps["socket"].found


async def test_what_the_database_does_not_take_waits_in_the_spool(monkeypatch, configured):
    def away(*_, **__):
        raise OperationalError("the database is away")

    monkeypatch.setattr("zoomfeed.writer.record", away)
    monkeypatch.setattr("zoomfeed.writer.FINISH_S", 0.3)
    async with SimulatedZoom(APP) as zoom:
        listening = asyncio.create_task(listen(zoom, replace(QUICKLY, wait_s=10)))
        await zoom.wait_connected()
        await zoom.send(event("meeting.started"))
        steps = await listening

    spool = Spool(Path(configured.SPOOL_DIR), APP.subscription_id)
    assert spool.adopt() == 1
    assert [entry.body for entry in spool.peek(2)] == zoom.ledger
    spool.close()
    assert "waits in SPOOL_DIR" in steps["log"].found
