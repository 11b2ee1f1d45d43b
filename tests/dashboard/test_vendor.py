"""Vendored browser files are what VENDORED.md says."""

import base64
import hashlib
import re

from django.conf import settings

VENDOR = settings.BASE_DIR / "static" / "vendor"
ROW = re.compile(r"^\| (\S+\.js) .*`([A-Za-z0-9+/=]{64})` \|$", re.MULTILINE)


def test_every_vendored_script_has_its_recorded_hash():
    recorded = dict(ROW.findall((VENDOR / "VENDORED.md").read_text()))
    actual = {
        path.name: base64.b64encode(hashlib.sha384(path.read_bytes()).digest()).decode() for path in VENDOR.glob("*.js")
    }

    assert recorded == actual
