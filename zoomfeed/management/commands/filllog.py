"""A log of any size, to measure and to try things on. Never in a database that is used in earnest."""

import time
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from zoomfeed.models import Feed
from zoomfeed.simulator import volume


class Command(BaseCommand):
    help = "Fill the log with the events of realistic days that end today. Only where no feed has ever run."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("events", type=int, help="how many")
        parser.add_argument("--seed", type=int, default=1, help="another gives other people (1)")
        parser.add_argument("--meetings", type=int, default=400, help="a day (400, of about 30,000 events)")

    def handle(self, *_args: Any, events: int, seed: int, meetings: int, **_options: Any) -> None:
        if Feed.objects.filter(simulated=False).exists():
            raise CommandError("This database belongs to a real feed: nothing is made up in it.")
        started = time.monotonic()

        def progress(done: int) -> None:
            self.stdout.write(f"\r{done:,} of {events:,} events", ending="")

        done = volume.fill(events, datetime.now(UTC), seed=seed, meetings=meetings, progress=progress)
        taken_s = time.monotonic() - started
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        self.stdout.write(f"\r{done:,} events in {taken_s:.0f} s, {done / taken_s:,.0f} a second.")
