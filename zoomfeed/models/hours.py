"""Figures of hours, which outlive names."""

from typing import Self

from django.db import models
from django.db.models import F, Q


class HourQuerySet(models.QuerySet["Hour"]):
    def stale(self) -> Self:
        """Something has changed in them since they were counted."""
        return self.filter(touched__gt=F("counted"), is_final=False)


class Hour(models.Model):
    """What went on in one hour, over all meetings together and without names, so that it may outlive them.

    Somebody who is in two meetings counts in both. A row says how it was at revision `counted`.
    """

    start = models.DateTimeField()
    people = models.IntegerField(default=0, help_text="Most people in meetings at once.")
    meetings = models.IntegerField(default=0, help_text="Most meetings at once.")
    person_s = models.BigIntegerField(default=0, help_text="Time in meetings of all people together, in seconds.")
    meeting_s = models.BigIntegerField(default=0, help_text="Time of all meetings together, in seconds.")
    began = models.IntegerField(default=0, help_text="Meetings that began in it.")
    ran = models.IntegerField(default=0, help_text="Meetings that ran in it.")
    touched = models.BigIntegerField(default=0, help_text="The newest revision that changed something in it.")
    counted = models.BigIntegerField(default=0, help_text="The revision at which it was counted; 0: not yet.")
    is_final = models.BooleanField(default=False, help_text="What it was counted from may be gone: never again.")

    objects = HourQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["start"], name="hour_start_unique")]
        indexes = [
            models.Index(  # what has to be counted next
                fields=["counted", "-start"],
                name="hour_stale",
                condition=Q(touched__gt=F("counted")) & Q(is_final=False),
            ),
        ]

    def __str__(self) -> str:
        return f"the hour from {self.start:%Y-%m-%d %H:%M}"
