"""Repair after a gap: the tables come to what the simulated Zoom knows, over its REST, and say so or say why not."""

import asyncio
import random
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.zoomfeed.conftest import APP, ask, subscription_to, until
from zoomfeed import attendance, gaps
from zoomfeed.database import Database
from zoomfeed.exceptions import LeaseLost
from zoomfeed.fold import Kind
from zoomfeed.models import Event, Feed, Gap, Leg, Meeting
from zoomfeed.oauth import Issuer
from zoomfeed.record import Incoming, record
from zoomfeed.repair import endpoints
from zoomfeed.repair.limiter import Label
from zoomfeed.repair.reconcile import Pace, Reconciler
from zoomfeed.simulator import bodies, people
from zoomfeed.simulator.bodies import WEBINAR, Run
from zoomfeed.simulator.day import generate
from zoomfeed.simulator.script import Script
from zoomfeed.simulator.server import SimulatedZoom, encode

pytestmark = pytest.mark.django_db(transaction=True)

RATES = dict.fromkeys(Label, (10_000, 1.0))
QUICK = Pace(settle_s=0.3, again_s=(0.2,), give_up_s=30, rates=RATES)
HOST = people.staff(1)[0]
REPORTS = {call.scope for call in endpoints.REPORTED_PARTICIPANTS.values()}


def moment(at):
    return None if at is None else datetime.fromtimestamp(at, UTC)


class Scene:
    """A story that ends now, a gap in it, and a Reconciler that was not woken yet."""

    def __init__(self, zoom, pace=QUICK):
        self.zoom, self.pace = zoom, pace
        self.now = int(time.time())
        self.gap = (self.now - 600, self.now - 60)
        self.database = Database()

    async def open(self):
        feed = await ask(lambda: Feed.objects.create(key="s", fence=1))
        self.held = (feed.pk, 1)
        self.reconciler = self.another()

    def another(self):
        subscription = replace(subscription_to(self.zoom), api_url=self.zoom.api_url)
        issuer = Issuer(subscription.oauth_url, APP.account_id, APP.client_id, APP.client_secret)
        return Reconciler(subscription, issuer, self.database, self.held, self.pace)

    async def tell(self, dispatches):
        """Zoom knows all that has arrived by now; we what did not arrive in the gap."""
        told = sorted(one for one in dispatches if one.at_ms <= self.now * 1000)
        for one in told:
            await self.zoom.send(one.body)
        heard = [one.body for one in told if not self.gap[0] * 1000 <= one.at_ms <= self.gap[1] * 1000]
        await ask(lambda: record([Incoming(body, datetime.now(UTC)) for body in heard]))
        await ask(lambda: gaps.add_gap(self.held, moment(self.gap[0]), moment(self.gap[1]), "a test"))

    @asynccontextmanager
    async def repairing(self):
        task = asyncio.create_task(self.reconciler.keep())
        self.reconciler.wake()
        try:
            yield task
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError, LeaseLost):
                await task

    async def repair(self):
        """Until no gap is left; returns what people are told."""
        async with self.repairing():
            await until(lambda: not gaps.unresolved(), 30)
        return (await ask(Gap.objects.get)).repaired

    async def try_to_repair(self):
        """Until people are told why it cannot be; returns that."""
        async with self.repairing():
            gap = await until(lambda: Gap.objects.exclude(repaired="").first(), 30)
        assert gap.repaired_at is None
        return gap.repaired


@pytest.fixture
async def scene():
    async with SimulatedZoom(APP) as zoom:
        scene = Scene(zoom)
        await scene.open()
        yield scene
        await scene.database.close()


class Story(Script):
    """One run, told in seconds before now."""

    def __init__(self, scene, uuid="aB+cEfGhIjKlMnOpQrStUw==", begins=1200, type_=bodies.SCHEDULED, until=0):
        self.now = scene.now
        run = Run(uuid, "123456789", "Topic", HOST, scene.now - begins, type_)
        super().__init__(run, random.Random(uuid), scene.now - until)
        self.start()

    def comes(self, name, ago, **ids):
        device = self.device(people.Person(name, **ids))
        self.join(device, self.now - ago)
        return device

    def leaves(self, device, ago):
        self.leave(device, self.now - ago)


def known_runs():
    """Our tables, in the words of the world."""
    return {meeting.uuid: (meeting.ended_at, legs_of(meeting)) for meeting in Meeting.objects.all()}


