"""A table, declared once: DDL, write and read derive from the declaration."""

from __future__ import annotations

from dataclasses import dataclass

from invopt.tables.columns import Column, required


@dataclass(frozen=True)
class Table:
    """A Delta table: `layer.name`, what one row is, its columns, its key, and the columns it is clustered by.

    remade_by : the command that makes its rows again from what other tables hold; empty where nothing can
    """

    name: str
    meaning: str
    columns: tuple[Column, ...]
    keys: tuple[str, ...]
    cluster_by: tuple[str, ...] = ()
    remade_by: str = ""

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


BATCH = required("batch_id", "bigint", "", "number of the ingest batch that brought the row")
RUN = required("run_id", "string", "", "the run that wrote the row: its as_of and a hash of its configuration")
POLICY = required("policy_id", "string", "", "row of conf/policies.yaml")
