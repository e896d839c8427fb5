"""Dynamic lot sizing: model against algorithm, all arcs of small plans, extremes, costs of any plan, order rule."""

from __future__ import annotations

from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pandas as pd
import pyomo.environ as pyo
import pytest
from pyomo.repn import generate_standard_repn

from invopt.policies.base import Answer
from invopt.policies.dynamic_lot_sizing import POLICY, DynamicLotSizingParams
from invopt.theory.order_rules import Stock
from tests.items import Solved, answer, frame, items_of, model, solved_model
from tests.items.dynamic_lot_sizing import random_items
from tests.published import lot_sizing

INSTANCES = Path(__file__).parents[3] / "shared" / "data" / "instances"
PARAMS = DynamicLotSizingParams()


def an_item(**changes) -> dict:
    item = {
        "fixed_order_cost": np.array([10.0]),
        "holding_cost": np.array([1.0]),
        "unit_cost": np.array([2.0]),
        "inventory_position": 0.0,
        "lead_time": 0.0,
        "demand_mean": np.array([3.0, 4.0, 0.0, 5.0]),
    }
    return {**item, **changes}


def solved(*items: dict) -> Solved:
    return answer(POLICY, frame(POLICY, *items))


def algorithm(*items: dict) -> Answer:
    """As the bucket gets it: as wide as its longest plan."""
    return POLICY.algorithm(items_of(POLICY, frame(POLICY, *items)), PARAMS)


def decided(built: pyo.ConcreteModel, name: str) -> np.ndarray:
    component = getattr(built, name)
    return np.array([[pyo.value(component[i, t]) for t in built.PERIODS] for i in built.ITEMS])


def largest_difference(rng: np.random.Generator, n: int) -> float:
    items = random_items(rng, n)
    found = answer(POLICY, items)
    largest = 0.0
    for i in range(n):
        built = solved_model(POLICY, items.iloc[[i]])
        largest = max(largest, abs(pyo.value(built.total_cost) - found.cost[i]) / max(abs(found.cost[i]), 1e-9))
        quantity, level = decided(built, "ORDER_QUANTITY")[0], decided(built, "ORDER_UP_TO_LEVEL")[0]
        assert np.abs(quantity - np.rint(quantity)).max() < 1e-6 and (quantity > -1e-9).all()
        # two plans may cost the same; then both are right
        if np.allclose(quantity, found.decisions["ORDER_QUANTITY"][i], atol=1e-6):
            np.testing.assert_allclose(level, found.decisions["ORDER_UP_TO_LEVEL"][i], atol=1e-5)
    return largest


@pytest.mark.slow
def test_model_and_algorithm_find_the_same_cost_of_a_thousand_items():
    largest = largest_difference(np.random.default_rng(2), 1000)
    print(f"largest relative difference of 1,000 items: {largest:.2e}")
    assert largest < 1e-9


def order_arcs(built: pyo.ConcreteModel, end: int) -> set[tuple[int, int]]:
    """(s, e) of the arcs of a model of one item by which an order in s covers the periods s..e-1; the path ends at
    `end`.
    """
    starts, ends = {}, {}
    for (_, period), row in built.as_many_leave_as_arrive.items():
        terms = generate_standard_repn(row.body)
        for sign, arc in zip(terms.linear_coefs, terms.linear_vars, strict=True):
            (starts if sign > 0 else ends)[arc.index()] = period
    ordering = [arc for orders in built.ORDER_QUANTITY.values() for arc in generate_standard_repn(orders).linear_vars]
    return {(starts[arc.index()], ends.get(arc.index(), end)) for arc in ordering}


def test_no_arc_of_any_optimum_is_left_out_of_the_model():
    """All plans of six periods, with prices and demands so few that many optima cost the same."""
    rng, n_left_out = np.random.default_rng(5), 0
    for _ in range(60):
        need, holding = rng.integers(0, 4, 6), rng.integers(0, 3, 6).astype(float)
        fixed, unit = rng.integers(0, 9, 6).astype(float), rng.integers(1, 4, 6).astype(float)
        if not need.any():
            continue
        item = an_item(fixed_order_cost=fixed, holding_cost=holding, unit_cost=unit, demand_mean=need.astype(float))
        kept = order_arcs(model(POLICY, frame(POLICY, item)), int(np.flatnonzero(need)[-1]) + 1)
        n_left_out += 21 - len(kept)
        plans = []
        for chosen in product([False, True], repeat=6):
            orders = np.flatnonzero(chosen).tolist()
            covered = [(s, [u for u in range(s, e) if need[u]]) for s, e in pairwise([*orders, 6])]
            if sum(len(periods) for _, periods in covered) == (need > 0).sum() and all(
                periods for _, periods in covered
            ):
                cost = sum(
                    fixed[s] + sum(need[u] * (unit[s] + holding[s:u].sum()) for u in periods) for s, periods in covered
                )
                plans.append((cost, {(s, periods[-1] + 1) for s, periods in covered}))
        least = min(cost for cost, _ in plans)
        assert all(arcs <= kept for cost, arcs in plans if cost <= least + 1e-9)
    assert n_left_out > 300


