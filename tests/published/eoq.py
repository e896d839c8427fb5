"""Economic order quantities: textbook instances, by the functions of theory/eoq/textbook.py and, in whole units, by the
policy eoq_budget.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pandas as pd

from invopt.policies.eoq_budget import POLICY, EOQBudgetParams
from invopt.policies.inputs.items import Items
from invopt.solving import highs
from invopt.theory.eoq import textbook as theory
from tests.published import Row

KINDS = ("eoq", "epq", "eoq_backorders", "eoq_all_units_discount", "eoq_incremental_discount", "joint_replenishment")
BOOK = "Snyder & Shen (2019), chapter 3; stockpyl"
WHOLE = "whole quantities: never below the real optimum"


def rows(data: Path) -> list[Row]:
    """A row of each instance by the theory's function for real quantities, and of those the policy can state by
    algorithm and model.
    """
    instances = json.loads((data / "single_and_multi_echelon.json").read_text(encoding="utf-8"))
    found = []
    for instance in instances:
        if instance["kind"] in KINDS:
            found.append(_by_theory(instance))
            if instance["kind"] in ("eoq", "eoq_all_units_discount", "eoq_incremental_discount"):
                found += _by_policy(instance)
    return found


def _by_theory(instance: dict) -> Row:
    given, kind, start = instance["inputs"], instance["kind"], time.perf_counter()
    K, rate, h = given.get("fixed_cost"), given.get("demand_rate"), given.get("holding_cost")
    note = ""
    if kind == "eoq":
        cost = theory.eoq(K, h, rate).cost
    elif kind == "epq":
        cost = theory.epq(K, h, rate, given["production_rate"]).cost
    elif kind == "eoq_backorders":
        cost = theory.eoq_with_backorders(K, h, given["stockout_cost"], rate)[0].cost
    elif kind == "joint_replenishment":
        cost = theory.joint_replenishment(
            given["shared_fixed_cost"], given["individual_fixed_costs"], given["holding_costs"], given["demand_rates"]
        ).cost
        note = "published is a heuristic's value; ours is the optimum over whole multiples"
    else:
        solve = theory.all_units_discount if kind == "eoq_all_units_discount" else theory.incremental_discount
        cost = solve(K, rate, given["holding_cost_rate"], given["breakpoints"], given["unit_costs"]).cost
    seconds = time.perf_counter() - start
    return Row(
        instance["name"],
        "theory.eoq",
        "algorithm",
        BOOK,
        instance["optimum"]["cost"],
        float(cost),
        seconds=seconds,
        note=note,
    )


def _by_policy(instance: dict) -> list[Row]:
    given, kind = instance["inputs"], instance["kind"]
    prices = given.get("unit_costs", [1.0])
    item = {
        "storage_id": "1",
        "storage_cost_budget": np.nan,
        "fixed_order_cost": float(given["fixed_cost"]),
        "holding_cost": given.get("holding_cost", given.get("holding_cost_rate", 0.0) * prices[0]),
        "unit_cost": float(prices[0]),
        "price_break_quantity": np.array(given.get("breakpoints", [0])[1:], float),
        "price_break_cost": np.array(prices[1:], float),
        "lead_time": 0.0,
        "demand_mean": np.array([float(given["demand_rate"])]),
    }
    items = pd.DataFrame(
        {
            name: pd.Series([value], dtype=object if isinstance(value, (np.ndarray, str)) else float)
            for name, value in item.items()
        }
    )
    discount = {"eoq": "none", "eoq_all_units_discount": "all_units", "eoq_incremental_discount": "incremental"}[kind]
    params = EOQBudgetParams(discount=discount, holding="with_price")
    published = instance["optimum"]["cost"]
    start = time.perf_counter()
    by_algorithm = float(POLICY.algorithm(Items(items, POLICY.needs), params).cost[0])
    middle = time.perf_counter()
    solved = highs.solve(POLICY.build_model(Items(items, POLICY.needs), params), 60.0, {"mip_rel_gap": 0.0})
    end = time.perf_counter()
    return [
        Row(
            instance["name"],
            POLICY.name,
            "algorithm",
            BOOK,
            published,
            by_algorithm,
            seconds=middle - start,
            note=WHOLE,
        ),
        Row(
            instance["name"], POLICY.name, "model", BOOK, published, solved.objective, seconds=end - middle, note=WHOLE
        ),
    ]
