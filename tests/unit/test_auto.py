"""`method: auto`: the algorithm's answer where it is proved within the gap, else the better of it and the model's."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from invopt import policies
from invopt.config import PolicyRow, SolverRow
from invopt.errors import ConfigError
from invopt.solving import SolveRequest, bucket, check_request, highs, solve_bucket, solve_partition
from invopt.solving.outcome import Outcome, Status, Termination
from tests.unit.test_solving import GOOD, MOODY, assert_complete, assert_good_rows, bucket_of, first_rows, moody

# partition k wants 10.5 + k and 15.5 + k units at 2 and 3 each
BEST = [2.0 * (10.5 + k) + 3.0 * (15.5 + k) for k in range(20)]
# the plan of a `dear` algorithm has a unit more of both items, its bound is that of a unit less
DEARER = 5.0


@pytest.fixture
def folder(tmp_path) -> str:
    (tmp_path / "moody.py").write_text(MOODY)
    return str(tmp_path)


def auto(folder: str, moods, *, audited: bool = False, is_retry: bool = False, **settings) -> pd.DataFrame:
    """The first row of each partition."""
    items = bucket_of(moods).assign(is_audited=audited)
    solutions = solve_bucket(items, moody(folder, method="auto", **settings), is_retry=is_retry)
    assert_complete(items, solutions)
    return first_rows(solutions)


def test_what_the_algorithm_proves_is_not_asked_of_the_model(folder):
    items = bucket_of((*GOOD, "crash_in_model", "says_no"))
    solutions = solve_bucket(items, moody(folder, method="auto"))
    assert_complete(items, solutions)
    assert_good_rows(solutions, range(len(GOOD)), "algorithm")
    of = first_rows(solutions)
    assert of.loc["S04", ["status", "method", "message"]].tolist() == ["optimal", "algorithm", None]
    # an item that the algorithm refuses is no better to the model
    assert of.loc["S05", ["status", "termination", "method"]].tolist() == ["no_solution", "invalid_input", "algorithm"]


def test_the_model_s_plan_stays_where_it_is_cheaper(folder):
    of = auto(folder, ("fine", "dear", "open", "dear"))
    assert of["objective"].tolist() == pytest.approx(BEST[:4]) and of["bound"].tolist() == pytest.approx(BEST[:4])
    assert of["status"].tolist() == ["optimal"] * 4 and of["termination"].tolist() == ["converged"] * 4
    # the model reaches no less than the `open` plan, but proves it
    assert of["method"].tolist() == ["algorithm", "model", "algorithm", "model"]
    assert of["solver"].tolist() == ["closed form", "highs", "closed form", "highs"]
    assert of["message"].isna().all() and of["gap"].max() < 1e-9 and of["audit_gap"].isna().all()
    assert of.loc["S01", "decisions"]["order_quantity"] == pytest.approx([11.5])
    # the dual of `x >= demand` is the cost of a unit
    assert of.loc["S01", "prices"] == pytest.approx({"met": 2.0})


def test_a_wide_gap_leaves_the_algorithm_s_plan(folder):
    of = auto(folder, ("dear", "open"), gap=0.5)
    assert set(of["method"]) == {"algorithm"} and set(of["status"]) == {"feasible"}
    assert of.loc["S00", "objective"] == pytest.approx(BEST[0] + DEARER)
    assert of.loc["S00", "bound"] == pytest.approx(BEST[0] - DEARER)
    assert of.loc["S00", "gap"] == pytest.approx(2 * DEARER / (BEST[0] - DEARER)) and of.loc["S00", "message"] is None


@pytest.mark.parametrize(
    ("mood", "words"),
    [
        ("raise_in_model", "RuntimeError: no luck today"),
        ("domain_in_model", "demand must be small"),
        ("crash_in_model", "SIGSEGV"),
        ("exit_in_model", "exit code 5"),
        ("forgetful", "plan"),
    ],
)
def test_a_model_without_a_plan_leaves_the_algorithm_s_with_a_remark(folder, mood, words):
    of = auto(folder, ("fine", f"dear {mood}", "dear"))
    assert of["method"].tolist() == ["algorithm", "algorithm", "model"]
    plan = of.loc["S01"]
    assert (plan["status"], plan["termination"]) == ("feasible", "converged")
    assert plan["objective"] == pytest.approx(BEST[1] + DEARER) and plan["bound"] == pytest.approx(BEST[1] - DEARER)
    assert plan["message"].startswith("not proved within the gap, and the model gave no plan: ")
    assert words in plan["message"] and np.isnan(plan["audit_gap"])


def test_a_model_that_never_returns_is_killed(folder, hang):
    of = auto(folder, ("dear hang_in_model", "dear"), solver=SolverRow(name="highs", time_limit=0.5))
    assert of["method"].tolist() == ["algorithm", "model"]
    assert "killed after" in of.loc["S00", "message"] and of.loc["S00", "status"] == "feasible"


LATE, DONE = (Termination.TIME_LIMIT, Status.FEASIBLE), (Termination.CONVERGED, Status.OPTIMAL)


@pytest.mark.parametrize(
    ("mood", "kind", "above", "bound", "method", "status", "left"),
    [
        # objective and bound of the model, and the bound that is left, as distances from the best plan's cost
        ("dear", LATE, 8.0, -3.0, "algorithm", "feasible", -3.0),
        ("dear", LATE, 8.0, -9.0, "algorithm", "feasible", -DEARER),
        ("dear", LATE, 2.0, -9.0, "model", "feasible", -DEARER),
        ("dear", LATE, -DEARER, -9.0, "model", "optimal", -DEARER),
        ("dear", LATE, 8.0, DEARER, "algorithm", "optimal", DEARER),
        ("dear", LATE, 2.0, None, "model", "feasible", -DEARER),
        ("unbound", LATE, 8.0, None, "algorithm", "feasible", None),
        ("unbound", LATE, -1.0, None, "model", "feasible", None),
        ("dear", DONE, 0.0, None, "model", "optimal", -DEARER),
    ],
)
def test_of_two_plans_the_cheaper_stays_and_of_two_bounds_the_higher(
    folder, monkeypatch, mood, kind, above, bound, method, status, left
):
    best = BEST[0]
    answer = Outcome(
        *kind,
        best + above,
        None if bound is None else best + bound,
        0.1,
        decisions=[{"order_quantity": [1.0], "plan": [1.0, 2.0, 3.0]}] * 2,
        cost=[1.0, best + above - 1.0],
    )
    monkeypatch.setattr(bucket, "solve_by_model", lambda *_: answer)
    items = bucket_of((mood,))
    for solve in (solve_bucket, solve_partition):
        solutions = solve(items, moody(folder, method="auto"))
        assert_complete(items, solutions)
        plan = solutions.iloc[0]
        assert (plan["method"], plan["status"], plan["message"]) == (method, status, None)
        of_algorithm = best + (DEARER if mood == "dear" else 0.0)
        assert plan["objective"] == pytest.approx(best + above if method == "model" else of_algorithm)
        assert solutions["cost"].sum() == pytest.approx(plan["objective"])
        assert np.isnan(plan["bound"]) if left is None else plan["bound"] == pytest.approx(best + left)
        assert np.isnan(plan["audit_gap"]) and plan["audit_message"] is None


def test_an_algorithm_that_fails_is_replaced_and_told(folder):
    of = auto(folder, ("fine", "silent", "no_number", "raise_once", "raise", "fine"))
    assert of["method"].tolist() == ["algorithm", "model", "model", "model", "model", "algorithm"]
    assert of["status"].tolist() == ["optimal"] * 4 + ["no_solution", "optimal"]
    assert of["objective"].tolist()[:4] == pytest.approx(BEST[:4])
    for key, words in (("S01", "nan"), ("S02", "inf"), ("S03", "RuntimeError: no luck today")):
        assert of.loc[key, "message"].startswith("the algorithm failed: ") and words in of.loc[key, "message"]
    both = "RuntimeError: no luck today; the algorithm failed: RuntimeError: no luck today"
    assert of.loc["S04", ["termination", "message"]].tolist() == ["error", both]


def test_an_algorithm_that_crashes_alone_is_replaced_by_the_model(folder):
    of = auto(folder, ("fine", "crash_once", "dear"), is_retry=True)
    assert of["method"].tolist() == ["algorithm", "model", "model"] and set(of["status"]) == {"optimal"}
    assert "the algorithm failed: " in of.loc["S01", "message"] and "SIGSEGV" in of.loc["S01", "message"]
    assert of["objective"].tolist() == pytest.approx(BEST[:3])


@pytest.mark.parametrize(("mood", "words"), [("infeasible", "the model is infeasible"), ("low", "they disagree")])
def test_a_contradiction_is_an_audit_s_finding(folder, mood, words):
    """`low`: the algorithm's plan costs a unit less than the model proves to be possible."""
    of = auto(folder, ("fine", f"open {mood}"))
    assert of.loc["S01", "audit_gap"] > 1e-3 and words in of.loc["S01", "audit_message"]
    assert of.loc["S01", "method"] == "algorithm" and of.loc["S01", "status"] == "feasible"
    assert of.loc["S01", "bound"] == pytest.approx(BEST[1] - DEARER)
    assert np.isnan(of.loc["S00", "audit_gap"])


