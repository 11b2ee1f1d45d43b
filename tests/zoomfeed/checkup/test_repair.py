"""What REST answers, over real sockets."""

from zoomfeed.checkup import Outcome
from zoomfeed.checkup.repair import check_repair
from zoomfeed.oauth import Token


def repair_steps(web, held=frozenset()):
    token = Token("token-of-the-test", 0, held)
    return {step.name: step for step in check_repair(web.url, web.issuer, token)}


def test_open_doors_answer_though_the_meeting_is_nobodys(web):
    web.rest["/metrics/meetings"] = 200, {"meetings": [], "next_page_token": ""}

    steps = repair_steps(web)

    assert len(steps) == 4
    assert {step.outcome for step in steps.values()} == {Outcome.OK}


def test_a_missing_plan_is_told_from_a_missing_scope(web):
    web.rest["/metrics/meetings/"] = 400, {"code": 4711, "message": "Invalid access token, does not contain scopes"}
    web.rest["/metrics/meetings"] = 400, {"code": 200, "message": "Only available for Business or higher"}

    steps = repair_steps(web)

    assert steps["REST: live meetings"].outcome is Outcome.WARNING
    assert "the plan Business or higher" in steps["REST: live meetings"].advice
    assert "dashboard:read:list_meeting_participants:admin" in steps["REST: live participants"].advice


def test_what_the_scopes_do_not_allow_is_not_asked(web):
    steps = repair_steps(web, frozenset({"meeting:read:past_meeting:admin"}))

    assert len(web.asked) == 1
    assert web.asked[0].startswith("/past_meetings/")
    assert "dashboard:read:list_meetings:admin" in steps["REST: live meetings"].found


def test_rest_in_trouble_is_weather_and_not_asked_again(web):
    web.rest["/"] = 503, {}

    steps = repair_steps(web)

    assert len(web.asked) == 1
    assert steps.pop("REST: live meetings").is_weather
    assert {step.found for step in steps.values()} == {"REST is in trouble"}


def test_an_address_without_rest_behind_it_is_found(web):
    steps = repair_steps(web)

    assert steps["REST: live meetings"].outcome is Outcome.FAILED
    assert "ZOOM_API_URL" in steps["REST: live meetings"].advice


def test_without_a_token_of_the_account_rest_is_left_out(web):
    (step,) = check_repair(web.url, web.issuer, None)

    assert (step.outcome, web.asked) == (Outcome.SKIPPED, [])
