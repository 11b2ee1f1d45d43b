"""What the rows can be asked, and that asking costs as much as there is to find."""

from datetime import UTC, datetime

import pytest
from django.db import connection

from zoomfeed.models import Meeting

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 4, 3, 17, tzinfo=UTC)


@pytest.fixture
def many():
    """Runs that are over, in such numbers that a database thinks of its indexes."""
    over = [Meeting(uuid=f"over-{number}", seen_at=NOW, ended_at=NOW) for number in range(2000)]
    Meeting.objects.bulk_create([*over, Meeting(uuid="live", seen_at=NOW)])
    if connection.vendor == "postgresql":
        connection.cursor().execute("ANALYZE zoomfeed_meeting")


def test_live_are_those_that_did_not_end_or_were_joined_after_it():
    Meeting.objects.create(uuid="a")
    Meeting.objects.create(uuid="b", ended_at=NOW, present=1)
    Meeting.objects.create(uuid="c", ended_at=NOW)

    assert {meeting.uuid for meeting in Meeting.objects.live()} == {"a", "b"}
    assert {meeting.uuid for meeting in Meeting.objects.ended()} == {"c"}


def test_the_live_ones_are_found_without_a_look_at_the_others(many):
    assert "meeting_live" in Meeting.objects.live().explain()
    assert "meeting_live" in Meeting.objects.filter(pk__in=Meeting.objects.live()).explain()
