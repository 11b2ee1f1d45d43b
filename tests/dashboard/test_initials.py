"""Whoever may not see names sees initials: on every page, in every live frame, in the admin and in every file."""

import io
import json
import zipfile
from datetime import UTC, datetime

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.http import QueryDict

from dashboard import fragments
from dashboard.roles import ADMINISTRATORS, OPERATORS, VIEWERS
from dashboard.streams import frame_of
from tests.zoomfeed.test_record import event, incoming
from zoomfeed.filters import EventFilter
from zoomfeed.models import Act, Deed, Event, Leg, Meeting, RejectedFrame
from zoomfeed.record import record
from zoomfeed.viewer import EVERYTHING, Right, Viewer

PERSON = {
    "user_name": "Zebulon Quagmire",
    "email": "zq@quag.example",
    "participant_user_id": "ZQ",
    "phone_number": "5550199",
}
HOST = {"id": "HOST", "first_name": "Hostilia", "last_name": "Wirtzhaus", "email": "hw@haus.example"}
TOPIC = "Hostilia Wirtzhaus's Zoom Meeting"
NAMES = ("Zebulon", "Quagmire", "zq@quag", "5550199", "Hostilia", "Wirtzhaus", "hw@haus", "Guesty", "McGuest")
UNNAMED = Viewer(frozenset((Right.MEETINGS, Right.LOG)))


def of_run(uuid, what, at_s=0, **participant):
    about = {"uuid": uuid, "topic": TOPIC, "host_id": "HOST"}
    for name, column in (("started", "start_time"), ("ended", "end_time")):
        about |= {column: at(at_s)} if what == name else {}
    for name, column in (("joined", "join_time"), ("left", "leave_time")):
        participant |= {column: at(at_s)} if what.endswith(name) else {}
    return event(f"meeting.{what}", at_s, **about, **({"participant": participant} if participant else {}))


def at(at_s):
    return datetime.fromtimestamp(1775235987 + at_s, UTC).isoformat()


@pytest.fixture
def rows(db):
    """A live meeting and one that is over, with everything said of people that Zoom says."""
    record(
        incoming(
            json.dumps({"event": "user.created", "event_ts": 1, "payload": {"object": HOST}}).encode(),
            of_run("run-1==", "started"),
            of_run("run-1==", "participant_joined", 2, user_id="1", **PERSON),
            of_run("run-1==", "participant_joined", 2, user_id="2", user_name="Guesty McGuest"),
            of_run("over", "started"),
            of_run("over", "participant_joined", 2, user_id="3", **PERSON),
            of_run("over", "participant_left", 5, user_id="3", leave_reason=f"{PERSON['user_name']} fell", **PERSON),
            of_run("over", "ended", 9),
            b'["no event", "Zebulon Quagmire"',
        )
    )
    Meeting.objects.update(host_name="Hostilia Wirtzhaus", host_email="hw@haus.example")
    Event.objects.filter(name="meeting.started").update(fold_error="Traceback\nValueError: Zebulon Quagmire")
    Act.objects.create(at=datetime.now(UTC), by="alice", what=Deed.LOOKED_UP, about="people: Zebulon Quagmire")
    RejectedFrame.objects.update(reason="the database refused it: no room for 'Zebulon Quagmire'")
    return {"meeting": Meeting.objects.get(uuid="over").pk, "frame": RejectedFrame.objects.get().pk}


def take_names(role):
    for codename in ("see_names", "export_names"):
        Group.objects.get(name=role).permissions.remove(Permission.objects.get(codename=codename))


@pytest.fixture
def unnamed(client, account, rows):
    """The browser of an administrator of whom names are kept."""
    take_names(ADMINISTRATORS)
    client.force_login(account(ADMINISTRATORS))
    return client


def said(answer):
    """Everything that an answer holds, workbooks unpacked."""
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    if body[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(body)) as book:
            body = b"".join(book.read(name) for name in book.namelist())
    return body.decode() + str(answer.headers)


