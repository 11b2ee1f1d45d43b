"""What was done to the data, and with it: how far names have gone, who was erased, who looked."""

from django.db import models
from django.db.models import Q

from zoomfeed import veil
from zoomfeed.models.rows import SeenQuerySet


class Expiry(models.Model):
    """How far personal data has gone from the log. One row."""

    events_to = models.BigIntegerField(default=0, help_text="The events up to this primary key hold none any more.")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="expiry_has_one_row")]

    def __str__(self) -> str:
        return f"up to event {self.events_to}"


class Replay(models.Model):
    """How far `replay` is, so that it can go on after an interruption. One row, and none when none is under way."""

    stage = models.CharField(max_length=20)
    position = models.CharField(
        max_length=128, blank=True, help_text="The last that is done, in the stage's own order."
    )
    last_meeting = models.BigIntegerField(help_text="The newest row when it began; those since then follow from it.")
    last_recording = models.BigIntegerField(help_text="The newest row when it began.")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="replay_has_one_row")]

    def __str__(self) -> str:
        return f"{self.stage} up to {self.position}"


class Erasure(models.Model):
    """That somebody was erased: when, by whom, and how much it was. It does not say who was."""

    at = models.DateTimeField()
    by = models.CharField(max_length=150, help_text="The account that ran it.")
    reason = models.CharField(max_length=300, blank=True, help_text="A case number; no name.")
    salt = models.BinaryField(max_length=16)
    fingerprint = models.BinaryField(
        max_length=64, help_text="Salted and slow: who has the request can prove that it was answered, nobody else."
    )
    rows = models.JSONField(default=dict, help_text="How many rows of each kind were changed.")
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["-at"], name="erasure_at")]  # the list in the admin

    def __str__(self) -> str:
        return f"erasure of {self.at:%Y-%m-%d %H:%M:%S}"


class Deed(models.TextChoices):
    LOOKED_UP = "looked_up", "Searched for somebody"
    EXPORTED = "exported", "Took a file away"
    SECRETS = "secrets", "Saw passcodes or tokens"
    REPORTED = "reported", "Had a report of what is held about somebody"
    ERASED = "erased", "Erased somebody"


class ActQuerySet(SeenQuerySet["Act"]):
    """Typed for this model."""


class Act(models.Model):
    """Something that somebody did with other people's data."""

    at = models.DateTimeField()
    by = models.CharField(max_length=150, help_text="The account; of a command, that of the machine.")
    what = models.CharField(max_length=16, choices=Deed)
    about = models.CharField(max_length=500, blank=True, help_text="What was sought or taken.")

    objects = ActQuerySet.as_manager()

    class Meta:
        verbose_name = "entry of the audit trail"
        verbose_name_plural = "audit trail"
        indexes = [
            models.Index(fields=["by", "what", "-id"], name="act_by"),  # what somebody did
            models.Index(fields=["at"], name="act_at"),  # retention
        ]

    def __str__(self) -> str:
        return f"{self.by}: {self.get_what_display()}"

    def veil(self) -> None:
        veil.change(self, "about", lambda about: about and veil.HIDDEN)
