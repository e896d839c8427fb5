"""(r, Q), (s, S) and periodic-review instances of the textbook, by the policies s_q, s_s and r_s."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from invopt.theory.demand.daily import normal_day_pmf
from invopt.theory.demand.distributions import pmf_loss
from invopt.theory.s_s.cost import order_up_to_cost
from tests.published import Question, Row, answered

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


def _cost_of_their_levels(inputs: dict, s: float, S: float) -> float:
    """Cost per day of an approximate (s, S), rounded to whole units, under demand as s_s has it; the lead time is 0."""
    day = normal_day_pmf(inputs["demand_mean"], inputs["demand_sd"] ** 2)
    s, S = round(s), round(S)
    y = np.arange(s + 1, S + 1)
    short = pmf_loss(y, day)
    costs = inputs["holding_cost"] * (y - inputs["demand_mean"] + short) + inputs["stockout_cost"] * short
    return order_up_to_cost(s, S, day, costs, inputs["fixed_cost"])


def questions(data: Path) -> list[Question]:
    """One for each instance; the cost is per period."""
    instances = json.loads((data / "single_and_multi_echelon.json").read_text())
    return [_question(instance) for instance in instances if instance["kind"] in KINDS]


def rows(data: Path) -> list[Row]:
    """Each instance by the algorithm and by the model."""
    return answered(questions(data))


def _question(instance: dict) -> Question:
    policy, params, note = KINDS[instance["kind"]]
    inputs, published = instance["inputs"], instance["optimum"].get("cost")
    columns = {
        "fixed_order_cost": inputs.get("fixed_cost", 0.0),
        "holding_cost": inputs["holding_cost"],
        "backorder_cost": inputs["stockout_cost"],
        "lead_time": inputs.get("lead_time", 0.0),
        "demand_mean": inputs["demand_mean"],
    }
    if "demand_sd" in inputs:
        columns["demand_std"] = inputs["demand_sd"]
    if published is None:
        theirs = _cost_of_their_levels(inputs, instance["optimum"]["s"], instance["optimum"]["S"])
        note = f"published: s and S of the power approximation, which cost {theirs:.6f}"
    return Question(instance["name"], policy, SOURCE + instance["description"], columns, params, published, note=note)
