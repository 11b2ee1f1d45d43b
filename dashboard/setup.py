"""What has to be there before the first page: tables, static files under their hashed names, somebody who may look."""

import secrets
from collections.abc import Callable

from django.contrib.auth import get_user_model
from django.core.management import call_command

FIRST_USER = "admin"


def set_up(say: Callable[[str], object]) -> None:
    """Bring everything up to date. Safe to call at every start."""
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    if not get_user_model()._default_manager.filter(is_staff=True).exists():
        say(_first_user())


def _first_user() -> str:
    """Somebody of staff who may make others; the password is said once and kept nowhere."""
    password = secrets.token_urlsafe(12)
    get_user_model()._default_manager.create_superuser(FIRST_USER, password=password)
    return (
        f"Sign in as {FIRST_USER} with the password {password}\n"
        f"It is not shown again; manage.py changepassword {FIRST_USER} sets another."
    )
