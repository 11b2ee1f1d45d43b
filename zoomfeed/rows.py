"""From merged facts to rows and back: which model and columns hold which entity's state.

Called by `record` and `replay` inside their transaction, under the write lock, so reading a row, merging and writing
it back cannot race.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from typing import Any

from django.db import models

from zoomfeed import attendance, bulk, certainty
from zoomfeed.fold import Entity, Fact, State, merge
from zoomfeed.models import Leg, Meeting, Recording, ScheduledMeeting, ZoomUser

States = dict[tuple[str, ...], State]


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
}
LEGS = Table(
    Leg,
    "",
    earliest=("joined_at", "seen_at"),
    latest=("last_joined_at", "left_at"),
    instants=frozenset({"joined_at", "seen_at", "last_joined_at", "left_at"}),
)


def fold(facts: Iterable[Fact], revision: int) -> None:
    """Merge the facts into the rows, and stamp every row that changed with `revision`."""
    grouped: dict[Entity, dict[tuple[str, ...], list[State]]] = defaultdict(lambda: defaultdict(list))
    for fact in facts:
        grouped[fact.entity][fact.key].append(fact.state)
    merged = {
        entity: {key: reduce(merge, states) for key, states in by_key.items()} for entity, by_key in grouped.items()
    }
    for entity in (Entity.SCHEDULED, Entity.ZOOM_USER, Entity.RECORDING):
        if entity in merged:
            _fold_simple(TABLES[entity], merged[entity], revision)
    if Entity.MEETING in merged:
        _fold_meetings(merged[Entity.MEETING], merged.get(Entity.LEG, {}), revision)


def _fold_simple(table: Table, states: States, revision: int) -> None:
    _save(table.model, [row for row, changed in _merged_rows(table, states).values() if changed], revision)


def _merged_rows(table: Table, states: States) -> dict[str, tuple[Any, bool]]:
    """The row of each key, with the new state in it, and whether that changed anything."""
    keys = [key[0] for key in states]
    rows = {getattr(row, table.key): row for row in table.model._default_manager.filter(**{f"{table.key}__in": keys})}
    found = {}
    for (key,), state in states.items():
        row = rows.get(key)
        row = table.model(**{table.key: key}) if row is None else row
        found[key] = row, _merge_into(row, state, table) or row.pk is None
    return found


def _fold_meetings(states: States, leg_states: States, revision: int) -> None:
    meetings = _merged_rows(TABLES[Entity.MEETING], states)
    _save(Meeting, [row for row, _ in meetings.values() if row.pk is None], revision)

    legs: dict[int, dict[tuple[str, ...], Leg]] = defaultdict(dict)
    for leg in Leg.objects.filter(meeting__in=[row.pk for row, _ in meetings.values()]):
        legs[leg.meeting_id][leg.user_id, leg.place, leg.room] = leg
    changed_legs, touched = [], {uuid for uuid, (_, changed) in meetings.items() if changed}
    for (uuid, *rest), state in leg_states.items():
        meeting, key = meetings[uuid][0], tuple(rest)
        leg = legs[meeting.pk].get(key) or Leg(meeting=meeting, user_id=key[0], place=key[1], room=key[2])
        legs[meeting.pk][key] = leg
        if _merge_into(leg, state, LEGS) or leg.pk is None:
            changed_legs.append(leg)
            touched.add(uuid)
    _save(Leg, changed_legs, revision)

    changed = [meetings[uuid][0] for uuid in touched]
    gaps = certainty.gaps_of(changed)
    for meeting in changed:
        _count(meeting, list(legs[meeting.pk].values()))
        meeting.uncertain_since = certainty.uncertain_since(meeting, gaps)
    _save(Meeting, changed, revision)


def _count(meeting: Meeting, legs: list[Leg]) -> None:
    """What the board says of a meeting; counts people, and devices only where it says so."""
    people = attendance.people(legs, started_at=meeting.started_at, ended_at=meeting.ended_at)
    meeting.present = sum(person.is_present for person in people)
    meeting.waiting = sum(person.is_waiting for person in people)
    meeting.people = sum(bool(person.visits) for person in people)
    meeting.peak = attendance.peak(people)
    meeting.sharing = sum(person.is_sharing for person in people)
    hosts = [person for person in people if person.name and _is_host(person, meeting)]
    meeting.host_name = hosts[0].name if hosts else ""


def _is_host(person: attendance.Person, meeting: Meeting) -> bool:
    return bool(meeting.host_id) and person.key == ("zoom_user_id", meeting.host_id.lower())


def _merge_into(row: Any, state: State, table: Table) -> bool:
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


def _save(model: type[models.Model], rows: list[Any], revision: int) -> None:
    for row in rows:
        row.revision = revision
    bulk.save(model, rows)


def clear(entity_models: Iterable[type[models.Model]] = (Leg, Meeting, ScheduledMeeting, ZoomUser, Recording)) -> None:
    """Forget the state, keep the rows and with them their primary keys, which pages have in their addresses."""
    for model in entity_models:
        blank = model()
        keys = {name for constraint in model._meta.constraints for name in getattr(constraint, "fields", ())}
        columns = [c for c in model._meta.concrete_fields if not c.primary_key and c.name not in keys]
        model._default_manager.update(**{column.name: getattr(blank, column.attname) for column in columns})


def drop_unknown() -> None:
    """Delete the rows of which no event of the log speaks."""
    for model in (Leg, Meeting, ScheduledMeeting, ZoomUser, Recording):
        model._default_manager.filter(revision=0).delete()
