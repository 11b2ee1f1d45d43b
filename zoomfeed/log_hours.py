"""Where in the log an hour is: from times to primary keys.

The log is read by primary key, newest first, whatever the filter. A time would be another order, between which a
database has to choose, and at millions of rows it chooses wrong: it walks through years to find a day. `span` turns
the times into keys, and there is one order.

Written by `record`, inside its transaction and under the write lock.
"""

from datetime import UTC, datetime

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Max, Min

from zoomfeed.models import Event, LogHour

HOUR_OF = {
    "postgresql": "date_trunc('hour', received_at, 'UTC')",
    "sqlite": "strftime('%%Y-%%m-%%d %%H:00:00', received_at)",
}


def note(revision: int) -> None:
    """Add what was logged with this revision."""
    add("revision = %s", [revision])


def add(condition: str, parameters: list[int]) -> None:
    """Add the events that meet a condition in SQL. Each once: they are counted, too."""
    hours, log = connection.ops.quote_name(LogHour._meta.db_table), connection.ops.quote_name(Event._meta.db_table)
    least, most = ("least", "greatest") if connection.vendor == "postgresql" else ("min", "max")
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO {hours} (hour, first_id, last_id, events)
            SELECT {HOUR_OF[connection.vendor]}, min(id), max(id), count(*) FROM {log} WHERE {condition} GROUP BY 1
            ON CONFLICT (hour) DO UPDATE SET
                first_id = {least}({hours}.first_id, excluded.first_id),
                last_id = {most}({hours}.last_id, excluded.last_id),
                events = {hours}.events + excluded.events
            RETURNING hour
            """,  # noqa: S608 - names of our own tables, conditions of our own
            parameters,
        )
        newest = max((str(hour) for (hour,) in cursor.fetchall()), default="")
        if connection.vendor == "sqlite" and newest > _surveyed.get(connection.settings_dict["NAME"], ""):
            _surveyed[connection.settings_dict["NAME"]] = newest
            _survey(cursor)


_surveyed: dict[str, str] = {}
"""The hour in which this process last had each database surveyed."""


def _survey(cursor: CursorWrapper) -> None:
    """Let SQLite see once an hour how selective the log's indexes are; PostgreSQL does so by itself.

    Without, it takes the index of types for as good a way to an event as that of meetings.
    """
    cursor.execute("PRAGMA analysis_limit = 400")
    cursor.execute("ANALYZE zoomfeed_event")


def span(since: datetime | None, until: datetime | None) -> tuple[int | None, int | None]:
    """The first and the last primary key that an event received in between may have; (0, 0) when there is none.

    To the hour: whoever asks has to look at the times as well.
    """
    within = LogHour.objects.all()
    if since is not None:
        within = within.filter(hour__gte=floor(since))
    if until is not None:
        within = within.filter(hour__lte=until)
    ends = within.aggregate(first=Min("first_id"), last=Max("last_id"))
    if ends["first"] is None:
        return 0, 0
    return (ends["first"] if since else None), (ends["last"] if until else None)


def last_before(instant: datetime) -> int:
    """The newest key of the log as it was at an instant: where a reader who jumps to it begins. 0: before all."""
    hour = LogHour.objects.filter(hour__lte=instant).order_by("-hour").first()
    if hour is None:
        return 0
    in_hour = Event.objects.filter(received_at__gte=hour.hour, received_at__lte=instant).aggregate(last=Max("pk"))
    return in_hour["last"] or hour.first_id - 1


def floor(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
