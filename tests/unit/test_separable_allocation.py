"""A budget divided among items: brute force over all plans, bounds, budgets at the edges, many partitions in one
call.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from invopt.errors import ParameterError
from invopt.theory.budget.cost import (
    CONSTANT,
    HIGH,
    LOW,
    NO_TABLE,
    SCALE,
    SLOPE,
    cost_at,
    costs_at,
    reciprocal_pieces,
    value_at,
)
from invopt.theory.budget.loss_pieces import loss_pieces
from invopt.theory.budget.search import allocate
from invopt.theory.budget.search_piece import least_at
from invopt.theory.demand.codes import NORMAL, POISSON
from invopt.theory.demand.distributions import normal_loss, poisson_loss
from invopt.theory.newsvendor.search import lowest_levels


def brute_force(
    pieces: np.ndarray, tables: np.ndarray, starts: np.ndarray, weight: np.ndarray, budget: float, largest: int
) -> float:
    """Least cost over all x up to `largest`; inf when none fits."""
    costs = []
    for i in range(len(weight)):
        cost = np.full(largest + 1, np.inf)
        for p in range(starts[i], starts[i + 1]):
            for x in range(int(pieces[p, LOW]), min(int(pieces[p, HIGH]), largest) + 1):
                cost[x] = min(cost[x], cost_at(pieces[p], tables, float(x)))
        costs.append(cost)
    return min(
        (
            sum(cost[x] for cost, x in zip(costs, plan, strict=True))
            for plan in product(range(largest + 1), repeat=len(weight))
            if weight @ plan <= budget * (1 + 1e-12)
        ),
        default=np.inf,
    )


def random_reciprocal(rng: np.random.Generator, n: int, n_pieces: int) -> tuple[np.ndarray, np.ndarray]:
    """Pieces of n items with up to n_pieces ranges each, and where each item's start."""
    rows, starts = [], [0]
    for _ in range(n):
        breaks = np.sort(rng.choice(np.arange(2, 9), rng.integers(0, n_pieces), replace=False)).astype(float)
        low, high = np.append(1.0, breaks), np.append(breaks - 1, 20.0)
        constant = np.sort(rng.uniform(0, 3, len(low)))[::-1]
        rows.append(reciprocal_pieces(low, high, constant, rng.uniform(0, 0.3), rng.uniform(0, 10)))
        starts.append(starts[-1] + len(low))
    return np.concatenate(rows), np.array(starts)


@pytest.mark.parametrize("n_pieces", [1, 3])
def test_brute_force_finds_nothing_better(n_pieces):
    rng = np.random.default_rng(n_pieces)
    for _ in range(60):
        n = int(rng.integers(1, 5))
        pieces, starts = random_reciprocal(rng, n, n_pieces)
        weight = rng.choice([rng.uniform(0.2, 2, n), rng.integers(1, 4, n).astype(float)])
        budget = rng.uniform(0.8, 8) * weight.sum()
        found = allocate(pieces, NO_TABLE, starts, weight, np.array([0, n]), np.array([budget]))
        expected = brute_force(pieces, NO_TABLE, starts, weight, budget, 10 if n == 4 else 14)
        assert found.least_use[0] == pytest.approx(weight.sum())
        if np.isinf(expected):
            assert np.isnan(found.gap[0]) and np.isnan(found.x).all()
            continue
        assert found.gap[0] == 0 and weight @ found.x <= budget * (1 + 1e-11)
        assert found.cost.sum() <= expected * (1 + 1e-9)
        if found.x.max() <= 10:
            assert found.cost.sum() == pytest.approx(expected, rel=1e-9)


