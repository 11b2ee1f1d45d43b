"""Runs a program of the product whose pages hear a tick each second: `python -m tests.hurried manage.py rundashboard`.

Tests in browsers mostly wait for the next tick. Everything else is the product as it is shipped.
"""

import runpy
import sys

from dashboard import protocol

TICK_S = 1.0

if __name__ == "__main__":
    protocol.TICK_S = TICK_S
    del sys.argv[0]
    run = runpy.run_path if sys.argv[0].endswith(".py") else runpy.run_module
    run(sys.argv[0], run_name="__main__")
