"""What is held about one person, for whoever has a right to know: every row that an erasure would change."""

from collections.abc import Iterable
from typing import Any

from django.db import models

from zoomfeed.erasure import Found, find
from zoomfeed.models import Event
from zoomfeed.person import Identity, legs_of, waiting_files

OURS = {"stamps", "digest", "mask", "revision", "sealed", "anonymous", "duplicates", "also_by", "fold_error", "raw"}
"""Columns that are about our keeping, not about anybody."""


def held(identity: Identity) -> dict[str, Any]:
    """Rows by what they are; bodies as they came. Made of plain values, for JSON."""
    found = find(identity)
    return {
        "known by": {
            "addresses": sorted(identity.emails),
            "Zoom ids": sorted(identity.ids),
            "names": sorted(identity.names),
            "names that others carry, too": sorted(identity.shared),
            "telephones": sorted(identity.phones),
        },
        "rows": {kind: rows for kind, rows in _rows(found, identity).items() if rows},
        "not looked into": [f"{name} in SPOOL_DIR: events that wait to be entered" for name in waiting_files()],
    }


def _rows(found: Found, identity: Identity) -> dict[str, list[dict[str, Any]]]:
    return {"connections": _plain(legs_of(identity))} | {kind: _plain(rows) for kind, rows in found.items()}


def _plain(rows: Iterable[models.Model]) -> list[dict[str, Any]]:
    return [_row(row) for row in rows]


def _row(row: models.Model) -> dict[str, Any]:
    values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    told = {name: value for name, value in values.items() if name not in OURS}
    if isinstance(row, Event):
        told["body"] = bytes(row.body).decode("utf-8", "replace")
    return told
