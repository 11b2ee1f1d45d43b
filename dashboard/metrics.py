"""What `/metrics` tells Prometheus: this process's own counts, what each feed has noted, and what the database holds.

A feed answers no requests: it leaves its text in its Feed row, and every web process passes it on, so that one address
is enough to watch. A database that is away takes that with it, and says so; the process's own counts stay.
"""

import hmac
import platform
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from time import time

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.utils import timezone
from prometheus_client import Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from dashboard import protocol
from dashboard.version import version
from zoomfeed.metrics import OTHER, WEB
from zoomfeed.models import Feed, FeedState, Gap, Head, RejectedFrame, Source

MOST_FEEDS = 20
MOST_COUNTED = 1000
MOST_CHARS = 1_000_000
"""The longest text of a feed that is passed on; a busy one has a twentieth of it."""

STREAMS = ("board", "meeting", "events", "people", "status")
CLOSED = {
    protocol.SESSION_OVER: "session_over",
    protocol.TOO_SLOW: "too_slow",
    protocol.UNWELCOME: "policy",
    protocol.BROKEN: "broken",
}
REFUSED = {protocol.FULL: "full", protocol.TOO_MANY_OF_USER: "of_one_user"}
PAGE_DELAY_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10)

_OPEN = Gauge("rollcall_open_pages", "Pages that this process keeps in step.", ["stream"], registry=WEB)
for _stream in STREAMS:
    _OPEN.labels(_stream)  # 0 until somebody looks
_CLOSED = Counter("rollcall_pages_closed", "Pages that went, by whose wish.", ["reason"], registry=WEB)
_REFUSED = Counter("rollcall_pages_refused", "Pages that got no place, and why.", ["reason"], registry=WEB)
for _reason in REFUSED.values():
    _REFUSED.labels(_reason)
_RESYNCS = Counter("rollcall_resyncs", "Pages that were told to fetch themselves again.", registry=WEB)
_PAGE_DELAY = Histogram(
    "rollcall_page_delay_seconds", "From a commit until its pages have it.", buckets=PAGE_DELAY_S, registry=WEB
)


# What the hub tells


def opened(stream: str) -> None:
    _OPEN.labels(_kind(stream)).inc()


def closed(stream: str, code: int | None) -> None:
    """A page went: with the close code that we gave it, or with None by itself."""
    _OPEN.labels(_kind(stream)).dec()
    _CLOSED.labels("left" if code is None else CLOSED.get(code, OTHER)).inc()


def refused(code: int) -> None:
    """A page got no place, and was closed with this code."""
    _REFUSED.labels(REFUSED[code]).inc()


def resynced() -> None:
    _RESYNCS.inc()


def delivered(committed_s: float) -> None:
    """What was committed then, in seconds since the epoch, has just been handed to its pages."""
    _PAGE_DELAY.observe(max(0.0, time() - committed_s))


def open_pages() -> int:
    """How many pages this process keeps in step."""
    return sum(int(WEB.get_sample_value("rollcall_open_pages", {"stream": kind}) or 0) for kind in (*STREAMS, OTHER))


def _kind(stream: str) -> str:
    kind = stream.partition(":")[0]
    return kind if kind in STREAMS else OTHER


# What Prometheus gets


def is_allowed(authorization: str) -> bool:
    """Is this the `Authorization` header of somebody who knows the token? Compared in constant time."""
    scheme, _, token = authorization.partition(" ")
    given, expected = (text.encode(errors="replace") for text in (token.strip(), settings.METRICS_TOKEN))
    return scheme.lower() == "bearer" and bool(expected) and hmac.compare_digest(given, expected)


def exposition() -> bytes:
    """Everything, in Prometheus' text format."""
    return generate_latest(_Everything())


class _Everything(Collector):
    def collect(self) -> Iterable[Metric]:
        """Each family once, whoever has something to say about it: the format asks for that."""
        families: dict[str, Metric] = {}
        for metric in (*WEB.collect(), _build(), *_of_database()):
            family = families.setdefault(metric.name, metric)
            if family is not metric and family.type == metric.type:
                family.samples.extend(metric.samples)
        return families.values()


def _build() -> Metric:
    about = {"version": version(), "python": platform.python_version()}
    return _gauge("build_info", "Always 1; the labels say what runs.", [(about, 1)])


def _of_database() -> list[Metric]:
    try:
        found, is_up = [*_rows(), *_feeds()], 1
    except (DatabaseError, InterfaceError):
        found, is_up = [], 0
    return [_gauge("database_up", "1 when the database could be read just now.", [({}, is_up)]), *found]


def _rows() -> Iterator[Metric]:
    """What stands in the tables. No query reads more than a fixed number of rows."""
    head = Head.objects.filter(pk=1).values_list("revision", flat=True).first()
    yield _gauge("revision", "The newest revision; it grows with every batch.", [({}, head or 0)])
    unresolved = Gap.objects.unresolved()[:MOST_COUNTED].count()
    yield _gauge("gaps_unresolved", "Gaps neither covered nor repaired, up to 1,000.", [({}, unresolved)])
    yield _gauge("rejected_frames_24h", "What could not be read since yesterday, up to 1,000.", [({}, _rejected())])
    brought = [({"transport": source.transport}, _seconds(source.last_at)) for source in Source.objects.all()]
    yield _gauge("transport_last_timestamp_seconds", "When a transport last brought anything.", brought)


def _rejected() -> int:
    yesterday = timezone.now() - timedelta(days=1)
    return RejectedFrame.objects.filter(received_at__gte=yesterday)[:MOST_COUNTED].count()


def _feeds() -> Iterator[Metric]:
    feeds = {_label(feed): feed for feed in Feed.objects.order_by("pk")[:MOST_FEEDS]}
    up = [({"feed": label}, float(_is_held(feed))) for label, feed in feeds.items()]
    yield _gauge("feed_up", "1 while a process holds the feed and renews its lease.", up)
    states = [
        ({"feed": label, "state": state}, float(feed.state == state and _is_held(feed)))
        for label, feed in feeds.items()
        for state in FeedState.values
    ]
    yield _gauge("feed_state", "1 for the state that the feed is in; all 0 when nobody holds it.", states)
    for label, feed in feeds.items():
        yield from _of_feed(label, feed)


def _of_feed(label: str, feed: Feed) -> Iterator[Metric]:
    """What the feed's process has noted. Of one that is gone, only what stays true: nobody knows how much waits."""
    try:
        noted = list(text_string_to_metric_families(feed.metrics[:MOST_CHARS]))
    except ValueError:
        return
    for metric in noted:
        is_past = metric.type == "gauge" and not metric.name.endswith("_timestamp_seconds")
        if metric.name.startswith("rollcall_") and (_is_held(feed) or not is_past):
            metric.samples = [sample._replace(labels=sample.labels | {"feed": label}) for sample in metric.samples]
            yield metric


def _label(feed: Feed) -> str:
    """Tells feeds apart without naming the subscription."""
    return sha256(feed.key.encode()).hexdigest()[:8]


def _is_held(feed: Feed) -> bool:
    return feed.lease_until is not None and feed.lease_until > timezone.now()


def _gauge(name: str, meaning: str, values: Iterable[tuple[dict[str, str], float]]) -> Metric:
    family = GaugeMetricFamily(f"rollcall_{name}", meaning)
    for labels, value in values:
        family.add_sample(family.name, labels, value)
    return family


def _seconds(at: datetime) -> float:
    return at.timestamp()
