"""How long the history takes in a large organisation: 90 days of 3,000 meetings and 30,000 legs, on one database.

`python -m benchmarks.history` uses SQLite in a folder of its own, `python -m tests.with_postgres python -m
benchmarks.history` PostgreSQL. Legs are made for the last two days only: nothing else reads them.
"""

import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

FOLDER = tempfile.mkdtemp(prefix="rollcall-history-")
os.environ |= {"ENV_FILE": os.devnull, "SECRET_KEY": "of-the-benchmarks-" * 4, "ALLOWED_HOSTS": "testserver,localhost"}
os.environ |= {"DJANGO_SETTINGS_MODULE": "dashboard.settings", "SPOOL_DIR": FOLDER, "SITE_HTTPS": "false"}
os.environ.setdefault("DATABASE_URL", f"sqlite:///{Path(FOLDER) / 'rollcall.sqlite3'}")

import django  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402

from benchmarks.common import table  # noqa: E402
from dashboard import history as histories  # noqa: E402
from zoomfeed import bulk, counting, hours  # noqa: E402
from zoomfeed.models import Feed, Head, Hour, Leg, Meeting  # noqa: E402

DAYS, MEETINGS, LEGS, HOSTS, REPEATS = 90, 3000, 10, 1500, 5


def begin_of(chance: random.Random, day: datetime) -> datetime:
    """Most meetings are in office hours."""
    return day + timedelta(seconds=min(max(chance.gauss(12.5, 2.5), 0), 23.99) * 3600)


def fill(now: datetime) -> None:
    chance = random.Random(1)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    columns = [field.attname for field in Meeting._meta.concrete_fields if not field.primary_key]
    blank = Meeting()
    for age in range(DAYS, -1, -1):
        day, rows = today - timedelta(days=age), []
        for number in range(MEETINGS):
            begin, length_s, host = begin_of(chance, day), chance.randint(300, 6000), chance.randrange(HOSTS)
            if begin > now:
                continue
            ended_at = begin + timedelta(seconds=length_s)
            is_over = ended_at < now
            people = min(1 + int(chance.expovariate(1 / 6)), 300)
            meeting = {
                "uuid": f"{age}-{number}", "number": str(8 * 10**10 + chance.randrange(4000)),
                "topic": f"Meeting {host} {number}", "host_id": f"host-{host}",
                "host_name": f"Host {host}", "host_email": f"host{host}@example.org",
                "started_at": begin, "seen_at": begin, "ended_at": ended_at if is_over else None, "people": people,
                "peak": people, "present": 0 if is_over else people, "length_s": length_s if is_over else None,
                "minutes": people * length_s // 90, "revision": 1,
            }  # fmt: skip
            rows.append([meeting.get(name, getattr(blank, name)) for name in columns])
        with transaction.atomic():
            bulk.insert(Meeting, columns, rows)
    fill_legs(chance, now)
    with transaction.atomic():
        Head.objects.get_or_create(pk=1, defaults={"revision": 1})
        head = Head.objects.get()
        hours.begin(head, 1, now)
    rest = Hour.objects.filter(start__lt=now - timedelta(hours=40))
    rest.update(people=500, meetings=200, person_s=10**6, meeting_s=10**5, began=120, ran=300, counted=1)


def fill_legs(chance: random.Random, now: datetime) -> None:
    columns = [field.attname for field in Leg._meta.concrete_fields if not field.primary_key]
    blank, rows = Leg(), []
    for meeting in Meeting.objects.filter(started_at__gt=now - timedelta(days=2)):
        length_s = meeting.length_s or (now - meeting.started_at).total_seconds()
        for number in range(LEGS):
            joined_at = meeting.started_at + timedelta(seconds=chance.random() * length_s * 0.5)
            leg = {
                "meeting_id": meeting.pk, "user_id": str(number), "place": "meeting", "participant_uuid": f"P{number}",
                "name": f"Person {number}", "seen_at": joined_at, "joined_at": joined_at, "revision": 1,
                "left_at": joined_at + timedelta(seconds=length_s * 0.4) if meeting.length_s else None,
            }  # fmt: skip
            rows.append([leg.get(name, getattr(blank, name)) for name in columns])
    with transaction.atomic():
        bulk.insert(Leg, columns, rows)


def spent_s() -> float:
    """Processor time of this process and of the database's that serves it: what else runs here does not count."""
    if connection.vendor != "postgresql":
        return time.process_time()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    times = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return time.process_time() + (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")


def timed(call: Callable[[], None], repeats: int = REPEATS) -> tuple[float, float]:
    """In ms: the processor time of a call on average, and the shortest that one took."""
    before, took = spent_s(), []
    for _ in range(repeats):
        began = time.perf_counter()
        call()
        took.append(time.perf_counter() - began)
    return (spent_s() - before) / repeats * 1000, min(took) * 1000


def main() -> None:
    call_command("migrate", verbosity=0)
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    now = timezone.now().replace(hour=12, minute=40)
    fill(now)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    feed = Feed.objects.create(key="bench", fence=1)
    steps = []
    while True:
        began = spent_s()
        if not counting.step((feed.pk, 1), now):
            break
        steps.append((spent_s() - began) * 1000)
    client = Client()
    client.force_login(User.objects.create_superuser("bench"))
    timezone.now = lambda: now  # type: ignore[assignment]

    def ask(query: str) -> Callable[[], None]:
        def call() -> None:
            answer = client.get(f"/history/?{query}", headers={"host": "localhost"})
            assert answer.status_code == 200
            answer.content  # noqa: B018

        return call

    today = now.date()
    ninety = f"since={today - timedelta(days=89)}&until={today}"
    middle = f"{int((now - timedelta(days=45)).timestamp()) * 10**6}-1"
    rows = []
    for name, query in {
        "7 days": "",
        "90 days": ninety,
        "90 days, a page from the middle": f"{ninety}&after={middle}",
        "90 days, most people first": f"{ninety}&sort=people",
        "90 days, longest first": f"{ninety}&sort=length",
        "7 days, most people first": "sort=people",
        "90 days, one host": f"{ninety}&host=host77@",
        "90 days, a number": f"{ninety}&number=80000001234",
        "90 days, a topic that nobody has": f"{ninety}&topic=nobody+has+this",
        "366 days": f"since={today - timedelta(days=365)}&until={today}",
    }.items():
        for kept in (histories._kept, histories._kept_hosts):  # noqa: SLF001
            kept.clear()  # as in a process that has just begun
        first_ms, _ = timed(ask(query), repeats=1)
        ms, least_ms = timed(ask(query))
        rows.append([name, f"{first_ms:.0f}", f"{ms:.0f}", f"{least_ms:.0f}"])
    print(f"{connection.vendor}: {Meeting.objects.count()} meetings, {Leg.objects.count()} legs\n")
    table(["page", "the first, processor ms", "further ones, processor ms", "the quickest, ms"], rows)
    print(f"Counting an hour: median {statistics.median(steps):.0f} ms, at most {max(steps):.0f} ms of {len(steps)}")


if __name__ == "__main__":
    main()
