"""The pages: who gets in, what every page carries, and that nothing that Zoom sends can break one."""

import re
from datetime import timedelta
from urllib.parse import parse_qs, parse_qsl, urljoin, urlsplit

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from dashboard import board
from dashboard.fragments import LOG_LENGTH, items
from dashboard.views import events, meetings
from tests.dashboard.pages import Page, links, read
from tests.dashboard.test_board import crowd, ended, into, said, started, waits
from tests.zoomfeed.test_record import event
from zoomfeed.models import Event, Feed, Gap, Head, Meeting

pytestmark = pytest.mark.django_db

SIMULATED = "Simulated Zoom:"
ELSEWHERE = [
    "https://evil.test/",
    "http://evil.test",
    "//evil.test/",
    "///evil.test",
    "/\\evil.test",
    "\\\\evil.test",
    "https:evil.test",
    "javascript:alert(1)",
    " //evil.test",
    "/\t/evil.test",
    "https://testserver@evil.test/",
]
NASTY = {
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "quotes": "\"><svg onload=alert(1)> ' onmouseover='alert(1)",
    "comment": "--> </title></textarea></style><!--",
    "template": "{{ settings.SECRET_KEY }}{% debug %}",
    "entities": "&lt;script&gt;&#60;b&#62;",
    "turned": "invoice\u202efdp.exe \u2066\u2069\u200f",
    "control": "nul\0 bell\a esc\x1b[31m del\x7f",
    "lines": "one\u2028two\u2029three\r\nfour\u0085five",
    "surrogate": "cut emoji \ud83d",
    "long": "x" * 100_000,
    "marks": "Z" + "\u0301" * 5000,
}


@pytest.fixture
def password(staff):
    return "correct horse battery"


@pytest.fixture
def root_client(client):
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.fixture
def meeting(db):
    """A small meeting, and one that is over."""
    said(started("a=="), into("a==", "1", 1, user_name="Jill"), waits("a==", "2", 2, user_name="Bob"), ended("b==", 60))
    return Meeting.objects.get(uuid="a==")


@pytest.fixture
def pages(meeting):
    """An address of each page."""
    return ["/", meeting.get_absolute_url(), "/events/", "/people/", "/history/", "/status/"]


def text_of(answer):
    return answer.content.decode()


def ids(answer):
    """The events that a page of the log lists, in order."""
    return [int(key) for key in re.findall(r'<tr id="e-(\d+)"', text_of(answer))]


def refused(answer):
    return answer.status_code == 403 and "No access" in text_of(answer)


# Who gets in


@pytest.mark.parametrize("path", ["/", "/meetings/5/?x=1&y=2", "/events/?q=a%26b"])
def test_strangers_are_led_to_the_login_and_back(client, staff, password, path, meeting):
    path = path.replace("5", str(meeting.pk))
    answer = client.get(path)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/?next=")
    assert parse_qs(urlsplit(answer["Location"]).query) == {"next": [path]}

    form = text_of(client.get(answer["Location"]))
    hidden = next(one for one in read(form).root.all() if one.attributes.get("name") == "next")
    signed_in = client.post("/login/", {"username": "alice", "password": password, "next": hidden.attributes["value"]})
    assert signed_in["Location"] == path
    assert client.get(path).status_code == 200


def test_a_wrong_password_says_so_and_lets_nobody_in(client, staff):
    answer = client.post("/login/", {"username": "<b>alice", "password": "wrong"})

    assert 'role="alert"' in text_of(answer)
    assert 'value="&lt;b&gt;alice"' in text_of(answer)
    assert client.get("/").status_code == 302


@pytest.mark.parametrize("next_url", ELSEWHERE)
def test_a_login_leads_nowhere_else(client, staff, password, next_url):
    form = client.get("/login/", {"next": next_url})
    assert "evil.test" not in text_of(form)
    assert "javascript:" not in text_of(form)

    answer = client.post("/login/", {"username": "alice", "password": password, "next": next_url})
    assert answer["Location"] == "/"


@pytest.mark.parametrize("next_url", ELSEWHERE)
@pytest.mark.parametrize("path", ["/login/", "/admin/login/"])
def test_nor_does_it_for_who_is_signed_in(viewer, path, next_url):
    answer = viewer.get(path, {"next": next_url}, follow=True)

    assert answer.redirect_chain[-1][0] == "/"
    assert all(urlsplit(step).netloc == "" for step, _ in answer.redirect_chain)


