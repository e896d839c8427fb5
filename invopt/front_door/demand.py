"""The forms in which demand may be given beside the policy's own columns.

demand_std           for demand_variance, its square
demand_pmf alone     the mean is that of the probabilities
no distribution      pmf where an item has a demand_pmf, normal where it has a variance, else poisson
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from invopt.front_door.cells import is_null
from invopt.front_door.values import of_objects
from invopt.tables.columns import Column

DEMAND_STD = Column(
    "demand_std",
    "array<double>",
    "units/day",
    "standard deviation of each period's demand, in place of demand_variance",
)


def fill_in(columns: dict[str, pd.Series], blocked: dict[int, str]) -> None:
    """Completes the columns of demand, as above.

    columns : name -> typed cells of those that were given; demand_std is taken out
    blocked : row -> why it can't be decided, which is added to
    """
    if (std := columns.pop(DEMAND_STD.name, None)) is not None:
        is_open = "demand_distribution" not in columns and "demand_pmf" not in columns
        for row, value in enumerate(std):
            if value is None and is_open:
                blocked.setdefault(
                    row, "column demand_std is missing; give it, or give demand_distribution, poisson for such an item"
                )
            elif value is not None and (value < 0).any():
                place = int((value < 0).argmax())
                at = f" at [{place}]" if len(value) > 1 else ""
                blocked.setdefault(row, f"column demand_std{at} is {value[place]:g}, must be 0 or more units/day")
        columns["demand_variance"] = of_objects([None if value is None else value**2 for value in std])
    if "demand_mean" not in columns and "demand_pmf" in columns:
        columns["demand_mean"] = of_objects([_means(pmfs) for pmfs in columns["demand_pmf"]])
    if "demand_distribution" not in columns:
        has_pmf, has_variance = (_has(columns, name) for name in ("demand_pmf", "demand_variance"))
        if has_pmf is not None or has_variance is not None:
            n = len(has_pmf if has_pmf is not None else has_variance)
            form = np.full(n, "poisson", dtype=object)
            if has_variance is not None:
                form[has_variance] = "normal"
            if has_pmf is not None:
                form[has_pmf] = "pmf"
            columns["demand_distribution"] = pd.Series(form, dtype=object)


def _has(columns: dict[str, pd.Series], name: str) -> np.ndarray | None:
    return np.array([not is_null(value) for value in columns[name]], dtype=bool) if name in columns else None


def _means(pmfs: Any) -> np.ndarray | None:
    """The mean of each period's probabilities; None where there are none, or a period has none."""
    if pmfs is None or any(pmf is None for pmf in pmfs):
        return None
    return np.array([pmf @ np.arange(len(pmf)) for pmf in pmfs])
