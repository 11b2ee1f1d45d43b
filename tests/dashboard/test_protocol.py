"""The live protocol: frames, flow control, and what a page may send."""

import json

import pytest

from dashboard import protocol
from dashboard.protocol import Flow, Inbound, Places, UnwelcomeFrame, Verdict


def test_an_update_names_its_revisions_and_only_the_parts_it_has():
    frame = json.loads(protocol.update(3, 5, put={"m-1": "<p>ü</p>"}))

    assert frame == {"from": 3, "to": 5, "put": {"m-1": "<p>ü</p>"}}


def test_an_update_spells_all_parts_as_the_browser_reads_them():
    frame = json.loads(protocol.update(0, 1, add=[("meetings", "m-2", "<p>")], delete=["m-3"], say="hello"))

    assert frame == {"from": 0, "to": 1, "add": [["meetings", "m-2", "<p>"]], "del": ["m-3"], "say": "hello"}


def test_a_page_that_acks_is_sent_everything():
    flow = Flow()

    for revision in range(1000):
        assert flow.offer(revision, now=revision / 4) is Verdict.SEND
        assert flow.ack(revision) is False


def test_a_page_64_frames_behind_is_sent_no_more():
    flow = Flow()

    verdicts = [flow.offer(revision, now=0) for revision in range(65)]

    assert verdicts == [Verdict.SEND] * 64 + [Verdict.HOLD]


def test_a_page_5_seconds_behind_is_sent_no_more():
    flow = Flow()
    flow.offer(1, now=0)

    assert flow.offer(2, now=5) is Verdict.SEND
    assert flow.offer(3, now=5.1) is Verdict.HOLD


def test_an_idle_page_is_never_behind():
    flow = Flow()
    flow.offer(1, now=0)
    flow.ack(1)

    assert flow.look(now=10_000) is Verdict.SEND


def test_a_page_that_acks_again_resyncs_once():
    flow = Flow()
    flow.offer(1, now=0)
    flow.look(now=6)

    assert flow.ack(1) is True
    assert flow.ack(1) is False
    assert flow.offer(2, now=7) is Verdict.SEND


def test_a_page_cut_off_for_30_seconds_is_closed():
    flow = Flow()
    flow.offer(1, now=0)
    flow.look(now=6)

    assert flow.look(now=35.9) is Verdict.HOLD
    assert flow.look(now=36) is Verdict.CLOSE


def test_an_ack_is_read():
    assert Inbound().read('{"ack": 7}', now=0) == 7


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "ack",
        "[]",
        "7",
        "{}",
        '{"ack": "7"}',
        '{"ack": true}',
        '{"ack": 1.5}',
        '{"ack": -1}',
        '{"ack": 9223372036854775808}',
        '{"ack": 1, "x": 2}',
        '{"resync": true}',
        '{"ack": 1' + " " * 4096 + "}",
        "[" * 4000,
    ],
)
def test_anything_but_an_ack_is_unwelcome(text):
    with pytest.raises(UnwelcomeFrame):
        Inbound().read(text, now=0)


def test_more_than_20_frames_a_second_are_unwelcome():
    inbound = Inbound()
    for _ in range(20):
        inbound.read('{"ack": 1}', now=0.5)

    with pytest.raises(UnwelcomeFrame):
        inbound.read('{"ack": 1}', now=1.4)


def test_20_frames_every_second_are_welcome():
    inbound = Inbound()

    for frame in range(200):
        assert inbound.read('{"ack": 1}', now=frame // 20) == 1


def test_a_place_that_is_given_back_is_free_again():
    places = Places(most=3, most_per_user=2)

    assert [places.take(user) for user in ("alice", "alice", "bob")] == [None, None, None]
    assert places.take("alice") == protocol.TOO_MANY_OF_USER
    assert places.take("charlie") == protocol.FULL
    places.give("alice")
    assert places.take("charlie") is None
    assert places.take("alice") == protocol.FULL


def test_who_has_no_place_left_is_forgotten():
    places = Places(most=3, most_per_user=2)
    places.take("alice")
    places.give("alice")

    assert not places.taken
