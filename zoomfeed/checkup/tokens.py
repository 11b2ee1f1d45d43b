"""Does Zoom give tokens for both grants, and when not: why?"""

from collections.abc import Mapping
from dataclasses import dataclass

from zoomfeed.checkup.steps import Outcome, Step
from zoomfeed.exceptions import CredentialsRefused, TokenUnavailable
from zoomfeed.oauth import GRANTS, Issuer, Token

ACCOUNT = "account_credentials"
"""The grant whose tokens REST takes, and that tells which scopes the app holds."""

CREDENTIALS = "Copy ZOOM_CLIENT_ID and ZOOM_CLIENT_SECRET anew from the app's credentials page."
SWITCHED_OFF = "Activate the app on its Activation page, and see that no administrator has switched it off."
CAUSES = {
    "client_id or client_secret": CREDENTIALS,
    "invalid_client": CREDENTIALS,
    "account does not exist": "Copy ZOOM_ACCOUNT_ID from the app's credentials page; no meeting and no user has it.",
    "app type": "Activate the app on its Activation page; its type must be Server-to-Server OAuth.",
    "disabled": SWITCHED_OFF,
    "deactivated": SWITCHED_OFF,
    "grant": "This type of app has no such grant: use a Server-to-Server OAuth app, or the other ZOOM_OAUTH_GRANT.",
}
"""A part of Zoom's reason, in lower case -> what to do. Source: error bodies that public clients printed."""

UNKNOWN_CAUSE = (
    "Copy ZOOM_ACCOUNT_ID, ZOOM_CLIENT_ID and ZOOM_CLIENT_SECRET anew from the app's credentials page, and see that "
    "the app is activated."
)
WAIT = "Zoom is in trouble or asks us to wait: try again in some minutes."


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a grant brought no token."""

    found: str
    advice: str
    is_weather: bool = False


def check_token(issuer: Issuer, configured: str) -> tuple[Step, dict[str, Token]]:
    """Ask for a token with the grant of the settings, and with the other one. Blocks.

    Also returns the tokens by grant.
    """
    answers = {grant: _ask(issuer, grant) for grant in sorted(GRANTS, key=lambda grant: grant != configured)}
    tokens = {grant: answer for grant, answer in answers.items() if isinstance(answer, Token)}
    refusals = {grant: answer for grant, answer in answers.items() if isinstance(answer, Refusal)}
    return _judge(configured, refusals), tokens


def _ask(issuer: Issuer, grant: str) -> Token | Refusal:
    try:
        return issuer.token(grant)
    except CredentialsRefused as error:
        return Refusal(f"HTTP {error.status}, {error.reason!r}", _advice(error.reason))
    except TokenUnavailable as error:
        return Refusal(error.problem, WAIT, is_weather=True)


def _advice(reason: str) -> str:
    return next((advice for words, advice in CAUSES.items() if words in reason.lower()), UNKNOWN_CAUSE)


def _judge(configured: str, refusals: Mapping[str, Refusal]) -> Step:
    tried = f"ask for a token with {configured}, and with the other grant"
    if not refusals:
        return Step("token", tried, "Zoom gave a token for either grant")
    found = "; ".join(
        f"{grant}: {refusals[grant].found if grant in refusals else 'a token'}"
        for grant in sorted(GRANTS, key=lambda grant: grant != configured)
    )
    if refusal := refusals.get(configured):
        advice = refusal.advice
        if not refusal.is_weather and (other := next((grant for grant in GRANTS if grant not in refusals), "")):
            advice = f"Set ZOOM_OAUTH_GRANT={other}: this app gets tokens that way."
        return Step("token", tried, found, Outcome.FAILED, advice, refusal.is_weather)
    (refusal,) = refusals.values()
    if ACCOUNT in refusals:
        found += "; events can come, but nothing can be asked by REST after a gap"
    return Step("token", tried, found, Outcome.WARNING, refusal.advice if ACCOUNT in refusals else "")
