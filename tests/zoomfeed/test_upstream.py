"""One connection, over a real socket."""

import pytest

from tests.zoomfeed.conftest import APP, QUICK
from zoomfeed import upstream
from zoomfeed.exceptions import ConnectionFailed
from zoomfeed.simulator.server import SimulatedZoom


def test_the_endpoint_takes_an_id_or_the_whole_address():
    bare = upstream.endpoint("wss://ws.zoom.us/ws", "an/id", "to+ken")
    whole = upstream.endpoint("wss://ws.zoom.us/ws", "wss://ws.eu.zoom.us/ws?subscriptionId=an%2Fid", "to+ken")

    assert bare == "wss://ws.zoom.us/ws?subscriptionId=an%2Fid&access_token=to%2Bken"
    assert whole == "wss://ws.eu.zoom.us/ws?subscriptionId=an%2Fid&access_token=to%2Bken"


@pytest.mark.parametrize("url", ["ws://127.0.0.1:9/ws?access_token=the-token", "no address?access_token=the-token"])
async def test_a_failure_to_open_does_not_tell_the_address(url):
    with pytest.raises(ConnectionFailed) as caught:
        async with upstream.open_socket(url, QUICK):
            pass

    assert "the-token" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(("token", "text"), [("", "token is empty"), ("made-up", "Invalid Token")])
async def test_a_verdict_that_is_no(token, text):
    async with SimulatedZoom(APP) as zoom:
        with pytest.raises(upstream.Refused) as caught:
            async with upstream.open_socket(upstream.endpoint(zoom.ws_url, "subscription", token), QUICK):
                pass

    assert caught.value.text == text