def test_losses_under_a_budget_are_those_of_brute_force():
    rng = np.random.default_rng(4)
    for _ in range(30):
        n = int(rng.integers(1, 4))
        mean = rng.uniform(0.05, 5, n)
        pieces, tables, expected_demand = loss_pieces(
            form=rng.choice([POISSON, NORMAL], n),
            demand_mean=mean,
            demand_variance=mean * rng.uniform(0, 2, n),
            first_lead_time=np.ones(n),
            n_lead_times=rng.integers(1, 3, n),
        )
        over, under = rng.uniform(0.1, 2, n), rng.uniform(0.1, 6, n)
        pieces[:, CONSTANT], pieces[:, SLOPE], pieces[:, SCALE] = -over * expected_demand, over, over + under
        weight = rng.uniform(0.0, 2, n) * (rng.random(n) > 0.2)
        budget = rng.uniform(0, 6)
        starts = np.arange(n + 1)
        found = allocate(pieces, tables, starts, weight, np.array([0, n]), np.array([budget]))
        assert found.cost.sum() == pytest.approx(brute_force(pieces, tables, starts, weight, budget, 25), rel=1e-9)


def test_no_solution_is_below_the_bound_of_any_price():
    rng = np.random.default_rng(5)
    for n in (3, 30, 300, 3000):
        scale, weight = 10 ** rng.uniform(0, 3, n), rng.uniform(0.01, 2, n)
        pieces = reciprocal_pieces(np.ones(n), 1e12, 0.0, weight, scale)
        budget = 0.5 * weight @ np.sqrt(scale / weight) + weight.sum() / 2
        found = allocate(pieces, NO_TABLE, np.arange(n + 1), weight, np.array([0, n]), np.array([budget]))
        best_bound = 0.0
        for price in np.linspace(0, 12, 2000):
            x = np.maximum(1, np.rint(np.sqrt(scale / (weight * (1 + price)))))
            x = np.stack([np.maximum(x - 1, 1), x, x + 1])
            best_bound = max(best_bound, (weight * (1 + price) * x + scale / x).min(axis=0).sum() - price * budget)
        assert best_bound * (1 - 1e-12) <= found.cost.sum() <= best_bound * (1 + 0.05 / n + 1e-6) + found.gap[0]


@pytest.mark.parametrize("n_pieces", [1, 3])
def test_no_price_of_the_budget_proves_more(n_pieces):
    rng = np.random.default_rng(20 + n_pieces)
    x = np.arange(1.0, 21.0)
    n_binding = 0
    for _ in range(60):
        n = int(rng.integers(1, 8))
        pieces, starts = random_reciprocal(rng, n, n_pieces)
        weight = rng.uniform(0.2, 2, n)
        budget = rng.uniform(1.0, 8) * weight.sum()
        found = allocate(pieces, NO_TABLE, starts, weight, np.array([0, n]), np.array([budget]))
        rows = [pieces[a:b] for a, b in zip(starts[:-1], starts[1:], strict=True)]
        cost = np.array([[costs_at(row, NO_TABLE, [0, len(row)], [q])[0] for q in x] for row in rows])

        def bound(theta: float, cost: np.ndarray = cost, weight: np.ndarray = weight, budget: float = budget) -> float:
            return (cost + theta * weight[:, None] * x).min(axis=1).sum() - theta * budget

        theta = found.price[0]
        n_binding += theta > 0
        proved = bound(theta)
        assert proved <= found.cost.sum() * (1 + 1e-12)
        others = [bound(other) for other in (*(theta * np.linspace(0.5, 2, 31)), *np.linspace(0, 5, 51))]
        assert proved >= max(others) - 1e-9
    assert n_binding > 30


def test_a_budget_has_a_price_unless_there_is_none():
    pieces, one = reciprocal_pieces(np.ones(2), 100.0, 0.0, 1.0, np.array([50.0, 8.0])), np.ones(2)
    starts, offsets = np.arange(3), np.array([0, 2])

    def price(budget: float) -> float:
        return allocate(pieces, NO_TABLE, starts, one, offsets, np.array([budget])).price[0]

    # free, the items take 7 and 3: a budget of that does not bind
    assert np.isnan(price(np.inf)) and np.isnan(price(1.9)) and price(10.0) == price(11.0) == 0 < price(9.0)
    # only one unit of each fits: the second of the first item saves 50 / 2 - 1, also where only rounding lets them fit
    assert price(2.0) == pytest.approx(24) and price(2 * (1 - 1e-13)) == pytest.approx(24)


