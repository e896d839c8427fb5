"""Two deliveries of a small chain with every fault that feeds have.

Silver, the rejected lines with their rules, and the numbers of lines, which add up, are looked at after each step.

One lakehouse serves all tests here. The first delivery holds the thirteen datasets; the second brings files again,
corrected and rewritten; then the steps run again with nothing new, and after a simulated crash.
"""

from __future__ import annotations

import gzip
import os
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import functions as F

from invopt.config import Config
from invopt.errors import InputError, TableError
from invopt.pipelines.conform import Conformed, conform, products_of_pieces
from invopt.pipelines.context import Context
from invopt.pipelines.ingest import Ingested, ingest
from invopt.pipelines.rules import broken_rules
from invopt.pipelines.typed import typed
from invopt.spark.store import Store
from invopt.tables import BATCHES, FILES, REJECTED, SPOILAGE, Table, bronze, silver
from invopt.tables.datasets import BY_NAME, DATASETS
from tests.contexts import context_at

MAPPING = {
    "sales": {
        "files": "pos/export_.*",
        "headers": {
            "StoreID": "shop",
            "ProductID": "item",
            "TransactionDateTime": "ts",
            "Units": ["qty", "pieces"],
            "Price": "amount",
        },
    }
}
EMPTY = "publicparameters/brands.csv"
SALES = "StoreID,ProductID,TransactionDateTime,Units,Price\n"
FORECAST = (
    "StoreID,ProductID,DateTime,Demand,PredictedDemandDistribution,PredictedDemandVariance,PredictedDemandProbability\n"
)
STOCK = "StoreID,ProductID,InventoryDateTime,Units,ExpiryDateTime\n"
ORDERED = "PolicyName,StoreID,ProductID,SupplierID,Quantity,OrderTimestamp,ETA,ConfidenceInterval,Fulfilled\n"
STORE_1_SALES = (
    SALES
    + "1,p1,2017-01-02 10:00:00,2,1.99\n1,p1,2017-01-02 10:00:00,3,1.99\n"  # two receipts of the same second
    + "1.0,p1,2017-01-02 10:00:00,1,2.49\n"  # the same second at another price
    + "1,p1,2017-01-02 11:00:00,-1,1.99\n"  # a return
    + "1,p2,2017-01-02 12:00:00,4,0\n"  # spoilage
    + "1,p1,2017-01-02 13:00:00,two,1.99\n1,p1,2017-13-45,1,1.99\n1,p1,2017-01-02 "
    "14:00:00,1.5,1.99\n,p1,2017-01-02 15:00:00,1,-2\n"
    + "1,p1,2017-01-02 16:00:00,1,1.99,9\n"
    + "1,p1,2017-01-02 20:5"  # the store's computer went down
)

