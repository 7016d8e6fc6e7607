"""Looking for unreachable objects rarely, while tens of thousands are made of which none refers in circles.

- Each look goes through all there are. Memory that nothing refers to is given back as it is, whether one looks or not.
- Several threads may ask for it at once: what was before is there again when the last of them is done.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_before: list[tuple[int, int, int]] = []  # one for each that asked


@contextmanager
def rarely_collected() -> Iterator[None]:
    """Look rarely for as long as this lasts."""
    with _lock:
        _before.append(_before[0] if _before else gc.get_threshold())
        gc.set_threshold(200_000, 50, 1000)
    try:
        yield
    finally:
        with _lock:
            found = _before.pop()
            if not _before:
                gc.set_threshold(*found)
