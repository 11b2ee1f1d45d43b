"""Which of Zoom's REST calls repair needs, what each costs and takes, and how its address is made.

Source: Zoom's OpenAPI files for paths, granular scopes and labels; its pages on ids and on `api_url`.
"""

import re
from dataclasses import dataclass
from urllib.parse import quote

from zoomfeed.exceptions import NotKnown
from zoomfeed.fold import Kind
from zoomfeed.oauth import ZOOM_HOST
from zoomfeed.repair.limiter import Label

ZOOMS = re.compile(rf"(https://{ZOOM_HOST})/?")


@dataclass(frozen=True, slots=True)
class Call:
    """One kind of question: where, how dear, and what the app and the account need for it."""

    path: str
    label: Label
    scope: str
    plan: str
    rows: str = ""


DASHBOARDS = "the plan Business or higher"
REPORTS = "the plan Pro or higher"

LIVE = {
    Kind.MEETING: Call(
        "metrics/meetings", Label.RESOURCE_INTENSIVE, "dashboard:read:list_meetings:admin", DASHBOARDS, "meetings"
    ),
    Kind.WEBINAR: Call(
        "metrics/webinars", Label.RESOURCE_INTENSIVE, "dashboard:read:list_webinars:admin", DASHBOARDS, "webinars"
    ),
}
LIVE_PARTICIPANTS = {
    Kind.MEETING: Call(
        "metrics/meetings/{}/participants",
        Label.HEAVY,
        "dashboard:read:list_meeting_participants:admin",
        DASHBOARDS,
        "participants",
    ),
    Kind.WEBINAR: Call(
        "metrics/webinars/{}/participants",
        Label.HEAVY,
        "dashboard:read:list_webinar_participants:admin",
        DASHBOARDS,
        "participants",
    ),
}
LIVE_OF_HOST = Call(
    "users/{}/meetings", Label.MEDIUM, "meeting:read:list_meetings:admin", "no special plan", "meetings"
)
PAST_RUN = Call("past_meetings/{}", Label.LIGHT, "meeting:read:past_meeting:admin", "a paid plan")
REPORTED_PARTICIPANTS = {
    Kind.MEETING: Call(
        "report/meetings/{}/participants",
        Label.HEAVY,
        "report:read:list_meeting_participants:admin",
        REPORTS,
        "participants",
    ),
    Kind.WEBINAR: Call(
        "report/webinars/{}/participants",
        Label.HEAVY,
        "report:read:list_webinar_participants:admin",
        REPORTS,
        "participants",
    ),
}
PAST_PARTICIPANTS = {
    Kind.MEETING: Call(
        "past_meetings/{}/participants",
        Label.MEDIUM,
        "meeting:read:list_past_participants:admin",
        REPORTS,
        "participants",
    ),
    Kind.WEBINAR: Call(
        "past_webinars/{}/participants",
        Label.MEDIUM,
        "webinar:read:list_past_participants:admin",
        "a webinar add-on",
        "participants",
    ),
}


def base_url(configured: str, api_url: str) -> str:
    """Where REST calls go: to the `api_url` that came with the token when that is Zoom's, else to what is configured.

    A token is worth as much as the account, so no answer can send it to another house.
    """
    found = ZOOMS.fullmatch(api_url)
    return f"{found[1]}/v2" if found else configured.rstrip("/")


def quoted(uuid: str) -> str:
    """A uuid as a path segment. Zoom wants those that begin with a slash or hold two in a row encoded twice.

    Raises NotKnown for what a path would swallow.
    """
    if not uuid.strip("."):
        raise NotKnown("it has no id")
    once = quote(uuid, safe="")
    return quote(once, safe="") if uuid.startswith("/") or "//" in uuid else once
