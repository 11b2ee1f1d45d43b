"""Lines of the log: one record, one beginning, whatever somebody has called himself."""

import json
import logging
import sys

import pytest
from django.conf import settings

from dashboard.logs import JsonFormatter, TextFormatter

FORGED = "2026-04-03 12:00:00,000 ERROR zoomfeed: forged"
NAMES = [
    f"a\n{FORGED}",
    f"a\r\n{FORGED}",
    f"a\u2028{FORGED}",
    f"a\x85{FORGED}",
    f"a\v{FORGED}",
    f"a\x1b[2J\x1b[H{FORGED}",
    f"a\x9b2J{FORGED}",
    f"a\b\b\b{FORGED}",
    f"a\0{FORGED}",
    f"a\ud83d{FORGED}",
    f"a\u202e{FORGED}",
]


def text_formatter():
    """As the settings make it."""
    made = settings.LOGGING["formatters"]["text"]
    return TextFormatter(made["format"], style=made["style"])


def record_of(name):
    """What a line and its traceback look like when both hold a name."""
    try:
        {}[name]
    except KeyError:
        return logging.LogRecord("zoomfeed", logging.INFO, "", 0, "joined: %s", (name,), sys.exc_info())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("formatter", [text_formatter, JsonFormatter])
def test_no_name_begins_a_line_or_steers_a_terminal(name, formatter):
    line = formatter().format(record_of(name))
    first, *others = line.splitlines()

    assert "zoomfeed" in first
    assert all(other.startswith("    ") for other in others)
    assert line.replace("\n", "").isprintable()
    line.encode()


def test_what_is_logged_can_still_be_read():
    record = logging.LogRecord("zoomfeed", logging.INFO, "", 0, "joined: %s", ("Zoë 王小明\n",), None)

    assert text_formatter().format(record).endswith(" INFO zoomfeed: joined: Zoë 王小明\n    ")
    assert json.loads(JsonFormatter().format(record))["message"] == "joined: Zoë 王小明\n"


def test_the_settings_use_it():
    assert settings.LOGGING["formatters"]["text"]["()"] == "dashboard.logs.TextFormatter"
