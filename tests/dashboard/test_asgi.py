"""What a web process believes of what a request says, and what it writes down of it, as the systemd unit runs it."""

import re
import secrets
import socket
from urllib.parse import urlsplit

import pytest
import requests
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from dashboard import asgi
from tests.faults.live_pages import sign_in
from tests.product import ROOT, served, web_options

PASSWORD = "correct horse battery"
FORGED = {
    "X-Forwarded-Host": "evil.test",
    "X-Forwarded-Server": "evil.test",
    "X-Forwarded-Port": "666",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-For": "203.0.113.7",
    "Forwarded": "host=evil.test;proto=https;for=203.0.113.7",
    "X-Original-URL": "/admin/evil/",
    "X-Rewrite-URL": "/admin/evil/",
    "X-Script-Name": "/evil",
    "X-HTTP-Method-Override": "DELETE",
    "Daphne-Root-Path": "/evil",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with served(tmp_path_factory.mktemp("asgi"), LOG_LEVEL="DEBUG") as product:
        yield product


@pytest.fixture(scope="module")
def cookie(site):
    return sign_in(site.web[0], "alice", PASSWORD)


def get(site, path, cookie="", **headers):
    return requests.get(site.web[0] + path, headers={"Cookie": cookie} | headers, allow_redirects=False, timeout=20)


# What is believed


@pytest.mark.parametrize("path", ["/", "/people/", "/nowhere/", "/admin/", "/healthz"])
@pytest.mark.parametrize("name", FORGED)
def test_what_a_browser_says_of_a_proxy_changes_nothing(site, cookie, path, name):
    for who in (cookie, ""):
        plain, forged = (get(site, path, who, **headers) for headers in ({}, {name: FORGED[name]}))

        assert forged.status_code == plain.status_code
        assert forged.headers.get("Location") == plain.headers.get("Location")
        assert "evil" not in forged.text
        assert "666" not in "".join(re.findall(r'(?:href|action|src)="[^"]*"', forged.text))
        assert "Strict-Transport-Security" not in forged.headers


def test_that_it_came_by_tls_is_no_claim_for_anybody_to_make(tmp_path):
    with served(tmp_path, SITE_HTTPS="true") as site:
        answer = get(site, "/login/", **{"X-Forwarded-Proto": "https"})

        assert answer.status_code == 301
        assert answer.headers["Location"] == site.web[0].replace("http", "https") + "/login/"


@pytest.mark.parametrize(("is_trusted", "root"), [(True, "/rollcall"), (False, "")])
def test_where_the_site_is_rooted_is_for_a_trusted_proxy_to_say(settings, is_trusted, root):
    settings.TRUSTED_PROXIES = is_trusted

    assert asgi._rooted({"root_path": "/rollcall", "path": "/"}) == {"root_path": root, "path": "/"}


# What is told


def test_no_answer_says_what_runs_here(site, cookie):
    for path in ("/", "/login/", "/nowhere/", "/admin/", "/healthz", "/zoom/webhook", "/static/rollcall/nothing.js"):
        for who in (cookie, ""):
            answer = get(site, path, who)

            assert not {"Server", "X-Powered-By"} & {*answer.headers}
            assert not re.search("daphne|twisted|django/", answer.text, re.IGNORECASE)


def test_not_even_an_answer_that_is_the_servers_own(site):
    with socket.create_connection(("127.0.0.1", urlsplit(site.web[0]).port), timeout=10) as line:
        line.sendall(b"NONSENSE\r\n\r\n")
        assert not re.search(rb"server:|daphne|twisted", line.recv(1000), re.IGNORECASE)
    with pytest.raises(InvalidStatus) as refused:
        connect(f"{site.web[0].replace('http', 'ws')}/ws/live/", origin=site.web[0], proxy=None)
    assert "Server" not in refused.value.response.headers


def test_what_people_search_for_is_written_nowhere(site, cookie):
    planted = secrets.token_hex(8)
    for path in ("/people/", "/events/", "/history/", "/", "/nowhere/", "/login/", "/admin/zoomfeed/event/"):
        get(site, f"{path}?q={planted}@example.org&next=/{planted}", cookie)
        get(site, f"{path}?q={planted}@example.org", "")
    address = f"{site.web[0].replace('http', 'ws')}/ws/people/?q={planted}&revision=0"
    with connect(address, origin=site.web[0], additional_headers={"Cookie": cookie}, proxy=None) as page:
        page.recv(timeout=10)
    with pytest.raises(InvalidStatus):
        connect(address, origin="http://evil.test", proxy=None)

    said = site.processes["web"].said()
    assert "Not Found: /nowhere/" in said  # it does write, and at DEBUG
    assert planted not in said


def test_the_readme_starts_it_as_the_unit_does():
    command = re.search(r"bin/daphne (.*)", (ROOT / "README.md").read_text(encoding="utf-8"))[1].split()

    assert {"-v0", "--no-server-name"} <= {*command} & {*web_options()}
