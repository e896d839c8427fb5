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


def new_run(folder: Path, *, method: str = "exact", policy: str = "s_q", **solve: int) -> Run:
    """The run whose tables are below `folder`, with the shipped rows of one policy alone; `solve` are settings of
    that section.
    """
    overrides = {"lakehouse": {"root": str(folder / "lakehouse")}, "landing": str(folder / "landing"), "solve": solve}
    config = configuration.load(CONF, overrides=overrides)
    # the step `solve` refuses a policy whose inputs were not made
    rows = tuple(
        row.model_copy(update={"method": method, "active": True}) for row in config.policies if row.policy == policy
    )
    config = config.model_copy(update={"policies": rows[:1]})
    spark = spark_session("invopt-bench", settings=config.spark)
    return Run(spark, Lakehouse(spark, config.lakehouse), config, AS_OF, say=lambda line: None)
