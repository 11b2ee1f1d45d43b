"""Which scopes Rollcall has use for, and which of them an app lacks.

Zoom has two generations of scopes; an app holds either. Sources: Zoom's OpenAPI catalogues of events (docs/scopes.md)
and of calls.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zoomfeed.checkup.steps import Outcome, Step, skipped
from zoomfeed.checkup.tokens import ACCOUNT
from zoomfeed.fold import Kind
from zoomfeed.repair.endpoints import LIVE, LIVE_PARTICIPANTS, PAST_PARTICIPANTS, PAST_RUN, REPORTED_PARTICIPANTS


@dataclass(frozen=True, slots=True)
class Need:
    """A granular scope, the classic ones that include it, and what it is for."""

    scope: str
    classic: tuple[str, ...]
    purpose: str

    def is_met(self, scopes: frozenset[str]) -> bool:
        """`:master` stands above `:admin`: it includes the sub-accounts."""
        return not scopes.isdisjoint((self.scope, self.scope.removesuffix(":admin") + ":master", *self.classic))


MEETINGS, WEBINARS, USERS = ("meeting:read:admin",), ("webinar:read:admin",), ("user:read:admin",)
RECORDINGS, REPORTS = ("recording:read:admin",), ("report:read:admin",)
DASHBOARDS = ("dashboard:read:admin", "dashboard_meetings:read:admin")
WEBINAR_DASHBOARDS = ("dashboard:read:admin", "dashboard_webinars:read:admin")

SOCKET = Need("marketplace:write:websocket_connection", (), "opening the socket")
EVENTS = (
    Need("meeting:read:meeting:admin", MEETINGS, "meetings that start, end and are planned"),
    Need("meeting:read:participant:admin", MEETINGS, "who is in a meeting"),
    Need("meeting:read:participant_sharing:admin", MEETINGS, "sharing in meetings"),
    Need("meeting:read:livestream:admin", MEETINGS, "live streams"),
    Need("webinar:read:webinar:admin", WEBINARS, "webinars that start, end and are planned"),
    Need("webinar:read:participant:admin", WEBINARS, "who is in a webinar"),
    Need("webinar:read:participant_sharing:admin", WEBINARS, "sharing in webinars"),
    Need("cloud_recording:read:recording:admin", RECORDINGS, "recordings"),
    Need("user:read:user:admin", USERS, "users"),
    Need("user:read:presence_status:admin", USERS, "presence of users"),
)
LIVE_MEETINGS = Need(LIVE[Kind.MEETING].scope, DASHBOARDS, "which meetings are live")
WHO_IS_IN = Need(LIVE_PARTICIPANTS[Kind.MEETING].scope, DASHBOARDS, "who is in a live meeting")
PAST_MEETING = Need(PAST_RUN.scope, MEETINGS, "when a meeting ended")
WHO_WAS_IN = Need(REPORTED_PARTICIPANTS[Kind.MEETING].scope, REPORTS, "who was in a meeting, by the reports")
WHO_WAS_IN_ANYWAY = Need(PAST_PARTICIPANTS[Kind.MEETING].scope, MEETINGS, "who was in a meeting, without the reports")
REPAIR = (
    LIVE_MEETINGS,
    WHO_IS_IN,
    PAST_MEETING,
    WHO_WAS_IN,
    WHO_WAS_IN_ANYWAY,
    Need(LIVE[Kind.WEBINAR].scope, WEBINAR_DASHBOARDS, "which webinars are live"),
    Need(LIVE_PARTICIPANTS[Kind.WEBINAR].scope, WEBINAR_DASHBOARDS, "who is in a live webinar"),
)


def missing(needs: Sequence[Need], scopes: frozenset[str]) -> list[Need]:
    return [need for need in needs if not need.is_met(scopes)]


def check_scopes(scopes: Mapping[str, frozenset[str]]) -> list[Step]:
    """`scopes`: what the token of each grant carries; nothing at all means that Zoom did not say."""
    account = scopes.get(ACCOUNT, frozenset())
    return [
        _check_socket(frozenset().union(*scopes.values())),
        _check("event scopes", EVENTS, account, "and then the events to the event subscription"),
        _check("repair scopes", REPAIR, account, "so that Rollcall can ask after a gap what it missed"),
    ]


UNKNOWN = "unknown: the token that Zoom gave names no scopes"


def _check_socket(scopes: frozenset[str]) -> Step:
    tried = "look for the scope of the socket in the tokens"
    if not scopes:
        return skipped("socket scope", UNKNOWN)
    if SOCKET.is_met(scopes):
        return Step("socket scope", tried, f"there: {SOCKET.scope}")
    advice = "Choose WebSocket as the method of the app's event subscription and save it; Zoom then adds the scope."
    return Step("socket scope", tried, f"missing: {SOCKET.scope}", Outcome.WARNING, advice)


def _check(name: str, needs: Sequence[Need], scopes: frozenset[str], then: str) -> Step:
    if not scopes:
        return skipped(name, UNKNOWN)
    tried = f"compare the {len(scopes)} scopes of the token with {len(needs)} that are of use"
    lacking = missing(needs, scopes)
    if not lacking:
        return Step(name, tried, "all there")
    found = "missing for " + "; ".join(f"{need.purpose} ({need.scope})" for need in lacking)
    return Step(name, tried, found, Outcome.WARNING, f"Add what you want of these on the app's Scopes page, {then}.")
