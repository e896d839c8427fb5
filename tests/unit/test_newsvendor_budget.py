"""The policy newsvendor_budget: published optima, model against exact algorithm and brute force, service, bad
inputs, real sales.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pyomo.environ as pyo
import pytest

from invopt.errors import ParameterError
from invopt.policies import load
from invopt.policies.newsvendor_budget import POLICY, NewsvendorBudgetParams
from invopt.solving import highs
from invopt.solving.outcome import Status
from invopt.theory.demand.distributions import normal_cdf, normal_loss, pmf_loss, poisson_cdf, poisson_loss
from invopt.theory.newsvendor.textbook import newsvendor_normal, newsvendor_pmf, newsvendor_poisson
from tests.items.newsvendor_budget import FORMS, PARAMS, random_items

YAZ = Path(__file__).parents[3] / "shared" / "data" / "retail" / "yaz_target.csv"


def frame(*items: dict) -> pd.DataFrame:
    """A DataFrame of the policy's input columns as the engine gives it: series are arrays in object columns."""
    return pd.DataFrame(
        {
            column.name: pd.Series(
                [item[column.name] for item in items], dtype=float if column.type == "double" else object
            )
            for column in POLICY.input_columns
        }
    )


def item(**changes) -> dict:
    row = {
        "unit_cost": 1.0,
        "disposal_cost": None,
        "lost_sale_cost": 4.0,
        "list_price": None,
        "purchase_budget": None,
        "service_level": None,
        "lead_time": 0.0,
        "lead_time_confidence": 0.0,
        "demand_distribution": "poisson",
        "demand_mean": np.array([6.0]),
        "demand_variance": np.array([6.0]),
        "demand_pmf": None,
    }
    return {**row, **changes}


def exact(items: pd.DataFrame, offsets: np.ndarray | None = None, **params):
    return POLICY.solve_exact(
        items, np.array([0, len(items)]) if offsets is None else offsets, NewsvendorBudgetParams(**params)
    )


def solve(items: pd.DataFrame, expected: float, **params) -> pyo.ConcreteModel:
    """The model after HiGHS has solved it; HiGHS lets the objective be 1e-6 off, so it is scaled to be large."""
    model = POLICY.build_model(items, NewsvendorBudgetParams(**params))
    scale = int(np.clip(np.round(np.log2(1e5 / max(expected, 1e-3))), -20, 20))
    found = highs.solve(model, 60.0, {"mip_rel_gap": 0.0, "mip_abs_gap": 1e-12, "user_objective_scale": scale})
    assert found.status is Status.OPTIMAL, found
    return model


def partitions(items: pd.DataFrame) -> np.ndarray:
    group = items.groupby(list(POLICY.partition_by), sort=False).ngroup().to_numpy()
    return np.concatenate([[0], np.flatnonzero(np.diff(group)) + 1, [len(items)]])


def largest_difference(rng: np.random.Generator, n_partitions: int, params: dict) -> float:
    """Between model and algorithm, relative, or to a millionth of missing all demand where the cost is next to
    nothing.
    """
    items = random_items(rng, n_partitions)
    offsets = partitions(items)
    found = exact(items, offsets, **params)
    assert found.bound is None
    largest, n_compared = 0.0, 0
    for k in range(n_partitions):
        rows = slice(offsets[k], offsets[k + 1])
        one = items.iloc[rows].reset_index(drop=True)
        cost = found.cost[rows].sum()
        if np.isnan(cost):
            assert "service levels asked for cost" in found.message[rows][0]
            with pytest.raises(ParameterError, match="service levels asked for cost"):
                POLICY.build_model(one, NewsvendorBudgetParams(**params))
            continue
        n_compared += 1
        model = solve(one, cost, **params)
        everything = (one["list_price"] * one["demand_mean"].map(np.mean)).sum()
        largest = max(largest, abs(pyo.value(model.total_cost) - cost) / max(cost, 1e-6 * everything, 1e-12))
        level = np.array([pyo.value(model.BASE_STOCK_LEVEL[i]) for i in model.ITEMS])
        np.testing.assert_allclose(level, np.rint(level), atol=1e-6)
        for s in (level, found.decisions["BASE_STOCK_LEVEL"][rows]):
            assert not (one["unit_cost"] * s).sum() > one["purchase_budget"][0] * (1 + 1e-9)
        assert sum(pyo.value(model.item_cost[i]) for i in model.ITEMS) == pytest.approx(
            pyo.value(model.total_cost), abs=1e-9
        )
    assert n_compared > 0.8 * n_partitions
    return largest


