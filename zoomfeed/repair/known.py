"""What our tables say of the runs that repair has to compare. Reads only; nothing here knows of REST."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from zoomfeed import attendance, certainty
from zoomfeed.fold import Kind
from zoomfeed.models import Event, Gap, Leg, Meeting
from zoomfeed.repair.comparison import KnownLeg

MOST_RUNS = 1000
MOST_LEGS = 50_000


@dataclass(frozen=True, slots=True)
class KnownRun:
    """A run that is live, or uncertain, or both. `uncertain_since` is the begin of the gap that made it so."""

    uuid: str
    number: str
    kind: Kind
    host_id: str
    is_live: bool
    uncertain_since: datetime | None
    begun_at: datetime | None
    heard_at: datetime | None  # when the newest event of it was received
    present: int
    people: int


def runs(also: Collection[str] = ()) -> dict[str, KnownRun]:
    """By uuid, the uncertain ones first, then the newest; with runs of these uuids whatever they are."""
    newest = Event.objects.filter(meeting_uuid=OuterRef("uuid")).order_by("-id").values("received_at")[:1]
    live = Q(ended_at=None) | Q(present__gt=0)
    found = Meeting.objects.filter(live | Q(uncertain_since__isnull=False) | Q(uuid__in=list(also)[:MOST_RUNS]))
    rows = found.annotate(heard_at=Subquery(newest), begun_at=Coalesce("started_at", "seen_at")).order_by(
        F("uncertain_since").asc(nulls_last=True), "-seen_at", "-pk"
    )
    return {row["uuid"]: _run(row) for row in rows.values()[:MOST_RUNS]}


def _run(row: Mapping[str, Any]) -> KnownRun:
    made = {"kind": Kind(row["kind"]), "is_live": row["ended_at"] is None or row["present"] > 0}
    return KnownRun(**{field.name: row.get(field.name) for field in fields(KnownRun)} | made)


def unheard(uuids: Iterable[str]) -> set[str]:
    """Those of these runs of which no event told that they ended."""
    wanted = list(uuids)
    ended: set[str] = set()
    for at in range(0, len(wanted), 500):
        some = Meeting.objects.filter(uuid__in=wanted[at : at + 500], ended_at__isnull=False)
        ended.update(some.values_list("uuid", flat=True))
    return set(wanted) - ended


def legs_of(uuid: str) -> list[KnownLeg]:
    """The legs of a run, those that have ended, too."""
    return [
        KnownLeg(leg.user_id, leg.place, leg.room, _joined_ms(leg), attendance.is_open(leg))
        for leg in Leg.objects.filter(meeting__uuid=uuid)[:MOST_LEGS]
    ]


def _joined_ms(leg: Leg) -> int:
    at = leg.last_joined_at or leg.joined_at or leg.seen_at
    return round(at.timestamp() * 1000) if at else 0


def uncertain_in(gap: Gap) -> int:
    """How many runs this gap leaves uncertain still."""
    marked = Meeting.objects.filter(uncertain_since__lte=gap.started_at)
    return sum(certainty.uncertain_since(meeting, [gap]) is not None for meeting in marked)
