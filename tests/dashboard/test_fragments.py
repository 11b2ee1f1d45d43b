"""A page that was told what changed shows what a page shows that asks. The test of tests, without a browser."""

import json
import re
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
import time_machine
from django.utils import timezone
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from dashboard import board, filters, fragments, people
from dashboard.board import AHEAD, HOUR
from dashboard.filters import PAGE_ROWS
from dashboard.fragments import LOG_LENGTH, MOST, Changes, TooMuch, changes
from dashboard.fragments.board import CLOCK
from tests.dashboard.pages import Page, root_id
from tests.dashboard.test_board import after, crowd, ended, into, out_of, participant, planned, started, waits
from tests.sequences import all_bodies, sequence
from tests.zoomfeed.test_record import event, forget
from zoomfeed.models import Event, Feed, Head, Leg, Meeting
from zoomfeed.record import Incoming, record
from zoomfeed.viewer import EVERYTHING

pytestmark = pytest.mark.django_db

START = datetime(2026, 4, 3, 17, tzinfo=UTC)
EXAMPLES = 6
"""Histories for each stream. Forty times as many found no more."""

RUN = "run-1=="
RUNS = ("a==", "b==", "c==", "d==")


def said(*bodies):
    """Zoom says this now."""
    record([Incoming(body, timezone.now()) for body in bodies])


def revision():
    return Head.objects.get_or_create(pk=1)[0].revision


# Histories. An act is a few small numbers, so that a failure shrinks to what matters.

KINDS = """
    started ended participant_joined participant_left participant_joined_waiting_room participant_admitted
    participant_left_waiting_room participant_joined_breakout_room participant_left_breakout_room
    participant_jbh_waiting participant_jbh_waiting_left participant_role_changed sharing_started sharing_ended
    created chat_message_sent recording recorded
""".split()  # noqa: SIM905

acts = st.tuples(
    st.sampled_from(KINDS),
    st.sampled_from(RUNS),  # the meeting
    st.integers(0, 2),  # the person
    st.integers(0, 1),  # the device
    st.integers(0, 3),  # what Zoom says of who it is: the device, the person, both or neither
    st.sampled_from([0, 0, 0, 30, 900, 7200]),  # how late it comes
)
histories = st.lists(
    st.tuples(st.lists(acts, min_size=1, max_size=6), st.sampled_from([1, 1, 60, 1200, 90_000])),
    min_size=2,
    max_size=8,
)


def body(act, number, now):
    """What Zoom sends of an act. `number` makes every body another."""
    what, run, person, device, identity, late_s = act
    at = now - timedelta(seconds=late_s)
    iso = at.isoformat()
    who = {"user_name": f"P{person}", "email": f"p{person}@example.org" if person else ""}
    if "jbh" not in what:
        who["user_id"] = f"{person}{device}"
    if identity & 1:
        who["participant_uuid"] = f"DEVICE-{person}{device}"
    if identity & 2:
        who["participant_user_id"] = f"PERSON-{person}"
    times = {"join_time": iso} if "joined" in what else {"leave_time": iso} if "left" in what else {}
    times = {"date_time": iso} if "wait" in what or "admitted" in what else times
    of_number = RUNS.index(run) // 2  # two runs each
    about = {"uuid": run, "id": f"9{of_number:010d}", "topic": f"Topic {run}", "host_id": "PERSON-1"}
    if what == "started":
        about["start_time"] = iso
    elif what == "ended":
        about["end_time"] = iso
    elif "participant" in what or "sharing" in what:
        about["participant"] = {**who, **times, "new_role": "co-host", "leave_reason": "Reason : had to go"}
    if "breakout" in what:
        about["breakout_room_uuid"] = "ROOM"
    name = {"recording": "recording.started", "recorded": "recording.completed"}.get(what, f"meeting.{what}")
    stamp = int(at.timestamp() * 1000) + number % 1000
    return json.dumps({"event": name, "event_ts": stamp, "n": number, "payload": {"object": about}}).encode()