@pytest.mark.parametrize("example", POLICY.examples, ids=lambda example: example.name)
def test_published_optima_are_reached_by_model_and_by_algorithm(example):
    items = frame(*example.items)
    found = exact(items, **example.params)
    assert found.cost.sum() == pytest.approx(example.cost, rel=1e-6)
    model = solve(items, example.cost, **example.params)
    assert pyo.value(model.total_cost) == pytest.approx(example.cost, rel=1e-6)
    assert found.decisions["BASE_STOCK_LEVEL"].tolist() == list(example.decisions["BASE_STOCK_LEVEL"])


@pytest.mark.parametrize("params", PARAMS, ids=str)
def test_model_and_algorithm_find_the_same_cost(params):
    assert largest_difference(np.random.default_rng(1), 7, params) < 1e-9


@pytest.mark.slow
def test_model_and_algorithm_find_the_same_cost_of_a_thousand_partitions():
    largest = max(largest_difference(np.random.default_rng(100 + k), 200, params) for k, params in enumerate(PARAMS))
    print(f"largest relative difference of 1,000 partitions: {largest:.2e}")
    assert largest < 1e-9


def test_brute_force_finds_nothing_better():
    rng = np.random.default_rng(2)
    for _ in range(15):
        n = int(rng.integers(1, 4))
        mean, c, u = rng.uniform(0.2, 6, n), rng.uniform(0.3, 3, n), rng.uniform(0.5, 9, n)
        budget = rng.uniform(0.2, 1.2) * (c * mean).sum()
        items = frame(
            *(
                item(unit_cost=c[i], lost_sale_cost=u[i], demand_mean=mean[i : i + 1], purchase_budget=budget)
                for i in range(n)
            )
        )
        s = np.arange(25)
        costs = [c[i] * (s - mean[i]) + (c[i] + u[i]) * poisson_loss(s, mean[i]) for i in range(n)]
        expected = min(
            sum(costs[i][x] for i, x in enumerate(plan)) for plan in product(s, repeat=n) if c @ plan <= budget
        )
        assert exact(items).cost.sum() == pytest.approx(expected, rel=1e-9)


def test_without_a_budget_the_best_is_the_critical_fractile():
    pmf = np.array([0.2, 0.3, 0.2, 0.2, 0.1])
    rows = [
        item(),
        item(demand_distribution="pmf", demand_pmf=[pmf]),
        item(demand_distribution="normal", demand_mean=np.array([50.0]), demand_variance=np.array([64.0])),
    ]
    found = exact(frame(*rows))
    for i, (level, cost) in enumerate((newsvendor_poisson(1, 4, 6), newsvendor_pmf(1, 4, pmf))):
        assert found.decisions["BASE_STOCK_LEVEL"][i] == level and found.cost[i] == pytest.approx(
            float(cost), rel=1e-12
        )
    # whole levels of a Normal lie beside the real one and cost a little more
    level, cost = newsvendor_normal(1, 4, 50, 8)
    assert abs(found.decisions["BASE_STOCK_LEVEL"][2] - level) < 1 and cost <= found.cost[2] <= 1.01 * cost


def test_every_form_of_the_same_demand_costs_the_same():
    pmf = np.exp(-6) * np.cumprod(np.concatenate([[1.0], 6 / np.arange(1, 60)]))
    rows = [
        item(),
        item(demand_distribution="deterministic"),
        item(demand_distribution="pmf", demand_pmf=[pmf / pmf.sum()]),
    ]
    for params in ({}, {"protection_days": 4}, {"cost": "guide"}):
        rows = [{**row, "disposal_cost": 0.3} for row in rows]
        found = exact(frame(*rows), **params)
        np.testing.assert_allclose(found.cost, found.cost[0], rtol=1e-10)


def test_the_guide_counts_disposal_alone_and_the_lead_time_adds_days():
    row = item(disposal_cost=0.5)
    found = exact(frame(row), cost="guide")
    assert found.cost[0] == pytest.approx(
        0.5 * (found.decisions["BASE_STOCK_LEVEL"][0] - 6)
        + 4.5 * float(poisson_loss(found.decisions["BASE_STOCK_LEVEL"][0], 6.0))
    )
    later, longer = exact(frame(item(lead_time=2.0))), exact(frame(item()), protection_days=3)
    assert later.cost[0] == longer.cost[0] == pytest.approx(float(newsvendor_poisson(1, 4, 18).cost))


