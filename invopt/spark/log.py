"""The file to which the JVM and the Python workers of a local session print.

The folder for temporary files is everybody's: whoever guesses the file's name can plant a link there, and what opens
the file would empty the link's target. So the log lies in a folder that only this user can write, or in a new one, and
the file is made, never opened.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
import time
from pathlib import Path
from typing import BinaryIO

KEPT_SECONDS = 7 * 86400
# the log of this process's JVM, which outlives the sessions
current: Path | None = None


def log_file() -> Path | None:
    """The log of this process's local session; None where it has started none."""
    return current


def new_log() -> tuple[Path, BinaryIO]:
    """A new log of this process, and the file to write it by."""
    global current
    folder = own_folder()
    _forget_old(folder)
    log = folder / f"spark-{os.getpid()}.log"
    # an earlier process had the same number
    log.unlink(missing_ok=True)
    made = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
    current = log
    return log, os.fdopen(made, "wb")


def own_folder() -> Path:
    """A folder of this user's that nobody else can write: the usual one, or a new one where that is another's."""
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    folder = Path(tempfile.gettempdir()) / f"invopt-{user}"
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
        if _is_own(folder):
            return folder
    return Path(tempfile.mkdtemp(prefix=f"invopt-{user}-"))


def _is_own(folder: Path) -> bool:
    """Whether it is a folder, no link, of this user, which nobody else may write."""
    seen = folder.lstat()
    if not stat.S_ISDIR(seen.st_mode):
        return False
    # Windows keeps each user's temporary files apart
    return not hasattr(os, "getuid") or (seen.st_uid == os.getuid() and not seen.st_mode & 0o022)


def _forget_old(folder: Path) -> None:
    for old in folder.glob("spark-*.log"):
        with contextlib.suppress(OSError):
            if time.time() - old.lstat().st_mtime > KEPT_SECONDS:
                old.unlink()
