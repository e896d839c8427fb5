"""(s, Q) of textbook instances, solved by the exact algorithm and by the model of the policy s_q."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pandas as pd

from invopt.policies.s_q import POLICY, SQParams
from invopt.solving import highs
from tests.items.s_q import frame, poisson_item
from tests.published import Row

KINDS = {
    "rQ_poisson_exact": "Snyder & Shen (2019); optimum by Federgruen & Zheng (1992), as in stockpyl",
    "rQ_normal_continuous": "Snyder & Shen (2019); optimum computed with stockpyl for r and Q that need not be whole",
}
PARAMS = SQParams(cost="time_weighted")


def item_of(inputs: dict) -> pd.DataFrame:
    """The instance as an item; its unit of time, a day or a year, is our day."""
    item = poisson_item(fixed_order_cost=inputs["fixed_cost"], holding_cost=inputs["holding_cost"], backorder_cost=inputs["stockout_cost"],
                        lead_time=inputs["lead_time"], demand_mean=np.array([float(inputs["demand_mean"])]))
    if "demand_sd" in inputs:
        item.update(demand_distribution="normal", demand_variance=np.array([float(inputs["demand_sd"]) ** 2]))
    return frame(item)


def rows(data: Path) -> list[Row]:
    """One row for each instance and method."""
    found = []
    for instance in json.loads((data / "single_and_multi_echelon.json").read_text()):
        if instance["kind"] not in KINDS:
            continue
        items = item_of(instance["inputs"])
        note = "ours in whole units" if instance["kind"] == "rQ_normal_continuous" else ""

        def row(method: str, ours: float, seconds: float, instance: dict = instance, note: str = note) -> Row:
            return Row(instance["name"], POLICY.name, method, KINDS[instance["kind"]], instance["optimum"]["cost"], ours, seconds=seconds,
                       note=note)

        start = time.perf_counter()
        cost = POLICY.solve_exact(items, np.array([0, 1]), PARAMS).cost[0]
        found.append(row("exact", float(cost), time.perf_counter() - start))
        start = time.perf_counter()
        solved = highs.solve(POLICY.build_model(items, PARAMS), 60.0, {})
        found.append(row("model", solved.objective, time.perf_counter() - start))
    return found
