from django.apps import AppConfig
from django.db.models.signals import post_migrate

from zoomfeed.groups import make_groups


class ZoomfeedConfig(AppConfig):
    name = "zoomfeed"
    verbose_name = "Zoom"

    def ready(self) -> None:
        from zoomfeed import checks  # noqa: F401, PLC0415 - registers itself

        post_migrate.connect(make_groups, sender=self)  # Django's own receiver has made the permissions by then
