"""Large work without pauses of the whole process.

A month of 500 units is a million small objects, and looking through them for garbage takes a third of a
second, again and again, in which nothing else runs.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_running = 0


@contextmanager
def uncollected() -> Iterator[None]:
    """Put off the search for cyclic garbage until this is over; what is no longer referred to is freed all the same.

    For some seconds of work, whose results are dropped by the time it ends; it may be nested. Only to be
    entered on the event loop's thread.
    """
    global _running  # noqa: PLW0603 (the collector is the process's, and so is its state)
    _running += 1
    gc.disable()
    try:
        yield
    finally:
        _running -= 1
        if not _running:
            gc.enable()
