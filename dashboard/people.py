"""What the people page shows, as plain values: who is in a meeting or waits now, and where others were seen last.

Now: a row is one person, with every meeting that this person is in. Persons of different meetings are the same when
their identity says so (`zoomfeed.identity`), and never because of a name. Only the legs of live meetings are read, and
those of a meeting that has not changed are kept in memory, by its revision. Who is where is worked out once for all
pages of a process, and anew with the next revision.

Seen: those who match the search and are nowhere now, from the directory of attendees, and the newest legs of each.

Everything is a function of recorded rows alone, so that a row painted with the page and one sent later are the same.
"""

import threading
import zlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.urls import reverse

from dashboard import board
from dashboard.charts import milliseconds
from zoomfeed.attendance import Person, people
from zoomfeed.fold import Place
from zoomfeed.identity import is_by_name, search_key
from zoomfeed.models import Attendee, Head, Leg, Meeting
from zoomfeed.text import shown
from zoomfeed.viewer import Viewer

PAGE = 100
"""How many people a list shows at once."""

SEEN = 20
RUNS = 4
"""How many people are shown who are nowhere now, and how many meetings of each."""

MOST_LEGS = 40
"""How many legs are read for those meetings."""

MOST_CALLED = 400
"""How many rows of the directory are read to find so many people."""

PLACES = {
    Place.WAITING_ROOM: "in the waiting room",
    Place.BEFORE_HOST: "waiting for the host",
    Place.BREAKOUT_ROOM: "in a breakout room",
}


class PeopleQuery(forms.Form):
    """What a query string asks of the page. An empty form asks for everybody who is there."""

    q = forms.CharField(
        label="Search",
        required=False,
        max_length=200,
        widget=forms.TextInput(
            attrs={"type": "search", "placeholder": "Name or e-mail", "autocomplete": "off", "spellcheck": "false"}
        ),
    )
    page = forms.IntegerField(label="Page", required=False, min_value=1, max_value=10_000)

    @property
    def text(self) -> str:
        return str(self.cleaned_data["q"]) if self.is_valid() else ""

    @property
    def words(self) -> list[str]:
        return search_key(self.text).split()

    @property
    def number(self) -> int:
        return (self.cleaned_data["page"] or 1) if self.is_valid() else 1

    def canonical(self, *, page: int | None = None) -> str:
        """The query string that asks the same, and is the same however it was asked; or that of another page."""
        number = page or self.number
        asked = {"page": str(number) if number > 1 else "", "q": self.text}
        return urlencode({name: value for name, value in asked.items() if value})


# Who is there now


@dataclass(frozen=True)
class Presence:
    """One person in one live run, or one who waits to get in."""

    meeting: Meeting
    person: Person

    @property
    def is_waiting(self) -> bool:
        return self.person.is_waiting

    @property
    def since(self) -> datetime | None:
        return self.person.waits_since if self.is_waiting else self.person.visits[-1][0]

    @property
    def place(self) -> str:
        """Where in the meeting; "" is where everybody is."""
        return PLACES.get(Place(self.person.place), "")

    @cached_property
    def identity(self) -> str:
        """Who this is across runs; of somebody known by name alone only this run can tell."""
        known: str = self.person.legs[0].identity
        return known if known and not is_by_name(known) else f"p:{self.person.head}"


@dataclass(frozen=True)
class Someone:
    """One person who is in a meeting, or in several."""

    presences: tuple[Presence, ...]

    @cached_property
    def head(self) -> int:
        return min(presence.person.head for presence in self.presences)

    @property
    def id(self) -> str:
        return f"w-{self.head}"

    @property
    def legs(self) -> list[Leg]:
        return [leg for presence in self.presences for leg in presence.person.legs]

    @property
    def newest(self) -> Person:
        return max(self.presences, key=lambda presence: presence.person.head).person

    def _said(self, attribute: str) -> str:
        known = sorted(self.presences, key=lambda presence: presence.person.head, reverse=True)
        return next((value for one in known if (value := getattr(one.person, attribute))), "")

    @cached_property
    def email(self) -> str:
        return self._said("email")

    @cached_property
    def name(self) -> str:
        return self._said("name") or self.email or self._said("phone")

    @property
    def is_by_name(self) -> bool:
        return is_by_name(self.newest.legs[0].identity)

    @cached_property
    def section(self) -> str:
        return "waiting" if any(presence.is_waiting for presence in self.presences) else "present"

    @property
    def waits_since(self) -> datetime | None:
        return min((one.since for one in self.presences if one.is_waiting and one.since), default=None)

    @cached_property
    def sort_key(self) -> tuple[Any, ...]:
        """Who waits longest comes first; who is in, by name. As browsers compare: numbers, or units of UTF-16."""
        if self.section == "waiting":
            return (int(self.waits_since.timestamp()) if self.waits_since else 0, self.head % 10**6)
        return (self.key.encode("utf-16-be"),)

    @cached_property
    def key(self) -> str:
        if self.section == "waiting":
            return "{}.{:06d}".format(*self.sort_key)
        return f"{search_key(shown(self.name) or 'Unknown')[:80]} {self.head:012d}"

    @cached_property
    def search(self) -> list[str]:
        """What a search looks through: each way in which this person is called where he or she is."""
        return list(dict.fromkeys(search_key(f"{leg.name} {leg.email} {leg.phone}") for leg in self.legs))

    def matches(self, words: Iterable[str]) -> bool:
        return any(all(word in called for word in words) for called in self.search)

    @property
    def log_query(self) -> str:
        """The query string that finds this person's events: by what is surest and can be read.

        "" when there is only a name, and that is not to be seen.
        """
        return log_query(self.email, _zoom_id(self.legs), "" if self.newest.newest_leg.is_veiled else self.name)


