"""One file of the spool: entries that wait on disk, held by a lock.

    segment   magic with version (8 bytes), marker (8), position (8), CRC-32 of the position (4), records
    record    marker (8 bytes), length of the payload (4), CRC-32 of length and payload (4), payload (msgpack)

The marker is random, so that a reader who lost its place can find the next record, and no stranger can forge one in
what he sends. The position is how far the entries are dropped. It is written without fsync: losing it costs a repeat.
"""

import fcntl
import logging
import os
import struct
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import msgspec

logger = logging.getLogger(__name__)

MAGIC = b"rollspl\x01"
MARKER = slice(8, 16)
POSITION_AT = 16
POSITION = struct.Struct(">QI")
HEADER_BYTES = POSITION_AT + POSITION.size
RECORD = struct.Struct(">8sII")


@dataclass(frozen=True, slots=True)
class Entry:
    """One body, or a frame that holds none (`rejected` says why). `received_at` is in seconds since the epoch."""

    body: bytes
    received_at: float
    transport: str
    rejected: str = ""


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
                fsync_folder(self.path.parent)  # else the name may not outlive a power failure
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


def fsync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def fitting(items: Sequence[Entry], marker: bytes, room: int) -> Iterator[bytes]:
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
