"""The rows: an append-only log of what Zoom sent, and the live state that follows from it.

Written by `record` (the log and what is folded from it) and by `feed` (the Feed and Gap rows), and by nothing else.
Every row that pages show carries the `revision` of the batch that last changed it. `stamps` holds, per described
field, the event time in ms that its value comes from, so that an older event cannot overwrite a newer one.
"""

import re
import uuid
from typing import Self, TypeVar

from django.db import models
from django.db.models import Min, Q
from django.urls import reverse

from zoomfeed.fold import Kind, Place, RecordingState


class Head(models.Model):
    """The newest revision, and which database this is. Its one row is the write lock of `record`."""

    epoch = models.UUIDField(default=uuid.uuid4, help_text="Identity of this database; pages resync when it changes.")
    revision = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="head_has_one_row")]

    def __str__(self) -> str:
        return f"revision {self.revision}"


class Transport(models.TextChoices):
    WEBSOCKET = "websocket", "WebSocket"
    WEBHOOK = "webhook", "Webhook"
    REST = "rest", "REST"


Row = TypeVar("Row", bound=models.Model)


class ChangedQuerySet(models.QuerySet[Row]):
    """Rows that carry a revision."""

    def changed_since(self, revision: int) -> Self:
        return self.filter(revision__gt=revision)


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
        constraints = [models.UniqueConstraint(fields=["digest"], name="event_digest_unique")]
        indexes = [
            models.Index(fields=["name", "-id"], name="event_name"),  # the log filtered by type
            models.Index(fields=["meeting_uuid", "-id"], name="event_meeting"),  # a meeting's events
            models.Index(fields=["meeting_number", "-id"], name="event_number"),  # all runs of a number
            models.Index(fields=["occurred_at", "-id"], name="event_occurred"),  # the log within a time
            models.Index(fields=["received_at"], name="event_received"),  # "today", and retention
            models.Index(fields=["revision"], name="event_revision"),  # the live tail
            models.Index(fields=["-id"], name="event_poisoned", condition=~Q(fold_error="")),  # what was not understood
        ]

    def __str__(self) -> str:
        return f"{self.name} #{self.pk}"

    @staticmethod
    def matching(text: str) -> Q:
        """The log's one search: part of a topic, name or address; the whole of an id.

        People type meeting numbers with the gaps that Zoom shows.
        """
        number = re.sub(r"[\s-]", "", text)
        return (
            Q(topic__icontains=text)
            | Q(participant_name__icontains=text)
            | Q(participant_email__icontains=text)
            | Q(meeting_number=number)
            | Q(meeting_uuid=text)
            | Q(participant_id=text)
        )


class RejectedFrame(models.Model):
    """What came and could not be read as an event. Kept, so that nothing is lost."""

    received_at = models.DateTimeField()
    transport = models.CharField(max_length=16, choices=Transport)
    reason = models.CharField(max_length=300)
    digest = models.BinaryField(max_length=32)
    raw = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["digest"], name="rejected_digest_unique")]
        indexes = [models.Index(fields=["-received_at"], name="rejected_received")]

    def __str__(self) -> str:
        return f"{self.reason} #{self.pk}"


class MeetingQuerySet(ChangedQuerySet["Meeting"]):
    def live(self) -> Self:
        """On the board: not ended, or somebody joined after the end that we know."""
        return self.filter(Q(ended_at__isnull=True) | Q(present__gt=0))

    def ended(self) -> Self:
        return self.filter(ended_at__isnull=False, present=0)


