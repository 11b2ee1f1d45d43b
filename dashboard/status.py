"""What `/status/` shows: every link of the chain from Zoom to a page, as plain values. And what went wrong of late.

Each query reads a fixed number of rows, however long the log is. Words are made here; the template escapes them.
"""

import math
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import F
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from dashboard import health, processes, words
from dashboard.feed_status import feed_status
from zoomfeed import room
from zoomfeed.models import Event, Feed, FeedState, Gap, RejectedFrame, Source, Transport
from zoomfeed.viewer import Viewer

GAPS = 20
REJECTED = 10
POISONED = 10
MOST_EVENTS = 10_000
"""Where counting the events of an hour ends."""

MOST_DELAYS = 1000
"""Of so many events of the hour, the newest, the delay is looked at."""

LAG = timedelta(minutes=10)
"""A transport that is so far behind the other one has missed something."""

GIVEN_UP = timedelta(hours=25)
"""Repair tries for a day."""

MOST_SKEW_S = 5.0

WELL, WAIT, BAD, UNUSED = "live", "wait", "bad", "left"
"""The shapes of a part's dot: it works; it needs time or a look; somebody has to act; it is not in use."""


@dataclass(frozen=True)
class Fact:
    """A line of a part: a text, or an instant, of which `ago` asks how long ago it was."""

    name: str
    text: str = ""
    at: datetime | None = None
    ago: bool = False


@dataclass(frozen=True)
class Part:
    """One link of the chain. `todo` says in one sentence what to do about it, and is empty when there is nothing."""

    name: str
    shape: str
    state: str
    reason: str = ""
    todo: str = ""
    facts: Sequence[Fact] = ()


@dataclass(frozen=True)
class Missed:
    """A gap, in words."""

    gap: Gap
    length: str
    shape: str
    outcome: str


@dataclass(frozen=True)
class Poisoned:
    """An event that is in the log and changed nothing, and the last line of why."""

    event: Event
    reason: str


@dataclass(frozen=True)
class Overview:
    """The whole page, as of one moment."""

    made_at: datetime
    parts: Sequence[Part]
    gaps: Sequence[Missed]
    rejected: Sequence[RejectedFrame]
    poisoned: Sequence[Poisoned]

    @property
    def shape(self) -> str:
        shapes = {part.shape for part in self.parts}
        return next((shape for shape in (BAD, WAIT) if shape in shapes), WELL)

    @property
    def verdict(self) -> str:
        names = [part.name for part in self.parts if part.shape == self.shape]
        match self.shape:
            case "bad":
                return f"Needs you: {', '.join(names)}"
            case "wait":
                return f"Worth a look: {', '.join(names)}"
        return "Everything works"


def overview(viewer: Viewer) -> Overview:
    now = timezone.now()
    feed = Feed.objects.order_by(F("lease_until").desc(nulls_last=True), "-pk").first()
    sources = {source.transport: source for source in Source.objects.all()}
    parts = [
        _socket(feed, feed_status(), sources),
        _webhooks(sources),
        _repair(feed, sources.get(Transport.REST), now),
        _log(feed, now),
        *_machine(health.readiness(), feed),
    ]
    gaps = Gap.objects.order_by("-started_at")[:GAPS]
    rejected = RejectedFrame.objects.seen_by(viewer).order_by("-received_at").defer("raw")[:REJECTED]
    return Overview(now, parts, [missed(gap, now) for gap in gaps], list(rejected), _poisoned(viewer))


# The socket

SOCKET = {
    FeedState.STOPPED: (
        BAD,
        "See that its process runs and reaches the database; manage.py runfeed or script/server starts it.",
    ),
    FeedState.STANDBY: (WAIT, "Nothing to do: it takes over when the process that holds the subscription lets go."),
    FeedState.CONNECTING: (WAIT, "Nothing to do for a minute; then see whether this machine reaches Zoom."),
    FeedState.LIVE: (WELL, ""),
    FeedState.SILENT: (
        WAIT,
        "If meetings are running, remove the event subscription in the app's settings at Zoom and save it anew.",
    ),
    FeedState.REFUSED: (BAD, "Do what the reason says and restart the feed; it also tries again by itself."),
    FeedState.CONTESTED: (
        BAD,
        "Stop the other program that uses this subscription, or give it a subscription of its own.",
    ),
    FeedState.RECONNECTING: (
        WAIT,
        "Nothing to do for a minute: it tries again by itself; then see whether this machine reaches Zoom.",
    ),
}


