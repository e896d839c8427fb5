"""The order rules of `theory/order_rules.py` beside each rule as its definition says it, one item at a time."""

from __future__ import annotations

import numpy as np
import pytest

from invopt.theory.order_rules import Stock, as_planned, at_reviews, in_batches, to_base_stock, up_to_level

N = 500


def random_levels(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Levels of 0 to 29, quantities of 0 to 8 and positions around them, (N,) each."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 30, N), rng.integers(0, 9, N), rng.integers(-60, 60, N)


def test_the_fewest_batches_lift_the_position_above_the_reorder_point():
    s, quantity, position = random_levels(6)
    wanted = in_batches(s, quantity, Stock.of(position))
    for k in range(N):
        batches = 0
        while quantity[k] > 0 and position[k] + batches * quantity[k] <= s[k]:
            batches += 1
        assert wanted[k] == batches * quantity[k]


def test_an_order_lifts_a_low_position_to_the_level():
    s, above, position = random_levels(7)
    wanted = up_to_level(s, s + above, Stock.of(position))
    for k in range(N):
        is_low = position[k] <= s[k] and above[k] > 0
        assert position[k] + wanted[k] == (s[k] + above[k] if is_low else position[k])


def test_a_review_is_waited_for_and_never_sends_stock_back():
    S, R, position = random_levels(8)
    days = np.random.default_rng(9).choice([np.nan, *range(12)], N)
    wanted = at_reviews(R, S, Stock.of(position, days))
    for k in range(N):
        is_due = R[k] > 0 and not days[k] < R[k]
        assert wanted[k] == (max(S[k] - position[k], 0) if is_due else 0)
    assert (wanted > 0).any() and np.isnan(days[wanted > 0]).any()


def test_a_base_stock_level_is_lacked_in_whole_units():
    position = np.array([3.0, 2.5, 8.0, 9.0, 8.0 - 1e-12])
    assert to_base_stock(np.full(5, 8.0), Stock.of(position)).tolist() == [5, 6, 0, 0, 0]


def waiting_by_definition(plan: np.ndarray, today: int, days_since_order: float) -> bool:
    """An order is planned today, or was on a day after the last order that no order run has had."""
    since = -1 if np.isnan(days_since_order) else today - days_since_order
    return any(plan[day] > 0 for day in range(today + 1) if day > since)


def test_a_plan_orders_on_its_days_and_makes_up_for_days_without_a_run():
    rng = np.random.default_rng(10)
    n_periods = 6
    plan = rng.integers(0, 5, (N, n_periods)) * (rng.random((N, n_periods)) < 0.4)
    level, position = rng.integers(0, 30, (N, n_periods)), rng.integers(-5, 40, N) / 2
    today, days = rng.integers(0, n_periods, N), rng.choice([np.nan, *range(9)], N)
    wanted = as_planned(plan, level, Stock.of(position, days, today))
    for k in range(N):
        lacks = max(0, int(np.ceil(level[k, today[k]] - position[k])))
        assert wanted[k] == (lacks if waiting_by_definition(plan[k], today[k], days[k]) else 0), k
    assert 0.2 < (wanted > 0).mean() < 0.8


def test_a_plan_says_nothing_outside_its_periods():
    plan, level = np.full((4, 2), 3.0), np.full((4, 2), 7.0)
    plan[3, 1] = level[3, 1] = np.nan  # an item whose plan is shorter
    wanted = as_planned(plan, level, Stock.of(np.zeros(4), period=[-1, 2, 1, 1]))
    assert np.isnan(wanted).tolist() == [True, True, False, True]


def test_a_plan_of_a_single_period_needs_no_axis():
    wanted = as_planned(np.array([3.0, 0.0]), np.array([7.0, 7.0]), Stock.of([2.0, 2.0]))
    assert wanted.tolist() == [5, 0]


@pytest.mark.parametrize(
    ("rule", "n_decisions"), [(in_batches, 2), (up_to_level, 2), (at_reviews, 2), (to_base_stock, 1), (as_planned, 2)]
)
def test_what_is_not_known_is_not_ordered(rule, n_decisions):
    """Each decision in turn is unknown, then the position; the last item knows all."""
    n = n_decisions + 2
    decisions, position = np.full((n_decisions, n), 4.0), np.zeros(n)
    for k in range(n_decisions):
        decisions[k, k] = np.nan
    position[n_decisions] = np.nan
    wanted = rule(*decisions, Stock.of(position))
    assert np.isnan(wanted).tolist() == [True] * (n - 1) + [False]