def test_an_audit_looks_at_what_the_algorithm_gave(folder):
    of = auto(folder, ("fine", "dear", "wrong", "open"), audited=True)
    assert of["method"].tolist() == ["algorithm", "model", "algorithm", "algorithm"]
    assert of["audit_gap"].isna().tolist() == [False, True, False, False]
    assert of.loc["S02", "audit_gap"] == pytest.approx(2.0 / BEST[2])


def test_seconds_are_of_both(folder):
    items = bucket_of(("dear", "open"))
    both = first_rows(solve_bucket(items, moody(folder, method="auto")))["seconds"]
    alone = first_rows(solve_bucket(items, moody(folder, method="algorithm")))["seconds"]
    assert (both > alone).all()


def test_this_process_and_a_child_give_the_same(folder):
    items, request = bucket_of((*GOOD, "dear", "open", "silent")), moody(folder, method="auto")
    pd.testing.assert_frame_equal(
        solve_bucket(items, request).drop(columns="seconds"), solve_partition(items, request).drop(columns="seconds")
    )


def test_a_policy_without_an_algorithm_is_solved_by_its_model(folder, tmp_path):
    (tmp_path / "moody.py").write_text(
        MOODY + "\nfrom dataclasses import replace\nPOLICY = replace(POLICY, algorithm=None)\n"
    )
    items = bucket_of((*GOOD, "infeasible"))
    of = solve_bucket(items, moody(folder, method="auto"))
    assert_complete(items, of)
    assert_good_rows(of, range(len(GOOD)), "model")
    assert first_rows(of).loc["S04", ["status", "termination", "method"]].tolist() == [
        "no_solution",
        "infeasible",
        "model",
    ]
    with pytest.raises(ConfigError, match="this policy has no algorithm; allowed: model, auto"):
        check_request(moody(folder, method="algorithm"))


