"""The arrays given to HiGHS say what the Pyomo model says: the same optima as scipy's milp on random models of every
kind.
"""

from __future__ import annotations

import subprocess
import sys

import highspy
import numpy as np
import pyomo.environ as pyo
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from invopt.errors import ConfigError
from invopt.solving import highs
from invopt.solving.linear_form import linear_form
from invopt.solving.outcome import Status, Termination


def random_model(seed: int) -> tuple[pyo.ConcreteModel, dict]:
    """A model with free, bounded, one-sided, integer, fixed and unused variables, rows of all kinds, a constant in
    rows and cost.
    """
    rng = np.random.default_rng(seed)
    n, n_rows = int(rng.integers(2, 8)), int(rng.integers(1, 7))
    lower = rng.choice([-np.inf, 0.0, -3.0, 1.5], size=n)
    upper = np.where(rng.random(n) < 0.5, np.inf, np.maximum(lower, 0) + rng.uniform(2, 6, n))
    is_integer = rng.random(n) < 0.4
    matrix = np.where(rng.random((n_rows, n)) < 0.6, rng.integers(-4, 6, (n_rows, n)), 0).astype(float)
    inside = np.clip(rng.integers(-2, 5, n), np.maximum(lower, -9), np.minimum(upper, 9))
    activity = matrix @ inside
    slack = rng.uniform(0, 3, n_rows)
    kind = rng.integers(0, 4, n_rows)  # ==, <=, >=, range
    row_lower = np.where(kind == 1, -np.inf, activity - slack * (kind != 0))
    row_upper = np.where(kind == 2, np.inf, activity + slack * (kind != 0))
    cost, constant = rng.integers(-2, 9, n).astype(float), float(rng.integers(-5, 6))
    model = pyo.ConcreteModel()
    model.ITEMS = pyo.RangeSet(0, n - 1)
    model.x = pyo.Var(model.ITEMS)
    for i in range(n):
        model.x[i].domain = pyo.Integers if is_integer[i] else pyo.Reals
        model.x[i].setlb(None if np.isinf(lower[i]) else lower[i])
        model.x[i].setub(None if np.isinf(upper[i]) else upper[i])
    if seed % 3 == 0:
        model.x[0].domain = pyo.Reals
        model.x[0].fix(float(inside[0]))
        lower[0] = upper[0] = inside[0]
        is_integer[0] = False
    model.rows = pyo.ConstraintList()
    for row in range(n_rows):
        # the constant 2 on both sides must cancel out
        body = pyo.quicksum(float(matrix[row, i]) * model.x[i] for i in range(n)) + 2.0
        low, high = row_lower[row] + 2.0, row_upper[row] + 2.0
        if not matrix[row].any():
            continue
        if low == high:
            model.rows.add(body == low)
        else:
            model.rows.add((None if np.isinf(low) else low, body, None if np.isinf(high) else high))
    model.total_cost = pyo.Objective(expr=pyo.quicksum(float(cost[i]) * model.x[i] for i in range(n)) + constant)
    reference = milp(
        cost,
        integrality=is_integer.astype(int),
        bounds=Bounds(lower, upper),
        constraints=LinearConstraint(matrix, row_lower, row_upper),
        options={"mip_rel_gap": 0.0},
    )
    if reference.x is not None and is_integer.any():
        # SciPy gives the point of its HiGHS, which may break each row by 1e-6: what its integers really cost
        whole = np.rint(reference.x)
        fixed = Bounds(np.where(is_integer, whole, lower), np.where(is_integer, whole, upper))
        again = milp(cost, bounds=fixed, constraints=LinearConstraint(matrix, row_lower, row_upper))
        reference = again if again.x is not None else reference
    return model, {"status": reference.status, "objective": None if reference.x is None else reference.fun + constant}


