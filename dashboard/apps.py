from django.apps import AppConfig
from django.db.models.signals import post_migrate

from dashboard.roles import make_roles


class DashboardConfig(AppConfig):
    name = "dashboard"
    verbose_name = "Pages"

    def ready(self) -> None:
        post_migrate.connect(make_roles, sender=self)  # Django's own receiver has made the permissions by then
