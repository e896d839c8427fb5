"""Solutions as an analyst reads them: a row per item, a column per decision."""

from __future__ import annotations

import numpy as np
import pandas as pd

from invopt.tables.columns import ITEM

_RECEIPT = ("cost", "status", "method", "bound", "gap", "message")


def unfolded(solutions: pd.DataFrame) -> pd.DataFrame:
    """gold.solutions with a column per decision, in lower case: a number, or an array where it has periods.

    Returns
    -------
    run_id, policy_id, location_id, product_id, source_id, the decisions, cost, status, method, bound, gap, message; a
    decision that a row's policy does not make, or that was not found, is NaN, or None among arrays

    >>> keys = {"run_id": "r", "policy_id": "p", "location_id": "1", "source_id": "9", "cost": 1.5, "status": "optimal"}
    >>> found = pd.DataFrame([{**keys, "product_id": "a", "decisions": [("S", [7.0]), ("Q", [3.0, 4.0])]}])
    >>> unfolded(found)[["product_id", "s", "q", "cost"]].to_dict("records")
    [{'product_id': 'a', 's': 7.0, 'q': [3.0, 4.0], 'cost': 1.5}]
    """
    result = solutions.reindex(columns=["run_id", "policy_id", *ITEM])
    decided = [{} if pairs is None else dict(pairs) for pairs in solutions["decisions"]]
    rows = list(zip(solutions["policy_id"], decided, strict=True))
    with_periods = {(policy, name) for policy, row in rows for name, values in row.items() if len(values) != 1}
    for name in dict.fromkeys(name for row in decided for name in row):
        has_periods = any(name == other for _, other in with_periods)
        missing = None if has_periods else np.nan
        values = [
            missing if name not in row else row[name] if (policy, name) in with_periods else float(row[name][0])
            for policy, row in rows
        ]
        result.insert(
            result.shape[1], name.lower(), pd.Series(values, result.index, dtype=object if has_periods else float)
        )
    for name in _RECEIPT:
        result.insert(result.shape[1], name, solutions[name] if name in solutions else None)
    return result.reset_index(drop=True)
