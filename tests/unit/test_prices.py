"""What one more unit of a limit is worth: from the duals of a model, single or over ITEMS, to a price per item."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pyomo.environ as pyo
import pytest

from invopt import policies
from invopt.policies.base import About, Answer, Decision, Params, Policy
from invopt.solving import HIGHS, SolveRequest, flat_schema, solve_bucket
from invopt.solving.by_algorithm import solve_by_algorithm
from invopt.solving.by_model import solve_by_model
from invopt.tables.columns import required


def build_model(items, params):
    """Each item sells at most `most` at 1, 2, 3 each; all sell at most 5 together; the third item has no limit."""
    items.raise_problems()
    most = items.numbers("most")
    model = pyo.ConcreteModel()
    model.ITEMS = pyo.RangeSet(0, len(items) - 1)
    model.SOLD = pyo.Var(model.ITEMS, domain=pyo.NonNegativeReals)
    model.own = pyo.Constraint(
        model.ITEMS, rule=lambda m, i: m.SOLD[i] <= most[i] if np.isfinite(most[i]) else pyo.Constraint.Skip
    )
    model.shared = pyo.Constraint(expr=pyo.quicksum(model.SOLD.values()) <= 5)
    model.off = pyo.Constraint(expr=pyo.quicksum(model.SOLD.values()) <= 1)
    model.off.deactivate()
    model.item_cost = pyo.Expression(model.ITEMS, rule=lambda m, i: -(i + 1.0) * m.SOLD[i])
    model.total_cost = pyo.Objective(expr=pyo.quicksum(model.item_cost.values()))
    return model


POLICY = Policy(
    name="selling",
    about=About("", "LP", ""),
    decides=(Decision("SOLD", "units", "sold"),),
    needs=(replace(required("most", "double", "units", "no more; NULL for no limit"), is_nullable=True, minimum=0),),
    params=Params,
    build_model=build_model,
    cost=lambda items, decisions, params: -decisions["SOLD"],
    order=lambda decisions, stock: stock.inventory_position,
    examples=(),
    partition_by=("location_id",),
    select="",
    prices={"own": "own", "all": "shared", "gone": "off", "never": "not_there", "other": ""},
)
MOST = (1.0, 2.0, np.nan)


def items(most=MOST) -> pd.DataFrame:
    n = len(most)
    keys = {"location_id": "1", "product_id": [str(i) for i in range(n)], "source_id": "9"}
    return pd.DataFrame({**keys, "most": most, "partition_key": "1", "is_audited": False})


def test_a_single_constraint_prices_every_item_and_an_indexed_one_those_that_it_has():
    prices = solve_by_model(items(), POLICY, Params(), HIGHS).prices
    # all 5 units are the dearest item's, which has no limit
    assert prices["all"] == [3.0, 3.0, 3.0]
    np.testing.assert_array_equal(prices["own"], [0.0, 0.0, np.nan])
    np.testing.assert_array_equal(prices["gone"], [np.nan] * 3)
    assert set(prices) == {"own", "all", "gone"}
    prices = solve_by_model(items((1.0, 2.0, 1.0)), POLICY, Params(), HIGHS).prices
    # 4 units in all are sold: the shared limit is worth nothing
    assert prices["own"] == [1.0, 2.0, 3.0] and prices["all"] == [0.0, 0.0, 0.0]


@pytest.fixture
def selling(monkeypatch):
    def use(policy: Policy) -> SolveRequest:
        monkeypatch.setattr(policies, "load", lambda name, folder=None: policy)
        return SolveRequest.of_policy("selling", method="auto")

    return use


def test_only_prices_that_there_are_get_into_the_map_and_all_have_a_column(selling):
    request = selling(POLICY)
    solved = solve_bucket(items(), request)
    assert solved["prices"].tolist() == [{"own": 0.0, "all": 3.0}, {"own": 0.0, "all": 3.0}, {"all": 3.0}]
    flat = solve_bucket(items(), request, is_flat=True)
    assert list(flat.columns) == list(flat_schema(POLICY))
    assert flat["price_1"].tolist() == [3.0] * 3 and flat[["price_2", "price_3", "price_4"]].isna().all(axis=None)
    bad = items((1.0, -2.0, 1.0))
    assert solve_bucket(bad, request)["prices"].tolist() == [None] * 3
    without = selling(replace(POLICY, prices={}))
    assert solve_bucket(items(), without)["prices"].tolist() == [None] * 3
    assert not [name for name in solve_bucket(items(), without, is_flat=True) if name.startswith("price")]


def test_a_model_s_plan_takes_the_prices_of_its_own(selling):
    """The algorithm's price goes with its plan; what only the algorithm prices has none then."""

    def answer(of, params):
        zeros = np.zeros(len(of))
        return Answer({"SOLD": zeros}, zeros, zeros - 20.0, {"all": zeros + 7.0, "other": zeros + 8.0})

    request = selling(replace(POLICY, algorithm=answer))
    assert solve_bucket(items(), request)["prices"].tolist()[2] == {"all": 3.0}
    wide = replace(request, row=request.row.model_copy(update={"gap": 1.0, "method": "algorithm"}))
    assert solve_bucket(items(), wide)["prices"].tolist() == [{"all": 7.0, "other": 8.0}] * 3


@pytest.mark.parametrize(
    ("prices", "words"),
    [
        ({"nobody": np.zeros(3)}, "prices"),
        ({"all": np.zeros(2)}, "wrong shapes for 3 items: all"),
        ({"all": np.zeros((3, 1))}, "wrong shapes for 3 items: all"),
    ],
)
def test_prices_that_are_not_declared_or_of_a_wrong_shape_are_refused(selling, prices, words):
    zeros = np.zeros(3)
    policy = replace(POLICY, algorithm=lambda of, params: Answer({"SOLD": zeros}, zeros, None, prices))
    with pytest.raises(ValueError, match=words):
        solve_by_algorithm(items(), np.array([0, 3]), policy, Params())
