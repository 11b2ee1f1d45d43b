"""Spreadsheets: what strangers typed stays text, whatever opens it."""

import csv
import io
import shutil
import subprocess
import zipfile
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.sheets import FLUSH_ROWS, FORMULA, Sheet, csv_lines, csv_response, file_name, workbook, xlsx_response

AT = datetime(2026, 4, 3, 17, 16, 27, tzinfo=UTC)
FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "\u200b=1",
    "\u202e=1",
    "＝1",
    "=cmd|' /C calc'!A0",
]


def read(*rows):
    text = "".join(csv_lines(rows))
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:], newline="")))


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_of_a_csv_begins_as_a_formula(formula):
    ((cell,),) = read([formula])

    assert cell.startswith("'")


@given(st.lists(st.lists(st.text(), min_size=1, max_size=3), max_size=4))
def test_whatever_is_typed_no_cell_is_a_formula_and_no_row_is_split(rows):
    found = read(*rows)

    assert [len(row) for row in found] == [len(row) for row in rows]
    assert not [cell for row in found for cell in row if cell.startswith(FORMULA)]


def test_a_csv_keeps_numbers_times_and_lengths():
    assert read(["Zoë", 7, 1.5, AT, timedelta(minutes=2), None]) == [
        ["Zoë", "7", "1.5", "2026-04-03T17:16:27Z", "120", ""]
    ]


def test_a_long_csv_comes_in_parts():
    parts = list(csv_lines([number] for number in range(FLUSH_ROWS * 2 + 1)))

    assert [part.count("\r\n") for part in parts] == [FLUSH_ROWS, FLUSH_ROWS, 1]


def cells(content):
    """Each cell of each sheet as (type, text); a formula fails."""
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        sheets = sorted(name for name in parts.namelist() if name.startswith("xl/worksheets/sheet"))
        roots = [ElementTree.fromstring(parts.read(name)) for name in sheets]  # noqa: S314 - our own
    assert not [formula for root in roots for formula in root.iterfind(".//{*}f")]
    return [[(cell.get("t"), "".join(cell.itertext())) for cell in root.iterfind(".//{*}c")] for root in roots]


def test_a_workbook_has_text_as_text_and_numbers_as_numbers():
    ((*texts, number, at, length),) = cells(workbook([Sheet("A", [[*FORMULAS, 7, AT, timedelta(hours=30)]])]))

    assert {kind for kind, _ in texts} == {"inlineStr"}
    assert (number, length) == ((None, "7"), (None, "1.25"))
    assert at[0] is None
    assert float(at[1]) == pytest.approx(46115.719757)


def test_a_workbook_has_each_sheet_under_a_name_that_is_allowed():
    content = workbook([Sheet("People", [["a"]]), Sheet("[Every]: leg/" + "x" * 40, [["b"], [None]])])

    assert [sheet[0][1] for sheet in cells(content)] == ["a", "b"]


def test_downloads_have_a_name_that_nothing_can_break_out_of():
    assert file_name('Zoë"; x=\r\n../../etc 2026-04-03') == "Zo-x-..-..-etc-2026-04-03"
    assert file_name("会議") == "rollcall"
    for response in (csv_response('a"b', [["x"]]), xlsx_response('a"b', [Sheet("x", [["x"]])])):
        assert response["Content-Disposition"].startswith('attachment; filename="a-b.')


# A real spreadsheet opens them

CELL = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}table-cell"
IS_FORMULA = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}formula"


@pytest.fixture
def opened(tmp_path):
    """The cells of a file as LibreOffice takes them in."""
    if not (office := shutil.which("soffice")):
        pytest.skip("no LibreOffice")

    def open_in_office(name, content):
        (tmp_path / name).write_bytes(content)
        profile = f"-env:UserInstallation=file://{tmp_path}/profile"
        command = [office, profile, "--headless", "--convert-to", "fods", "--outdir", tmp_path, tmp_path / name]
        subprocess.run(command, check=True, capture_output=True, timeout=100)
        return list(ElementTree.parse((tmp_path / name).with_suffix(".fods")).iter(CELL))  # noqa: S314 - our own

    return open_in_office


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_an_office_program_finds_no_formula_in_what_strangers_typed(opened, kind):
    rows = [["Typed"], *([formula] for formula in FORMULAS)]
    content = "".join(csv_lines(rows)).encode() if kind == "csv" else workbook([Sheet("Typed", rows)])
    cells = opened(f"typed.{kind}", content)

    assert len([cell for cell in cells if "".join(cell.itertext()).strip()]) > len(FORMULAS) / 2
    assert [cell.attrib for cell in cells if IS_FORMULA in cell.attrib] == []


@pytest.mark.timeout(300)
def test_the_office_program_would_find_one(opened):
    assert [cell for cell in opened("bare.csv", b"=1+1\r\n") if IS_FORMULA in cell.attrib]
