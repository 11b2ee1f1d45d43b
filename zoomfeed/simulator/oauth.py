"""The token endpoint of the simulated Zoom."""

import base64
import binascii
import secrets
import time
from collections.abc import Callable, Iterable
from urllib.parse import parse_qs

from zoomfeed.simulator.faults import TOKEN_FAULTS, Faults
from zoomfeed.simulator.httpd import Answer, Request, as_json

APP_SCOPES = ("marketplace:read:list_event_subscriptions", "marketplace:write:websocket_connection")
"""What a token of the app itself may do: nothing but the socket."""


class TokenEndpoint:
    """Issues opaque tokens for the right credentials, and knows which of them still live.

    `granted` tells the scopes of the account; a token of the grant `account_credentials` names them.
    """

    def __init__(self, credentials: tuple[str, str], account_id: str, life_s: float, faults: Callable[[], Faults]):
        self.credentials = credentials
        self.account_id = account_id
        self.life_s = life_s
        self.faults = faults
        self.granted: Callable[[], Iterable[str]] = tuple
        self.ends: dict[str, float] = {}
        self.grants: dict[str, str] = {}
        self.requests = 0
        self.api_url = ""

    def left_s(self, token: str) -> float:
        """How many seconds a token still lives; not above zero when it is unknown or over."""
        return self.ends.get(token, 0.0) - time.monotonic()

    def expire_all(self) -> None:
        """End every token now. Sockets that were opened with one are left alone."""
        self.ends = dict.fromkeys(self.ends, 0.0)

    async def handle(self, request: Request) -> Answer:
        if request.method != "POST":
            return refusal(405, "Method not allowed", "invalid_request")
        try:
            text = f"{request.query}&{request.body.decode()}"
        except UnicodeDecodeError:
            return refusal(400, "Bad Request", "invalid_request")
        form = {name: values[0] for name, values in parse_qs(text).items()}
        return self._issue(request.headers.get("authorization", ""), form)

    def _issue(self, authorization: str, form: dict[str, str]) -> Answer:
        self.requests += 1
        if fault := self.faults().tokens:
            return TOKEN_FAULTS[fault]
        if _basic(authorization) != self.credentials:
            return refusal(401, "Invalid client_id or client_secret", "invalid_client")
        grant = form.get("grant_type")
        if grant not in ("client_credentials", "account_credentials"):
            return refusal(400, "unsupported grant type", "unsupported_grant_type")
        if grant == "account_credentials" and form.get("account_id") != self.account_id:
            return refusal(400, "Account does not exist", "invalid_request")
        token = secrets.token_urlsafe(48)
        self.grants[token] = grant
        self.ends[token] = time.monotonic() + self.life_s
        return as_json({
            "access_token": token,
            "token_type": "bearer",
            "expires_in": int(self.life_s),
            "scope": " ".join(self.granted() if grant == "account_credentials" else APP_SCOPES),
            "api_url": self.api_url,
        })  # fmt: skip


def refusal(status: int, reason: str, error: str) -> Answer:
    return as_json({"reason": reason, "error": error}, status)


def _basic(header: str) -> tuple[str, str] | None:
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return name, password
