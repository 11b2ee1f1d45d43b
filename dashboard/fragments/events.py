"""What came into the log and passes the filter of a live tail."""

from django.db.models import Min
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils import timezone

from dashboard.entries import entries
from dashboard.fragments import items
from dashboard.fragments.items import Changes
from zoomfeed.filters import EventFilter
from zoomfeed.models import Event
from zoomfeed.search import Keys
from zoomfeed.viewer import Viewer


def changes(viewer: Viewer, about: str, since: int) -> Changes:
    form, found = EventFilter(QueryDict(about), viewer), Changes()
    news = Event.objects.changed_since(since)
    first = news.aggregate(first=Min("pk"))["first"]
    if first is None or not form.is_valid():
        return found
    asked = form.asked(timezone.now())
    for entry in entries(viewer, news.filter(asked.condition(Keys(first=first))), items.LOG_LENGTH):
        found.add.append(("events", entry.id, render_to_string("events/_row.html", {"entry": entry}), None))
    return found
