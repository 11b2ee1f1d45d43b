import asyncio
import json
import os
import signal
import sys
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from zoomfeed.checkup import Outcome, Patience, Step, examine, exit_code
from zoomfeed.checkup.steps import Tell

MOST_WAIT_S = 600.0
MARKS = {Outcome.OK: "[ ok ]", Outcome.WARNING: "[warn]", Outcome.FAILED: "[FAIL]", Outcome.SKIPPED: "[skip]"}


class Command(BaseCommand):
    help = (
        "Check the way to Zoom step by step, and say what to do. Exits with 78 when a person must act, 75 for weather."
    )
    requires_system_checks = ()  # a missing setting is one of the findings

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output, and nothing else")
        parser.add_argument(
            "--take-over",
            action="store_true",
            help="use the socket even if a feed holds it; the feed stands by and connects again afterwards",
        )
        parser.add_argument("--wait", type=_seconds, default=30.0, help="seconds to wait for the first event (30)")

    def handle(self, *_args: Any, **options: Any) -> None:
        patience = Patience(wait_s=options["wait"], take_over=options["take_over"])
        try:
            steps = asyncio.run(_examine(patience, _say_nothing if options["json"] else self._say))
        except (KeyboardInterrupt, asyncio.CancelledError):
            sys.exit(128 + signal.SIGINT)
        code = exit_code(steps)
        if options["json"]:
            self.stdout.write(json.dumps({"ok": code == os.EX_OK, "steps": [asdict(step) for step in steps]}))
        sys.exit(code)

    def _say(self, step: Step) -> None:
        paint = {Outcome.OK: self.style.SUCCESS, Outcome.WARNING: self.style.WARNING, Outcome.FAILED: self.style.ERROR}
        mark = paint.get(step.outcome, str)(MARKS[step.outcome])
        self.stdout.write(f"{mark} {step.name}: {_printable(step.found)}")
        if step.advice:
            self.stdout.write(f"       -> {_printable(step.advice)}")
        self.stdout.flush()


async def _examine(patience: Patience, tell: Tell) -> list[Step]:
    """Told to end, it gives the lease back first."""
    task = asyncio.current_task()
    assert task
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await examine(patience, tell)


def _say_nothing(_: Step) -> None:
    """JSON comes whole, at the end."""


def _printable(text: str) -> str:
    """Zoom's words may hold what a terminal would obey."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if 0 <= number <= MOST_WAIT_S:
        return number
    raise ArgumentTypeError(f"{text!r} is no number of seconds from 0 to {MOST_WAIT_S:g}")
