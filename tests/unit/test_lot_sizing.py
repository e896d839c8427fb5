"""Net requirements and Wagner-Whitin's problem: against every plan of small items, and against the recursion of 1958
on long ones.
"""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from invopt.theory.lot_sizing.net_requirements import net_requirements, order_up_to_levels
from invopt.theory.lot_sizing.search import best_orders

PERIODS = 6
numbers = st.lists(st.integers(0, 9), min_size=PERIODS, max_size=PERIODS)


def one(values: list) -> np.ndarray:
    return np.array([values], float)


def best_of_all(need: list, fixed: list, unit: list, holding: list) -> float:
    """Least cost over all sets of order periods; each requirement comes from the cheapest order before it."""
    best = np.inf
    for ordered in itertools.product((False, True), repeat=len(need)):
        cost = sum(k for k, is_ordered in zip(fixed, ordered, strict=True) if is_ordered)
        for t, units in enumerate(need):
            if units:
                cost += units * min((unit[s] + sum(holding[s:t]) for s in range(t + 1) if ordered[s]), default=np.inf)
        best = min(best, cost)
    return best


@settings(max_examples=200, deadline=None)
@given(numbers, numbers, numbers, numbers)
def test_no_plan_is_cheaper(need, fixed, unit, holding):
    quantity, cost = best_orders(one(need), np.array([PERIODS]), np.array([0]), one(fixed), one(unit), one(holding))
    assert abs(cost[0] - best_of_all(need, fixed, unit, holding)) < 1e-9
    assert quantity.sum() == sum(need) and (np.cumsum(quantity[0]) >= np.cumsum(need)).all()


def recursion(need: np.ndarray, fixed: np.ndarray, unit: np.ndarray, holding: np.ndarray) -> float:
    """Wagner and Whitin's own: O(T^2)."""
    least = np.full(len(need) + 1, np.inf)
    least[-1] = 0
    for s in range(len(need) - 1, -1, -1):
        if need[s] == 0:
            least[s] = least[s + 1]
        per_unit = unit[s] + np.concatenate([[0], np.cumsum(holding[s:-1])])
        least[s] = min(least[s], (fixed[s] + np.cumsum(need[s:] * per_unit) + least[s + 1 :]).min())
    return least[0]


def test_long_plans_cost_what_the_recursion_finds():
    rng = np.random.default_rng(1)
    for n_periods in (28, 120, 365):
        for scale in (1.0, 50.0, 5000.0):
            need = rng.integers(0, 30, n_periods) * (rng.random(n_periods) < 0.7)
            fixed, unit, holding = (
                scale * rng.random(n_periods),
                rng.random(n_periods),
                rng.random(n_periods) * rng.choice([0.01, 1]),
            )
            cost = best_orders(
                need[None, :], np.array([n_periods]), np.array([0]), fixed[None, :], unit[None, :], holding[None, :]
            )[1][0]
            assert abs(cost / recursion(need, fixed, unit, holding) - 1) < 1e-12


def test_holding_is_that_of_the_day_the_order_arrives():
    # an order of period 0 is there in period 2 and is held through it for the requirement of period 3
    quantity, cost = best_orders(
        one([1, 1, 0, 0]), np.array([2]), np.array([2]), one([10]), one([0]), one([100, 100, 3, 7])
    )
    assert quantity.tolist() == [[2, 0, 0, 0]] and cost.tolist() == [13]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(0, 5), min_size=1, max_size=12), st.integers(-5, 20), st.integers(0, 14))
def test_requirements_keep_the_sum_and_never_run_short_after_the_first_arrival(demand, position, lead_time):
    n = len(demand)
    found = net_requirements(one(demand), np.array([n]), np.array([float(position)]), np.array([lead_time]))
    assert (found.whole_demand == np.rint(found.whole_demand)).all() and (found.requirement >= 0).all()
    whole = np.cumsum(found.whole_demand[0])
    assert (whole >= np.cumsum(demand) - 1e-6).all() and (whole < np.cumsum(demand) + 1).all()
    if lead_time < n:
        arrived = np.concatenate([np.zeros(lead_time), np.cumsum(found.requirement[0])])[:n]
        assert (position + arrived >= whole)[lead_time:].all()
        assert found.requirement.sum() == max(0, whole[-1] - position)
    assert found.short[0] == (max(0, whole[min(lead_time, n) - 1] - position) if lead_time else 0)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.floats(0, 5), min_size=1, max_size=10),
    st.lists(st.integers(0, 9), max_size=13),
    st.integers(-5, 12),
    st.integers(0, 4),
)
def test_receipts_count_from_their_day(demand, receipts, there, lead_time):
    n, position = len(demand), float(there + sum(receipts))
    arguments = one(demand), np.array([n]), np.array([position]), np.array([lead_time])
    found = net_requirements(*arguments, one(receipts) if receipts else np.zeros((1, 0)))
    whole = np.cumsum(found.whole_demand[0])
    came = there + np.cumsum([*receipts, *[0] * n][:n])
    # the least that orders must have brought: looked for unit by unit
    brought, needed = 0, []
    for t in range(lead_time, n):
        while came[t] + brought < whole[t]:
            brought += 1
        needed.append(brought)
    assert np.cumsum(found.requirement[0])[: max(0, n - lead_time)].tolist() == needed
    assert found.short[0] == max([0, *(whole - came)[:lead_time]])
    assert found.position[0] == position


def test_what_a_receipt_serves_late_is_not_ordered_again():
    # nothing is there until 380 come on day 1; an order of today comes on day 4, and all is there by then
    receipts, demand = one([0, 380]), np.full((1, 6), 50.0)
    found = net_requirements(demand, np.array([6]), np.array([380.0]), np.array([4]), receipts)
    assert found.short.tolist() == [50] and found.requirement.sum() == 0


def test_receipts_of_the_first_day_are_stock():
    for receipts in (None, one([4.0]), np.zeros((1, 0))):
        found = net_requirements(one([2, 2, 2]), np.array([3]), np.array([4.0]), np.array([0]), receipts)
        assert found.requirement.tolist() == [[0, 0, 2]]


def test_a_slow_mover_is_one_unit_in_a_hundred_days():
    found = net_requirements(np.full((1, 365), 0.01), np.array([365]), np.zeros(1), np.zeros(1))
    assert found.whole_demand.sum() == 4 and np.flatnonzero(found.whole_demand[0]).tolist() == [0, 100, 200, 300]


def test_a_level_is_the_position_after_the_order():
    found = net_requirements(one([2, 3, 4, 1]), np.array([4]), np.array([6.0]), np.array([1]))
    quantity = one([3, 1, 0, 0])
    assert order_up_to_levels(quantity, found).tolist() == [[9, 8, 5, 1]]
