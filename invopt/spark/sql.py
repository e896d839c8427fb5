"""Loads and runs the `.sql` files of `invopt/sql`: named queries over views of tables, values as :named parameters."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from invopt.spark.inlined import inlined


def text(name: str) -> str:
    """The statement of `invopt/sql/<name>.sql`, such as "gold/item_state"."""
    return inlined(files("invopt").joinpath("sql", *f"{name}.sql".split("/")).read_text(encoding="utf-8"))


def query(
    spark: SparkSession, statement: str, views: Mapping[str, DataFrame], values: Mapping[str, Any] | None = None
) -> DataFrame:
    """The rows of a SELECT over views; the views stay, because Spark Connect looks them up only when the rows are
    asked for.
    """
    for name, rows in views.items():
        rows.createOrReplaceTempView(name)
    return spark.sql(statement, args=dict(values or {}))