FIRST = {
    "publicparameters/stores.csv": (
        'Avg Traffic,STORE_ID,storename,AvgHouseholdIncome,Colour\n10,1.0,Main,5000,red\n20,2,"Side, left",,\n'
    ),
    "publicparameters/store_storage.csv": (
        "StoreID,StorageID,StorageName,StorageVolume,StorageCostBudget\n1,A,Cold,100,-1\n1,B,Dry,50,20\n"
    ),
    "publicparameters/store_departments.csv": "StoreID,DepartmentID,DepartmentName\n",
    EMPTY: "",
    "publicparameters/brands_2017-01-02.csv": "\ufeffBrandID,BrandName\r\n1.0,Best\r\n2,  Second \r\n",
    "publicparameters/brands_products.csv": (
        "BrandID,ProductID,ProductName,MSRP,ProductVolume,ShelfLife,UnitOfMeasure\n1,p1,One,2.5,0.1,3 days,Piece\n"
        "1,p2,Two,0,0.1,1 week,kg\n1,p3,Three,3,0.1,2 Months,\n1,p4,Four,3,0.1,,\n1,p5,Five,3,0.1,-1,\n"
        "1,p6,Six,3,0.1,14,\n1,p7,Seven,3,0.1,soon,\n1,p8,Eight,inf,0.1,1 day,\n"
    ),
    "publicparameters/store_department_brand_products.csv": (
        "StoreID,DepartmntID,BrandID,ProductID,MSRP,DisposalCost\n1,3,1,p1,2,0.1\n"
    ),
    "publicparameters/store_department_brand_products_2017-01-02.csv": (
        "StoreID,DepartmentID,BrandID,ProductID,MSRP,DisposalCost\n1,3.0,1.0,p1,2,0.1\n"
    ),
    "publicparameters/store_product_storage.csv": (
        "StoreID,StorageID,ProductID,StorageCost,MissedSaleCost,MinInventorySize,MaxInventorySize\n1,A,p1,0.2,1,-1,-1.0\n1,A,p2,-0.2,1,5,10\n"
        "1,A,p3,0.2,1,-2,10\n"
    ),
    "publicparameters/suppliers.csv": (
        "SupplierID,SupplierName,ShippingCost,MinShippingVolume,MaxShippingVolume,FixedOrderSize,PurchaseCostBudget\n"
        '5.0,"Smith, ""the"" dairy",50,-1,100,-1,-1\n'
    ),
    "publicparameters/store_product_supplier.csv": (
        "StoreID,SupplierID,ProductID,LeadTime,LeadTimeConfidenceInterval,MinOrderQuantity,MaxOrderQuantity,QuantityMultiplier,Cost,"
        "BackorderCost,ShippingCost,ShiupmentFreq,ServiceLevel,PriceBreaks\n"
        "1,5.0,p1,2.5,0,-1,-1,6,1,2,0.1,1 days,0.95, 50 : 0.9 ; 100:0.85\n1,5,p2,2,0,1,5,1,1,2,0.1,2 weeks,1.5,\n"
        "1,5,p3,2,0,1,5,1,1,2,0.1,2 weeks,0.5,50 for 0.9\n"
    ),
    "rawdata/demand_forecasts/1/p1/2017-01-02_00_00_00.csv": (
        FORECAST + "1,p1,2017-01-02,4.5,Normal,2.25,1\n1,p1,2017-01-03,5,Normal,-1,1\n1,p1,2017-01-04,6,Normal,2,1\n"
        "1,p1,2017-01-05,6,,,1.2\n"
    ),
    "rawdata/demand_forecasts/large.csv": (
        "ForecastDateTime,"
        + FORECAST
        + "2017-01-03 06:00:00,2,p1,2017-01-03,0,,-1,0.5\n2017-01-03 06:00:00,2,p1,2017-01-03,1,,-1,0.5\n"
        "2017-01-03 06:00:00,2,p1,2017-01-03,1,,-1,0.5\n,2,p1,2017-01-04,1,,-1,1\n"
    ),
    "rawdata/sales_store1_2017_01_03_00_00_00.csv": STORE_1_SALES,
    "pos/export_7.csv": "item,shop,ts,pieces,amount\np1,2,2017-01-02T09:30:00,7,3\n",
    "rawdata/inv_store1_2017_01_03_00_00_00.csv": (
        STOCK + "1,p1,2017-01-03,5,2017-01-09\n1,p1,2017-01-03,5,2017-01-09\n1,p1,2017-01-03,2,\n1,p2,2017-01-03,8,\n"
        "1,p3,2017-01-03,-1,\n"
    ),
    "orders/s_Q/orders_1.csv": (
        ORDERED + "s_Q,1,p1,5.0,12,2017-01-02,2017-01-04,0,False\ns_Q,1,p2,5,12,2017-01-02,2017-01-04,0,True\n"
        "s_Q,1,p3,5,6,2017-01-02,,,\n"
        "s_Q,1,p1,5,12,2017-01-03,2017-01-05,0,maybe\n"
    ),
    "notes/read me.txt": "not ours",
}
SECOND = {
    # a copy, and a correction that a newer file brings
    "rawdata/sales_store1_2017_01_03_00_00_00_again.csv": STORE_1_SALES,
    "rawdata/sales_store2_2017_01_03_00_00_00.csv": SALES
    + "2,p1,2017-01-02 09:30:00,9,3\n2,p2,2017-01-02 09:30:00,1,3\n",
    "publicparameters/stores_2017-02-01.csv": (
        "StoreID,StoreName,AvgHouseholdIncome,AvgTraffic\n1,Main Street,5000,10\n3,New,1,1\n"
    ),
    "rawdata/inv_store1_2017_01_03_corrected.csv": STOCK + "1,p1,2017-01-03,4,2017-01-09\n",
    "rawdata/demand_forecasts/1/p1/2017-01-02_00_00_00_v2.csv": (
        FORECAST + "1,p1,2017-01-02,7,Poisson,-1,1\n1,p1,2017-01-06,8,Poisson,-1,1\n"
    ),
    "orders/s_Q/orders_2.csv": ORDERED
    + "s_Q,1,p1,5,12,2017-01-02,2017-01-04,0,True\ns_Q,1,p2,5,12,2017-01-02,2017-01-04,0,False\n",
    # newer than orders_2.csv, and yet it says again what the first file said
    "orders/s_Q/orders_3.csv": ORDERED + "s_Q,1,p1,5,12,2017-01-02,2017-01-04,0,False\n",
}
REWRITTEN = "publicparameters/store_storage.csv"
TABLES = [*(silver(dataset) for dataset in DATASETS), SPOILAGE, REJECTED]