def legs_of(meeting):
    found = attendance.people(meeting.legs.all(), started_at=meeting.started_at, ended_at=meeting.ended_at)
    ends = {stay.leg_pk: stay.end for person in found for stay in person.stays}
    return {
        (leg.user_id, leg.place, leg.room): (leg.joined_at, ends[leg.pk])
        for leg in meeting.legs.exclude(place="before_host")
    }


def true_runs(zoom):
    """What the simulated Zoom knows."""
    return {
        run.uuid: (
            moment(run.ended_at),
            {(leg.user_id, leg.place, leg.room): (moment(leg.joined_at), moment(run.left_at(leg))) for leg in run.legs},
        )
        for run in zoom.world.runs()
    }


def present():
    """Who is where now: uuid -> names and places."""
    found = {}
    for meeting in Meeting.objects.live():
        of = attendance.people(meeting.legs.all(), started_at=meeting.started_at, ended_at=meeting.ended_at)
        found[meeting.uuid] = sorted((person.name, person.place) for person in of if person.place)
    return found


def texts():
    return list(Gap.objects.values_list("repaired", flat=True))


# What is mended


async def test_all_that_can_happen_in_a_gap_is_mended(scene):
    story = Story(scene)
    story.comes("Stays", 1100)
    leaves, moves, back = story.comes("Leaves", 1100), story.comes("Moves", 1100), story.comes("Back", 1100)
    waits, admitted = story.device(people.Person("Waits")), story.device(people.Person("Admitted"))
    story.wait(admitted, scene.now - 1000)
    story.comes("Comes", 400)
    passes = story.comes("Passes", 400)
    story.leaves(passes, 200)
    story.leaves(leaves, 300)
    story.enter_room(moves, scene.now - 300, "room-1", keeps_main_leg=False)
    story.enter_room(back, scene.now - 700, "room-1", keeps_main_leg=False)
    story.return_from_room(back, scene.now - 300)
    story.wait(waits, scene.now - 300)
    story.admit(admitted, scene.now - 300)
    await scene.tell(story.dispatches)
    text = await scene.repair()
    assert await ask(known_runs) == true_runs(scene.zoom)
    assert (await ask(present))[story.run.uuid] == [
        ("Admitted", "meeting"),
        ("Back", "meeting"),
        ("Comes", "meeting"),
        ("Moves", "breakout_room"),
        ("Stays", "meeting"),
        ("Waits", "waiting_room"),
    ]
    assert text.startswith("Compared with Zoom's dashboard at ")
    assert "1 meeting, 6 people" in text


async def test_runs_that_began_and_ended_in_a_gap_are_found(scene):
    stories = [
        Story(scene, "begins==", 400),
        Story(scene, "ends==", 1200, until=300),
        Story(scene, "both==", 400, until=200),
        Story(scene, "webinar==", 400, WEBINAR, until=200),
    ]
    for story in stories:
        for name in ("One", "Two"):
            story.comes(name, min(scene.now - story.run.starts_at, 1100))
        if story.run.uuid != "begins==":
            story.end()
    await scene.tell([one for story in stories for one in story.dispatches])
    text = await scene.repair()
    assert await ask(known_runs) == true_runs(scene.zoom)
    assert "3 meetings had ended" in text
    assert (await ask(lambda: Meeting.objects.get(uuid="webinar=="))).kind == "webinar"
    assert not await ask(lambda: Meeting.objects.exclude(uncertain_since=None).exists())


async def test_a_webinar_that_ended_just_before_the_gap_and_whose_notice_came_within_it_is_over(scene):
    story = Story(scene, "webinar==", 1200, bodies.WEBINAR, until=603)
    story.comes("Before", 1100)
    story.end()
    held_back = [one for one in story.dispatches if b"webinar.ended" in one.body]
    for one in held_back:
        story.dispatches.remove(one)
    await scene.tell(story.dispatches)
    for one in held_back:
        await scene.zoom.send(one.body)
    await scene.repair()

    assert await ask(lambda: Meeting.objects.get().ended_at) == moment(scene.now - 603)