@pytest.mark.parametrize("next_url", ELSEWHERE)
def test_signing_out_leads_nowhere_else(viewer, next_url):
    assert viewer.post("/logout/", {"next": next_url})["Location"] in ("/login/", "/logout/")


def test_the_admin_sends_strangers_to_our_login_and_has_them_back(client, password):
    User.objects.filter(username="alice").update(is_superuser=True)
    answer = client.get("/admin/auth/user/", follow=True)

    path, _ = answer.redirect_chain[-1]
    assert urlsplit(path).path == "/login/"
    signed_in = client.post(path, {"username": "alice", "password": password, **_next(path)})
    assert signed_in["Location"] == "/admin/auth/user/"


def _next(path):
    return {"next": parse_qs(urlsplit(path).query)["next"][0]}


def test_signing_out_ends_it(viewer):
    answer = viewer.post("/logout/")

    assert answer["Location"] == "/login/"
    assert viewer.get("/").status_code == 302


def test_a_link_signs_nobody_out(viewer):
    assert viewer.get("/logout/").status_code == 405
    assert viewer.get("/").status_code == 200


def test_who_is_not_staff_sees_why(client, pages):
    client.force_login(User.objects.create_user("<b>charlie"))

    for path in [*pages, "/admin/login/", "/meetings/999/"]:
        answer = client.get(path)
        assert refused(answer)
        assert "not marked as staff" in text_of(answer)
        assert "&lt;b&gt;charlie" in text_of(answer)
        assert "Jill" not in text_of(answer)
    assert refused(client.get("/admin/", follow=True))
    assert client.post("/logout/")["Location"] == "/login/"


def test_who_is_no_longer_active_is_signed_out_and_cannot_come_back(viewer, password, pages):
    User.objects.update(is_active=False)

    for path in pages:
        assert viewer.get(path)["Location"].startswith("/login/")
    assert 'role="alert"' in text_of(viewer.post("/login/", {"username": "alice", "password": password}))


def test_who_is_inactive_and_yet_signed_in_sees_why(client, staff, settings, pages):
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.AllowAllUsersModelBackend"]
    client.force_login(staff)
    User.objects.update(is_active=False)

    assert all(refused(client.get(path)) for path in pages)


def test_every_other_address_is_closed_to_strangers(client, meeting):
    opened = {"/healthz", "/readyz", "/favicon.ico", "/login/", "/admin/login/"}
    addresses = {*opened, "/", "/events/", meeting.get_absolute_url(), "/logout/", "/admin/", "/admin/jsi18n/"}

    closed = {path for path in addresses if "?next=" in client.get(path).headers.get("Location", "")}
    assert closed == addresses - opened | {"/admin/login/"}


def test_the_icon_is_where_browsers_look_for_it(client, static_files):
    assert client.get("/favicon.ico", follow=True).status_code == 200


# What every page carries


def test_a_page_says_where_it_stands_and_what_it_follows(viewer, meeting, pages):
    head = Head.objects.get()
    streams = ["/ws/live/", f"/ws/meetings/{meeting.pk}/", "/ws/events/?", "/ws/people/?", "", "/ws/status/"]

    for path, stream in zip(pages, streams, strict=True):
        html = read(text_of(viewer.get(path))).root.children[0].attributes
        assert (html["data-epoch"], html["data-revision"]) == (str(head.epoch), str(head.revision))
        assert html["data-stream-url"] == stream


def test_a_page_of_an_empty_database_stands_at_the_beginning(viewer):
    for path in ("/", "/events/"):
        assert Page(text_of(viewer.get(path))).revision == 0


@pytest.mark.parametrize(
    ("path", "module", "name"),
    [("/", board, "cards"), ("/events/", events, "entries_of"), ("meeting", meetings, "entries")],
)
def test_a_page_never_claims_to_be_newer_than_it_is(viewer, meeting, monkeypatch, path, module, name):
    real, before = getattr(module, name), Head.objects.get().revision

    def while_something_happens(*args):
        said(started("meanwhile=="))
        return real(*args)

    monkeypatch.setattr(module, name, while_something_happens)
    page = Page(text_of(viewer.get(meeting.get_absolute_url() if path == "meeting" else path)))

    assert page.revision == before < Head.objects.get().revision


