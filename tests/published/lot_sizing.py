"""Published instances of lot sizing without capacities: Wagner and Whitin's own, and those of a textbook."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pandas as pd

from invopt.policies.dynamic_lot_sizing import POLICY, DynamicLotSizingParams
from invopt.policies.inputs.items import Items
from invopt.solving import highs
from tests.items.dynamic_lot_sizing import cells
from tests.published import Row

SINGLE = "single_and_multi_echelon.json"
EXAMPLES = "published_examples.json"


def rows(data: Path) -> list[Row]:
    """Each instance by the algorithm and by the model; costs are of the whole plan, as published."""
    found = []
    for instance in json.loads((data / SINGLE).read_text()):
        if instance["kind"] == "wagner_whitin":
            given = instance["inputs"]
            found += _rows(
                instance["name"],
                "stockpyl; " + instance["description"],
                given["demand"],
                given["fixed_cost"],
                given["holding_cost"],
                given.get("purchase_cost", 0.0),
                instance["optimum"]["cost"],
            )
    given = json.loads((data / EXAMPLES).read_text())["wagner_whitin"]
    return found + _rows(
        given["name"],
        given["source"],
        given["demand"],
        given["setup_cost"],
        given["holding_cost_per_unit_per_period"],
        0.0,
        given["optimum_published"],
    )


def _rows(
    name: str, source: str, demand: list, fixed: object, holding: object, unit: object, published: float
) -> list[Row]:
    item = pd.DataFrame(
        {
            "fixed_order_cost": cells([np.atleast_1d(np.array(fixed, float))]),
            "unit_cost": cells([np.atleast_1d(np.array(unit, float))]),
            "holding_cost": cells([np.atleast_1d(np.array(holding, float))]),
            "inventory_position": [0.0],
            "lead_time": [0.0],
            "demand_mean": cells([np.array(demand, float)]),
        }
    )
    params, n_periods = DynamicLotSizingParams(), len(demand)
    POLICY.algorithm(Items(item, POLICY.needs), params)  # compiled, or read from the disk, outside the time
    start = time.perf_counter()
    cost = POLICY.algorithm(Items(item, POLICY.needs), params).cost[0] * n_periods
    between = time.perf_counter()
    result = highs.solve(POLICY.build_model(Items(item, POLICY.needs), params), 60.0, {})
    end = time.perf_counter()
    return [
        Row(name, POLICY.name, "algorithm", source, published, cost, None, between - start),
        Row(name, POLICY.name, "model", source, published, result.objective * n_periods, None, end - between),
    ]
