"""Part of a text, in any case and script: how each database is asked so that its index answers.

Keys bound what is looked through. A search for fewer than three characters has no index to help it, so that it goes
through a part of the log only: the newest, or what lies before the place to which a reader has come.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from django.db import connection
from django.db.models import BigIntegerField, ExpressionWrapper, F, Max, Min, Q
from django.db.models.expressions import RawSQL
from django.db.models.lookups import In

from zoomfeed.models import Event
from zoomfeed.text_index import PART, TABLE

SHORTEST = 3
"""Characters that the index needs."""

SHORT_REACH = 50_000
"""So many events are looked through for less."""

FEW = 2000
"""A text with fewer hits leads to its events; one with more is a property that events are tested for."""


WALK = 5000
"""So many events PostgreSQL reads one by one to find a text, which a frequent text needs no more of."""

WINDOWS = (2, 20)
"""Then it asks its index, for so many parts of the log first, for so many then, and in the end for all."""


@dataclass(frozen=True, slots=True)
class Keys:
    """A stretch of the log by primary keys, both ends included. None: to its end.

    `parts`: only texts in these parts of the log (`text_index.PART`) are of interest; None: in all of them.
    """

    first: int | None = None
    last: int | None = None
    parts: range | None = None

    def within(self, other: "Keys") -> "Keys":
        firsts = [key for key in (self.first, other.first) if key is not None]
        lasts = [key for key in (self.last, other.last) if key is not None]
        parts = self.parts if other.parts is None else other.parts
        return Keys(max(firsts, default=None), min(lasts, default=None), parts)

    @property
    def condition(self) -> Q:
        found = Q()
        if self.first is not None:
            found &= Q(pk__gte=self.first)
        if self.last is not None:
            found &= Q(pk__lte=self.last)
        return found


ALL = Keys()


def reach(texts: Sequence[str], keys: Keys) -> Keys:
    """The part of the log that a search for these texts goes through."""
    if all(len(text) >= SHORTEST for text in texts):
        return keys
    newest = keys.last
    if newest is None:
        newest = Event.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    return keys.within(replace(ALL, first=newest - SHORT_REACH + 1))


@dataclass(frozen=True, slots=True)
class Window:
    """Where to look. `is_gathered`: all hits are gathered first and then put in order, however many are needed."""

    keys: Keys
    is_gathered: bool = False

    def has(self, key: int) -> bool:
        """Whether texts were sought there."""
        return self.keys.parts is None or key // PART in self.keys.parts


def windows(texts: Sequence[str], keys: Keys, *, ascends: bool) -> Iterator[Window]:
    """Where to look for texts, more with each step, until enough is found.

    PostgreSQL has to guess how frequent a text is. Told to find the newest few, it would walk through all of the log
    for a rare one, or read every row of a frequent one to see its type. So it is told how, and where, bit by bit.
    """
    if connection.vendor != "postgresql" or not texts or min(map(len, texts)) < SHORTEST:
        yield Window(keys)
        return
    ends = Event.objects.aggregate(first=Min("pk"), last=Max("pk"))
    first, last = max(ends["first"] or 0, keys.first or 0), ends["last"] or 0
    last = last if keys.last is None else min(last, keys.last)
    yield Window(keys.within(Keys(last=first + WALK) if ascends else Keys(first=last - WALK)))
    parts = range(first // PART, last // PART + 1)
    for count in WINDOWS:
        if count < len(parts):
            yield Window(replace(keys, parts=parts[:count] if ascends else parts[-count:]), is_gathered=True)
    yield Window(replace(keys, parts=parts if len(parts) <= max(WINDOWS) else None), is_gathered=True)


@dataclass(frozen=True, slots=True)
class Enough:
    """So many are enough, from the new end or from the old one."""

    count: int
    order: str = "DESC"


def containing(text: str, columns: Sequence[str], keys: Keys = ALL, alone: Enough | None = None) -> Q:
    """Events in one of whose columns the text stands.

    `alone`: nothing else is asked for, so that whoever needs a few need not be told of all.
    """
    if connection.vendor == "sqlite":
        return _by_fts(text, columns, keys, alone) if len(text) >= SHORTEST else _by_variants(text, columns)
    found = Q()
    for column in columns:
        found |= Q(**{f"{column}__icontains": text}) & _within(keys.parts)
    return found


def _within(parts: range | None) -> Q:
    """In the words of the index."""
    if parts is None:
        return Q()
    return Q(In(RawSQL(f"zoomfeed_event.id / {PART:d}", [], BigIntegerField()), list(parts)))  # noqa: S611


def _by_fts(text: str, columns: Sequence[str], keys: Keys, alone: Enough | None) -> Q:
    quoted = text.replace('"', '""')
    where, parameters = f"{TABLE} MATCH %s", list[Any]([f'{{{" ".join(columns)}}} : "{quoted}"'])
    for sign, key in ((">=", keys.first), ("<=", keys.last)):
        if key is not None:
            where += f" AND rowid {sign} %s"
            parameters.append(key)
    hits = f"SELECT rowid FROM {TABLE} WHERE {where}"  # noqa: S608 - a name of our own
    if alone:
        return Q(pk__in=RawSQL(f"{hits} ORDER BY rowid {alone.order} LIMIT {alone.count:d}", parameters))  # noqa: S611
    with connection.cursor() as cursor:
        cursor.execute(f"{hits} LIMIT {FEW + 1}", parameters)
        few = [pk for (pk,) in cursor.fetchall()]
    if len(few) <= FEW:
        return Q(pk__in=few)
    return Q(In(COMPUTED_KEY, RawSQL(hits, parameters)))  # noqa: S611


COMPUTED_KEY = ExpressionWrapper(F("pk") + 0, BigIntegerField())
"""The key as something to be computed, which databases do not take for a way to the row, or for an order they have."""


def _by_variants(text: str, columns: Sequence[str]) -> Q:
    """SQLite's LIKE knows the case of ASCII letters only; of one or two others, all cases can be named."""
    found = Q()
    for variant in {"".join(of) for of in product(*({char.lower(), char.upper()} for char in text))}:
        for column in columns:
            found |= Q(**{f"{column}__contains": variant})
    return found
