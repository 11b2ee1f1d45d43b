"""Rebuild the live state from the log, beside a feed that writes. Gives the same rows that live folding gave, under the
same primary keys, and writes none that reads right already.

All that the log says of a few runs is read and folded anew without a lock. Where a row reads otherwise, the lock is
taken for these runs alone, and what has come since is read before they are written. So it takes a turn where something
is to be mended, and none where nothing is; and it may be stopped at any time.

What the log cannot tell any more stays as it is: sealed rows, and events whose personal data has expired.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeAlias

from django.db import InterfaceError, OperationalError, connection
from django.db.models import Exists, Max, Min, OuterRef, QuerySet
from django.utils import timezone

from zoomfeed import events, hours, rebuild, rows
from zoomfeed.fold import Entity
from zoomfeed.models import Event, Expiry, Head, Meeting, Recording, Replay, ScheduledMeeting, ZoomUser
from zoomfeed.record import where
from zoomfeed.turns import Turns, turns

logger = logging.getLogger(__name__)

CHUNK = 1000
"""So many events are in memory at once,"""

RUNS = 5
"""and all that is said of so many runs."""

SAVE_S = 1.0
"""How often it is noted how far this is: so much is done again after a kill."""


@dataclass
class Replayed:
    """What was done."""

    events: int = 0
    rows: int = 0
    failed: list[str] = field(default_factory=list)
    """What could not be rebuilt, and stays as it was."""
    longest_s: float = 0.0
    """The longest that the feed had to wait."""


@dataclass(frozen=True)
class Step:
    """How far it is: so many of a stage are done, of how many (None: nobody knows), and so many events were read."""

    stage: str
    done: int
    total: int | None
    events: int


Progress = Callable[[Step], None]


def replay(progress: Progress = lambda _step: None, *, anew: bool = False) -> Replayed:
    """Fold the whole log anew, from where an interrupted replay was, unless `anew`. Open pages begin anew afterwards.

    Raises what the database raises when it is away; run it again then.
    """
    Replay.objects.exclude(stage__in=[] if anew else STAGES).delete()  # or it was another version's
    _take_your_time()
    with turns() as taken:
        work = _Work(taken, progress)
        work.all()
        taken.take(lambda revision: hours.begin(Head.objects.get(pk=1), revision, timezone.now()))
        Replay.objects.all().delete()
    work.done.longest_s = taken.longest_s
    return work.done


def _take_your_time() -> None:
    """What is for all other statements a sign that something hangs, is here a large table."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")


# What the log says


@dataclass
class Told:
    """All that the log says of some things up to the event `last`, and those events that changed nothing when they
    came. `each` is how to find the events of one of them."""

    each: dict[str, dict[str, str]]
    said: dict[str, rows.Said]
    last: int
    count: int = 0
    misunderstood: list[int] = field(default_factory=list)

    def read_on(self) -> "Told":
        """Add what has come since."""
        newest = Event.objects.aggregate(at=Max("pk"))["at"] or 0
        for key, condition in self.each.items():
            for pk, body, error in _events(condition, self.last, newest):
                rows.gather(events.facts_of(body), self.said[key])
                self.count += 1
                if error:
                    self.misunderstood.append(pk)
        self.last = max(self.last, newest)
        return self


def _events(condition: dict[str, str], after: int, last: int) -> Iterator[tuple[int, bytes, str]]:
    """Along the index of what is asked for."""
    found = Event.objects.filter(**condition, pk__lte=last).order_by("pk").values_list("pk", "body", "fold_error")
    while chunk := list(found.filter(pk__gt=after)[:CHUNK]):
        yield from ((pk, bytes(body), error) for pk, body, error in chunk)
        after = chunk[-1][0]


def _of_runs(uuids: list[str]) -> Told:
    return Told({uuid: {"meeting_uuid": uuid} for uuid in uuids}, {uuid: {} for uuid in uuids}, _expired_to())


def _of_names(names: Iterable[str]) -> Told:
    said: rows.Said = {}  # one for all: a thing is spoken of under several names
    return Told({name: {"name": name} for name in names}, dict.fromkeys(names, said), _expired_to())


def _expired_to() -> int:
    return Expiry.objects.filter(pk=1).values_list("events_to", flat=True).first() or 0


@dataclass
class Look:
    """What the log says of some things, and what has to change for their rows to say so."""

    told: Told
    changes: Callable[[], rebuild.Changes]

    def write(self, revision: int) -> int:
        """Under the write lock; returns how many rows that changed."""
        self.told.read_on()
        changes = self.changes()
        changes.write(revision)
        if self.told.misunderstood:
            Event.objects.filter(pk__in=self.told.misunderstood).update(fold_error="")
            self.told.misunderstood.clear()
        return len(changes)


# Which runs there are: a few at a time, with the place in their order that is reached with them

Few = tuple[str, list[str]]
Rows: TypeAlias = "QuerySet[Meeting] | QuerySet[Recording]"


def _walk(found: Rows, column: str, after: int) -> Iterator[Few]:
    while few := list(found.filter(pk__gt=after).order_by("pk").values_list("pk", column)[:RUNS]):
        after = few[-1][0]
        yield str(after), [uuid for _, uuid in few]


