"""What machines are told, with each part that pages depend on here and away."""

import socket
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest
from channels.layers import channel_layers
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from dashboard import health
from zoomfeed.models import Feed, FeedState

pytestmark = pytest.mark.django_db

WELL = {"database": "ok", "channel_layer": "ok", "feed": "live", "log": "ok"}


@pytest.fixture
def feed(db):
    """A feed that works."""
    return Feed.objects.create(
        key="s",
        state=FeedState.LIVE,
        reason="Secret words.",
        holder="host-17",
        lease_until=timezone.now() + timedelta(seconds=15),
    )


@pytest.fixture
def layer(settings):
    """Change the channel layer to a Redis at a port of this machine."""

    def at(port):
        backend = "channels_redis.pubsub.RedisPubSubChannelLayer"
        hosts = [{"address": f"redis://127.0.0.1:{port}"}]
        settings.CHANNEL_LAYERS = {"default": {"BACKEND": backend, "CONFIG": {"hosts": hosts}}}
        channel_layers.backends.clear()

    yield at
    channel_layers.backends.clear()


@contextmanager
def database_away(error=OperationalError):
    def refuse(*_):
        raise error("the server went away")

    with connection.execute_wrapper(refuse):
        yield


def test_all_is_well(client, feed):
    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()) == (200, WELL)


@pytest.mark.parametrize("state", [state for state in FeedState if state != FeedState.LIVE])
def test_a_feed_that_is_not_live_makes_unready(client, feed, state):
    Feed.objects.update(state=state)
    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()) == (503, {**WELL, "feed": state.value})


def test_a_feed_that_died_makes_unready(client, feed):
    Feed.objects.update(lease_until=timezone.now() - timedelta(seconds=1))

    assert client.get("/readyz").status_code == 503


def test_no_feed_makes_unready(client):
    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()) == (503, {**WELL, "feed": "stopped"})


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_database_that_is_away_makes_unready(client, feed, error):
    with database_away(error):
        answer = client.get("/readyz")

    assert (answer.status_code, answer.json()) == (
        503,
        {**WELL, "database": "away", "feed": "unknown", "log": "unknown"},
    )


def test_a_layer_that_is_away_makes_unready(client, feed, layer):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        layer(taken.getsockname()[1])
        answer = client.get("/readyz")

    assert (answer.status_code, answer.json()) == (503, {**WELL, "channel_layer": "away"})


def test_a_layer_that_hangs_makes_unready_in_time(client, feed, layer, monkeypatch):
    monkeypatch.setattr(health, "LAYER_DEADLINE_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        layer(silent.getsockname()[1])
        asked_at = time.monotonic()
        answer = client.get("/readyz")

    assert time.monotonic() - asked_at < 3
    assert (answer.status_code, answer.json()) == (503, {**WELL, "channel_layer": "away"})


def test_a_layer_that_works_is_found_to(client, feed, layer, redis_url):
    layer(int(redis_url.rpartition(":")[2].partition("/")[0]))

    assert client.get("/readyz").json() == WELL


def test_the_process_lives_whatever_else_does(client, layer, django_assert_num_queries):
    layer(1)
    with database_away(), django_assert_num_queries(0):
        answer = client.get("/healthz")

    assert (answer.status_code, answer.content) == (200, b"ok\n")


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_machines_need_no_login_and_get_no_cookie(client, path):
    answer = client.get(path)

    assert answer.status_code in (200, 503)
    assert not answer.cookies
    assert "no-store" in answer["Cache-Control"]
    assert client.head(path).status_code == answer.status_code
    assert client.post(path).status_code == 405


def test_anybody_may_ask_so_no_more_than_states_is_said(client, feed):
    answer = client.get("/readyz").content.decode()

    assert "Secret words" not in answer
    assert "host-17" not in answer


def test_a_log_that_is_behind_makes_unready(client, feed):
    Feed.objects.update(behind_since=timezone.now())
    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()) == (503, {**WELL, "log": "behind"})
