"""The way to Zoom, over real sockets."""

import socket

import pytest

from tests.product import free_port
from zoomfeed.checkup import Outcome, network
from zoomfeed.checkup.network import check_clock, check_proxy, check_reach
from zoomfeed.checkup.steps import Step

ZOOM = ("https://zoom.us/oauth/token", "wss://ws.zoom.us/ws?subscriptionId=abc")


def test_without_a_proxy_connections_go_out_directly():
    assert check_proxy(*ZOOM) == Step(
        "proxy", "read HTTPS_PROXY, ALL_PROXY and NO_PROXY", "none; connections go out directly"
    )


def test_a_proxy_is_named_for_both_ways_and_its_password_is_not(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://alice:pass-of-the-proxy@proxy.example.org:3128")

    step = check_proxy(*ZOOM)

    assert step.outcome is Outcome.OK
    assert step.found.count("through proxy.example.org:3128") == 2
    assert "alice" not in str(step)
    assert "pass-of-the-proxy" not in str(step)


def test_a_proxy_that_spares_the_socket_is_told(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.org:3128")
    monkeypatch.setenv("NO_PROXY", "ws.zoom.us")

    assert "the socket goes directly" in check_proxy(*ZOOM).found


@pytest.mark.parametrize(
    ("proxy", "words"), [("socks5://proxy.example.org:1080", "SOCKS"), ("http://proxy.example.org/path", "http://host")]
)
def test_a_proxy_that_cannot_be_used_fails(monkeypatch, proxy, words):
    monkeypatch.setenv("HTTPS_PROXY", proxy)

    step = check_proxy(*ZOOM)

    assert step.outcome is Outcome.FAILED
    assert words in step.advice


def test_any_answer_of_the_token_host_will_do(web):
    step, skew_s = check_reach(web.oauth_url)

    assert step.outcome is Outcome.OK
    assert abs(skew_s) < 5


def unanswered():
    silent = socket.create_server(("127.0.0.1", 0))
    return silent, f"http://127.0.0.1:{silent.getsockname()[1]}/"


def test_a_host_that_does_not_answer_is_weather(monkeypatch):
    monkeypatch.setattr(network, "TIMEOUT_S", (0.3, 0.3))
    silent, url = unanswered()
    with silent:
        step, skew_s = check_reach(url)

    assert (step.outcome, step.is_weather, skew_s) == (Outcome.FAILED, True, None)
    assert "no answer came" in step.found


def test_a_port_where_nobody_listens_is_told():
    step, _ = check_reach(f"http://127.0.0.1:{free_port()}/oauth/token")

    assert "the connection was refused" in step.found


def test_a_name_without_an_address_is_told():
    step, _ = check_reach("http://zoom.invalid/oauth/token")

    assert "has no address" in step.found
    assert "DNS" in step.advice


def test_a_proxy_that_is_away_is_told(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")

    step, _ = check_reach("http://zoom.invalid/oauth/token")

    assert "the proxy refused or did not answer" in step.found


def test_a_certificate_that_is_not_accepted_needs_a_person(web):
    step, _ = check_reach(web.oauth_url.replace("http://", "https://"))

    assert (step.outcome, step.is_weather) == (Outcome.FAILED, False)
    assert "REQUESTS_CA_BUNDLE" in step.advice


@pytest.mark.parametrize(
    ("behind_s", "outcome", "words"),
    [
        (0, Outcome.OK, "not more than 5 s apart"),
        (60, Outcome.WARNING, "s ahead of Zoom's: ages"),
        (-60, Outcome.WARNING, "s behind Zoom's: ages"),
        (4000, Outcome.FAILED, "webhooks are refused"),
    ],
)
def test_a_clock_that_is_off_is_told_by_how_much_it_matters(web, behind_s, outcome, words):
    web.behind_s = behind_s

    step = check_clock(check_reach(web.oauth_url)[1])

    assert step.outcome is outcome
    assert words in step.found


def test_without_a_date_nothing_is_said_of_the_clock():
    assert check_clock(None).outcome is Outcome.SKIPPED
