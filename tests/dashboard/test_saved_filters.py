"""Filters under a name: one's own and those for all, saved and forgotten by forms only."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from dashboard.models import SavedFilter
from dashboard.roles import OPERATORS


@pytest.fixture
def reader(client, staff):
    client.force_login(staff)
    return client


def saved(client, **form):
    return client.post("/events/filters/", {"name": "Late ones", "query": "late=60&junk=1", **form})


def test_a_filter_is_saved_as_it_is_spelt_and_leads_back(reader, staff):
    answer = saved(reader)

    assert answer["Location"] == "/events/?late=60"
    one = SavedFilter.objects.get()
    assert (one.owner, one.query, one.get_absolute_url()) == (staff, "late=60", "/events/?late=60")
    assert "Late ones" in reader.get("/events/").content.decode()


def test_the_same_name_is_the_same_filter(reader):
    saved(reader)
    saved(reader, query="late=90")

    assert [one.query for one in SavedFilter.objects.all()] == ["late=90"]


def test_others_see_what_is_for_all_and_nothing_else(reader, account):
    saved(reader)
    saved(reader, name="For everybody", for_all="on")
    other = Client()
    other.force_login(account(OPERATORS))
    page = other.get("/events/").content.decode()
    own = SavedFilter.objects.get(name="Late ones")

    assert "For everybody" in page
    assert "Late ones" not in page
    assert other.post(f"/events/filters/{own.pk}/delete/").status_code == 404
    assert reader.post(f"/events/filters/{own.pk}/delete/").status_code == 302
    assert not SavedFilter.objects.filter(pk=own.pk).exists()


def test_what_is_for_all_is_for_those_who_may_say_so(reader, account):
    saved(reader, name="For everybody", for_all="on")
    for_all = SavedFilter.objects.get()
    reader_of_the_log = account()
    reader_of_the_log.user_permissions.add(Permission.objects.get(codename="view_event"))
    other = Client()
    other.force_login(reader_of_the_log)

    assert 'name="for_all"' in reader.get("/events/?late=5").content.decode()
    assert 'name="for_all"' not in other.get("/events/?late=5").content.decode()
    assert saved(other, name="Mine for all", for_all="on").status_code == 403
    assert other.post(f"/events/filters/{for_all.pk}/delete/").status_code == 403
    assert SavedFilter.objects.get() == for_all


@pytest.mark.parametrize("query", ["", "name=no.such", "late=x"])
def test_what_asks_nothing_is_not_saved(reader, query):
    saved(reader, query=query)

    assert not SavedFilter.objects.exists()
    assert "There is no filter to save" in reader.get("/events/").content.decode()


def test_nobody_else_may_and_no_link_can(staff, db):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(staff)
    visitor = Client()
    visitor.force_login(User.objects.create_user("visitor"))

    assert saved(strict).status_code == 403
    assert strict.get("/events/filters/").status_code == 405
    assert saved(visitor).status_code == 403
    assert saved(Client()).status_code == 302
    assert not SavedFilter.objects.exists()