def test_random_models_have_the_optima_of_scipy():
    ends = {Termination.CONVERGED: 0, Termination.INFEASIBLE: 0, Termination.UNBOUNDED: 0}
    for seed in range(150):
        model, reference = random_model(seed)
        result = highs.solve(model, 60, {"mip_rel_gap": 0.0})
        ends[result.termination] += 1
        if reference["status"] == 0:
            assert result.termination is Termination.CONVERGED, f"seed {seed}"
            assert result.objective == pytest.approx(reference["objective"], rel=1e-7, abs=1e-6), f"seed {seed}"
            assert result.bound == pytest.approx(result.objective, rel=1e-6, abs=1e-6), f"seed {seed}"
            assert pyo.value(model.total_cost) == pytest.approx(result.objective, abs=1e-9), f"seed {seed}"
            for variable in model.x.values():
                low, high = variable.bounds
                assert variable.fixed or (-1e-6 + (low if low is not None else -np.inf) <= variable.value)
                assert variable.fixed or (variable.value <= 1e-6 + (high if high is not None else np.inf))
                assert variable.fixed or variable.is_continuous() or variable.value == round(variable.value)
        else:  # scipy can't always tell unbounded (3) from infeasible (2): then it says 4
            allowed = {
                2: {Termination.INFEASIBLE},
                3: {Termination.UNBOUNDED},
                4: {Termination.INFEASIBLE, Termination.UNBOUNDED},
            }
            assert result.termination in allowed[reference["status"]], f"seed {seed}"
            assert result.status is Status.NO_SOLUTION
    assert ends[Termination.CONVERGED] > 80 and ends[Termination.UNBOUNDED] > 5, ends


def model_of(cost, *, lower=0.0, upper=10.0, domain=pyo.Reals) -> pyo.ConcreteModel:
    model = pyo.ConcreteModel()
    model.x = pyo.Var(bounds=(lower, upper), domain=domain)
    model.total_cost = pyo.Objective(expr=cost(model.x))
    return model


def test_model_without_variables_costs_its_constant():
    model = pyo.ConcreteModel()
    model.total_cost = pyo.Objective(expr=5.0)
    assert highs.solve(model, 1, {})[:4] == (Termination.CONVERGED, Status.OPTIMAL, 5.0, 5.0)


def test_unused_variable_gets_the_value_nearest_zero_in_its_bounds():
    model = model_of(lambda x: 2 * x, lower=1.0)
    model.unused = pyo.Var(bounds=(2.0, 5.0))
    assert highs.solve(model, 1, {}).objective == 2.0
    assert model.unused.value == 2.0


def test_infeasible_bounds_of_an_unused_variable_are_seen():
    model = model_of(lambda x: 2 * x)
    model.unused = pyo.Var(bounds=(3.0, 2.0))
    assert highs.solve(model, 1, {}).termination is Termination.INFEASIBLE


def test_constraint_without_variables_that_is_false_is_infeasible():
    model = model_of(lambda x: 2 * x)
    model.x.fix(0.0)
    model.enough = pyo.Constraint(expr=model.x >= 2)
    result = highs.solve(model, 1, {})
    assert result.termination is Termination.INFEASIBLE and "enough" in result.message


def test_unbounded():
    assert highs.solve(model_of(lambda x: -x, upper=None), 1, {}).termination is Termination.UNBOUNDED
    assert (
        highs.solve(model_of(lambda x: -x, upper=None, domain=pyo.Integers), 1, {}).termination is Termination.UNBOUNDED
    )


@pytest.mark.parametrize(
    ("cost", "words"),
    [
        (lambda x: x**2, "nonlinear"),
        (lambda x: float("nan") * x, "NaN.*the objective"),
        (lambda x: float("inf") * x, "NaN.*the objective"),
    ],
)
def test_refused_costs(cost, words):
    with pytest.raises(Exception, match=words):
        highs.solve(model_of(cost), 1, {})


def test_nan_in_a_constraint_is_named():
    model = model_of(lambda x: x)
    model.enough = pyo.Constraint(expr=model.x >= float("nan"))
    with pytest.raises(ValueError, match="enough"):
        highs.solve(model, 1, {})


