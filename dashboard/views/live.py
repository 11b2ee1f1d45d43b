"""The live board."""

from collections.abc import Iterable

from django.http import HttpResponse
from django.utils import timezone

from dashboard import board
from dashboard.views.page import SeenRequest, page_for, read_head, render_page
from zoomfeed.viewer import Right

VIEWS = ("cards", "table")


def one_of(known: Iterable[str], asked: str | None) -> str:
    """What was asked for, if there is such a thing; else the first."""
    names = list(known)
    return asked if asked in names else names[0]


@page_for(Right.MEETINGS)
def live(request: SeenRequest) -> HttpResponse:
    head = read_head()
    sort = one_of(board.SORTS, request.GET.get("sort"))
    context = {
        "here": "live",
        "stream_url": "/ws/live/",
        "sorts": board.SORTS,
        "views": VIEWS,
        "sort": sort,
        "by": board.SORTS[sort],
        "view": one_of(VIEWS, request.GET.get("view")),
        "totals": board.totals(),
        "cards": board.cards(request.viewer, sort),
        "upcoming": board.upcoming(request.viewer, timezone.now()),
        "is_connected": board.is_connected(),
        "ended": board.ended(request.viewer),
        "ended_max": board.ENDED,
        "day": board.day(head),
    }
    return render_page(request, "live/live.html", head, context)
