from datetime import UTC, datetime, timedelta

import pytest

from tests.zoomfeed.test_record import event, incoming, join
from zoomfeed import gaps, lease
from zoomfeed.exceptions import LeaseLost
from zoomfeed.models import Event, Feed, Gap, Head, Meeting, Source
from zoomfeed.record import Incoming, record
from zoomfeed.replay import replay

pytestmark = pytest.mark.django_db

START = datetime.fromtimestamp(1775235987, UTC)
AGES = timedelta(days=36_500)


def at(**later):
    return START + timedelta(**later)


def ago(**earlier):
    return datetime.now(UTC) - timedelta(**earlier)


@pytest.fixture
def held():
    return lease.acquire("s", "me", simulated=True)


def run(uuid, began, ended=None):
    record(incoming(event("meeting.started", 0, uuid=uuid, start_time=began.isoformat())))
    if ended:
        record(incoming(event("meeting.ended", 0, uuid=uuid, end_time=ended.isoformat())))


def uncertain():
    return {meeting.uuid: meeting.uncertain_since for meeting in Meeting.objects.all() if meeting.uncertain_since}


def checked(uuid, when):
    """What REST tells of a run, as of then."""
    Meeting.objects.filter(uuid=uuid).update(checked_at=when)
    record(incoming(event("meeting.ended", 1, uuid=uuid, end_time=at(minutes=30).isoformat())))


def test_a_gap_marks_what_ran_in_it_and_nothing_else(held):
    run("before", at(minutes=0), at(minutes=9))
    run("across", at(minutes=5), at(minutes=11))
    run("live", at(minutes=8))
    gaps.add_gap(held, at(minutes=10), at(minutes=12), "a cut")
    run("later", at(minutes=13))

    assert uncertain() == {"across": at(minutes=10), "live": at(minutes=10)}


def test_while_a_gap_is_open_everything_live_is_uncertain(held):
    run("over", at(minutes=0), at(minutes=9))
    run("live", at(minutes=8))
    gaps.open_gap(held, at(minutes=10), "a cut")
    gaps.open_gap(held, at(minutes=11), "the same cut, told again")

    assert uncertain() == {"live": at(minutes=10)}
    assert [(gap.started_at, gap.cause) for gap in Gap.objects.all()] == [(at(minutes=10), "a cut")]


def test_a_run_that_is_first_heard_of_after_the_gap_and_began_before_is_uncertain_too(held):
    gaps.add_gap(held, at(minutes=10), at(minutes=12), "a cut")
    run("begun in it", at(minutes=11))

    assert uncertain() == {"begun in it": at(minutes=10)}


def test_pages_hear_of_the_marks_by_a_new_revision(held):
    run("live", at(minutes=8))
    before = Head.objects.get().revision
    gaps.open_gap(held, at(minutes=10), "a cut")

    assert Head.objects.get().revision == Meeting.objects.get().revision == before + 1


def test_the_end_of_an_open_gap_keeps_its_beginning(held):
    gaps.open_gap(held, at(minutes=10), "a cut")
    gaps.close_gap(held, at(minutes=12))
    gap = Gap.objects.get()

    assert (gap.started_at, gap.ended_at, gap.cause) == (at(minutes=10), at(minutes=12), "a cut")


def test_a_feed_that_never_listened_has_no_gap_to_close(held):
    assert gaps.close_gap(held, at(minutes=12)) == 0
    assert not Gap.objects.exists()


def test_the_open_gap_of_a_subscription_that_nobody_holds_any_more_ends_with_the_next_connection(held):
    gaps.open_gap(held, at(minutes=1), "the feed was not running")
    lease.release(*held)
    anew = lease.acquire("saved anew", "me", simulated=True)
    assert gaps.close_gap(anew, at(minutes=12)) == 660
    run("later", at(minutes=13))

    assert uncertain() == {}
    assert not Gap.objects.filter(ended_at=None).exists()


def test_the_open_gap_of_a_subscription_that_somebody_holds_is_left_alone(held):
    gaps.open_gap(held, at(minutes=1), "a cut")
    gaps.close_gap(lease.acquire("another", "me", simulated=True), at(minutes=12))

    assert Gap.objects.get().ended_at is None


def test_what_rest_told_after_the_gap_makes_certain_and_before_does_not(held):
    run("told", at(minutes=8))
    run("told too early", at(minutes=8))
    gaps.add_gap(held, at(minutes=10), at(minutes=12), "a cut")
    checked("told", at(minutes=12))
    checked("told too early", at(minutes=11))

    assert uncertain() == {"told too early": at(minutes=10)}


def test_the_earliest_of_several_gaps_counts_until_it_is_resolved(held):
    run("live", at(minutes=1))
    for minute in (10, 20):
        gaps.add_gap(held, at(minutes=minute), at(minutes=minute + 1), "a cut")
    first, second = gaps.unresolved(AGES)
    assert uncertain() == {"live": at(minutes=10)}

    gaps.resolve(first.pk, "Compared.")
    assert uncertain() == {"live": at(minutes=20)}
    gaps.resolve(second.pk, "Compared.")
    assert uncertain() == {}
    assert gaps.unresolved(AGES) == []


def test_a_gap_that_nobody_could_mend_for_a_day_is_not_asked_for_again(held):
    older, newer = ago(days=2), ago(days=1)
    for began in (older, newer):
        gaps.add_gap(held, began, began + timedelta(minutes=1), "a cut")

    assert [gap.started_at for gap in gaps.unresolved()] == [newer]


