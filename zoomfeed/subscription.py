"""One event subscription of a Zoom app, and where to reach Zoom."""

from dataclasses import dataclass, field

from django.conf import settings

from zoomfeed.exceptions import SettingMissing


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a feed needs to know. `api_url` is the base of REST calls; empty: no repair."""

    account_id: str
    client_id: str
    client_secret: str = field(repr=False)
    subscription_id: str
    grant: str
    oauth_url: str
    ws_url: str
    secret_token: str = field(default="", repr=False)
    simulated: bool = False
    api_url: str = ""

    @classmethod
    def from_settings(cls) -> "Subscription":
        """Raises SettingMissing, which names the first variable that is empty and where to find its value."""
        page = "It stands on the credentials page of your app in Zoom's App Marketplace."
        needed = {
            "ZOOM_ACCOUNT_ID": page,
            "ZOOM_CLIENT_ID": page,
            "ZOOM_CLIENT_SECRET": page,
            "ZOOM_SUBSCRIPTION_ID": "It is the endpoint URL that the app's event subscription shows.",
        }
        for name, where in needed.items():
            if not getattr(settings, name):
                raise SettingMissing(name, where)
        return cls(
            settings.ZOOM_ACCOUNT_ID,
            settings.ZOOM_CLIENT_ID,
            settings.ZOOM_CLIENT_SECRET,
            settings.ZOOM_SUBSCRIPTION_ID,
            settings.ZOOM_OAUTH_GRANT,
            settings.ZOOM_OAUTH_URL,
            settings.ZOOM_WS_URL,
            settings.ZOOM_WEBHOOK_SECRET_TOKEN,
            api_url=settings.ZOOM_API_URL,
        )
