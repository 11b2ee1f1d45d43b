"""Real browsers on the real product, in both of its sizes."""

import re
import uuid
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from tests.product import embedded, grown


@contextmanager
def own_database(postgres_url):
    """A database that goes with the block."""
    name = f"rollcall_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield urlunsplit(urlsplit(postgres_url)._replace(path=f"/{name}"))
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["embedded", "grown"])
def product(request, tmp_path):
    """Rollcall, connected to a simulated Zoom: in one process, or as a feed and two web processes."""
    if request.param == "embedded":
        with embedded(tmp_path) as made:
            yield made
        return
    with (
        own_database(request.getfixturevalue("postgres_url")) as database_url,
        grown(tmp_path, database_url, request.getfixturevalue("redis_url")) as made,
    ):
        yield made


@pytest.fixture
def small(tmp_path):
    """Rollcall in one process."""
    with embedded(tmp_path) as made:
        yield made


@pytest.fixture
def visitor(new_context):
    """Opens browsers of signed-in staff. Whatever a page complains of is an error of the test."""
    complaints = []

    def sign_in(product, address=None, path="/", prepare=None, **options):
        address = address or product.web[0]
        context = new_context(**options)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if _is_complaint(message) else None)
        if prepare:
            prepare(page)
        page.goto(f"{address}{path}")
        page.fill("[name=username]", product.user)
        page.fill("[name=password]", product.password)
        page.click("button.primary")
        page.wait_for_url(re.compile(re.escape(f"{address}{path}")))
        return page

    yield sign_in
    assert complaints == []


def _is_complaint(message):
    """Errors, but for those of the network, which some tests cause."""
    is_network = any(words in message.text for words in ("net::ERR", "WebSocket connection", "Failed to load resource"))
    return message.type == "error" and not is_network
