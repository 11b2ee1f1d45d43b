"""What others have made: pinned, hashed, new enough, under licences that we accept, and listed with each release."""

import json
import re
import subprocess
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dashboard.version import version
from script import supply
from script.supply import Component, Silent, Unknown
from tests.product import ROOT

FILES = ("requirements.txt", "requirements-dev.txt")
FLOORS = {"daphne": (4, 2, 3), "django": (5, 2, 19), "requests": (2, 32), "websockets": (15,), "channels": (4, 3, 2)}
"""The oldest that we may run on. Older ones of Daphne have CVE-2026-44545 and CVE-2026-44546."""


def number(version):
    return tuple(int(part) for part in re.findall(r"\d+", version))


# Pinned


@pytest.mark.parametrize("file", FILES)
def test_every_package_is_pinned_and_hashed_and_comes_from_no_address(file):
    text = (ROOT / file).read_text(encoding="utf-8")
    entries = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).strip())

    assert len(entries) == len(supply.pinned(file)) > 30
    for entry in entries:
        assert re.match(r"[A-Za-z0-9._-]+(\[\w+\])?==\S+ .*\\\n", entry), entry
        assert re.findall(r"--hash=sha256:[0-9a-f]{64}", entry), entry
    assert "://" not in text


def test_what_the_tests_pin_is_what_runs():
    run, everything = map(supply.pinned, FILES)

    assert {*run} <= {*everything}


@pytest.mark.parametrize("name", FLOORS)
def test_nothing_is_older_than_it_may_be(name):
    asked = re.search(rf"^{name}>=([\d.]+)", (ROOT / "requirements.in").read_text(encoding="utf-8"), re.MULTILINE)

    assert number(dict(supply.pinned("requirements.txt"))[name]) >= FLOORS[name]
    assert number(asked[1]) >= FLOORS[name]


# Licences


def test_the_page_of_licences_is_what_is_installed():
    assert (ROOT / "docs" / "licences.md").read_text(encoding="utf-8") == supply.licences(supply.components())


@pytest.mark.parametrize(
    ("use", "licence", "is_accepted"),
    [
        ("run", "MIT", True),
        ("run", "Apache-2.0 OR BSD-3-Clause", True),
        ("run", "MIT OR GPL-3.0-only", True),
        ("run", "Apache-2.0 AND BSD-2-Clause", True),
        ("run", "MIT AND GPL-3.0-only", False),
        ("run", "MIT OR BSD-3-Clause AND GPL-3.0-only", False),
        ("run", "(MIT AND (BSD-3-Clause OR GPL-3.0-only))", False),
        ("run", "AGPL-3.0-only", False),
        ("run", "Artistic-1.0-Perl", False),
        ("tests", "Artistic-1.0-Perl", True),
        ("browser", "", False),
    ],
)
def test_a_licence_is_accepted_or_not(use, licence, is_accepted):
    assert supply.is_accepted(Component(use, "a", "1", licence)) is is_accepted


@pytest.mark.parametrize(
    ("said", "licence"),
    [
        ({"License-Expression": "MIT"}, "MIT"),
        ({"License": "MIT License\n\nCopyright ..."}, "MIT"),
        ({"License": "Copyright ...", "Classifier": ["License :: OSI Approved :: BSD License"]}, "BSD-3-Clause"),
        ({"License": "Our own"}, None),
        ({}, None),
    ],
)
def test_metadata_old_and_new_are_read(monkeypatch, said, licence):
    class Said(dict):
        def get_all(self, name, otherwise):
            return self.get(name, otherwise)

    monkeypatch.setattr(supply.metadata, "metadata", lambda name: Said(said))
    if licence:
        assert supply.licence_of("somebody") == licence
        return
    with pytest.raises(Unknown, match="somebody"):
        supply.licence_of("somebody")


def test_what_is_not_installed_has_to_be_told_by_hand():
    with pytest.raises(Unknown, match="BY_HAND"):
        supply.licence_of("no-such-package-of-anybody")


def test_one_that_is_not_accepted_stops_the_list(monkeypatch):
    monkeypatch.setattr(supply, "packages", lambda: [Component("run", "somebody", "1", "AGPL-3.0-only")])

    with pytest.raises(Unknown, match=r"somebody 1: AGPL-3\.0-only"):
        supply.components()


# The list of components


