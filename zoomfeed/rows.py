"""From merged facts to rows and back: which model and columns hold which entity's state.

`fold` is called by `record` inside its transaction, under the write lock, so reading a row, merging and writing it back
cannot race. `rebuild` makes the same rows anew.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, NamedTuple

from django.db import models

from zoomfeed import attendance, bulk, certainty, hours
from zoomfeed.fold import Entity, Fact, State, merge
from zoomfeed.identity import identity, of_person, search_key
from zoomfeed.models import Attendee, Gap, Leg, Meeting, Recording, ScheduledMeeting, ZoomUser

States = dict[tuple[str, ...], State]
Said = dict[Entity, States]


@dataclass(frozen=True)
class Table:
    """Where an entity is kept."""

    model: type[models.Model]
    key: str
    earliest: tuple[str, ...] = ()
    latest: tuple[str, ...] = ()
    instants: frozenset[str] = frozenset()


TABLES = {
    Entity.MEETING: Table(
        Meeting,
        "uuid",
        earliest=("seen_at", "started_at"),
        latest=("ended_at", "kind", "checked_at"),
        instants=frozenset({"seen_at", "started_at", "ended_at", "checked_at"}),
    ),
    Entity.SCHEDULED: Table(ScheduledMeeting, "number", latest=("kind",), instants=frozenset({"starts_at"})),
    Entity.ZOOM_USER: Table(ZoomUser, "zoom_id"),
    Entity.RECORDING: Table(Recording, "meeting_uuid"),
    Entity.ATTENDEE: Table(
        Attendee, "digest", latest=("identity", "search", "last_at"), instants=frozenset({"last_at"})
    ),
}
LEGS = Table(
    Leg,
    "",
    earliest=("joined_at", "seen_at"),
    latest=("last_joined_at", "left_at"),
    instants=frozenset({"joined_at", "seen_at", "last_joined_at", "left_at"}),
)


def gather(facts: Iterable[Fact], said: Said | None = None) -> Said:
    """What the facts say of each thing, together with what was `said` already, which is changed."""
    said = {} if said is None else said
    for fact in facts:
        add(said.setdefault(fact.entity, {}), fact.key, fact.state)
        if fact.entity is Entity.LEG and (called := _attendee(fact.state)):
            add(said.setdefault(called.entity, {}), called.key, called.state)
    return said


def add(states: States, key: tuple[str, ...], state: State) -> None:
    """Merge a state into what is known of a thing."""
    states[key] = merge(states[key], state) if key in states else state


def fold(facts: Iterable[Fact], revision: int) -> None:
    """Merge the facts into the rows, and stamp every row that changed with `revision`."""
    said = gather(facts)
    for entity in (Entity.SCHEDULED, Entity.ZOOM_USER, Entity.RECORDING, Entity.ATTENDEE):
        if entity in said:
            save(TABLES[entity].model, merged(entity, said[entity]), revision)
    if Entity.MEETING in said:
        _fold_meetings(said[Entity.MEETING], said.get(Entity.LEG, {}), revision)


def _attendee(leg: State) -> Fact | None:
    """How somebody is called: a fact that follows from one fact of a leg, whatever else is known of the leg."""
    id_, email, name = (str(leg.newest.get(member, (0, ""))[1]) for member in ("zoom_user_id", "email", "name"))
    who = identity(zoom_user_id=id_, email=email, name=name)
    search = search_key(f"{name} {email}")[:2000]
    if not who or not search:
        return None
    key = sha256(f"{id_}\0{email}\0{name}".encode()).hexdigest()
    instants = [*leg.earliest.values(), *leg.latest.values()]
    last = {"last_at": max(instants)} if instants else {}
    return Fact(Entity.ATTENDEE, (key,), State(latest={"identity": who, "search": search, **last}))


def merged(entity: Entity, states: States) -> list[Any]:
    """The rows of things with a row each that these states change."""
    table = TABLES[entity]
    return [row for row, changed in _merged(table, states, known(table, states)).values() if changed]


def known(table: Table, keyed: Iterable[tuple[str, ...]]) -> dict[str, Any]:
    """The rows that there are, by the first part of their keys."""
    keys = [key[0] for key in keyed]
    return {getattr(row, table.key): row for row in table.model._default_manager.filter(**{f"{table.key}__in": keys})}


def _merged(table: Table, states: States, rows: Mapping[str, Any]) -> dict[str, tuple[Any, bool]]:
    found = {}
    for (key,), state in states.items():
        row = rows.get(key)
        row = table.model(**{table.key: key}) if row is None else row
        found[key] = row, merge_into(row, state, table) or row.pk is None
    return found


def _fold_meetings(states: States, leg_states: States, revision: int) -> None:
    there = known(TABLES[Entity.MEETING], states)
    legs = legs_of(there.values())
    ledger = hours.Ledger()
    for meeting in there.values():
        ledger.before(meeting, legs[meeting.pk].values())

    meetings = _merged(TABLES[Entity.MEETING], states, there)
    save(Meeting, [row for row, _ in meetings.values() if row.pk is None], revision)
    changed_legs, touched = [], {uuid for uuid, (_, changed) in meetings.items() if changed}
    for (uuid, *rest), state in leg_states.items():
        meeting, key = meetings[uuid][0], LegKey(*rest)
        leg = legs[meeting.pk].get(key) or Leg(meeting=meeting, user_id=key.user_id, place=key.place, room=key.room)
        legs[meeting.pk][key] = leg
        if merge_into(leg, state, LEGS) or leg.pk is None:
            changed_legs.append(leg)
            touched.add(uuid)
    number(changed_legs)

    changed = [meetings[uuid][0] for uuid in touched]
    gaps = certainty.gaps_of(changed)
    for meeting in changed:
        people, others = settle(meeting, legs[meeting.pk].values(), gaps)
        ledger.after(meeting, people)
        changed_legs += others
    save(Leg, list({leg.pk: leg for leg in changed_legs}.values()), revision)
    save(Meeting, changed, revision)
    ledger.write(revision)


class LegKey(NamedTuple):
    """Which leg of a run it is: the rest of the key of its facts."""

    user_id: str
    place: str
    room: str


def legs_of(meetings: Iterable[Meeting]) -> dict[int, dict[LegKey, Leg]]:
    """The legs of each run, by its primary key. One query."""
    legs: dict[int, dict[LegKey, Leg]] = defaultdict(dict)
    for leg in Leg.objects.filter(meeting__in=[meeting.pk for meeting in meetings]):
        legs[leg.meeting_id][LegKey(leg.user_id, leg.place, leg.room)] = leg
    return legs


def number(rows: Sequence[Any]) -> None:
    """Give those of these rows that are new their primary keys, all at once: what is not inserted yet is not taken yet.

    People are told apart by the keys of their legs.
    """
    new = [row for row in rows if row.pk is None]
    if new:
        for row, pk in zip(new, bulk.reserve(type(new[0]), len(new)), strict=True):
            row.pk = pk


def settle(meeting: Meeting, legs: Iterable[Leg], gaps: Sequence[Gap]) -> tuple[list[attendance.Person], list[Leg]]:
    """Write on a run what follows from its legs and from `gaps`; its people, and the legs that this changed."""
    people = attendance.people(list(legs), started_at=meeting.started_at, ended_at=meeting.ended_at)
    _count(meeting, people)
    meeting.uncertain_since = certainty.uncertain_since(meeting, gaps)
    return people, identify(people)


def identify(people: Iterable[attendance.Person]) -> list[Leg]:
    """Write on each leg who it is across runs; returns those of which that was not known or has changed."""
    changed = []
    for person in people:
        who = of_person(person.key, person.email, person.name)
        others = [leg for leg in person.legs if leg.identity != who]
        for leg in others:
            leg.identity = who
        changed += others
    return changed


def _count(meeting: Meeting, people: list[attendance.Person]) -> None:
    """What the board says of a meeting; counts people, and devices only where it says so."""
    meeting.present = sum(person.is_present for person in people)
    meeting.waiting = sum(person.is_waiting for person in people)
    meeting.waits_since = min((since for person in people if (since := person.waits_since)), default=None)
    meeting.people = sum(bool(person.visits) for person in people)
    meeting.peak = attendance.peak(people)
    meeting.minutes = attendance.minutes(people)
    meeting.length_s = _length_s(meeting)
    meeting.sharing = sum(person.is_sharing for person in people)
    hosts = [person for person in people if person.name and _is_host(person, meeting)]
    meeting.host_name = hosts[0].name if hosts else ""


def _length_s(meeting: Meeting) -> int | None:
    if meeting.is_live or meeting.ended_at is None or meeting.began_at is None:
        return None
    return max(int((meeting.ended_at - meeting.began_at).total_seconds()), 0)


def _is_host(person: attendance.Person, meeting: Meeting) -> bool:
    return bool(meeting.host_id) and person.key == ("zoom_user_id", meeting.host_id.lower())


def merge_into(row: Any, state: State, table: Table) -> bool:
    """Merge a state into a row; whether that changed the row."""
    known = _state_of(row, table)
    merged = merge(known, state)
    if merged == known:
        return False
    for name, value in {**merged.earliest, **merged.latest}.items():
        setattr(row, name, _aware(value) if name in table.instants else value)
    for name, (_, value) in merged.newest.items():
        setattr(row, name, _aware(value) if name in table.instants else value)
    row.stamps = {name: stamp for name, (stamp, _) in merged.newest.items()}
    return True


def _state_of(row: Any, table: Table) -> State:
    """The state that a row holds."""
    return State(
        earliest=_said(row, table.earliest),
        latest=_said(row, table.latest) if row.pk else {},
        newest={name: (stamp, _plain(getattr(row, name))) for name, stamp in row.stamps.items()},
    )


def _said(row: Any, names: tuple[str, ...]) -> Mapping[str, Any]:
    return {name: _plain(value) for name in names if (value := getattr(row, name)) is not None}


def _plain(value: Any) -> Any:
    return round(value.timestamp() * 1000) if isinstance(value, datetime) else value


def _aware(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def save(model: type[models.Model], rows: list[Any], revision: int) -> None:
    for row in rows:
        row.revision = revision
        if model not in (Leg, Attendee):
            row.anonymous = False  # what came this late names people anew, and has to expire again
    bulk.save(model, rows)


def seal(facts: Iterable[Fact]) -> None:
    """Mark the rows of which these facts speak: the events that say so are about to go or to change."""
    for entity, keys in _keys(facts).items():
        table = TABLES[entity]
        table.model._default_manager.filter(**{f"{table.key}__in": keys, "sealed": False}).update(sealed=True)


def _keys(facts: Iterable[Fact]) -> dict[Entity, set[str]]:
    found: dict[Entity, set[str]] = defaultdict(set)
    for fact in facts:
        found[_owner(fact)].add(fact.key[0])
    return found


def _owner(fact: Fact) -> Entity:
    """A leg stands and falls with its run."""
    return Entity.MEETING if fact.entity == Entity.LEG else fact.entity
