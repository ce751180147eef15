"""What the first page takes seconds to load, loaded while nobody has asked for it yet.

Pages wait until that is done: some libraries look into others that are half loaded when two threads load at a time.
"""

from __future__ import annotations

import gc
from importlib import import_module
from threading import Thread

SLOW_TO_LOAD = ("plotly.graph_objects", "app_pages.plan")


def _load() -> None:
    for module in SLOW_TO_LOAD:
        import_module(module)
    gc.freeze()  # what is loaded stays: looking through it for garbage takes a tenth of a second


_loading = Thread(target=_load, name="loading", daemon=True)


def begin() -> None:
    """Begin to load; once in a process."""
    _loading.start()


def wait() -> None:
    """Wait until everything is loaded, if loading has begun."""
    if _loading.ident is not None:
        _loading.join()
