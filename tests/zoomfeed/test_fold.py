from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from zoomfeed.fold import State, merge

names = st.sampled_from("abc")
states = st.builds(
    State,
    earliest=st.dictionaries(names, st.integers(0, 9)),
    latest=st.dictionaries(names, st.integers(0, 9)),
    newest=st.dictionaries(names, st.tuples(st.integers(0, 3), st.sampled_from(["", "x", "y", "Z", "é"]))),
)


@given(st.lists(states, min_size=1), st.data())
def test_order_and_repeats_change_nothing(facts, data):
    shuffled = data.draw(st.permutations(facts + facts))
    assert reduce(merge, shuffled) == reduce(merge, facts)


@given(states, states, states)
def test_batching_changes_nothing(a, b, c):
    assert merge(merge(a, b), c) == merge(a, merge(b, c))


def test_the_earliest_join_and_the_latest_leave_win():
    late = State(earliest={"joined_at": 20}, latest={"left_at": 20})
    early = State(earliest={"joined_at": 10}, latest={"left_at": 30})
    assert merge(late, early) == State(earliest={"joined_at": 10}, latest={"left_at": 30})


def test_an_older_event_cannot_take_a_newer_topic_back():
    new = State(newest={"topic": (200, "Budget 2027")})
    old = State(newest={"topic": (100, "Budget")})
    assert merge(new, old).newest["topic"] == (200, "Budget 2027")
