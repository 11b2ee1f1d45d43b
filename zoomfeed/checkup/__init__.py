"""Is everything in place to hear Zoom? The runbook of a new or broken installation, step by step.

`examine` goes from what needs nobody (settings) outward (network, clock, token, scopes, REST) to the socket, so that
the first step that fails is the one to mend. Each module knows some steps and returns them as values; nobody prints.
"""

import asyncio

from zoomfeed.checkup.configuration import check_settings, check_webhook
from zoomfeed.checkup.listening import Patience, check_socket
from zoomfeed.checkup.network import check_clock, check_proxy, check_reach
from zoomfeed.checkup.repair import check_repair
from zoomfeed.checkup.scopes import check_scopes
from zoomfeed.checkup.steps import Outcome, Step, Tell, exit_code, has_failed, skipped, summary
from zoomfeed.checkup.tokens import ACCOUNT, check_token
from zoomfeed.checkup.verdicts import not_reached
from zoomfeed.oauth import Issuer
from zoomfeed.subscription import Subscription
from zoomfeed.upstream import endpoint

__all__ = ["Outcome", "Patience", "Step", "examine", "exit_code"]


async def examine(patience: Patience, tell: Tell) -> list[Step]:
    """All steps, the summary last; `tell` gets each as soon as it is known."""
    steps: list[Step] = []

    def note(step: Step) -> None:
        steps.append(step)
        tell(step)

    note(check_settings())
    if not has_failed(steps):
        await _ask_zoom(Subscription.from_settings(), patience, note)
    for step in not_reached(steps):
        note(step)
    note(check_webhook())
    note(summary(steps))
    return steps


async def _ask_zoom(subscription: Subscription, patience: Patience, note: Tell) -> None:
    proxy = check_proxy(subscription.oauth_url, endpoint(subscription.ws_url, subscription.subscription_id, ""))
    reach, skew_s = await asyncio.to_thread(check_reach, subscription.oauth_url)
    for step in (proxy, reach, check_clock(skew_s)):
        note(step)
    if has_failed([proxy, reach]):
        note(skipped("token", "the way to Zoom has to work first"))
        return
    await _with_tokens(subscription, patience, note)


async def _with_tokens(subscription: Subscription, patience: Patience, note: Tell) -> None:
    issuer = Issuer(subscription.oauth_url, subscription.account_id, subscription.client_id, subscription.client_secret)
    step, tokens = await asyncio.to_thread(check_token, issuer, subscription.grant)
    note(step)
    for step in check_scopes({grant: token.scopes for grant, token in tokens.items()}):
        note(step)
    for step in await asyncio.to_thread(lambda: list(check_repair(subscription.api_url, issuer, tokens.get(ACCOUNT)))):
        note(step)
    await check_socket(subscription, tokens, patience, note)
