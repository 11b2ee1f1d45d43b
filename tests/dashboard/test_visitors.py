"""Who may hold a live socket, by real sessions of real logins."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from dashboard.visitors import Visitor, welcome
from zoomfeed.viewer import Right, Viewer

pytestmark = pytest.mark.django_db

OF_PAGES = Viewer(frozenset((Right.MEETINGS, Right.LOG, Right.NAMES)))


def sign_in(user):
    browser = Client()
    browser.force_login(user)
    return browser


def key(browser):
    return browser.session.session_key


@pytest.fixture
def alice(staff):
    """Alice's browser."""
    return sign_in(staff)


def test_staff_who_are_signed_in_are_welcome(alice, staff):
    assert welcome([key(alice)]) == {key(alice): Visitor(str(staff.pk), OF_PAGES)}


def test_nobody_is_welcome_where_nobody_asks():
    assert welcome([]) == {}


@pytest.mark.parametrize("name", ["", "x" * 32, "' OR 1=1 --", "nul\N{SYMBOL FOR NULL}"])
def test_a_key_of_no_session_is_not(name):
    assert welcome([name]) == {}


@pytest.mark.parametrize("change", [{"is_staff": False}, {"is_active": False}])
def test_who_is_no_longer_active_staff_is_not(alice, change):
    User.objects.update(**change)

    assert welcome([key(alice)]) == {}


def test_a_superuser_who_is_not_staff_is_not():
    root = User.objects.create_user("root", is_superuser=True)

    assert welcome([key(sign_in(root))]) == {}


def test_who_was_deleted_is_not(alice, staff):
    staff.delete()

    assert welcome([key(alice)]) == {}


def test_who_came_with_an_older_password_is_not(alice, staff):
    staff.set_password("another horse")
    staff.save()

    assert welcome([key(alice)]) == {}
    assert len(welcome([key(sign_in(staff))])) == 1


def test_who_signed_out_is_not(alice):
    before = key(alice)
    alice.post("/logout/")

    assert welcome([before]) == {}


def test_a_session_that_is_over_is_not(alice):
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))

    assert welcome([key(alice)]) == {}


@pytest.mark.parametrize("data", [{}, {"seen": "login"}, {"_auth_user_hash": ""}, {"_auth_user_hash": "none"}])
@pytest.mark.parametrize("is_of_somebody", [True, False])
def test_a_session_with_half_a_login_is_not(staff, data, is_of_somebody):
    session = SessionStore()
    session.update({**data, "_auth_user_id": str(staff.pk)} if is_of_somebody else data)
    session.create()

    assert welcome([session.session_key]) == {}


def test_a_session_that_was_tampered_with_is_not(alice):
    before = key(alice)
    Session.objects.update(session_data="tampered:with:it")

    assert welcome([before]) == {}


def test_one_who_is_not_welcome_spoils_it_for_nobody(alice, staff):
    stranger = sign_in(User.objects.create_user("charlie"))

    assert welcome([key(stranger), key(alice), "nonsense"]) == {key(alice): Visitor(str(staff.pk), OF_PAGES)}


def test_many_take_a_few_queries_and_leave_the_sessions_as_they_are(staff, django_assert_num_queries):
    keys = [key(sign_in(staff)) for _ in range(20)]
    before = set(Session.objects.values_list("session_key", "session_data", "expire_date"))

    with django_assert_num_queries(5):
        assert welcome(keys).keys() == set(keys)
    assert set(Session.objects.values_list("session_key", "session_data", "expire_date")) == before
