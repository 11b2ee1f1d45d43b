"""Typed readers of the environment. A refusal names the variable, the accepted values and what was found.

Every variable may instead be given as `NAME_FILE`, the path of a file that holds the value, as container platforms
hand over secrets.
"""

import os
import re
from pathlib import Path
from typing import Any, NoReturn

import environ

MOST_DAYS = 36_500
TRUE, FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}

EXIT_CONFIGURATION = 78
"""sysexits.h EX_CONFIG: a person must act, so a supervisor should not try again."""


class BadSettingError(SystemExit):
    """A variable that cannot be used. Ends the process with one line and exit code 78."""

    def __init__(self, name: str, problem: str) -> None:
        self.name = name
        self.problem = problem
        os.write(2, f"{name}: {problem}\n".encode())
        super().__init__(EXIT_CONFIGURATION)


def read_file(path: Path) -> None:
    """Take over the variables of a `.env` file that the environment does not have already."""
    if path.is_file():
        environ.Env.read_env(str(path))


def kept(path: Path) -> str:
    """What a file of our own holds, or nothing when there is no such file."""
    return path.read_text(encoding="utf-8").strip() if path.is_file() else ""


def make_folder(path: Path) -> None:
    """A folder for data that only the owner of the process may look into."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


def is_loopback(host: str) -> bool:
    """Does this name, as it stands in ALLOWED_HOSTS, never leave the machine?"""
    return host in {"localhost", "127.0.0.1", "[::1]"} or host.endswith(".localhost")


def text(name: str, default: str = "") -> str:
    """A variable, or what the file holds that `NAME_FILE` names."""
    if path := os.environ.get(f"{name}_FILE"):
        if os.environ.get(name):
            raise BadSettingError(name, f"is set, and {name}_FILE too: keep one")
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise BadSettingError(f"{name}_FILE", f"cannot read {path!r}: {error.strerror}") from None
    return os.environ.get(name, "").strip() or default


def boolean(name: str, *, default: bool) -> bool:
    """A switch."""
    value = text(name, "true" if default else "false").lower()
    if value in TRUE | FALSE:
        return value in TRUE
    raise BadSettingError(name, f"use true or false, not {value!r}")


def integer(name: str, default: int, *, least: int, most: int) -> int:
    """A whole number between two bounds, both included."""
    value = text(name, str(default))
    if value.isascii() and value.isdigit() and least <= int(value) <= most:
        return int(value)
    raise BadSettingError(name, f"use a whole number from {least} to {most}, not {value!r}")


def days(name: str, *, least: int) -> int | None:
    """For how many days; None: for ever, which is what nothing means, too."""
    return _days(name, text(name), least)


def days_by_type(name: str, *, least: int) -> dict[str, int | None]:
    """For how many days, by type: `type=days`, separated by commas; a type may end in `*`."""
    found: dict[str, int | None] = {}
    for rule in words(name):
        pattern, equals, value = (part.strip() for part in rule.partition("="))
        if not equals or not EVENT_TYPE.fullmatch(pattern):
            raise BadSettingError(name, f"use type=days or type=forever, with commas between them, not {rule!r}")
        if pattern in found:
            raise BadSettingError(name, f"says twice for how long {pattern} is kept")
        found[pattern] = _days(name, value, least) if value else _refuse_days(name, value, least)
    return found


EVENT_TYPE = re.compile(r"[\w.]+\*?|\*")


def _days(name: str, value: str, least: int) -> int | None:
    if value in ("", "forever"):
        return None
    if value.isascii() and value.isdigit() and least <= int(value) <= MOST_DAYS:
        return int(value)
    return _refuse_days(name, value, least)


def _refuse_days(name: str, value: str, least: int) -> NoReturn:
    raise BadSettingError(name, f"use forever or a number of days from {least} to {MOST_DAYS}, not {value!r}")


def words(name: str, default: tuple[str, ...] = ()) -> list[str]:
    """A list, separated by commas."""
    value = text(name)
    return [word.strip() for word in value.split(",") if word.strip()] if value else list(default)


def choice(name: str, default: str, accepted: tuple[str, ...]) -> str:
    """One of a few words."""
    value = text(name, default)
    if value in accepted:
        return value
    raise BadSettingError(name, f"use one of {', '.join(accepted)}, not {value!r}")


def database(name: str, default: str) -> dict[str, Any]:
    """Django's settings of one database from a URL, `sqlite:///path` or `postgres://user:password@host:port/name`."""
    url = text(name, default)
    try:
        found: dict[str, Any] = environ.Env.db_url_config(url)
    except Exception:  # noqa: BLE001 - whatever the parser raises, the URL is wrong, and may hold a password
        found = {}
    engine = found.get("ENGINE", "")
    if engine.endswith(("sqlite3", "postgresql")) and found.get("NAME"):
        return found
    raise BadSettingError(name, "use sqlite:///path or postgres://user:password@host:port/name")
