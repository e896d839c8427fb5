"""Reads declared tables without Spark or a JVM, by deltalake's own SQL engine: for notebooks, the web and debugging.

deltalake's other way, by pyarrow, gives NULL in every cell of a column-mapped table, without an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral

import pandas as pd
import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder
from deltalake.exceptions import DeltaError, TableNotFoundError

from invopt.config import LakehouseConfig
from invopt.errors import TableError
from invopt.tables import Table
from invopt.tables.columns import ITEM


def place(lakehouse: LakehouseConfig, table: Table) -> str:
    """The folder or URI of a table."""
    return f"{(lakehouse.root or '').rstrip('/')}/{table.name.replace('.', '/')}"


def is_there(lakehouse: LakehouseConfig, table: Table) -> bool:
    """Whether there is such a table, readable or not."""
    return DeltaTable.is_deltatable(place(lakehouse, table))


def read(
    lakehouse: LakehouseConfig,
    table: Table,
    where: Mapping[str, str | int | bool] | None = None,
    columns: Sequence[str] | None = None,
) -> pd.DataFrame:
    """The rows of a table whose columns have the given values, by its key; arrays as numpy arrays, maps as lists of
    pairs.

    A column that an older table lacks is NULL.

    columns : those wanted, in their order; all that are declared where it is not given

    Raises
    ------
    TableError : there is no such table, or the tables are in a catalog, which only Spark can read.
    """
    if lakehouse.root is None:
        raise TableError(
            f"table {table.name} is in the catalog {lakehouse.catalog}; only tables below a folder or a URI "
            "(`lakehouse.root`) are read without Spark"
        )
    folder = place(lakehouse, table)
    try:
        stored = DeltaTable(folder)
    except (DeltaError, OSError) as error:
        if not isinstance(error, TableNotFoundError):
            reason = str(error).splitlines()[0]
            raise TableError(f"table {table.name} at {folder} can't be read without Spark: {reason:.300}") from error
        raise TableError(
            f"table {table.name} is not there ({folder}); run `invopt run` first, or name the folder with --lakehouse"
        ) from error
    there = {field.name for field in stored.schema().fields}
    wanted = table.column_names if columns is None else columns
    unknown = sorted({*(where or {}), *wanted} - set(table.column_names))
    if unknown:
        raise TableError(f"table {table.name} has no column {', '.join(unknown)}")
    equal = " AND ".join(
        f'"{name}" IS NULL' if value is None else f'"{name}" = {_literal(value)}'
        for name, value in (where or {}).items()
    )
    # the names are those of declared columns
    selected = ", ".join(f'"{name}"' if name in there else f'NULL AS "{name}"' for name in wanted)
    statement = f"SELECT {selected} FROM stored{f' WHERE {equal}' if equal else ''}"
    if table.keys:
        statement += f" ORDER BY {', '.join(table.keys)}"
    result = QueryBuilder().register("stored", stored).execute(statement)
    rows = pa.table(result.read_all())
    # pandas knows no views of text within lists
    return rows.cast(pa.schema([field.with_type(_plain(field.type)) for field in rows.schema])).to_pandas()


def _plain(kind: pa.DataType) -> pa.DataType:
    """The type with plain text in the place of views of text."""
    if pa.types.is_string_view(kind):
        return pa.string()
    return pa.list_(_plain(kind.value_type)) if pa.types.is_list(kind) else kind


def _literal(value: str | int | bool) -> str:
    """A value in the engine's SQL, which binds no parameters.

    >>> _literal("1' OR '1'='1"), _literal(7), _literal(True)
    ("'1'' OR ''1''=''1'", '7', 'true')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Integral):  # numpy's too
        return str(int(value))
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    raise TypeError(f"{value!r} is no text, whole number or truth value")


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
