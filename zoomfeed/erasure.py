"""One person goes, everywhere, for good; what stays is that it was done, by whom, and how much it was.

The whole log is read, for a name may stand anywhere, and rewritten where it is theirs; counts of meetings do not
change. Meanwhile the feed goes on. An erasure that was cut short is simply run again.
"""

import getpass
import hashlib
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

from django.db import models
from django.utils import timezone

from zoomfeed import acts, attendance, bulk
from zoomfeed.expiry import Rewritten, forget_attendees, forget_user, hide_leg, rewritten, save_events
from zoomfeed.identity import identity as identity_of
from zoomfeed.identity import search_key
from zoomfeed.models import (
    Act,
    Attendee,
    Deed,
    Erasure,
    Event,
    Leg,
    Meeting,
    Recording,
    RejectedFrame,
    ScheduledMeeting,
    ZoomUser,
)
from zoomfeed.person import Identity, Trace, legs_of
from zoomfeed.personal import Erasing, Mask, What
from zoomfeed.protocol import loads
from zoomfeed.rows import identify
from zoomfeed.turns import turns
from zoomfeed.values import EMAIL, ID, TEXT

CHUNK = 500
MOST_IN_TURN = 100

Progress = Callable[[str, int], None]
Found = dict[str, Iterator[models.Model]]
Row = TypeVar("Row", bound=models.Model)


def find(identity: Identity) -> Found:
    """The rows that say something of somebody, by what they are, read as they are asked for."""
    return Sweep(identity, Mask(b"nothing is written")).found()


def foresee(identity: Identity) -> dict[str, int]:
    """How many rows an erasure would change."""
    counts = {kind: sum(1 for _ in rows) for kind, rows in find(identity).items()}
    return {kind: count for kind, count in counts.items() if count}


def erase(identity: Identity, *, reason: str = "", progress: Progress = lambda _kind, _count: None) -> Erasure:
    """Take somebody out of everything that is in the database now."""
    salt = secrets.token_bytes(16)
    act = Erasure.objects.create(
        at=timezone.now(),
        by=getpass.getuser()[:150],
        reason=reason[:300],
        salt=salt,
        fingerprint=fingerprint(identity, salt),
    )
    rows: Counter[str] = Counter()
    with turns() as taken:
        for _ in range(2):  # what came while the first look lasted is found by the second
            sweep = Sweep(identity, Mask(secrets.token_bytes(16)))
            for kind, turn, count in sweep.turns():
                taken.take(turn)
                rows[kind] += count
                progress(kind, count)
    Act.objects.create(at=timezone.now(), by=act.by, what=Deed.ERASED, about=f"{act}")
    act.rows, act.finished_at = dict(rows), timezone.now()
    act.save(update_fields=["rows", "finished_at"])
    return act


def fingerprint(identity: Identity, salt: bytes) -> bytes:
    """Of the address, else the id, else the name. Slow to make, so that nobody tries a directory of people on it."""
    said = min(identity.emails or identity.ids or identity.names, default="")
    return hashlib.scrypt(said.encode("utf-8", "surrogatepass"), salt=salt, n=2**14, r=8, p=1, dklen=32)


Turn = Callable[[int], object]
MOST_CHARACTERS = {"topic": TEXT, "host_name": TEXT, "host_email": EMAIL, "host_id": ID, "about": acts.MOST}
KINDS = {"host_id": What.ID, "host_name": What.NAME, "host_email": What.EMAIL}


