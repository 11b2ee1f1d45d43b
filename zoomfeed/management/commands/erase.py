import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError

from zoomfeed.erasure import erase, foresee
from zoomfeed.management.commands.report import add_person, asked, say_identity
from zoomfeed.person import waiting_files


class Command(BaseCommand):
    help = (
        "Erase one person from everything that is in the database now. What Zoom sends of them later is recorded again."
        " Exits with 1 when nothing was confirmed, with 75 when it has to be run again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_person(parser)
        parser.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument("--reason", default="", help="a case number for the record of the act; no name")

    def handle(self, *_args: Any, **options: Any) -> None:
        identity = asked(options)
        if identity.needles.occur_in(options["reason"]):
            raise CommandError("--reason names the person. The record of the act must not: give a case number.")
        say_identity(self.stdout, identity)
        try:
            rows = foresee(identity)
            self._say(rows, "would change" if options["dry_run"] else "will change")
            if options["dry_run"]:
                return
            if not options["yes"] and input("Type ERASE to go on; it cannot be undone: ") != "ERASE":
                self.stderr.write("Nothing was changed.")
                sys.exit(1)
            act = erase(identity, reason=options["reason"])
        except (OperationalError, InterfaceError) as error:
            self.stderr.write(f"The database is away ({type(error).__name__}). Run it again: it is not done.")
            sys.exit(os.EX_TEMPFAIL)
        self._say(act.rows, "were changed")
        self._say_of_the_spool()

    def _say(self, rows: dict[str, int], what: str) -> None:
        said = ", ".join(f"{count} {kind}" for kind, count in rows.items())
        self.stdout.write(f"{said} {what}." if said else "Nothing about this person is in the database.")

    def _say_of_the_spool(self) -> None:
        if files := waiting_files():
            self.stderr.write(
                f"{len(files)} files of events wait in SPOOL_DIR, and nobody looked into them: run this again when the"
                " feed has entered them. Those that end in .damaged never will be: look at them, and delete them."
            )
            sys.exit(os.EX_TEMPFAIL)
