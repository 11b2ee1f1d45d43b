"""Where what Zoom sent waits on disk while the database is away: a bounded queue that outlives its process.

It knows files and nothing else: no Django, no event loop (every call blocks: make it in a thread, one at a time), no
clock. An entry that `append` has counted is on the disk. It is offered again until it is dropped, perhaps once more
after a crash: who records it has to bear repeats.

A spool is a list of segments, files of about 16 MiB, each deleted when its last entry is dropped. A process only ever
writes segments of its own and holds a lock on each, so several can share a folder; the lock ends with the process,
and the next one adopts what it left. Names grow, so that sorting them gives the order in which they were begun.
"""

import logging
import os
import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from zoomfeed.segment import HEADER_BYTES, Entry, Segment, fitting, fsync_folder

logger = logging.getLogger(__name__)

MOST_BYTES = 256 * 2**20
SEGMENT_BYTES = 16 * 2**20
PEEK_BYTES = 8 * 2**20


class Spool:
    """The entries that wait under `name` in `folder`, oldest first. Nothing is opened before it is needed.

    `most_bytes` bounds what this process has on disk, what it adopted included.
    """

    def __init__(self, folder: Path, name: str, most_bytes: int = MOST_BYTES) -> None:
        self.folder = folder
        self.most_bytes = most_bytes
        self._damaged_before = 0
        self._marker = secrets.token_bytes(8)
        self._prefix = quote(name, safe="")
        self._name = re.compile(rf"{re.escape(self._prefix)}-(\d{{8}})-\d+-[0-9a-f]{{8}}\.spool")
        self._segments: list[Segment] = []

    def __len__(self) -> int:
        return sum(segment.waiting for segment in self._segments)

    @property
    def bytes(self) -> int:
        """Size on disk."""
        return sum(segment.size for segment in self._segments)

    @property
    def damaged(self) -> int:
        """How many places could not be read. The files that hold them stay in the folder, as *.damaged."""
        return self._damaged_before + sum(segment.damaged for segment in self._segments)

    def adopt(self) -> int:
        """Take over what dead processes left, at start or later; returns the number of entries.

        They wait behind what waits already. A file that cannot be read now stays for another time.
        """
        before = len(self)
        for path in self._found():
            try:
                segment = Segment.adopt(path)
            except OSError as error:
                logger.warning("the spool file %s cannot be taken over: %r", path.name, error)
                continue
            if segment is not None:
                self._segments.append(segment)
        self._discard_drained()
        return len(self) - before

    def append(self, items: Sequence[Entry]) -> int:
        """Put entries on the disk, with one write and one fsync; returns how many fitted, from the first.

        Raises OSError when the disk is full or fails; then none of them is kept.
        """
        segment = self._open_segment()
        room = self.most_bytes - self.bytes - (HEADER_BYTES if segment is None or segment.size == 0 else 0)
        records = list(fitting(items, self._marker, room))
        if not records:
            return 0
        if segment is None:
            segment = self._begin()
        segment.append(records)
        return len(records)

    def peek(self, most: int, most_bytes: int = PEEK_BYTES) -> list[Entry]:
        """The oldest entries, at most `most`, and about `most_bytes` of bodies, but one in any case.

        A segment that the disk does not give is left to a later `adopt`, so that it holds up nothing.
        """
        entries: list[Entry] = []
        for segment in list(self._segments):
            try:
                for entry in segment.read():
                    if len(entries) >= most or (entries and most_bytes < len(entry.body)):
                        return entries
                    entries.append(entry)
                    most_bytes -= len(entry.body)
            except OSError as error:
                if entries:
                    return entries  # first these: `drop` counts from the oldest
                logger.error("the spool file %s cannot be read: %r", segment.path.name, error)  # noqa: TRY400
                self._segments.remove(segment)
                segment.close()
        return entries

    def drop(self, count: int) -> None:
        """Forget the oldest `count`: they are in the database. What the disk does not take is offered again later."""
        for segment in self._segments:
            count -= segment.drop(count)
        self._discard_drained()

    def close(self) -> None:
        """Let go of the files. What waits in them is there for the next process."""
        for segment in self._segments:
            segment.close()
        self._segments.clear()

    def _open_segment(self) -> "Segment | None":
        """The one to write to: the last, unless it is full or another process began it."""
        last = self._segments[-1] if self._segments else None
        return last if last is not None and last.is_own and last.size < SEGMENT_BYTES else None

    def _begin(self) -> "Segment":
        if not self.folder.is_dir():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            fsync_folder(self.folder.parent)
        segment = None
        while segment is None:  # who adopts may have been quicker than our lock; then under another name
            number = max((self._number(path) for path in self._found()), default=0) + 1
            name = f"{self._prefix}-{number:08}-{os.getpid()}-{secrets.token_hex(4)}.spool"
            segment = Segment.begin(self.folder / name, self._marker)
        self._segments.append(segment)
        return segment

    def _found(self) -> list[Path]:
        """All segments of this name, oldest first, whosever they are."""
        return sorted(path for path in self.folder.glob("*.spool") if self._name.fullmatch(path.name))

    def _number(self, path: Path) -> int:
        match = self._name.fullmatch(path.name)
        return int(match[1]) if match else 0

    def _discard_drained(self) -> None:
        for segment in [segment for segment in self._segments if not segment.waiting]:
            self._segments.remove(segment)
            self._damaged_before += segment.damaged
            segment.discard()
