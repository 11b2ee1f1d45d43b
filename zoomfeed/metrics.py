"""What this process counts of its own work, for Prometheus. It knows no page and no address.

Two registries, because one process may be both: `FEED` is that of the process that holds the socket, whose text goes
into its Feed row, and `WEB` is that of a process that answers browsers and webhooks. What webhooks bring counts in
`WEB`, everything else in `FEED`, so nothing counts twice.

Values of labels are a closed set each: what strangers type, such as the name of an event, is looked up first. Counting
is cheap enough for every frame: the children of a label are made once, and a batch counts each event name once.
"""

import re
import time
from collections import Counter as Tally
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

from zoomfeed import protocol
from zoomfeed.catalogue import EVENT_NAMES
from zoomfeed.models import Transport

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series beside each: nobody asks

FEED = CollectorRegistry()
WEB = CollectorRegistry()

OTHER = "other"
MOST_REST_SERIES = 60

ZOOM_DELAY_S = (0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200)
LOG_DELAY_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300)
BATCH_EVENTS = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000)


class Cause(StrEnum):
    """Why a connection is not the first one, or why the next one has to be tried again."""

    LOST = "lost"  # an open socket ended
    FAILED = "failed"  # it could not be opened, or no verdict came
    REFUSED = "refused"  # the verdict was no
    CONTESTED = "contested"  # another client uses the same subscription
    TOKEN = "token"  # noqa: S105 - no access token to be had
    CREDENTIALS = "credentials"  # the app was refused
    RENEWED = "renewed"  # on purpose, before the token ends


class Loss(StrEnum):
    """Why events that had reached us are gone."""

    SPOOL_FULL = "spool_full"
    STOPPED = "stopped"  # told to stop while the database was away


class Brought(NamedTuple):
    """One event that is new to the log. `occurred_ms` is Zoom's event_ts, None when it said none."""

    event: str
    transport: str
    occurred_ms: int | None
    received_s: float


class _Choice:
    """A counter with one label whose values are known. Anything else counts as `other`."""

    def __init__(self, counter: Counter, values: Collection[str]) -> None:
        self.children = {value: counter.labels(value) for value in (*values, OTHER)}

    def inc(self, value: str, amount: float = 1) -> None:
        self.children.get(value, self.children[OTHER]).inc(amount)


