"""The only door to the log and the live state.

`record` writes a batch in one transaction: the log, then the state that follows from it, each changed row stamped
with the next revision. On commit it rings the bell. The same body is logged once, whoever brings it and however
often, so a batch may be recorded again after a failure whose outcome is unknown.
"""

import logging
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any

from django.db import InterfaceError, OperationalError, transaction

from zoomfeed import bulk, events, log_hours, metrics, rows, sources
from zoomfeed.exceptions import LeaseLost
from zoomfeed.models import Event, Feed, Head, RejectedFrame, Transport
from zoomfeed.notify import notify
from zoomfeed.protocol import digest, loads

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Incoming:
    """What a source brings: the exact bytes of a body, or of a frame that holds none (`rejected` says why)."""

    body: bytes
    received_at: datetime
    transport: str = Transport.WEBSOCKET
    rejected: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What one batch came to: the revision after it, and how many bodies were new, known or unreadable."""

    revision: int
    new: int
    duplicates: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Logged:
    """A body that can be read, on its way into the log."""

    incoming: Incoming
    digest: bytes
    reading: events.Reading


def record(batch: Sequence[Incoming], *, fence: tuple[int, int] | None = None) -> Recorded:
    """Log a batch, fold it into the live state, and ring.

    `fence` is (Feed primary key, fencing number) of a caller that holds a lease.

    Raises LeaseLost when the lease has another holder by now, and what the database raises when it is away; then
    nothing of the batch was written, or all of it: record it again.
    """
    logged, rejected = _read(batch)
    with transaction.atomic():
        head = lock()
        if fence:
            check_fence(*fence)
        revision = head.revision + 1
        new = _log(logged, rejected, revision)
        if new:
            log_hours.note(revision)
            _fold(new, revision)
            advance(head, revision)
        _credit(batch, new, rejected)
        transaction.on_commit(partial(_measure, batch, new, rejected))
    return Recorded(head.revision, len(new), len(batch) - len(new) - len(rejected), len(rejected))


def missing(batch: Sequence[Incoming]) -> list[Incoming]:
    """Those of a batch, recorded before, that are neither in the log nor among the rejected frames."""
    digests = [(one.digest if (one := read(incoming)[0]) else b"", digest(incoming.body)) for incoming in batch]
    events = _known(Event, (of_event for of_event, _ in digests))
    frames = _known(RejectedFrame, (of_frame for _, of_frame in digests))
    return [
        incoming
        for incoming, (of_event, of_frame) in zip(batch, digests, strict=True)
        if of_event not in events and of_frame not in frames
    ]


def _known(model: type[Event | RejectedFrame], digests: Iterable[bytes]) -> set[bytes]:
    """A thousand at a time: SQLite binds no more than some ten thousand values."""
    found: set[bytes] = set()
    remaining = iter(set(digests))
    while part := list(islice(remaining, 1000)):
        rows = model._default_manager.filter(digest__in=part).values_list("digest", flat=True)
        found.update(bytes(row) for row in rows)
    return found


def lock() -> Head:
    """Take the write lock, so that revisions commit in order. Inside a transaction only."""
    head, _ = Head.objects.select_for_update().get_or_create(pk=1)
    return head


def advance(head: Head, revision: int) -> None:
    """Make `revision` the newest, and ring once it is committed."""
    head.revision = revision
    head.save(update_fields=["revision"])
    transaction.on_commit(partial(notify, revision))


def rewrite(head: Head, revision: int) -> None:
    """Like `advance`, when more has changed than events say: rows went, or the past reads otherwise now."""
    head.rewritten = revision
    head.save(update_fields=["rewritten"])
    advance(head, revision)


def check_fence(feed_pk: int, fence: int) -> None:
    """Refuse a holder that slept through the loss of its lease; the lock keeps the answer true until the commit.

    Raises LeaseLost.
    """
    if not Feed.objects.select_for_update().filter(pk=feed_pk, fence=fence).exists():
        raise LeaseLost(feed_pk)


def _read(batch: Iterable[Incoming]) -> tuple[list[Logged], list[RejectedFrame]]:
    logged: list[Logged] = []
    rejected: list[RejectedFrame] = []
    for incoming in batch:
        one, reason = read(incoming)
        if one is None:
            rejected.append(_rejected(incoming, reason))
        else:
            logged.append(one)
    return logged, rejected


def read(incoming: Incoming) -> tuple[Logged | None, str]:
    """What a body says; or None, and why it cannot be read."""
    if incoming.rejected:
        return None, incoming.rejected
    try:
        said = loads(incoming.body)
    except ValueError as error:
        return None, str(error)
    if (reading := events.read(said)) is None:
        return None, "an object without an event name"
    return Logged(incoming, digest(incoming.body, said), reading), ""


def _rejected(incoming: Incoming, reason: str) -> RejectedFrame:
    return RejectedFrame(
        received_at=incoming.received_at,
        transport=incoming.transport,
        reason=reason[:300],
        digest=digest(incoming.body),
        raw=incoming.body,
    )


COLUMNS = (
    "received_at",
    "transport",
    "digest",
    "body",
    "occurred_at",
    "name",
    "account_id",
    "meeting_uuid",
    "meeting_number",
    "topic",
    "host_id",
    "participant_id",
    "participant_name",
    "participant_email",
    "late_ms",
    "fold_error",
    "revision",
)


def values(one: Logged, revision: int) -> tuple[Any, ...]:
    """A row of the log, in the order of COLUMNS."""
    incoming, reading = one.incoming, one.reading
    occurred_at = None if reading.occurred_ms is None else datetime.fromtimestamp(reading.occurred_ms / 1000, UTC)
    return (
        incoming.received_at,
        incoming.transport,
        one.digest,
        incoming.body,
        occurred_at,
        reading.name,
        reading.account_id,
        reading.meeting_uuid,
        reading.meeting_number,
        reading.topic,
        reading.host_id,
        reading.participant_id,
        reading.participant_name,
        reading.participant_email,
        late_ms(incoming.received_at, occurred_at),
        "",
        revision,
    )


def late_ms(received_at: datetime, occurred_at: datetime | None) -> int | None:
    """How long a notice was under way. None: Zoom did not say when it was made."""
    return None if occurred_at is None else (received_at - occurred_at) // timedelta(milliseconds=1)


def _log(logged: Sequence[Logged], rejected: list[RejectedFrame], revision: int) -> list[Logged]:
    """Append what is new to the log; returns what was new, in order. What the database refuses joins `rejected`."""
    if rejected:
        RejectedFrame.objects.bulk_create(rejected, ignore_conflicts=True)
    by_digest = {one.digest: one for one in reversed(logged)}
    known = Event.objects.filter(digest__in=list(by_digest)).values_list("digest", flat=True)
    for found in known:
        del by_digest[bytes(found)]
    kept: list[Logged] = []
    refused = partial(_set_aside, rejected)
    _isolate(list(reversed(by_digest.values())), partial(_insert, revision=revision), kept.extend, refused)
    if len(by_digest) < len(logged):
        first = {id(one) for one in by_digest.values()}
        sources.note_repeats((one.digest, one.incoming.transport) for one in logged if id(one) not in first)
    return kept


def _credit(batch: Sequence[Incoming], new: Sequence[Logged], rejected: Sequence[RejectedFrame]) -> None:
    sources.note(
        sources.tallies(
            ((incoming.transport, incoming.received_at) for incoming in batch),
            new=(one.incoming.transport for one in new),
            rejected=(frame.transport for frame in rejected),
        )
    )


def _measure(batch: Sequence[Incoming], new: Sequence[Logged], rejected: Sequence[RejectedFrame]) -> None:
    counts = Counter(incoming.transport for incoming in batch)
    counts.subtract(one.incoming.transport for one in new)
    counts.subtract(frame.transport for frame in rejected)
    metrics.recorded(
        [
            metrics.Brought(
                one.reading.name,
                one.incoming.transport,
                one.reading.occurred_ms,
                one.incoming.received_at.timestamp(),
            )
            for one in new
        ],
        duplicates=+counts,
        rejected=[(frame.transport, frame.reason) for frame in rejected],
    )


def _insert(new: Sequence[Logged], revision: int) -> None:
    bulk.insert(Event, COLUMNS, (values(one, revision) for one in new))


def _set_aside(rejected: list[RejectedFrame], one: Logged, error: Exception) -> None:
    """Keep a body that the database refuses as an event as a rejected frame, and the rest of its batch is safe."""
    logger.error("event %r cannot be stored: %s", one.reading.name, where(error))
    reason = f"the database refused it: {error}".replace("\0", "\ufffd")
    rejected.append(_rejected(one.incoming, reason))
    RejectedFrame.objects.bulk_create(rejected[-1:], ignore_conflicts=True)


def _fold(new: Sequence[Logged], revision: int) -> None:
    def fold(part: Sequence[Logged]) -> None:
        rows.fold((fact for one in part for fact in one.reading.facts), revision)

    _isolate(new, fold, lambda _: None, _mark_poisoned)


def _mark_poisoned(one: Logged, error: Exception) -> None:
    """The event is in the log; it changes nothing until replayed with a fold that understands it."""
    logger.error("event %s (%r) could not be folded: %s", one.digest.hex(), one.reading.name, where(error))
    reason = "".join(traceback.format_exception(error)).replace("\0", "\ufffd")
    Event.objects.filter(digest=one.digest).update(fold_error=reason)


def where(error: BaseException) -> str:
    """What went wrong and in which line, without the exception's text, which may hold somebody's name."""
    lines = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} at {lines[-1].name}:{lines[-1].lineno}" if lines else type(error).__name__


def _isolate(
    items: Sequence[Logged],
    act: Callable[[Sequence[Logged]], None],
    done: Callable[[Sequence[Logged]], None],
    poisoned: Callable[[Logged, Exception], None],
) -> None:
    """Act on all items at once; when that fails, halve until the one that cannot be acted on stands alone."""
    if not items:
        return
    try:
        with transaction.atomic():
            act(items)
    except (OperationalError, InterfaceError):
        raise  # the database is away: nobody's fault, the whole batch comes again
    except Exception as error:  # noqa: BLE001 - one event that breaks the fold must not stop the others
        if len(items) == 1:
            poisoned(items[0], error)
            return
        middle = len(items) // 2
        _isolate(items[:middle], act, done, poisoned)
        _isolate(items[middle:], act, done, poisoned)
    else:
        done(items)
