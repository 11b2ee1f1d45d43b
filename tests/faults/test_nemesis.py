"""Everything at once: a random walk over all faults, and then all that was promised, checked."""

import os
import random

import pytest

from tests.faults import scale
from tests.faults.checker import EXPECTED, Memory
from tests.faults.nemesis import Nemesis, wait_itself
from tests.product import until

REPAIRED_S = 3 * scale.SETTLE_S + 60.0


@pytest.fixture
def seed(request):
    chosen = int(os.environ.get("ROLLCALL_NEMESIS_SEED") or random.SystemRandom().randrange(10**6))
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(f"\nROLLCALL_NEMESIS_SEED={chosen}")
    return chosen


def test_after_any_history_of_faults_everything_is_as_promised(grown, load, check, seed):
    checker, memory, nemesis = check(grown), Memory.of(grown), Nemesis(grown, seed)
    pages = [grown.browsers.open(path, address) for path in ("/", "/events/") for address in grown.web]
    try:
        with load(grown):
            nemesis.rage(scale.NEMESIS_S)
            wait_itself(grown, scale.ITSELF_S)
            until(lambda: not any(page.is_stale for page in pages), scale.ITSELF_S)

        checker.wait_caught_up(60)
        checker.wait_true(REPAIRED_S)
        checker.assert_nothing_twice()
        checker.assert_losses_are_gaps()
        checker.assert_tables_follow_from_the_log(seed)
        checker.assert_pages_are_right(pages, also_by_the_clock=True)
        memory.assert_grew_less_than(150, grown)
        checker.assert_logs_are_clean(expected=EXPECTED)
    except BaseException as error:
        error.add_note(f"seed {seed}:\n" + "\n".join(nemesis.story))
        raise