def test_a_row_with_two_limits_is_one_row_and_fixed_or_unmentioned_variables_of_a_component_stay_what_they_are():
    model = pyo.ConcreteModel()
    model.x = pyo.Var(range(4), bounds=(1.0, 5.0))
    model.x[1].fix(3.0)
    model.rows = pyo.Constraint(expr=(4.0, 2 * model.x[0] + model.x[1] + 0.5, 6.5))
    model.total_cost = pyo.Objective(expr=model.x[1] - model.x[0] + 0 * model.x[2])
    form = linear_form(model, model.total_cost)
    assert [variable.name for variable in form.columns] == ["x[0]", "x[2]", "x[3]"]
    assert (form.lower.tolist(), form.upper.tolist()) == ([0.5], [3.0])
    assert (form.start.tolist(), form.index.tolist(), form.value.tolist()) == ([0, 1], [0], [2.0])
    assert (form.cost.tolist(), form.offset) == ([-1.0, 0.0, 0.0], 3.0)
    assert highs.solve(model, 1, {}).objective == 1.5
    assert [variable.value for variable in model.x.values()] == [1.5, 3.0, 1.0, 1.0]


def test_what_is_neither_row_nor_cost_is_refused():
    model = pyo.ConcreteModel()
    model.x = pyo.Var(range(3), bounds=(0, 1))
    model.at_most_one = pyo.SOSConstraint(var=model.x, sos=1)
    model.total_cost = pyo.Objective(expr=-pyo.quicksum(model.x.values()))
    with pytest.raises(ValueError, match="at_most_one is a SOSConstraint"):
        highs.solve(model, 1, {})
    model.at_most_one.deactivate()
    assert highs.solve(model, 1, {}).objective == -3


def test_maximising_is_refused():
    model = model_of(lambda x: x)
    model.total_cost.sense = pyo.maximize
    with pytest.raises(ValueError, match="total_cost maximises"):
        highs.solve(model, 1, {})


def test_domain_with_gaps_is_refused():
    model = model_of(lambda x: x, lower=None, upper=None, domain=pyo.Set(initialize=[1, 5]))
    with pytest.raises(ValueError, match="x has the domain"):
        highs.solve(model, 1, {})


@pytest.fixture
def runs(monkeypatch):
    """The options of every run of HiGHS, by name, and how many seconds it may take by its own clock."""
    seen = []
    run = highspy.Highs.run

    def seen_run(solver: highspy.Highs):
        names = ("mip_rel_gap", "presolve", "threads", "output_flag", "time_limit")
        options = {name: solver.getOptionValue(name)[1] for name in names}
        seen.append({**options, "seconds_left": options["time_limit"] - solver.getRunTime()})
        return run(solver)

    monkeypatch.setattr(highspy.Highs, "run", seen_run)
    return seen


def test_time_limit_counts_from_each_model_anew(runs):
    """HiGHS is kept between models, and its clock runs on: each model's limit must begin where the clock stands."""
    models = [random_model(seed)[0] for seed in range(60)]
    linear = [model for model in models if all(x.is_continuous() for x in model.component_data_objects(pyo.Var))]
    for model in linear:
        highs.solve(model, 60.0, {})
    assert len(runs) >= len(linear) > 5
    assert [run["seconds_left"] for run in runs] == pytest.approx([60.0] * len(runs), abs=1e-9)
    assert runs[-1]["time_limit"] > runs[0]["time_limit"]


def test_a_mixed_integer_model_has_its_own_clock(runs):
    """Its limit is not compared with the time of the models before it, so it must not be lengthened by that."""
    model = pyo.ConcreteModel()
    model.x = pyo.Var(range(12), domain=pyo.Binary)
    model.weight = pyo.Constraint(expr=sum((31 + 7 * i % 11) * model.x[i] for i in range(12)) >= 150)
    model.total_cost = pyo.Objective(expr=sum((13 + 5 * i % 7) * model.x[i] for i in range(12)))
    for _ in range(3):
        assert highs.solve(model, 70.0, {}).termination is Termination.CONVERGED
    assert [run["time_limit"] for run in runs] == [70.0] * 3


