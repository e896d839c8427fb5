"""Dynamic lot sizing: published optima, model against algorithm, extremes, bad inputs, order rule."""

from __future__ import annotations

from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pandas as pd
import pyomo.environ as pyo
import pytest
from pyomo.repn import generate_standard_repn

from invopt.errors import ParameterError
from invopt.policies import load
from invopt.policies.dynamic_lot_sizing import POLICY, DynamicLotSizingParams
from invopt.solving import highs
from tests.items.dynamic_lot_sizing import cells, random_items
from tests.published import lot_sizing

INSTANCES = Path(__file__).parents[3] / "shared" / "data" / "instances"
PARAMS = DynamicLotSizingParams()


def frame(*items: dict) -> pd.DataFrame:
    """A DataFrame of the policy's input columns as the engine gives it: series are arrays in object columns."""
    return pd.DataFrame(
        {
            column.name: pd.Series([item[column.name] for item in items], dtype=float)
            if column.type == "double"
            else cells([item[column.name] for item in items])
            for column in POLICY.input_columns
        }
    )


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


def exact(items: pd.DataFrame):
    return POLICY.solve_exact(items, np.arange(len(items) + 1), PARAMS)


def solved(items: pd.DataFrame) -> tuple[pyo.ConcreteModel, float]:
    model = POLICY.build_model(items, PARAMS)
    return model, highs.solve(model, 60.0, {}).objective


def decided(model: pyo.ConcreteModel, name: str) -> np.ndarray:
    component = getattr(model, name)
    return np.array([[pyo.value(component[i, t]) for t in model.PERIODS] for i in model.ITEMS])


@pytest.mark.parametrize("example", POLICY.examples, ids=lambda example: example.name)
def test_published_optima_are_reached_by_model_and_by_algorithm(example):
    items = frame(*example.items)
    found = exact(items)
    assert found.cost[0] == pytest.approx(example.cost, rel=1e-9)
    model, objective = solved(items)
    assert objective == pytest.approx(example.cost, rel=1e-9)
    for name, values in example.decisions.items():
        assert found.decisions[name].tolist() == list(values)
        np.testing.assert_allclose(decided(model, name), values, atol=1e-6)


def largest_difference(rng: np.random.Generator, n: int) -> float:
    items = random_items(rng, n)
    found = exact(items)
    largest = 0.0
    for i in range(n):
        model, objective = solved(items.iloc[[i]])
        largest = max(largest, abs(objective - found.cost[i]) / max(abs(found.cost[i]), 1e-9))
        quantity, level = decided(model, "ORDER_QUANTITY")[0], decided(model, "ORDER_UP_TO_LEVEL")[0]
        assert np.abs(quantity - np.rint(quantity)).max() < 1e-6 and (quantity > -1e-9).all()
        # two plans may cost the same; then both are right
        if np.allclose(quantity, found.decisions["ORDER_QUANTITY"][i], atol=1e-6):
            np.testing.assert_allclose(level, found.decisions["ORDER_UP_TO_LEVEL"][i], atol=1e-5)
    return largest


def test_model_and_algorithm_find_the_same_cost():
    assert largest_difference(np.random.default_rng(1), 40) < 1e-9


@pytest.mark.slow
def test_model_and_algorithm_find_the_same_cost_of_a_thousand_items():
    largest = largest_difference(np.random.default_rng(2), 1000)
    print(f"largest relative difference of 1,000 items: {largest:.2e}")
    assert largest < 1e-9


def order_arcs(model: pyo.ConcreteModel, end: int) -> set[tuple[int, int]]:
    """(s, e) of the arcs of a model of one item by which an order in s covers the periods s..e-1; the path ends at
    `end`.
    """
    starts, ends = {}, {}
    for (_, period), row in model.as_many_leave_as_arrive.items():
        terms = generate_standard_repn(row.body)
        for sign, arc in zip(terms.linear_coefs, terms.linear_vars, strict=True):
            (starts if sign > 0 else ends)[arc.index()] = period
    ordering = [arc for orders in model.ORDER_QUANTITY.values() for arc in generate_standard_repn(orders).linear_vars]
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
        kept = order_arcs(POLICY.build_model(frame(item), PARAMS), int(np.flatnonzero(need)[-1]) + 1)
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
    found = exact(frame(item))
    assert solved(frame(item))[1] == pytest.approx(found.cost[0], rel=1e-9)