@dataclass
class Chain:
    """The lakehouse and what was in it after each step."""

    run: Context
    landing: Path
    said: list[str]
    ingested: list[Ingested] = field(default_factory=list)
    silver: list[dict[str, list[dict]]] = field(default_factory=list)
    batches: list[dict[tuple[str, int], tuple[int, int, int, int]]] = field(default_factory=list)
    versions: list[dict[str, int]] = field(default_factory=list)

    def land(self, files: dict[str, str], hour: int) -> None:
        for number, (name, text) in enumerate(files.items()):
            path = self.landing / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
            # the order in which they came must not hang on the clock's resolution
            moment = datetime(2017, 1, 3, hour, 0, number, tzinfo=UTC).timestamp()
            os.utime(path, (moment, moment))

    def step(self) -> None:
        self.ingested.append(ingest(self.run))
        conform(self.run)
        self.look()

    def look(self) -> None:
        store = self.run.store
        self.silver.append({table.name: [row.asDict() for row in store.rows(table)] for table in TABLES})
        self.batches.append(
            {
                (row["dataset"], row["batch_id"]): (
                    row["rows_in"],
                    row["rows_kept"],
                    row["rows_rejected"],
                    row["rows_duplicate"],
                )
                for row in store.rows(BATCHES)
            }
        )
        self.versions.append(
            {
                table.name: store.version(table)
                for table in (*TABLES, BATCHES, FILES, *map(bronze, DATASETS))
                if store.exists(table)
            }
        )

    def rows(self, step: int, table: str, *columns: str) -> list[tuple]:
        rows = [tuple(moment(row[name]) for name in columns) for row in self.silver[step][table]]
        return sorted(rows, key=lambda row: tuple((value is not None, value) for value in row))

    def rejected(self, step: int) -> dict[tuple[str, str], list[str]]:
        """(dataset, line) -> rules"""
        return {(row["dataset"], row["line"]): row["rules"] for row in self.silver[step][REJECTED.name]}


def moment(value):
    """As text, in UTC: the session's timestamps arrive in the machine's zone."""
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M") if isinstance(value, datetime) else value


def content(tables: dict[str, list[dict]]) -> dict[str, list[str]]:
    return {name: sorted(str(sorted(row.items())) for row in rows) for name, rows in tables.items()}


def make_run(spark, folder: Path, say=lambda line: None) -> Context:
    (folder / "landing").mkdir(exist_ok=True)
    configured = Config(lakehouse={"root": str(folder / "lake")}, landing=str(folder / "landing"), mapping=MAPPING)
    return context_at(spark, configured, datetime(2017, 1, 4), say)


@pytest.fixture(scope="module")
def chain(spark, tmp_path_factory):
    folder = tmp_path_factory.mktemp("chain of stores")
    said = []
    run = make_run(spark, folder, said.append)
    chain = Chain(run, folder / "landing", said)
    chain.land(FIRST, 1)
    with gzip.open(chain.landing / "rawdata/sales_store2_2017_01_02_00_00_00.csv.gz", "wt") as file:
        file.write(SALES + "2,p1,2017-01-01 09:30:00,3,3\n")
    forecasts = {
        "StoreID": [3, 3],
        "ProductID": ["p1", "p1"],
        "ForecastDateTime": [datetime(2017, 1, 3), datetime(2017, 1, 3)],
        "DateTime": [date(2017, 1, 3), date(2017, 1, 4)],
        "Demand": [1.25, float("nan")],
        "PredictedDemandDistribution": ["Poisson", "Poisson"],
        "PredictedDemandVariance": [None, None],
        "PredictedDemandProbability": [1.0, 1.0],
    }
    types = [
        pa.int64(),
        pa.string(),
        pa.timestamp("us"),
        pa.date32(),
        pa.float64(),
        pa.string(),
        pa.float64(),
        pa.float64(),
    ]
    table = pa.table(
        {name: pa.array(values, kind) for (name, values), kind in zip(forecasts.items(), types, strict=True)}
    )
    pq.write_table(table, chain.landing / "rawdata/demand_forecasts/more_2017.parquet")
    (chain.landing / "rawdata/demand_forecasts/torn_2017.parquet").write_bytes(b"PAR1 but no more")
    chain.step()

    chain.land(SECOND, 2)
    (chain.landing / EMPTY).write_text("BrandID,BrandName\n9,Late\n", encoding="utf-8")
    rewritten = chain.landing / REWRITTEN
    rewritten.write_text(rewritten.read_text(encoding="utf-8") + "2,A,Cold,100,-1\n", encoding="utf-8")
    chain.step()

    chain.step()

    # a crash before the second delivery was noted as done: it is conformed again
    run.store.replace(BATCHES, [], {"batch_id": 1}, check_keys=False)
    conform(run)
    chain.look()
    return chain


