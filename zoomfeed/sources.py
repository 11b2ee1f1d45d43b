"""Which transport brought what: counted once in the log, and remembered for whoever asks whether a transport lives.

Called by `record`, inside its transaction and under the write lock.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import DateTimeField, F, Max, Value
from django.db.models.functions import Greatest

from zoomfeed.models import Event, Source


@dataclass(frozen=True, slots=True)
class Tally:
    """What one transport brought in one batch."""

    first_at: datetime
    last_at: datetime
    events: int = 0
    duplicates: int = 0
    rejected: int = 0


def note(tallies: Mapping[str, Tally]) -> None:
    """Add to each transport's row what it brought."""
    for transport, tally in tallies.items():
        added = {
            "events": F("events") + tally.events,
            "duplicates": F("duplicates") + tally.duplicates,
            "rejected": F("rejected") + tally.rejected,
        }
        # what had waited on a disk is older than what came since
        newest = Greatest("last_at", Value(tally.last_at, DateTimeField()))
        if not Source.objects.filter(transport=transport).update(last_at=newest, **added):
            Source.objects.create(
                transport=transport,
                first_at=tally.first_at,
                last_at=tally.last_at,
                events=tally.events,
                duplicates=tally.duplicates,
                rejected=tally.rejected,
            )


def note_repeats(repeats: Iterable[tuple[bytes, str]]) -> None:
    """Mark the events that came again: (digest, transport) of each time."""
    again: dict[bytes, list[str]] = defaultdict(list)
    for digest, transport in repeats:
        again[digest].append(transport)
    alike: dict[tuple[int, str], list[int]] = defaultdict(list)
    known = Event.objects.filter(digest__in=list(again)).values_list("pk", "digest", "transport", "also_by")
    for pk, found, transport, also_by in known:
        brought_by = again[bytes(found)]
        others = {*also_by.split(), *brought_by} - {transport}
        alike[len(brought_by), " ".join(sorted(others))].append(pk)
    for (times, also_by), pks in alike.items():
        Event.objects.filter(pk__in=pks).update(duplicates=F("duplicates") + times, also_by=also_by)


def tallies(brought: Iterable[tuple[str, datetime]], new: Iterable[str], rejected: Iterable[str]) -> dict[str, Tally]:
    """Count one batch: `brought` is (transport, received_at) of all, the others the transports of some."""
    times: dict[str, list[datetime]] = defaultdict(list)
    for transport, at in brought:
        times[transport].append(at)
    fresh, unreadable = Counter(new), Counter(rejected)
    return {
        transport: Tally(
            first_at=min(at),
            last_at=max(at),
            events=fresh[transport],
            duplicates=len(at) - fresh[transport] - unreadable[transport],
            rejected=unreadable[transport],
        )
        for transport, at in times.items()
    }


def last_at(transport: str) -> datetime | None:
    """When a transport last brought anything."""
    newest: datetime | None = Source.objects.filter(transport=transport).aggregate(at=Max("last_at"))["at"]
    return newest
