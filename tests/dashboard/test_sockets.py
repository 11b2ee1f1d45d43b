"""Who may hold a live socket, for how long, how many, and what they may send: real handshakes with a real Daphne."""

import asyncio
import contextlib
import json
import re
import time
from collections import Counter

import pytest
import requests
from websockets.asyncio.client import connect as connect_many
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from dashboard import protocol
from tests.faults.live_pages import sign_in
from tests.product import served, until

PASSWORD = "correct horse battery"
PEOPLE = """
from django.contrib.auth.models import Group, User
for name, marks in (("bob", {"is_staff": True}), ("charlie", {}), ("ivan", {"is_staff": True})):
    made = User.objects.create_user(name, password="correct horse battery", **marks)
    made.groups.set(Group.objects.filter(name="Viewers"))
"""
ENDS_WITHIN_S = 5.0


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with served(tmp_path_factory.mktemp("sockets"), ROLLCALL_MOST_PAGES="30") as product:
        product.manage("shell", "-v0", "-c", PEOPLE)
        yield product


@pytest.fixture(scope="module")
def alice(site):
    """The Cookie header of her browser."""
    return sign_in(site.web[0], "alice", PASSWORD)


@pytest.fixture(scope="module")
def bob(site):
    return sign_in(site.web[0], "bob", PASSWORD)


def open_socket(site, cookie, path="/ws/live/?revision=0", **options):
    """As a browser opens it from a page of ours, unless `origin` says otherwise."""
    address = site.web[0]
    headers = {"Cookie": cookie} | options.pop("headers", {})
    options = {"origin": address, "proxy": None, "ping_interval": None, "close_timeout": 1} | options
    return connect(f"{address.replace('http', 'ws', 1)}{path}", additional_headers=headers, **options)


def refusal(site, cookie, **options):
    """The status and body of a handshake that has to be refused."""
    with pytest.raises(InvalidStatus) as refused:
        open_socket(site, cookie, **options)
    response = refused.value.response
    return response.status_code, response.body or b""


def hear_tick(socket):
    """Until the server has shown that this page is in step."""
    while "tick" not in json.loads(socket.recv(timeout=10)):
        pass


def closed_with(socket, within_s=10.0):
    """The code with which the server closes it; how long that took."""
    began = time.monotonic()
    with contextlib.suppress(ConnectionClosed):
        while True:
            socket.recv(timeout=within_s - (time.monotonic() - began))
    return socket.protocol.close_code, time.monotonic() - began


# Who gets in


def log_in_anyway(site, user):
    """A session, also of those who may see nothing with it."""
    with requests.Session() as session:
        form = session.get(f"{site.web[0]}/login/", timeout=30).text
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)[1]
        said = {"username": user, "password": PASSWORD, "csrfmiddlewaretoken": token}
        session.post(f"{site.web[0]}/login/", said, headers={"Referer": f"{site.web[0]}/login/"}, timeout=30)
        assert "sessionid" in session.cookies
        return "; ".join(f"{name}={value}" for name, value in session.cookies.items())


@pytest.mark.parametrize("path", ["/ws/live/", "/ws/meetings/1/", "/ws/events/", "/ws/people/", "/ws/status/"])
def test_who_is_not_signed_in_gets_no_frame(site, path):
    for cookie in ("", "sessionid=", f"sessionid={'x' * 32}", "sessionid=a; sessionid=b", ";;=;"):
        status, body = refusal(site, cookie, path=path)

        assert status == 403
        assert body == b""


def test_who_is_no_staff_gets_no_frame(site):
    assert refusal(site, log_in_anyway(site, "charlie"))[0] == 403


def test_who_is_no_longer_active_gets_no_frame(site):
    cookie = sign_in(site.web[0], "ivan", PASSWORD)
    site.manage("shell", "-v0", "-c", set_user("ivan", is_active=False))

    assert refusal(site, cookie)[0] == 403


def test_an_address_that_does_not_exist_is_no_way_in(site, alice):
    assert refusal(site, alice, path="/ws/nothing/")[0] == 403


# From where


REFUSED = (403, 400)
"""By us, or by the server itself, where it is no origin at all."""

FOREIGN = {
    "another port": "http://{name}:1",
    "no port": "http://{name}",
    "another scheme": "https://{host}",
    "opaque": "null",
    "none": None,
    "empty": "",
    "a file": "file://{host}",
    "an extension": "chrome-extension://{host}",
    "our host as a prefix": "http://{host}.evil.test",
    "our host as a user": "http://{host}@evil.test",
    "upper case": "HTTP://{host}",
    "with a path": "http://{host}/",
    "another name of this machine": "http://localhost:{port}",
    "two": "http://{host}, http://evil.test",
}


