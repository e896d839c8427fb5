"""What every step gets: the session, the tables, the configuration, the moment it looks at, and a record of what is
already done.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pyspark.sql import Row, SparkSession

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
    # run -> (version of gold.steps, its rows then): reading it costs a query, and asking for its version next to
    # nothing
    _steps: dict[str, tuple[int, list[Row]]] = field(default_factory=dict, init=False, repr=False, compare=False)

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
        rows = self._steps_of(run_id or self.run_id)
        return {row["wave"]: row for row in rows if (row["step"], row["policy_id"]) == (step, policy_id)}

    def _steps_of(self, run_id: str) -> list[Row]:
        version = self.lakehouse.version(STEPS)
        if self._steps.get(run_id, (None, []))[0] != version:
            rows = self.lakehouse.few(STEPS, {"run_id": run_id}) if version >= 0 else []
            self._steps[run_id] = version, rows
        return self._steps[run_id][1]

    def record(
        self,
        step: str,
        fingerprint: str,
        *,
        rows: int,
        seconds: float,
        policy_id: str = "*",
        wave: int = 0,
        failed: int = 0,
        audit_gap: float | None = None,
    ) -> None:
        """Notes that a step (or a wave of it) is done, after its own commit."""
        row = (self.run_id, step, policy_id, wave, fingerprint, rows, failed, audit_gap, seconds, now())
        self._note([row], {"run_id": self.run_id, "step": step, "policy_id": policy_id, "wave": wave})

    def record_all(self, step: str, fingerprint: str, rows_of: Mapping[str, int], seconds: float) -> None:
        """Notes that a step is done for these policies, and for no others, in one commit."""
        rows = [
            (self.run_id, step, policy_id, 0, fingerprint, rows, 0, None, seconds, now())
            for policy_id, rows in rows_of.items()
        ]
        self._note(rows, {"run_id": self.run_id, "step": step})

    def _note(self, rows: list[tuple], slice_: Mapping[str, str | int]) -> None:
        before = self._steps_of(self.run_id)
        known = self._steps[self.run_id][0]
        self.lakehouse.replace_few(STEPS, rows, slice_)
        if known >= 0 and self.lakehouse.version(STEPS) == known + 1:  # nobody else wrote meanwhile
            kept = [row for row in before if any(row[name] != value for name, value in slice_.items())]
            self._steps[self.run_id] = known + 1, kept + [Row(*STEPS.column_names)(*row) for row in rows]


def now() -> datetime:
    """This moment, with its zone: Spark takes a moment without one for the machine's local time."""
    return datetime.now(UTC)


def instant(moment: datetime) -> str:
    """A moment as text, the same whether it comes from `now` or from Spark, which gives the machine's local time
    without a zone.
    """
    return moment.astimezone(UTC).isoformat()


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started
