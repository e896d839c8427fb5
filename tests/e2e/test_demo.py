"""The demo chain from its files to the printed result, and where that leads: the command that it proposes, its plots,
its lakehouse as an analyst opens it without Spark. The same with the faults of real feeds, and in the form of large
chains. All look at one demo, which only tests of one file share.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from invopt import cli, policies
from invopt.errors import ParameterError
from invopt.lakehouse import Lakehouse
from invopt.tables import BATCHES, FILES, ITEM_STATE, ORDER_REVIEWS, ORDERS, REJECTED, SOLUTIONS
from invopt.world.write import write_world

pytestmark = pytest.mark.usefixtures("spark")

CONF = Path(__file__).parents[2] / "conf"
HEADINGS = ["policy", "items", "solved", "failed", "lines ordered", "units", "order value", "expected cost/day"]


def summary_of(printed: str) -> dict[str, list[str]]:
    """The printed table: policy -> its cells."""
    lines = printed.splitlines()
    start = next(number for number, line in enumerate(lines) if re.split(r"\s{2,}", line) == HEADINGS)
    assert set(lines[start + 1]) == {"-", " "}
    end = lines.index("", start)
    return {line.split()[0]: line.split()[1:] for line in lines[start + 2 : end]}


def expected_summary(tables, policy_id: str = "s_q") -> list[str]:
    """The same from the tables."""
    solutions, orders = (rows[rows["policy_id"] == policy_id] for rows in (tables.rows(SOLUTIONS), tables.rows(ORDERS)))
    n_solved = int((solutions["status"] != "no_solution").sum())
    counts = (len(solutions), n_solved, len(solutions) - n_solved, len(orders))
    return [
        *(f"{n:,}" for n in counts),
        f"{orders['quantity'].sum():,.0f}",
        f"{orders['order_value'].sum():,.2f}",
        f"{solutions['cost'].sum():,.2f}",
    ]


def test_the_demo_runs_every_policy_and_prints_what_it_did(demo):
    printed, tables = demo.printed, demo.project
    summary = summary_of(printed)
    assert summary == {policy_id: expected_summary(tables, policy_id) for policy_id in policies.names()}
    # 5 stores x 12 products, each decided by one policy
    assert sum(int(cells[0]) for cells in summary.values()) == 60
    # the demo has limits of all kinds, and orders that are late, and is without a fault otherwise
    late, limits = [line for line in printed.splitlines() if "! " in line]
    assert "should have arrived, the oldest on" in late and "still counted on order" in late
    assert "limits that these orders do not obey yet: MaxInventorySize (60 items), " in limits
    solutions, orders = tables.rows(SOLUTIONS), tables.rows(ORDERS)
    assert (
        set(solutions["status"]) <= {"optimal", "feasible"}
        and not solutions.duplicated(["location_id", "product_id"]).any()
    )
    assert set(solutions.loc[solutions["status"] == "feasible", "policy_id"]) <= {"capacitated_lot_sizing"}
    by_model = solutions["method"] == "model"
    assert set(solutions.loc[by_model, "policy_id"]) == {"s_q", "dynamic_lot_sizing"}
    audited = solutions[~by_model].groupby("policy_id")["audit_gap"]
    assert (solutions["audit_gap"].dropna() < 1e-6).all() and audited.count().min() > 0
    assert len(orders) > 0 and tables.rows(REJECTED).empty
    assert f"Orders: {demo.lakehouse}/gold/orders" in printed
    # a location is ordered for from the position that the reason shows
    assert (
        orders["reason"]
        .str.match(r"position -?[\d.]+ = .* on hand - .* expiring \+ .* on order( \(\d+ late\))?; ")
        .all()
    )


def test_the_proposed_command_solves_the_item_again(demo, capsys):
    proposed = next(line for line in demo.printed.splitlines() if line.startswith("Try: invopt "))
    assert cli.main([*shlex.split(proposed.removeprefix("Try: invopt ")), "--config", str(CONF)]) == 0
    said = capsys.readouterr().out
    answers = {
        line.split()[0]: line for line in said.splitlines() if line.startswith(("algorithm ", "model ", "saved "))
    }
    assert set(answers) == {"algorithm", "model", "saved"}, said
    # the saved decisions are those that the algorithm makes again
    assert answers["saved"].partition(": ")[2].split(" money/day")[0] in answers["algorithm"], said
    assert (
        f"run {next(line for line in demo.printed.splitlines() if line.startswith('Run ')).split()[1].rstrip(',')},"
        in said
    )
    assert sum(line.startswith("ordered ") for line in said.splitlines()) == 1, said


def test_it_says_where_the_plots_are(demo):
    assert f"Plots: notebooks/first_run.ipynb with INVOPT_LAKEHOUSE={demo.lakehouse}" in demo.printed.splitlines()


def test_what_the_demo_decided_ordered_and_sold(demo):
    lakehouse = Lakehouse(demo.lakehouse)
    orders, solutions, sales = lakehouse.orders(), lakehouse.solutions(), lakehouse.sales()
    items = ["policy_id", "location_id", "product_id", "source_id"]
    stored = {name: demo.project.rows(f"gold.{name}") for name in ("orders", "solutions", "order_reviews")}
    assert len(orders) == len(stored["orders"]) > 0
    assert sorted(map(tuple, solutions[items].values)) == sorted(map(tuple, stored["solutions"][items].values))
    # a number, or a plan with one number per day
    assert solutions.set_index("policy_id")["reorder_point"].loc["s_q"].notna().all()
    plans = solutions.loc[solutions["policy_id"] == "dynamic_lot_sizing", "order_quantity"]
    assert len(plans) and all(len(plan) > 1 for plan in plans)
    assert sales["quantity"].sum() == demo.project.rows("silver.sales")["units"].sum() > 0
    for order in orders.to_dict("records"):
        why = lakehouse.explain(policy=order["policy_id"], location=order["location_id"], product=order["product_id"])
        assert (why.review["quantity"], why.sentence) == (order["quantity"], order["reason"])
        assert why.solution["run_id"] == order["run_id"] and why.sentence in str(why)


def test_an_unknown_policy_is_answered_with_those_there_are(demo):
    with pytest.raises(ParameterError, match=r"policy 'sq' is in no row of gold.order_reviews; there are .*, s_q, "):
        Lakehouse(demo.lakehouse).explain(policy="sq", location="1", product="1_2")


@pytest.mark.slow
def test_a_feed_with_faults_is_run_with_what_is_right(project, tmp_path):
    made = project()
    size = {"n_stores": 3, "n_products": 8, "n_days": 9, "seed": 5}
    arguments = ("--stores", "3", "--products", "8", "--days", "9", "--seed", "5", "--dirt")
    assert made.invopt("demo-world", *arguments)[0] == 0
    # the same arguments write the same files, and say what was planted in them
    world = write_world(tmp_path / "same", **size, dirt=True)
    assert {path.relative_to(world.folder): path.stat().st_size for path in world.folder.rglob("*.csv")} == {
        path.relative_to(made.landing): path.stat().st_size for path in made.landing.rglob("*.csv")
    }

    # a store whose last file has not come would be rolled forward
    today = ("--as-of", f"{world.as_of:%Y-%m-%d}", "--set", "inputs.stock_max_age=0")
    code, printed = made.invopt("run", *today)
    assert code == 0, printed
    batches = made.rows(BATCHES)[["rows_in", "rows_kept", "rows_rejected", "rows_duplicate", "dataset"]].set_index(
        "dataset"
    )
    assert {name: n for name, n in batches["rows_in"].items()} == {name: n for name, n in world.rows.items()}
    assert batches["rows_rejected"].sum() == len(made.rows(REJECTED)) == world.planted["rejected_rows"]
    assert batches["rows_duplicate"].sum() == world.planted["duplicate_rows"]
    assert len(made.rows(FILES)) == world.n_files and set(made.rows(FILES)["status"]) == {"ingested"}
    assert not made.rows("silver.landed_orders")["source_id"].str.contains(r"\.").any()
    assert made.rows("silver.products")["list_price"].isna().sum() == world.planted["zero_msrp_products"]

    state = made.rows(ITEM_STATE)
    stale = set(state.loc[state["is_stock_stale"], "location_id"])
    assert len(stale) == world.planted["stale_stores"]
    reviews = made.rows(ORDER_REVIEWS)
    held = reviews[reviews["location_id"].isin(stale)]
    assert len(held) > 0 and (held["quantity"] == 0).all()
    assert set(held["outcome"]) == {"blocked"} and set(held["because"]) == {"stale_count"}
    assert held["detail"].str.contains("the stock count of ").all()
    assert not (reviews.loc[~reviews["location_id"].isin(stale), "outcome"] == "blocked").any()
    assert summary_of(printed) == {"s_q": expected_summary(made)}


@pytest.mark.slow
def test_a_chain_in_large_files(project):
    made = project()
    code, printed = made.invopt("demo-world", "--stores", "30", "--products", "100", "--days", "5", "--form", "daily")
    assert code == 0 and list(made.landing.rglob("*.parquet"))
    as_of = re.search(r"--as-of (\S+)", printed)[1]
    code, printed = made.invopt("run", "--as-of", as_of)
    assert code == 0, printed
    batches = made.rows(BATCHES)
    assert (batches["rows_rejected"] == 0).all() and (batches["rows_duplicate"] == 0).all()
    assert (batches["rows_in"] == batches["rows_kept"]).all()
    state = made.rows(ITEM_STATE)
    assert len(state.groupby(["location_id", "product_id"])) == 3000 and state["problem"].isna().all()
    in_scope = (state["shelf_life"].isna() & (state["source_rank"] == 1)).sum()
    solutions = made.rows(SOLUTIONS)
    assert len(solutions) == in_scope > 1000 and set(solutions["status"]) == {"optimal"}
    assert solutions["audit_gap"].notna().any() and (solutions["audit_gap"].dropna() < 1e-6).all()
    assert summary_of(printed) == {"s_q": expected_summary(made)}
