"""Two ways for every event, and a look at Zoom afterwards: what one misses the other has, and nothing counts twice."""

import time

import pytest

from tests.faults import scale
from tests.product import until

AWAY_S = 6.0
COVERED_S = 20.0
REPAIRED_S = 3 * scale.SETTLE_S + 60.0


REPAIRED = "SELECT repaired_at FROM zoomfeed_gap ORDER BY id DESC LIMIT 1"
UNCERTAIN = """
    SELECT count(*) FROM zoomfeed_meeting
    WHERE uncertain_since >= (SELECT started_at FROM zoomfeed_gap ORDER BY id DESC LIMIT 1)
"""


def why_not_repaired(grown):
    """What the last gap and the repair say of themselves, and which runs stay uncertain."""
    queries = (
        "SELECT * FROM zoomfeed_gap ORDER BY id DESC LIMIT 2",
        "SELECT rest FROM zoomfeed_feed",
        "SELECT uuid, ended_at, present, checked_at FROM zoomfeed_meeting WHERE uncertain_since IS NOT NULL LIMIT 5",
    )
    return "\n".join(str(grown.ask(query)) for query in queries)


@pytest.fixture
def posting(grown):
    """Zoom posts every event, too, with its members in another order, and tries again after seconds."""
    webhooks = grown.zoom.zoom.webhooks
    webhooks.url = f"{grown.web[0]}/zoom/webhook"
    webhooks.retry_s, webhooks.reorder_members = (1.0, 3.0, 9.0, 27.0), True
    webhooks.answers.clear()
    failed = webhooks.failed
    yield webhooks
    until(lambda: not webhooks.pending, 60)
    webhooks.url = ""
    assert webhooks.failed == failed


def test_what_comes_both_ways_counts_once(grown, load, check, posting):
    checker = check(grown)
    with load(grown):
        until(lambda: len(checker.sent()) > 4 * scale.RATE, 20)

    until(lambda: not posting.pending, 20)
    checker.wait_all_logged()
    checker.assert_tables_follow_from_the_log()
    ((both,),) = grown.ask("SELECT count(*) FROM zoomfeed_event WHERE duplicates > 0 AND also_by <> ''")
    assert both >= len(checker.told())
    assert set(posting.answers) == {200}


def test_what_the_socket_misses_comes_by_webhook_and_the_gap_is_said_to_be_covered(grown, load, check, posting):
    checker, connections = check(grown), grown.zoom.zoom.connections
    grown.zoom.faults.rest = "500"  # else the comparison by REST may be first to mend the gap
    with load(grown):
        until(lambda: len(checker.sent()) > (scale.PROBATION_S + 2) * scale.RATE, scale.PROBATION_S + 20)
        grown.socket.refuse()
        grown.socket.cut()
        time.sleep(AWAY_S)
        grown.socket.heal()
        until(lambda: grown.zoom.zoom.connections > connections, 40, grown.last_words)
        time.sleep(2)

    assert len(checker.told()) > len(checker.sent()) + AWAY_S / 2 * scale.RATE
    checker.wait_all_logged()
    newest = "SELECT covered FROM zoomfeed_gap ORDER BY id DESC LIMIT 1"
    until(lambda: grown.ask(newest)[0][0], COVERED_S)
    checker.wait_true(5)


@pytest.mark.parametrize("away", ["web", "database"])
def test_what_cannot_be_taken_comes_again(grown, load, check, posting, away):
    checker = check(grown)
    with load(grown, rate=scale.RATE / 2):
        until(lambda: len(checker.told()) > scale.RATE / 2)
        part = grown.processes["web-1"] if away == "web" else grown.database
        part.kill() if away == "web" else part.end()
        time.sleep(2)
        part.start()
        time.sleep(2)

    until(lambda: not posting.pending, 60)
    assert posting.answers[503 if away == "database" else 0] > 0
    checker.wait_all_logged()


def test_without_any_feed_the_webhooks_suffice(grown, load, check, posting):
    checker = check(grown)
    page = grown.browsers.open()
    grown.feed.stop()
    with load(grown):
        time.sleep(3)

    assert checker.sent() == []
    checker.wait_all_logged()
    checker.wait_true(5)
    checker.assert_pages_are_right([page])


def test_what_nobody_heard_is_found_out_by_asking(untouched, load, check):
    """Who left unheard is gone afterwards, who came is there, and the gap says that it was repaired."""
    checker, connections = check(untouched), untouched.zoom.zoom.connections
    page = untouched.browsers.open()
    with load(untouched):
        until(lambda: len(checker.sent()) > scale.RATE / 2)
        untouched.socket.refuse()
        untouched.socket.cut()
        time.sleep(AWAY_S)
        untouched.socket.heal()
        until(lambda: untouched.zoom.zoom.connections > connections, 40, untouched.last_words)
        time.sleep(1)
    checker.wait_caught_up()
    checker.assert_losses_are_gaps()
    assert checker.lost() == []  # what no socket took is not missing from one; what a cut line took may be

    checker.wait_true(REPAIRED_S)
    until(lambda: untouched.ask(REPAIRED)[0][0], REPAIRED_S, lambda: why_not_repaired(untouched))
    ((uncertain,),) = untouched.ask(UNCERTAIN)
    assert uncertain == 0
    checker.assert_tables_follow_from_the_log()
    checker.assert_pages_are_right([page])
