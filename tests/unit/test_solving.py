"""A bucket holds partitions that fail in every way there is: each is rows with the right status, and all others are
solved.
"""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import highspy
import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from invopt import policies
from invopt.config import Config, PolicyRow, SolverRow
from invopt.errors import ConfigError, InputError, UnknownPolicyError
from invopt.solving import (
    SOLUTION_COLUMNS,
    SolveRequest,
    check_request,
    flat_schema,
    solve_bucket,
    solve_partition,
)

# each item wants at least `demand` units at `unit_cost`; `mood` is how the partition of the item misbehaves
MOODY = """
import faulthandler
import os
import signal
from pathlib import Path

import numpy as np
import pyomo.environ as pyo

from invopt.tables.columns import Column
from invopt.errors import ParameterError
from invopt.policies.base import About, Answer, Decision, Params, Policy


class MoodyParams(Params):
    markup: float = 1.0


def misbehave(moods):
    if "raise" in moods:
        raise RuntimeError("no luck today")
    if "leave" in moods:
        raise SystemExit(7)
    if "domain" in moods:
        raise ParameterError("demand must be small")
    if "crash" in moods:
        faulthandler.disable()  # pytest's own would print a page for a crash that is wanted
        os.kill(os.getpid(), signal.SIGSEGV)
    if "exit" in moods:
        os._exit(5)
    if "hang" in moods:
        Path(os.environ["INVOPT_TEST_HANGS_AT"]).touch()
        while True:
            pass


def build_model(items, params):
    mood = items.objects("mood")[0]
    misbehave([word.removesuffix("_in_model") for word in mood.split()])
    mood = mood.removeprefix("dear ").removeprefix("open ").removeprefix("unbound ")
    items.raise_problems()
    demand, unit_cost = items.numbers("demand").tolist(), (items.numbers("unit_cost") * params.markup).tolist()
    m = pyo.ConcreteModel()
    m.ITEMS = pyo.RangeSet(0, len(items) - 1)
    m.PERIODS = pyo.RangeSet(0, 2)
    m.order_quantity = pyo.Var(m.ITEMS, bounds=(None, None), domain=pyo.Integers if mood == "integer" else pyo.Reals)
    x = m.order_quantity
    if mood != "unbounded":
        m.demand_is_met = pyo.Constraint(m.ITEMS, rule=lambda m, i: x[i] >= demand[i] + (mood == "low"))
    if mood == "infeasible":
        m.little_room = pyo.Constraint(m.ITEMS, rule=lambda m, i: x[i] <= demand[i] - 1)
    if mood == "false":
        m.never = pyo.Constraint(rule=lambda m: pyo.Constraint.Infeasible)
    if mood == "hard":  # market split: hours of branching for a provably best split of 40 numbers in 5 rows
        rng = np.random.default_rng(1)
        weights = rng.integers(0, 100, (5, 40))
        m.ROWS, m.PICKS = pyo.RangeSet(0, 4), pyo.RangeSet(0, 39)
        m.pick = pyo.Var(m.PICKS, domain=pyo.Binary)
        m.over = pyo.Var(m.ROWS, bounds=(0, None))
        m.under = pyo.Var(m.ROWS, bounds=(0, None))
        m.split = pyo.Constraint(m.ROWS, rule=lambda m, r: pyo.quicksum(
            int(weights[r, j]) * m.pick[j] for j in m.PICKS) + m.over[r] - m.under[r] == int(weights[r].sum()) // 2)
    extra = pyo.quicksum(m.over.values()) + pyo.quicksum(m.under.values()) if mood == "hard" else 0.0
    first = {0: extra}
    m.item_cost = pyo.Expression(m.ITEMS, rule=lambda m, i: unit_cost[i] * x[i] + first.get(i, 0.0))
    if mood == "shares":
        m.total_cost = pyo.Objective(expr=pyo.quicksum(m.item_cost.values()) + 1.0)
    else:
        m.total_cost = pyo.Objective(expr=pyo.quicksum(m.item_cost.values()))
    if mood != "forgetful":
        m.plan = pyo.Expression(m.ITEMS, m.PERIODS, rule=lambda m, i, t: x[i] * (t + 1))
    return m


def algorithm(items, params):
    moods = items.objects("mood")
    misbehave({word.removesuffix("_once") for mood in moods for word in mood.split()})
    demand = items.numbers("demand")
    amount = np.where(moods == "integer", np.ceil(demand), demand)
    unit_cost = items.numbers("unit_cost") * params.markup
    is_dear = np.array(["dear" in mood.split() for mood in moods])
    amount[is_dear] += 1.0  # the best amount is demand; the bound proves demand - 1
    cost = amount * unit_cost
    cost[moods == "wrong"] += 1.0
    bound = cost.copy()
    is_open = np.array(["open" in mood.split() for mood in moods]) | is_dear
    bound[is_open] = ((demand - 1.0) * unit_cost)[is_open]
    bound[np.array(["unbound" in mood.split() for mood in moods])] = np.nan
    cost[moods == "silent"] = np.nan
    amount[moods == "no_number"] = np.inf
    items.refuse(moods == "says_no", "demand is beyond the table")
    items.note(moods == "remark", "at the limit")
    plan = amount[:, None] * np.array([1.0, 2.0, 3.0])
    return Answer({"order_quantity": amount, "plan": plan}, cost, bound, {"met": unit_cost})


POLICY = Policy(
    name="moody", about=About("", "LP", "", "closed form"), partition_by=("location_id",),
    decides=(Decision("order_quantity", "units", ""), Decision("plan", "units", "", has_periods=True)),
    needs=(
        Column("mood", "string", "", "", False), Column("demand", "double", "units", "", False, minimum=0),
        Column("unit_cost", "double", "", "", False),
        Column("series", "array<double>", "", "", False), Column("paths", "array<array<double>>", "", "", False),
        Column("remark", "double", "", "", maximum=9)),
    params=MoodyParams, build_model=build_model, algorithm=algorithm, select="", prices={"met": "demand_is_met"},
    cost=lambda items, decisions, params: decisions["order_quantity"] * items.numbers("unit_cost") * params.markup,
    order=lambda decisions, stock: decisions["order_quantity"], examples=())
"""
GOOD = ("fine", "fine", "integer", "fine")