def test_a_model_of_several_items_holds_the_share_of_each():
    items = pd.concat(
        [random_items(np.random.default_rng(4), 5), frame(an_item(demand_mean=np.zeros(28)))], ignore_index=True
    )
    model, objective = solved(items)
    found = exact(items)
    np.testing.assert_allclose([pyo.value(model.item_cost[i]) for i in model.ITEMS], found.cost, rtol=1e-9)
    assert objective == pytest.approx(found.cost.sum(), rel=1e-9)


@pytest.mark.parametrize(
    "changes",
    [{"demand_mean": np.zeros(4)}, {"inventory_position": 50.0}, {"demand_mean": np.zeros(4), "lead_time": 9.0}],
    ids=["no demand", "enough stock", "no demand within the lead time"],
)
def test_nothing_needed_orders_nothing(changes):
    found = exact(frame(an_item(**changes)))
    assert found.cost.tolist() == [0] and not found.decisions["ORDER_QUANTITY"].any() and found.message is None
    model, objective = solved(frame(an_item(**changes)))
    assert objective == 0 and not decided(model, "ORDER_QUANTITY").any()
    np.testing.assert_allclose(decided(model, "ORDER_UP_TO_LEVEL"), found.decisions["ORDER_UP_TO_LEVEL"])


def test_what_is_short_before_the_first_arrival_comes_with_it_and_is_said():
    found = exact(frame(an_item(lead_time=1.2, inventory_position=-2.0)))
    # the demand of days 0 and 1 and the two owed, for an order of day 0 that is there on day 2; the five of day 3 with
    # it
    assert found.decisions["ORDER_QUANTITY"].tolist() == [[14, 0, 0, 0]]
    assert found.decisions["ORDER_UP_TO_LEVEL"].tolist() == [[12, 9, 5, 5]]
    assert found.cost[0] == (10 + 2 * 14 + 5) / 4
    assert found.message[0] == "9 units are late until the first order can arrive, on day 2"


def test_fast_and_slow_movers_are_planned_in_whole_units():
    items = frame(an_item(demand_mean=np.full(365, 0.01)), an_item(demand_mean=np.full(365, 12_000.3)))
    found = exact(items)
    quantity = found.decisions["ORDER_QUANTITY"]
    assert quantity.sum(axis=1).tolist() == [4, np.ceil(365 * 12_000.3)] and (quantity == np.rint(quantity)).all()
    assert solved(items)[1] == pytest.approx(found.cost.sum(), rel=1e-9)


def test_money_in_cents_gives_the_same_plan_at_a_hundred_times_the_cost():
    items = random_items(np.random.default_rng(5), 30)
    money = [column.name for column in POLICY.input_columns if column.unit.startswith("money")]
    cents = items.assign(
        **{name: cells([None if cell is None else 100 * cell for cell in items[name]]) for name in money}
    )
    np.testing.assert_allclose(exact(cents).cost, 100 * exact(items).cost, rtol=1e-9)
    assert solved(cents.iloc[[0]])[1] == pytest.approx(100 * solved(items.iloc[[0]])[1])


BAD = {
    "negative order cost": (
        {"fixed_order_cost": np.array([-1.0])},
        "fixed_order_cost must hold one finite value of 0 or more",
    ),
    "no order cost": ({"fixed_order_cost": None}, "fixed_order_cost must hold"),
    "infinite holding cost": ({"holding_cost": np.array([np.inf])}, "holding_cost must hold"),
    "two holding costs": ({"holding_cost": np.array([1.0, 2.0])}, "holding_cost must hold"),
    "unit cost NaN": ({"unit_cost": np.array([1.0, np.nan, 1.0, 1.0])}, "unit_cost must hold"),
    "no demand series": ({"demand_mean": None}, "demand_mean must be a series"),
    "empty demand": ({"demand_mean": np.array([])}, "demand_mean must be a series"),
    "negative demand": ({"demand_mean": np.array([1.0, -1.0])}, "demand_mean must be a series"),
    "too much": ({"demand_mean": np.array([1e10])}, "count in larger units"),
    "position NaN": ({"inventory_position": np.nan}, "inventory_position is nan"),
    "negative lead time": ({"lead_time": -1.0}, "lead_time is -1.0"),
    "lead time past the plan": ({"lead_time": 4.0}, "forecast more than 4 days"),
}


