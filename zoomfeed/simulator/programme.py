"""What the demo plays, and when: a day of the organisation after the other, and short meetings all the time.

Everything follows from (seed, date) and (seed, slot), so a demo that starts again sends the same bytes for the same
time, and a log that knows them drops them. It begins with what it missed: ten hours of the days, and the short
meetings that began in the last minutes, told up to now.

What was on when the demo last ran must end. Nobody here remembers when that was, but the log does, so the caller may
say `since`: then the runs of that moment are told to their ends, and nothing of the time in between. Whole runs are
told and not ends alone, because an end of which the log knows no begin would put an empty meeting on the list.
Without `since` the log is taken to be new.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from heapq import heappop, heappush

from zoomfeed.simulator import slots
from zoomfeed.simulator.day import LATEST_S, Day, generate
from zoomfeed.simulator.script import Dispatch

LOOK_BACK_S = 10 * 3600
LONGEST_S = 3 * 3600
"""How long a run of a day may last."""

MARGIN_S = 60
"""By how much `since` may be too early: a log notes the time of its last event every few seconds."""

DAY_S, MEETINGS_A_DAY = 86_400, 60


class Programme:
    """Asked again and again what is due. Instants are seconds since the epoch."""

    def __init__(self, seed: int, now: float, since: float | None = None) -> None:
        self.seed = seed
        self._waiting: list[Dispatch] = []
        self._next_slot = slots.slot_of(now - slots.OVER_AFTER_S)
        self._next_day = _midnight(now - LOOK_BACK_S - LONGEST_S)
        self._from_ms = int((now - LOOK_BACK_S) * 1000)
        if since is not None:
            self._add(self._unfinished(since))

    def due(self, now: float) -> list[Dispatch]:
        """What arrives up to now and was not asked for yet, in order of arrival."""
        for slot in range(self._next_slot, slots.slot_of(now) + 1):
            self._add(self._of_slot(slot))
            self._next_slot = slot + 1
        while self._next_day <= now:
            day = self._day(self._next_day)
            self._add(dispatch for dispatch in day.dispatches if dispatch.at_ms >= self._from_ms)
            self._next_day += DAY_S
        found = []
        while self._waiting and self._waiting[0].at_ms <= now * 1000:
            found.append(heappop(self._waiting))
        return found

    def _add(self, dispatches: Iterable[Dispatch]) -> None:
        for dispatch in dispatches:
            heappush(self._waiting, dispatch)

    def _day(self, midnight: int) -> Day:
        return generate(self.seed, datetime.fromtimestamp(midnight, UTC), meetings=MEETINGS_A_DAY, hours=24)

    def _of_slot(self, slot: int) -> list[Dispatch]:
        script = slots.meeting(self.seed, slot)
        return script.dispatches if script else []

    def _unfinished(self, since: float) -> Iterator[Dispatch]:
        """What was on at `since`, told to its end, without what is played anyway."""
        first, last = slots.slot_of(since - slots.OVER_AFTER_S), slots.slot_of(since + MARGIN_S)
        for slot in range(first, min(last + 1, self._next_slot)):
            yield from self._of_slot(slot)
        for midnight in range(_midnight(since - LONGEST_S), int(since) + 1, DAY_S):
            for dispatch in _on_at(self._day(midnight), since):
                if dispatch.at_ms < self._from_ms:
                    yield dispatch


def _on_at(day: Day, since: float) -> Iterator[Dispatch]:
    """The deliveries that speak of runs which were on at an instant."""
    uuids = [
        truth.run.uuid.encode()
        for truth in day.truths.values()
        if truth.run.starts_at <= since + MARGIN_S and since - LATEST_S <= (truth.ended_at or since)
    ]
    return (dispatch for dispatch in day.dispatches if any(uuid in dispatch.body for uuid in uuids))


def _midnight(at: float) -> int:
    """The second in which the UTC day of an instant begins."""
    return int(at // DAY_S) * DAY_S