def test_every_file_is_recorded_with_what_became_of_it(chain):
    files = {row["file"].split("/landing/")[1]: row for row in chain.run.store.rows(FILES)}
    assert set(files) == {str(path.relative_to(chain.landing)) for path in chain.landing.rglob("*") if path.is_file()}
    assert files["notes/read me.txt"]["status"] == "ignored"
    problems = {name: row["problem"] for name, row in files.items() if row["status"] == "rejected"}
    assert set(problems) == {
        EMPTY,
        "publicparameters/store_department_brand_products.csv",
        "rawdata/demand_forecasts/torn_2017.parquet",
    }
    assert (
        "lacks DepartmentID; it has 'DepartmntID' instead"
        in problems["publicparameters/store_department_brand_products.csv"]
    )
    assert "not a readable Parquet file" in problems["rawdata/demand_forecasts/torn_2017.parquet"]
    assert files["publicparameters/stores.csv"]["problem"] == "columns that are not needed: Colour"
    # the rejected files are named at the terminal, and the others went on
    assert chain.ingested[0].n_rejected == 3 and chain.ingested[0].n_ignored == 1
    assert f"{chain.landing / EMPTY}: the file is empty, it has not even a header" in chain.ingested[0].problems
    assert any("store_department_brand_products.csv: the header lacks DepartmentID" in line for line in chain.said)
    assert files["pos/export_7.csv"]["dataset"] == "sales"


def test_lines_in_are_lines_kept_rejected_and_duplicate(chain):
    first = {name: counts for (name, batch), counts in chain.batches[0].items() if batch == 0}
    assert first == {
        "stores": (2, 2, 0, 0),
        "store_storage": (2, 2, 0, 0),
        "store_departments": (0, 0, 0, 0),
        "brands": (2, 2, 0, 0),
        "brands_products": (8, 6, 2, 0),
        "store_department_brand_products": (2, 1, 1, 0),  # a line of the refused file
        "store_product_storage": (3, 1, 2, 0),
        "suppliers": (1, 1, 0, 0),
        "store_product_supplier": (3, 1, 2, 0),
        "demand_forecasts": (10, 6, 3, 1),
        "sales": (13, 7, 6, 0),
        "inventory": (5, 4, 1, 0),
        "orders": (4, 3, 1, 0),
    }
    second = {name: counts for (name, batch), counts in chain.batches[1].items() if batch == 1}
    assert second == {
        "sales": (13, 2, 6, 5),
        "stores": (2, 2, 0, 0),
        "brands": (1, 1, 0, 0),  # of the file that was empty before
        "inventory": (1, 1, 0, 0),
        "demand_forecasts": (2, 2, 0, 0),
        "orders": (3, 3, 0, 0),  # two files that say what changed, and one that says it back
    }
    store = chain.run.store
    for (name, batch), counts in chain.batches[1].items():
        assert counts[0] == store.read(bronze(BY_NAME[name])).where(f"batch_id = {batch}").count() == sum(counts[1:])
    # the lines that were kept are there: those that silver rows stand for
    kept = sum(row["n_lines"] for table in (SPOILAGE.name, "silver.sales") for row in chain.silver[0][table])
    assert kept == first["sales"][1]


def test_ids_headers_and_texts(chain):
    assert chain.rows(
        0, "silver.locations", "location_id", "location_name", "average_household_income", "average_traffic"
    ) == [("1", "Main", 5000.0, 10.0), ("2", "Side, left", None, 20.0)]
    assert chain.rows(0, "silver.brands", "brand_id", "brand_name") == [("1", "Best"), ("2", "Second")]
    columns = ("source_id", "source_name", "fixed_order_cost", "min_shipping_volume", "max_shipping_volume")
    assert chain.rows(0, "silver.suppliers", *columns) == [("5", 'Smith, "the" dairy', 50.0, None, 100.0)]
    assert chain.rows(0, "silver.assortment", "department_id", "brand_id", "list_price") == [("3", "1", 2.0)]
    assert chain.rows(0, "silver.departments", "department_id") == []


def test_limits_durations_and_prices_that_mean_none(chain):
    assert chain.rows(0, "silver.storages", "storage_id", "storage_cost_budget") == [("A", None), ("B", 20.0)]
    assert chain.rows(0, "silver.products", "product_id", "shelf_life", "list_price") == [
        ("p1", 3, 2.5),
        ("p2", 7, None),
        ("p3", 60, 3.0),
        ("p4", None, 3.0),
        ("p5", None, 3.0),
        ("p6", 14, 3.0),
    ]
    assert chain.rows(0, "silver.product_storage", "product_id", "min_inventory", "max_inventory") == [
        ("p1", None, None)
    ]
    terms = (
        "source_id",
        "lead_time",
        "min_order_quantity",
        "max_order_quantity",
        "quantity_multiple",
        "shipping_interval",
        "service_level",
    )
    assert chain.rows(0, "silver.product_suppliers", *terms) == [("5", 2.5, None, None, 6.0, 1, 0.95)]


