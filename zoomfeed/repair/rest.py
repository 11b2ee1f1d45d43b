"""What Zoom's REST can be asked for repair: one method for each call, values or a known exception back.

Blocking: call it in a thread. It has no clock of its own and does not know what the answers are for. What comes from
outside is bounded in size, time and pages, and raises nothing but what a method's docstring names.
Source: Zoom's OpenAPI files for paths, scopes and labels; its page on rate limits; bodies that public clients printed.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from types import TracebackType
from typing import Any, NoReturn, Self

import requests

from zoomfeed import answers, metrics
from zoomfeed.exceptions import Limited, NotAllowed, NotKnown, RollcallError, TokenRefused, TooEarly, Weather
from zoomfeed.fold import Kind
from zoomfeed.oauth import redact
from zoomfeed.repair.endpoints import (
    LIVE,
    LIVE_OF_HOST,
    LIVE_PARTICIPANTS,
    PAST_PARTICIPANTS,
    PAST_RUN,
    REPORTED_PARTICIPANTS,
    Call,
    quoted,
)
from zoomfeed.repair.limiter import WITHOUT_WORD_S, Label, Limiter, retry_after_s
from zoomfeed.values import integer, listed, mapping, text

TIMEOUT_S = (5, 15)
MOST_S = 60.0
"""An answer that trickles in for longer is given up."""
MOST_BYTES = 16 * 1024 * 1024
PAGE_SIZE = 300
MOST_PAGES = 100
TRIES = 3
MOST_PATIENCE_S = 30.0
"""A limit of a second that asks for more than this is left to the next pass."""

NO_SCOPE = (4700, 4711)
NO_TOKEN = (124, *NO_SCOPE)
NO_PLAN = 200
NOT_ENDED = 3001

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows of all pages. Not `whole`: paging had to be stopped, so what is missing here proves nothing."""

    rows: tuple[Row, ...]
    whole: bool


