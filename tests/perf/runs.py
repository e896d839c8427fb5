"""A run over a lakehouse of its own, with the shipped configuration: what is measured is what a user gets."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from invopt import config as configuration
from invopt.pipelines.steps import Run
from invopt.spark.delta import Lakehouse
from invopt.spark.session import spark_session

CONF = Path(__file__).parents[2] / "conf"
AS_OF = datetime(2026, 1, 1, tzinfo=UTC)


def new_run(folder: Path, *, method: str = "exact", **solve: int) -> Run:
    """The run whose tables are below `folder`; `solve` are settings of that section of the configuration."""
    overrides = {"lakehouse": {"root": str(folder / "lakehouse")}, "landing": str(folder / "landing"), "solve": solve}
    config = configuration.load(CONF, overrides=overrides)
    config = config.model_copy(update={"policies": tuple(row.model_copy(update={"method": method}) for row in config.policies)})
    spark = spark_session("invopt-bench", settings=config.spark)
    return Run(spark, Lakehouse(spark, config.lakehouse), config, AS_OF, say=lambda line: None)