def test_the_list_of_components_is_all_that_a_release_consists_of():
    said = json.loads(supply.sbom(supply.components(), version()))
    components = said["components"]
    refs = [one["bom-ref"] for one in components]

    assert (said["bomFormat"], said["specVersion"], said["version"]) == ("CycloneDX", "1.6", 1)
    assert said["metadata"]["component"]["version"] == version()
    assert len(refs) == len({*refs})
    assert said["dependencies"] == [{"ref": "rollcall", "dependsOn": refs}]
    of_python = [(one["name"], one["version"]) for one in components if one["purl"].startswith("pkg:pypi/")]
    assert of_python == sorted(supply.pinned("requirements.txt"))
    of_browsers = [one for one in components if one["purl"].startswith("pkg:npm/")]
    assert len(of_browsers) == 6
    assert all(re.fullmatch("[0-9a-f]{96}", one["hashes"][0]["content"]) for one in of_browsers)
    for one in components:
        assert set(one) <= {"type", "bom-ref", "name", "version", "purl", "licenses", "hashes"}
        assert one["licenses"][0].get("expression") or one["licenses"][0]["license"]["id"]


def test_the_same_release_gives_the_same_list():
    assert supply.sbom(supply.components(), "1.0.0") == supply.sbom(supply.components(), "1.0.0")


# Advisories


class Index(BaseHTTPRequestHandler):
    """A package index that knows of one advisory; `told` of each path that was asked for."""

    answers: dict[str, object]
    told: list[str]

    def do_GET(self):
        self.told.append(self.path)
        known = self.answers.get(self.path)
        self.send_response(200 if known is not None else 404)
        self.end_headers()
        self.wfile.write(json.dumps(known).encode() if known is not None else b"")

    def log_message(self, *_):
        """Says nothing."""


@pytest.fixture
def index():
    handler = type("OneIndex", (Index,), {"answers": {}, "told": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    handler.url = f"http://127.0.0.1:{server.server_address[1]}/simple/"
    yield handler
    server.shutdown()
    server.server_close()


ADVISORY = {"id": "PYSEC-2026-1", "fixed_in": ["1.0.1"], "withdrawn": None}


def check(index, **pins):
    said = []
    code = supply.check_advisories([*pins.items()], partial(supply.advisories_of, index.url), said.append)
    return code, "\n".join(said)


def test_a_known_advisory_fails_and_says_what_mends_it(index):
    index.answers = {
        "/pypi/good/1.0/json": {"vulnerabilities": []},
        "/pypi/bad/1.0/json": {"vulnerabilities": [ADVISORY]},
        "/pypi/old/1.0/json": {"vulnerabilities": [ADVISORY | {"withdrawn": "2026-01-01"}]},
    }
    code, said = check(index, good="1.0", bad="1.0", old="1.0")

    assert code == 1
    assert "bad 1.0: PYSEC-2026-1, mended in 1.0.1" in said
    assert "3 of 3 packages checked, 1 with known ones" in said
    assert "NOT CHECKED" not in said


def test_an_index_that_tells_nothing_is_said_plainly_and_asked_once(index):
    code, said = check(index, good="1.0", bad="1.0")

    assert code == 0
    assert "0 of 2 packages checked" in said
    assert "NOT CHECKED: 2 packages" in said
    assert index.told == ["/pypi/good/1.0/json"]


def test_what_an_index_does_not_know_is_not_passed_over(index):
    index.answers = {"/pypi/good/1.0/json": {"vulnerabilities": []}, "/pypi/odd/1.0/json": {"info": {}}}
    code, said = check(index, good="1.0", odd="1.0", missing="1.0")

    assert code == 0
    assert "1 of 3 packages checked" in said
    assert "NOT CHECKED: 2 packages" in said


def test_an_index_that_cannot_be_reached_tells_nothing():
    with pytest.raises(Silent, match="ConnectionError"):
        supply.advisories_of("http://127.0.0.1:9/simple", "good", "1.0")


@pytest.mark.parametrize(
    "said", ["index-url='http://of.the.test/simple'", "global.index-url='http://of.the.test/simple'"]
)
def test_the_index_is_the_one_that_pip_uses(monkeypatch, said):
    told = f"global.extra-index-url='file:///elsewhere'\n{said}\n"
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, told))

    assert supply.index_url() == "http://of.the.test/simple"


def test_without_a_setting_it_is_pips_own(monkeypatch):
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, ""))

    assert supply.index_url().endswith("/simple")
