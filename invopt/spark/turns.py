"""Writers of one slice of a local table take turns, whatever process they are in: a lock of the operating system, which ends with it."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import filelock

from invopt.errors import ConcurrentRunError

# as many lock files as a table may have, however many slices it gets; two slices that share one only wait for each other
N_LOCKS = 64
# a writer that takes longer hangs, or has so much to write that a second one should come back later
PATIENCE = 3600.0


@contextlib.contextmanager
def turn(path: str, slice_: str, name: str, say: Callable[[str], None]) -> Iterator[bool]:
    """Waits until no other writer holds the slice, and holds it; gives whether that could be done.

    Parameters
    ----------
    path : the table's folder; the locks stand in a hidden folder of it, which Delta neither reads nor vacuums
    slice_ : the condition that tells the slice's rows
    name : of the table, for the user's eyes
    say : told once when there is somebody to wait for

    Raises
    ------
    ConcurrentRunError : the other writer is not done after an hour.
    """
    folder = Path(path, ".locks")
    try:
        folder.mkdir(exist_ok=True)
        lock = filelock.FileLock(folder / f"{zlib.crc32(slice_.encode()) % N_LOCKS}.lock")
        with contextlib.suppress(filelock.Timeout):
            lock.acquire(timeout=0)
    except (OSError, NotImplementedError):  # a file system without locks, or one that may not be written by hand
        yield False
        return
    if not lock.is_locked:
        say(f"  ! {name} is being written by another run: waiting for it")
        try:
            lock.acquire(timeout=PATIENCE, poll_interval=0.2)
        except filelock.Timeout as error:
            raise ConcurrentRunError(
                f"table {name} at {path} is being written by another run since {PATIENCE / 60:.0f} minutes; nothing of this write was "
                f"kept. End the other run, or wait for it, then run again: what is already done is not repeated."
            ) from error
    try:
        yield True
    finally:
        lock.release()
