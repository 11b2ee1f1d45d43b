"""How far this database is, and which one it is."""

import uuid

from django.db import models
from django.db.models import Q


class Head(models.Model):
    """The newest revision, and which database this is. Its one row is the write lock of `record`."""

    epoch = models.UUIDField(default=uuid.uuid4, help_text="Identity of this database; pages resync when it changes.")
    revision = models.BigIntegerField(default=0)
    rewritten = models.BigIntegerField(
        default=0, db_default=0, help_text="The revision at which the past last changed; older pages begin anew."
    )
    hours_until = models.DateTimeField(
        null=True,
        help_text="The hours before this are closed: each has an Hour row, which is counted again when stale.",
    )

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="head_has_one_row")]

    def __str__(self) -> str:
        return f"revision {self.revision}"
