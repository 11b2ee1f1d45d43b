"""Who may hold a live socket, and as whom: active staff with a living session, at the handshake and ever after."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from zoomfeed.viewer import PAINTED, Right, Viewer

MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"
OF_PAGES = (Right.MEETINGS, *sorted(PAINTED))
"""The rights that decide which pages somebody may have open, and what stands on them."""


@dataclass(frozen=True)
class Visitor:
    """Whose session it is, by the account's key, and what its owner may see."""

    owner: str
    viewer: Viewer


def welcome(session_keys: Collection[str]) -> dict[str, Visitor]:
    """Those of the sessions that live and belong to active staff whose password is still the one they came with.

    A few queries however many there are. Sessions are only read: `auth.get_user` may end or rotate them.
    """
    rows = Session.objects.filter(session_key__in=session_keys, expire_date__gt=timezone.now())
    sessions = {row.session_key: row.get_decoded() for row in rows}
    ids = {data[SESSION_KEY] for data in sessions.values() if SESSION_KEY in data}
    staff = get_user_model()._default_manager.filter(pk__in=ids, is_active=True, is_staff=True)
    known = {str(user.pk): user for user in staff}
    viewers = _viewers(known)
    return {
        key: Visitor(str(user.pk), viewers[str(user.pk)])
        for key, data in sessions.items()
        if (user := known.get(data.get(SESSION_KEY, "")))
        and constant_time_compare(data.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash())
    }


def _viewers(users: Iterable[str]) -> dict[str, Viewer]:
    """A query for each right, not for each person."""
    ids = list(users)
    rights: dict[str, set[Right]] = defaultdict(set)
    for right in OF_PAGES if ids else ():
        for pk in _holders(right).filter(pk__in=ids).values_list("pk", flat=True):
            rights[str(pk)].add(right)
    return {pk: Viewer(frozenset(rights[pk])) for pk in ids}


def _holders(right: Right) -> Any:
    manager: Any = get_user_model()._default_manager
    return manager.with_perm(right, backend=MODEL_BACKEND)
