"""(r, Q), (s, S) and periodic-review instances of the textbook, by the policies s_q, s_s and r_s."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pandas as pd

from invopt.policies import load
from invopt.policies.inputs.items import Items
from invopt.solving import highs
from invopt.theory.demand.daily import normal_day_pmf
from invopt.theory.demand.distributions import pmf_loss
from invopt.theory.s_s.cost import order_up_to_cost
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


def _cost_of_their_levels(inputs: dict, s: float, S: float) -> float:
    """Cost per day of an approximate (s, S), rounded to whole units, under demand as s_s has it; the lead time is 0."""
    day = normal_day_pmf(inputs["demand_mean"], inputs["demand_sd"] ** 2)
    s, S = round(s), round(S)
    y = np.arange(s + 1, S + 1)
    short = pmf_loss(y, day)
    costs = inputs["holding_cost"] * (y - inputs["demand_mean"] + short) + inputs["stockout_cost"] * short
    return order_up_to_cost(s, S, day, costs, inputs["fixed_cost"])


def rows(data: Path) -> list[Row]:
    """One row per instance and method; ours is the cost per period."""
    found = []
    for instance in json.loads((data / "single_and_multi_echelon.json").read_text()):
        if instance["kind"] not in KINDS:
            continue
        name, params, note = KINDS[instance["kind"]]
        policy = load(name)
        item = _item(instance["inputs"])
        items = pd.DataFrame(
            {
                column.name: pd.Series([item[column.name]], dtype=float if column.type == "double" else object)
                for column in policy.needs
            }
        )
        published = instance["optimum"].get("cost")
        if published is None:
            theirs = _cost_of_their_levels(instance["inputs"], instance["optimum"]["s"], instance["optimum"]["S"])
            note = f"published: s and S of the power approximation, which cost {theirs:.6f}"
        checked = policy.params(**params)
        policy.algorithm(Items(items, policy.needs), checked)  # compiles, if nobody has
        start = time.perf_counter()
        by_algorithm = float(policy.algorithm(Items(items, policy.needs), checked).cost[0])
        middle = time.perf_counter()
        model = float(highs.solve(policy.build_model(Items(items, policy.needs), checked), 60.0, {}).objective)
        end = time.perf_counter()
        for method, cost, seconds in (("algorithm", by_algorithm, middle - start), ("model", model, end - middle)):
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
