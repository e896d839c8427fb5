"""The executors' part of step `order`: whatever an order rule does, each of its items has a quantity and a reason, and
the other policies' items are unharmed.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from invopt import policies
from invopt.ordering import ITEM_COLUMNS, OrderRule, decide_items, line_decider

POLICY = policies.load("s_q")
N_ITEMS = 4


def items(policy_id: str = "s_q", **changes) -> pd.DataFrame:
    """Items with s = 6 and Q = 7 at position 3, the last without a solution."""
    numbers = dict.fromkeys(("inventory_position", "on_hand"), 3.0) | dict.fromkeys(
        ("expiring", "on_order", "on_order_late"), 0.0
    )
    frame = pd.DataFrame(
        {
            "policy_id": policy_id,
            "location_id": "L",
            "product_id": [f"P{k}" for k in range(N_ITEMS)],
            "source_id": "S",
            **numbers,
            "min_order_quantity": np.nan,
            "max_order_quantity": np.nan,
            "quantity_multiple": np.nan,
            "unit_cost": 2.0,
            "day": 17_000.0,
            "days_since_order": np.nan,
            "is_stale": False,
            "problem": None,
            "status": "optimal",
            "message": None,
            "decisions": [[("REORDER_POINT", [6.0]), ("ORDER_QUANTITY", [7.0])] for _ in range(N_ITEMS)],
        }
    )
    frame.loc[N_ITEMS - 1, ["status", "message"]] = "no_solution", "infeasible"
    frame.at[N_ITEMS - 1, "decisions"] = None
    return frame.assign(**changes)


def test_each_item_has_what_its_policy_wants():
    lines = decide_items(POLICY, items(), 0)
    assert list(lines.columns) == ["policy_id", *ITEM_COLUMNS, "unit_cost", "wanted", "quantity", "reason"]
    assert lines["quantity"].tolist() == [7, 7, 7, 0]
    assert lines["reason"][3].startswith("held: no solution: infeasible; position 3")


def leave(*_: object) -> None:
    sys.exit("enough")


@pytest.mark.parametrize(
    ("order", "says"),
    [
        (lambda decisions, state: 1 / 0, "ZeroDivisionError: division by zero"),
        (leave, "SystemExit: enough"),
        (
            lambda decisions, state: np.ones(len(state) - 1),
            r"ValueError: order gave 2 values of shape (2,) for 3 items",
        ),
        (lambda decisions, state: 5.0, r"ValueError: order gave 1 values of shape () for 3 items"),
        (lambda decisions, state: np.full(len(state), np.inf), "ValueError: order gave the quantity inf"),
        (lambda decisions, state: np.array([1, -7, 1]), "ValueError: order gave the quantity -7"),
        (lambda decisions, state: ["a lot"] * len(state), "ValueError: could not convert string to float"),
        (lambda decisions, state: decisions["BASE_STOCK_LEVEL"], "KeyError: 'BASE_STOCK_LEVEL'"),
    ],
)
def test_a_rule_that_fails_holds_the_items_it_was_asked_for(order, says):
    lines = decide_items(replace(POLICY, order=order), items(), 0)
    assert lines["quantity"].tolist() == [0] * N_ITEMS
    assert all(reason.startswith(f"held: the order rule failed: {says}") for reason in lines["reason"][:3])
    assert lines["reason"][3].startswith("held: no solution: infeasible")


def test_not_knowing_is_no_failure():
    lines = decide_items(replace(POLICY, order=lambda decisions, state: np.full(len(state), np.nan)), items(), 0)
    assert lines["reason"][0].startswith("held: the decisions say nothing for this day")


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
    lines = pd.concat(line_decider(rules)(iter([batch, batch.head(5)])))
    assert len(lines) == 3 * N_ITEMS + 5
    reasons = {
        policy_id: set(of_policy["reason"].str.slice(0, 60)) for policy_id, of_policy in lines.groupby("policy_id")
    }
    assert any("KeyError: 'REORDER_POINT'" in reason for reason in reasons["renamed"])
    assert any("the order rule failed: ConfigError: the file of policy" in reason for reason in reasons["broken"])
    assert set(lines.loc[lines["policy_id"] == "good", "quantity"]) == {0, 7}


def test_a_policy_file_that_was_mended_is_read_anew(tmp_path):
    file = tmp_path / "mine.py"
    text = (
        "from dataclasses import replace\nfrom invopt.policies.s_q import POLICY\n"
        "POLICY = replace(POLICY, name='mine', about=POLICY.about._replace(title='{}'))\n"
    )
    for title in ("first", "second"):
        file.write_text(text.format(title), encoding="utf-8")
        assert policies.load("mine", str(tmp_path)).about.title == title
