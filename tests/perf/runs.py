"""A run over a lakehouse of its own, with the shipped configuration: what is measured is what a user gets."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from invopt import config as configuration
from invopt.pipelines.context import Context
from invopt.run import Run
from invopt.spark.session import spark_session
from invopt.spark.stores import open_store

CONF = Path(__file__).parents[2] / "conf"
AS_OF = datetime(2026, 1, 1, tzinfo=UTC)


def new_run(folder: Path, *, method: str = "algorithm", policy: str = "s_q", **solve: int) -> Context:
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
    return Context(Run(config, AS_OF), open_store(spark, config.lakehouse), spark, say=lambda line: None)
