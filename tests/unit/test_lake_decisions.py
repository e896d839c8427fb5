"""gold.solutions unfolded without Spark."""

from __future__ import annotations

import numpy as np
import pandas as pd

from invopt import lake


def test_one_row_per_decision_and_period_and_none_for_what_was_not_solved():
    keys = {"run_id": "r", "policy_id": "p", "product_id": "1_1", "source_id": "9", "method": "algorithm"}
    solutions = pd.DataFrame(
        [
            {
                **keys,
                "location_id": "1",
                "status": "optimal",
                "decisions": [("LEVEL", np.array([3.0, 4.0])), ("POINT", np.array([7.0]))],
            },
            {**keys, "location_id": "2", "status": "no_solution", "decisions": None},
        ]
    )
    rows = lake.decisions(solutions)
    assert rows[["location_id", "decision", "period", "value"]].values.tolist() == [
        ["1", "LEVEL", 0, 3.0],
        ["1", "LEVEL", 1, 4.0],
        ["1", "POINT", 0, 7.0],
    ]
    assert list(lake.decisions(solutions[1:]).columns) == list(rows.columns)
