"""The record of finished steps: the table gold.steps, kept in memory while a command runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Row

from invopt.run import Run, instant, now
from invopt.spark.store import Store
from invopt.tables import STEPS

# stands for the run in the notes of migrations
NO_RUN = "-"


_COLUMN = {name: place for place, name in enumerate(STEPS.column_names)}


@dataclass(frozen=True)
class Note:
    """A step that is done for a policy ("*": for all), or a wave of it; the columns of gold.steps say what they
    mean.
    """

    step: str
    fingerprint: str
    rows: int
    seconds: float
    policy_id: str = "*"
    wave: int = 0
    failed: int = 0
    audit_gap: float | None = None


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
            self._rows = _newest(self._store.rows(STEPS)) if version >= 0 else []
            self._version = version

    def rows(self) -> Sequence[Row]:
        """All rows, of every run."""
        if self._version is None:
            self.refresh()
        return self._rows

    def done(self, step: str, policy_id: str = "*", run_id: str | None = None) -> dict[int, Row]:
        """The finished waves of a step, of this run or another one: wave -> its row."""
        sought = (run_id or self._run.run_id, step, policy_id)
        return {row["wave"]: row for row in self.rows() if (row["run_id"], row["step"], row["policy_id"]) == sought}

    def record(self, *notes: Note) -> None:
        """Notes steps, or waves of them, that are done, after their own commits; all in one commit."""
        rows = [self._row(note) for note in notes]
        known = self.rows()
        again = [row for row in known if any(_is_same(row, new) for new in rows)]
        if again:
            for new in rows:
                self._replace([new], {name: new[_COLUMN[name]] for name in STEPS.keys})
        else:
            # most notes are new, and to add them costs Spark a fifth of replacing
            self._append(rows)

    def record_all(self, step: str, fingerprint: str, rows_of: Mapping[str, int], seconds: float) -> None:
        """Notes that a step is done for these policies, and for no others, in one commit."""
        rows = [self._row(Note(step, fingerprint, n_rows, seconds, policy_id)) for policy_id, n_rows in rows_of.items()]
        if any((row["run_id"], row["step"]) == (self._run.run_id, step) for row in self.rows()):
            self._replace(rows, {"run_id": self._run.run_id, "step": step})
        else:
            self._append(rows)

    def _row(self, note: Note) -> tuple:
        return (
            self._run.run_id,
            note.step,
            note.policy_id,
            note.wave,
            note.fingerprint,
            note.rows,
            note.failed,
            note.audit_gap,
            note.seconds,
            now(),
        )

    def migrations(self) -> set[str]:
        """Names of the migrations that the lakehouse has had."""
        return {row["step"] for row in self.rows() if row["run_id"] == NO_RUN}

    def note_migration(self, name: str, n_rows: int, seconds: float) -> None:
        """Notes that a migration is done."""
        self._append([_migration(name, n_rows, seconds)])

    def is_new(self, migrations: Sequence[str]) -> bool:
        """Whether nothing was noted yet; then these migrations are noted as not needed, together with the first
        step.
        """
        self._not_needed = tuple(migrations)
        self.rows()
        return self._version == -1

    def _append(self, rows: list[tuple]) -> None:
        if not self.rows() and self._version == -1:
            rows = [_migration(name, 0, 0.0) for name in self._not_needed] + rows
            self._version = 0
        self._store.append(STEPS, rows)
        self._remember(rows)

    def _replace(self, rows: list[tuple], where: Mapping[str, str | int]) -> None:
        self._store.replace(STEPS, rows, where, check_keys=False)
        self._rows = [row for row in self._rows if any(row[name] != value for name, value in where.items())]
        self._remember(rows)

    def _remember(self, rows: list[tuple]) -> None:
        self._rows = [*self._rows, *(Row(*STEPS.column_names)(*row) for row in rows)]
        # another version than this one, at the next `refresh`, is another run's doing
        self._version += 1


def _is_same(row: Row, new: tuple) -> bool:
    return all(row[name] == new[_COLUMN[name]] for name in STEPS.keys)


def _newest(rows: Sequence[Row]) -> list[Row]:
    """One row per key: two runs at once may have noted the same."""
    newest = {}
    for row in sorted(rows, key=lambda row: instant(row["done_at"])):
        newest[tuple(row[name] for name in STEPS.keys)] = row
    return list(newest.values())


def _migration(name: str, n_rows: int, seconds: float) -> tuple:
    return (NO_RUN, name, "*", 0, "migration", n_rows, 0, None, seconds, now())
