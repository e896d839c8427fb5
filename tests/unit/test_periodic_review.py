"""S(R) of a Normal demand from Taylor's series, and a Poisson's probability at one level: beside scipy's and a
search level by level.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from invopt.theory.demand.codes import POISSON
from invopt.theory.demand.distributions import normal_loss
from invopt.theory.r_s.cost import NO_SERVICE, demand_after, review_costs
from invopt.theory.r_s.search import best_periodic_reviews
from invopt.theory.r_s.search_normal import level_nearby
from invopt.theory.r_s.search_poisson import SMALLEST_STIRLING, poisson_at


def test_the_level_of_a_normal_is_that_of_a_search():
    rng = np.random.default_rng(8)
    n_certain = 0
    for _ in range(400):
        size = int(rng.integers(2, 30))
        a, v = 10 ** rng.uniform(-2, 2), 10 ** rng.uniform(0, 4)
        days = rng.choice([0.5, 1.0, 7.0]) + np.arange(size)
        mean, std, weight = a * days, np.sqrt(v * days), rng.integers(1, 4, size).astype(float)
        target = weight[1:].sum() * 10 ** rng.uniform(-5, -0.1)
        levels = np.arange(int(mean[-1] + 9 * std[-1]) + 2)
        loss = normal_loss(levels[:, None], mean[1:], std[1:]) @ weight[1:]
        expected = int(np.argmax(loss[:-1] - loss[1:] <= target))
        guess = max(0, int(expected + rng.normal() * std[-1]))
        found, short = level_nearby(guess, size, weight, target, mean, std)
        if found >= 0:
            n_certain += 1
            assert found == expected
            assert short <= loss[expected] * (1 + 1e-11) + 1e-11
    assert n_certain > 200


@pytest.mark.parametrize("mean", [0.3, 5.0, 31.5, 40.2, 150.0, 3000.5])
def test_a_poissons_probability_and_tail(mean):
    for level in np.unique(
        np.maximum(
            0,
            np.array(
                [
                    *range(SMALLEST_STIRLING - 2, SMALLEST_STIRLING + 3),
                    *(mean + np.sqrt(mean) * np.arange(-6, 7)).astype(int),
                ]
            ),
        )
    ):
        if stats.poisson.pmf(level, mean) < 1e-20:
            continue
        probability, survival = poisson_at(level, mean)
        assert probability == pytest.approx(stats.poisson.pmf(level, mean), rel=1e-10)
        assert survival == pytest.approx(stats.poisson.sf(level, mean), rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("mean", [2.0, 90.0, 2000.0])
def test_a_dear_backorder_leaves_the_cost_exact(mean):
    h, K, p = 1.0, 50.0, 1e5

    def one(value: float) -> np.ndarray:
        return np.array([float(value)])

    R, S, cost = best_periodic_reviews(
        is_guide=False,
        service=NO_SERVICE,
        service_level=one(np.nan),
        shortest_review_period=np.array([1]),
        longest_review_period=28,
        form=np.array([POISSON]),
        demand_mean=one(mean),
        demand_variance=one(mean),
        first_lead_time=one(2),
        n_lead_times=np.array([2]),
        holding_cost=one(h),
        fixed_order_cost=one(K),
        backorder_cost=one(p),
        day_pmfs=[np.zeros(0)],
    )
    near = np.arange(max(0, S[0] - 2), S[0] + 3).astype(np.int64)
    demand = demand_after("poisson", near, int(R[0]), mean, mean, np.zeros(0), 2, 2)
    costs = {"holding_cost": h, "fixed_order_cost": K, "backorder_cost": p}
    expected = review_costs("daily_review", "none", R, near, demand, mean, **costs).cost[0]
    assert near[np.argmin(expected)] == S[0]
    assert cost[0] == pytest.approx(expected.min(), rel=1e-9)
