"""Pieces whose g is the loss function of a lead-time demand, with the tables that they read."""

from __future__ import annotations

import math

import numpy as np

from invopt.theory.budget.cost import (
    FIRST_LEAD_TIME,
    FIRST_LEVEL,
    FORM,
    HIGH,
    LENGTH,
    MEAN,
    N_FIELDS,
    N_LEAD_TIMES,
    NORMAL_LOSS,
    START,
    TABLE,
    VARIANCE,
)
from invopt.theory.compiled import compiled
from invopt.theory.demand.codes import NO_PMF, NORMAL, POISSON
from invopt.theory.demand.item_demand import demand_arrays
from invopt.theory.demand.loss import NORMAL_BAND, fill_losses, fill_poisson_losses, poisson_band


@compiled
def _n_wanted(table, m, least_saving):
    """How many of the m values of a table are needed.

    They end with the level after the first of which one unit more saves less than `least_saving`.
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
def _fill_normal(piece, mean, variance, first, number):
    """Fill in the piece of a mixture of Normals; returns E X."""
    last = first + number - 1
    piece[FORM] = NORMAL_LOSS
    piece[HIGH] = max(0.0, math.ceil(mean * last + NORMAL_BAND * math.sqrt(variance * last)))
    piece[MEAN], piece[VARIANCE], piece[FIRST_LEAD_TIME], piece[N_LEAD_TIMES] = mean, variance, first, number
    return mean * (first + last) / 2


@compiled
def _fill_pieces(demand, least_saving, pieces, mean):
    """Fill the rows' ranges and references, and E X; returns all tables, one after the other."""
    form, demand_mean, demand_variance, first_lead_time, n_lead_times, pmfs, pmf_offsets = demand
    tables = np.empty(100 * len(form) + 1024)
    # a table is made here, where it stays in the cache, and only the wanted part of it goes to `tables`
    table, weights, mixed = np.empty(1024), np.empty(1024), np.empty(1024)
    end = 0
    for i in range(len(form)):
        a, first, number = demand_mean[i], first_lead_time[i], n_lead_times[i]
        if form[i] == NORMAL:
            mean[i] = _fill_normal(pieces[i], a, demand_variance[i], first, number)
            continue
        pmf = pmfs[pmf_offsets[i] : pmf_offsets[i + 1]]  # empty for a Poisson
        low, high = 0, len(pmf) - 1
        if form[i] == POISSON:
            low, high = poisson_band(a * first, a * (first + number - 1))
        m = high - low + 2
        if m > len(table):
            table, weights, mixed = np.empty(2 * m), np.empty(2 * m), np.empty(2 * m)
        if form[i] == POISSON:
            fill_poisson_losses(a, first, number, low, high, weights, mixed, table)
        else:
            fill_losses(pmf, m - 1, pmf.sum(), table)
        n_kept = _n_wanted(table, m, least_saving[i])
        if end + n_kept > len(tables):
            larger = np.empty(max(2 * len(tables), end + n_kept))
            larger[:end] = tables[:end]
            tables = larger
        tables[end : end + n_kept] = table[:n_kept]
        mean[i] = low + table[0]
        pieces[i, FORM] = TABLE
        # the last level of a whole table is one that has a 0; of a part of it, the last but one is the last wanted
        pieces[i, HIGH] = low + n_kept - (1 if n_kept == m else 2)
        pieces[i, START], pieces[i, FIRST_LEVEL], pieces[i, LENGTH] = end, low, n_kept
        end += n_kept
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
    """Pieces with g = n, the loss function of each item's lead-time demand X, from 0 to where n is 0.

    Their slope and scale are left 0.

    Parameters
    ----------
    form : (n,) array of int: POISSON, NORMAL or PMF
    demand_mean, demand_variance : (n,) arrays, units/day and units^2/day; for a PMF they don't matter
    first_lead_time, n_lead_times : (n,) arrays, days and count: equally likely lead times, one day apart
    lead_time_pmfs : of the PMF items, in their order: values one after the other, and their offsets
    least_saving : (n,) array: no x is wanted of which one unit more lowers the loss by less than this, so a table and
        its range may end there; None for whole tables

    Returns
    -------
    pieces : (n, N_FIELDS) array
    tables : the values of all tables, one after the other
    mean : (n,) array, units: E X

    >>> from invopt.theory.budget.cost import value_at
    >>> cell = lambda value: np.array([float(value)])
    >>> pieces, tables, mean = loss_pieces(form=np.array([POISSON]), demand_mean=cell(3), demand_variance=cell(3),
    ...     first_lead_time=cell(1), n_lead_times=np.array([1]))
    >>> round(value_at(pieces[0], tables, 3), 6), float(round(mean[0], 9))
    (0.672125, 3.0)
    """
    n = len(form)
    pieces, mean = np.zeros((n, N_FIELDS)), np.zeros(n)
    savings = np.zeros(n) if least_saving is None else least_saving
    demand = demand_arrays(form, demand_mean, demand_variance, first_lead_time, n_lead_times, lead_time_pmfs)
    tables = _fill_pieces(demand, np.ascontiguousarray(savings, dtype=np.float64), pieces, mean)
    return pieces, tables, mean
