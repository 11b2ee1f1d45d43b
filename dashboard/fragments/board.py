"""What changed on the live board."""

from django.db.models import Q
from django.template.loader import render_to_string
from django.utils import timezone

from dashboard import board
from dashboard.entries import entries
from dashboard.fragments.items import MOST, Changes, TooMuch
from zoomfeed.models import Event, Head, Leg, Meeting, ScheduledMeeting
from zoomfeed.text import shown
from zoomfeed.viewer import Viewer

NUMBERS = ("kpi_meetings", "kpi_people", "kpi_waiting", "live_count", "empty")
DAY = ("then_meetings", "then_people", "kpi_day", "day", "day_table")
CLOCK = (*DAY, "upcoming", "first_run")
"""Items of the board. Each is the partial live/_<name>.html, one element with that id. Those of the clock move with
time, and the day is dear besides: they come by the clock."""


def changes(viewer: Viewer, _: str, since: int) -> Changes:
    changed = _changed_meetings(since)
    found, over, has_returned = Changes(), list[board.Ended](), False
    for meeting in board.with_legs(viewer, Q(pk__in=changed)):
        if meeting.is_live:
            card = board.Card(meeting)
            found.add.append(("meetings", card.id, render_to_string("live/_card.html", {"card": card}), None))
            found.delete.append(f"x-{meeting.pk}")
            has_returned = has_returned or meeting.ended_at is not None
        else:
            over.append(board.Ended(meeting))
            found.delete.append(f"m-{meeting.pk}")
    # the place of a meeting that goes on after its end is taken by one that ended before it
    for ended in board.ended(viewer) if has_returned else over:
        found.add.append(("ended", ended.id, render_to_string("live/_ended.html", {"ended": ended}), None))
    if changed:
        totals = board.totals()
        found.put = {name: render_to_string(f"live/_{name}.html", {"totals": totals}) for name in NUMBERS}
    if changed or ScheduledMeeting.objects.changed_since(since).exists():
        found.put["upcoming"] = _upcoming(viewer)  # and by the clock
    found.say = _say(viewer, since) if changed else ""
    return found


def by_the_clock(viewer: Viewer, _: str) -> dict[str, str]:
    head, _made = Head.objects.get_or_create(pk=1)
    day = board.day(head)
    items = {name: render_to_string(f"live/_{name}.html", {"day": day}) for name in DAY}
    items["first_run"] = render_to_string("live/_first_run.html", {"is_connected": board.is_connected()})
    return items | {"upcoming": _upcoming(viewer)}


def _upcoming(viewer: Viewer) -> str:
    return render_to_string("live/_upcoming.html", {"upcoming": board.upcoming(viewer, timezone.now())})


def _changed_meetings(since: int) -> list[int]:
    """Those that changed themselves, and those of which a leg did."""
    legs = Leg.objects.changed_since(since).values("meeting_id")
    changed = Meeting.objects.filter(Q(revision__gt=since) | Q(pk__in=legs)).values_list("pk", flat=True)
    found = list(changed[: MOST + 1])
    if len(found) > MOST:
        raise TooMuch
    return found


def _say(viewer: Viewer, since: int) -> str:
    """The last of the news in words: who listens wants to hear one thing, not fifty."""
    news = Event.objects.changed_since(since).filter(
        name__in=("meeting.started", "meeting.ended", "webinar.started", "webinar.ended")
    )
    return " ".join(f"{shown(last.event.topic) or 'A meeting'} {last.words}" for last in entries(viewer, news, 1))
