"""Work done one piece after the other in a forked child, which is killed when a piece takes too long.

A solver's time limit is not hard: HiGHS returned from a one-row knapsack with a limit of 10 s after 178 s. A crash in
native code takes the process with it. So the pieces run in one child that sends its results back over a pipe. The
parent waits for each at most `seconds`, kills a child that is silent for longer, and notes one that died. It then goes
on with the next piece in a new child.

A child leads a process group of its own, so that killing it also kills a solver program that it started. On Linux the
kernel kills the child when its parent dies; elsewhere the child ends at its next result. A system without fork
(Windows) runs the pieces in the caller's process: nothing is killed there, and a crash is a crash.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from typing import Any

CAN_FORK = hasattr(os, "fork")
# collecting garbage after each model would walk the whole heap of pandas and Pyomo; never collecting would keep every
# model, because models are cyclic
PIECES_PER_COLLECTION = 32
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Lost:
    """A piece without a result: the child was killed at the deadline, or died by itself."""

    is_timeout: bool
    reason: str


def run(work: Callable[[int], Any], n_pieces: int, seconds: float) -> Iterator[Any]:
    """`work(0)` ... `work(n_pieces - 1)` in this order, each result as it is sent, or a `Lost` in its place.

    Parameters
    ----------
    work : gives a result that can be pickled; an exception that leaves it ends the child like a crash
    seconds : longest silence before the child is killed, s

    >>> list(run(lambda piece: piece * piece, 4, seconds=60))
    [0, 1, 4, 9]
    """
    if not CAN_FORK:
        yield from map(work, range(n_pieces))
        return
    piece = 0
    while piece < n_pieces:
        child = _Child(work, range(piece, n_pieces))
        try:
            while piece < n_pieces:
                result = child.next_result(seconds)
                piece += 1
                yield result
                if isinstance(result, Lost):
                    break
        finally:
            child.kill()


@contextlib.contextmanager
def killed_after(seconds: float | None) -> Iterator[None]:
    """Kills this process when the block takes longer; for a Spark worker, whose task is then tried again.

    The kernel's alarm ends compiled code too, which lets no other thread of Python run. None, and a system without
    alarms (Windows), set no limit.
    """
    if seconds is None or not hasattr(signal, "setitimer"):
        yield
        return
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)


class _Child:
    """A forked child and the reading end of its pipe."""

    def __init__(self, work: Callable[[int], Any], pieces: range):
        self._results, sending = Pipe(duplex=False)
        parent_pid = os.getpid()
        # text that is buffered now would be written twice, once by each process
        sys.stdout.flush()
        sys.stderr.flush()
        with warnings.catch_warnings():
            # Python 3.12 warns of forking beside threads; the child uses none of the parent's, and one that hangs is
            # killed
            warnings.simplefilter("ignore", DeprecationWarning)
            self._pid = os.fork()
        if self._pid == 0:
            self._results.close()
            _serve(work, pieces, sending, parent_pid)
        sending.close()

    def next_result(self, seconds: float) -> Any:
        if not self._results.poll(seconds):
            return Lost(True, f"killed after {seconds:g} s without an answer")
        try:
            return self._results.recv()
        except (EOFError, OSError):
            return Lost(False, self._how_it_died())

    def _how_it_died(self) -> str:
        code = self._wait()
        if code is None:
            return "the solving process died"
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"left with exit code {code}"
        return f"the solving process {how}"

    def _wait(self) -> int | None:
        """The exit code, or minus the signal; None when something else in this process has waited for the child."""
        pid, self._pid = self._pid, None
        try:
            return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        except ChildProcessError:
            return None

    def kill(self) -> None:
        """Ends the child and the programs it started; a child that has been waited for is left alone."""
        self._results.close()
        if self._pid is None:
            return
        for kill in (os.killpg, os.kill):  # the child may not lead its group yet
            try:
                kill(self._pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue
        self._wait()


def _serve(work: Callable[[int], Any], pieces: range, sending: Connection, parent_pid: int) -> None:
    """The child's whole life; it never returns into the parent's code."""
    exit_code = 1
    try:
        os.setpgid(0, 0)
        if LIBC is not None:
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent_pid:
            return
        gc.freeze()  # collecting the parent's objects would walk them, and so copy their pages
        gc.disable()
        for n_done, piece in enumerate(pieces, start=1):
            sending.send(work(piece))
            if n_done % PIECES_PER_COLLECTION == 0:
                gc.collect()
        exit_code = 0
    except BrokenPipeError:
        pass  # the parent is gone, nobody waits for results
    except BaseException:
        traceback.print_exc()
    finally:
        # sys.exit would run the parent's exit handlers and close its buffers and sockets
        os._exit(exit_code)
