"""The third source: after a gap, what Zoom's REST knows of the runs that were on.

The first pass comes at once, for most of it is right then. The dashboards are behind by seconds to minutes, so the
decisive pass, the only one that makes a run certain again, comes when the gap is old enough; then others while
something is left. What a pass does stands in `survey`; here is when, and what people are told of it.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import DatabaseError, InterfaceError

from zoomfeed import gaps
from zoomfeed.database import Database
from zoomfeed.exceptions import LeaseLost, PersonMustAct, RollcallError, Weather
from zoomfeed.models import Feed, Gap
from zoomfeed.notify import notify
from zoomfeed.oauth import Issuer
from zoomfeed.repair import endpoints, known
from zoomfeed.repair.limiter import RATES, Limiter, Rates
from zoomfeed.repair.rest import Zoom
from zoomfeed.repair.survey import Means, Outcome, Survey, Tally, Task
from zoomfeed.subscription import Subscription

logger = logging.getLogger(__name__)

GRANT = "account_credentials"
"""The grant whose tokens carry an app's scopes for REST."""

NO_ADDRESS = "Where to reach Zoom's REST is not set. Set ZOOM_API_URL."


@dataclass(frozen=True, slots=True)
class Pace:
    """When to ask, in seconds. Tests scale it."""

    settle_s: float = 90
    """How far the dashboards may be behind."""
    again_s: tuple[float, ...] = (2 * 60, 10 * 60, 30 * 60, 60 * 60)
    """The pauses before further passes; the last one again and again."""
    give_up_s: float = 24 * 3600
    look_s: float = 5 * 60
    """How often to look for gaps that nobody told of: those that were written late."""
    rates: Rates = field(default_factory=lambda: RATES)

    def pauses(self) -> Iterator[float]:
        """Until it is time to give up."""
        spent_s, position = 0.0, 0
        while spent_s < self.give_up_s:
            pause_s = self.again_s[min(position, len(self.again_s) - 1)]
            yield pause_s
            spent_s, position = spent_s + pause_s, position + 1


