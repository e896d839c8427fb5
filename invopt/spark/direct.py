"""A table in a local folder by deltalake, in this process: milliseconds, where Spark runs a job of a second.

It serves tables that the driver itself fills, row by row. The log is the same one that Spark writes; a table with
features that deltalake doesn't know raises NotForUs, and is left to Spark.
"""

from __future__ import annotations

import contextlib
import json
import operator
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from typing import Any, NamedTuple
from urllib.parse import unquote

import deltalake
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake.exceptions import DeltaError
from deltalake.exceptions import DeltaProtocolError as NotForUs

from invopt.spark.commits import SKIPPED
from invopt.spark.frames import arrow

_REFUSED = re.compile(r"Unsupported table features|Operation not (supported|permitted)")
# Spark takes a path with one of these for a pattern
_GLOB = re.compile(r"[*?\[\]{}\\,]")
_SQL_TYPES = {"long": "bigint", "integer": "int", "short": "smallint", "byte": "tinyint"}


def version(path: str) -> int:
    """Number of the newest commit; -1 where there is no Delta table."""
    return deltalake.DeltaTable(path).version() if deltalake.DeltaTable.is_deltatable(path) else -1


def create(path: str, fields: Sequence[Mapping[str, Any]], meaning: str, properties: Mapping[str, str]) -> None:
    """Makes an empty table, where there is none yet, of fields as Delta's schema writes them."""
    schema = deltalake.Schema.from_json(json.dumps({"type": "struct", "fields": list(fields)}))
    try:
        deltalake.DeltaTable.create(path, schema, mode="ignore", description=meaning, configuration=dict(properties))
    except DeltaError:
        if version(path) < 0:  # else another process made it at the same moment
            raise


def columns(path: str) -> dict[str, tuple[str, bool]]:
    """Column -> its type in Spark's words, such as `map<string,array<double>>`, and whether it may be NULL."""
    return _columns(deltalake.DeltaTable(path))


def _columns(table: deltalake.DeltaTable) -> dict[str, tuple[str, bool]]:
    fields = table.schema().fields
    return {field.name: (_sql_type(json.loads(field.type.to_json())), field.nullable) for field in fields}


def _sql_type(kind: str | dict) -> str:
    if isinstance(kind, str):
        return _SQL_TYPES.get(kind, kind)
    if kind["type"] == "array":
        return f"array<{_sql_type(kind['elementType'])}>"
    if kind["type"] == "map":
        return f"map<{_sql_type(kind['keyType'])},{_sql_type(kind['valueType'])}>"
    parts = [f"{part['name']}:{_sql_type(part['type'])}" for part in kind["fields"]]
    return f"struct<{','.join(parts)}>"


def read(path: str, columns: Sequence[str], where: Mapping[str, Sequence[str | int]]) -> list[tuple]:
    """The rows that have one of the values in each column, as tuples in the order of `columns`; timestamps are in
    UTC.
    """
    with _refusals():
        found = _dataset(path, columns).to_table(columns=list(columns), filter=_condition(where))
    return _tuples(found, columns)


def counts(path: str, by: Sequence[str], where: Mapping[str, Sequence[str | int]]) -> list[tuple]:
    """(values of the columns `by`..., rows) for the rows that have one of the values in each column; read batch by
    batch.
    """
    counted: Counter[tuple] = Counter()
    with _refusals():
        for batch in _dataset(path, by).to_batches(columns=list(by), filter=_condition(where)):
            of_batch = pa.Table.from_batches([batch]).group_by(list(by)).aggregate([([], "count_all")])
            for *values, n in _tuples(of_batch, [*by, "count_all"]):
                counted[tuple(values)] += n
    return [(*values, n) for values, n in counted.items()]


def rows_of_commit(path: str, mark: str) -> int:
    """Rows written by the commit whose metadata is the mark; SKIPPED where there is none among the newest 50."""
    commits = deltalake.DeltaTable(path).history(50)
    rows = [int(each["operationMetrics"]["numOutputRows"]) for each in commits if each.get("userMetadata") == mark]
    return sum(rows) if rows else SKIPPED


def has_files(path: str) -> bool:
    """False where a table can't have a row, because it has no file."""
    return bool(deltalake.DeltaTable(path).file_uris())