class Site:
    """Pages of a site on which things happen, under a clock that goes when it is told to."""

    def __init__(self, client, clock):
        self.client = client
        self.clock = clock
        self.numbers = count(1)
        self.kept = []

    def happens(self, acts, then_s=1):
        now = timezone.now()
        batch = [Incoming(body(act, next(self.numbers), now), now) for act in acts]
        noise = event("meeting.started", next(self.numbers), uuid="elsewhere==", id="999", topic="Elsewhere")
        record([*batch, Incoming(noise, now)])
        self.clock.shift(then_s)

    def paint(self, path):
        board._days.clear()
        answer = self.client.get(path)
        assert answer.status_code == 200
        return Page(answer.content.decode())

    def tell(self, page, stream, since):
        board._days.clear()
        page.apply(changes(EVERYTHING, stream, since))
        page.put(fragments.by_the_clock(EVERYTHING, stream))

    def history(self, batches, path, stream):
        """A page follows step by step; others, painted on the way, catch up at the end in one leap."""
        self.happens([("started", run, 0, 0, 0, 0) for run in RUNS])
        path, stream = self.named(path), self.named(stream)
        follower, waiting = self.paint(path), []
        since = first = revision()
        before = follower.shows
        for acts, then_s in batches:
            if len(waiting) < 2:
                waiting.append(self.paint(path))
            self.happens(acts, then_s)
            self.tell(follower, stream, since)
            since = revision()
            assert follower.shows == self.paint(path).shows
        fresh = self.paint(path)
        for page in waiting:
            self.tell(page, stream, page.revision)
            assert page.shows == fresh.shows
        assert since >= first + len(batches)
        return fresh.shows != before

    def named(self, text):
        return text.format(pk=Meeting.objects.get(uuid=RUNS[0]).pk)


@pytest.fixture
def site(viewer, monkeypatch):
    """Lists are short there, so that a few events overflow them."""
    monkeypatch.setattr(board, "ENDED", 2)
    monkeypatch.setattr(fragments.items, "LOG_LENGTH", 5)
    monkeypatch.setattr(people, "PAGE", 3)
    monkeypatch.setattr(people, "SEEN", 2)
    with time_machine.travel(START, tick=False) as clock:
        yield Site(viewer, clock)
    board._days.clear()


STREAMS = [
    ("/", "board"),
    ("/meetings/{pk}/", "meeting:{pk}"),
    ("/meetings/{pk}/?rows=all", "meeting:{pk}?rows=all"),
    ("/meetings/{pk}/?q=p1", "meeting:{pk}?q=p1"),
    ("/events/", "events:"),
    ("/events/?name=meeting.participant_joined", "events:name=meeting.participant_joined"),
    ("/events/?q=p1", "events:q=p1"),
    ("/people/", "people:"),
    ("/people/?page=2", "people:page=2"),
    ("/people/?q=p", "people:q=p"),
    ("/people/?q=P1+EXAMPLE", "people:q=P1+EXAMPLE"),
]


@pytest.mark.parametrize(("path", "stream"), STREAMS)
def test_a_page_that_is_told_shows_what_a_page_shows_that_asks(site, monkeypatch, path, stream):
    monkeypatch.setattr(filters, "PAGE_ROWS", 2)
    something_changed = []

    @settings(max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate])
    @given(histories)
    def check(batches):
        forget()
        site.clock.move_to(START)
        something_changed.append(site.history(batches, path, stream))

    check()
    assert any(something_changed)


# By name


def test_a_leg_known_by_its_leave_that_joins_after_it_moves_the_axis(told):
    said(started(RUN), into(RUN, "1", 0, user_name="P1"), out_of(RUN, "2", -1200, user_name="P2"))
    told(path_of(), stream_of(), into(RUN, "2", 60, user_name="P2"))


def test_a_leave_that_comes_after_the_end_leaves_the_axis_where_it_was(told):
    said(started(RUN), into(RUN, "1", 0, user_name="P1"), into(RUN, "2", 0, user_name="P2"), out_of(RUN, "2", 60))
    said(ended(RUN, 1800))
    told(path_of(), stream_of(), out_of(RUN, "1", 120, user_name="P1"))


@pytest.fixture
def few(monkeypatch):
    """Pages that show the first two of each section."""
    monkeypatch.setattr(filters, "PAGE_ROWS", 2)


