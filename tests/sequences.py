"""The two recorded sequences, in order of arrival, and every single body that we have."""

import json
import re
from pathlib import Path

BODIES = Path(__file__).parent / "bodies"


def all_bodies() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(BODIES.glob("*.json"))}


def sequence(name: str) -> list[bytes]:
    """K1: a room recorded from the middle, with breakout moves. K3: a complete meeting of ten seconds."""
    section = (BODIES / "SOURCES.md").read_text().split(f"### Sequence {name}")[1].split("###")[0].split("## All")[0]
    files = re.findall(r"\| (\S+\.json) \|", section)
    return [json.dumps(json.loads((BODIES / file).read_bytes())).encode() for file in files]
