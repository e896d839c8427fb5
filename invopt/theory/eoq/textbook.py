"""The economic order quantity and its textbook relatives: real order quantities under steady, certain demand.

    cost per period = K lambda / Q + h Q / 2 (+ the purchase, where the price depends on Q)

The policy `eoq_budget` decides whole quantities under a budget, and can be compared with these functions: a whole
optimum is never below the real one, and next to it when Q is large.

Source: Snyder & Shen (2019), Fundamentals of Supply Chain Theory, chapter 3; Muckstadt & Sapra (2010), Principles of
Inventory Management, chapter 2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from invopt.errors import ParameterError


class OrderQuantity(NamedTuple):
    """Units, and money per period."""

    quantity: np.ndarray
    cost: np.ndarray


class JointOrders(NamedTuple):
    """Periods between joint orders, the multiple of them between a product's own orders, money per period."""

    cycle: float
    multiples: np.ndarray
    cost: float


def _positive(**values: object) -> None:
    for name, value in values.items():
        wrong = ~(np.asarray(value, float) > 0)
        if wrong.any():
            raise ParameterError(f"{name} must be above 0; first wrong at index {int(np.flatnonzero(wrong)[0])}")


def eoq(fixed_order_cost: np.ndarray, holding_cost: np.ndarray, demand_mean: np.ndarray) -> OrderQuantity:
    """Q* = sqrt(2 K lambda / h), cost sqrt(2 K lambda h); any shapes that broadcast.

    fixed_order_cost in money/order [K], holding_cost in money/unit/period [h], demand_mean in units/period [lambda].

    Raises
    ------
    ParameterError : one of them is not above 0.

    Source: Snyder & Shen (2019), Example 3.1.

    >>> quantity, cost = eoq(8, 0.225, 1300)
    >>> round(float(quantity), 4), round(float(cost), 6)
    (304.0468, 68.410526)
    """
    _positive(fixed_order_cost=fixed_order_cost, holding_cost=holding_cost, demand_mean=demand_mean)
    K, h, rate = (np.asarray(value, float) for value in (fixed_order_cost, holding_cost, demand_mean))
    return OrderQuantity(np.sqrt(2 * K * rate / h), np.sqrt(2 * K * rate * h))


def epq(
    fixed_order_cost: np.ndarray, holding_cost: np.ndarray, demand_mean: np.ndarray, production_rate: np.ndarray
) -> OrderQuantity:
    """The EOQ with h (1 - lambda/mu) for h: an order arrives at a rate of mu units/period while it is used.

    Raises
    ------
    ParameterError : the production rate is not above the demand.

    Source: Snyder & Shen (2019), Problem 3.22.

    >>> quantity, cost = epq(4, 0.08, 80, 110)
    >>> round(float(quantity), 4), round(float(cost), 6)
    (171.2698, 3.736795)
    """
    rate = np.asarray(demand_mean, float) / np.asarray(production_rate, float)
    if not np.all((rate >= 0) & (rate < 1)):
        raise ParameterError("production_rate must be above demand_mean, or what is used is never there")
    return eoq(fixed_order_cost, np.asarray(holding_cost, float) * (1 - rate), demand_mean)


def eoq_with_backorders(
    fixed_order_cost: np.ndarray, holding_cost: np.ndarray, backorder_cost: np.ndarray, demand_mean: np.ndarray
) -> tuple[OrderQuantity, np.ndarray]:
    """Q* = sqrt(2 K lambda (h + p) / (h p)), and the share h / (h + p) of it that goes to demand that waited.

    A unit that is late for a period costs p.

    Source: Snyder & Shen (2019), Example 3.8.

    >>> (quantity, cost), waited = eoq_with_backorders(8, 0.225, 5, 1300)
    >>> round(float(quantity), 4), round(float(waited), 6), round(float(cost), 6)
    (310.8126, 0.043062, 66.921364)
    """
    _positive(backorder_cost=backorder_cost)
    h, p = np.asarray(holding_cost, float), np.asarray(backorder_cost, float)
    return eoq(fixed_order_cost, h * p / (h + p), demand_mean), h / (h + p)


