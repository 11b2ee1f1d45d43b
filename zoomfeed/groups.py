"""The two groups that exist from the start. Staff of either may watch; only Operators see the log in the admin."""

from typing import Any

VIEWERS, OPERATORS = "Viewers", "Operators"
MAY_SEE = ("view_event", "view_rejectedframe")


def make_groups(**_signal: Any) -> None:
    """After a migration. What an administrator changed since stays as it is."""
    from django.contrib.auth.models import Group, Permission  # noqa: PLC0415 - models are not loaded before apps

    Group.objects.get_or_create(name=VIEWERS)
    operators, is_new = Group.objects.get_or_create(name=OPERATORS)
    if is_new:
        operators.permissions.set(Permission.objects.filter(content_type__app_label="zoomfeed", codename__in=MAY_SEE))
