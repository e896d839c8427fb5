"""Newsvendors: textbook instances, by the functions of theory/newsvendor/textbook.py and by the policy
newsvendor_budget without a budget.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pandas as pd

from invopt.policies.inputs.items import Items
from invopt.policies.newsvendor_budget import POLICY, NewsvendorBudgetParams
from invopt.solving import highs
from invopt.theory.newsvendor.textbook import newsvendor_normal, newsvendor_poisson
from tests.published import Row

KINDS = ("newsvendor_normal", "newsvendor_normal_profit", "newsvendor_poisson", "newsvendor_poisson_profit")
BOOK = "Snyder & Shen (2019), chapter 4; stockpyl"


def rows(data: Path) -> list[Row]:
    """Three rows of each instance: the theory's function, the policy's algorithm, its model."""
    instances = json.loads((data / "single_and_multi_echelon.json").read_text(encoding="utf-8"))
    return [row for instance in instances if instance["kind"] in KINDS for row in _rows(instance)]


def _rows(instance: dict) -> list[Row]:
    given, kind = instance["inputs"], instance["kind"]
    mean, std = float(given["demand_mean"]), given.get("demand_sd")
    if "revenue" in given:
        over, under = given["purchase_cost"] - given["salvage_value"], given["revenue"] - given["purchase_cost"]
        published = under * mean - instance["optimum"]["profit"]
        note = "published as a profit; the cost is (price - unit cost) E X - profit"
    else:
        over, under, published, note = given["holding_cost"], given["stockout_cost"], instance["optimum"]["cost"], ""
    start = time.perf_counter()
    is_normal = kind.startswith("newsvendor_normal")
    cost = (newsvendor_normal(over, under, mean, std) if is_normal else newsvendor_poisson(over, under, mean)).cost
    seconds = time.perf_counter() - start
    theory = Row(
        instance["name"], "theory.newsvendor", "algorithm", BOOK, published, float(cost), seconds=seconds, note=note
    )
    item = {
        "unit_cost": over,
        "disposal_cost": 0.0,
        "lost_sale_cost": under,
        "list_price": np.nan,
        "purchase_budget": np.nan,
        "service_level": np.nan,
        "lead_time": 0.0,
        "lead_time_confidence": 0.0,
        "demand_distribution": "normal" if is_normal else "poisson",
        "demand_mean": np.array([mean]),
        "demand_variance": np.array([(std or 0.0) ** 2]),
        "demand_pmf": None,
    }
    items = pd.DataFrame(
        {
            name: pd.Series([value], dtype=float if isinstance(value, (int, float)) else object)
            for name, value in item.items()
        }
    )
    params = NewsvendorBudgetParams()
    start = time.perf_counter()
    by_algorithm = float(POLICY.algorithm(Items(items, POLICY.needs), params).cost[0])
    middle = time.perf_counter()
    solved = highs.solve(POLICY.build_model(Items(items, POLICY.needs), params), 60.0, {"mip_rel_gap": 0.0})
    end = time.perf_counter()
    note = "; ".join(filter(None, [note, "whole quantities: never below the real optimum" if is_normal else ""]))
    return [
        theory,
        Row(
            instance["name"], POLICY.name, "algorithm", BOOK, published, by_algorithm, seconds=middle - start, note=note
        ),
        Row(instance["name"], POLICY.name, "model", BOOK, published, solved.objective, seconds=end - middle, note=note),
    ]
