"""The simulation of expiring stock: against one written with single units, its balance, its seed; and what the
formula is worth.
"""

from __future__ import annotations

import re

import numpy as np
import pytest

from invopt.errors import ConfigError, ParameterError
from invopt.policies.inputs.item_demand import item_demand
from invopt.policies.inputs.shelf_life import shelf_life_demand
from invopt.policies.s_q_perishable import POLICY, SQPerishableParams
from invopt.theory.demand.lead_time_demand import (
    normal_lead_time_demand,
    pmf_lead_time_demand,
    poisson_lead_time_demand,
)
from invopt.theory.perishable.cost import PerishableCosts
from invopt.theory.perishable.search_simulation import Path, demand_path, polish, simulate
from tests.items import answer, items_of
from tests.items.s_q_perishable import expiring_frame, expiring_item, random_items


def unit_by_unit(
    path: Path, s: int, Q: int, life: int, h: float, K: float, pi: float, W: float
) -> tuple[float, float, float]:
    """(cost, short, expired) per day after the first tenth, with a list of the days on which the units in stock
    arrived.
    """
    n_days = len(path.demand)
    first = int(0.1 * n_days)
    shelf, on_order, owed = [0] * (s + Q), [], 0
    cost, short, expired = 0.0, 0, 0
    for day in range(n_days):
        arrived = sum(amount for due, amount in on_order if due == day)
        on_order = [(due, amount) for due, amount in on_order if due > day]
        position = len(shelf) + arrived + sum(amount for _, amount in on_order) - owed
        batches = 0
        while position + batches * Q <= s:
            batches += 1
        if batches:
            due = day + int(path.lead_time[day])
            if due == day:
                arrived += batches * Q
            else:
                on_order.append((due, batches * Q))
        served = min(owed, arrived)
        owed -= served
        shelf += [day] * (arrived - served)
        before = len(shelf)
        wanted = int(path.demand[day])
        sold = min(wanted, before)
        shelf = shelf[sold:]
        owed += wanted - sold
        after = len(shelf)
        fresh = [arrival for arrival in shelf if arrival + life - 1 > day]
        if day >= first:
            cost += h * (before + after) / 2 + K * batches + pi * (wanted - sold) + W * (after - len(fresh))
            short += wanted - sold
            expired += after - len(fresh)
        shelf = fresh
    counted = n_days - first
    return cost / counted, short / counted, expired / counted


@pytest.mark.parametrize("life", [1, 2, 5, 30])
@pytest.mark.parametrize("lead_times", [(0, 1), (1, 1), (2, 1), (0, 4)])
def test_it_is_the_simulation_of_single_units(life, lead_times):
    rng = np.random.default_rng(life)
    for _ in range(6):
        path = demand_path(
            poisson_lead_time_demand(rng.choice([0.2, 1.5, 6.0]), [1]), *lead_times, 300, int(rng.integers(1000))
        )
        s, Q = int(rng.integers(0, 25)), int(rng.integers(1, 25))
        found = simulate(path, s, Q, life, PerishableCosts(0.3, 7.0, 4.0, 2.5))
        assert found[:3] == pytest.approx(unit_by_unit(path, s, Q, life, 0.3, 7.0, 4.0, 2.5), rel=1e-12, abs=1e-12)


def test_what_is_bought_is_sold_or_thrown_away():
    path = demand_path(poisson_lead_time_demand(3.0, [1]), 2, 1, 50_000, 5)
    bought = simulate(path, 5, 12, 4, PerishableCosts(0, 1, 0, 0)).cost * 12
    found = simulate(path, 5, 12, 4, PerishableCosts(0, 0, 0, 0))
    assert bought == pytest.approx(path.demand[5000:].mean() + found.expired, rel=1e-3)


