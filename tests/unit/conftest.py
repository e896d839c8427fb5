"""A time limit that is reached by what happens, and not by the clock of a machine that others load too."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection, Pipe
from pathlib import Path

import pytest

from invopt.solving import supervised

# where a child says that it hangs: policies in files of their own find it in the environment
HANGS_AT = "INVOPT_TEST_HANGS_AT"
# seconds between two looks at a child
PERIOD = 0.01


class Results:
    """The reading end of a supervised child's pipe, whose wait ends with a result or when the child says it hangs."""

    def __init__(self, connection: Connection, mark: Path) -> None:
        self.connection, self.mark = connection, mark
        self.recv, self.close = connection.recv, connection.close

    def poll(self, seconds: float) -> bool:
        while not self.connection.poll(PERIOD):
            if self.mark.exists():
                self.mark.unlink()
                return False
        return True


@pytest.fixture
def hang(tmp_path, monkeypatch) -> Callable[[], None]:
    """Hangs in a supervised child; at that moment the child's time is up, however much of its limit is left."""
    mark = tmp_path / "hangs"

    def pipe(duplex: bool) -> tuple[Results, Connection]:
        receiving, sending = Pipe(duplex)
        return Results(receiving, mark), sending

    monkeypatch.setattr(supervised, "Pipe", pipe)
    monkeypatch.setenv(HANGS_AT, str(mark))
    return hang_here


def hang_here() -> None:
    Path(os.environ[HANGS_AT]).touch()
    while True:
        signal.pause()
