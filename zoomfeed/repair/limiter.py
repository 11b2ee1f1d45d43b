"""How often Zoom's REST may be asked. Zoom limits an account, not an app, so we take a part and leave the rest.

Each call has a label, and each label a rate of ours, far below what Zoom allows from the plan Pro on. Limits of a day
are remembered until they end, and survive a restart when the caller keeps `blocked_until`.
Source: Zoom's page "Rate limits".
"""

from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

from zoomfeed.exceptions import Limited


class Label(StrEnum):
    LIGHT = "LIGHT"
    MEDIUM = "MEDIUM"
    HEAVY = "HEAVY"
    RESOURCE_INTENSIVE = "RESOURCE-INTENSIVE"


Rates = Mapping[Label, tuple[int, float]]

RATES: Rates = {
    Label.LIGHT: (20, 1.0),
    Label.MEDIUM: (10, 1.0),
    Label.HEAVY: (5, 1.0),
    Label.RESOURCE_INTENSIVE: (8, 60.0),
}
"""How many calls in how many seconds."""

DAY_S = 86_400.0
WITHOUT_WORD_S = 3600.0
"""How long a limit of a day holds when Zoom does not say."""


class Limiter:
    """For one account. Not for two threads at once."""

    def __init__(
        self,
        clock: Callable[[], float],
        sleep: Callable[[float], object],
        *,
        rates: Rates = RATES,
        blocked_until: Any = None,
    ) -> None:
        """`clock` gives seconds since the epoch; `blocked_until` is what an earlier Limiter left, read leniently."""
        self._clock, self._sleep = clock, sleep
        self._rates = dict(rates)
        self._calls: dict[Label, deque[float]] = defaultdict(deque)
        known = blocked_until if isinstance(blocked_until, dict) else {}
        self.blocked_until: dict[str, float] = {
            label: float(until) for label in Label if isinstance(until := known.get(label), int | float)
        }

    def wait(self, label: Label) -> None:
        """Until a call of this label may be made.

        Raises Limited when its limit of a day is used up.
        """
        if (left_s := self.blocked_until.get(label, 0.0) - self._clock()) > 0:
            raise Limited(label, min(left_s, DAY_S), daily=True)
        self.blocked_until.pop(label, None)
        most, window_s = self._rates[label]
        calls = self._calls[label]
        if len(calls) >= most:
            self._sleep(min(max(calls[-most] + window_s - self._clock(), 0.0), window_s))
        calls.append(self._clock())
        while len(calls) > most:
            calls.popleft()

    def slow_down(self, label: Label) -> None:
        """Ask half as often from now on: others use the account, too."""
        most, window_s = self._rates[label]
        self._rates[label] = (max(most // 2, 1), window_s)

    def block(self, label: Label, for_s: float) -> None:
        """No call of this label for so long."""
        self.blocked_until[label] = self._clock() + min(for_s, DAY_S)


def retry_after_s(value: str, now: float) -> float | None:
    """What a Retry-After header says, in seconds from now: a number, an instant as Zoom has it, or one of HTTP."""
    if value.isascii() and value.isdigit() and len(value) < 10:
        return float(value)
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            at = parse(value[:64])
        except (ValueError, OverflowError):
            continue
        return max((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now, 0.0)
    return None