def test_a_year_is_planned_by_both():
    rng = np.random.default_rng(3)
    item = an_item(
        demand_mean=rng.uniform(0, 40, 365), fixed_order_cost=np.array([300.0]), inventory_position=100.0, lead_time=5.0
    )
    built = solved_model(POLICY, frame(POLICY, item))
    assert pyo.value(built.total_cost) == pytest.approx(solved(item).cost[0], rel=1e-9)


def test_a_model_of_several_items_holds_the_share_of_each():
    idle = frame(POLICY, an_item(demand_mean=np.zeros(28)))
    items = pd.concat([random_items(np.random.default_rng(4), 5), idle], ignore_index=True)
    found, built = answer(POLICY, items), solved_model(POLICY, items)
    np.testing.assert_allclose([pyo.value(built.item_cost[i]) for i in built.ITEMS], found.cost, rtol=1e-9)
    assert pyo.value(built.total_cost) == pytest.approx(found.cost.sum(), rel=1e-9)


@pytest.mark.parametrize(
    "changes",
    [{"demand_mean": np.zeros(4)}, {"inventory_position": 50.0}, {"demand_mean": np.zeros(4), "lead_time": 9.0}],
    ids=["no demand", "enough stock", "no demand within the lead time"],
)
def test_nothing_needed_orders_nothing(changes):
    found, built = solved(an_item(**changes)), solved_model(POLICY, frame(POLICY, an_item(**changes)))
    assert found.cost.tolist() == [0] and not found.decisions["ORDER_QUANTITY"].any() and found.message[0] is None
    assert pyo.value(built.total_cost) == 0 and not decided(built, "ORDER_QUANTITY").any()
    np.testing.assert_allclose(decided(built, "ORDER_UP_TO_LEVEL"), found.decisions["ORDER_UP_TO_LEVEL"])


def test_what_is_short_before_the_first_arrival_comes_with_it_and_is_said():
    found = solved(an_item(lead_time=1.2, inventory_position=-2.0))
    # the demand of days 0 and 1 and the two owed, for an order of day 0 that is there on day 2; the five of day 3 with
    # it
    assert found.decisions["ORDER_QUANTITY"].tolist() == [[14, 0, 0, 0]]
    assert found.decisions["ORDER_UP_TO_LEVEL"].tolist() == [[12, 9, 5, 5]]
    assert found.cost[0] == (10 + 2 * 14 + 5) / 4
    assert found.message[0] == "9 units are late until the first order can arrive, on day 2"


def test_fast_and_slow_movers_are_planned_in_whole_units():
    items = frame(POLICY, an_item(demand_mean=np.full(365, 0.01)), an_item(demand_mean=np.full(365, 12_000.3)))
    found = answer(POLICY, items)
    quantity = found.decisions["ORDER_QUANTITY"]
    assert quantity.sum(axis=1).tolist() == [4, np.ceil(365 * 12_000.3)] and (quantity == np.rint(quantity)).all()
    assert pyo.value(solved_model(POLICY, items).total_cost) == pytest.approx(found.cost.sum(), rel=1e-9)


def test_any_plan_costs_what_its_orders_and_its_stock_do():
    """Orders of day t arrive in t + 1; days need 3, 4, 2 and 5 units, of which 3 are there."""
    item = an_item(
        demand_mean=np.array([3.0, 4.0, 2.0, 5.0]),
        inventory_position=3.0,
        lead_time=1.0,
        fixed_order_cost=np.array([10.0, 11.0, 12.0, 13.0]),
        holding_cost=np.array([1.0, 2.0, 3.0, 4.0]),
    )
    plans = {
        "as needed": ([4, 2, 5, 0], 10 + 11 + 12 + 2 * 11),
        "at once, and more": ([12, 0, 0, 0], 10 + 2 * 12 + 2 * 8 + 3 * 6 + 4 * 1),
        "half units": ([4.5, 1.5, 5, 0], 10 + 11 + 12 + 2 * 11 + 2 * 0.5),
        "too late": ([3, 3, 5, 0], np.nan),
        "arrives after the plan": ([4, 2, 5, 1], np.nan),
        "sent back": ([12, -1, 0, 0], np.nan),
        "not known": ([4, 2, np.nan, 0], np.nan),
    }
    read = items_of(POLICY, frame(POLICY, *[item] * len(plans)))
    quantity = np.array([plan for plan, _ in plans.values()], float)
    for given in (quantity, np.hstack([quantity, np.full((len(plans), 3), np.nan)])):
        costs = POLICY.cost(read, {"ORDER_QUANTITY": given}, PARAMS)
        np.testing.assert_allclose(4 * costs, [cost for _, cost in plans.values()], rtol=1e-12)
    assert np.isnan(POLICY.cost(read, {"ORDER_QUANTITY": quantity[:, :3]}, PARAMS)).all()


