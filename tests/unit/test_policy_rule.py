"""What a policy wants of its items: whatever its order rule does, each item has an outcome, and others are unharmed."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from invopt import policies
from invopt.ordering import REVIEW_TYPES, STATE_COLUMNS, OrderRule, bucket_decider, line_decider
from invopt.ordering.buckets import review
from invopt.ordering.policy_rule import wanted_lines
from tests.unit.ordered_items import N_ITEMS, items

POLICY = policies.load("s_q")
LEVELS = {"REORDER_POINT": 6.0, "ORDER_QUANTITY": 7.0}


def decided(order=POLICY.order, period: int = 0, **changes) -> pd.DataFrame:
    """The reviews of the items, of which the last has no solution."""
    return review(wanted_lines(replace(POLICY, order=order), items(**changes), period))


def plan(*values: float) -> list:
    return [{"REORDER_POINT": list(values), "ORDER_QUANTITY": [7.0]}] * (N_ITEMS - 1) + [None]


def test_each_item_has_what_its_policy_wants():
    reviews = decided()
    assert list(reviews.columns) == list(REVIEW_TYPES) and set(items().columns) == set(STATE_COLUMNS)
    assert reviews["quantity"].tolist() == [7, 7, 7, 0]
    assert reviews["outcome"].tolist() == ["ordered"] * 3 + ["blocked"]
    assert reviews["because"].tolist() == ["policy"] * 3 + ["no_solution"]
    assert reviews["decided"].tolist() == [LEVELS] * 3 + [None]
    assert np.isnan(reviews["wanted"][3]) and reviews["detail"].tolist() == [None, None, None, "infeasible"]


def leave(*_: object) -> None:
    sys.exit("enough")


@pytest.mark.parametrize(
    ("order", "detail"),
    [
        (lambda decisions, stock: 1 / 0, "ZeroDivisionError: division by zero"),
        (leave, "SystemExit: enough"),
        (
            lambda decisions, stock: np.ones(len(stock.period) - 1),
            "ValueError: order gave 2 values of shape (2,) for 3 items",
        ),
        (lambda decisions, stock: 5.0, "ValueError: order gave 1 values of shape () for 3 items"),
        (lambda decisions, stock: None, "ValueError: order gave 1 values of shape () for 3 items"),
        (lambda decisions, stock: np.full(len(stock.period), np.inf), "ValueError: order gave the quantity inf"),
        (lambda decisions, stock: np.array([1, -7, 1]), "ValueError: order gave the quantity -7"),
        (
            lambda decisions, stock: ["a lot"] * len(stock.period),
            "ValueError: could not convert string to float: 'a lot'",
        ),
        (lambda decisions, stock: decisions["BASE_STOCK_LEVEL"], "KeyError: 'BASE_STOCK_LEVEL'"),
        (lambda decisions, stock: pd.DataFrame().loc[0], "KeyError: 0"),
    ],
)
def test_a_rule_that_fails_blocks_the_items_it_was_asked_for(order, detail):
    reviews = decided(order)
    assert reviews["quantity"].tolist() == [0] * N_ITEMS and reviews["wanted"].isna().all()
    assert set(reviews["outcome"]) == {"blocked"}
    assert reviews["because"].tolist() == ["rule_failed"] * 3 + ["no_solution"]
    assert reviews["detail"].tolist() == [detail] * 3 + ["infeasible"]
    # what was decided is known all the same
    assert reviews["decided"].tolist() == [LEVELS] * 3 + [None]


def test_an_exception_of_several_lines_is_one_line():
    def order(decisions, stock):
        raise ValueError("first\n  second")

    assert decided(order)["detail"][0] == "ValueError: first second"


def test_a_rule_that_does_not_know_blocks_its_items():
    reviews = decided(lambda decisions, stock: np.array([np.nan, 0.0, 5.0]))
    assert reviews["outcome"].tolist() == ["blocked", "nothing_wanted", "ordered", "blocked"]
    assert reviews["because"].tolist() == ["no_decision", "policy", "policy", "no_solution"]
    assert reviews["detail"][0] == "the decisions say nothing for this day"


def test_the_rule_is_asked_for_what_is_known_alone():
    """A rule that compares takes NaN for a position above every level, and would want nothing."""
    asked = []

    def order(decisions, stock):
        asked.extend(stock.inventory_position)
        return np.where(stock.inventory_position <= decisions["REORDER_POINT"], 7.0, 0.0)

    reviews = decided(order, inventory_position=[3.0, None, 30.0, 3.0])
    assert asked == [3.0, 30.0]
    assert reviews["outcome"].tolist() == ["ordered", "blocked", "nothing_wanted", "blocked"]
    assert (reviews["because"][1], reviews["detail"][1]) == ("no_decision", "the inventory position is not known")
    assert np.isnan(reviews["wanted"][1]) and reviews["quantity"][1] == 0


def test_a_stale_count_blocks_before_all_else():
    problem = "the count is old"
    reviews = decided(is_stale=True, problem=problem)
    assert set(reviews["because"]) == {"stale_count"} and set(reviews["detail"]) == {problem}
    assert reviews["wanted"].tolist()[:3] == [7, 7, 7] and reviews["quantity"].tolist() == [0] * N_ITEMS
    assert reviews["ledger"][0] == [("policy", 7.0, None, None), ("stale_count", -7.0, None, None)]
    assert reviews["ledger"][3] == [("stale_count", 0.0, None, None)]
    failed = decided(lambda decisions, stock: 1 / 0, is_stale=[True, False, False, False], problem=problem)
    assert failed["because"].tolist() == ["stale_count", "rule_failed", "rule_failed", "no_solution"]


def test_a_count_of_which_nobody_knows_the_age_is_stale():
    reviews = decided(is_stale=[None, False, np.nan, False])
    assert reviews["because"].tolist() == ["stale_count", "policy", "stale_count", "no_solution"]
    assert reviews["detail"][0] == "it is not known that the stock count is fresh"


@pytest.mark.parametrize("missing", [{"status": None, "message": None}, {"decisions": [None] * N_ITEMS, "message": ""}])
def test_an_item_that_was_not_solved_is_blocked(missing):
    reviews = decided(**missing)
    assert set(reviews["because"]) == {"no_solution"} and reviews["quantity"].tolist() == [0] * N_ITEMS
    assert set(reviews["detail"]) == {"the policy was not solved for it"}


def test_the_remark_of_a_solution_is_kept_as_it_is():
    reviews = decided(message=["on overtime; audit: equal", "", None, "infeasible"])
    assert reviews["detail"].tolist() == ["on overtime; audit: equal", None, None, "infeasible"]
    assert decided(message=np.nan)["detail"].tolist() == [None] * 3 + ["the policy was not solved for it"]


@pytest.mark.parametrize(
    ("period", "outcome", "now"),
    [
        (0, "nothing_wanted", {"REORDER_POINT": 1.0, "ORDER_QUANTITY": 7.0}),
        (1, "ordered", {"REORDER_POINT": 6.0, "ORDER_QUANTITY": 7.0}),
    ],
)
def test_the_decisions_of_the_period_are_told(period, outcome, now):
    def order(decisions, stock):
        assert (stock.period == period).all() and decisions["REORDER_POINT"].shape == (3, 2)
        return np.where(stock.inventory_position <= decisions["REORDER_POINT"][:, period], 7.0, 0.0)

    reviews = decided(order, period, decisions=plan(1.0, 6.0))
    assert set(reviews["outcome"][:3]) == {outcome} and reviews["decided"][0] == now


def test_beyond_the_last_period_nothing_is_known():
    reviews = decided(lambda decisions, stock: np.full(len(stock.period), np.nan), 2, decisions=plan(1.0, 6.0))
    assert set(reviews["because"][:3]) == {"no_decision"} and reviews["decided"][0] == {"ORDER_QUANTITY": 7.0}
    assert reviews["detail"][0] == "the decisions were made 2 days ago, for 2 days"


def test_decisions_of_a_later_day_say_nothing():
    reviews = decided(lambda decisions, stock: np.full(len(stock.period), np.nan), -1, decisions=plan(1.0, 6.0))
    assert set(reviews["because"][:3]) == {"no_decision"} and reviews["decided"][0] == {"ORDER_QUANTITY": 7.0}


@pytest.mark.parametrize("nothing", [[], [None], [np.nan]])
def test_a_decision_without_a_value_is_no_zero(nothing):
    decisions = [{"REORDER_POINT": nothing, "ORDER_QUANTITY": [7.0]}, {"REORDER_POINT": [6.0], "ORDER_QUANTITY": [7.0]}]
    reviews = decided(decisions=[*decisions, None, None])
    assert reviews["because"].tolist() == ["no_decision", "policy", "no_solution", "no_solution"]
    assert reviews["decided"][0] == {"ORDER_QUANTITY": 7.0}


def test_a_policy_that_has_changed_or_gone_does_not_stop_the_others(tmp_path):
    """Saved decisions of another name, a file that can't be loaded, and a good policy, in one batch."""
    (tmp_path / "broken.py").write_text("1 / 0", encoding="utf-8")
    other_names = [[("ORDER_UP_TO_LEVEL", [9.0])]] * N_ITEMS
    parts = [items("renamed", decisions=other_names), items("broken"), items("good")]
    batch = pd.concat(parts, ignore_index=True).sample(frac=1, random_state=1)
    rules = {
        "renamed": OrderRule("s_q", None, 0),
        "broken": OrderRule("broken", str(tmp_path), 0),
        "good": OrderRule("s_q", None, 0),
    }
    first, second, empty = line_decider(rules)(iter([batch, batch.head(5), batch.head(0)]))
    assert empty.empty and list(empty.columns) == list(REVIEW_TYPES)
    reviews = pd.concat([first, second])
    assert len(reviews) == 3 * N_ITEMS + 5
    # the rows come back as they went in
    keys = ["policy_id", "product_id"]
    assert (reviews[keys].to_numpy() == pd.concat([batch, batch.head(5)])[keys].to_numpy()).all()
    solved = reviews[reviews["product_id"] != f"P{N_ITEMS - 1}"].groupby("policy_id")
    assert {name: set(of_policy["quantity"]) for name, of_policy in solved} == {
        "renamed": {0},
        "broken": {0},
        "good": {7},
    }
    assert {name: set(of_policy["because"]) for name, of_policy in solved} == {
        "renamed": {"rule_failed"},
        "broken": {"rule_failed"},
        "good": {"policy"},
    }
    details = {name: of_policy["detail"].iloc[0] for name, of_policy in solved}
    assert "the solutions have no REORDER_POINT, ORDER_QUANTITY but ORDER_UP_TO_LEVEL" in details["renamed"]
    assert details["broken"].startswith("ConfigError: the file of policy")


@pytest.mark.parametrize("policy_id", ["unplanned", None])
def test_items_of_no_rule_are_an_error_and_not_left_out(policy_id):
    with pytest.raises(KeyError):
        bucket_decider({"s_q": OrderRule("s_q", None, 0)})(items(policy_id))


def test_a_policy_file_that_was_mended_is_read_anew(tmp_path):
    file = tmp_path / "mine.py"
    text = (
        "from dataclasses import replace\nfrom invopt.policies.s_q import POLICY\n"
        "POLICY = replace(POLICY, name='mine', about=POLICY.about._replace(title='{}'))\n"
    )
    for title in ("first", "second"):
        file.write_text(text.format(title), encoding="utf-8")
        assert policies.load("mine", str(tmp_path)).about.title == title
