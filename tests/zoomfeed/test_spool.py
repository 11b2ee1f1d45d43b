"""The spool: what append has counted is there, in order, whatever becomes of the process, the disk or the file."""

import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from zoomfeed import segment as segments
from zoomfeed import spool as spool_module
from zoomfeed.segment import HEADER_BYTES, RECORD, Segment
from zoomfeed.spool import Entry, Spool

WRITER = """
import sys
from pathlib import Path
from zoomfeed.spool import Entry, Spool

spool = Spool(Path(sys.argv[1]), "feed")
for number in range(0, 1_000_000, 3):
    batch = [Entry(b"%d " % n + b"x" * 700, 1.0, "websocket") for n in range(number, number + 3)]
    assert spool.append(batch) == 3
    print(number + 2, flush=True)
"""

HOLDER = """
import sys
from pathlib import Path
from zoomfeed.spool import Entry, Spool

spool = Spool(Path(sys.argv[1]), "feed")
spool.append([Entry(b"of the other process", 1.0, "websocket")])
print("ready", flush=True)
sys.stdin.read()
"""


def entry(number, size=0):
    return Entry(b"%d " % number + b"x" * size, 1_700_000_000.5 + number, "websocket")


def bodies(spool, most=1_000_000):
    return [item.body for item in spool.peek(most, 2**40)]


@contextmanager
def opened(folder, name="feed", **kwargs):
    """A spool that has taken over what there is."""
    spool = Spool(folder, name, **kwargs)
    try:
        spool.adopt()
        yield spool
    finally:
        spool.close()


def files(folder, suffix="spool"):
    return sorted(folder.glob(f"*.{suffix}"))


def written(folder, *items):
    """The one file that holds these items, let go of."""
    with opened(folder) as spool:
        assert spool.append(items) == len(items)
    (path,) = files(folder)
    return path


@contextmanager
def process(program, folder):
    running = subprocess.Popen(
        [sys.executable, "-c", program, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


entries = st.builds(
    Entry,
    body=st.binary(max_size=60),
    received_at=st.floats(0, 4e9),
    transport=st.sampled_from(["websocket", "webhook"]),
    rejected=st.sampled_from(["", "not JSON: é"]),
)


class AgainstAList(RuleBasedStateMachine):
    """Segments of some records only, so that most runs go through several files."""

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="spool-"))
        self.spool = Spool(self.folder, "feed")
        self.waiting = []

    @rule(items=st.lists(entries, max_size=6))
    def append(self, items):
        assert self.spool.append(items) == len(items)
        self.waiting += items

    @rule(most=st.integers(0, 12))
    def peek(self, most):
        assert self.spool.peek(most) == self.waiting[:most]

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def drop(self, data):
        count = data.draw(st.integers(0, len(self.waiting)))
        self.spool.drop(count)
        del self.waiting[:count]

    @rule()
    def die_and_be_followed(self):
        self.spool.close()
        self.spool = Spool(self.folder, "feed")
        assert self.spool.adopt() == len(self.waiting)

    @invariant()
    def it_is_what_a_list_would_be(self):
        assert len(self.spool) == len(self.waiting)
        assert self.spool.peek(1000) == self.waiting
        assert self.spool.bytes == sum(path.stat().st_size for path in self.folder.iterdir())
        assert self.waiting or not files(self.folder)

    def teardown(self):
        self.spool.close()
        shutil.rmtree(self.folder)


@pytest.mark.parametrize("segment_bytes", [spool_module.SEGMENT_BYTES, 300])
def test_it_behaves_as_a_list_does(monkeypatch, segment_bytes):
    monkeypatch.setattr(spool_module, "SEGMENT_BYTES", segment_bytes)
    machine = AgainstAList.TestCase()
    machine.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
    machine.runTest()


def test_nothing_is_on_disk_before_something_waits(tmp_path):
    folder = tmp_path / "spool"
    with opened(folder) as spool:
        assert spool.append([]) == 0
        assert (len(spool), spool.bytes, spool.peek(10)) == (0, 0, [])
    assert not folder.exists()


def test_nobody_else_can_read_it(tmp_path):
    folder = tmp_path / "data" / "spool"
    path = written(folder, entry(1))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_any_name_makes_a_file_in_the_folder(tmp_path):
    with opened(tmp_path, "../a b/é") as spool:
        spool.append([entry(1)])
    assert len(files(tmp_path)) == 1
    with opened(tmp_path, "../a b/é") as spool:
        assert len(spool) == 1


