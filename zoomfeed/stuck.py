"""What PostgreSQL's own limits let stand: a session whose client froze in the middle of a question.

A transaction that waits for its client's next question is ended by idle_in_transaction_session_timeout. One whose
client has sent half a question is not: to the server it is busy, none of its limits counts while it reads, and the
frozen machine's kernel goes on acknowledging. A process that is stopped while it sends a large batch would so keep
the locks of the log and of the lease until somebody wakes it, and no standby could take over.
"""

import logging

from django.db import DatabaseError, connection

logger = logging.getLogger(__name__)

LOCK_TIMED_OUT = "55P03"
STUCK_S = 4.0
"""For how long a question may be on its way, a little less than the lock_timeout that makes us look."""

END = """
    SELECT pid, application_name, client_addr, clock_timestamp() - state_change, pg_terminate_backend(pid)
    FROM pg_stat_activity
    WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
        AND state = 'active' AND wait_event = 'ClientRead'
        AND state_change < clock_timestamp() - make_interval(secs => %s)
        AND pid IN (
            SELECT pid FROM pg_locks
            WHERE granted AND mode IN ('RowShareLock', 'RowExclusiveLock')
                AND relation IN ('zoomfeed_head'::regclass, 'zoomfeed_feed'::regclass)
        )
"""


def timed_out(error: BaseException) -> bool:
    """Whether a lock that somebody else has is what went wrong."""
    return isinstance(error, DatabaseError) and getattr(error.__cause__, "sqlstate", "") == LOCK_TIMED_OUT


def end() -> int:
    """End the sessions that hold our locks and wait for the rest of a question; how many there were."""
    with connection.cursor() as cursor:
        cursor.execute(END, [STUCK_S])
        ended = cursor.fetchall()
    for pid, name, address, age, _ in ended:
        logger.warning(
            "ended session %s of %s: its client stopped in the middle of a question %.0f s ago and kept others waiting",
            pid,
            name or address or "this machine",
            age.total_seconds(),
        )
    return len(ended)
