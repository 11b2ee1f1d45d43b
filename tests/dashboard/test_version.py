"""The version is what the changelog says."""

import pytest

from dashboard.version import UNKNOWN, version


@pytest.fixture
def changelog(settings, tmp_path):
    """Write another changelog."""
    settings.BASE_DIR = tmp_path
    version.cache_clear()
    yield (tmp_path / "CHANGELOG.md").write_text
    version.cache_clear()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# Changelog\n\n## Unreleased\n\n## 1.2.0 (2026-01-01)\n", "Unreleased"),
        ("# Changelog\n\n## 1.2.0 (2026-01-01)\n\n## 1.1.0\n", "1.2.0"),
        ("## [2.0.0-rc.1] - today\n", "2.0.0-rc.1"),
        ("nothing of the kind", UNKNOWN),
    ],
)
def test_the_newest_heading_is_the_version(changelog, text, expected):
    changelog(text)

    assert version() == expected


def test_without_a_changelog_it_is_unknown(changelog):
    assert version() == UNKNOWN


def test_ours_can_be_read():
    assert version() != UNKNOWN
