"""The cost of solving beside the solver, without Spark: microseconds per item by the algorithm, milliseconds per model.

The model is a window LP over 288 inventory levels: u_y = 1/Q on the window s < y <= s+Q, st_y marks its start.
"""

from __future__ import annotations

import gc
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyomo.environ as pyo

from invopt.policies import load
from invopt.policies.inputs.items import Items
from invopt.solving import HIGHS, SolveRequest, solve_bucket, solve_partition
from tests.perf.alone import RunIn
from tests.perf.figure import Figure
from tests.perf.sizes import Sizes

POLICY = '''
"""Window LP of (s, Q): min sum A st_y + sum G_y u_y, sum u = 1, u_y - u_{y-1} <= st_y.

The algorithm scans all windows.
"""

import numpy as np
import pyomo.environ as pyo

from invopt.tables.columns import Column
from invopt.policies.base import About, Answer, Decision, Params, Policy


def build_model(items, params):
    holding = items.objects("level_cost")[0].tolist()
    start = float(items.numbers("start_cost")[0])
    m = pyo.ConcreteModel()
    m.ITEMS = pyo.RangeSet(0, 0)
    m.LEVELS = pyo.RangeSet(0, len(holding) - 1)
    m.u = pyo.Var(m.LEVELS, bounds=(0, None))
    m.st = pyo.Var(m.LEVELS, bounds=(0, None))
    u, st = m.u, m.st
    m.weights_add_up = pyo.Constraint(expr=pyo.quicksum(u.values()) == 1)
    m.window_starts = pyo.Constraint(m.LEVELS, rule=lambda m, y: u[y] - (u[y - 1] if y else 0) <= st[y])
    cost = pyo.quicksum(start * st[y] + holding[y] * u[y] for y in m.LEVELS)
    m.total_cost = pyo.Objective(expr=cost)
    m.item_cost = pyo.Expression(m.ITEMS, rule=lambda m, i: cost)
    m.reorder_point = pyo.Expression(m.ITEMS, rule=lambda m, i: pyo.quicksum(y * st[y] for y in m.LEVELS))
    m.order_quantity = pyo.Expression(m.ITEMS, rule=lambda m, i: pyo.quicksum(u.values()))
    return m


def algorithm(items, params):
    start = items.numbers("start_cost")
    return Answer({"reorder_point": start, "order_quantity": 2 * start}, start / 3)


POLICY = Policy(
    name="window", about=About("", "LP", "", "scan"), partition_by=(), select="",
    decides=(Decision("reorder_point", "", ""), Decision("order_quantity", "", "")),
    needs=(Column("start_cost", "double", "", "", False), Column("level_cost", "array<double>", "", "", False)),
    params=Params, build_model=build_model, cost=lambda items, decisions, params: decisions["reorder_point"] / 3,
    order=lambda decisions, stock: stock.inventory_position, examples=(), algorithm=algorithm)
'''


def items(n: int, n_levels: int) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    levels = np.arange(n_levels)
    names = [f"P{i:07d}" for i in rng.permutation(n)]
    return pd.DataFrame(
        {
            "location_id": "S1",
            "product_id": names,
            "source_id": "SUP",
            "partition_key": [f"S1/{name}" for name in names],
            "is_audited": False,
            "start_cost": rng.uniform(1, 9, n),
            "level_cost": [
                0.02 * np.abs(levels - rng.integers(20, max(21, n_levels - 60))) * rng.uniform(0.5, 2) for _ in range(n)
            ],
        }
    )


def best(call, times: int = 4) -> float:
    """Least CPU seconds, of this process and its children: a busy machine changes them less than the wall clock."""
    seconds = []
    for _ in range(times):
        start = sum(os.times()[:4])
        call()
        seconds.append(sum(os.times()[:4]) - start)
    return min(seconds)


def measure(folder: Path, sizes: Sizes, run_in: RunIn) -> list[Figure]:
    """In a process of its own, because the last figure turns garbage collection off."""
    return run_in(_measure, folder, min(15_000, sizes.items[0]), min(200, sizes.models))


def _measure(folder: Path, n_items: int, n_models: int) -> list[Figure]:
    (folder / "window.py").write_text(POLICY)
    request = SolveRequest.of_policy("window", str(folder), solver=HIGHS.model_copy(update={"time_limit": 5.0}))
    by_algorithm = SolveRequest.of_policy("window", str(folder), method="algorithm")
    figures: list[Figure] = []

    def add(what: str, seconds: float, n: int, unit: str) -> None:
        how = "the engine alone, on a bucket in memory: the least CPU of four times"
        figures.append(Figure(f"engine: {what}", seconds / n * {"us": 1e6, "ms": 1e3}[unit], unit, how=how))

    many = items(n_items, 28)
    add("exact, an item of 28 levels", best(lambda: solve_bucket(many, by_algorithm)), n_items, "us")
    # twins share a partition, so all keys are sorted
    twins = many.assign(partition_key=[f"S1/{i // 2:07d}" for i in range(len(many))])
    add("exact, an item, partitions of 2 items", best(lambda: solve_bucket(twins, by_algorithm)), n_items, "us")
    for n_levels in (2, 288):
        some = items(n_models, n_levels)
        add(
            f"model of {n_levels} levels in a child",
            best(lambda some=some: solve_bucket(some, request)),
            n_models,
            "ms",
        )
        add(
            f"model of {n_levels} levels in process",
            best(lambda some=some: solve_partition(some, request)),
            n_models,
            "ms",
        )
    policy, appsi = load("window", str(folder)), pyo.SolverFactory("appsi_highs")
    one = some.head(40).sort_values("partition_key", ignore_index=True)
    rows = [Items(one.iloc[[row]].reset_index(drop=True), policy.needs, [0, 1]) for row in range(len(one))]

    def by_appsi() -> list[float]:
        found = []
        for row in rows:
            model = policy.build_model(row, None)
            appsi.solve(model)
            found.append(pyo.value(model.total_cost))
        return found

    def build() -> None:
        for row in rows:
            policy.build_model(row, None)

    add("model of 288 levels through appsi_highs", best(by_appsi), len(one), "ms")
    ours = solve_bucket(one, request)["objective"].to_numpy()
    difference = np.max(np.abs(ours - by_appsi()) / np.abs(ours))
    figures.append(Figure("engine: largest difference to appsi_highs, relative", float(difference), "", 1e-6))
    add("building a model of 288 levels", best(build), len(one), "ms")
    gc.disable()
    add("building it without garbage collection", best(build), len(one), "ms")
    return figures