@pytest.mark.parametrize("lists_left", [True, False])
@pytest.mark.parametrize("seed", [1, 2])
async def test_a_gap_in_a_day_like_others_is_mended(scene, seed, lists_left):
    scene.zoom.rest.lists_left = lists_left
    scene.gap = (scene.now - 3600, scene.now - 300)
    day = generate(seed, moment(scene.now - 3 * 3600), meetings=14, hours=2.7)
    await scene.tell(day.dispatches)
    await scene.repair()
    known, true = await ask(known_runs), true_runs(scene.zoom)
    assert known.keys() == true.keys()
    for uuid, (ended_at, legs) in true.items():
        # what is hours late and lost, of a run that was over before the gap, nobody can know to be missing
        if lists_left and (ended_at is None or ended_at > moment(scene.gap[0])):
            assert known[uuid] == (ended_at, legs)
        there = {key for key, (_, left_at) in legs.items() if left_at is None}
        assert {key for key, (_, left_at) in known[uuid][1].items() if left_at is None} == there


async def test_a_gap_of_many_pages_is_mended(scene):
    story = Story(scene)
    for number in range(1200):
        story.comes(f"Guest {number}", 1100 if number % 2 else 400)
    await scene.tell(story.dispatches)
    assert await ask(lambda: Meeting.objects.get().present) == 600
    await scene.repair()
    assert await ask(lambda: Meeting.objects.get().present) == 1200
    assert await ask(known_runs) == true_runs(scene.zoom)


async def test_where_the_counts_differ_it_asks_first(scene):
    stories = [Story(scene, f"{letter}B+cEfGhIjKlMnOpQrStUw==") for letter in "defghi"]
    for story in stories:
        story.comes("Before", 1100)
    stories[2].comes("Within", 400)
    await scene.tell(sorted(one for story in stories for one in story.dispatches))
    await scene.repair()
    asked = [path for path, _ in scene.zoom.rest.requests if path.endswith("/participants")]

    assert len(asked) >= 6
    assert "fB" in asked[0]


@pytest.mark.parametrize("uuid", ["/begins/with/one==", "has//two/inside=="])
async def test_a_uuid_with_slashes_is_mended(scene, uuid):
    live, over = Story(scene, uuid, 1200), Story(scene, uuid[:-2] + "x=", 1200, until=300)
    for story in (live, over):
        story.comes("Before", 1100)
        story.comes("Within", 400)
    over.end()
    await scene.tell(live.dispatches + over.dispatches)
    await scene.repair()
    assert await ask(known_runs) == true_runs(scene.zoom)


async def test_what_was_late_when_the_gap_began_is_mended(scene):
    """The run was over before the gap, but its last events and its end came within it."""
    story = Story(scene, until=650)
    story.comes("Before", 1100)
    await scene.tell(story.dispatches)
    told = len(story.dispatches)
    story.comes("Late", 700)
    story.end()
    for one in story.dispatches[told:]:
        await scene.zoom.send(one.body)
    await scene.repair()
    assert await ask(known_runs) == true_runs(scene.zoom)


async def test_a_meeting_of_one_person_is_certain_though_zoom_reports_nobody(scene):
    story = Story(scene, until=300)
    story.comes("Alone", 1100)
    story.end()
    await scene.tell(story.dispatches)
    assert "1 meeting had ended" in await scene.repair()
    assert await ask(known_runs) == true_runs(scene.zoom)


# What is behind, and what is newer


async def test_the_first_pass_mends_at_once_and_makes_nothing_certain(scene):
    scene.pace = replace(QUICK, settle_s=30)
    scene.reconciler = scene.another()
    story = Story(scene)
    story.comes("Before", 1100)
    story.comes("Within", 400)
    await scene.tell(story.dispatches)
    async with scene.repairing():
        await until(lambda: scene.reconciler.last_at)
    meeting = await ask(Meeting.objects.get)
    assert (meeting.present, meeting.checked_at, meeting.uncertain_since) == (2, None, moment(scene.gap[0]))
    assert await ask(texts) == [""]


async def test_a_run_too_new_for_the_list_is_not_asked_for_its_end(scene):
    scene.pace = replace(QUICK, settle_s=30)
    scene.reconciler = scene.another()
    await scene.tell([])
    new, old = Story(scene, "new==", 5), Story(scene, "old==", 500)
    await ask(lambda: record([Incoming(one.body, datetime.now(UTC)) for one in new.dispatches + old.dispatches]))
    async with scene.repairing():
        await until(lambda: scene.reconciler.last_at)
    assert [path for path, _ in scene.zoom.rest.requests if "past" in path] == ["/past_meetings/old%3D%3D"]


