"""Whether a webhook comes from Zoom, and the answer that proves to Zoom that the endpoint is ours. Pure code.

Zoom signs the text `v0:<timestamp>:<raw body>` with the app's secret token (`protocol.sign`). To check an endpoint it
sends `endpoint.url_validation` with a `plainToken`, and wants the HMAC of it under the same secret: a responder that
signs whatever it is given would sign events for anybody. So only what is signed itself is looked at, and only a token
that cannot be mistaken for a signed text is answered. Source: Zoom's page "Using webhooks"
(developers.zoom.us/docs/api/webhooks).
"""

import hashlib
import hmac
import re
from typing import Any

from zoomfeed.protocol import loads

MOST_SKEW_S = 300
"""How far the timestamp of a delivery may be from our clock, either way. Zoom names no limit; what was seen on the wire
is within a second, and each retry has a timestamp of its own."""

MOST_TOKEN_LENGTH = 128
VALIDATION = "endpoint.url_validation"


def skew_s(timestamp: str, now_s: float) -> float | None:
    """Seconds from our clock to `x-zm-request-timestamp`, negative in the past; None when that is no number."""
    return int(timestamp) - now_s if re.fullmatch("[0-9]{1,12}", timestamp) else None


def validation(body: bytes) -> dict[str, Any] | None:
    """The request by which Zoom checks the endpoint; None when the body is anything else."""
    if VALIDATION.encode() not in body:
        return None  # nearly every body: it is parsed once, where it is recorded
    try:
        request = loads(body)
    except ValueError:
        return None
    return request if isinstance(request, dict) and request.get("event") == VALIDATION else None


def validation_answer(secret: str, request: dict[str, Any]) -> dict[str, str] | None:
    """What Zoom wants to hear; None for a token that we do not sign: no text, too long, or like a signed text."""
    payload = request.get("payload")
    token = payload.get("plainToken") if isinstance(payload, dict) else None
    if not isinstance(token, str) or not 0 < len(token) <= MOST_TOKEN_LENGTH or token.startswith("v0:"):
        return None
    try:
        raw = token.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return None
    return {"plainToken": token, "encryptedToken": hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()}
