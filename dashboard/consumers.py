"""The live sockets: thin shells between a browser and the hub."""

import asyncio
import contextlib
import logging
import time
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode

from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer
from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http.request import split_domain_port, validate_host

from dashboard import hub, metrics, protocol
from dashboard.streams import Page
from zoomfeed.viewer import Right

logger = logging.getLogger(__name__)


class LiveConsumer(AsyncConsumer):  # type: ignore[misc]
    """One page's socket. Subclasses say which stream it shows."""

    right = Right.MEETINGS
    channel_layer_alias = ""  # no channel: the hub hears the bell for all pages

    page: Page | None = None
    writer: asyncio.Task[None] | None = None
    place_of: str = ""
    """The user whose place in this process it has taken."""

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Straight to the handler: the inherited one visits Django's shared sync thread before every message."""
        match message["type"]:
            case "websocket.connect":
                await self.connect()
            case "websocket.receive":
                self.receive(message)
            case "websocket.disconnect":
                await self.disconnect()

    def stream(self, query: list[tuple[str, str]]) -> str:
        raise NotImplementedError

    async def connect(self) -> None:
        """Open, or ask the page to come back later: while the database is away the hub says so once for all pages."""
        try:
            await self.open()
        except (DatabaseError, InterfaceError):
            await self.send({"type": "websocket.close", "code": protocol.FULL})
            raise StopConsumer from None

    async def open(self) -> None:
        session_key = _cookie(self.scope, settings.SESSION_COOKIE_NAME)
        is_ours = is_own_origin(self.scope) and session_key
        visitor = await hub.current().admit(session_key, self.right) if is_ours else None
        if visitor is None:
            await self.send({"type": "websocket.close", "code": protocol.SESSION_OVER})
            raise StopConsumer
        await self.send({"type": "websocket.accept"})
        await self.take_place(visitor.owner)
        query = parse_qsl(self.scope["query_string"].decode(errors="replace"))
        of_page = dict(query)
        epoch, revision = of_page.get("epoch", ""), _revision(of_page.get("revision", ""))
        query = [(name, value) for name, value in query if name not in ("epoch", "revision")]
        self.page = Page(self.stream(query), session_key, visitor)
        self.inbound = protocol.Inbound()
        self.writer = asyncio.create_task(self.write(self.page))
        await hub.current().join(self.page, epoch=epoch, revision=revision)

    async def take_place(self, owner: str) -> None:
        """Once it is open, because of a refused handshake a page cannot read the reason."""
        if code := hub.current().places.take(owner):
            metrics.refused(code)
            await self.send({"type": "websocket.close", "code": code})
            raise StopConsumer
        self.place_of = owner

    def receive(self, message: dict[str, Any]) -> None:
        if self.page is None or self.page.is_closing:
            return
        try:
            revision = self.inbound.read(message.get("text"), time.monotonic())
        except protocol.UnwelcomeFrame:
            self.page.close(protocol.UNWELCOME)
        else:
            hub.current().ack(self.page, revision)

    async def write(self, page: Page) -> None:
        """Send what the hub posts. A task of its own, so that one slow socket is nobody else's business."""
        try:
            await self.write_on(page)
        except Exception as error:  # noqa: BLE001 - a page that nobody writes to must not look alive
            logger.warning("a page could not be written to: %s", type(error).__name__)
            hub.current().leave(page)
            await self.send({"type": "websocket.close", "code": protocol.BROKEN})

    async def write_on(self, page: Page) -> None:
        while True:
            item = await page.outbox.get()
            if isinstance(item, int):
                await self.send({"type": "websocket.close", "code": item})
                hub.current().leave(page)
                return
            await self.send({"type": "websocket.send", "text": item})

    async def disconnect(self) -> None:
        self.end()
        raise StopConsumer

    def end(self) -> None:
        if self.page is not None:
            hub.current().leave(self.page)
        if self.writer is not None:
            self.writer.cancel()
        if self.place_of:
            hub.current().places.give(self.place_of)
            self.place_of = ""

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """As inherited; and however it ends, the page leaves the hub."""
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await super().__call__(scope, receive, send)
        finally:
            self.end()


class BoardConsumer(LiveConsumer):
    def stream(self, query: list[tuple[str, str]]) -> str:  # noqa: ARG002
        return "board"


class MeetingConsumer(LiveConsumer):
    def stream(self, query: list[tuple[str, str]]) -> str:
        asked = urlencode(sorted(query))
        return f"meeting:{self.scope['url_route']['kwargs']['pk']}{'?' if asked else ''}{asked}"


class EventsConsumer(LiveConsumer):
    right = Right.LOG

    def stream(self, query: list[tuple[str, str]]) -> str:
        return f"events:{urlencode(sorted(query))}"


class PeopleConsumer(LiveConsumer):
    def stream(self, query: list[tuple[str, str]]) -> str:
        return f"people:{urlencode(sorted(query))}"


class StatusConsumer(LiveConsumer):
    def stream(self, query: list[tuple[str, str]]) -> str:  # noqa: ARG002
        return "status"


def is_own_origin(scope: dict[str, Any]) -> bool:
    """Does the page that opens this socket come from us? Scheme, host and port have to be ours, to the letter."""
    origin, host = _header(scope, b"origin"), _header(scope, b"host")
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    if not validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS):
        return False
    return origin == f"{_scheme(scope)}://{host}"


def _scheme(scope: dict[str, Any]) -> str:
    if settings.SECURE_PROXY_SSL_HEADER:
        name, secure = settings.SECURE_PROXY_SSL_HEADER
        header = name.removeprefix("HTTP_").replace("_", "-").lower().encode()
        return "https" if _header(scope, header).split(",")[0].strip() == secure else "http"
    return "https" if scope.get("scheme") == "wss" else "http"


def _header(scope: dict[str, Any], name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def _cookie(scope: dict[str, Any], name: str) -> str:
    try:
        morsel = SimpleCookie(_header(scope, b"cookie")).get(name)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def _revision(text: str) -> int:
    """What the page shows. Unreadable: a revision that no database has, so that the page resyncs."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 2**62