def test_options_of_one_model_are_not_the_next_ones(runs):
    model, _ = random_model(2)
    highs.solve(model, 60, {"mip_rel_gap": 0.5, "presolve": "off"})
    first = runs[-1]
    highs.solve(model, 60, {})
    second = runs[-1]
    assert (first["mip_rel_gap"], first["presolve"]) == (0.5, "off")
    assert (second["mip_rel_gap"], second["presolve"]) == (1e-4, "choose")
    assert second["threads"] == 1 and second["output_flag"] is False


def test_wrong_options_are_all_named_with_what_is_near():
    with pytest.raises(ConfigError) as raised:
        highs.check_options(
            {"mip_rel_gp": 0.1, "threads": 4, "solver": "nonsense", "presolve": "off", "mip_rel_gap": 0}
        )
    assert len(raised.value.problems) == 3
    assert "mip_rel_gap" in raised.value.problems[0] and "nonsense" in raised.value.problems[2]


def test_an_option_that_only_highs_itself_names_is_known():
    name = "primal_simplex_bound_perturbation_multiplier"
    assert name not in dir(highspy.Highs().getOptions())
    highs.check_options({name: 0.0})
    with pytest.raises(ConfigError, match="refuses the value -1.0; its default is 1.0"):
        highs.check_options({name: -1.0})


def test_nothing_is_printed_but_what_the_caller_prints():
    """In a process of its own: HiGHS writes past Python's own stdout."""
    program = (
        "import pyomo.environ as pyo\n"
        "from invopt.solving import highs\n"
        "print('before', end=' ')\n"
        "m = pyo.ConcreteModel(); m.x = pyo.Var(bounds=(1, 2)); m.total_cost = pyo.Objective(expr=m.x)\n"
        "m.row = pyo.Constraint(expr=m.x >= 1.5); highs.check_options({'presolve': 'off'})\n"
        "print(highs.solve(m, 1, {}).objective)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("before 1.5\n", "")


# ------------------------------------------------------------------------------------------------------------- duals


def two_sources(is_whole: bool = False) -> pyo.ConcreteModel:
    """4 units of two sources at 2 and 3 each, of the cheap one at most 1: a unit more of it saves 1."""
    model = pyo.ConcreteModel()
    model.x = pyo.Var([0, 1], domain=pyo.NonNegativeIntegers if is_whole else pyo.NonNegativeReals)
    model.needed = pyo.Constraint(expr=model.x[0] + model.x[1] == 4)
    model.most = pyo.Constraint([0, 1], rule=lambda m, i: m.x[i] <= 1 + 10 * i)
    model.nothing = pyo.Constraint(expr=0 * model.x[0] <= 1)
    model.little = pyo.Constraint(expr=(-5, model.x[0] + 2 * model.x[1], 50))
    model.total_cost = pyo.Objective(expr=2 * model.x[0] + 3 * model.x[1])
    return model


@pytest.mark.parametrize(
    "options", [{}, {"presolve": "off"}, {"solver": "ipm"}, {"solver": "ipm", "run_crossover": "off"}]
)
def test_duals_are_what_a_unit_of_each_row_is_worth(options):
    result = highs.solve(two_sources(), 10.0, options, has_duals=True)
    assert result.objective == pytest.approx(11.0)
    # a row without variables is none
    assert result.duals == pytest.approx({"needed": 3.0, "most[0]": -1.0, "most[1]": 0.0, "little": 0.0}, abs=1e-6)
    model = two_sources()
    model.most[0].set_value(model.x[0] <= 2)
    assert highs.solve(model, 10.0, options).objective == pytest.approx(result.objective + result.duals["most[0]"])


def test_duals_are_given_only_where_they_are_asked_for_and_mean_something():
    assert highs.solve(two_sources(), 10.0, {}).duals is None
    assert highs.solve(two_sources(is_whole=True), 10.0, {}, has_duals=True).duals is None
    impossible = two_sources()
    impossible.no = pyo.Constraint(expr=impossible.x[0] + impossible.x[1] >= 20)
    assert highs.solve(impossible, 10.0, {}, has_duals=True).duals is None
    empty = pyo.ConcreteModel()
    empty.total_cost = pyo.Objective(expr=3.0)
    assert highs.solve(empty, 10.0, {}, has_duals=True).duals is None
