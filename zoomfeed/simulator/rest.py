"""The REST side of the simulated Zoom: what an app may ask after a gap, with the limits that the real one has.

Every answer is made from the `World`. Who may ask what is decided here: token, rate, scope, plan, in this order.
Source: Zoom's API reference; wording of errors as public clients printed them.
"""

import asyncio
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote

from zoomfeed.simulator import rows
from zoomfeed.simulator.bodies import iso
from zoomfeed.simulator.faults import REST_FAULTS, Faults
from zoomfeed.simulator.httpd import Answer, Refusal, Request, as_json
from zoomfeed.simulator.limits import HEAVY, INTENSIVE, LIGHT, MEDIUM, PLANS, Limiter
from zoomfeed.simulator.oauth import TokenEndpoint
from zoomfeed.simulator.pages import Pages, Query
from zoomfeed.simulator.rows import Row
from zoomfeed.simulator.runs import Leg, Run
from zoomfeed.simulator.world import World

BASE = "/v2"
LONGEST_RANGE_DAYS = 31
SCHEDULED_TYPES = (2, 3, 8)


@dataclass(frozen=True, slots=True)
class Call:
    """One thing that may be asked. `plan` is the smallest that has it; `answer` gets what stands for {} in `path`."""

    path: str
    scope: str
    label: str
    plan: str
    answer: Callable[["Rest", str, Query], Row]

    def matches(self, path: str) -> re.Match[str] | None:
        return re.fullmatch(self.path.replace("{}", "([^/]+)"), path)


@dataclass
class Rest:
    """The switches stand first; the rest is what was asked.

    `scopes` None grants all. `too_early_s` is for how long after an end Zoom does not know of it; `lists_left` says
    whether those who left a live run are still on its list, which is not documented. `fail_next` holds answers that
    are given before any other, one a request. `requests` holds path and query as they came, without the base.
    """

    world: World
    tokens: TokenEndpoint
    faults: Callable[[], Faults]
    plan: str = "business"
    scopes: set[str] | None = None
    too_early_s: float = 0.0
    delay_s: float = 0.0
    lists_left: bool = True
    enforce_limits: bool = False
    keeps_requests: bool = True
    fail_next: list[Answer] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    _pages: Pages = field(default_factory=Pages)
    _limiter: Limiter = field(default_factory=Limiter)

    @property
    def lag_s(self) -> float:
        """By how many seconds the answers are behind the events."""
        return self.world.lag_s

    @lag_s.setter
    def lag_s(self, value: float) -> None:
        self.world.lag_s = value

    @property
    def granted(self) -> list[str]:
        return sorted(call.scope for call in CALLS if self.scopes is None or call.scope in self.scopes)

    async def handle(self, request: Request) -> Answer:
        path = request.path.removeprefix(BASE)
        if self.keeps_requests:
            self.requests.append((path, request.query))
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        if self.fail_next:
            return self.fail_next.pop(0)
        if fault := self.faults().rest:
            return REST_FAULTS[fault]
        try:
            return self._answer(request, path)
        except Refusal as refusal:
            return refusal.answer

    def _answer(self, request: Request, path: str) -> Answer:
        call, what = _find(path)
        if request.method != "GET":
            raise Refusal(405, 405, "Method not allowed.")
        grant = self._grant(request.headers.get("authorization", ""))
        if self.enforce_limits:
            self._limiter.spend(self.plan, call.label)
        if grant != "account_credentials" or call.scope not in self.granted:
            raise Refusal(400, 4711, f"Invalid access token, does not contain scopes:[{call.scope}].")
        if PLANS.index(self.plan) < PLANS.index(call.plan) or (call.plan == "business" and self.faults().no_dashboard):
            raise Refusal(400, 200, "Only available for Paid or ZMP account, with the plan of this feature.")
        query = {name: values[0] for name, values in parse_qs(request.query).items()}
        found = call.answer(self, what, {**query, "path": path})
        return as_json(found, headers={"X-RateLimit-Category": call.label.title()})

    def _grant(self, authorization: str) -> str:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or token not in self.tokens.grants:
            raise Refusal(401, 124, "Invalid access token.")
        if self.tokens.left_s(token) <= 0:
            raise Refusal(401, 124, "Access token is expired.")
        return self.tokens.grants[token]

    def page(self, name: str, found: list[Row], query: Query, **more: Any) -> Row:
        return self._pages.page(query["path"], name, found, query, **more)

    # Runs

    def live(self, name: str, kind: str) -> Run:
        return _only((run for run in self.world.named(name) if run.kind == kind and run.ended_at is None), name)

    def past(self, name: str, kind: str, *, is_early_too: bool = False) -> Run:
        known = (run for run in self.world.named(name) if run.ended_at is not None)
        run = _only((run for run in known if is_early_too or not self.is_early(run)), name)
        if run.kind != kind and run.kind == "webinar":
            raise Refusal(400, 3000, "Cannot access webinar info.")
        return _only((run for run in [run] if run.kind == kind), name)

    def is_early(self, run: Run) -> bool:
        return time.monotonic() - run.ended_sent_at < self.too_early_s

    def dashboard(self, name: str, kind: str, query: Query) -> Run:
        is_live = _one_of(query, "type", "live", "past", "pastOne") == "live"
        return self.live(name, kind) if is_live else self.past(name, kind)


