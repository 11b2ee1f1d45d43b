"""Every habit of Zoom that a reader of its events must bear occurs in a generated day.

A habit is a function that finds evidence of itself in the events of a day, given in order of arrival.
"""

import json
import re
import unicodedata
from collections import defaultdict
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from tests.sequences import all_bodies
from zoomfeed.catalogue import EVENT_NAMES
from zoomfeed.simulator.day import generate

START = datetime(2026, 4, 3, 7, tzinfo=UTC)
DAYS = [generate(seed, START, meetings=30) for seed in (1, 2)]
EVENTS = [[json.loads(body) for _, body in day.dispatches] for day in DAYS]
HABITS = []


def habit(find):
    HABITS.append(find)
    return find


@pytest.mark.parametrize("events", EVENTS, ids=["seed-1", "seed-2"])
@pytest.mark.parametrize("find", HABITS, ids=lambda find: find.__name__)
def test_a_day_has_every_habit(find, events):
    assert list(find(events))


def about(event):
    return event["payload"].get("object", {})


def of(events, *names):
    return [event for event in events if event["event"].partition(".")[2] in names]


def persons(events):
    return [about(event)["participant"] for event in events if "participant" in about(event)]


def by_run(events):
    runs = defaultdict(list)
    for event in events:
        if uuid := about(event).get("uuid"):
            runs[uuid].append(event)
    return runs.values()


def names(events):
    return [event["event"].partition(".")[2] for event in events]


def joins_by_device(events):
    devices = defaultdict(list)
    for event in of(events, "participant_joined"):
        devices[about(event)["participant"]["participant_uuid"]].append(event)
    return devices.values()


# Who is who


@habit
def a_reconnect_gives_a_new_user_id_to_the_same_presence(events):
    return [legs for legs in joins_by_device(events) if len({p["user_id"] for p in persons(legs)}) > 1]


@habit
def a_true_return_gives_a_new_participant_uuid_to_the_same_user(events):
    for run in by_run(events):
        left = {p["participant_user_id"]: p for p in persons(of(run, "participant_left")) if p["participant_user_id"]}
        for person in persons(of(run, "participant_joined")):
            before = left.get(person["participant_user_id"])
            if before and before["leave_time"] < person["join_time"]:
                yield from [person] if before["participant_uuid"] != person["participant_uuid"] else []


@habit
def one_user_is_there_with_two_devices(events):
    for run in by_run(events):
        left = {p["participant_uuid"]: p["leave_time"] for p in persons(of(run, "participant_left"))}
        joined = {}
        for person in persons(of(run, "participant_joined")):
            other = joined.setdefault(person["participant_user_id"] or person["user_id"], person["participant_uuid"])
            if other != person["participant_uuid"] and left.get(other, "") > person["join_time"]:
                yield person


@habit
def a_new_leg_brings_a_new_name(events):
    return [legs for legs in joins_by_device(events) if len({p["user_name"] for p in persons(legs)}) > 1]


@habit
def somebody_dials_in_by_telephone(events):
    return [p for p in persons(events) if p.get("phone_number") and re.fullmatch(r"1202\*\*\*0\d+", p["user_name"])]


@habit
def a_guest_has_no_id_at_all(events):
    return [p for p in persons(of(events, "participant_joined")) if p["id"] == p["participant_user_id"] == ""]


@habit
def a_guest_has_a_customer_key(events):
    return [p for p in persons(events) if p.get("customer_key") and not p.get("participant_user_id", "")]


@habit
def a_webinar_guest_has_a_registration(events):
    return [p for p in persons(events) if p.get("registrant_id")]


@habit
def nothing_said_is_empty_null_or_absent(events):
    people = persons(of(events, "participant_joined"))
    ways = {p.get("registrant_id", "absent") for p in people}
    return [ways] if {"", None, "absent"} <= ways else []


