"""What is known beyond single runs: people, plans, users of Zoom, recordings."""

from collections.abc import Iterable
from typing import Self

from django.db import models
from django.db.models import Q

from zoomfeed import veil
from zoomfeed.fold import Kind
from zoomfeed.identity import LONGEST
from zoomfeed.models.rows import ChangedQuerySet


class AttendeeQuerySet(ChangedQuerySet["Attendee"]):
    def matching(self, words: Iterable[str]) -> Self:
        """Those in whose name or address every one of the words occurs. Words as `search_key` gives them."""
        found = self
        for word in words:
            found = found.filter(search__contains=word)
        return found


class Attendee(models.Model):
    """One combination of Zoom user id, e-mail and name that was ever said of somebody in a meeting.

    The directory that names are searched in: it has a row for each way in which a person was called, however many
    meetings that person was in, so to look through all of it is quick.
    """

    digest = models.CharField(max_length=64, help_text="Of the combination.")
    identity = models.CharField(max_length=LONGEST, help_text="Who this is across runs, by this combination alone.")
    search = models.CharField(max_length=2000, help_text="Name and e-mail as they are searched.")
    last_at = models.DateTimeField(null=True, help_text="The latest time at which it was said of somebody.")
    stamps = models.JSONField(default=dict)
    revision = models.BigIntegerField(default=0)

    objects = AttendeeQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["digest"], name="attendee_digest_unique")]
        indexes = [
            models.Index(fields=["identity"], name="attendee_identity"),  # may a search find who has changed?
        ]

    def __str__(self) -> str:
        return f"attendee {self.pk}"


class ScheduledMeetingQuerySet(ChangedQuerySet["ScheduledMeeting"]):
    """Typed for this model."""


class ScheduledMeeting(models.Model):
    """What is planned under a number."""

    number = models.CharField(max_length=32)
    account_id = models.CharField(max_length=64, blank=True)
    kind = models.CharField(
        max_length=8, choices=[(kind.value, kind.value) for kind in Kind], default=Kind.MEETING.value
    )
    type = models.CharField(max_length=20, blank=True)
    topic = models.CharField(max_length=300, blank=True)
    host_id = models.CharField(max_length=128, blank=True)
    timezone = models.CharField(max_length=64, blank=True)
    starts_at = models.DateTimeField(null=True)
    scheduled_minutes = models.BigIntegerField(null=True)
    deleted = models.BooleanField(default=False)
    sealed = models.BooleanField(default=False, db_default=False, help_text="The log cannot rebuild it any more.")
    anonymous = models.BooleanField(default=False, db_default=False, help_text="Its personal data has expired.")
    stamps = models.JSONField(default=dict)
    revision = models.BigIntegerField(default=0)

    objects = ScheduledMeetingQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["number"], name="scheduled_number_unique")]
        indexes = [
            models.Index(fields=["revision"], name="scheduled_revision"),  # the hub
            models.Index(fields=["starts_at"], name="scheduled_starts", condition=Q(deleted=False)),  # coming up next
        ]

    def __str__(self) -> str:
        return self.topic or self.number

    def veil(self) -> None:
        veil.change(self, "topic", veil.topic)


class ZoomUserQuerySet(ChangedQuerySet["ZoomUser"]):
    """Typed for this model."""


class ZoomUser(models.Model):
    """Who a Zoom user id is."""

    zoom_id = models.CharField(max_length=128)
    account_id = models.CharField(max_length=64, blank=True)
    name = models.CharField(max_length=300, blank=True)
    email = models.CharField(max_length=320, blank=True)
    type = models.CharField(max_length=20, blank=True)
    status = models.CharField(max_length=20, blank=True)
    presence = models.CharField(max_length=40, blank=True)
    sealed = models.BooleanField(default=False, db_default=False, help_text="The log cannot rebuild it any more.")
    anonymous = models.BooleanField(default=False, db_default=False, help_text="Its personal data has expired.")
    stamps = models.JSONField(default=dict)
    revision = models.BigIntegerField(default=0)

    objects = ZoomUserQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["zoom_id"], name="zoom_user_id_unique")]

    def __str__(self) -> str:
        return self.name or self.email or self.zoom_id

    def veil(self) -> None:
        veil.person(self, "name", "email")


class RecordingQuerySet(ChangedQuerySet["Recording"]):
    """Typed for this model."""


class Recording(models.Model):
    """The cloud recording of one run."""

    meeting_uuid = models.CharField(max_length=128)
    number = models.CharField(max_length=32, blank=True)
    topic = models.CharField(max_length=300, blank=True)
    host_id = models.CharField(max_length=128, blank=True)
    state = models.CharField(max_length=20, blank=True)
    share_url = models.TextField(blank=True)
    total_bytes = models.BigIntegerField(null=True)
    files = models.JSONField(default=list)
    sealed = models.BooleanField(default=False, db_default=False, help_text="The log cannot rebuild it any more.")
    anonymous = models.BooleanField(default=False, db_default=False, help_text="Its personal data has expired.")
    stamps = models.JSONField(default=dict)
    revision = models.BigIntegerField(default=0)

    objects = RecordingQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["meeting_uuid"], name="recording_meeting_unique")]

    def __str__(self) -> str:
        return self.topic or self.meeting_uuid

    def veil(self) -> None:
        veil.change(self, "topic", veil.topic)
