"""Attendance for spreadsheets: one row a person, one a connection, and nothing that a stranger typed runs there."""

import csv
import io
import zipfile
from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard import attendance
from dashboard.board import with_legs
from dashboard.roster import Roster
from dashboard.sheets import FORMULA
from tests.dashboard.test_board import after, ended, into, out_of, said, started, waits
from tests.dashboard.test_roster import breakout
from tests.zoomfeed.test_record import forget
from zoomfeed.models import Meeting
from zoomfeed.viewer import EVERYTHING

pytestmark = pytest.mark.django_db

RUN = "run-1=="
HOSTILE = [
    "محمد الحسن",
    "田中 由紀",
    "👩‍⚕️ Nurse",
    "x" * 200,
    "<img src=x onerror=alert(1)>",
    "invoice\u202efdp.exe",
    '=HYPERLINK("http://evil.test","click")',
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\u200b=1",
    "＝1",
    'a"b,c;d\r\ne',
]


def roster(at_s=3600):
    return Roster(with_legs(EVERYTHING).get(), after(at_s))


def table(rows):
    heading, *others = rows
    return [dict(zip(heading, row, strict=True)) for row in others]


def persons(at_s=3600):
    return table(attendance.persons(roster(at_s)))


def legs(at_s=3600):
    return table(attendance.legs(roster(at_s)))


def test_a_person_who_came_twice_is_one_row_with_the_sum_of_the_minutes():
    said(
        started(RUN),
        waits(RUN, "0", 0, user_name="Jill", participant_uuid="D"),
        into(RUN, "1", 120, user_name="Jill", participant_uuid="D", email="jill@example.org"),
        out_of(RUN, "1", 720, participant_uuid="D"),
        into(RUN, "2", 900, user_name="Jill", participant_uuid="D"),
        out_of(RUN, "2", 1230, participant_uuid="D", leave_reason="left the meeting. Reason : had to go"),
    )
    (jill,) = persons()

    assert jill == {
        "Name": "Jill",
        "E-mail": "jill@example.org",
        "Role": "",
        "Joined (UTC)": after(120),
        "Left (UTC)": after(1230),
        "Minutes attended": 15.5,
        "Visits": 2,
        "Devices": 1,
        "Minutes waited": 2.0,
        "State": "left",
        "Leave reason": "had to go",
    }


def test_two_devices_at_once_count_once():
    person = {"user_name": "Jill", "participant_user_id": "J"}
    said(started(RUN), into(RUN, "1", 0, **person), into(RUN, "2", 300, **person))
    said(out_of(RUN, "1", 900, **person), out_of(RUN, "2", 600, **person))
    (jill,) = persons()

    assert (jill["Minutes attended"], jill["Devices"], jill["Visits"]) == (15.0, 2, 1)
    assert [leg["Minutes"] for leg in legs()] == [15.0, 5.0]
    assert [leg["Device"] for leg in legs()] == [1, 2]


def test_minutes_of_who_is_still_in_count_until_now():
    said(started(RUN), into(RUN, "1", 0, user_name="Jill"), waits(RUN, "2", 60, user_name="Bob"))
    jill, bob = persons(600)

    assert (jill["Minutes attended"], jill["State"], jill["Left (UTC)"]) == (10.0, "in the meeting", None)
    assert (bob["Minutes attended"], bob["Minutes waited"], bob["State"]) == (0.0, 9.0, "waiting")


def test_a_join_that_nobody_heard_is_no_join_and_no_minutes():
    said(out_of(RUN, "1", 60, user_name="Jill"))
    (jill,), (leg,) = persons(), legs()

    assert (jill["Joined (UTC)"], jill["Left (UTC)"], jill["Minutes attended"]) == (None, after(60), None)
    assert jill["State"] == "left (join not heard)"
    assert (leg["From (UTC)"], leg["To (UTC)"], leg["Minutes"]) == (None, after(60), None)


def test_every_connection_says_where_it_was():
    said(started(RUN), into(RUN, "1", 0, user_name="Jill", participant_uuid="D"))
    said(out_of(RUN, "1", 60, participant_uuid="D"), breakout("joined", "2", 61, participant_uuid="D"))

    assert [leg["Place"] for leg in legs()] == ["in the meeting", "in a breakout room"]
    assert [leg["Name"] for leg in legs()] == ["Jill", "Jill"]


