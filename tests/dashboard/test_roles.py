"""What each role, and none, gets of every address, socket, admin page and file."""

import re
from importlib import import_module

import pytest
from asgiref.sync import sync_to_async
from channels.layers import channel_layers
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import get_resolver

from dashboard import hub, roles
from dashboard.asgi import application
from dashboard.roles import ADMINISTRATORS, OPERATORS, ROLES, VIEWERS
from dashboard.routing import websocket_urlpatterns
from dashboard.streams import Page
from tests.zoomfeed.test_record import event, incoming, join
from zoomfeed.models import Act, Event, Meeting, RejectedFrame
from zoomfeed.record import record
from zoomfeed.viewer import NOBODY, Right, Viewer

NOBODY_AT_ALL, VISITOR, NO_ROLE = "anonymous", "signed in, not staff", "staff without a role"
WHO = (NOBODY_AT_ALL, VISITOR, NO_ROLE, VIEWERS, OPERATORS, ADMINISTRATORS)

WATCH = (302, 403, 403, 200, 200, 200)
LOG = (302, 403, 403, 403, 200, 200)
LOG_IN_ADMIN = (302, 302, 403, 403, 200, 200)
ADMIN = (302, 302, 403, 403, 403, 200)
NEVER = (302, 302, 403, 403, 403, 403)
PAGES = {
    "": WATCH,
    "meetings/{meeting}/": WATCH,
    "meetings/{meeting}/attendance.csv": WATCH,
    "meetings/{meeting}/attendance.xlsx": WATCH,
    "people/": WATCH,
    "history/": WATCH,
    "history/hosts.csv": WATCH,
    "status/": WATCH,
    "events/": LOG,
    "events/{event}/": LOG,
    "events/{event}/meeting/": LOG,
    "events/export.csv": LOG,
    "admin/zoomfeed/event/": LOG_IN_ADMIN,
    "admin/zoomfeed/event/{event}/change/": LOG_IN_ADMIN,
    "admin/zoomfeed/rejectedframe/": LOG_IN_ADMIN,
    "admin/zoomfeed/rejectedframe/{frame}/change/": LOG_IN_ADMIN,
    "admin/zoomfeed/act/": ADMIN,
    "admin/zoomfeed/erasure/": ADMIN,
    "admin/auth/user/": ADMIN,
    "admin/auth/user/add/": ADMIN,
    "admin/auth/group/": ADMIN,
    "admin/auth/group/add/": NEVER,
    "admin/zoomfeed/event/add/": NEVER,
    "admin/zoomfeed/event/{event}/delete/": NEVER,
}
POSTS = {
    "events/filters/": LOG,
    "events/filters/1/delete/": LOG,
}
FOR_ALL = ("healthz", "readyz", "metrics", "favicon.ico", "login/", "logout/", "admin/login/", "admin/", "zoom/webhook")
"""Machines, and who has yet to come in. The admin has its own addresses, of which the table has those of each kind."""


@pytest.fixture
def rows(db):
    record(
        incoming(
            event("meeting.started", topic="Ward round", host_id="HOST"),
            join("1", 2, user_name="Jill Chill", email="jill@example.org", participant_user_id="JILL"),
            b"no json",
        )
    )
    pks = {"meeting": Meeting.objects.get().pk, "event": Event.objects.first().pk}
    return pks | {"frame": RejectedFrame.objects.get().pk}


@pytest.fixture
def browsers(account):
    """One of each."""
    users = [None, account(is_staff=False), account(), account(VIEWERS), account(OPERATORS), account(ADMINISTRATORS)]
    found = [Client() for _ in users]
    for browser, user in zip(found, users, strict=True):
        if user:
            browser.force_login(user)
    return dict(zip(WHO, found, strict=True))


def statuses(browsers, ask):
    return tuple(status(ask(browser)) for browser in browsers.values())


def status(answer):
    """200 for whoever was let in, also when they are sent on, or there is nothing there."""
    is_sent_on = answer.status_code == 302 and "login" not in answer["Location"]
    return 200 if is_sent_on or answer.status_code == 404 else answer.status_code


