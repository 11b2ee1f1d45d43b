"""The headers that every answer carries, whatever it is, and which answers are compressed."""

import gzip
import re

import pytest
from django.http import HttpResponse
from django.test import RequestFactory, override_settings
from django.urls import path

from dashboard.middleware import HEADERS, PLAIN, STRICT, SecurityHeaders

POLICY = "Content-Security-Policy"
urlpatterns = [path("", lambda request: HttpResponse())]


def directives(answer):
    parts = (directive.strip().split(" ", 1) for directive in answer[POLICY].split(";"))
    return {name: "".join(rest) for name, *rest in parts}


def assert_secured(answer, policy):
    assert answer[POLICY] == policy
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in answer["Permissions-Policy"]


@pytest.mark.django_db
class TestAnswers:
    @pytest.mark.parametrize("path", ["/", "/events/", "/nowhere/", "/meetings/99/", "/logout/"])
    def test_pages_and_errors_are_strict(self, viewer, path):
        assert_secured(viewer.get(path), STRICT)

    @pytest.mark.parametrize("path", ["/", "/login/", "/nowhere/", "/healthz", "/readyz", "/favicon.ico"])
    def test_so_is_what_strangers_see(self, client, path):
        assert_secured(client.get(path), STRICT)

    def test_so_is_a_form_that_is_too_old(self, client):
        client.handler.enforce_csrf_checks = True
        answer = client.post("/login/", {"username": "alice"})

        assert answer.status_code == 403
        assert_secured(answer, STRICT)

    def test_so_is_a_host_that_is_not_ours(self, client):
        answer = client.get("/", headers={"host": "evil.test"})

        assert answer.status_code == 400
        assert answer[POLICY] == STRICT

    @pytest.mark.parametrize("path", ["/admin/", "/admin/auth/user/", "/admin/nowhere/", "/admin/login/"])
    def test_the_admin_goes_without_trusted_types(self, admin_client, path):
        assert_secured(admin_client.get(path), PLAIN)

    def test_static_files_are_secured_too(self, client, static_files):
        answer = client.get("/static/rollcall/live.js")

        assert answer.status_code == 200
        assert answer[POLICY] == STRICT
        assert answer["X-Content-Type-Options"] == "nosniff"

    async def test_so_is_what_an_event_loop_answers(self, async_client):
        assert_secured(await async_client.get("/login/"), STRICT)


@pytest.mark.parametrize("policy", [STRICT, PLAIN])
def test_a_policy_allows_nothing_inline_and_nothing_from_elsewhere(policy):
    said = directives({POLICY: policy})

    assert said["default-src"] == said["base-uri"] == said["frame-ancestors"] == "'none'"
    assert said["script-src"] == said["style-src"] == said["connect-src"] == said["form-action"] == "'self'"
    assert "unsafe" not in policy
    assert "*" not in policy
    assert "http" not in policy


def test_pages_may_only_make_markup_through_one_named_policy():
    said = directives({POLICY: STRICT})

    assert (said["require-trusted-types-for"], said["trusted-types"]) == ("'script'", "live")


def test_a_view_that_set_a_header_keeps_it():
    def view(_):
        return HttpResponse(headers={POLICY: "default-src 'self'", "Referrer-Policy": "no-referrer"})

    answer = SecurityHeaders(view)(RequestFactory().get("/"))

    assert (answer[POLICY], answer["Referrer-Policy"]) == ("default-src 'self'", "no-referrer")
    assert HEADERS.keys() <= answer.headers.keys()


async def test_both_kinds_of_server_get_the_same():
    async def view(_):
        return HttpResponse()

    request = RequestFactory().get("/admin/x/")
    answered = await SecurityHeaders(view)(request)

    assert answered.headers == SecurityHeaders(lambda _: HttpResponse())(request).headers
    assert answered[POLICY] == PLAIN


@override_settings(ROOT_URLCONF=__name__)
def test_a_site_without_an_admin_is_strict_everywhere():
    answer = SecurityHeaders(lambda _: HttpResponse())(RequestFactory().get("/admin/"))

    assert answer[POLICY] == STRICT


ASKED = {"accept-encoding": "gzip"}


@pytest.mark.django_db
class TestCompression:
    def test_a_page_is_compressed_for_who_takes_it_and_is_the_same(self, viewer):
        plain, packed = viewer.get("/"), viewer.get("/", headers=ASKED)

        assert packed["Content-Encoding"] == "gzip"
        assert "Accept-Encoding" in packed["Vary"]
        assert len(packed.content) < len(plain.content) / 2
        assert _without_tokens(gzip.decompress(packed.content)) == _without_tokens(plain.content)
        assert "Content-Encoding" not in plain

    @pytest.mark.parametrize("path", ["/history/meetings.csv", "/healthz"])
    def test_what_is_no_page_is_not(self, viewer, path):
        answer = viewer.get(path, headers=ASKED)

        assert answer.status_code == 200
        assert "Content-Encoding" not in answer

    def test_the_secret_of_a_page_is_another_each_time(self, viewer):
        first, second = (TOKEN.search(viewer.get("/").content) for _ in range(2))

        assert first[1] != second[1]


TOKEN = re.compile(rb'name="csrfmiddlewaretoken" value="(\w+)"')


def _without_tokens(page):
    return TOKEN.sub(b"", page)
