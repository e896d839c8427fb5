"""Processes that write in one local folder take turns: a lock of the operating system, which ends with the process
that holds it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import filelock

from invopt.errors import ConcurrentRunError

# seconds; a writer that takes longer hangs, or has so much to write that a second one should come back later
PATIENCE = 3600.0
# a layer is held by a run until its end
PATIENCE_WITH_A_RUN = 12 * 3600.0


@contextlib.contextmanager
def turn(path: str, name: str, say: Callable[[str], None], patience: float | None = None) -> Iterator[bool]:
    """Waits until nobody else holds the place, and holds it; gives whether that could be done.

    Parameters
    ----------
    path : a folder, such as a table's; the lock stands in a hidden folder of it, which Delta neither reads nor vacuums
    name : of what is written there, for the user's eyes
    say : told once when there is somebody to wait for
    patience : seconds to wait; an hour where it is not given

    Raises
    ------
    ConcurrentRunError : the other one is not done after `patience` seconds.
    """
    patience = PATIENCE if patience is None else patience
    folder = Path(path, ".locks")
    try:
        folder.mkdir(exist_ok=True)
        lock = filelock.FileLock(folder / "writer.lock")
        with contextlib.suppress(filelock.Timeout):
            lock.acquire(timeout=0)
    except (OSError, NotImplementedError):  # a file system without locks, or one that may not be written by hand
        yield False
        return
    if not lock.is_locked:
        say(f"  ! {name} is being written by another run: waiting for it")
        try:
            lock.acquire(timeout=patience, poll_interval=0.2)
        except filelock.Timeout as error:
            raise ConcurrentRunError(
                f"{name} at {path} is being written by another run since {patience / 60:.0f} minutes; nothing of "
                "this write was kept. "
                f"End the other run, or wait for it, then run again: what is already done is not repeated."
            ) from error
    try:
        yield True
    finally:
        lock.release()
