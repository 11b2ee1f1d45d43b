"""Runs a command of the product whose feed waits as `scale` says: `python -m tests.faults.scaled runfeed`.

Only how long to wait is another; everything else is the product as it is shipped.
"""

import inspect
import sys
from datetime import timedelta
from functools import partial
from typing import Any

import django

from tests.faults import scale


def shorten() -> None:
    """Once Django is set up, and before the command runs."""
    from zoomfeed import connections, gaps, lease
    from zoomfeed.repair.limiter import RATES
    from zoomfeed.repair.reconcile import Pace
    from zoomfeed.upstream import Timing

    lease.LEASE, lease.RENEW_S = timedelta(seconds=scale.LEASE_S), scale.RENEW_S
    connections.HEALTHY_S = connections.SOON_S = scale.HEALTHY_S
    connections.CONTESTED_S = connections.PERSON_S = scale.CONTESTED_S
    connections.backoff = partial(connections.backoff, cap_s=scale.LONGEST_WAIT_S)
    gaps.PROBATION, gaps.IN_FLIGHT = timedelta(seconds=scale.PROBATION_S), timedelta(seconds=scale.IN_FLIGHT_S)
    gaps.RETRIED = timedelta(seconds=scale.RETRIED_S)
    _default(Timing, silence_s=scale.SILENCE_S, heartbeat_s=scale.HEARTBEAT_S)
    _default(Pace, settle_s=scale.SETTLE_S, again_s=(scale.SETTLE_S,), look_s=scale.SETTLE_S)
    RATES.update(dict.fromkeys(RATES, (scale.REST_PER_S, 1.0)))


def _default(of: type, **wanted: object) -> None:
    parameters = list(inspect.signature(of).parameters.values())
    made: Any = of.__init__
    made.__defaults__ = tuple(wanted.get(one.name, one.default) for one in parameters)


if __name__ == "__main__":
    from django.core.management import call_command

    django.setup()
    shorten()
    call_command(*sys.argv[1:])