def test_a_service_level_is_the_least_that_is_kept():
    rows = [
        item(lost_sale_cost=0.1, service_level=0.9),
        item(lost_sale_cost=0.0, service_level=0.9, demand_distribution="normal", demand_mean=np.array([50.0])),
    ]
    cycle = exact(frame(*rows), service="cycle").decisions["BASE_STOCK_LEVEL"]
    assert poisson_cdf(cycle[0], 6.0) >= 0.9 > poisson_cdf(cycle[0] - 1, 6.0)
    assert normal_cdf(cycle[1], 50, np.sqrt(6)) >= 0.9 > normal_cdf(cycle[1] - 1, 50, np.sqrt(6))
    fill = exact(frame(*rows), service="fill_rate").decisions["BASE_STOCK_LEVEL"]
    assert poisson_loss(fill[0], 6.0) <= 0.6 < poisson_loss(fill[0] - 1, 6.0)
    assert normal_loss(fill[1], 50, np.sqrt(6)) <= 5 < normal_loss(fill[1] - 1, 50, np.sqrt(6))
    assert exact(frame(*rows)).decisions["BASE_STOCK_LEVEL"][0] < fill[0]


def test_a_budget_too_small_for_the_service_says_what_would_do():
    items = frame(item(service_level=0.9, purchase_budget=5.0))
    found = exact(items, service="cycle")
    assert (
        np.isnan(found.cost[0]) and "purchase_budget is 5, but the service levels asked for cost 9" in found.message[0]
    )
    with pytest.raises(ParameterError, match="cost 9"):
        POLICY.build_model(items, NewsvendorBudgetParams(service="cycle"))
    # without a service any budget will do
    assert exact(frame(item(purchase_budget=0.0))).decisions["BASE_STOCK_LEVEL"].tolist() == [0]


def test_nothing_is_ordered_where_nothing_is_gained():
    rows = [item(demand_mean=np.zeros(2)), item(lost_sale_cost=None, list_price=0.5), item(lost_sale_cost=0.0)]
    found = exact(frame(*rows))
    assert (
        found.decisions["BASE_STOCK_LEVEL"].tolist() == [0, 0, 0]
        and found.cost.tolist() == [0, 0, 0]
        and found.message is None
    )
    model = solve(frame(*rows), 1.0)
    assert pyo.value(model.total_cost) == pytest.approx(0, abs=1e-9)
    assert POLICY.order(found.decisions, pd.DataFrame({"inventory_position": [-1.0, 3.0, 0.0]})).tolist() == [1, 0, 0]


@pytest.mark.parametrize("form", FORMS)
def test_no_demand_orders_nothing(form):
    items = frame(
        item(
            demand_distribution=form,
            demand_mean=np.zeros(3),
            demand_variance=np.zeros(3),
            demand_pmf=[np.ones(1)] * 3,
            service_level=0.9,
            purchase_budget=0.0,
        )
    )
    found = exact(items, service="cycle")
    assert found.cost.tolist() == [0] and found.decisions["BASE_STOCK_LEVEL"].tolist() == [0]
    assert pyo.value(solve(items, 1.0, service="cycle").total_cost) == 0


def test_fast_and_slow_movers_share_a_budget():
    rows = [item(demand_mean=np.array([mean]), purchase_budget=11_500.0) for mean in (0.01, 1.0, 12_000.0)]
    rows.append(item(demand_distribution="normal", demand_variance=np.zeros(1), purchase_budget=11_500.0))
    found = exact(frame(*rows))
    assert found.message is None and found.decisions["BASE_STOCK_LEVEL"].sum() == 11_500
    assert pyo.value(solve(frame(*rows), found.cost.sum()).total_cost) == pytest.approx(found.cost.sum(), rel=1e-9)


def test_money_in_cents_gives_a_hundred_times_the_cost():
    items = random_items(np.random.default_rng(3), 10)
    money = ("unit_cost", "disposal_cost", "lost_sale_cost", "list_price", "purchase_budget")
    cents = items.assign(**{name: items[name] * 100 for name in money})
    offsets = partitions(items)
    for params in PARAMS:
        np.testing.assert_allclose(
            np.add.reduceat(exact(cents, offsets, **params).cost, offsets[:-1]),
            100 * np.add.reduceat(exact(items, offsets, **params).cost, offsets[:-1]),
            rtol=1e-9,
            atol=1e-9,
        )