def _socket(feed: Feed | None, status: Mapping[str, Any], sources: Mapping[str, Source]) -> Part:
    state = FeedState(status["state"])
    shape, todo = SOCKET[state]
    if feed is None:
        return Part("Zoom socket", shape, "No feed", status["reason"], todo)
    source = sources.get(Transport.WEBSOCKET)
    facts = [*_socket_facts(feed), *(_brought(source) if source else ())]
    if state == FeedState.LIVE and _lags(source, sources.get(Transport.WEBHOOK)):
        reason = "Webhooks have brought events since the last one that came by the socket."
        return Part("Zoom socket", BAD, "Deaf", reason, SOCKET[FeedState.SILENT][1], facts)
    return Part("Zoom socket", shape, state.label, status["reason"], todo, facts)


def _lags(source: Source | None, other: Source | None) -> bool:
    """Has the other transport brought something that this one should have brought, too?"""
    return other is not None and (source is None or source.last_at < other.last_at - LAG)


def _socket_facts(feed: Feed) -> list[Fact]:
    facts = [
        Fact("Connected since" if feed.state == FeedState.LIVE else "Last connected", at=feed.connected_at),
        Fact("Last frame", at=feed.last_frame_at, ago=True),
        Fact("Last heartbeat answered", at=feed.last_heartbeat_at, ago=True),
        Fact("Next try", at=feed.retry_at),
        Fact("Token issued", at=feed.token_at, ago=True),
        Fact("Token ends", at=feed.token_until),
        Fact("Reconnects", str(feed.reconnects)),
        Fact("Held by", feed.holder),
        Fact("Simulated", "yes" if feed.simulated else ""),
    ]
    return [fact for fact in facts if fact.at or fact.text]


# The second and the third source


def _webhooks(sources: Mapping[str, Source]) -> Part:
    source = sources.get(Transport.WEBHOOK)
    if not settings.ZOOM_WEBHOOK_SECRET_TOKEN:
        return Part("Webhooks", UNUSED, "Off", "They fill gaps of the socket. ZOOM_WEBHOOK_SECRET_TOKEN is not set.")
    if source is None:
        return Part(
            "Webhooks", UNUSED, "None yet", "No webhook has come. With them, gaps of the socket fill themselves."
        )
    if _lags(source, sources.get(Transport.WEBSOCKET)):
        reason = "The socket has brought events since the last webhook."
        todo = "See in the app's settings at Zoom whether its webhook subscription is on and its address answers."
        return Part("Webhooks", BAD, "Silent", reason, todo, _brought(source))
    return Part("Webhooks", WELL, "Live", facts=_brought(source))


def _brought(source: Source) -> list[Fact]:
    return [
        Fact("Last event", at=source.last_at, ago=True),
        Fact("New to the log", words.grouped(source.events)),
        Fact("Known already", words.grouped(source.duplicates)),
        Fact("Unreadable", words.grouped(source.rejected)),
    ]


MEANS = {"dashboards": "about all meetings, by its dashboards", "per host": "about each meeting that we know"}