def _offers(price_break_quantity: Sequence[float], unit_cost: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    starts, prices = np.asarray(price_break_quantity, float), np.asarray(unit_cost, float)
    if (
        len(starts) != len(prices)
        or len(starts) == 0
        or starts[0] != 0
        or (np.diff(starts) <= 0).any()
        or (np.diff(prices) > 0).any()
    ):
        raise ParameterError(
            "price_break_quantity must start with 0 and rise, and unit_cost have as many prices, none above the last"
        )
    return starts, prices


def all_units_discount(
    fixed_order_cost: float,
    demand_mean: float,
    holding_rate: float,
    price_break_quantity: Sequence[float],
    unit_cost: Sequence[float],
) -> OrderQuantity:
    """Least of lambda c_j + K lambda / Q + i c_j Q / 2, where every unit of an order of b_j <= Q < b_{j+1} costs c_j.

    holding_rate is the cost of holding goods worth 1 for a period [i]. The breaks start with 0 [b], one price each [c].
    On each range the best Q is its EOQ, moved into the range. At the end of a range the next, lower price holds, so no
    end is missed.

    Raises
    ------
    ParameterError : the breaks don't rise from 0, or a price rises.

    Source: Snyder & Shen (2019), Example 3.5.

    >>> quantity, cost = all_units_discount(8, 1300, 0.3, [0, 400, 800], [0.75, 0.72, 0.68])
    >>> float(quantity), round(float(cost), 6)
    (800.0, 978.6)
    """
    starts, prices = _offers(price_break_quantity, unit_cost)
    quantity = np.maximum(eoq(fixed_order_cost, holding_rate * prices, demand_mean).quantity, starts)
    cost = demand_mean * prices + fixed_order_cost * demand_mean / quantity + holding_rate * prices * quantity / 2
    # a range's own best may lie beyond its end, where the next price is lower: it is then never the least
    best = int(np.argmin(cost))
    return OrderQuantity(quantity[best], cost[best])


def incremental_discount(
    fixed_order_cost: float,
    demand_mean: float,
    holding_rate: float,
    price_break_quantity: Sequence[float],
    unit_cost: Sequence[float],
) -> OrderQuantity:
    """Least cost where the price c_j holds for the units of an order beyond b_j only.

        an order of Q in range j costs e_j + c_j Q,  e_j = sum_{k<=j} (c_{k-1} - c_k) b_k, so the cost per period is
        lambda c_j + (K + e_j) lambda / Q + i (e_j + c_j Q) / 2

    An order costs the least over all j of e_j + c_j Q, so the least over j without regard to ranges is the optimum.

    Source: Snyder & Shen (2019), Problem 3.12.

    >>> quantity, cost = incremental_discount(2250, 182500, 0.25, [0, 1200, 2400], [1490, 1220, 1100])
    >>> round(float(quantity), 3), round(float(cost), 2)
    (28553.061, 208678591.68)
    """
    starts, prices = _offers(price_break_quantity, unit_cost)
    extra = np.concatenate([[0.0], np.cumsum(-np.diff(prices) * starts[1:])])
    quantity = eoq(fixed_order_cost + extra, holding_rate * prices, demand_mean).quantity
    cost = (
        demand_mean * prices
        + (fixed_order_cost + extra) * demand_mean / quantity
        + holding_rate * (extra + prices * quantity) / 2
    )
    best = int(np.argmin(cost))
    return OrderQuantity(quantity[best], cost[best])


def joint_replenishment(
    shared_fixed_cost: float,
    fixed_order_cost: Sequence[float],
    holding_cost: Sequence[float],
    demand_mean: Sequence[float],
) -> JointOrders:
    """The best T and whole k_i >= 1, exactly: products are ordered together every T periods, i in every k_i-th order.

        cost(T, k) = K_0 / T + sum_i [K_i / (k_i T) + h_i lambda_i k_i T / 2]

    For a given T the best k_i is the smallest with k (k + 1) >= 2 K_i / (h_i lambda_i T^2). So k changes only at
    T = sqrt(2 K_i / (h_i lambda_i k (k - 1))). With the cost U of any plan, T >= K_0 / U; above the largest change all
    k are 1. Between two changes the cost is that of one product, least at
    sqrt(2 (K_0 + sum K_i/k_i) / sum h_i lambda_i k_i), so every interval is looked at.

    Raises
    ------
    ParameterError : a cost or a demand is not above 0.

    Source: Silver (1976), A simple method of determining order quantities in joint replenishments under deterministic
    demand, Management Science 22(12); the numbers by enumeration of k.

    >>> cycle, multiples, cost = joint_replenishment(600, [120, 840, 300], [160, 20, 50], [1, 1, 1])
    >>> round(cycle, 6), multiples.tolist(), round(cost, 4)
    (3.103164, [1, 3, 1], 837.8544)
    """
    _positive(
        shared_fixed_cost=shared_fixed_cost,
        fixed_order_cost=fixed_order_cost,
        holding_cost=holding_cost,
        demand_mean=demand_mean,
    )
    K = np.asarray(fixed_order_cost, float)
    holding_rate = np.asarray(holding_cost, float) * np.asarray(demand_mean, float)
    cost_of_one_cycle = math.sqrt(2 * (shared_fixed_cost + K.sum()) * holding_rate.sum())
    shortest = shared_fixed_cost / cost_of_one_cycle
    ratio = 2 * K / holding_rate
    changes = [np.zeros(0)]
    for value in ratio:
        k = np.arange(2, int(math.sqrt(value) / shortest + 1) + 2)
        changes.append(np.sqrt(value / (k * (k - 1))))
    inside = np.unique(np.concatenate(changes))
    edges = np.concatenate(
        [
            [shortest],
            inside[inside > shortest],
            [max(shortest, inside.max(initial=0)) * 2 + cost_of_one_cycle / holding_rate.sum()],
        ]
    )
    best = JointOrders(math.nan, np.ones(len(K), dtype=np.int64), math.inf)
    for left, right in zip(edges[:-1], edges[1:], strict=True):
        middle = 0.5 * (left + right)
        k = np.maximum(1.0, np.ceil(np.sqrt(ratio / middle**2 + 0.25) - 0.5))
        orders, stock = shared_fixed_cost + (K / k).sum(), (holding_rate * k).sum() / 2
        cycle = min(max(math.sqrt(orders / stock), left), right)
        if orders / cycle + stock * cycle < best.cost:
            best = JointOrders(cycle, k.astype(np.int64), float(orders / cycle + stock * cycle))
    return best
