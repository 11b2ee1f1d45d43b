"""Lines of the log that nobody can forge: what comes from outside never begins a line, and steers no terminal."""

import json
import logging
import re
from datetime import UTC, datetime

CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What a terminal obeys, what turns a line or ends it for some reader, but for the newline; what no stream takes."""


class TextFormatter(logging.Formatter):
    """As Django's, with every further line of a record indented, be it of a traceback or of somebody's name."""

    def format(self, record: logging.LogRecord) -> str:
        said = CONTROL.sub(lambda found: ascii(found[0])[1:-1], super().format(record))
        return said.replace("\n", "\n    ")


class JsonFormatter(logging.Formatter):
    """One object a line."""

    def format(self, record: logging.LogRecord) -> str:
        said = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            said["traceback"] = self.formatException(record.exc_info)
        return json.dumps(said)
