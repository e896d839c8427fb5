"""The surroundings of every step: the run, the tables, the session, the ledger, and where to tell the user."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from pyspark.sql import SparkSession

from invopt.config import Config
from invopt.pipelines.ledger import Ledger
from invopt.run import Run
from invopt.spark.store import Store

# lines or items from which on a step takes long enough to tell of its parts
MANY = 200_000


@dataclass(frozen=True)
class Context:
    """The surroundings of a step; `say` gets the lines that the user sees.

    rewrites : orders of closed cycles are decided anew; else they stay as they are
    is_replay : the run looks back, and sees nothing that became known after its moment
    unsolved : ids of the policies that `solve` refused a moment ago, so that what is missing of them is told once
    """

    run: Run
    store: Store
    spark: SparkSession
    say: Callable[[str], None]
    rewrites: bool = False
    is_replay: bool = False
    ledger: Ledger = field(init=False, repr=False, compare=False)
    unsolved: set[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ledger", Ledger(self.store, self.run))
        object.__setattr__(self, "unsolved", set())

    @property
    def config(self) -> Config:
        return self.run.config

    @property
    def as_of(self) -> datetime:
        return self.run.as_of

    @property
    def run_id(self) -> str:
        return self.run.run_id

    def say_of_many(self, n: int, line: str) -> None:
        """Tells of a part of long work, on `n` lines or items; of little work a step's own last line tells enough."""
        if n >= MANY:
            self.say(f"  {line}")


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started