class Zoom:
    """One account's REST. Use it as a context manager: it keeps connections open.

    Every method raises NotAllowed, NotKnown, TokenRefused, Limited or Weather, and what `token` raises; `token` gives
    an access token, `drop` forgets the one that was refused.
    """

    def __init__(
        self,
        base_url: str,
        token: Callable[[], str],
        drop: Callable[[], None],
        limiter: Limiter,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], object],
    ) -> None:
        self._base_url, self._token, self._drop = base_url, token, drop
        self._limiter, self._clock, self._sleep = limiter, clock, sleep
        self._session = requests.Session()
        self.refused: dict[str, NotAllowed] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def live_runs(self, kind: Kind, since: date, until: date) -> Listing:
        """The runs that are live now, as the dashboards know them: some seconds to minutes late."""
        return self._list(LIVE[kind], type="live", **_span(since, until))

    def past_runs(self, kind: Kind, since: date, until: date) -> Listing:
        """The runs that ended in this span, of at most a month."""
        return self._list(LIVE[kind], type="past", **_span(since, until))

    def live_runs_of(self, host_id: str) -> Listing:
        """The scheduled meetings that a user hosts now; instant ones are missing, `start_time` is the planned one."""
        return self._list(LIVE_OF_HOST, host_id, type="live")

    def live_participants(self, kind: Kind, uuid: str) -> Listing:
        """Who is in a live run, one row for each connection, also of those who have left."""
        return self._list(LIVE_PARTICIPANTS[kind], uuid, type="live")

    def past_run(self, uuid: str) -> Row:
        """How a meeting went: start_time, end_time, participants_count.

        Raises TooEarly, too, when it has not ended.
        """
        row = self._ask(PAST_RUN, uuid)
        if not row.get("end_time"):
            raise TooEarly
        return row

    def past_participants(self, kind: Kind, uuid: str) -> Listing:
        """Who was in a run that has ended: from the reports, else from what the plan has in their place.

        Raises TooEarly, too, when Zoom is still counting.
        """
        try:
            listing = self._list(REPORTED_PARTICIPANTS[kind], uuid)
        except NotAllowed:
            listing = self._list(PAST_PARTICIPANTS[kind], uuid)
        if listing.rows and all(integer(row.get("duration")) == 0 for row in listing.rows):
            raise TooEarly
        return listing

    def _list(self, call: Call, *ids: str, **query: str) -> Listing:
        rows: list[Row] = []
        seen: set[str] = set()
        following = ""
        for _ in range(MOST_PAGES):
            paging = {"next_page_token": following} if following else {}
            page = self._page(call, *ids, **query, page_size=str(PAGE_SIZE), **paging)
            rows += [row for row in listed(page.get(call.rows))[:PAGE_SIZE] if isinstance(row, dict)]
            following = text(page.get("next_page_token"), 2000)
            if not following:
                return Listing(tuple(rows), whole=isinstance(page.get(call.rows), list))
            if following in seen:
                break
            seen.add(following)
        return Listing(tuple(rows), whole=False)

    def _page(self, call: Call, *ids: str, **query: str) -> Row:
        try:
            return self._ask(call, *ids, **query)
        except NotKnown:
            if "next_page_token" not in query:
                raise
            raise Weather("the place in its list was forgotten") from None

    def _ask(self, call: Call, *ids: str, **query: str) -> Row:
        """One answer. A second of too many calls is waited for, a dead token is replaced once."""
        if call.scope in self.refused:
            raise self.refused[call.scope]
        url = f"{self._base_url}/{call.path.format(*map(quoted, ids))}"
        dropped = False
        for attempt in range(1, TRIES + 1):
            self._limiter.wait(call.label)
            try:
                return self._answer(call, url, query)
            except TokenRefused:
                if dropped:
                    raise
                dropped = True
                self._drop()
            except Limited as limited:
                if limited.daily or limited.retry_after_s > MOST_PATIENCE_S or attempt == TRIES:
                    raise
                self._sleep(limited.retry_after_s)
        raise Weather("it refuses by turns")

    def _answer(self, call: Call, url: str, query: Mapping[str, str]) -> Row:
        try:
            with self._session.get(
                url,
                params=query,
                auth=_Bearer(self._token()),
                timeout=TIMEOUT_S,
                allow_redirects=False,  # the token goes to this host and to no other
                stream=True,
            ) as answer:
                said = _parsed(answers.body(answer, most_bytes=MOST_BYTES, most_s=MOST_S, clock=self._clock))
        except answers.Endless as error:
            metrics.asked(_word(call.label), "endless")
            raise Weather(str(error)) from None
        except requests.RequestException as error:
            metrics.asked(_word(call.label), "unreachable")
            raise Weather(type(error).__name__) from None
        metrics.asked(_word(call.label), str(answer.status_code))
        if answer.status_code == 200 and said is not None:
            return said
        raise self._refusal(call, answer, said)

    def _refusal(self, call: Call, answer: requests.Response, said: Row | None) -> RollcallError:
        """What it means that an answer is none. Source of the codes: Zoom's pages of the calls."""
        status = answer.status_code
        if status == 429:
            return self._limited(call.label, answer, said)
        if said is None or status >= 500 or status < 400:
            return Weather(f"HTTP {status}")
        code, sentence = _code(said), redact(text(said.get("message"), 200))
        lacks_scope = code in NO_SCOPE and "scope" in sentence
        if code == NO_PLAN or status == 403 or lacks_scope:
            self.refused[call.scope] = NotAllowed(sentence, call.scope, call.plan)
            return self.refused[call.scope]
        if status == 401 or code in NO_TOKEN:
            return TokenRefused(sentence)
        return TooEarly() if code == NOT_ENDED else NotKnown(sentence)

    def _limited(self, label: Label, answer: requests.Response, said: Row | None) -> Limited:
        wait_s = retry_after_s(answer.headers.get("Retry-After", ""), self._clock())
        daily = "daily" in text(mapping(said).get("message"), 300).lower()
        if daily:
            wait_s = WITHOUT_WORD_S if wait_s is None else wait_s
            self._limiter.block(label, wait_s)
        else:
            wait_s = 1.0 if wait_s is None else wait_s
            self._limiter.slow_down(label)
        return Limited(label, wait_s, daily=daily)


class _Bearer(requests.auth.AuthBase):
    """The token, in the header. As `auth`, so that no .netrc of the machine can take its place."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _span(since: date, until: date) -> dict[str, str]:
    return {"from": since.isoformat(), "to": until.isoformat()}


def _code(said: Row) -> int | None:
    """Zoom's number for an error; sometimes a text."""
    code = said.get("code")
    return int(code) if isinstance(code, str) and code.isascii() and code.isdigit() else integer(code)


def _parsed(body: bytes) -> Row | None:
    """A JSON object, or None. Lone surrogates pass: somebody's cut emoji is no reason to lose a page of people."""
    try:
        said = json.loads(body.decode("utf-8", "surrogatepass"), parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


def _word(label: Label) -> str:
    """As metrics spell it: resource_intensive."""
    return label.value.lower().replace("-", "_")
