"""Exports: the very events that the page shows, safe to open, in little memory, and stopped when nobody waits."""

import csv
import io
import json
import tracemalloc
import zipfile
from datetime import UTC, datetime

import pytest
from asgiref.sync import sync_to_async
from django.core.management import CommandError, call_command
from django.db import connections
from django.http import QueryDict
from django.test import AsyncClient

from dashboard import export
from tests.zoomfeed.test_record import event, join
from zoomfeed.filters import EventFilter
from zoomfeed.models import Event
from zoomfeed.record import Incoming, record
from zoomfeed.viewer import EVERYTHING

NOW = datetime(2026, 4, 3, 20, tzinfo=UTC)
FORMULA = '=HYPERLINK("http://evil.test")'


def asked(query=""):
    return EventFilter(QueryDict(query)).asked(NOW)


@pytest.fixture
def log(transactional_db):
    bodies = [event("meeting.started", 0, topic=FORMULA), *(join(str(n), n, user_name=f"P{n}") for n in range(1, 30))]
    record([Incoming(body, NOW) for body in bodies])


@pytest.fixture
async def reader(staff):
    client = AsyncClient()
    await client.aforce_login(staff)
    yield client
    await sync_to_async(connections.close_all)()


async def downloaded(client, path):
    answer = await client.get(path)
    assert answer.status_code == 200
    return answer, b"".join([piece async for piece in answer.streaming_content])


async def test_a_csv_holds_what_passes_and_no_formula(log, reader):
    answer, content = await downloaded(reader, "/events/export.csv?name=meeting.started")
    heading, row = csv.reader(io.StringIO(content.decode("utf-8-sig")))

    assert dict(zip(heading, row, strict=True))["topic"] == f"'{FORMULA}"
    assert "events-name-meeting.started-" in answer["Content-Disposition"]
    assert answer["Content-Disposition"].endswith('Z.csv"')


async def test_ndjson_holds_the_bodies(log, reader):
    _, content = await downloaded(reader, "/events/export.ndjson")
    lines = [json.loads(line) for line in content.splitlines()]

    assert len(lines) == 30
    assert [line["body"]["event"] for line in lines] == ["meeting.participant_joined"] * 29 + ["meeting.started"]
    assert lines[-1]["topic"] == FORMULA


async def test_a_workbook_holds_text_as_text(log, reader):
    _, content = await downloaded(reader, "/events/export.xlsx?q=hyperlink")
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()

    assert "<f>" not in sheet
    assert "=HYPERLINK" in sheet


async def test_what_makes_no_sense_is_said_and_other_kinds_are_not_there(log, reader):
    answer = await reader.get("/events/export.csv?since=yesterday")

    assert (answer.status_code, "Not a time" in answer.content.decode()) == (400, True)
    assert (await reader.get("/events/export.exe")).status_code == 404


def test_strangers_get_nothing(client, log):
    assert client.get("/events/export.csv").status_code == 302


async def test_who_goes_away_stops_it(log, reader, monkeypatch):
    monkeypatch.setattr(export, "AT_ONCE", 3)
    monkeypatch.setattr("dashboard.views.exports.PIECES_AT_ONCE", 2)
    answer = await reader.get("/events/export.ndjson")
    pieces = aiter(answer.streaming_content)
    assert (await anext(pieces)).count(b"\n") == 2
    await pieces.aclose()

    with pytest.raises(StopAsyncIteration):
        await anext(pieces)


def test_long_logs_are_several_sheets(log, monkeypatch):
    monkeypatch.setattr(export, "ROWS_OF_A_SHEET", 12)
    target = io.BytesIO()
    export.write_xlsx(target, EVERYTHING, asked(), lambda: None)
    with zipfile.ZipFile(target) as book:
        sheets = [book.read(name).decode() for name in book.namelist() if name.startswith("xl/worksheets/sheet")]

    assert [sheet.count("<row ") - 1 for sheet in sheets] == [12, 12, 6]


def test_every_event_once_however_many_pages_it_takes(log, monkeypatch):
    monkeypatch.setattr(export, "AT_ONCE", 7)

    assert [event.pk for event in export.events(EVERYTHING, asked())] == list(
        Event.objects.order_by("-pk").values_list("pk", flat=True)
    )


def test_memory_does_not_grow_with_the_log(log, monkeypatch):
    monkeypatch.setattr(export, "AT_ONCE", 50)
    record([Incoming(event("meeting.started", n, uuid=f"r{n}", filler="x" * 4000), NOW) for n in range(100, 700)])
    tracemalloc.start()
    size = sum(len(text) for text in export.texts("ndjson", EVERYTHING, asked(), lambda: None))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert size > 2_400_000
    assert peak < size / 2


def test_a_script_gets_the_same(log, tmp_path, capsys):
    path = tmp_path / "out.csv"
    call_command("export", "name=meeting.started", output=str(path))
    call_command("export", "name=meeting.started", output="-")

    assert path.read_bytes().decode("utf-8-sig") == capsys.readouterr().out.removeprefix("\ufeff")
    with pytest.raises(CommandError, match="since"):
        call_command("export", "since=yesterday")
