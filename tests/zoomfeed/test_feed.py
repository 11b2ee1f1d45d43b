"""The feed over real sockets to the simulated Zoom."""

import asyncio
import logging
from datetime import timedelta

import pytest
from django.db import OperationalError
from hypothesis import given
from hypothesis import strategies as st

from tests.zoomfeed.conftest import QUICK, Scene, ask, feeding, until
from tests.zoomfeed.test_record import event, join
from zoomfeed import lease, status, writer
from zoomfeed.backoff import backoff
from zoomfeed.exceptions import SettingMissing
from zoomfeed.models import Event, Feed, FeedState, Gap, Leg, RejectedFrame
from zoomfeed.simulator.faults import Faults
from zoomfeed.subscription import Subscription

pytestmark = pytest.mark.django_db(transaction=True)


def in_state(state, **more):
    return lambda: Feed.objects.filter(state=state, **more).first()


async def test_what_zoom_sends_is_logged_and_folded():
    async with feeding() as scene:
        await scene.zoom.wait_connected()
        await scene.zoom.send(event("meeting.started"))
        await scene.zoom.send(join("16778240", participant_uuid="P"))
        await until(lambda: Leg.objects.count() == 1)

        logged = await ask(lambda: [bytes(row.body) for row in Event.objects.order_by("pk")])

    assert logged == scene.zoom.ledger


async def test_the_row_says_live_and_in_the_end_stopped():
    async with feeding() as scene:
        feed = await until(in_state(FeedState.LIVE))
        assert (feed.simulated, feed.attempt, feed.reason) == (True, 0, "")
        await scene.end()
        feed = await ask(Feed.objects.get)

    assert (feed.state, feed.holder, feed.lease_until) == (FeedState.STOPPED, "", None)


async def test_the_row_tells_of_the_last_heartbeat_and_the_age_of_the_token(monkeypatch):
    monkeypatch.setattr(status, "NOTE_EVERY_S", 0.1)
    async with feeding():
        feed = await until(Feed.objects.exclude(last_heartbeat_at=None).first)

    assert feed.token_at <= feed.connected_at <= feed.last_heartbeat_at
    assert feed.token_until - feed.token_at == timedelta(hours=1)


async def test_what_is_no_event_is_kept():
    async with feeding() as scene:
        await scene.zoom.wait_connected()
        await scene.zoom.send_frame(b"\xff{no json")
        kept = await until(RejectedFrame.objects.first)

    assert bytes(kept.raw) == b"\xff{no json"


@pytest.mark.parametrize("fault", ["400", "401"])
async def test_a_refused_app_is_said_with_what_to_do(impatient, fault):
    async with feeding() as scene:
        scene.zoom.faults.tokens = fault
        feed = await until(in_state(FeedState.REFUSED))
        assert "ZOOM_CLIENT_SECRET" in feed.reason
        assert feed.retry_at

        scene.zoom.faults.tokens = ""
        await until(in_state(FeedState.LIVE))


@pytest.mark.parametrize("fault", ["429", "500"])
async def test_a_token_endpoint_in_trouble_is_weather(impatient, fault):
    async with feeding() as scene:
        scene.zoom.faults.tokens = fault
        feed = await until(in_state(FeedState.RECONNECTING))
        assert fault in feed.reason

        scene.zoom.faults.tokens = ""
        await until(in_state(FeedState.LIVE))


async def test_the_verdict_decides_and_not_the_upgrade(impatient):
    async with feeding() as scene:
        scene.zoom.faults.verdict = "Invalid Token"
        feed = await until(in_state(FeedState.REFUSED))
        assert "Invalid Token" in feed.reason
        assert not scene.zoom.is_connected

        await until(lambda: Feed.objects.filter(attempt__gte=3).exists())
        scene.zoom.faults.verdict = ""
        await until(in_state(FeedState.LIVE))


async def test_when_the_socket_refuses_one_grant_the_other_is_tried(impatient):
    async with feeding() as scene:
        scene.zoom.faults.socket_grant = "account_credentials"
        await until(in_state(FeedState.LIVE))


async def test_a_cut_is_mended_and_leaves_a_gap(impatient):
    async with feeding() as scene:
        await until(in_state(FeedState.LIVE))
        await scene.zoom.drop()
        gap = await until(Gap.objects.filter(ended_at__isnull=False).first)
        await until(in_state(FeedState.LIVE, reconnects=1))

    assert gap.started_at < gap.ended_at
    assert "ended" in gap.cause


async def test_a_line_that_is_dead_but_open_is_left(impatient):
    async with feeding() as scene:
        await until(in_state(FeedState.LIVE))
        scene.zoom.faults.half_open = True
        feed = await until(in_state(FeedState.RECONNECTING))
        assert "no frame for 0.6 s" in feed.reason

        scene.zoom.faults.half_open = False
        await until(in_state(FeedState.LIVE))


