"""The equally likely lead times of an item whose lead time is not certain."""

from __future__ import annotations

import numpy as np

# days this near to a whole number count as whole: 0.1 * 30 must be 3
WHOLE = 1e-9


def equally_likely_lead_times(lead_time: np.ndarray, lead_time_confidence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first of the equally likely lead times and their number; they lie one day apart.

        confidence c > 0                              the whole days of [max(0, L - c), L + c]
        c = 0, or no whole day lies between them      L alone, whole or not

    Parameters
    ----------
    lead_time, lead_time_confidence : (n,) arrays, days, 0 or more          [L, c]

    Returns
    -------
    first : (n,) array of float, days
    number : (n,) array of int

    >>> equally_likely_lead_times([1, 2.5, 0.5], [2, 1, 0])
    (array([0. , 2. , 0.5]), array([4, 2, 1]))
    """
    lead_time = np.asarray(lead_time, float)
    confidence = np.asarray(lead_time_confidence, float)
    first = np.ceil(np.maximum(lead_time - confidence, 0.0) - WHOLE)
    number = np.floor(lead_time + confidence + WHOLE) - first + 1
    is_alone = (confidence == 0) | (number < 1)
    # adding 0 turns the -0 of ceil(-1e-9) into 0
    return np.where(is_alone, lead_time, first) + 0.0, np.where(is_alone, 1, number).astype(np.int64)


def whole_days(days: np.ndarray) -> np.ndarray:
    """Days rounded up: a demand given by the day has no part of a day, and rounding up leaves no demand out.

    >>> whole_days([2.0, 2.2, 3.0000000001])
    array([2., 3., 3.])
    """
    return np.ceil(np.asarray(days, float) - WHOLE)
