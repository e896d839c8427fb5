"""The policy newsvendor_budget: brute force, fractiles, service, costs of given levels, real sales."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pyomo.environ as pyo
import pytest

from invopt.policies.newsvendor_budget import POLICY, NewsvendorBudgetParams
from invopt.theory.demand.distributions import normal_cdf, normal_loss, pmf_loss, poisson_cdf, poisson_loss
from invopt.theory.newsvendor.textbook import newsvendor_normal, newsvendor_pmf, newsvendor_poisson
from invopt.theory.order_rules import Stock
from tests import items as helpers
from tests.items import Solved, answer, example_item, items_of, solved_model
from tests.items.newsvendor_budget import FORMS

YAZ = Path(__file__).parents[3] / "shared" / "data" / "retail" / "yaz_target.csv"


def frame(*items: dict) -> pd.DataFrame:
    return helpers.frame(POLICY, *items, is_one_partition=True)


def item(**changes) -> dict:
    return {**example_item(POLICY), "demand_variance": np.array([6.0]), **changes}


def exact(items: pd.DataFrame, **params) -> Solved:
    return answer(POLICY, items, **params)


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
    solved = exact(items, service="cycle")
    assert "purchase_budget is 5, but the service levels asked for cost 9" in solved.message[0]
    # without a service any budget will do; a first unit saves u P(X > 0) - o P(X <= 0)
    nothing = exact(frame(item(purchase_budget=0.0)))
    assert nothing.decisions["BASE_STOCK_LEVEL"].tolist() == [0]
    assert nothing.prices["purchase_budget"][0] == pytest.approx(4 - 5 * np.exp(-6))


def test_nothing_is_ordered_where_nothing_is_gained():
    rows = [item(demand_mean=np.zeros(2)), item(lost_sale_cost=None, list_price=0.5), item(lost_sale_cost=0.0)]
    solved = exact(frame(*rows))
    assert solved.decisions["BASE_STOCK_LEVEL"].tolist() == [0, 0, 0] and solved.cost.tolist() == [0, 0, 0]
    assert pyo.value(solved_model(POLICY, frame(*rows)).total_cost) == pytest.approx(0, abs=1e-9)
    assert POLICY.order(solved.decisions, Stock.of([-1.0, 3.0, 0.0])).tolist() == [1, 0, 0]


def test_fast_and_slow_movers_share_a_budget():
    rows = [item(demand_mean=np.array([mean]), purchase_budget=11_500.0) for mean in (0.01, 1.0, 12_000.0)]
    rows.append(item(demand_distribution="normal", demand_variance=np.zeros(1), purchase_budget=11_500.0))
    solved = exact(frame(*rows))
    assert solved.is_solved.all() and solved.decisions["BASE_STOCK_LEVEL"].sum() == 11_500
    assert pyo.value(solved_model(POLICY, frame(*rows)).total_cost) == pytest.approx(solved.cost.sum(), rel=1e-6)


def costs(items: pd.DataFrame, level: list, **params) -> np.ndarray:
    decisions = {"BASE_STOCK_LEVEL": np.array(level, dtype=float)}
    return POLICY.cost(items_of(POLICY, items), decisions, NewsvendorBudgetParams(**params))


@pytest.mark.parametrize("form", FORMS)
def test_any_level_costs_what_is_left_over_and_what_is_missing(form):
    pmf = np.array([0.2, 0.0, 0.5, 0.3])
    row = item(demand_distribution=form, demand_pmf=[pmf], demand_mean=np.array([40.0]), disposal_cost=0.5)
    level = np.array([0.0, 1.0, 2.5, 3.0, 38.25, 47.0, 500.0, 1e7])
    below = np.floor(level).astype(int)
    losses = {
        "poisson": lambda s: poisson_loss(s, 40.0),
        "deterministic": lambda s: poisson_loss(s, 40.0),
        "normal": lambda s: normal_loss(s, 40.0, np.sqrt(6.0)),
        "pmf": lambda s: pmf_loss(s, pmf),
    }
    missing = losses[form](below) + (level - below) * (losses[form](below + 1) - losses[form](below))
    if form == "normal":
        missing = losses[form](level)
    mean = 1.9 if form == "pmf" else 40.0
    cost = costs(frame(*[row] * len(level)), level)
    np.testing.assert_allclose(cost, 1.5 * (level - mean + missing) + 4 * missing, rtol=1e-11)
    # the service forbids low levels, but what they cost is known
    served = frame(*[{**row, "service_level": 0.9}] * len(level))
    np.testing.assert_array_equal(costs(served, level, service="fill_rate"), cost)


def test_a_level_that_can_not_be_has_no_cost_and_one_without_demand_is_left_over():
    rows = [item()] * 3 + [item(demand_mean=np.zeros(2))] * 2 + [item(lost_sale_cost=None)]
    cost = costs(frame(*rows), [-1.0, np.nan, np.inf, 0.0, 3.0, 2.0])
    assert np.isnan(cost).tolist() == [True, True, True, False, False, True] and cost[3:5].tolist() == [0, 3]


def test_order_fills_up_in_whole_units():
    wanted = POLICY.order({"BASE_STOCK_LEVEL": np.array([8.0, 8.0, 8.0])}, Stock.of([3.5, 8.0, 20.0]))
    assert wanted.tolist() == [5, 0, 0]


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
    assert pyo.value(solved_model(POLICY, tight).total_cost) == pytest.approx(found.cost.sum(), rel=1e-6)
