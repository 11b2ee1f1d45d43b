"""A lock file, and processes that die."""

import os
import signal
import subprocess
import sys

from zoomfeed.presence import Presence

HOLD = """
import sys, time
from pathlib import Path
from zoomfeed.presence import Presence
presence = Presence(Path(sys.argv[1]), "a/key")
presence.gone()
presence.sign()
print(presence.token, flush=True)
time.sleep(60)
"""


def holder(folder):
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True)
    return process, process.stdout.readline().strip()


def test_who_lives_is_not_gone_and_who_was_killed_is(tmp_path):
    process, token = holder(tmp_path)
    after = Presence(tmp_path, "a/key")
    try:
        assert token
        assert after.gone() == ""
        os.kill(process.pid, signal.SIGSTOP)
        assert after.gone() == ""
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()

    assert after.gone() == token
    after.end()


def test_the_first_process_finds_nobody_and_the_last_signature_counts(tmp_path):
    first = Presence(tmp_path / "made", "k")
    assert first.gone() == ""
    first.sign()
    first.end()

    second = Presence(tmp_path / "made", "k")
    assert second.gone() == first.token
    second.sign()
    second.end()
    third = Presence(tmp_path / "made", "k")
    assert third.gone() == second.token
    third.end()


def test_a_folder_that_cannot_be_used_costs_nothing_but_the_shortcut(tmp_path):
    (tmp_path / "file").write_text("")
    presence = Presence(tmp_path / "file", "k")

    assert presence.gone() == ""
    presence.sign()
    presence.end()