class _Log:
    """What one kind of process brings into the log."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.events = Counter(
            "rollcall_events", "Events that were new to the log.", ["event", "transport"], registry=registry
        )
        self.duplicates = Counter(
            "rollcall_duplicates", "Events that were in the log already.", ["transport"], registry=registry
        )
        self.rejected = Counter(
            "rollcall_rejected", "What could not be read as an event.", ["transport", "reason"], registry=registry
        )
        self.zoom_delay = Histogram(
            "rollcall_zoom_delay_seconds",
            "From Zoom's event_ts until we received it.",
            buckets=ZOOM_DELAY_S,
            registry=registry,
        )
        self.log_delay = Histogram(
            "rollcall_log_delay_seconds", "From receiving to committed.", buckets=LOG_DELAY_S, registry=registry
        )
        self.batch = Histogram(
            "rollcall_batch_events", "Bodies written in one transaction.", buckets=BATCH_EVENTS, registry=registry
        )

    def count(self, brought: Iterable[Brought], committed_s: float) -> None:
        for (event, transport), number in Tally((one.event, one.transport) for one in brought).items():
            self.events.labels(event if event in _EVENT_NAMES else OTHER, _transport(transport)).inc(number)
        for one in brought:
            self.log_delay.observe(max(0.0, committed_s - one.received_s))
            if one.occurred_ms is not None:
                self.zoom_delay.observe(max(0.0, one.received_s - one.occurred_ms / 1000))


_EVENT_NAMES = frozenset(EVENT_NAMES)
_LOGS = {Transport.WEBHOOK.value: _Log(WEB)}
_FEED_LOG = _Log(FEED)


def recorded(new: Sequence[Brought], *, duplicates: Mapping[str, int], rejected: Sequence[tuple[str, str]]) -> None:
    """Count one batch after its commit.

    `duplicates` is a number per transport; `rejected` holds (transport, reason in words) for each.
    """
    committed_s = time.time()
    transports = {one.transport for one in new} | duplicates.keys() | {transport for transport, _ in rejected}
    for transport in transports:
        log = _LOGS.get(transport, _FEED_LOG)
        label, reasons = _transport(transport), [reason for of, reason in rejected if of == transport]
        brought = [one for one in new if one.transport == transport]
        log.count(brought, committed_s)
        for reason, number in Tally(map(_reason, reasons)).items():
            log.rejected.labels(label, reason).inc(number)
        if known := duplicates.get(transport, 0):
            log.duplicates.labels(label).inc(known)
        log.batch.observe(len(brought) + known + len(reasons))


def _transport(transport: str) -> str:
    return transport if transport in Transport.values else OTHER


_REASONS = {
    "not UTF-8": "not_utf8",
    "not JSON": "not_json",
    "not a JSON object": "not_an_object",
    "larger than": "too_large",
    "nested too deep": "too_deep",
    "no module": "no_module",
    "a message without content": "no_content",
    "an object without an event name": "no_event_name",
    "the database refused": "refused_by_database",
}
"""How the reasons begin that `protocol` and `record` give, and their labels. The rest of a reason may be anything."""


def _reason(reason: str) -> str:
    return next((label for beginning, label in _REASONS.items() if reason.startswith(beginning)), OTHER)


# The socket

_FRAMES = _Choice(
    Counter("rollcall_feed_frames", "Frames that came through the socket.", ["kind"], registry=FEED),
    ("event", "heartbeat", "verdict", "unreadable", "unknown"),
)
_KINDS: dict[type[protocol.Frame], str] = {
    protocol.Delivery: "event",
    protocol.Heartbeat: "heartbeat",
    protocol.Verdict: "verdict",
    protocol.Unreadable: "unreadable",
    protocol.UnknownModule: "unknown",
}
_LAST_FRAME = Gauge("rollcall_last_frame_timestamp_seconds", "When the last frame came.", registry=FEED)
_LAST_EVENT = Gauge("rollcall_last_event_timestamp_seconds", "When the last event came by the socket.", registry=FEED)
_CONNECTED = Gauge("rollcall_connected", "1 while Zoom has said yes to an open socket.", registry=FEED)
_RECONNECTS = _Choice(
    Counter("rollcall_reconnects", "Connections that ended or failed, by cause.", ["cause"], registry=FEED), list(Cause)
)
_GAP_S = Counter("rollcall_gap_seconds", "Time in which nobody listened.", registry=FEED)
_LEASE_CHANGES = Counter("rollcall_lease_changes", "How often this process took the lease or lost it.", registry=FEED)


def heard(frame: protocol.Frame) -> None:
    """A frame came, just now."""
    now = time.time()
    _FRAMES.inc(_KINDS[type(frame)])
    _LAST_FRAME.set(now)
    if isinstance(frame, protocol.Delivery):
        _LAST_EVENT.set(now)


def connected() -> None:
    _CONNECTED.set(1)


def disconnected() -> None:
    _CONNECTED.set(0)


def reconnected(cause: Cause) -> None:
    """A connection ended, or could not be had: the next one is due."""
    disconnected()
    _RECONNECTS.inc(cause)


def missed(seconds: float) -> None:
    """A gap is over; this is how long it was."""
    _GAP_S.inc(max(0.0, seconds))


def lease_changed() -> None:
    _LEASE_CHANGES.inc()


# What waits for the database

_WAITING = Gauge("rollcall_waiting_events", "Events in memory that wait for the database.", registry=FEED)
_SPOOLED = Gauge("rollcall_spooled_events", "Events in the spool file.", registry=FEED)
_SPOOL_BYTES = Gauge("rollcall_spool_bytes", "Size of the spool file.", registry=FEED)
_DISK_FREE = Gauge("rollcall_disk_free_bytes", "Room on the fullest disk that events are kept on.", registry=FEED)
_LOST = _Choice(
    Counter("rollcall_lost_events", "Events that had reached us and are gone.", ["cause"], registry=FEED), list(Loss)
)


def waiting(events: int) -> None:
    _WAITING.set(events)


def spooled(events: int, size_bytes: int) -> None:
    _SPOOLED.set(events)
    _SPOOL_BYTES.set(size_bytes)


def disk_free(size_bytes: int) -> None:
    _DISK_FREE.set(size_bytes)


def lost(events: int, cause: Loss) -> None:
    _LOST.inc(cause, events)


# REST

_REST = Counter("rollcall_rest_requests", "Requests to Zoom's REST.", ["label", "outcome"], registry=FEED)
_rest_series: set[tuple[str, str]] = set()


def asked(label: str, outcome: str) -> None:
    """A request to REST has ended. `label` is Zoom's rate limit label; `outcome` a status or a word."""
    series = (_word(label), _word(outcome))
    if series not in _rest_series and len(_rest_series) >= MOST_REST_SERIES:
        series = (OTHER, OTHER)
    _rest_series.add(series)
    _REST.labels(*series).inc()


def _word(text: str) -> str:
    word = text.lower().replace("-", "_")
    return word if re.fullmatch(r"[a-z0-9_]{1,40}", word) else OTHER


# Webhooks

_WEBHOOKS = _Choice(
    Counter("rollcall_webhooks", "Webhooks, by the status of our answer.", ["answer"], registry=WEB),
    ("200", "400", "401", "404", "405", "413", "503"),
)


def answered(status: int) -> None:
    """A webhook has its answer, an HTTP status."""
    _WEBHOOKS.inc(str(status))


def dump() -> str:
    """What the feed counts, in Prometheus' text format: for its Feed row, from where `/metrics` takes it."""
    return generate_latest(FEED).decode()
