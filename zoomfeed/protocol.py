"""Zoom's WebSocket frames as pure code: text to values, values to text.

No socket, no clock, no Django. `parse` never raises for what came from outside: a frame that cannot be read
becomes an `Unreadable` that says why, so that its bytes can be kept.

A frame is one JSON object `{"module", "success"?, "content"?, "header"?}`. The first one is the verdict
(`build_connection`): the HTTP upgrade says nothing about the token. An event comes as a `message` whose `content`
is a *string* that holds JSON, the same body that a webhook would bring. Source of these facts: Zoom's page
"WebSockets" (developers.zoom.us/docs/api/websockets), and frames that public clients printed.
"""

import hashlib
import hmac
import json
import math
from dataclasses import dataclass
from typing import Any, NoReturn

import msgspec

HEARTBEAT = '{"module":"heartbeat"}'
"""What we send every 30 seconds; Zoom does not count WebSocket pings as life."""

MAX_BODY_BYTES = 1024 * 1024
"""The largest body that is parsed. The biggest known event has 20 kB; a larger one is kept, unread."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The first frame: may we stay? Decide on `success` alone, the wording has changed before."""

    success: bool
    text: str


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The answer to our heartbeat; `success` false has been seen with a text."""

    success: bool
    text: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event: the exact bytes of its body, and the signature headers when Zoom sent them."""

    body: bytes
    timestamp: str = ""
    signature: str = ""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A frame that holds no event that we can find. Keep `raw`."""

    raw: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class UnknownModule:
    """A well-formed frame of a kind that we do not know: note the name once, and go on."""

    module: str


Frame = Verdict | Heartbeat | Delivery | Unreadable | UnknownModule


def parse(raw: bytes) -> Frame:
    """Say what one frame is.

    `raw` is the frame's payload, undecoded, so that bytes that are no UTF-8 can be kept as they came.
    """
    try:
        frame = loads(raw)
    except ValueError as error:
        return Unreadable(raw, str(error))
    if not isinstance(frame, dict):
        return Unreadable(raw, "not a JSON object")
    if "module" not in frame and "event" in frame:
        return Delivery(raw)  # never seen, tolerated by careful clients: an event without its envelope
    return _from_envelope(raw, frame)


def _from_envelope(raw: bytes, frame: dict[str, Any]) -> Frame:
    module, content, success = frame.get("module"), frame.get("content"), frame.get("success")
    text = content if isinstance(content, str) else ""
    match module:
        case "build_connection":
            return Verdict(success is True, text)
        case "heartbeat":
            return Heartbeat(success is not False, text)
        case "message":
            return _delivery(raw, content, frame.get("header"))
        case str():
            return UnknownModule(module)
    return Unreadable(raw, "no module")


def _delivery(raw: bytes, content: Any, header: Any) -> Frame:
    match content:
        case str():
            body = content.encode("utf-8", "surrogatepass")
        case dict():  # never seen, tolerated by careful clients: content as an object
            try:
                body = json.dumps(content, separators=(",", ":"), allow_nan=False).encode()
            except (ValueError, RecursionError):
                return Unreadable(raw, "a message whose content cannot be written as JSON")
        case _:
            return Unreadable(raw, "a message without content")
    header = header if isinstance(header, dict) else {}
    timestamp, signature = header.get("x-zm-request-timestamp"), header.get("x-zm-signature")
    return Delivery(body, str(timestamp or ""), signature if isinstance(signature, str) else "")


def loads(text: bytes) -> Any:
    """Parse JSON that came from outside.

    msgspec reads what is well formed; what it refuses gets a second try with the standard library, which lets lone
    surrogates through (somebody's cut emoji is no reason to lose an event).

    Raises ValueError with a short reason: not UTF-8, not JSON, NaN or Infinity, nested too deep, too large.
    """
    if len(text) > MAX_BODY_BYTES:
        raise ValueError(f"larger than {MAX_BODY_BYTES} bytes")
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _loads_leniently(text)


def _loads_leniently(text: bytes) -> Any:
    try:
        said = text.decode("utf-8", "surrogatepass")
        return json.loads(said, parse_constant=_refuse_constant, parse_float=_finite)
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    except RecursionError:
        raise ValueError("nested too deep") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at byte {error.pos}") from None


def _finite(digits: str) -> float:
    """Refuses 1e400: as infinity it would have the digest of null, and the event pass for one that is known."""
    if math.isinf(value := float(digits)):
        raise ValueError(f"not JSON: {digits[:20]}")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"not JSON: {name}")


def digest(body: bytes, said: Any = None) -> bytes:
    """The key under which a body is logged once, whichever transport brings it, and however often.

    `said` is what the body says when it could be parsed: then white space, escapes and the order of members make no
    difference, for nobody promises that socket and webhook send the same bytes.
    """
    try:
        return hashlib.sha256(msgspec.json.encode(said, order="deterministic") if said is not None else body).digest()
    except (ValueError, TypeError, OverflowError, RecursionError):  # a lone surrogate, or a number beyond 64 bits
        return hashlib.sha256(body).digest()


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Zoom's signature of a body, as it stands in `x-zm-signature`.

    `timestamp` is the text of `x-zm-request-timestamp`: seconds since the epoch, while `event_ts` counts ms.
    """
    mac = hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256)
    return "v0=" + mac.hexdigest()


def is_signed(secret: str, delivery: Delivery) -> bool:
    """Whether the signature of a delivery is right; compared in constant time."""
    expected = sign(secret, delivery.timestamp, delivery.body)
    # one published client had to unescape the header once more: "=" came as a literal \u003d
    given = delivery.signature.replace("\\u003d", "=")
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))
