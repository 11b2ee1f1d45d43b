"""The rules of the public header observatories, for every answer that we give, as production gives it.

A site begins with 100 points, loses some for each fault and, with 90 or more, wins some for what is better than asked;
100 and more are the highest grade, A+.
"""

import hashlib
import hmac
import json
import re
import sqlite3
import time
from contextlib import closing, contextmanager

import pytest
import requests
from django.urls import URLResolver, get_resolver

from dashboard.middleware import STRICT
from tests.product import served

HOST = "rollcall.example.org"
PASSWORD = "correct horse battery"
SIGNING, METRICS = "signing", "metrics-token"
HALF_A_YEAR_S = 15_768_000


class Site:
    """A web process with the settings of production, seen from the proxy that ends TLS before it."""

    def __init__(self, product):
        self.product, self.address = product, product.web[0]
        self.cookies, self.set = {}, []

    def ask(self, path, method="GET", *, scheme="https", host=HOST, signed_in=True, **options):
        headers = {"Host": host, "X-Forwarded-Proto": scheme, "Referer": f"https://{HOST}/"} | options.pop(
            "headers", {}
        )
        if signed_in and self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = requests.request(
            method, self.address + path, headers=headers, allow_redirects=False, timeout=30, **options
        )
        for cookie in answer.raw.headers.getlist("Set-Cookie"):
            self.set.append(cookie)
            name, value = cookie.partition(";")[0].split("=", 1)
            self.cookies[name] = value
        return answer

    def sign_in(self):
        token = TOKEN.search(self.ask("/login/").text)[1]
        form = {"username": "alice", "password": PASSWORD, "csrfmiddlewaretoken": token}
        assert self.ask("/login/", "POST", data=form).headers["Location"] == "/"

    def receive(self, body):
        timestamp = str(int(time.time()))
        mac = hmac.new(SIGNING.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()
        headers = {"x-zm-request-timestamp": timestamp, "x-zm-signature": f"v0={mac}"}
        return self.ask("/zoom/webhook", "POST", data=body, headers=headers)

    @contextmanager
    def broken(self):
        """A database that is there, and not as we need it."""
        path = self.product.environment["DATABASE_URL"].removeprefix("sqlite:///")
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            database.execute("ALTER TABLE zoomfeed_head RENAME TO gone")
            try:
                yield
            finally:
                database.execute("ALTER TABLE gone RENAME TO zoomfeed_head")


TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')
STARTED = {
    "event": "meeting.started",
    "event_ts": 1_775_238_987_000,
    "payload": {"account_id": "a", "object": {"uuid": "u==", "id": "81234567890", "topic": "Ward round"}},
}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    production = {
        "ALLOWED_HOSTS": f"{HOST},127.0.0.1",  # the second one is asked whether it is up
        "CSRF_TRUSTED_ORIGINS": f"https://{HOST}",
        "TRUSTED_PROXIES": "true",
        "ZOOM_WEBHOOK_SECRET_TOKEN": SIGNING,
        "METRICS_TOKEN": METRICS,
    }
    with served(tmp_path_factory.mktemp("headers"), **production) as product:
        made = Site(product)
        made.sign_in()
        assert made.receive(json.dumps(STARTED).encode()).status_code == 200
        yield made


# The rules


def directives(policy):
    parts = (one.split() for one in policy.split(";") if one.strip())
    return {name: values for name, *values in parts}


def csp(answer):
    said = directives(answer.headers.get("Content-Security-Policy", ""))
    scripts, styles = (said.get(name, said.get("default-src", ["*"])) for name in ("script-src", "style-src"))
    sources = {source for name, values in said.items() if name.endswith("-src") for source in values}
    if not said or "default-src" not in said:
        return -25
    if "'unsafe-inline'" in scripts or {"*", "data:", "https:", "http:"} & {*scripts}:
        return -20
    if any(source.startswith(("http:", "ws:")) for source in sources):
        return -20
    if "'unsafe-eval'" in sources:
        return -10
    if "'unsafe-inline'" in styles:
        return 0
    return 10 if said["default-src"] == ["'none'"] else 5


def hsts(answer):
    said = answer.headers.get("Strict-Transport-Security", "")
    age = re.search(r"(?:^|;)\s*max-age=(\d+)\s*(?:;|$)", said)
    if age is None:
        return -20
    return 0 if int(age[1]) >= HALF_A_YEAR_S else -10


def cookie(line):
    """Of one Set-Cookie."""
    name, flags = line.partition("=")[0], {flag.strip().lower() for flag in line.split(";")[1:]}
    is_session = re.search("sess|sid|login", name, re.IGNORECASE) is not None
    if "secure" not in flags:
        return -40 if is_session else -20
    if "httponly" not in flags and is_session:
        return -30
    same_site = {"samesite=lax", "samesite=strict"} & flags
    if not same_site and "csrf" in name:
        return -20
    return 5 if same_site and "httponly" in flags else 0


def cookies(answer):
    return min((cookie(line) for line in answer.raw.headers.getlist("Set-Cookie")), default=0)


def framing(answer):
    if directives(answer.headers.get("Content-Security-Policy", "")).get("frame-ancestors") == ["'none'"]:
        return 5
    return 0 if answer.headers.get("X-Frame-Options") in ("DENY", "SAMEORIGIN") else -20


def sniffing(answer):
    return 0 if answer.headers.get("X-Content-Type-Options") == "nosniff" else -5


PRIVATE = ("no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin")


def referrer(answer):
    match answer.headers.get("Referrer-Policy", ""):
        case said if said in PRIVATE:
            return 5
        case "unsafe-url" | "origin" | "origin-when-cross-origin" | "no-referrer-when-downgrade":
            return -5
    return 0


def resources(answer):
    match answer.headers.get("Cross-Origin-Resource-Policy", ""):
        case "same-origin" | "same-site":
            return 10
        case "cross-origin":
            return -5
    return 0


def sharing(answer):
    return -50 if answer.headers.get("Access-Control-Allow-Origin") == "*" else 0


def scripts(answer):
    if not answer.headers.get("Content-Type", "").startswith("text/html"):
        return 0
    foreign = re.findall(r'<(?:script|link)\b[^>]*(?:src|href)="(?:https?:)?//[^"]*"', answer.text)
    return -50 if foreign else 0


RULES = (csp, hsts, cookies, framing, sniffing, referrer, resources, sharing, scripts)


def points(answer):
    return {rule.__name__: rule(answer) for rule in RULES}


def score(given):
    base = 100 + sum(number for number in given.values() if number < 0)
    return base + sum(number for number in given.values() if number > 0) if base >= 90 else base


def assert_best(answer):
    """The highest grade, without any fault, and what the observatories do not count."""
    given, headers = points(answer), answer.headers

    assert min(given.values()) >= 0, given
    assert score(given) >= 130, given
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["X-Frame-Options"] == "DENY"
    assert {"camera=()", "microphone=()", "geolocation=()"} <= {*headers["Permissions-Policy"].split(", ")}
    assert "includeSubDomains" in headers["Strict-Transport-Security"]
    assert not {"Server", "X-Powered-By", "Via"} & {*headers}
    assert "Cache-Control" in headers
    for line in answer.raw.headers.getlist("Set-Cookie"):
        assert_host_only(line)


def assert_host_only(line):
    """What browsers ask of a name with __Host-: TLS, this very host, the whole of it."""
    name, flags = line.partition("=")[0], [flag.strip().lower() for flag in line.split(";")[1:]]

    assert name in ("__Host-sessionid", "__Host-csrftoken", "messages")
    assert {"secure", "httponly", "path=/", "samesite=lax"} <= {*flags}
    assert not any(flag.startswith("domain=") for flag in flags)


# The answers

PAGES = {
    "live": "/",
    "meeting": "/meetings/1/",
    "people": "/people/",
    "events": "/events/",
    "event": "/events/1/",
    "history": "/history/",
    "status": "/status/",
    "login": "/login/",
}
DOWNLOADS = {
    "attendance_csv": "/meetings/1/attendance.csv",
    "attendance_xlsx": "/meetings/1/attendance.xlsx",
    "history-sheet": "/history/meetings.csv",
    "export": "/events/export.csv",
    "export as JSON": "/events/export.ndjson",
    "export for a spreadsheet": "/events/export.xlsx",
}
MACHINES = {"healthz": "/healthz", "readyz": "/readyz", "metrics": "/metrics", "favicon": "/favicon.ico"}
REFUSED = {
    "logout": ("/logout/", 405),
    "save-filter": ("/events/filters/", 405),
    "delete-filter": ("/events/filters/1/delete/", 405),
    "meeting-of-event": ("/events/1/meeting/", 302),
    "nothing there": ("/nowhere/", 404),
    "no such meeting": ("/meetings/99/", 404),
    "no such static file": ("/static/nothing.js", 404),
    "no slash": ("/people", 301),
    "out of the tree": ("/static/..%2fmanage.py", 404),
    "a null byte": ("/people/?q=%00", 200),
    "not UTF-8": ("/people/?q=%ff", 200),
}
ADMIN = ("/admin/", "/admin/auth/user/", "/admin/auth/user/add/", "/admin/zoomfeed/event/", "/admin/nowhere/")


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_pages(site, path, method):
    answer = site.ask(path, method, signed_in=path != PAGES["login"])

    assert answer.status_code == 200
    assert answer.headers["Content-Security-Policy"] == STRICT
    assert "require-trusted-types-for 'script'" in STRICT
    assert_best(answer)


@pytest.mark.parametrize("path", [*PAGES.values(), *DOWNLOADS.values(), *ADMIN])
def test_what_strangers_get(site, path):
    answer = site.ask(path, signed_in=False)

    assert answer.status_code == (200 if path == "/login/" else 302)
    assert_best(answer)


@pytest.mark.parametrize("path", DOWNLOADS.values(), ids=DOWNLOADS)
def test_downloads(site, path):
    answer = site.ask(path)

    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    assert_best(answer)


@pytest.mark.parametrize("path", MACHINES.values(), ids=MACHINES)
def test_what_machines_get(site, path):
    for headers in ({}, {"Authorization": f"Bearer {METRICS}"}):
        assert_best(site.ask(path, signed_in=False, headers=headers))


@pytest.mark.parametrize(("path", "status"), REFUSED.values(), ids=REFUSED)
def test_errors(site, path, status):
    answer = site.ask(path)

    assert answer.status_code == status
    assert_best(answer)


@pytest.mark.parametrize("path", ADMIN)
def test_the_admin(site, path):
    answer = site.ask(path)

    assert answer.status_code in (200, 404)
    assert_best(answer)


def test_static_files(site):
    page = site.ask("/").text
    found = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page))
    assert len(found) > 10
    for path in found:
        answer = site.ask(path)

        assert answer.status_code == 200
        assert_best(answer)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS"])
