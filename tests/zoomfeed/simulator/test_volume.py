"""A made-up log is what `record` would have written of the same bodies."""

from datetime import UTC, datetime

import pytest
from django.http import QueryDict

from zoomfeed import log_hours
from zoomfeed.filters import EventFilter
from zoomfeed.models import Event, Head, LogHour
from zoomfeed.record import COLUMNS, Incoming, read, values
from zoomfeed.simulator import volume

UNTIL = datetime(2026, 4, 3, 12, tzinfo=UTC)


@pytest.mark.django_db(transaction=True)
def test_rows_are_those_that_record_would_write():
    done = volume.fill(3000, UNTIL, meetings=6, progress=lambda _: None)

    assert done == Event.objects.count() == 3000
    days = {event.received_at.date() for event in Event.objects.only("received_at")}
    assert len(days) > 3
    for event in Event.objects.order_by("?")[:300]:
        one, reason = read(Incoming(bytes(event.body), event.received_at, event.transport))
        assert one is not None, reason
        stored = [getattr(event, name) for name in COLUMNS]
        stored = [bytes(value) if isinstance(value, memoryview) else value for value in stored]
        assert stored == list(values(one, event.revision))
    assert Head.objects.get().revision == Event.objects.order_by("-pk")[0].revision
    assert sum(LogHour.objects.values_list("events", flat=True)) == 3000
    first, last = log_hours.span(datetime(2020, 1, 1, tzinfo=UTC), UNTIL)
    assert first <= last

    topic = Event.objects.exclude(topic="").order_by("?")[0].topic
    found = EventFilter(QueryDict(f"meeting={topic[:4]}")).queryset(UNTIL)
    assert set(found) == {event for event in Event.objects.all() if topic[:4].casefold() in event.topic.casefold()}


@pytest.mark.django_db(transaction=True)
def test_a_log_in_use_is_added_to():
    for seed in (1, 2):
        volume.fill(200, UNTIL, seed=seed, meetings=2, progress=lambda _: None)

    assert Event.objects.count() == 400
