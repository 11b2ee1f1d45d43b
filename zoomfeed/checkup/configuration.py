"""What can be said of the settings without asking anybody. Names of variables and of hosts are told, values are not."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from django.conf import settings

from zoomfeed import webhook
from zoomfeed.checks import NEEDED
from zoomfeed.checkup.steps import Outcome, Step, skipped
from zoomfeed.upstream import subscription_id

USUAL_HOSTS = {
    "ZOOM_OAUTH_URL": "zoom.us",
    "ZOOM_WS_URL": "ws.zoom.us",
    "ZOOM_SUBSCRIPTION_ID": "ws.zoom.us",
    "ZOOM_API_URL": "api.zoom.us",
}
COPY_ENDPOINT = (
    "Copy the endpoint URL, or the id at its end, from the app's event subscription (Features > Access) "
    "into ZOOM_SUBSCRIPTION_ID."
)


def check_settings() -> Step:
    """Are the settings there, and can the endpoint be read?"""
    tried = "read the ZOOM_ settings"
    missing = [name for name in NEEDED if not getattr(settings, name)]
    if missing:
        found = f"set: {_list(name for name in NEEDED if name not in missing)}; not set: {_list(missing)}"
        advice = "Copy the values from the app's pages in Zoom's App Marketplace into the environment or .env."
        return Step("settings", tried, found, Outcome.FAILED, advice)
    if problem := _unreadable(settings.ZOOM_SUBSCRIPTION_ID):
        return Step("settings", tried, f"ZOOM_SUBSCRIPTION_ID {problem}", Outcome.FAILED, COPY_ENDPOINT)
    if problem := _broken_address():
        return Step("settings", tried, problem, Outcome.FAILED, "Mend it, or leave it empty for Zoom's own.")
    return Step("settings", tried, "; ".join(["all that are needed are set", *_unusual_hosts()]))


def _list(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


def _unreadable(subscription: str) -> str:
    if "://" not in subscription:
        is_odd = any(character in subscription for character in "/?=& \t")
        return "is neither a bare id nor a whole URL that begins with wss://" if is_odd else ""
    if not subscription.startswith(("wss://", "ws://")):
        return "is a URL, but none of a WebSocket (wss://…)"
    return "" if _host(subscription) and subscription_id(subscription) else "is a URL without a subscriptionId"


def _broken_address() -> str:
    for name, url in _addresses().items():
        if not _host(url):
            return f"{name} is no URL with a host"
    return ""


def _unusual_hosts() -> list[str]:
    """Right for Zoom for Government and for the simulated Zoom; for others a leftover worth seeing."""
    hosts = {name: _host(url) for name, url in _addresses().items()}
    return [
        f"{name} leads to {host} instead of {USUAL_HOSTS[name]}"
        for name, host in hosts.items()
        if host != USUAL_HOSTS[name]
    ]


def _addresses() -> dict[str, str]:
    """Where we will go, by the variable that says so: an endpoint URL goes before ZOOM_WS_URL."""
    socket = "ZOOM_SUBSCRIPTION_ID" if "://" in settings.ZOOM_SUBSCRIPTION_ID else "ZOOM_WS_URL"
    return {name: getattr(settings, name) for name in ("ZOOM_OAUTH_URL", socket, "ZOOM_API_URL")}


def _host(url: str) -> str:
    """The host of a URL; "" when that cannot be read, or the scheme is none of ours."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return ""
    return parts.hostname or "" if parts.scheme in ("https", "http", "wss", "ws") else ""


def check_webhook() -> Step:
    """May Zoom deliver by webhook, too?"""
    url = f"https://{_public_host()}{webhook.PATH}"
    if settings.ZOOM_WEBHOOK_SECRET_TOKEN:
        return Step("webhook", "read ZOOM_WEBHOOK_SECRET_TOKEN", f"set; the endpoint URL to give to Zoom is {url}")
    return skipped(
        "webhook",
        "ZOOM_WEBHOOK_SECRET_TOKEN is not set, so Zoom's webhooks are not accepted",
        "Optional: a second subscription by webhook brings what happens while no socket is open. Set the app's "
        f"secret token, and give Zoom the endpoint URL {url}.",
    )


def _public_host() -> str:
    local = ("localhost", "127.0.0.1", "[::1]")
    named = (host for host in settings.ALLOWED_HOSTS if host not in local and not host.startswith((".", "*")))
    return next(named, "YOUR-HOST")
