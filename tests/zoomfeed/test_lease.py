"""The lease: one holder, by the database's clock."""

from datetime import timedelta

import pytest

from zoomfeed import lease
from zoomfeed.exceptions import LeaseLost
from zoomfeed.models import Feed, FeedState

pytestmark = pytest.mark.django_db


def acquire(holder):
    return lease.acquire("subscription", holder, simulated=False)


def test_one_holds_it_and_the_others_wait():
    assert acquire("a")
    assert acquire("b") is None


def test_who_lost_it_may_not_renew_it():
    held = acquire("a")
    Feed.objects.update(lease_until=lease.now() - timedelta(seconds=1))
    assert acquire("b")

    with pytest.raises(LeaseLost):
        lease.renew(*held)


def test_the_fence_grows_with_every_holder():
    _, first = acquire("a")
    Feed.objects.update(lease_until=lease.now() - timedelta(seconds=1))
    _, second = acquire("b")

    assert second > first


def test_given_back_it_is_free_at_once():
    lease.release(*acquire("a"))

    assert Feed.objects.get().state == FeedState.STOPPED
    assert acquire("b")


def test_only_the_holder_can_give_it_back():
    pk, fence = acquire("a")
    lease.release(pk, fence - 1)

    assert acquire("b") is None


def test_renewing_moves_the_end():
    held = acquire("a")
    Feed.objects.update(lease_until=lease.now() + timedelta(seconds=1))
    lease.renew(*held)

    assert Feed.objects.get().lease_until > lease.now() + timedelta(seconds=10)


def test_seizing_a_lease_fences_its_holder():
    held = lease.acquire("subscription", "first:1", simulated=True)
    seized = lease.seize("subscription", "second:2", simulated=True)

    assert seized == (held[0], held[1] + 1)
    with pytest.raises(LeaseLost):
        lease.renew(*held)
    lease.renew(*seized)


def test_a_lease_that_nobody_ever_had_can_be_seized():
    assert lease.seize("subscription", "first:1", simulated=True)[1] == 1


def test_the_lease_of_a_holder_that_is_known_to_be_dead_is_free():
    lease.acquire("subscription", "host:1:aa", simulated=True)

    assert lease.acquire("subscription", "host:2:bb", simulated=True, gone="cc") is None
    assert lease.acquire("subscription", "host:2:bb", simulated=True, gone="aa")[1] == 2
