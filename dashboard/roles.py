"""The roles that exist from the first migration, and what each may see.

They are Django's groups: an administrator may change them, and what was changed stays. Staff without a role see
nothing.
"""

from typing import Any

from zoomfeed.viewer import Right

VIEWERS, OPERATORS, ADMINISTRATORS = "Viewers", "Operators", "Administrators"

WATCH = frozenset((Right.MEETINGS, Right.NAMES, Right.EXPORT))
OPERATE = WATCH | {Right.LOG, Right.EXPORT_NAMES, Right.SHARE_FILTERS, "zoomfeed.view_rejectedframe"}
ADMINISTER = OPERATE | {
    Right.SECRETS,
    "zoomfeed.view_act",
    "zoomfeed.view_erasure",
    "auth.view_group",
    *(f"auth.{verb}_user" for verb in ("view", "add", "change", "delete")),
}
ROLES = {VIEWERS: WATCH, OPERATORS: OPERATE, ADMINISTRATORS: ADMINISTER}


def make_roles(**_signal: Any) -> None:
    """After a migration. The last of them is new where roles are: then all get what they are meant to have."""
    from django.contrib.auth.models import Group  # noqa: PLC0415 - models are not loaded before apps

    found = {name: Group.objects.get_or_create(name=name) for name in ROLES}
    if found[ADMINISTRATORS][1]:
        for name, (group, _) in found.items():
            group.permissions.add(*_permissions(ROLES[name]))


def _permissions(names: frozenset[str]) -> list[Any]:
    from django.contrib.auth.models import Permission  # noqa: PLC0415 - as above

    known = {f"{one.content_type.app_label}.{one.codename}": one for one in Permission.objects.select_related()}
    return [known[name] for name in names]
