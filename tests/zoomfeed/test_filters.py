"""What a query string asks of the log, and that it asks it in one way."""

from datetime import UTC, datetime, timedelta
from importlib import import_module
from urllib.parse import parse_qsl, urlencode

import pytest
from django.apps import apps
from django.http import QueryDict
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.zoomfeed.test_record import event, join
from zoomfeed.catalogue import EVENT_NAMES
from zoomfeed.filters import PERIODS, EventFilter
from zoomfeed.models import Event, Feed, Gap, LogHour
from zoomfeed.record import Incoming, record

NOW = datetime(2026, 4, 3, 20, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

queries = st.fixed_dictionaries(
    {},
    optional={
        "q": st.text(alphabet=st.characters(codec="utf-8"), max_size=220),
        "name": st.sampled_from(["", "meeting.started", "app_deauthorized", "no.such"]),
        "period": st.sampled_from(["", *PERIODS, "year"]),
        "meeting": st.sampled_from(["", "run-1==", "/a+b/c==", "&name=x", "x" * 129]),
        "tail": st.just("off"),
        "before": st.just("7"),
        "epoch": st.text(alphabet=st.characters(codec="utf-8"), max_size=9),
    },
)


def asked(query):
    return EventFilter(QueryDict(query))


def found(**query):
    """What passes a filter, by the name of who or what it is about."""
    events = asked(urlencode(query)).queryset(NOW).order_by("pk")
    return [event.participant_name or event.topic for event in events]


@pytest.fixture
def log(db):
    """Four events, an hour, a day and a week before now between them."""
    said = [
        (timedelta(days=8), event("meeting.started", 0, topic="Ward round 100%", host_id="HOST")),
        (timedelta(days=2), join("1", 1, user_name="Jill", email="jill@example.org")),
        (timedelta(hours=2), event("meeting.started", 2, uuid="/b+2==", id="91234567890", topic="ÄRZTE_1")),
        (timedelta(0), join("2", 3, user_name="Zoë", participant_user_id="USER")),
    ]
    for ago, body in said:
        record([Incoming(body, NOW - ago)])


@pytest.mark.parametrize(
    ("query", "passes"),
    [
        ({}, ["Ward round 100%", "Jill", "ÄRZTE_1", "Zoë"]),
        ({"name": "meeting.started"}, ["Ward round 100%", "ÄRZTE_1"]),
        ({"name": "meeting.ended"}, []),
        ({"meeting": "/b+2=="}, ["ÄRZTE_1"]),
        ({"meeting": "/B+2=="}, []),
        ({"period": "hour"}, ["Zoë"]),
        ({"period": "day"}, ["ÄRZTE_1", "Zoë"]),
        ({"period": "week"}, ["Jill", "ÄRZTE_1", "Zoë"]),
        ({"q": "JILL"}, ["Jill"]),
        ({"q": "  example.org "}, ["Jill"]),
        ({"q": "ward"}, ["Ward round 100%"]),
        ({"q": "d-UP"}, ["Jill", "Zoë"]),
        ({"q": "912 3456-7890"}, ["ÄRZTE_1"]),
        ({"q": "9123456789"}, []),
        ({"q": "/b+2=="}, ["ÄRZTE_1"]),
        ({"q": "USER"}, ["Zoë"]),
        ({"q": "0%"}, ["Ward round 100%"]),
        ({"q": "%d"}, []),
        ({"q": "E_1"}, ["ÄRZTE_1"]),
        ({"q": "R_T"}, []),
        ({"q": "' OR 1=1 --"}, []),
        ({"q": "\\"}, []),
        ({"q": "ärzte"}, ["ÄRZTE_1"]),
        ({"q": "zoË"}, ["Zoë"]),
        ({"q": "ZO"}, ["Zoë"]),
        ({"q": "Ë"}, ["Zoë"]),
        ({"person": "zoë"}, ["Zoë"]),
        ({"person": "ward"}, []),
        ({"person": "USER"}, ["Zoë"]),
        ({"meeting": "ward"}, ["Ward round 100%"]),
        ({"meeting": "jill"}, []),
        ({"meeting": "912 3456-7890"}, ["ÄRZTE_1"]),
        ({"personal": "yes"}, ["Jill", "Zoë"]),
        ({"personal": "no"}, ["Ward round 100%", "ÄRZTE_1"]),
        ({"not_person": "Jill"}, ["Ward round 100%", "ÄRZTE_1", "Zoë"]),
        ({"not_name": "meeting.started"}, ["Jill", "Zoë"]),
        ({"not_meeting": "/b+2=="}, ["Ward round 100%", "Jill", "Zoë"]),
        ({"account": "a"}, ["Ward round 100%", "Jill", "ÄRZTE_1", "Zoë"]),
        ({"not_account": "a"}, []),
        ({"transport": "webhook"}, []),
        ({"since": "2026-04-03T18:00:00Z"}, ["ÄRZTE_1", "Zoë"]),
        ({"since": "2026-04-03T20:00:00+02:00", "until": "2026-04-03T20:00:00+02:00"}, ["ÄRZTE_1"]),
        ({"until": "2026-04-03T17:59:59Z"}, ["Ward round 100%", "Jill"]),
        ({"q": "stand", "name": "meeting.participant_joined", "period": "day"}, ["Zoë"]),
    ],
)
def test_what_passes(log, query, passes):
    assert found(**query) == passes


@pytest.fixture
def covered(held_gap):
    """A gap of ten minutes that webhooks covered, and what came before it, in it by each way, and after it."""
    for topic, minutes, transports in (
        ("before", -1, ("webhook",)),
        ("by webhook alone", 2, ("webhook",)),
        ("both ways", 3, ("webhook", "websocket")),
        ("asked for", 4, ("rest",)),
        ("after", 11, ("webhook",)),
    ):
        for transport in transports:
            record([Incoming(event("meeting.started", minutes, topic=topic), NOW + minutes * MINUTE, transport)])


@pytest.fixture
def held_gap(db):
    feed = Feed.objects.create(key="s")
    return Gap.objects.create(feed=feed, started_at=NOW, ended_at=NOW + 10 * MINUTE, cause="a cut", covered=True)


def test_what_came_by_webhook_alone_while_nobody_listened_was_repaired(covered, held_gap):
    assert found(repaired="covered") == ["by webhook alone"]
    assert found(repaired="rest") == ["asked for"]
    Gap.objects.update(covered=False)
    assert found(repaired="covered") == []


def test_what_was_logged_before_hosts_and_delays_were_kept_is_filled_in(log):
    filled = {event.pk: (event.host_id, event.late_ms) for event in Event.objects.all()}
    hours = list(LogHour.objects.order_by("hour").values_list("hour", "first_id", "last_id", "events"))
    Event.objects.update(host_id="", late_ms=None)
    LogHour.objects.all().delete()
    import_module("zoomfeed.migrations.0009_hosts_delays_and_hours_of_the_log").fill(apps, None)

    assert {event.pk: (event.host_id, event.late_ms) for event in Event.objects.all()} == filled
    assert {host for host, _ in filled.values()} == {"", "HOST"}
    assert list(LogHour.objects.order_by("hour").values_list("hour", "first_id", "last_id", "events")) == hours


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"name": "no.such"}, "name"),
        ({"name": "meeting.started' OR 1=1"}, "name"),
        ({"period": "year"}, "period"),
        ({"q": "x" * 201}, "q"),
        ({"q": "nul\0"}, "q"),
        ({"meeting": "x" * 301}, "meeting"),
        ({"since": "yesterday"}, "since"),
        ({"since": "2026-04-03T20:00:00Z", "until": "2026-04-03T19:00:00Z"}, "until"),
        ({"late": "much"}, "late"),
        ({"late": "-1"}, "late"),
        ({"transport": "pigeon"}, "transport"),
        ({"not_transport": "pigeon"}, "not_transport"),
        ({"not_person": "nul\0"}, "not_person"),
        ({"host": "x" * 400}, "host"),
        ({"repaired": "perhaps"}, "repaired"),
        ({"personal": "perhaps"}, "personal"),
        ({"meeting": "\0"}, "meeting"),
    ],
)
def test_what_makes_no_sense_says_so_and_finds_nothing(log, query, field):
    form = asked(urlencode(query))

    assert list(form.errors) == [field]
    assert not form.queryset(NOW).exists()
    assert form.canonical() == ""


