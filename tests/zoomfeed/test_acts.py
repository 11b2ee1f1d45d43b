"""The audit trail: what goes into it, what counts as one look, and how names go from it."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.http import QueryDict

from tests.zoomfeed.test_record import incoming, join
from zoomfeed import acts
from zoomfeed.erasure import erase
from zoomfeed.filters import EventFilter
from zoomfeed.models import Act, Deed
from zoomfeed.person import identify
from zoomfeed.record import record
from zoomfeed.retention import Policy, foresee, prune
from zoomfeed.viewer import NOBODY

pytestmark = pytest.mark.django_db


def trail():
    return [(act.by, act.what, act.about) for act in Act.objects.order_by("pk")]


def test_who_did_what_is_kept(staff):
    acts.note(staff, Deed.EXPORTED, "events as csv: all")

    assert trail() == [("alice", "exported", "events as csv: all")]


def test_what_somebody_types_is_one_look(staff):
    for text in ("people: j", "people: ji", "people: jill", "people: jil", "people: jill"):
        acts.note(staff, Deed.LOOKED_UP, text)
    acts.note("bob", Deed.LOOKED_UP, "people: ji")

    assert trail() == [("alice", "looked_up", "people: jill"), ("bob", "looked_up", "people: ji")]


def test_a_later_look_is_another(staff):
    with time_machine.travel(datetime(2026, 4, 3, 10, tzinfo=UTC), tick=False) as clock:
        acts.note(staff, Deed.LOOKED_UP, "people: jill")
        clock.shift(acts.ONE_LOOK + timedelta(seconds=1))
        acts.note(staff, Deed.LOOKED_UP, "people: jill")

    assert len(trail()) == 2


@pytest.mark.parametrize(
    ("query", "about"),
    [
        ("q=jill&late=5", "events: q jill"),
        ("person=JILL", "events: person JILL"),
        ("not_person=jill", "events: not_person jill"),
        ("late=5", None),
        ("late=x&q=jill", None),
    ],
)
def test_a_search_of_the_log_is_a_look_when_it_is_for_somebody(staff, query, about):
    acts.looked_up(staff, EventFilter(QueryDict(query)))

    assert trail() == ([("alice", "looked_up", about)] if about else [])


def test_who_can_find_nobody_has_looked_nobody_up(staff):
    acts.looked_up(staff, EventFilter(QueryDict("q=jill"), NOBODY))

    assert trail() == []


def test_who_was_sought_goes_with_the_age_of_names(staff):
    old = datetime(2026, 4, 3, tzinfo=UTC)
    Act.objects.create(at=old, by="alice", what=Deed.LOOKED_UP, about="people: jill")
    Act.objects.create(at=old, by="alice", what=Deed.EXPORTED, about="history, hosts")
    acts.note(staff, Deed.LOOKED_UP, "people: bob")
    policy, now = Policy(personal=30), datetime.now(UTC)

    assert foresee(policy, now).anonymous[acts.SEARCHES] == 1
    assert prune(policy, now).anonymous[acts.SEARCHES] == 1
    assert [about for _, _, about in trail()] == ["", "history, hosts", "people: bob"]


def test_an_erased_person_is_not_named_and_the_act_is_there(staff):
    record(incoming(join("1", user_name="Jill Chill", email="jill@example.org")))
    acts.note(staff, Deed.LOOKED_UP, "people: Jill Chill")
    acts.note("bob", Deed.LOOKED_UP, "events: q jill@example.org")
    act = erase(identify(emails=["jill@example.org"]))

    assert act.rows[acts.SEARCHES] == 2
    assert "jill" not in str(trail()).casefold()
    assert [what for _, what, _ in trail()] == ["looked_up", "looked_up", "erased"]


def test_a_report_is_kept_without_a_name(capsys):
    record(incoming(join("1", user_name="Jill Chill")))
    call_command("report", name=["Jill Chill"])

    assert [(what, about) for _, what, about in trail()] == [("reported", "")]
