"""Static files under names that hold a hash of their content, so that browsers may keep them for ever."""

from servestatic.storage import CompressedManifestStaticFilesStorage


class HashedStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Hashes what ES modules import, too, or a new page would run yesterday's module."""

    support_js_module_import_aggregation = True
