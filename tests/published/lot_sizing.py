"""Published instances of lot sizing without capacities: Wagner and Whitin's own, and those of a textbook."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.published import Question, Row, answered

SINGLE = "single_and_multi_echelon.json"
EXAMPLES = "published_examples.json"


def questions(data: Path) -> list[Question]:
    """One for each instance; costs are of the whole plan, as published."""
    found = []
    for instance in json.loads((data / SINGLE).read_text()):
        if instance["kind"] == "wagner_whitin":
            given = instance["inputs"]
            costs = {
                "fixed_order_cost": given["fixed_cost"],
                "holding_cost": given["holding_cost"],
                "unit_cost": given.get("purchase_cost", 0.0),
            }
            source = "stockpyl; " + instance["description"]
            found.append(_question(instance["name"], source, given["demand"], costs, instance["optimum"]["cost"]))
    given = json.loads((data / EXAMPLES).read_text())["wagner_whitin"]
    costs = {
        "fixed_order_cost": given["setup_cost"],
        "holding_cost": given["holding_cost_per_unit_per_period"],
        "unit_cost": 0.0,
    }
    return [*found, _question(given["name"], given["source"], given["demand"], costs, given["optimum_published"])]


def rows(data: Path) -> list[Row]:
    """Each instance by the algorithm and by the model."""
    return answered(questions(data))


def _question(name: str, source: str, demand: list[float], costs: dict[str, Any], published: float) -> Question:
    columns = {**costs, "inventory_position": 0, "lead_time": 0, "demand_mean": demand}
    return Question(name, "dynamic_lot_sizing", source, columns, {}, published, len(demand))
