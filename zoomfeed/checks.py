"""What `manage.py check` says of the settings."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004

from zoomfeed.catalogue import EVENT_NAMES
from zoomfeed.rest_events import READERS as REST_NAMES
from zoomfeed.retention import fits

KNOWN_NAMES = (*EVENT_NAMES, *REST_NAMES)
NEEDED = ("ZOOM_ACCOUNT_ID", "ZOOM_CLIENT_ID", "ZOOM_CLIENT_SECRET", "ZOOM_SUBSCRIPTION_ID")


@register()
def zoom_is_set_whole_or_not_at_all(**_: Any) -> list[CheckMessage]:
    missing = [name for name in NEEDED if not getattr(settings, name)]
    if not missing or len(missing) == len(NEEDED):
        return []
    return [
        Error(
            f"{', '.join(missing)} not set, but other ZOOM_ settings are.",
            hint="The app's page in Zoom's App Marketplace has all of them.",
            id="zoomfeed.E001",
        )
    ]


@register()
def secrets_travel_encrypted(**_: Any) -> list[CheckMessage]:
    return [
        Warning(
            f"{name} is not encrypted; the app's secret and token travel on it.",
            hint=f"Use {good}:// except with the simulated Zoom on this machine.",
            id="zoomfeed.W001",
        )
        for name, good in (("ZOOM_OAUTH_URL", "https"), ("ZOOM_WS_URL", "wss"), ("ZOOM_API_URL", "https"))
        if not getattr(settings, name).startswith(f"{good}://") and "//127.0.0.1" not in getattr(settings, name)
    ]


@register()
def processes_can_ring_each_other(**_: Any) -> list[CheckMessage]:
    """On PostgreSQL there is more than one process, and then the bell has to cross from one to the other."""
    if settings.REDIS_URL or "sqlite" in settings.DATABASES["default"]["ENGINE"]:
        return []
    return [
        Warning(
            "DATABASE_URL names a server, but REDIS_URL is not set: pages follow with a delay of seconds.",
            hint="Set REDIS_URL when runfeed and the web server are separate processes.",
            id="zoomfeed.W002",
        )
    ]


@register()
def types_to_keep_are_types_of_zoom(**_: Any) -> list[CheckMessage]:
    unknown = [pattern for pattern in settings.KEEP_EVENT_TYPES if not any(fits(name, pattern) for name in KNOWN_NAMES)]
    return [
        Warning(
            f"KEEP_EVENT_TYPES names {pattern}, and no event of Zoom is called that.",
            hint="meeting.participant_qos names one type, meeting.chat_* all that begin so.",
            id="zoomfeed.W003",
        )
        for pattern in unknown
    ]
