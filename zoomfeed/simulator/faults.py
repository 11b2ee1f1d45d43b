"""What may go wrong at Zoom, on request: set an attribute and it does, until it is set back."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

HTML: tuple[int, dict[str, str], bytes] = (
    500,
    {"Content-Type": "text/html"},
    b"<html><body><h1>500 Internal Server Error</h1></body></html>",
)

TOKEN_FAULTS: dict[str, tuple[int, dict[str, str], bytes]] = {
    "400": (400, {}, b'{"reason":"Invalid client_id or client_secret","error":"invalid_client"}'),
    "401": (401, {}, b'{"reason":"Invalid client_id or client_secret","error":"invalid_client"}'),
    "429": (429, {"Retry-After": "1"}, b'{"reason":"Too many requests"}'),
    "500": HTML,
}
"""Name of a fault -> status, headers and body of the token endpoint's answer."""

PER_SECOND = b"You have reached the maximum per-second rate limit for this API. Try again later."
DAILY = b"You have reached the maximum daily rate limit for this API. Refer to the response header for details."

REST_FAULTS: dict[str, tuple[int, dict[str, str], bytes]] = {
    "401": (401, {}, b'{"code":124,"message":"Invalid access token."}'),
    "429": (429, {}, b'{"code":429,"message":"' + PER_SECOND + b'"}'),
    "500": HTML,
    "empty": (200, {}, b""),
}
"""Name of a fault -> status, headers and body of the answer to every REST call."""

HANDSHAKE_FAULTS: dict[str, tuple[int, dict[str, str], bytes]] = {
    "401": (401, {}, b'{"code":124,"message":"Invalid access token."}'),
    "429": (429, {"Retry-After": "1"}, b'{"message":"Too many requests"}'),
    "500": HTML,
    "html": (200, {"Content-Type": "text/html"}, b"<html><body>Zoom is under maintenance</body></html>"),
}
"""Name of a fault -> status, headers and body of an answer that is no upgrade."""

NAMES = (
    "drop", "half-open", "refuse-400", "refuse-401", "refuse-429", "refuse-500",
    "bad-verdict", "malformed", "duplicates", "reorder", "late",
    "takeover", "rest-429", "rest-500", "no-dashboard",
)  # fmt: skip
MALFORMED = b'{"module":"message","content":"{\\"event\\":'


@dataclass
class Faults:
    """The switches. All off is a well-behaved Zoom."""

    tokens: str = ""  # a key of TOKEN_FAULTS
    rest: str = ""  # a key of REST_FAULTS
    no_dashboard: bool = False  # the plan of the account has no dashboards
    handshake: str = ""  # a key of HANDSHAKE_FAULTS
    handshake_delay_s: float = 0.0  # the upgrade takes this much longer
    verdict: str = ""  # this text instead of success, for every connection
    socket_grant: str = ""  # the socket takes tokens of this grant only
    takeover: bool = False  # somebody else uses the subscription: 1000 "Bye" soon after every success
    drop_after_s: float = 0.0  # a connection that begins now is cut after so long, without a closing word
    close_code: int = 0  # ... or with this closing word
    reset: bool = False  # ... or with a TCP reset
    half_open: bool = False  # TCP stays, nothing is sent or answered any more
    malformed: float = 0.0  # the share of events that get a broken frame before them
    duplicates: float = 0.0  # the share of events that are sent twice
    reorder: float = 0.0  # the share of events that wait for the next one to go first
    late_s: float = 0.0  # every event comes this much later
    seed: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def happens(self, share: float) -> bool:
        """Whether a fault with this share strikes now; the same each time for one seed."""
        return share > 0 and self._random.random() < share

    @classmethod
    def named(cls, names: list[str], seed: int = 0) -> "Faults":
        """Faults by their names on the command line."""
        faults = cls(seed=seed)
        for name in names:
            faults.switch_on(name)
        return faults

    def switch_on(self, name: str) -> None:
        match name:
            case "drop":
                self.drop_after_s = 20.0
            case "half-open" | "takeover" | "no-dashboard":
                setattr(self, name.replace("-", "_"), True)
            case "bad-verdict":
                self.verdict = "Token is invalid"
            case "malformed" | "duplicates" | "reorder":
                setattr(self, name, 0.2)
            case "late":
                self.late_s = 5.0
            case "rest-429" | "rest-500":
                self.rest = name.removeprefix("rest-")
            case _ if name.removeprefix("refuse-") in TOKEN_FAULTS:
                self.tokens = name.removeprefix("refuse-")
            case _:
                raise ValueError(f"no such fault: {name}")


def daily_limit(wait_s: float) -> tuple[int, dict[str, str], bytes]:
    """The REST answer when the day's requests are used up; `Retry-After` is an instant, as Zoom writes it."""
    again_at = datetime.now(UTC) + timedelta(seconds=wait_s)
    headers = {"Retry-After": again_at.strftime("%Y-%m-%dT%H:%M:%SZ")}
    return 429, headers, b'{"code":429,"message":"' + DAILY + b'"}'