# What is answered


def _dashboard_runs(kind: str) -> Callable[[Rest, str, Query], Row]:
    def answer(rest: Rest, _: str, query: Query) -> Row:
        first, last = _range(query)
        found = rest.world.live(kind)
        if _one_of(query, "type", "live", "past", "pastOne") != "live":
            found = [run for run in rest.world.past(kind) if not rest.is_early(run)]
            found = [run for run in found if first <= datetime.fromtimestamp(run.started_at, UTC).date() <= last]
        listed = [rows.dashboard_run(run, rest.world) for run in sorted(found, key=lambda run: run.started_at)]
        return rest.page(f"{kind}s", listed, query, **{"from": first.isoformat(), "to": last.isoformat()})

    return answer


def _dashboard_run(kind: str) -> Callable[[Rest, str, Query], Row]:
    return lambda rest, name, query: rows.dashboard_run(rest.dashboard(name, kind, query), rest.world)


def _dashboard_legs(kind: str) -> Callable[[Rest, str, Query], Row]:
    def answer(rest: Rest, name: str, query: Query) -> Row:
        run = rest.dashboard(name, kind, query)
        legs = [leg for leg in run.legs if rest.lists_left or run.ended_at is not None or run.is_open(leg)]
        return rest.page("participants", [rows.dashboard_leg(run, leg) for leg in legs], query)

    return answer


def _users_meetings(rest: Rest, name: str, query: Query) -> Row:
    _one_of(query, "type", "live")
    user = rest.world.user(name)
    if user is None:
        raise Refusal(404, 1001, f"User does not exist: {name}.")
    live = [run for run in rest.world.live("meeting") if run.type in SCHEDULED_TYPES and run.host_id == user.id]
    return rest.page("meetings", [rows.live_meeting(run, rest.world.plan(run.number)) for run in live], query)


def _meeting(rest: Rest, number: str, _: Query) -> Row:
    plan = rest.world.plan(number)
    live = next((run for run in rest.world.named(number) if run.ended_at is None), None)
    known = live or plan
    if known is None or not number.isdecimal():
        raise _unknown(number)
    if known.kind == "webinar":
        raise Refusal(400, 3000, "Cannot access webinar info.")
    return rows.meeting(number, plan, live)


def _past_meeting(rest: Rest, name: str, _: Query) -> Row:
    return rows.past_run(rest.past(name, "meeting"), rest.world)


def _instances(rest: Rest, number: str, _: Query) -> Row:
    ended = [run for run in rest.world.named(number) if run.ended_at is not None and not rest.is_early(run)]
    if not ended:
        raise _unknown(number)
    return {"meetings": [{"uuid": run.uuid, "start_time": iso(run.started_at)} for run in ended]}


def _past_legs(kind: str) -> Callable[[Rest, str, Query], Row]:
    def answer(rest: Rest, name: str, query: Query) -> Row:
        run = rest.past(name, kind, is_early_too=True)
        early = rest.is_early(run)
        listed = [rows.past_leg(run, leg, is_early=early) for leg in _of_several(run)]
        return rest.page("participants", listed, query)

    return answer


