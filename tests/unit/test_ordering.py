"""A line is what the supplier accepts, and its ledger adds up to it exactly."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invopt.ordering import PASSES, REVIEW_TYPES, OrderRule, bucket_decider
from invopt.ordering.buckets import review
from invopt.ordering.ledger import open_ledgers, post, totals
from tests.unit.ordered_items import N_ITEMS, items

NONE = np.nan
LIMITS = ("min_order_quantity", "max_order_quantity", "quantity_multiple")


def lines(wanted, least=NONE, most=NONE, multiple=NONE, is_blocked=False) -> pd.DataFrame:
    """Lines as the policy's rule gives them; each argument is a value for all or a list."""
    wanted = np.atleast_1d(np.asarray(wanted, float))
    blocked = np.broadcast_to(np.asarray(is_blocked), wanted.shape)
    quantity = np.where(blocked, 0.0, wanted)
    ledgers = post(open_ledgers("policy", wanted), "stale_count", wanted, quantity)
    return pd.DataFrame(
        {
            **{name: items().loc[0, name] for name in REVIEW_TYPES if name in items()},
            **dict(zip(LIMITS, (least, most, multiple), strict=True)),
            "acted_on_order": None,
            "acted_on_units": NONE,
            "wanted": wanted,
            "quantity": quantity,
            "outcome": np.where(blocked, "blocked", np.where(quantity > 0, "ordered", "nothing_wanted")),
            "because": np.where(blocked, "stale_count", "policy"),
            "detail": np.where(blocked, "old", None),
            "decided": [{"REORDER_POINT": 6.0}] * len(wanted),
            "ledger": pd.Series(ledgers),
        }
    )


def line(*arguments, **keywords) -> pd.Series:
    return review(lines(*arguments, **keywords)).iloc[0]


@pytest.mark.parametrize(
    ("given", "quantity", "because", "steps"),
    [
        ({"wanted": 7}, 7, "policy", []),
        ({"wanted": 8, "multiple": 4, "least": 8, "most": 8}, 8, "policy", []),
        ({"wanted": 7, "least": 10}, 10, "minimum", [("minimum", 3, 10)]),
        ({"wanted": 7, "multiple": 4}, 8, "multiple", [("multiple", 1, 4)]),
        ({"wanted": 6.5}, 7, "multiple", [("multiple", 0.5, 1)]),
        ({"wanted": 7, "least": 10, "multiple": 4}, 12, "multiple", [("minimum", 3, 10), ("multiple", 2, 4)]),
        ({"wanted": 7, "least": 12, "multiple": 4}, 12, "minimum", [("minimum", 5, 12)]),
        ({"wanted": 7, "most": 5}, 5, "maximum", [("maximum", -2, 5)]),
        ({"wanted": 7, "most": 7, "multiple": 4}, 4, "maximum", [("multiple", 1, 4), ("maximum", -4, 7)]),
        ({"wanted": 0.25, "multiple": 0.1}, 1, "multiple", [("multiple", 0.75, 1)]),
    ],
)
def test_the_rules_of_a_line_that_is_ordered(given, quantity, because, steps):
    row = line(**given)
    assert (row["quantity"], row["outcome"], row["because"]) == (quantity, "ordered", because)
    first, *others = row["ledger"]
    assert first == ("policy", given["wanted"], None, None)
    assert others == [(*step, None) for step in steps]


@pytest.mark.parametrize(
    ("given", "steps"),
    [
        # each limit that takes part is told, also where it changes nothing
        (
            {"wanted": 7, "least": 5, "most": 7, "multiple": 4},
            [("minimum", 0, 5), ("multiple", 1, 4), ("maximum", -8, 7)],
        ),
        ({"wanted": 7, "least": 10, "most": 5}, [("minimum", 3, 10), ("maximum", -10, 5)]),
        ({"wanted": 8, "most": 3, "multiple": 4}, [("multiple", 0, 4), ("maximum", -8, 3)]),
        ({"wanted": 7, "most": 0}, [("maximum", -7, 0)]),
    ],
)
def test_limits_that_contradict_each_other_leave_nothing(given, steps):
    row = line(**given)
    assert (row["quantity"], row["outcome"], row["because"]) == (0, "impossible", "maximum")
    assert row["ledger"][1:] == [(*step, None) for step in steps]