@pytest.mark.parametrize("path", PAGES)
def test_each_gets_what_is_meant(browsers, rows, path):
    address = "/" + path.format(**rows)

    assert statuses(browsers, lambda browser: browser.get(address)) == PAGES[path]
    if PAGES[path][0] == 302:
        assert browsers[NOBODY_AT_ALL].get(address)["Location"].startswith(("/login/", "/admin/login/"))


@pytest.mark.parametrize("path", POSTS)
def test_each_may_change_what_is_meant(browsers, db, path):
    found = statuses(browsers, lambda browser: browser.post(f"/{path}", {"name": "x", "query": "late=1"}))

    assert found == POSTS[path]


def test_every_address_is_in_these_tables():
    known = {re.sub(r"{\w+}|\d+|(?<=history/)hosts|(?<=export\.)csv", "N", path) for path in (*PAGES, *POSTS)}
    addresses = {re.sub(r"<[^>]+>", "N", str(pattern.pattern)) for pattern in get_resolver().url_patterns}

    assert addresses - known - set(FOR_ALL) == set()


def test_what_is_refused_names_nobody(browsers, rows):
    for path, expected in PAGES.items():
        for browser, code in zip(browsers.values(), expected, strict=True):
            if code != 200:
                assert b"Jill" not in browser.get("/" + path.format(**rows)).content


# Sockets

SOCKETS = {
    "ws/live/": (VIEWERS, OPERATORS, ADMINISTRATORS),
    "ws/meetings/<int:pk>/": (VIEWERS, OPERATORS, ADMINISTRATORS),
    "ws/people/": (VIEWERS, OPERATORS, ADMINISTRATORS),
    "ws/status/": (VIEWERS, OPERATORS, ADMINISTRATORS),
    "ws/events/": (OPERATORS, ADMINISTRATORS),
}


@pytest.fixture
async def a_hub(settings, closes_connections):
    """Of this test's loop, in a layer of its own."""
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    settings.ALLOWED_HOSTS = ["testserver"]
    channel_layers.backends.clear()
    yield
    here = hub.current()
    here._stop()
    here.threads.executor.shutdown()
    channel_layers.backends.clear()


async def opens(browser, address):
    """Whether a real handshake opens a socket, and the code with which it is closed where it does not."""
    cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in browser.cookies.items())
    headers = [(b"host", b"testserver"), (b"origin", b"http://testserver"), (b"cookie", cookie.encode())]
    socket = WebsocketCommunicator(application, f"/{address}", headers)
    is_open, code = await socket.connect(timeout=5)
    await socket.disconnect()
    return is_open or code


@pytest.mark.parametrize("address", SOCKETS)
@pytest.mark.usefixtures("transactional_db", "a_hub")
async def test_each_may_open_the_sockets_that_are_meant(account, address):
    browsers = await sync_to_async(_all_browsers)(account)
    found = {who: await opens(browser, address.replace("<int:pk>", "1")) for who, browser in browsers.items()}

    assert found == {who: True if who in SOCKETS[address] else 4401 for who in WHO}


def _all_browsers(account):
    users = {VISITOR: account(is_staff=False), NO_ROLE: account(), **{role: account(role) for role in ROLES}}
    found = {NOBODY_AT_ALL: Client(), **{who: Client() for who in users}}
    for who, user in users.items():
        found[who].force_login(user)
    return {who: found[who] for who in WHO}


def test_every_socket_is_in_the_table():
    assert {str(pattern.pattern) for pattern in websocket_urlpatterns} == set(SOCKETS)


@pytest.mark.usefixtures("transactional_db", "a_hub")
@pytest.mark.parametrize("change", ["role", "names"])
async def test_a_page_ends_when_its_viewer_may_see_less(account, change):
    user = await sync_to_async(account)(VIEWERS)
    browser = Client()
    await sync_to_async(browser.force_login)(user)
    here = hub.current()
    visitor = await here.admit(browser.session.session_key, Right.MEETINGS)
    page = Page("board", browser.session.session_key, visitor)
    await here.join(page, epoch="", revision=0)
    if change == "role":
        await sync_to_async(user.groups.clear)()
    else:
        await sync_to_async(_take_names_from_viewers)()
    await here._check()
    here.leave(page)

    assert page.code == 4401


