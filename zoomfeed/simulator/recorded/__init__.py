"""Two sequences that the real Zoom sent, in the order in which they arrived.

K1 is a room recorded from the middle: no `started`, people already inside, breakout moves told only as a leave and a
join, the `ended` last but stamped before the last leave. K3 is a whole meeting of ten seconds.

Origin: the recording of April 2026 in the public repository dlwhsk0/Zoom-Live-Participants (commit f7d1ce7,
apps/api/test/fixtures/webhook-events.ndjson), whose author replaced names and ids; addresses were replaced once more
by ones for documentation. The bodies are data, no program code was taken. A line holds the recorder's clock and the
body; the white space of the bodies is not the original one.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from zoomfeed.simulator.script import Dispatch
from zoomfeed.simulator.server import encode

NAMES = ("K1", "K3")


def sequence(name: str) -> list[Dispatch]:
    """A sequence by its name, one of `NAMES`."""
    return list(_read(Path(__file__).with_name(f"{name}.jsonl")))


def _read(path: Path) -> Iterator[Dispatch]:
    for line in path.read_text(encoding="utf-8").splitlines():
        arrival = json.loads(line)
        received_at = datetime.fromisoformat(arrival["received_at"])
        yield Dispatch(round(received_at.timestamp() * 1000), encode(arrival["body"]))
