from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate, pre_migrate

from zoomfeed.text_index import keep_after_migration


class ZoomfeedConfig(AppConfig):
    name = "zoomfeed"
    verbose_name = "Zoom"

    def ready(self) -> None:
        from zoomfeed import checks  # noqa: F401, PLC0415 - registers itself

        pre_migrate.connect(take_time_to_migrate, sender=self)
        post_migrate.connect(keep_after_migration, sender=self)


def take_time_to_migrate(using: str, **_: Any) -> None:
    """What is for all other statements a sign that something hangs, is for a migration a large table."""
    connection = connections[using]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0; SET lock_timeout = 0")