class Meeting(models.Model):
    """One run of a meeting or webinar, keyed by Zoom's uuid; its number stands for all runs."""

    uuid = models.CharField(max_length=128)
    number = models.CharField(max_length=32, blank=True)
    account_id = models.CharField(max_length=64, blank=True)
    kind = models.CharField(
        max_length=8, choices=[(kind.value, kind.value) for kind in Kind], default=Kind.MEETING.value
    )
    type = models.CharField(max_length=20, blank=True, help_text="Zoom's type number, as text.")
    topic = models.CharField(max_length=300, blank=True)
    host_id = models.CharField(max_length=128, blank=True)
    host_name = models.CharField(max_length=300, blank=True)
    host_email = models.CharField(max_length=320, blank=True)
    timezone = models.CharField(max_length=64, blank=True)
    scheduled_minutes = models.BigIntegerField(null=True)
    seen_at = models.DateTimeField(null=True, help_text="The earliest time of any event about it.")
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    present = models.IntegerField(default=0, help_text="People (not devices) in it now.")
    waiting = models.IntegerField(default=0, help_text="People who wait to be let in.")
    people = models.IntegerField(default=0, help_text="People who have been in it.")
    peak = models.IntegerField(default=0, help_text="Most people in it at once.")
    sharing = models.IntegerField(default=0, help_text="Devices that share something now.")
    recording = models.CharField(max_length=10, blank=True, choices=[(s.value, s.value) for s in RecordingState])
    streaming = models.BooleanField(default=False)
    rtms = models.BooleanField("media streams", default=False)
    checked_at = models.DateTimeField(null=True, help_text="As of then, Zoom's REST told who was in it.")
    uncertain_since = models.DateTimeField(
        null=True, help_text="The start of the earliest gap in which it ran and of which nothing is known yet."
    )
    stamps = models.JSONField(default=dict)
    revision = models.BigIntegerField(default=0)

    objects = MeetingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["uuid"], name="meeting_uuid_unique"),
            models.CheckConstraint(
                condition=Q(present__gte=0) & Q(waiting__gte=0) & Q(people__gte=0) & Q(peak__gte=0),
                name="meeting_counts_not_negative",
            ),
        ]
        indexes = [
            models.Index(fields=["revision"], name="meeting_revision"),  # the hub
            models.Index(  # what repair has to look at
                fields=["uncertain_since"], name="meeting_uncertain", condition=Q(uncertain_since__isnull=False)
            ),
            models.Index(fields=["seen_at"], name="meeting_live", condition=Q(ended_at=None)),  # the board
            models.Index(fields=["-ended_at"], name="meeting_ended"),  # just ended, last 24 hours
            models.Index(fields=["number", "-started_at"], name="meeting_number"),  # runs of a number
        ]

    def __str__(self) -> str:
        return self.topic or self.number or self.uuid

    def get_absolute_url(self) -> str:
        return reverse("meeting", args=[self.pk])

    @property
    def is_live(self) -> bool:
        return self.ended_at is None or self.present > 0


class Leg(models.Model):
    """One device's connection to a meeting, in one place of it."""

    meeting = models.ForeignKey(Meeting, models.CASCADE, related_name="legs")
    user_id = models.CharField(max_length=128, help_text="Zoom's id of this connection within its run.")
    place = models.CharField(max_length=16, choices=[(place.value, place.value) for place in Place])
    room = models.CharField(max_length=128, blank=True, help_text="The breakout room's uuid.")
    participant_uuid = models.CharField(max_length=128, blank=True)
    zoom_user_id = models.CharField(max_length=128, blank=True)
    name = models.CharField(max_length=300, blank=True)
    email = models.CharField(max_length=320, blank=True)
    registrant_id = models.CharField(max_length=128, blank=True)
    customer_key = models.CharField(max_length=128, blank=True)
    phone = models.CharField(max_length=64, blank=True)
    role = models.CharField(max_length=20, blank=True)
    sharing = models.BooleanField(default=False)
    seen_at = models.DateTimeField(null=True, help_text="The earliest time of any event about it.")
    joined_at = models.DateTimeField(null=True)
    last_joined_at = models.DateTimeField(null=True, help_text="Later than joined_at when Zoom used the id again.")
    left_at = models.DateTimeField(null=True)
    leave_reason = models.CharField(max_length=300, blank=True)
    stamps = models.JSONField(default=dict)
    revision = models.BigIntegerField(default=0)

    objects = ChangedQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["meeting", "user_id", "place", "room"], name="leg_unique")]
        indexes = [
            models.Index(fields=["revision"], name="leg_revision"),  # the hub
            models.Index(fields=["left_at"], name="leg_left"),  # the last 24 hours
        ]

    def __str__(self) -> str:
        return f"leg {self.user_id} of meeting {self.meeting_id}"


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
    stamps = models.JSONField(default=dict)
    revision = models.BigIntegerField(default=0)

    objects = ChangedQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["number"], name="scheduled_number_unique")]

    def __str__(self) -> str:
        return self.topic or self.number


