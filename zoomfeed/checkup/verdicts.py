"""What holding the socket came to, as steps."""

from collections.abc import Mapping, Sequence

from zoomfeed import events, protocol
from zoomfeed.catalogue import EVENT_NAMES
from zoomfeed.checkup.steps import Outcome, Step, skipped
from zoomfeed.exceptions import ConnectionFailed, ConnectionLost
from zoomfeed.models import Feed, FeedState

SOCKET_STEPS = ("socket", "heartbeat", "first event")

OPEN = "open the socket and hear the verdict"
KEEP = "keep the socket open"
OTHER_CLIENT = "Stop the other client that uses this subscription, or give each an event subscription of its own."
SAVE_ANEW = (
    "Start a meeting and check again. If still nothing comes: remove the event subscription in the app's settings, "
    "save it anew with the method WebSocket, and activate the app again."
)


def in_use(key: str) -> Step:
    """What the holder of the lease says of itself. Asks the database."""
    feed = Feed.objects.get(key=key)
    holder, label = feed.holder.partition(":")[0], FeedState(feed.state).label
    holder = holder if holder.startswith("checkzoom") else f"the feed on {holder}"
    since = f" since {feed.connected_at:%Y-%m-%d %H:%M:%S %Z}" if feed.connected_at else ""
    said = f"{label}: {feed.reason}" if feed.reason else label
    return skipped(
        "socket",
        f"{holder} holds it{since} and says: {said}",
        "Trust that, or interrupt it with --take-over: it stands by and connects again afterwards, with a gap.",
    )


def database_is_away(error: Exception) -> Step:
    return skipped(
        "socket",
        f"the database cannot tell whether a feed holds it, nor keep what comes ({type(error).__name__})",
        "See that DATABASE_URL is right and the server runs; in a new installation run manage.py migrate.",
    )


def accepted(grant: str, refusals: Mapping[str, str]) -> Step:
    """`refusals`: Zoom's words by the grants that were tried before."""
    if not refusals:
        return Step("socket", OPEN, f"Zoom accepted the subscription with a token of {grant}")
    found = f"{_words(refusals)}; accepted with {grant}"
    return Step("socket", OPEN, found, Outcome.WARNING, f"Set ZOOM_OAUTH_GRANT={grant}, to come in at the first try.")


def refused(refusals: Mapping[str, str]) -> Step:
    advice = (
        "Copy the endpoint of the app's event subscription into ZOOM_SUBSCRIPTION_ID; its method must be WebSocket, "
        "and the app that it belongs to must be the one of ZOOM_CLIENT_ID."
    )
    return Step("socket", OPEN, _words(refusals), Outcome.FAILED, advice)


def _words(refusals: Mapping[str, str]) -> str:
    return "; ".join(f"refused with {grant} ({text!r})" for grant, text in refusals.items())


def not_opened(error: ConnectionFailed) -> Step:
    advice = "See that the host of the endpoint is right, and that firewall and proxy let WebSockets pass to it."
    return Step("socket", OPEN, str(error), Outcome.FAILED, advice, is_weather=True)


def lost(error: BaseException) -> Step:
    """1000 is how Zoom closes the older of two sockets of one subscription."""
    if isinstance(error, ConnectionLost) and error.code == 1000:
        found = "Zoom closed it politely: another client has opened the same subscription"
        return Step("connection", KEEP, found, Outcome.FAILED, OTHER_CLIENT)
    return Step("connection", KEEP, str(error), Outcome.FAILED, "Try again in some minutes.", is_weather=True)


def lease_lost() -> Step:
    found = "another process took the lease while the socket was open"
    return Step("connection", KEEP, found, Outcome.WARNING, "Check again when it has connected.")


def heartbeat(*, is_answered: bool, after_s: float) -> Step:
    tried = "send a heartbeat"
    if is_answered:
        return Step("heartbeat", tried, "answered")
    advice = "A proxy may let the upgrade pass and hold frames back: connect past it, and check again."
    return Step("heartbeat", tried, f"no answer within {after_s:.0f} s", Outcome.FAILED, advice, is_weather=True)


def first_event(type_: str, after_s: float) -> Step:
    tried = "wait for an event"
    if type_:
        return Step("first event", tried, f"{type_} came after {after_s:.0f} s, and goes to the log")
    found = f"none within {after_s:.0f} s, which is right when nobody meets"
    return Step("first event", tried, found, Outcome.WARNING, SAVE_ANEW)


def event_type(body: bytes) -> str:
    """And no word of what it says; a type that Zoom's catalogue lacks could be anybody's words."""
    try:
        reading = events.read(protocol.loads(body))
    except ValueError:
        reading = None
    return reading.name if reading and reading.name in EVENT_NAMES else "an event of an unknown type"


def spooled() -> Step:
    found = "the database did not take what came; it waits in SPOOL_DIR"
    return Step("log", "write what came to the log", found, Outcome.WARNING, "The next feed on this machine enters it.")


def not_reached(told: Sequence[Step]) -> list[Step]:
    """The steps that were left out, or that something before them kept from being tried."""
    names = {step.name for step in told}
    return [skipped(name, "not reached, or not asked for") for name in SOCKET_STEPS if name not in names]
