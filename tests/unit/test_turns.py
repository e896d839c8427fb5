"""Writers of one table take turns, in whatever process they are."""

import subprocess
import sys

import filelock
import pytest

from invopt.errors import ConcurrentRunError
from invopt.spark import turns
from invopt.spark.turns import turn

HOLD = """
import sys
from invopt.spark.turns import turn
with turn(sys.argv[1], "gold.weights", print) as is_alone:
    print("held" if is_alone else "not held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def other_process(tmp_path):
    """Another process that holds the table until it is told to let go."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_a_second_writer_waits_is_told_and_then_holds_it_alone(tmp_path, other_process):
    said = []

    def say(line: str) -> None:
        said.append(line)
        other_process.stdin.write("let go\n")
        other_process.stdin.flush()

    with turn(str(tmp_path), "gold.weights", say) as is_alone:
        assert is_alone and other_process.wait(timeout=60) == 0
    assert said == ["  ! gold.weights is being written by another run: waiting for it"]


def test_another_table_does_not_wait(tmp_path, other_process):
    (tmp_path / "other").mkdir()
    with turn(str(tmp_path / "other"), "gold.heights", pytest.fail) as is_alone:
        assert is_alone and other_process.poll() is None


def test_a_killed_writer_holds_nothing(tmp_path, other_process):
    other_process.kill()
    other_process.wait()
    with turn(str(tmp_path), "gold.weights", pytest.fail) as is_alone:
        assert is_alone


def test_patience_ends(tmp_path, other_process, monkeypatch):
    monkeypatch.setattr(turns, "PATIENCE", 0.1)
    refusal = r"gold.weights at .* is being written by another run since .* nothing of this write was kept"
    with pytest.raises(ConcurrentRunError, match=refusal):
        with turn(str(tmp_path), "gold.weights", lambda line: None):
            pytest.fail("the table was held twice")


def test_where_there_are_no_locks_nobody_is_alone(tmp_path, monkeypatch):
    def no_locks(*args, **kwargs):
        raise NotImplementedError("FileSystem does not appear to support flock")

    monkeypatch.setattr(filelock.FileLock, "acquire", no_locks)
    with turn(str(tmp_path), "gold.weights", pytest.fail) as is_alone:
        assert not is_alone
    with turn(str(tmp_path / "absent"), "gold.weights", pytest.fail) as is_alone:
        assert not is_alone
