"""Machine code for loops: numba's `njit`, kept on disk where that is possible and never a reason for an import to fail.

numba refuses to keep machine code when it finds no place for it (a package inside an .egg or another archive), and for
a package inside a .zip it finds out only at the first call that its folder can't be written. A Spark worker meets both,
so the place is tried here, once per function, and without a usable one the function is compiled anew in each process. A
cluster whose workers have no writable home avoids those seconds by setting NUMBA_CACHE_DIR.

numba takes what it kept for good as long as the function's own file is the same, although the machine code holds that
of the functions it calls in other files too. So all is forgotten when any file beside them has changed, or there would
be old numbers after an upgrade.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from numba import njit

STAMP = "invopt-sources"


def compiled(function: Callable) -> Callable:
    """`function` compiled at its first call, from the disk if an earlier process left it there."""
    try:
        dispatcher = njit(cache=True)(function)
        folder = Path(dispatcher.stats.cache_path)
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        _forget_what_is_older(Path(function.__code__.co_filename).parent, folder)
        return dispatcher
    except (RuntimeError, OSError, ValueError):
        return njit(function)


@functools.cache
def _forget_what_is_older(sources: Path, kept: Path) -> None:
    """Removes numba's indexes of what it kept, unless all sources, and those of this folder, are as they were.

    A process that runs at the same time loses nothing: it has loaded its code, or compiles it.
    """
    text = sha256()
    for folder in dict.fromkeys([Path(__file__).parent, sources]):
        for path in sorted(folder.glob("*.py")):
            text.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    # not by their times: machines that share NUMBA_CACHE_DIR have the same text, installed at other times
    stamp, now = kept / STAMP, text.hexdigest()
    if stamp.is_file() and stamp.read_text(encoding="ascii") == now:
        return
    for index in kept.glob("*.nbi"):
        index.unlink(missing_ok=True)
    stamp.write_text(now, encoding="ascii")
