from django.apps import AppConfig


class ZoomfeedConfig(AppConfig):
    name = "zoomfeed"
    verbose_name = "Zoom feed"
    default_auto_field = "django.db.models.BigAutoField"