@habit
def names_and_topics_come_in_many_scripts(events):
    words = "".join(p.get("user_name", "") for p in persons(events)) + "".join(
        about(e).get("topic", "") for e in events
    )
    scripts = {unicodedata.name(letter, "?").split()[0] for letter in words}
    wanted = {"LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "CJK", "HIRAGANA", "HANGUL", "DEVANAGARI", "THAI"}
    return scripts if wanted <= scripts else []


# Order


@habit
def a_join_arrives_before_the_leave_that_it_follows(events):
    joined = set()
    for person in persons(of(events, "participant_joined", "participant_left")):
        if "join_time" in person:
            joined.add((person["participant_uuid"], person["join_time"]))
        elif (person["participant_uuid"], person["leave_time"]) in joined:
            yield person


@habit
def a_leave_arrives_before_the_join_that_goes_with_it(events):
    left = set()
    for person in persons(of(events, "participant_joined", "participant_left")):
        if "leave_time" in person:
            left.add((person["participant_uuid"], person["leave_time"]))
        elif (person["participant_uuid"], person["join_time"]) in left:
            yield person


@habit
def a_dead_line_is_noticed_when_the_person_is_back(events):
    back_at = {p["participant_uuid"]: p["join_time"] for p in persons(of(events, "participant_joined"))}
    dead = [p for p in persons(of(events, "participant_left")) if "disconnected" in p["leave_reason"]]
    return [p for p in dead if p["leave_time"] > back_at[p["participant_uuid"]]]


@habit
def arrival_is_not_in_order_of_event_ts(events):
    return [pair for pair in pairwise(events) if pair[0]["event_ts"] > pair[1]["event_ts"]]


@habit
def ended_is_not_the_last_word(events):
    for run in by_run(events):
        if "ended" in names(run):
            yield from of(run[names(run).index("ended") :], "participant_left")


@habit
def ended_has_an_older_stamp_than_a_leave(events):
    for run in by_run(events):
        for ended in of(run, "ended"):
            yield from (left for left in of(run, "participant_left") if left["event_ts"] > ended["event_ts"])


@habit
def the_end_of_a_run_arrives_after_the_begin_of_the_next(events):
    last_started = {}
    for event in of(events, "started", "participant_joined", "ended"):
        uuid, number = about(event)["uuid"], about(event)["id"]
        if event["event"].endswith(".ended") and last_started.get(number, uuid) != uuid:
            yield event
        elif not event["event"].endswith(".ended"):
            last_started[number] = uuid


@habit
def started_is_missing(events):
    return [run for run in by_run(events) if "participant_joined" in names(run) and "started" not in names(run)]


@habit
def the_join_of_the_host_is_missing(events):
    for run in by_run(events):
        ids = {p["participant_user_id"] for p in persons(of(run, "participant_joined"))}
        yield from (event for event in of(run, "ended") if about(event)["host_id"] not in ids)


@habit
def a_leave_at_the_end_never_comes(events):
    for run in by_run(events):
        joined, left = (
            {p["user_id"] for p in persons(of(run, name))} for name in ("participant_joined", "participant_left")
        )
        yield from joined - left if "ended" in names(run) else ()


@habit
def a_delivery_comes_again(events):
    seen = set()
    for event in map(json.dumps, events):
        yield from [event] if event in seen else []
        seen.add(event)


# Types and ids


@habit
def a_number_is_text_in_live_events_and_a_number_in_plans(events):
    live = {about(event)["id"] for event in of(events, "started")}
    return [about(event)["id"] for event in of(events, "created") if str(about(event).get("id")) in live]


@habit
def a_uuid_begins_with_a_slash_and_holds_two_in_a_row(events):
    return [uuid for event in events if (uuid := about(event).get("uuid", "")).startswith("//")]


@habit
def a_plan_has_the_uuid_of_the_run(events):
    runs = {about(event)["uuid"] for event in of(events, "started")}
    return [event for event in of(events, "created") if about(event).get("uuid") in runs]


@habit
def a_plan_has_another_uuid_than_the_run(events):
    runs = {about(event)["id"]: about(event)["uuid"] for event in of(events, "started")}
    planned = [about(event) for event in of(events, "created") if "uuid" in about(event)]
    return [plan for plan in planned if runs.get(str(plan["id"]), plan["uuid"]) != plan["uuid"]]


@habit
def participant_events_put_their_name_last(events):
    return [event for event in of(events, "participant_joined") if next(iter(event)) == "payload"]


@habit
def media_streams_have_no_object(events):
    return [event for event in of(events, "rtms_started") if "object" not in event["payload"]]


@habit
def a_summary_calls_its_ids_differently(events):
    return [event for event in of(events, "summary_completed") if about(event)["meeting_uuid"]]


@habit
def a_file_calls_the_uuid_meeting_id(events):
    for event in events:
        if event["event"] == "recording.completed":
            yield from (file for file in about(event)["recording_files"] if file["meeting_id"] == about(event)["uuid"])


@habit
def a_recording_is_completed_twice_with_other_links(events):
    links = defaultdict(set)
    for event in events:
        if event["event"] == "recording.completed":
            links[about(event)["uuid"]].add(about(event)["share_url"])
    return [urls for urls in links.values() if len(urls) > 1]


@habit
def presence_has_the_id_in_lower_case(events):
    return [event for event in of(events, "presence_status_updated") if about(event)["id"].islower()]


@habit
def a_meeting_without_a_plan_has_no_length(events):
    return [event for event in of(events, "started") if about(event)["type"] in (1, 4) and not about(event)["duration"]]


# Breakout rooms and waiting


@habit
def a_breakout_move_is_told_only_as_leave_and_join(events):
    for run in by_run(events):
        if "participant_joined_breakout_room" not in names(run):
            yield from (p for p in persons(of(run, "participant_left")) if "breakout room" in p["leave_reason"])


@habit
def a_breakout_move_is_told_with_the_leave_of_the_main_room(events):
    for run in by_run(events):
        if "participant_joined_breakout_room" in names(run):
            yield from (p for p in persons(of(run, "participant_left")) if "to join breakout" in p["leave_reason"])


@habit
def a_breakout_move_keeps_the_leg_in_the_main_room(events):
    for run in by_run(events):
        left = {p["user_id"] for p in persons(of(run, "participant_left")) if "to join" in p["leave_reason"]}
        in_rooms = persons(of(run, "participant_joined_breakout_room"))
        yield from (p for p in in_rooms if p["parent_user_id"] not in left)


@habit
def a_wait_has_another_user_id_than_the_meeting(events):
    waiting = {p["participant_uuid"]: p["user_id"] for p in persons(of(events, "participant_joined_waiting_room"))}
    joined = persons(of(events, "participant_joined"))
    return [p for p in joined if waiting.get(p["participant_uuid"], p["user_id"]) != p["user_id"]]


@habit
def an_admission_is_not_told(events):
    told = {p["participant_uuid"] for p in persons(of(events, "participant_admitted"))}
    waited = {p["participant_uuid"] for p in persons(of(events, "participant_joined_waiting_room"))}
    return [p for p in persons(of(events, "participant_joined")) if p["participant_uuid"] in waited - told]


@habit
def somebody_waits_for_the_host_before_the_start(events):
    for run in by_run(events):
        heard = names(run)
        if "started" in heard and "participant_jbh_waiting" in heard[: heard.index("started")]:
            yield run


# What else is told at all

TOLD = (
    "meeting.started", "meeting.ended", "webinar.started", "webinar.ended",
    "webinar.participant_joined", "webinar.participant_left",
    "meeting.participant_put_in_waiting_room", "meeting.participant_left_waiting_room", "meeting.participant_admitted",
    "meeting.participant_jbh_joined", "meeting.participant_jbh_waiting_left",
    "meeting.participant_joined_breakout_room", "meeting.participant_left_breakout_room",
    "meeting.participant_role_changed", "webinar.participant_role_changed",
    "meeting.sharing_started", "meeting.sharing_ended", "webinar.sharing_started", "webinar.sharing_ended",
    "recording.started", "recording.paused", "recording.resumed", "recording.stopped", "recording.completed",
    "meeting.live_streaming_started", "meeting.live_streaming_stopped",
    "meeting.rtms_started", "meeting.rtms_interrupted", "meeting.rtms_stopped", "webinar.rtms_started",
    "meeting.created", "meeting.updated", "meeting.deleted", "webinar.created", "webinar.updated",
    "user.created", "user.updated", "user.presence_status_updated", "user.signed_in", "user.signed_out",
    "meeting.alert", "meeting.participant_qos", "meeting.summary_completed", "meeting.chat_message_sent",
)  # fmt: skip


@pytest.mark.parametrize("events", EVENTS, ids=["seed-1", "seed-2"])
@pytest.mark.parametrize("name", TOLD)
def test_a_day_tells_of_everything(name, events):
    assert name in {event["event"] for event in events}


# Held against what Zoom sends

UNDOCUMENTED = {"public_ip", "private_ip", "customer_key", "host_email", "registrant_id", "phone_number"}


def members(value, where=""):
    """The names of all members, with the path to them."""
    if isinstance(value, list):
        value = value[0] if value else {}
    if isinstance(value, dict):
        for name, inner in value.items():
            yield f"{where}.{name}"
            yield from members(inner, f"{where}.{name}")


def examples():
    known = defaultdict(set)
    for body in map(json.loads, all_bodies().values()):
        known[body["event"]] |= set(members(body))
    return known


@pytest.mark.parametrize("name", TOLD)
def test_members_are_those_of_recorded_and_published_bodies(name):
    known = examples()
    for event in (event for event in EVENTS[0] if event["event"] == name and name in known):
        unknown = {path for path in set(members(event)) - known[name] if path.rpartition(".")[2] not in UNDOCUMENTED}
        assert not unknown


def test_every_name_is_one_of_zooms():
    assert {event["event"] for event in EVENTS[0]} <= set(EVENT_NAMES)


@pytest.mark.parametrize("day", DAYS, ids=["seed-1", "seed-2"])
def test_nobody_in_it_exists(day):
    words = b"".join(body for _, body in day.dispatches).decode()
    addresses = set(re.findall(r"@([\w.]+)", words)) | set(re.findall(r"https?://([\w.]+)", words))
    assert all(re.fullmatch(r"(.+\.)?example\.(org|edu)", host) for host in addresses)