def test_the_webhook(site, method):
    answer = site.ask("/zoom/webhook", method, data=b"{}")

    assert answer.status_code == (401 if method == "POST" else 405)
    assert_best(answer)
    assert_best(site.receive(b"{}"))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"])
def test_a_request_that_nobody_expects(site, method):
    assert_best(site.ask("/", method))


def test_a_form_without_its_token(site):
    answer = site.ask("/login/", "POST", data={"username": "alice"})

    assert answer.status_code == 403
    assert_best(answer)


def test_a_host_that_is_not_ours(site):
    answer = site.ask("/", host="evil.test")

    assert answer.status_code == 400
    assert "evil" not in answer.text
    assert_best(answer)


def test_an_error_of_our_own(site):
    with site.broken():
        answer = site.ask("/")

    assert answer.status_code in (500, 503)
    assert_best(answer)


def test_plain_http_leads_to_the_same_address_by_tls(site):
    answer = site.ask("/people/?q=x", scheme="http")

    assert answer.status_code == 301
    assert answer.headers["Location"] == f"https://{HOST}/people/?q=x"
    assert "Set-Cookie" not in answer.headers


def test_all_cookies_are_for_this_host_and_tls_only(site):
    assert {line.partition("=")[0] for line in site.set} >= {"__Host-sessionid", "__Host-csrftoken"}
    for line in site.set:
        assert_host_only(line)
        assert cookie(line) == 5


