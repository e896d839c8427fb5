"""Rows that the driver holds as an Arrow table, or as a Spark frame that needs no job to be made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType


def arrow(rows: Sequence[tuple], columns: Sequence[str], schema: pa.Schema) -> pa.Table:
    """The rows with the columns of the schema, by name; one that the rows lack is NULL.

    Raises
    ------
    TypeError, ValueError : a value is of another type than its column.

    >>> arrow([(1, "a")], ["n", "text"], pa.schema({"text": pa.string(), "added": pa.int64()})).to_pylist()
    [{'text': 'a', 'added': None}]
    """
    values = dict(zip(columns, zip(*rows, strict=True) if rows else [()] * len(columns), strict=True))
    nothing = [None] * len(rows)
    arrays = [_array([_plain(value) for value in values.get(field.name, nothing)], field) for field in schema]
    return pa.table(arrays, schema=pa.schema([field.with_nullable(True) for field in schema]))


def frame(spark: SparkSession, rows: Sequence[tuple], columns: str) -> DataFrame:
    """A frame of few rows; `columns` are names and types as in SQL.

    Spark takes an Arrow table as it is. Of tuples it would make a data set of pickled rows, and run a job to read them:
    0.4 s of each small write.
    """
    declared = StructType.fromDDL(columns)
    return spark.createDataFrame(arrow(rows, declared.names, to_arrow_schema(declared)), declared)


def _array(values: list, field: pa.Field) -> pa.Array:
    if pa.types.is_integer(field.type):  # Arrow would cut 1.5 to 1 without a word
        for value in values:
            if isinstance(value, float) and not value.is_integer():
                raise ValueError(f"column {field.name} holds whole numbers, and {value} is none")
    return pa.array(values, field.type)


def _plain(value: Any) -> Any:
    """As Arrow wants it: a moment without a zone is the machine's local time, as in Spark, and a map is a list of
    pairs.
    """
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return list(value.items()) if isinstance(value, dict) else value
