"""The log's export for scripts: the filter as the page's address spells it."""

import getpass
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.http import QueryDict
from django.utils import timezone

from dashboard import export
from zoomfeed import acts
from zoomfeed.filters import EventFilter
from zoomfeed.models import Deed
from zoomfeed.viewer import Right, Viewer

SAY_EVERY = 10_000


class Command(BaseCommand):
    help = (
        "Write the events that pass a filter to a file, without passcodes and tokens:"
        " manage.py export 'period=day&name=meeting.ended' --format csv"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("filter", nargs="?", default="", help="the query string of /events/; all events if none")
        parser.add_argument("--format", choices=export.KINDS, default="csv")
        parser.add_argument("--without-names", action="store_true", help="initials instead of people")
        parser.add_argument("--output", help="the file, or - for the standard output; named after the filter if none")

    def handle(self, *_args: Any, **options: Any) -> None:
        viewer = Viewer(frozenset(Right) - ({Right.NAMES} if options["without_names"] else set()))
        form, now = EventFilter(QueryDict(options["filter"].removeprefix("?")), viewer), timezone.now()
        if not form.is_valid():
            raise CommandError("; ".join(f"{name}: {' '.join(map(str, said))}" for name, said in form.errors.items()))
        self.done = 0
        kind, path = options["format"], options["output"]
        asked = form.asked(now)
        acts.note(getpass.getuser(), Deed.EXPORTED, f"events as {kind}: {form.canonical() or 'all'}")
        if path == "-":
            if kind == "xlsx":
                raise CommandError("A workbook goes to a file: name it with --output.")
            sys.stdout.writelines(export.texts(kind, viewer, asked, self.count))
            return
        target = Path(path or f"{export.name_of(form, now)}.{kind}")
        with target.open("wb") as file:
            if kind == "xlsx":
                export.write_xlsx(file, viewer, asked, self.count)
            else:
                file.writelines(
                    text.encode("utf-8", "replace") for text in export.texts(kind, viewer, asked, self.count)
                )
        self.stderr.write(f"{self.done:,} events in {target}")

    def count(self) -> None:
        self.done += 1
        if self.done % SAY_EVERY == 0:
            self.stderr.write(f"\r{self.done:,} events", ending="")
