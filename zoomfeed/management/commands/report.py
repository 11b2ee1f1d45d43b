import getpass
import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from zoomfeed import acts
from zoomfeed.held import held
from zoomfeed.models import Deed
from zoomfeed.person import Identity, identify


class Command(BaseCommand):
    help = (
        "Tell all that is held about one person: as text, or with --json for handing over."
        " That it was asked for is kept in the audit trail."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_person(parser)
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output, and nothing else")

    def handle(self, *_args: Any, **options: Any) -> None:
        identity = asked(options)
        found = held(identity)
        acts.note(getpass.getuser(), Deed.REPORTED, "")
        if options["json"]:
            self.stdout.write(json.dumps(found, ensure_ascii=False, indent=2, default=str))
            return
        say_identity(self.stdout, identity)
        for kind, rows in found["rows"].items():
            self.stdout.write(f"\n{kind}: {len(rows)}")
            for row in rows:
                said = ", ".join(f"{name} {value}" for name, value in row.items() if value and name != "body")
                self.stdout.write(f"  {printable(said)}")
        for line in found["not looked into"]:
            self.stdout.write(f"\n{line}")


def add_person(parser: ArgumentParser) -> None:
    """The three ways to say who is meant."""
    parser.add_argument("--email", action="append", default=[], help="an e-mail address, in whatever case")
    parser.add_argument("--zoom-id", action="append", default=[], help="a Zoom user id")
    parser.add_argument("--name", action="append", default=[], help="a name exactly as it was used, in whatever case")


def asked(options: dict[str, Any]) -> Identity:
    if not any(text.strip() for text in (*options["email"], *options["zoom_id"], *options["name"])):
        raise CommandError("Say who is meant: --email, --zoom-id or --name.")
    return identify(emails=options["email"], ids=options["zoom_id"], names=options["name"])


def say_identity(out: Any, identity: Identity) -> None:
    """What somebody is known by, so that whoever asked can see whether it is the right one."""
    for what, values in (
        ("addresses", identity.emails),
        ("Zoom ids", identity.ids),
        ("names", identity.names),
        ("names that others carry, too, and that stay theirs", identity.shared),
    ):
        if values:
            out.write(f"{what}: {printable(', '.join(sorted(values)))}")


def printable(text: str) -> str:
    """Strangers' words may hold what a terminal would obey."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