def _take_names_from_viewers():
    Group.objects.get(name=VIEWERS).permissions.remove(Permission.objects.get(codename="see_names"))


# Roles


def test_roles_are_there_from_the_first_migration(db):
    for name, expected in ROLES.items():
        permissions = Group.objects.get(name=name).permissions.select_related("content_type")
        assert {f"{one.content_type.app_label}.{one.codename}" for one in permissions} == set(expected)


def test_what_an_administrator_changed_stays(db):
    _take_names_from_viewers()
    roles.make_roles()

    assert not Group.objects.get(name=VIEWERS).permissions.filter(codename="see_names").exists()


def test_staff_of_earlier_days_keep_what_they_could(account):
    known, superuser, member = account(), User.objects.create_superuser("root"), account(VIEWERS)
    import_module("dashboard.migrations.0003_roles").keep_what_staff_could(_Apps, None)

    assert [one.name for one in known.groups.all()] == [OPERATORS]
    assert [one.name for one in member.groups.all()] == [VIEWERS]
    assert not superuser.groups.exists()


class _Apps:
    @staticmethod
    def get_model(_app, name):
        return {"User": User, "Group": Group}[name]


def test_rights_are_those_of_active_staff_only(account):
    user = account(ADMINISTRATORS)
    assert Viewer.of(user).rights == frozenset(Right)

    for attribute in ("is_active", "is_staff"):
        setattr(user, attribute, False)
        assert Viewer.of(user) == NOBODY
        setattr(user, attribute, True)


def test_who_has_no_role_is_told_what_to_do(account, client):
    client.force_login(account())
    page = client.get("/").content.decode()
    assert "this account has no role yet" in page
    assert 'href="/"' not in page

    client.force_login(account(VIEWERS))
    page = client.get("/events/").content.decode()
    assert "your role does not include this page" in page
    assert 'href="/"' in page


def test_pages_offer_only_what_one_may_have(browsers, rows):
    def page(who, path):
        return browsers[who].get(path.format(**rows)).content.decode()

    for path in ("/", "/meetings/{meeting}/", "/people/"):
        assert 'href="/events/' not in page(VIEWERS, path)
        assert 'href="/events/' in page(OPERATORS, path)


def test_administrators_make_nobody_more_than_they_are(browsers, account):
    root = User.objects.create_superuser("root", password="r")
    other, admin = account(), browsers[ADMINISTRATORS]
    form = {"username": other.username, "is_active": "on", "is_staff": "on", "is_superuser": "on",
            "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00", "user_permissions": ["1"]}  # fmt: skip

    assert admin.post(f"/admin/auth/user/{other.pk}/change/", form).status_code == 302
    other.refresh_from_db()
    assert not other.is_superuser
    assert not other.user_permissions.exists()
    assert admin.post(f"/admin/auth/user/{root.pk}/change/", form | {"username": "mine"}).status_code == 403
    assert admin.post(f"/admin/auth/user/{root.pk}/password/", {"password1": "x", "password2": "x"}).status_code == 403
    assert admin.post(f"/admin/auth/user/{root.pk}/delete/", {"post": "yes"}).status_code == 403
    assert User.objects.get(pk=root.pk).username == "root"


def test_who_seeks_a_host_by_name_is_in_the_audit_trail(browsers, rows):
    browsers[OPERATORS].get("/events/?host_name=Jill")

    assert Act.objects.get().about == "events: host Jill"


def test_a_deed_is_in_the_audit_trail_for_administrators(browsers, rows):
    browsers[OPERATORS].get("/events/?person=Jill")
    listed = browsers[ADMINISTRATORS].get("/admin/zoomfeed/act/").content.decode()

    assert "person Jill" in listed
    assert browsers[ADMINISTRATORS].post(f"/admin/zoomfeed/act/{Act.objects.get().pk}/delete/").status_code == 403
