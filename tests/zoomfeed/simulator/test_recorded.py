"""The product's copy of the recorded sequences is the one that the tests have."""

import json

import pytest

from tests import sequences
from zoomfeed.simulator import recorded


@pytest.mark.parametrize(("name", "length"), [("K1", 33), ("K3", 4)])
def test_a_sequence_holds_the_recorded_bodies_in_order(name, length):
    ours = [json.loads(body) for _, body in recorded.sequence(name)]
    assert ours == [json.loads(body) for body in sequences.sequence(name)]
    assert len(ours) == length


@pytest.mark.parametrize("name", recorded.NAMES)
def test_arrivals_keep_the_recorders_clock(name):
    times = [at_ms for at_ms, _ in recorded.sequence(name)]
    assert times == sorted(times)
    assert times[0] in (1775235988995, 1775902819914)