def _without(known: "QuerySet[Meeting]", recorded: "QuerySet[Recording]", after: str) -> Iterator[Few]:
    """Runs that the log speaks of, and that are not among these."""
    uuids = _uuids(after)
    while few := list(islice(uuids, CHUNK)):
        there = set(known.filter(uuid__in=few).values_list("uuid", flat=True))
        there |= set(recorded.filter(meeting_uuid__in=few).values_list("meeting_uuid", flat=True))
        lost = [uuid for uuid in few if uuid not in there]
        for start in range(0, len(lost), RUNS):
            part = lost[start : start + RUNS]
            yield part[-1], part
        yield few[-1], []


def _uuids(after: str) -> Iterator[str]:
    """One step along the index for each run, however much was said of it."""
    while following := Event.objects.filter(meeting_uuid__gt=after).aggregate(at=Min("meeting_uuid"))["at"]:
        yield following
        after = following


# The work


class _Work:
    """What was there when the work began is walked through; what was not, though the log speaks of it, comes first. For
    the next event about such a run makes a row of it, by which nobody could tell any more that it is not whole."""

    def __init__(self, taken: Turns, progress: Progress) -> None:
        self.taken = taken
        self.progress = progress
        self.done = Replayed()
        self.noted_at = 0.0
        self.at, _ = Replay.objects.get_or_create(
            pk=1,
            defaults={
                "stage": next(iter(STAGES)),
                "last_meeting": _last(Meeting),
                "last_recording": _last(Recording),
            },
        )
        self.meetings = Meeting.objects.filter(pk__lte=self.at.last_meeting)
        self.recordings = Recording.objects.filter(pk__lte=self.at.last_recording)

    def all(self) -> None:
        stages = list(STAGES)
        for stage in stages[stages.index(self.at.stage) :]:
            if stage != self.at.stage:
                self._note(stage, "")
            STAGES[stage](self, stage)

    def _note(self, stage: str, position: str) -> None:
        self.noted_at = time.monotonic()
        self.at.stage, self.at.position = stage, position
        self.at.save(update_fields=["stage", "position"])

    def unknown_meetings(self, stage: str) -> None:
        """Of all that was said of them nothing was understood when it came. Of most nothing is now, either."""
        self._runs(stage, _without(self.meetings, self.recordings, self.at.position), None)

    def all_meetings(self, stage: str) -> None:
        self._walk(stage, self.meetings.filter(sealed=False), "uuid")

    def all_recordings(self, stage: str) -> None:
        """Those that did not come with their meetings."""
        with_it = self.meetings.filter(uuid=OuterRef("meeting_uuid"), sealed=False)
        self._walk(stage, self.recordings.filter(~Exists(with_it), sealed=False), "meeting_uuid")

    def _walk(self, stage: str, found: Rows, column: str) -> None:
        after = int(self.at.position or 0)
        self._runs(stage, _walk(found, column, after), found.filter(pk__gt=after).count())

    def _runs(self, stage: str, places: Iterator[Few], total: int | None) -> None:
        done = 0
        for place, uuids in places:
            self._mend(uuids, self._look_at_runs)
            done += len(uuids)
            if time.monotonic() - self.noted_at > SAVE_S:
                self._note(stage, place)
            self.progress(Step(stage, done, total, self.done.events))

    def _look_at_runs(self, uuids: list[str]) -> Look:
        told = _of_runs(uuids).read_on()
        self.done.events += told.count
        return Look(told, lambda: rebuild.of_runs(told.said))

    def plans(self, stage: str) -> None:
        self._things(stage, Entity.SCHEDULED, ScheduledMeeting.objects.values_list("number", flat=True))

    def users(self, stage: str) -> None:
        self._things(stage, Entity.ZOOM_USER, ZoomUser.objects.values_list("zoom_id", flat=True))

    def _things(self, stage: str, entity: Entity, known: Iterable[str]) -> None:
        """All of a kind: they are few, and events that speak of one are found by their names alone."""
        told = _of_names(events.NAMES_OF[entity]).read_on()
        self.done.events += told.count
        states = next(iter(told.said.values())).setdefault(entity, {})
        keys = sorted({key for (key,) in states} | set(known))

        def look_at(part: list[str]) -> Look:
            return Look(told, lambda: rebuild.of_things(entity, part, states))

        for start in range(0, len(keys), RUNS):
            part = keys[start : start + RUNS]
            self._mend(part, look_at)
            self.progress(Step(stage, start + len(part), len(keys), self.done.events))

    def _mend(self, keys: list[str], look_at: Callable[[list[str]], Look]) -> None:
        """All together, or each by itself where that fails: one that cannot be rebuilt must not keep the others."""
        if not keys:
            return
        try:
            look = look_at(keys)
            if look.told.misunderstood or look.changes():
                self.done.rows += self.taken.take(look.write)
        except (OperationalError, InterfaceError):
            raise  # the database is away
        except Exception as error:  # noqa: BLE001 - whatever an event says
            if len(keys) > 1:
                for key in keys:
                    self._mend([key], look_at)
                return
            logger.error("%r could not be rebuilt: %s", keys[0], where(error))  # noqa: TRY400 - words of strangers
            self.done.failed.append(keys[0])


def _last(model: type[Meeting | Recording]) -> int:
    return model._default_manager.aggregate(at=Max("pk"))["at"] or 0


STAGES: dict[str, Callable[[_Work, str], None]] = {
    "unknown meetings": _Work.unknown_meetings,
    "meetings": _Work.all_meetings,
    "recordings": _Work.all_recordings,
    "plans": _Work.plans,
    "Zoom users": _Work.users,
}
