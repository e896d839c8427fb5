"""What every step gets: the session, the tables, the configuration, the moment it looks at, and a record of what is already done."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from invopt import __version__
from invopt.config import Config
from invopt.spark.delta import Lakehouse
from invopt.tables import STEPS


@dataclass(frozen=True)
class Run:
    """One run: running it again with the same as_of and configuration is the same run, and replaces its rows.

    as_of : in UTC; one without a time zone is taken for UTC, whatever the machine's own zone is
    """

    spark: SparkSession
    lakehouse: Lakehouse
    config: Config
    as_of: datetime
    say: Callable[[str], None]

    def __post_init__(self) -> None:
        zoned = self.as_of.replace(tzinfo=UTC) if self.as_of.tzinfo is None else self.as_of.astimezone(UTC)
        object.__setattr__(self, "as_of", zoned)

    @property
    def run_id(self) -> str:
        return f"{self.as_of:%Y%m%dT%H%M%S}-{self.config.results_hash()[:10]}"

    def fingerprint(self, *parts: object) -> str:
        """Hash of what a step's result depends on, the program's version among it."""
        return hashlib.sha256(repr((__version__, self.run_id, *parts)).encode()).hexdigest()[:16]

    def done(self, step: str, policy_id: str = "*", run_id: str | None = None) -> dict[int, Row]:
        """What is done of a step, by this run or another one: wave -> its row in gold.steps."""
        if not self.lakehouse.exists(STEPS):
            return {}
        is_this = (F.col("run_id") == (run_id or self.run_id)) & (F.col("step") == step) & (F.col("policy_id") == policy_id)
        rows = self.lakehouse.read(STEPS).where(is_this).collect()
        return {row["wave"]: row for row in rows}

    def record(
        self, step: str, fingerprint: str, *, rows: int, seconds: float, policy_id: str = "*", wave: int = 0, failed: int = 0
    ) -> None:
        """Notes that a step (or a wave of it) is done, after its own commit."""
        row = (self.run_id, step, policy_id, wave, fingerprint, rows, failed, seconds, now())
        self._note([row], {"run_id": self.run_id, "step": step, "policy_id": policy_id, "wave": wave})

    def record_all(self, step: str, fingerprint: str, rows_of: Mapping[str, int], seconds: float) -> None:
        """Notes that a step is done for these policies, and for no others, in one commit."""
        rows = [(self.run_id, step, policy_id, 0, fingerprint, rows, 0, seconds, now()) for policy_id, rows in rows_of.items()]
        self._note(rows, {"run_id": self.run_id, "step": step})

    def _note(self, rows: list[tuple], slice_: Mapping[str, str | int]) -> None:
        schema = ", ".join(f"{column.name} {column.type}" for column in STEPS.columns)
        # one file: the table has a handful of rows per run
        self.lakehouse.replace(STEPS, self.spark.createDataFrame(rows, schema).coalesce(1), slice_, check_keys=False)


def now() -> datetime:
    """This moment, with its zone: Spark takes a moment without one for the machine's local time."""
    return datetime.now(UTC)


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started
