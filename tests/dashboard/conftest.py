"""Vocabulary of the pages' tests: who looks, and what Zoom has said."""

import pytest


@pytest.fixture
def viewer(client, staff):
    """Alice's browser."""
    client.force_login(staff)
    return client
