"""Economic order quantities: textbook instances, by the functions of theory/eoq/textbook.py and, in whole units, by the
policy eoq_budget.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

from invopt.theory.eoq import textbook as theory
from tests.published import Question, Row, answered

KINDS = ("eoq", "epq", "eoq_backorders", "eoq_all_units_discount", "eoq_incremental_discount", "joint_replenishment")
BOOK = "Snyder & Shen (2019), chapter 3; stockpyl"
WHOLE = "whole quantities: never below the real optimum"


DISCOUNTS = {"eoq": "none", "eoq_all_units_discount": "all_units", "eoq_incremental_discount": "incremental"}


def rows(data: Path) -> list[Row]:
    """A row of each instance by the theory's function for real quantities, and of those the policy can state by
    algorithm and model.
    """
    asked = {question.instance: question for question in questions(data)}
    found = []
    for instance in _instances(data):
        found.append(_by_theory(instance))
        if instance["name"] in asked:
            found += answered([asked[instance["name"]]], options={"mip_rel_gap": 0.0})
    return found


def questions(data: Path) -> list[Question]:
    """One for each instance that the policy can state."""
    return [_question(instance) for instance in _instances(data) if instance["kind"] in DISCOUNTS]


def _instances(data: Path) -> list[dict]:
    instances = json.loads((data / "single_and_multi_echelon.json").read_text(encoding="utf-8"))
    return [instance for instance in instances if instance["kind"] in KINDS]


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


def _question(instance: dict) -> Question:
    given = instance["inputs"]
    prices = given.get("unit_costs", [1.0])
    columns = {
        "fixed_order_cost": given["fixed_cost"],
        "holding_cost": given.get("holding_cost", given.get("holding_cost_rate", 0.0) * prices[0]),
        "unit_cost": prices[0],
        "lead_time": 0,
        "demand_mean": given["demand_rate"],
    }
    if len(prices) > 1:
        columns |= {"price_break_quantity": given["breakpoints"][1:], "price_break_cost": prices[1:]}
    params = {"discount": DISCOUNTS[instance["kind"]], "holding": "with_price"}
    return Question(instance["name"], "eoq_budget", BOOK, columns, params, instance["optimum"]["cost"], note=WHOLE)