def test_plans_of_different_length_in_one_bucket_are_those_they_are_alone():
    items = [an_item(), an_item(demand_mean=np.full(9, 2.5), holding_cost=np.full(9, 0.1))]
    both, short = algorithm(*items), algorithm(items[0])
    assert both.cost[0] == short.cost[0]
    assert both.decisions["ORDER_QUANTITY"][0].tolist() == [*short.decisions["ORDER_QUANTITY"][0], *[0] * 5]
    assert (both.decisions["ORDER_UP_TO_LEVEL"][0, 4:] == short.decisions["ORDER_UP_TO_LEVEL"][0, 3]).all()


def test_an_order_follows_the_plan_when_demand_is_as_forecast():
    rng = np.random.default_rng(7)
    items = random_items(rng, 50)
    items["scheduled_receipts"] = [rng.integers(0, 9, rng.integers(0, 12)).astype(float) for _ in range(50)]
    found = answer(POLICY, items)
    position = np.floor(items["inventory_position"].to_numpy() + 1e-9)
    demand = np.stack(items["demand_mean"].to_list())
    # cumulative and rounded up as in the plan
    whole = np.diff(np.ceil(np.cumsum(demand, axis=1) * (1 - 1e-9) - 1e-9), axis=1, prepend=0)
    last_order = np.full(len(items), np.nan)
    for period in range(demand.shape[1]):
        wanted = POLICY.order(found.decisions, Stock.of(position, period - last_order, period))
        np.testing.assert_array_equal(wanted, found.decisions["ORDER_QUANTITY"][:, period])
        last_order[wanted > 0] = period
        position = position + wanted - whole[:, period]


def test_an_order_of_the_far_future_does_not_serve_tomorrow():
    # 5 a day, nothing there: of 100 on order in 20 days none serves the days before
    late = np.append(np.zeros(20), 100.0)
    item = an_item(demand_mean=np.full(28, 5.0), inventory_position=100.0, lead_time=1.0, scheduled_receipts=late)
    found = solved(item)
    # day 0 is late whatever is planned, and days 1 to 19 are short without orders; then 100 come, for 40 more
    assert found.decisions["ORDER_QUANTITY"][0].sum() == 20 * 5 and found.decisions["ORDER_QUANTITY"][0, 0] >= 10
    assert "5 units are late until the first order can arrive, on day 1" in found.message[0]
    without = solved(an_item(demand_mean=np.full(28, 5.0), inventory_position=100.0, lead_time=1.0))
    assert without.decisions["ORDER_QUANTITY"][0, 0] == 0 and without.message[0] is None


def test_receipts_that_the_position_does_not_hold_are_told():
    # who gives the stock alone as position has as many units owed, and would order them without a word
    found = solved(an_item(inventory_position=2.0, scheduled_receipts=np.array([0.0, 7.0])), an_item())
    assert "scheduled_receipts are 5 units more than inventory_position" in found.message[0]
    assert found.message[1] is None


def test_receipts_that_are_no_series_of_units_are_refused():
    for wrong in ([1.0, -1.0], [np.inf], [np.nan]):
        found = solved(an_item(scheduled_receipts=np.array(wrong)))
        assert "scheduled_receipts" in found.message[0] and np.isnan(found.cost[0])


def test_an_order_beyond_the_plan_is_unknown():
    decisions = dict.fromkeys(POLICY.decision_names, np.ones((2, 1)))
    assert np.isnan(POLICY.order(decisions, Stock.of([0.0, 0.0], period=[1, np.nan]))).all()


def test_a_planned_order_whose_day_had_no_run_is_made_up_for():
    decisions = {
        "ORDER_QUANTITY": np.array([[20.0, 0.0, 20.0]] * 4),
        "ORDER_UP_TO_LEVEL": np.array([[20.0, 12.0, 25.0]] * 4),
    }
    stock = Stock.of([-3.0, 9.0, 9.0, 30.0], [np.nan, 8.0, 1.0, 8.0], 1)
    # never ordered, ordered before the plan, ordered on the plan's day, enough there
    assert POLICY.order(decisions, stock).tolist() == [15.0, 3.0, 0.0, 0.0]


def test_a_plan_of_one_day_is_ordered():
    decisions = {"ORDER_QUANTITY": np.array([20.0]), "ORDER_UP_TO_LEVEL": np.array([20.0])}
    assert POLICY.order(decisions, Stock.of([5.0])).tolist() == [15.0]


@pytest.mark.skipif(not INSTANCES.is_dir(), reason="the published instances are not on this machine")
def test_the_published_instances_are_solved():
    found = lot_sizing.rows(INSTANCES)
    assert len(found) == 8
    for row in found:
        assert row.ours == pytest.approx(row.published, rel=1e-9), row
