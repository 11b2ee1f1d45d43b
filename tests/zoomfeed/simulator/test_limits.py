"""How often REST may be asked."""

import asyncio

from tests.zoomfeed.simulator.client import ACCOUNT, get, refused, token
from zoomfeed.simulator import limits


async def test_a_plan_has_so_many_requests_in_a_while(zoom, monkeypatch):
    monkeypatch.setitem(limits.LIMITS, "free", {limits.LIGHT: (4, 3600), limits.MEDIUM: (2, 3600)})
    zoom.rest.plan = "free"
    bearer = await token(zoom, ACCOUNT)
    for enforced, limited in ((False, 0), (True, 2)):
        zoom.rest.enforce_limits = enforced
        answers = [await get(zoom, "/meetings/1", bearer) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [404] * (6 - limited) + [429] * limited
    assert "maximum per-second rate limit" in answers[-1].json()["message"]
    assert await refused(zoom, "/users/nobody/meetings", bearer=bearer) == (404, 1001)


async def test_a_limit_is_over_when_its_time_is(zoom, monkeypatch):
    monkeypatch.setitem(limits.LIMITS, "free", {limits.LIGHT: (1, 0.1)})
    zoom.rest.plan, zoom.rest.enforce_limits = "free", True
    bearer = await token(zoom, ACCOUNT)
    for _ in range(2):
        assert await refused(zoom, "/meetings/1", bearer=bearer) == (404, 3001)
        await asyncio.sleep(0.11)
