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