BAD = {
    "negative price": ({"unit_cost": -1.0}, "unit_cost is -1.0"),
    "negative disposal": ({"disposal_cost": -1.0}, "disposal_cost is -1.0"),
    "negative lost sale": ({"lost_sale_cost": -1.0}, "lost_sale_cost is -1.0"),
    "no lost sale": ({"lost_sale_cost": None}, "lost_sale_cost is NULL"),
    "no distribution": ({"demand_distribution": None}, "None, must be one of"),
    "no variance": ({"demand_distribution": "normal", "demand_variance": None}, "demand_variance of a normal demand"),
    "negative lead time": ({"lead_time": -1.0}, "lead_time and lead_time_confidence must be"),
    "service above 1": ({"service_level": 1.0}, "service_level is 1.0"),
    "negative budget": ({"purchase_budget": -1.0}, "purchase_budget is -1.0"),
}


@pytest.mark.parametrize("bad", BAD)
def test_bad_items_get_a_message_and_leave_other_partitions_alone(bad):
    changes, text = BAD[bad]
    found = exact(frame(item(), item(**changes), item()), np.array([0, 1, 2, 3]), service="cycle")
    assert text in found.message[1] and np.isnan(found.cost[1]) and np.isnan(found.decisions["BASE_STOCK_LEVEL"][1])
    assert found.cost[0] == found.cost[2] and found.message[0] is None
    with pytest.raises(ParameterError) as refused:
        POLICY.build_model(frame(item(**changes)), NewsvendorBudgetParams(service="cycle"))
    assert text in str(refused.value)


def test_a_partition_with_a_bad_item_or_two_budgets_is_not_decided():
    found = exact(frame(item(), item(unit_cost=-1.0)))
    assert np.isnan(found.cost).all() and "because of item 1 (no keys) of its partition: unit_cost" in found.message[0]
    found = exact(frame(item(purchase_budget=5.0), item()))
    assert np.isnan(found.cost).all() and "all its rows must have the same" in found.message[1]


def test_an_empty_bucket_has_an_empty_solution():
    found = exact(frame(), np.array([0]))
    assert found.cost.shape == (0,) and set(found.decisions) == set(POLICY.decisions)


def test_order_fills_up_in_whole_units():
    wanted = POLICY.order(
        {"BASE_STOCK_LEVEL": np.array([8.0, 8.0, 8.0, np.nan, 8.0])},
        pd.DataFrame({"inventory_position": [3.5, 8.0, 20.0, 0.0, np.nan]}),
    )
    assert wanted[:3].tolist() == [5, 0, 0] and np.isnan(wanted[3:]).all()


def test_the_engine_finds_the_policy():
    assert load("newsvendor_budget") is POLICY
    with pytest.raises(ValueError, match="fill_rate"):
        NewsvendorBudgetParams(service="ready_rate")


@pytest.mark.skipif(not YAZ.is_file(), reason="the sales of the restaurant Yaz are not on this machine")
def test_a_real_restaurant_plans_its_seven_dishes_for_a_day():
    sales = pd.read_csv(YAZ)
    learned, later = sales.iloc[:500], sales.iloc[500:]
    price = dict(zip(sales.columns, (3.0, 4.0, 5.0, 2.0, 3.5, 4.5, 6.0), strict=True))
    pmfs = {dish: np.bincount(learned[dish]) / len(learned) for dish in sales}
    rows = [
        item(
            unit_cost=price[dish],
            lost_sale_cost=2 * price[dish],
            demand_distribution="pmf",
            demand_pmf=[pmfs[dish]],
            demand_mean=np.array([learned[dish].mean()]),
        )
        for dish in sales
    ]
    free = exact(frame(*rows))
    for i, dish in enumerate(sales):
        s = free.decisions["BASE_STOCK_LEVEL"][i]
        # two thirds of the days' demand is met: the fractile of what was learned
        assert (learned[dish] <= s).mean() >= 2 / 3 > (learned[dish] <= s - 1).mean()
        assert free.cost[i] == pytest.approx(
            price[dish] * (s - learned[dish].mean()) + 3 * price[dish] * float(pmf_loss(s, pmfs[dish]))
        )
        assert 0.5 < (later[dish] <= s).mean() < 0.95
    spent = sum(price[dish] * s for dish, s in zip(sales, free.decisions["BASE_STOCK_LEVEL"], strict=True))
    tight = frame(*({**row, "purchase_budget": 0.6 * spent} for row in rows))
    found = exact(tight)
    assert (
        found.cost.sum() > free.cost.sum()
        and (found.decisions["BASE_STOCK_LEVEL"] <= free.decisions["BASE_STOCK_LEVEL"]).all()
    )
    assert pyo.value(solve(tight, found.cost.sum()).total_cost) == pytest.approx(found.cost.sum(), rel=1e-9)