def _zoom_id(legs: Iterable[Leg]) -> str:
    return next((leg.zoom_user_id for leg in legs if leg.zoom_user_id), "")


def log_query(*known: str) -> str:
    asked = next((value for value in known if value), "")[:200]
    return urlencode({"q": asked}) if asked else ""


@dataclass(frozen=True)
class Running:
    """A live meeting as of its revision, with everybody who was ever in it."""

    meeting: Meeting
    persons: list[Person]

    @cached_property
    def presences(self) -> list[Presence]:
        return [Presence(self.meeting, person) for person in self.persons if person.place]


@dataclass(frozen=True)
class Now:
    """Everybody in live meetings, by who they are. `runs` has also those who have left them."""

    runs: list[Running]
    by_identity: dict[str, Someone]

    @property
    def everybody(self) -> Iterable[Someone]:
        return self.by_identity.values()

    @cached_property
    def identities(self) -> set[str]:
        """Who is there. Those who are remembered by one of these are not shown as gone."""
        return {presence.person.legs[0].identity for someone in self.everybody for presence in someone.presences}

    @cached_property
    def sections(self) -> dict[str, list[Someone]]:
        """In the order in which they are shown."""
        found: dict[str, list[Someone]] = defaultdict(list)
        for one in self.everybody:
            found[one.section].append(one)
        return {name: sorted(section, key=lambda one: one.sort_key) for name, section in found.items()}

    def section(self, name: str, words: Sequence[str]) -> list[Someone]:
        return [one for one in self.sections.get(name, ()) if not words or one.matches(words)]


def _by_since(presence: Presence) -> tuple[bool, float, int]:
    """Where somebody waits stands first."""
    since = presence.since.timestamp() if presence.since else 0.0
    return (not presence.is_waiting, since, presence.person.head)


Past = tuple[str, int]
"""Of which database, and since when its past is as it is."""

_kept: dict[bool, tuple[Past, int, Now]] = {}
"""With names and without: of a past, a revision, and who was where as of it."""

_looking = threading.Lock()


def now(viewer: Viewer) -> Now:
    """A query when nothing has changed since this process looked, and else three.

    All that is shown here changes with the revision, which is read first: so what is kept is never older than it says.
    """
    with _looking:
        head = Head.objects.get_or_create(pk=1)[0]
        past = (str(head.epoch), head.rewritten)
        of, revision, there = _kept.get(viewer.names, (None, None, Now([], {})))
        if of != past or revision != head.revision:
            there = _look(viewer, there if of == past else Now([], {}))
            _kept[viewer.names] = past, head.revision, there
        return there


def _look(viewer: Viewer, before: Now) -> Now:
    """The legs are read of those meetings only that have changed.

    A meeting changes with each of its legs and is read before them, so what is kept is never older than it says.
    """
    meetings = list(Meeting.objects.seen_by(viewer).live().defer("stamps"))
    known = {running.meeting.pk: running for running in before.runs}
    changed = [one for one in meetings if one.pk not in known or known[one.pk].meeting.revision != one.revision]
    legs: dict[int, list[Leg]] = defaultdict(list)
    for leg in board.legs(viewer).filter(meeting__in=changed) if changed else ():
        legs[leg.meeting_id].append(leg)
    for one in changed:
        known[one.pk] = Running(one, people(legs[one.pk], started_at=one.started_at, ended_at=one.ended_at))
    runs = [known[one.pk] for one in meetings]
    return Now(runs, _gather(runs, before))


def _gather(runs: Iterable[Running], before: Now) -> dict[str, Someone]:
    """Who is one person. Those of whom nothing has changed are kept: how they are sorted and found is dear to say."""
    found: dict[str, list[Presence]] = defaultdict(list)
    for running in runs:
        for presence in running.presences:
            found[presence.identity].append(presence)
    return {who: _someone(presences, before.by_identity.get(who)) for who, presences in found.items()}


def _someone(presences: list[Presence], before: Someone | None) -> Someone:
    known = {id(presence) for presence in before.presences} if before else set()
    if before and known == {id(presence) for presence in presences}:
        return before
    return Someone(tuple(sorted(presences, key=_by_since)))


# Where others were seen last


