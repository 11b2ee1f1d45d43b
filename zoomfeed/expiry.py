"""Personal data that goes earlier than the rest: of events in the order of the log, then of the rows that pages show.

Within a run equal ids get equal pseudonyms, in the log and on its legs, so that people are counted as before. The key
lies with the run until all its events have them, then it is thrown away; from one run to another nothing leads.
"""

import json
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec
from django.db.models import Exists, OuterRef, Q, QuerySet

from zoomfeed import attendance, bulk, events, rows
from zoomfeed.fold import Fact
from zoomfeed.models import Attendee, Event, Expiry, Leg, Meeting, Recording, RejectedFrame, ScheduledMeeting, ZoomUser
from zoomfeed.personal import REMOVED, Expiring, Mask, Needles, What
from zoomfeed.protocol import loads
from zoomfeed.turns import Turns

AFTERMATH = timedelta(days=2)
"""So long after a run something may still come about it; then its key goes."""

Progress = Callable[[str, int], None]


def expire(before: datetime, taken: Turns, progress: Progress) -> dict[str, int]:
    """Take personal data out of what is older; returns how many rows of each kind that was."""
    done: Counter[str] = Counter()
    for kind, steps in (
        ("events", _events(before, taken)),
        ("rejected frames", _frames(before, taken)),
        ("meetings", _meetings(before, taken)),
        ("recordings", _recordings(taken)),
        ("plans", _plans(before, taken)),
        ("Zoom users", _users(before, taken)),
        ("names in the directory", _attendees(before, taken)),
    ):
        for count in steps:
            done[kind] += count
            progress(f"{kind} without personal data", count)
    taken.take(partial(_throw_keys_away, before))
    return dict(+done)


def _throw_keys_away(before: datetime, _revision: int) -> int:
    old = Q(ended_at__lt=before - AFTERMATH) | Q(ended_at=None)
    return Meeting.objects.filter(old, mask__isnull=False, anonymous=True).update(mask=None)


def foresee(before: datetime) -> dict[str, int]:
    counts = {
        "events": Event.objects.filter(pk__gt=_events_to(), received_at__lt=before).count(),
        "rejected frames": _raw_frames(before).count(),
        "meetings": _named_meetings(before).count(),
        "plans": sum(1 for _ in _old_plans(before)),
        "Zoom users": sum(1 for _ in _old_users(before)),
        "names in the directory": _old_attendees(before).count(),
    }
    return {kind: count for kind, count in counts.items() if count}


# Events


@dataclass
class Run:
    """What expiry knows of a run: its key, and how its topic and other words read afterwards."""

    mask: Mask
    needles: Needles = field(default_factory=Needles)
    topic: str | None = None  # of a run that has expired already
    words: dict[str, str] = field(default_factory=dict)

    def text(self, text: str) -> str:
        if self.topic is not None:
            return self.topic
        if text not in self.words:
            self.words[text] = self.needles.cut(text, self.mask)
        return self.words[text]


@dataclass(frozen=True, slots=True)
class Rewritten:
    """An event as it reads from now on."""

    pk: int
    body: bytes
    columns: dict[str, str]
    facts: tuple[Fact, ...]


COLUMNS = ("topic", "host_id", "participant_id", "participant_name", "participant_email")


def _events_to() -> int:
    return Expiry.objects.filter(pk=1).values_list("events_to", flat=True).first() or 0


def _events(before: datetime, taken: Turns) -> Iterator[int]:
    runs: dict[str, Run] = {}
    while True:
        oldest = list(
            Event.objects.filter(pk__gt=_events_to())
            .order_by("pk")
            .only("received_at", "body", "fold_error", "meeting_uuid")[: taken.size]
        )
        old = []
        for event in oldest:
            if event.received_at >= before:
                break
            old.append(event)
        if old:
            if missing := {event.meeting_uuid for event in old} - runs.keys():
                runs = {} if len(runs) > MOST_RUNS else runs
                _learn(missing, runs, taken)
            changed = [_without_personal_data(event, runs[event.meeting_uuid]) for event in old]
            yield taken.take(partial(_keep, changed, old[-1].pk))
        if len(old) < len(oldest) or not old:
            return


