"""How often REST may be asked, on a clock that only sleeping moves."""

from datetime import UTC, datetime

import pytest

from zoomfeed.exceptions import Limited
from zoomfeed.repair.limiter import DAY_S, Label, Limiter, retry_after_s

NOW = 1_775_217_600.0


class Time:
    now = NOW

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@pytest.fixture
def time():
    return Time()


def calls_within(limiter, time, label, seconds):
    begin, calls = time.now, 0
    while True:
        limiter.wait(label)
        if time.now >= begin + seconds:
            return calls
        calls += 1


@pytest.mark.parametrize(
    ("label", "seconds", "most"),
    [(Label.LIGHT, 10, 200), (Label.MEDIUM, 10, 100), (Label.HEAVY, 10, 50), (Label.RESOURCE_INTENSIVE, 300, 40)],
)
def test_each_label_has_its_rate(time, label, seconds, most):
    assert calls_within(Limiter(time, time.sleep), time, label, seconds) == most


def test_the_labels_do_not_wait_for_each_other(time):
    limiter = Limiter(time, time.sleep)
    for _ in range(8):
        limiter.wait(Label.RESOURCE_INTENSIVE)
    limiter.wait(Label.LIGHT)
    assert time.now == NOW


def test_who_was_told_to_slow_down_asks_half_as_often(time):
    limiter = Limiter(time, time.sleep)
    limiter.slow_down(Label.HEAVY)
    assert calls_within(limiter, time, Label.HEAVY, 10) == 20
    for _ in range(5):
        limiter.slow_down(Label.HEAVY)
    assert calls_within(limiter, time, Label.HEAVY, 10) == 9  # one a second; the last second is partly spent


def test_a_limit_of_a_day_holds_until_its_time_also_in_the_next_process(time):
    limiter = Limiter(time, time.sleep)
    limiter.block(Label.HEAVY, 5000)
    heir = Limiter(time, time.sleep, blocked_until=dict(limiter.blocked_until))
    with pytest.raises(Limited) as limited:
        heir.wait(Label.HEAVY)
    assert (limited.value.daily, limited.value.retry_after_s) == (True, 5000)
    time.now += 5000
    heir.wait(Label.HEAVY)
    assert heir.blocked_until == {}


def test_no_limit_lasts_longer_than_a_day(time):
    limiter = Limiter(time, time.sleep)
    limiter.block(Label.LIGHT, 10**12)
    assert limiter.blocked_until == {"LIGHT": NOW + DAY_S}


@pytest.mark.parametrize("kept", [None, [], "x", {"HEAVY": "soon"}, {"OTHER": 5}, {"LIGHT": None}])
def test_what_was_kept_badly_blocks_nothing(time, kept):
    Limiter(time, time.sleep, blocked_until=kept).wait(Label.HEAVY)
    assert time.now == NOW


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("5", 5.0),
        ("2026-04-03T12:00:30Z", 30.0),
        ("2026-04-03T12:00:30", 30.0),
        ("Fri, 03 Apr 2026 12:01:00 GMT", 60.0),
        ("2020-01-01T00:00:00Z", 0.0),
        ("", None),
        ("later", None),
        ("-3", None),
        ("9" * 400, None),
        ("²", None),
    ],
)
def test_retry_after_is_read_in_every_form(value, seconds):
    assert datetime.fromtimestamp(NOW, UTC).isoformat() == "2026-04-03T12:00:00+00:00"
    assert retry_after_s(value, NOW) == seconds
