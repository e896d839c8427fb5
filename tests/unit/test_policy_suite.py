"""What holds for every policy, on random items of `tests/items` and on items that can't be used.

`workbench/laws.py` has the laws that a policy's examples obey, which `invopt policies --check` tries too.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from invopt import policies
from invopt.errors import ParameterError
from invopt.solving import Status
from invopt.theory.order_rules import Stock
from tests.items import answer, example_item, frame, items_of, model, offsets_of, problem
from tests.items.cases import BAD, CASES, KINDS, NAMES, agreement_of, case_of, is_model_refused


@pytest.mark.parametrize(("name", "n"), CASES)
def test_random_items_are_decided_and_cost_what_is_said(name, n):
    policy, items, params, _ = case_of(name, n)
    solved = answer(policy, items, **params)
    assert solved.is_solved.mean() > 0.5, solved.message[~solved.is_solved][:1]
    cost = policy.cost(items_of(policy, items), solved.decisions, policy.params(**params))
    is_solved, starts = solved.is_solved, offsets_of(policy, items)[:-1]
    np.testing.assert_allclose(cost[is_solved], solved.cost[is_solved], rtol=1e-8, atol=1e-8)
    total = np.add.reduceat(np.where(is_solved, solved.cost, 0.0), starts)
    np.testing.assert_allclose(total[is_solved[starts]], solved.objective[starts][is_solved[starts]], rtol=1e-9)
    for values in solved.decisions.values():
        assert (values[is_solved] >= 0).all()
    assert (solved.bound[is_solved] <= solved.objective[is_solved] * (1 + 1e-9) + 1e-9).all()


@pytest.mark.parametrize(("name", "n"), CASES)
def test_no_other_decision_costs_less(name, n):
    policy, items, params, _ = case_of(name, n)
    if policy.params(**params).model_dump().get("service", "none") != "none" or len(policy.partition_by) < 3:
        pytest.skip("a service or a shared limit forbids cheaper decisions")
    solved = answer(policy, items, **params)
    read = items_of(policy, items)
    limited = getattr(KINDS[name], "LIMITED", ())
    for name_of, values in solved.decisions.items():
        if name_of in limited:
            continue
        for change in (1.0, -1.0, 3.0):
            other = policy.cost(read, {**solved.decisions, name_of: values + change}, policy.params(**params))
            is_known = np.isfinite(other) & solved.is_solved
            assert (other[is_known] >= solved.bound[is_known] * (1 - 1e-9) - 1e-9).all(), (name_of, change)


@pytest.mark.parametrize("name", [name for name in NAMES if getattr(KINDS[name], "IS_WHOLE", False)])
def test_decisions_that_can_not_be_cost_no_number(name):
    policy, items, params, _ = case_of(name, 0)
    read, solved = items_of(policy, items), answer(policy, items, **params)
    for name_of, values in solved.decisions.items():
        for wrong in (np.full_like(values, -1.0), values + 0.5, np.full_like(values, np.nan)):
            assert np.isnan(policy.cost(read, {**solved.decisions, name_of: wrong}, policy.params(**params))).all()


@pytest.mark.parametrize(("name", "n"), CASES)
def test_model_and_algorithm_agree(name, n):
    policy, items, params, n_compared = case_of(name, n)
    if policy.params(**params).algorithm_alone_because() is not None:
        pytest.skip("the algorithm alone decides under these parameters")
    ends = offsets_of(policy, items)
    items = items.iloc[: ends[n_compared]].reset_index(drop=True)
    starts = offsets_of(policy, items)[:-1]
    by_algorithm, by_model = (answer(policy, items, method, **params) for method in ("algorithm", "model"))
    n_agreed = 0
    for k in starts:
        if not by_model.is_solved[k]:
            assert is_model_refused(by_model.message[k]) or not by_algorithm.is_solved[k], by_model.message[k]
            continue
        assert by_algorithm.is_solved[k], by_algorithm.message[k]
        if getattr(KINDS[name], "IS_WHOLE", False):
            # a vertex of the model is one choice: whole numbers, though perhaps others of the same cost
            for decided in policy.decision_names:
                values = by_algorithm.decisions[decided][k], by_model.decisions[decided][k]
                assert values[0] == round(values[0])
                assert values[1] == pytest.approx(round(values[1]), rel=1e-6, abs=1e-5)
        # each may prove a bound alone; what is proved to be the optimum is one point
        for plan, proof in ((by_algorithm, by_model), (by_model, by_algorithm)):
            tolerance = agreement_of(name) * max(1.0, abs(plan.objective[k]))
            gap = 1e-4 * abs(plan.objective[k]) if proof.status[k] == str(Status.FEASIBLE) else 0.0
            assert proof.bound[k] <= plan.objective[k] + tolerance + gap
        n_agreed += 1
    assert n_agreed >= len(starts) / 3


@pytest.mark.parametrize("name", NAMES)
def test_auto_is_proved_within_the_gap_or_the_better_of_both(name):
    policy, items, params, n_compared = case_of(name, 0)
    items = items.iloc[: offsets_of(policy, items)[min(3, n_compared)]].reset_index(drop=True)
    auto, by_algorithm = (answer(policy, items, method, **params) for method in ("auto", "algorithm"))
    is_solved = by_algorithm.is_solved
    assert (auto.is_solved >= is_solved).all()
    assert (auto.objective[is_solved] <= by_algorithm.objective[is_solved] * (1 + 1e-12)).all()
    assert (auto.bound[is_solved] >= by_algorithm.bound[is_solved] * (1 - 1e-12) - 1e-12).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_value_out_of_its_range_is_named(name):
    policy = policies.load(name)
    for column in policy.needs:
        series = column.type.startswith("array")
        wrong = [] if column.minimum is None else [column.minimum - 1.0]
        wrong += [column.minimum] if column.is_above_minimum else []
        wrong += [] if column.maximum is None else [column.maximum + 1.0]
        wrong += [np.inf] if wrong else []
        for value in wrong:
            told = problem(policy, example_item(policy, **{column.name: np.array([value]) if series else value}))
            assert f"column {column.name} " in told and (column.range in told or "finite" in told), (value, told)
        if series and wrong:
            told = problem(policy, example_item(policy, **{column.name: np.array([1.0, np.nan])}))
            assert f"column {column.name} at [1] is nan" in told, told
        if not column.is_nullable:
            assert f"column {column.name} is NULL" in problem(policy, example_item(policy, **{column.name: None})) or (
                f"column {column.name} is nan" in problem(policy, example_item(policy, **{column.name: None}))
            )
            if series:
                told = problem(policy, example_item(policy, **{column.name: np.array([])}))
                assert f"column {column.name} is empty" in told, told


@pytest.mark.parametrize("name", NAMES)
def test_all_problems_of_an_item_are_told_and_its_neighbours_are_decided(name):
    policy = policies.load(name)
    needed = [column.name for column in policy.needs if column.minimum is not None][:2]
    series = {column.name for column in policy.needs if column.type.startswith("array")}
    bad = example_item(policy, **{key: np.array([-5.0]) if key in series else -5.0 for key in needed})
    solved = answer(policy, frame(policy, example_item(policy), bad, example_item(policy)))
    assert solved.is_solved.tolist() == [True, False, True] and solved.cost[0] == solved.cost[2]
    assert all(f"column {key} " in solved.message[1] for key in needed), solved.message[1]


@pytest.mark.parametrize(("name", "bad"), BAD)
def test_what_no_range_tells_is_refused_by_both_methods(name, bad):
    kind, policy = KINDS[name], policies.load(name)
    changes, text = kind.BAD[bad][:2]
    params = kind.BAD[bad][2] if len(kind.BAD[bad]) > 2 else {}
    item = example_item(policy, **changes)
    told = problem(policy, item, **params)
    assert text in told and "None" not in told.split(text)[0], told
    refused = policy.algorithm(items_of(policy, frame(policy, item)), policy.params(**params))
    assert np.isnan(refused.cost).all() and all(np.isnan(values).all() for values in refused.decisions.values())
    if policy.params(**params).algorithm_alone_because() is None and not is_model_refused(text):
        with pytest.raises(ParameterError) as raised:
            model(policy, frame(policy, item), **params)
        assert text in str(raised.value) or is_model_refused(str(raised.value))


@pytest.mark.parametrize("name", NAMES)
def test_no_items_have_no_answer(name):
    policy = policies.load(name)
    solved = policy.algorithm(items_of(policy, frame(policy)), policy.params())
    assert set(solved.decisions) == set(policy.decision_names) and np.shape(solved.cost) == (0,)


@pytest.mark.parametrize("name", NAMES)
def test_an_order_without_decision_or_position_is_unknown(name):
    policy = policies.load(name)
    n_periods = 2 if any(decision.has_periods for decision in policy.decides) else None
    shape = (2,) if n_periods is None else (2, n_periods)
    decisions = {
        decided: np.array([[np.nan], [1.0]]).repeat(n_periods or 1, 1).reshape(shape)
        for decided in policy.decision_names
    }
    assert np.isnan(policy.order(decisions, Stock.of([0.0, np.nan]))).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_policy_is_a_page(name):
    text = (Path(policies.__path__[0]) / f"{name}.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 200
