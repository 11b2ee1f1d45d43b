"""How often the simulated Zoom's REST may be asked. Source: Zoom's page "Rate limits"."""

import time
from collections import deque

from zoomfeed.simulator.httpd import Refusal

PLANS = ("free", "pro", "business")
"""From the smallest to the largest; the last stands for all above it, too."""

LIGHT, MEDIUM, HEAVY, INTENSIVE = "LIGHT", "MEDIUM", "HEAVY", "RESOURCE-INTENSIVE"
LIMITS: dict[str, dict[str, tuple[int, float]]] = {
    "free": {LIGHT: (4, 1), MEDIUM: (2, 1), HEAVY: (1, 1), INTENSIVE: (10, 60)},
    "pro": {LIGHT: (30, 1), MEDIUM: (20, 1), HEAVY: (10, 1), INTENSIVE: (10, 60)},
    "business": {LIGHT: (80, 1), MEDIUM: (60, 1), HEAVY: (40, 1), INTENSIVE: (20, 60)},
}
"""Plan -> label -> how many requests of an account within how many seconds. Limits of a day are not kept."""


class Limiter:
    """Counts the requests of one account; apps and tokens make no difference."""

    def __init__(self) -> None:
        self._spent: dict[str, deque[float]] = {}

    def spend(self, plan: str, label: str) -> None:
        """Raises Refusal when there were too many."""
        allowed, window_s = LIMITS[plan][label]
        spent, now = self._spent.setdefault(label, deque()), time.monotonic()
        while spent and spent[0] <= now - window_s:
            spent.popleft()
        if len(spent) >= allowed:
            raise Refusal(429, 429, "You have reached the maximum per-second rate limit for this API. Try again later.")
        spent.append(now)