@pytest.fixture
def folder(tmp_path: Path) -> str:
    (tmp_path / "moody.py").write_text(MOODY)
    return str(tmp_path)


def moody(folder: str, **settings) -> SolveRequest:
    return SolveRequest.of_policy("moody", folder, **settings)


def bucket_of(moods, items_each: int = 2, **changes) -> pd.DataFrame:
    """Partitions k = 0, 1, ... of the given moods, with arrays as Arrow delivers them, shuffled as Spark delivers
    them.
    """
    rows = [(k, mood, i) for k, mood in enumerate(moods) for i in range(items_each)]
    n = len(rows)
    paths = np.empty(n, dtype=object)
    for i in range(n):
        paths[i] = np.empty(2, dtype=object)
        paths[i][:] = [np.arange(2.0), np.arange(1.0 + i % 3)]
    frame = pd.DataFrame(
        {
            "location_id": [f"S{k:02d}" for k, _, _ in rows],
            "product_id": [f"P{i}" for _, _, i in rows],
            "source_id": "SUP",
            "partition_key": [f"S{k:02d}" for k, _, _ in rows],
            "is_audited": False,
            "mood": [mood for _, mood, _ in rows],
            "demand": [10.5 + k + 5 * i for k, _, i in rows],
            "unit_cost": [2.0 + i for _, _, i in rows],
            "series": [np.arange(4.0) for _ in rows],
            "paths": paths,
            "remark": np.nan,
        }
    )
    for name, value in changes.items():
        frame[name] = value
    return frame.sample(frac=1, random_state=3).reset_index(drop=True)


def first_rows(solutions: pd.DataFrame) -> pd.DataFrame:
    return solutions.drop_duplicates("partition_key").set_index("partition_key")


def assert_complete(items: pd.DataFrame, solutions: pd.DataFrame) -> None:
    """Rows in = rows out, columns as declared, and nothing contradicts itself."""
    assert list(solutions.columns) == [column.name for column in SOLUTION_COLUMNS]
    keys = ["partition_key", "location_id", "product_id", "source_id"]
    assert sorted(map(tuple, solutions[keys].to_numpy())) == sorted(map(tuple, items[keys].to_numpy()))
    is_unsolved = solutions["status"] == "no_solution"
    for name in ("decisions", "cost", "objective", "bound"):
        assert solutions.loc[is_unsolved, name].isna().all()
    assert solutions.loc[is_unsolved, "message"].notna().all()
    assert solutions.loc[~is_unsolved, "decisions"].notna().all()