def test_demand_has_its_distribution_and_a_seed_its_demand():
    for daily, mean, variance in (
        (poisson_lead_time_demand(7.3, [1]), 7.3, 7.3),
        (normal_lead_time_demand(40, 25, [1]), 40, 25),
        (pmf_lead_time_demand([0.7, 0, 0, 0.3]), 0.9, 1.89),
    ):
        path = demand_path(daily, 1, 3, 200_000, 11)
        assert path.demand.mean() == pytest.approx(mean, rel=0.01) and path.demand.var() == pytest.approx(
            variance, rel=0.02
        )
        assert (
            set(path.lead_time) == {1, 2, 3} and (path.demand == np.rint(path.demand)).all() and path.demand.min() >= 0
        )
        np.testing.assert_array_equal(path.demand, demand_path(daily, 1, 3, 200_000, 11).demand)
        assert (path.demand != demand_path(daily, 1, 3, 200_000, 12).demand).any()


def test_no_neighbour_is_better_on_the_path_that_was_searched():
    path = demand_path(poisson_lead_time_demand(10, [1]), 1, 1, 4000, 1)
    costs = PerishableCosts(0.05, 30, 5, 2)
    found = polish(path, path, 13, 58, 0, 3, 7, costs)
    assert found.cost < found.given_cost
    for ds, dq in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, -1), (-1, 1)):
        assert simulate(path, found.reorder_point + ds, found.order_quantity + dq, 7, costs).cost >= found.cost


def test_a_policy_that_can_not_be_is_refused():
    path = Path(np.ones(10), np.zeros(10, np.int64))
    with pytest.raises(ParameterError, match="order_quantity 0"):
        simulate(path, 0, 0, 1, PerishableCosts(1, 1, 1, 1))


def test_demand_until_expiry_adds_the_shelf_life_and_rounds_days_up_for_a_pmf():
    pmf = {"demand_distribution": "pmf", "demand_pmf": [np.array([0.5, 0.5])], "demand_mean": np.array([0.5])}
    items = items_of(
        POLICY,
        expiring_frame(
            expiring_item(demand_mean=np.array([2.0]), lead_time=1.5, shelf_life=2.0),
            expiring_item(**pmf, lead_time=1.5, shelf_life=2.5),
            expiring_item(shelf_life=None),
        ),
    )
    life, y = shelf_life_demand(item_demand(items, 0), items)
    assert life.tolist() == [2.0, 2.5, np.inf]
    assert [y.lead_time_demand(i).mean for i in range(2)] == pytest.approx([7.0, 0.5 * 5])
    assert items.problems.tolist() == [None] * 3


@pytest.mark.parametrize("params", [{}, {"review": "daily"}, {"service": "cycle"}], ids=str)
def test_polishing_keeps_the_formulas_best_as_bound_and_depends_on_nothing_but_the_seed(params):
    items = random_items(np.random.default_rng(1), 20)
    formula = answer(POLICY, items, **params)
    found = answer(POLICY, items, **params, polish="simulation", simulated_days=500)
    np.testing.assert_array_equal(found.bound, formula.cost)
    assert (found.cost >= found.bound).all() and (found.cost > found.bound * (1 + 1e-9)).any()
    again = answer(POLICY, items.iloc[::-1], **params, polish="simulation", simulated_days=500)
    for name in POLICY.decision_names:
        np.testing.assert_array_equal(again.decisions[name][::-1], found.decisions[name])
        assert (found.decisions[name] == np.rint(found.decisions[name])).all()
    for said, quantity in zip(found.message, found.decisions["ORDER_QUANTITY"], strict=True):
        assert (said is None) == (quantity == 0) and "simulated over" in (said or "simulated over")
    if params.get("service") == "cycle":
        smallest = answer(
            POLICY,
            items.assign(fixed_order_cost=0.0, backorder_cost=0.0, disposal_cost=0.0, shelf_life=None),
            service="cycle",
        )
        assert (found.decisions["REORDER_POINT"] >= smallest.decisions["REORDER_POINT"]).all()


def test_polishing_pays_where_the_formula_is_off():
    found = answer(
        POLICY,
        expiring_frame(expiring_item(demand_mean=np.array([60.0]), shelf_life=4.0, fixed_order_cost=100.0)),
        polish="simulation",
    )
    pattern = r"simulated over 4000 days, s \d+, Q \d+ cost ([\d.]+) a day; the formula's s \d+, Q \d+ ([\d.]+)"
    said = re.fullmatch(pattern, found.message[0])
    assert float(said[1]) < 0.9 * float(said[2]) and found.cost[0] > found.bound[0]