@pytest.mark.parametrize("most", [NONE, 20.0, np.inf])
@pytest.mark.parametrize(("endless", "name"), [({"least": np.inf}, "minimum"), ({"multiple": np.inf}, "multiple")])
def test_an_infinite_limit_is_told_and_nothing_is_ordered(endless, name, most):
    row = line(7, most=most, **endless)
    assert (row["quantity"], row["outcome"], row["because"]) == (0, "impossible", "maximum")
    assert sum(units for _, units, _, _ in row["ledger"]) == 0
    assert row["reason"].startswith(f"can't be ordered: the {name} is infinite: correct it in store_product_supplier")


@pytest.mark.parametrize("limits", [{}, {"least": 10}, {"least": 10, "most": 5}, {"multiple": 4}])
def test_what_is_not_wanted_or_blocked_meets_no_limit(limits):
    row = line(0, **limits)
    assert (row["quantity"], row["outcome"], row["because"]) == (0, "nothing_wanted", "policy")
    assert row["ledger"] == [("policy", 0.0, None, None)]
    row = line(7, is_blocked=True, **limits)
    assert (row["quantity"], row["outcome"], row["because"]) == (0, "blocked", "stale_count")
    assert row["ledger"] == [("policy", 7.0, None, None), ("stale_count", -7.0, None, None)]


def test_the_rounding_of_floats_decides_nothing():
    wanted = 0.1 * 3 * 10
    row = line(wanted, multiple=3)
    assert wanted > 3 and (row["quantity"], row["because"]) == (3, "policy")
    assert totals([row["ledger"]])[0] == 3
    row = line(1e-12)
    assert (row["quantity"], row["outcome"], row["because"]) == (0, "nothing_wanted", "policy")


limits = st.one_of(st.just(NONE), st.integers(0, 60).map(float))


@settings(max_examples=100, deadline=None)
@given(wanted=st.integers(0, 80).map(float), least=limits, most=limits, multiple=limits, is_blocked=st.booleans())
def test_what_is_ordered_keeps_every_limit_and_is_the_nearest_that_does(wanted, least, most, multiple, is_blocked):
    row = line(wanted, least, most, multiple, is_blocked)
    step = 1.0 if np.isnan(multiple) or multiple < 1 else multiple
    low, high = (0.0 if np.isnan(least) else least), (np.inf if np.isnan(most) else most)
    allowed = [n * step for n in range(1, 300) if low <= n * step <= high]
    if wanted == 0 or is_blocked or not allowed:
        assert row["quantity"] == 0
        expected = "blocked" if is_blocked else "nothing_wanted" if wanted == 0 else "impossible"
        assert row["outcome"] == expected
        return
    # enough, when it can be; no more than needed, when it is
    enough = [quantity for quantity in allowed if quantity >= wanted]
    assert row["quantity"] == (min(enough) if enough else max(allowed)), row["reason"]
    changed = [name for name, units, _, _ in row["ledger"] if units != 0]
    assert row["outcome"] == "ordered" and row["because"] == changed[-1]


def test_ledgers_add_up_exactly_whatever_the_fractions():
    rng = np.random.default_rng(14)
    n = 20_000
    wanted = rng.choice([0.0, 0.1, 0.3, 1e3, 1e15], n) * rng.integers(0, 100, n) + rng.random(n) * rng.integers(0, 2, n)
    chosen = lines(
        wanted,
        least=rng.choice([NONE, 0.7, 12.3, 100], n),
        most=rng.choice([NONE, 1.3, 7.7, 33.3, 1e6 / 3], n),
        multiple=rng.choice([NONE, 1.1, 2.3, 0.1, 4, 1 / 3 + 1], n),
        is_blocked=rng.random(n) < 0.05,
    )
    reviews = review(chosen)
    assert set(reviews["outcome"]) == {"ordered", "nothing_wanted", "blocked", "impossible"}
    assert (totals(reviews["ledger"]) == reviews["quantity"]).all()
    assert (np.array([rows[0][1] for rows in reviews["ledger"]]) == wanted).all()
    # some steps need their second row
    assert any(len(rows) > len({step for step, *_ in rows}) for rows in reviews["ledger"])


