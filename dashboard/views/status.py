"""Every link of the chain."""

from django.http import HttpResponse

from dashboard.status import overview
from dashboard.views.page import SeenRequest, page_for, read_head, render_page
from zoomfeed.viewer import Right


@page_for(Right.MEETINGS)
def status(request: SeenRequest) -> HttpResponse:
    head = read_head()
    context = {"here": "status", "stream_url": "/ws/status/", "overview": overview(request.viewer)}
    return render_page(request, "status/status.html", head, context)