@settings(deadline=None)
@given(queries, st.randoms())
def test_a_question_has_one_spelling(query, chance):
    pairs = list(query.items())
    chance.shuffle(pairs)
    canonical = asked(urlencode(query)).canonical()

    assert asked(urlencode(pairs)).canonical() == canonical
    assert asked(canonical).canonical() == canonical


@settings(deadline=None)
@given(queries)
def test_the_spelling_keeps_what_was_asked_and_nothing_else(query):
    form = asked(urlencode(query))
    canonical = form.canonical()

    kept = dict(parse_qsl(canonical))
    assert kept.keys() <= {"q", "name", "period", "meeting"}  # and neither where a page is, nor its socket
    if form.is_valid():
        again = asked(canonical)
        assert again.is_valid()
        assert again.cleaned_data == form.cleaned_data


def test_what_is_empty_is_not_spelt():
    assert asked("q=&name=meeting.ended&period=&meeting=").canonical() == "name=meeting.ended"


def test_a_spelling_of_special_characters():
    assert asked("q=a%26b%3Dc+%23&meeting=%2Fx%2By%3D%3D").canonical() == "meeting=%2Fx%2By%3D%3D&q=a%26b%3Dc+%23"


@pytest.mark.django_db
def test_every_type_that_zoom_publishes_can_be_asked_for():
    choices = [name for _, names in EventFilter.base_fields["name"].choices for name, _ in names]

    assert set(EVENT_NAMES) <= set(choices)
    assert len(choices) == len(set(choices))
    for name in choices:
        assert asked(urlencode({"name": name})).is_valid()
    assert not Event.objects.exists()
