"""What changed, as HTML, through the very partials that the pages are painted with.

`changes(stream, since)` is asked for live frames and for pages that come back alike. It reads the database and nothing
else: the same question gets the same answer from any process. Items come whole and in their newest state, so to apply
one twice is harmless, and to send one that had not changed costs only its bytes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Max, Q
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils import timezone

from dashboard import board
from dashboard.entries import Entry, entries
from dashboard.feed_status import feed_status
from dashboard.filters import EventFilter
from dashboard.roster import Roster, Row
from dashboard.words import shown
from zoomfeed.models import Event, Head, Leg, Meeting

__all__ = ["Changes", "TooMuch", "changes", "feed_status"]

MOST = 500
"""More items than this are dearer than a fresh page."""

LOG_LENGTH = 100
"""How many events a live list holds."""


class TooMuch(Exception):
    """So much has changed that the page had better be fetched again."""


@dataclass
class Changes:
    """`put`: replace the item if it is there. `add`: replace it, and have it in that list. `say`: read it out."""

    put: dict[str, str] = field(default_factory=dict)
    add: list[tuple[str, str, str, None]] = field(default_factory=list)
    delete: list[str] = field(default_factory=list)
    say: str = ""


def changes(stream: str, since: int) -> Changes:
    """Everything of a stream that changed after a revision. Raises TooMuch."""
    kind, _, about = stream.partition(":")
    return STREAMS[kind](about, since)


def _board(_: str, since: int) -> Changes:
    changed = _changed_meetings(since)
    found, over, has_returned = Changes(), list[board.Ended](), False
    for meeting in board.with_legs(Meeting.objects.filter(pk__in=changed)):
        if meeting.is_live:
            card = board.Card(meeting)
            found.add.append(("meetings", card.id, render_to_string("live/_card.html", {"card": card}), None))
            found.delete.append(f"x-{meeting.pk}")
            has_returned = has_returned or meeting.ended_at is not None
        else:
            over.append(board.Ended(meeting))
            found.delete.append(f"m-{meeting.pk}")
    # the place of a meeting that goes on after its end is taken by one that ended before it
    for ended in board.ended() if has_returned else over:
        found.add.append(("ended", ended.id, render_to_string("live/_ended.html", {"ended": ended}), None))
    if changed:
        totals = board.totals()
        found.put = {name: render_to_string(f"live/_{name}.html", {"totals": totals}) for name in BOARD_NUMBERS}
    found.say = _say_board(since) if changed else ""
    return found


BOARD_NUMBERS = ("kpi_meetings", "kpi_people", "kpi_waiting", "live_count", "empty")
BOARD_DAY = ("kpi_day", "day")
"""Items of the board. Each is the partial live/_<name>.html, one element with that id. Those of the day move with time,
and are dear besides: they come by the clock."""


def by_the_clock(stream: str) -> dict[str, str]:
    """The items of a stream that may change without an event, as they are now."""
    if stream != "board":
        return {}
    head, _made = Head.objects.get_or_create(pk=1)
    day = board.day(head)
    return {name: render_to_string(f"live/_{name}.html", {"day": day}) for name in BOARD_DAY}


def _changed_meetings(since: int) -> list[int]:
    """Those that changed themselves, and those of which a leg did."""
    legs = Leg.objects.changed_since(since).values("meeting_id")
    changed = Meeting.objects.filter(Q(revision__gt=since) | Q(pk__in=legs)).values_list("pk", flat=True)
    found = list(changed[: MOST + 1])
    if len(found) > MOST:
        raise TooMuch
    return found


def _say_board(since: int) -> str:
    news = Event.objects.changed_since(since).filter(
        name__in=("meeting.started", "meeting.ended", "webinar.started", "webinar.ended")
    )
    return _say(news, lambda entry: f"{shown(entry.event.topic) or 'A meeting'} {entry.words}")


def _say(news: Any, words: Callable[[Entry], str]) -> str:
    """The last of the news in words: who listens wants to hear one thing, not fifty."""
    last = entries(news, 1)
    return words(last[0]) if last else ""


def _meeting(about: str, since: int) -> Changes:
    meeting = board.with_legs(Meeting.objects.filter(pk=about)).first()
    found = Changes()
    if meeting is None:
        return found
    roster = Roster(meeting, timezone.now())
    is_anew = _everybody_changed(roster, since)
    rows = roster.rows if is_anew else _changed_rows(roster, since)
    if len(rows) > MOST:
        raise TooMuch
    for row in rows:
        found.add.append((row.section, row.id, render_to_string("meetings/_person.html", {"row": row}), None))
        found.delete += row.other_ids
    events = Event.objects.changed_since(since).filter(meeting_uuid=meeting.uuid)
    news = entries(events, LOG_LENGTH)
    for entry in news:
        item = render_to_string("meetings/_event.html", {"entry": entry})
        found.add.append(("meeting-events", entry.id, item, None))
    if is_anew or rows or meeting.revision > since:
        found.put = {name: render_to_string(f"meetings/_{name}.html", {"roster": roster}) for name in MEETING_PARTS}
    if news and news[0].who:
        found.say = f"{shown(news[0].who)} {news[0].words}"
    return found


MEETING_PARTS = ("heading", "stats", "strip", "present_count", "waiting_count", "left_count")
"""Items of a meeting's page. Each is the partial meetings/_<name>.html, one element with that id."""


def _changed_rows(roster: Roster, since: int) -> list[Row]:
    """People with a changed leg, and those who may have been one person with them until then."""
    changed = [row for row in roster.rows if any(leg.revision > since for leg in row.person.legs)]
    ids, names = {row.id for row in changed}, set().union(*map(_names_of, changed))
    return [row for row in roster.rows if row.id in ids or names & _names_of(row)]


def _names_of(row: Row) -> set[tuple[str, str]]:
    """All that can make two legs one person."""
    return {(name, value) for leg in row.person.legs for name in IDENTITIES if (value := getattr(leg, name))}


IDENTITIES = ("participant_uuid", "zoom_user_id", "customer_key", "registrant_id")


def _everybody_changed(roster: Roster, since: int) -> bool:
    """May the axis have stepped, or the meeting have ended under them? The numbers beside the axis change with it."""
    meeting = roster.meeting
    if meeting.revision > since and (meeting.ended_at is not None or _waited_for_host(roster)):
        return True
    before = roster.axis_at(_instant_of(since) or roster.now, up_to_revision=since)
    return before != roster.axis


def _waited_for_host(roster: Roster) -> bool:
    """Their wait ends with the meeting's start, of which their own legs know nothing."""
    return any(leg.place == "before_host" for person in roster.people for leg in person.legs)


def _instant_of(revision: int) -> datetime | None:
    """A time before which no page was at this revision."""
    newest = Event.objects.filter(revision__lte=revision).aggregate(at=Max("revision"))["at"]
    return Event.objects.filter(revision=newest).aggregate(at=Max("received_at"))["at"] if newest else None


def _events(about: str, since: int) -> Changes:
    asked = EventFilter(QueryDict(about))
    found = Changes()
    for entry in entries(asked.queryset(timezone.now()).filter(revision__gt=since), LOG_LENGTH):
        found.add.append(("events", entry.id, render_to_string("events/_row.html", {"entry": entry}), None))
    return found


STREAMS: dict[str, Callable[[str, int], Changes]] = {"board": _board, "meeting": _meeting, "events": _events}
