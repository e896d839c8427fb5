"""The surroundings of a step for tests: any configuration at any moment, over a lakehouse of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from pyspark.sql import SparkSession

from invopt.config import Config
from invopt.pipelines.context import Context
from invopt.run import Run
from invopt.spark.stores import open_store


def context_at(
    spark: SparkSession, config: Config, as_of: datetime, say: Callable[[str], None] = lambda line: None
) -> Context:
    """The context of a run that looks at `as_of`; `say` gets what a user sees."""
    return Context(Run(config, as_of), open_store(spark, config.lakehouse, say=say), spark, say)
