"""What happens between one connection and the next, over real sockets."""

import asyncio
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from tests.zoomfeed.conftest import QUICK, ask, feeding, until
from tests.zoomfeed.test_record import event
from zoomfeed import connections, feed, lease, status, upstream
from zoomfeed.database import Database
from zoomfeed.models import Event, Feed, FeedState, Gap, Meeting
from zoomfeed.status import Status

pytestmark = pytest.mark.django_db(transaction=True)


def in_state(state, **more):
    return lambda: Feed.objects.filter(state=state, **more).first()


async def test_another_client_of_the_subscription_is_recognised_and_left_alone_for_a_while(impatient, monkeypatch):
    monkeypatch.setattr(connections, "CONTESTED_S", 0.5)
    async with feeding() as scene:
        scene.zoom.faults.takeover = True
        row = await until(in_state(FeedState.CONTESTED))
        assert "Another client" in row.reason
        assert row.retry_at > timezone.now() - timedelta(seconds=0.5)
        before = scene.zoom.connections
        await asyncio.sleep(0.4)
        assert scene.zoom.connections - before <= 1

        scene.zoom.faults.takeover = False
        await until(in_state(FeedState.LIVE))


async def test_a_single_goodbye_is_no_fight(impatient):
    async with feeding() as scene:
        await until(in_state(FeedState.LIVE))
        await scene.zoom.close(1000, "Bye")
        await until(lambda: Gap.objects.filter(ended_at__isnull=False).exists())

        assert "1000 Bye" in (await ask(Gap.objects.get)).cause
        await until(in_state(FeedState.LIVE, reconnects=1))


async def test_a_line_that_was_cut_often_is_no_reason_to_wait_with_a_fresh_token(impatient):
    async with feeding() as scene:
        for number in range(1, 6):
            await until(in_state(FeedState.LIVE))
            if number == 5:
                await scene.zoom.expire_tokens(cuts_socket=False)
            await scene.zoom.drop()
            await until(lambda number=number: scene.zoom.connections > number)

        await until(lambda: scene.zoom.is_connected)
        await until(in_state(FeedState.LIVE, reconnects=5))


async def test_said_goodbye_to_with_an_old_lease_it_asks_the_database_before_it_comes_back(impatient, monkeypatch):
    monkeypatch.setattr(lease, "RENEW_S", 60)
    monkeypatch.setattr(lease, "LOOK_S", 0.05)
    is_away, renew = True, lease.renew

    def renewing(*held):
        if is_away:
            raise OperationalError("away")
        return renew(*held)

    async with feeding() as scene:
        await until(in_state(FeedState.LIVE))
        monkeypatch.setattr(lease, "renew", renewing)
        monkeypatch.setattr(feed.lease, "LEASE", timedelta(0))
        await scene.zoom.close(1000, "Bye")
        await asyncio.sleep(0.5)
        assert scene.zoom.connections == 1
        assert not scene.zoom.is_connected

        is_away = False
        await scene.zoom.wait_connected()


@pytest.mark.parametrize("fault", ["401", "429", "500", "html"])
async def test_a_handshake_that_is_no_upgrade_is_weather_and_is_named(impatient, fault):
    async with feeding() as scene:
        scene.zoom.faults.handshake = fault
        await scene.zoom.drop()
        row = await until(lambda: Feed.objects.filter(state=FeedState.RECONNECTING, attempt__gte=2).first())
        assert "HTTP" in row.reason

        scene.zoom.faults.handshake = ""
        await until(in_state(FeedState.LIVE))


async def test_what_zoom_sent_before_we_left_is_still_read():
    async with feeding() as scene:
        await scene.zoom.wait_connected()
        sent = [event("meeting.alert", number) for number in range(200)]
        for body in sent:
            await scene.zoom.send(body)
        await scene.end()

    assert await ask(Event.objects.count) == 200


async def test_a_renewal_loses_nothing_and_its_gap_is_short(impatient):
    timing = replace(QUICK, recycle_s=0.4, quiet_s=0.05, grace_s=1.0)
    async with feeding(timing) as scene:
        number = 0
        ends = asyncio.get_running_loop().time() + 3
        while asyncio.get_running_loop().time() < ends:
            await scene.zoom.send(event("meeting.alert", number))
            number += 1
            await asyncio.sleep(0.002)
        heard = {body for _, body, connection in scene.zoom.ledger_sent if connection}
        await until(lambda: Event.objects.count() >= len(heard))
        gaps = await ask(lambda: list(Gap.objects.filter(ended_at__isnull=False)))

    assert len(gaps) >= 2
    assert all(gap.ended_at - gap.started_at < timedelta(seconds=1) for gap in gaps)
    assert {bytes(row.body) for row in await ask(lambda: list(Event.objects.all()))} == heard


