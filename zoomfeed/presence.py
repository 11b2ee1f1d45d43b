"""That a process of this machine lives, as a lock that ends with it.

A lease outlives a holder that was killed, by up to its whole length, and all that time nobody listens. Where the next
process can see for itself that the holder is dead, it need not wait: the lock file names the last holder that had it,
and whoever gets the lock knows that this one is gone. Between machines there is only the lease.
"""

import fcntl
import logging
import os
import secrets
from pathlib import Path
from urllib.parse import quote

logger = logging.getLogger(__name__)


class Presence:
    """`token` is this process's name in the lock file. A folder that cannot be used costs the shortcut, no more."""

    def __init__(self, folder: Path, key: str) -> None:
        self.path = folder / f"{quote(key, safe='')}.lock"
        self.token = secrets.token_hex(8)
        self._fd: int | None = None

    def gone(self) -> str:
        """The token of the holder that has died here; nothing when none has, or when it lives."""
        try:
            if self._fd is None:
                self._fd = self._lock()
            return "" if self._fd is None else os.pread(self._fd, 64, 0).decode("ascii", "replace")
        except OSError as error:
            logger.warning("the lock file %s cannot be used: %r", self.path.name, error)
            return ""

    def sign(self) -> None:
        """This process holds the lease now."""
        if self._fd is not None:
            try:
                os.pwrite(self._fd, self.token.encode(), 0)
                os.fsync(self._fd)
            except OSError as error:
                logger.warning("the lock file %s cannot be written: %r", self.path.name, error)

    def end(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _lock(self) -> int | None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return None
        except OSError:
            os.close(fd)
            raise
        return fd
