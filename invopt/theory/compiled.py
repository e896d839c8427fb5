"""Machine code for loops: numba's `njit`, kept on disk where that is possible and never a reason for an import to fail.

numba refuses to keep machine code when it finds no place for it (a package inside an .egg or another archive), and for a package
inside a .zip it finds out only at the first call that its folder can't be written. A Spark worker meets both, so the place is tried here,
once per function, and without a usable one the function is compiled anew in each process. A cluster whose workers have no
writable home avoids those seconds by setting NUMBA_CACHE_DIR.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from numba import njit


def compiled(function: Callable) -> Callable:
    """`function` compiled at its first call, from the disk if an earlier process left it there."""
    try:
        dispatcher = njit(cache=True)(function)
        folder = Path(dispatcher.stats.cache_path)
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return dispatcher
    except (RuntimeError, OSError, ValueError):
        return njit(function)
