"""Runs of meetings, and who was in them."""

from datetime import datetime
from functools import cached_property
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.urls import reverse

from zoomfeed import veil
from zoomfeed.fold import Kind, Place, RecordingState
from zoomfeed.identity import LONGEST, identity
from zoomfeed.models.rows import ChangedQuerySet

LIVE = Q(ended_at__isnull=True) | Q(present__gt=0)
"""Not ended, or somebody joined after the end that we know. An index holds these runs, and is used where a query says
just this."""


class MeetingQuerySet(ChangedQuerySet["Meeting"]):
    def live(self) -> Self:
        """On the board."""
        return self.filter(LIVE)

    def ended(self) -> Self:
        return self.filter(ended_at__isnull=False, present=0)

    def began_within(self, start: datetime, end: datetime) -> Self:
        """Began from `start` on and before `end`. `began` is what they are ordered by."""
        return self.annotate(began=BEGAN).filter(began__gte=start, began__lt=end)


BEGAN = Coalesce("started_at", "seen_at")
"""When a run began, as far as is known. Indexes hold this very expression."""


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
    waits_since = models.DateTimeField(null=True, help_text="Since when the one waits who has waited longest.")
    people = models.IntegerField(default=0, help_text="People who have been in it.")
    peak = models.IntegerField(default=0, help_text="Most people in it at once.")
    minutes = models.BigIntegerField(default=0, help_text="Time in it of all people together, of visits that are over.")
    length_s = models.BigIntegerField(null=True, help_text="From its begin to its end, in seconds.")
    sharing = models.IntegerField(default=0, help_text="Devices that share something now.")
    recording = models.CharField(max_length=10, blank=True, choices=[(s.value, s.value) for s in RecordingState])
    streaming = models.BooleanField(default=False)
    rtms = models.BooleanField("media streams", default=False)
    checked_at = models.DateTimeField(null=True, help_text="As of then, Zoom's REST told who was in it.")
    uncertain_since = models.DateTimeField(
        null=True, help_text="The start of the earliest gap in which it ran and of which nothing is known yet."
    )
    sealed = models.BooleanField(default=False, db_default=False, help_text="The log cannot rebuild it any more.")
    anonymous = models.BooleanField(default=False, db_default=False, help_text="Its personal data has expired.")
    mask = models.BinaryField(null=True, help_text="The key of its pseudonyms, until all its events have them.")
    stamps = models.JSONField(default=dict)
    revision = models.BigIntegerField(default=0)

    objects = MeetingQuerySet.as_manager()

    class Meta:
        permissions = [
            ("see_names", "Can see who people are; others see initials"),
            ("export_rows", "Can take lists and logs away as files"),
            ("export_names", "Can take names away in files"),
        ]
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
            models.Index(fields=["id"], name="meeting_live", condition=LIVE),  # the board, and who is where
            models.Index(fields=["-ended_at"], name="meeting_ended"),  # just ended, last 24 hours
            models.Index(fields=["number", "-started_at"], name="meeting_number"),  # runs of a number
            models.Index(  # runs whose personal data may have expired
                fields=["ended_at"], name="meeting_named", condition=Q(anonymous=False)
            ),
            models.Index(fields=["ended_at"], name="meeting_masked", condition=Q(mask__isnull=False)),  # unfinished
            models.Index(
                BEGAN.desc(), F("id").desc(), name="meeting_began"
            ),  # the runs of an hour; history, newest first
            models.Index(  # history, largest first
                fields=["-people", "-id"], name="meeting_size", condition=Q(ended_at__isnull=False)
            ),
            models.Index(  # history, longest first
                fields=["-length_s", "-id"], name="meeting_length", condition=Q(ended_at__isnull=False)
            ),
            models.Index(  # the busiest hosts of a time, from the index alone
                BEGAN,
                "host_id",
                "length_s",
                "minutes",
                "present",
                "id",
                name="meeting_hosts",
                condition=Q(ended_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.topic or self.number or self.uuid

    def get_absolute_url(self) -> str:
        return reverse("meeting", args=[self.pk])

    def veil(self) -> None:
        veil.person(self, "host_name", "host_email")
        veil.change(self, "topic", veil.topic)

    @property
    def is_live(self) -> bool:
        return self.ended_at is None or self.present > 0

    @property
    def began_at(self) -> datetime | None:
        return self.started_at or self.seen_at


class LegQuerySet(ChangedQuerySet["Leg"]):
    """Typed for this model."""


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
    identity = models.CharField(
        max_length=LONGEST, blank=True, db_default="", help_text="Who this is across runs; follows from its run's legs."
    )
    stamps = models.JSONField(default=dict)
    revision = models.BigIntegerField(default=0)

    objects = LegQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["meeting", "user_id", "place", "room"], name="leg_unique")]
        indexes = [
            models.Index(fields=["identity", "-id"], name="leg_identity"),  # where somebody was seen last
            models.Index(fields=["revision"], name="leg_revision"),  # the hub
            models.Index(fields=["left_at"], name="leg_left"),  # the last 24 hours
        ]

    def __str__(self) -> str:
        return f"leg {self.user_id} of meeting {self.meeting_id}"

    @cached_property
    def identities(self) -> set[str]:
        """Who this may have been while less was known of it."""
        known = {"zoom_user_id": self.zoom_user_id, "email": self.email, "name": self.name}
        return {identity(**{name: value}) for name, value in known.items() if value} - {""}

    is_veiled = False

    def veil(self) -> None:
        self.is_veiled = True
        if {"zoom_user_id", "email", "name"} <= self.__dict__.keys():
            _ = self.identities  # by which pages find what concerns somebody; never shown
        veil.mention(self, "leave_reason", "name", "email")
        veil.person(self, "name", "email", "phone")