@dataclass(frozen=True)
class Run:
    """One meeting in which somebody was seen. By a bare name these may have been several people."""

    meeting: Meeting
    persons: list[Person]

    @property
    def from_at(self) -> datetime | None:
        return min((stay.start for person in self.persons for stay in person.stays), default=None)

    @property
    def until(self) -> datetime | None:
        return max((stay.end for person in self.persons for stay in person.stays if stay.end), default=None)

    @property
    def was_in(self) -> bool:
        return any(person.visits for person in self.persons)


@dataclass(frozen=True)
class Seen:
    """Somebody who is nowhere now. `last_at`: when that was last said that the search found."""

    identity: str
    last_at: datetime
    legs: list[Leg]

    @property
    def id(self) -> str:
        return seen_id(self.identity)

    @property
    def key(self) -> str:
        return "{}.{:03d}".format(*_seen_order(self.identity, self.last_at))

    @property
    def is_by_name(self) -> bool:
        return is_by_name(self.identity)

    @property
    def email(self) -> str:
        return next((leg.email for leg in self.legs if leg.email), "")

    @property
    def name(self) -> str:
        return next((leg.name for leg in self.legs if leg.name), self.email)

    @property
    def log_query(self) -> str:
        return log_query(self.email, _zoom_id(self.legs), self.name)

    @cached_property
    def runs(self) -> list[Run]:
        """Newest first. The oldest may be there in part only, and then it is left out."""
        by_meeting: dict[int, list[Leg]] = defaultdict(list)
        for leg in self.legs:
            by_meeting[leg.meeting_id].append(leg)
        of_runs = list(by_meeting.values())
        if len(self.legs) == MOST_LEGS and len(of_runs) > 1:
            del of_runs[-1]
        return [_run(legs) for legs in of_runs[:RUNS]]


def _run(legs: list[Leg]) -> Run:
    meeting = legs[0].meeting
    return Run(meeting, people(legs, started_at=meeting.started_at, ended_at=meeting.ended_at))


def seen_id(identity: str) -> str:
    return f"s-{sha256(identity.encode()).hexdigest()[:16]}"


def _seen_order(who: str, last_at: datetime) -> tuple[int, int]:
    """By the millisecond, and then in any order that lasts; small enough for the numbers of browsers."""
    return (milliseconds(last_at), zlib.crc32(who.encode()) % 10**3)


def seen(viewer: Viewer, words: Sequence[str], there: Now) -> list[Seen]:
    """Those who match and are nowhere now, the last seen first. A query, and one for each of them, by index.

    Nobody, for a viewer who may not see names: to be found by one is to be named.
    """
    if not words or not viewer.names:
        return []
    called = Attendee.objects.matching(words).exclude(last_at=None).order_by("-last_at", "-pk")
    last: dict[str, datetime] = {}
    for who, last_at in called.values_list("identity", "last_at")[:MOST_CALLED]:
        if last_at and who not in there.identities:
            last.setdefault(who, last_at)
    in_order = sorted(last.items(), key=lambda item: _seen_order(*item), reverse=True)[: 2 * SEEN]
    found = (Seen(who, last_at, _newest_legs(viewer, who)) for who, last_at in in_order)
    return list(islice((one for one in found if one.legs), SEEN))


def _newest_legs(viewer: Viewer, who: str) -> list[Leg]:
    return list(board.legs(viewer).filter(identity=who).select_related("meeting").order_by("-pk")[:MOST_LEGS])


# The page


@dataclass(frozen=True)
class Found:
    """What the page shows for a query."""

    viewer: Viewer
    asked: PeopleQuery
    there: Now

    @cached_property
    def words(self) -> list[str]:
        return self.asked.words

    @cached_property
    def waiting_all(self) -> list[Someone]:
        return self.there.section("waiting", self.words)

    @cached_property
    def present_all(self) -> list[Someone]:
        return self.there.section("present", self.words)

    @property
    def begins(self) -> int:
        """How many of those who are in come before this page. All pages begin with those who wait."""
        return (self.asked.number - 1) * PAGE

    @property
    def waiting(self) -> list[Someone]:
        return self.waiting_all[:PAGE]

    @property
    def present(self) -> list[Someone]:
        return self.present_all[self.begins : self.begins + PAGE]

    @cached_property
    def seen(self) -> list[Seen]:
        return seen(self.viewer, self.words, self.there)

    @property
    def total(self) -> int:
        return len(self.waiting_all) + len(self.present_all)

    @property
    def pages(self) -> int:
        return max(1, -(-len(self.present_all) // PAGE))

    @property
    def first(self) -> int:
        return self.begins + 1 if self.present else 0

    @property
    def last(self) -> int:
        return self.begins + len(self.present)

    @property
    def previous_url(self) -> str:
        number = min(self.asked.number - 1, self.pages)
        return self._url(number) if number >= 1 else ""

    @property
    def next_url(self) -> str:
        return self._url(self.asked.number + 1) if self.asked.number < self.pages else ""

    def _url(self, page: int) -> str:
        query = self.asked.canonical(page=page)
        return f"{reverse('people')}?{query}" if query else reverse("people")
