"""From a batch's good lines to the rows of a silver table: a first load appends them, a later one changes what they
change.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from invopt.pipelines.context import Context
from invopt.pipelines.newest import against, newest, sums, versions
from invopt.pipelines.unread import KEYS_OF_BLOCKS
from invopt.spark.session import default_parallelism
from invopt.tables import FILES, REJECTED, Table
from invopt.tables.dataset import Dataset


class SkippedError(Exception):
    """Delta skipped an append because it knows the batch's number, but the table has lost the rows of that append."""


@dataclass(frozen=True)
class Batch:
    """An ingest batch of a dataset.

    n_lines : its lines in bronze
    is_marked : an append carries the batch's number, so that Delta skips a second one
    """

    context: Context
    dataset: Dataset
    batch_id: int
    n_lines: int
    is_marked: bool = True

    def load(self, table: Table, good: DataFrame) -> int:
        """Fills an empty table; gives the number of lines that its rows stand for, 0 where an attempt before this one
        filled it.

        Sums go in by two commits: the keys whose lines are all of one file, and then the few others, if there are any.
        That halves the sums, a ninth of the step's processor time for millions of sales. An attempt after a crash
        between the two finds rows in the table and brings the whole batch by `save`, which adds nothing twice.
        """
        if self.dataset.how != "summed":
            return self._append(table, self._newest(good))
        n_tasks = default_parallelism(self.context.spark)
        is_of_one_file, seen = F.col("first_file") == F.col("file_number"), Observation()
        rows = self._numbered(sums(good, self.dataset, self.n_lines, n_tasks))
        rows = rows.observe(seen, F.count_if(~is_of_one_file).alias("others"))
        kept = self._append(table, rows.where(is_of_one_file), ".one_file")
        if kept and seen.get["others"]:
            kept += self._merge(table, self._newest(good).where(~is_of_one_file))
        return kept

    def save(self, table: Table, good: DataFrame) -> int:
        """Brings the rows into the table; gives the number of lines that they stand for."""
        if self.dataset.how == "versions":
            return self._add_versions(table, good)
        rows, store = self._newest(good), self.context.store
        appended = self._append(table, rows) if store.is_empty(table) else 0
        # an append that Delta skips has its rows in the table: which of them, the merge finds
        return appended if appended or store.is_empty(table) else self._merge(table, rows)

    def _add_versions(self, table: Table, good: DataFrame) -> int:
        """Adds what the batch says that was not said before; nothing that is there is changed."""
        store = self.context.store
        rows = versions(
            store.read(table).where(F.col("batch_id") != self.batch_id), self._newest(good), self.dataset, self._named()
        )
        kept = self._append(table, rows.join(F.broadcast(self._known()), on="file_number", how="left"))
        # an append that Delta skips has its rows in the table
        return kept or sum(row["n"] for row in store.counts(table, ["batch_id"], {"batch_id": self.batch_id}))

    def _known(self) -> DataFrame:
        """file_number and known_on of the batch's files."""
        files = self.context.store.read(FILES).where(F.col("batch_id") == self.batch_id)
        return files.where(F.col("dataset") == self.dataset.name).select("file_number", "known_on")

    def _named(self) -> DataFrame | None:
        """The keys that rejected lines name, as far as they can block an item; None where there can be none."""
        keys = KEYS_OF_BLOCKS.get(self.dataset.name, ())
        if not keys or not self.context.store.exists(REJECTED):
            return None
        rejected = self.context.store.read(REJECTED, where={"dataset": self.dataset.name})
        return rejected.select(*keys).dropna().distinct()

    def _merge(self, table: Table, rows: DataFrame) -> int:
        """Changes what the rows change; gives the lines of those that this batch has brought, now or before."""
        store = self.context.store
        keys = list(table.keys)
        values = [name for name in table.column_names if name not in (*keys, "n_lines", "file_number", "batch_id")]
        changes = against(
            store.read(table), rows.select(*table.column_names), self.dataset, keys, values, self.batch_id
        )
        changes = self._said_again(changes, table).persist()
        try:
            lines_of = {
                row["action"]: row["lines"]
                for row in changes.groupBy("action").agg(F.sum("n_lines").alias("lines")).collect()
            }
            if any(lines_of.get(action, 0) or action in lines_of for action in ("insert", "update", "delete")):
                store.merge(
                    table,
                    changes.where("action IN ('insert', 'update', 'delete')"),
                    delete_where="new.action = 'delete'",
                    update_where="new.action = 'update'",
                    insert_where="new.action = 'insert'",
                )
        finally:
            changes.unpersist()
        return sum(lines_of.get(action) or 0 for action in ("insert", "update", "again"))

    def _said_again(self, changes: DataFrame, table: Table) -> DataFrame:
        """The changes, where a row of a key that a rejected line names takes the newer file's number, though it is the
        same: that the key is readable again must be seen.
        """
        named = self._named()
        if named is None:
            return changes
        keys, named = named.columns, named.withColumn("was_named", F.lit(True))
        is_said_again = (F.col("action") == "same") & F.col("was_named")
        return (
            changes.join(F.broadcast(named), on=keys, how="left")
            .withColumn("action", F.when(is_said_again, "update").otherwise(F.col("action")))
            .drop("was_named")
        )

    def _append(self, table: Table, rows: DataFrame, part: str = "") -> int:
        """Appends the rows and gives the lines that they stand for, 0 where they were appended before."""
        seen = Observation()
        # a table that is made anew, with other columns, keeps the transactions of the old one
        columns = hashlib.sha256(repr(table.columns).encode()).hexdigest()[:8]
        transaction = (f"invopt.conform.{table.name}.{columns}{part}", self.batch_id)
        rows = rows.observe(seen, F.sum("n_lines").alias("lines"))
        store = self.context.store
        n_rows = store.append(table, rows, transaction=transaction if self.is_marked else None, is_repeat=True)
        if not n_rows and self.is_marked and store.is_empty(table):
            raise SkippedError(table.name)
        # a write that Delta skips runs no query, and its observation would be waited for without end
        return seen.get["lines"] or 0 if n_rows else 0

    def _newest(self, good: DataFrame) -> DataFrame:
        n_tasks = default_parallelism(self.context.spark)
        return self._numbered(newest(good, self.dataset, self.n_lines, n_tasks))

    def _numbered(self, rows: DataFrame) -> DataFrame:
        return rows.withColumn("batch_id", F.lit(self.batch_id).cast("bigint"))
