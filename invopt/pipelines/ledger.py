"""What is done of every run: the table gold.steps, kept in memory while a command runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import Row

from invopt.run import Run, now
from invopt.spark.store import Store
from invopt.tables import STEPS

# stands for the run in the notes of migrations
NO_RUN = "-"


class Ledger:
    """The rows of gold.steps, and how this run adds to them.

    Another run may write at the same time. Its rows are seen from the next `refresh` on, and what it has done meanwhile
    is done once more, with the same result.
    """

    def __init__(self, store: Store, run: Run) -> None:
        self._store, self._run = store, run
        self._version: int | None = None
        self._rows: list[Row] = []
        self._not_needed: tuple[str, ...] = ()

    def refresh(self) -> None:
        """Reads the table again, where another run has written."""
        version = self._store.version(STEPS)
        if version != self._version:
            self._rows = self._store.rows(STEPS) if version >= 0 else []
            self._version = version

    def rows(self) -> Sequence[Row]:
        """All rows, of every run."""
        if self._version is None:
            self.refresh()
        return self._rows

    def done(self, step: str, policy_id: str = "*", run_id: str | None = None) -> dict[int, Row]:
        """What is done of a step, by this run or another one: wave -> its row."""
        sought = (run_id or self._run.run_id, step, policy_id)
        return {row["wave"]: row for row in self.rows() if (row["run_id"], row["step"], row["policy_id"]) == sought}

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
        """Notes that a step, or a wave of it, is done, after its own commit."""
        row = (self._run.run_id, step, policy_id, wave, fingerprint, rows, failed, audit_gap, seconds, now())
        self._note([row], {"run_id": self._run.run_id, "step": step, "policy_id": policy_id, "wave": wave})

    def record_all(self, step: str, fingerprint: str, rows_of: Mapping[str, int], seconds: float) -> None:
        """Notes that a step is done for these policies, and for no others, in one commit."""
        rows = [
            (self._run.run_id, step, policy_id, 0, fingerprint, n_rows, 0, None, seconds, now())
            for policy_id, n_rows in rows_of.items()
        ]
        self._note(rows, {"run_id": self._run.run_id, "step": step})

    def migrations(self) -> set[str]:
        """Names of the migrations that the lakehouse has had."""
        return {row["step"] for row in self.rows() if row["run_id"] == NO_RUN}

    def note_migration(self, name: str, n_rows: int, seconds: float) -> None:
        """Notes that a migration is done."""
        self._note([_migration(name, n_rows, seconds)], {"run_id": NO_RUN, "step": name})

    def is_new(self, migrations: Sequence[str]) -> bool:
        """Whether nothing was noted yet; then these migrations are noted as not needed, together with the first step."""
        self._not_needed = tuple(migrations)
        self.rows()
        return self._version == -1

    def _note(self, rows: list[tuple], where: Mapping[str, str | int]) -> None:
        known = self.rows()
        if self._version == -1:
            notes = [_migration(name, 0, 0.0) for name in self._not_needed]
            self._store.append(STEPS, notes)
            self._version, known = 1, [Row(*STEPS.column_names)(*note) for note in notes]
        self._store.replace(STEPS, rows, where, check_keys=False)
        kept = [row for row in known if any(row[name] != value for name, value in where.items())]
        self._rows = kept + [Row(*STEPS.column_names)(*row) for row in rows]
        # a note is one commit; another version than this one, at the next `refresh`, is another run's doing
        self._version += 1


def _migration(name: str, n_rows: int, seconds: float) -> tuple:
    return (NO_RUN, name, "*", 0, "migration", n_rows, 0, None, seconds, now())
