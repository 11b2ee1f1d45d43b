"""Ways in which a stranger's text becomes markup or code, of which our own source has none, or one that is known.

And what the threat model names as proof.
"""

import re

import pytest

from tests.product import ROOT

FORBIDDEN = {
    "*.py": (
        r"\bmark_safe\b|\bSafeString\(|__html__|autoescape=False|\beval\(|\bexec\(|\bpickle\b|shell=True|"
        r"verify=False|CERT_NONE"
    ),
    "*.html": r"\|\s*safe\b|\|\s*safeseq\b|autoescape off|\son\w+=|javascript:|<style|\sstyle=|<script(?![^>]*\ssrc=)",
    "*.js": (
        r"\binnerHTML\b|\bouterHTML\s*=|insertAdjacentHTML|document\.write|\beval\(|new Function|"
        r"setTimeout\(\s*[\"'`]|createContextualFragment|srcdoc|parseFromString|DOMParser"
    ),
}
KNOWN = {
    # the one place where the server's own markup becomes elements, through the one policy of Trusted Types
    "static/rollcall/patch.js": ["DOMParser", "parseFromString", "innerHTML"],
    # parts that were escaped one by one are joined; and nothing at all
    "dashboard/json_html.py": ["mark_safe", "mark_safe"],
    "dashboard/templatetags/rollcall.py": ["SafeString("],
}


def sources(pattern):
    folders = ("zoomfeed", "dashboard", "templates", "static/rollcall", "script")
    return sorted(path for folder in folders for path in (ROOT / folder).rglob(pattern))


@pytest.mark.parametrize("pattern", FORBIDDEN)
def test_no_source_makes_code_of_text(pattern):
    found = {}
    for path in sources(pattern):
        if hits := re.findall(FORBIDDEN[pattern], path.read_text(encoding="utf-8")):
            found[path.relative_to(ROOT).as_posix()] = hits

    assert sources(pattern)
    assert found == {name: hits for name, hits in KNOWN.items() if name.endswith(pattern[1:])}


def test_links_to_elsewhere_tell_nobody_where_they_come_from():
    for path in sources("*.html"):
        for link in re.findall(r"<a [^>]*target=[^>]*>", path.read_text(encoding="utf-8")):
            assert 'rel="noopener noreferrer"' in link, (path, link)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("*.py", "return mark_safe(name)"),
        ("*.html", "{{ name|safe }}"),
        ("*.html", '<b onclick="x()">'),
        ("*.html", "<script>x()</script>"),
        ("*.js", "card.innerHTML = name"),
        ("*.js", "setTimeout('x()', 1)"),
    ],
)
def test_what_is_forbidden_is_found(pattern, text):
    assert re.search(FORBIDDEN[pattern], text)


def test_the_threat_model_names_proofs_that_exist():
    text = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)`", text)
    rows = [line for line in text.splitlines() if line.startswith("| ") and "---" not in line]

    assert len(set(named)) > 15
    assert [path for path in named if not (ROOT / path).is_file()] == []
    assert [row for row in rows[1:] if "`tests/" not in row] == []