async def test_dashboards_that_are_behind_are_asked_again_before_anything_is_certain(scene):
    scene.pace = replace(QUICK, settle_s=1.5)
    scene.reconciler = scene.another()
    scene.zoom.rest.lag_s = 1.0
    scene.gap = (scene.now - 600, scene.now)
    story = Story(scene)
    leaves = story.comes("Leaves", 1100)
    story.comes("Comes", 400)
    story.leaves(leaves, 300)
    await scene.tell(story.dispatches)
    async with scene.repairing():
        await until(lambda: scene.reconciler.last_at)
        assert await ask(lambda: Meeting.objects.get().uncertain_since) == moment(scene.gap[0])
        await until(lambda: not gaps.unresolved())
    assert await ask(known_runs) == true_runs(scene.zoom)
    checked_at = await ask(lambda: Meeting.objects.get().checked_at)
    assert checked_at >= moment(scene.now) + timedelta(seconds=1.5)


async def test_who_came_just_now_is_not_thrown_out_by_an_answer_that_is_behind(scene):
    scene.pace = replace(QUICK, settle_s=30)
    scene.reconciler = scene.another()
    story = Story(scene)
    story.comes("Before", 1100)
    await scene.tell(story.dispatches)
    told = len(story.dispatches)
    story.comes("Just now", 5)
    story.comes("Long ago, and Zoom knows nothing of it", 100)
    await ask(lambda: record([Incoming(one.body, datetime.now(UTC)) for one in story.dispatches[told:]]))
    async with scene.repairing():
        await until(lambda: scene.reconciler.last_at)
    assert (await ask(present))[story.run.uuid] == [("Before", "meeting"), ("Just now", "meeting")]


@pytest.mark.parametrize("first", ["event", "answer"])
async def test_a_newer_event_wins_whatever_the_order(scene, first):
    story = Story(scene)
    stays = story.comes("Stays", 1100)
    newer = bodies.left(story.run, stays.leg, scene.now + 5, "left", random.Random(1))
    body = encode({**newer, "event_ts": (scene.now + 6) * 1000})
    await scene.tell(story.dispatches)
    if first == "event":
        await ask(lambda: record([Incoming(body, datetime.now(UTC))]))
    await scene.repair()
    if first == "answer":
        assert await ask(lambda: Meeting.objects.get().present) == 1
        await ask(lambda: record([Incoming(body, datetime.now(UTC))]))
    leg = await ask(Leg.objects.get)
    assert leg.left_at == moment(scene.now + 5)
    assert await ask(lambda: Meeting.objects.get().present) == 0


# What is not allowed


async def test_without_dashboards_ends_are_confirmed_and_reports_tell_the_rest(scene):
    scene.zoom.rest.plan = "pro"
    live, over = Story(scene, "live==", 1200), Story(scene, "over==", 1200, until=300)
    for story in (live, over):
        story.comes("Before", 1100)
        story.comes("Within", 400)
    over.end()
    await scene.tell(live.dispatches + over.dispatches)
    text = await scene.try_to_repair()
    assert "1 meeting is uncertain still" in text
    assert "dashboard:read:list_meetings:admin" in text
    known = await ask(known_runs)
    assert known["over=="] == true_runs(scene.zoom)["over=="]
    assert known["live=="][0] is None
    assert (scene.reconciler.means, scene.reconciler.left) == ("per host", 0)


async def test_without_dashboards_a_gap_is_mended_when_its_last_meeting_has_ended(scene):
    scene.zoom.rest.plan = "pro"
    story = Story(scene)
    story.comes("Before", 1100)
    story.comes("Within", 400)
    await scene.tell(story.dispatches)
    async with scene.repairing():
        await until(lambda: any(texts()))
        told = len(story.dispatches)
        story.until = scene.now
        story.end()
        for one in story.dispatches[told:]:
            await scene.zoom.send(one.body)
        await until(lambda: not gaps.unresolved())
    assert await ask(known_runs) == true_runs(scene.zoom)
    assert "cannot be seen" in (await ask(texts))[0]


