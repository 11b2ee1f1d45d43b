"""How long a page of the log takes, filter by filter: the database's part, and the whole answer.

    python -m benchmarks.log 1m=sqlite:////path 5m=sqlite:////other 1m=postgres://… 5m=postgres://…

Each database has been filled before (DATABASE_URL=… script/fill 5000000). Prints a table for each kind of database;
a number is the quickest of a few warm requests, in ms. Runs itself once for each database.
"""

# ruff: noqa: PLC0415 - Django is set up for one database in each process

import json
import os
import subprocess
import sys
import time
from urllib.parse import quote, urlencode

TRIES = 4
PLACES = ("first", "middle", "last")


def main() -> None:
    if len(sys.argv) == 3 and sys.argv[1] == "--one":
        print(json.dumps(measure()))
        return
    found: dict[str, dict[str, dict[str, list[float]]]] = {}
    for argument in sys.argv[1:]:
        size, _, url = argument.partition("=")
        environment = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"}
        answer = subprocess.run(
            [sys.executable, "-m", "benchmarks.log", "--one", size], env=environment, stdout=subprocess.PIPE, check=True
        )
        vendor = "PostgreSQL" if url.startswith("postgres") else "SQLite"
        found.setdefault(vendor, {})[size] = json.loads(answer.stdout.splitlines()[-1])
    for vendor, sizes in found.items():
        table(vendor, sizes)


def table(vendor: str, sizes: dict[str, dict[str, list[float]]]) -> None:
    names = list(sizes)
    print(f"\n{vendor}: database time, whole time (ms) of the first, a middle and the last page\n")
    print(f"| filter | {' | '.join(names)} | growth |\n| --- |{' --- |' * len(names)} --: |")
    for filter_name in sizes[names[0]]:
        rows = [sizes[name][filter_name] for name in names]
        cells = [", ".join(f"{row[at]:.0f}/{row[at + 1]:.0f}" for at in range(0, len(row), 2)) for row in rows]
        slowest = [max(row[::2]) for row in rows]
        print(f"| {filter_name} | {' | '.join(cells)} | {slowest[-1] / max(slowest[0], 0.5):.1f} |")


def measure() -> dict[str, list[float]]:
    import django

    django.setup()
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.test import Client

    settings.ALLOWED_HOSTS = ["testserver"]
    settings.SECURE_SSL_REDIRECT = settings.SESSION_COOKIE_SECURE = False
    user, _ = User.objects.get_or_create(username="benchmark", is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(user)
    found = {}
    for name, query in questions().items():
        for label, address in (("", "/events/"), ("admin: ", "/admin/zoomfeed/event/")):
            if label and name not in ("everything", "one type", "topic, common", "name, rare, in a week"):
                continue
            found[label + name] = [part for place in PLACES for part in timed(client, address, query, place)]
    return found


def questions() -> dict[str, str]:
    """Filters by what they are called. What they look for is taken from the middle of the log."""
    from zoomfeed.models import Event

    ends = Event.objects.order_by("pk").first(), Event.objects.order_by("-pk").first()
    middle = (ends[0].pk + ends[1].pk) // 2
    sample = Event.objects.filter(pk__gte=middle).exclude(participant_name="").exclude(host_id="").order_by("pk")[0]
    since = sample.received_at.strftime("%Y-%m-%dT%H:00:00Z")
    week = {"since": since, "until": sample.received_at.replace(day=28).strftime("%Y-%m-%dT%H:%M:%SZ")}
    people = [("name", f"meeting.participant_{change}") for change in ("joined", "left", "admitted", "role_changed")]
    return {
        "everything": "",
        "one type": "name=meeting.started",
        "a type that never occurs": "name=meeting.risk_alert",
        "four types": urlencode(people),
        "two rare types": "name=recording.completed&name=user.deleted",
        "without three types": urlencode([("not_name", name) for _, name in people[:3]]),
        "one hour": urlencode({"since": since, "until": since.replace(":00:00Z", ":59:59Z")}),
        "some weeks": urlencode(week),
        "last 7 days": "period=week",
        "one meeting": urlencode({"meeting": sample.meeting_uuid}),
        "one number": urlencode({"meeting": sample.meeting_number}),
        "topic, common": f"meeting={quote(sample.topic[:5])}",
        "name, rare": urlencode({"person": "Abernathy"}),
        "name, no hit": "person=nobodyatall",
        "two letters": "person=%E5%B0%8F%E9%BE%8D",
        "search": "q=board",
        "name and type": urlencode([("person", "Okonkwo"), ("name", "meeting.participant_left")]),
        "name, rare, in a week": urlencode({"person": "Abernathy", **week}),
        "one host": urlencode({"host": sample.host_id}),
        "an account that is not there": "account=none",
        "by webhook": "transport=webhook",
        "by REST (none)": "transport=rest",
        "late by a minute": "late=60",
        "late by a day (none)": "late=86400",
        "names nobody": "personal=no",
        "late, by type, without a person": "late=60&name=meeting.participant_joined&not_person=Nobody",
    }


def timed(client, address: str, query: str, place: str) -> tuple[float, float]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from zoomfeed.models import Event

    where = {"first": "", "last": "oldest=1", "middle": f"before={Event.objects.order_by('-pk')[0].pk // 2}"}[place]
    path = f"{address}?{'&'.join(filter(None, (query, where)))}"
    database, whole = [], []
    for _ in range(TRIES):
        started = time.perf_counter()
        answer = client.get(path)
        whole.append((time.perf_counter() - started) * 1000)
        assert answer.status_code == 200, (path, answer.status_code)
    for _ in range(TRIES):
        with CaptureQueriesContext(connection) as asked:
            client.get(path)
        database.append(sum(float(one["time"]) for one in asked.captured_queries) * 1000)
    return min(database), min(whole)


if __name__ == "__main__":
    main()
