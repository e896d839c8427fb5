"""Capacitated lot sizing: 21 instances of Trigeiro, Thomas & McClain by model and algorithm, and the MIPLIB model
set1ch.
"""

from __future__ import annotations

import gzip
import json
import tempfile
import time
from pathlib import Path

import highspy
import numpy as np
import pandas as pd

from invopt.policies.capacitated_lot_sizing import POLICY, CapacitatedLotSizingParams
from invopt.policies.inputs.items import Items
from invopt.solving import highs
from tests.items.dynamic_lot_sizing import cells
from tests.published import Row

TRIGEIRO = "trigeiro_capacitated_lot_sizing.json"
SET1CH = "set1ch.mps.gz"
SET1CH_OPTIMUM = 54537.75
SOURCE = "Trigeiro, Thomas & McClain (1989), Management Science 35(3)"
# far above what any order costs: the instances have no overtime
PARAMS = CapacitatedLotSizingParams(overtime_price=1e4, n_iterations=100)


def rows(data: Path, time_limit: float = 60.0) -> list[Row]:
    """Up to 22 minutes. What was published are the optima, or where the note says so the best plan known, found by a
    solver.
    """
    found = []
    for instance in json.loads((data / TRIGEIRO).read_text()):
        found += instance_rows(instance, time_limit)
    return [*found, _set1ch(data / SET1CH, time_limit)]


def items_of(instance: dict) -> pd.DataFrame:
    """The policy's columns of one instance; a unit's production time is its volume."""
    n = instance["items"]
    return pd.DataFrame(
        {
            "fixed_order_cost": cells([np.array([cost], float) for cost in instance["setup_cost"]]),
            "holding_cost": cells([np.array([cost], float) for cost in instance["holding_cost"]]),
            "unit_cost": cells([None] * n),
            "inventory_position": np.zeros(n),
            "lead_time": np.zeros(n),
            "demand_mean": cells([np.array(series, float) for series in instance["demand_item_by_period"]]),
            "unit_volume": np.array(instance["unit_production_time"], float),
            "setup_volume": np.array(instance["setup_time"], float),
            "max_shipping_volume": np.full(n, float(instance["capacity_per_period"])),
        }
    )


def read(items: pd.DataFrame) -> Items:
    """The items as one partition."""
    return Items(items, POLICY.needs, np.array([0, len(items)]))


def instance_rows(instance: dict, time_limit: float) -> list[Row]:
    """One instance by the algorithm, which gives a plan and a bound, and by the model."""
    items, n_periods, published = items_of(instance), instance["periods"], instance["highs"]
    POLICY.algorithm(read(items), PARAMS)  # compiled, or read from the disk, outside the time
    start = time.perf_counter()
    told = read(items)
    found = POLICY.algorithm(told, PARAMS)
    between = time.perf_counter()
    result = highs.solve(POLICY.build_model(read(items), PARAMS), time_limit, POLICY.solver_options["highs"])
    end = time.perf_counter()
    note = "" if published["proven"] else f"the published plan was not proved: bound {published['lower_bound']:.0f}"
    overtime = "".join(f"; {text}" for text in told.remarks[:1] if text)
    return [
        Row(
            instance["name"],
            POLICY.name,
            "algorithm",
            SOURCE,
            published["objective"],
            found.cost.sum() * n_periods,
            found.bound.sum() * n_periods,
            between - start,
            (note + overtime).strip("; "),
        ),
        Row(
            instance["name"],
            POLICY.name,
            "model",
            SOURCE,
            published["objective"],
            result.objective * n_periods,
            None if result.bound is None else result.bound * n_periods,
            end - between,
            note,
        ),
    ]


def _set1ch(path: Path, time_limit: float) -> Row:
    """A lot-sizing model in MPS form, given to the solver as it is, with the settings every model is solved with."""
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "set1ch.mps"
        plain.write_bytes(gzip.decompress(path.read_bytes()))
        solver = highspy.Highs()
        solver.setOptionValue("output_flag", False)
        solver.readModel(str(plain))
    for name, value in {**highs.OWN_OPTIONS, "time_limit": time_limit}.items():
        solver.setOptionValue(name, value)
    start = time.perf_counter()
    solver.run()
    found = solver.getInfo()
    return Row(
        "set1ch",
        "none: the solver alone",
        "model",
        "MIPLIB 3",
        SET1CH_OPTIMUM,
        found.objective_function_value,
        found.mip_dual_bound,
        time.perf_counter() - start,
    )
