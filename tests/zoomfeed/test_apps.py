import pytest
from django.apps import apps
from django.db import connection
from django.db.models.signals import pre_migrate

pytestmark = pytest.mark.django_db


def test_a_migration_may_take_its_time():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no such limits")
    pre_migrate.send(sender=apps.get_app_config("zoomfeed"), using="default")
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)
