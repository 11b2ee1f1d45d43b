"""Who may hold a live socket: active staff with a living session, at the handshake and on every tick."""

from collections.abc import Collection

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.crypto import constant_time_compare


def welcome(session_keys: Collection[str]) -> set[str]:
    """Those of the sessions that live and belong to active staff whose password is still the one they came with.

    Two queries however many there are. Sessions are only read: `auth.get_user` may end or rotate them.
    """
    rows = Session.objects.filter(session_key__in=session_keys, expire_date__gt=timezone.now())
    sessions = {row.session_key: row.get_decoded() for row in rows}
    ids = {data[SESSION_KEY] for data in sessions.values() if SESSION_KEY in data}
    staff = get_user_model()._default_manager.filter(pk__in=ids, is_active=True, is_staff=True)
    hashes = {str(user.pk): user.get_session_auth_hash() for user in staff}
    return {
        key
        for key, data in sessions.items()
        if (expected := hashes.get(data.get(SESSION_KEY, "")))
        and constant_time_compare(data.get(HASH_SESSION_KEY, ""), expected)
    }
