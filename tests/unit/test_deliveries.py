"""Which files are one delivery, of which day, and in which order deliveries count."""

from __future__ import annotations

from datetime import date

import pytest

from invopt.landing.listing import below
from invopt.landing.named_day import day_in_name
from invopt.pipelines.deliveries import deliveries
from invopt.tables import FOREVER
from invopt.tables.datasets import BY_NAME, DATASETS, dataset_of

STORES, PRODUCTS = BY_NAME["stores"], BY_NAME["brands_products"]


@pytest.mark.parametrize(
    ("path", "day"),
    [
        ("publicparameters/stores_2017-02-01.csv", date(2017, 2, 1)),
        ("publicparameters/stores_20170201.csv", date(2017, 2, 1)),
        ("rawdata/inv_L1_2026_03_02_00_00_00.csv", date(2026, 3, 2)),
        ("rawdata/demand_forecasts/1/12_1/2017-01-09_00_00_00.csv", date(2017, 1, 9)),
        ("rawdata/sales_20170201T103000.csv", date(2017, 2, 1)),
        ("rawdata/sales_20170201103000.csv", date(2017, 2, 1)),
        ("stores.2017.02.01.csv", date(2017, 2, 1)),
        # of a range the later
        ("rawdata/sales_2017-01-01_2017-01-31.csv", date(2017, 1, 31)),
        ("rawdata/sales_2017-01-31_2017-01-01.csv", date(2017, 1, 31)),
        # the name goes before the folder, and only the folder around the file counts
        ("publicparameters/stores_2017-02-01/part-0.csv", date(2017, 2, 1)),
        ("publicparameters/stores_2017-02-01.csv/part-00000-7c1e.parquet", date(2017, 2, 1)),
        ("in_2017-02-01/stores_2017-01-01.csv", date(2017, 1, 1)),
        ("in_2017-02-01/publicparameters/stores.csv", None),
        # no days
        ("publicparameters/stores.csv", None),
        ("publicparameters/stores_2017-02.csv", None),
        ("publicparameters/stores_2017-02-30.csv", None),
        ("publicparameters/stores_1989-12-31.csv", None),
        ("publicparameters/stores_2101-01-01.csv", None),
        ("publicparameters/stores_2017-02_01.csv", None),
        ("rawdata/sales_4006381333931.csv", None),
        ("rawdata/sales_120170201.csv", None),
        ("rawdata/sales_20170201999999.csv", None),
    ],
)
def test_the_day_in_a_name(path, day):
    assert day_in_name(path) == day


def test_names_above_the_landing_zone_say_nothing_of_a_file(tmp_path):
    assert below(str(tmp_path), f"{tmp_path}/stores.csv") == "stores.csv"
    assert below(f"{tmp_path}/", f"{tmp_path}/a/stores.csv") == "a/stores.csv"
    assert below("file:///x/land_2017-01-01", "file:/x/land_2017-01-01/stores.csv") == "stores.csv"


def test_a_folder_of_a_dataset_may_have_a_date():
    for path in ("stores_2017-02-01/part-0.csv", "stores_2017-02-01.csv/part-0.csv", "stores/part-0.csv"):
        assert dataset_of(f"/land/publicparameters/{path}", DATASETS) is STORES
    assert dataset_of("/land/publicparameters/store_storage/part-0.csv", DATASETS).name == "store_storage"


def file(number: int, name: str, day: int | None, status: str = "ingested", n_lines: int | None = 1) -> dict:
    """A row of bronze.files; its batch is the number of hundreds."""
    known_on = None if day is None else date(2026, 3, day)
    path = f"/land/publicparameters/{name}"
    return {"file_number": number, "batch_id": number // 100, "file": path, "known_on": known_on} | {
        "status": status,
        "n_lines": n_lines,
    }


def listed(dataset, rows, settled=()) -> list[tuple]:
    return [(one.name, one.day, one.batches, one.files) for one in deliveries(dataset, rows, settled)]


def test_files_of_one_date_are_one_delivery_and_an_undated_one_is_older():
    rows = [
        file(0, "stores.csv", 9),
        file(1, "stores_2026-03-04_north.csv", 4),
        file(2, "stores_2026-03-04_south.csv", 4),
        file(3, "stores_2026-03-02.csv", 2),
        file(4, "stores_7.csv", 9),
    ]
    # the undated ones are older than what they came with, so that they are known when that is
    assert listed(STORES, rows) == [
        ("batch 0", date(2026, 3, 2), (0,), (0, 4)),
        ("2026-03-02", date(2026, 3, 2), (0,), (3,)),
        ("2026-03-04", date(2026, 3, 4), (0,), (1, 2)),
    ]


def test_what_is_not_settled_waits_for_the_rest_of_its_delivery():
    rows = [
        file(0, "stores_2026-03-04_north.csv", 4),
        file(100, "stores_2026-03-04_south.csv", 4),
        file(200, "stores_2026-03-04_east.csv", 4),
    ]
    day = date(2026, 3, 4)
    assert listed(STORES, rows) == [("2026-03-04", day, (0, 1, 2), (0, 100, 200))]
    settled = [("2026-03-04", 0)]
    assert listed(STORES, rows, settled) == [
        ("2026-03-04", day, (0,), (0,)),
        ("2026-03-04", day, (1, 2), (100, 200)),
    ]
    assert deliveries(STORES, rows, settled)[1].before == (0,)


def test_a_folder_without_a_date_is_one_delivery_for_good():
    rows = [
        file(0, "brands_products/part-0.csv", 1),
        file(100, "brands_products/part-1.csv", 2),
        file(200, "brands_products_2026-03-05/part-0.csv", 5),
    ]
    assert listed(PRODUCTS, rows, [("brands_products/", 0)]) == [
        ("brands_products/", date(2026, 3, 1), (0,), (0,)),
        ("brands_products/", date(2026, 3, 2), (1,), (100,)),
        ("2026-03-05", date(2026, 3, 5), (2,), (200,)),
    ]


def test_a_rejected_file_makes_its_delivery_not_whole_until_it_is_read():
    rows = [
        file(0, "stores_1.csv", 1),
        file(1, "stores_2.csv", 1, "rejected", None),
        file(100, "stores_2.csv", 2),
    ]
    first, second = deliveries(STORES, rows, [("batch 0", 0)])
    assert (first.name, first.files, first.problem) == ("batch 0", (0,), "stores_2.csv was rejected")
    assert (second.name, second.files, second.before, second.problem) == ("batch 0", (100,), (0,), None)
    # a file of which lines were written names keys
    (refused,) = deliveries(STORES, [file(0, "stores.csv", 1, "rejected", 3)], ())
    assert refused.files == (0,) and refused.problem == "stores.csv was rejected"
    assert deliveries(STORES, [file(0, "stores.csv", 1, "rejected", None)], ()) == []


def test_files_of_an_older_version_hold_for_ever():
    rows = [file(0, "stores_2026-03-04.csv", None), file(100, "stores_2026-03-02.csv", None)]
    assert [(one.day, one.has_day) for one in deliveries(STORES, rows, ())] == [(FOREVER, False)] * 2
    assert [one.batches for one in deliveries(STORES, rows, ())] == [(0,), (1,)]
