"""From a table's declaration to SQL and back: the statement that makes it, those that mend an older one, a query cast
to its columns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from invopt.errors import TableError
from invopt.spark import slices
from invopt.spark.slices import Slice
from invopt.tables import Table
from invopt.tables.columns import Column

# other readers (deltalake, BI tools) need not know deletion vectors
_PROPERTIES = {"delta.enableDeletionVectors": "false"}
# Delta keeps the least and greatest values of the first columns of each file, which costs time for each row written:
# as far as the last column that rows are looked for by, or of this many
INDEXED_COLUMNS = 8


def comment(column: Column) -> str:
    """A column's meaning and unit, as the table shows them."""
    return f"{column.meaning} [{column.unit}]" if column.unit else column.meaning


def properties(table: Table) -> dict[str, str]:
    """Delta's settings of the table."""
    n_indexed = max((table.column_names.index(name) + 1 for name in table.cluster_by), default=INDEXED_COLUMNS)
    return {**_PROPERTIES, "delta.dataSkippingNumIndexedCols": str(n_indexed)}


def create_statement(table: Table, name: str, *, is_anew: bool = False) -> str:
    """The statement that makes the table of this SQL name, empty: where it is missing, or in the place of another
    one.
    """
    columns = ", ".join(
        f"{column.name} {column.type}{'' if column.is_nullable else ' NOT NULL'} COMMENT {_text(comment(column))}"
        for column in table.columns
    )
    cluster = f" CLUSTER BY ({', '.join(table.cluster_by)})" if table.cluster_by else ""
    settings = ", ".join(f"{_text(key)} = {_text(value)}" for key, value in properties(table).items())
    verb = "REPLACE TABLE" if is_anew else "CREATE TABLE IF NOT EXISTS"
    meaning = f"COMMENT {_text(table.meaning)}"
    return f"{verb} {name} ({columns}) USING delta{cluster} {meaning} TBLPROPERTIES ({settings})"


def differences(table: Table, there: Mapping[str, tuple[str, bool]]) -> list[str]:
    """The differences that keep a table from becoming the declared one by adding columns.

    there : column -> its type, and whether it may be NULL
    """
    return [
        *(
            f"{column.name} {column.type} is missing and must not be NULL"
            for column in table.columns
            if column.name not in there and not column.is_nullable
        ),
        *(
            f"{column.name} is {there[column.name][0]} instead of {column.type}"
            for column in table.columns
            if column.name in there and there[column.name][0] != column.type
        ),
    ]


def mending_statements(table: Table, there: Mapping[str, tuple[str, bool]], name: str) -> list[str]:
    """The statements that add the columns that an older table lacks, and let NULL in where it is allowed now.

    there : column -> its type, and whether it may be NULL
    """
    added = ", ".join(
        f"{column.name} {column.type} COMMENT {_text(comment(column))}"
        for column in table.columns
        if column.name not in there
    )
    # a column that this version does not know is not filled
    required = {column.name for column in table.columns if not column.is_nullable}
    not_filled = [column for column, (_, may_be_null) in there.items() if not may_be_null and column not in required]
    return [
        *([f"ALTER TABLE {name} ADD COLUMNS ({added})"] if added else []),
        *(f"ALTER TABLE {name} ALTER COLUMN {column} DROP NOT NULL" for column in not_filled),
    ]


def cast(table: Table, rows: DataFrame) -> DataFrame:
    """The declared columns of a query, in their order and with their types.

    Raises
    ------
    TableError : the query lacks columns.
    """
    types = dict(rows.dtypes)
    missing = [name for name in table.column_names if name not in types]
    if missing:
        raise TableError(f"table {table.name}: the rows to write lack the columns {', '.join(missing)}")
    return rows.select(
        *(
            F.col(column.name)
            if types[column.name] == column.type
            else F.col(column.name).cast(column.type).alias(column.name)
            for column in table.columns
        )
    )


def check_rows(table: Table, rows: Sequence[tuple], where: Slice | None = None) -> None:
    """Refuses rows of the driver's that the table must not hold, before anything is written.

    Raises
    ------
    TableError : a NOT NULL column is NULL, a row lies outside of the slice, or a key is there twice.
    """
    place = {name: number for number, name in enumerate(table.column_names)}
    for column in table.columns:
        if not column.is_nullable and any(row[place[column.name]] is None for row in rows):
            raise TableError(
                f"table {table.name}: column {column.name} must not be NULL, but a row to write has it so; nothing was "
                "written"
            )
    if where is None:
        return
    allowed = slices.values(where)
    if any(row[place[name]] not in values for row in rows for name, values in allowed.items()):
        raise TableError(f"table {table.name}: {slices.OUTSIDE}{slices.condition(where)}; nothing was written")
    keys = Counter(tuple(row[place[name]] for name in table.keys) for row in rows) if table.keys else {}
    for key, n_rows in keys.items():
        if n_rows > 1:
            shown = ", ".join(f"{name}={value}" for name, value in zip(table.keys, key, strict=True))
            raise TableError(
                f"table {table.name}: keys must be unique, but there are: {shown} ({n_rows} rows); nothing was written"
            )


def _text(value: str) -> str:
    r"""A text as a literal of SQL.

    >>> _text("the supplier's \\ rule")
    "'the supplier\\'s \\\\ rule'"
    """
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
