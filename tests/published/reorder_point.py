"""(r, Q), (s, S) and periodic-review instances of the textbook, by the policies s_q, s_s and r_s."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np

from invopt.policies import load
from invopt.solving import highs
from tests.items import frame, items_of, model
from tests.published import Row

SOURCE = "Snyder & Shen (2019), "
# kind of instance -> policy, its params, and what is to be said about the comparison
KINDS = {
    "rQ_poisson_exact": ("s_q", {"cost": "time_weighted"}, ""),
    "rQ_normal_continuous": (
        "s_q",
        {"cost": "time_weighted"},
        "published: s and Q need not be whole; ours are whole units",
    ),
    "sS_normal_power_approximation": ("s_s", {}, ""),
    "base_stock_normal_leadtime": (
        "r_s",
        {"longest_review_period": 1},
        "published: S need not be whole; ours is a whole unit",
    ),
    "newsvendor_poisson": ("r_s", {"longest_review_period": 1}, ""),
}


def _item(inputs: dict) -> dict:
    is_normal = "demand_sd" in inputs
    return {
        "fixed_order_cost": float(inputs.get("fixed_cost", 0.0)),
        "holding_cost": float(inputs["holding_cost"]),
        "backorder_cost": float(inputs["stockout_cost"]),
        "lead_time": float(inputs.get("lead_time", 0.0)),
        "lead_time_confidence": 0.0,
        "shipping_interval": None,
        "service_level": None,
        "demand_distribution": "normal" if is_normal else "poisson",
        "demand_mean": np.array([float(inputs["demand_mean"])]),
        "demand_variance": np.array([float(inputs["demand_sd"]) ** 2]) if is_normal else None,
        "demand_pmf": None,
    }


def rows(data: Path) -> list[Row]:
    """One row per instance and method; ours is the cost per period."""
    found = []
    for instance in json.loads((data / "single_and_multi_echelon.json").read_text()):
        if instance["kind"] not in KINDS:
            continue
        name, params, note = KINDS[instance["kind"]]
        policy = load(name)
        item = _item(instance["inputs"])
        items = frame(policy, item)
        published = instance["optimum"].get("cost")
        if published is None:
            # an approximation, rounded to whole units
            levels = {"REORDER_POINT": "s", "ORDER_UP_TO_LEVEL": "S"}
            levels = {decided: np.array([round(instance["optimum"][theirs])]) for decided, theirs in levels.items()}
            theirs = policy.cost(items_of(policy, items), levels, policy.params(**params))[0]
            note = f"published: s and S of the power approximation, which cost {theirs:.6f}"
        checked = policy.params(**params)
        policy.algorithm(items_of(policy, items), checked)  # compiles, if nobody has
        start = time.perf_counter()
        best = float(policy.algorithm(items_of(policy, items), checked).cost[0])
        middle = time.perf_counter()
        built = model(policy, items, **params)
        optimum = float(highs.solve(built, 60.0, policy.solver_options.get("highs", {})).objective)
        end = time.perf_counter()
        for method, cost, seconds in (("algorithm", best, middle - start), ("model", optimum, end - middle)):
            found.append(
                Row(
                    instance["name"],
                    name,
                    method,
                    SOURCE + instance["description"],
                    published,
                    cost,
                    seconds=seconds,
                    note=note,
                )
            )
    return found
