"""Where what Zoom sent waits on disk while the database is away: a bounded queue that outlives its process.

It knows files and nothing else: no Django, no event loop (every call blocks: make it in a thread, one at a time), no
clock. An entry that `append` has counted is on the disk. It is offered again until it is dropped, perhaps once more
after a crash: who records it has to bear repeats.

A spool is a list of segments, files of about 16 MiB, each deleted when its last entry is dropped. A process only ever
writes segments of its own and holds a lock on each, so several can share a folder; the lock ends with the process,
and the next one adopts what it left. Names grow, so that sorting them gives the order in which they were begun.

    segment   magic with version (8 bytes), marker (8), position (8), CRC-32 of the position (4), records
    record    marker (8 bytes), length of the payload (4), CRC-32 of length and payload (4), payload (msgpack)

The marker is random, so that a reader who lost its place can find the next record, and no stranger can forge one in
what he sends. The position is how far the entries are dropped. It is written without fsync: losing it costs a repeat.
"""

import fcntl
import logging
import os
import re
import secrets
import struct
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from zlib import crc32

import msgspec

logger = logging.getLogger(__name__)

MAGIC = b"rollspl\x01"
MARKER = slice(8, 16)
POSITION_AT = 16
POSITION = struct.Struct(">QI")
HEADER_BYTES = POSITION_AT + POSITION.size
RECORD = struct.Struct(">8sII")

MOST_BYTES = 256 * 2**20
SEGMENT_BYTES = 16 * 2**20
PEEK_BYTES = 8 * 2**20


@dataclass(frozen=True, slots=True)
class Entry:
    """One body, or a frame that holds none (`rejected` says why). `received_at` is in seconds since the epoch."""

    body: bytes
    received_at: float
    transport: str
    rejected: str = ""


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
        records = list(_fitting(items, self._marker, room))
        if not records:
            return 0
        if segment is None:
            segment = self._begin()
        segment.append(records)
        return len(records)

    def peek(self, most: int, most_bytes: int = PEEK_BYTES) -> list[Entry]:
        """The oldest entries, at most `most`, and about `most_bytes` of bodies, but one in any case.

        Raises OSError when the disk cannot be read.
        """
        entries: list[Entry] = []
        for segment in self._segments:
            for entry in segment.read():
                if len(entries) >= most or (entries and most_bytes < len(entry.body)):
                    return entries
                entries.append(entry)
                most_bytes -= len(entry.body)
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
            _fsync_folder(self.folder.parent)
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


class Segment:
    """One file, held by a lock. `starts` and `ends` are where its records lie; `taken` of them are dropped."""

    def __init__(self, path: Path, fd: int, marker: bytes) -> None:
        self.path = path
        self.fd = fd
        self.marker = marker
        self.is_own = False
        self.size = 0
        self.starts, self.ends = array("Q"), array("Q")
        self.taken = 0
        self.damaged = 0

    @property
    def waiting(self) -> int:
        return len(self.starts) - self.taken

    @classmethod
    def begin(cls, path: Path, marker: bytes) -> "Segment | None":
        """A new one. Its header is written with its first records."""
        fd = _hold(path, os.O_CREAT | os.O_EXCL)
        if fd is None:
            return None
        segment = cls(path, fd, marker)
        segment.is_own = True
        return segment

    @classmethod
    def adopt(cls, path: Path) -> "Segment | None":
        """One that is there, unless somebody holds it."""
        try:
            fd = _hold(path, 0)
        except FileNotFoundError:
            return None  # drained since it was listed
        if fd is None:
            return None
        try:
            with os.fdopen(fd, "rb", closefd=False) as file:
                data = file.read()
            segment = cls(path, fd, data[MARKER])
            segment._load(data)
        except BaseException:
            os.close(fd)
            raise
        return segment

    def append(self, records: Sequence[bytes]) -> None:
        """Write records, all or none: after a failure the file ends where it ended before."""
        header = b"" if self.size else MAGIC + self.marker + _position(0)
        try:
            _write(self.fd, header + b"".join(records), self.size)
            os.fsync(self.fd)
            if header:
                _fsync_folder(self.path.parent)  # else the name may not outlive a power failure
        except OSError:
            with suppress(OSError):
                os.ftruncate(self.fd, self.size)
            raise
        self.size += len(header)
        for record in records:
            self._add(self.size, self.size + len(record))
            self.size += len(record)

    def read(self) -> Iterator[Entry]:
        """What waits. A record that the disk has spoilt since it was written is left out from now on."""
        index = self.taken
        while index < len(self.starts):
            start, end = self.starts[index], self.ends[index]
            entry = _entry(os.pread(self.fd, end - start, start), self.marker)
            if entry is None:
                del self.starts[index], self.ends[index]
                self.damaged += 1
            else:
                yield entry
                index += 1

    def drop(self, count: int) -> int:
        """Forget up to `count` records; returns how many."""
        count = min(count, self.waiting)
        if count:
            self.taken += count
            try:
                os.pwrite(self.fd, _position(self.ends[self.taken - 1]), POSITION_AT)
            except OSError as error:
                logger.warning("the next start will repeat entries of the spool file %s: %r", self.path.name, error)
        return count

    def discard(self) -> None:
        """Give the space back; but a file in which something is damaged may be worth a look."""
        try:
            if self.damaged:
                self.path.rename(self.path.with_suffix(".damaged"))
            else:
                self.path.unlink()
        except OSError as error:
            logger.warning("the spool file %s cannot be removed: %r", self.path.name, error)
        finally:
            self.close()

    def close(self) -> None:
        os.close(self.fd)

    def _add(self, start: int, end: int) -> None:
        self.starts.append(start)
        self.ends.append(end)

    def _load(self, data: bytes) -> None:
        """Find the records, and cut off what was being written when its process died."""
        self.size = len(data)
        if len(data) < HEADER_BYTES or not data.startswith(MAGIC):
            self.damaged = int(not MAGIC.startswith(data[: len(MAGIC)]) and any(data))
            return
        whole = HEADER_BYTES
        for start, end in _records(data, self.marker):
            self.damaged += start > whole
            self._add(start, end)
            whole = end
        if _is_torn(data[whole:], self.marker):
            os.ftruncate(self.fd, whole)
            self.size = whole
        else:
            self.damaged += 1
        self.taken = bisect_left(self.starts, _dropped_until(data))