def test_the_algorithm_alone_polishes():
    assert "polish: simulation" in SQPerishableParams(polish="simulation").algorithm_alone_because()
    assert SQPerishableParams().algorithm_alone_because() is None
    with pytest.raises(ConfigError, match="no model simulates, as polish: simulation asks for"):
        answer(POLICY, expiring_frame(expiring_item()), "model", polish="simulation")


def test_a_fill_rate_can_not_be_polished():
    with pytest.raises(ValueError, match="does not keep a fill rate"):
        SQPerishableParams(polish="simulation", service="fill_rate")


# demand/day, lead time, shelf life, h, K, pi, W
TABLE = (
    (1.5, 2, 3, 0.1, 20, 8, 2),
    (1.5, 2, 7, 0.1, 20, 8, 2),
    (1.5, 2, 20, 0.1, 20, 8, 2),
    (1.5, 2, 60, 0.1, 20, 8, 2),
    (10, 1, 3, 0.05, 30, 5, 2),
    (10, 1, 7, 0.05, 30, 5, 2),
    (10, 3, 14, 0.05, 30, 5, 2),
    (60, 2, 4, 0.02, 100, 3, 1),
    (60, 2, 10, 0.02, 100, 3, 1),
    (0.3, 2, 5, 0.05, 5, 10, 4),
    (0.3, 2, 20, 0.05, 5, 10, 4),
    (0.05, 5, 30, 0.05, 5, 30, 10),
    (4, 1, 2, 0.1, 0, 6, 3),
    (30, 0, 2, 0.05, 10, 4, 2),
)


@pytest.mark.slow
def test_what_the_formula_is_worth():
    """Simulated cost of the formula's choice against the best found, and against what the formula itself says;
    printed with -s.
    """
    print(
        "\ndemand lead life | best s, Q, cost | continuous: s, Q, dearer than best, formula's own cost off by | "
        "daily: the same"
    )
    regrets = []
    for a, lead_time, life, h, K, pi, W in TABLE:
        items = expiring_frame(
            expiring_item(
                demand_mean=np.array([float(a)]),
                lead_time=float(lead_time),
                shelf_life=float(life),
                holding_cost=h,
                fixed_order_cost=float(K),
                backorder_cost=float(pi),
                disposal_cost=float(W),
            )
        )
        daily = poisson_lead_time_demand(a, [1])
        n_days = 20_000 if a > 0.2 else 200_000
        paths = [demand_path(daily, lead_time, 1, n_days, seed) for seed in (1, 2)]
        tried, best = [], None
        for review in ("continuous", "daily"):
            found = answer(POLICY, items, review=review)
            s, Q = (int(found.decisions[name][0]) for name in POLICY.decision_names)
            cost = simulate(paths[1], s, Q, life, PerishableCosts(h, K, pi, W)).cost
            tried.append((s, Q, cost, cost / found.cost[0] - 1))
            step = max(1, round(np.sqrt(a * lead_time)))
            polished = polish(*paths, s, Q, 0, step, life, PerishableCosts(h, K, pi, W))
            best = polished if best is None or polished.cost < best.cost else best
        regrets.append([cost / best.cost - 1 for _, _, cost, _ in tried])
        columns = " | ".join(f"{s:4d} {Q:4d} {cost / best.cost - 1:6.1%} {off:+6.1%}" for s, Q, cost, off in tried)
        print(
            f"{a:6g} {lead_time:4d} {life:4d} | {best.reorder_point:4d} {best.order_quantity:4d} {best.cost:8.4f} "
            f"| {columns}"
        )
    usual = np.array(regrets[:12])
    assert usual[:, 0].max() < 0.45 and usual[:, 1].max() < 0.08
    assert np.array(regrets[12:])[:, 1].min() > 0.1
