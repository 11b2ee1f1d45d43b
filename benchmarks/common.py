"""What the benchmarks share: where processes run, how results are shown."""

import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "benchmarks"
MEASURED, AROUND = {0}, {min(1, (os.cpu_count() or 1) - 1)}
"""What is measured has the first processor to itself; whatever feeds it and counts has the second."""


def start(arguments: list[str], environment: Mapping[str, str], **options: object) -> subprocess.Popen[bytes]:
    """A process on the measured processor."""
    process = subprocess.Popen(arguments, cwd=ROOT, env=dict(environment), **options)  # type: ignore[call-overload]
    os.sched_setaffinity(process.pid, MEASURED)
    return process


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


def environment(**more: str) -> dict[str, str]:
    """Nothing of the machine's own but what a process needs to start."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    ours = {
        "ENV_FILE": os.devnull,
        "SECRET_KEY": "of-the-benchmarks-" * 4,
        "DJANGO_SETTINGS_MODULE": "dashboard.settings",
        "ROLLCALL_MOST_PAGES": "100000",
        "ROLLCALL_MOST_PAGES_PER_USER": "100000",
    }
    return kept | ours | more


def interleaved(repeats: int, runs: Mapping[str, Callable[[], dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Medians of every figure of every alternative, measured in turns so that the machine's moods hit all alike."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in runs}
    for number in range(repeats):
        for name, run in runs.items():
            found[name].append(run())
            print(f"  {number + 1}/{repeats} {name}: {found[name][-1]}", file=sys.stderr, flush=True)
    return {
        name: {figure: statistics.median(one[figure] for one in measured) for figure in measured[0]}
        for name, measured in found.items()
    }


def table(head: list[str], rows: list[list[str]]) -> None:
    print(f"| {' | '.join(head)} |\n|{'|'.join(' --- ' if not at else ' --: ' for at in range(len(head)))}|")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    print(flush=True)
