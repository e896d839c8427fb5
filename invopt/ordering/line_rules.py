"""A supplier's rules for one line: minimum, multiple and maximum of its quantity.

    q = 0                        if the policy wants nothing
    q = max(wanted, minimum), rounded up to a multiple, cut to the largest multiple that the maximum allows

A minimum that no multiple up to the maximum reaches can't be ordered. The supplier's limits over several lines (volume,
budget, shipping days) are not seen here.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd


class LineQuantities(NamedTuple):
    """(n,) arrays, units: each line's limits, and its quantity after each rule.

    minimum, maximum, multiple : 0, infinity and 1 where the supplier has no such limit
    wanted : what the policy wants, 0 where that is not known
    raised, rounded, cut : the quantity after the minimum, after the multiple, after the maximum
    accepted : the quantity that is ordered; 0 where the limits contradict each other
    """

    minimum: np.ndarray
    maximum: np.ndarray
    multiple: np.ndarray
    wanted: np.ndarray
    raised: np.ndarray
    rounded: np.ndarray
    cut: np.ndarray
    accepted: np.ndarray


def line_quantities(wanted: np.ndarray, state: pd.DataFrame) -> LineQuantities:
    """Applies the rules to n lines.

    Parameters
    ----------
    wanted : (n,) array, units; NaN where it is not known
    state : (n,) rows with min_order_quantity, max_order_quantity and quantity_multiple; NULL and NaN do not bind

    >>> limits = {"min_order_quantity": [10.0], "max_order_quantity": [None], "quantity_multiple": [4.0]}
    >>> float(line_quantities(np.array([7.0]), pd.DataFrame(limits)).accepted[0])
    12.0
    """
    minimum = _limit(state["min_order_quantity"], 0.0)
    maximum = _limit(state["max_order_quantity"], np.inf)
    multiple = np.maximum(_limit(state["quantity_multiple"], 1.0), 1.0)
    known = np.where(np.isfinite(wanted), wanted, 0.0)
    raised = np.maximum(known, minimum)
    rounded = np.ceil(raised / multiple - 1e-9) * multiple
    cut = np.minimum(rounded, np.floor(maximum / multiple + 1e-9) * multiple)
    is_impossible = cut < minimum - 1e-9
    accepted = np.where((known > 0) & ~is_impossible & (cut > 0), cut, 0.0)
    return LineQuantities(minimum, maximum, multiple, known, raised, rounded, cut, accepted)


def _limit(values: pd.Series, no_limit: float) -> np.ndarray:
    """Limits as floats; `no_limit` stands where there is none."""
    limits = pd.to_numeric(values, errors="coerce").to_numpy(float)
    return np.where(np.isnan(limits), no_limit, limits)
