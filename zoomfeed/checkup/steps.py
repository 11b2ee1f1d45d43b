"""What one step of a checkup found, and what all of them come to. Values only: nothing is asked or printed here."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Step:
    """Sentences for people; none of them holds a token, a secret, or what an event says.

    `advice` is what to do, empty when there is nothing to do. `is_weather`: it failed, and time may mend it.
    """

    name: str
    tried: str
    found: str
    outcome: Outcome = Outcome.OK
    advice: str = ""
    is_weather: bool = False


Tell = Callable[[Step], None]
"""Takes each step as soon as it is known."""


def skipped(name: str, why: str, advice: str = "") -> Step:
    return Step(name, "nothing", why, Outcome.SKIPPED, advice)


def has_failed(steps: Sequence[Step]) -> bool:
    return any(step.outcome is Outcome.FAILED for step in steps)


def exit_code(steps: Sequence[Step]) -> int:
    """0 when nothing failed, 75 when all that failed is weather, 78 when a person must act (sysexits.h)."""
    if not has_failed(steps):
        return os.EX_OK
    only_weather = all(step.is_weather for step in steps if step.outcome is Outcome.FAILED)
    return os.EX_TEMPFAIL if only_weather else os.EX_CONFIG


def summary(steps: Sequence[Step]) -> Step:
    """What works, what does not, and the first thing to do: a failure that a person can mend goes before all else."""
    parts = [
        f"{label}: {', '.join(names)}"
        for label, outcome in (
            ("works", Outcome.OK),
            ("failed", Outcome.FAILED),
            ("to be looked at", Outcome.WARNING),
            ("not tried", Outcome.SKIPPED),
        )
        if (names := [step.name for step in steps if step.outcome is outcome])
    ]
    is_weather = exit_code(steps) == os.EX_TEMPFAIL
    return Step("summary", "all of the above", "; ".join(parts), _worst(steps), _first_thing_to_do(steps), is_weather)


def _worst(steps: Sequence[Step]) -> Outcome:
    outcomes = {step.outcome for step in steps}
    return next((one for one in (Outcome.FAILED, Outcome.WARNING) if one in outcomes), Outcome.OK)


def _first_thing_to_do(steps: Sequence[Step]) -> str:
    failed = [step for step in steps if step.outcome is Outcome.FAILED]
    urgent = [step for step in failed if not step.is_weather] or failed
    pending = urgent or [step for step in steps if step.outcome is Outcome.WARNING]
    return next((f"{step.name}: {step.advice}" for step in pending if step.advice), "")
