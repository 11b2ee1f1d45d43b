"""The one filter of the log: the stored view and its live tail use it, so that they cannot disagree."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import QuerySet

from zoomfeed.catalogue import EVENT_NAMES
from zoomfeed.models import Event

PERIODS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}


class EventFilter(forms.Form):
    """What a query string asks of the log. An empty form asks for everything."""

    q = forms.CharField(
        label="Search",
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Meeting, person, e-mail or ID"}),
    )
    name = forms.ChoiceField(
        label="Event type",
        required=False,
        choices=[("", "All event types"), *((name, name) for name in EVENT_NAMES)],
    )
    period = forms.ChoiceField(
        label="Period",
        required=False,
        choices=[("", "All time"), ("hour", "Last hour"), ("day", "Last 24 hours"), ("week", "Last 7 days")],
    )
    meeting = forms.CharField(required=False, max_length=128, widget=forms.HiddenInput)

    def queryset(self, now: datetime) -> QuerySet[Event]:
        """The events that pass; none when the query string makes no sense, which the form's errors explain."""
        events: QuerySet[Event] = Event.objects.all()
        if not self.is_valid():
            return events.none()
        asked = self.cleaned_data
        if asked["name"]:
            events = events.filter(name=asked["name"])
        if asked["meeting"]:
            events = events.filter(meeting_uuid=asked["meeting"])
        if asked["period"]:
            events = events.filter(received_at__gte=now - PERIODS[asked["period"]])
        if asked["q"]:
            events = events.filter(Event.matching(asked["q"]))
        return events

    def canonical(self) -> str:
        """The query string that asks the same, and is the same however it was asked."""
        if not self.is_valid():
            return ""
        asked: dict[str, Any] = self.cleaned_data
        return urlencode(sorted((name, value) for name, value in asked.items() if value))
