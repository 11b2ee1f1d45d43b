"""Would Rollcall get an answer if it had to ask what it missed? One call of each kind that repair makes.

The calls about one meeting name a meeting that nobody has: "no such meeting" is the answer of a door that is open.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

from zoomfeed.checkup.scopes import LIVE_MEETINGS, PAST_MEETING, WHO_IS_IN, WHO_WAS_IN, WHO_WAS_IN_ANYWAY, Need
from zoomfeed.checkup.steps import Outcome, Step, skipped
from zoomfeed.checkup.tokens import ACCOUNT
from zoomfeed.exceptions import NotAllowed, NotKnown, PersonMustAct, TimeMayMend, TooEarly
from zoomfeed.fold import Kind
from zoomfeed.oauth import Issuer, Token
from zoomfeed.repair.endpoints import base_url
from zoomfeed.repair.limiter import Limiter
from zoomfeed.repair.rest import Zoom

NOBODYS_UUID = "AAAAAAAAAAAAAAAAAAAAAA=="


@dataclass(frozen=True, slots=True)
class Means:
    """One kind of call; any one of its `needs` is enough. `is_about_nobody`: it names a meeting that nobody has."""

    name: str
    needs: tuple[Need, ...]
    ask: Callable[[Zoom, date], object]
    is_about_nobody: bool = True


MEANS = (
    Means(
        "live meetings",
        (LIVE_MEETINGS,),
        lambda zoom, today: zoom.live_runs(Kind.MEETING, today, today),
        is_about_nobody=False,
    ),
    Means("live participants", (WHO_IS_IN,), lambda zoom, _: zoom.live_participants(Kind.MEETING, NOBODYS_UUID)),
    Means("past meetings", (PAST_MEETING,), lambda zoom, _: zoom.past_run(NOBODYS_UUID)),
    Means(
        "past participants",
        (WHO_WAS_IN, WHO_WAS_IN_ANYWAY),
        lambda zoom, _: zoom.past_participants(Kind.MEETING, NOBODYS_UUID),
    ),
)


def check_repair(api_url: str, issuer: Issuer, token: Token | None) -> Iterator[Step]:
    """Blocks. Where Zoom is in trouble once, it is not asked again."""
    if token is None:
        yield skipped("REST", f"there is no token of {ACCOUNT}, which REST calls take")
        return
    in_trouble = False
    with _zoom(base_url(api_url, token.api_url), issuer) as zoom:
        for means in MEANS:
            step = _skip(means, token.scopes, in_trouble=in_trouble) or _try(zoom, means)
            in_trouble = in_trouble or step.is_weather
            yield step


def _zoom(url: str, issuer: Issuer) -> Zoom:
    limiter = Limiter(time.time, time.sleep)
    return Zoom(
        url,
        lambda: issuer.token(ACCOUNT).value,
        lambda: issuer.drop(ACCOUNT),
        limiter,
        clock=time.time,
        sleep=time.sleep,
    )


def _skip(means: Means, scopes: frozenset[str], *, in_trouble: bool) -> Step | None:
    name = f"REST: {means.name}"
    if scopes and not any(need.is_met(scopes) for need in means.needs):
        return skipped(name, f"the app does not hold {' or '.join(need.scope for need in means.needs)}")
    return skipped(name, "REST is in trouble") if in_trouble else None


def _try(zoom: Zoom, means: Means) -> Step:
    name, tried = f"REST: {means.name}", f"ask {means.needs[0].purpose}"
    try:
        means.ask(zoom, datetime.now(UTC).date())
    except (NotKnown, TooEarly) as error:
        if not means.is_about_nobody:
            return Step(name, tried, str(error), Outcome.FAILED, "See that ZOOM_API_URL is right; it ends in /v2.")
    except NotAllowed as error:
        return Step(name, tried, f"not allowed: {error.sentence!r}", Outcome.WARNING, _permission(error))
    except PersonMustAct as error:
        return Step(name, tried, str(error), Outcome.FAILED, "See the step about the token.")
    except TimeMayMend as error:
        return Step(name, tried, str(error), Outcome.FAILED, "Try again in some minutes.", is_weather=True)
    return Step(name, tried, "answered")


def _permission(error: NotAllowed) -> str:
    if "scope" in error.sentence.lower():
        return f"Add {error.scope} on the app's Scopes page and activate the app again."
    return f"The account needs {error.plan}. Without it Rollcall works, but knows less about its gaps."