@pytest.mark.parametrize("n", [500, 1700])
def test_equal_items_and_equal_weights_are_no_trouble(n):
    pieces = reciprocal_pieces(np.ones(n), 1e12, 0.0, 0.0, np.full(n, 10.0))
    found = allocate(pieces, NO_TABLE, np.arange(n + 1), np.ones(n), np.array([0, n]), np.array([3.5 * n + 0.7]))
    assert found.gap[0] == 0
    assert sorted(set(found.x.tolist())) == [3, 4] and found.x.sum() == 3.5 * n


def test_a_partition_is_not_changed_by_its_neighbours():
    rng = np.random.default_rng(6)
    n = 60
    pieces, starts = random_reciprocal(rng, n, 3)
    weight, offsets = rng.uniform(0.2, 2, n), np.array([0, 1, 20, 20 + 15, n])
    budget = np.array(
        [
            weight[a:b].sum() * share
            for a, b, share in zip(offsets[:-1], offsets[1:], (2.0, 0.5, np.inf, 3.0), strict=True)
        ]
    )
    together = allocate(pieces, NO_TABLE, starts, weight, offsets, budget)
    assert np.isnan(together.gap).tolist() == [False, True, False, False]
    for k in range(4):
        a, b = offsets[k], offsets[k + 1]
        alone = allocate(
            pieces[starts[a] : starts[b]],
            NO_TABLE,
            starts[a : b + 1] - starts[a],
            weight[a:b],
            np.array([0, b - a]),
            budget[k : k + 1],
        )
        np.testing.assert_array_equal(together.x[a:b], alone.x)
        np.testing.assert_array_equal(together.cost[a:b], alone.cost)


def test_a_core_too_hard_gives_a_plan_and_a_bound():
    # equal returns per unit of budget and odd weights: which of them fill the budget best is a subset-sum problem
    rng = np.random.default_rng(7)
    n = 44
    weight = rng.uniform(1, 2, n)
    pieces = reciprocal_pieces(np.ones(n), 2.0, 0.0, 0.0, weight)
    found = allocate(pieces, NO_TABLE, np.arange(n + 1), weight, np.array([0, n]), np.array([1.5 * weight.sum()]))
    assert 0 <= found.gap[0] < 1e-5 * found.cost.sum()
    assert weight @ found.x <= 1.5 * weight.sum() * (1 + 1e-11)


def test_what_is_wrong_is_named():
    piece = reciprocal_pieces(np.ones(1), 9, 0, 1, 1)
    for weight, budget, text in ((-1.0, 1.0, "weight"), (np.inf, 1.0, "weight"), (1.0, np.nan, "budget")):
        with pytest.raises(ParameterError, match=text):
            allocate(piece, NO_TABLE, np.array([0, 1]), np.array([weight]), np.array([0, 1]), np.array([budget]))


def test_pieces_cost_what_the_distributions_say_and_are_least_where_a_scan_says():
    rng = np.random.default_rng(8)
    mean, variance = np.array([0.01, 3.0, 40.0, 2.0, 25.0]), np.array([0.01, 3.0, 40.0, 0.0, 60.0])
    form = np.array([POISSON, POISSON, POISSON, NORMAL, NORMAL])
    pieces, tables, expected = loss_pieces(
        form=form,
        demand_mean=mean,
        demand_variance=variance,
        first_lead_time=np.ones(5),
        n_lead_times=np.ones(5, dtype=np.int64),
    )
    np.testing.assert_allclose(expected, mean)
    s = np.arange(0, 120)
    for i in range(5):
        loss = poisson_loss(s, mean[i]) if form[i] == POISSON else normal_loss(s, mean[i], np.sqrt(variance[i]))
        np.testing.assert_allclose([value_at(pieces[i], tables, float(x)) for x in s], loss, atol=1e-12)
        pieces[i, SCALE] = 5.0
        for slope in rng.uniform(0, 6, 40):
            cost = slope * s + 5 * loss
            x = least_at(pieces[i], tables, slope, 0.0, 119.0)
            assert cost[int(x)] == pytest.approx(cost.min(), abs=1e-11)