def test_what_only_the_algorithm_can_decide_never_goes_to_the_model(folder, tmp_path):
    field = "    markup: float = 1.0\n"
    text = MOODY.replace(
        field, f"{field}\n    def algorithm_alone_because(self):\n        return 'a simulation has no model'\n"
    )
    (tmp_path / "moody.py").write_text(text)
    of = auto(folder, ("fine", "dear", "silent"))
    assert set(of["method"]) == {"algorithm"} and of["status"].tolist() == ["optimal", "feasible", "no_solution"]
    with pytest.raises(ConfigError, match="method: model: a simulation has no model; allowed: algorithm, auto"):
        check_request(moody(folder, method="model"))


def test_the_row_s_gap_reaches_the_solver_unless_an_option_says_other(folder, monkeypatch):
    given = []
    solve = highs.solve

    def remembered(model, time_limit, options, **more):
        given.append(options.get("mip_rel_gap"))
        return solve(model, time_limit, options, **more)

    monkeypatch.setattr(highs, "solve", remembered)
    items = bucket_of(("dear",))
    solve_partition(items, moody(folder, method="auto", gap=1e-3))
    solve_partition(items, moody(folder, method="model", gap=1e-2))
    exacting = SolverRow(name="highs", options={"mip_rel_gap": 0.0})
    solve_partition(items, moody(folder, method="auto", gap=1e-3, solver=exacting))
    assert given == [1e-3, 1e-2, 0.0]


def test_auto_is_the_method_of_a_row_that_names_none():
    row = PolicyRow(id="x", policy="s_q")
    assert (row.method, row.gap) == ("auto", 1e-4)
    assert not SolveRequest(row).uses_model_alone(policies.load("s_q"))
