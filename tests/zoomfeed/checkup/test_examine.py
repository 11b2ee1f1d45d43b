"""All steps together."""

import pytest

from tests.product import free_port
from tests.zoomfeed.checkup.conftest import QUICKLY
from tests.zoomfeed.conftest import APP
from zoomfeed.checkup import Outcome, examine, exit_code
from zoomfeed.simulator.server import SimulatedZoom

pytestmark = pytest.mark.django_db(transaction=True)


async def test_the_steps_come_in_order_and_the_summary_last(configured):
    told = []
    async with SimulatedZoom(APP) as zoom:
        configured.ZOOM_OAUTH_URL, configured.ZOOM_WS_URL = zoom.oauth_url, zoom.ws_url
        configured.ZOOM_API_URL = zoom.api_url
        steps = await examine(QUICKLY, told.append)

    assert told == steps
    names = [step.name for step in steps if not step.name.startswith("REST")]
    assert names == [
        "settings", "proxy", "network", "clock", "token", "socket scope", "event scopes", "repair scopes",
        "socket", "heartbeat", "first event", "webhook", "summary",
    ]  # fmt: skip


async def test_without_settings_nobody_is_asked(configured):
    configured.ZOOM_ACCOUNT_ID = ""

    steps = await examine(QUICKLY, lambda _: None)

    assert [step.name for step in steps] == ["settings", "socket", "heartbeat", "first event", "webhook", "summary"]
    assert exit_code(steps) == 78
    assert steps[-1].advice.startswith("settings: Copy the values")


async def test_without_a_way_to_zoom_no_token_is_asked_for(configured):
    configured.ZOOM_OAUTH_URL = f"http://127.0.0.1:{free_port()}/oauth/token"

    steps = {step.name: step for step in await examine(QUICKLY, lambda _: None)}

    assert steps["network"].outcome is Outcome.FAILED
    assert steps["token"].outcome is Outcome.SKIPPED
    assert exit_code(list(steps.values())) == 75
