"""Stages to play faults on. One is kept over many tests, and healed between them; one that cannot be healed is left."""

import signal
import time
from contextlib import ExitStack

import pytest

from tests.faults.checker import Checker
from tests.faults.stage import Load, small_stage, stage

signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that every process that we started ends with us


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/faults/" in item.path.as_posix():
            item.add_marker(pytest.mark.faults)
            item.add_marker(pytest.mark.timeout(1800))


class Kept:
    """A stage that is made when it is first wanted."""

    def __init__(self, make, factory) -> None:
        self.make, self.factory = make, factory
        self.stack = ExitStack()
        self.stage = None

    def get(self):
        if self.stage is None:
            self.stage = self.stack.enter_context(self.make(self.factory.mktemp(self.make.__name__)))
        return self.stage

    def heal(self):
        try:
            self.stage.heal()
        except BaseException:
            self.stage = None
            self.stack.close()
            raise


@pytest.fixture(scope="session")
def kept_stage(tmp_path_factory):
    kept = Kept(stage, tmp_path_factory)
    with kept.stack:
        yield kept


@pytest.fixture(scope="session")
def kept_small_stage(tmp_path_factory):
    kept = Kept(small_stage, tmp_path_factory)
    with kept.stack:
        yield kept


@pytest.fixture
def untouched(tmp_path_factory):
    """A stage on which nothing has happened yet, for what depends on all that has."""
    with stage(tmp_path_factory.mktemp("untouched")) as made:
        yield made


@pytest.fixture
def grown(kept_stage):
    """A feed and two web processes on PostgreSQL and Redis."""
    yield kept_stage.get()
    kept_stage.heal()


@pytest.fixture
def small(kept_small_stage):
    """Everything in one process, on SQLite."""
    yield kept_small_stage.get()
    kept_small_stage.heal()


@pytest.fixture
def load():
    """Events come in all the time, to be used as `with load(stage):`."""
    return Load


@pytest.fixture
def check():
    """What must be true of a stage, from this moment on."""

    def check(of):
        return Checker(of, begin=time.monotonic())

    return check
