import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from zoomfeed.retention import Policy, Pruned, foresee, prune


class Command(BaseCommand):
    help = (
        "Let go of what is older than the KEEP_ settings say, beside a running feed. May be stopped at any time, and"
        " goes on where it was. Exits with 75 when the database is away."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say what would go, and change nothing")

    def handle(self, *_args: Any, **options: Any) -> None:
        self.verbosity = options["verbosity"]
        policy, now = Policy.of_settings(), timezone.now()
        if policy == Policy():
            self.stdout.write("Everything is kept for ever. The KEEP_ settings say otherwise when they are set.")
            return
        try:
            done = foresee(policy, now) if options["dry_run"] else prune(policy, now, self._tell)
        except (OperationalError, InterfaceError) as error:
            self.stderr.write(f"The database is away ({type(error).__name__}). What is done is done; run it again.")
            sys.exit(os.EX_TEMPFAIL)
        self._say(done, "would go" if options["dry_run"] else "went", "would lose" if options["dry_run"] else "lost")
        if not options["dry_run"]:
            self.stdout.write(f"The feed waited for {done.longest_s * 1000:.0f} ms at most.")

    def _tell(self, what: str, count: int) -> None:
        if self.verbosity > 1:
            self.stdout.write(f"{count} {what}")

    def _say(self, done: Pruned, went: str, lost: str) -> None:
        for kind, count in done.anonymous.items():
            self.stdout.write(f"{count} {kind} {lost} their personal data")
        for name, count in done.events.items():
            self.stdout.write(f"{count} events {name} {went}")
        for what, count in (("rejected frames", done.frames), ("meetings", done.meetings)):
            if count:
                self.stdout.write(f"{count} {what} {went}")
        if not (done.events or done.anonymous or done.frames or done.meetings):
            self.stdout.write("Nothing is older than it may be.")
