"""What bronze.files says of a file decides over its lines; fractions, and days that mean never."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from invopt import lake
from invopt.config import Config
from invopt.pipelines.conform import conform
from invopt.pipelines.ingest import ingest
from invopt.tables import FILES, REJECTED, silver
from invopt.tables.datasets import BY_NAME
from tests.contexts import context_at

ORDERED = "PolicyName,StoreID,ProductID,SupplierID,Quantity,OrderTimestamp,ETA,ConfidenceInterval,Fulfilled\n"
FILES_LANDED = {
    "publicparameters/brands_products.csv": (
        "BrandID,ProductID,ProductName,MSRP,ProductVolume,ShelfLife,UnitOfMeasure\n1,p1,,,,,pcs\n1,p2,,,,,kg\n"
    ),
    "rawdata/inv_1.csv": (
        "StoreID,ProductID,InventoryDateTime,Units,ExpiryDateTime\n1,p1,2026-03-02,5,9999-12-31\n"
        "1,p2,2026-03-02,1.5,31.12.9999 23:59\n1,p1,2026-03-01,0.5,NULL\n1,p3,2026-03-02,0.5,\n"
    ),
    **{
        f"rawdata/demand_forecasts/1/p1/{part}.csv": "StoreID,ProductID,ForecastDateTime,DateTime,Demand\n"
        + "".join(f"1,p1,2026-03-01,2026-03-0{day},{demand}\n" for day in days)
        for part, days, demand in (("part-0", (2, 3), 4), ("part-1", (4, 5), 4), ("part-2", (5,), 6))
    },
    "orders/erp/orders_1.csv": ORDERED + "erp,1,p1,s,5,10/02/2026,27/02/2026 08:00,0,nein\n",
    "orders/erp/orders_2.csv": ORDERED + "erp,1,p2,s,5,27/02/2026,,0,f\nerp,,p9,s,5,02/27/2026,,0,f\n",
}


@pytest.fixture(scope="module")
def landed(spark, tmp_path_factory):
    """The context, and what a user was told; five lines are many here."""
    folder = tmp_path_factory.mktemp("files")
    for name, text in FILES_LANDED.items():
        path = folder / "landing" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    configured = Config(lakehouse={"root": str(folder / "lake")}, landing=str(folder / "landing"))
    said = []
    context = context_at(spark, configured, datetime(2026, 3, 2), said.append)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("invopt.pipelines.context.MANY", 5)
        ingest(context)
        conform(context)
    return context, said


@pytest.fixture
def context(landed):
    return landed[0]


def test_parts_of_long_work_are_told(landed):
    told = [re.sub(r"[0-9.]+ s$", "_ s", line.strip()) for line in landed[1]]
    assert [line for line in told if line.startswith(("demand_forecasts: ", "orders: "))] == [
        "demand_forecasts: takes 5 lines of 3 files",
        "demand_forecasts: 5 lines are taken, _ s",
        "demand_forecasts: conforms 5 lines",
        "demand_forecasts: 4 lines are kept, _ s",
    ]


def test_numeric_dates_are_read_in_the_order_of_their_file(context):
    (order,) = context.store.rows(silver(BY_NAME["orders"]))
    moments = (order["ordered_at"].astimezone(UTC), order["eta"].astimezone(UTC))
    assert moments == (datetime(2026, 2, 10, tzinfo=UTC), datetime(2026, 2, 27, 8, tzinfo=UTC))
    assert order["is_received"] is False


def test_each_line_of_a_rejected_file_is_rejected_with_its_problem_and_its_keys(context):
    rejected = [row for row in context.store.rows(REJECTED) if row["dataset"] == "orders"]
    (rules,) = {tuple(row["rules"]) for row in rejected}
    assert "'27/02/2026' (row 1) and '02/27/2026' (row 2)" in rules[0]
    keys = {(row["location_id"], row["product_id"], row["source_id"]) for row in rejected}
    assert keys == {("1", "p2", "s"), (None, "p9", "s")}
    numbers = {row["file"]: row["file_number"] for row in context.store.rows(FILES)}
    assert all(row["file_number"] == numbers[row["file"]] for row in rejected)


def test_a_fraction_of_a_piece_is_rejected_and_one_of_a_kilogram_or_an_unknown_product_is_kept(context):
    rejected = [row for row in context.store.rows(REJECTED) if row["dataset"] == "inventory"]
    assert [(row["product_id"], row["rules"]) for row in rejected] == [
        ("p1", ["Units is not a whole number, and the product's UnitOfMeasure is piece: 0.5"])
    ]
    lots = context.store.rows(silver(BY_NAME["inventory"]))
    assert sorted((row["product_id"], row["units"]) for row in lots) == [("p1", 5.0), ("p2", 1.5), ("p3", 0.5)]


def test_a_forecast_may_come_in_parts_and_a_later_part_replaces_the_days_it_has(context):
    points = context.store.rows(silver(BY_NAME["demand_forecasts"]))
    assert sorted((row["period_at"].day, row["demand"]) for row in points) == [(2, 4.0), (3, 4.0), (4, 4.0), (5, 6.0)]


def test_never_is_kept_and_read_without_spark(context):
    rows = lake.read(context.config.lakehouse, silver(BY_NAME["inventory"]))
    never = rows.set_index("product_id")["expires_at"]
    assert [str(never[product])[:19] for product in ("p1", "p2", "p3")] == ["9999-12-31 00:00:00"] * 2 + ["NaT"]


def test_again_brings_nothing(context):
    assert conform(context) == []
