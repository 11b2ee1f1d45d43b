"""Answers for machines: probes, Prometheus, and browsers that look for an icon."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from dashboard import health, metrics


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
