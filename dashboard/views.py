"""The pages. Closed by default: anonymous visitors are led to the login, and only active staff get further.

Each page reads the revision before it reads its rows, so that it never claims to be newer than it is.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from dashboard import board, health, metrics
from dashboard.entries import entries
from dashboard.feed_status import feed_status
from dashboard.filters import EventFilter
from dashboard.fragments import LOG_LENGTH
from dashboard.roster import Roster
from dashboard.status import overview
from zoomfeed.models import Event, Head, Meeting

View = Callable[..., HttpResponse]


def site(_request: HttpRequest) -> dict[str, Any]:
    """Context for every template. The feed is looked up when a page shows it, and then once."""
    return {"demo": settings.ROLLCALL_DEMO, "feed": SimpleLazyObject(feed_status)}


def staff_page(view: View) -> View:
    """A page for active staff, to be read and never kept."""

    @never_cache
    @require_safe
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not is_staff(request):
            return forbidden(request)
        return view(request, *args, **kwargs)

    return guarded


def is_staff(request: HttpRequest) -> bool:
    return request.user.is_active and getattr(request.user, "is_staff", False)


def forbidden(request: HttpRequest) -> HttpResponse:
    """For somebody who is signed in and may not see anything: says why, and how to become somebody else."""
    return render(request, "forbidden.html", status=403)


@staff_page
def live(request: HttpRequest) -> HttpResponse:
    head = _head()
    context = {
        "here": "live",
        "stream_url": "/ws/live/",
        "totals": board.totals(),
        "cards": board.cards(),
        "ended": board.ended(),
        "ended_max": board.ENDED,
        "day": board.day(head),
    }
    return _page(request, "live/live.html", head, context)


@staff_page
def meeting(request: HttpRequest, pk: int) -> HttpResponse:
    head = _head()
    found = get_object_or_404(board.with_legs(Meeting.objects.all()), pk=pk)
    context = {
        "stream_url": f"/ws/meetings/{pk}/",
        "meeting": found,
        "roster": Roster(found, timezone.now()),
        "entries": entries(Event.objects.filter(meeting_uuid=found.uuid), LOG_LENGTH),
        "length": LOG_LENGTH,
        "log_query": urlencode({"meeting": found.uuid}),
    }
    return _page(request, "meetings/meeting.html", head, context)


@staff_page
def events(request: HttpRequest) -> HttpResponse:
    head = _head()
    asked = EventFilter(request.GET)
    found = asked.queryset(timezone.now())
    before = request.GET.get("before", "")
    is_first = not (before.isascii() and before.isdigit() and len(before) <= 18)
    shown = entries(found if is_first else found.filter(pk__lt=int(before)), LOG_LENGTH + 1)
    query = asked.canonical()
    is_tail = is_first and asked.is_valid() and request.GET.get("tail") != "off"
    context = {
        "here": "events",
        "stream_url": f"/ws/events/?{query}" if is_tail else "",
        "form": asked,
        "entries": shown[:LOG_LENGTH],
        "length": LOG_LENGTH,
        "is_first": is_first,
        "is_tail": is_tail,
        "newest_url": f"{reverse('events')}?{query}",
        "older_url": _older_url(query, shown[LOG_LENGTH - 1].event.pk) if len(shown) > LOG_LENGTH else "",
    }
    return _page(request, "events/events.html", head, context)


@staff_page
def status(request: HttpRequest) -> HttpResponse:
    head = _head()
    return _page(request, "status/status.html", head, {"here": "status", "overview": overview()})


def _older_url(query: str, before: int) -> str:
    return f"{reverse('events')}?{query}{'&' if query else ''}before={before}"


def _page(request: HttpRequest, template: str, head: Head, context: dict[str, Any]) -> HttpResponse:
    return render(request, template, {"epoch": head.epoch, "revision": head.revision, **context})


def _head() -> Head:
    head, _ = Head.objects.get_or_create(pk=1)
    return head


@login_not_required
@never_cache
def admin_login(request: HttpRequest) -> HttpResponse:
    """The admin sends whom it does not know to our own login. Whoever is signed in already is not staff."""
    if request.user.is_authenticated and not is_staff(request):
        return forbidden(request)
    return redirect(f"{reverse('login')}?{urlencode({'next': request.GET.get('next') or reverse('admin:index')})}")


@login_not_required
@require_safe
def favicon(_request: HttpRequest) -> HttpResponse:
    """For browsers that ask at the old address."""
    return redirect(static("rollcall/icon.svg"))


@login_not_required
@never_cache
@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """The process lives; it says nothing of what it depends on."""
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
@never_cache
@require_safe
def readyz(_request: HttpRequest) -> HttpResponse:
    parts = health.readiness()
    return JsonResponse(parts, status=200 if health.is_ready(parts) else 503)


@login_not_required
@never_cache
@require_safe
def metrics_for_prometheus(request: HttpRequest) -> HttpResponse:
    """Does not exist without a token, so that nobody opens it by accident."""
    if not settings.METRICS_TOKEN:
        raise Http404
    if not metrics.is_allowed(request.headers.get("Authorization", "")):
        return HttpResponse(
            "Wrong token.\n", status=401, headers={"WWW-Authenticate": "Bearer"}, content_type="text/plain"
        )
    return HttpResponse(metrics.exposition(), content_type=CONTENT_TYPE_PLAIN_0_0_4)