def shown(page, section):
    return [re.search("<bdi>(.+?)</bdi>", html)[1] for html in page.lists[section].values()]


def joining(count, at_s=0):
    return [into(RUN, str(number), at_s + number, user_name=f"P{number}") for number in range(count)]


def test_who_is_out_of_sight_is_counted(told, few):
    said(started(RUN), *joining(3))
    page = told(path_of(), stream_of(), into(RUN, "9", 60, user_name="Late"))

    assert shown(page, "present") == ["P0", "P1"]
    assert ">4</span>" in page.items["present_count"]
    assert "The first 2 of 4 are shown" in page.items["present_more"]


def test_who_stood_next_moves_up_into_sight(told, few):
    said(started(RUN), *joining(5))
    page = told(path_of(), stream_of(), out_of(RUN, "0", 60), out_of(RUN, "1", 61))

    assert shown(page, "present") == ["P2", "P3"]
    assert shown(page, "left") == ["P1", "P0"]


def test_who_leaves_out_of_sight_comes_into_sight_of_those_who_left(told, few):
    said(started(RUN), *joining(5))
    page = told(path_of(), stream_of(), *(out_of(RUN, str(number), 60 + number) for number in (2, 3, 4)))

    assert shown(page, "present") == ["P0", "P1"]
    assert shown(page, "left") == ["P4", "P3"]
    assert "The first 2 of 3 are shown" in page.items["left_more"]


def test_who_comes_first_pushes_the_last_out_of_sight(told, few):
    said(started(RUN), *joining(2, at_s=60))
    page = told(path_of(), stream_of(), into(RUN, "9", 30, user_name="Early"))

    assert shown(page, "present") == ["Early", "P0"]


def test_who_is_searched_for_comes_and_goes(told):
    said(started(RUN), into(RUN, "1", 0, user_name="Jill"), into(RUN, "2", 1, user_name="Bob"))
    query = "q=jill"
    page = told(f"{path_of()}?{query}", f"{stream_of()}?{query}", into(RUN, "3", 2, user_name="JILL Chill"))
    assert shown(page, "present") == ["Jill", "JILL Chill"]
    assert "2 of 3" in page.items["present_count"]

    page = told(f"{path_of()}?{query}", f"{stream_of()}?{query}", out_of(RUN, "3", 70))
    assert (shown(page, "present"), shown(page, "left")) == (["Jill"], ["JILL Chill"])


def test_a_later_run_of_the_number_is_told(told):
    said(started(RUN, id="777"))
    page = told(path_of(), stream_of(), started("next==", 3600, id="777"))

    assert f'href="{path_of("next==")}"' in page.items["runs"]


def test_a_recording_is_told_when_it_comes(told):
    said(started(RUN), ended(RUN, 60))
    page = told(path_of(), stream_of(), event("recording.completed", 90, uuid=RUN, share_url="https://zoom.test/rec/1"))

    assert 'href="https://zoom.test/rec/1" rel="noopener noreferrer"' in page.items["recording"]


@pytest.fixture
def told(site):
    """Paint a page, let something happen, tell the page, and see that it shows what a fresh one shows."""

    def told(path, stream, *bodies):
        page = site.paint(path)
        before = page.shows
        site.clock.shift(1)
        said(*bodies)
        site.tell(page, stream, page.revision)
        assert page.shows == site.paint(path).shows
        assert page.shows != before
        return page

    return told


def path_of(uuid=RUN):
    return f"/meetings/{pk_of(uuid)}/"


def stream_of(uuid=RUN):
    return f"meeting:{pk_of(uuid)}"


def pk_of(uuid):
    return Meeting.objects.get(uuid=uuid).pk


def test_a_meeting_that_ends_moves_to_those_that_ended(told):
    said(started("a"), started("b"))
    page = told("/", "board", ended("a", 60))

    assert list(page.lists["meetings"]) == [f"m-{pk_of('b')}"]
    assert list(page.lists["ended"]) == [f"x-{pk_of('a')}"]


