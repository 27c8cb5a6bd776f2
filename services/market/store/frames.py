"""Polars as the store imports it: without its hold on Ctrl-C.

Importing it puts a handler of its own in place of whoever hears the interrupt, and a command or a desk that waits elsewhere
would not hear it any more.
"""

from __future__ import annotations

import signal
import threading

_HEARS = signal.getsignal(signal.SIGINT)

import polars as pl  # noqa: E402 - the handler is looked up before it is taken away

if _HEARS is not None and threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, _HEARS)

__all__ = ["pl"]
