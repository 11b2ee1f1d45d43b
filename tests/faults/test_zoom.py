"""What Zoom and the line to it may do: closes, silence, refusals, nonsense, repeats, and a stranger in our place."""

import json
import time
from datetime import UTC, datetime

import pytest

from tests.faults import scale
from tests.faults.checker import pids
from tests.product import until
from zoomfeed.simulator import faults
from zoomfeed.simulator.faults import Faults

AT_FIRST_S = 5.0 + 5.0
"""The first try again comes within a second of the loss; the rest is for a busy machine."""


SOME = 20
"""So many events tell that the load goes on."""


def reconnected(stage, before, within_s=AT_FIRST_S):
    within_s += scale.WEARY_S
    until(lambda: stage.zoom.zoom.connections > before and stage.zoom.zoom.is_connected, within_s, stage.last_words)


def settle(checker):
    """Some more events after the fault, and then all of them in the log."""
    so_far = len(checker.sent())
    until(lambda: len(checker.sent()) > so_far + SOME, 10)


ENDS = {
    "1000": lambda stage: stage.zoom.call(stage.zoom.zoom.close(1000)),
    "1001": lambda stage: stage.zoom.call(stage.zoom.zoom.close(1001, "going away")),
    "1006": lambda stage: stage.zoom.call(stage.zoom.zoom.drop()),
    "reset": lambda stage: stage.zoom.call(stage.zoom.zoom.reset()),
    "cut-on-the-way": lambda stage: stage.socket.cut(),
    "reset-on-the-way": lambda stage: stage.socket.reset(),
}


@pytest.mark.parametrize("end", ENDS)
def test_however_the_socket_ends_a_new_one_is_soon_open_and_the_gap_is_told(grown, load, check, end):
    checker, connections = check(grown), grown.zoom.zoom.connections
    began_at = datetime.now(UTC)
    with load(grown):
        until(lambda: len(checker.sent()) > SOME)
        ENDS[end](grown)
        reconnected(grown, connections)
        settle(checker)

    checker.wait_none_lost()
    checker.assert_losses_are_gaps()
    assert len([ended_at for _, ended_at in checker.gaps() if ended_at > began_at]) == 1


def test_a_line_that_is_dead_but_open_is_left_and_the_gap_covers_it(grown, load, check):
    checker, connections = check(grown), grown.zoom.zoom.connections
    page = grown.browsers.open()
    with load(grown):
        until(lambda: len(checker.sent()) > SOME)
        began = time.monotonic()
        grown.socket.swallow()
        until(lambda: "no frame for" in checker.feed_row("reason"), scale.SILENCE_S + 10)
        until(lambda: page.feed["state"] == "reconnecting")
        grown.socket.heal()
        reconnected(grown, connections, scale.SILENCE_S + 10)
        settle(checker)

    checker.wait_caught_up()
    assert checker.assert_losses_are_gaps() > scale.SILENCE_S / 2 * scale.RATE
    before_the_hole = [one for one in checker.missing() if one.sent < began - 1]
    assert before_the_hole == []
    checker.assert_nothing_twice()
    checker.assert_pages_are_right([page])


def test_a_line_that_stalls_and_then_breaks_has_its_gap_from_where_it_stalled(grown, load, check):
    """The last frame comes late, and what followed it never: the gap begins with what was made after that frame."""
    checker, connections = check(grown), grown.zoom.zoom.connections
    with load(grown):
        until(lambda: len(checker.sent()) > SOME)
        grown.socket.swallow()
        time.sleep(scale.SILENCE_S / 2)
        grown.zoom.call(grown.zoom.zoom.reset())
        time.sleep(0.5)
        grown.socket.heal()
        reconnected(grown, connections)
        settle(checker)

    checker.wait_caught_up()
    assert checker.assert_losses_are_gaps() > scale.SILENCE_S / 4 * scale.RATE
    checker.assert_nothing_twice()


@pytest.mark.parametrize("cuts", [True, False], ids=["mid-connection", "at-the-next"])
def test_a_token_that_ends_is_replaced_by_one_new_one(grown, load, check, cuts):
    checker, zoom = check(grown), grown.zoom.zoom
    connections, requests = zoom.connections, zoom.tokens.requests
    with load(grown):
        grown.zoom.call(zoom.expire_tokens(cuts_socket=cuts))
        if not cuts:
            grown.zoom.call(zoom.drop())
        reconnected(grown, connections, 15)
        settle(checker)

    assert zoom.tokens.requests - requests <= 2
    checker.wait_none_lost()
    checker.assert_losses_are_gaps()


WEATHER = {
    "token-401": {"tokens": "401"},
    "token-500": {"tokens": "500"},
    "token-html": {"tokens": "html"},
    "token-empty": {"tokens": "empty"},
    "handshake-401": {"handshake": "401"},
    "handshake-429": {"handshake": "429"},
    "handshake-500": {"handshake": "500"},
    "handshake-html": {"handshake": "html"},
    "verdict": {"verdict": "Token is invalid"},
}


@pytest.fixture
def more_weather(monkeypatch):
    """Answers of the token endpoint that are none."""
    html = (200, {"Content-Type": "text/html"}, b"<html><body>Zoom is under maintenance</body></html>")
    monkeypatch.setitem(faults.TOKEN_FAULTS, "html", html)
    monkeypatch.setitem(faults.TOKEN_FAULTS, "empty", (200, {}, b""))


