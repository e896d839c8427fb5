"""From the engine's rows to the frame that is given back, in the order in which the items came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from invopt.front_door.values import of_objects
from invopt.policies.base import Policy
from invopt.solving import Status, one_column, price_column, series_column
from invopt.tables.columns import ITEM

_RECEIPT = ("cost", "status", "method", "bound", "gap", "message")


def in_order(policy: Policy, solved: pd.DataFrame, items: pd.DataFrame, blocked: Mapping[int, str]) -> pd.DataFrame:
    """A row for each row of `items`: decisions, receipt and prices.

    solved : as `solve_bucket` gives it flat; rows that are blocked are not in it
    items : the keys and columns of each item, each item once
    blocked : row -> why it was not solved
    """
    keys = items[list(ITEM)]
    demand = items["demand_mean"] if "demand_mean" in items else [None] * len(items)
    n_periods = [None if value is None else len(value) for value in demand]
    rows = solved.set_index(list(ITEM)).reindex(pd.MultiIndex.from_frame(keys))
    found = {}
    for k, decision in enumerate(policy.decides):
        single, series = rows[one_column(k)].to_numpy(float), rows[series_column(k)].to_numpy(object)
        values = _by_period(single, series, n_periods) if decision.has_periods else single
        found[decision.name.lower()] = values
    found |= {name: rows[name].to_numpy() for name in _RECEIPT}
    found |= {f"price_{name}": rows[price_column(k)].to_numpy(float) for k, name in enumerate(policy.prices)}
    frame = pd.DataFrame(found, index=range(len(keys)))
    for row, reason in blocked.items():
        frame.loc[row, ["status", "message"]] = str(Status.NO_SOLUTION), reason
    frame["message"] = frame["message"].astype(object).where(frame["message"].notna(), None)
    frame["method"] = frame["method"].astype(object).where(frame["method"].notna(), None)
    return frame


def _by_period(single: np.ndarray, series: np.ndarray, n_periods: Sequence[int | None]) -> pd.Series:
    """A list per item, as long as the item has periods; None where there is no solution.

    The engine gives items that are solved together the same number of periods.
    """
    lists: list[list[float] | None] = [None] * len(single)
    for row, (value, values) in enumerate(zip(single, series, strict=True)):
        if isinstance(values, list | np.ndarray):
            lists[row] = [float(each) for each in values[: n_periods[row]]]
        elif np.isfinite(value):
            lists[row] = [float(value)]
    return of_objects(lists)