async def test_heartbeats_keep_a_quiet_line(impatient):
    async with feeding() as scene:
        await scene.zoom.wait_connected()
        await asyncio.sleep(1.5)

        assert scene.zoom.heartbeats >= 4
        assert scene.zoom.is_connected
        assert not await ask(Gap.objects.exists)


async def test_an_old_connection_is_replaced_with_a_new_token():
    async with feeding(timing=type(QUICK)(heartbeat_s=0.2, recycle_s=0.5, quiet_s=0)) as scene:
        await until(lambda: Feed.objects.filter(reconnects__gte=2).exists())

        assert scene.zoom.tokens.requests >= 3
        assert "renewed" in (await ask(Gap.objects.first)).cause


async def test_a_second_feed_stands_by_and_takes_over(monkeypatch):
    monkeypatch.setattr(lease, "LOOK_S", 0.2)
    async with feeding() as first:
        await until(in_state(FeedState.LIVE))
        monkeypatch.setattr("zoomfeed.feed.sockets.gethostname", lambda: "another-machine")
        second = Scene(first.zoom)
        await asyncio.sleep(1)
        assert first.zoom.connections == 1
        assert not await ask(Gap.objects.exists)

        await first.end()
        feed = await until(lambda: Feed.objects.filter(state=FeedState.LIVE, fence=2).first())
        assert feed.holder.startswith("another-machine")
        await second.end()


async def test_told_to_stop_it_writes_what_it_holds():
    async with feeding() as scene:
        await scene.zoom.wait_connected()
        for number in range(300):
            await scene.zoom.send(join(str(number)))
        await until(Event.objects.exists)
        await scene.end()

    read = await ask(Event.objects.count)
    assert read > 0
    assert read == await ask(Leg.objects.count)


async def test_a_database_that_is_away_costs_no_event(monkeypatch):
    tries = 0
    record = writer.record

    def failing(*args, **kwargs):
        nonlocal tries
        tries += 1
        if tries < 4:
            raise OperationalError("the database is away")
        return record(*args, **kwargs)

    monkeypatch.setattr(writer, "record", failing)
    async with feeding() as scene:
        await scene.zoom.wait_connected()
        await scene.zoom.send(event("meeting.started"))
        await until(Event.objects.exists)

    assert tries >= 4


async def test_duplicates_late_and_reordered_events_count_once():
    async with feeding() as scene:
        await scene.zoom.wait_connected()
        scene.zoom.faults = Faults(duplicates=0.5, reorder=0.5, malformed=0.3, seed=7)
        for number in range(60):
            await scene.zoom.send(join(str(number)))
        scene.zoom.faults = Faults()
        await scene.zoom.send(event("meeting.ended"))
        await until(lambda: Event.objects.count() == 61)

        assert await ask(Leg.objects.count) == 60


async def test_no_token_and_no_secret_reaches_a_log(impatient, caplog):
    caplog.set_level(logging.DEBUG)
    async with feeding() as scene:
        await until(in_state(FeedState.LIVE))
        await scene.zoom.send(event("meeting.started"))
        await scene.zoom.drop()
        await until(Gap.objects.exists)
        scene.zoom.faults.verdict = "Invalid Token"
        await scene.zoom.drop()
        await until(in_state(FeedState.REFUSED))
        tokens = list(scene.zoom.tokens.ends)

    ours = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("websockets"))
    assert tokens
    assert "connected" in ours
    for secret in (*tokens, "secret-of-the-client"):
        assert secret not in ours


async def test_no_name_mail_or_topic_reaches_a_log_at_info(impatient, caplog):
    caplog.set_level(logging.INFO)
    person = {"user_name": "Ada\nLovelace", "email": "ada@example.org", "phone_number": "+4712345678"}
    async with feeding() as scene:
        await scene.zoom.wait_connected()
        await scene.zoom.send(join("1", **person))
        await scene.zoom.send(event("meeting.started", topic="Oncology round"))
        await scene.zoom.send(b'{"event": "", "payload": {"object": {"topic": "Oncology round"}}}')
        await scene.zoom.send_frame(b'{"module": "message", "content": "Ada Lovelace')
        await until(lambda: (Event.objects.count(), RejectedFrame.objects.count()) == (2, 2))
        await scene.zoom.drop()
        await until(lambda: Gap.objects.filter(ended_at__isnull=False).exists())

    lines = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("websockets"))
    assert "connected" in lines
    for personal in ("Ada", "Lovelace", "ada@", "47123", "Oncology"):
        assert personal not in lines


@given(attempt=st.integers(1, 10_000), chance=st.floats(0, 1))
def test_the_backoff_has_full_jitter_and_a_ceiling(attempt, chance):
    assert 0 <= backoff(attempt, chance) <= 60
    assert backoff(1, 1.0) == 1
    assert backoff(4, 1.0) == 8


def test_a_missing_setting_is_named(settings):
    settings.ZOOM_ACCOUNT_ID, settings.ZOOM_CLIENT_ID = "account", ""

    with pytest.raises(SettingMissing, match="ZOOM_CLIENT_ID"):
        Subscription.from_settings()