def assert_good_rows(solutions: pd.DataFrame, good: range, method: str) -> None:
    """Partition k asks for 10.5 + k + 5 i units of item i at 2 + i each; `integer` rounds up."""
    for k in good:
        rows = solutions[solutions["partition_key"] == f"S{k:02d}"].sort_values("product_id")
        assert len(rows) == 2
        expected = 0.0
        for i, row in enumerate(rows.itertuples()):
            amount = 10.5 + k + 5 * i
            amount = float(np.ceil(amount)) if GOOD[k] == "integer" else amount
            assert row.decisions["order_quantity"] == pytest.approx([amount])
            assert row.decisions["plan"] == pytest.approx([amount, 2 * amount, 3 * amount])
            assert row.cost == pytest.approx((2.0 + i) * amount)
            expected += (2.0 + i) * amount
            assert (row.status, row.termination, row.method, row.message) == ("optimal", "converged", method, None)
            assert row.seconds > 0 and row.gap == pytest.approx(0, abs=1e-9)
        assert rows["objective"].tolist() == pytest.approx([expected, expected])


def test_model_every_kind_of_failure_in_one_bucket(folder):
    bad = {
        "infeasible": "infeasible",
        "false": "infeasible",
        "unbounded": "unbounded",
        "raise": "error",
        "leave": "error",
        "domain": "invalid_input",
        "crash": "crashed",
        "exit": "crashed",
        "forgetful": "error",
    }
    moods = (*GOOD, *bad)
    items = bucket_of(moods)
    solutions = solve_bucket(items, moody(folder))
    assert_complete(items, solutions)
    assert_good_rows(solutions, range(len(GOOD)), "model")
    of = first_rows(solutions)
    found = {mood: of.loc[f"S{k:02d}", "termination"] for k, mood in enumerate(moods) if k >= len(GOOD)}
    assert found == bad
    messages = {mood: of.loc[f"S{k:02d}", "message"] for k, mood in enumerate(moods)}
    assert messages["raise"] == "RuntimeError: no luck today"
    assert "SIGSEGV" in messages["crash"] and "exit code 5" in messages["exit"]
    assert "plan" in messages["forgetful"]
    alone = solve_bucket(items[items["partition_key"] < "S04"], moody(folder))
    pd.testing.assert_frame_equal(solutions.head(len(alone)).drop(columns="seconds"), alone.drop(columns="seconds"))


def test_model_over_the_time_limit(folder, hang):
    """HiGHS stops by itself and gives its best point; code that never returns is killed; the others are solved."""
    items = bucket_of((*GOOD, "hard", "hang"))
    solutions = solve_bucket(items, moody(folder, solver=SolverRow(name="highs", time_limit=2.0)))
    assert_complete(items, solutions)
    assert_good_rows(solutions, range(len(GOOD)), "model")
    hard, hanging = (first_rows(solutions).loc[key] for key in ("S04", "S05"))
    assert (hard["termination"], hard["status"]) == ("time_limit", "feasible")
    assert hard["bound"] < hard["objective"] and hard["gap"] > 1e-4 and hard["seconds"] > 1.9
    assert solutions.loc[solutions["partition_key"] == "S04", "cost"].sum() == pytest.approx(hard["objective"])
    assert (hanging["termination"], hanging["status"]) == ("time_limit", "no_solution")
    assert "killed after 8 s" in hanging["message"]


def test_a_plan_within_a_wide_gap_is_no_optimum(folder):
    """HiGHS calls `optimal` what lies within the gap that it was given; a user reads `optimal` as the optimum."""
    items = bucket_of(("integer", "hard"))
    of = first_rows(solve_bucket(items, moody(folder, gap=1.0)))
    assert of["termination"].tolist() == ["converged", "converged"]
    assert of["status"].tolist() == ["optimal", "feasible"]
    assert of.loc["S01", "gap"] > 1.1e-4 and of.loc["S01", "message"] is None


def test_child_and_this_process_give_the_same(folder):
    items = bucket_of((*GOOD, "infeasible", "shares"))
    request = moody(folder, params={"markup": 3.0})
    pd.testing.assert_frame_equal(
        solve_bucket(items, request).drop(columns="seconds"), solve_partition(items, request).drop(columns="seconds")
    )


