"""What each answer of the token endpoint means."""

import pytest

from tests.zoomfeed.checkup.conftest import ACCOUNT, CLIENT
from zoomfeed.checkup import Outcome
from zoomfeed.checkup.tokens import check_token
from zoomfeed.oauth import GRANTS


def test_tokens_of_both_grants_come_with_the_configured_one_first(web):
    step, tokens = check_token(web.issuer, ACCOUNT)

    assert step.outcome is Outcome.OK
    assert list(tokens) == [ACCOUNT, CLIENT]


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("Invalid client_id or client_secret", "ZOOM_CLIENT_SECRET"),
        ("Account does not exist", "Copy ZOOM_ACCOUNT_ID from"),
        ("Account does not enabled the OAuth app type", "must be Server-to-Server OAuth"),
        ("The app has been disabled", "Activate the app"),
        ("unsupported grant type", "ZOOM_OAUTH_GRANT"),
        ("something new", "anew from the app's credentials page"),
    ],
)
def test_each_refusal_has_its_own_advice(web, reason, words):
    for grant in GRANTS:
        web.refuse(grant, reason)

    step, tokens = check_token(web.issuer, CLIENT)

    assert (step.outcome, step.is_weather, tokens) == (Outcome.FAILED, False, {})
    assert f"HTTP 400, {reason!r}" in step.found
    assert words in step.advice


def test_when_only_the_other_grant_works_the_advice_is_to_use_it(web):
    web.refuse(CLIENT, "unsupported grant type")

    step, tokens = check_token(web.issuer, CLIENT)

    assert step.outcome is Outcome.FAILED
    assert step.advice.startswith("Set ZOOM_OAUTH_GRANT=account_credentials")
    assert list(tokens) == [ACCOUNT]


def test_a_wrong_account_id_costs_rest_and_not_the_socket(web):
    web.refuse(ACCOUNT, "Account does not exist")

    step, tokens = check_token(web.issuer, CLIENT)

    assert step.outcome is Outcome.WARNING
    assert "nothing can be asked by REST" in step.found
    assert "ZOOM_ACCOUNT_ID" in step.advice
    assert list(tokens) == [CLIENT]


def test_an_app_without_the_other_grant_is_all_right_when_rest_has_its_own(web):
    web.refuse(CLIENT, "unsupported grant type")

    step, _ = check_token(web.issuer, ACCOUNT)

    assert (step.outcome, step.advice) == (Outcome.WARNING, "")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_token_endpoint_in_trouble_is_weather(web, status):
    web.tokens = dict.fromkeys(GRANTS, (status, {"reason": "Too many requests"}))

    step, _ = check_token(web.issuer, CLIENT)

    assert (step.outcome, step.is_weather) == (Outcome.FAILED, True)
    assert f"HTTP {status}" in step.found
