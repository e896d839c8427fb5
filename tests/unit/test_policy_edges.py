"""What holds for every policy where demand, money or a neighbour is not as usual, and of many items at once.

`test_policy_suite.py` has the rest.
"""

from __future__ import annotations

from typing import Literal, get_args, get_origin

import numpy as np
import pandas as pd
import pyomo.environ as pyo
import pytest
from pydantic import ValidationError

from invopt.errors import ParameterError
from invopt.solving import Status
from invopt.tables.columns import ITEM
from invopt.theory.order_rules import Stock
from tests.items import answer, example_item, frame, items_of, model, offsets_of, solved_model
from tests.items.cases import (
    BAD,
    CASES,
    KINDS,
    NAMES,
    POLICIES,
    agreement_of,
    can_be_modelled,
    case_of,
    is_model_refused,
)

FORMS = ("poisson", "deterministic", "normal", "pmf")
# policies whose items are decided each alone, and those that read a demand of any form
INDEPENDENT = [(name, n) for name, n in CASES if POLICIES[name].partition_by == ITEM and can_be_modelled(name, n)]
WITH_FORMS = [
    (name, n) for name, n in CASES if any(column.name == "demand_distribution" for column in POLICIES[name].needs)
]
MANY = [(name, n) for name, n in CASES if hasattr(KINDS[name], "N_MANY") and can_be_modelled(name, n)]
# seconds; a larger model is left out where many are solved
TIME_LIMIT = 10.0
# relative difference of two sums of the same terms
ROUNDING = 1e-9


def without_demand(form: str) -> dict:
    """An item's columns that say in any form of demand that there is none."""
    return {
        "demand_distribution": form,
        "demand_mean": np.zeros(28),
        "demand_variance": np.zeros(28),
        "demand_pmf": [np.ones(1)] * 28,
        "lead_time_confidence": 1.0,
        "service_level": 0.9,
    }


@pytest.mark.parametrize(("name", "n"), WITH_FORMS)
def test_no_demand_of_any_form_orders_nothing(name, n):
    policy, params = POLICIES[name], KINDS[name].PARAMS[n]
    items = frame(policy, *(example_item(policy, **without_demand(form)) for form in FORMS))
    for method in ("algorithm", "model") if can_be_modelled(name, n) else ("algorithm",):
        solved = answer(policy, items, method, **params)
        assert solved.is_solved.all(), solved.message
        assert not solved.cost.any() and not any(values.any() for values in solved.decisions.values())
        assert not policy.cost(items_of(policy, items), solved.decisions, policy.params(**params)).any()
        assert not policy.order(solved.decisions, Stock.of(np.zeros(len(FORMS)), day=20_000.0)).any()


@pytest.mark.parametrize(("name", "n"), CASES)
def test_money_times_ten_costs_ten_times_as_much(name, n):
    """Of random items whose answer is the optimum: among plans that are not, another currency may choose another."""
    policy, items, params, _ = case_of(name, n)
    dearer = items.copy()
    for column in policy.needs:
        if column.unit.startswith("money"):
            dearer[column.name] = [None if cell is None else np.multiply(cell, 10.0) for cell in items[column.name]]
            if column.type == "double":
                dearer[column.name] = dearer[column.name].astype(float)
    in_params = {key: 10 * params[key] for key in getattr(KINDS[name], "MONEY", ()) if key in params}
    before, after = answer(policy, items, **params), answer(policy, dearer, **{**params, **in_params})
    np.testing.assert_array_equal(before.is_solved, after.is_solved)
    is_best = (before.status == str(Status.OPTIMAL)) & (after.status == str(Status.OPTIMAL))
    assert is_best.any()
    np.testing.assert_allclose(after.objective[is_best], 10 * before.objective[is_best], rtol=ROUNDING, atol=ROUNDING)