def _report_legs(kind: str) -> Callable[[Rest, str, Query], Row]:
    def answer(rest: Rest, name: str, query: Query) -> Row:
        run = rest.past(name, kind)
        return rest.page("participants", [rows.report_leg(run, leg) for leg in _of_several(run)], query)

    return answer


CALLS = (
    Call("/metrics/meetings", "dashboard:read:list_meetings:admin", INTENSIVE, "business", _dashboard_runs("meeting")),
    Call("/metrics/meetings/{}", "dashboard:read:meeting:admin", HEAVY, "business", _dashboard_run("meeting")),
    Call(
        "/metrics/meetings/{}/participants", "dashboard:read:list_meeting_participants:admin",
        HEAVY, "business", _dashboard_legs("meeting"),
    ),
    Call("/metrics/webinars", "dashboard:read:list_webinars:admin", INTENSIVE, "business", _dashboard_runs("webinar")),
    Call("/metrics/webinars/{}", "dashboard:read:webinar:admin", HEAVY, "business", _dashboard_run("webinar")),
    Call(
        "/metrics/webinars/{}/participants", "dashboard:read:list_webinar_participants:admin",
        HEAVY, "business", _dashboard_legs("webinar"),
    ),
    Call("/users/{}/meetings", "meeting:read:list_meetings:admin", MEDIUM, "free", _users_meetings),
    Call("/meetings/{}", "meeting:read:meeting:admin", LIGHT, "free", _meeting),
    Call("/past_meetings/{}", "meeting:read:past_meeting:admin", LIGHT, "pro", _past_meeting),
    Call("/past_meetings/{}/instances", "meeting:read:list_past_instances:admin", MEDIUM, "free", _instances),
    Call(
        "/past_meetings/{}/participants", "meeting:read:list_past_participants:admin",
        MEDIUM, "pro", _past_legs("meeting"),
    ),
    Call(
        "/report/meetings/{}/participants", "report:read:list_meeting_participants:admin",
        HEAVY, "pro", _report_legs("meeting"),
    ),
    Call(
        "/past_webinars/{}/participants", "webinar:read:list_past_participants:admin",
        MEDIUM, "pro", _past_legs("webinar"),
    ),
    Call(
        "/report/webinars/{}/participants", "report:read:list_webinar_participants:admin",
        HEAVY, "pro", _report_legs("webinar"),
    ),
)  # fmt: skip


def _find(path: str) -> tuple[Call, str]:
    """Which call a path means, and about what. Raises Refusal."""
    for call in CALLS:
        if match := call.matches(path):
            return call, _named(*match.groups()) if match.groups() else ""
    raise Refusal(404, 404, "Not found.")


def _named(segment: str) -> str:
    """What a segment of a path names.

    Zoom decodes a path before it takes it apart: a uuid that begins with a slash, or holds two in a row, is found
    only when it was encoded twice. Twice does no harm to others.
    """
    once = unquote(segment)
    if once.startswith("/") or "//" in once:
        raise _unknown(once)
    return unquote(once)


def _of_several(run: Run) -> list[Leg]:
    """The legs of a run; Zoom reports nobody when only one was there."""
    return run.legs if len(run.inside) > 1 else []


def _only(found: Iterable[Run], name: str) -> Run:
    for run in found:
        return run
    raise _unknown(name)


def _unknown(name: str) -> Refusal:
    return Refusal(404, 3001, f"Meeting does not exist: {name}.")


def _one_of(query: Query, name: str, *values: str) -> str:
    """A parameter that has to be one of these; the first when it is not given. Raises Refusal."""
    if (value := query.get(name, values[0])) not in values:
        raise Refusal(400, 300, f"Invalid {name}.")
    return value


def _range(query: Query) -> tuple[date, date]:
    """`from` and `to`: days, both needed, at most a month apart. Raises Refusal."""
    try:
        first, last = date.fromisoformat(query.get("from", "")), date.fromisoformat(query.get("to", ""))
    except ValueError:
        raise Refusal(400, 300, "Invalid from or to.") from None
    if not timedelta() <= last - first <= timedelta(days=LONGEST_RANGE_DAYS):
        raise Refusal(400, 300, "The from and to dates have to be in order, and at most a month apart.")
    return first, last
