"""Real browsers on the real product, in both of its sizes."""

import uuid
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from playwright.sync_api import expect

from tests.product import HURRIED, SESSION, embedded, grown, set_up_to_be_copied

expect.set_options(timeout=15_000)


@contextmanager
def own_database(postgres_url, copy_of="template1"):
    """A database that goes with the block."""
    name = f"rollcall_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE {copy_of}")
        try:
            yield urlunsplit(urlsplit(postgres_url)._replace(path=f"/{name}"))
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def set_up_once(postgres_url):
    """The name of a PostgreSQL database that is set up, to be copied."""
    with own_database(postgres_url) as url:
        set_up_to_be_copied(url)
        yield urlsplit(url).path.removeprefix("/")


@pytest.fixture
def database_url(postgres_url, set_up_once):
    """A PostgreSQL database that is set up."""
    with own_database(postgres_url, copy_of=set_up_once) as url:
        yield url


@pytest.fixture(params=["embedded", "grown"])
def product(request, tmp_path):
    """Rollcall, connected to a simulated Zoom: in one process, or as a feed and two web processes."""
    if request.param == "embedded":
        with embedded(tmp_path, HURRIED) as made:
            yield made
        return
    wanted = map(request.getfixturevalue, ("database_url", "redis_url"))
    with grown(tmp_path, *wanted, HURRIED) as made:
        yield made


@pytest.fixture
def small(tmp_path):
    """Rollcall in one process."""
    with embedded(tmp_path, HURRIED) as made:
        yield made


@pytest.fixture
def visitor(new_context):
    """Opens browsers of signed-in staff. Whatever a page complains of is an error of the test."""
    complaints = []

    def sign_in(product, address=None, path="/", prepare=None, **options):
        address = address or product.web[0]
        context = new_context(**options)
        context.add_cookies([{"name": "sessionid", "value": SESSION, "url": address, "httpOnly": True}])
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if _is_complaint(message) else None)
        if prepare:
            prepare(page)
        page.goto(f"{address}{path}")
        return page

    yield sign_in
    assert complaints == []


def _is_complaint(message):
    """Errors, but for those of the network, which some tests cause."""
    is_network = any(words in message.text for words in ("net::ERR", "WebSocket connection", "Failed to load resource"))
    return message.type == "error" and not is_network
