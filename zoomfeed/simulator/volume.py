"""A log of millions of events: generated days, told again with other dates and other runs.

To make a day takes much longer than to write it. So a few days are made, read as `record` would read them, and taken
apart where dates, times and uuids stand; each later day is put together from them. What is written is what `record`
would have written of the same bodies: digests and columns. The live state is left alone; `replay` makes it.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

from django.db import connection, transaction

from zoomfeed import bulk, log_hours, text_index
from zoomfeed.models import Event, Transport
from zoomfeed.protocol import digest, loads
from zoomfeed.record import COLUMNS, Incoming, advance, lock, read, values
from zoomfeed.simulator.day import generate

BATCH = 5000
WEEKEND_SHARE = 0.08
"""How much of a working day happens on a Saturday or Sunday."""

AT = {name: COLUMNS.index(name) for name in COLUMNS}


@dataclass(frozen=True)
class Told:
    """An event of a day that can be told of another: its row, and its body in pieces.

    Pieces are bytes, or for what changes: an instant in ms (int), the day of one (date as text), a uuid (str).
    """

    row: tuple[Any, ...]
    pieces: tuple[bytes | int | str, ...]


@dataclass(frozen=True)
class Template:
    """One generated day."""

    start: datetime
    told: tuple[Told, ...]


def fill(events: int, until: datetime, *, seed: int = 1, meetings: int = 400, progress: Callable[[int], None]) -> int:
    """Write so many events, of days that end with the one of `until`. Returns how many were written."""
    templates = [_template(seed + number, until, meetings) for number in range(2)]
    days = _days(events, templates)
    done = 0
    with _indexes_made_afterwards():
        for batch in _batches(days, events):
            with transaction.atomic():
                head = lock()
                revision = head.revision + 1
                _insert([(*row[:-1], revision) for row in batch])
                first = Event.objects.order_by("-pk").values_list("pk", flat=True)[len(batch) - 1]
                log_hours.add("id >= %s", [first])
                advance(head, revision)
            done += len(batch)
            progress(done)
    return done


@contextmanager
def _indexes_made_afterwards() -> Iterator[None]:
    """To make an index of what is there is far quicker than to keep one up. A log that is in use keeps its own."""
    if Event.objects.exists():
        yield
        return
    indexes = Event._meta.indexes
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET statement_timeout = 0; SET synchronous_commit = off")
        else:
            cursor.execute("PRAGMA synchronous = OFF")
            cursor.execute("PRAGMA cache_size = -400000")
    text_index.unmake(connection)
    with connection.schema_editor() as editor:
        for index in indexes:
            editor.remove_index(Event, index)
    try:
        yield
    finally:  # whoever stops it has a log without indexes otherwise
        with connection.schema_editor() as editor:
            for index in indexes:
                editor.add_index(Event, index)
        with transaction.atomic():
            text_index.make(connection)


def _template(seed: int, until: datetime, meetings: int) -> Template:
    start = until.astimezone(UTC).replace(hour=6, minute=0, second=0, microsecond=0)
    rows: dict[bytes, tuple[Any, ...]] = {}
    for at_ms, body in generate(seed, start, meetings=meetings).dispatches:
        one, _ = read(Incoming(body, datetime.fromtimestamp(at_ms / 1000, UTC), _transport(body)))
        if one is not None:
            rows.setdefault(one.digest, values(one, 0))
    uuids = {row[AT["meeting_uuid"]].encode() for row in rows.values()} - {b""}
    varying = re.compile(rb"(?<=\")[^\"]{24}(?=\")|(?<=_ts\":)\d{13}|\d{4}-\d\d-\d\d(?=T\d\d:)")
    return Template(start, tuple(Told(row, _pieces(row[AT["body"]], varying, uuids)) for row in rows.values()))


def _transport(body: bytes) -> str:
    """One event in fifty came by webhook alone."""
    return Transport.WEBHOOK if hashlib.sha256(body).digest()[0] < 5 else Transport.WEBSOCKET


def _pieces(body: bytes, varying: re.Pattern[bytes], uuids: Collection[bytes]) -> tuple[bytes | int | str, ...]:
    pieces: list[bytes | int | str] = []
    last = 0
    for match in varying.finditer(body):
        found = match[0]
        if len(found) != 24 or found in uuids:
            pieces += [body[last : match.start()], int(found) if found.isdigit() else found.decode()]
            last = match.end()
    return (*pieces, body[last:])


def _days(events: int, templates: Sequence[Template]) -> Iterator[tuple[Template, int]]:
    """The days to tell, oldest first: each a template, and by how many days it is moved."""
    found: list[tuple[Template, int]] = []
    back = planned = 0
    while planned < events:
        template = templates[back % len(templates)]
        found.append((template, -back))
        planned += _length(template, template.start - timedelta(days=back))
        back += 1
    yield from reversed(found)


def _length(template: Template, day: datetime) -> int:
    return int(len(template.told) * (WEEKEND_SHARE if day.weekday() >= 5 else 1)) or 1


def _batches(days: Iterable[tuple[Template, int]], events: int) -> Iterator[list[tuple[Any, ...]]]:
    batch: list[tuple[Any, ...]] = []
    left = events
    for template, moved in days:
        length = min(left, _length(template, template.start + timedelta(days=moved)))
        for told in template.told[:length]:
            batch.append(_row(told, moved))
            if len(batch) == BATCH:
                yield batch
                batch = []
        left -= length
    if batch:
        yield batch


def _row(told: Told, moved: int) -> tuple[Any, ...]:
    """The row of an event, so many days later (or, below zero, earlier)."""
    by = timedelta(days=moved)
    body = b"".join(_moved(piece, moved) for piece in told.pieces)
    row = list(told.row)
    row[AT["received_at"]] += by
    if row[AT["occurred_at"]] is not None:
        row[AT["occurred_at"]] += by
    if row[AT["meeting_uuid"]]:
        row[AT["meeting_uuid"]] = _uuid(row[AT["meeting_uuid"]], moved)
    row[AT["body"]], row[AT["digest"]] = body, digest(body, loads(body))
    return tuple(row)


def _moved(piece: bytes | int | str, moved: int) -> bytes:
    match piece:
        case bytes():
            return piece
        case int():
            return b"%d" % (piece + moved * 86_400_000)
        case _:
            return (_day(piece, moved) if len(piece) == len("2026-01-01") else _uuid(piece, moved)).encode()


@lru_cache(maxsize=4096)
def _day(day: str, moved: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=moved)).isoformat()


@lru_cache(maxsize=8192)
def _uuid(uuid: str, moved: int) -> str:
    """Another run's uuid, of the same shape: the last characters tell which day."""
    if not moved:
        return uuid
    told = base64.urlsafe_b64encode(abs(moved).to_bytes(3, "big")).decode()
    return f"{uuid[:-8]}{told}{uuid[-4:]}"


def _insert(rows: Sequence[tuple[Any, ...]]) -> None:
    if connection.vendor != "postgresql":
        bulk.insert(Event, COLUMNS, rows)
        return
    names = ", ".join(connection.ops.quote_name(name) for name in COLUMNS)
    with connection.cursor() as cursor, cursor.copy(f"COPY zoomfeed_event ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
