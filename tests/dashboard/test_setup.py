"""What has to be there before the first page."""

import re

import pytest
from django.conf import settings as configured
from django.contrib.auth.models import User
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from dashboard.setup import FIRST_USER, set_up

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def static_root(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path / "static"
    return settings.STATIC_ROOT


def password_in(words):
    return re.search(r"with the password (\S+)", words)[1]


def test_somebody_can_sign_in_with_the_password_that_was_said(client):
    said = []
    set_up(said.append)

    (words,) = said
    assert FIRST_USER in words
    client.post("/login/", {"username": FIRST_USER, "password": password_in(words)})
    assert client.get("/").status_code == 200
    assert client.get("/admin/auth/user/").status_code == 200
    assert User.objects.get().is_superuser


def test_the_password_is_long_and_kept_nowhere():
    said = []
    set_up(said.append)
    password = password_in(said[0])

    assert len(password) >= 16
    assert password not in User.objects.get().password


def test_every_first_user_has_a_password_of_its_own():
    said = []
    set_up(said.append)
    User.objects.all().delete()
    set_up(said.append)

    assert password_in(said[0]) != password_in(said[1])


def test_the_second_start_makes_and_says_nothing():
    set_up(lambda _: None)
    before = User.objects.values().get()
    said = []
    set_up(said.append)

    assert said == []
    assert User.objects.values().get() == before


def test_where_there_is_staff_nobody_is_added(staff):
    said = []
    set_up(said.append)

    assert said == []
    assert User.objects.get() == staff


def test_tables_and_static_files_are_there_afterwards(static_root):
    set_up(lambda _: None)

    executor = MigrationExecutor(connection)
    assert executor.migration_plan(executor.loader.graph.leaf_nodes()) == []
    assert (static_root / "rollcall" / "live.js").is_file()
    assert (static_root / "admin" / "css" / "base.css").is_file()
    assert static_root == configured.STATIC_ROOT
