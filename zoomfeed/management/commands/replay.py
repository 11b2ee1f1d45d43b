import os
import sys
import time
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.db import InterfaceError, OperationalError

from zoomfeed.replay import Replayed, Step, replay

SAY_EVERY_S = 1.0


class Command(BaseCommand):
    help = (
        "Rebuild meetings, people, plans and recordings from the event log, beside a running feed. May be stopped at"
        " any time, and goes on where it was. Exits with 1 when something could not be rebuilt, with 75 when the"
        " database is away."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--anew", action="store_true", help="begin anew, though an earlier replay was interrupted")

    def handle(self, **options: Any) -> None:
        self.began_at = self.said_at = self.stage_at = time.monotonic()
        self.stage = ""
        try:
            done = replay(self.say, anew=options["anew"])
        except KeyboardInterrupt:
            self.stderr.write("\nStopped. Run it again, and it goes on here.")
            sys.exit(130)
        except (OperationalError, InterfaceError) as error:
            self.stderr.write(f"\nThe database is away ({type(error).__name__}). Run it again, and it goes on here.")
            sys.exit(os.EX_TEMPFAIL)
        self.conclude(done)

    def say(self, step: Step) -> None:
        """How far it is, how fast events were read since it began, and how long the stage takes as it goes."""
        now = time.monotonic()
        if step.stage != self.stage:
            self.stage, self.stage_at = step.stage, now
        if now - self.said_at < SAY_EVERY_S:
            return
        self.said_at = now
        rate = f"{step.events:,} events read, {step.events / (now - self.began_at):,.0f} a second"
        if step.total is None:
            self.line(f"{step.done:,} {step.stage}, {rate}")
            return
        left = timedelta(seconds=round((step.total - step.done) * (now - self.stage_at) / max(step.done, 1)))
        percent = 100 * step.done // max(step.total, 1)
        self.line(f"{percent:3} %  {step.done:,} of {step.total:,} {step.stage}, {rate}, {left} left")

    def line(self, text: str) -> None:
        """In the place of the one before."""
        self.stdout.write(f"\r{text:<110}", ending="")
        self.stdout.flush()

    def conclude(self, done: Replayed) -> None:
        took = timedelta(seconds=round(time.monotonic() - self.began_at))
        self.line("")
        self.stdout.write(f"\rReplayed {done.events:,} events in {took}: {done.rows:,} rows changed.")
        self.stdout.write(f"The feed waited for {done.longest_s * 1000:.0f} ms at most.")
        if done.failed:
            self.stderr.write(
                f"{len(done.failed)} could not be rebuilt and stay as they were; above are the reasons. They were: "
                + ", ".join(repr(key) for key in done.failed[:10])
            )
            sys.exit(1)
