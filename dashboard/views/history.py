"""What was: the meetings that are over, and what went on in a span of days. Not live: it says as of when it is."""

from collections.abc import Callable, Iterator, Sequence

from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from dashboard import sheets
from dashboard.history import Past, by_day, deaf, hosts, local
from dashboard.history import history as history_of
from dashboard.history_form import HistoryForm
from dashboard.sheets import Cell
from dashboard.views.page import SeenRequest, page_for, read_head, render_page
from zoomfeed import acts
from zoomfeed.models import BEGAN, Deed
from zoomfeed.viewer import Right

PAGE = 50
MOST_COUNTED = 1000
"""Where counting the meetings that pass the form ends."""

MOST_ROWS = 100_000
"""Where a sheet of meetings ends."""


@page_for(Right.MEETINGS)
def history(request: SeenRequest) -> HttpResponse:
    head, now = read_head(), timezone.now()
    form = HistoryForm.asked(request.viewer, request.GET.dict(), local(now).date())
    context = {
        "here": "history",
        "stream_url": "",
        "form": form,
        "now": now,
        "zone": timezone.get_default_timezone_name(),
    }
    if not form.is_valid():
        return render_page(request, "history/history.html", head, context)
    if form.cleaned_data["host"]:
        acts.note(request.user, Deed.LOOKED_UP, f"history: {form.cleaned_data['host']}")
    meetings, rest = form.page(PAGE)
    context |= {
        "history": history_of(form.span, now),
        "hosts": hosts(request.viewer, form.span),
        "deaf": deaf(form.span, now),
        "days": by_day(meetings) if form.order == "when" else [(None, list(map(Past, meetings)))],
        "meetings": meetings,
        "passing": _passing(form, len(meetings), rest) if form.narrows else None,
        "most_counted": MOST_COUNTED,
        "is_first": not form.cleaned_data["after"],
        "query": form.query(),
        "span_query": form.query(topic="", host="", number="", people="", minutes="", sort=""),
        "rest": rest,
    }
    return render_page(request, "history/history.html", head, context)


def _passing(form: HistoryForm, listed: int, rest: str) -> int:
    """How many meetings pass the form, up to MOST_COUNTED and one more."""
    if not rest and not form.cleaned_data["after"]:
        return listed
    return form.meetings()[: MOST_COUNTED + 1].count()


@page_for(Right.EXPORT)
def sheet(request: SeenRequest, what: str) -> HttpResponseBase:
    """The figures of one chart, or the meetings of the list, as CSV."""
    now = timezone.now()
    form = HistoryForm.asked(request.viewer.exporting(), request.GET.dict(), local(now).date())
    if what not in SHEETS:
        raise Http404
    if not form.is_valid():
        return render(request, "400.html", status=400)
    acts.note(request.user, Deed.EXPORTED, f"history, {what}: {form.query()}")
    name = f"rollcall {what} {form.span.since} {form.span.until}"
    return sheets.csv_response(name, SHEETS[what](form))


Rows = Iterator[Sequence[Cell]]

FIGURES = ("People at once", "Meetings at once", "Person-minutes", "Meeting-minutes", "Meetings begun", "Meetings run")


def _hours(form: HistoryForm) -> Rows:
    yield ("Hour", "Begin (UTC)", *FIGURES)
    for part in history_of(form.span, timezone.now()).hours:
        one = part.figures
        yield (
            f"{local(part.start):%Y-%m-%d %H:%M}", part.start, one.people, one.meetings,
            one.person_s // 60, one.meeting_s // 60, one.began, one.ran,
        )  # fmt: skip


def _days(form: HistoryForm) -> Rows:
    yield ("Day", *FIGURES[:-1])
    for part in history_of(form.span, timezone.now()).days:
        one = part.figures
        day = f"{local(part.start):%Y-%m-%d}"
        yield (day, one.people, one.meetings, one.person_s // 60, one.meeting_s // 60, one.began)


def _week(form: HistoryForm) -> Rows:
    yield ("Weekday", "Hour", "Most people at once", "Most meetings at once")
    for weekday, cells in history_of(form.span, timezone.now()).week:
        for cell in cells:
            if cell.level is not None:
                yield (weekday, cell.hour, cell.people, cell.meetings)


def _hosts(form: HistoryForm) -> Rows:
    yield ("Host", "E-mail", "Zoom user", "Meetings", "Hours held", "Person-hours")
    for host in hosts(form.viewer, form.span):
        yield (host.name, host.email, host.host_id, host.meetings, round(host.hours, 2), round(host.person_hours, 2))


def _meetings(form: HistoryForm) -> Rows:
    yield (
        "Begin (UTC)", "End (UTC)", "Topic", "Host", "Host's e-mail", "Meeting ID", "Kind", "People", "Most at once",
        "Minutes", "Person-minutes", "Uncertain",
    )  # fmt: skip
    newest = form.meetings().defer("stamps").order_by(BEGAN.desc(), "-pk")[:MOST_ROWS]
    for one in newest.iterator(chunk_size=500):
        yield (
            one.began_at, one.ended_at, one.topic, one.host_name, one.host_email, one.number, one.kind, one.people,
            one.peak, (one.length_s or 0) // 60, one.minutes, "yes" if one.uncertain_since else "",
        )  # fmt: skip


SHEETS: dict[str, Callable[[HistoryForm], Rows]] = {
    "hours": _hours,
    "days": _days,
    "week": _week,
    "hosts": _hosts,
    "meetings": _meetings,
}
