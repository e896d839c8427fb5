"""Order rules: from decisions and the state of the stock to the units wanted now.

Production, the simulator and the tests call the same functions. IP is the inventory position, on hand + on order -
backorders.

    (s, Q)   IP <= s:  the fewest batches of Q that lift IP above s
    (s, S)   IP <= s:  S - IP
    (R, S)   R days have passed since the last order:  max(S - IP, 0)
    base S   every day:  max(S - IP, 0), in whole units
    plan     a day of a planned order:  max(S_t - IP, 0), in whole units

A rule gives NaN for an item whose decision or position is not known.

Source: Snyder & Shen (2019), Fundamentals of Supply Chain Theory, sections 3.1 and 4.1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

# what only rounding keeps a level from being reached by
ROUNDING = 1e-6


class Stock(NamedTuple):
    """The state of n items when an order is decided; (n,) float arrays.

    inventory_position : units; NaN where it is not known                                     [IP]
    days_since_order : whole days since the item's last order; NaN where there was none
    period : whole days since the decisions were made, 0 on that day
    day : whole days since 1970-01-01
    """

    inventory_position: np.ndarray
    days_since_order: np.ndarray
    period: np.ndarray
    day: np.ndarray

    @classmethod
    def of(
        cls,
        inventory_position: np.ndarray,
        days_since_order: np.ndarray | float = np.nan,
        period: np.ndarray | float = 0.0,
        day: np.ndarray | float = 0.0,
    ) -> Stock:
        """The state with each number given for all items, or one for each.

        >>> Stock.of([3, 4]).period.tolist()
        [0.0, 0.0]
        """
        position = np.asarray(inventory_position, dtype=float)
        others = (np.asarray(values, dtype=float) for values in (days_since_order, period, day))
        return cls(position, *(np.broadcast_to(values, position.shape) for values in others))


def in_batches(reorder_point: np.ndarray, order_quantity: np.ndarray, stock: Stock) -> np.ndarray:
    """(s, Q): at IP <= s the fewest batches of Q that bring IP above s, else 0; Q = 0 orders nothing.

    Parameters
    ----------
    reorder_point, order_quantity : (n,) arrays, units                                        [s, Q]

    >>> in_batches(np.array([3, 3, 3]), np.array([5, 5, 0]), Stock.of([3, -7, 1]))
    array([ 5., 15.,  0.])
    """
    s, quantity = np.asarray(reorder_point, float), np.asarray(order_quantity, float)
    position = stock.inventory_position
    batches = np.floor((s - position) / np.where(quantity > 0, quantity, 1.0)) + 1
    wanted = np.where((position <= s) & (quantity > 0), batches * quantity, 0.0)
    return np.where(np.isnan(s) | np.isnan(quantity) | np.isnan(position), np.nan, wanted)


def up_to_level(reorder_point: np.ndarray, order_up_to_level: np.ndarray, stock: Stock) -> np.ndarray:
    """(s, S): at IP <= s the units that lift IP to S, else 0; S = s orders nothing.

    Parameters
    ----------
    reorder_point, order_up_to_level : (n,) arrays, units                                     [s, S]

    >>> up_to_level(np.array([4, 4, 0]), np.array([10, 10, 0]), Stock.of([4, 5, -3]))
    array([6., 0., 0.])
    """
    s, S = np.asarray(reorder_point, float), np.asarray(order_up_to_level, float)
    position = stock.inventory_position
    wanted = np.where((position <= s) & (S > s), S - position, 0.0)
    return np.where(np.isnan(s) | np.isnan(S) | np.isnan(position), np.nan, wanted)


def at_reviews(review_period: np.ndarray, order_up_to_level: np.ndarray, stock: Stock) -> np.ndarray:
    """(R, S): up to S when R days have passed since the last order, or when there was none; else 0.

    Between two reviews nothing is ordered, whatever the position. A review that finds nothing to order is repeated on
    the next day. R = 0 orders nothing.

    Parameters
    ----------
    review_period : (n,) array, days                                                          [R]
    order_up_to_level : (n,) array, units                                                     [S]

    >>> at_reviews(np.array([7, 7, 7, 0]), np.array([20, 20, 20, 0]), Stock.of([5, 5, 5, -3], [7, 6, np.nan, 9]))
    array([15.,  0., 15.,  0.])
    """
    R, S = np.asarray(review_period, float), np.asarray(order_up_to_level, float)
    position, days = stock.inventory_position, stock.days_since_order
    is_due = (R > 0) & (np.isnan(days) | (days >= R))
    wanted = np.where(is_due, np.maximum(S - position, 0.0), 0.0)
    return np.where(np.isnan(R) | np.isnan(S) | np.isnan(position), np.nan, wanted)


def to_base_stock(base_stock_level: np.ndarray, stock: Stock) -> np.ndarray:
    """Base stock: what IP lacks to the level, rounded up; 0 when it lacks nothing.

    Parameters
    ----------
    base_stock_level : (n,) array, units                                                      [S]

    >>> to_base_stock(np.array([8.0, 8.0, np.nan]), Stock.of([3, 9, 0]))
    array([ 5.,  0., nan])
    """
    # np.maximum passes a NaN on
    return np.maximum(np.ceil(np.asarray(base_stock_level, float) - stock.inventory_position - 1e-9), 0.0)


def as_planned(order_quantity: np.ndarray, order_up_to_level: np.ndarray, stock: Stock) -> np.ndarray:
    """A plan: on a day of a planned order, what lifts IP to the plan's level of that day; else 0.

    A planned order that is newer than the item's last order counts as today's: its day had no order run. The next order
    also makes up for what was sold more or less than forecast. After the plan's last period the quantity is NaN.

    Parameters
    ----------
    order_quantity, order_up_to_level : (n, n_periods) arrays, units; (n,) for a plan of one period

    >>> plan = np.array([[3.0, 0.0]] * 3), np.array([[7.0, 5.0]] * 3)
    >>> as_planned(*plan, Stock.of([2.5, 9.0, 2.0], days_since_order=[9, 9, 1], period=[0, 0, 1]))
    array([5., 0., 0.])
    """
    quantity, level = np.asarray(order_quantity, float), np.asarray(order_up_to_level, float)
    if quantity.ndim == 1:  # a plan of one period comes without the axis
        quantity, level = quantity[:, None], level[:, None]
    position, period = stock.inventory_position, stock.period
    is_planned = (period >= 0) & (period < quantity.shape[1])
    today = np.where(is_planned, period, 0).astype(np.int64)
    at = np.arange(len(quantity)), today
    is_known = is_planned & np.isfinite(quantity[at]) & np.isfinite(level[at]) & np.isfinite(position)
    last_ordered = period - stock.days_since_order
    days = np.arange(quantity.shape[1])
    is_waiting = (days <= today[:, None]) & ~(days <= last_ordered[:, None]) & (quantity > 0)
    wanted = np.where(is_waiting.any(axis=1), np.maximum(0.0, np.ceil(level[at] - position - ROUNDING)), 0.0)
    return np.where(is_known, wanted, np.nan)