class Files(NamedTuple):
    """Parquet files of a version of a table, their size in bytes, and its columns with their types in Spark's words."""

    paths: list[str]
    size: int
    types: dict[str, str]


def files(path: str, where: Mapping[str, Sequence[str | int]], version: int | None = None) -> Files:
    """The files of a version, or the newest one, that may have rows with, in each column, one of the values.

    The log has the least and greatest values of each file: where no file is given there is no such row, but a file may
    have others too.

    Raises
    ------
    NotForUs : the files alone don't tell the table's rows (deletion vectors, column mapping, values in folders' names).
    """
    table = _plain_table(path, version)
    if table.metadata().partition_columns or _GLOB.search(path):
        raise NotForUs(f"{path}: its rows are not those of its files")
    found = pa.table(table.get_add_actions(flatten=True))
    can_hold = pa.array([True] * found.num_rows, pa.bool_())
    for name, values in where.items():
        if f"min.{name}" in found.column_names:
            least, greatest = found[f"min.{name}"], found[f"max.{name}"]
            within = [pc.and_(pc.less_equal(least, value), pc.greater_equal(greatest, value)) for value in values]
            can_hold = pc.and_(can_hold, pc.fill_null(reduce(pc.or_, within), True))
    found = found.filter(can_hold)
    paths = [f"{path}/{unquote(file)}" for file in found["path"].to_pylist()]
    return Files(
        paths, pc.sum(found["size_bytes"]).as_py() or 0, {name: kind for name, (kind, _) in _columns(table).items()}
    )


def _plain_table(path: str, version: int | None = None) -> deltalake.DeltaTable:
    """The table, where its files hold its rows as they are.

    deltalake's pyarrow way gives NULL in every cell of a column-mapped table, without an error.
    """
    table = deltalake.DeltaTable(path, version=version)
    if table.protocol().min_reader_version > 1:
        raise NotForUs(f"{path}: deletion vectors or column mapping")
    return table


def _dataset(path: str, columns: Sequence[str]) -> ds.Dataset:
    """The table's files, where it has all of these columns.

    Raises
    ------
    NotForUs : an older table lacks a column, which is then NULL.
    """
    found = _plain_table(path).to_pyarrow_dataset()
    lacking = sorted(set(columns) - set(found.schema.names))
    if lacking:
        raise NotForUs(f"{path} has no column {', '.join(lacking)}")
    return found


def _condition(where: Mapping[str, Sequence[str | int]]) -> ds.Expression | None:
    conditions = [ds.field(name).isin(list(values)) for name, values in where.items()]
    return reduce(operator.and_, conditions) if conditions else None


def _tuples(rows: pa.Table, columns: Sequence[str]) -> list[tuple]:
    return list(zip(*(rows[name].to_pylist() for name in columns), strict=True))


def append(path: str, columns: Sequence[str], rows: Sequence[tuple], transaction: tuple[str, int] | None) -> int:
    """Adds the rows and gives their number; a transaction (application, number) that was already written adds
    nothing, and gives SKIPPED.
    """
    table = deltalake.DeltaTable(path)
    properties = None
    if transaction is not None:
        newest = table.transaction_version(transaction[0])
        if newest is not None and newest >= transaction[1]:
            return SKIPPED
        properties = deltalake.CommitProperties(app_transactions=[deltalake.Transaction(*transaction)])
    with _refusals():
        deltalake.write_deltalake(
            table, arrow(rows, columns, table.to_pyarrow_dataset().schema), mode="append", commit_properties=properties
        )
    return len(rows)


def replace(path: str, columns: Sequence[str], rows: Sequence[tuple], condition: str) -> int:
    """Puts the rows in the place of those for which the condition holds, in one commit."""
    table = deltalake.DeltaTable(path)
    with _refusals():
        deltalake.write_deltalake(
            table, arrow(rows, columns, table.to_pyarrow_dataset().schema), mode="overwrite", predicate=condition
        )
    return len(rows)


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """Turns into NotForUs what deltalake says before it commits: a feature that it lacks, or a file system without
    hard links.
    """
    try:
        yield
    except NotForUs:
        raise
    except Exception as error:
        if _REFUSED.search(str(error)):
            raise NotForUs(str(error)) from error
        raise
