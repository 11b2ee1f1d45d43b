"""Long REST answers come in pages."""

from tests.zoomfeed.simulator.client import APRIL, found, refused
from zoomfeed.simulator import bodies, pages, people
from zoomfeed.simulator.bodies import Run


async def start(zoom, how_many):
    for number in range(how_many):
        run = Run(f"u{number}", "123456789", "Topic", people.staff(1)[0], 1_775_217_600)
        await zoom.send(bodies.started(run))


async def test_a_list_comes_in_pages(zoom):
    await start(zoom, 7)
    uuids, more = [], ""
    for size in (3, 3, 1):
        said = await found(zoom, "/metrics/meetings", page_size=3, next_page_token=more, **APRIL)
        assert (said["page_size"], said["page_count"], said["total_records"]) == (3, 3, 7)
        assert len(said["meetings"]) == size
        uuids, more = uuids + [row["uuid"] for row in said["meetings"]], said["next_page_token"]
    assert more == ""
    assert uuids == [f"u{number}" for number in range(7)]


async def test_a_page_token_dies_and_is_of_one_list(zoom, monkeypatch):
    await start(zoom, 2)
    page = {"page_size": 1, **APRIL}
    more = (await found(zoom, "/metrics/meetings", **page))["next_page_token"]
    for path, token_ in (("/metrics/webinars", more), ("/metrics/meetings", "made-up")):
        assert await refused(zoom, path, next_page_token=token_, **page) == (400, 300)
    monkeypatch.setattr(pages, "LIFE_S", 0)
    assert await refused(zoom, "/metrics/meetings", next_page_token=more, **page) == (400, 300)
