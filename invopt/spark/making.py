"""An empty Delta table from its declaration: columns with unit and meaning, NOT NULL, clustering, and what is kept
of each file.
"""

from __future__ import annotations

import os
from typing import Any

from delta.tables import DeltaTable, DeltaTableBuilder
from pyspark.sql import SparkSession
from pyspark.sql.types import StructType

from invopt.spark import direct
from invopt.tables import Table
from invopt.tables.columns import Column

# tables that only invopt reads keep no deletion vectors: other readers (deltalake, BI tools) need not know them
_PROPERTIES = {"delta.enableDeletionVectors": "false"}
# least and greatest values are kept of the first columns of each file: of those that rows are looked for by, where the
# table says so, because keeping them costs time for each row written
INDEXED_COLUMNS = 8


def make_folder(spark: SparkSession, table: Table, path: str, is_local: bool) -> None:
    """The table below a folder, if it isn't there; where this process sees the folder too, without Spark's second
    for each.
    """
    # clustering is beyond deltalake; and only Spark refuses a folder that holds something else
    if is_local and not table.cluster_by and not (os.path.isdir(path) and os.listdir(path)):
        names = ", ".join(f"{column.name} {column.type}" for column in table.columns)
        fields = StructType.fromDDL(names).jsonValue()["fields"]
        direct.create(
            path, [_field(*pair) for pair in zip(fields, table.columns, strict=True)], table.meaning, _properties(table)
        )
    else:
        _by_spark(DeltaTable.createIfNotExists(spark).location(path), table)


def make_in_catalog(spark: SparkSession, table: Table, schema: str, name: str) -> None:
    """The table of this name in the catalog, and its schema, if they aren't there."""
    # the names come from tables.py and from a configuration that allows identifiers only
    spark.sql(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    _by_spark(DeltaTable.createIfNotExists(spark).tableName(name), table)


def _by_spark(builder: DeltaTableBuilder, table: Table) -> None:
    builder = builder.comment(table.meaning)
    for column in table.columns:
        builder = builder.addColumn(column.name, column.type, nullable=column.is_nullable, comment=_comment(column))
    for name, value in _properties(table).items():
        builder = builder.property(name, value)
    if table.cluster_by:
        builder = builder.clusterBy(*table.cluster_by)
    builder.execute()


def _field(field: dict[str, Any], column: Column) -> dict[str, Any]:
    return {**field, "nullable": column.is_nullable, "metadata": {"comment": _comment(column)}}


def _comment(column: Column) -> str:
    return f"{column.meaning} [{column.unit}]" if column.unit else column.meaning


def _properties(table: Table) -> dict[str, str]:
    n_indexed = max((table.column_names.index(name) + 1 for name in table.cluster_by), default=INDEXED_COLUMNS)
    return {**_PROPERTIES, "delta.dataSkippingNumIndexedCols": str(n_indexed)}