def test_service_levels_are_the_lowest_that_serve():
    pieces, tables, mean = loss_pieces(
        form=np.array([POISSON, NORMAL]),
        demand_mean=np.array([6.0, 50.0]),
        demand_variance=np.array([6.0, 64.0]),
        first_lead_time=np.ones(2),
        n_lead_times=np.ones(2, dtype=np.int64),
    )
    assert lowest_levels("cycle", np.array([0.84, 0.9]), pieces, tables, mean).tolist() == [8, 61]
    assert lowest_levels("fill_rate", np.array([np.nan, 0.0]), pieces, tables, mean).tolist() == [0, 0]
    s = lowest_levels("fill_rate", np.array([0.95, 0.95]), pieces, tables, mean)
    short = [poisson_loss(s[0], 6.0), normal_loss(s[1], 50.0, 8.0)]
    one_less = [poisson_loss(s[0] - 1, 6.0), normal_loss(s[1] - 1, 50.0, 8.0)]
    assert (short <= 0.05 * mean).all() and (one_less > 0.05 * mean).all()
    with pytest.raises(ParameterError, match="below 1"):
        lowest_levels("cycle", np.array([1.0, 0.5]), pieces, tables, mean)
    with pytest.raises(ParameterError, match="service is"):
        lowest_levels("fill", np.array([0.5, 0.5]), pieces, tables, mean)


@pytest.mark.parametrize("kind", ["nothing", "cheap", "dear", "unlike"])
def test_a_sample_unlike_the_other_items_changes_nothing(kind):
    # the multiplier is looked for on each tenth of 4,000 items first
    rng = np.random.default_rng(11)
    n = 4000
    weight, scale = rng.uniform(0.1, 2, n), 10 ** rng.uniform(0, 3, n)
    sampled = slice(None, None, 10)
    if kind == "nothing":
        weight[sampled] = 0.0
    elif kind == "unlike":
        scale[sampled] = 0.0
    else:
        weight[sampled] *= {"cheap": 1e-6, "dear": 1e4}[kind]
    order = rng.permutation(n)
    results = []
    for rows in (np.arange(n), order):
        pieces = reciprocal_pieces(np.ones(n), 1e4, 0.0, 0.01, scale[rows])
        budget = 0.3 * weight @ np.sqrt(scale / 0.01) + weight.sum()
        found = allocate(pieces, NO_TABLE, np.arange(n + 1), weight[rows], np.array([0, n]), np.array([budget]))
        assert weight[rows] @ found.x <= budget * (1 + 1e-11) and found.gap[0] == 0
        results.append(found.cost.sum())
    assert results[0] == pytest.approx(results[1], rel=1e-9)


def test_a_table_that_ends_where_no_more_is_wanted_has_the_same_values_and_the_same_best():
    rng = np.random.default_rng(12)
    n = 200
    mean, number = 10 ** rng.uniform(-2, 3, n), rng.integers(1, 4, n)
    over, under = rng.uniform(0, 2, n) * (rng.random(n) < 0.9), rng.uniform(0, 6, n)
    given = {
        "form": np.full(n, POISSON),
        "demand_mean": mean,
        "demand_variance": mean,
        "first_lead_time": np.ones(n),
        "n_lead_times": number,
    }
    whole, whole_table, expected_demand = loss_pieces(**given)
    short, short_table, same_demand = loss_pieces(**given, least_saving=over / (over + under))
    np.testing.assert_array_equal(expected_demand, same_demand)
    assert len(short_table) < len(whole_table)
    for pieces in (whole, short):
        pieces[:, SLOPE], pieces[:, SCALE] = over, over + under
    for i in range(n):
        best = least_at(whole[i], whole_table, over[i], 0.0, whole[i, HIGH])
        assert best == least_at(short[i], short_table, over[i], 0.0, short[i, HIGH]) <= short[i, HIGH]
        for x in np.unique(np.linspace(0, short[i, HIGH], 20).astype(int)):
            assert value_at(short[i], short_table, float(x)) == value_at(whole[i], whole_table, float(x))
            price = over[i] + 10 ** rng.uniform(-3, 1)
            assert least_at(whole[i], whole_table, price, 0.0, best) == least_at(
                short[i], short_table, price, 0.0, best
            )
