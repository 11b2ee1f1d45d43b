"""Web processes that tell each other who they are."""

import pytest

from dashboard import processes


def test_this_process_is_known_without_having_told_anything(monkeypatch):
    monkeypatch.setattr(processes, "_others", {})

    assert processes.known(0.0) == [processes.own()]


def test_another_one_is_known_until_it_has_been_silent_for_a_while(monkeypatch):
    monkeypatch.setattr(processes, "_others", {})
    processes.hear(processes.message() | {"name": "web-2:77", "pages": 3}, 100.0)

    assert [process.pages for process in processes.known(100.0 + processes.FORGET_S - 0.1)][1:] == [3]
    assert len(processes.known(100.0 + processes.FORGET_S)) == 1
    assert processes._others == {}


def test_what_this_process_hears_of_itself_makes_no_second_one(monkeypatch):
    monkeypatch.setattr(processes, "_others", {})
    processes.hear(processes.message(), 1.0)

    assert len(processes.known(1.0)) == 1


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"name": "a", "pages": 1, "version": "1"},
        {"name": "a", "pages": "many", "version": "1", "started_s": 0.0},
        {"name": "a", "pages": 1, "version": "1", "started_s": 1e300},
        {"name": "a", "pages": 1, "version": "1", "started_s": None},
    ],
)
def test_what_another_version_tells_otherwise_is_not_heard(told):
    before = processes.known(0.0)
    processes.hear({"type": processes.TYPE} | told, 0.0)

    assert [one.name for one in processes.known(0.0)] == [one.name for one in before]


def test_of_thousands_that_nobody_knows_a_few_are_kept_and_soon_forgotten(monkeypatch):
    monkeypatch.setattr(processes, "_others", {})
    for number in range(2_000):
        processes.hear(processes.message() | {"name": f"{number} " + "x" * 10_000, "version": "v" * 10_000}, 0.0)

    assert len(processes._others) == processes.MOST
    assert max(len(process.name + process.version) for process in processes.known(0.0)) <= 2 * processes.MOST_CHARS
    processes.hear(processes.message() | {"name": "web-2:77"}, processes.FORGET_S)
    assert "web-2:77" in processes._others