def _repair(feed: Feed | None, source: Source | None, now: datetime) -> Part:
    """What the feed has noted of REST. Read with care: it is JSON, and the feed may be of another version."""
    said = feed.rest if feed and isinstance(feed.rest, dict) else {}
    means, reason = MEANS.get(str(said.get("means")), ""), str(said.get("reason", ""))
    unresolved = Gap.objects.unresolved().filter(ended_at__isnull=False)
    is_at_it = unresolved.filter(ended_at__gte=now - GIVEN_UP).exists()
    facts = [
        Fact("Asks Zoom", means),
        Fact("Last pass", at=_instant(said.get("last_at"))),
        Fact("Left to do", str(said.get("left", ""))),
        Fact("Gaps not repaired", _up_to(unresolved[:GAPS].count(), GAPS)),
        Fact("Limit of the day until", at=_blocked_until(said.get("blocked_until"), now)),
        Fact("Last answer of use", at=source.last_at if source else None),
    ]
    shown = [fact for fact in facts if fact.at or fact.text]
    if not said:
        return Part("Repair by REST", UNUSED, "Not needed yet", "After a gap it asks Zoom who was there.", facts=shown)
    if not means:
        todo = "Give the app the scopes that the README names for repair."
        return Part("Repair by REST", WAIT if is_at_it else UNUSED, "Not allowed", reason, todo, shown)
    return Part("Repair by REST", WAIT if is_at_it else WELL, "At it" if is_at_it else "Ready", reason, facts=shown)