def test_order_of_arrival_does_not_matter(folder):
    items, request = bucket_of(GOOD), moody(folder)
    one, other = solve_bucket(items, request), solve_bucket(items[::-1].reset_index(drop=True), request)
    pd.testing.assert_frame_equal(one.drop(columns="seconds"), other.drop(columns="seconds"))


def test_shares_that_do_not_add_up_are_not_given(folder):
    items = bucket_of(["shares"])
    solutions = solve_bucket(items, moody(folder))
    assert_complete(items, solutions)
    assert solutions["cost"].isna().all() and (solutions["status"] == "optimal").all()
    assert "item_cost adds up to" in solutions["message"].iat[0]


def test_algorithm_whole_bucket(folder):
    items = bucket_of((*GOOD, "says_no", "silent", "no_number", "remark"))
    solutions = solve_bucket(items, moody(folder, method="algorithm"))
    assert_complete(items, solutions)
    assert_good_rows(solutions, range(len(GOOD)), "algorithm")
    assert set(solutions["solver"]) == {"closed form"}
    of = first_rows(solutions)
    assert of.loc["S04", ["termination", "message"]].tolist() == [
        "invalid_input",
        "item S04/P0/SUP: demand is beyond the table",
    ]
    assert of.loc["S05", "termination"] == "error" and "nan" in of.loc["S05", "message"]
    assert of.loc["S06", "termination"] == "error" and "inf" in of.loc["S06", "message"]
    assert of.loc["S07", ["status", "message"]].tolist() == ["optimal", "at the limit"]


def test_algorithm_one_exception_is_one_partition(folder):
    items = bucket_of((*GOOD, "raise", "leave", "domain", "says_no"))
    solutions = solve_bucket(items, moody(folder, method="algorithm"))
    assert_complete(items, solutions)
    assert_good_rows(solutions, range(len(GOOD)), "algorithm")
    of = first_rows(solutions)
    assert of.loc["S04":"S07", "termination"].tolist() == ["error", "error", "invalid_input", "invalid_input"]
    assert of.loc["S04", "message"] == "RuntimeError: no luck today"


def test_algorithm_retry_finds_the_partition_that_crashes(folder):
    items = bucket_of((*GOOD, "crash", "raise", "exit", "says_no"))
    solutions = solve_bucket(items, moody(folder, method="algorithm"), is_retry=True)
    assert_complete(items, solutions)
    assert_good_rows(solutions, range(len(GOOD)), "algorithm")
    of = first_rows(solutions)
    assert of.loc["S04":"S07", "termination"].tolist() == ["crashed", "error", "crashed", "invalid_input"]
    good = items[items["partition_key"] < "S04"]
    first, again = (
        solve_bucket(good, moody(folder, method="algorithm"), is_retry=is_retry) for is_retry in (False, True)
    )
    pd.testing.assert_frame_equal(first.drop(columns="seconds"), again.drop(columns="seconds"))


