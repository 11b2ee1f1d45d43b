"""What pages and machines are told of the link to Zoom, in each state that it can be in."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from dashboard.feed_status import DIED, feed_status
from zoomfeed import lease
from zoomfeed.models import Feed, FeedState, Gap, Meeting, Source, Transport

pytestmark = pytest.mark.django_db

AT_WORK = [
    FeedState.CONNECTING,
    FeedState.LIVE,
    FeedState.SILENT,
    FeedState.REFUSED,
    FeedState.CONTESTED,
    FeedState.RECONNECTING,
]


def ago(**length):
    return timezone.now() - timedelta(**length)


def feed(state=FeedState.LIVE, **about):
    """The row of a feed whose holder has just renewed its lease."""
    values = {"key": "s", "reason": "Because.", "lease_until": timezone.now() + lease.LEASE, **about}
    return Feed.objects.create(state=state, **values)


def test_nobody_is_connected_at_first():
    found = feed_status()

    assert (found["state"], found["label"]) == ("stopped", "No feed")
    assert found["reason"]


def test_nobodys_answer_is_made_anew_for_each():
    feed_status()["state"] = "spoilt"

    assert feed_status()["state"] == "stopped"


@pytest.mark.parametrize(
    ("state", "label"),
    [
        (FeedState.STOPPED, "Zoom feed stopped"),
        (FeedState.STANDBY, "Zoom feed standing by"),
        (FeedState.CONNECTING, "Zoom feed connecting"),
        (FeedState.LIVE, "Live"),
        (FeedState.SILENT, "Zoom feed silent"),
        (FeedState.REFUSED, "Zoom feed refused"),
        (FeedState.CONTESTED, "Zoom feed contested"),
        (FeedState.RECONNECTING, "Zoom feed reconnecting"),
    ],
)
def test_a_holder_that_lives_is_in_the_state_that_it_says(state, label):
    feed(state)
    found = feed_status()

    assert (found["state"], found["label"], found["reason"]) == (state.value, label, "Because.")


def test_every_state_is_tested_here():
    assert {*AT_WORK, FeedState.STOPPED, FeedState.STANDBY} == set(FeedState)


@pytest.mark.parametrize("state", AT_WORK)
@pytest.mark.parametrize("lease_until", [lambda: ago(seconds=1), lambda: None])
def test_a_holder_that_let_its_lease_run_out_has_died(state, lease_until):
    feed(state, lease_until=lease_until())
    found = feed_status()

    assert (found["state"], found["label"], found["reason"]) == ("stopped", "Zoom feed stopped", DIED)


@pytest.mark.parametrize("state", [FeedState.STOPPED, FeedState.STANDBY])
def test_who_does_not_work_needs_no_lease(state):
    feed(state, lease_until=ago(days=1))

    assert (feed_status()["state"], feed_status()["reason"]) == (state.value, "Because.")


def test_a_holder_that_was_stopped_says_so():
    pk, fence = lease.acquire("s", "me", simulated=False)
    Feed.objects.update(state=FeedState.LIVE)
    assert feed_status()["state"] == "live"
    lease.release(pk, fence)

    assert (feed_status()["state"], feed_status()["reason"]) == ("stopped", "The feed was stopped.")


def test_a_live_feed_counts_from_its_connection_and_has_no_gap():
    connected, frame, event = ago(hours=2), ago(seconds=3), ago(minutes=1)
    feed(connected_at=connected, last_frame_at=frame, last_event_at=event)
    found = feed_status()

    assert found["since"] == connected.isoformat()
    assert found["last_event_at"] == event.isoformat()
    assert found["gap_since"] is None


@pytest.mark.parametrize("until", [timedelta(seconds=9), -timedelta(seconds=9)])
def test_a_feed_that_is_not_live_counts_from_the_last_frame(until):
    retry = timezone.now() + timedelta(seconds=4)
    frame = ago(minutes=5)
    feed(
        FeedState.RECONNECTING,
        connected_at=ago(hours=2),
        last_frame_at=frame,
        attempt=3,
        retry_at=retry,
        lease_until=timezone.now() + until,
    )
    found = feed_status()

    assert found["since"] == found["gap_since"] == frame.isoformat()
    assert (found["attempt"], found["retry_at"]) == (3, retry.isoformat())


def test_the_feed_that_was_held_last_speaks():
    feed(FeedState.REFUSED, key="old", lease_until=ago(hours=1))
    feed(FeedState.LIVE, key="new", simulated=True)
    feed(FeedState.CONNECTING, key="never held", lease_until=None)

    assert (feed_status()["state"], feed_status()["simulated"]) == ("live", True)


def test_of_feeds_that_nobody_holds_the_newest_speaks():
    feed(FeedState.STANDBY, key="old", lease_until=None)
    feed(FeedState.STOPPED, key="new", lease_until=None)

    assert feed_status()["state"] == "stopped"


@pytest.mark.parametrize(("make", "queries"), [(lambda: None, 2), (feed, 1)])
def test_one_query_gives_the_same_members_ready_for_json(make, queries, django_assert_num_queries):
    make()
    with django_assert_num_queries(queries):
        found = feed_status()

    assert list(json.loads(json.dumps(found))) == [
        "state",
        "label",
        "reason",
        "since",
        "last_event_at",
        "simulated",
        "retry_at",
        "attempt",
        "gap_since",
        "behind_since",
        "gap",
        "webhook_at",
    ]


def test_a_gap_is_told_while_meetings_are_uncertain_for_it():
    row = feed()
    gap = Gap.objects.create(feed=row, started_at=ago(minutes=9), ended_at=ago(minutes=8))
    Gap.objects.create(feed=row, started_at=ago(seconds=2), ended_at=ago(seconds=1))
    assert feed_status()["gap"] is None

    Meeting.objects.create(uuid="M", uncertain_since=gap.started_at)
    told = feed_status()["gap"]

    assert told == {"from": gap.started_at.isoformat(), "to": gap.ended_at.isoformat(), "meetings": 1}


def test_an_unrepaired_gap_of_meetings_that_are_over_is_no_news():
    gap = Gap.objects.create(feed=feed(), started_at=ago(minutes=9), ended_at=ago(minutes=8))
    Meeting.objects.create(uuid="M", uncertain_since=gap.started_at, ended_at=ago(minutes=5))

    assert feed_status()["gap"] is None


@pytest.mark.parametrize("has_feed", [True, False])
def test_webhooks_are_told_with_and_without_a_socket(has_feed):
    if has_feed:
        feed()
    came = Source.objects.create(transport=Transport.WEBHOOK, first_at=ago(days=1), last_at=ago(minutes=1))

    assert feed_status()["webhook_at"] == came.last_at.isoformat()