MOST_RUNS = 2000


def _learn(uuids: set[str], runs: dict[str, Run], taken: Turns) -> None:
    """The keys and words of these runs. Those without a row, and what belongs to no run, get a key for this time."""
    found = {meeting.uuid: meeting for meeting in Meeting.objects.filter(uuid__in=uuids - {""})}
    if new := [meeting.pk for meeting in found.values() if meeting.mask is None]:
        keys = {pk: secrets.token_bytes(16) for pk in new}
        taken.take(partial(_give_keys, keys))
        for meeting in found.values():
            meeting.mask = keys.get(meeting.pk, meeting.mask)
    for uuid in uuids:
        runs[uuid] = _run(found[uuid]) if uuid in found else Run(Mask(secrets.token_bytes(16)))


def _give_keys(keys: dict[int, bytes], _revision: int) -> None:
    """Unless a run has one already: one that lives on in its legs must not be replaced."""
    for pk, key in keys.items():
        Meeting.objects.filter(pk=pk, mask=None).update(mask=key)


def _run(meeting: Meeting) -> Run:
    mask = Mask(bytes(meeting.mask or b""))
    if meeting.anonymous:
        return Run(mask, topic=meeting.topic)
    return Run(mask, names_of(meeting, meeting.legs.values_list("name", "email")))


def names_of(meeting: Meeting, legs: Iterable[tuple[str, str]]) -> Needles:
    """By which names the people of a run may be named in its topic."""
    host = ZoomUser.objects.filter(zoom_id=meeting.host_id).values_list("name", "email") if meeting.host_id else ()
    people = [*legs, (meeting.host_name, meeting.host_email), *host]
    return Needles.of(pair for name, email in people for pair in ((What.NAME, name), (What.EMAIL, email)))


def _without_personal_data(event: Event, run: Run) -> Rewritten:
    return rewritten(event, Expiring(run.mask, run.text).body)


def rewritten(event: Event, change: Callable[[Any], Any]) -> Rewritten:
    """The event with a changed body, and its columns as they follow from that."""
    said = loads(bytes(event.body))
    before, changed = events.read(said), change(said)
    reading = events.read(changed)
    assert before is not None
    assert reading is not None
    return Rewritten(event.pk, dumps(changed), {name: getattr(reading, name) for name in COLUMNS}, before.facts)


def dumps(said: Any) -> bytes:
    try:
        return msgspec.json.encode(said)
    except (ValueError, TypeError, OverflowError, RecursionError):  # a lone surrogate, or a number beyond 64 bits
        return json.dumps(said, separators=(",", ":")).encode()


def save_events(changed: Iterable[Rewritten]) -> None:
    """Under the write lock. What the log says of rows is not what they were made from any more: seal them."""
    changed = list(changed)
    rows.seal(fact for one in changed for fact in one.facts)
    bulk.update(Event, ("body", *COLUMNS), {one.pk: (one.body, *one.columns.values()) for one in changed})
    # a trace of what could not be folded may print what somebody is called
    Event.objects.filter(pk__in=[one.pk for one in changed]).exclude(fold_error="").update(fold_error=REMOVED)


def _keep(changed: list[Rewritten], last: int, _revision: int) -> int:
    save_events(changed)
    Expiry.objects.update_or_create(pk=1, defaults={"events_to": last})
    return len(changed)


# Rows


def _raw_frames(before: datetime) -> QuerySet[RejectedFrame]:
    return RejectedFrame.objects.filter(received_at__lt=before).exclude(raw=b"")


