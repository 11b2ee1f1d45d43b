"""Who guesses passwords has to wait; nobody else has to, and nobody learns which accounts there are."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client, RequestFactory

from dashboard import throttle
from dashboard.models import Tries

pytestmark = pytest.mark.django_db

RIGHT = "correct horse battery"


@pytest.fixture
def clock():
    with time_machine.travel("2026-04-03T10:00:00Z", tick=False) as clock:
        yield clock


def sign_in(username="alice", password="wrong", **headers):
    return Client().post("/login/", {"username": username, "password": password}, **headers)


def guess(times, **who):
    return [sign_in(**who).status_code for _ in range(times)]


def test_a_slip_costs_nothing(staff, clock):
    assert guess(4) == [200] * 4
    assert sign_in(password=RIGHT).status_code == 302


def test_who_guesses_has_to_wait(staff, clock):
    assert guess(throttle.FREE_FOR_ACCOUNT + 2) == [200] * throttle.FREE_FOR_ACCOUNT + [429] * 2
    answer = sign_in()
    assert "Too many failed tries. Wait 15 s and try again." in answer.content.decode()
    assert answer["Retry-After"] == "16"


def test_the_right_password_has_to_wait_too(staff, clock):
    guess(throttle.FREE_FOR_ACCOUNT)
    assert sign_in(password=RIGHT).status_code == 429

    clock.shift(throttle.FIRST_WAIT)
    assert sign_in(password=RIGHT).status_code == 302


def test_each_failure_doubles_the_wait_up_to_a_quarter_of_an_hour(staff, clock):
    guess(throttle.FREE_FOR_ACCOUNT)
    waits = []
    for _ in range(9):
        waits.append(int(sign_in()["Retry-After"]) - 1)
        clock.shift(timedelta(seconds=waits[-1]))
        assert sign_in().status_code == 200

    assert waits == [15, 30, 60, 120, 240, 480, 900, 900, 900]


def test_an_account_that_does_not_exist_answers_alike(staff, clock):
    assert guess(8, username="alice") == guess(8, username="nobody", REMOTE_ADDR="10.0.0.2")


def test_other_people_do_not_wait(staff, clock):
    User.objects.create_user("bob", password=RIGHT, is_staff=True)
    guess(8)

    assert sign_in(username="bob", password=RIGHT).status_code == 302


def test_another_way_to_write_a_name_is_the_same_account(staff, clock):
    guess(throttle.FREE_FOR_ACCOUNT)

    assert sign_in(username="ALICE").status_code == 429
    assert sign_in(username=" alice").status_code == 429


def test_one_address_does_not_try_every_account(staff, clock):
    answers = [sign_in(username=f"user-{number}").status_code for number in range(throttle.FREE_FOR_ADDRESS + 1)]

    assert answers == [200] * throttle.FREE_FOR_ADDRESS + [429]
    assert sign_in(password=RIGHT).status_code == 429
    assert sign_in(password=RIGHT, REMOTE_ADDR="10.0.0.2").status_code == 302


def test_successes_between_guesses_free_no_address(staff, clock):
    for number in range(throttle.FREE_FOR_ADDRESS // 2):
        assert guess(2, username=f"user-{number}") == [200] * 2
        assert sign_in(password=RIGHT).status_code == (302 if number < 9 else 429)


def test_a_success_makes_the_account_start_afresh(staff, clock):
    guess(throttle.FREE_FOR_ACCOUNT - 1)
    sign_in(password=RIGHT)

    assert guess(throttle.FREE_FOR_ACCOUNT) == [200] * throttle.FREE_FOR_ACCOUNT


def test_an_empty_password_is_no_try_and_no_success(staff, clock):
    guess(throttle.FREE_FOR_ACCOUNT - 1)
    assert guess(3, password="") == [200] * 3
    assert guess(2) == [200, 429]


def test_what_is_long_ago_is_forgotten(staff, clock):
    guess(throttle.FREE_FOR_ACCOUNT + 1)
    clock.shift(throttle.FORGOTTEN_AFTER + timedelta(seconds=1))

    assert guess(throttle.FREE_FOR_ACCOUNT) == [200] * throttle.FREE_FOR_ACCOUNT
    assert Tries.objects.count() == 2


def test_nobody_is_named_in_the_database(staff, clock):
    guess(1, username="alice", REMOTE_ADDR="10.1.2.3")
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM dashboard_tries")
        rows = str(cursor.fetchall())

    assert "alice" not in rows
    assert "10.1.2.3" not in rows


@pytest.mark.parametrize(
    ("trusted", "forwarded", "found"),
    [
        (False, "1.2.3.4", "127.0.0.1"),
        (True, "1.2.3.4", "1.2.3.4"),
        (True, "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        (True, "", "127.0.0.1"),
        (True, "x" * 500, "x" * throttle.LONGEST_ADDRESS),
    ],
)
def test_an_address_is_the_proxys_word_where_the_proxy_is_trusted(settings, trusted, forwarded, found):
    settings.TRUSTED_PROXIES = trusted
    request = RequestFactory().post("/login/", headers={"X-Forwarded-For": forwarded} if forwarded else {})

    assert throttle.address(request) == found


def test_the_admin_has_no_login_of_its_own(staff, clock):
    guess(throttle.FREE_FOR_ACCOUNT)
    answer = Client().post("/admin/login/", {"username": "alice", "password": RIGHT})

    assert answer.status_code == 302
    assert answer.url.startswith("/login/")


@pytest.mark.django_db(transaction=True)
def test_many_tries_at_once_are_many(staff):
    def enter(_):
        try:
            return throttle.enter([throttle.Counter("account", 5), throttle.Counter("address", 20)])
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        waits = list(threads.map(enter, range(16)))

    assert sum(1 for wait in waits if not wait) == 5