def test_a_meeting_that_goes_on_moves_back(told):
    said(started("a"), ended("a", 60))
    page = told("/", "board", into("a", "1", 120))

    assert list(page.lists["meetings"]) == [f"m-{pk_of('a')}"]
    assert not page.lists["ended"]


def test_what_ended_first_falls_off_the_list(told):
    said(*(ended(f"run-{number}", number) for number in range(3)), started("a"))
    page = told("/", "board", ended("a", 60))

    assert list(page.lists["ended"]) == [f"x-{pk_of('a')}", f"x-{pk_of('run-2')}"]


def test_the_list_fills_up_again_when_an_ended_meeting_goes_on(told):
    said(*(ended(f"run-{number}", number) for number in range(4)))
    page = told("/", "board", into("run-3", "1", 120))

    assert list(page.lists["ended"]) == [f"x-{pk_of('run-2')}", f"x-{pk_of('run-1')}"]


def test_what_is_planned_or_called_off_is_told_without_a_meeting(told):
    page = told("/", "board", planned("9", START + HOUR))
    assert "Plan 9" in page.items["upcoming"]

    page = told("/", "board", event("meeting.deleted", 9, id="9"))
    assert "Plan 9" not in page.items["upcoming"]


def test_what_has_begun_is_no_longer_to_come(told):
    said(planned("9", START + HOUR))
    page = told("/", "board", started("a", int((START - after(0)).total_seconds()) + 3600, id="9"))

    assert "Plan 9" not in page.items["upcoming"]


def test_what_is_to_come_comes_and_goes_with_time_alone(site):
    said(planned("9", START + AHEAD + HOUR))
    page = site.paint("/")
    assert "Plan 9" not in page.items["upcoming"]

    for hours, is_listed in [(2, True), (11, True), (1, False)]:
        site.clock.shift(hours * HOUR)
        site.tell(page, "board", page.revision)
        assert ("Plan 9" in page.items["upcoming"]) == is_listed
        assert page.items["upcoming"] == site.paint("/").items["upcoming"]


def test_who_connects_zoom_is_no_longer_asked_to(site):
    page = site.paint("/")
    assert "Connect your Zoom account" in page.items["first_run"]
    assert " hidden" not in page.items["first_run"]

    Feed.objects.create(key="s")
    site.tell(page, "board", page.revision)
    assert page.items["first_run"].startswith('<section class="panel empty" id="first_run" hidden>')


def test_a_card_is_painted_again_when_somebody_is_called_otherwise(told):
    said(into("a", "1", user_name="Jill"), into("a", "2", user_name="Bob"))
    page = told("/", "board", into("a", "1", 60, user_name="Jill Chill"))

    assert "jill chill" in page.lists["meetings"][f"m-{pk_of('a')}"]


def test_two_legs_that_turn_out_to_be_one_person_become_one_row(told):
    said(into(RUN, "1", user_name="Jill", participant_user_id="J"), into(RUN, "2", 1, user_name="Phone"))
    first, second = Leg.objects.order_by("pk")
    page = told(path_of(), stream_of(), into(RUN, "2", 60, user_name="Phone", participant_user_id="J"))

    assert list(page.lists["present"]) == [f"p-{first.pk}"]
    assert f"p-{second.pk}" in changes(EVERYTHING, stream_of(), 1).delete


def test_one_person_who_turns_out_to_be_two_becomes_two_rows(told):
    said(
        into(RUN, "1", user_name="Jill", customer_key="K"),
        into(RUN, "2", 1, user_name="Bob", customer_key="K"),
    )
    page = told(path_of(), stream_of(), into(RUN, "1", 60, user_name="Jill", participant_user_id="J"))

    assert len(page.lists["present"]) == 2


def test_people_move_from_list_to_list(told):
    said(started(RUN), waits(RUN, "1", user_name="Jill", participant_uuid="D"))
    waiting = told(path_of(), stream_of(), waits(RUN, "2", 1, user_name="Bob"))
    assert len(waiting.lists["waiting"]) == 2

    let_in = told(path_of(), stream_of(), into(RUN, "3", 60, user_name="Jill", participant_uuid="D"))
    assert (len(let_in.lists["waiting"]), len(let_in.lists["present"])) == (1, 1)

    left = told(path_of(), stream_of(), out_of(RUN, "3", 120, participant_uuid="D"))
    assert (len(left.lists["present"]), len(left.lists["left"])) == (0, 1)