@pytest.mark.parametrize("name", sorted({name for name, _ in BAD}))
def test_bad_items_leave_their_neighbours_alone(name):
    policy, kind = POLICIES[name], KINDS[name]
    changes = [bad[0] for bad in kind.BAD.values() if len(bad) == 2]
    good = example_item(policy)
    mixed = [good, *(item for change in changes for item in (example_item(policy, **change), good))]
    solved, alone = answer(policy, frame(policy, *mixed)), answer(policy, frame(policy, good))
    assert not solved.is_solved[1::2].any() and np.isnan(solved.cost[1::2]).all()
    assert set(solved.cost[::2]) == {alone.cost[0]} and all(told is None for told in solved.message[::2])
    for decided in policy.decision_names:
        np.testing.assert_array_equal(
            solved.decisions[decided][::2], np.repeat(alone.decisions[decided], len(changes) + 1, 0)
        )


@pytest.mark.parametrize(("name", "n"), INDEPENDENT)
def test_a_model_of_several_items_holds_the_share_of_each(name, n):
    policy, items, params, n_compared = case_of(name, n)
    by_model = answer(policy, items.iloc[:n_compared].reset_index(drop=True), "model", **params)
    rows = np.flatnonzero(by_model.is_solved)[:4]
    example = example_item(policy)
    without = {**example, "demand_mean": np.zeros_like(example["demand_mean"])}
    idle = frame(policy, without).assign(product_id="idle", location_id="idle")
    together = pd.concat([items.iloc[rows], idle], ignore_index=True)
    solved = answer(policy, together, **params)
    built = solved_model(policy, together, **params)
    shares = [pyo.value(built.item_cost[i]) for i in built.ITEMS]
    np.testing.assert_allclose(shares, solved.cost, rtol=agreement_of(name), atol=agreement_of(name))
    assert len(shares) > 2
    assert pyo.value(built.total_cost) == pytest.approx(solved.cost.sum(), rel=agreement_of(name))


@pytest.mark.parametrize("name", [name for name in NAMES if hasattr(KINDS[name], "TOO_LARGE")])
def test_a_model_too_large_to_build_points_to_the_algorithm(name):
    policy = POLICIES[name]
    with pytest.raises(ParameterError, match="method: algorithm"):
        model(policy, frame(policy, example_item(policy, **KINDS[name].TOO_LARGE)))


@pytest.mark.parametrize("name", NAMES)
def test_a_parameter_that_there_is_not_is_refused_and_the_words_of_others_are_told(name):
    params = POLICIES[name].params
    with pytest.raises(ValidationError, match="no_such_parameter"):
        params(no_such_parameter=1)
    for field, info in params.model_fields.items():
        if get_origin(info.annotation) is Literal:
            with pytest.raises(ValidationError) as refused:
                params(**{field: "sigmoid"})
            assert all(word in str(refused.value) for word in (field, *get_args(info.annotation)))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "n"), MANY)
def test_model_and_algorithm_agree_on_many_items(name, n):
    policy, kind = POLICIES[name], KINDS[name]
    random_items = getattr(kind, "many_items", kind.random_items)
    items = random_items(np.random.default_rng(100 + n), kind.N_MANY // len(kind.PARAMS))
    by_algorithm = answer(policy, items, **kind.PARAMS[n])
    by_model = answer(policy, items, "model", time_limit=TIME_LIMIT, **kind.PARAMS[n])
    starts = offsets_of(policy, items)[:-1]
    is_left_out = np.array([is_model_refused(told) or "time limit" in (told or "") for told in by_model.message])
    compared = starts[by_model.status[starts] == str(Status.OPTIMAL)]
    assert (by_model.is_solved | is_left_out)[starts].all(), by_model.message[~by_model.is_solved & ~is_left_out][:1]
    expected, objective = by_algorithm.objective[compared], by_model.objective[compared]
    difference = np.abs(objective - expected) / np.maximum(1.0, np.abs(expected))
    print(f"largest relative difference of {len(compared)} partitions: {difference.max():.2e}")
    assert len(compared) > 0.6 * len(starts) and difference.max() < agreement_of(name)
