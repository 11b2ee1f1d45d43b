"""Vocabulary of the pages' tests: who looks, and what Zoom has said."""

import pytest
from asgiref.sync import sync_to_async
from django.db import connections


@pytest.fixture
def viewer(client, staff):
    """Alice's browser."""
    client.force_login(staff)
    return client


@pytest.fixture
async def closes_connections():
    """For tests that ask the database from Django's thread for synchronous work: it keeps its connection else."""
    yield
    await sync_to_async(connections.close_all)()


@pytest.fixture
def static_files(settings):
    """To be asked for before the first request, which then looks through all of them: most of the time of a test."""
    settings.SERVESTATIC_USE_FINDERS = True