def test_times_stand_in_the_zone_of_the_site_too(settings):
    settings.TIME_ZONE = "Asia/Kathmandu"
    timezone.get_default_timezone.cache_clear()
    try:
        said(started(RUN), into(RUN, "1", 0, user_name="Jill"))
        (jill,) = persons()
    finally:
        timezone.get_default_timezone.cache_clear()

    assert jill["Joined (UTC)"] == after(0)
    assert jill["Joined (Asia/Kathmandu)"] == "2026-04-03 22:51:27"
    assert jill["Left (Asia/Kathmandu)"] is None


# Downloads


def download(viewer, ending):
    answer = viewer.get(f"{Meeting.objects.get().get_absolute_url()}attendance.{ending}")
    assert answer.status_code == 200
    return answer, b"".join(answer.streaming_content) if answer.streaming else answer.content


def read(content):
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@pytest.fixture
def hostile_meeting():
    said(started(RUN))
    people = [
        into(
            RUN,
            str(number),
            number,
            user_name=name,
            email=name[:50],
            participant_uuid=f"{name[:9]}{number}",
        )
        for number, name in enumerate(HOSTILE)
    ]
    said(*people, *(out_of(RUN, str(number), 60, leave_reason=name) for number, name in enumerate(HOSTILE)))
    Meeting.objects.update(topic="Ward round: 病房 / <b>")


@pytest.mark.usefixtures("hostile_meeting")
@pytest.mark.parametrize("ending", ["csv", "csv?legs"])
def test_no_cell_of_a_download_begins_as_a_formula(viewer, ending):
    _, content = download(viewer, ending)
    heading, *rows = read(content)

    assert len(rows) == len(HOSTILE)
    assert all(len(row) == len(heading) for row in rows)
    assert not [cell for row in rows for cell in row if cell.startswith(FORMULA)]
    names = {row[0] for row in rows}
    assert {"محمد الحسن", "田中 由紀", "<img src=x onerror=alert(1)>", "invoicefdp.exe", "x" * 200, "'+1"} <= names


@pytest.mark.usefixtures("hostile_meeting")
def test_a_workbook_has_texts_where_strangers_typed(viewer):
    answer, content = download(viewer, "xlsx")
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        sheets = [book.read(name).decode() for name in book.namelist() if "worksheets/sheet" in name]
        named = book.read("xl/workbook.xml").decode()

    assert [name in named for name in ("Attendance", "Connections", "Meeting")] == [True] * 3
    assert len(sheets) == 3
    assert not [sheet for sheet in sheets if "<f>" in sheet or "hyperlink" in sheet]
    assert "田中 由紀" in sheets[0]
    assert "&lt;img src=x onerror=alert(1)&gt;" in sheets[0]
    assert answer["Content-Disposition"] == (
        'attachment; filename="attendance-Ward-round-b-83455219078-2026-04-03-1706.xlsx"'
    )


@pytest.mark.usefixtures("hostile_meeting")
@pytest.mark.parametrize("ending", ["csv", "csv?legs", "xlsx"])
def test_downloads_are_for_staff_and_kept_by_nobody(viewer, staff, ending):
    answer, _ = download(viewer, ending)
    assert "no-store" in answer["Cache-Control"]

    path = f"{Meeting.objects.get().get_absolute_url()}attendance.{ending}"
    assert viewer.post(path).status_code == 405
    staff.is_staff = False
    staff.save()
    assert viewer.get(path).status_code == 403
    viewer.logout()
    assert viewer.get(path)["Location"].startswith("/login/")


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_there_is_no_attendance_of_what_is_not_there(viewer, ending):
    assert viewer.get(f"/meetings/999/attendance.{ending}").status_code == 404


spans = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3000), st.integers(1, 3000)), min_size=1, max_size=12)


@settings(max_examples=10, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spans)
def test_nobody_attended_longer_than_the_meeting_or_than_all_their_connections(spans):
    """Connections of one person overlap as they like; the sum counts no minute twice and loses none."""
    forget()
    said(started(RUN))
    for number, (person, at_s, length_s) in enumerate(spans):
        who = {"user_name": f"P{person}", "participant_user_id": f"P{person}", "participant_uuid": f"D{number}"}
        said(into(RUN, str(number), at_s, **who), out_of(RUN, str(number), at_s + length_s, **who))
    said(ended(RUN, 7000))

    rows, connections = persons(7000), legs(7000)
    assert len(connections) == len(spans)
    for row in rows:
        own = [leg["Minutes"] for leg in connections if leg["Name"] == row["Name"]]
        length = (row["Left (UTC)"] - row["Joined (UTC)"]) / timedelta(minutes=1)
        assert max(own) - 0.1 <= row["Minutes attended"] <= min(sum(own), length) + 0.2 * len(own)