def test_pages_are_read_and_not_written(viewer, pages):
    for path in pages:
        got, head = viewer.get(path), viewer.head(path)
        assert (got.status_code, head.status_code, head.content) == (200, 200, b"")
        for method in (viewer.post, viewer.put, viewer.patch, viewer.delete):
            assert method(path).status_code == 405


def test_pages_are_kept_by_nobody(viewer, pages):
    for path in [*pages, "/login/"]:
        said = viewer.get(path)["Cache-Control"]
        assert "no-store" in said
        assert "private" in said


def test_what_is_refused_is_kept_by_nobody_either(client):
    client.force_login(User.objects.create_user("charlie"))

    assert "no-store" in client.get("/")["Cache-Control"]


def test_pages_are_whole_and_run_nothing_inline(viewer, pages):
    """`read` is strict about tags; the policy forbids what is checked here, and so it would not work."""
    answers = [viewer.get(path) for path in [*pages, "/nowhere/"]]
    for answer in [*answers, Client().get("/login/")]:
        elements = list(read(text_of(answer)).root.all())
        assert {"html", "head", "body", "main", "title"} <= {one.tag for one in elements}
        assert all("src" in one.attributes for one in elements if one.tag == "script")
        assert not [one for one in elements if one.tag == "style" or "style" in one.attributes]
        assert not [name for one in elements for name in one.attributes if name.startswith("on")]


def test_the_page_that_one_is_on_is_marked(viewer, pages):
    def marked(path):
        elements = read(text_of(viewer.get(path))).root.all()
        return [one.attributes["href"] for one in elements if one.attributes.get("aria-current") == "page"]

    assert [marked(path) for path in pages] == [["/"], [], ["/events/"], ["/people/"], ["/history/"], ["/status/"]]


# Links


def shape(path):
    """A link without what differs from row to row."""
    address, _, query = path.partition("?")
    return re.sub(r"\d+", "N", address), tuple(sorted(name for name, _ in parse_qsl(query, keep_blank_values=True)))


def test_no_link_is_dead(root_client, meeting):
    said(*(event("user.signed_in", number) for number in range(LOG_LENGTH + 20)))
    seen, shapes, waiting = set(), set(), ["/", "/events/?q=signed&tail=off", "/events/?name=no.such", "/nowhere/"]
    while waiting:
        path = waiting.pop()
        seen.add(path)
        answer = root_client.get(path, follow=True)
        assert answer.status_code == (404 if path == "/nowhere/" else 200), path
        assert not answer.redirect_chain or re.fullmatch(r"/events/\d+/meeting/", path), path
        is_page = answer["Content-Type"].startswith("text/html")
        if is_page and not path.startswith("/admin/"):
            shown_at = answer.redirect_chain[-1][0] if answer.redirect_chain else path
            for found in {urljoin(shown_at, href).partition("#")[0] for href in links(text_of(answer))}:
                if shape(found) not in shapes:  # each row of the log leads to itself and to a dozen filters
                    shapes.add(shape(found))
                    waiting.append(found)

    assert "/admin/" in seen
    assert any(re.fullmatch(r"/meetings/\d+/(\?.*)?", path) for path in seen)
    assert any(path.startswith("/events/?meeting=") for path in seen)
    assert any(re.fullmatch(r"/events/\d+/", path) for path in seen)
    assert any("before=" in path for path in seen)
    assert any(path.startswith("/admin/zoomfeed/event/?meeting=") for path in seen)
    for ending in (r"csv", r"csv\?legs", r"xlsx"):
        assert any(re.fullmatch(rf"/meetings/\d+/attendance\.{ending}", path) for path in seen), ending


def test_what_a_page_needs_is_there(root_client, pages, static_files):
    needed = {
        one.attributes.get("src") or one.attributes.get("href")
        for path in [*pages, "/admin/"]
        for one in read(text_of(root_client.get(path))).root.all()
        if one.tag in ("script", "link", "img")
    }

    assert len(needed) > 8
    assert [path for path in needed if root_client.get(path).status_code != 200] == []


# Errors


@pytest.mark.parametrize("path", ["/nowhere/", "/meetings/999/", f"/meetings/{10**30}/", "/meetings/-1/"])
def test_what_is_not_there_says_so(viewer, path):
    answer = viewer.get(path)

    assert answer.status_code == 404
    assert "Nothing here" in text_of(answer)