@pytest.mark.parametrize("fault", WEATHER)
def test_every_refusal_is_a_reason_in_words_and_the_process_lives(grown, check, more_weather, fault):
    checker, before, zoom = check(grown), pids(grown), grown.zoom.zoom
    connections, handshakes, requests = zoom.connections, grown.socket.accepted, zoom.tokens.requests
    zoom.faults = Faults(**WEATHER[fault])
    grown.zoom.call(zoom.expire_tokens(cuts_socket=True))
    reason = until(lambda: checker.feed_row("state") != "live" and checker.feed_row("reason"), 15)
    time.sleep(1)

    assert len(reason) > 20
    assert "<" not in reason
    assert max(grown.socket.accepted - handshakes, zoom.tokens.requests - requests) <= 10
    assert zoom.connections == connections
    assert pids(grown) == before
    assert grown.feed.is_alive


def test_who_is_told_when_to_come_again_does_not_come_before(grown, monkeypatch):
    later = (429, {"Retry-After": str(int(scale.RETRY_AFTER_S))}, b"")
    monkeypatch.setitem(faults.HANDSHAKE_FAULTS, "429", later)
    grown.zoom.zoom.faults = Faults(handshake="429")
    handshakes = grown.socket.accepted
    grown.zoom.call(grown.zoom.zoom.drop())
    until(lambda: grown.socket.accepted == handshakes + 1, 15, grown.last_words)
    told_at = time.monotonic()
    until(lambda: grown.socket.accepted > handshakes + 1, scale.RETRY_AFTER_S + 15, grown.last_words)

    assert time.monotonic() - told_at > scale.RETRY_AFTER_S - 0.5


def test_an_answer_that_takes_its_time_is_waited_for(grown, load, check):
    checker, connections = check(grown), grown.zoom.zoom.connections
    grown.tokens.delay_s = grown.socket.delay_s = scale.ANSWER_S / 4  # several ways to and fro make one answer
    with load(grown):
        grown.zoom.call(grown.zoom.zoom.expire_tokens(cuts_socket=True))
        reconnected(grown, connections, 30)
        settle(checker)
    grown.socket.heal()

    checker.wait_none_lost()
    checker.assert_losses_are_gaps()


def message(content: str) -> bytes:
    return json.dumps({"module": "message", "content": content}).encode()


def about(name: str) -> str:
    """An event whose participant is called so, spelt as JSON spells it."""
    who = f'{{"user_id":"1","user_name":{name},"join_time":"2026-13-45T99:99:99Z"}}'
    about = f'{{"uuid":"odd","participant":{who}}}'
    return f'{{"event":"meeting.participant_joined","event_ts":{time.time_ns()},"payload":{{"object":{about}}}}}'


NO_EVENTS = [
    b"\xff\xfe no text",
    b"{",
    b"[" * 100_000,
    b"\xef\xbb\xbf{}",
    b'{"module":"message"}',
    message("not json"),
    message('{"event":NaN}'),
    message('{"no":"event"}'),
    message('{"event":' + "9" * 5000 + "}"),
    message("[" * 5000),
]
ODD_EVENTS = [
    '"a\\u0000b"',
    '"\\ud800 alone"',
    '"\\u202egnirts"',
    str(2**70),
    "null",
    '["a list"]',
    '"' + "long" * 10_000 + '"',
]


def test_nonsense_is_kept_and_costs_no_event_and_no_connection(grown, load, check):
    checker, connections = check(grown), grown.zoom.zoom.connections
    page = grown.browsers.open()
    ((before,),) = grown.ask("SELECT count(*) FROM zoomfeed_rejectedframe")
    frames = [*NO_EVENTS, *(message(about(name)) for name in ODD_EVENTS)]
    with load(grown):
        for raw in frames:
            grown.zoom.call(grown.zoom.zoom.send_frame(raw))
            time.sleep(0.1)
        settle(checker)

    checker.wait_none_lost()
    ((kept,),) = grown.ask("SELECT count(*) FROM zoomfeed_rejectedframe")
    assert kept - before >= len(NO_EVENTS)
    ((together,),) = grown.ask("SELECT count(*) FROM zoomfeed_event WHERE meeting_uuid = 'odd'")
    assert kept - before + together == len(frames)
    assert grown.zoom.zoom.connections == connections
    checker.assert_pages_are_right([page])
    checker.assert_logs_are_clean()


def test_a_frame_beyond_all_measure_closes_and_is_told(grown, load, check):
    checker, connections = check(grown), grown.zoom.zoom.connections
    with load(grown):
        until(lambda: len(checker.sent()) > SOME)
        grown.zoom.call(grown.zoom.zoom.send_frame(message("x" * 17 * 2**20)))
        reconnected(grown, connections)
        settle(checker)

    checker.wait_none_lost()
    checker.assert_losses_are_gaps()
    ((cause,),) = grown.ask("SELECT cause FROM zoomfeed_gap ORDER BY id DESC LIMIT 1")
    assert cause


def test_repeats_and_disorder_count_once(grown, load, check):
    checker = check(grown)
    grown.zoom.zoom.faults = Faults(duplicates=0.5, reorder=0.5, late_s=0.3, malformed=0.1, seed=3)
    with load(grown):
        until(lambda: len(checker.sent()) > 6 * scale.RATE, 30)
    grown.zoom.zoom.faults = Faults()
    time.sleep(1)

    assert len(checker.sent()) > len({one.key for one in checker.sent()})
    checker.wait_none_lost()
    checker.assert_tables_follow_from_the_log(seed=5)


def test_a_stranger_on_our_subscription_is_recognised_and_not_fought(grown, check):
    checker, zoom = check(grown), grown.zoom.zoom
    zoom.faults = Faults(takeover=True)
    grown.zoom.call(zoom.close())
    until(lambda: "another" in checker.feed_row("reason").lower(), 60, lambda: checker.feed_row("reason"))
    connections = zoom.connections
    time.sleep(1.5 * scale.CONTESTED_S)

    assert zoom.connections - connections <= 2
    assert grown.feed.is_alive
