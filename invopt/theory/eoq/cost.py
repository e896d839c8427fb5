"""What a day costs along Q when the price of a unit depends on the order quantity.

    C(Q) = lambda c(Q) + K lambda / Q + h(Q) Q / 2

    all_units     c(Q) = c_j for b_j <= Q < b_{j+1}                                every unit has the price of its order
    incremental   c(Q) = c_j + e_j / Q,  e_j = sum_{k<=j} (c_{k-1} - c_k) b_k   only units beyond a break have its price

h(Q) is h, or h c(Q) / c_0 where a unit that was cheaper to buy is cheaper to hold.
"""

from __future__ import annotations

import numpy as np


def order_cost(
    order_quantity: np.ndarray,
    price_break_quantity: np.ndarray,
    unit_cost: np.ndarray,
    demand_mean: float,
    fixed_order_cost: float,
    holding_cost: float,
    *,
    has_holding: bool = True,
    is_incremental: bool = False,
    holds_with_price: bool = False,
    only: int | None = None,
) -> np.ndarray:
    """C(Q), (m,) money/day.

    Parameters
    ----------
    order_quantity : (m,) array, units, above 0                          [Q]
    price_break_quantity : (k,) array, units, rising from 0              [b]
    unit_cost : (k,) array, money/unit                                   [c]
    demand_mean : units/day                                              [lambda]
    fixed_order_cost : money/order                                       [K]
    holding_cost : money/unit/day                                        [h]
    has_holding : False leaves h out
    only : the price j to take for all Q; None takes for each Q its own

    Source: Snyder & Shen (2019), section 3.4, Example 3.5.

    >>> prices = [0, 400, 800], [0.75, 0.72, 0.68]
    >>> order_cost([400, 800], *prices, 1300, 8, 0.225, holds_with_price=True).round(4).tolist()
    [1005.2, 978.6]
    """
    quantity = np.asarray(order_quantity, float)
    starts, prices = np.asarray(price_break_quantity, float), np.asarray(unit_cost, float)
    saved = (
        np.cumsum(np.concatenate([[0.0], -np.diff(prices) * starts[1:]])) if is_incremental else np.zeros(len(prices))
    )
    j = np.searchsorted(starts, quantity, side="right") - 1 if only is None else np.full(len(quantity), only)
    price = prices[j] + saved[j] / quantity
    total = demand_mean * (price + fixed_order_cost / quantity)
    if not has_holding:
        return total
    return total + holding_cost * (price / prices[0] if holds_with_price else 1.0) * quantity / 2
