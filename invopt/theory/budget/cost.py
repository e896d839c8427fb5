"""Cost functions of one whole number, made of convex pieces: what they cost and where they are least, in compiled
loops.

    f(x) = constant + slope x + scale g(x),   x = low, low + 1, ..., high

    RECIPROCAL   g(x) = 1/x                    ordering cost of a quantity x; low is 1 or more
    TABLE      g(x) = n(x) from a table      loss function of a Poisson or of a pmf; `theory/demand/loss.py` makes the table
    NORMAL       g(x) = n(x) by its formula    loss function of a mixture of Normals

g is convex and falls, and scale >= 0, so each piece is convex. An item has one piece or more, whose ranges don't
overlap; with several of them (quantity discounts) its cost need not be convex. A piece is one row of a matrix, so that
a loop over pieces reads memory in order.
"""

from __future__ import annotations

import math

import numpy as np

from invopt.theory.compiled import compiled
from invopt.theory.demand.codes import NO_PMF, NORMAL, POISSON
from invopt.theory.demand.loss import NORMAL_BAND, fill_losses, fill_poisson_losses, normal_loss_at, poisson_band
from invopt.theory.demand.normal_level import FLAT, MOST_EVALUATIONS, normal_terms, step_to_level

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
def _is_enough(piece, table, slope, x):
    """Whether one unit more than x is no cheaper."""
    return piece[SCALE] * (value_at(piece, table, x) - value_at(piece, table, x + 1)) <= slope


@compiled
def _normal_level(y, piece, target, std):
    """The smallest whole x of 0 or more of which one unit more saves the target or less, from a y near it; -1: that
    is not certain.
    """
    if not piece[VARIANCE] * piece[FIRST_LEAD_TIME] > 0:
        return -1.0
    number = int(piece[N_LEAD_TIMES])
    for _ in range(MOST_EVALUATIONS):
        at = fall = bend = remainder = 0.0
        for j in range(number):
            days = piece[FIRST_LEAD_TIME] + j
            terms = normal_terms(y, piece[MEAN] * days, math.sqrt(piece[VARIANCE] * days))
            at += terms[1]
            fall += terms[2]
            bend += terms[3]
            remainder += terms[4]
        if not fall > FLAT * at:
            break
        t, is_certain = step_to_level(y, at, fall, bend, remainder, target * number, std)
        if is_certain:
            return y + t
        if t == 0:
            break
        y += t
    return -1.0


@compiled
def least_at(piece, table, slope, low, high):
    """The smallest x of low..high where slope x + scale g(x) is least."""
    if high <= low:
        return low
    scale = piece[SCALE]
    if scale == 0.0:
        return low if slope >= 0 else high
    if piece[FORM] == RECIPROCAL:
        if slope <= 0:
            return high
        # the smallest x with x (x + 1) >= scale / slope
        x = math.ceil(math.sqrt(scale / slope + 0.25) - 0.5)
        return min(max(x, low), high)
    if slope < 0:
        return high
    if piece[FORM] == TABLE:
        if scale <= slope:
            return low
        first, start = piece[FIRST_LEVEL], int(piece[START])
        # below the table each unit more saves `scale`, which is above the slope; the table's last value is 0, and
        # beyond it no unit saves
        if high <= first:
            return high
        left, right = int(max(low - first, 0.0)), int(min(high - first, piece[LENGTH] - 1))
        if left >= right:
            return max(low, first)
        # without a price of the budget it is likely to be the end of what is wanted
        middle = right - 1 if slope == piece[SLOPE] else (left + right) // 2
        while left < right:
            if scale * (table[start + middle] - table[start + middle + 1]) <= slope:
                right = middle
            else:
                left = middle + 1
            middle = (left + right) // 2
        return first + left
    # from a Normal's own fractile by its series; where that is not certain outwards in growing steps, then between the
    # last two
    last = piece[FIRST_LEAD_TIME] + piece[N_LEAD_TIMES] - 1
    mean = piece[MEAN] * 0.5 * (piece[FIRST_LEAD_TIME] + last)
    spread = piece[MEAN] * (piece[N_LEAD_TIMES] - 1) * 0.3
    std = math.sqrt(piece[VARIANCE] * 0.5 * (piece[FIRST_LEAD_TIME] + last) + spread * spread)
    guess = max(math.ceil(mean + std * _fractile(1.0 - slope / scale) - 0.5), 0.0)
    x = _normal_level(guess, piece, slope / scale, std)
    if x >= 0:
        return min(max(x, low), high)
    guess = min(max(guess, low), high)
    step = max(1.0, math.floor(0.02 * std))
    if guess >= high or _is_enough(piece, table, slope, guess):
        left, right = low, guess
        at = guess - step
        while at > low:
            if not _is_enough(piece, table, slope, at):
                left = at + 1
                break
            right = at
            step *= 2
            at -= step
    else:
        left, right = guess + 1, high
        at = guess + step
        while at < high:
            if _is_enough(piece, table, slope, at):
                right = at
                break
            left = at + 1
            step *= 2
            at += step
    while left < right:
        middle = (left + right) // 2
        if _is_enough(piece, table, slope, middle):
            right = middle
        else:
            left = middle + 1
    return left


