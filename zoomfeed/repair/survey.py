"""One comparison of our tables with what Zoom's REST says, from the list of live runs to who was in the ended ones.

It asks, compares and writes run by run, so it can be cancelled at any moment, and it may be done again at any time:
what is written are bodies of the log, which merge. It does not know when to be done, or what to do about what is left.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import ParamSpec, TypeVar

from zoomfeed.database import Database
from zoomfeed.exceptions import Limited, NotAllowed, NotKnown, TooEarly, Weather
from zoomfeed.fold import Kind
from zoomfeed.models import Gap, Transport
from zoomfeed.record import Incoming, record
from zoomfeed.repair import known
from zoomfeed.repair.comparison import Asked, compare, run_body
from zoomfeed.repair.endpoints import LIVE, LIVE_PARTICIPANTS, PAST_RUN
from zoomfeed.repair.known import KnownRun
from zoomfeed.repair.rest import Listing, Row, Zoom
from zoomfeed.rest_events import LIVE_RUN as LIVE_BODY
from zoomfeed.rest_events import PAST_RUN as PAST_BODY
from zoomfeed.values import first, instant, integer

P = ParamSpec("P")
T = TypeVar("T")

MOST_HOSTS = 50
MOST_ENDS = 200
"""So many runs are asked for their end in one pass."""
MOST_COUNTS = 300
"""So many runs are asked for their participants in one pass."""
MOST_WEATHER = 3
"""After so many failures the pass is given up."""
SILENT = timedelta(hours=6)
"""A run of which nothing was heard for so long is asked for its end where no list tells which runs are live."""
RUNS_AT_ONCE, PAGES_AT_ONCE = 200, 5
"""Bodies in one transaction: the feed's own writes wait for it."""
LONGEST = timedelta(days=30)
OLDEST = timedelta(days=180)


class Means(StrEnum):
    """How far Zoom lets us see."""

    DASHBOARDS = "dashboards"
    PER_HOST = "per host"
    NOTHING = "nothing"


@dataclass(slots=True)
class Tally:
    """What the passes since a gap came to, for people."""

    people: dict[str, int] = field(default_factory=dict)  # by the uuid of a run that was compared
    gone: int = 0
    ended: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Outcome:
    """What one pass could see. `left`: what another pass may settle."""

    asked_at: datetime
    means: Means = Means.DASHBOARDS
    is_whole: bool = True  # no list was cut short: no run is hidden that can be seen by these means
    left: set[str] = field(default_factory=set)
    refused: dict[str, NotAllowed] = field(default_factory=dict)
    problem: str = ""

    @property
    def reason(self) -> str:
        """Why no more could be seen; the dashboards first, for they alone tell all."""
        scopes = [*(call.scope for call in (LIVE[Kind.MEETING], *LIVE_PARTICIPANTS.values())), *self.refused]
        return next((str(self.refused[scope]) for scope in scopes if scope in self.refused), self.problem)


@dataclass(frozen=True, slots=True)
class Task:
    """What a pass is for. `is_decisive`: the answers are old enough to be complete; `lag` is how old that is."""

    account_id: str
    gaps: Sequence[Gap]
    lag: timedelta
    is_decisive: bool
    compares_all: bool