class Reconciler:
    """Of one lease: `held` is the Feed row's primary key and the fencing number.

    `means`, `reason`, `last_at` and `left` are for people, and stand in Feed.rest, too.
    """

    def __init__(
        self,
        subscription: Subscription,
        issuer: Issuer,
        database: Database,
        held: tuple[int, int],
        pace: Pace | None = None,
    ) -> None:
        self.subscription, self.issuer, self.database, self.held = subscription, issuer, database, held
        self.pace = pace or Pace()
        self.means, self.reason, self.left = "", "", 0
        self.last_at: datetime | None = None
        self._woken = asyncio.Event()
        self._woken_at = datetime.now(UTC)
        self._is_first = True
        self._tended: set[int] = set()  # gaps that were mended, or given up
        self._ended = threading.Event()
        self._limiter: Limiter | None = None

    def wake(self) -> None:
        """We listen again: there may be a gap to mend."""
        self._woken_at = datetime.now(UTC)
        self._woken.set()

    async def keep(self) -> None:
        """Mend what there is to mend, at every waking, until cancelled. Raises LeaseLost."""
        try:
            await self._woken.wait()
            while True:
                self._woken.clear()
                try:
                    await self._mend()
                except (DatabaseError, InterfaceError) as error:
                    logger.warning("repair waits for the next gap, the database is away: %r", error)
                except LeaseLost:
                    raise
                except Exception:  # a defect here must not end the feed
                    logger.exception("repair failed")
                await self._is_woken_within(self.pace.look_s)
        finally:
            self._ended.set()  # a call that waits in its thread waits no longer

    async def _mend(self) -> None:
        """One gap, from the first quick pass to the last one that was worth its call. A new waking begins anew."""
        open_gaps = await self.database.run(gaps.unresolved)
        untended = [gap for gap in open_gaps if gap.pk not in self._tended]
        if not self._is_first and not any(self._is_young(gap) for gap in untended):
            await self._give_up(untended)
            return
        tally = Tally()
        await self._pass(tally, is_decisive=False)
        settled_at = max([self._woken_at, *(gap.ended_at for gap in open_gaps if gap.ended_at)])
        wait_s = (settled_at - datetime.now(UTC)).total_seconds() + self.pace.settle_s
        wait_s = min(wait_s, self.pace.settle_s)  # a gap that ends in the future is that of a clock that was wrong
        for pause_s in (wait_s, *self.pace.pauses()):
            if await self._is_woken_within(pause_s):
                return
            if not await self._pass(tally, is_decisive=True):
                self._tended |= {gap.pk for gap in await self.database.run(gaps.unresolved)}
                return
        await self._give_up(await self.database.run(gaps.unresolved))

    def _is_young(self, gap: Gap) -> bool:
        """Renewals of the connection wake us, too, and must not make an old gap new."""
        return gap.ended_at is not None and datetime.now(UTC) - gap.ended_at < timedelta(seconds=self.pace.give_up_s)

    async def _is_woken_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(max(seconds, 0)):
                await self._woken.wait()
        except TimeoutError:
            return False
        return True

    async def _pass(self, tally: Tally, *, is_decisive: bool) -> bool:
        """Compare once, and say of each gap how it stands; whether another pass may do more."""
        open_gaps = await self.database.run(gaps.unresolved)
        if not open_gaps and not self._is_first and not self.left:
            return False  # webhooks have covered it meanwhile
        task = Task(
            self.subscription.account_id,
            open_gaps,
            timedelta(seconds=self.pace.settle_s),
            is_decisive=is_decisive,
            compares_all=self._is_first and is_decisive,
        )
        outcome = await self._survey(task, tally)
        if is_decisive:
            self._is_first = False
            await self._settle(outcome, tally)
        remaining = await self.database.run(gaps.unresolved)
        await self._say(outcome)
        logger.info(
            "compared with Zoom's REST (%s): %d runs, %d legs were gone, %d runs had ended, %d questions are left",
            outcome.means, len(tally.people), tally.gone, len(tally.ended), len(outcome.left),
        )  # fmt: skip
        return bool(outcome.left) or (bool(remaining) and outcome.means != Means.NOTHING)

    async def _survey(self, task: Task, tally: Tally) -> Outcome:
        """One survey; what stops it is put into words."""
        try:
            token = await asyncio.to_thread(self.issuer.token, GRANT)
            base = endpoints.base_url(self.subscription.api_url, token.api_url)
            if not base:
                return Outcome(datetime.now(UTC), Means.NOTHING, problem=NO_ADDRESS)
            limiter = await self._get_limiter()
            with self._zoom(base, limiter) as zoom:
                return await Survey(zoom, self.database, self.held, task, tally).run()
        except LeaseLost:
            raise
        except PersonMustAct as error:
            return Outcome(datetime.now(UTC), Means.NOTHING, problem=str(error))
        except RollcallError as error:
            means = Means(self.means or Means.DASHBOARDS)
            return Outcome(datetime.now(UTC), means, is_whole=False, left={"all"}, problem=str(error))

    def _zoom(self, base: str, limiter: Limiter) -> Zoom:
        return Zoom(
            base,
            lambda: self.issuer.token(GRANT).value,
            lambda: self.issuer.drop(GRANT),
            limiter,
            clock=time.time,
            sleep=self._pause,
        )

    def _pause(self, seconds: float) -> None:
        """In the thread of a call: raises Weather when the call had better end, for repair has."""
        if self._ended.wait(seconds):
            raise Weather("repair was told to stop")

    async def _get_limiter(self) -> Limiter:
        """The same for all passes; it remembers the limits of a day that an earlier process ran into."""
        if self._limiter is None:
            kept = await self.database.run(self._kept)
            self._limiter = Limiter(
                time.time, self._pause, rates=self.pace.rates, blocked_until=kept.get("blocked_until")
            )
        return self._limiter

    def _kept(self) -> dict[str, Any]:
        kept = Feed.objects.values_list("rest", flat=True).get(pk=self.held[0])
        return kept if isinstance(kept, dict) else {}

    async def _settle(self, outcome: Outcome, tally: Tally) -> None:
        """Resolve the gaps of which all is certain again, and say of the others why not."""
        for gap in await self.database.run(gaps.unresolved):
            uncertain = await self.database.run(known.uncertain_in, gap)
            is_over = gap.ended_at and outcome.asked_at >= gap.ended_at + timedelta(seconds=self.pace.settle_s)
            if is_over and not uncertain and outcome.is_whole and outcome.means != Means.NOTHING:
                await self.database.run(gaps.resolve, gap.pk, _done(outcome, tally))
            else:
                await self.database.run(gaps.say, gap.pk, _undone(outcome, uncertain))

    async def _give_up(self, old: Iterable[Gap]) -> None:
        for gap in old:
            self._tended.add(gap.pk)
            await self.database.run(gaps.say, gap.pk, f"{gap.repaired} Given up after a day.".strip())

    async def _say(self, outcome: Outcome) -> None:
        self.means, self.reason, self.left = outcome.means.value, outcome.reason, len(outcome.left)
        self.last_at = outcome.asked_at
        await self.database.run(self._write_state)

    def _write_state(self) -> None:
        assert self.last_at is not None
        state = {
            "means": self.means,
            "reason": self.reason,
            "last_at": self.last_at.isoformat(),
            "left": self.left,
            "blocked_until": self._limiter.blocked_until if self._limiter else {},
        }
        feed_pk, fence = self.held
        if Feed.objects.filter(pk=feed_pk, fence=fence).update(rest=state):
            notify(0)


def _done(outcome: Outcome, tally: Tally) -> str:
    """What a comparison came to, for people."""
    at = f"{outcome.asked_at:%H:%M} UTC"
    present = sum(tally.people.values())
    people = f", {_counted(present, 'person', 'people')}" if present else ""
    found = [_counted(len(tally.people), "meeting", "meetings") + people]
    had = [f"{tally.gone} had left"] if tally.gone else []
    had += [f"{_counted(len(tally.ended), 'meeting', 'meetings')} had ended"] if tally.ended else []
    text = "; ".join([*found, ", ".join(had)] if had else found)
    if outcome.means == Means.DASHBOARDS:
        return f"Compared with Zoom's dashboard at {at}: {text}."
    return (
        f"Asked Zoom about each meeting that was known, at {at}: {text}. A meeting that began and ended meanwhile "
        f"cannot be seen. {outcome.reason}"
    )


def _undone(outcome: Outcome, uncertain: int) -> str:
    if outcome.means == Means.NOTHING:
        return f"Not repaired. {outcome.reason}"
    at = f"{outcome.asked_at:%H:%M} UTC"
    if not uncertain:
        return f"Not repaired yet: at {at} Zoom could not be asked for all. {outcome.reason}".strip()
    is_or_are = "is" if uncertain == 1 else "are"
    rest = f"{_counted(uncertain, 'meeting', 'meetings')} {is_or_are} uncertain still"
    return f"Not repaired yet: at {at} {rest}. {outcome.reason}".strip()


def _counted(number: int, one: str, more: str) -> str:
    return f"{number} {one if number == 1 else more}"
