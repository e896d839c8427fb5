"""What an audit claims: a difference only where the model contradicts the algorithm's cost."""

from __future__ import annotations

import math

import pytest

from invopt.solving.audit import contradiction
from invopt.solving.outcome import Outcome, Status, Termination, failure

OPTIMUM = Outcome(Termination.CONVERGED, Status.OPTIMAL, objective=100.0, bound=100.0)
BETWEEN = Outcome(Termination.TIME_LIMIT, Status.FEASIBLE, objective=110.0, bound=90.0)
UNBOUND = Outcome(Termination.TIME_LIMIT, Status.FEASIBLE, objective=110.0)


@pytest.mark.parametrize(
    ("cost", "model", "gap", "is_disagreement"),
    [
        (100.0, OPTIMUM, 0.0, False),
        (100.00005, OPTIMUM, 5e-7, False),
        (101.0, OPTIMUM, 0.01, True),
        (99.0, OPTIMUM, 0.01, True),  # cheaper than the model's optimum is as wrong as dearer
        # a plan costs a little more than the bound that a solver takes for its proof; a better plan lies between
        (99.99, Outcome(Termination.CONVERGED, Status.OPTIMAL, objective=100.0, bound=99.98), 0.0, False),
        (100.0, BETWEEN, None, False),
        (111.1, BETWEEN, 0.01, True),
        (81.0, BETWEEN, 0.1, True),
        (5.0, UNBOUND, None, False),
        (121.0, UNBOUND, 0.1, True),
        (100.0, failure(Termination.INFEASIBLE, "infeasible"), math.inf, True),
        (100.0, failure(Termination.CRASHED, "died"), None, False),
    ],
)
def test_difference(cost, model, gap, is_disagreement):
    difference, message = contradiction(cost, cost, model, 1e-6)
    assert difference == (None if gap is None else pytest.approx(gap, rel=1e-6, abs=1e-12))
    assert ("they disagree" in (message or "")) == is_disagreement
    assert gap is not None or "no optimum of the model" in message


@pytest.mark.parametrize(
    ("bound", "cost", "model", "gap"),
    [
        (95.0, 105.0, OPTIMUM, 0.0),
        (101.0, 105.0, OPTIMUM, 0.01),  # no optimum of 100 where 101 is a bound
        (95.0, 99.0, OPTIMUM, 0.01),
        (80.0, 95.0, BETWEEN, None),
        (70.0, 81.0, BETWEEN, 0.1),
        (121.0, 130.0, BETWEEN, 0.1),
    ],
)
def test_an_algorithm_that_proves_a_range_is_held_to_it(bound, cost, model, gap):
    difference, message = contradiction(cost, bound, model, 1e-6)
    assert difference == (None if gap is None else pytest.approx(gap, rel=1e-6, abs=1e-12))
    assert ("they disagree" in (message or "")) == bool(gap)