def test_our_fault_is_said_on_a_page_of_our_own(viewer):
    def refuse(*_):
        raise OperationalError("secret-host is away")

    viewer.raise_request_exception = False
    with connection.execute_wrapper(refuse):
        answer = viewer.get("/")

    assert answer.status_code == 500
    assert "Something broke" in text_of(answer)
    assert "secret-host" not in text_of(answer)


def test_other_mistakes_have_pages_too(client):
    client.handler.enforce_csrf_checks = True

    assert "This form is too old" in text_of(client.post("/login/", {"username": "alice"}))
    assert "made no sense" in text_of(client.get("/", headers={"host": "evil.test"}))


# What Zoom sends


@pytest.mark.parametrize("words", NASTY.values(), ids=NASTY)
def test_nothing_that_zoom_sends_can_break_a_page(root_client, words):
    """Names, topics, addresses and event types, on every page that shows them."""
    said(
        started("n==", topic=words, host_id="H", host_email=words),
        into("n==", "1", 1, user_name=words, email=words, participant_user_id="H", leave_reason=words),
        waits("n==", "2", 2, user_name=words, phone_number=words, role=words),
        ended(words, 3, topic=words, id=words),
        event(words, 4, topic=words),
    )
    paths = ["/", "/events/", *(meeting.get_absolute_url() for meeting in Meeting.objects.all())]
    assert Event.objects.count() == 5

    for path in paths:
        answer = root_client.get(path)
        page = read(text_of(answer))
        elements = list(page.root.all())
        assert answer.status_code == 200
        assert not {"img", "iframe", "textarea", "style"} & {one.tag for one in elements}
        assert all("src" in one.attributes for one in elements if one.tag == "script")
        assert not [name for one in elements for name in one.attributes if name.startswith("on")]
        assert "of-the-tests" not in text_of(answer)
        assert not set("".join(page.words)) & set("\u202e\u2066\u2069\u200f\0\a\x1b\x7f\u2028\u2029\x85\ud83d")
        assert len(answer.content) < 150_000
    for path in ("/admin/zoomfeed/event/", "/admin/zoomfeed/event/?q=alert"):
        assert root_client.get(path).status_code == 200


@pytest.mark.parametrize("words", ["markup", "quotes", "comment", "template", "entities"])
def test_it_is_shown_as_it_was_sent(viewer, words):
    said(started("n==", topic=NASTY[words]), into("n==", "1", 1, user_name=NASTY[words]))
    found = Meeting.objects.get()
    Meeting.objects.update(topic=NASTY[words])

    for path in ("/", found.get_absolute_url(), "/events/"):
        assert NASTY[words] in "".join(read(text_of(viewer.get(path))).words)


@pytest.mark.parametrize("words", NASTY.values(), ids=NASTY)
def test_nothing_that_is_asked_can_break_the_log(viewer, meeting, words):
    asked = words.encode(errors="replace").decode()
    names = ("q", "name", "period", "meeting", "before", "tail", "other")
    for query in ({"q": asked}, {"meeting": asked}, dict.fromkeys(names, asked)):
        answer = viewer.get("/events/", query)
        elements = list(read(text_of(answer)).root.all())
        assert answer.status_code == 200
        assert not {"img", "textarea", "style"} & {one.tag for one in elements}
        assert not [one for one in elements for key in one.attributes if key.startswith("on")]


# The log


@pytest.fixture
def long_log(db, monkeypatch):
    """Two pages of the log and a half, of ten events each."""
    monkeypatch.setattr(items, "LOG_LENGTH", 10)
    said(*(event("meeting.alert" if n % 2 else "user.signed_in", n, id=str(n)) for n in range(25)))


def older(answer):
    return next((href for href in links(text_of(answer)) if "before=" in href), None)


def test_older_pages_hold_every_event_once(viewer, long_log):
    answer = viewer.get("/events/")
    listed, sizes = ids(answer), [len(ids(answer))]
    while path := older(answer):
        answer = viewer.get(path)
        listed += ids(answer)
        sizes.append(len(ids(answer)))

    assert listed == list(Event.objects.order_by("-pk").values_list("pk", flat=True))
    assert sizes == [10, 10, 5]


def test_a_filter_goes_with_to_older_pages(viewer, long_log):
    first = viewer.get("/events/?name=meeting.alert&tail=off")
    second = viewer.get(older(first))

    assert (len(ids(first)), len(ids(second))) == (10, 2)
    assert set(Event.objects.filter(pk__in=ids(first) + ids(second)).values_list("name", flat=True)) == {
        "meeting.alert"
    }
    assert older(second) is None
    assert "/events/?name=meeting.alert" in links(text_of(second))


