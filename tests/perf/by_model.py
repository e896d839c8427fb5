"""Partitions by their Pyomo models of 288 levels, on Spark and in a plain loop."""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyomo.environ as pyo

from invopt import policies, solving
from invopt.pipelines.placement import tasks_of
from invopt.pipelines.solve import solve
from invopt.policies.base import Policy
from invopt.policies.inputs.items import Items
from invopt.solving import highs
from invopt.solving.by_model import solve_by_model
from invopt.tables import SOLUTIONS, STEPS
from tests.perf import items
from tests.perf.alone import RunIn
from tests.perf.arrow_items import arrow_items
from tests.perf.figure import Figure
from tests.perf.meter import Meter
from tests.perf.runs import new_run
from tests.perf.sizes import Sizes

MILLISECONDS, TIMES, LEVELS = 8.0, 1.2, 288


def measure(folder: Path, sizes: Sizes, run_in: RunIn) -> list[Figure]:
    """The step `solve` with method model, less what one with a tenth of the partitions takes; and the loop over the
    same rows.
    """
    on_spark, whole, loop, difference = run_in(both, folder, sizes.models)
    how = "the step `solve`, warm: all less a tenth of the partitions, over the difference"
    return [
        Figure(f"model of {LEVELS} levels, a further partition: CPU", on_spark * 1e3, "ms", MILLISECONDS, how=how),
        Figure(f"{sizes.models:,} by model, wall of the step", whole, "s"),
        Figure(
            "the same in a plain loop: CPU",
            loop * 1e3,
            "ms",
            how="build_model and HiGHS in as many plain processes as Spark has tasks, so that each has the same "
            "share of the machine",
        ),
        Figure("on Spark over plain loop", on_spark / loop, "times", TIMES),
        Figure("largest difference of the objectives, relative", difference, "", 1e-9),
    ]


def both(folder: Path, n: int) -> tuple[float, float, float, float]:
    """CPU seconds of a further partition on Spark, wall seconds of the step, CPU seconds each in a loop, difference
    of the objectives.
    """
    of_levels = items_of_levels(n)
    few, every = new_run(folder / "few", method="model"), new_run(folder / "every", method="model")
    items.write_inputs(few, folder / "few", [of_levels.slice(0, max(1, n // 10))])
    items.write_inputs(every, folder / "every", [of_levels])
    meters = []
    for run in (few, few, every):  # the first warms the session
        with Meter() as meter:
            solve(run)
        meters.append(meter)
        if run is few:
            # else it would say that all is solved already
            run.store.replace(STEPS, [], {"step": "solve"}, check_keys=False)
            run.ledger.refresh()
    solved = (
        every.store.read(SOLUTIONS).select("product_id", "objective").toPandas().set_index("product_id")["objective"]
    )
    n_processes = tasks_of(every)
    rows = of_levels.to_pandas()
    with ProcessPoolExecutor(n_processes, mp_context=get_context("spawn")) as pool:
        loops = list(pool.map(in_a_loop, [rows.iloc[number::n_processes] for number in range(n_processes)]))
    objectives = pd.concat([objective for _, objective in loops])
    difference = ((objectives - solved.loc[objectives.index]) / objectives).abs().max()
    further = (meters[2].cpu - meters[1].cpu) / (n - max(1, n // 10))
    return further, meters[2].wall, sum(cpu for cpu, _ in loops) / n, float(difference)


def in_a_loop(rows: pd.DataFrame) -> tuple[float, pd.Series]:
    """CPU seconds and objectives of the same models, built and solved one after the other in this process."""
    policy, solver = policies.load("s_q"), solving.HIGHS
    params = policy.params()
    highs.import_all()
    started = time.process_time()
    outcomes = [
        solve_by_model(rows.iloc[[row]].reset_index(drop=True), policy, params, solver) for row in range(len(rows))
    ]
    cpu = time.process_time() - started
    return cpu, pd.Series([outcome.objective for outcome in outcomes], index=rows["product_id"])


def items_of_levels(n: int) -> pa.Table:
    """n items whose model has exactly 288 levels: for some the fixed order cost is searched, the others are these in
    other money.
    """
    table = arrow_items(100, seed=0)
    candidates = table.to_pandas()
    found = [
        row for row in (_of_levels(candidates.iloc[[number]]) for number in range(min(2 * n, 40))) if row is not None
    ]
    some = pd.concat(found, ignore_index=True)
    every = some.iloc[np.arange(n) % len(some)].reset_index(drop=True)
    money = 1 + 0.01 * (np.arange(n) // len(some))
    for name in ("fixed_order_cost", "holding_cost", "backorder_cost"):
        every[name] *= money
    every["product_id"] = [f"P{number:06d}" for number in range(n)]
    return pa.Table.from_pandas(every, table.schema, preserve_index=False)


def _model(policy: Policy, item: pd.DataFrame) -> pyo.ConcreteModel:
    return policy.build_model(Items(item, policy.needs), policy.params())


def _of_levels(item: pd.DataFrame) -> pd.DataFrame | None:
    """The item with the fixed order cost that gives its model 288 levels: the dearer an order, the more; None where
    none does.
    """
    policy = policies.load("s_q")

    def n_levels(fixed_order_cost: float) -> int:
        return len(_model(policy, item.assign(fixed_order_cost=fixed_order_cost)).LEVELS)

    low = high = 0.01
    while n_levels(high) < LEVELS:
        low, high = high, 2 * high
    for _ in range(40):
        middle = (low + high) / 2
        levels = n_levels(middle)
        if levels == LEVELS:
            return item.assign(fixed_order_cost=middle)
        low, high = (middle, high) if levels < LEVELS else (low, middle)
    return None
