import shutil
from types import SimpleNamespace

import pytest

from zoomfeed import room

GIB = 2**30


def test_a_spool_that_is_not_there_yet_is_on_the_disk_of_the_folder_above(settings, tmp_path):
    settings.SPOOL_DIR = str(tmp_path / "not" / "made")

    assert 0 < room.free_bytes() <= shutil.disk_usage(tmp_path).free + 2**30


@pytest.mark.parametrize(
    ("total", "free", "is_low"),
    [(100 * GIB, 0.4 * GIB, True), (100 * GIB, 3 * GIB, False), (2**30, 60 * 2**20, False), (2**30, 40 * 2**20, True)],
)
def test_a_disk_is_low_below_half_a_gigabyte_or_a_twentieth(monkeypatch, total, free, is_low):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=total, free=free))

    assert room.is_low() is is_low
