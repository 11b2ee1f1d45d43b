"""What querysets of several kinds of rows can do."""

from collections.abc import Iterator
from typing import Any, Self, TypeVar

from django.db import models
from django.db.models.query import ModelIterable

from zoomfeed.viewer import Viewer

Row = TypeVar("Row", bound=models.Model)


class SeenIterable(ModelIterable):  # type: ignore[type-arg]
    """Rows as the viewer of their queryset may see them."""

    def __iter__(self) -> Iterator[Any]:
        viewer: Viewer = self.queryset.viewer  # type: ignore[attr-defined]
        for row in super().__iter__():
            _veil(row, viewer)
            yield row


def _veil(row: models.Model, viewer: Viewer) -> None:
    if not viewer.shows_secrets and hasattr(row, "hide_secrets"):
        row.hide_secrets()
    if not viewer.names and hasattr(row, "veil"):
        row.veil()
    for related in row._state.fields_cache.values():  # noqa: SLF001 - what select_related brought along
        if isinstance(related, models.Model):
            _veil(related, viewer)


class SeenQuerySet(models.QuerySet[Row]):
    """Rows that are not the same to everybody.

    A model says in `veil` what is hidden from whoever may not see names, and in `hide_secrets` what is from whoever
    has not asked for secrets. Columns by themselves (`values`, aggregates) are not changed: they are for what names
    nobody.
    """

    viewer: Viewer

    def seen_by(self, viewer: Viewer) -> Self:
        found = self.all()
        found.viewer = viewer
        found._iterable_class = SeenIterable  # noqa: SLF001 - on a queryset of this very class
        return found

    def _clone(self) -> Self:
        clone: Self = super()._clone()  # type: ignore[misc]
        if hasattr(self, "viewer"):
            clone.viewer = self.viewer
        return clone


class ChangedQuerySet(SeenQuerySet[Row]):
    """Rows that carry a revision."""

    def changed_since(self, revision: int) -> Self:
        return self.filter(revision__gt=revision)
