"""Folds a stage's log anew, shuffled, in a scratch database, and prints how the tables differ: `[]` when they do not.

Run with DATABASE_URL for the scratch database and STAGE_URL for the stage's.
"""

import json
import os
import random
import sys

import django
from django.conf import settings

from dashboard import env

BATCH = 500
OWN = {"id", "revision", "meeting_id", "stamps", "checked_at", "uncertain_since"}
"""Keys and revisions differ from database to database; what has been checked elsewhere does not follow from the log."""


def state(alias: str) -> dict[str, dict[str, str]]:
    """All live state of one database, without what is its own."""
    from zoomfeed.models import Leg, Meeting, Recording, ScheduledMeeting, ZoomUser

    found = {}
    for model in (Meeting, Leg, ScheduledMeeting, ZoomUser, Recording):
        for row in model.objects.using(alias).all():
            names = [field.attname for field in row._meta.concrete_fields if field.attname not in OWN]
            about = {name: str(getattr(row, name)) for name in names}
            uuid = row.meeting.uuid if isinstance(row, Leg) else ""
            key = "|".join((model.__name__, uuid, *(about.get(name, "") for name in KEYS)))
            found[key] = about
    return found


KEYS = ("uuid", "user_id", "place", "room", "number", "zoom_id", "meeting_uuid")


def fold_again(log: list[tuple[object, ...]], seed: int) -> None:
    from zoomfeed.record import Incoming, record

    incoming = [Incoming(bytes(body), at, transport) for body, at, transport in log]
    random.Random(seed).shuffle(incoming)
    for start in range(0, len(incoming), BATCH):
        record(incoming[start : start + BATCH])


def snapshot() -> tuple[list[tuple[object, ...]], dict[str, dict[str, str]]]:
    """The stage's log and its tables as of one moment: it may go on meanwhile."""
    from django.db import connections, transaction

    from zoomfeed.models import Event

    with transaction.atomic("stage"):
        if connections["stage"].vendor == "postgresql":
            connections["stage"].cursor().execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        return list(Event.objects.using("stage").values_list("body", "received_at", "transport")), state("stage")


def main(seed: int) -> None:
    from django.core.management import call_command

    settings.DATABASES["stage"] = env.database("STAGE_URL", "")
    django.setup()
    call_command("migrate", "-v0")
    log, stage = snapshot()
    fold_again(log, seed)
    again = state("default")
    differences = [
        [key, stage.get(key), again.get(key)] for key in stage.keys() | again.keys() if stage.get(key) != again.get(key)
    ]
    print(json.dumps(differences))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    main(int(sys.argv[1]))
