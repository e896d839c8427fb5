"""Cost functions of one whole number, made of convex pieces, and what they cost.

    f(x) = constant + slope x + scale g(x),   x = low, low + 1, ..., high

    RECIPROCAL    g(x) = 1/x                     ordering cost of a quantity x; low is 1 or more
    TABLE         g(x) = n(x) from a table       loss function of a Poisson or of a pmf
    NORMAL_LOSS   g(x) = n(x) by its formula     loss function of a mixture of Normals

g is convex and falls, and scale >= 0, so each piece is convex. An item has one piece or more, whose ranges don't
overlap. With several of them, as with quantity discounts, its cost need not be convex. A piece is one row of a matrix,
so that a loop over pieces reads memory in order. `loss_pieces.py` makes the pieces of loss functions, with their
tables.
"""

from __future__ import annotations

import math

import numpy as np

from invopt.theory.compiled import compiled
from invopt.theory.demand.loss import normal_loss_at

RECIPROCAL, TABLE, NORMAL_LOSS = 0.0, 1.0, 2.0
LOW, HIGH, CONSTANT, SLOPE, SCALE, FORM = 0, 1, 2, 3, 4, 5
# of a TABLE: where its values start among all tables, the level of the first, how many there are
START, FIRST_LEVEL, LENGTH = 6, 7, 8
# of NORMAL_LOSS: per day, and the equally likely lead times
MEAN, VARIANCE, FIRST_LEAD_TIME, N_LEAD_TIMES = 6, 7, 8, 9
N_FIELDS = 10
NO_TABLE = np.zeros(0)


def reciprocal_pieces(
    low: np.ndarray, high: np.ndarray, constant: np.ndarray, slope: np.ndarray, scale: np.ndarray
) -> np.ndarray:
    """Pieces constant + slope x + scale / x on low..high: an (m, N_FIELDS) array from (m,) arrays or numbers.

    >>> reciprocal_pieces(np.ones(1), 9, 0, 0.5, 8)[0, :6].tolist()
    [1.0, 9.0, 0.0, 0.5, 8.0, 0.0]
    """
    pieces = np.zeros((len(low), N_FIELDS))
    for field, values in zip(
        (LOW, HIGH, CONSTANT, SLOPE, SCALE, FORM), (low, high, constant, slope, scale, RECIPROCAL), strict=True
    ):
        pieces[:, field] = values
    return pieces


@compiled
def value_at(piece, table, x):
    """g(x)."""
    form = piece[FORM]
    if form == RECIPROCAL:
        return 1.0 / x
    if form == TABLE:
        k = x - piece[FIRST_LEVEL]
        start = int(piece[START])
        if k <= 0:
            return table[start] - k
        if k >= piece[LENGTH]:
            return 0.0
        return table[start + int(k)]
    return normal_loss_at(x, piece[MEAN], piece[VARIANCE], piece[FIRST_LEAD_TIME], int(piece[N_LEAD_TIMES]))


@compiled
def cost_at(piece, table, x):
    """f(x)."""
    if piece[SCALE] == 0.0:
        return piece[CONSTANT] + piece[SLOPE] * x
    return piece[CONSTANT] + piece[SLOPE] * x + piece[SCALE] * value_at(piece, table, x)


@compiled
def _fill_costs(pieces, tables, starts, x, cost):
    for i in range(len(x)):
        p = starts[i]
        if not pieces[p, LOW] <= x[i] < math.inf:
            continue
        while p + 1 < starts[i + 1] and pieces[p + 1, LOW] <= x[i]:
            p += 1
        below = math.floor(x[i])
        cost[i] = cost_at(pieces[p], tables, below if pieces[p, FORM] == TABLE else x[i])
        if pieces[p, FORM] == TABLE and x[i] > below:
            cost[i] += (x[i] - below) * (cost_at(pieces[p], tables, below + 1) - cost[i])


def costs_at(pieces: np.ndarray, tables: np.ndarray, starts: np.ndarray, x: np.ndarray) -> np.ndarray:
    """f(x) of any x, (n,): by the last of the item's pieces that begins at x or below, also beyond that piece's end.

    NaN where x is below all pieces, infinite or NaN. Between two whole numbers a TABLE is a straight line, as the loss
    function of a whole demand is.

    Parameters
    ----------
    pieces, tables : the tables must be whole: beyond its end a table counts as 0
    starts : (n + 1,) array: item i has the pieces starts[i]..starts[i+1]-1
    x : (n,) array

    >>> two = reciprocal_pieces(np.array([1.0, 10.0]), np.array([9.0, 99.0]), np.array([3.0, 1.0]), 0, 20)
    >>> costs_at(two, NO_TABLE, np.array([0, 2]), np.array([5.0])), costs_at(two, NO_TABLE, [0, 2], [20.0])
    (array([7.]), array([2.]))
    """
    cost = np.full(len(x), np.nan)
    _fill_costs(
        np.ascontiguousarray(pieces, dtype=np.float64),
        np.ascontiguousarray(tables, dtype=np.float64),
        np.ascontiguousarray(starts, dtype=np.int64),
        np.ascontiguousarray(x, dtype=np.float64),
        cost,
    )
    return cost