def test_exactly_one_page_has_no_older_one(viewer):
    said(*(event("user.signed_in", number) for number in range(LOG_LENGTH)))

    assert older(viewer.get("/events/")) is None


def test_an_older_page_follows_nothing(viewer, long_log):
    answer = viewer.get(older(viewer.get("/events/")))

    assert 'data-stream-url=""' in text_of(answer)
    assert "Older events" in text_of(answer)
    assert answer.context["is_tail"] is False


@pytest.mark.parametrize(
    "before", ["", "x", "-1", "1e3", "٣", "²", "9" * 19, "9" * 5000, "1 OR 1=1", "0x10", "\0", " 5"]
)
def test_a_page_that_makes_no_sense_is_the_first(viewer, long_log, before):
    answer = viewer.get("/events/", {"before": before})

    assert ids(answer) == ids(viewer.get("/events/"))
    assert answer.context["is_first"]


@pytest.mark.parametrize(("before", "count"), [("0", 0), ("1", 0), ("9" * 18, 10)])
def test_the_edges_of_the_log(viewer, long_log, before, count):
    answer = viewer.get("/events/", {"before": before})

    assert len(ids(answer)) == count
    assert not answer.context["is_first"]


def test_filters_leave_what_passes(viewer, meeting):
    assert len(ids(viewer.get("/events/?q=jill"))) == 1
    assert len(ids(viewer.get("/events/?name=meeting.ended"))) == 1
    assert len(ids(viewer.get("/events/?meeting=a%3D%3D"))) == 3
    assert ids(viewer.get("/events/?q=nobody")) == []


def test_a_filter_that_makes_no_sense_says_so(viewer, meeting):
    answer = viewer.get("/events/?name=no.such&q=jill")

    assert ids(answer) == []
    assert "Event types:" in text_of(answer)
    assert "no.such is not one of the available choices" in text_of(answer)
    assert 'data-stream-url=""' in text_of(answer)


def test_what_was_asked_stands_in_the_form(viewer, meeting):
    elements = list(read(text_of(viewer.get("/events/?q=a%22b&name=meeting.ended&meeting=a%3D%3D"))).root.all())
    values = {one.attributes.get("name"): one.attributes.get("value") for one in elements if one.tag == "input"}
    chosen = [
        one.attributes["value"]
        for one in elements
        if "checked" in one.attributes and one.attributes.get("name") in ("name", "tail")
    ]

    assert (values["q"], values["meeting"]) == ('a"b', "a==")
    assert chosen == ["meeting.ended", "on"]


@pytest.mark.parametrize(
    ("query", "stream"),
    [
        ("", "/ws/events/?"),
        ("tail=on", "/ws/events/?"),
        ("tail=off", ""),
        ("tail=off&tail=on", "/ws/events/?"),
        ("q=b%26a&name=meeting.ended&junk=1", "/ws/events/?name=meeting.ended&q=b%26a"),
        ("q=%20jill%20&period=", "/ws/events/?q=jill"),
        ("q=x&tail=off", ""),
    ],
)
def test_the_live_tail_follows_what_the_page_asks(viewer, query, stream):
    answer = viewer.get(f"/events/?{query}")
    elements = list(read(text_of(answer)).root.all())
    switch = next(one for one in elements if one.attributes.get("role") == "switch")

    assert elements[0].attributes["data-stream-url"] == stream
    assert ("checked" in switch.attributes) == bool(stream)


# The meeting


def test_a_meetings_page_shows_its_own_events_only(viewer, meeting):
    page = Page(text_of(viewer.get(meeting.get_absolute_url())))
    of_meeting = Event.objects.filter(meeting_uuid="a==").order_by("-pk")

    assert list(page.lists["meeting-events"]) == [f"e-{event.pk}" for event in of_meeting]
    assert (len(page.lists["present"]), len(page.lists["waiting"])) == (1, 1)


def test_a_meeting_without_a_topic_is_called_by_its_number(viewer):
    said(started("a==", topic=""))

    assert "<title>834 5521 9078 · Rollcall</title>" in text_of(viewer.get(Meeting.objects.get().get_absolute_url()))


