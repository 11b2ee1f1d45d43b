"""How long faults last and how big they are, in one place: ROLLCALL_FAULTS=short (the default) or full.

`full` takes the figures of docs/faults.md and the commands as they are shipped. `short` takes seconds instead of
minutes, and lets the feed wait less before it believes that a line or a holder of its lease is dead.
"""

import os

CHOSEN = os.environ.get("ROLLCALL_FAULTS", "short")
if CHOSEN not in ("short", "full"):
    raise SystemExit(f"ROLLCALL_FAULTS: use short or full, not {CHOSEN!r}")
IS_FULL = CHOSEN == "full"

RATE = 50.0
"""Events a second, all the time."""

REDIS_AWAY_S = 30.0 if IS_FULL else 3.0
DATABASE_DOWN_S = 600.0 if IS_FULL else 3.0
DATABASE_FROZEN_S = 60.0 if IS_FULL else 3.0
SQLITE_LOCKED_S = 60.0 if IS_FULL else 3.0
HOLDER_FROZEN_S = 30.0 if IS_FULL else 6.0
BROWSER_ASLEEP_S = 90.0 if IS_FULL else 13.0
ANSWER_S = 10.0 if IS_FULL else 1.5
RETRY_AFTER_S = 30.0 if IS_FULL else 4.0
SLOW_PAGES_S = 60.0 if IS_FULL else 7.0
PAGES = 1000 if IS_FULL else 100
KILLS = 20 if IS_FULL else 3
FEEDS_WATCHED_S = 60.0 if IS_FULL else 4.0
NEMESIS_S = float(os.environ.get("ROLLCALL_NEMESIS_SECONDS") or (600 if IS_FULL else 40))

LEASE_S = 15.0 if IS_FULL else 4.0
RENEW_S = 5.0 if IS_FULL else 1.0
SILENCE_S = 45.0 if IS_FULL else 5.0
HEARTBEAT_S = 30.0 if IS_FULL else 1.5
HEALTHY_S = 300.0 if IS_FULL else 1.0
CONTESTED_S = 30.0 if IS_FULL else 3.0
LONGEST_WAIT_S = 60.0 if IS_FULL else 3.0
WEARY_S = LONGEST_WAIT_S if IS_FULL else 0.0
"""How much longer a try may take of a feed whose connections have all ended before HEALTHY_S, by the tests before."""

ITSELF_S = 180.0 if IS_FULL else 30.0
"""How long a feed that nothing strikes may take to be connected again, after whatever it went through."""

SETTLE_S = 90.0 if IS_FULL else 3.0
"""From the end of a gap to the comparison that makes what ran in it certain again."""

REST_PER_S = 40
"""How often repair may ask; as shipped it keeps to Zoom's limits, some calls a second."""

PROBATION_S, IN_FLIGHT_S = (900.0, 10.0) if IS_FULL else (4.0, 1.0)
"""For how long webhooks must have brought all that the socket brought, before they are trusted with a gap."""

RETRIED_S = 360.0 if IS_FULL else 2.0
"""After this, Zoom has sent again what no web process took."""

READ_S = 900.0 if IS_FULL else 400.0
"""To read the log of a whole stage again, folding it anew, on a machine that has other work."""

TAKEOVER_S = LEASE_S + 5.0
"""From the holder's death without a word to another's connection: 20 s as shipped."""

PAGES_RIGHT_S = 20.0
"""From the end of a fault to pages that show the truth, whatever the machine is busy with: 5 s where it is not."""