class Sweep:
    """One pass over everything: what says something of them, and how it reads without them.

    Rows are found without the lock, and read anew under it, for the feed may have written since.
    """

    def __init__(self, identity: Identity, mask: Mask) -> None:
        self.identity = identity
        self.erasing = Erasing(
            mask,
            identity.needles,
            ids=frozenset(identity.ids | identity.others),
            emails=frozenset(identity.emails),
            names=frozenset(identity.names),
        )

    def found(self) -> Found:
        return {
            "meetings": self._meetings(),
            "Zoom users": self._users(),
            "names in the directory": self._attendees(),
            "plans": self._plans(),
            "recordings": self._recordings(),
            "events": self._events(),
            "rejected frames": self._frames(),
            acts.SEARCHES: self._acts(),
        }

    def turns(self) -> Iterator[tuple[str, Turn, int]]:
        """What to do, each within one turn: the kind of rows, the act, how many rows."""
        for meeting in self._meetings():
            yield "meetings", partial(self._erase_from_meeting, meeting.pk), 1
        for user in self._users():
            token = self.erasing.mask.token(What.ID, user.zoom_id)
            yield "Zoom users", partial(_forget, user.pk, token), 1
        for attendee in self._attendees():
            yield "names in the directory", partial(forget_attendees, [attendee.pk]), 1
        for plan in self._plans():
            yield "plans", partial(self._erase_from, ScheduledMeeting, plan.pk), 1
        for recording in self._recordings():
            yield "recordings", partial(self._erase_from, Recording, recording.pk), 1
        yield from self._event_turns()
        for frame in self._frames():
            yield "rejected frames", partial(self._empty, frame.pk, frame.reason), 1
        for act in self._acts():
            yield acts.SEARCHES, partial(self._erase_from_act, act.pk), 1

    def _event_turns(self) -> Iterator[tuple[str, Turn, int]]:
        waiting: list[Rewritten] = []
        for event in self._events():
            waiting.append(rewritten(event, self.erasing.body))
            if len(waiting) == MOST_IN_TURN:
                yield "events", partial(_save, waiting), len(waiting)
                waiting = []
        if waiting:
            yield "events", partial(_save, waiting), len(waiting)

    # What says something of them

    def _meetings(self) -> Iterator[Meeting]:
        theirs = {leg.meeting_id for leg in legs_of(self.identity)}
        for meeting in _all(Meeting):
            if meeting.pk in theirs or self._is_named_in(meeting, "topic", *KINDS):
                yield meeting

    def _users(self) -> Iterator[ZoomUser]:
        for user in _all(ZoomUser):
            if self.identity.has(Trace(user.zoom_id, user.name, user.email)) or self.identity.is_named(user.name):
                yield user

    def _attendees(self) -> Iterator[Attendee]:
        """By what each row is searched by, which is folded further than names are."""
        known = self.identity
        theirs = {identity_of(zoom_user_id=one) for one in known.ids} | {identity_of(email=one) for one in known.emails}
        words = {search_key(one) for one in (*known.names, *known.emails)} - {""}
        for attendee in _all(Attendee):
            if attendee.identity in theirs or any(f" {word} " in f" {attendee.search} " for word in words):
                yield attendee

    def _plans(self) -> Iterator[ScheduledMeeting]:
        return (plan for plan in _all(ScheduledMeeting) if self._is_named_in(plan, "topic", "host_id"))

    def _recordings(self) -> Iterator[Recording]:
        return (one for one in _all(Recording) if self._is_named_in(one, "topic", "host_id", "share_url"))

    def _events(self) -> Iterator[Event]:
        for event in _all(Event):
            body = bytes(event.body)
            if self._may_name(body) and self.erasing.body(said := loads(body)) != said:
                yield event

    def _frames(self) -> Iterator[RejectedFrame]:
        needles = self.erasing.needles
        for frame in _all(RejectedFrame):
            if needles.occur_in(unescaped(bytes(frame.raw))) or needles.occur_in(frame.reason):
                yield frame

    def _acts(self) -> Iterator[Act]:
        return (act for act in _all(Act) if self._is_named_in(act, "about"))

    def _may_name(self, body: bytes) -> bool:
        """A first answer without parsing. What is escaped is not seen so, nor what can be spelt in two ways."""
        return b"\\" in body or not body.isascii() or self.erasing.needles.occur_in(body.decode())

    def _is_named_in(self, row: models.Model, *columns: str) -> bool:
        values = ((getattr(row, column), KINDS.get(column)) for column in columns)
        return any(value and self.erasing.text(value, kind) != value for value, kind in values)

    # How it reads without them

    def _erase_from_meeting(self, pk: int, revision: int) -> None:
        """Legs that make one person are theirs together; whoever else is named after them loses that part."""
        meeting = Meeting.objects.get(pk=pk)
        legs = list(meeting.legs.all())
        for person in attendance.people(legs, started_at=meeting.started_at, ended_at=meeting.ended_at):
            is_theirs = any(map(self._is_their_leg, person.legs))
            for leg in person.legs:
                before = leg.name, leg.leave_reason, leg.user_id
                if is_theirs:
                    hide_leg(leg, person.key, self.erasing.mask)
                leg.name = self.erasing.text(leg.name, What.NAME)[:300]
                leg.leave_reason = self.erasing.text(leg.leave_reason)[:300]
                if is_theirs or before != (leg.name, leg.leave_reason, leg.user_id):
                    leg.revision = revision
        changed = identify(attendance.people(legs, started_at=meeting.started_at, ended_at=meeting.ended_at))
        for leg in changed:
            leg.revision = revision
        bulk.save(Leg, legs)
        self._cut(meeting, "topic", *KINDS)
        meeting.sealed, meeting.revision = True, revision
        bulk.save(Meeting, [meeting])

    def _is_their_leg(self, leg: Leg) -> bool:
        by_id = self.identity.has(Trace(leg.zoom_user_id, leg.name, leg.email))
        return by_id or self.identity.is_named(leg.name)

    def _erase_from(self, model: type[ScheduledMeeting] | type[Recording], pk: int, revision: int) -> None:
        row = model.objects.get(pk=pk)
        self._cut(row, "topic", "host_id", *(("share_url",) if isinstance(row, Recording) else ()))
        row.sealed, row.revision = True, revision
        row.save()

    def _cut(self, row: models.Model, *columns: str) -> None:
        for column in columns:
            value = self.erasing.text(getattr(row, column), KINDS.get(column))
            setattr(row, column, value[: MOST_CHARACTERS.get(column)])

    def _erase_from_act(self, pk: int, _revision: int) -> None:
        act = Act.objects.get(pk=pk)
        self._cut(act, "about")
        act.save()

    def _empty(self, pk: int, reason: str, _revision: int) -> None:
        RejectedFrame.objects.filter(pk=pk).update(raw=b"", reason=self.erasing.text(reason)[:300])


def _forget(pk: int, token: str, revision: int) -> None:
    forget_user(pk, token, revision)


def _save(changed: list[Rewritten], _revision: int) -> None:
    save_events(changed)


def _all(model: type[Row]) -> Iterator[Row]:
    """Every row, in the order of primary keys, without holding anything open between two chunks."""
    last = 0
    while chunk := list(model._default_manager.filter(pk__gt=last).order_by("pk")[:CHUNK]):
        yield from chunk
        last = chunk[-1].pk


def unescaped(raw: bytes) -> str:
    """The text of a frame, and once more with JSON's escapes resolved, as far as they can be in what is no JSON."""
    text = raw.decode("utf-8", "replace")
    first, *rest = text.split("\\u")
    resolved = first + "".join(map(_resolved, rest))
    return f"{text}\n{resolved.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace')}"


def _resolved(part: str) -> str:
    try:
        return chr(int(part[:4], 16)) + part[4:]
    except ValueError:
        return f"\\u{part}"
