"""Fills in, for what is in the log already, what new events bring with them. Goes through the log once, in pieces."""

from datetime import timedelta

from django.db import migrations

from zoomfeed import events, log_hours
from zoomfeed.protocol import loads

CHUNK = 2000


def fill(apps, _schema_editor):  # type: ignore[no-untyped-def]
    log = apps.get_model("zoomfeed", "Event").objects.order_by("pk")
    last = 0
    while chunk := list(log.filter(pk__gt=last).only("body", "received_at", "occurred_at")[:CHUNK]):
        for event in chunk:
            reading = events.read(loads(bytes(event.body)))
            event.host_id = reading.host_id if reading else ""
            if event.occurred_at is not None:
                event.late_ms = (event.received_at - event.occurred_at) // timedelta(milliseconds=1)
        log.bulk_update(chunk, ["host_id", "late_ms"])
        last = chunk[-1].pk
    if last:
        log_hours.add("id <= %s", [last])


class Migration(migrations.Migration):
    dependencies = [
        ("zoomfeed", "0008_what_the_log_is_filtered_by"),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
    ]