# The demo


def test_every_page_says_that_zoom_is_simulated(root_client, settings, pages):
    settings.ROLLCALL_DEMO = True
    for path in [*pages, "/nowhere/", "/admin/", "/admin/zoomfeed/event/", "/admin/auth/user/add/"]:
        assert SIMULATED in text_of(root_client.get(path)), path
    User.objects.update(is_staff=False)
    assert SIMULATED in text_of(root_client.get("/"))
    root_client.logout()
    assert SIMULATED in text_of(root_client.get("/login/"))


def test_nothing_is_called_simulated_that_is_not(root_client, settings, pages):
    settings.ROLLCALL_DEMO = False
    for path in [*pages, "/admin/"]:
        assert SIMULATED not in text_of(root_client.get(path))
    root_client.logout()
    assert SIMULATED not in text_of(root_client.get("/login/"))


# The board


@pytest.mark.parametrize("sort", ["largest", "newest", "longest"])
def test_the_board_is_painted_in_the_order_that_its_address_asks_for(viewer, sort):
    said(started("a", 60), *crowd("b", 2, 0), *crowd("c", 1, 120))
    orders = {"largest": "bca", "newest": "cab", "longest": "bac"}
    answer = viewer.get("/", {"sort": sort, "view": "table"})
    page = Page(text_of(answer))

    assert [Meeting.objects.get(pk=key[2:]).uuid for key in page.lists["meetings"]] == list(orders[sort])
    assert 'data-view="table"' in text_of(answer)
    assert f'value="{sort}" data-by=' in text_of(answer)
    assert text_of(answer).count('aria-pressed="true"') == 2


@pytest.mark.parametrize("asked", ["", "?sort=", "?sort=<b>&view=x", "?view=cards&sort=Largest"])
def test_an_order_that_does_not_exist_is_the_usual_one(viewer, asked):
    text = text_of(viewer.get(f"/{asked}"))

    assert 'data-view="cards"' in text
    assert 'id="meetings" data-by="key" data-order="desc"' in text
    assert "<b>" not in text.partition("Live now")[2]


def test_the_title_says_the_state(viewer):
    said(started("a"), started("b"))
    text = text_of(viewer.get("/"))

    assert "<title>2 live · Rollcall</title>" in text
    assert 'data-title="2 live · Rollcall"' in text


def test_a_card_bears_its_signs(viewer):
    said(
        event("webinar.started", 0, uuid="a", start_time="2026-04-03T17:06:27Z", duration=30),
        into("a", "1", 1),
        waits("a", "2", 2),
        event("recording.started", 3, uuid="a"),
        event("meeting.live_streaming_started", 4, uuid="a"),
        event("meeting.sharing_started", 5, uuid="a", participant={"user_id": "1", "sharing_details": {}}),
    )
    Meeting.objects.update(uncertain_since="2026-04-03T17:00:00Z")
    (card,) = Page(text_of(viewer.get("/"))).lists["meetings"].values()

    for sign in ("1 waiting", "uncertain", "streaming", "sharing", "webinar", 'rec<span class="vh">ording'):
        assert sign in card
    assert 'data-after="2026-04-03T17:36:27.000Z"' in card
    assert 'title="Stand-up"' in card


# Cost


def test_pages_ask_no_more_however_much_there_is(viewer, django_assert_max_num_queries):
    said(*(body for number in range(50) for body in crowd(f"run-{number}", 20)))
    Feed.objects.create(key="s")
    board._days.clear()

    for path, queries in [("/", 15), (Meeting.objects.first().get_absolute_url(), 13), ("/events/", 10)]:
        with django_assert_max_num_queries(queries):
            assert viewer.get(path).status_code == 200


def test_a_page_without_scripts_says_times_in_words_too(viewer):
    heard = timezone.now()
    row = Feed.objects.create(
        key="s", state="live", lease_until=heard + timedelta(minutes=1), last_event_at=heard, behind_since=heard
    )
    Gap.objects.create(feed=row, started_at=heard - timedelta(minutes=9), ended_at=heard - timedelta(minutes=8))
    Meeting.objects.create(uuid="M", started_at=heard, uncertain_since=heard)

    page = text_of(viewer.get("/history/"))

    assert "Nobody listened from <time" in page
    assert "behind since <time" in page
    assert not re.findall(r">[^<]*\d{4}-\d\d-\d\dT\d\d:", page)
