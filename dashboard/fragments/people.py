"""What changed on the page of people, for one query.

Lists are windows: as many as a page holds, of all who match. Somebody who leaves makes room, so that one enters who did
not change; but nobody moves further than there are people who came, went or changed their place. So besides those who
changed, only the edges of a window have to be sent, as broad as that.

What a leg said before is not known. A person is painted again whose legs share any id with one that changed, which
misses one case: an id or address that was replaced by another while two meetings had somebody by the old one. Such a
row is put right by its next change.
"""

from dataclasses import dataclass, field

from django.db.models import Q
from django.http import QueryDict
from django.template.loader import render_to_string

from dashboard import people
from dashboard.fragments.items import MOST, Changes, TooMuch
from zoomfeed.attendance import Person
from zoomfeed.fold import Place
from zoomfeed.models import Attendee, Leg, Meeting
from zoomfeed.viewer import Viewer

PARTS = ("people_summary", "people_waiting", "people_present", "people_nobody", "people_pages")
"""Items of the page. Each is the partial people/_<name>.html, one element with that id."""


@dataclass
class News:
    """Who changed. `names`: all by which they may have been one person with others; `pks`: of their legs."""

    persons: set[int] = field(default_factory=set)
    names: set[object] = field(default_factory=set)
    pks: set[int] = field(default_factory=set)
    gone: int = 0

    @property
    def size(self) -> int:
        return len(self.persons) + self.gone


def changes(viewer: Viewer, about: str, since: int) -> Changes:
    asked = people.PeopleQuery(QueryDict(about))
    if not asked.is_valid():
        return Changes()
    there = people.now(viewer)
    found = people.Found(viewer, asked, there)
    news = _news(there, since)
    result = Changes()
    _tell_now(result, found, news, since)
    if found.words and viewer.names:
        _tell_seen(result, found, news, since)
    return result


def _news(there: people.Now, since: int) -> News:
    news = News()
    for running in there.runs:
        meeting, persons = running.meeting, running.persons
        if meeting.revision <= since:
            continue
        is_anew = meeting.ended_at is not None or _waited_for_host(persons)
        for person in persons:
            if is_anew or any(leg.revision > since for leg in person.legs):
                news.persons.add(id(person))
                news.names |= _names_of(meeting, person)
                news.pks |= {leg.pk for leg in person.legs}
    over = Leg.objects.filter(meeting__in=Meeting.objects.changed_since(since).ended())
    for leg in over.only("pk", "identity", "zoom_user_id", "email", "name")[: MOST + 1]:
        news.names |= {leg.identity, *leg.identities}
        news.pks.add(leg.pk)
        news.gone += 1
    if news.size > MOST:
        raise TooMuch
    return news


def _waited_for_host(persons: list[Person]) -> bool:
    """Their wait ends with the meeting's start, of which their own legs know nothing."""
    return any(leg.place == Place.BEFORE_HOST for person in persons for leg in person.legs)


IDS = ("participant_uuid", "customer_key", "registrant_id")


def _names_of(meeting: Meeting, person: Person) -> set[object]:
    """All that can make two legs one person: everywhere, or within their meeting."""
    names: set[object] = {leg.identity for leg in person.legs}
    names |= {name for leg in person.legs for name in leg.identities}
    return (names | _ids_of(meeting, person)) - {""}


def _ids_of(meeting: Meeting, person: Person) -> set[object]:
    return {(meeting.pk, name, value) for leg in person.legs for name in IDS if (value := getattr(leg, name))}


def _tell_now(result: Changes, found: people.Found, news: News, since: int) -> None:
    moved = {one.id for one in found.there.everybody if _is_news(one, news, since)}
    reach = news.size + len(moved)
    if reach > MOST:
        raise TooMuch
    gone = {f"w-{pk}" for pk in news.pks}
    for name, rows, begins in (("waiting", found.waiting_all, 0), ("present", found.present_all, found.begins)):
        ends = begins + people.PAGE
        for at, one in enumerate(rows[max(0, begins - reach) : ends + reach], max(0, begins - reach)):
            if not begins <= at < ends:
                gone.add(one.id)
            elif one.id in moved or at >= ends - reach or 0 < begins > at - reach or _is_painted_anew(one, since):
                html = render_to_string("people/_person.html", {"one": one, "viewer": found.viewer})
                result.add.append((f"people-{name}", one.id, html, None))
    gone |= {f"w-{leg.pk}" for one in found.there.everybody if one.id in moved for leg in one.legs} | moved
    result.delete = sorted(gone - {key for _, key, *_ in result.add})
    if reach:
        result.put = {name: render_to_string(f"people/_{name}.html", {"found": found}) for name in PARTS}


def _is_news(one: people.Someone, news: News, since: int) -> bool:
    return any(_has_changed(presence, news, since) for presence in one.presences)


def _has_changed(presence: people.Presence, news: News, since: int) -> bool:
    """Asked of everybody who is there, so it looks at ids only where a meeting has changed."""
    person, meeting = presence.person, presence.meeting
    if id(person) in news.persons or person.legs[0].identity in news.names:
        return True
    return meeting.revision > since and not news.names.isdisjoint(_ids_of(meeting, person))


def _is_painted_anew(one: people.Someone, since: int) -> bool:
    """May one of the meetings be called otherwise by now?"""
    return any(presence.meeting.revision > since for presence in one.presences)


def _tell_seen(result: Changes, found: people.Found, news: News, since: int) -> None:
    """The whole list, when anybody whom the search finds was in a meeting that has changed."""
    of_changed = Leg.objects.filter(meeting__in=Meeting.objects.changed_since(since)).values("identity")
    weaker = [name for name in news.names if isinstance(name, str)]
    matching = Attendee.objects.matching(found.words).filter(Q(identity__in=of_changed) | Q(identity__in=weaker))
    affected = set(matching.values_list("identity", flat=True).distinct()[: MOST + 1])
    if len(affected) > MOST:
        raise TooMuch
    if not affected:
        return
    for one in found.seen:
        result.add.append(
            ("people-seen", one.id, render_to_string("people/_seen.html", {"one": one, "viewer": found.viewer}), None)
        )
    shown = {one.identity for one in found.seen}
    result.delete += sorted(people.seen_id(who) for who in affected - shown)