def test_a_step_leaves_the_ledger_before_it_as_it_was():
    before = open_ledgers("policy", np.array([7.0, 7.0, np.nan]))
    after = post(before, "minimum", np.array([7.0, 7.0, 0.0]), np.array([10.0, 7.0, 0.0]), np.array([10.0, 1.0, 1.0]))
    assert list(map(len, before)) == [1, 1, 0] and list(map(len, after)) == [2, 1, 0]


def test_a_pass_keeps_the_lines_and_their_order():
    chosen = lines([7, 0, 9], least=10).set_index(pd.Index([5, 3, 4]))
    keys = {"supplier_rules": ("location_id", "source_id"), "hold_acted_on": ()}
    assert {rule.name: rule.keys for rule in PASSES} == keys and set(PASSES[0].keys) <= set(REVIEW_TYPES)
    for rule in PASSES:
        before = chosen["quantity"].tolist()
        passed = rule.apply(chosen)
        assert passed.index.tolist() == [5, 3, 4] and passed["quantity"].tolist() == [10, 0, 10]
        assert chosen["quantity"].tolist() == before
        chosen = passed


ARROW_TYPES = {
    "string": pa.string(),
    "double": pa.float64(),
    "map<string,double>": pa.map_(pa.string(), pa.float64()),
    "array<struct<step:string,units:double,limit:double,price:double>>": pa.list_(
        pa.struct([("step", pa.string()), ("units", pa.float64()), ("limit", pa.float64()), ("price", pa.float64())])
    ),
}


def test_reviews_have_the_types_that_are_declared():
    """Spark makes an Arrow table of the frame: an unknown number must be NULL there, and neither NaN nor 0."""
    reviews = bucket_decider({"s_q": OrderRule("s_q", None, 0)})(items(min_order_quantity=[NONE, 10, NONE, NONE]))
    schema = pa.schema([(name, ARROW_TYPES[type_]) for name, type_ in REVIEW_TYPES.items()])
    table = pa.Table.from_pandas(reviews, schema=schema, preserve_index=False)
    assert table["wanted"].to_pylist() == [7, 7, 7, None] and table["quantity"].null_count == 0
    assert table["decided"].to_pylist()[N_ITEMS - 1] is None
    ordered, unsolved = table["ledger"].to_pylist()[1], table["ledger"].to_pylist()[3]
    assert ordered == [
        {"step": "policy", "units": 7.0, "limit": None, "price": None},
        {"step": "minimum", "units": 3.0, "limit": 10.0, "price": None},
    ]
    assert unsolved == [{"step": "no_solution", "units": 0.0, "limit": None, "price": None}]
    assert table.select(["outcome", "because", "ledger", "reason"]).to_pandas().notna().all(axis=None)


def test_an_order_that_was_acted_on_stays_and_the_difference_is_told():
    given = lines([7, 0, 7, 7], least=10, is_blocked=[False, False, True, False])
    reviews = review(given.assign(acted_on_order="1a2b3c4d", acted_on_units=[48.0, 48.0, 48.0, NONE]))
    assert reviews["quantity"].tolist() == [0, 0, 0, 10] == totals(reviews["ledger"]).tolist()
    assert reviews["outcome"].tolist() == ["blocked", "nothing_wanted", "blocked", "ordered"]
    assert reviews["because"].tolist() == ["acted_on", "policy", "stale_count", "minimum"]
    assert reviews.loc[0, "ledger"][-1] == ("acted_on", -10, 48, None)
    stays = "order 1a2b3c4d of 48 units was acted on and stays as it is"
    assert reviews["detail"].tolist() == [f"{stays}, 10 more would be ordered", stays, "old", None]
    assert reviews.loc[0, "reason"].startswith(f"held: {stays}, 10 more would be ordered; position 3 = ")
