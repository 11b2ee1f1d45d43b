"""The rows of things anew, from all that the log says of them: what has to change for them to read as if everything had
just been folded.

Looked up without a lock, the answer is a hint; under the write lock it is true, and may be written.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from operator import attrgetter
from typing import Any

from django.db import models

from zoomfeed import certainty, hours, rows
from zoomfeed.fold import Entity
from zoomfeed.models import Attendee, Leg, Meeting
from zoomfeed.rows import LEGS, TABLES, LegKey, Said, States, Table

Model = type[models.Model]

KEPT = ("mask", "anonymous", "sealed", "revision")
"""What of a row does not follow from the log. It keeps its primary key as well, which pages have in their addresses."""


@dataclass
class Changes:
    """Rows to save, in this order, and primary keys of rows to delete, since the log says nothing of them."""

    saved: dict[Model, list[Any]] = field(default_factory=lambda: defaultdict(list))
    gone: dict[Model, list[int]] = field(default_factory=lambda: defaultdict(list))
    ledger: hours.Ledger | None = None

    def __len__(self) -> int:
        return sum(map(len, self.saved.values())) + sum(map(len, self.gone.values()))

    def write(self, revision: int) -> None:
        """In the transaction in which they were looked up, under the write lock."""
        for model, found in self.saved.items():
            rows.save(model, found, revision)
        for model, gone in self.gone.items():
            model._default_manager.filter(pk__in=gone).delete()
        if self.ledger:
            self.ledger.write(revision)


def of_runs(told: Mapping[str, Said]) -> Changes:
    """What has to change of these runs, by uuid: their rows, legs and recordings, and what their people are called.

    `told` is all that the log says of each; nothing, of some. A sealed row stays as it is: the log does not hold all
    of it any more. Names are only ever added: of a run that is not there whole nobody knows which follow from it.
    """
    changes = Changes()
    known = rows.known(TABLES[Entity.MEETING], [(uuid,) for uuid in told])
    unsealed = {uuid: said for uuid, said in told.items() if uuid not in known or not known[uuid].sealed}
    _meetings(unsealed, known, changes)
    _rows(TABLES[Entity.RECORDING], told, _together(Entity.RECORDING, told.values()), changes)
    changes.saved[Attendee] += rows.merged(Entity.ATTENDEE, _together(Entity.ATTENDEE, unsealed.values()))
    return changes


def _together(entity: Entity, told: Iterable[Said]) -> States:
    states: States = {}
    for said in told:
        for key, state in said.get(entity, {}).items():
            rows.add(states, key, state)
    return states


def of_things(entity: Entity, keys: Iterable[str], states: States) -> Changes:
    """What has to change of these plans or Zoom users. `states` is all that the log says; of some it says nothing."""
    changes = Changes()
    _rows(TABLES[entity], keys, states, changes)
    return changes


def _rows(table: Table, keys: Iterable[str], states: States, changes: Changes) -> None:
    known = rows.known(table, [(key,) for key in keys])
    for key in keys:
        old, state = known.get(key), states.get((key,))
        if old is not None and old.sealed:
            continue
        if state is None:
            changes.gone[table.model] += [old.pk] if old is not None else []
            continue
        new = table.model(**{table.key: key})
        rows.merge_into(new, state, table)
        if not _is_as(old, new):
            changes.saved[table.model].append(new)


def _is_as(old: Any, new: Any) -> bool:
    """Whether the row that there is (None: none) reads as the new one, which gets to be its successor."""
    if old is None:
        return False
    model: Model = type(new)
    new.pk = old.pk
    for name in _kept(model):
        setattr(new, name, getattr(old, name))
    values = _values(model)
    return bool(values(old) == values(new))


@cache
def _kept(model: Model) -> list[str]:
    return [column.attname for column in model._meta.concrete_fields if column.attname in KEPT]


@cache
def _values(model: Model) -> "attrgetter[Any]":
    return attrgetter(*(column.attname for column in model._meta.concrete_fields))


def _meetings(told: Mapping[str, Said], known: Mapping[str, Meeting], changes: Changes) -> None:
    """Runs with their legs."""
    made = {uuid: _meeting(uuid, said) for uuid, said in told.items() if Entity.MEETING in said}
    there = [known[uuid] for uuid in told if uuid in known]
    for row in there:
        if row.uuid in made:
            made[row.uuid].pk = row.pk
    rows.number(list(made.values()))
    gaps = certainty.gaps_of(made.values())
    legs = rows.legs_of(there)
    made_legs = {uuid: _legs(new, told[uuid].get(Entity.LEG, {}), legs[new.pk]) for uuid, new in made.items()}
    rows.number([leg for of_new in made_legs.values() for leg in of_new.values()])
    ledger = changes.ledger = hours.Ledger()
    changes.saved[Meeting] = []  # before their legs, which refer to them
    for uuid in told:
        old, new, of_new = known.get(uuid), made.get(uuid), made_legs.get(uuid, {})
        of_old = legs[old.pk] if old else {}
        people = rows.settle(new, of_new.values(), gaps)[0] if new else []
        before = len(changes)
        changes.saved[Meeting] += [new] if new and not _is_as(old, new) else []
        changes.saved[Leg] += [leg for key, leg in of_new.items() if not _is_as(of_old.get(key), leg)]
        changes.gone[Leg] += [leg.pk for key, leg in of_old.items() if key not in of_new]
        changes.gone[Meeting] += [old.pk] if old and not new else []
        if len(changes) > before:
            if old:
                ledger.before(old, of_old.values())
            ledger.after(new or Meeting(pk=old.pk if old else None), people)


def _meeting(uuid: str, said: Said) -> Meeting:
    made = Meeting(uuid=uuid)
    rows.merge_into(made, said[Entity.MEETING][uuid,], TABLES[Entity.MEETING])
    return made


def _legs(meeting: Meeting, states: States, there: Mapping[LegKey, Leg]) -> dict[LegKey, Leg]:
    """The legs of a run as the log tells them, with the primary keys of those that are there."""
    made = {}
    for (_, *rest), state in states.items():
        key = LegKey(*rest)
        leg = made[key] = Leg(meeting=meeting, user_id=key.user_id, place=key.place, room=key.room)
        rows.merge_into(leg, state, LEGS)
        if key in there:
            leg.pk = there[key].pk
    return made
