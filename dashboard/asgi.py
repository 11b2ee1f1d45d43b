"""The ASGI application: pages by Django, live sockets by consumers that check session and origin themselves."""

import gc
import os
from typing import Any

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
pages = get_asgi_application()

from dashboard.routing import websocket_urlpatterns  # noqa: E402 - the apps have to be loaded first


async def refuse(_scope: Any, receive: Any, send: Any) -> None:
    """Sockets at addresses that do not exist: refused, where a bare URLRouter would raise."""
    await receive()
    await send({"type": "websocket.close", "code": 4404})


async def sockets(scope: Any, receive: Any, send: Any) -> None:
    try:
        await _routes(scope, receive, send)
    except ValueError as error:
        if not str(error).startswith("No route found"):
            raise
        await refuse(scope, receive, send)


_routes = URLRouter(websocket_urlpatterns)
application = ProtocolTypeRouter({"http": pages, "websocket": sockets})

# What booting made lives as long as the process: the collector need not walk it again, which costs browsers
# tens of milliseconds each time.
gc.collect()
gc.freeze()
gc.set_threshold(10_000, 20, 20)
