"""The parts of the (s, Q) cost against the cost itself, and the probabilities of the demand against its loss."""

from __future__ import annotations

import numpy as np
import pytest

from invopt.errors import ParameterError
from invopt.theory.demand.lead_time_demand import (
    lead_time_pmf,
    normal_lead_time_demand,
    pmf_lead_time_demand,
    poisson_lead_time_demand,
)
from invopt.theory.s_q.cost import COSTS, reorder_point_cost
from invopt.theory.s_q.curves import cost_parts

DEMANDS = {
    "poisson": poisson_lead_time_demand(0.7, [2, 3, 4]),
    "normal": normal_lead_time_demand(5.0, 9.0, [3.5]),
    "pmf": pmf_lead_time_demand(lead_time_pmf([0.5, 0.2, 0.0, 0.3], 2, 2)),
}


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("form", DEMANDS)
def test_the_parts_add_up_to_the_cost(cost, form):
    demand = DEMANDS[form]
    s, quantity = np.repeat([0, 3, 17], 4), np.tile([1, 2, 9, 40], 3)
    total = cost_parts(cost, s, quantity, demand, 0.7, 0.3, 8.0, 2.5).total
    expected = [
        reorder_point_cost(cost, *window, demand, 0.7, 0.3, 8.0, 2.5)
        for window in zip(s.tolist(), quantity.tolist(), strict=True)
    ]
    assert total == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("cost", COSTS)
def test_each_part_is_paid_by_its_own_price(cost):
    demand = DEMANDS["poisson"]
    once = cost_parts(cost, [2], [5], demand, 0.7, 0.3, 8.0, 2.5)
    dearer = {"holding": (0.6, 8.0, 2.5), "ordering": (0.3, 16.0, 2.5), "shortage": (0.3, 8.0, 5.0)}
    for part, prices in dearer.items():
        again = cost_parts(cost, [2], [5], demand, 0.7, *prices)
        for name in dearer:
            assert getattr(again, name)[0] == pytest.approx(
                getattr(once, name)[0] * (2 if name == part else 1), rel=1e-12
            ), (part, name)


def test_the_ordering_part_is_the_fixed_cost_times_orders_per_day():
    assert cost_parts("guide", [2], [5, 10], DEMANDS["poisson"], 0.7, 0.3, 8.0, 2.5).ordering == pytest.approx(
        [1.12, 0.56]
    )


@pytest.mark.parametrize(("s", "quantity"), [([-1], [3]), ([2], [0])])
def test_a_window_that_is_none_is_refused(s, quantity):
    with pytest.raises(ParameterError, match="s must be 0 or more and order_quantity 1 or more"):
        cost_parts("daily_review", s, quantity, DEMANDS["poisson"], 0.7, 0.3, 8.0, 2.5)


@pytest.mark.parametrize("form", DEMANDS)
def test_probabilities_add_up_and_agree_with_the_loss(form):
    demand = DEMANDS[form]
    x = np.arange(200)
    probability = demand.probability(x)
    assert probability.min() >= 0 and probability.sum() == pytest.approx(1, abs=1e-9)
    # P(X > s) = n(s) - n(s+1); a Normal is cut into whole units, which moves it by less than one unit's probability
    survival = demand.loss(x[:-1]) - demand.loss(x[1:])
    tolerance = 1e-12 if form != "normal" else 0.5 * probability.max()
    assert 1 - np.cumsum(probability)[:-1] == pytest.approx(survival, abs=tolerance)
