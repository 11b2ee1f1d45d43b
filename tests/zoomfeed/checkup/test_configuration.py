"""What the settings tell by themselves."""

import pytest

from zoomfeed.checkup import Outcome
from zoomfeed.checkup.configuration import check_settings, check_webhook


def test_whole_settings_are_said_to_be_whole():
    step = check_settings()

    assert (step.outcome, step.found, step.advice) == (Outcome.OK, "all that are needed are set", "")


def test_missing_settings_are_named_and_no_value_of_the_others(configured):
    configured.ZOOM_CLIENT_SECRET = configured.ZOOM_SUBSCRIPTION_ID = ""

    step = check_settings()

    assert step.outcome is Outcome.FAILED
    assert step.found == "set: ZOOM_ACCOUNT_ID, ZOOM_CLIENT_ID; not set: ZOOM_CLIENT_SECRET, ZOOM_SUBSCRIPTION_ID"


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ("wss://ws.zoom.us/ws", "without a subscriptionId"),
        ("wss://ws.zoom.us/ws?subscriptionId=", "without a subscriptionId"),
        ("wss://[broken/ws?subscriptionId=abc", "without a subscriptionId"),
        ("https://ws.zoom.us/ws?subscriptionId=abc", "none of a WebSocket"),
        ("ws.zoom.us/ws?subscriptionId=abc", "neither a bare id nor a whole URL"),
        ("subscriptionId=abc", "neither a bare id nor a whole URL"),
    ],
)
def test_an_endpoint_that_cannot_be_read_is_told_without_its_text(configured, endpoint, words):
    configured.ZOOM_SUBSCRIPTION_ID = endpoint

    step = check_settings()

    assert step.outcome is Outcome.FAILED
    assert words in step.found
    assert endpoint not in step.found + step.advice


@pytest.mark.parametrize("name", ["ZOOM_OAUTH_URL", "ZOOM_WS_URL", "ZOOM_API_URL"])
@pytest.mark.parametrize("value", ["zoom.us", "ftp://zoom.us", "https://", "https://[::1", "https://zoom.us:http"])
def test_an_address_that_is_none_fails_under_its_name(configured, name, value):
    setattr(configured, name, value)

    step = check_settings()

    assert (step.outcome, step.found) == (Outcome.FAILED, f"{name} is no URL with a host")


def test_hosts_other_than_zooms_usual_ones_are_named(configured):
    configured.ZOOM_SUBSCRIPTION_ID = "wss://ws.zoomgov.com/ws?subscriptionId=abc"
    configured.ZOOM_OAUTH_URL = "https://zoomgov.com/oauth/token"

    step = check_settings()

    assert step.outcome is Outcome.OK
    assert "ZOOM_SUBSCRIPTION_ID leads to ws.zoomgov.com instead of ws.zoom.us" in step.found
    assert "ZOOM_OAUTH_URL leads to zoomgov.com instead of zoom.us" in step.found


@pytest.mark.parametrize(("token", "outcome"), [("a-secret-token", Outcome.OK), ("", Outcome.SKIPPED)])
def test_the_webhook_step_names_the_url_to_give_to_zoom(configured, token, outcome):
    configured.ZOOM_WEBHOOK_SECRET_TOKEN = token
    configured.ALLOWED_HOSTS = ["localhost", ".example.org", "rollcall.example.org"]

    step = check_webhook()

    assert step.outcome is outcome
    assert "https://rollcall.example.org/zoom/webhook" in step.found + step.advice
    assert "a-secret-token" not in str(step)
