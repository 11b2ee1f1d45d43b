"""A Zoom to point a feed at, on this machine: prints the settings that lead to it and plays until it is stopped."""

import asyncio
import signal
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError

from zoomfeed.simulator import faults, limits, recorded, scenarios
from zoomfeed.simulator.day import generate
from zoomfeed.simulator.server import App, SimulatedZoom

APP = App(
    account_id="simulated-account",
    client_id="simulated-client",
    client_secret="simulated-secret",  # noqa: S106 - opens nothing but this simulation
    subscription_id="simulated-subscription",
    secret_token="simulated-token",  # noqa: S106
)
LOOPBACK = ("127.0.0.1", "localhost")


class Command(BaseCommand):
    help = "Run a simulated Zoom: token endpoint, REST, event socket and webhooks, with fixed credentials."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
        parser.add_argument("--port", type=_port, default=8100, help="of tokens and REST; the socket has the next")
        parser.add_argument(
            "--play", choices=("demo", "day", *recorded.NAMES, "load", "nothing"), default="demo", help="what is sent"
        )
        parser.add_argument("--speed", type=_not_negative, default=1.0, help="of day, K1 and K3; 0: without pauses")
        parser.add_argument("--rate", type=_positive, default=100.0, help="of load, events a second (100)")
        parser.add_argument("--seconds", type=_positive, default=60.0, help="how long load lasts (60)")
        parser.add_argument("--seed", type=int, default=scenarios.DEMO_SEED, help="another gives other people")
        parser.add_argument(
            "--since", type=_instant, help="when the demo last ran; what was on then is brought to its end"
        )
        parser.add_argument("--webhook-url", type=_url, help="post every event there, too")
        parser.add_argument(
            "--rest-plan", choices=limits.PLANS, default="business", help="of the account (%(default)s)"
        )
        parser.add_argument("--rest-lag", type=_not_negative, default=0.0, help="of REST behind the events, in seconds")
        what = f"what goes wrong all the time: {', '.join(faults.NAMES)}"
        parser.add_argument("--fault", choices=faults.NAMES, nargs="+", default=[], metavar="NAME", help=what)

    def handle(self, *_args: Any, host: str, port: int, **options: Any) -> None:
        if host not in LOOPBACK:
            self.stderr.write(
                f"Warning: everybody who reaches {host} can use this Zoom, its credentials are no secret."
            )
        try:
            asyncio.run(self.simulate(SimulatedZoom(APP, host, port, keeps_ledger=False), options))
        except OSError as error:
            raise CommandError(f"cannot listen on {host}:{port} and {port + 1}: {error.strerror}") from error

    async def simulate(self, zoom: SimulatedZoom, options: dict[str, Any]) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        _prepare(zoom, options)
        async with zoom, asyncio.TaskGroup() as group:
            self.stdout.write(_settings(zoom))
            self.stdout.flush()
            player = group.create_task(self.play(zoom, options), name="player")
            await stop.wait()
            player.cancel()

    async def play(self, zoom: SimulatedZoom, options: dict[str, Any]) -> None:
        await zoom.wait_connected()
        self.stdout.write(f"A client is connected; playing {options['play']}.")
        await self._scenario(zoom, options)
        self.stdout.write(f"Played {options['play']}.")

    def _scenario(self, zoom: SimulatedZoom, options: dict[str, Any]) -> Coroutine[Any, Any, object]:
        match options["play"]:
            case "demo":
                return scenarios.demo(zoom, seed=options["seed"], since=options["since"])
            case "day":
                day = generate(options["seed"], datetime.now(UTC))
                return scenarios.play(zoom, day.dispatches, options["speed"])
            case "load":
                return scenarios.load(zoom, options["rate"], options["seconds"])
            case "nothing":
                return asyncio.sleep(0)
            case name:
                return scenarios.play(zoom, recorded.sequence(name), options["speed"])


def _prepare(zoom: SimulatedZoom, options: dict[str, Any]) -> None:
    zoom.faults = faults.Faults.named(options["fault"], options["seed"])
    zoom.rest.plan = options["rest_plan"]
    zoom.rest.lag_s = options["rest_lag"]
    zoom.webhooks.url = options["webhook_url"] or ""


def _settings(zoom: SimulatedZoom) -> str:
    """The environment of a client, in the form of an .env file."""
    settings = {
        "ZOOM_ACCOUNT_ID": APP.account_id,
        "ZOOM_CLIENT_ID": APP.client_id,
        "ZOOM_CLIENT_SECRET": APP.client_secret,
        "ZOOM_SUBSCRIPTION_ID": APP.subscription_id,
        "ZOOM_WEBHOOK_SECRET_TOKEN": APP.secret_token,
        "ZOOM_OAUTH_URL": zoom.oauth_url,
        "ZOOM_WS_URL": zoom.ws_url,
        "ZOOM_API_URL": zoom.api_url,
    }
    return "\n".join(f"{name}={value}" for name, value in settings.items())


def _port(text: str) -> int:
    if text.isdecimal() and int(text) < 65_535:
        return int(text)
    raise ArgumentTypeError(f"{text!r} is no port from 1 to 65534 (the next is needed too), nor 0 for any two")


def _url(text: str) -> str:
    if urlsplit(text).scheme in ("http", "https") and urlsplit(text).hostname:
        return text
    raise ArgumentTypeError(f"{text!r} is no address such as http://127.0.0.1:8000/zoom/webhook")


def _positive(text: str) -> float:
    if (number := _not_negative(text)) > 0:
        return number
    raise ArgumentTypeError(f"{text!r} is no number above 0")


def _not_negative(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1
    if 0 <= number < float("inf"):
        return number
    raise ArgumentTypeError(f"{text!r} is no number from 0 upward")


def _instant(text: str) -> float:
    """Seconds since the epoch."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no time such as 2026-04-03T12:00:00Z") from None
