"""The log in the admin, as the people see it who may and who may not."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User

from tests.zoomfeed.test_record import event, incoming, join
from zoomfeed.models import Event, Meeting, RejectedFrame
from zoomfeed.record import Incoming, record

pytestmark = pytest.mark.django_db

EVENTS = "/admin/zoomfeed/event/"
NASTY = "<script>alert(1)</script>"


@pytest.fixture
def operator(client, account):
    client.force_login(account("Operators"))
    return client


@pytest.fixture
def log(db):
    record(
        incoming(
            event("meeting.started", topic="Ward round"),
            event("meeting.started", 1, uuid="run/2==", id="91234567890", topic=NASTY),
            join("1", 2, user_name="Zoë", email="zoe@example.org", participant_user_id="USER"),
        )
    )


def shown(answer):
    return [row.pk for row in answer.context["cl"].result_list]


def test_the_newest_comes_first(operator, log):
    assert shown(operator.get(EVENTS)) == sorted(shown(operator.get(EVENTS)), reverse=True)
    assert len(shown(operator.get(EVENTS))) == 3


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"name": "meeting.started"}, 2),
        ({"meeting": "run/2=="}, 1),
        ({"transport": "websocket"}, 3),
        ({"transport": "webhook"}, 0),
        ({"since": "2026-04-03T00:00:00Z"}, 3),
        ({"since": "2027-01-01T00:00:00Z"}, 0),
        ({"since": "yesterday"}, 0),
        ({"name": ["meeting.started", "meeting.participant_joined"]}, 3),
        ({"not_name": "meeting.started"}, 1),
        ({"q": "ward"}, 1),
        ({"q": "zoë"}, 1),
        ({"q": "zoe@example"}, 1),
        ({"q": "912 3456 7890"}, 1),
        ({"q": "run/2=="}, 1),
        ({"q": "USER"}, 1),
        ({"q": "nobody"}, 0),
    ],
)
def test_filters_and_search(operator, log, query, count):
    assert len(shown(operator.get(EVENTS, query))) == count


def test_a_filter_that_makes_no_sense_says_what_was_wrong(operator, log):
    assert "Not a time" in operator.get(EVENTS, {"since": "yesterday"}).content.decode()


def test_lookups_and_orders_of_djangos_own_are_refused(operator, log):
    """They could read and sort the whole log."""
    assert len(shown(operator.get(EVENTS, {"topic__icontains": "ward", "o": "3"}))) == 3
    assert shown(operator.get(EVENTS, {"o": "3"})) == shown(operator.get(EVENTS))


def test_the_admin_goes_through_the_log_in_pages(operator, log, monkeypatch):
    monkeypatch.setattr("zoomfeed.admin.EventAdmin.list_per_page", 2)
    newest = operator.get(EVENTS)
    links = newest.context["cl"].links
    older = operator.get(EVENTS + links["older"])

    assert shown(newest) + shown(older) == list(Event.objects.order_by("-pk").values_list("pk", flat=True))
    assert "older" not in older.context["cl"].links
    assert shown(operator.get(EVENTS + older.context["cl"].links["newer"])) == shown(newest)


def test_the_list_counts_nothing(operator, log, django_assert_max_num_queries):
    with django_assert_max_num_queries(8) as asked:
        operator.get(EVENTS)
    assert not [query for query in asked.captured_queries if "COUNT(" in query["sql"].upper()]


def test_the_body_is_shown_whole_pretty_and_escaped(operator, log):
    nasty = Event.objects.get(topic=NASTY)
    page = operator.get(f"{EVENTS}{nasty.pk}/change/").content.decode()

    assert NASTY not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "  &quot;event&quot;: &quot;meeting.started&quot;" in page


def test_nothing_can_be_changed(operator, log):
    pk = Event.objects.first().pk

    assert operator.get(f"{EVENTS}add/").status_code == 403
    assert operator.get(f"{EVENTS}{pk}/delete/").status_code == 403
    assert operator.post(f"{EVENTS}{pk}/change/", {"name": "other"}).status_code == 403
    operator.post(EVENTS, {"action": "delete_selected", "_selected_action": [pk], "post": "yes"})
    assert Event.objects.count() == 3


@pytest.mark.parametrize("raw", [b"\xff\x00no json", b"[" * 5000, b'{"event": "\\ud800"}', NASTY.encode()])
def test_what_could_not_be_read_is_shown(operator, raw):
    record([Incoming(raw, datetime(2026, 4, 3, tzinfo=UTC), rejected=NASTY)])
    frame = RejectedFrame.objects.get()
    listing = operator.get("/admin/zoomfeed/rejectedframe/")
    page = operator.get(f"/admin/zoomfeed/rejectedframe/{frame.pk}/change/")

    assert page.status_code == 200
    assert NASTY not in page.content.decode() + listing.content.decode()


def test_an_event_that_breaks_printers_is_shown(operator):
    body = b'{"event": "meeting.started", "payload": {"object": {"uuid": "\\ud800", "topic": "\\u0000x"}}}'
    record([Incoming(body, datetime(2026, 4, 3, tzinfo=UTC))])

    assert operator.get(f"{EVENTS}{Event.objects.get().pk}/change/").status_code == 200


def test_viewers_do_not_see_the_log(client, account, log):
    client.force_login(account("Viewers"))

    assert client.get("/").status_code == 200
    assert client.get(EVENTS).status_code == 403
    assert "Admin</a>" not in client.get("/").content.decode()


def test_the_meeting_page_links_to_its_events(operator, log):
    event = Event.objects.get(topic=NASTY)
    meeting_page = operator.get(Meeting.objects.get(topic=NASTY).get_absolute_url()).content.decode()

    assert f"{EVENTS}?meeting=run%2F2%3D%3D" in meeting_page
    assert shown(operator.get(f"{EVENTS}?meeting=run%2F2%3D%3D")) == [event.pk]


def test_staff_who_may_manage_users(client):
    client.force_login(User.objects.create_superuser("root"))

    assert client.get("/admin/auth/user/").status_code == 200
    assert client.get("/admin/auth/group/").status_code == 200