async def test_without_any_means_it_is_said_plainly_and_asked_once(scene):
    scene.zoom.rest.plan = "free"
    story = Story(scene)
    story.comes("Before", 1100)
    story.end()
    await scene.tell(story.dispatches[:2])
    await ask(lambda: Meeting.objects.update(started_at=moment(scene.now - 1200)))
    scene.zoom.world.hear(story.dispatches[-1].body)
    text = await scene.try_to_repair()
    assert text.startswith("Not repaired. Zoom does not allow it")
    assert "Business" in text
    assert scene.reconciler.means == "nothing"
    asked = len(scene.zoom.rest.requests)
    await asyncio.sleep(0.5)
    assert len(scene.zoom.rest.requests) == asked
    assert await ask(lambda: Meeting.objects.get().uncertain_since)


async def test_a_missing_scope_is_named(scene):
    scene.zoom.rest.scopes = {endpoints.LIVE[Kind.MEETING].scope}
    story = Story(scene)
    story.comes("Before", 1100)
    await scene.tell(story.dispatches)
    assert "dashboard:read:list_meeting_participants:admin" in await scene.try_to_repair()
    assert scene.reconciler.means == "dashboards"


async def test_an_account_without_webinars_is_mended_all_the_same(scene):
    calls = (endpoints.LIVE, endpoints.LIVE_PARTICIPANTS, endpoints.REPORTED_PARTICIPANTS)
    scene.zoom.rest.scopes = {call[Kind.MEETING].scope for call in calls}
    story = Story(scene)
    story.comes("Before", 1100)
    story.comes("Within", 400)
    await scene.tell(story.dispatches)
    await scene.repair()
    assert await ask(known_runs) == true_runs(scene.zoom)
    assert "list_webinars" in scene.reconciler.reason


async def test_without_dashboards_other_meetings_of_known_hosts_are_found(scene):
    scene.zoom.rest.plan = "pro"
    known, new = Story(scene, "known==", 1200), Story(scene, "new==", 400)
    for story in (known, new):
        story.comes("One", 300)
    await scene.tell(known.dispatches + new.dispatches)
    await scene.try_to_repair()
    found = await ask(lambda: Meeting.objects.get(uuid="new=="))
    assert (found.topic, found.host_id, found.started_at) == ("Topic", HOST.zoom_id, None)


async def test_an_app_that_zoom_refuses_is_said(scene):
    scene.zoom.faults.tokens = "401"
    await scene.tell([])
    assert "ZOOM_CLIENT_SECRET" in await scene.try_to_repair()


# Weather and limits


@pytest.mark.parametrize("fault", ["401", "500", "empty"])
async def test_repair_goes_on_when_the_weather_is_better(scene, fault):
    story = Story(scene)
    story.comes("Before", 1100)
    story.comes("Within", 400)
    await scene.tell(story.dispatches)
    scene.zoom.faults.rest = fault
    async with scene.repairing():
        assert "Not repaired yet" in (await until(texts_that_say_something, 20))[0]
        assert scene.reconciler.left
        scene.zoom.faults.rest = ""
        await until(lambda: not gaps.unresolved(), 20)
    assert await ask(known_runs) == true_runs(scene.zoom)


def texts_that_say_something():
    return [text for text in texts() if text]


async def test_a_second_of_too_many_calls_delays_and_costs_nothing(scene):
    per_second = b'{"code":429,"message":"You have reached the maximum per-second rate limit for this API."}'
    story = Story(scene)
    story.comes("Before", 1100)
    story.comes("Within", 400)
    await scene.tell(story.dispatches)
    scene.zoom.rest.fail_next = [(429, {}, per_second)]
    await scene.repair()
    assert await ask(known_runs) == true_runs(scene.zoom)


async def test_the_limits_of_an_account_are_kept(scene):
    scene.zoom.rest.enforce_limits = True
    scene.pace = replace(QUICK, rates=Pace().rates)
    scene.reconciler = scene.another()
    stories = [Story(scene, f"{number:04}==", 1200) for number in range(8)]
    for story in stories:
        story.comes("Before", 1100)
        story.comes("Within", 400)
    await scene.tell([one for story in stories for one in story.dispatches])
    await scene.repair()
    assert await ask(known_runs) == true_runs(scene.zoom)


async def test_a_limit_of_a_day_is_kept_over_a_restart(scene):
    per_day = b'{"code":429,"message":"You have reached the maximum daily rate limit for this API."}'
    scene.zoom.rest.fail_next = [(429, {"Retry-After": "7200"}, per_day)]
    await scene.tell([])
    assert "daily" not in await scene.try_to_repair()
    kept = (await ask(Feed.objects.get)).rest
    assert kept["blocked_until"]["RESOURCE-INTENSIVE"] > time.time() + 7000
    scene.zoom.rest.requests.clear()
    scene.reconciler = scene.another()
    async with scene.repairing():
        await until(lambda: scene.reconciler.last_at)
    assert scene.zoom.rest.requests == []


