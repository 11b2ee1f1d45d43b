"""The page of one meeting, and its attendance for spreadsheets."""

from urllib.parse import urlencode

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone

from dashboard import attendance, board, sheets
from dashboard.entries import entries
from dashboard.filters import RosterFilter
from dashboard.fragments import items
from dashboard.recordings import recorded
from dashboard.roster import Roster
from dashboard.runs import runs
from dashboard.views.page import SeenRequest, page_for, read_head, render_page
from zoomfeed import acts
from zoomfeed.models import Deed, Event
from zoomfeed.viewer import Right


@page_for(Right.MEETINGS)
def meeting(request: SeenRequest, pk: int) -> HttpResponse:
    head = read_head()
    viewer = request.viewer
    found = get_object_or_404(board.with_legs(viewer), pk=pk)
    asked = RosterFilter(request.GET)
    query = asked.canonical()
    if asked.window.words and viewer.names:
        acts.note(request.user, Deed.LOOKED_UP, f"{found.uuid}: {asked.asked['q']}")
    context = {
        "stream_url": f"/ws/meetings/{pk}/{'?' if query else ''}{query}",
        "meeting": found,
        "roster": Roster(found, timezone.now(), asked.window),
        "asked": asked,
        "runs": runs(viewer, found),
        "recorded": recorded(viewer, found.uuid),
        "entries": entries(viewer, Event.objects.filter(meeting_uuid=found.uuid), items.LOG_LENGTH),
        "length": items.LOG_LENGTH,
        "log_query": urlencode({"meeting": found.uuid}),
    }
    return render_page(request, "meetings/meeting.html", head, context)


@page_for(Right.EXPORT)
def attendance_csv(request: SeenRequest, pk: int) -> HttpResponseBase:
    """One row a person; with `?legs` one row for each time that a device was there."""
    roster = _whole_roster(request, pk)
    name = attendance.file_name(roster.meeting)
    if "legs" in request.GET:
        return sheets.csv_response(f"{name} connections", attendance.legs(roster))
    return sheets.csv_response(name, attendance.persons(roster))


@page_for(Right.EXPORT)
def attendance_xlsx(request: SeenRequest, pk: int) -> HttpResponseBase:
    roster = _whole_roster(request, pk)
    return sheets.xlsx_response(attendance.file_name(roster.meeting), attendance.workbook_sheets(roster))


def _whole_roster(request: SeenRequest, pk: int) -> Roster:
    """For a file; that it was taken is kept."""
    found = get_object_or_404(board.with_legs(request.viewer.exporting()), pk=pk)
    acts.note(request.user, Deed.EXPORTED, f"attendance of meeting {found.uuid}")
    return Roster(found, timezone.now())
