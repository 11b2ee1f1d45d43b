"""Where is Jane? What the page of people finds of known histories."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.http import QueryDict

from dashboard import people
from dashboard.people import Found, PeopleQuery
from tests.dashboard.pages import links, read
from tests.dashboard.test_board import after, ended, into, out_of, participant, said, started, waits
from tests.zoomfeed.test_record import event
from zoomfeed.models import Head, Leg, Meeting
from zoomfeed.viewer import EVERYTHING

pytestmark = pytest.mark.django_db

JANE = {"user_name": "Jane Doe", "email": "jane@example.org", "participant_user_id": "J"}
HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "محمد علي",
    "王小明",
    "👩‍⚕️ Nurse",
    "x" * 200,
    "\u202egnp.exe",
    "100% _real_ \\ 'quoted' \"name\"",
]


def find(q="", page=""):
    return Found(
        EVERYTHING,
        PeopleQuery(QueryDict(mutable=False) if not (q or page) else _query(q, page)),
        people.now(EVERYTHING),
    )


def _query(q, page):
    query = QueryDict(mutable=True)
    query.update({"q": q, "page": page})
    return query


def names(found):
    return [one.name for one in found]


# Who is there


def test_everybody_is_there_by_name_and_who_waits_longest_comes_first():
    said(
        *(into("a", name, user_name=name) for name in ("Zoë", "adam", "Änne", "Bob")),
        waits("a", "w1", 60, user_name="Late"),
        waits("a", "w2", 30, user_name="Early"),
    )
    found = find()

    assert names(found.present) == ["adam", "Änne", "Bob", "Zoë"]
    assert names(found.waiting) == ["Early", "Late"]
    assert found.waiting[0].waits_since == after(30)
    assert found.seen == []


def test_a_person_in_two_meetings_is_one_row_with_both():
    said(into("a", "1", 0, **JANE), into("b", "1", 60, **JANE))
    (jane,) = find("jane").present

    assert [presence.since for presence in jane.presences] == [after(0), after(60)]
    assert [presence.meeting.uuid for presence in jane.presences] == ["a", "b"]


def test_an_address_makes_one_person_where_there_is_no_zoom_id():
    said(
        into("a", "1", user_name="Jane", email="JANE@example.org"), into("b", "1", user_name="J.", email=JANE["email"])
    )

    assert len(find().present) == 1


def test_two_strangers_of_one_name_stay_two_and_say_what_they_are_known_by():
    said(into("a", "1", user_name="Jane"), into("b", "1", user_name="Jane"))

    assert [one.is_by_name for one in find("jane").present] == [True, True]


def test_who_waits_in_one_meeting_and_is_in_another_waits():
    said(into("a", "1", **JANE), waits("b", "1", 60, **JANE))
    found = find()

    assert (names(found.waiting), found.present) == (["Jane Doe"], [])
    assert [presence.place for presence in found.waiting[0].presences] == ["in the waiting room", ""]


def test_who_waits_for_the_host_waits_until_the_start():
    early = participant("participant_jbh_waiting", "a", "", 0, date_time=after(0).isoformat(), user_name="Early")
    said(early)
    assert [presence.place for one in find().waiting for presence in one.presences] == ["waiting for the host"]

    said(started("a", 60))
    assert find().total == 0


def test_devices_are_counted_and_not_shown_as_people():
    said(
        into("a", "1", participant_uuid="laptop", **JANE),
        into("a", "2", participant_uuid="phone", **JANE),
    )
    (jane,) = find().present

    assert jane.presences[0].person.devices == 2


def test_a_breakout_room_is_said():
    said(started("a"), into("a", "1", participant_uuid="D", **JANE))
    about = {"user_id": "2", "participant_uuid": "D", "join_time": after(60).isoformat(), **JANE}
    said(event("meeting.participant_joined_breakout_room", 60, uuid="a", breakout_room_uuid="R", participant=about))
    (jane,) = find().present

    assert jane.presences[0].place == "in a breakout room"


# Search


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("Zoë Müller", "ZOE müll"),
        ("ÉLODIE", "élodie"),
        ("Ελένη Παπαδοπούλου", "ΕΛΕΝΗ"),
        ("Иван Петров", "иВАН"),
        ("İpek", "ipek"),
        ("Straße", "STRASSE"),
        ("Jane", "Jane"),
        ("王小明", "小明"),
        ("J\u200bane\u202e", "jane"),
        *((name, name[:200]) for name in HOSTILE),
    ],
)
def test_a_name_is_found_by_part_and_in_any_script_now_and_later(name, asked):
    said(started("a"), into("a", "1", user_name=name), into("a", "2", user_name="Somebody Else"))
    assert len(find(asked).present) == 1

    said(ended("a", 60))
    assert [one.legs[0].user_id for one in find(asked).seen] == ["1"]


def test_signs_of_patterns_stand_for_themselves():
    said(started("a"), into("a", "1", user_name="Jane"), ended("a", 60))

    assert find("j%e").seen == find("j_ne").seen == []


def test_every_word_has_to_be_in_what_one_is_called():
    said(into("a", "1", **JANE))

    assert len(find("doe example.org").present) == 1
    assert find("jane smith").present == []


# Where others were seen last


def test_who_left_was_seen_last_where_and_until_when():
    said(started("a", topic="Ward"), into("a", "1", **JANE), out_of("a", "1", 300, topic="Ward", **JANE))
    said(started("b", 600), into("b", "1", 600, **JANE), ended("b", 900))
    found = find("jane")

    assert found.total == 0
    (jane,) = found.seen
    assert [(run.meeting.uuid, run.from_at, run.until) for run in jane.runs] == [
        ("b", after(600), after(900)),
        ("a", after(0), after(300)),
    ]


def test_who_is_there_is_not_shown_as_gone():
    said(started("a"), into("a", "1", **JANE), ended("a", 60), into("b", "1", 120, **JANE))

    assert find("jane").seen == []


def test_who_waited_and_was_not_let_in_is_remembered_as_that():
    said(started("a"), waits("a", "1", **JANE), ended("a", 60))

    assert [run.was_in for one in find("jane").seen for run in one.runs] == [False]


def test_what_is_remembered_under_a_bare_name_says_so():
    said(started("a"), into("a", "1", user_name="Jane"), ended("a", 60))
    said(started("b", 100), into("b", "1", 100, user_name="JANE"), ended("b", 160))
    (jane,) = find("jane").seen

    assert jane.is_by_name
    assert len(jane.runs) == 2


def test_somebody_is_found_by_an_older_name():
    said(started("a"), into("a", "1", **JANE), ended("a", 60))
    said(started("b", 100), into("b", "1", 100, **{**JANE, "user_name": "Dr. Doe"}), ended("b", 160))

    assert names(find("jane doe").seen) == ["Dr. Doe"]


def test_the_last_seen_come_first_and_are_few(monkeypatch):
    monkeypatch.setattr(people, "SEEN", 3)
    for number in range(5):
        said(started(f"run-{number}", number * 100), into(f"run-{number}", "1", number * 100, user_name=f"P{number}"))
        said(ended(f"run-{number}", number * 100 + 50))

    assert names(find("p").seen) == ["P4", "P3", "P2"]


def test_of_many_meetings_the_newest_are_shown():
    for number in range(people.RUNS + 2):
        said(started(f"run-{number}", number * 100), into(f"run-{number}", "1", number * 100, **JANE))
        said(ended(f"run-{number}", number * 100 + 50))
    (jane,) = find("jane").seen

    assert [run.meeting.uuid for run in jane.runs] == [f"run-{number}" for number in (5, 4, 3, 2)]


# Pages


def test_thousands_are_shown_a_page_at_a_time(viewer, monkeypatch):
    monkeypatch.setattr(people, "PAGE", 2)
    said(*(into("a", name, user_name=name) for name in "abcde"))
    first, last = find(), find(page="3")

    assert (names(first.present), names(last.present), first.pages) == (["a", "b"], ["e"], 3)
    assert (first.previous_url, first.next_url) == ("", "/people/?page=2")
    assert (last.previous_url, last.next_url) == ("/people/?page=2", "")
    assert "Page 2 of 3" in viewer.get("/people/?page=2").content.decode()


def test_a_page_beyond_the_last_leads_back():
    said(into("a", "1", **JANE))

    assert (find(page="9").present, find(page="9").previous_url) == ([], "/people/")


def test_how_many_queries_it_takes_does_not_grow_with_what_there_is(viewer, django_assert_max_num_queries, monkeypatch):
    monkeypatch.setattr(people, "SEEN", 5)
    for number in range(30):
        said(started(f"run-{number}"), into(f"run-{number}", "1", user_name=f"Jane {number}"))
    said(*(ended(f"run-{number}", 60) for number in range(20)))

    with django_assert_max_num_queries(14 + people.SEEN):
        viewer.get("/people/?q=jane")


def test_legs_of_a_meeting_that_did_not_change_are_not_read_again(django_assert_num_queries):
    said(into("a", "1", **JANE))
    find()
    with django_assert_num_queries(1):  # the head
        assert names(find().present) == ["Jane Doe"]

    said(started("b", 30))
    with django_assert_num_queries(3):  # and the live meetings, and the legs of the new one
        assert names(find().present) == ["Jane Doe"]

    said(out_of("a", "1", 60, **JANE))
    assert find().present == []


def test_who_did_not_change_is_not_worked_out_again():
    said(into("a", "1", **JANE), into("b", "1", user_name="Bob"))
    bob = find().present[0]

    said(into("b", "2", 60, **JANE))
    bob_now, jane_now = find().present
    assert [one.meeting.uuid for one in jane_now.presences] == ["a", "b"]
    assert bob_now.presences[0].meeting.revision > bob.presences[0].meeting.revision

    said(started("c", 90))
    assert [one is before for one, before in zip(find().present, (bob_now, jane_now), strict=True)] == [True, True]


def test_a_rewritten_past_is_another_memory():
    said(into("a", "1", **JANE))
    find()
    Leg.objects.update(name="Participant 7")
    Head.objects.update(rewritten=F("revision"))

    assert names(find().present) == ["Participant 7"]


def test_another_database_is_another_memory():
    said(into("a", "1", **JANE))
    find()
    Leg.objects.update(name="Restored")
    Head.objects.update(epoch="00000000-0000-4000-8000-000000000000")

    assert names(find().present) == ["Restored"]


# The page


def test_the_page_leads_to_meetings_and_to_the_log_of_each_person(viewer):
    said(into("a", "1", **JANE), into("a", "2", user_name="Bob & Co"))
    page = viewer.get("/people/").content.decode()

    assert {"/events/?q=jane%40example.org", "/events/?q=Bob+%26+Co", f"/meetings/{Meeting.objects.get().pk}/"} <= set(
        links(page)
    )


def test_an_empty_page_says_what_was_searched(viewer):
    assert "Nobody is in a meeting right now" in viewer.get("/people/").content.decode()

    page = viewer.get("/people/", {"q": "<b>Jane"}).content.decode()
    assert "Nobody called “<bdi>&lt;b&gt;Jane</bdi>” is in a meeting now" in page
    assert "as people typed them in Zoom" in page


@pytest.mark.parametrize("name", HOSTILE)
def test_what_strangers_type_is_text(viewer, name):
    said(started("a"), into("a", "1", user_name=name), into("b", "2", user_name=name), ended("a", 60))
    for address in ("/people/", "/people/?q=e", "/people/?q=x"):
        page = viewer.get(address).content.decode()
        read(page)
        assert "<img" not in page
        assert "\u202e" not in page


@pytest.mark.parametrize("query", ["q=" + "x" * 201, "page=0", "page=x", "q=%00", "q=%ud83d", "page=99999999999999"])
def test_a_query_that_makes_no_sense_is_answered(viewer, query):
    assert viewer.get(f"/people/?{query}").status_code == 200


def test_nobody_sees_people_without_a_staff_login(client, django_user_model):
    assert client.get("/people/").status_code == 302

    client.force_login(django_user_model.objects.create_user("guest"))
    assert client.get("/people/").status_code == 403


def test_a_person_is_counted_since_the_current_visit():
    said(into("a", "1", 0, participant_uuid="D", **JANE), out_of("a", "1", 60, participant_uuid="D", **JANE))
    said(into("a", "2", 300, participant_uuid="D", **JANE))
    (jane,) = find().present

    assert jane.presences[0].since == after(300) == after(0) + timedelta(minutes=5)
