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

from invopt.solving import highs
from tests.published import Question, Row, answered

TRIGEIRO = "trigeiro_capacitated_lot_sizing.json"
SET1CH = "set1ch.mps.gz"
SET1CH_OPTIMUM = 54537.75
SOURCE = "Trigeiro, Thomas & McClain (1989), Management Science 35(3)"
# far above what any order costs: the instances have no overtime
PARAMS = {"overtime_price": 1e4, "n_iterations": 100}


def rows(data: Path, time_limit: float = 60.0) -> list[Row]:
    """Up to 22 minutes. What was published are the optima, or where the note says so the best plan known, found by a
    solver.
    """
    return [*answered(questions(data), time_limit=time_limit), _set1ch(data / SET1CH, time_limit)]


def questions(data: Path) -> list[Question]:
    """One for each instance; a unit's production time is its volume."""
    return [_question(instance) for instance in json.loads((data / TRIGEIRO).read_text())]


def _question(instance: dict) -> Question:
    columns = {
        "fixed_order_cost": instance["setup_cost"],
        "holding_cost": instance["holding_cost"],
        "inventory_position": 0,
        "lead_time": 0,
        "demand_mean": instance["demand_item_by_period"],
        "unit_volume": instance["unit_production_time"],
        "setup_volume": instance["setup_time"],
        "max_shipping_volume": instance["capacity_per_period"],
    }
    published = instance["highs"]
    note = "" if published["proven"] else f"the published plan was not proved: bound {published['lower_bound']:.0f}"
    return Question(
        instance["name"],
        "capacitated_lot_sizing",
        SOURCE,
        columns,
        PARAMS,
        published["objective"],
        instance["periods"],
        note,
    )


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
