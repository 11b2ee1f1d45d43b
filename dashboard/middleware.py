"""Headers that every response carries, and how pages travel."""

from collections.abc import Awaitable, Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.urls import NoReverseMatch, reverse

PLAIN = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
STRICT = f"{PLAIN}; require-trusted-types-for 'script'; trusted-types live"

UNUSED = (
    "accelerometer",
    "camera",
    "display-capture",
    "geolocation",
    "gyroscope",
    "hid",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "serial",
    "usb",
)
"""What browsers can do and no page of ours asks for."""

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",  # here, too: Django's own middleware is not asked where an outer one answers
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in UNUSED),
    "Cache-Control": "private, no-cache",  # what names people is nothing for a cache that several share
}


class SecurityHeaders:
    """Content Security Policy and its kin, on pages, errors and the admin alike.

    The policy never varies, so it needs no nonce. The admin's scripts predate Trusted Types and go without.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.is_async:
            return self._acall(request)
        return _secured(request, self.get_response(request))  # type: ignore[arg-type]

    async def _acall(self, request: HttpRequest) -> HttpResponseBase:
        return _secured(request, await self.get_response(request))  # type: ignore[misc]


def _secured(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    response.headers.setdefault("Content-Security-Policy", PLAIN if _is_admin(request.path) else STRICT)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def _is_admin(path: str) -> bool:
    try:
        return path.startswith(reverse("admin:index"))
    except NoReverseMatch:
        return False


class CompressPages(GZipMiddleware):
    """Pages with gzip: a board of 500 meetings is a thirteenth then. Downloads go as they are made.

    That the size of a page can tell what is in it (BREACH) takes somebody who has a browser load it many times with
    text of theirs beside a secret. Our one secret is the CSRF token, which Django masks anew for each response; other
    sites cannot have pages loaded unseen with our session, whose cookie is SameSite=Lax; and Django pads by chance.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        is_page = not response.streaming and response.headers.get("Content-Type", "").startswith("text/html")
        return super().process_response(request, response) if is_page else response
