"""The page of one event, and its body as HTML."""

import html
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.management import call_command
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.json_html import highlighted, pretty
from dashboard.roles import ADMINISTRATORS, OPERATORS
from tests.zoomfeed.test_record import event, incoming, join, leave
from zoomfeed.models import Act, Event, Meeting
from zoomfeed.record import Incoming, record

BODIES = Path(__file__).parents[1] / "bodies"

NASTY = "<script>alert(1)</script>\u202etxt"


@pytest.fixture
def reader(client, staff):
    client.force_login(staff)
    return client


def page_of(reader, one):
    return reader.get(f"/events/{one.pk}/").content.decode()


def test_it_shows_its_facts_and_what_is_around_it(reader):
    record(incoming(event("meeting.started", 0), join("1", 1, user_name="Jill"), leave("1", 2, user_name="Jill")))
    record(incoming(join("1", 1, user_name="Jill"), transport="webhook"))
    started, joined, left = Event.objects.order_by("pk")
    page = page_of(reader, joined)

    assert "WebSocket, then Webhook" in page
    assert "1 time" in page
    for other in (started, left):
        assert f'href="/events/{other.pk}/"' in page
    assert page.index(f'href="/events/{left.pk}/"') < page.index(f'href="/events/{started.pk}/"')
    assert "Connection" in page


def test_a_strangers_text_is_shown_and_does_nothing(reader):
    record(incoming(event("meeting.started", 0, topic=NASTY)))
    page = page_of(reader, Event.objects.get())

    assert "<script>alert" not in page
    assert "\u202e" not in page
    assert "\\u202e" in page


def test_what_is_not_there_is_not_found(reader):
    assert reader.get("/events/99999/").status_code == 404
    assert reader.get("/events/99999/meeting/").status_code == 404


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (event("meeting.started", uuid="a+b=="), "/meetings/{meeting}/"),
        (event("meeting.created", uuid="a+b=="), "/events/?meeting=a%2Bb%3D%3D"),
        (event("user.signed_in"), "/events/?"),
    ],
)
def test_the_meeting_of_an_event_is_its_page_or_all_that_the_log_has_of_it(reader, body, where):
    record(incoming(body))
    address = f"/events/{Event.objects.get().pk}/meeting/"
    answer, on_a_wall = reader.get(address), reader.get(f"{address}?kiosk")

    assert answer["Location"] == where.format(meeting=getattr(Meeting.objects.first(), "pk", ""))
    assert reader.get(answer["Location"]).status_code == 200
    assert "data-kiosk" in reader.get(on_a_wall["Location"]).content.decode()
    assert "data-kiosk" not in reader.get(answer["Location"]).content.decode()


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda of: st.lists(of) | st.dictionaries(st.text(), of)
    )
)
def test_nothing_of_a_body_is_lost_and_nothing_of_it_is_markup(said):
    text = pretty(json.dumps(said).encode())
    marked = highlighted(text)
    bare = re.sub(r'<span class="j-(name|text|number|word)">|</span>', "", marked)

    assert "<" not in bare
    assert html.unescape(bare) == text
    assert json.loads(text) == said


# Passcodes and tokens


def recording():
    record([Incoming((BODIES / "recording.completed.json").read_bytes(), datetime.now(UTC))])
    return Event.objects.get()


def test_passcodes_and_tokens_are_hidden_until_asked_for(client, account, db):
    """Of those who may see them; that they looked is kept."""
    event = recording()
    client.force_login(account(ADMINISTRATORS))
    page = client.get(f"/events/{event.pk}/").content.decode()
    assert "132456" not in page
    assert "eyJ" not in page
    assert "abJhbGciOiJIUzUxMiJ9" not in page
    assert 'href="?secrets"' in page
    assert not Act.objects.exists()

    shown = client.get(f"/events/{event.pk}/?secrets").content.decode()
    assert "132456" in shown
    assert "abJhbGciOiJIUzUxMiJ9" in shown
    assert [(act.what, act.about) for act in Act.objects.all()] == [("secrets", f"event {event.pk}")]


def test_where_there_is_no_event_nobody_has_looked(client, account, db):
    client.force_login(account(ADMINISTRATORS))

    assert client.get("/events/1/?secrets").status_code == 404
    assert not Act.objects.exists()


def test_who_may_not_see_them_cannot_ask(client, account, db):
    event = recording()
    client.force_login(account(OPERATORS))
    page = client.get(f"/events/{event.pk}/?secrets").content.decode()

    assert "132456" not in page
    assert 'href="?secrets"' not in page
    assert not Act.objects.exists()


def test_no_file_and_no_page_of_the_admin_shows_them(client, account, db, tmp_path):
    event = recording()
    client.force_login(account(ADMINISTRATORS))
    call_command("export", format="ndjson", output=str(tmp_path / "all.ndjson"))

    for text in (
        (tmp_path / "all.ndjson").read_text(),
        client.get(f"/admin/zoomfeed/event/{event.pk}/change/").content.decode(),
    ):
        assert event.meeting_uuid in text
        assert "132456" not in text
        assert "abJhbGciOiJIUzUxMiJ9" not in text