def _frames(before: datetime, taken: Turns) -> Iterator[int]:
    """Nobody knows what is in a frame that cannot be read: all goes, and the reason stays as far as it is ours."""
    while pks := list(_raw_frames(before).order_by("received_at").values_list("pk", flat=True)[: taken.size]):
        yield taken.take(partial(_empty, pks))


def _empty(pks: list[int], _revision: int) -> int:
    frames = RejectedFrame.objects.filter(pk__in=pks)
    frames.filter(reason__startswith="the database refused it").update(reason="the database refused it")
    return frames.update(raw=b"")


def _named_meetings(before: datetime) -> QuerySet[Meeting]:
    """Runs that are over, or of which nothing was heard since, whatever they seem to be."""
    heard = Event.objects.filter(meeting_uuid=OuterRef("uuid"), received_at__gte=before)
    over = Q(ended_at__lt=before) | Q(ended_at=None, seen_at__lt=before) | Q(ended_at=None, seen_at=None)
    return Meeting.objects.filter(~Exists(heard), over, anonymous=False)


def _meetings(before: datetime, taken: Turns) -> Iterator[int]:
    while pks := list(_named_meetings(before).values_list("pk", flat=True)[: max(1, taken.size // LEGS_OF_A_RUN)]):
        yield taken.take(partial(_anonymise_meetings, pks))


LEGS_OF_A_RUN = 50
"""About so many rows a run brings."""


def _anonymise_meetings(pks: list[int], revision: int) -> int:
    return sum(_anonymise(pk, revision) for pk in pks)


def _anonymise(pk: int, revision: int) -> int:
    meeting = Meeting.objects.get(pk=pk)
    legs = list(meeting.legs.all())
    mask = Mask(bytes(meeting.mask or secrets.token_bytes(16)))
    needles = names_of(meeting, [(leg.name, leg.email) for leg in legs])
    for person in attendance.people(legs, started_at=meeting.started_at, ended_at=meeting.ended_at):
        for leg in person.legs:
            hide_leg(leg, person.key, mask)
            leg.leave_reason = needles.cut(leg.leave_reason, mask)[:300]
            leg.revision = revision
    rows.identify(attendance.people(legs, started_at=meeting.started_at, ended_at=meeting.ended_at))
    bulk.save(Leg, legs)
    meeting.topic = needles.cut(meeting.topic, mask)[:300]
    meeting.host_id = mask.text(What.ID, meeting.host_id)
    meeting.host_name = mask.text(What.NAME, meeting.host_name)
    meeting.host_email = mask.text(What.EMAIL, meeting.host_email)
    meeting.sealed = meeting.anonymous = True
    meeting.mask, meeting.revision = mask.key, revision
    bulk.save(Meeting, [meeting])
    Recording.objects.filter(meeting_uuid=meeting.uuid).update(
        topic=meeting.topic, host_id=meeting.host_id, sealed=True, anonymous=True, revision=revision
    )
    return 1


def hide_leg(leg: Leg, person: tuple[str, ...], mask: Mask) -> None:
    """Pseudonyms on a leg. Whoever were one person stay one: all their legs get the id by which they are that."""
    if leg.user_id.startswith("~"):  # a name that stands in for an id
        leg.user_id = f"~{mask.token(What.ID, leg.user_id)}"
    for attribute in ("participant_uuid", "registrant_id", "customer_key", "zoom_user_id"):
        value = getattr(leg, attribute)
        is_identity = value and person[0] == attribute
        setattr(leg, attribute, mask.text(What.ID, person[1] if is_identity else value))
    leg.name = mask.text(What.NAME, leg.name)
    leg.email = mask.text(What.EMAIL, leg.email)
    leg.phone = mask.text(What.TEXT, leg.phone)


def _recordings(taken: Turns) -> Iterator[int]:
    """Those whose run has expired, or never had a row, are done with it; these came later."""
    late = Recording.objects.filter(
        anonymous=False, meeting_uuid__in=Meeting.objects.filter(anonymous=True).values("uuid")
    )
    while found := list(late[: taken.size]):
        topics = dict(Meeting.objects.filter(uuid__in=[one.meeting_uuid for one in found]).values_list("uuid", "topic"))
        yield taken.take(partial(_anonymise_recordings, {one.pk: topics[one.meeting_uuid] for one in found}))


def _anonymise_recordings(topics: dict[int, str], revision: int) -> int:
    for pk, topic in topics.items():
        anew = {"topic": topic, "host_id": "", "sealed": True, "anonymous": True, "revision": revision}
        Recording.objects.filter(pk=pk).update(**anew)
    return len(topics)


def _old_plans(before: datetime) -> Iterator[ScheduledMeeting]:
    """Plans of which nothing was said, and under whose number nothing ran, since then."""
    ran = Meeting.objects.filter(anonymous=False).exclude(number="").values("number")
    idle = ScheduledMeeting.objects.filter(Q(starts_at=None) | Q(starts_at__lt=before), anonymous=False)
    for plan in idle.exclude(number__in=ran).iterator():
        if _is_older(plan.stamps, before):
            yield plan


def _plans(before: datetime, taken: Turns) -> Iterator[int]:
    for plan in list(_old_plans(before)):
        host = ZoomUser.objects.filter(zoom_id=plan.host_id).values_list("name", "email") if plan.host_id else ()
        needles = Needles.of(pair for name, email in host for pair in ((What.NAME, name), (What.EMAIL, email)))
        topic = needles.cut(plan.topic, Mask(secrets.token_bytes(16)))[:300]
        yield taken.take(partial(_anonymise_plan, plan.pk, topic))


def _anonymise_plan(pk: int, topic: str, revision: int) -> int:
    anew = {"topic": topic, "host_id": "", "sealed": True, "anonymous": True, "revision": revision}
    return ScheduledMeeting.objects.filter(pk=pk).update(**anew)


def _old_users(before: datetime) -> Iterator[ZoomUser]:
    """Users of whom nothing was said since then, and whom no run names that has not expired."""
    legs = Leg.objects.filter(meeting__anonymous=False).exclude(zoom_user_id="").values("zoom_user_id")
    hosts = Meeting.objects.filter(anonymous=False).exclude(host_id="").values("host_id")
    plans = ScheduledMeeting.objects.filter(anonymous=False).exclude(host_id="").values("host_id")
    unseen = ZoomUser.objects.filter(anonymous=False)
    for ids in (legs, hosts, plans):
        unseen = unseen.exclude(zoom_id__in=ids)
    for user in unseen.iterator():
        if _is_older(user.stamps, before):
            yield user


def _users(before: datetime, taken: Turns) -> Iterator[int]:
    for user in list(_old_users(before)):
        yield taken.take(partial(forget_user, user.pk, secrets.token_hex(11)))


def _old_attendees(before: datetime) -> QuerySet[Attendee]:
    return Attendee.objects.filter(Q(last_at=None) | Q(last_at__lt=before))


def _attendees(before: datetime, taken: Turns) -> Iterator[int]:
    """The directory is nothing but personal data, so its rows go whole."""
    while pks := list(_old_attendees(before).values_list("pk", flat=True)[: taken.size]):
        yield taken.take(partial(forget_attendees, pks))


def forget_attendees(pks: list[int], _revision: int) -> int:
    return Attendee.objects.filter(pk__in=pks).delete()[0]


def forget_user(pk: int, token: str, revision: int) -> int:
    """The row stays for what is counted; whom it was about is gone, the id too."""
    return ZoomUser.objects.filter(pk=pk).update(
        zoom_id=token, name="", email="", presence="", sealed=True, anonymous=True, revision=revision
    )


def _is_older(stamps: dict[str, int], before: datetime) -> bool:
    return max(stamps.values(), default=0) < before.timestamp() * 1000
