"""One page of the log, newest first, by primary key: as quick in the middle and at the end as at the beginning.

Nothing is counted, and no page is skipped by reading what stands before it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db import connection
from django.db.models import F, Q

from zoomfeed import log_hours
from zoomfeed.filters import Asked, instant
from zoomfeed.models import Event
from zoomfeed.search import COMPUTED_KEY, Enough, Keys, Window, reach, windows


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the log a page is: before a key, after a key, at the old end, or (all None) at the new end."""

    before: int | None = None
    after: int | None = None
    is_oldest: bool = False

    @property
    def is_newest(self) -> bool:
        return self == NEWEST

    @property
    def ascends(self) -> bool:
        return self.is_oldest or self.after is not None

    @property
    def keys(self) -> Keys:
        first = None if self.after is None else self.after + 1
        return Keys(first, None if self.before is None else self.before - 1)


NEWEST = Place()


@dataclass(frozen=True, slots=True)
class Page:
    """Primary keys of events, newest first, and whether there are any on either side.

    `sought_to` is the key down to which was looked, where that was not the end of the log.
    """

    keys: Sequence[int]
    has_older: bool = False
    has_newer: bool = False
    sought_to: int | None = None


def place(query: Mapping[str, Any]) -> Place:
    """Where a query string says the reader is; what cannot be read is the new end."""
    if query.get("oldest"):
        return Place(is_oldest=True)
    if (before := _key(query.get("before", ""))) is not None:
        return Place(before=before)
    if (after := _key(query.get("after", ""))) is not None:
        return Place(after=after)
    try:
        return Place(before=log_hours.last_before(instant(query["at"])) + 1) if query.get("at") else NEWEST
    except (ValueError, OverflowError):
        return NEWEST


def _key(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def links(page: Page, place: Place) -> dict[str, str]:
    """Query strings of the places around this page, where there are any."""
    found: dict[str, str] = {}
    if not place.is_newest:
        found["newest"] = ""
        if page.has_newer and page.keys:
            found["newer"] = urlencode({"after": page.keys[0]})
    if page.has_older:
        if ends_at := page.sought_to or (page.keys[-1] if page.keys else None):
            found["older"] = urlencode({"before": ends_at})
        found["oldest"] = urlencode({"oldest": 1})
    return found


def read(asked: Asked, place: Place, limit: int) -> Page:
    """A few queries, of which most end at once: a text is sought in more and more of the log, until there is enough."""
    wanted = place.keys.within(asked.keys)
    ends_at = None if asked.reaches else reach(asked.texts, wanted).first
    if ends_at is not None and not Event.objects.filter(pk__lt=ends_at).exists():
        ends_at = None  # the log begins here, wherever its keys do
    found = _sought(asked, place, limit + 1)
    has_more, found = len(found) > limit, found[:limit]
    if place.ascends:
        return Page(found[::-1], has_older=not place.is_oldest, has_newer=has_more)
    return Page(
        found,
        has_older=has_more or ends_at is not None,
        has_newer=place.before is not None,
        sought_to=None if has_more else ends_at,
    )


def _sought(asked: Asked, place: Place, limit: int) -> list[int]:
    """A whole id is found everywhere, so that there is enough when the last one is where texts were sought."""
    found: list[int] = []
    for window in windows(asked.texts, place.keys.within(asked.keys), ascends=place.ascends):
        found = _keys(asked, window, place, limit)
        if len(found) == limit and window.has(found[-1]):
            break
    return found


def _keys(asked: Asked, window: Window, place: Place, limit: int) -> list[int]:
    """Of several event types, the first of each are looked up in the index of types, and put in order.

    Asked for all at once, a database reads and sorts all there are of them, or the whole log when they are rare.
    """
    if len(asked.names) < 2:
        enough = Enough(limit, "ASC" if place.ascends else "DESC")
        return list(_sliced(asked.condition(window.keys, enough=enough), window, place, limit))
    rest = asked.apart_from_names(window.keys)
    parts = [_sliced(Q(name=name) & rest, window, place, limit).query.sql_with_params() for name in asked.names]
    sql = " UNION ALL ".join(f"SELECT * FROM ({part}) AS part_{number}" for number, (part, _) in enumerate(parts))  # noqa: S608
    parameters = [parameter for _, of_part in parts for parameter in of_part]
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} ORDER BY 1 {'ASC' if place.ascends else 'DESC'} LIMIT {limit:d}", parameters)
        return [pk for (pk,) in cursor.fetchall()]


def _sliced(condition: Q, window: Window, place: Place, limit: int) -> Any:
    key = COMPUTED_KEY if window.is_gathered else F("pk")
    order = key.asc() if place.ascends else key.desc()
    return Event.objects.filter(condition).order_by(order).values_list("pk", flat=True)[:limit]
