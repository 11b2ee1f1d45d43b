"""The status page: nothing of it waits for an event, so all of it comes by the clock."""

from django.template.loader import render_to_string

from dashboard.fragments.items import Changes
from dashboard.status import overview
from zoomfeed.viewer import Viewer

PARTS = ("verdict", "parts", "gap_rows", "rejected_rows", "poisoned_rows")
"""Items of the page. Each is the partial status/_<name>.html, one element with that id."""


def changes(_viewer: Viewer, _about: str, _since: int) -> Changes:
    return Changes()


def by_the_clock(viewer: Viewer, _about: str) -> dict[str, str]:
    context = {"overview": overview(viewer)}
    return {name: render_to_string(f"status/_{name}.html", context) for name in PARTS}