class Survey:
    """One pass. `held` is the fence of every write."""

    def __init__(self, zoom: Zoom, database: Database, held: tuple[int, int], task: Task, tally: Tally) -> None:
        self.zoom, self.database, self.held, self.task, self.tally = zoom, database, held, task, tally
        self.outcome = Outcome(datetime.now(UTC))
        self._known: dict[str, KnownRun] = {}
        self._live: dict[str, tuple[Kind, Row]] = {}
        self._listed: set[Kind] = set()  # the kinds whose list of live runs is whole
        self._failures = 0

    async def run(self) -> Outcome:
        """Raises TokenRefused, Weather, and what the token endpoint and the database raise; LeaseLost, too."""
        self._known = await self.database.run(known.runs)
        await self._list_live()
        await self._note_live()
        await self._confirm_ends()
        if self.task.is_decisive:
            await self._find_missed()
        await self._compare_live()
        if self.task.is_decisive:
            await self._compare_ended()
        self.outcome.refused = dict(self.zoom.refused)
        if LIVE[Kind.MEETING].scope in self.zoom.refused:
            self.outcome.means = Means.NOTHING if PAST_RUN.scope in self.zoom.refused else Means.PER_HOST
        return self.outcome

    # Which runs are live, and which have ended

    async def _list_live(self) -> None:
        today = self.outcome.asked_at.date()
        for kind in Kind:
            listing = await self._list(f"live {kind}s", self.zoom.live_runs, kind, today - LONGEST, today)
            self._live |= {uuid: (kind, row) for row in listing.rows if (uuid := first(row, "uuid"))}
            if listing.whole:
                self._listed.add(kind)
        if LIVE[Kind.MEETING].scope in self.zoom.refused:
            await self._list_by_host()

    async def _list_by_host(self) -> None:
        hosts = dict.fromkeys(run.host_id for run in self._known.values() if run.host_id)
        for host_id in list(hosts)[:MOST_HOSTS]:
            listing = await self._list(f"meetings of {host_id}", self.zoom.live_runs_of, host_id)
            for row in listing.rows:
                if uuid := first(row, "uuid"):
                    # here it is when the meeting was to begin, not when it began
                    self._live[uuid] = Kind.MEETING, {**row, "start_time": ""}

    async def _note_live(self) -> None:
        """Tell the log of runs that it does not know. What it knows as ended, the lists only do not know yet."""
        unheard = await self.database.run(known.unheard, self._live)
        self._live = {uuid: found for uuid, found in self._live.items() if uuid in unheard}
        new = {uuid: found for uuid, found in self._live.items() if uuid not in self._known}
        await self._write([self._run_body(LIVE_BODY, row, kind) for kind, row in new.values()], RUNS_AT_ONCE)

    async def _confirm_ends(self) -> None:
        """Ask for the end of those that we take for live, and Zoom perhaps does not. Zoom tells it of meetings only."""
        doubtful = [run for run in self._known.values() if run.kind == Kind.MEETING and self._is_doubtful(run)]
        self._leave(run.uuid for run in doubtful[MOST_ENDS:])
        for run in doubtful[:MOST_ENDS]:
            row = await self._ask(run.uuid, self.zoom.past_run, run.uuid)
            if row is not None:
                await self._note_ended([{**row, "uuid": run.uuid}], run.kind)

    def _is_doubtful(self, run: KnownRun) -> bool:
        if not run.is_live or run.uuid in self._live:
            return False
        if run.kind in self._listed:
            return run.begun_at is None or run.begun_at < self.outcome.asked_at - self.task.lag
        is_silent = run.heard_at is None or run.heard_at < self.outcome.asked_at - SILENT
        return run.uncertain_since is not None or is_silent

    async def _find_missed(self) -> None:
        """The runs that ended in a gap; those that began in it, too, are known to nobody else."""
        if not self.task.gaps:
            return
        began, over = self.task.gaps[0].started_at, max(gap.ended_at or gap.started_at for gap in self.task.gaps)
        today = self.outcome.asked_at.date()
        until = min(over.date() + timedelta(days=1), today)
        since = max(began.date() - timedelta(days=1), until - LONGEST, today - OLDEST)
        for kind in self._listed:
            listing = await self._list(f"past {kind}s", self.zoom.past_runs, kind, since, until)
            # the notice of an end is some 20 s late: it may have been missed though the end was before the gap
            rows = [row for row in listing.rows if _overlaps(row, began, over) or self._is_live_here(row)]
            unheard = await self.database.run(known.unheard, [first(row, "uuid") for row in rows])
            await self._note_ended([row for row in rows if first(row, "uuid") in unheard], kind)

    def _is_live_here(self, row: Row) -> bool:
        run = self._known.get(first(row, "uuid"))
        return run is not None and run.is_live

    async def _note_ended(self, rows: Sequence[Row], kind: Kind) -> None:
        await self._write([self._run_body(PAST_BODY, row, kind) for row in rows], RUNS_AT_ONCE)
        self.tally.ended.update(first(row, "uuid") for row in rows)

    # Who is, or was, in them

    async def _compare_live(self) -> None:
        if not self._listed:
            return
        wanted = [uuid for uuid, (_, row) in self._live.items() if self._is_unlike(uuid, row)]
        # with hundreds of runs a pass takes a minute: what is plainly wrong comes first
        wanted.sort(key=lambda uuid: self._counts_differ(uuid, self._live[uuid][1]), reverse=True)
        if self.task.compares_all:
            wanted = list(dict.fromkeys([*wanted, *self._live]))
        self._leave(wanted[MOST_COUNTS:])
        for uuid in wanted[:MOST_COUNTS]:
            await self._compare_one_live(uuid, *self._live[uuid])

    def _is_unlike(self, uuid: str, row: Row) -> bool:
        run = self._known.get(uuid)
        return run is None or run.uncertain_since is not None or self._counts_differ(uuid, row)

    def _counts_differ(self, uuid: str, row: Row) -> bool:
        run, count = self._known.get(uuid), integer(row.get("participants"))
        return run is None or count not in (None, run.present)

    async def _compare_one_live(self, uuid: str, kind: Kind, row: Row) -> None:
        run = self._known.get(uuid)
        asked = self._asked(uuid, first(row, "id", width=32), kind)
        listing = await self._ask(uuid, self.zoom.live_participants, kind, uuid)
        if listing is None:
            return
        is_empty = not listing.rows and bool(integer(row.get("participants")))  # two answers that do not agree
        lists_all = listing.whole and not is_empty
        since_ms = _ms(run.uncertain_since) if run and run.uncertain_since else None
        asked = replace(asked, lists_all=lists_all, since_ms=since_ms)
        await self._note(asked, listing.rows, complete=lists_all and self.task.is_decisive)
        if not lists_all:
            self._leave([uuid])

    async def _compare_ended(self) -> None:
        """Also those of which we have the end from REST alone: what came just before it may be missing, too."""
        new = self.tally.ended - self.tally.people.keys()
        runs = await self.database.run(known.runs, new)
        wanted = [run for run in runs.values() if not run.is_live and (run.uncertain_since or run.uuid in new)]
        self._leave(run.uuid for run in wanted[MOST_COUNTS:])
        for run in wanted[:MOST_COUNTS]:
            await self._compare_one_ended(run)

    async def _compare_one_ended(self, run: KnownRun) -> None:
        asked = self._asked(run.uuid, run.number, run.kind)
        listing = await self._ask(run.uuid, self.zoom.past_participants, run.kind, run.uuid)
        if listing is None:
            return
        # Zoom reports nothing of a meeting in which only one person was
        is_complete = listing.whole and (bool(listing.rows) or run.people <= 1)
        await self._note(asked, listing.rows, complete=is_complete)
        if not is_complete:
            self._leave([run.uuid])

    def _asked(self, uuid: str, number: str, kind: Kind) -> Asked:
        lag_ms = round(self.task.lag.total_seconds() * 1000)
        # as of the begin of the pass: a gap that ended during it is too young for what is told now
        return Asked(self.task.account_id, uuid, number, kind, _ms(self.outcome.asked_at), lag_ms)

    async def _note(self, asked: Asked, rows: Sequence[Row], *, complete: bool) -> None:
        legs = await self.database.run(known.legs_of, asked.uuid)
        compared = compare(asked, rows, legs, complete=complete)
        await self._write(compared.bodies, PAGES_AT_ONCE)
        self.tally.people[asked.uuid] = compared.people
        self.tally.gone += compared.gone

    # Asking and writing

    async def _list(self, what: str, call: Callable[P, Listing], *args: P.args, **kwargs: P.kwargs) -> Listing:
        """The runs on a list. One that should be there and is not, or not all of it, hides runs."""
        listing = await self._ask(what, call, *args, **kwargs) or Listing((), whole=False)
        self.outcome.is_whole &= listing.whole or (not listing.rows and what not in self.outcome.left)
        return listing

    async def _ask(self, what: str, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """An answer, or None when there is none; what may come later is put down as left."""
        try:
            return await asyncio.to_thread(call, *args, **kwargs)
        except (NotAllowed, NotKnown):
            return None
        except (TooEarly, Limited) as error:
            self.outcome.problem = str(error)
        except Weather as error:
            self.outcome.problem = str(error)
            self._failures += 1
            if self._failures >= MOST_WEATHER:
                raise
        self._leave([what])
        return None

    def _leave(self, what: Iterable[str]) -> None:
        self.outcome.left.update(what)

    def _run_body(self, name: str, row: Row, kind: Kind) -> bytes:
        return run_body(name, self.task.account_id, round(self.outcome.asked_at.timestamp() * 1000), row, kind)

    async def _write(self, bodies: Sequence[bytes], at_once: int) -> None:
        for start in range(0, len(bodies), at_once):
            now = datetime.now(UTC)
            batch = [Incoming(body, now, Transport.REST) for body in bodies[start : start + at_once]]
            await self.database.run(record, batch, fence=self.held)


def _overlaps(row: Row, began: datetime, over: datetime) -> bool:
    start, end = instant(row.get("start_time")), instant(row.get("end_time"))
    return start is not None and end is not None and start <= _ms(over) and end >= _ms(began)


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