def _instant(text: object) -> datetime | None:
    try:
        at = parse_datetime(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return at if at and timezone.is_aware(at) else None


def _blocked_until(noted: object, now: datetime) -> datetime | None:
    """When the last of the used up limits ends; noted in seconds since the epoch."""
    times = [until for until in noted.values() if isinstance(until, int | float)] if isinstance(noted, dict) else []
    left_s = max(times, default=0) - now.timestamp()
    return now + timedelta(seconds=left_s) if 0 < left_s <= GIVEN_UP.total_seconds() else None


# What we keep


def _log(feed: Feed | None, now: datetime) -> Part:
    facts = [*_pace(now), *_delays(now), *_commits(feed)]
    if feed is None or feed.behind_since is None:
        return Part("Log", WELL, "In step", facts=facts)
    facts += [Fact("Behind since", at=feed.behind_since), Fact("Waiting", _plural(feed.spooled, "event"))]
    reason = "Events are kept aside until the database takes them."
    todo = "See that the database runs, answers in time and has room on its disk."
    return Part("Log", BAD, "Behind", reason, todo, facts)


def _pace(now: datetime) -> list[Fact]:
    counted = {
        minutes: Event.objects.filter(received_at__gte=now - timedelta(minutes=minutes))[:MOST_EVENTS].count()
        for minutes in (5, 60)
    }
    return [
        Fact("Events a minute", f"{_up_to(counted[5] / 5, MOST_EVENTS / 5)}, of the last 5 minutes"),
        Fact("Events within the hour", _up_to(counted[60], MOST_EVENTS)),
    ]


def _delays(now: datetime) -> list[Fact]:
    """From Zoom's notice to its arrival. What repair asks for is of the past, and left out."""
    newest = Event.objects.filter(received_at__gte=now - timedelta(hours=1)).order_by("-received_at")
    rows = newest.values_list("transport", "occurred_at", "received_at")[:MOST_DELAYS]
    delays = sorted(
        max(0.0, (received_at - occurred_at).total_seconds())
        for transport, occurred_at, received_at in rows
        if occurred_at and transport != Transport.REST
    )
    if not delays:
        return []
    median, late = (delays[math.ceil(len(delays) * share) - 1] for share in (0.5, 0.95))
    return [
        Fact("From Zoom to us, median", _seconds(median)),
        Fact("95 of 100 within", f"{_seconds(late)}, of {_plural(len(delays), 'event')} of the hour"),
    ]


COMMITTED = re.compile(r'^rollcall_log_delay_seconds_bucket\{le="([^"]+)"\} (\S+)$', re.MULTILINE)


def _commits(feed: Feed | None) -> list[Fact]:
    """From arrival to the log, as the feed has counted it since it started."""
    buckets = [(float(most), float(count)) for most, count in COMMITTED.findall(feed.metrics if feed else "")]
    total = max((count for _, count in buckets), default=0.0)
    within_s = next((most for most, count in buckets if count >= total * 0.95), math.inf)
    if not total or math.isinf(within_s):
        return []
    within = f"{within_s * 1000:g} ms" if within_s < 1 else f"{within_s:g} s"
    return [Fact("From us to the log, 95 of 100", f"within {within}")]


def _machine(parts: Mapping[str, str], feed: Feed | None) -> Iterable[Part]:
    """The database, the bell, clock and disk, and the process that answers."""
    facts = [Fact("Kind", connection.display_name)]
    if parts["database"] == "ok":
        yield Part("Database", WELL, "There", facts=facts)
    else:
        yield Part("Database", BAD, "Away", todo="Start it, or correct DATABASE_URL.", facts=facts)
    name = "Redis" if settings.REDIS_URL else "Bell"
    where = () if settings.REDIS_URL else (Fact("Kind", "within this process: one process only"),)
    if parts["channel_layer"] == "ok":
        yield Part(name, WELL, "There", facts=where)
    else:
        reason = "Pages are slower: they look every few seconds by themselves."
        yield Part(name, BAD, "Away", reason, "Start Redis, or correct REDIS_URL.", where)
    yield from _clock(feed)
    yield _disk()
    yield _processes()


def _processes() -> Part:
    known = processes.known(time.monotonic())
    facts = [
        Fact("Version", known[0].version),
        Fact("Open pages", str(sum(process.pages for process in known))),
        *(Fact(process.name, _plural(process.pages, "page")) for process in known),
    ]
    reason = "Those with an open page: one without says nothing of itself."
    state = "There" if len(known) == 1 else f"{len(known)} of them"
    if len({process.version for process in known}) == 1:
        return Part("Web processes", WELL, state, reason, facts=facts)
    facts += [Fact(f"Version of {process.name}", process.version) for process in known]
    return Part("Web processes", WAIT, "Not alike", reason, "Restart those of the older version.", facts)


def _clock(feed: Feed | None) -> Iterable[Part]:
    """Only when it is wrong. Leases follow the database's clock; what is received is dated by the feed's own."""
    if feed is None or abs(feed.clock_skew_s) <= MOST_SKEW_S:
        return
    off = words.duration(timedelta(seconds=abs(feed.clock_skew_s)))
    where = "ahead of" if feed.clock_skew_s > 0 else "behind"
    reason = f"It is {off} {where} the database's, and so are the times of events and gaps."
    yield Part("Clock of the feed", BAD, "Wrong", reason, "Let its machine, or the database's, follow a time server.")


def _disk() -> Part:
    """Of this machine; a feed that runs on another one tells of its own in its metrics and its log."""
    free = room.free_bytes() / 2**30
    facts = [Fact("Free", f"{free:.1f} GiB" if free < 10 else f"{free:.0f} GiB")]
    if not room.is_low():
        return Part("Disk", WELL, "Has room", facts=facts)
    reason = "Soon nothing can be kept that Zoom sends."
    return Part("Disk", BAD, "Nearly full", reason, "Make room, or move SPOOL_DIR to another disk.", facts)


# What went wrong


def missed(gap: Gap, now: datetime) -> Missed:
    """What has become of a gap."""
    length = words.duration((gap.ended_at or now) - gap.started_at)
    if gap.ended_at is None:
        return Missed(gap, length, BAD, "Still open")
    if gap.covered:
        return Missed(gap, length, WELL, gap.repaired or "Covered")
    if gap.repaired_at:
        return Missed(gap, length, WELL, gap.repaired or "Repaired")
    return Missed(gap, length, WAIT, f"Not repaired: {gap.repaired}" if gap.repaired else "Not repaired")


def _poisoned(viewer: Viewer) -> list[Poisoned]:
    found = (
        Event.objects.seen_by(viewer).exclude(fold_error="").order_by("-pk").only("received_at", "name", "fold_error")
    )
    return [Poisoned(event, _last_line(event.fold_error)) for event in found[:POISONED]]


def _last_line(error: str) -> str:
    return next((line for line in reversed(error.splitlines()) if line.strip()), "")[:200]


def _up_to(number: float, most: float) -> str:
    return f"{number:,g} or more" if number >= most else f"{number:,g}"


def _seconds(length_s: float) -> str:
    return f"{length_s:.1f} s" if length_s < 60 else words.duration(timedelta(seconds=length_s))


def _plural(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
