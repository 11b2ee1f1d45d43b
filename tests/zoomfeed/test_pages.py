"""The log page by page, by every filter: what a plain reading of each event says, from every side."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.http import QueryDict
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dashboard.fragments import changes
from tests.zoomfeed.test_record import event, join
from zoomfeed import log_hours, pages
from zoomfeed.filters import EventFilter, instant
from zoomfeed.models import Event, LogHour
from zoomfeed.pages import NEWEST, Place
from zoomfeed.record import Incoming, record
from zoomfeed.viewer import EVERYTHING

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 4, 3, 20, tzinfo=UTC)
NAMES = ("meeting.started", "meeting.ended", "meeting.participant_joined", "recording.completed")
TOPICS = ("Ward round", "ÄRZTE_1", "週次ミーティング", '100% "quoted"', "")
PEOPLE = ("", "Zoë Ärmel", "Ольга Иванова", "王伟", "محمد الخطيب", "jill@example.org")
HOSTS = ("", "host-1", "host-2")

rows = st.tuples(
    st.sampled_from(NAMES),
    st.sampled_from(TOPICS),
    st.sampled_from(PEOPLE),
    st.sampled_from(HOSTS),
    st.sampled_from(("websocket", "webhook")),
    st.integers(-200, 0),  # minutes before now, in no order: what waited on a disk
    st.sampled_from((0, 0, 5, 40)),  # seconds late
)
queries = st.fixed_dictionaries(
    {},
    optional={
        "q": st.sampled_from(("ward", "ärzte", "ÄRZ", "週次ミ", "王", "王伟", "ольга", "خطي", '0% "', "nobody", "e")),
        "person": st.sampled_from(("zoË", "ИВАН", "jill@", "伟", "%")),
        "meeting": st.sampled_from(("round", "run-1==", "ミーティ", "83455219078")),
        "name": st.lists(st.sampled_from(NAMES), max_size=3),
        "not_name": st.lists(st.sampled_from(NAMES), max_size=2),
        "host": st.lists(st.sampled_from(HOSTS[1:]), max_size=2),
        "not_host": st.lists(st.sampled_from(HOSTS[1:]), max_size=1),
        "not_person": st.lists(st.sampled_from(PEOPLE[1:]), max_size=1),
        "transport": st.lists(st.sampled_from(("websocket", "webhook", "rest")), max_size=2),
        "late": st.sampled_from(("0", "4.9", "20")),
        "personal": st.sampled_from(("yes", "no")),
        "period": st.sampled_from(("hour", "day")),
        "since": st.sampled_from(("2026-04-03T18:00:00Z", "2026-04-03T21:10:00+02:00")),
        "until": st.sampled_from(("2026-04-03T19:30:00Z",)),
    },
)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    """PostgreSQL looks in more than one part, and in more than one step, also of a log of a few events."""
    for name, value in (("PART", 2), ("WALK", 1), ("WINDOWS", (1, 3))):
        monkeypatch.setattr(f"zoomfeed.search.{name}", value)


def log(told):
    LogHour.objects.all().delete()
    for number, (name, topic, person, host, transport, minutes, late_s) in enumerate(told):
        received_at = NOW + timedelta(minutes=minutes)
        noticed_s = int(received_at.timestamp()) - late_s - 1775235987
        who = {"email": person} if "@" in person else {"user_name": person}
        body = event(name, noticed_s, topic=topic, host_id=host, n=number, participant={"user_id": "1", **who})
        record([Incoming(body, received_at, transport)])


def passes(query, event):  # noqa: C901, PLR0911 - one question after the other, as plainly as can be
    """The oracle: what the filter means, for one event, in Python."""
    texts = [event.topic, event.participant_name, event.participant_email]

    def within(text, of):
        return any(text.casefold() in one.casefold() for one in of)

    if (q := query.get("q")) and not within(q, texts):
        return False
    if (person := query.get("person")) and not within(person, texts[1:]):
        return False
    meeting = query.get("meeting")
    if meeting and meeting not in (event.meeting_uuid, event.meeting_number) and not within(meeting, texts[:1]):
        return False
    for name, value in (("name", event.name), ("host", event.host_id), ("transport", event.transport)):
        if query.get(name) and value not in query[name]:
            return False
        if value in query.get(f"not_{name}", ()):
            return False
    if set(query.get("not_person", ())) & {event.participant_name, event.participant_email}:
        return False
    if "late" in query and not (event.received_at - event.occurred_at).total_seconds() > float(query["late"]):
        return False
    if "personal" in query and bool(texts[1] or texts[2]) != (query["personal"] == "yes"):
        return False
    if "period" in query:
        length = timedelta(hours=1) if query["period"] == "hour" else timedelta(days=1)
        if event.received_at < NOW - length:
            return False
    if "since" in query and event.received_at < instant(query["since"]):
        return False
    return not ("until" in query and event.received_at >= instant(query["until"]) + timedelta(seconds=1))


def spelt(query):
    asked = QueryDict(mutable=True)
    for name, value in query.items():
        asked.setlist(name, value if isinstance(value, list) else [value])
    return asked


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(told=st.lists(rows, max_size=14), query=queries, limit=st.integers(1, 5))
@example(told=[("meeting.started", "", "王伟", "", "webhook", 0, 0)], query={"q": "王"}, limit=1)
def test_view_tail_and_queryset_say_what_a_plain_reading_says(transactional_db, told, query, limit):
    Event.objects.all().delete()
    log(told)
    expected = [event.pk for event in Event.objects.order_by("-pk") if passes(query, event)]
    form = EventFilter(spelt(query))
    assert form.is_valid(), form.errors
    asked = form.asked(NOW)

    assert list(form.queryset(NOW).order_by("-pk").values_list("pk", flat=True)) == expected
    assert walk(asked, limit, "older") == expected
    assert walk(asked, limit, "newer") == expected
    if not {"period"} & query.keys():  # the tail's now is the clock's
        added = [item[1] for item in changes(EVERYTHING, f"events:{form.canonical()}", 0).add]
        assert added == [f"e-{pk}" for pk in expected]


def walk(asked, limit, direction):
    """All that the pages show, from one end of the log to the other."""
    place, found = (NEWEST if direction == "older" else Place(is_oldest=True)), []
    for _ in range(50):
        page = pages.read(asked, place, limit)
        assert len(page.keys) <= limit
        found = [*found, *page.keys] if direction == "older" else [*page.keys, *found]
        links = pages.links(page, place)
        if direction not in links or (direction == "newer" and not page.has_newer):
            return found
        place = pages.place(QueryDict(links[direction]))
    raise AssertionError("the pages have no end")


def test_a_page_begins_where_a_time_says(db):
    log([("meeting.started", "", "", "", "websocket", minutes, 0) for minutes in (-150, -90, -30)])
    asked = EventFilter(QueryDict("")).asked(NOW)
    keys = list(Event.objects.order_by("-pk").values_list("pk", flat=True))

    for at, expected in (("2026-04-03T18:40:00Z", keys[1:]), ("2026-04-03T20:00:00Z", keys), ("2020-01-01", [])):
        assert pages.read(asked, pages.place(QueryDict(f"at={at}")), 9).keys == expected


@pytest.mark.parametrize("query", ["before=x", "after=", "at=never", "before=-1", "after=" + "9" * 30])
def test_a_place_that_cannot_be_read_is_the_new_end(query):
    assert pages.place(QueryDict(query)) == NEWEST


def test_hours_know_where_the_log_of_a_time_is_though_it_came_in_disorder(db):
    log([("meeting.started", "", "", "", "websocket", minutes, 0) for minutes in (-10, -150, -20, -140)])
    first, *_, last = Event.objects.order_by("pk").values_list("pk", flat=True)

    assert log_hours.span(NOW - timedelta(minutes=30), None) == (first, None)
    assert log_hours.span(NOW - timedelta(minutes=170), NOW - timedelta(minutes=130)) == (first + 1, last)
    assert log_hours.span(NOW + timedelta(days=2), None) == (0, 0)
    assert {hour.events for hour in LogHour.objects.all()} == {2}


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL surveys its tables by itself")
def test_sqlite_sees_how_selective_the_indexes_are(db, monkeypatch):
    monkeypatch.setattr(log_hours, "_surveyed", {})
    record([Incoming(event("meeting.started", n), NOW) for n in range(20)])
    with connection.cursor() as cursor:
        cursor.execute("SELECT idx FROM sqlite_stat1 WHERE tbl = 'zoomfeed_event'")
        assert {"event_name", "event_meeting"} <= {name for (name,) in cursor.fetchall()}


def test_a_short_text_is_sought_step_by_step(db, monkeypatch):
    monkeypatch.setattr("zoomfeed.search.SHORT_REACH", 3)
    log([("meeting.started", "", "王伟" if number in (1, 9) else "", "", "websocket", 0, 0) for number in range(10)])
    asked = EventFilter(QueryDict("q=王")).asked(NOW)
    keys = list(Event.objects.order_by("pk").values_list("pk", flat=True))

    page = pages.read(asked, NEWEST, 5)
    assert (page.keys, page.sought_to) == ([keys[9]], keys[7])
    assert walk(asked, 5, "older") == [keys[9], keys[1]]

    Event.objects.filter(pk__lt=keys[7]).delete()
    assert not pages.read(asked, NEWEST, 5).has_older


def test_what_is_blotted_out_or_forgotten_is_found_no_more(db):
    record([Incoming(join("1", 1, user_name="Jill"), NOW), Incoming(join("2", 2, user_name="Jilly"), NOW)])
    jill, jilly = Event.objects.order_by("pk")
    assert EventFilter(QueryDict("q=jill")).queryset(NOW).count() == 2

    Event.objects.filter(pk=jill.pk).update(participant_name="Somebody")
    jilly.delete()
    assert not EventFilter(QueryDict("q=jill")).queryset(NOW).exists()
    assert EventFilter(QueryDict("q=someb")).queryset(NOW).get() == jill
