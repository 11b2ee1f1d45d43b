"""How much room the disks have on which this process keeps what Zoom sent."""

import shutil
from pathlib import Path

from django.conf import settings

LOW_BYTES = 500 * 2**20
LOW_SHARE = 0.05
"""A disk with less room than either of these deserves a look before it is full."""


def folders() -> list[Path]:
    """Where the spool is, and the database when it is a file of ours."""
    database = settings.DATABASES["default"]
    file = [Path(database["NAME"]).parent] if database["ENGINE"].endswith("sqlite3") else []
    return [Path(settings.SPOOL_DIR), *file]


def free_bytes() -> int:
    """On the fullest of these disks."""
    return min(shutil.disk_usage(_there(folder)).free for folder in folders())


def is_low() -> bool:
    usages = [shutil.disk_usage(_there(folder)) for folder in folders()]
    return any(usage.free < min(LOW_BYTES, usage.total * LOW_SHARE) for usage in usages)


def _there(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists: the spool makes its own when it is needed."""
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())
