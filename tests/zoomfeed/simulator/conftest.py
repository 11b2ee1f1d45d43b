import pytest

from tests.zoomfeed.simulator.client import APP
from zoomfeed.simulator.server import SimulatedZoom


@pytest.fixture
async def zoom():
    async with SimulatedZoom(APP) as zoom:
        yield zoom