async def test_while_nobody_listens_live_meetings_are_uncertain(impatient):
    async with feeding() as scene:
        await scene.zoom.wait_connected()
        await scene.zoom.send(event("meeting.started", start_time=datetime.now(UTC).isoformat()))
        await until(Meeting.objects.exists)
        await scene.zoom.go_away()
        meeting = await until(lambda: Meeting.objects.filter(uncertain_since__isnull=False).first())
        gap = await ask(Gap.objects.get)
        assert (gap.started_at, gap.ended_at) == (meeting.uncertain_since, None)

        await scene.zoom.come_back()
        await until(lambda: Gap.objects.filter(ended_at__isnull=False).exists())


async def test_the_time_between_two_runs_of_the_feed_is_a_gap():
    async with feeding() as scene:
        await until(in_state(FeedState.LIVE))
        await scene.end()
        stopped = await ask(Gap.objects.get)
        assert stopped.ended_at is None

        async with feeding() as again:
            await again.zoom.wait_connected()
            gap = await until(lambda: Gap.objects.filter(ended_at__isnull=False).first())

    assert gap.started_at == stopped.started_at
    assert gap.cause == "the feed was not running"


async def test_a_database_that_hangs_keeps_no_socket_from_being_opened_again(impatient, monkeypatch):
    made, go_on = [], threading.Event()
    monkeypatch.setattr("zoomfeed.feed.Database", lambda: made.append(Database()) or made[-1])
    async with feeding() as scene:
        await until(in_state(FeedState.LIVE))
        hanging = asyncio.ensure_future(made[0].run(go_on.wait, 30))
        try:
            await scene.zoom.drop()
            ends = time.monotonic() + 5
            while scene.zoom.connections < 2:
                assert time.monotonic() < ends
                await asyncio.sleep(0.02)
            beats = scene.zoom.heartbeats
            await asyncio.sleep(0.5)
            assert scene.zoom.heartbeats > beats
        finally:
            go_on.set()
        await hanging
        gap = await until(lambda: Gap.objects.filter(ended_at__isnull=False).first())

    assert gap.ended_at - gap.started_at < timedelta(seconds=5)


async def test_a_state_that_could_not_be_written_is_written_later(impatient, monkeypatch):
    update, failures = Status._update, []

    def failing(self, **values):
        if values.get("state") == FeedState.LIVE and not failures:
            failures.append(values)
            raise OperationalError("away for a moment")
        return update(self, **values)

    monkeypatch.setattr(Status, "_update", failing)
    monkeypatch.setattr(status, "NOTE_EVERY_S", 0.2)
    async with feeding():
        row = await until(in_state(FeedState.LIVE))

    assert failures
    assert row.connected_at


async def test_a_process_that_stood_still_begins_its_gap_when_it_fell_asleep(impatient, monkeypatch):
    monkeypatch.setattr(upstream, "TURN_S", 0.05)
    monkeypatch.setattr(upstream, "STOOD_STILL_S", 0.5)
    async with feeding(replace(QUICK, silence_s=30)) as scene:
        await until(in_state(FeedState.LIVE))
        await asyncio.sleep(0.2)
        asleep_at = timezone.now()
        await scene.zoom.send(event("meeting.alert"))
        time.sleep(1.2)  # noqa: ASYNC251 - everything stands still, and then reads what is old by now
        await scene.zoom.close(1000, "Bye")
        gap = await until(lambda: Gap.objects.filter(ended_at__isnull=False).first())

    assert gap.started_at <= asleep_at
    assert gap.ended_at - gap.started_at > timedelta(seconds=1)


async def test_told_to_stop_it_begins_its_gap_when_it_said_goodbye():
    async with feeding() as scene:
        await until(in_state(FeedState.LIVE))
        told_at = timezone.now()
        await scene.end()

    assert (await ask(Gap.objects.get)).started_at <= told_at + timedelta(seconds=0.5)


class Quiet:
    """A writer and a database of a feed to which nothing comes."""

    oldest_at = behind_since = loss = None
    is_away = False

    async def run(self, call, *args, **kwargs):
        if self.is_away:
            raise OperationalError("gone")
        return await ask(lambda: call(*args, **kwargs))


async def test_every_connection_is_counted_though_some_have_ended_before_one_is_written():
    held = await ask(lambda: lease.acquire("subscription", "me", simulated=True))
    quiet, now = Quiet(), datetime.now(UTC)
    status = Status(quiet, held, quiet, lambda: None)

    async def connected(times, is_away=False):
        for _ in range(times):
            status.connected(now, token_at=now, token_until=now)
        quiet.is_away = is_away
        await status.write()
        return (await ask(Feed.objects.get)).reconnects

    assert await connected(2) == 1
    assert await connected(1) == 2
    assert await connected(3, is_away=True) == 2
    assert await connected(1) == 6
