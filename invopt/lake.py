"""Reads a declared table without Spark or a JVM, for the web page and for looking at a single partition."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from functools import reduce
from typing import Any

import pandas as pd
import pyarrow.dataset as ds
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from invopt.config import LakehouseConfig
from invopt.errors import TableError
from invopt.tables import Table
from invopt.tables.columns import ITEM


def read(lakehouse: LakehouseConfig, table: Table, where: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """The rows of a table whose columns have the given values; arrays as numpy arrays, maps as lists of pairs.

    Raises
    ------
    TableError : there is no such table, or the tables are in a catalog, which only Spark can read.
    """
    if lakehouse.root is None:
        raise TableError(
            f"table {table.name} is in the catalog {lakehouse.catalog}; only tables "
            "below a folder (`lakehouse.root`) are read without Spark"
        )
    path = f"{lakehouse.root.rstrip('/')}/{table.name.replace('.', '/')}"
    try:
        rows = DeltaTable(path).to_pyarrow_dataset()
    except TableNotFoundError as error:
        raise TableError(
            f"table {table.name} is not there ({path}); run `invopt run` first, or name the folder with --lakehouse"
        ) from error
    conditions = [ds.field(name) == value for name, value in (where or {}).items()]
    chosen = reduce(operator.and_, conditions) if conditions else None
    return rows.to_table(columns=list(table.column_names), filter=chosen).to_pandas()


def decisions(solutions: pd.DataFrame) -> pd.DataFrame:
    """gold.solutions with one row per item, decision and period: what `sql/reports/solution_decisions.sql` gives on
    Spark.

    An item without a solution has no row.
    """
    kept = ["run_id", "policy_id", *ITEM, "status", "method"]
    rows = [
        (*keys, name, period, value)
        for *keys, decided in solutions[[*kept, "decisions"]].itertuples(index=False)
        if decided is not None
        for name, values in dict(decided).items()
        for period, value in enumerate(values)
    ]
    return pd.DataFrame(rows, columns=[*kept, "decision", "period", "value"])
