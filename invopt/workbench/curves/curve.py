"""A cost curve: the cost of one item at many values of one of its decisions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from invopt.theory.s_q.curves import CostParts


class Curve(NamedTuple):
    """The cost of one item at many values of one of its decisions.

    label : the item
    tried : one row per value: the decision, what belongs to it, its cost `total` and, where known, the parts of the
        cost: `ordering`, `holding`, `shortage`
    points : rows to mark, with columns of `tried`; the row "chosen" is the policy's decision
    finding : the message of the curve, a sentence
    cost_unit : the unit of the costs, in words
    """

    label: str
    tried: pd.DataFrame
    points: pd.DataFrame
    finding: str = ""
    cost_unit: str = "money per day"


def cost_columns(parts: CostParts) -> dict[str, np.ndarray]:
    """The parts of a cost and their total, as columns of `Curve.tried`."""
    return parts._asdict() | {"total": parts.total}


def whole_numbers(first: float, last: float, most: int = 200) -> np.ndarray:
    """Whole numbers from first to last, evenly spaced if there are more than `most`.

    >>> whole_numbers(2, 5), whole_numbers(0, 100, 3)
    (array([2, 3, 4, 5]), array([  0,  50, 100]))
    """
    first, last = int(np.floor(first)), int(np.ceil(last))
    return np.unique(np.linspace(first, last, min(most, last - first + 1)).round().astype(np.int64))