@pytest.mark.parametrize(
    ("dataset", "start", "rules"),
    [
        ("sales", "1,p1,2017-01-02 13:00:00,two,1.99", ["Units is not a number: two"]),
        ("sales", "1,p1,2017-13-45,1,1.99", ["TransactionDateTime is not a date: 2017-13-45"]),
        (
            "sales",
            "1,p1,2017-01-02 14:00:00,1.5,1.99",
            ["Units is not a whole number, and the product's UnitOfMeasure is piece: 1.5"],
        ),
        ("sales", ",p1,2017-01-02 15:00:00,1,-2", ["StoreID is missing", "Price is below 0: -2"]),
        (
            "sales",
            "1,p1,2017-01-02 16:00:00,1,1.99,9",
            ["the line does not have as many fields as the header, or its quotes are not closed"],
        ),
        (
            "sales",
            "1,p1,2017-01-02 20:5",
            ["the line does not have as many fields as the header, or its quotes are not closed"],
        ),
        ("brands_products", "1,p7,Seven,3,0.1,soon", ['ShelfLife is not a duration like "3 days": soon']),
        ("brands_products", "1,p8,Eight,inf,0.1,1 day", ["MSRP is not a number: inf"]),
        ("store_product_storage", "1,A,p2,-0.2,1,5,10", ["StorageCost is below 0: -0.2"]),
        ("store_product_storage", "1,A,p3,0.2,1,-2,10", ["MinInventorySize is below 0: -2"]),
        ("store_product_supplier", "1,5,p2,", ["ServiceLevel is above 1: 1.5"]),
        (
            "store_product_supplier",
            "1,5,p3,",
            ['PriceBreaks is not a list of quantities and prices like "50: 9.5; 100: 9": 50 for 0.9'],
        ),
        ("demand_forecasts", "1,p1,2017-01-02", ["PredictedDemandProbability is above 1: 1.2"]),
        ("demand_forecasts", "2,p1,,2017-01-04", ["ForecastDateTime is missing"]),
        ("demand_forecasts", "3,p1,", ["Demand is missing (it says nan)"]),
        ("inventory", "1,p3,2017-01-03,-1,", ["Units is below 0: -1"]),
        ("orders", "s_Q,1,p1,5,12,2017-01-03,2017-01-05,0,maybe", ["Fulfilled is not True or False: maybe"]),
    ],
)
def test_what_is_rejected_keeps_its_text_and_names_its_rules(chain, dataset, start, rules):
    found = [found for (name, line), found in chain.rejected(0).items() if name == dataset and line.startswith(start)]
    assert found == [rules], chain.rejected(0)


def test_rejected_lines_know_their_file(chain):
    assert len(chain.silver[0][REJECTED.name]) == 18
    of_sales = {row["file"].rsplit("/", 1)[1] for row in chain.silver[0][REJECTED.name] if row["dataset"] == "sales"}
    assert of_sales == {"sales_store1_2017_01_03_00_00_00.csv"}
    assert any("! sales: 6 lines rejected" in line for line in chain.said)


def test_rejected_lines_name_their_item_and_file_where_they_can_be_read(chain):
    numbers = {row["file"]: row["file_number"] for row in chain.run.store.rows(FILES)}
    keys = {}
    for row in chain.silver[0][REJECTED.name]:
        assert row["file_number"] == numbers[row["file"]]
        keys[row["dataset"], row["line"]] = (row["location_id"], row["product_id"], row["source_id"])
    assert keys["sales", "1,p1,2017-01-02 13:00:00,two,1.99"] == ("1", "p1", None)
    assert keys["sales", ",p1,2017-01-02 15:00:00,1,-2"] == (None, "p1", None)
    assert keys["orders", "s_Q,1,p1,5,12,2017-01-03,2017-01-05,0,maybe" + 5 * ","] == ("1", "p1", "5")
    assert {key[1] for (name, _), key in keys.items() if name == "brands_products"} == {"p7", "p8"}


def test_sales_of_one_moment_add_up_and_price_0_is_spoilage(chain):
    columns = ("location_id", "product_id", "sold_at", "units", "unit_price", "n_lines")
    assert chain.rows(0, "silver.sales", *columns) == [
        ("1", "p1", "2017-01-02 10:00", 1.0, 2.49, 1),
        ("1", "p1", "2017-01-02 10:00", 5.0, 1.99, 2),
        ("1", "p1", "2017-01-02 11:00", -1.0, 1.99, 1),
        ("2", "p1", "2017-01-01 09:30", 3.0, 3.0, 1),
        ("2", "p1", "2017-01-02 09:30", 7.0, 3.0, 1),
    ]
    assert chain.rows(0, SPOILAGE.name, "location_id", "product_id", "sold_at", "units") == [
        ("1", "p2", "2017-01-02 12:00", 4.0)
    ]