def test_names_do_not_take_each_others_files(tmp_path):
    written(tmp_path, entry(1))
    with opened(tmp_path, "feed-2") as other, opened(tmp_path, "fee") as third:
        assert (len(other), len(third)) == (0, 0)
        other.append([entry(2)])
    with opened(tmp_path) as spool:
        assert bodies(spool) == [b"1 "]


def test_peek_stops_at_the_bytes_asked_for_but_gives_one_at_least(tmp_path):
    with opened(tmp_path) as spool:
        spool.append([entry(number, 1000) for number in range(5)])
        assert len(spool.peek(5, 2100)) == 2
        assert len(spool.peek(5, 1)) == 1


def test_only_what_fits_is_taken_and_room_comes_back(tmp_path, monkeypatch):
    monkeypatch.setattr(spool_module, "SEGMENT_BYTES", 2000)
    with opened(tmp_path, most_bytes=10_000) as spool:
        fitted = 0
        while taken := spool.append([entry(number, 400) for number in range(fitted, fitted + 3)]):
            fitted += taken
        assert 15 < fitted < 25
        assert spool.bytes == sum(path.stat().st_size for path in tmp_path.iterdir()) <= 10_000
        assert bodies(spool) == [entry(number, 400).body for number in range(fitted)]

        spool.drop(fitted // 2)
        assert spool.append([entry(99, 400)]) == 1


def test_the_bound_is_exact(tmp_path):
    exactly = written(tmp_path / "measured", entry(1), entry(2)).stat().st_size
    for bound, fitting in ((exactly, 2), (exactly - 1, 1), (HEADER_BYTES, 0), (0, 0)):
        with opened(tmp_path / str(bound), most_bytes=bound) as spool:
            assert spool.append([entry(1), entry(2)]) == fitting


def test_what_was_adopted_counts_to_the_bound(tmp_path):
    path = written(tmp_path, entry(1, 500))
    with opened(tmp_path, most_bytes=path.stat().st_size + HEADER_BYTES) as spool:
        assert spool.append([entry(2)]) == 0
        spool.drop(1)
        assert spool.append([entry(2)]) == 1


def test_dropped_is_dropped_after_a_restart(tmp_path):
    with opened(tmp_path) as spool:
        spool.append([entry(number) for number in range(5)])
        spool.drop(2)
    with opened(tmp_path) as spool:
        assert bodies(spool) == [b"2 ", b"3 ", b"4 "]
        spool.drop(3)
    assert not list(tmp_path.iterdir())


def test_a_position_that_cannot_be_read_offers_all_again(tmp_path):
    path = written(tmp_path, entry(1), entry(2))
    with opened(tmp_path) as spool:
        spool.drop(1)
    flip(path, segments.POSITION_AT + 7)
    with opened(tmp_path) as spool:
        assert bodies(spool) == [b"1 ", b"2 "]
        assert spool.damaged == 0


def test_a_torn_tail_is_cut_off_at_every_byte(tmp_path):
    path = written(tmp_path / "whole", entry(1), entry(2), entry(3, 20))
    data = path.read_bytes()
    last = data.rindex(data[segments.MARKER])
    for end in range(last, len(data)):
        torn = tmp_path / str(end) / path.name
        torn.parent.mkdir()
        torn.write_bytes(data[:end])
        with opened(torn.parent) as spool:
            assert bodies(spool) == [b"1 ", b"2 "], end
            assert (spool.bytes, torn.stat().st_size, spool.damaged) == (last, last, 0)


def test_a_file_torn_within_its_header_held_nothing(tmp_path):
    path = written(tmp_path, entry(1))
    data = path.read_bytes()
    for torn in [*(data[:end] for end in range(HEADER_BYTES + 1)), bytes(50)]:
        path.write_bytes(torn)
        with opened(tmp_path) as spool:
            assert (len(spool), spool.damaged) == (0, 0)
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("zeros", [1, 8, 4096])
@pytest.mark.parametrize("with_marker", [False, True])
def test_zeros_behind_the_last_record_are_a_torn_tail(tmp_path, zeros, with_marker):
    """A power failure can leave a file that has grown, without what was written there."""
    path = written(tmp_path, entry(1))
    data = path.read_bytes()
    whole = len(data)
    path.write_bytes(data + data[segments.MARKER] * with_marker + bytes(zeros))
    with opened(tmp_path) as spool:
        assert bodies(spool) == [b"1 "]
        assert (path.stat().st_size, spool.damaged) == (whole, 0)


def flip(path, offset):
    data = bytearray(path.read_bytes())
    data[offset] ^= 0xFF
    path.write_bytes(data)


@pytest.mark.parametrize("offset", range(RECORD.size + 5))
def test_a_damaged_record_is_skipped_and_kept_aside(tmp_path, offset):
    path = written(tmp_path, entry(1), entry(2), entry(3))
    data = path.read_bytes()
    second = data.index(data[segments.MARKER], HEADER_BYTES + 1)
    flip(path, second + offset)
    spoilt = path.read_bytes()

    with opened(tmp_path) as spool:
        assert bodies(spool) == [b"1 ", b"3 "]
        assert spool.damaged == 1
        spool.drop(2)
        assert (len(spool), spool.bytes, spool.damaged) == (0, 0, 1)
    (aside,) = files(tmp_path, "damaged")
    assert aside.read_bytes()[HEADER_BYTES:] == spoilt[HEADER_BYTES:]
    assert not files(tmp_path)


def test_damage_before_the_position_is_not_forgotten_by_a_restart(tmp_path):
    path = written(tmp_path, entry(1), entry(2), entry(3))
    flip(path, HEADER_BYTES + RECORD.size + 3)
    with opened(tmp_path) as spool:
        spool.drop(1)
    with opened(tmp_path) as spool:
        assert bodies(spool) == [b"3 "]
        spool.drop(1)
    assert files(tmp_path, "damaged")


def test_a_last_record_with_a_wrong_checksum_is_damage_and_not_a_torn_tail(tmp_path):
    path = written(tmp_path, entry(1), entry(2))
    flip(path, path.stat().st_size - 1)
    with opened(tmp_path) as spool:
        assert bodies(spool) == [b"1 "]
        assert spool.damaged == 1


def test_a_file_that_is_no_segment_is_kept_aside_at_once(tmp_path):
    path = written(tmp_path, entry(1))
    path.write_bytes(b"something else, of whatever length it may be")
    with opened(tmp_path) as spool:
        assert (len(spool), spool.damaged) == (0, 1)
    assert files(tmp_path, "damaged")[0].read_bytes().startswith(b"something else")


def test_a_record_spoilt_since_it_was_written_is_left_out(tmp_path):
    with opened(tmp_path) as spool:
        spool.append([entry(1), entry(2), entry(3)])
        (path,) = files(tmp_path)
        with path.open("r+b") as file:
            file.seek(HEADER_BYTES + RECORD.size + 3)
            file.write(b"\xff\xff")
        assert bodies(spool) == [b"2 ", b"3 "]
        assert (len(spool), spool.damaged) == (2, 1)
        spool.drop(2)
    assert files(tmp_path, "damaged")


def test_nobody_can_forge_a_record_in_what_he_sends(tmp_path):
    with opened(tmp_path / "his") as his:
        his.append([entry(666)])
        forged = files(tmp_path / "his")[0].read_bytes()[HEADER_BYTES:]
    path = written(tmp_path / "ours", Entry(forged, 1.0, "websocket"), entry(2))
    flip(path, HEADER_BYTES)
    with opened(tmp_path / "ours") as spool:
        assert bodies(spool) == [b"2 "]


def test_everything_that_append_had_counted_outlives_kill_9(tmp_path):
    chance = random.Random(4)
    for run in range(6):
        folder = tmp_path / str(run)
        with process(WRITER, folder) as writer:
            writer.stdout.readline()
            time.sleep(chance.uniform(0, 0.1))
            writer.send_signal(signal.SIGKILL)
            counted = [int(line) for line in writer.communicate()[0].split("\n")[:-1]]
        with opened(folder) as spool:
            numbers = [int(body.split()[0]) for body in bodies(spool)]
            assert numbers == list(range(len(numbers)))
            assert len(numbers) > (counted[-1] if counted else 2)
            assert spool.damaged == 0


def test_two_living_processes_do_not_touch_each_others_files(tmp_path):
    with process(HOLDER, tmp_path) as other, opened(tmp_path) as spool:
        assert other.stdout.readline() == "ready\n"
        assert spool.adopt() == 0
        spool.append([entry(1)])
        assert (bodies(spool), len(files(tmp_path))) == ([b"1 "], 2)

        other.kill()
        other.wait()
        assert spool.adopt() == 1
        assert bodies(spool) == [b"1 ", b"of the other process"]
        spool.append([entry(2)])
        assert bodies(spool) == [b"1 ", b"of the other process", b"2 "]


def test_adopting_while_others_come_and_go_loses_nothing(tmp_path):
    """Each of many spools leaves its entry behind or drops it, while an heir takes whatever it can get."""
    chance, left, stop, taken = random.Random(5), [], threading.Event(), []

    def inherit():
        with opened(tmp_path) as heir:
            while not stop.is_set() or heir.adopt():
                heir.adopt()
                taken.extend(bodies(heir))
                heir.drop(len(heir))

    with ThreadPoolExecutor(1) as pool:
        inheriting = pool.submit(inherit)
        for number in range(300):
            spool = Spool(tmp_path, "feed")
            assert spool.append([entry(number)]) == 1
            if chance.random() < 0.5:
                spool.drop(1)
            else:
                left.append(entry(number).body)
            spool.close()
        stop.set()
        inheriting.result(30)
    assert taken == left
    assert not list(tmp_path.iterdir())


def test_what_several_left_comes_in_the_order_in_which_they_began(tmp_path):
    for number in range(12):
        spool = Spool(tmp_path, "feed")
        spool.append([entry(number)])
        spool.close()
    with opened(tmp_path) as heir:
        assert bodies(heir) == [b"%d " % number for number in range(12)]
        heir.drop(11)
        assert len(files(tmp_path)) == 1


def test_a_file_that_may_not_be_opened_does_not_stop_the_others(tmp_path, caplog):
    path = written(tmp_path, entry(1))
    (tmp_path / path.name.replace("feed-00000001", "feed-00000000")).mkdir()
    with opened(tmp_path) as spool:
        assert bodies(spool) == [b"1 "]
    assert "cannot be taken over" in caplog.text


def test_a_file_that_was_drained_since_it_was_listed_is_nothing(tmp_path):
    assert Segment.adopt(tmp_path / "feed-00000001-1-0123abcd.spool") is None


def test_a_file_that_cannot_be_removed_is_empty_for_the_next_process(tmp_path, monkeypatch, caplog):
    def refuse(path):
        raise PermissionError(path.name)

    with opened(tmp_path) as spool, monkeypatch.context() as patch:
        spool.append([entry(1)])
        patch.setattr(Path, "unlink", refuse)
        spool.drop(1)
        assert (len(spool), spool.bytes) == (0, 0)
    assert "cannot be removed" in caplog.text
    with opened(tmp_path) as spool:
        assert len(spool) == 0
    assert not files(tmp_path)


def test_a_file_that_somebody_deleted_does_no_harm(tmp_path):
    with opened(tmp_path) as spool:
        spool.append([entry(1)])
        files(tmp_path)[0].unlink()
        spool.drop(1)
        assert spool.append([entry(2)]) == 1
        assert bodies(spool) == [b"2 "]


def fill_up(folder):
    """Append until the disk refuses; all that was counted is there, then and after a restart. Says how much."""
    spool = Spool(folder, "feed")
    counted = 0
    try:
        while True:
            counted += spool.append([entry(number, 900) for number in range(counted, counted + 7)])
    except OSError as error:
        assert spool.bytes == sum(path.stat().st_size for path in files(folder))
        assert len(spool) == len(bodies(spool)) == counted
        spool.close()
        with opened(folder) as heir:
            assert bodies(heir) == [entry(number, 900).body for number in range(counted)]
            assert heir.damaged == 0
        return counted, error.errno


LIMITED = """
import errno, resource, sys
from pathlib import Path
from tests.zoomfeed.test_spool import fill_up

resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
counted, number = fill_up(Path(sys.argv[1]))
assert 90 < counted < 110 and number == errno.EFBIG, (counted, number)
"""


def test_a_file_that_may_not_grow_keeps_what_was_counted(tmp_path):
    """The limit takes a part of the last write, as a full disk does."""
    subprocess.run([sys.executable, "-c", LIMITED, str(tmp_path)], check=True, timeout=60)


MOUNTED = """
mount -t tmpfs -o size=128k none "$1" &&
exec "$0" -c "
import errno
from pathlib import Path
from tests.zoomfeed.test_spool import Spool, entry, fill_up, opened

counted, number = fill_up(Path('$1'))
assert 50 < counted < 140 and number == errno.ENOSPC, (counted, number)
with opened(Path('$1')) as spool:
    spool.drop(counted)
    assert spool.append([entry(1)]) == 1
"
"""


def test_a_full_disk_keeps_what_was_counted(tmp_path):
    own_mounts = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"])]
    try:
        subprocess.run([*own_mounts, "mount", "-t", "tmpfs", "none", str(tmp_path)], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("nothing can be mounted here")
    subprocess.run([*own_mounts, "sh", "-c", MOUNTED, sys.executable, str(tmp_path)], check=True, timeout=60)