def _hold(path: Path, flags: int) -> int | None:
    """Open a file and lock it; None when another has the lock, or has deleted the file before we had it."""
    fd = os.open(path, flags | os.O_RDWR | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(fd).st_nlink:
            return fd
    except BlockingIOError:
        pass
    except BaseException:
        os.close(fd)
        raise
    os.close(fd)
    return None


def _write(fd: int, data: bytes, at: int) -> None:
    """All of it: a disk that fills up takes a part first, and refuses the rest."""
    view = memoryview(data)
    while view:
        written = os.pwrite(fd, view, at)
        view, at = view[written:], at + written


def _fsync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _fitting(items: Sequence[Entry], marker: bytes, room: int) -> Iterator[bytes]:
    """The records of the first items, as long as there is room."""
    for item in items:
        record = _record(item, marker)
        room -= len(record)
        if room < 0:
            return
        yield record


def _record(entry: Entry, marker: bytes) -> bytes:
    payload = msgspec.msgpack.encode(entry)
    return RECORD.pack(marker, len(payload), _crc(payload)) + payload


def _crc(payload: bytes | memoryview) -> int:
    return crc32(payload, crc32(len(payload).to_bytes(4, "big")))


def _end(data: bytes, start: int) -> int | None:
    """Where the record at `start` ends, if it is whole."""
    if len(data) - start < RECORD.size:
        return None
    _, length, crc = RECORD.unpack_from(data, start)
    payload = memoryview(data)[start + RECORD.size : start + RECORD.size + length]
    return start + RECORD.size + length if len(payload) == length and _crc(payload) == crc else None


def _records(data: bytes, marker: bytes) -> Iterator[tuple[int, int]]:
    """Start and end of every whole record."""
    at = data.find(marker, HEADER_BYTES)
    while at >= 0:
        end = _end(data, at)
        if end:
            yield at, end
        at = data.find(marker, end or at + 1)


def _is_torn(rest: bytes, marker: bytes) -> bool:
    """Whether this is what an interrupted write leaves at the end: nothing, a part of a record, or zeros."""
    if not any(rest.removeprefix(marker)):
        return True
    if len(rest) < RECORD.size:
        return rest.startswith(marker) or marker.startswith(rest)
    found, length, _ = RECORD.unpack_from(rest)
    return bool(found == marker and len(rest) < RECORD.size + length)


def _entry(record: bytes, marker: bytes) -> Entry | None:
    if not record.startswith(marker) or _end(record, 0) != len(record):
        return None
    try:
        return msgspec.msgpack.decode(record[RECORD.size :], type=Entry)
    except msgspec.MsgspecError:
        return None


def _position(offset: int) -> bytes:
    return POSITION.pack(offset, crc32(offset.to_bytes(8, "big")))


def _dropped_until(data: bytes) -> int:
    """Up to which offset the entries are dropped; 0 when that cannot be read: then all are offered again."""
    offset, crc = POSITION.unpack_from(data, POSITION_AT)
    return int(offset) if crc == crc32(offset.to_bytes(8, "big")) else 0
