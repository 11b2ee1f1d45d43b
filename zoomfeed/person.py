"""Who is meant, and where something about them is: what the report and the erasure of one person share. Reads only.

A person is asked for by e-mail address, Zoom user id or exact name. Address and id lead on to each other, through rows
that hold both, and to the names that were used with them. A name leads nowhere, for several people may carry it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from zoomfeed.models import Event, Leg, Meeting, ZoomUser
from zoomfeed.personal import Needles, What, folded


@dataclass(frozen=True, slots=True)
class Trace:
    """What one row says of somebody."""

    zoom_id: str
    name: str
    email: str


@dataclass
class Identity:
    """What somebody is known by, folded. `shared`: names that others carry, too, who are not to be touched."""

    emails: set[str] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    shared: set[str] = field(default_factory=set)
    others: set[str] = field(default_factory=set)
    """Further ids that stand for them in single runs: of devices, registrations, customers."""

    phones: set[str] = field(default_factory=set)

    def has(self, trace: Trace) -> bool:
        """By id or address."""
        return folded(trace.zoom_id) in self.ids or folded(trace.email) in self.emails

    def is_named(self, name: str) -> bool:
        return folded(name) in self.names

    @property
    def needles(self) -> Needles:
        """What is theirs alone, and may be looked for in any text."""
        return Needles.of(
            [
                *((What.EMAIL, email) for email in self.emails),
                *((What.ID, one) for one in self.ids | self.others),
                *((What.NAME, name) for name in self.names),
                *((What.TEXT, phone) for phone in self.phones),
            ]
        )


def identify(*, emails: Iterable[str] = (), ids: Iterable[str] = (), names: Iterable[str] = ()) -> Identity:
    """All that somebody is known by, from what was asked for."""
    asked = {folded(name) for name in names} - {""}
    found = Identity({folded(one) for one in emails} - {""}, {folded(one) for one in ids} - {""})
    traces = list(_traces()) if found.emails or found.ids else []
    while theirs := [trace for trace in traces if found.has(trace)]:
        before = len(found.ids) + len(found.emails)
        found.ids |= {folded(trace.zoom_id) for trace in theirs} - {""}
        found.emails |= {folded(trace.email) for trace in theirs} - {""}
        if len(found.ids) + len(found.emails) == before:
            break
    used = {folded(trace.name) for trace in traces if found.has(trace)} - {""}
    of_others = {folded(trace.name) for trace in traces if (trace.zoom_id or trace.email) and not found.has(trace)}
    found.shared = (used & of_others) - asked
    found.names = (used - of_others) | asked
    _look_at_legs(found)
    return found


def _look_at_legs(found: Identity) -> None:
    """What stands for them in single runs. A customer's key that others have, too, is none of theirs alone."""
    keys: set[str] = set()
    for leg in legs_of(found):
        found.others |= {folded(leg.participant_uuid), folded(leg.registrant_id), folded(leg.zoom_user_id)}
        found.phones.add(folded(leg.phone))
        keys.add(leg.customer_key)
    keyed = Leg.objects.filter(customer_key__in=keys - {""}).iterator()
    of_others = {
        leg.customer_key
        for leg in keyed
        if (leg.zoom_user_id or leg.email) and not found.has(Trace(leg.zoom_user_id, leg.name, leg.email))
    }
    found.others |= {folded(key) for key in keys - of_others}
    found.others -= found.ids | {""}
    found.phones.discard("")


def legs_of(identity: Identity) -> Iterator[Leg]:
    """The legs that are theirs by id, address or name."""
    for leg in Leg.objects.order_by("pk").iterator(chunk_size=2000):
        if identity.has(Trace(leg.zoom_user_id, leg.name, leg.email)) or identity.is_named(leg.name):
            yield leg


def waiting_files() -> list[str]:
    """Files in which events wait to be entered, or that were damaged: nothing here looks into them."""
    folder = Path(settings.SPOOL_DIR)
    return sorted(path.name for path in folder.glob("*") if path.suffix in (".spool", ".damaged"))


ABOUT_ONE = ("user.", "meeting.participant_", "webinar.participant_")


def _traces() -> Iterator[Trace]:
    """Who is said to be whom. Of events only those whose columns all speak of one and the same person."""
    for row in ZoomUser.objects.values_list("zoom_id", "name", "email").iterator():
        yield Trace(*row)
    for row in Meeting.objects.values_list("host_id", "host_name", "host_email").distinct().iterator():
        yield Trace(*row)
    for row in Leg.objects.values_list("zoom_user_id", "name", "email").distinct().iterator():
        yield Trace(*row)
    names = [name for name in Event.objects.names() if name.startswith(ABOUT_ONE) or ".registration_" in name]
    columns = ("participant_id", "participant_name", "participant_email")
    about_one = Event.objects.filter(name__in=names)
    for row in about_one.values_list(*columns).distinct().order_by(*columns).iterator():
        yield Trace(*row)