def test_the_end_of_a_meeting_shows_everybody_out(told):
    said(started(RUN), *crowd(RUN, 3), waits(RUN, "9"))
    page = told(path_of(), stream_of(), ended(RUN, 60))

    assert (len(page.lists["left"]), page.lists["present"], page.lists["waiting"]) == (4, {}, {})


def test_who_waited_for_the_host_is_told_of_the_start(told):
    early = participant("participant_jbh_waiting", RUN, "", 0, date_time=after(0).isoformat(), user_name="Early")
    said(early)
    page = told(path_of(), stream_of(), started(RUN, 60))

    assert (len(page.lists["left"]), page.lists["waiting"]) == (1, {})


def test_everybody_is_painted_again_when_the_axis_steps(site):
    said(*crowd(RUN, 3))
    page = site.paint(path_of())
    site.clock.shift(7200)
    said(started("elsewhere"))
    site.tell(page, stream_of(), page.revision)

    assert page.shows == site.paint(path_of()).shows
    assert len([one for one in changes(EVERYTHING, stream_of(), page.revision).add if one[0] == "present"]) == 3


def test_everybody_is_painted_again_when_somebody_turns_out_to_have_been_there_before_them(told):
    said(started(RUN), *crowd(RUN, 3))
    page = told(path_of(), stream_of(), into(RUN, "9", -1200, user_name="Early"))

    assert next(iter(page.lists["present"])) == f"p-{Leg.objects.get(name='Early').pk}"


def test_an_axis_without_people_steps_too(site):
    said(started(RUN))
    page = site.paint(path_of())
    site.clock.shift(7200)
    said(started("elsewhere"))
    site.tell(page, stream_of(), page.revision)

    assert page.shows == site.paint(path_of()).shows


def test_who_did_not_change_is_not_sent(site):
    said(started(RUN), *crowd(RUN, 3))
    since = revision()
    said(into(RUN, "9", 60, user_name="Late"))
    found = changes(EVERYTHING, stream_of(), since)

    assert [name for name, *_ in found.add] == ["present", "meeting-events"]
    assert "Late" in found.add[0][2]


def test_nothing_new_is_nothing_to_send(site):
    said(started(RUN), *crowd(RUN, 3), ended("over", 60))

    for stream in ("board", stream_of(), "events:"):
        assert changes(EVERYTHING, stream, revision()) == Changes()


def test_a_meeting_that_nobody_knows_has_no_news():
    assert changes(EVERYTHING, "meeting:99", 0) == Changes()


def test_a_row_reads_the_same_when_its_meeting_has_become_known(told):
    said(event("meeting.created", uuid="a"))
    told("/events/", "events:", started("a", 60))


def test_a_live_list_of_a_filter_gets_what_passes_and_nothing_else(told):
    said(started("a"), into("a", "1", user_name="Jill"))
    bob, jill = into("a", "2", 1, user_name="Bob"), out_of("a", "1", 2, user_name="Jill")
    page = told("/events/?q=jill", "events:q=jill", bob, jill)

    assert len(page.lists["events"]) == 2


def test_a_stream_of_a_filter_that_makes_no_sense_has_no_news():
    said(started("a"))

    assert changes(EVERYTHING, "events:name=no.such", 0) == Changes()


def test_recorded_bodies_in_batches(site):
    bodies = [*sequence("K1"), *all_bodies().values()]
    said(*bodies[:1])
    uuid = Meeting.objects.get().uuid
    streams = {"/": "board", path_of(uuid): stream_of(uuid), "/events/": "events:"}
    pages = {path: site.paint(path) for path in streams}
    for number in range(1, len(bodies), 40):
        since = revision()
        said(*bodies[number : number + 40])
        site.clock.shift(100)
        for path, stream in streams.items():
            site.tell(pages[path], stream, since)
            if stream != "events:":
                assert pages[path].shows == site.paint(path).shows


# What is read out


