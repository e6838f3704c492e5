"""Requests to stop: Ctrl-C, SIGTERM, or the end of standard input."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def stop_on_signals(ask: Callable[[], None]) -> Iterator[None]:
    """Make the first signal request a stop, and a later one interrupt. Has no effect outside the main thread.

    A shell, make, or `timeout` may deliver one key press twice: a signal within a second of the first one is ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked_at_s: float | None = None

    def on_signal(*_: object) -> None:
        nonlocal asked_at_s
        if asked_at_s is None:
            asked_at_s = time.monotonic()
            ask()
        elif time.monotonic() - asked_at_s > 1.0:
            raise KeyboardInterrupt

    names = [signal.SIGINT, signal.SIGTERM]
    if sys.platform == "win32":
        names.append(signal.SIGBREAK)
    before = {name: signal.signal(name, on_signal) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def ask_at_end_of_stdin(ask: Callable[[], None]) -> None:
    """Request a stop when the calling program closes our standard input, or dies: nobody waits for the result then.

    Unlike signals, this works the same way on all systems. It reads the descriptor directly: Python could not exit
    cleanly while a thread is waiting in its own buffered reader.
    """
    try:
        while os.read(0, 4096):
            pass
    except OSError:  # already closed on our side, which counts as the end as well
        pass
    ask()
