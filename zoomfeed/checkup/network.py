"""Can the token host be reached, by which way, and does it agree with our clock?

The way is the one that the feed takes: `requests` and `websockets` both follow HTTPS_PROXY, ALL_PROXY and NO_PROXY.
"""

import importlib.util
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import requests
from requests.utils import get_environ_proxies, select_proxy
from websockets.exceptions import InvalidProxy
from websockets.proxy import get_proxy, parse_proxy
from websockets.uri import parse_uri

from zoomfeed.checkup.steps import Outcome, Step, skipped

TIMEOUT_S = (5, 15)
SKEW_S, MOST_SKEW_S = 5.0, 300.0
"""From when on a clock is worth a word, and from when on webhooks are refused as too old."""

NO_SOCKS = "The proxy speaks SOCKS: name an HTTP proxy, or install the packages python-socks and PySocks."


def check_proxy(oauth_url: str, ws_url: str) -> Step:
    """Which proxies stand between us and Zoom, for tokens and REST and for the socket."""
    tried = "read HTTPS_PROXY, ALL_PROXY and NO_PROXY"
    web = select_proxy(oauth_url, get_environ_proxies(oauth_url)) or ""
    socket = get_proxy(parse_uri(ws_url)) or ""
    if not web and not socket:
        return Step("proxy", tried, "none; connections go out directly")
    found = f"tokens and REST go {_way(web)}, the socket goes {_way(socket)}"
    if any(proxy.startswith("socks") for proxy in (web, socket)) and not importlib.util.find_spec("python_socks"):
        return Step("proxy", tried, found, Outcome.FAILED, NO_SOCKS)
    try:
        for proxy in filter(None, (web, socket)):
            parse_proxy(proxy)
    except InvalidProxy:
        advice = "Write the proxy as http://host:port, with user and password before the host when it asks for them."
        return Step("proxy", tried, f"{found}; not in a form that can be read", Outcome.FAILED, advice)
    return Step("proxy", tried, found)


def _way(proxy: str) -> str:
    """Host and port only: a proxy's URL may hold a password."""
    if not proxy:
        return "directly"
    parts = urlsplit(proxy if "://" in proxy else f"//{proxy}")
    return f"through {parts.netloc.rpartition('@')[2]}"


def check_reach(oauth_url: str) -> tuple[Step, float | None]:
    """Knock at the token host, without credentials.

    Also returns by how many seconds our clock is ahead of the Date of its answer; None when there was none. Any HTTP
    answer will do: that something is wrong with it is for the token step to say.
    """
    host = urlsplit(oauth_url).netloc
    tried = f"send a HEAD request to {host}"
    began = time.time()
    try:
        with requests.head(oauth_url, timeout=TIMEOUT_S, allow_redirects=False) as answer:
            ended, date = time.time(), answer.headers.get("Date", "")
    except (requests.RequestException, ValueError) as error:
        met = _obstacle(error)
        return Step("network", tried, f"{host}: {met.found}", Outcome.FAILED, met.advice, met.is_weather), None
    skew_s = _ahead_s(date, (began + ended) / 2)
    return Step("network", tried, f"{host} answered after {ended - began:.1f} s"), skew_s


def _ahead_s(date: str, now: float) -> float | None:
    try:
        return now - parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What a connection failed at."""

    found: str
    advice: str
    is_weather: bool = True


UNREACHED = {
    "ProxyError": Obstacle(
        "the proxy refused or did not answer", "See that HTTPS_PROXY is right, and that the proxy lets this host pass."
    ),
    "SSLError": Obstacle(
        "its certificate was not accepted",
        "When a proxy opens TLS here, name its certificate authority in REQUESTS_CA_BUNDLE and SSL_CERT_FILE. "
        "See also that this machine's clock is right.",
        is_weather=False,
    ),
    "NameResolutionError": Obstacle(
        "the name has no address here",
        "See that DNS works on this machine, and that the name in ZOOM_OAUTH_URL is right.",
    ),
    "ConnectTimeout": Obstacle(
        "no answer to the connection",
        "A firewall drops it: let this machine out to that port, or name the proxy in HTTPS_PROXY.",
    ),
    "ReadTimeout": Obstacle(
        "connected, but no answer came", "Try again in some minutes; then ask who runs the network."
    ),
    "ConnectionRefusedError": Obstacle(
        "the connection was refused", "See that host and port in ZOOM_OAUTH_URL are right."
    ),
}
"""By the name of the error; the first that is among the causes counts."""


def _obstacle(error: BaseException) -> Obstacle:
    names = [type(one).__name__ for one in _causes(error)]
    unknown = Obstacle(
        f"no answer ({names[0]})", "See that ZOOM_OAUTH_URL is right and that this machine may reach it."
    )
    return next((obstacle for name, obstacle in UNREACHED.items() if name in names), unknown)


def _causes(error: object) -> Iterator[BaseException]:
    """An error of requests, and those of urllib3 and of the system that stand behind it."""
    while isinstance(error, BaseException):
        yield error
        behind = getattr(error, "reason", None) or next(iter(error.args), None)
        error = behind if isinstance(behind, BaseException) else error.__cause__


def check_clock(skew_s: float | None) -> Step:
    """`skew_s`: by how much our clock is ahead of Zoom's."""
    tried = "compare our clock with the Date of Zoom's answer"
    if skew_s is None:
        return skipped("clock", "there was no answer of Zoom with a Date to compare with")
    off_s = abs(skew_s)
    found = f"{off_s:.0f} s {'ahead of' if skew_s > 0 else 'behind'} Zoom's"
    advice = "Let this machine follow a time server, for instance with timedatectl set-ntp true."
    if off_s > MOST_SKEW_S:
        return Step("clock", tried, f"{found}: webhooks are refused as too old", Outcome.FAILED, advice)
    if off_s > SKEW_S:
        return Step("clock", tried, f"{found}: ages on the pages are wrong by that much", Outcome.WARNING, advice)
    return Step("clock", tried, f"not more than {SKEW_S:g} s apart")
