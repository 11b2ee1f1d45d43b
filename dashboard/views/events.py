"""The log, and one event of it."""

from urllib.parse import urlencode

from django.db.models.functions import Length
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.timezone import get_current_timezone_name

from dashboard.choices import applied, find_hosts
from dashboard.entries import entries_of
from dashboard.event_facts import EventFacts
from dashboard.export import KINDS
from dashboard.fragments import items
from dashboard.models import SavedFilter
from dashboard.views.page import SeenRequest, page_for, read_head, render_page
from zoomfeed import acts, pages
from zoomfeed.filters import EventFilter
from zoomfeed.models import Deed, Event, Meeting
from zoomfeed.pages import Page
from zoomfeed.search import SHORT_REACH
from zoomfeed.viewer import Right, Viewer


@page_for(Right.LOG)
def events(request: SeenRequest) -> HttpResponse:
    viewer = request.viewer
    if found := _with_hosts_found(viewer, request.GET):
        if viewer.names:
            acts.note(request.user, Deed.LOOKED_UP, f"events: host {request.GET['host_name'].strip()}")
        return redirect(to(found))
    head = read_head()
    form = EventFilter(request.GET, viewer)
    place = pages.place(request.GET)
    page = pages.read(form.asked(timezone.now()), place, items.LOG_LENGTH) if form.is_valid() else Page([])
    query = form.canonical()
    acts.looked_up(request.user, form)
    is_tail = place.is_newest and form.is_valid() and request.GET.get("tail") != "off"
    context = {
        "here": "events",
        "stream_url": f"/ws/events/?{query}" if is_tail else "",
        "form": form,
        "applied": applied(form),
        "query": query,
        "kinds": KINDS,
        "pairs": form.pairs() if form.is_valid() else [],
        "zone": get_current_timezone_name(),
        "reach": f"{SHORT_REACH:,}",
        "entries": entries_of(viewer, page.keys),
        "length": items.LOG_LENGTH,
        "is_first": place.is_newest,
        "is_tail": is_tail,
        "page": page,
        "links": {name: to(query, where) for name, where in pages.links(page, place).items()},
        "saved": SavedFilter.objects.seen_by(request.user).select_related("owner"),
    }
    return render_page(request, "events/events.html", head, context)


@page_for(Right.LOG)
def event(request: SeenRequest, pk: int) -> HttpResponse:
    """With `?secrets` the passcodes and tokens of its body, too, for who may see them; that they looked is kept."""
    head, viewer = read_head(), request.viewer
    if "secrets" in request.GET and viewer.may_see_secrets:
        viewer = viewer.with_secrets()
    found = get_object_or_404(Event.objects.seen_by(viewer), pk=pk)
    if viewer.shows_secrets:
        acts.note(request.user, Deed.SECRETS, f"event {pk}")
    size = Event.objects.filter(pk=pk).values_list(Length("body"), flat=True).get()
    context = {"here": "events", "stream_url": "", "facts": EventFacts(viewer, found, size)}
    return render_page(request, "events/event.html", head, context)


@page_for(Right.LOG)
def meeting_of_event(request: SeenRequest, pk: int) -> HttpResponse:
    """To the page of the meeting that an event is about; to all that the log has of it where it has no page.

    A meeting that is only planned has none yet, and one that retention took away has none any more.
    """
    uuid = get_object_or_404(Event.objects.only("meeting_uuid"), pk=pk).meeting_uuid
    meeting = Meeting.objects.filter(uuid=uuid).only("pk").first() if uuid else None
    where = meeting.get_absolute_url() if meeting else to(urlencode({"meeting": uuid}) if uuid else "")
    asked = request.GET.urlencode()  # a kiosk stays one
    return redirect(f"{where}{'&' if '?' in where else '?'}{asked}" if asked else where)


def to(*queries: str) -> str:
    """The log's address with these query strings."""
    return f"{reverse('events')}?{'&'.join(filter(None, queries))}"


def _with_hosts_found(viewer: Viewer, query: QueryDict) -> str:
    """The filter again with the ids of the hosts whose name or address was typed, or "" when there is nothing to find.

    A page's address then asks for ids: what passes an address stays what it is, whatever else becomes known.
    """
    typed = query.get("host_name", "").strip()
    if not typed:
        return ""
    asked = query.copy()
    del asked["host_name"]
    asked.setlist("host", [*asked.getlist("host"), *(find_hosts(viewer, typed) or [typed])])
    return asked.urlencode()
