"""A price of overtime for users who have none: capacity is then passed only where it must be.

    price = 10 sum_i D_i / sum_i (v_i R_i + s_i),      D_i = T max K + R_i (max c + T max h)

D_i is the most that item i's R_i units could cost: all bought at the dearest, held to the end, with an order in each of
T periods. So overtime replaces only orders that are worth ten times the most that a unit of volume could cost on
average.
"""

from __future__ import annotations

import numpy as np

DEAR = 10


def usual_overtime_price(
    offsets: np.ndarray,
    requirement: np.ndarray,
    n_periods: np.ndarray,
    costs: tuple[np.ndarray, np.ndarray, np.ndarray],
    unit_volume: np.ndarray,
    setup_volume: np.ndarray,
) -> np.ndarray:
    """The price of each of m partitions, (m,) money/volume.

    Parameters
    ----------
    offsets : (m + 1,) array of int
    requirement : (n, T) array, units by the period of the order
    n_periods : (m,) array of int                                                             [T]
    costs : the (n, T) or (n, 1) arrays of fixed, unit and holding costs                      [K, c, h]
    unit_volume, setup_volume : (n,) arrays, volume/unit and volume/order                     [v, s]

    >>> cell = np.ones((1, 1))
    >>> usual_overtime_price(np.array([0, 1]), 4 * cell, np.array([1]), (cell, cell, cell), np.ones(1), np.zeros(1))
    array([22.5])
    """
    fixed, unit, holding = costs
    units, periods, starts = requirement.sum(axis=1), np.repeat(n_periods, np.diff(offsets)), offsets[:-1]
    dearest = periods * fixed.max(axis=1) + units * (unit.max(axis=1) + periods * holding.max(axis=1))
    volume = np.add.reduceat(units * unit_volume + setup_volume, starts)
    return DEAR * np.add.reduceat(dearest, starts) / np.where(volume > 0, volume, 1.0)
