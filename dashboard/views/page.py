"""What the pages share. Closed by default: anonymous visitors are led to the login, and only active staff with the
right to a page get further. Every view knows its viewer, as whom it reads whatever it shows.

Each page reads the revision before it reads its rows, so that it never claims to be newer than it is.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse_lazy
from django.utils.functional import SimpleLazyObject
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard.feed_status import feed_status
from zoomfeed.models import Head
from zoomfeed.viewer import NOBODY, Right, Viewer

P = ParamSpec("P")


class SeenRequest(HttpRequest):
    """A request of somebody who may have what is asked for."""

    viewer: Viewer


View = Callable[Concatenate[SeenRequest, P], HttpResponseBase]
Guarded = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def site(request: HttpRequest) -> dict[str, Any]:
    """Context for every template. The feed is looked up when a page shows it, and then once; the viewer likewise."""
    return {
        "demo": settings.ROLLCALL_DEMO,
        "feed": SimpleLazyObject(feed_status),
        "viewer": SimpleLazyObject(lambda: viewer_of(request)),
    }


def viewer_of(request: HttpRequest) -> Viewer:
    """Whoever asks; NOBODY when nobody has signed in, or a request has failed before it was known."""
    known: Viewer | None = getattr(request, "viewer", None)
    user = getattr(request, "user", None)
    return known or (Viewer.of(user) if user else NOBODY)


def page_for(right: Right) -> Callable[[View[P]], Guarded[P]]:
    """A page for active staff who have this right, to be read and never kept."""

    def decorate(view: View[P]) -> Guarded[P]:
        return never_cache(require_safe(only_with(right)(view)))

    return decorate


def only_with(right: Right) -> Callable[[View[P]], Guarded[P]]:
    """For staff who have this right; the view finds them as `request.viewer`."""

    def decorate(view: View[P]) -> Guarded[P]:
        @wraps(view)
        def guarded(request: SeenRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            request.viewer = Viewer.of(request.user)
            return view(request, *args, **kwargs) if request.viewer.may(right) else forbidden(request)

        return guarded  # type: ignore[return-value]

    return decorate


def is_staff(request: HttpRequest) -> bool:
    return request.user.is_active and getattr(request.user, "is_staff", False)


def forbidden(request: HttpRequest) -> HttpResponse:
    """For somebody who is signed in and may not see this: says why, and how to become somebody else."""
    viewer = viewer_of(request)
    context = {"is_staff": is_staff(request), "home": next((url for right, url in HOMES if viewer.may(right)), "")}
    return render(request, "forbidden.html", context, status=403)


HOMES = ((Right.MEETINGS, reverse_lazy("live")), (Right.LOG, reverse_lazy("events")))
"""Where somebody may go who may not go everywhere."""


def read_head() -> Head:
    head, _ = Head.objects.get_or_create(pk=1)
    return head


def render_page(request: HttpRequest, template: str, head: Head, context: dict[str, Any]) -> HttpResponse:
    return render(request, template, {"epoch": head.epoch, "revision": head.revision, **context})
