"""Which scopes are missing for what."""

from pathlib import Path

from tests.zoomfeed.checkup.conftest import ACCOUNT, CLIENT
from zoomfeed.checkup import Outcome, scopes
from zoomfeed.checkup.scopes import EVENTS, REPAIR, check_scopes, missing

ALL = frozenset(need.scope for need in (scopes.SOCKET, *EVENTS, *REPAIR))


def test_with_all_scopes_nothing_is_missing():
    steps = check_scopes({ACCOUNT: ALL})

    assert [step.outcome for step in steps] == [Outcome.OK] * 3


def test_missing_scopes_are_named_with_what_they_are_for():
    held = ALL - {"meeting:read:participant:admin", "meeting:read:past_meeting:admin"}

    _, events, repair = check_scopes({ACCOUNT: held})

    assert events.found == "missing for who is in a meeting (meeting:read:participant:admin)"
    assert repair.found == "missing for when a meeting ended (meeting:read:past_meeting:admin)"
    assert {events.outcome, repair.outcome} == {Outcome.WARNING}
    assert "Scopes page" in events.advice


def test_classic_scopes_and_those_of_a_master_account_count():
    classic = {"meeting:read:admin", "webinar:read:admin", "user:read:admin", "recording:read:admin"}
    master = frozenset(scope.removesuffix(":admin") + ":master" for scope in ALL)

    assert missing(EVENTS, frozenset(classic)) == []
    assert missing(REPAIR, frozenset({"meeting:read:admin", "dashboard:read:admin", "report:read:admin"})) == []
    assert missing((*EVENTS, *REPAIR), master) == []


def test_a_scope_for_oneself_is_not_one_for_the_account():
    assert missing(EVENTS, frozenset(need.scope.removesuffix(":admin") for need in EVENTS)) == list(EVENTS)


def test_a_token_without_a_list_of_scopes_proves_nothing_missing():
    for step in check_scopes({CLIENT: frozenset(), ACCOUNT: frozenset()}):
        assert step.outcome is Outcome.SKIPPED
        assert "unknown" in step.found


def test_what_the_tokens_of_apps_carry_says_nothing_of_events():
    socket_step, events, _ = check_scopes({CLIENT: frozenset({scopes.SOCKET.scope})})

    assert (socket_step.outcome, events.outcome) == (Outcome.OK, Outcome.SKIPPED)


def test_the_scopes_of_events_are_those_of_the_documentation():
    page = (Path(__file__).parents[3] / "docs" / "scopes.md").read_text()

    for need in EVENTS:
        assert f"| `{need.scope}` |" in page
