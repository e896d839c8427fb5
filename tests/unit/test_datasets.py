"""Which files belong to which dataset, and which headers are accepted."""

from __future__ import annotations

from datetime import datetime

import pytest

from invopt.config import MappingConfig
from invopt.landing.headers import Header, date_in_name, read_header
from invopt.landing.listing import local_path
from invopt.tables.dataset import normal_header
from invopt.tables.datasets import BY_NAME, DATASETS, dataset_of, with_mapping


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("publicparameters/stores.csv", "stores"),
        ("publicparameters/store_storage.csv", "store_storage"),
        ("publicparameters/store_storage_2017-02-01.csv", "store_storage"),
        ("publicparameters/stores/part-0.csv.gz", "stores"),
        ("publicparameters/store_departments.csv", "store_departments"),
        ("publicparameters/brands.csv", "brands"),
        ("publicparameters/brands_products.csv", "brands_products"),
        ("publicparameters/store_department_brand_products.csv", "store_department_brand_products"),
        ("publicparameters/store_product_storage.csv", "store_product_storage"),
        ("publicparameters/suppliers.parquet", "suppliers"),
        ("publicparameters/store_product_supplier.csv", "store_product_supplier"),
        ("PublicParameters/Suppliers.CSV", "suppliers"),
        ("rawdata/demand_forecasts/1/11_1/2017-01-02_00_00_00.csv", "demand_forecasts"),
        ("rawdata/demand_forecasts/forecasts_2026_06_01.parquet", "demand_forecasts"),
        ("rawdata/sales_store1_2017_01_15_00_00_00.csv", "sales"),
        ("rawdata/sales_2017.parquet", "sales"),
        ("rawdata/inv_store1_2017_01_15_00_00_00.csv", "inventory"),
        ("orders/s_Q/orders_1.csv", "orders"),
        ("orders/summary_metric_test2.csv", None),
        ("orders/orders_1.csv", None),
        ("publicparameters/hierarchy_invopt.json", None),
        ("publicparameters/old_stores.csv", None),
        ("publicparameters/stores.csv.bak", None),
        ("rawdata/sales.csv", None),
        ("optimization/output_csv/sQ/1.csv", None),
    ],
)
def test_a_file_s_name_says_its_dataset(path, name):
    for folder in ("", "/land/", "s3://bucket/land/"):
        found = dataset_of(folder + path, DATASETS)
        assert (found.name if found else None) == name


def test_there_are_fourteen_and_no_name_fits_two():
    assert len(DATASETS) == len(BY_NAME) == len({dataset.table for dataset in DATASETS}) == 14
    for dataset in DATASETS:
        name = f"/land/publicparameters/{dataset.name}.csv"
        assert sum(one.path_pattern().search(name) is not None for one in DATASETS) <= 1


@pytest.mark.parametrize(
    ("name", "date"),
    [
        ("x/2017-01-02_00_00_00.csv", datetime(2017, 1, 2)),
        ("sales_store1_2017_01_15_06_30_00.csv", datetime(2017, 1, 15, 6, 30)),
        ("2017-01-02T05:00:00.csv", datetime(2017, 1, 2, 5)),
        ("from_2017-01-02_to_2017-01-09.parquet", datetime(2017, 1, 9)),
        ("2017-13-02.csv", None),
        ("2017-01-02/forecast.csv", None),
        ("forecast_20170102.csv", None),
    ],
)
def test_dates_in_names(name, date):
    assert date_in_name(name) == date


@pytest.mark.parametrize("spelling", ["StoreID", "store_id", " Store ID ", '"STOREID"', "\ufeffstoreid", "'Store_Id'"])
def test_spellings_of_a_header(spelling):
    assert normal_header(spelling) == "storeid"


def planned(path: str, dataset: str, *headers: str, datasets=DATASETS) -> Header:
    return read_header(path, next(one for one in datasets if one.name == dataset), headers)


SALES = ("StoreID", "ProductID", "TransactionDateTime", "Units", "Price")


def test_headers_in_any_order_with_columns_too_many():
    reading = planned(
        "sales_1.csv", "sales", "price", "Colour", "STORE_ID", "Product ID", "Units", "transactiondatetime"
    )
    assert reading.problem is None and reading.columns == (
        "Price",
        None,
        "StoreID",
        "ProductID",
        "Units",
        "TransactionDateTime",
    )
    assert reading.note == "columns that are not needed: Colour"


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ((*SALES[:3], "Unts", "Price"), ["the header lacks Units", "'Unts' instead", "`mapping`"]),
        ((*SALES, "units"), ["the header names Units twice"]),
        (SALES[1:], ["the header lacks StoreID. Name your own"]),
    ],
)
def test_headers_that_cannot_be_read(headers, says):
    reading = planned("sales_1.csv", "sales", *headers)
    for part in says:
        assert part in reading.problem


@pytest.mark.parametrize(("twice", "has_keys"), [("units", True), ("store_id", False)])
def test_a_column_that_stands_there_twice_leaves_the_items_to_be_named(twice, has_keys):
    reading = planned("sales_1.csv", "sales", *SALES, twice)
    assert reading.has_keys is has_keys and "twice" in reading.problem
    # nobody knows which of the two counts
    assert {"units": "Units", "store_id": "StoreID"}[twice] not in reading.columns


def test_when_a_forecast_was_made_is_in_the_name_or_in_the_rows():
    headers = (
        "StoreID",
        "ProductID",
        "DateTime",
        "Demand",
        "PredictedDemandDistribution",
        "PredictedDemandVariance",
        "PredictedDemandProbability",
    )
    assert planned("rawdata/demand_forecasts/1/2/2017-01-02_00_00_00.csv", "demand_forecasts", *headers).problem is None
    assert planned("rawdata/demand_forecasts/all.csv", "demand_forecasts", *headers, "ForecastDateTime").problem is None
    reading = planned("rawdata/demand_forecasts/all.csv", "demand_forecasts", *headers)
    assert "neither the file's name nor a column ForecastDateTime" in reading.problem


def test_what_the_guide_and_its_sample_spell_differently_or_leave_out():
    supplier = [
        field.header for field in BY_NAME["store_product_supplier"].fields if field.header != "PurchaseCostBudget"
    ]
    supplier[supplier.index("ShipmentFreq")] = "ShiupmentFreq"
    assert planned("store_product_supplier.csv", "store_product_supplier", *supplier).problem is None
    orders = [field.header for field in BY_NAME["orders"].fields]
    orders[0] = "PolicyName"
    assert planned("orders/a/orders_1.csv", "orders", *orders).problem is None


def test_a_user_s_own_files_and_headers_are_added():
    mapping = {
        "sales": MappingConfig(files="pos/export_.*", headers={"Units": "qty", "Price": ["amount", "unit price"]})
    }
    datasets = with_mapping(mapping)
    assert dataset_of("/land/pos/export_7.csv", datasets).name == "sales"
    assert dataset_of("/land/rawdata/sales_7.csv", datasets).name == "sales"
    assert dataset_of("/land/pos/export_7.csv", DATASETS) is None
    for price in ("amount", "Unit Price", "Price"):
        assert planned("pos/export_7.csv", "sales", *SALES[:3], "QTY", price, datasets=datasets).problem is None
    assert planned("pos/export_7.csv", "sales", *SALES[:3], "qty", "cost", datasets=datasets).problem


@pytest.mark.parametrize("path", ["file:/a b/c+d%20e", "file:///a b/c+d%20e", "/a b/c+d%20e"])
def test_a_path_is_taken_as_it_is_written(path):
    assert local_path(path) == "/a b/c+d%20e"
