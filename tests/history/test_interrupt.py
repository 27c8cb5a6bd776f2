"""Ctrl-C is heard beside the store, whose library takes the signal for itself when it is imported."""

from __future__ import annotations

import subprocess
import sys

WAITS = """
import os, signal, threading
signal.signal(signal.SIGINT, signal.default_int_handler)
import {module}
threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
reading, _ = os.pipe()
try:
    os.read(reading, 1)
except KeyboardInterrupt:
    raise SystemExit(130)
"""


def pressed(module: str, within_s: float) -> int | None:
    """Press Ctrl-C beside a module; return the exit code, None when it was not heard."""
    try:
        return subprocess.run([sys.executable, "-c", WAITS.format(module=module)], check=False, timeout=within_s).returncode
    except subprocess.TimeoutExpired:
        return None


def test_ctrl_c_is_heard_beside_the_store() -> None:
    assert pressed("services.market.store.candle_store", within_s=60) == 130


def test_twin_beside_the_library_alone_it_is_not() -> None:
    assert pressed("polars", within_s=2) is None
