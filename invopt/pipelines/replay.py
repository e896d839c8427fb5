"""A past day once more, beside what was ordered on it: from what had landed by then, and writing nothing.

Terms, stock counts and orders of other systems are those that were known on that day; orders of ours are those of
earlier moments. The configuration is that of the run that ordered on the day, or today's where there was none.
"""

from __future__ import annotations

import json
import tempfile
import uuid
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from pydantic import ValidationError
from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from invopt.config import Config, LakehouseConfig
from invopt.errors import InputError, InvoptError, raise_together
from invopt.pipelines.context import Context
from invopt.pipelines.due import due
from invopt.pipelines.flow import BY_NAME
from invopt.run import Run, as_of_of
from invopt.spark.overlay import Overlay
from invopt.spark.session import sees_local_files
from invopt.spark.store import Store
from invopt.spark.stores import open_store
from invopt.tables import ORDER_REVIEWS, ORDERS, RUNS, STEPS

if TYPE_CHECKING:
    from collections.abc import Iterator

STEPS_OF_A_REPLAY = ("inputs", "solve", "order")
# what is ordered is equal to what was within a part in a million of a unit
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Replayed:
    """What a replay found.

    moment : that was looked at
    rows : location_id, product_id, source_id, policy_id, quantity, was (what was ordered, NULL where nothing was),
        status, reason; one row per item and order
    """

    moment: datetime
    rows: DataFrame

    def of(self, location: str | None, product: str | None, limit: int) -> tuple[int, int, list[Row]]:
        """How many items of a location and product there are, how many of them differ, and `limit` of their rows,
        those that differ first.
        """
        rows = self.rows
        for column, value in (("location_id", location), ("product_id", product)):
            if value is not None:
                rows = rows.where(F.col(column) == value)
        counted = rows.agg(F.count(F.lit(1)).alias("n"), F.count_if(differs()).alias("n_differ")).first()
        in_order = rows.orderBy(differs().desc(), F.desc("quantity"), "location_id", "product_id")
        return counted["n"], counted["n_differ"], in_order.limit(limit).collect()


@contextmanager
def replayed(
    spark: SparkSession,
    store: Store,
    config: Config,
    as_of: datetime,
    say: Callable[[str], None],
    scratch: str | None = None,
) -> Iterator[Replayed]:
    """A past day once more; its rows can be read until the block ends.

    Parameters
    ----------
    as_of : the day, or the moment; of a day that is given without a clock, its last run's moment
    scratch : a place for the replay's own tables, which stay there; a folder that is removed, where it is not given

    Raises
    ------
    InputError : Spark runs on other machines, which do not see such a folder.
    """
    if scratch is None and not _is_on_this_machine(spark):
        raise InputError(
            "a replay needs a place for its own tables that every machine of the cluster can write",
            ["give --scratch, a folder or URI such as s3a://bucket/replays; what is written there may be removed"],
        )
    run_id = _run_of(store, config, as_of)
    moment = as_of_of(run_id) if run_id else as_of
    then = _config_of(store, run_id, config, say) if run_id else config
    with tempfile.TemporaryDirectory(prefix="invopt-replay-") as folder:
        place = folder if scratch is None else f"{scratch.rstrip('/')}/replay-{uuid.uuid4().hex}"
        over = Overlay(store, open_store(spark, LakehouseConfig(root=place)), moment)
        context = Context(Run(then, moment), over, spark, say, is_replay=True)
        over.runs = frozenset(due(context).standing.values()) - {context.run_id}
        refused: list[InvoptError] = []
        for name in STEPS_OF_A_REPLAY:
            try:
                BY_NAME[name].do(context)
            except InvoptError as error:
                # an order rule that fails on some items leaves the others
                if not BY_NAME[name].is_of_policies:
                    raise
                refused.append(error)
        yield Replayed(moment, _beside(context, store))
        raise_together(refused)


def _is_on_this_machine(spark: SparkSession) -> bool:
    return sees_local_files(spark) and spark.conf.get("spark.master", "").startswith("local")


def _run_of(store: Store, config: Config, as_of: datetime) -> str | None:
    """The run that ordered at the moment; of a day without a clock, the last that did on it."""
    if not store.exists(STEPS):
        return None
    until = as_of + (timedelta(days=1) if as_of.time() == time() else timedelta(seconds=1))
    runs = {row["run_id"] for row in store.rows(STEPS) if row["step"] == "order"}
    own = config.results_hash()
    of_day = [(as_of_of(run_id), run_id.endswith(own[:10]), run_id) for run_id in runs]
    return max((one for one in of_day if as_of <= one[0] < until), default=(None, None, None))[2]


def _config_of(store: Store, run_id: str, config: Config, say: Callable[[str], None]) -> Config:
    """The configuration of a run, in the places of today's."""
    saved = next((row["config"] for row in store.rows(RUNS, {"run_id": run_id})), None)
    if saved is None:
        return config
    today = config.model_dump(mode="json")
    places = {name: today[name] for name in ("lakehouse", "landing", "policies_folder", "spark", "solvers")}
    try:
        then = Config(**{**json.loads(saved), **places})
    except (ValidationError, TypeError, ValueError):
        say(f"  ! run {run_id} was made by another version, whose configuration can't be read: today's is used")
        return config
    if then.results_hash() != config.results_hash():
        say(f"replay: with the configuration of run {run_id}, which is not today's")
    return then


def _beside(context: Context, store: Store) -> DataFrame:
    """The reviews of the replay, with what was ordered in the same cycle."""
    reviews = context.store.read(ORDER_REVIEWS).where(F.col("run_id") == context.run_id).where("NOT is_shadow")
    item = ["location_id", "product_id", "source_id"]
    replayed_lines = reviews.select(*item, "policy_id", "cycle", "quantity", "reason")
    was = (
        store.read(ORDERS)
        .where("status NOT IN ('cancelled', 'shadow')")
        .select(*item, "cycle", F.col("quantity").alias("was"), "status", F.col("policy_id").alias("was_of"))
    )
    cycles = [row["cycle"] for row in replayed_lines.select("cycle").distinct().collect()]
    was = was.where(F.col("cycle").isin(*cycles)) if cycles else was.limit(0)
    return replayed_lines.join(was, on=[*item, "cycle"], how="full").select(
        *item,
        F.coalesce("policy_id", "was_of").alias("policy_id"),
        F.coalesce("quantity", F.lit(0.0)).alias("quantity"),
        "was",
        "status",
        "reason",
    )


def differs() -> Column:
    """Whether a row's order is another one than what was ordered."""
    return F.abs(F.col("quantity") - F.coalesce("was", F.lit(0.0))) > TOLERANCE