def named_in(text):
    return [name for name in NAMES if name.casefold() in text.casefold()]


def addresses():
    live, over = Meeting.objects.live().first().pk, Meeting.objects.get(uuid="over").pk
    yield from ("/", "/?view=table", "/people/", "/events/", "/status/", "/history/?since=2026-04-01&until=2026-04-05")
    yield from (f"/meetings/{live}/", f"/meetings/{over}/", f"/meetings/{over}/?rows=all")
    yield from (f"/meetings/{over}/attendance.csv", f"/meetings/{over}/attendance.csv?legs")
    yield f"/meetings/{over}/attendance.xlsx"
    for what in ("hours", "days", "week", "hosts", "meetings"):
        yield f"/history/{what}.csv?since=2026-04-01&until=2026-04-05"
    yield from (f"/events/{pk}/" for pk in Event.objects.values_list("pk", flat=True))
    yield from (f"/events/{pk}/?secrets" for pk in Event.objects.values_list("pk", flat=True))
    yield from ("/admin/zoomfeed/event/", "/admin/zoomfeed/rejectedframe/", "/admin/zoomfeed/act/")
    yield f"/admin/zoomfeed/act/{Act.objects.order_by('pk')[0].pk}/change/"
    yield from (f"/admin/zoomfeed/event/{pk}/change/" for pk in Event.objects.values_list("pk", flat=True))
    yield from (
        f"/admin/zoomfeed/rejectedframe/{pk}/change/" for pk in RejectedFrame.objects.values_list("pk", flat=True)
    )


def test_all_that_is_planted_is_seen_by_whoever_may(client, account, rows):
    client.force_login(account(ADMINISTRATORS))

    assert set(named_in("".join(said(client.get(address)) for address in addresses()))) == set(NAMES)


def test_no_page_and_no_file_names_anybody(unnamed):
    assert {address: found for address in addresses() if (found := named_in(said(unnamed.get(address))))} == {}


@pytest.mark.usefixtures("closes_connections")
async def test_no_export_of_the_log_names_anybody(async_client, account, transactional_db):
    def prepare():
        record(
            incoming(of_run("run-1==", "started"), of_run("run-1==", "participant_joined", 2, user_id="1", **PERSON))
        )
        take_names(ADMINISTRATORS)
        return account(ADMINISTRATORS)

    await async_client.aforce_login(await sync_to_async(prepare)())
    for kind in ("csv", "ndjson", "xlsx"):
        answer = await async_client.get(f"/events/export.{kind}")
        body = b"".join([piece async for piece in answer.streaming_content])
        if kind == "xlsx":
            with zipfile.ZipFile(io.BytesIO(body)) as book:
                body = b"".join(book.read(name) for name in book.namelist())
        assert b"meeting.started" in body
        assert named_in(body.decode()) == []


def test_people_are_initials(unnamed):
    people = unnamed.get("/people/").content.decode()

    assert "<bdi>Z. Q.</bdi>" in people
    assert ">ZQ</span>" in people
    assert "H. W.&#x27;s Zoom Meeting" in unnamed.get("/").content.decode()


@pytest.mark.parametrize("stream", ["board", "meeting", "events:", "people:", "people:q=z", "status"])
def test_no_live_frame_names_anybody(rows, stream):
    live = Meeting.objects.live().first().pk
    stream = f"meeting:{live}" if stream == "meeting" else stream

    def frames(viewer):
        found = fragments.changes(viewer, stream, 0)
        return frame_of(found, 0, 1) + json.dumps(fragments.by_the_clock(viewer, stream))

    assert named_in(frames(UNNAMED)) == []
    if stream != "people:q=z":
        assert named_in(frames(EVERYTHING)) != []


def test_the_same_changes_are_told_to_both(rows):
    """Less is seen of them, but they come and go alike."""
    for stream in ("board", "events:", "people:"):
        seen, unnamed = (fragments.changes(viewer, stream, 0) for viewer in (EVERYTHING, UNNAMED))
        assert [item[1] for item in seen.add] == [item[1] for item in unnamed.add]
        assert (seen.put.keys(), seen.delete) == (unnamed.put.keys(), unnamed.delete)


