"""Vendored browser files are what VENDORED.md says."""

import base64
import hashlib
import re

from django.conf import settings

VENDOR = settings.BASE_DIR / "static" / "vendor"
FONTS = settings.BASE_DIR / "static" / "rollcall" / "fonts"
ROW = re.compile(r"^\| (\S+\.(?:js|woff2)) .*`([A-Za-z0-9+/=]{64})` \|$", re.MULTILINE)


def recorded():
    """The hash of each file, by the list."""
    text = (VENDOR / "VENDORED.md").read_text(encoding="utf-8")
    return {(VENDOR / path).resolve(): digest for path, digest in ROW.findall(text)}


def test_every_vendored_file_has_its_recorded_hash():
    files = {*VENDOR.glob("*.js"), *FONTS.glob("*.woff2")}
    actual = {path: base64.b64encode(hashlib.sha384(path.read_bytes()).digest()).decode() for path in files}

    assert len(files) == 6
    assert recorded() == actual


def test_the_licence_of_each_lies_beside_it():
    text = (VENDOR / "VENDORED.md").read_text(encoding="utf-8")
    named = [(VENDOR / path) for path in re.findall(r"(?:0BSD|OFL-1\.1), `([^`]+)`", text)]

    assert len(named) == len(recorded())
    assert all(path.is_file() for path in named)


def test_nothing_else_that_is_not_ours_is_served():
    """What we did not write ourselves is in the list; we write no fonts, and no script that is packed."""
    made_by_programs = {".woff2", ".woff", ".ttf", ".wasm", ".map"}
    served = (settings.BASE_DIR / "static").rglob("*")

    assert {path for path in served if path.suffix in made_by_programs} <= set(recorded())