def test_the_last_of_the_news_is_read_out():
    said(started("a", topic="Ward\u202e round"))
    since = revision()
    said(into("a", "1", 1, user_name="Jill\0"), started("b", 2, topic="Visit"), ended("a", 3, topic="Ward\u202e round"))

    assert changes(EVERYTHING, "board", since).say == "Ward round ended"
    assert changes(EVERYTHING, stream_of("a"), since).say == ""
    assert changes(EVERYTHING, "events:", since).say == ""


def test_who_comes_and_goes_is_read_out_on_the_meetings_page():
    said(started("a"))
    since = revision()
    said(into("a", "1", 1, user_name="Jill\u202e  Chill"))

    assert changes(EVERYTHING, stream_of("a"), since).say == "Jill Chill joined"
    assert changes(EVERYTHING, "board", since).say == ""


def test_a_meeting_without_a_topic_is_read_out_all_the_same():
    said(started("a", topic=""))

    assert changes(EVERYTHING, "board", 0).say == "A meeting started"


# Too much


def test_too_many_meetings_are_dearer_than_a_fresh_page():
    said(*(started(f"run-{number}") for number in range(MOST)))
    assert len(changes(EVERYTHING, "board", 0).add) == MOST

    said(started("one more"))
    with pytest.raises(TooMuch):
        changes(EVERYTHING, "board", 0)
    assert len(changes(EVERYTHING, "board", revision() - 1).add) == 1


def test_too_many_people_are_dearer_than_a_fresh_page():
    said(*crowd("a", MOST))
    stream = f"{stream_of('a')}?rows=all"
    assert len([one for one in changes(EVERYTHING, stream, 0).add if one[0] == "present"]) == MOST

    said(into("a", "one more"))
    with pytest.raises(TooMuch):
        changes(EVERYTHING, stream, 0)
    assert len([one for one in changes(EVERYTHING, stream_of("a"), 0).add if one[0] == "present"]) == PAGE_ROWS


def test_of_many_events_the_newest_are_enough():
    said(*crowd("a", LOG_LENGTH + 5))
    found = changes(EVERYTHING, "events:", 0)

    assert len(found.add) == LOG_LENGTH
    assert found.add[0][1] == f"e-{Event.objects.latest('pk').pk}"


# Form


def test_every_item_is_one_element_with_the_id_by_which_it_is_told():
    said(*sequence("K1"), started("a"), *crowd("a", 3), waits("a", "9"), ended("b", 60))

    for stream in ("board", stream_of("a"), "events:", "events:q=P1"):
        found = changes(EVERYTHING, stream, 0)
        assert found.add
        for _, key, html, _ in found.add:
            assert root_id(html) == key
        for key, html in {**found.put, **fragments.by_the_clock(EVERYTHING, stream)}.items():
            assert root_id(html) == key


def test_only_the_board_changes_with_time_alone():
    assert fragments.by_the_clock(EVERYTHING, "board").keys() == set(CLOCK)
    assert fragments.by_the_clock(EVERYTHING, "events:") == fragments.by_the_clock(EVERYTHING, "meeting:1") == {}


def test_the_same_question_gets_the_same_answer(site):
    said(started(RUN), *crowd(RUN, 3))

    assert changes(EVERYTHING, stream_of(), 0) == changes(EVERYTHING, stream_of(), 0)


@pytest.mark.parametrize(("stream", "queries"), [("board", 7), ("meeting", 12), ("events:", 4)])
def test_what_it_asks_does_not_grow_with_what_there_is(stream, queries, django_assert_max_num_queries):
    said(*(body for number in range(20) for body in crowd(f"run-{number}", 5)))
    stream = stream_of("run-1") if stream == "meeting" else stream

    with django_assert_max_num_queries(queries):
        assert changes(EVERYTHING, stream, 0).add


@pytest.mark.parametrize("stream", ["board", "meeting:1", "events:"])
def test_a_page_from_before_the_past_changed_begins_anew(stream):
    Head.objects.update_or_create(pk=1, defaults={"revision": 7, "rewritten": 6})
    with pytest.raises(TooMuch):
        changes(EVERYTHING, stream, 5)
    changes(EVERYTHING, stream, 6)
