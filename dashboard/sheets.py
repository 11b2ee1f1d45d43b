"""Rows as CSV and as XLSX, for people's spreadsheets. What strangers typed cannot become a formula there.

Knows nothing of what the rows say. CSV has no types, so a text that a spreadsheet would take for a formula gets an
apostrophe before it (as OWASP advises); XLSX has types, and text is written as text.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import IO, Any

import xlsxwriter
from django.http import HttpResponse, StreamingHttpResponse

from zoomfeed.text import shown

Cell = str | int | float | datetime | timedelta | None

FORMULA = tuple("=+-@\t\r\n＝＋－＠")
"""With what a formula may begin, in any spreadsheet and in the wide letters of East Asia."""

LONGEST = 32_767
"""Characters that a cell of a spreadsheet holds."""

FLUSH_ROWS = 500
WIDTH = 20


def text(value: str) -> str:
    """What a stranger typed, as it may stand in a cell of a CSV."""
    clean = shown(value)[: LONGEST - 1]
    return f"'{clean}" if clean.startswith(FORMULA) else clean


def csv_lines(rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """Many rows at a time as one string, with Excel's line ends. The first begins with the mark that tells it UTF-8."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write("\ufeff")
    for number, row in enumerate(rows, start=1):
        writer.writerow([_csv_cell(cell) for cell in row])
        if number % FLUSH_ROWS == 0:
            yield _take(buffer)
    yield _take(buffer)


def _take(buffer: io.StringIO) -> str:
    taken = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return taken


def _csv_cell(cell: Cell) -> str | int | float:
    match cell:
        case None:
            return ""
        case str():
            return text(cell)
        case datetime():
            return cell.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        case timedelta():
            return int(cell.total_seconds())
    return cell


@dataclass(frozen=True)
class Sheet:
    """One sheet of a workbook. Its first row is the heading."""

    name: str
    rows: Iterable[Sequence[Cell]]


def workbook(sheets: Iterable[Sheet]) -> bytes:
    """An XLSX file. Times are in UTC, since a spreadsheet's times have no zone; lengths are h:mm:ss."""
    target = io.BytesIO()
    write_workbook(target, sheets)
    return target.getvalue()


def write_workbook(target: IO[bytes], sheets: Iterable[Sheet]) -> None:
    """The same into a file, of any length in little memory."""
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(target, options) as book:
        formats = {
            "head": book.add_format({"bold": True}),
            "at": book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
            "length": book.add_format({"num_format": "[h]:mm:ss"}),
        }
        for sheet in sheets:
            _write(book.add_worksheet(_sheet_name(sheet.name)), sheet.rows, formats)


def _sheet_name(name: str) -> str:
    return re.sub(r"[\[\]:*?/\\']", " ", name)[:31] or "Sheet"


def _write(page: Any, rows: Iterable[Sequence[Cell]], formats: dict[str, Any]) -> None:
    for number, row in enumerate(rows):
        if number == 0:
            page.set_column(0, len(row) - 1, WIDTH)
            page.freeze_panes(1, 0)
        for column, cell in enumerate(row):
            _write_cell(page, number, column, cell, formats)


def _write_cell(page: Any, row: int, column: int, cell: Cell, formats: dict[str, Any]) -> None:
    match cell:
        case None:
            page.write_blank(row, column, None)
        case str():
            page.write_string(row, column, shown(cell)[:LONGEST], formats["head"] if row == 0 else None)
        case datetime():
            page.write_datetime(row, column, cell.astimezone(UTC).replace(tzinfo=None), formats["at"])
        case timedelta():
            page.write_datetime(row, column, cell, formats["length"])
        case _:
            page.write_number(row, column, cell)


def csv_response(name: str, rows: Iterable[Sequence[Cell]]) -> StreamingHttpResponse:
    """A download of any length in little memory. `name` is that of the file, without its ending."""
    response = StreamingHttpResponse(csv_lines(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{file_name(name)}.csv"'
    return response


def xlsx_response(name: str, sheets: Iterable[Sheet]) -> HttpResponse:
    response = HttpResponse(
        workbook(sheets), content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    )
    response["Content-Disposition"] = f'attachment; filename="{file_name(name)}.xlsx"'
    return response


def file_name(text: str) -> str:
    """A name that every system takes: letters, digits and dashes of ASCII."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-.")[:100] or "rollcall"
