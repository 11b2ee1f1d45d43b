"""Vocabulary of the pages' tests: who looks, and what Zoom has said."""

import pytest


@pytest.fixture
def viewer(client, staff):
    """Alice's browser."""
    client.force_login(staff)
    return client


@pytest.fixture
def no_static_files(settings):
    """Every test's browser looks through all static files before its first request, which is most of its time."""
    settings.SERVESTATIC_USE_FINDERS = False
