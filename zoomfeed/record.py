"""The only door to the log and the live state.

`record` writes a batch in one transaction: the log, then the state that follows from it, each changed row stamped
with the next revision. On commit it rings the bell. The same body is logged once, whoever brings it and however
often, so a batch may be recorded again after a failure whose outcome is unknown.
"""

import logging
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from django.db import DatabaseError, InterfaceError, OperationalError, transaction

from zoomfeed import events, rows
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


Logged = tuple[Event, events.Reading]


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
            _check(*fence)
        revision = head.revision + 1
        new = _log(logged, rejected, revision)
        if new:
            _fold(new, revision)
            advance(head, revision)
    return Recorded(head.revision, len(new), len(batch) - len(new) - len(rejected), len(rejected))


def lock() -> Head:
    """Take the write lock, so that revisions commit in order. Inside a transaction only."""
    head, _ = Head.objects.select_for_update().get_or_create(pk=1)
    return head


def advance(head: Head, revision: int) -> None:
    """Make `revision` the newest, and ring once it is committed."""
    head.revision = revision
    head.save(update_fields=["revision"])
    transaction.on_commit(partial(notify, revision))


def _check(feed_pk: int, fence: int) -> None:
    """Refuse a holder that slept through the loss of its lease; the lock keeps the answer true until the commit."""
    if not Feed.objects.select_for_update().filter(pk=feed_pk, fence=fence).exists():
        raise LeaseLost(feed_pk)


def _read(batch: Iterable[Incoming]) -> tuple[list[Logged], list[RejectedFrame]]:
    logged: list[Logged] = []
    rejected: list[RejectedFrame] = []
    for incoming in batch:
        reading, reason = _reading(incoming)
        if reading is None:
            rejected.append(_rejected(incoming, reason))
        else:
            logged.append((_event(incoming, reading), reading))
    return logged, rejected


def _reading(incoming: Incoming) -> tuple[events.Reading | None, str]:
    if incoming.rejected:
        return None, incoming.rejected
    try:
        reading = events.read(loads(incoming.body))
    except ValueError as error:
        return None, str(error)
    return reading, "an object without an event name"


def _rejected(incoming: Incoming, reason: str) -> RejectedFrame:
    return RejectedFrame(
        received_at=incoming.received_at,
        transport=incoming.transport,
        reason=reason[:300],
        digest=digest(incoming.body),
        raw=incoming.body,
    )


def _event(incoming: Incoming, reading: events.Reading) -> Event:
    occurred = reading.occurred_ms
    return Event(
        received_at=incoming.received_at,
        occurred_at=None if occurred is None else datetime.fromtimestamp(occurred / 1000, UTC),
        name=reading.name,
        account_id=reading.account_id,
        meeting_uuid=reading.meeting_uuid,
        meeting_number=reading.meeting_number,
        topic=reading.topic,
        participant_id=reading.participant_id,
        participant_name=reading.participant_name,
        participant_email=reading.participant_email,
        transport=incoming.transport,
        digest=digest(incoming.body),
        body=incoming.body,
    )


def _log(logged: Sequence[Logged], rejected: Sequence[RejectedFrame], revision: int) -> list[Logged]:
    """Append what is new to the log; returns what was new, in order."""
    if rejected:
        RejectedFrame.objects.bulk_create(rejected, ignore_conflicts=True)
    by_digest = {event.digest: (event, reading) for event, reading in reversed(logged)}
    known = Event.objects.filter(digest__in=list(by_digest)).values_list("digest", flat=True)
    for found in known:
        del by_digest[bytes(found)]
    new = list(reversed(by_digest.values()))
    for event, _ in new:
        event.revision = revision
    kept: list[Logged] = []
    _isolate(new, _insert, kept.extend, _set_aside)
    return kept


def _insert(new: Sequence[Logged]) -> None:
    Event.objects.bulk_create([event for event, _ in new])


def _set_aside(one: Logged, error: Exception) -> None:
    """Keep a body that the database refuses as an event as a rejected frame, and the rest of its batch is safe."""
    event, _ = one
    logger.error("event %r cannot be stored: %r", event.name, error)
    RejectedFrame.objects.bulk_create(
        [
            RejectedFrame(
                received_at=event.received_at,
                transport=event.transport,
                reason=f"the database refused it: {error}"[:300].replace("\0", "\ufffd"),
                digest=event.digest,
                raw=event.body,
            )
        ],
        ignore_conflicts=True,
    )


def _fold(new: Sequence[Logged], revision: int) -> None:
    def fold(part: Sequence[Logged]) -> None:
        rows.fold((fact for _, reading in part for fact in reading.facts), revision)

    _isolate(new, fold, lambda _: None, _mark_poisoned)


def _mark_poisoned(one: Logged, error: Exception) -> None:
    """The event is in the log; it changes nothing until replayed with a fold that understands it."""
    event, _ = one
    logger.error("event %s (%r) could not be folded", event.pk, event.name, exc_info=error)
    event.fold_error = "".join(traceback.format_exception(error)).replace("\0", "\ufffd")
    event.save(update_fields=["fold_error"])


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
    except (
        DatabaseError,
        ArithmeticError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
        RecursionError,
    ) as error:
        if len(items) == 1:
            poisoned(items[0], error)
            return
        middle = len(items) // 2
        _isolate(items[:middle], act, done, poisoned)
        _isolate(items[middle:], act, done, poisoned)
    else:
        done(items)
