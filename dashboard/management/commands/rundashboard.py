"""The whole of Rollcall in one process and one event loop: web, feed and, for the demo, a Zoom to feed from."""

import asyncio
import ipaddress
import os
import signal
import threading
from argparse import ArgumentParser
from collections.abc import Coroutine
from typing import Any

from daphne.server import Server, reactor
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from dashboard import env
from dashboard.setup import set_up
from zoomfeed.exceptions import SettingMissing
from zoomfeed.feed import run_feed
from zoomfeed.models import Feed
from zoomfeed.subscription import Subscription

ZOOM = ("ZOOM_ACCOUNT_ID", "ZOOM_CLIENT_ID", "ZOOM_CLIENT_SECRET", "ZOOM_SUBSCRIPTION_ID")

STOP_S = 4.0
"""How long the feed may take to write down what it holds when the process is told to end."""

DEMO = {
    "account_id": "demo-account",
    "client_id": "demo-client",
    "client_secret": "demo-secret",
    "subscription_id": "demo-subscription",
    "secret_token": "demo-token",
}


class Command(BaseCommand):
    help = "Run the web pages and the feed from Zoom in one process."
    requires_system_checks = ()  # what is missing is said here, with an exit code that a supervisor understands

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
        parser.add_argument("--port", type=int, default=settings.PORT, help="default: PORT, or 8000")
        parser.add_argument("--demo", action="store_true", help="run on a simulated Zoom; loopback only")
        parser.add_argument("--or-demo", action="store_true", help="the same, where no ZOOM_* setting is given")
        parser.add_argument("--setup", action="store_true", help="bring database and static files up to date first")

    def handle(self, *_args: Any, host: str, port: int, **options: Any) -> None:
        demo = options["demo"] or settings.ROLLCALL_DEMO or (options["or_demo"] and not any(map(_setting, ZOOM)))
        if demo and not is_loopback(host):
            raise CommandError("the demo listens on this machine only: leave --host at 127.0.0.1")
        settings.ROLLCALL_DEMO = demo
        subscription = None if demo else self.subscription()
        if options["setup"]:
            set_up(self.stdout.write)
        server = self.server(host, port)
        loop = reactor._asyncioEventloop  # noqa: SLF001 - Daphne installed it, and has no other name for it
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        life = loop.create_task(self.live(server, stop, self.demo(stop) if demo else self.feed(subscription, stop)))
        server.run()
        if not server.listening_addresses:
            raise CommandError(f"cannot listen on {host}:{port}: something else does. PORT names another port.")
        if life.done() and not life.cancelled() and (error := life.exception()):
            raise error

    def server(self, host: str, port: int) -> Server:
        from dashboard.asgi import application  # noqa: PLC0415 - reads the routes, which need the apps

        address = host.replace(":", r"\:")
        return Server(
            application,
            endpoints=[f"tcp:port={port}:interface={address}:backlog=1024"],
            signal_handlers=False,
            ping_interval=10,
            ping_timeout=10,
            websocket_connect_timeout=20,  # all pages come back at once when this process was away
            websocket_max_message_size=2**20,  # holds for what we send, too
            websocket_max_frame_size=16 * 1024,  # of what pages send
            application_close_timeout=2,
            ready_callable=lambda: self.stdout.write(f"Rollcall: http://{host}:{port}/  (Ctrl-C ends it)"),
            server_name="",
        )

    async def live(self, server: Server, stop: asyncio.Event, feeding: Coroutine[Any, Any, None]) -> None:
        """Run the feed until told to stop, and then the server no longer than it needs."""
        feed = asyncio.create_task(feeding)
        waiting = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([feed, waiting], return_when=asyncio.FIRST_COMPLETED)
            if feed.done():
                feed.result()
            await waiting
            await asyncio.wait([feed], timeout=STOP_S)
        finally:
            feed.cancel()
            waiting.cancel()
            last_resort = threading.Timer(5 - STOP_S, os._exit, [1])
            last_resort.daemon = True
            last_resort.start()
            server.stop()

    def subscription(self) -> Subscription | None:
        if not any(map(_setting, ZOOM)):
            self.stdout.write("No ZOOM_* setting is given: pages only, no feed. Try --demo, or see .env.example.")
            return None
        try:
            return Subscription.from_settings()
        except SettingMissing as error:
            raise CommandError(str(error), returncode=env.EXIT_CONFIGURATION) from None

    async def feed(self, subscription: Subscription | None, stop: asyncio.Event) -> None:
        if subscription:
            await run_feed(subscription, stop)

    async def demo(self, stop: asyncio.Event) -> None:
        from zoomfeed.simulator import scenarios  # noqa: PLC0415 - only the demo needs a Zoom of its own
        from zoomfeed.simulator.server import App, SimulatedZoom  # noqa: PLC0415

        feed = Feed.objects.filter(key=DEMO["subscription_id"], last_frame_at__isnull=False)
        heard_at = await feed.values_list("last_frame_at", flat=True).afirst()
        since = heard_at.timestamp() if heard_at else None
        async with SimulatedZoom(App(**DEMO), keeps_ledger=False) as zoom, asyncio.TaskGroup() as group:
            subscription = Subscription(
                **DEMO,
                grant="client_credentials",
                oauth_url=zoom.oauth_url,
                ws_url=zoom.ws_url,
                api_url=zoom.api_url,
                simulated=True,
            )
            player = group.create_task(scenarios.demo(zoom, since=since), name="demo")
            await run_feed(subscription, stop)
            player.cancel()


def _setting(name: str) -> str:
    return str(getattr(settings, name))


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
