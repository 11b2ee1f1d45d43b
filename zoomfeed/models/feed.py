"""How the feed is, what brought events, and when nobody listened."""

from typing import Self

from django.db import models
from django.db.models import Q

from zoomfeed.models.log import Transport


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
    last_heartbeat_at = models.DateTimeField(null=True, help_text="When Zoom last answered one of ours.")
    token_at = models.DateTimeField(null=True, help_text="When the token of the connection was issued.")
    token_until = models.DateTimeField(null=True, help_text="When it ends; the connection is renewed before.")
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
