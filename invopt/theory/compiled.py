"""Machine code for loops: numba's `njit`, kept on disk where that is possible and never a reason for an import to fail.

numba refuses to keep machine code when it finds no place for it: a package inside an .egg or another archive. For a
package inside a .zip it finds out only at the first call that its folder can't be written. A Spark worker meets both.
So the place is tried here, once per function, and without a usable one the function is compiled anew in each process.
A cluster whose workers have no writable home avoids those seconds by setting NUMBA_CACHE_DIR.

numba keeps a function's machine code for good as long as the function's own file is the same. But that code also holds
the functions that it calls in other files, which may have changed with an upgrade. So all code of a folder is forgotten
when any file of that folder, or any file of theory and its topics, has changed.
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
        _forget_older_code(Path(function.__code__.co_filename).parent, folder)
        return dispatcher
    except (RuntimeError, OSError, ValueError):
        return njit(function)


@functools.cache
def _forget_older_code(sources: Path, kept: Path) -> None:
    """Removes numba's indexes of the code in `kept`, unless all sources are as they were: the theory's and these.

    A process that runs at the same time loses nothing: it has loaded its code, or compiles it.
    """
    here = Path(__file__).parent
    # not by their times: machines that share NUMBA_CACHE_DIR have the same text, installed at other times
    now = _digest(here) if here in (sources, *sources.parents) else _digest(here) + _digest(sources)
    stamp = kept / STAMP
    if stamp.is_file() and stamp.read_text(encoding="ascii") == now:
        return
    for index in kept.glob("*.nbi"):
        index.unlink(missing_ok=True)
    stamp.write_text(now, encoding="ascii")


@functools.cache
def _digest(folder: Path) -> str:
    """A hash of the names and texts of all Python files of a folder and of those below it."""
    text = sha256()
    for path in sorted(folder.rglob("*.py")):
        text.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return text.hexdigest()