def test_forecasts_of_all_shapes(chain):
    columns = ("location_id", "made_at", "period_at", "demand", "demand_distribution", "demand_variance", "probability")
    assert chain.rows(0, "silver.forecast_points", *columns) == [
        ("1", "2017-01-02 00:00", "2017-01-02 00:00", 4.5, "Normal", 2.25, 1.0),
        ("1", "2017-01-02 00:00", "2017-01-03 00:00", 5.0, "Normal", None, 1.0),
        ("1", "2017-01-02 00:00", "2017-01-04 00:00", 6.0, "Normal", 2.0, 1.0),
        ("2", "2017-01-03 06:00", "2017-01-03 00:00", 0.0, None, None, 0.5),
        ("2", "2017-01-03 06:00", "2017-01-03 00:00", 1.0, None, None, 0.5),
        ("3", "2017-01-03 00:00", "2017-01-03 00:00", 1.25, "Poisson", None, 1.0),
    ]


def test_a_corrected_forecast_replaces_the_days_that_it_has(chain):
    rows = chain.rows(1, "silver.forecast_points", "location_id", "period_at", "demand", "demand_distribution")
    assert [row for row in rows if row[0] == "1"] == [
        ("1", "2017-01-02 00:00", 7.0, "Poisson"),
        ("1", "2017-01-03 00:00", 5.0, "Normal"),
        ("1", "2017-01-04 00:00", 6.0, "Normal"),
        ("1", "2017-01-06 00:00", 8.0, "Poisson"),
    ]


def test_equal_lots_are_two_and_a_corrected_count_replaces_all_lots_of_its_product(chain):
    columns = ("product_id", "units", "expires_at")
    assert chain.rows(0, "silver.stock_lots", *columns) == [
        ("p1", 2.0, None),
        ("p1", 5.0, "2017-01-09 00:00"),
        ("p1", 5.0, "2017-01-09 00:00"),
        ("p2", 8.0, None),
    ]
    assert sorted(row["lot_number"] for row in chain.silver[0]["silver.stock_lots"]) == [1, 1, 2, 3]
    assert chain.rows(1, "silver.stock_lots", *columns) == [("p1", 4.0, "2017-01-09 00:00"), ("p2", 8.0, None)]


def test_what_each_file_says_of_an_order_stays(chain):
    columns = ("product_id", "source_id", "quantity", "is_received")
    first = [("p1", "5", 12.0, False), ("p2", "5", 12.0, True), ("p3", "5", 6.0, None)]
    assert chain.rows(0, "silver.landed_orders", *columns) == first
    later = {}
    for row in sorted(chain.silver[1]["silver.landed_orders"], key=lambda row: row["file_number"]):
        later.setdefault(row["product_id"], []).append(row["is_received"])
    assert later == {"p1": [False, True, False], "p2": [True, False], "p3": [None]}


def test_a_file_that_came_again_adds_nothing_and_a_corrected_sale_counts_once(chain):
    units = {
        row[:3]: row[3]
        for row in chain.rows(1, "silver.sales", "location_id", "product_id", "sold_at", "units")
        if row[0] == "2"
    }
    assert units == {
        ("2", "p1", "2017-01-01 09:30"): 3.0,
        ("2", "p1", "2017-01-02 09:30"): 9.0,
        ("2", "p2", "2017-01-02 09:30"): 1.0,
    }
    for table in ("silver.sales", SPOILAGE.name):
        before = [row for row in content(chain.silver[0])[table] if "('location_id', '1')" in row]
        assert before == [row for row in content(chain.silver[1])[table] if "('location_id', '1')" in row]
    # the first delivery holds for every earlier day; the second is full, so that store 2, which it lacks, has ended
    first, second = "1900-01-01", "2017-02-01"
    columns = ("location_id", "location_name", "known_on", "known_until", "absent_since")
    assert [tuple(map(str, row)) for row in chain.rows(1, "silver.locations", *columns)] == [
        ("1", "Main", first, second, "None"),
        ("1", "Main Street", second, "None", "None"),
        ("2", "Side, left", first, second, "None"),
        ("2", "Side, left", second, "None", second),
        ("3", "New", second, "None", "None"),
    ]


def test_a_file_rewritten_under_its_name_is_told_and_not_read(chain):
    assert chain.rows(1, "silver.storages", "location_id", "storage_id") == [("1", "A"), ("1", "B")]
    for ingested in chain.ingested[1:]:
        (problem,) = [problem for problem in ingested.problems if "changed after it was read" in problem]
        assert problem.startswith(str(chain.landing / REWRITTEN)) and "land the new version under a new name" in problem
        assert not any(str(chain.landing / EMPTY) in problem for problem in ingested.problems)
    assert not any("changed after" in problem for problem in chain.ingested[0].problems)
    # nothing was taken of a file that was empty, so it is read when it is not any more
    assert ("9", "Late") in chain.rows(1, "silver.brands", "brand_id", "brand_name")