async def test_what_zoom_has_not_counted_yet_is_asked_for_again(scene):
    scene.zoom.rest.too_early_s = 1.0
    story = Story(scene, until=300)
    story.comes("Before", 1100)
    story.comes("Within", 400)
    story.end()
    await scene.tell(story.dispatches)
    await scene.repair()
    assert await ask(known_runs) == true_runs(scene.zoom)


async def test_after_a_day_it_is_given_up_and_said(scene):
    scene.pace = replace(QUICK, again_s=(0.1,), give_up_s=0.2, look_s=0.1)
    scene.reconciler = scene.another()
    scene.zoom.faults.rest = "500"
    await scene.tell([])
    async with scene.repairing():
        await until(lambda: [text for text in texts() if "Given up" in text])
        asked = len(scene.zoom.rest.requests)
        await asyncio.sleep(0.5)
        assert len(scene.zoom.rest.requests) == asked


async def test_renewals_do_not_keep_an_old_gap_young(scene):
    scene.pace = replace(QUICK, again_s=(5,), give_up_s=62)  # the gap ended a minute ago
    scene.reconciler = scene.another()
    scene.zoom.faults.rest = "500"
    await scene.tell([])
    async with scene.repairing():
        await until(lambda: scene.reconciler._is_first is False)
        while not [text for text in await ask(texts) if "Given up" in text]:
            scene.reconciler.wake()
            await asyncio.sleep(0.3)
        asked = len(scene.zoom.rest.requests)
        scene.reconciler.wake()
        await asyncio.sleep(0.3)
        assert len(scene.zoom.rest.requests) == asked


# How it lives


async def test_a_first_start_finds_what_is_on(scene):
    story = Story(scene)
    story.comes("One", 1100)
    for one in story.dispatches:
        await scene.zoom.send(one.body)
    async with scene.repairing():
        await until(lambda: Meeting.objects.filter(checked_at__isnull=False).exists())
    assert await ask(known_runs) == true_runs(scene.zoom)
    assert (await ask(Meeting.objects.get)).topic == "Topic"
    said = (await ask(Feed.objects.get)).rest
    assert (said["means"], said["reason"], said["left"]) == ("dashboards", "", 0)


async def test_a_renewal_without_a_gap_asks_nothing(scene):
    async with scene.repairing():
        await until(lambda: scene.reconciler._is_first is False)
        asked = len(scene.zoom.rest.requests)
        scene.reconciler.wake()
        await asyncio.sleep(0.3)
        assert len(scene.zoom.rest.requests) == asked


async def test_mending_twice_changes_nothing(scene):
    story = Story(scene)
    story.comes("Before", 1100)
    story.comes("Within", 400)
    await scene.tell(story.dispatches)
    await scene.repair()
    before = await ask(known_runs)
    scene.reconciler = scene.another()
    async with scene.repairing():
        await until(lambda: scene.reconciler._is_first is False)
    assert await ask(known_runs) == before


async def test_a_holder_that_lost_its_lease_stops(scene):
    story = Story(scene)
    story.comes("Before", 1100)
    await scene.tell(story.dispatches)
    await ask(lambda: Feed.objects.update(fence=2))
    async with scene.repairing() as task:
        with pytest.raises(LeaseLost):
            await asyncio.wait_for(task, 10)


async def test_it_can_be_stopped_in_the_middle_of_a_call(scene):
    scene.zoom.rest.delay_s = 0.5
    await scene.tell([])
    async with scene.repairing():
        await asyncio.sleep(0.2)
    assert await ask(lambda: Event.objects.filter(transport="rest").count()) == 0


async def test_a_defect_ends_neither_repair_nor_feed(scene, monkeypatch, caplog):
    scene.pace = replace(QUICK, look_s=0.1)
    scene.reconciler = scene.another()
    story = Story(scene)
    story.comes("Before", 1100)
    await scene.tell(story.dispatches)
    with monkeypatch.context() as patched:
        patched.setattr("zoomfeed.repair.known.runs", lambda: 1 / 0)
        async with scene.repairing():
            await until(lambda: "repair failed" in caplog.text)
            patched.undo()
            await until(lambda: not gaps.unresolved())
