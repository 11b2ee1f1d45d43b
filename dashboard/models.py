"""What the pages keep of the people who use them. Nothing here comes from Zoom."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

MOST_FILTERS = 50
"""That one person, or everybody together, may keep."""


class Tries(models.Model):
    """How often in a row somebody has failed to sign in, as one account or from one address; see `throttle`."""

    key = models.CharField(max_length=64, help_text="Which one, as a keyed digest: neither a name nor an address.")
    failures = models.IntegerField(default=0)
    last_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "tries"
        constraints = [models.UniqueConstraint(fields=["key"], name="tries_key_unique")]
        indexes = [models.Index(fields=["last_at"], name="tries_last")]  # those that are forgotten

    def __str__(self) -> str:
        return f"{self.failures} tries"


class SavedFilterQuerySet(models.QuerySet["SavedFilter"]):
    def seen_by(self, user: object) -> "SavedFilterQuerySet":
        """Their own, and those for all."""
        return self.filter(Q(owner=user) | Q(owner=None))


class SavedFilter(models.Model):
    """A filter of the log under a name: of one person, or (without an owner) for all."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="saved_filters")
    name = models.CharField(max_length=60)
    query = models.TextField(help_text="The query string, as the filter spells it.")

    objects = SavedFilterQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        permissions = [("share_filters", "Can save filters for all, and delete them")]
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="saved_filter_own"),
            models.UniqueConstraint(fields=["name"], condition=Q(owner=None), name="saved_filter_for_all"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return f"{reverse('events')}?{self.query}"