@compiled
def _fractile(p):
    """z with P(Z <= z) = p to 5e-4: where a search starts. Source: Abramowitz & Stegun (1964), 26.2.23."""
    if p <= 0:
        return -NORMAL_BAND
    if p >= 1:
        return NORMAL_BAND
    t = math.sqrt(-2 * math.log(min(p, 1 - p)))
    z = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)))
    return z if p > 0.5 else -z


@compiled
def _wanted(table, m, least_saving):
    """How many of the m values of a table are needed: up to that of the first level of which one unit more saves
    less, and the next.
    """
    if least_saving <= 0:
        return m
    left, right = 0, m - 1
    while left < right:
        middle = (left + right) // 2
        if table[middle] - table[middle + 1] <= least_saving * (1 - 1e-9):
            right = middle
        else:
            left = middle + 1
    return min(left + 2, m)


@compiled
def _fill_losses(
    form, demand_mean, demand_variance, first_lead_time, n_lead_times, pmfs, pmf_offsets, least_saving, pieces, mean
):
    """Fill the rows' ranges and references, and E X; returns all tables, one after the other."""
    tables = np.empty(100 * len(form) + 1024)
    # a table is made here, where it stays in the cache, and only what is wanted of it is kept
    table, weights, mixed = np.empty(1024), np.empty(1024), np.empty(1024)
    end = 0
    k_pmf = 0
    for i in range(len(form)):
        a, v, first, number = demand_mean[i], demand_variance[i], first_lead_time[i], n_lead_times[i]
        if form[i] == NORMAL:
            last = first + number - 1
            mean[i] = a * (first + last) / 2
            pieces[i, FORM] = NORMAL_LOSS
            pieces[i, HIGH] = max(0.0, math.ceil(a * last + NORMAL_BAND * math.sqrt(v * last)))
            pieces[i, MEAN], pieces[i, VARIANCE], pieces[i, FIRST_LEAD_TIME], pieces[i, N_LEAD_TIMES] = (
                a,
                v,
                first,
                number,
            )
            continue
        if form[i] == POISSON:
            low, high = poisson_band(a * first, a * (first + number - 1))
            m = high - low + 2
            if m > len(table):
                table, weights, mixed = np.empty(2 * m), np.empty(2 * m), np.empty(2 * m)
            fill_poisson_losses(a, first, number, low, high, weights, mixed, table)
        else:
            pmf = pmfs[pmf_offsets[k_pmf] : pmf_offsets[k_pmf + 1]]
            low, m = 0, len(pmf) + 1
            if m > len(table):
                table, weights, mixed = np.empty(2 * m), np.empty(2 * m), np.empty(2 * m)
            fill_losses(pmf, m - 1, pmf.sum(), table)
            k_pmf += 1
        kept = _wanted(table, m, least_saving[i])
        if end + kept > len(tables):
            larger = np.empty(max(2 * len(tables), end + kept))
            larger[:end] = tables[:end]
            tables = larger
        tables[end : end + kept] = table[:kept]
        mean[i] = low + table[0]
        pieces[i, FORM] = TABLE
        # of a whole table the last level is one that has a 0, of a part of it the last but one is the last that is
        # wanted
        pieces[i, HIGH] = low + kept - (1 if kept == m else 2)
        pieces[i, START], pieces[i, FIRST_LEVEL], pieces[i, LENGTH] = end, low, kept
        end += kept
    return tables[:end]


def loss_pieces(
    *,
    form: np.ndarray,
    demand_mean: np.ndarray,
    demand_variance: np.ndarray,
    first_lead_time: np.ndarray,
    n_lead_times: np.ndarray,
    lead_time_pmfs: tuple[np.ndarray, np.ndarray] = NO_PMF,
    least_saving: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pieces with g = n, the loss function of each item's lead-time demand X, from 0 to where n is 0; their slope and
    scale are left 0.

    The parameters are those of `reorder_point.best_reorder_points`, and

    least_saving : (n,) array: no x is wanted of which one unit more lowers the loss by less than this, so a table and
        its range may end there; None for whole tables

    Returns
    -------
    pieces : (n, N_FIELDS) array
    tables : the values of all tables, one after the other
    mean : (n,) array, units: E X

    >>> one = lambda value: np.array([float(value)])
    >>> pieces, tables, mean = loss_pieces(form=np.array([POISSON]), demand_mean=one(3), demand_variance=one(3), first_lead_time=one(1),
    ...     n_lead_times=np.array([1]))
    >>> round(value_at(pieces[0], tables, 3), 6), float(round(mean[0], 9))
    (0.672125, 3.0)
    """
    n = len(form)
    pieces, mean = np.zeros((n, N_FIELDS)), np.zeros(n)
    floats = [
        np.ascontiguousarray(array, dtype=np.float64) for array in (demand_mean, demand_variance, first_lead_time)
    ]
    tables = _fill_losses(
        np.ascontiguousarray(form, dtype=np.int64),
        *floats,
        np.ascontiguousarray(n_lead_times, dtype=np.int64),
        np.ascontiguousarray(lead_time_pmfs[0], dtype=np.float64),
        np.ascontiguousarray(lead_time_pmfs[1], dtype=np.int64),
        np.zeros(n) if least_saving is None else np.ascontiguousarray(least_saving, dtype=np.float64),
        pieces,
        mean,
    )
    return pieces, tables, mean
