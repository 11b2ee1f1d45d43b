"""The audit trail: who looked somebody up, took a file away, saw a passcode, erased a person.

What was sought is a name more often than not, so it goes like other names: with their age, and when a person is erased.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from zoomfeed.filters import EventFilter
from zoomfeed.models import Act, Deed

ONE_LOOK = timedelta(minutes=1)
"""Pages search while somebody types, and are loaded again: within this time that is one look."""

MOST = 500

SEARCHES = "searches in the audit trail"


def note(who: Any, what: Deed, about: str) -> None:
    """Keep that somebody did something: an account, or the name of one of the machine."""
    by, about, now = str(who)[:150], about[:MOST], timezone.now()
    if what == Deed.LOOKED_UP and (last := _last_look(by, now)) and _goes_on(last.about, about):
        if len(about) > len(last.about):
            Act.objects.filter(pk=last.pk).update(about=about)
        return
    Act.objects.create(at=now, by=by, what=what, about=about)


def looked_up(who: Any, form: EventFilter) -> None:
    """Keep that the log was searched for somebody, if it was: as whoever may see names."""
    if not (form.is_valid() and form.viewer.names):
        return
    sought = [(name, value) for name, value in form.pairs() if name in ("q", "person", "not_person")]
    if sought:
        note(who, Deed.LOOKED_UP, "events: " + ", ".join(f"{name} {value}" for name, value in sought))


def forget_names(before: datetime) -> int:
    """Forget who was sought before then, and keep that somebody was."""
    return named(before).update(about="")


def named(before: datetime) -> QuerySet[Act]:
    return Act.objects.filter(at__lt=before, what=Deed.LOOKED_UP).exclude(about="")


def _last_look(by: str, now: datetime) -> Act | None:
    return Act.objects.filter(by=by, what=Deed.LOOKED_UP, at__gt=now - ONE_LOOK).order_by("-pk").first()


def _goes_on(before: str, after: str) -> bool:
    return before.startswith(after) or after.startswith(before)
