"""The ASGI application: pages by Django, live sockets by consumers that check session and origin themselves, and
Zoom's webhooks past both: see `zoomfeed.webhook` for why.
"""

import gc
import os
from typing import Any

from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
pages = get_asgi_application()

from dashboard.middleware import HEADERS, STRICT  # noqa: E402 - the apps have to be loaded first
from dashboard.routing import websocket_urlpatterns  # noqa: E402
from zoomfeed import webhook  # noqa: E402


def _rooted(scope: Any) -> Any:
    """Without what `Daphne-Root-Path` says, which Daphne believes of everybody: it would stand before every link."""
    return scope if settings.TRUSTED_PROXIES else {**scope, "root_path": ""}


async def http(scope: Any, receive: Any, send: Any) -> None:
    scope = _rooted(scope)
    if scope["path"] == webhook.PATH:
        await webhook.application(scope, receive, _secured(send))
    else:
        await pages(scope, receive, send)


def _secured(send: Any) -> Any:
    """Adds the headers that Django's middleware gives to all other answers."""

    async def send_secured(message: Any) -> None:
        if message["type"] == "http.response.start":
            secured = [(name.lower().encode(), value.encode()) for name, value in _headers().items()]
            message["headers"] = [*message["headers"], *secured]
        await send(message)

    return send_secured


def _headers() -> dict[str, str]:
    headers = {**HEADERS, "Content-Security-Policy": STRICT}
    if settings.SITE_HTTPS:
        headers["Strict-Transport-Security"] = f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains; preload"
    return headers


async def refuse(_scope: Any, receive: Any, send: Any) -> None:
    """Sockets at addresses that do not exist: refused, where a bare URLRouter would raise."""
    await receive()
    await send({"type": "websocket.close", "code": 4404})


async def sockets(scope: Any, receive: Any, send: Any) -> None:
    try:
        await _routes(_rooted(scope), receive, send)
    except ValueError as error:
        if not str(error).startswith("No route found"):
            raise
        await refuse(scope, receive, send)


_routes = URLRouter(websocket_urlpatterns)
application = ProtocolTypeRouter({"http": http, "websocket": sockets})

# What booting made lives as long as the process: the collector need not walk it again, which costs browsers
# tens of milliseconds each time.
gc.collect()
gc.freeze()
gc.set_threshold(10_000, 20, 20)