def test_replay_marks_the_same_runs(held):
    run("live", at(minutes=8))
    run("later", at(minutes=15))
    gaps.add_gap(held, at(minutes=10), at(minutes=12), "a cut")
    before = uncertain()
    replay()

    assert uncertain() == before == {"live": at(minutes=10)}


def test_who_lost_the_lease_can_write_no_gap(held):
    Feed.objects.update(fence=held[1] + 1)
    for call in (
        lambda: gaps.open_gap(held, at(minutes=1), "a cut"),
        lambda: gaps.add_gap(held, at(minutes=1), at(minutes=2), "a cut"),
        lambda: gaps.add_gap(held, at(minutes=1), at(minutes=2), "lost"),
    ):
        with pytest.raises(LeaseLost):
            call()

    assert not Gap.objects.exists()


def test_a_feed_under_another_key_goes_on_where_the_one_before_it_ended(held):
    assert gaps.last_heard(held[0]) is None
    Feed.objects.update(last_frame_at=at(minutes=1))
    assert gaps.last_heard(held[0]) == at(minutes=1)
    lease.release(*held)
    anew = lease.acquire("saved anew", "me", simulated=True)
    assert gaps.last_heard(anew[0]) == at(minutes=1)
    real = lease.acquire("real", "me", simulated=False)

    assert gaps.last_heard(real[0]) is None


# Webhooks as cover


def by(transport, number, when):
    record([Incoming(join(str(number)), when, transport)])


def a_gap(held, *, by_both, during=(), length=20):
    """A gap that ended a minute ago; before it events came by the socket, and `by_both` of them by webhooks, too."""
    start = ago(seconds=60 + length)
    for number in range(4):
        by("websocket", number, start - timedelta(minutes=2))
        if number < by_both:
            by("webhook", number, start - timedelta(minutes=2))
    for number, seconds in enumerate(during, start=100):
        by("webhook", number, start + timedelta(seconds=seconds))
    run("live", start - timedelta(minutes=30))
    gaps.add_gap(held, start, start + timedelta(seconds=length), "a cut")
    return Gap.objects.get()


def webhook_since(number=500):
    by("webhook", number, ago(seconds=5))


def test_webhooks_that_bring_everything_cover_a_gap(held):
    a_gap(held, by_both=4, during=(10,))
    assert gaps.cover() == []  # none has come since: they may be down, too
    webhook_since()

    assert len(gaps.cover()) == 1
    gap = Gap.objects.get()
    assert (gap.covered, gap.repaired_at) == (True, None)
    assert uncertain() == {}
    assert gaps.cover() == []


@pytest.mark.parametrize("by_both", [0, 3])
def test_webhooks_that_did_not_bring_everything_before_cover_nothing(held, by_both):
    a_gap(held, by_both=by_both)
    webhook_since()

    assert gaps.cover() == []
    assert uncertain()


@pytest.mark.parametrize(("during", "covers"), [((), False), ((50, 100, 150), True), ((10, 20), False)])
def test_in_a_long_gap_webhooks_had_to_come_throughout(held, during, covers):
    a_gap(held, by_both=4, during=during, length=180)
    webhook_since()

    assert bool(gaps.cover()) is covers


def test_a_gap_without_a_webhook_in_it_waits_for_what_zoom_would_send_again(held, monkeypatch):
    a_gap(held, by_both=4)
    webhook_since()
    assert gaps.cover() == []

    monkeypatch.setattr(gaps, "RETRIED", timedelta(seconds=30))
    assert len(gaps.cover()) == 1


def test_each_transport_has_its_credit():
    by("websocket", 1, at(minutes=1))
    by("webhook", 1, at(minutes=2))
    by("webhook", 2, at(minutes=3))
    record([Incoming(b"no json", at(minutes=4), "webhook")])
    credit = {row.transport: (row.events, row.duplicates, row.rejected, row.last_at) for row in Source.objects.all()}

    assert credit == {"websocket": (1, 0, 0, at(minutes=1)), "webhook": (1, 1, 1, at(minutes=4))}


def test_what_had_waited_on_a_disk_makes_no_transport_older():
    by("websocket", 1, at(minutes=9))
    by("websocket", 2, at(minutes=2))

    assert Source.objects.get().last_at == at(minutes=9)


def test_an_event_knows_who_else_brought_it_and_how_often():
    by("websocket", 1, at(minutes=1))
    for transport in ("websocket", "webhook", "webhook"):
        by(transport, 1, at(minutes=2))
    record([Incoming(join("2"), at(minutes=3)), Incoming(join("2"), at(minutes=3), "webhook")])
    first, second = Event.objects.order_by("pk")

    assert (first.transport, first.also_by, first.duplicates) == ("websocket", "webhook", 3)
    assert (second.transport, second.also_by, second.duplicates) == ("websocket", "webhook", 1)


def test_another_order_of_members_is_the_same_event():
    record([Incoming(b'{"event":"a.b","event_ts":1,"payload":{"x":1,"y":"\\u00e9"}}', at(minutes=1))])
    record([Incoming('{"payload": {"y":"é","x":1}, "event_ts":1, "event":"a.b"}'.encode(), at(minutes=2), "webhook")])

    assert Event.objects.get().also_by == "webhook"
