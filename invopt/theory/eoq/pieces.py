"""The cost of a day along whole order quantities, as the convex pieces of `theory/budget/cost.py`.

    f(Q) = lambda c_j + i e_j / 2 + (h_j / 2) Q + lambda (K + e_j) / Q          on the quantities that have price j

c_j and e_j are the prices of `theory/eoq/cost.py`, with e = 0 unless the discount is incremental. Where a unit that was
cheaper to buy is cheaper to hold, i = h / c_0 and h_j = i c_j; else i = 0 and h_j = h. Without holding both are 0.

Source: Snyder & Shen (2019), section 3.4.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from invopt.theory.budget.cost import reciprocal_pieces
from invopt.theory.demand.lead_time import WHOLE

# an order of more units than this comes from a holding cost that is a slip
LARGEST_QUANTITY = 1e12


class PriceRanges(NamedTuple):
    """(m,) arrays: the ranges of whole quantities that have one price, those of an item together and rising.

    item : position of the item
    low, high : units
    cost, extra : money/unit and money/order                             [c_j, e_j]
    """

    item: np.ndarray
    low: np.ndarray
    high: np.ndarray
    cost: np.ndarray
    extra: np.ndarray


def price_ranges(
    unit_cost: np.ndarray,
    break_item: np.ndarray,
    break_quantity: np.ndarray,
    break_cost: np.ndarray,
    *,
    is_incremental: bool,
) -> PriceRanges:
    """The ranges of n items.

    Parameters
    ----------
    unit_cost : (n,) array, money/unit, the price from 1 unit on         [c_0]
    break_item : (k,) array of int, the item of each break; an item's breaks rise
    break_quantity, break_cost : (k,) arrays, units and money/unit       [b_j, c_j]

    >>> breaks = np.array([0, 0]), np.array([400.0, 800.0]), np.array([0.72, 0.68])
    >>> ranges = price_ranges(np.array([0.75]), *breaks, is_incremental=True)
    >>> ranges.low.tolist(), ranges.high.tolist(), ranges.extra.round(6).tolist()
    ([1.0, 400.0, 800.0], [399.0, 799.0, 1000000000000.0], [0.0, 12.0, 44.0])
    """
    n = len(unit_cost)
    item = np.concatenate([np.arange(n), break_item])
    by_item = np.argsort(item, kind="stable")
    item = item[by_item]
    start = np.concatenate([np.ones(n), break_quantity])[by_item]
    cost = np.concatenate([unit_cost, break_cost])[by_item]
    # the position of each price among those of its item
    rank = np.arange(len(item)) - np.searchsorted(item, item)
    extra = np.zeros(len(item))
    if is_incremental:
        for j in range(1, int(rank.max(initial=0)) + 1):
            at = np.flatnonzero(rank == j)
            extra[at] = extra[at - 1] + (cost[at - 1] - cost[at]) * start[at]
    low = np.maximum(1.0, np.ceil(start - WHOLE))
    is_last = np.append(rank[1:] == 0, True)[: len(rank)]
    high = np.where(is_last, LARGEST_QUANTITY, np.append(low[1:], 0.0)[: len(low)] - 1)
    is_range = low <= high
    return PriceRanges(*(values[is_range] for values in (item, low, high, cost, extra)))


def order_pieces(
    demand_mean: np.ndarray,
    fixed_order_cost: np.ndarray,
    holding_cost: np.ndarray,
    unit_cost: np.ndarray,
    breaks: tuple[np.ndarray, np.ndarray, np.ndarray],
    *,
    discount: str,
    has_holding: bool,
    holds_with_price: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """(pieces, starts): item i has the pieces starts[i]..starts[i+1]-1, a piece for each range of quantities.

    Parameters
    ----------
    demand_mean, fixed_order_cost, holding_cost, unit_cost : (n,) arrays, units/day, money/order, money/unit/day,
        money/unit                                                                           [lambda, K, h, c_0]
    breaks : item, quantity and cost of each price break, as in `price_ranges`
    discount : all_units or incremental; none takes one piece for each item and leaves purchases out of f
    has_holding, holds_with_price : as in `theory/eoq/cost.py`; a price of none is c_0

    >>> numbers = (np.array([value]) for value in (1300.0, 8.0, 0.225, 0.75))
    >>> no_breaks = np.zeros(0, dtype=int), np.zeros(0), np.zeros(0)
    >>> settings = {"discount": "none", "has_holding": True, "holds_with_price": False}
    >>> pieces, starts = order_pieces(*numbers, no_breaks, **settings)
    >>> pieces[0, :5].tolist(), starts.tolist()
    ([1.0, 1000000000000.0, 0.0, 0.1125, 10400.0], [0, 1])
    """
    n = len(demand_mean)
    if discount == "none":
        slope = holding_cost / 2 if has_holding else 0.0
        pieces = reciprocal_pieces(np.ones(n), LARGEST_QUANTITY, 0.0, slope, demand_mean * fixed_order_cost)
        return pieces, np.arange(n + 1)
    item, low, high, cost, extra = price_ranges(unit_cost, *breaks, is_incremental=discount == "incremental")
    mean, constant, slope = demand_mean[item], np.zeros(len(item)), np.zeros(len(item))
    if has_holding and holds_with_price:
        rate = holding_cost[item] / unit_cost[item]
        constant, slope = rate * extra / 2, rate * cost / 2
    elif has_holding:
        slope = holding_cost[item] / 2
    pieces = reciprocal_pieces(low, high, mean * cost + constant, slope, mean * (fixed_order_cost[item] + extra))
    return pieces, np.searchsorted(item, np.arange(n + 1))
