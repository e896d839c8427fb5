"""The cost of a call of `applyInPandas` for each partition, beside a call for a bucket of them."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from invopt import policies
from invopt.pipelines.buckets import solve_groups, solved
from invopt.pipelines.context import Context
from invopt.pipelines.placement import tasks_of
from invopt.solving import SolveRequest
from invopt.tables import SOLUTIONS, policy_inputs
from tests.perf import items
from tests.perf.alone import RunIn
from tests.perf.figure import Figure
from tests.perf.meter import Meter
from tests.perf.runs import new_run
from tests.perf.sizes import Sizes

TIMES = 10.0
# as many partitions in buckets take as long as a tenth of them with a call each
MORE_IN_BUCKETS = 10


def measure(folder: Path, sizes: Sizes, run_in: RunIn) -> list[Figure]:
    """Further partitions only: what a small and a large number take, in a session that is warm, from Delta to Delta."""
    each, bucketed = run_in(both, folder, sizes.groups)
    how = "from Delta to Delta in one warm session: all less a tenth of the partitions, over the difference"
    return [
        Figure("exact, a call per partition, a further one: CPU", each * 1e6, "us", how=how),
        Figure("exact, a call per bucket, a further one: CPU", bucketed * 1e6, "us", how=how),
        Figure("a call per partition over a call per bucket", each / bucketed, "times", TIMES, is_floor=True),
    ]


def both(folder: Path, n: int) -> tuple[float, float]:
    """CPU seconds of a further partition with a call each, and in buckets."""
    most = n * MORE_IN_BUCKETS
    items.make(folder, most, 1)
    run = new_run(folder)
    row = run.config.active_policies()[0]
    policy = policies.load(row.policy)
    # few columns decide which rows are taken: a share of the buckets would leave cores idle
    rows = run.store.read(policy_inputs(policy.name, policy.needs)).withColumn(
        "place", F.pmod(F.xxhash64("partition_key", F.lit("share")), F.lit(1000))
    )
    request = SolveRequest.of_row(run.config, row)

    def first(share: float) -> DataFrame:
        return rows.where(F.col("place") < round(1000 * share)).drop("place")

    def in_buckets(share: float) -> DataFrame:
        n_buckets = rows.agg(F.max("bucket")).first()[0] + 1
        return solved(first(share), request, 0, n_tasks=tasks_of(run), n_buckets=n_buckets, audit_every=0)

    def each(share: float) -> DataFrame:
        # the grouping that one would write first: by the item's keys
        placement = first(share).drop("run_id", "policy_id", "wave").withColumn("is_audited", F.lit(False))
        return solve_groups(placement.groupBy("location_id", "product_id", "source_id"), request, 0)

    for make, share in ((in_buckets, 1.0), (each, 0.1 / MORE_IN_BUCKETS)):
        _cpu(run, make(share))
    further = []
    for make, share in ((each, 1.0 / MORE_IN_BUCKETS), (in_buckets, 1.0)):
        few, all_of_them = _cpu(run, make(share / 10)), _cpu(run, make(share))
        further.append((all_of_them - few) / (most * share * 0.9))
    return further[0], further[1]


def _cpu(run: Context, solutions: DataFrame) -> float:
    rows = solutions.withColumns({"run_id": F.lit(run.run_id), "policy_id": F.lit("s_q"), "wave": F.lit(0)})
    with Meter() as meter:
        run.store.replace(SOLUTIONS, rows, {"run_id": run.run_id, "policy_id": "s_q", "wave": 0}, check_keys=False)
    return meter.cpu