def test_bad_items_get_a_message_and_leave_the_others_alone():
    good = random_items(np.random.default_rng(6), len(BAD))[[column.name for column in POLICY.input_columns]]
    bad = frame(*(an_item(**changes) for changes, _ in BAD.values()))
    found, alone = exact(pd.concat([bad, good], ignore_index=True)), exact(good)
    for i, (name, (_, text)) in enumerate(BAD.items()):
        assert text in (found.message[i] or ""), (name, found.message[i])
        assert np.isnan(found.cost[i]) and all(np.isnan(values[i]).all() for values in found.decisions.values()), name
    np.testing.assert_array_equal(found.cost[len(BAD) :], alone.cost)


@pytest.mark.parametrize("bad", BAD)
def test_the_model_of_a_bad_item_says_what_is_wrong(bad):
    changes, text = BAD[bad]
    with pytest.raises(ParameterError) as refused:
        POLICY.build_model(frame(an_item(**changes)), PARAMS)
    assert text in str(refused.value)


def test_an_empty_bucket_has_an_empty_solution():
    found = exact(frame())
    assert found.cost.shape == (0,) and found.message is None and set(found.decisions) == set(POLICY.decisions)


def test_plans_of_different_length_in_one_bucket_are_those_they_are_alone():
    items = [an_item(), an_item(demand_mean=np.full(9, 2.5), holding_cost=np.full(9, 0.1))]
    both, short = exact(frame(*items)), exact(frame(items[0]))
    assert both.cost[0] == short.cost[0]
    assert both.decisions["ORDER_QUANTITY"][0].tolist() == [*short.decisions["ORDER_QUANTITY"][0], *[0] * 5]
    assert (both.decisions["ORDER_UP_TO_LEVEL"][0, 4:] == short.decisions["ORDER_UP_TO_LEVEL"][0, 3]).all()


def test_an_order_follows_the_plan_when_demand_is_as_forecast():
    items = random_items(np.random.default_rng(7), 50)
    found = exact(items)
    position = np.floor(items["inventory_position"].to_numpy() + 1e-9)
    demand = np.stack(items["demand_mean"].to_list())
    # cumulative and rounded up as in the plan
    whole = np.diff(np.ceil(np.cumsum(demand, axis=1) * (1 - 1e-9) - 1e-9), axis=1, prepend=0)
    last_order = np.full(len(items), np.nan)
    for period in range(demand.shape[1]):
        state = pd.DataFrame(
            {"inventory_position": position, "period": period, "days_since_order": period - last_order}
        )
        wanted = POLICY.order(found.decisions, state)
        np.testing.assert_array_equal(wanted, found.decisions["ORDER_QUANTITY"][:, period])
        last_order[wanted > 0] = period
        position = position + wanted - whole[:, period]


def test_order_beyond_the_plan_or_without_a_decision_or_position_is_unknown():
    decisions = dict.fromkeys(POLICY.decisions, np.array([[1.0], [np.nan], [1.0], [1.0]]))
    state = pd.DataFrame(
        {"inventory_position": [0.0, 0.0, np.nan, 0.0], "period": [1, 0, 0, np.nan], "days_since_order": np.nan}
    )
    assert np.isnan(POLICY.order(decisions, state)).all()


def test_a_planned_order_whose_day_had_no_run_is_made_up_for():
    decisions = {
        "ORDER_QUANTITY": np.array([[20.0, 0.0, 20.0]] * 4),
        "ORDER_UP_TO_LEVEL": np.array([[20.0, 12.0, 25.0]] * 4),
    }
    state = pd.DataFrame(
        {"inventory_position": [-3.0, 9.0, 9.0, 30.0], "period": 1, "days_since_order": [np.nan, 8.0, 1.0, 8.0]}
    )
    # never ordered, ordered before the plan, ordered on the plan's day, enough there
    assert POLICY.order(decisions, state).tolist() == [15.0, 3.0, 0.0, 0.0]


def test_a_plan_of_one_day_is_ordered():
    decisions = {"ORDER_QUANTITY": np.array([20.0]), "ORDER_UP_TO_LEVEL": np.array([20.0])}
    state = pd.DataFrame({"inventory_position": [5.0], "period": [0], "days_since_order": [np.nan]})
    assert POLICY.order(decisions, state).tolist() == [15.0]


def test_the_engine_finds_the_policy():
    assert load("dynamic_lot_sizing") is POLICY


@pytest.mark.skipif(not INSTANCES.is_dir(), reason="the published instances are not on this machine")
def test_the_published_instances_are_solved():
    found = lot_sizing.rows(INSTANCES)
    assert len(found) == 8
    for row in found:
        assert row.ours == pytest.approx(row.published, rel=1e-9), row
