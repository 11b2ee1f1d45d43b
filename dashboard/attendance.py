"""Who was in a meeting, as rows of a spreadsheet: one a person, and one for each connection of a device.

Instants are in UTC, as `sheets` writes them; where the site has a zone of its own, they stand beside in it, as text.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from dashboard.roster import PLACES, Roster, Row
from dashboard.sheets import Cell, Sheet
from dashboard.words import number
from zoomfeed.fold import Place
from zoomfeed.models import Meeting
from zoomfeed.text import shown

STATES = {"present": "in the meeting", "waiting": "waiting", "left": "left"}
MINUTE = timedelta(minutes=1)


def persons(roster: Roster) -> Iterator[list[Cell]]:
    """A heading, and one row a person in order of their coming. Times overlapping on two devices count once."""
    yield [
        "Name",
        "E-mail",
        "Role",
        *_zoned_heading("Joined"),
        *_zoned_heading("Left"),
        "Minutes attended",
        "Visits",
        "Devices",
        "Minutes waited",
        "State",
        "Leave reason",
    ]
    for row in roster.rows:
        person = row.person
        yield [
            row.name or "Unknown",
            person.email,
            person.role,
            *_zoned(person.joined_at if row.is_join_heard else None),
            *_zoned(row.left_at if row.section == "left" else None),
            _attended(row, roster.now),
            row.visits,
            row.all_devices,
            _minutes(row.waited + _waits_now(row, roster.now)),
            STATES[row.section] if row.is_join_heard else f"{STATES[row.section]} (join not heard)",
            person.leave_reason,
        ]


def legs(roster: Roster) -> Iterator[list[Cell]]:
    """A heading, and every connection of every device, in order of time."""
    yield [
        "Name",
        "E-mail",
        "Name of this connection",
        "Place",
        "Breakout room",
        "Device",
        "Phone",
        *_zoned_heading("From"),
        *_zoned_heading("To"),
        "Minutes",
        "Leave reason",
        "Zoom connection",
        "Zoom participant",
    ]
    stays = [(stay, row) for row in roster.rows for stay in row.person.stays]
    for stay, row in sorted(stays, key=lambda pair: (pair[0].start, pair[0].leg_pk)):
        leg = row.leg(stay)
        is_heard = leg.joined_at is not None
        yield [
            row.name or "Unknown",
            row.person.email,
            leg.name,
            PLACES[Place(stay.place)],
            roster.rooms.get(stay.room),
            row.device(leg),
            leg.phone,
            *_zoned(stay.start if is_heard or stay.start != stay.end else None),
            *_zoned(stay.end),
            _minutes((stay.end or max(roster.now, stay.start)) - stay.start) if is_heard else None,
            leg.leave_reason,
            leg.user_id,
            leg.participant_uuid,
        ]


def workbook_sheets(roster: Roster) -> list[Sheet]:
    return [
        Sheet("Attendance", persons(roster)),
        Sheet("Connections", legs(roster)),
        Sheet("Meeting", _about(roster)),
    ]


def _about(roster: Roster) -> Iterator[list[Cell]]:
    meeting = roster.meeting
    yield ["What", "Is"]
    yield ["Topic", meeting.topic]
    yield ["Meeting number", number(meeting.number)]
    yield ["Meeting UUID", meeting.uuid]
    yield ["Host", meeting.host_name or meeting.host_email]
    yield ["Began (UTC)", roster.began_at]
    yield ["Ended (UTC)", meeting.ended_at if not meeting.is_live else None]
    yield ["People", len(roster.rows)]
    yield ["Most at once", roster.peak]
    yield ["Joins that nobody heard", len(roster.unheard)]
    yield ["Uncertain since (UTC)", meeting.uncertain_since]
    yield ["As of (UTC)", roster.now]


def file_name(meeting: Meeting) -> str:
    """Topic, number and begin, in UTC."""
    began_at = meeting.started_at or meeting.seen_at
    time = began_at.strftime("%Y-%m-%d %H%M") if began_at else ""
    return f"attendance {shown(meeting.topic)[:60]} {meeting.number} {time}"


def _attended(row: Row, now: datetime) -> float | None:
    """Minutes to a tenth. None where not even the least is known."""
    if not row.is_join_heard and not row.is_least_known:
        return None
    return _minutes(sum(((end or max(now, start)) - start for start, end in row.person.visits), timedelta()))


def _waits_now(row: Row, now: datetime) -> timedelta:
    since = row.person.waits_since
    return max(now - since, timedelta()) if since else timedelta()


def _minutes(length: timedelta) -> float:
    return round(length / MINUTE, 1)


def _zoned_heading(what: str) -> list[Cell]:
    return [f"{what} (UTC)", *([f"{what} ({settings.TIME_ZONE})"] if _has_zone() else [])]


def _zoned(at: datetime | None) -> list[Cell]:
    local = timezone.localtime(at, timezone.get_default_timezone()).strftime("%Y-%m-%d %H:%M:%S") if at else None
    return [at, *([local] if _has_zone() else [])]


def _has_zone() -> bool:
    return settings.TIME_ZONE != "UTC"
