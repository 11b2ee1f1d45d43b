import asyncio
import logging
import signal
import sys
from typing import Any

from django.core.management.base import BaseCommand

from zoomfeed.exceptions import CredentialsRefused, SettingMissing, TimeMayMend
from zoomfeed.feed import run_feed
from zoomfeed.oauth import Issuer
from zoomfeed.subscription import Subscription

logger = logging.getLogger(__name__)

EXIT_CONFIGURATION = 78  # sysexits.h EX_CONFIG: a person must act


class Command(BaseCommand):
    help = "Hold the socket to Zoom and write every event to the log."
    requires_system_checks = ()  # what is missing is said here, with an exit code that a supervisor understands

    def handle(self, **_options: Any) -> None:
        try:
            subscription = Subscription.from_settings()
            _check_credentials(subscription)
        except (SettingMissing, CredentialsRefused) as error:
            self.stderr.write(str(error))
            sys.exit(EXIT_CONFIGURATION)
        asyncio.run(_run(subscription))


def _check_credentials(subscription: Subscription) -> None:
    """A wrong secret at start is a mistake that a person is there to mend; weather is not."""
    issuer = Issuer(subscription.oauth_url, subscription.account_id, subscription.client_id, subscription.client_secret)
    try:
        issuer.token(subscription.grant)
    except TimeMayMend as error:
        logger.warning("%s", error)


async def _run(subscription: Subscription) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await run_feed(subscription, stop)
