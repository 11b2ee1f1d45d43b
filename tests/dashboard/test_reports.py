"""A report of an error is read by more people than the settings are, and holds no secret."""

import secrets
from types import SimpleNamespace

import pytest
from django.test import RequestFactory
from django.views.debug import ExceptionReporter

from zoomfeed.oauth import Token
from zoomfeed.subscription import Subscription

NAMES = ("database", "redis", "client", "webhooks", "session", "download", "token")


@pytest.fixture
def planted(settings):
    """Made up at run time, since a report shows the code around the error."""
    planted = SimpleNamespace(**{name: secrets.token_hex(8) for name in NAMES})
    settings.SESSION_COOKIE_NAME = "sessionid"
    settings.DATABASE_URL = f"postgres://rollcall:{planted.database}@db.example.org/rollcall"
    settings.REDIS_URL = f"redis://:{planted.redis}@redis.example.org:6379/0"
    settings.CHANNEL_LAYERS = {"default": {"CONFIG": {"hosts": [{"address": settings.REDIS_URL}]}}}
    settings.ZOOM_CLIENT_SECRET, settings.ZOOM_WEBHOOK_SECRET_TOKEN = planted.client, planted.webhooks
    return planted


def fail(planted):
    """With all of it at hand."""
    at_hand = [
        f"postgres://rollcall:{planted.database}@db.example.org/rollcall",
        {"layers": [{"hosts": [f"redis://:{planted.redis}@redis.example.org:6379/0"]}]},
        Subscription("a", "b", planted.client, "s", "g", "o", "w", planted.webhooks),
        Token(planted.token, 1.0),
        {"download_token": planted.download},
        f"wss://ws.zoom.us/ws?subscriptionId=s&access_token={planted.token}",
    ]
    del planted
    raise ZeroDivisionError(len(at_hand))


@pytest.mark.parametrize("debug", [True, False])
def test_no_secret_is_in_a_report(settings, planted, debug):
    settings.DEBUG = debug
    request = RequestFactory().get("/", headers={"Cookie": f"sessionid={planted.session}"})
    try:
        fail(planted)
    except ZeroDivisionError as error:
        made = ExceptionReporter(request, type(error), error, error.__traceback__.tb_next)
    text = made.get_traceback_html() + made.get_traceback_text()

    assert "redis.example.org" in text
    assert "ZeroDivisionError" in text
    assert [name for name, secret in vars(planted).items() if secret in text] == []