def spelled(site, template):
    host = site.web[0].removeprefix("http://")
    name, port = host.split(":")
    return template and template.format(host=host, name=name, port=port)


@pytest.mark.parametrize("template", FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_origin_is_refused(site, alice, template):
    assert refusal(site, alice, origin=spelled(site, template))[0] in REFUSED


def test_our_own_origin_opens(site, alice):
    with open_socket(site, alice) as socket:
        hear_tick(socket)


def test_for_developers_whose_hosts_are_all_the_origin_is_as_strict(tmp_path):
    with served(tmp_path, ALLOWED_HOSTS="*", DEBUG="true", SITE_HTTPS="false") as anywhere:
        cookie = sign_in(anywhere.web[0], "alice", PASSWORD)
        for template in FOREIGN.values():
            assert refusal(anywhere, cookie, origin=spelled(anywhere, template))[0] in REFUSED, template
        with open_socket(anywhere, cookie) as socket:
            hear_tick(socket)


def test_what_proxies_say_counts_for_nothing_where_none_is_trusted(site, alice):
    said = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.test", "X-Forwarded-For": "203.0.113.7"}

    assert refusal(site, alice, headers=said, origin="http://evil.test")[0] == 403
    assert refusal(site, alice, headers=said, origin=site.web[0].replace("http", "https"))[0] == 403
    with open_socket(site, alice, headers=said | {"Daphne-Root-Path": "/elsewhere"}) as socket:
        hear_tick(socket)


# For how long


def set_user(name, **marks):
    return f"from django.contrib.auth.models import User; User.objects.filter(username={name!r}).update(**{marks!r})"


def of_session(cookie, then):
    key = re.search(r"sessionid=(\w+)", cookie)[1]
    return f"from django.contrib.sessions.models import Session; Session.objects.filter(pk={key!r}){then}"


ENDS = {
    "deactivated": lambda cookie: set_user("dora", is_active=False),
    "no longer staff": lambda cookie: set_user("dora", is_staff=False),
    "another password": lambda cookie: (
        "from django.contrib.auth.models import User; dora = User.objects.get(username='dora'); "
        "dora.set_password('another horse'); dora.save()"
    ),
    "expired": lambda cookie: of_session(cookie, ".update(expire_date='2026-01-01T00:00:00Z')"),
    "no session": lambda cookie: of_session(cookie, ".delete()"),
}


@pytest.fixture
def dora(site):
    """Cookies of a member of staff who is made anew for each test."""
    made = "from django.contrib.auth.models import Group, User; User.objects.filter(username='dora').delete(); "
    made += f"dora = User.objects.create_user('dora', password={PASSWORD!r}, is_staff=True); "
    made += "dora.groups.set(Group.objects.filter(name='Viewers'))"
    site.manage("shell", "-v0", "-c", made)
    return sign_in(site.web[0], "dora", PASSWORD)


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_socket_does_not_outlive_its_login(site, alice, dora, end):
    with open_socket(site, dora) as socket, open_socket(site, alice) as other:
        hear_tick(socket)
        site.manage("shell", "-v0", "-c", end(dora))
        code, took_s = closed_with(socket)

        assert code == protocol.SESSION_OVER
        assert took_s < ENDS_WITHIN_S
        assert refusal(site, dora)[0] == 403
        hear_tick(other)


def test_signing_out_closes_all_pages_of_this_browser_at_once(site, dora):
    elsewhere = sign_in(site.web[0], "dora", PASSWORD)
    with contextlib.ExitStack() as stack:
        pages = [stack.enter_context(open_socket(site, dora)) for _ in range(3)]
        other = stack.enter_context(open_socket(site, elsewhere))
        for page in (*pages, other):
            hear_tick(page)
        token = re.search(r"csrftoken=(\w+)", dora)[1]
        answer = requests.post(
            f"{site.web[0]}/logout/",
            {"csrfmiddlewaretoken": token},
            headers={"Cookie": dora, "Referer": site.web[0]},
            allow_redirects=False,
            timeout=10,
        )
        assert answer.status_code == 302
        for page in pages:
            code, took_s = closed_with(page)
            assert code == protocol.SESSION_OVER
            assert took_s < 1.0
        assert refusal(site, dora)[0] == 403
        hear_tick(other)


# What they may send

UNWELCOME = {
    "binary": [b"\x00\x01"],
    "text of the right form, as bytes": [b'{"ack": 1}'],
    "larger than 4 kB": ['{"ack": 1' + " " * 4100 + "}"],
    "nested deeply": ["[" * 4000],
    "an unknown member": ['{"subscribe": "everything"}'],
    "an ack and more": ['{"ack": 1, "type": "rang"}'],
    "no number": ['{"ack": "1"}'],
    "a number that is none": ['{"ack": NaN}'],
    "a number of 4,000 digits": ['{"ack": ' + "9" * 4000 + "}"],
    "no JSON": ["hello"],
    "nothing": [""],
    "too many": ['{"ack": 1}'] * 21,
}


@pytest.mark.parametrize("frames", UNWELCOME.values(), ids=UNWELCOME)
def test_a_page_that_sends_what_no_page_of_ours_sends_is_closed(site, alice, frames):
    with open_socket(site, alice) as socket:
        for frame in frames:
            socket.send(frame)

        assert closed_with(socket)[0] == protocol.UNWELCOME


def test_a_frame_that_is_huge_is_not_even_read(site, alice):
    with open_socket(site, alice) as socket:
        with contextlib.suppress(ConnectionClosed):
            socket.send("x" * 8 * 2**20)

        assert closed_with(socket)[0] in (1009, 1006)  # too big; or cut off while it was still being sent


def test_floods_cost_no_memory_and_nobody_else_anything(site, alice, bob):
    web = site.processes["web"]

    def flood(frame, times):
        for _ in range(10):
            with contextlib.suppress(ConnectionClosed, OSError), open_socket(site, alice) as socket:
                for _ in range(times):
                    socket.send(frame)

    def flood_with_each():
        flood('{"ack": 1}', 2_000)
        flood(b"x" * 16_000, 500)
        flood("[" * 16_000, 500)
        flood("x" * 2**20, 4)

    with open_socket(site, bob) as other:
        hear_tick(other)
        flood_with_each()  # what the first of each kind costs stays
        before = web.memory()
        flood_with_each()
        grown_mb = (web.memory() - before) / 2**20

        hear_tick(other)
    assert grown_mb < 20


# How many


def test_one_person_has_so_many_places_and_no_more(site, alice, bob):
    with contextlib.ExitStack() as stack:
        pages = [stack.enter_context(open_socket(site, alice)) for _ in range(20)]
        assert closed_with(stack.enter_context(open_socket(site, alice)))[0] == protocol.TOO_MANY_OF_USER
        again = sign_in(site.web[0], "alice", PASSWORD)
        assert closed_with(stack.enter_context(open_socket(site, again)))[0] == protocol.TOO_MANY_OF_USER

        hear_tick(stack.enter_context(open_socket(site, bob)))
        pages[0].close()
        until(lambda: gets_a_place(site, alice))
        hear_tick(pages[1])


def gets_a_place(site, cookie):
    with open_socket(site, cookie) as socket:
        try:
            hear_tick(socket)
        except ConnectionClosed:
            return False
        return True


def test_a_full_process_asks_to_come_back_later(site, alice, bob):
    with contextlib.ExitStack() as stack:
        pages = [stack.enter_context(open_socket(site, alice)) for _ in range(20)]
        pages += [stack.enter_context(open_socket(site, bob)) for _ in range(10)]
        assert closed_with(stack.enter_context(open_socket(site, bob)))[0] == protocol.FULL
        assert requests.get(f"{site.web[0]}/", headers={"Cookie": bob}, timeout=10).status_code == 200

        pages[0].close()
        until(lambda: gets_a_place(site, bob))
        for page in pages[1:]:
            hear_tick(page)


def test_of_1100_pages_a_process_keeps_1000_and_tells_the_rest(tmp_path):
    with served(tmp_path, ROLLCALL_MOST_PAGES_PER_USER="2000") as site:
        cookie = sign_in(site.web[0], "alice", PASSWORD)
        codes = asyncio.run(open_many(site, cookie, 1_100))

        assert codes == {None: 1_000, protocol.FULL: 100}
        assert gets_a_place(site, cookie)


async def open_many(site, cookie, how_many):
    """All at the same time: how many stayed open (None), and with which codes the others were closed."""
    address = site.web[0].replace("http", "ws", 1) + "/ws/live/?revision=0"
    slots = asyncio.Semaphore(50)
    options = {"origin": site.web[0], "proxy": None, "ping_interval": None, "open_timeout": 60, "close_timeout": 5}

    async def open_one():
        async with slots:
            socket = await connect_many(address, additional_headers={"Cookie": cookie}, **options)
            try:
                while "tick" not in json.loads(await asyncio.wait_for(socket.recv(), 30)):
                    pass
            except ConnectionClosed:
                return socket, socket.close_code
            return socket, None

    opened = await asyncio.gather(*(open_one() for _ in range(how_many)))
    await asyncio.gather(*(socket.close() for socket, _ in opened))
    return Counter(code for _, code in opened)