def test_audit_notes_agreement_and_disagreement_and_keeps_the_solution(folder):
    items = bucket_of(("fine", "wrong", "integer", "infeasible", "crash_in_model", "fine"))
    items["is_audited"] = items["partition_key"] != "S05"
    items.loc[items["partition_key"] == "S00", "is_audited"] = items["product_id"] == "P1"  # one item is enough
    solutions = solve_bucket(items, moody(folder, method="algorithm"))
    assert_complete(items, solutions)
    of = first_rows(solutions)
    assert (of["status"] == "optimal").all() and (of["method"] == "algorithm").all()
    assert of.loc["S00", "audit_gap"] < 1e-9 and of.loc["S02", "audit_gap"] < 1e-9
    model = 2.0 * 11.5 + 3.0 * 16.5
    assert of.loc["S01", "objective"] == pytest.approx(model + 2.0)
    assert of.loc["S01", "audit_gap"] == pytest.approx(2.0 / model)
    assert "they disagree" in of.loc["S01", "audit_message"] and "72.5" in of.loc["S01", "audit_message"]
    assert np.isinf(of.loc["S03", "audit_gap"]) and "the model is infeasible" in of.loc["S03", "audit_message"]
    assert np.isnan(of.loc["S04", "audit_gap"]) and "no optimum of the model" in of.loc["S04", "audit_message"]
    assert np.isnan(of.loc["S05", "audit_gap"]) and of.loc["S05", "audit_message"] is None
    assert of["message"].isna().all()


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("demand", np.nan, "column demand is nan"),
        ("demand", -np.inf, "column demand is -inf"),
        ("mood", None, "column mood is NULL"),
        ("series", None, "column series is NULL"),
        ("series", np.array([1.0, 2.0, np.nan, 4.0]), r"column series at [2] is nan"),
        ("series", np.array([1.0, None], dtype=object), r"column series at [1] is NULL"),
        ("series", [1.0, 2.0, np.inf], r"column series at [2] is inf"),
        ("paths", None, "column paths is NULL"),
        ("paths", [np.array([1.0]), np.array([2.0, np.nan])], r"column paths at [1][1] is nan"),
        ("paths", [np.array([1.0]), None], r"column paths at [1] is NULL"),
        ("source_id", None, "column source_id is NULL"),
    ],
)
@pytest.mark.parametrize("method", ["model", "algorithm"])
def test_a_bad_value_is_invalid_input_of_its_partition(folder, method, column, value, words):
    items = bucket_of((*GOOD, "fine"))
    items[column] = items[column].astype(object)
    row = items.index[(items["partition_key"] == "S04") & (items["product_id"] == "P1")][0]
    items.at[row, column] = value
    solutions = solve_bucket(items, moody(folder, method=method))
    assert len(solutions) == len(items)
    assert_good_rows(solutions, range(len(GOOD)), method)
    bad = solutions[solutions["partition_key"] == "S04"]
    assert bad["termination"].tolist() == ["invalid_input"] * 2 and bad["status"].tolist() == ["no_solution"] * 2
    assert words in bad["message"].iat[0] and "S04/P1/" in bad["message"].iat[0]


def test_a_bucket_of_bad_rows_only_and_an_empty_one(folder):
    items = bucket_of(GOOD, demand=np.nan)
    for method in ("model", "algorithm"):
        solutions = solve_bucket(items, moody(folder, method=method))
        assert_complete(items, solutions)
        assert set(solutions["termination"]) == {"invalid_input"}
        assert solve_bucket(items.head(0), moody(folder, method=method)).shape == (
            0,
            len(SOLUTION_COLUMNS),
        )


@pytest.mark.parametrize("plugin", ["appsi_highs", "highs"])
def test_a_solver_reached_by_pyomo_gives_the_same(folder, plugin):
    items = bucket_of((*GOOD, "infeasible", "unbounded"))
    solutions = solve_bucket(items, moody(folder, solver=SolverRow(name="other", kind="pyomo", plugin=plugin)))
    assert_complete(items, solutions)
    assert_good_rows(solutions, range(len(GOOD)), "model")
    of = first_rows(solutions)
    assert of.loc["S04", "termination"] in ("infeasible", "error") and of.loc["S05", "termination"] in (
        "unbounded",
        "error",
    )
    assert set(of["solver"]) == {"other"}


def test_a_solver_that_is_not_there_is_a_row_that_names_it(folder):
    items = bucket_of(("fine", "fine"))
    solutions = solve_bucket(
        items, moody(folder, solver=SolverRow(name="absent", kind="pyomo", plugin="no_such_solver"))
    )
    assert_complete(items, solutions)
    assert set(solutions["termination"]) == {"error"}
    assert "'no_such_solver' is not available" in solutions["message"].iat[0]


def test_a_wrong_configuration_is_refused_before_any_work(folder):
    with pytest.raises(ConfigError) as raised:
        check_request(moody(folder, params={"markup": "much", "mark_up": 1}))
    assert len(raised.value.problems) == 2
    with pytest.raises(ValidationError, match="'model', 'algorithm' or 'auto'"):
        moody(folder, method="guess")
    with pytest.raises(ConfigError, match="mip_rel_gap"):
        check_request(moody(folder, solver=SolverRow(name="highs", options={"mip_rel_gp": 1})))
    with pytest.raises(UnknownPolicyError, match="moody"):
        check_request(SolveRequest.of_policy("mooody", folder))
    with pytest.raises(InputError, match="column demand is missing"):
        solve_bucket(bucket_of(["fine"]).drop(columns="demand"), moody(folder))