# Nobody finds by a name what may not be named


@pytest.mark.parametrize("query", ["q=zebulon", "person=zebulon", "q=zq@quag.example", "not_person=Zebulon Quagmire"])
def test_the_log_cannot_be_searched_for_names(rows, query):
    def found(viewer):
        return EventFilter(QueryDict(query), viewer).queryset(Event.objects.first().received_at).count()

    everything = Event.objects.count()
    assert found(EVERYTHING) not in (0, everything)
    assert found(UNNAMED) == (everything if query.startswith("not_") else 0)


def test_ids_still_lead_to_events(rows):
    asked = EventFilter(QueryDict("person=ZQ"), UNNAMED)

    assert asked.queryset(Event.objects.first().received_at).exists()


def test_no_search_finds_by_a_name(unnamed, rows):
    nobody = unnamed.get("/people/?q=zebulon").content.decode()
    assert "w-" not in nobody.partition('id="people-present"')[2].partition("</ul>")[0]
    assert '<li id="s-' not in nobody
    assert "0 of" in unnamed.get(f"/meetings/{rows['meeting']}/?q=zebulon").content.decode()
    history = "/history/?since=2026-04-01&until=2026-04-05"
    assert unnamed.get(f"{history}&host=wirtz").content.count(b'<tr id="h-') == 1  # as if nothing was asked
    assert unnamed.get("/events/?host_name=wirtz")["Location"].endswith("host=wirtz")
    assert Event.objects.filter(host_id="wirtz").count() == 0


# Files need a right of their own


def test_viewers_take_initials_away_though_they_see_names(client, account, rows):
    client.force_login(account(VIEWERS))
    meeting = f"/meetings/{rows['meeting']}/"

    assert "Zebulon" in said(client.get(meeting))
    assert "Zebulon" not in said(client.get(f"{meeting}attendance.csv"))
    assert "Z. Q." in said(client.get(f"{meeting}attendance.csv"))
    client.force_login(account(OPERATORS))
    assert "Zebulon" in said(client.get(f"{meeting}attendance.csv"))


def test_the_command_exports_with_and_without_names(rows, tmp_path):
    named, unnamed = tmp_path / "named.ndjson", tmp_path / "unnamed.ndjson"
    call_command("export", format="ndjson", output=str(named))
    call_command("export", format="ndjson", output=str(unnamed), without_names=True)

    assert "Zebulon" in named.read_text()
    assert named_in(unnamed.read_text()) == []
    assert [act.what for act in Act.objects.order_by("pk")] == [Deed.LOOKED_UP, *[Deed.EXPORTED] * 2]


def test_a_reason_cannot_be_searched_for_names(unnamed, client, account):
    listed = "/admin/zoomfeed/rejectedframe/?q=zebulon"
    assert unnamed.get(listed).context["cl"].result_count == unnamed.get(listed[:-10]).context["cl"].result_count == 1
    assert b'id="searchbar"' not in unnamed.get(listed).content


# The veil itself


def test_columns_that_were_not_read_are_not_fetched(rows, django_assert_num_queries):
    with django_assert_num_queries(1):
        for leg in Leg.objects.seen_by(UNNAMED).only("pk", "name"):
            assert leg.name in ("Z. Q.", "G. M.")


def test_rows_of_a_join_are_veiled_too(rows):
    for leg in Leg.objects.seen_by(UNNAMED).select_related("meeting"):
        assert leg.meeting.host_name == "H. W."


def test_the_log_itself_stays_as_it_is(rows):
    list(Event.objects.seen_by(UNNAMED))

    assert Event.objects.filter(participant_name="Zebulon Quagmire").exists()
    assert any(b"Zebulon" in bytes(one.body) for one in Event.objects.all())