def test_again_with_nothing_new_changes_no_table(chain):
    assert chain.ingested[2].n_files == chain.ingested[2].n_rows == 0
    assert chain.versions[2] == chain.versions[1]
    assert content(chain.silver[2]) == content(chain.silver[1]) and chain.batches[2] == chain.batches[1]


def test_after_a_crash_the_same_rows_and_counts_come_out(chain):
    assert content(chain.silver[3]) == content(chain.silver[1])
    assert chain.batches[3] == chain.batches[1]


def test_a_line_is_broken_when_it_breaks_a_rule(chain):
    for dataset in DATASETS:
        if not chain.run.store.exists(bronze(dataset)):
            assert dataset.name == "calendar", "the chain has all datasets but this one"
            continue
        pieces = products_of_pieces(chain.run, dataset)
        lines = typed(chain.run.store.read(bronze(dataset)), dataset, pieces=pieces)
        breaks_rule = F.size(broken_rules(lines, dataset)) > 0
        counted = lines.agg(
            F.count_if("is_broken").alias("broken"),
            F.count_if(breaks_rule).alias("by_rules"),
            F.count_if(F.col("is_broken") != breaks_rule).alias("different"),
        ).first()
        assert counted["by_rules"] == counted["broken"] and counted["different"] == 0
        expected = sum(counts[2] for (name, _), counts in chain.batches[1].items() if name == dataset.name)
        assert counted["broken"] == expected


# the second file has two lines of one sale of the first again, corrected
OF_TWO_FILES = (
    "1,p1,2017-01-02 10:00:00,1,2\n1,p1,2017-01-02 10:00:00,2,2\n"
    "1,p2,2017-01-02 10:00:00,9,2\n1,p2,2017-01-02 11:00:00,1,2\n1,p3,2017-01-02 10:00:00,5,0\n",
    "1,p2,2017-01-02 10:00:00,3,2\n1,p2,2017-01-02 10:00:00,4,2\n"
    "1,p2,2017-01-02 11:00:00,1,2\n1,p3,2017-01-02 10:00:00,6,0\n",
)


def land_sales(folder: Path, *files: str) -> None:
    """Sales files, each newer than the one before."""
    (folder / "landing/rawdata").mkdir(parents=True)
    for number, text in enumerate(files):
        file = folder / f"landing/rawdata/sales_{number}.csv"
        file.write_text(SALES + text, encoding="utf-8")
        os.utime(file, (number + 1, number + 1))


@pytest.fixture(scope="module")
def ingested_sales(spark, tmp_path_factory):
    """A folder whose bronze layer holds OF_TWO_FILES, ingested once; a test that writes copies it."""
    folder = tmp_path_factory.mktemp("two files")
    land_sales(folder, *OF_TWO_FILES)
    ingest(make_run(spark, folder))
    return folder


def before_write(store: Store, table: Table, number: int, do: Callable[[], None], monkeypatch) -> None:
    """Does something before the number-th write of a table."""
    writes = 0

    def watched(write: Callable[..., int]) -> Callable[..., int]:
        def writing(written: Table, *rows, **options):
            nonlocal writes
            writes += written == table
            if written == table and writes == number:
                do()
            return write(written, *rows, **options)

        return writing

    for verb in ("append", "replace", "merge"):
        monkeypatch.setattr(store, verb, watched(getattr(store, verb)))


@pytest.mark.parametrize("write", [None, ("sales", 2), pytest.param(("spoilage", 1), marks=pytest.mark.slow)])
def test_a_first_load_whose_sales_come_in_two_files(spark, tmp_path, monkeypatch, ingested_sales, write):
    """Also after a crash before a write: that of the sales whose lines are in both files, or that of what spoiled."""
    shutil.copytree(ingested_sales, tmp_path, dirs_exist_ok=True)
    run, table = make_run(spark, tmp_path), silver(BY_NAME["sales"])
    if write is not None:
        name, number = write

        def crash():
            raise RuntimeError("the machine went down")

        before_write(run.store, SPOILAGE if name == "spoilage" else table, number, crash, monkeypatch)
        with pytest.raises(RuntimeError, match="went down"):
            conform(run)
        monkeypatch.undo()
        assert not run.store.is_empty(table) and run.store.is_empty(SPOILAGE)
    (done,) = conform(run)
    assert (done.rows_in, done.rows_kept, done.rows_rejected) == (9, 6, 0)
    columns = ("product_id", "date_format(sold_at, 'HH')", "units", "n_lines", "file_number")
    sales = sorted(map(tuple, run.store.read(table).selectExpr(*columns).collect()))
    assert sales == [("p1", "10", 3.0, 2, 0), ("p2", "10", 7.0, 2, 1), ("p2", "11", 1.0, 1, 1)]
    assert [tuple(row) for row in run.store.read(SPOILAGE).select("product_id", "units").collect()] == [("p3", 6.0)]
    # and once more, from bronze
    run.store.replace(BATCHES, [], {"dataset": "sales"}, check_keys=False)
    assert conform(run) == [done]
    assert run.store.read(table).count() == len(sales)


