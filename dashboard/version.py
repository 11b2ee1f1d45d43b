"""Which version of Rollcall this is: what the changelog says at its top."""

import re
from functools import cache

from django.conf import settings

UNKNOWN = "unknown"


@cache
def version() -> str:
    """Such as `1.2.0`, or `Unreleased` between two versions."""
    try:
        changes = (settings.BASE_DIR / "CHANGELOG.md").read_text(encoding="utf-8")
    except OSError:
        return UNKNOWN
    heading = re.search(r"^## \[?([\w.+-]{1,40})", changes, re.MULTILINE)
    return heading[1] if heading else UNKNOWN