class ZoomUser(models.Model):
    """Who a Zoom user id is."""

    zoom_id = models.CharField(max_length=128)
    account_id = models.CharField(max_length=64, blank=True)
    name = models.CharField(max_length=300, blank=True)
    email = models.CharField(max_length=320, blank=True)
    type = models.CharField(max_length=20, blank=True)
    status = models.CharField(max_length=20, blank=True)
    presence = models.CharField(max_length=40, blank=True)
    stamps = models.JSONField(default=dict)
    revision = models.BigIntegerField(default=0)

    objects = ChangedQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["zoom_id"], name="zoom_user_id_unique")]

    def __str__(self) -> str:
        return self.name or self.email or self.zoom_id


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
    stamps = models.JSONField(default=dict)
    revision = models.BigIntegerField(default=0)

    objects = ChangedQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["meeting_uuid"], name="recording_meeting_unique")]

    def __str__(self) -> str:
        return self.topic or self.meeting_uuid


class Source(models.Model):
    """One transport, and what it has brought."""

    transport = models.CharField(max_length=16, choices=Transport)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    events = models.BigIntegerField(default=0, help_text="New to the log when they came.")
    duplicates = models.BigIntegerField(default=0, help_text="In the log already when they came.")
    rejected = models.BigIntegerField(default=0, help_text="Could not be read as events.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["transport"], name="source_transport_unique")]

    def __str__(self) -> str:
        return self.get_transport_display()


class FeedState(models.TextChoices):
    STOPPED = "stopped", "Stopped"
    STANDBY = "standby", "Standing by"
    CONNECTING = "connecting", "Connecting"
    LIVE = "live", "Live"
    SILENT = "silent", "Silent"
    REFUSED = "refused", "Refused"
    CONTESTED = "contested", "Contested"
    RECONNECTING = "reconnecting", "Reconnecting"


class Feed(models.Model):
    """One Zoom subscription and the process that holds its socket."""

    key = models.CharField(max_length=200, help_text="The subscription id.")
    state = models.CharField(max_length=16, choices=FeedState, default=FeedState.STOPPED)
    simulated = models.BooleanField(default=False)
    reason = models.CharField(max_length=500, blank=True, help_text="Why it is in this state, for people.")
    attempt = models.IntegerField(default=0)
    retry_at = models.DateTimeField(null=True)
    holder = models.CharField(max_length=200, blank=True)
    lease_until = models.DateTimeField(null=True)
    fence = models.BigIntegerField(default=0, help_text="Grows with every new holder; every write of one checks it.")
    connected_at = models.DateTimeField(null=True)
    last_frame_at = models.DateTimeField(null=True)
    last_event_at = models.DateTimeField(null=True)
    reconnects = models.IntegerField(default=0)
    clock_skew_s = models.FloatField(default=0, help_text="How far its clock is ahead of the database's.")
    behind_since = models.DateTimeField(null=True, help_text="The oldest event that waits for the database.")
    spooled = models.IntegerField(default=0, help_text="How many events wait for the database.")
    rest = models.JSONField(default=dict, help_text="What repair by REST can do here, and what it left.")
    metrics = models.TextField(blank=True, help_text="The process's own figures, in Prometheus' text format.")
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key"], name="feed_key_unique")]

    def __str__(self) -> str:
        return f"{self.key}: {self.state}"


class GapQuerySet(models.QuerySet["Gap"]):
    def unresolved(self) -> Self:
        """Neither covered by another transport nor compared with what Zoom knows."""
        return self.filter(covered=False, repaired_at=None)


class Gap(models.Model):
    """A time in which nobody listened: what Zoom sent then is not in the log."""

    feed = models.ForeignKey(Feed, models.CASCADE, related_name="gaps")
    started_at = models.DateTimeField(help_text="The last frame before it.")
    ended_at = models.DateTimeField(null=True, help_text="The verdict after it.")
    cause = models.CharField(max_length=300, blank=True)
    covered = models.BooleanField(default=False, help_text="Webhooks brought what the socket did not.")
    repaired_at = models.DateTimeField(null=True, help_text="Since then all that ran in it is certain again.")
    repaired = models.TextField(blank=True, help_text="What was done about it, for people.")

    objects = GapQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["feed"], condition=Q(ended_at=None), name="gap_one_open_a_feed"),
        ]
        indexes = [
            models.Index(fields=["-started_at"], name="gap_started"),
            models.Index(  # whose meetings are uncertain: looked up with every batch
                fields=["ended_at"], name="gap_unresolved", condition=Q(covered=False, repaired_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"gap from {self.started_at:%Y-%m-%d %H:%M:%S}"