def test_another_run_that_conforms_the_same_batch_at_the_same_time(spark, tmp_path, monkeypatch, ingested_sales):
    """As on a cluster, whose lakehouse has no locks between processes."""
    shutil.copytree(ingested_sales, tmp_path, dirs_exist_ok=True)
    run, other, table = make_run(spark, tmp_path), make_run(spark, tmp_path), silver(BY_NAME["sales"])
    monkeypatch.setattr(other.store, "turn", lambda place: nullcontext(False))
    others: list[list[Conformed]] = []
    before_write(run.store, table, 1, lambda: others.append(conform(other)), monkeypatch)
    done = conform(run)
    assert len(done) == 1 and others == [done]
    keys = run.store.read(table).select("location_id", "product_id", "sold_at", "unit_price")
    assert keys.count() == keys.distinct().count() == 3


def test_two_processes_that_begin_at_the_same_moment(spark, tmp_path):
    """Each as a run of its own: one of them finds that there is nothing left to do."""
    land_sales(tmp_path, *OF_TWO_FILES)
    start = threading.Barrier(2)

    def both_steps(run: Context) -> tuple[int, int]:
        start.wait()
        n_files = ingest(run).n_files
        start.wait()
        return n_files, len(conform(run))

    with ThreadPoolExecutor(2) as pool:
        runs = [make_run(spark, tmp_path), make_run(spark, tmp_path)]
        assert sorted(pool.map(both_steps, runs)) in ([(0, 0), (2, 1)], [(0, 1), (2, 0)])
    assert len(runs[0].store.rows(BATCHES)) == 1 and runs[0].store.read(bronze(BY_NAME["sales"])).count() == 9


def test_tables_of_another_version_are_refused_together_and_before_anything_is_read(spark, tmp_path):
    run = make_run(spark, tmp_path)
    land_sales(tmp_path, OF_TWO_FILES[0])
    for name in ("sales", "suppliers"):
        table = bronze(BY_NAME[name])
        of_text = [replace(column, type="string") if column.name == "batch_id" else column for column in table.columns]
        run.store.create(replace(table, columns=tuple(of_text)))
    with pytest.raises(
        TableError, match=r"(?s)bronze.suppliers at .*batch_id is string.*bronze.sales at .*batch_id is"
    ):
        ingest(make_run(spark, tmp_path))
    assert not run.store.exists(FILES)


def test_what_stops_ingest_is_told_and_the_next_run_goes_on(spark, tmp_path, monkeypatch):
    run = make_run(spark, tmp_path)
    land_sales(tmp_path, OF_TWO_FILES[0])

    def refuse():
        raise TableError("table bronze.sales: nothing doing")

    before_write(run.store, bronze(BY_NAME["sales"]), 1, refuse, monkeypatch)
    with pytest.raises(TableError, match="^table bronze.sales: nothing doing$"):
        ingest(run)
    monkeypatch.undo()
    assert ingest(run).n_files == 1


def test_a_landing_zone_that_holds_nothing(spark, tmp_path):
    run = make_run(spark, tmp_path)
    with pytest.raises(TableError, match="nothing was ingested yet: run `invopt ingest` first"):
        conform(run)
    with pytest.raises(InputError, match="holds no file; expected publicparameters"):
        ingest(run)
    (tmp_path / "landing").rmdir()
    with pytest.raises(InputError, match="no such folder; set `landing`"):
        ingest(run)


def test_a_landing_zone_with_no_usable_file(spark, tmp_path):
    said = []
    run = make_run(spark, tmp_path, said.append)
    (tmp_path / "landing/publicparameters").mkdir(parents=True)
    (tmp_path / "landing/publicparameters/stores.csv").write_text("Shop,Name\n1,Main\n", encoding="utf-8")
    with pytest.raises(InputError, match="stores.csv: the header lacks StoreID; it has 'Shop'"):
        ingest(run)
    # a right one that comes later is read
    (tmp_path / "landing/publicparameters/stores_2017-01-02.csv").write_text(
        "StoreID,StoreName,AvgHouseholdIncome,AvgTraffic\n1,Main,1,1\n", encoding="utf-8"
    )
    assert (ingest(run).n_files, ingest(run).n_files) == (1, 0)
    # datasets that never came are told, with the place of their files; those that may be missing only once
    missing = [line for line in said if "no file yet of" in line]
    needed = [dataset for dataset in DATASETS if dataset.is_needed]
    usual = [dataset for dataset in DATASETS if not dataset.is_seldom]
    assert any(line.startswith("  ! inventory: ") and "expected rawdata/inv_*" in line for line in missing)
    assert len(missing) == len(usual) - 1 + len(needed) and not any("! stores:" in line for line in missing)
