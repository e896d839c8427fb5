"""Newsvendors: textbook instances, by the functions of theory/newsvendor/textbook.py and by the policy
newsvendor_budget without a budget.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

from invopt.theory.newsvendor.textbook import newsvendor_normal, newsvendor_poisson
from tests.published import Question, Row, answered

KINDS = ("newsvendor_normal", "newsvendor_normal_profit", "newsvendor_poisson", "newsvendor_poisson_profit")
BOOK = "Snyder & Shen (2019), chapter 4; stockpyl"


def rows(data: Path) -> list[Row]:
    """Three rows of each instance: the theory's function, the policy's algorithm, its model."""
    found = []
    for instance, question in zip(_instances(data), questions(data), strict=True):
        found += [_by_theory(instance), *answered([question], options={"mip_rel_gap": 0.0})]
    return found


def questions(data: Path) -> list[Question]:
    """One for each instance."""
    return [_question(instance) for instance in _instances(data)]


def _instances(data: Path) -> list[dict]:
    instances = json.loads((data / "single_and_multi_echelon.json").read_text(encoding="utf-8"))
    return [instance for instance in instances if instance["kind"] in KINDS]


def _costs(instance: dict) -> tuple[float, float, float, str]:
    """What a unit too many costs, what a unit missing costs, the published cost, and how it was published."""
    given = instance["inputs"]
    if "revenue" not in given:
        return given["holding_cost"], given["stockout_cost"], instance["optimum"]["cost"], ""
    over, under = given["purchase_cost"] - given["salvage_value"], given["revenue"] - given["purchase_cost"]
    published = under * given["demand_mean"] - instance["optimum"]["profit"]
    return over, under, published, "published as a profit; the cost is (price - unit cost) E X - profit"


def _by_theory(instance: dict) -> Row:
    over, under, published, note = _costs(instance)
    mean, std = float(instance["inputs"]["demand_mean"]), instance["inputs"].get("demand_sd")
    start = time.perf_counter()
    is_normal = instance["kind"].startswith("newsvendor_normal")
    cost = (newsvendor_normal(over, under, mean, std) if is_normal else newsvendor_poisson(over, under, mean)).cost
    seconds = time.perf_counter() - start
    return Row(
        instance["name"], "theory.newsvendor", "algorithm", BOOK, published, float(cost), seconds=seconds, note=note
    )


def _question(instance: dict) -> Question:
    over, under, published, note = _costs(instance)
    given = instance["inputs"]
    columns = {"unit_cost": over, "lost_sale_cost": under, "lead_time": 0, "demand_mean": given["demand_mean"]}
    if instance["kind"].startswith("newsvendor_normal"):
        columns["demand_std"] = given["demand_sd"]
        note = "; ".join(filter(None, [note, "whole quantities: never below the real optimum"]))
    return Question(instance["name"], "newsvendor_budget", BOOK, columns, {}, published, note=note)
