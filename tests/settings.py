"""The settings of the product, away from the machine's own: no Zoom account, no .env, a key that is no secret."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

for name in [name for name in os.environ if name.startswith("ZOOM_")]:
    del os.environ[name]
os.environ |= {"ENV_FILE": os.devnull, "SECRET_KEY": "of-the-tests-" * 5, "DEBUG": "false"}

from dashboard.settings import *  # noqa: E402, F403

FOLDER = Path(tempfile.mkdtemp(prefix="rollcall-tests-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
SPOOL_DIR = str(FOLDER / "spool")
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    # a file, as in earnest: threads and processes share it, and it locks as it does there
    DATABASES["default"]["TEST"] = {"NAME": FOLDER / "test.sqlite3"}  # noqa: F405

SERVESTATIC_USE_FINDERS = False  # the fixture `static_files` serves them
SERVESTATIC_AUTOREFRESH = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick; nothing here is worth stealing
