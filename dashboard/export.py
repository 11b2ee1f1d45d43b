"""What passes a filter of the log, as CSV, NDJSON or XLSX: a million rows in the memory of a thousand.

The rows are read by primary key, a thousand at a time, newest first. Whoever takes them may stop at any time.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import chain, islice
from typing import IO, Any

from dashboard.sheets import Cell, Sheet, csv_lines, file_name, write_workbook
from zoomfeed import pages
from zoomfeed.filters import Asked, EventFilter, spelt
from zoomfeed.models import Event
from zoomfeed.pages import NEWEST, Place
from zoomfeed.protocol import loads
from zoomfeed.viewer import Viewer

KINDS = ("csv", "ndjson", "xlsx")
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "ndjson": "application/x-ndjson; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
COLUMNS = (
    "id",
    "received_at",
    "occurred_at",
    "late_ms",
    "name",
    "topic",
    "meeting_number",
    "meeting_uuid",
    "host_id",
    "participant_name",
    "participant_email",
    "participant_id",
    "account_id",
    "transport",
    "also_by",
    "duplicates",
)
AT_ONCE = 1000
ROWS_OF_A_SHEET = 1_000_000
"""A sheet of a workbook holds little more."""


def name_of(form: EventFilter, now: datetime) -> str:
    """The file's name, without its ending: what was asked, and when."""
    asked = " ".join(f"{name} {value}" for name, value in form.pairs())
    return f"{file_name(f'events {asked}')}-{now:%Y%m%dT%H%M%SZ}"


def events(viewer: Viewer, asked: Asked, *, with_body: bool = False) -> Iterator[Event]:
    place = NEWEST
    while True:
        page = pages.read(asked, place, AT_ONCE)
        found = Event.objects.seen_by(viewer).filter(pk__in=page.keys).order_by("-pk")
        yield from found.only(*COLUMNS, *(["body"] if with_body else []))
        end = page.sought_to or (page.keys[-1] if page.keys else None)
        if not page.has_older or end is None:
            return
        place = Place(before=end)


def texts(kind: str, viewer: Viewer, asked: Asked, on: Callable[[], None]) -> Iterator[str]:
    """A CSV or NDJSON, in pieces. `on` is called for each event."""
    if kind == "ndjson":
        return _ndjson(viewer, asked, on)
    return csv_lines(_rows(viewer, asked, on))


def write_xlsx(target: IO[bytes], viewer: Viewer, asked: Asked, on: Callable[[], None]) -> None:
    write_workbook(target, _sheets(_rows(viewer, asked, on)))


def _sheets(rows: Iterator[Sequence[Cell]]) -> Iterator[Sheet]:
    """As many as the rows need; each begins with the heading."""
    heading, number = next(rows), 1
    yield Sheet("Events", chain([heading], islice(rows, ROWS_OF_A_SHEET)))
    while (first := next(rows, None)) is not None:
        number += 1
        yield Sheet(f"Events {number}", chain([heading, first], islice(rows, ROWS_OF_A_SHEET - 1)))


def _rows(viewer: Viewer, asked: Asked, on: Callable[[], None]) -> Iterator[Sequence[Cell]]:
    yield COLUMNS
    for event in events(viewer, asked):
        on()
        yield [getattr(event, name) for name in COLUMNS]


def _ndjson(viewer: Viewer, asked: Asked, on: Callable[[], None]) -> Iterator[str]:
    for event in events(viewer, asked, with_body=True):
        on()
        said: dict[str, Any] = {name: getattr(event, name) for name in COLUMNS}
        for name in ("received_at", "occurred_at"):
            said[name] = said[name] and spelt(said[name])
        try:
            said["body"] = loads(bytes(event.body))
        except ValueError:
            said["body"] = None
        yield json.dumps(said) + "\n"