def test_a_request_is_the_configuration_s_row_and_can_be_pickled(folder):
    """On its way to an executor nothing is lost, a solver's program among it."""
    solver = SolverRow(name="other", kind="pyomo", plugin="glpk", executable="/opt/glpsol", options={"mipgap": 0.1})
    row = PolicyRow(id="odd", policy="moody", method="model", solver="other", params={"markup": 2.0})
    config = Config(
        lakehouse={"root": "here"},
        landing="there",
        policies_folder=folder,
        solve={"audit_tolerance": 1e-3},
        policies=(row,),
        solvers=(SolverRow(name="highs"), solver),
    )
    request = SolveRequest.of_row(config, row)
    assert request == SolveRequest(row, solver, folder, 1e-3)
    assert pickle.loads(pickle.dumps(request)) == request


def test_an_audit_calls_a_difference_within_the_tolerance_no_disagreement(folder):
    items = bucket_of(["wrong"]).assign(is_audited=True)
    row = moody(folder, method="algorithm").row
    for tolerance, disagrees in ((0.02, True), (0.03, False)):
        solved = solve_bucket(items, SolveRequest(row, policies_folder=folder, audit_tolerance=tolerance))
        assert solved["audit_gap"].iat[0] == pytest.approx(2.0 / 67.5)
        assert ("they disagree" in (solved["audit_message"].iat[0] or "")) == disagrees


def test_params_and_options_reach_the_model(folder):
    items = bucket_of(["fine"])
    one = solve_bucket(items, moody(folder))["objective"].iat[0]
    without_presolve = SolverRow(name="highs", options={"presolve": "off"})
    ten = solve_bucket(items, moody(folder, params={"markup": 10.0}, solver=without_presolve))["objective"].iat[0]
    assert ten == pytest.approx(10 * one)


def test_another_highs_with_threads_in_this_process_does_no_harm(folder):
    other = highspy.Highs()
    for name, value in {"output_flag": False, "threads": 2, "parallel": "on"}.items():
        other.setOptionValue(name, value)
    items, request = bucket_of(GOOD), moody(folder)
    try:
        for solve in (solve_bucket, solve_partition):
            highspy.Highs.resetGlobalScheduler(True)
            other.addVariable(lb=1, obj=1)
            assert other.run() == highspy.HighsStatus.kOk
            assert_good_rows(solve(items, request), range(len(GOOD)), "model")
    finally:
        highspy.Highs.resetGlobalScheduler(True)


def test_no_child_is_left(folder, monkeypatch):
    forked, fork = [], os.fork

    def remembered_fork():
        forked.append(fork())
        return forked[-1]

    monkeypatch.setattr(os, "fork", remembered_fork)
    solve_bucket(bucket_of((*GOOD, "crash")), moody(folder))
    assert forked
    for child in forked:
        with pytest.raises(ChildProcessError):
            os.waitpid(child, os.WNOHANG)


@pytest.mark.parametrize("method", ["model", "algorithm"])
def test_the_flat_form_holds_the_same_decisions(folder, method):
    """A column for what an item decides once, another for what it decides per period; NULL where there is no
    solution.
    """
    items, request = bucket_of((*GOOD, "domain")), moody(folder, method=method)
    maps, flat = solve_bucket(items, request), solve_bucket(items, request, is_flat=True)
    assert (
        list(flat.columns) == list(flat_schema(policies.load("moody", folder)))
        and flat["status"].tolist() == maps["status"].tolist()
    )
    is_solved = (maps["status"] != "no_solution").to_numpy()
    assert is_solved.sum() == 8 and flat.loc[~is_solved, "decision_0"].isna().all()
    assert flat.loc[~is_solved, "decision_1_by_period"].isna().all() and flat["decision_1"].isna().all()
    assert flat["decision_0_by_period"].isna().all()
    for i in np.flatnonzero(is_solved):
        decided = maps["decisions"].iat[i]
        assert decided == {
            "order_quantity": [flat["decision_0"].iat[i]],
            "plan": list(flat["decision_1_by_period"].iat[i]),
        }
        price = flat["price_0"].iat[i]
        assert maps["prices"].iat[i] == (None if np.isnan(price) else {"met": price})
    assert flat["price_0"].notna().sum() == (6 if method == "model" else 8)  # a model with integers has no duals
    assert flat.loc[~is_solved, "price_0"].isna().all() and maps.loc[~is_solved, "prices"].isna().all()
