"""Access tokens: one issuer per app and grant, its token shared and kept until shortly before its end.

Source: Zoom's page "Server-to-Server OAuth"; error bodies as public clients printed them. A token lives an hour and
cannot be refreshed. 400 and 401 are faults of the configuration, everything else is weather.
"""

import json
import logging
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests

from zoomfeed import answers
from zoomfeed.exceptions import CredentialsRefused, TokenUnavailable

GRANTS = ("client_credentials", "account_credentials")
SPARE_S = 600.0
"""A token with less than this to live is not handed out any more."""
TIMEOUT_S = (5, 15)
MOST_BYTES, MOST_S = 256 * 1024, 30.0
"""The largest answer that is read, and for how long; a good one has some kilobytes."""
MOST_RETRY_AFTER_S = 600.0

ZOOM_HOST = r"(?:[a-z0-9-]+\.)*(?:zoom\.us|zoom\.com|zoomgov\.com)"
"""Hosts that an answer may send us to, beside those that the settings name."""


@dataclass(frozen=True, slots=True)
class Token:
    value: str = field(repr=False)
    expires_at: float  # on the clock of the issuer
    scopes: frozenset[str] = frozenset()
    api_url: str = ""  # where Zoom wants REST calls of this account to go; may name a region
    issued_at: float = 0.0  # on the clock of the issuer


@dataclass
class Issuer:
    """Gets and keeps the tokens of one app. Blocking: call it in a thread, or in several."""

    url: str
    account_id: str
    client_id: str
    client_secret: str = field(repr=False)
    clock: Callable[[], float] = time.monotonic
    _tokens: dict[str, Token] = field(default_factory=dict, repr=False)
    _not_before: float = field(default=float("-inf"), repr=False)
    _asking: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def token(self, grant: str) -> Token:
        """A token with life in it.

        Raises CredentialsRefused when Zoom refuses the app, TokenUnavailable when it is worth another try.
        """
        with self._asking:
            known = self._tokens.get(grant)
            if known is None or known.expires_at - self.clock() < SPARE_S:
                known = self._tokens[grant] = self._fetch_in_time(grant)
            return known

    def drop(self, grant: str) -> None:
        """Forget a token that was refused."""
        self._tokens.pop(grant, None)

    def _fetch_in_time(self, grant: str) -> Token:
        """Not before Zoom wants to be asked again, whoever it told so."""
        if (left_s := self._not_before - self.clock()) > 0:
            raise TokenUnavailable("it asked to wait", left_s)
        try:
            return self._fetch(grant)
        except TokenUnavailable as error:
            self._not_before = self.clock() + (error.retry_after_s or 0.0)
            raise

    def _fetch(self, grant: str) -> Token:
        form = {"grant_type": grant}
        if grant == "account_credentials":
            form["account_id"] = self.account_id
        try:
            with requests.post(
                self.url,
                data=form,
                auth=(self.client_id, self.client_secret),
                timeout=TIMEOUT_S,
                allow_redirects=False,  # credentials go to the configured host and to no other
                stream=True,
            ) as answer:
                body = answers.body(answer, most_bytes=MOST_BYTES, most_s=MOST_S)
        except requests.RequestException as error:
            raise TokenUnavailable(f"{type(error).__name__} at the token endpoint") from None
        return self._read(answer, body)

    def _read(self, answer: requests.Response, body: bytes) -> Token:
        said = _json(body)
        if answer.status_code in (400, 401):
            reason = said.get("reason") or said.get("error") or said.get("message") or "no reason given"
            raise CredentialsRefused(answer.status_code, redact(str(reason)[:200]))
        value = said.get("access_token") or said.get("Access_token")
        if answer.status_code != 200 or not isinstance(value, str):
            raise TokenUnavailable(f"HTTP {answer.status_code}", _retry_after(answer))
        lives_s = said.get("expires_in") or said.get("Expire_in") or 3600
        # a token that lives shorter than we spare is used for half of its life
        lives_s = float(lives_s) if isinstance(lives_s, int | float) else 3600.0
        now = self.clock()
        ends_at = now + max(lives_s, SPARE_S + lives_s / 2)
        return Token(value, ends_at, _scopes(said.get("scope")), str(said.get("api_url") or "")[:200], now)


def _json(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _scopes(said: Any) -> frozenset[str]:
    """One text with spaces in real answers, a list on Zoom's page."""
    words = said.split() if isinstance(said, str) else said if isinstance(said, list) else []
    return frozenset(str(word) for word in words)


def _retry_after(answer: requests.Response) -> float | None:
    return wait_asked(answer.headers.get("Retry-After", ""))


def wait_asked(value: str) -> float | None:
    """Seconds that a `Retry-After` header asks for, ten minutes at most."""
    return min(float(value), MOST_RETRY_AFTER_S) if value.isascii() and value.isdigit() else None


SECRETS = re.compile(r"(?i)(access_token=|download_token[\"'=: ]+|bearer |basic )[^&\s\"',)]+")


def redact(text: str) -> str:
    """Blot out what looks like a token, wherever it stands."""
    return SECRETS.sub(r"\1[secret]", text)


class RedactSecrets(logging.Filter):
    """Keeps tokens out of every log line, also of libraries and tracebacks."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if (clean := redact(message)) != message:
            record.msg, record.args = clean, ()
        if record.exc_info and not record.exc_text:
            record.exc_text = redact(logging.Formatter().formatException(record.exc_info))
        return True
