"""What is kept for how long: the policy, and `prune`, which lets go of the rest beside a running feed.

In order: personal data that has expired, events, rejected frames, and runs of which no event is left. Each turn is a
transaction of its own, and what is done is done: prune may be killed at any time and goes on where it was.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db.models import Exists, Model, OuterRef, QuerySet

from zoomfeed import acts, counting, events, expiry, rows
from zoomfeed.fold import Fact
from zoomfeed.models import Event, Leg, Meeting, Recording, RejectedFrame
from zoomfeed.turns import Turns, turns

FOR_EVER = None
LEAST_DAYS = 2
"""Zoom repeats a webhook for 85 minutes, and repair asks for a day. Of an event that is gone nobody knows any more that
it was there, so it must not come again."""


FEW = 50
"""So many runs at once, whose legs went before."""


@dataclass(frozen=True)
class Policy:
    """For how many days, None for ever. `types`: by event name, or by its beginning and `*`; the longest wins."""

    events: int | None = FOR_EVER
    types: Mapping[str, int | None] = field(default_factory=dict)
    meetings: int | None = FOR_EVER
    personal: int | None = FOR_EVER

    @classmethod
    def of_settings(cls) -> "Policy":
        return cls(
            settings.KEEP_EVENTS_DAYS,
            settings.KEEP_EVENT_TYPES,
            settings.KEEP_MEETINGS_DAYS,
            settings.KEEP_PERSONAL_DATA_DAYS,
        )

    def days(self, name: str) -> int | None:
        """How long events of this name are kept."""
        fitting = [pattern for pattern in self.types if fits(name, pattern)]
        return self.types[max(fitting, key=len)] if fitting else self.events


def fits(name: str, pattern: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


@dataclass
class Pruned:
    """What was, or would be, done: rows by what they are."""

    events: dict[str, int] = field(default_factory=dict)
    anonymous: dict[str, int] = field(default_factory=dict)
    frames: int = 0
    meetings: int = 0
    longest_s: float = 0.0


Progress = Callable[[str, int], None]


def prune(policy: Policy, now: datetime, progress: Progress = lambda _what, _count: None) -> Pruned:
    """Let go of what the policy does not keep. `progress` is told what was done, and how many rows, turn by turn."""
    done = Pruned()
    with turns() as taken:
        if policy.personal is not None:
            before = _before(now, policy.personal)
            done.anonymous = expiry.expire(before, taken, progress)
            if count := acts.forget_names(before):
                done.anonymous[acts.SEARCHES] = count
        for name, before in _to_go(policy, now):
            if count := _counted(_prune_events(name, before, taken), f"{name} pruned", progress):
                done.events[name] = count
        if policy.events is not None:
            before = _before(now, policy.events)
            done.frames = _counted(_prune_frames(before, taken), "rejected frames pruned", progress)
        if policy.meetings is not None:
            before = _before(now, policy.meetings)
            done.meetings = _counted(_prune_meetings(before, taken), "meetings pruned", progress)
        done.longest_s = taken.longest_s
    return done


def foresee(policy: Policy, now: datetime) -> Pruned:
    """What `prune` would do, without doing it. Of meetings: as far as no event of them is left already."""
    found = Pruned()
    if policy.personal is not None:
        before = _before(now, policy.personal)
        found.anonymous = expiry.foresee(before)
        if count := acts.named(before).count():
            found.anonymous[acts.SEARCHES] = count
    for name, before in _to_go(policy, now):
        if count := Event.objects.filter(name=name, received_at__lt=before).count():
            found.events[name] = count
    if policy.events is not None:
        found.frames = RejectedFrame.objects.filter(received_at__lt=_before(now, policy.events)).count()
    if policy.meetings is not None:
        found.meetings = _forgotten(_before(now, policy.meetings)).count()
    return found


def _before(now: datetime, days: int) -> datetime:
    return now - timedelta(days=days)


def _to_go(policy: Policy, now: datetime) -> Iterator[tuple[str, datetime]]:
    for name in Event.objects.names():
        if (days := policy.days(name)) is not None:
            yield name, _before(now, days)


def _counted(steps: Iterator[int], what: str, progress: Progress) -> int:
    total = 0
    for count in steps:
        total += count
        if count:
            progress(what, count)
    return total


def _prune_events(name: str, before: datetime, taken: Turns) -> Iterator[int]:
    """One type, the oldest first, as far as all are old: what had waited on a disk goes with its neighbours."""
    while True:
        oldest = list(Event.objects.filter(name=name).order_by("pk").only("received_at", "body")[: taken.size])
        old = []
        for event in oldest:
            if event.received_at >= before:
                break
            old.append(event)
        if old:
            # what they say is read before the lock is taken: a logged body does not change but by expiry and erasure
            facts = [fact for event in old for fact in events.facts_of(bytes(event.body))]
            pks = [event.pk for event in old]
            yield taken.take(partial(_delete_events, pks, facts))
        if len(old) < len(oldest) or not old:
            return


def _delete_events(pks: list[int], facts: list[Fact], _revision: int) -> int:
    rows.seal(facts)
    return _delete(Event, pks, _revision)


def _delete(model: type[Model], pks: list[int], _revision: int) -> int:
    return model._default_manager.filter(pk__in=pks).delete()[0]


def _prune_frames(before: datetime, taken: Turns) -> Iterator[int]:
    old = RejectedFrame.objects.filter(received_at__lt=before).order_by("received_at")
    while pks := list(old.values_list("pk", flat=True)[: taken.size]):
        yield taken.take(partial(_delete, RejectedFrame, pks))


def _forgotten(before: datetime) -> QuerySet[Meeting]:
    """Runs that ended so long ago, of which no event is in the log: replay would bring back the others."""
    told = Event.objects.filter(meeting_uuid=OuterRef("uuid"))
    return Meeting.objects.ended().filter(~Exists(told), ended_at__lt=before)


def _prune_meetings(before: datetime, taken: Turns) -> Iterator[int]:
    """The legs first, for a webinar may have more of them than a turn can take.

    The hours are counted from both, so those that these ran in are counted now, and never again.
    """
    if _forgotten(before).exists():
        counting.finish(before)
    while found := list(_forgotten(before).order_by("ended_at").values_list("pk", "uuid")[:FEW]):
        pks, uuids = [pk for pk, _ in found], [uuid for _, uuid in found]
        while legs := list(Leg.objects.filter(meeting__in=pks).values_list("pk", flat=True)[: taken.size]):
            taken.take(partial(_delete, Leg, legs))
        yield taken.take(partial(_delete_meetings, pks, uuids))


def _delete_meetings(pks: list[int], uuids: list[str], _revision: int) -> int:
    Recording.objects.filter(meeting_uuid__in=uuids).delete()
    Meeting.objects.filter(pk__in=pks).delete()
    return len(pks)
