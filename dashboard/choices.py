"""What is chosen in the log's filter, in words, each with the address without it; and who is meant by a host's name."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Q

from dashboard.entries import words_of
from dashboard.words import number
from zoomfeed.filters import EventFilter
from zoomfeed.models import Meeting, ZoomUser
from zoomfeed.veil import letters
from zoomfeed.viewer import Viewer

MOST_HOSTS = 20
SAID_BY_ITSELF = ("q", "period")
"""What the page shows in its first row anyway."""


@dataclass(frozen=True, slots=True)
class Applied:
    """One part of a filter. `instant` is set for a time, which the page writes in the reader's zone."""

    label: str
    value: str
    without: str
    instant: str = ""


def applied(form: EventFilter) -> list[Applied]:
    if not form.is_valid():
        return []
    pairs = form.pairs()
    names = _host_names(form.viewer, {value for name, value in pairs if name in ("host", "not_host")})
    found = []
    for name, value in pairs:
        if name in SAID_BY_ITSELF:
            continue
        without = urlencode([pair for pair in pairs if pair != (name, value)])
        is_time = name in ("since", "until")
        found.append(Applied(str(form.fields[name].label), _words(name, value, names, form), without, value * is_time))
    return found


def _words(name: str, value: str, names: dict[str, str], form: EventFilter) -> str:
    match name.removeprefix("not_"):
        case "name":
            said = f"{value.partition('.')[0].capitalize()}: {words_of(value)}"
        case "host":
            said = names.get(value, value)
        case "meeting":
            said = number(value)
        case "late":
            said = f"{value} s"
        case "transport" | "repaired" | "personal":
            said = str(dict(form.fields[name].choices)[value])  # type: ignore[attr-defined]
        case _:
            said = value
    return said


def find_hosts(viewer: Viewer, text: str) -> list[str]:
    """Zoom user ids of those who are called so or have this address, as far as the log has told.

    Whoever may not see names finds nobody by one.
    """
    if not viewer.names:
        return []
    users = ZoomUser.objects.filter(Q(email__icontains=text) | Q(name__icontains=text) | Q(zoom_id=text))
    found = list(users.values_list("zoom_id", flat=True)[:MOST_HOSTS])
    hosts = Meeting.objects.filter(Q(host_name__icontains=text) | Q(host_id=text)).exclude(host_id="")
    return sorted({*found, *hosts.order_by().values_list("host_id", flat=True).distinct()[:MOST_HOSTS]})


def _host_names(viewer: Viewer, ids: set[str]) -> dict[str, str]:
    if not ids:
        return {}
    seen = str if viewer.names else letters
    found = Meeting.objects.filter(host_id__in=ids).exclude(host_name="").order_by().values_list("host_id", "host_name")
    users = ZoomUser.objects.filter(zoom_id__in=ids).values_list("zoom_id", "name", "email")
    known = dict(found.distinct()[: 2 * MOST_HOSTS])
    known |= {pk: name or email for pk, name, email in users if name or email}
    return {pk: seen(name) for pk, name in known.items()}
