"""The sample data of the retired Azure solution, whole: every line accounted for, orders written, run again
unchanged, the next day too.
"""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from invopt.tables import BATCHES, FILES, ITEM_STATE, ORDER_REVIEWS, ORDERS, RUNS, SOLUTIONS
from invopt.tables.datasets import DATASETS, dataset_of

SAMPLE = Path(__file__).parents[3] / "shared/data/azure/azure_sample.tar.gz"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not SAMPLE.is_file(), reason="the sample is not beside the repository: shared/data/azure/azure_sample.tar.gz"
    ),
    pytest.mark.usefixtures("spark"),
]
# the departments for which the sample ordered by (s, Q)
DEPARTMENTS = {"3", "4"}


@pytest.fixture(scope="module")
def sample(project):
    made = project(s_q={"scope": {"department_id": sorted(DEPARTMENTS)}})
    with tarfile.open(SAMPLE) as archive:
        archive.extractall(made.landing, filter="data")
    return made


@pytest.fixture(scope="module")
def first(sample, spark):
    return sample.invopt("run", "--as-of", "2017-01-18")


def n_lines(path: Path) -> int:
    return max(0, sum(1 for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()) - 1)


def test_every_line_of_every_dataset_is_kept_rejected_or_a_duplicate(sample, first):
    assert first[0] == 0, first[1]
    landed: dict[str, int] = {}
    for path in sample.landing.rglob("*"):
        dataset = dataset_of(str(path), DATASETS) if path.is_file() else None
        if dataset is not None:
            landed[dataset.name] = landed.get(dataset.name, 0) + n_lines(path)
    assert set(landed) == {dataset.name for dataset in DATASETS} - {"calendar"}
    batches = sample.rows(BATCHES).groupby("dataset")[["rows_in", "rows_kept", "rows_rejected", "rows_duplicate"]].sum()
    assert batches["rows_in"].to_dict() == landed
    assert (batches["rows_in"] == batches[["rows_kept", "rows_rejected", "rows_duplicate"]].sum(axis=1)).all()
    assert (batches["rows_kept"] > 0).all()
    files = sample.rows(FILES)
    assert not (files["status"] == "rejected").any()
    assert len(files) == sum(path.is_file() for path in sample.landing.rglob("*"))


def test_orders_are_written_for_the_products_of_its_departments(sample, first):
    state = sample.rows(ITEM_STATE)
    scope = state[state["department_id"].isin(DEPARTMENTS) & (state["source_rank"] == 1)]
    keys = ["location_id", "product_id", "source_id"]
    items = set(scope[keys].itertuples(index=False, name=None))
    solutions = sample.rows(SOLUTIONS)
    # two stores of the sample have neither forecasts nor a stock count: their items are blocked, and each says so
    blocked = scope[scope["is_blocked"]]
    assert set(blocked["location_id"]) == {"5", "6"} and blocked["on_hand"].isna().all()
    decided = set(scope[~scope["is_blocked"]][keys].itertuples(index=False, name=None))
    assert decided and set(solutions[keys].itertuples(index=False, name=None)) == decided
    assert set(solutions["location_id"]) == {"1", "2", "3", "4"} and set(solutions["status"]) == {"optimal"}
    # a store's file names 1 to 3 of 20 products: of the others nothing is left, and one was never counted
    statuses = state[~state["location_id"].isin({"5", "6"})].groupby("stock_status")["product_id"].size().to_dict()
    assert statuses == {"absent": 73, "counted": 6, "never_counted": 1}
    reviews, orders = sample.rows(ORDER_REVIEWS), sample.rows(ORDERS)
    held = reviews[reviews["outcome"] == "blocked"]
    assert set(held["location_id"]) == {"5", "6"} and set(held["because"]) == {"stale_count"}
    assert held["detail"].str.contains("the location has no stock count").all()
    assert len(reviews) == len(items)
    assert 0 < len(orders) <= len(items) and set(orders[keys].itertuples(index=False, name=None)) <= items
    assert (
        orders["order_id"].is_unique and (orders["quantity"] > 0).all() and (orders["eta"] > orders["ordered_at"]).all()
    )
    limits = orders.merge(scope, on=keys, suffixes=("", "_state"))
    assert len(limits) == len(orders)
    assert (limits["quantity"] >= limits["min_order_quantity"].fillna(0)).all()
    assert (limits["quantity"] <= limits["max_order_quantity"].fillna(float("inf"))).all()
    assert (limits["quantity"] % limits["quantity_multiple"].fillna(1) < 1e-9).all()
    assert f"{len(orders):,}" in first[1] and "expected cost/day" in first[1]


def test_the_second_run_changes_no_row_of_any_table(sample, first):
    versions, content = sample.versions(), sample.content()
    assert len(versions) >= 34 and len(content["silver.sales"]) > 0
    code, printed = sample.invopt("run", "--as-of", "2017-01-18")
    assert code == 0 and "unchanged" in printed
    assert sample.versions() == versions
    assert sample.content() == content
    # the same summary too
    assert printed[printed.index("\nRun ") :] == first[1][first[1].index("\nRun ") :]


def test_one_partition_is_solved_again_without_spark(sample, first):
    line = sample.rows(ORDERS).iloc[0]
    code, printed = sample.invopt(
        "solve-one", "--policy", "s_q", "--location", line["location_id"], "--product", line["product_id"]
    )
    assert code == 0, printed
    costs = {
        row.split()[0]: row.rsplit("cost ", 1)[1].split()[0]
        for row in printed.splitlines()
        if " optimal (converged)" in row
    }
    assert set(costs) == {"algorithm", "model", "saved"}
    assert (
        float(costs["model"]) == pytest.approx(float(costs["algorithm"]), rel=1e-6)
        and costs["saved"] == costs["algorithm"]
    )


def test_the_next_day_nets_what_was_ordered(sample, first):
    before = sample.rows(ORDERS)
    code, printed = sample.invopt("run", "--as-of", "2017-01-19")
    assert code == 0, printed
    runs = sample.rows(RUNS).sort_values("as_of")
    assert len(runs) == 2
    after = sample.rows(ORDERS)
    kept = after[after["run_id"] == runs["run_id"].iloc[0]].sort_values("order_id", ignore_index=True)
    assert kept.equals(before.sort_values("order_id", ignore_index=True))
    state = sample.rows(ITEM_STATE)
    state = state[state["run_id"] == runs["run_id"].iloc[1]].set_index(["location_id", "product_id"])
    for line in before.itertuples():
        on_order = state.loc[[(line.location_id, line.product_id)], "on_order"]
        assert (on_order >= line.quantity).all()
