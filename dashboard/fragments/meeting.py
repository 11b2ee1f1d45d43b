"""What changed on the page of one meeting."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Max, Q
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils import timezone

from dashboard import board
from dashboard.entries import entries
from dashboard.filters import RosterFilter
from dashboard.fragments import items
from dashboard.fragments.items import MOST, Changes, TooMuch
from dashboard.recordings import recorded
from dashboard.roster import SECTIONS, Roster, Row, Section
from dashboard.runs import runs
from zoomfeed.models import Event, Meeting, Recording
from zoomfeed.text import shown
from zoomfeed.viewer import Viewer

PARTS = ("heading", "stats", "strip", "found")
"""Items of a meeting's page. Each is the partial meetings/_<name>.html, one element with that id."""

OF_SECTION = ("count", "more")
"""The same for each section: their ids are <section>_<name>."""

ASIDE = ("runs", "recording")
"""Items that tell of other rows than the meeting's own."""

ITEMS = (*PARTS, *ASIDE, *(f"{section}_{name}" for section in SECTIONS for name in OF_SECTION))


def changes(viewer: Viewer, about: str, since: int) -> Changes:
    """`about` is the meeting's key and, after a question mark, which of its people the page shows."""
    pk, _, query = about.partition("?")
    meeting = board.with_legs(viewer, Q(pk=pk)).first()
    found = Changes()
    if meeting is None:
        return found
    asked = RosterFilter(QueryDict(query))
    roster = Roster(meeting, timezone.now(), asked.window)
    is_anew = _everybody_changed(roster, since)
    changed = roster.rows if is_anew else _changed_rows(roster, since)
    _send_people(roster, changed, found)
    events = Event.objects.changed_since(since).filter(meeting_uuid=meeting.uuid)
    news = entries(viewer, events, items.LOG_LENGTH)
    for entry in news:
        item = render_to_string("meetings/_event.html", {"entry": entry})
        found.add.append(("meeting-events", entry.id, item, None))
    if is_anew or changed or meeting.revision > since:
        found.put |= dict(_parts(roster, asked))
    if meeting.number and Meeting.objects.changed_since(since).filter(number=meeting.number).exists():
        found.put["runs"] = render_to_string("meetings/_runs.html", {"runs": runs(viewer, meeting)})
    if Recording.objects.changed_since(since).filter(meeting_uuid=meeting.uuid).exists():
        found.put["recording"] = render_to_string(
            "meetings/_recording.html", {"recorded": recorded(viewer, meeting.uuid)}
        )
    if news and news[0].who:
        found.say = f"{shown(news[0].who)} {news[0].words}"
    return found


def _parts(roster: Roster, asked: RosterFilter) -> Iterator[tuple[str, str]]:
    for name in PARTS:
        yield name, render_to_string(f"meetings/_{name}.html", {"roster": roster})
    for section in roster.sections:
        for name in OF_SECTION:
            context = {"section": section, "asked": asked}
            yield f"{section.name}_{name}", render_to_string(f"meetings/_{name}.html", context)


def _send_people(roster: Roster, changed: list[Row], found: Changes) -> None:
    """Those who changed, as far as the page shows them, and those who move up into what it shows.

    Every change can have taken as many rows from a section as there are legs in it. As the others keep their order,
    those that came into sight instead are the last ones in sight.
    """
    ids = {row.id for row in changed}
    legs = sum(len(row.person.legs) for row in changed)
    for section in roster.sections:
        moved_up = _moved_up(section, ids, legs)
        for row in section.shown:
            if row.id in ids or row.id in moved_up:
                found.add.append((section.name, row.id, _person(row), None))
                if len(found.add) > MOST:
                    raise TooMuch
    in_sight = {key for _, key, *_ in found.add}
    found.delete += sorted(ids - in_sight)
    found.delete += [key for row in changed for key in row.other_ids]


def _moved_up(section: Section, changed: set[str], most: int) -> set[str]:
    if not most or section.most is None or len(section.rows) + most <= section.most:
        return set()
    others = [row.id for row in section.shown if row.id not in changed]
    return set(others[-most:])


def _person(row: Row) -> str:
    return render_to_string("meetings/_person.html", {"row": row})


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
    if _may_have_begun_earlier(roster, since):
        return True
    before = roster.axis_at(_instant_of(since) or roster.now, up_to_revision=since)
    return before != roster.axis


def _may_have_begun_earlier(roster: Roster, since: int) -> bool:
    """Of a leg that was known by its leave, and has got a join after that, nobody knows where its bar began until now.

    It did not begin before anything was said of it.
    """
    changed = (leg for person in roster.people for leg in person.legs if leg.revision > since and leg.seen_at)
    return any(leg.seen_at < roster.axis.start for leg in changed)


def _waited_for_host(roster: Roster) -> bool:
    """Their wait ends with the meeting's start, of which their own legs know nothing."""
    return any(leg.place == "before_host" for person in roster.people for leg in person.legs)


def _instant_of(revision: int) -> datetime | None:
    """A time before which no page was at this revision."""
    newest = Event.objects.filter(revision__lte=revision).aggregate(at=Max("revision"))["at"]
    return Event.objects.filter(revision=newest).aggregate(at=Max("received_at"))["at"] if newest else None
