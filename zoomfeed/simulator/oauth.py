"""The token endpoint of the simulated Zoom: one POST per connection, on an asyncio stream."""

import asyncio
import base64
import binascii
import json
import secrets
import time
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from zoomfeed.simulator.faults import TOKEN_FAULTS, Faults

MAX_BODY = 16 * 1024
Answer = tuple[int, dict[str, str], bytes]


class TokenEndpoint:
    """Issues opaque tokens for the right credentials, and knows which of them still live."""

    def __init__(self, credentials: tuple[str, str], account_id: str, life_s: float, faults: Callable[[], Faults]):
        self.credentials = credentials
        self.account_id = account_id
        self.life_s = life_s
        self.faults = faults
        self.ends: dict[str, float] = {}
        self.grants: dict[str, str] = {}
        self.requests = 0
        self.api_url = ""

    def left_s(self, token: str) -> float:
        """How many seconds a token still lives; not above zero when it is unknown or over."""
        return self.ends.get(token, 0.0) - time.monotonic()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(10):
                status, headers, body = await self._answer(reader)
                lines = {"Content-Type": "application/json", **headers, "Content-Length": str(len(body))}
                head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
                writer.write(f"HTTP/1.1 {status} Zoom\r\n{head}Connection: close\r\n\r\n".encode() + body)
                await writer.drain()
        except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # no HTTP, or nobody there any more: there is nobody to answer
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> Answer:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        request, *lines = head.split("\r\n")
        method, target, _ = request.split(" ", 2)
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(min(int(headers.get("content-length", "0")), MAX_BODY))
        url = urlsplit(target)
        if url.path != "/oauth/token":
            return _refusal(404, "Not found", "not_found")
        if method != "POST":
            return _refusal(405, "Method not allowed", "invalid_request")
        form = {name: values[0] for name, values in parse_qs(f"{url.query}&{body.decode()}").items()}
        return self._issue(headers.get("authorization", ""), form)

    def _issue(self, authorization: str, form: dict[str, str]) -> Answer:
        self.requests += 1
        if fault := self.faults().tokens:
            return TOKEN_FAULTS[fault]
        if _basic(authorization) != self.credentials:
            return _refusal(401, "Invalid client_id or client_secret", "invalid_client")
        grant = form.get("grant_type")
        if grant not in ("client_credentials", "account_credentials"):
            return _refusal(400, "unsupported grant type", "unsupported_grant_type")
        if grant == "account_credentials" and form.get("account_id") != self.account_id:
            return _refusal(400, "Account does not exist", "invalid_request")
        token = secrets.token_urlsafe(48)
        self.grants[token] = grant
        self.ends[token] = time.monotonic() + self.life_s
        return 200, {}, json.dumps({
            "access_token": token,
            "token_type": "bearer",
            "expires_in": int(self.life_s),
            "scope": "marketplace:read:list_event_subscriptions marketplace:write:websocket_connection",
            "api_url": self.api_url,
        }).encode()  # fmt: skip


def _refusal(status: int, reason: str, error: str) -> Answer:
    return status, {}, json.dumps({"reason": reason, "error": error}).encode()


def _basic(header: str) -> tuple[str, str] | None:
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return name, password
