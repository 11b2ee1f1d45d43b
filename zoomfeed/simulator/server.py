"""A Zoom to run against, on two ports of this machine: tokens and REST over HTTP, and the event socket; webhooks, too.

It keeps what the real one is known to do: the verdict comes as the first frame, a newer socket of a subscription
closes the older with 1000 "Bye", nobody replays what was sent while no socket was open, silence is cut. What it has
sent, and what therefore is true, its REST side tells.
"""

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from zoomfeed import protocol
from zoomfeed.simulator.event_socket import EventSocket
from zoomfeed.simulator.faults import MALFORMED, Faults
from zoomfeed.simulator.httpd import Answer, HttpServer, Request
from zoomfeed.simulator.oauth import TokenEndpoint, refusal
from zoomfeed.simulator.rest import BASE, Rest
from zoomfeed.simulator.webhooks import Webhooks
from zoomfeed.simulator.world import World


@dataclass(frozen=True, slots=True)
class App:
    """An app as it is set up at Zoom, with one event subscription."""

    account_id: str
    client_id: str
    client_secret: str
    subscription_id: str
    secret_token: str


class Sent(NamedTuple):
    """A body, when it was sent (monotonic), and the number of the connection that took it; 0: none did."""

    at: float
    body: bytes
    connection: int


class SimulatedZoom:
    """An `async with` block in which Zoom answers.

    `ledger` holds the body of every event given to `send`, whether or not a socket was there to take it, and
    `ledger_sent` what became of it on the socket; without `keeps_ledger` they stay empty, and what is over is
    forgotten, for what runs for days.
    """

    def __init__(
        self,
        app: App,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        token_life_s: float = 3600,
        idle_s: float = 60,
        keeps_ledger: bool = True,
    ) -> None:
        self.app, self.host, self.port = app, host, port
        self.keeps_ledger = keeps_ledger
        self.faults = Faults()
        self.ledger: list[bytes] = []
        self.ledger_sent: list[Sent] = []
        self.tokens = TokenEndpoint(
            (app.client_id, app.client_secret), app.account_id, token_life_s, lambda: self.faults
        )
        self.world = World(forgets=not keeps_ledger)
        self.rest = Rest(self.world, self.tokens, lambda: self.faults, keeps_requests=keeps_ledger)
        self.tokens.granted = lambda: self.rest.granted
        self.socket = EventSocket(app.subscription_id, self.tokens, lambda: self.faults, idle_s)
        self.webhooks = Webhooks(app.secret_token)
        self._http = HttpServer(self._handle)
        self._held: bytes | None = None
        self._later: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._ports = (self.port, self.port + 1 if self.port else 0)
        await self.come_back()
        await self.webhooks.start()
        origin = f"http://{self.host}:{self._ports[0]}"
        self.oauth_url = f"{origin}/oauth/token"
        self.tokens.api_url = origin
        self.api_url = origin + BASE
        self.ws_url = f"ws://{self.host}:{self._ports[1]}/ws"
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._later:
            task.cancel()
        await asyncio.gather(*self._later, return_exceptions=True)
        await self.webhooks.stop()
        await self._http.stop()
        await self.socket.stop()

    async def come_back(self) -> None:
        """Listen, on the ports of the first time."""
        http, ws = self._ports
        self._ports = (await self._http.start(self.host, http), await self.socket.start(self.host, ws))

    async def go_away(self) -> None:
        """Refuse every connection, and cut those that are open, until `come_back`."""
        await self._http.stop()
        await self.socket.stop(cuts=True)

    async def _handle(self, request: Request) -> Answer:
        if request.path == "/oauth/token":
            return await self.tokens.handle(request)
        if request.path.startswith(f"{BASE}/"):
            return await self.rest.handle(request)
        return refusal(404, "Not found", "not_found")

    # The socket

    @property
    def connections(self) -> int:
        """How many good verdicts there were; the number of the newest connection."""
        return self.socket.connections

    @property
    def heartbeats(self) -> int:
        return self.socket.heartbeats

    @property
    def is_connected(self) -> bool:
        return self.socket.connected.is_set()

    async def wait_connected(self) -> None:
        """Until a socket has got a good verdict."""
        await self.socket.connected.wait()

    async def drop(self) -> None:
        """Cut the TCP connection without a closing word."""
        await self.socket.drop()

    async def reset(self) -> None:
        """Cut it with a TCP reset."""
        await self.socket.reset()

    async def close(self, code: int = 1000, reason: str = "Bye") -> None:
        """Close the socket as the real one does, or with another code."""
        await self.socket.close(code, reason)

    async def expire_tokens(self, *, cuts_socket: bool = False) -> None:
        """End every token now. Whether an open socket dies with its token is not documented: both can be had."""
        self.tokens.expire_all()
        if cuts_socket:
            await self.close()

    # Events

    async def send(self, event: dict[str, Any] | bytes) -> None:
        """Make an event true, and deliver it to the socket that is open, if one is, and to the webhook, if one is set.

        What goes wrong with the socket does not touch the webhook.
        """
        body = event if isinstance(event, bytes) else encode(event)
        self.world.hear(body)
        self.webhooks.push(body)
        if self.keeps_ledger:
            self.ledger.append(body)
        if self.faults.late_s > 0:
            task = asyncio.create_task(self._send_late(body, self.faults.late_s))
            self._later.add(task)
            task.add_done_callback(self._later.discard)
        else:
            await self._send_with_faults(body)

    async def _send_late(self, body: bytes, late_s: float) -> None:
        await asyncio.sleep(late_s)
        await self._send_with_faults(body)

    async def _send_with_faults(self, body: bytes) -> None:
        faults = self.faults
        if self._held is None and faults.happens(faults.reorder):
            self._held = body
            return
        if faults.happens(faults.malformed):
            await self.send_frame(MALFORMED)
        for _ in range(2 if faults.happens(faults.duplicates) else 1):
            await self._send_body(body)
        if self._held is not None:
            held, self._held = self._held, None
            await self._send_body(held)

    async def _send_body(self, body: bytes) -> None:
        connection = await self.send_frame(self.frame(body))
        if self.keeps_ledger:
            self.ledger_sent.append(Sent(time.monotonic(), body, connection))

    def frame(self, body: bytes) -> bytes:
        """The envelope around a body: its text as a JSON string, and the signature of a webhook."""
        timestamp = str(int(time.time()))
        header = {
            "x-zm-request-timestamp": timestamp,
            "x-zm-signature": protocol.sign(self.app.secret_token, timestamp, body),
        }
        return encode({"module": "message", "content": body.decode(), "header": header})

    async def send_frame(self, raw: bytes) -> int:
        """Send these bytes as a text frame, whatever they are.

        Returns the number of the connection that took them, 0 when none did.
        """
        return await self.socket.send_frame(raw)


def encode(value: dict[str, Any]) -> bytes:
    """JSON as Zoom writes it: compact, other scripts as they are."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
