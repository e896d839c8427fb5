"""What became of the lines of a dataset and ingest batch; for each, lines in = kept + rejected + duplicates."""

from __future__ import annotations

from dataclasses import dataclass

from invopt.errors import TableError


@dataclass(frozen=True)
class Conformed:
    """Lines of one dataset and batch, and what became of them."""

    dataset: str
    batch_id: int
    rows_in: int
    rows_kept: int
    rows_rejected: int

    @property
    def rows_duplicate(self) -> int:
        return self.rows_in - self.rows_kept - self.rows_rejected

    def checked(self) -> Conformed:
        """Itself, where no line counts twice.

        Raises
        ------
        TableError : more lines were kept and rejected than came in.
        """
        if self.rows_duplicate < 0:
            raise TableError(
                f"{self.dataset}, batch {self.batch_id}: {self.rows_in:,} lines came in, but {self.rows_kept:,} were "
                f"kept and {self.rows_rejected:,} rejected; this is a defect of invopt: the batch is not marked as done"
            )
        return self