def test_no_address_of_ours_was_forgotten():
    named = {*PAGES, *DOWNLOADS, *MACHINES, *REFUSED}
    ours = [one for one in get_resolver("dashboard.urls").url_patterns if not isinstance(one, URLResolver)]
    missing = {one.name or str(one.pattern) for one in ours} - named

    assert missing == {"admin/login/", "favicon.ico"}  # the first is in ADMIN's refusals, the second has no name


# The rules can fail


@pytest.mark.parametrize(
    ("headers", "rule", "number"),
    [
        ({}, csp, -25),
        ({"Content-Security-Policy": "default-src 'self'; script-src 'self' 'unsafe-inline'"}, csp, -20),
        ({"Content-Security-Policy": "default-src 'self' http://example.org"}, csp, -20),
        ({"Content-Security-Policy": "default-src 'none'; script-src 'self' 'unsafe-eval'"}, csp, -10),
        ({"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}, csp, 0),
        ({"Content-Security-Policy": "default-src 'self'"}, csp, 5),
        ({}, hsts, -20),
        ({"Strict-Transport-Security": "max-age=86400"}, hsts, -10),
        ({}, framing, -20),
        ({}, sniffing, -5),
        ({"Referrer-Policy": "unsafe-url"}, referrer, -5),
        ({"Access-Control-Allow-Origin": "*"}, sharing, -50),
        ({"Cross-Origin-Resource-Policy": "cross-origin"}, resources, -5),
    ],
)
def test_a_fault_costs_points(headers, rule, number):
    answer = requests.Response()
    answer.headers.update(headers)

    assert rule(answer) == number


@pytest.mark.parametrize(
    ("line", "number"),
    [
        ("sessionid=x; Path=/", -40),
        ("theme=x; Path=/", -20),
        ("sessionid=x; Path=/; Secure", -30),
        ("csrftoken=x; Path=/; Secure", -20),
        ("sessionid=x; Path=/; Secure; HttpOnly", 0),
    ],
)
def test_a_cookie_without_its_flags_costs_points(line, number):
    assert cookie(line) == number
