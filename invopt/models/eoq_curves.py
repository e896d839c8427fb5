"""The EOQ's cost on each range of quantities, for a model of many items under one budget.

    f(Q) = constant + slope Q + scale / Q           a piece of `theory/budget/cost.py`

The minimum is the closed form, not the compiled search: model and algorithm check each other.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from invopt.theory.budget.cost import CONSTANT, HIGH, LOW, SCALE, SLOPE


def cost_of(pieces: np.ndarray) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """(which pieces, Q of each) -> f(Q), money/day."""
    return lambda which, x: pieces[which, CONSTANT] + pieces[which, SLOPE] * x + pieces[which, SCALE] / x


def best_quantities(pieces: np.ndarray, weight: np.ndarray) -> Callable[[float], np.ndarray]:
    """theta -> the whole Q of each piece with the least f(Q) + theta w Q.

    It is one of the two beside the EOQ at holding cost slope + theta w, moved into the piece's range.

    Parameters
    ----------
    weight : (m,) array, what a unit takes from the budget                                                          [w]
    """

    def best(theta: float) -> np.ndarray:
        slope = pieces[:, SLOPE] + theta * weight
        centre = np.sqrt(pieces[:, SCALE] / np.where(slope > 0, slope, 1.0))
        below = np.maximum(np.floor(centre), 1.0)
        x = np.where(slope * below * (below + 1) < pieces[:, SCALE], below + 1, below)
        x = np.where((slope <= 0) & (pieces[:, SCALE] > 0), np.inf, x)
        return np.clip(x, pieces[:, LOW], pieces[:, HIGH])

    return best
