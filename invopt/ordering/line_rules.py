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

from invopt.ordering.ledger import post
from invopt.ordering.review_columns import IMPOSSIBLE, MAXIMUM, MINIMUM, MULTIPLE, NOTHING_WANTED, ORDERED

# a change of less is the rounding of floats: the ledger has it, but it decides nothing
ROUNDING = 1e-9


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
    # no quantity reaches an infinite minimum or multiple; as steps they would leave a ledger of infinities
    is_endless = np.isinf(minimum) | np.isinf(multiple)
    least, step = np.where(is_endless, 0.0, minimum), np.where(is_endless, 1.0, multiple)
    raised = np.maximum(known, least)
    rounded = np.ceil(raised / step - 1e-9) * step
    cut = np.minimum(rounded, np.floor(maximum / step + 1e-9) * step)
    is_impossible = is_endless | (cut < minimum - 1e-9)
    accepted = np.where((known > 0) & ~is_impossible & (cut > 0), cut, 0.0)
    return LineQuantities(minimum, maximum, multiple, known, raised, rounded, cut, accepted)


def supplier_rules(lines: pd.DataFrame) -> pd.DataFrame:
    """The pass of a supplier's rules: the lines with their accepted quantity, outcome, because and ledger.

    Only lines whose outcome is `ordered` change. The ledger of an impossible line has a row for each of its limits,
    also for one that changes nothing, and the maximum takes everything back.
    """
    is_open = (lines["outcome"] == ORDERED).to_numpy()
    before = lines["quantity"].to_numpy(float)
    rules = line_quantities(before, lines)
    is_impossible = is_open & (rules.accepted <= 0) & (rules.rounded > 0)
    steps = (
        (MINIMUM, before, rules.raised, rules.minimum, rules.minimum > 0),
        (MULTIPLE, rules.raised, rules.rounded, rules.multiple, rules.multiple > 1),
        (MAXIMUM, rules.rounded, rules.accepted, rules.maximum, np.isfinite(rules.maximum)),
    )
    ledgers, because = lines["ledger"].to_numpy(object), lines["because"].to_numpy(object)
    for step, old, new, limit, has_limit in steps:
        reached = np.where(is_open, new, old)
        ledgers = post(ledgers, step, old, reached, limit, always=is_impossible & has_limit)
        because = np.where(np.abs(reached - old) > ROUNDING * np.maximum(1.0, old), step, because)
    quantity = np.where(is_open, rules.accepted, before)
    outcome = lines["outcome"].to_numpy(object)
    outcome = np.where(is_impossible, IMPOSSIBLE, np.where(is_open & (quantity <= 0), NOTHING_WANTED, outcome))
    because = np.where(is_impossible, MAXIMUM, because)
    return lines.assign(
        quantity=quantity, outcome=outcome, because=because, ledger=pd.Series(ledgers, index=lines.index)
    )


def _limit(values: pd.Series, no_limit: float) -> np.ndarray:
    """Limits as floats; `no_limit` stands where there is none."""
    limits = values.to_numpy(float, na_value=np.nan)
    return np.where(np.isnan(limits), no_limit, limits)
