"""The settings as a fresh process reads them, and the promise that all of them are documented."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "ALLOWED_HOSTS": "rollcall.example.org",
    "CSRF_TRUSTED_ORIGINS": "https://rollcall.example.org",
    "DATABASE_URL": "postgres://rollcall:hunter2@db.example.org:5433/rollcall?sslmode=require",
    "REDIS_URL": "rediss://:hunter2@cache.example.org:6380/1",
    "TRUSTED_PROXIES": "true",
}
INDIRECT = {"ENV_FILE"}
"""Read by name, but of use to the tests only."""


def run(*args, **environment):
    """Run Python in an environment that holds nothing but what is given."""
    base = {"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, "DJANGO_SETTINGS_MODULE": "dashboard.settings"}
    return subprocess.run(
        [sys.executable, *args],
        cwd=ROOT,
        env=base | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def read(*names, **environment):
    """The named settings as a fresh process has them."""
    values = f"[getattr(settings, name, None) for name in {names!r}]"
    code = f"import json; from dashboard import settings; print(json.dumps({values}))"
    done = run("-c", code, **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def names_read():
    """Every variable that the settings read from the environment."""
    source = (ROOT / "dashboard" / "settings.py").read_text(encoding="utf-8")
    return (
        set(
            re.findall(r'env\.(?:text|boolean|integer|words|choice|database|days|days_by_type)\(\s*"([A-Z_]+)"', source)
        )
        - INDIRECT
    )


@pytest.mark.parametrize("file", ["README.md", ".env.example"])
def test_every_setting_is_documented(file):
    text = (ROOT / file).read_text(encoding="utf-8")

    assert names_read()
    assert [name for name in sorted(names_read()) if not re.search(rf"\b{name}\b", text)] == []


def test_the_example_names_no_setting_that_nobody_reads():
    text = (ROOT / ".env.example").read_text(encoding="utf-8")

    assert set(re.findall(r"^#? ?([A-Z_]+)=", text, re.MULTILINE)) == names_read()


def test_a_missing_key_is_one_line_that_names_it(tmp_path):
    code = f"from dashboard import env; env.kept = lambda path: ''; import dashboard.settings; print({str(tmp_path)!r})"
    done = run("-c", code)

    assert done.returncode == 78
    assert done.stderr.startswith("SECRET_KEY: ")
    assert done.stderr.count("\n") == 1


def test_every_host_is_no_answer_to_which_host():
    done = run("-c", "import dashboard.settings", **PRODUCTION | {"ALLOWED_HOSTS": "*"})

    assert done.returncode == 78
    assert done.stderr.startswith("ALLOWED_HOSTS: ")


def test_on_loopback_plain_http_works():
    assert read("SITE_HTTPS", "SESSION_COOKIE_SECURE", "SECURE_SSL_REDIRECT", SECRET_KEY="x" * 50) == [False] * 3


def test_beyond_loopback_cookies_travel_by_tls_only():
    names = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT", "SESSION_COOKIE_NAME")

    assert read(*names, **PRODUCTION) == [True, True, True, "__Host-sessionid"]


def test_forwarded_headers_count_only_behind_a_trusted_proxy():
    assert read("SECURE_PROXY_SSL_HEADER", **PRODUCTION) == [["HTTP_X_FORWARDED_PROTO", "https"]]
    assert read("SECURE_PROXY_SSL_HEADER", **PRODUCTION | {"TRUSTED_PROXIES": "no"}) == [None]


def test_postgresql_waits_for_nothing_without_end():
    [databases] = read("DATABASES", **PRODUCTION)
    options = databases["default"]["OPTIONS"]

    assert options["connect_timeout"] == 3
    assert options["sslmode"] == "require"
    for limit in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
        assert limit in options["options"]


def test_the_bell_has_deadlines_of_its_own():
    [layers] = read("CHANNEL_LAYERS", **PRODUCTION)

    assert layers["default"]["BACKEND"] == "channels_redis.pubsub.RedisPubSubChannelLayer"
    [host] = layers["default"]["CONFIG"]["hosts"]
    assert (host["socket_timeout"], host["socket_connect_timeout"]) == (15, 3)


def test_production_passes_the_deployment_check():
    done = run("manage.py", "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)

    assert done.returncode == 0, done.stderr


@pytest.mark.django_db
def test_sqlite_keeps_what_it_has_said_yes_to():
    if connection.vendor != "sqlite":
        pytest.skip("speaks of SQLite")
    with connection.cursor() as cursor:
        pragmas = {}
        for name in ("synchronous", "busy_timeout", "journal_size_limit", "foreign_keys"):
            cursor.execute(f"PRAGMA {name}")
            pragmas[name] = cursor.fetchone()[0]

    assert pragmas == {"synchronous": 2, "busy_timeout": 20_000, "journal_size_limit": 67_108_864, "foreign_keys": 1}
    assert connection.transaction_mode == "IMMEDIATE"


def test_a_sqlite_file_lets_readers_read_while_one_writes(tmp_path):
    code = (
        "import django; django.setup(); from django.db import connection; cursor = connection.cursor(); "
        "cursor.execute('PRAGMA journal_mode'); print(cursor.fetchone()[0])"
    )
    done = run("-c", code, SECRET_KEY="x" * 50, DATABASE_URL=f"sqlite:///{tmp_path}/new/rollcall.sqlite3")

    assert done.stdout.strip() == "wal", done.stderr
