"""What an error report may show. Django hides settings by their names; some of ours hold a secret within an address."""

import re
from typing import Any

from django.template.defaultfilters import pprint
from django.views.debug import SafeExceptionReporterFilter

from zoomfeed.oauth import redact

PASSWORD = re.compile(r"(\w+://[^\s/:@]*:)[^\s/@]+@")


class ReporterFilter(SafeExceptionReporterFilter):
    """As Django's own, and no password in any address, nor a token in any text."""

    def cleanse_setting(self, key: str | int, value: Any) -> Any:
        cleansed = super().cleanse_setting(key, value)
        return _without_secrets(cleansed) if isinstance(cleansed, str) else cleansed

    def get_traceback_frame_variables(self, request: Any, tb_frame: Any) -> Any:
        """As text, so that what is deep inside is cleansed, too; also for developers, whose screens are seen."""
        found = super().get_traceback_frame_variables(request, tb_frame)
        return [(name, self.cleanse_setting(name, pprint(value))) for name, value in found]


def _without_secrets(text: str) -> str:
    return redact(PASSWORD.sub(r"\1********@", text))
