"""The lowest whole stock that gives a service, in compiled loops over the loss pieces of `theory/budget/cost.py`.

cycle       P(X <= s) >= alpha                    no unit is missing
fill_rate   1 - n(s) / E X >= beta                the share of demand that is met from stock
"""

from __future__ import annotations

import math

import numpy as np

from invopt.errors import ParameterError
from invopt.theory.budget.cost import FIRST_LEAD_TIME, FORM, HIGH, MEAN, N_LEAD_TIMES, NORMAL_LOSS, VARIANCE, value_at
from invopt.theory.compiled import compiled

SERVICES = ("none", "cycle", "fill_rate")
# a service reached to within this is reached
REACHED = 1e-12
# a stock beyond which no service is looked for
LARGEST_LEVEL = 1e12


@compiled
def _survival(piece, tables, s):
    """P(X > s)."""
    if piece[FORM] != NORMAL_LOSS:
        return value_at(piece, tables, s) - value_at(piece, tables, s + 1)
    total = 0.0
    for j in range(int(piece[N_LEAD_TIMES])):
        days = piece[FIRST_LEAD_TIME] + j
        short = piece[MEAN] * days - s
        std = math.sqrt(piece[VARIANCE] * days)
        if std > 0:
            total += 0.5 * math.erfc(-short / (std * math.sqrt(2.0)))
        elif short > 0:
            total += 1.0
    return total / piece[N_LEAD_TIMES]


@compiled
def _is_served(piece, tables, mean, is_fill_rate, level, s):
    if is_fill_rate:
        return value_at(piece, tables, s) <= (1 - level + REACHED) * mean
    return _survival(piece, tables, s) <= 1 - level + REACHED


@compiled
def _fill(pieces, tables, mean, is_fill_rate, level, lowest):
    for i in range(len(level)):
        if not level[i] > 0:
            continue
        left, right = 0.0, pieces[i, HIGH]
        while right < LARGEST_LEVEL and not _is_served(pieces[i], tables, mean[i], is_fill_rate, level[i], right):
            right = 2 * right + 1
        while left < right:
            middle = (left + right) // 2
            if _is_served(pieces[i], tables, mean[i], is_fill_rate, level[i], middle):
                right = middle
            else:
                left = middle + 1
        lowest[i] = left


def lowest_levels(
    service: str, level: np.ndarray, pieces: np.ndarray, tables: np.ndarray, mean: np.ndarray
) -> np.ndarray:
    """The smallest whole s of 0 or more of each item that gives the service, an (n,) array; 0 where nothing is asked
    for.

    Parameters
    ----------
    service : none, cycle or fill_rate
    level : (n,) array, fraction below 1; NaN asks for nothing              [alpha, beta]
    pieces, tables, mean : of `budget.loss_pieces.loss_pieces`

    Raises
    ------
    ParameterError : the service is unknown, or a level is 1 or more.

    >>> from invopt.theory.budget.loss_pieces import loss_pieces
    >>> one = lambda value: np.array([float(value)])
    >>> losses = loss_pieces(form=np.array([0]), demand_mean=one(6), demand_variance=one(6), first_lead_time=one(1),
    ...     n_lead_times=np.array([1]))
    >>> float(lowest_levels("cycle", one(0.84), *losses)[0]), float(lowest_levels("fill_rate", one(0.95), *losses)[0])
    (8.0, 9.0)
    """
    if service not in SERVICES:
        raise ParameterError(f"service is {service!r}, must be one of {', '.join(SERVICES)}")
    level = np.ascontiguousarray(level, dtype=np.float64)
    if (level >= 1).any():
        raise ParameterError(f"level must be below 1; first wrong at index {int(np.flatnonzero(level >= 1)[0])}")
    lowest = np.zeros(len(level))
    if service != "none":
        _fill(pieces, tables, mean, service == "fill_rate", level, lowest)
    return lowest
