"""A child that hangs, dies or outlives its parent costs one piece and nothing else."""

from __future__ import annotations

import faulthandler
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from invopt.solving import supervised
from invopt.solving.supervised import Lost

pytestmark = pytest.mark.skipif(not supervised.CAN_FORK, reason="there is no fork on this system")


def is_running(pid: int) -> bool:
    """A killed process that nobody has waited for is still in the table, but it is not running."""
    state = subprocess.run(
        ["ps", "-o", "state=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return bool(state) and not state.startswith("Z")


def wait_until(is_true, seconds: float = 300.0) -> bool:
    """Waits for what must happen; the limit only keeps a broken test from waiting without end."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if is_true():
            return True
        time.sleep(0.05)
    return False


def test_results_come_in_order_from_one_child():
    results = list(supervised.run(lambda piece: (piece, os.getpid()), 300, seconds=60))
    assert [piece for piece, _ in results] == list(range(300))
    assert len({pid for _, pid in results}) == 1 and results[0][1] != os.getpid()


def test_no_pieces():
    assert list(supervised.run(lambda piece: piece, 0, seconds=60)) == []


def test_each_kind_of_death_costs_one_piece(hang):
    def work(piece: int) -> int:
        if piece == 1:
            faulthandler.disable()  # pytest's own would print a page for a crash that is wanted
            os.kill(os.getpid(), signal.SIGSEGV)
        if piece == 2:
            os._exit(3)
        if piece == 4:
            os._exit(0)
        if piece == 5:
            raise RuntimeError("left the work")
        if piece == 7:
            hang()
        return piece

    results = list(supervised.run(work, 9, seconds=60))
    assert [i for i, result in enumerate(results) if result == i] == [0, 3, 6, 8]
    assert results[1] == Lost(False, "the solving process was killed by SIGSEGV")
    assert results[2] == Lost(False, "the solving process left with exit code 3")
    assert results[4] == Lost(False, "the solving process left with exit code 0")
    assert results[5] == Lost(False, "the solving process left with exit code 1")
    assert results[7] == Lost(True, "killed after 60 s without an answer")


def test_code_that_never_ends_is_killed_at_its_limit():
    def work(piece: int) -> None:
        while True:
            pass

    # one piece, which can't be in time however slow the machine is
    assert list(supervised.run(work, 1, seconds=0.1)) == [Lost(True, "killed after 0.1 s without an answer")]


def test_a_killed_child_takes_what_it_started_with_it(tmp_path: Path, hang):
    def work(piece: int) -> None:
        program = subprocess.Popen(["sleep", "300"])
        (tmp_path / "pid").write_text(str(program.pid))
        hang()

    (result,) = supervised.run(work, 1, seconds=60)
    assert result.is_timeout
    program = int((tmp_path / "pid").read_text())
    assert wait_until(lambda: not is_running(program))


def test_leaving_early_ends_the_child():
    results = supervised.run(lambda piece: (time.sleep(0.01), os.getpid())[1], 1000, seconds=60)
    child = next(results)
    assert is_running(child)
    results.close()
    assert not is_running(child)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent is gone")
def test_a_child_dies_with_its_parent(tmp_path: Path):
    """In a process of its own, because a parent is killed."""
    program = """
import os, pathlib, sys, time
from invopt.solving import supervised
def work(piece):
    pathlib.Path(sys.argv[1]).write_text(str(os.getpid()))
    time.sleep(300)
list(supervised.run(work, 1, seconds=300))
"""
    pid_file = tmp_path / "pid"
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(pid_file)], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    assert wait_until(lambda: pid_file.exists() and pid_file.read_text())
    child = int(pid_file.read_text())
    assert is_running(child)
    parent.kill()
    parent.wait()
    assert wait_until(lambda: not is_running(child))


def test_without_fork_the_pieces_run_here(monkeypatch):
    monkeypatch.setattr(supervised, "CAN_FORK", False)
    assert list(supervised.run(lambda piece: os.getpid(), 3, seconds=1)) == [os.getpid()] * 3


ALARMED = """
import signal, sys, time
import numba
from invopt.solving.supervised import killed_after

@numba.njit
def endless(n):
    while n:
        n += 2
    return n

with killed_after(60.0):
    pass
with killed_after(None):
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0.0
print("past", flush=True)
with killed_after(0.2):
    endless(1)
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there are no alarms on this system")
def test_compiled_code_that_never_ends_is_killed_with_its_process():
    ended = subprocess.run([sys.executable, "-c", ALARMED], capture_output=True, text=True, timeout=600)
    assert ended.stdout == "past\n" and ended.returncode == -signal.SIGALRM, ended.stderr
