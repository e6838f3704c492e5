"""What asks the core to stop: Ctrl-C, SIGTERM, or the end of standard input."""

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
    """The first signal asks, a later one interrupts. Signals reach the main thread only: elsewhere, nothing.

    A shell, make or `timeout` may deliver one key press twice: what comes within a second of the first is the same.
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
    """A program that runs us holds our standard input open. When it closes it, or dies, nobody waits for us any more.

    It works alike on all systems, where signals do not. The plain descriptor is read: Python's own buffer could not be
    left behind at exit while a thread waits in it.
    """
    try:
        while os.read(0, 4096):
            pass
    except OSError:  # closed on our side already: that is the end as well
        pass
    ask()
