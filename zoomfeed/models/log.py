"""The log: what Zoom sent, as it came."""

from django.db import models
from django.db.models import Min, Q
from django.urls import reverse

from zoomfeed import veil
from zoomfeed.models.rows import ChangedQuerySet, SeenQuerySet


class Transport(models.TextChoices):
    WEBSOCKET = "websocket", "WebSocket"
    WEBHOOK = "webhook", "Webhook"
    REST = "rest", "REST"


LATE_MS = 10_000
"""What came later than this has an index of its own: it is rare, and looked for."""


class EventQuerySet(ChangedQuerySet["Event"]):
    def names(self) -> list[str]:
        """The types that occur, in order. One step along the index for each, however long the log is."""
        found: list[str] = []
        while following := self.filter(name__gt=found[-1] if found else "").aggregate(at=Min("name"))["at"]:
            found.append(following)
        return found


class Event(models.Model):
    """One event as Zoom sent it. Append only."""

    received_at = models.DateTimeField()
    occurred_at = models.DateTimeField(null=True, help_text="Zoom's event_ts: when the notice was made.")
    name = models.CharField(max_length=100)
    account_id = models.CharField(max_length=64, blank=True)
    meeting_uuid = models.CharField(max_length=128, blank=True)
    meeting_number = models.CharField(max_length=32, blank=True)
    topic = models.CharField(max_length=300, blank=True)
    participant_id = models.CharField("Zoom user", max_length=128, blank=True)
    participant_name = models.CharField(max_length=300, blank=True)
    participant_email = models.CharField(max_length=320, blank=True)
    host_id = models.CharField("Zoom user id of the host", max_length=128, blank=True, db_default="")
    late_ms = models.BigIntegerField(null=True, help_text="From Zoom's notice to its arrival here.")
    transport = models.CharField(max_length=16, choices=Transport)
    digest = models.BinaryField(max_length=32, help_text="SHA-256 of the body, its members in order of their names.")
    body = models.BinaryField(help_text="The exact bytes as received.")
    also_by = models.CharField(
        max_length=40, blank=True, db_default="", help_text="Further transports that brought the same event."
    )
    duplicates = models.IntegerField(db_default=0, help_text="How often it came again.")
    fold_error = models.TextField(blank=True, help_text="Why this event changed nothing, when that is our fault.")
    revision = models.BigIntegerField()

    objects = EventQuerySet.as_manager()

    class Meta:
        permissions = [("see_secrets", "Can see passcodes and tokens in bodies")]
        constraints = [models.UniqueConstraint(fields=["digest"], name="event_digest_unique")]
        indexes = [
            models.Index(fields=["name", "-id"], name="event_name"),  # the log filtered by type
            models.Index(fields=["meeting_uuid", "-id"], name="event_meeting"),  # a meeting's events
            models.Index(fields=["meeting_number", "-id"], name="event_number"),  # all runs of a number
            models.Index(fields=["occurred_at", "-id"], name="event_occurred"),  # the log within a time
            models.Index(fields=["received_at"], name="event_received"),  # "today", and retention
            models.Index(fields=["revision"], name="event_revision"),  # the live tail
            models.Index(fields=["-id"], name="event_poisoned", condition=~Q(fold_error="")),  # what was not understood
            models.Index(fields=["participant_id", "-id"], name="event_person"),  # all that one Zoom user did
            models.Index(fields=["host_id", "-id"], name="event_host"),  # the log filtered by host
            models.Index(fields=["account_id", "-id"], name="event_account"),  # by account
            models.Index(fields=["transport", "-id"], name="event_transport"),  # by transport
            models.Index(  # what came late
                fields=["-id", "late_ms"], name="event_late", condition=Q(late_ms__gt=LATE_MS)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} #{self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("event", args=[self.pk])

    is_veiled = False

    def veil(self) -> None:
        self.is_veiled = True
        veil.person(self, "participant_name", "participant_email")
        veil.change(self, "topic", veil.topic)
        veil.change(self, "body", lambda body: veil.body_without_names(bytes(body)))
        veil.change(self, "fold_error", lambda error: error and veil.HIDDEN)

    def hide_secrets(self) -> None:
        veil.change(self, "body", lambda body: veil.body_without_secrets(bytes(body)))


class LogHour(models.Model):
    """Which part of the log came within an hour: what is between two times is found by primary keys.

    Most of the log is in order of time, but what waited on a disk is not: `first_id` and `last_id` include it.
    """

    hour = models.DateTimeField()
    first_id = models.BigIntegerField()
    last_id = models.BigIntegerField()
    events = models.BigIntegerField(help_text="How many came, whatever was forgotten since.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["hour"], name="log_hour_unique")]

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H:00}: {self.events} events"


class RejectedFrameQuerySet(SeenQuerySet["RejectedFrame"]):
    """Typed for this model."""


class RejectedFrame(models.Model):
    """What came and could not be read as an event. Kept, so that nothing is lost."""

    received_at = models.DateTimeField()
    transport = models.CharField(max_length=16, choices=Transport)
    reason = models.CharField(max_length=300)
    digest = models.BinaryField(max_length=32)
    raw = models.BinaryField()

    objects = RejectedFrameQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["digest"], name="rejected_digest_unique")]
        indexes = [models.Index(fields=["-received_at"], name="rejected_received")]

    def __str__(self) -> str:
        return f"{self.reason} #{self.pk}"

    def veil(self) -> None:
        veil.change(self, "reason", lambda reason: reason.partition(":")[0])  # what follows may quote a stranger
        veil.change(self, "raw", lambda raw: veil.body_without_names(bytes(raw)))

    def hide_secrets(self) -> None:
        veil.change(self, "raw", lambda raw: veil.body_without_secrets(bytes(raw)))
