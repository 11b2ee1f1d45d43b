"""What steps come to."""

import pytest

from zoomfeed.checkup import Outcome, exit_code
from zoomfeed.checkup.steps import Step, summary


def step_that(outcome, advice="", name="one", **more):
    return Step(name, "try", "found", outcome, advice, **more)


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ([(Outcome.OK, False), (Outcome.WARNING, False), (Outcome.SKIPPED, False)], 0),
        ([(Outcome.FAILED, True), (Outcome.OK, False)], 75),
        ([(Outcome.FAILED, True), (Outcome.FAILED, False)], 78),
    ],
)
def test_the_exit_code_tells_weather_from_work_for_a_person(outcomes, code):
    assert exit_code([step_that(outcome, is_weather=weather) for outcome, weather in outcomes]) == code


def test_the_first_thing_to_do_is_a_failure_that_a_person_can_mend():
    warning = step_that(Outcome.WARNING, "look", "first")
    weather = step_that(Outcome.FAILED, "wait", "second", is_weather=True)
    work = step_that(Outcome.FAILED, "mend", "third")

    assert summary([warning]).advice == "first: look"
    assert summary([warning, weather]).advice == "second: wait"
    assert summary([warning, weather, work]).advice == "third: mend"
    assert summary([step_that(Outcome.OK)]).advice == ""


def test_the_summary_says_what_works_and_what_does_not():
    steps = [step_that(outcome, name=outcome.value) for outcome in Outcome]

    assert summary(steps).found == "works: ok; failed: failed; to be looked at: warning; not tried: skipped"
    assert summary(steps).outcome is Outcome.FAILED
