"""The demo chain: same seed, same bytes; nothing appears or vanishes; every reference resolves; the formats are the
guide's.
"""

from __future__ import annotations

import hashlib
import re
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from invopt.errors import ParameterError
from invopt.world.assortment import make_assortment
from invopt.world.chain import DETERMINISTIC, NORMAL, PMF, POISSON, WEEKDAY_PATTERN, make_chain
from invopt.world.headers import HEADERS, STATIC
from invopt.world.history import NEVER, simulate
from invopt.world.history_files import distinct_seconds
from invopt.world.landing_writer import LandingWriter
from invopt.world.write import write_world

SIZE = {"n_stores": 4, "n_products": 20, "n_days": 30}
# the headers as they stand in the public sample data of the technical guide, typed from it and not from our code
SAMPLE_HEADERS = {
    "publicparameters/stores.csv": "StoreID,StoreName,AvgHouseholdIncome,AvgTraffic",
    "publicparameters/store_storage.csv": "StoreID,StorageID,StorageName,StorageVolume,StorageCostBudget",
    "publicparameters/store_departments.csv": "StoreID,DepartmentID,DepartmentName",
    "publicparameters/brands.csv": "BrandID,BrandName",
    "publicparameters/brands_products.csv": "BrandID,ProductID,ProductName,MSRP,ProductVolume,ShelfLife",
    "publicparameters/store_department_brand_products.csv": "StoreID,DepartmentID,BrandID,ProductID,MSRP,DisposalCost",
    "publicparameters/store_product_storage.csv": (
        "StoreID,StorageID,ProductID,StorageCost,MissedSaleCost,MinInventorySize,MaxInventorySize"
    ),
    "publicparameters/suppliers.csv": (
        "SupplierID,SupplierName,ShippingCost,MinShippingVolume,MaxShippingVolume,FixedOrderSize,PurchaseCostBudget"
    ),
    "publicparameters/store_product_supplier.csv": (
        "StoreID,SupplierID,ProductID,LeadTime,LeadTimeConfidenceInterval,MinOrderQuantity,MaxOrderQuantity,"
        "QuantityMultiplier,Cost,BackorderCost,ShippingCost,PurchaseCostBudget,ShipmentFreq,ServiceLevel,PriceBreaks"
    ),
    "rawdata/sales_store2_2026_05_10_00_00_00.csv": "StoreID,ProductID,TransactionDateTime,Units,Price",
    "rawdata/inv_store2_2026_05_10_00_00_00.csv": "StoreID,ProductID,InventoryDateTime,Units,ExpiryDateTime",
    "rawdata/demand_forecasts/2/1_3/2026-06-01_00_00_00.csv": (
        "StoreID,ProductID,DateTime,Demand,PredictedDemandDistribution,PredictedDemandVariance,"
        "PredictedDemandProbability"
    ),
    "orders/s_q/orders_2.csv": (
        "PolicyName,StoreID,ProductID,SupplierID,Quantity,OrderTimestamp,ETA,ConfidenceInterval,Fulfilled"
    ),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return write_world(tmp_path_factory.mktemp("world"), **SIZE, seed=7)


@pytest.fixture(scope="module")
def daily_world(tmp_path_factory):
    return write_world(tmp_path_factory.mktemp("daily"), **SIZE, seed=7, form="daily")


def read(summary, pattern: str) -> pd.DataFrame:
    """All files of a pattern in one frame, text as it stands, with the file's name."""
    frames = []
    for path in sorted(summary.folder.glob(pattern)):
        frame = (
            pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, dtype=str, keep_default_na=False)
        )
        frames.append(frame.assign(file=path.name))
    assert frames, f"no file {pattern}"
    return pd.concat(frames, ignore_index=True)


def static(summary, dataset: str) -> pd.DataFrame:
    return pd.read_csv(
        summary.folder / f"publicparameters/{dataset}.csv", dtype={"StoreID": str, "ProductID": str, "SupplierID": str}
    )


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def keys(frame: pd.DataFrame) -> set[tuple[str, str]]:
    return set(zip(frame.StoreID, frame.ProductID, strict=True))


@pytest.mark.parametrize("form", ["guide", "daily"])
def test_same_seed_same_bytes(tmp_path, form):
    size = {"n_stores": 3, "n_products": 12, "n_days": 8, "form": form}
    first = write_world(tmp_path / "a", **size, seed=3)
    again = write_world(tmp_path / "b", **size, seed=3)
    other = write_world(tmp_path / "c", **size, seed=4)
    assert digests(first.folder) == digests(again.folder)
    assert digests(first.folder) != digests(other.folder)


def test_headers_are_the_guides(world):
    for name, header in SAMPLE_HEADERS.items():
        assert (world.folder / name).read_text().splitlines()[0] == header, name


def test_daily_form_has_the_same_columns(daily_world):
    for dataset, name in (
        ("sales", "sales_2026_06_01"),
        ("inventory", "inv_2026_06_01"),
        ("demand_forecasts", "demand_forecasts/2026-06-01_00_00_00"),
    ):
        assert list(pd.read_parquet(daily_world.folder / f"rawdata/{name}.parquet").columns) == list(HEADERS[dataset])


def test_summary_counts_what_lies_there(world, daily_world):
    for summary in (world, daily_world):
        files = [path for path in summary.folder.rglob("*") if path.is_file()]
        assert (summary.n_files, summary.n_bytes) == (len(files), sum(path.stat().st_size for path in files))
        assert summary.rows["sales"] == len(read(summary, "rawdata/sales_*"))
        assert summary.rows["inventory"] == len(read(summary, "rawdata/inv_*"))
        assert summary.rows["orders"] == len(read(summary, "orders/s_q/*"))
        assert summary.rows["demand_forecasts"] == len(read(summary, "rawdata/demand_forecasts/**/*.*"))
        assert all(summary.rows[dataset] == len(static(summary, dataset)) for dataset in STATIC)


def test_every_reference_resolves(world, daily_world):
    for summary in (world, daily_world):
        stores, products = set(static(summary, "stores").StoreID), static(summary, "brands_products")
        items = static(summary, "store_product_supplier")
        assert not items.duplicated(["StoreID", "ProductID"]).any()
        assert keys(items) == {(store, product) for store in stores for product in products.ProductID}
        assert set(items.SupplierID) <= set(static(summary, "suppliers").SupplierID)
        assert set(products.BrandID) == set(static(summary, "brands").BrandID)
        for dataset, place, home in (
            ("store_department_brand_products", "DepartmentID", "store_departments"),
            ("store_product_storage", "StorageID", "store_storage"),
        ):
            rows, places = static(summary, dataset), static(summary, home)
            assert keys(rows) == keys(items)
            assert set(zip(rows.StoreID, rows[place], strict=True)) <= set(
                zip(places.StoreID, places[place], strict=True)
            )
        assert keys(read(summary, "rawdata/sales_*")) <= keys(items)
        assert keys(read(summary, "rawdata/inv_*")) <= keys(items)
        assert keys(read(summary, "rawdata/demand_forecasts/**/*.*")) == keys(items)
        orders = read(summary, "orders/s_q/*")
        suppliers = items[["StoreID", "ProductID", "SupplierID"]].astype(str)
        assert len(orders.merge(suppliers, how="inner", on=["StoreID", "ProductID", "SupplierID"])) == len(orders)


def simulated(n_days: int = 45):
    chain = make_chain(5, 40, np.random.default_rng(1))
    items = make_assortment(chain, np.arange(5), np.random.default_rng(2))
    return chain, items, simulate(chain, items, n_days=n_days, first_weekday=2, rng=np.random.default_rng(3))


def test_history_conserves_units():
    chain, _, history = simulated(45)
    before = np.concatenate([history.opening[None], history.closing[:-1]])
    np.testing.assert_array_equal(before + history.received - history.sold - history.spoiled, history.closing)
    assert (history.closing >= 0).all() and (history.spoiled >= 0).all()
    # a sale is lost only when the shelf is empty
    np.testing.assert_array_equal(history.sold, np.minimum(history.demand, before + history.received))
    assert 0.9 < history.sold.sum() / history.demand.sum() < 1.0
    keeps = chain.products.shelf_life == 0
    assert not history.spoiled[:, :, keeps].any() and history.spoiled[:, :, ~keeps].any()
    orders = history.orders
    came = orders.arrival_day < 45
    received = np.zeros_like(history.received)
    np.add.at(received, (orders.arrival_day[came], orders.store[came], orders.product[came]), orders.quantity[came])
    np.testing.assert_array_equal(received, history.received)


def test_lots_are_the_stock_and_no_older_than_their_shelf_life():
    chain, _, history = simulated(45)
    assert list(history.lots) == list(range(45))
    for day, lots in history.lots.items():
        in_lots = np.zeros(history.opening.shape, dtype=np.int64)
        np.add.at(in_lots, (lots.store, lots.product), lots.units)
        np.testing.assert_array_equal(in_lots, history.closing[day])
        life = chain.products.shelf_life[lots.product]
        fresh = life > 0
        np.testing.assert_array_equal(lots.expiry_day == NEVER, ~fresh)
        assert (lots.expiry_day[fresh] >= day + 2).all() and (lots.expiry_day[fresh] <= day + life[fresh]).all()


def test_oldest_units_are_sold_first():
    """A day's sales and expired units come from the lots that expire first: younger lots shrink only when older ones
    are gone.
    """
    _, _, history = simulated(20)
    n_checked = 0
    for day in range(1, 20):
        lots = {}
        for when in (day - 1, day):
            at_close = history.lots[when]
            columns = (at_close.store, at_close.product, at_close.expiry_day, at_close.units)
            for store, product, expiry, units in zip(*columns, strict=True):
                lots.setdefault((store, product), {}).setdefault(expiry, {})[when] = units
        for of_item in lots.values():
            shrunk = [expiry for expiry, units in of_item.items() if units.get(day - 1, 0) > units.get(day, 0)]
            left = [expiry for expiry, units in of_item.items() if units.get(day, 0)]
            if shrunk and left:
                assert max(shrunk) <= min(left)
                n_checked += 1
    assert n_checked > 100


def test_orders_keep_the_suppliers_rules():
    _, items, history = simulated(45)
    orders = history.orders
    at = (orders.store, orders.product)
    assert (orders.quantity >= items.min_order_quantity[at]).all() and (
        orders.quantity <= items.max_order_quantity[at]
    ).all()
    assert not (orders.quantity % items.quantity_multiple[at]).any()
    frame = pd.DataFrame(
        {"store": orders.store, "product": orders.product, "day": orders.order_day, "apart": items.review_period[at]}
    )
    frame = frame.sort_values(["store", "product", "day"])
    gap = frame.groupby(["store", "product"]).day.diff()
    assert gap.notna().any() and (gap.dropna() >= frame.apart[gap.notna()]).all()


def test_demand_has_the_mean_and_spread_it_was_given():
    chain = make_chain(200, 30, np.random.default_rng(5))
    items = make_assortment(chain, np.arange(200), np.random.default_rng(6))
    history = simulate(chain, items, n_days=28, first_weekday=0, rng=np.random.default_rng(7))
    mean = items.demand_mean[None] * np.tile(WEEKDAY_PATTERN[chain.products.department].T, (4, 1))[:, None, :]
    share = chain.products.zero_share
    # zeros with chance q, else Poisson(m/(1-q)): variance m + m^2 q/(1-q); otherwise dispersion x mean
    variance = mean * np.where(share > 0, 1 + mean * share / (1 - share), chain.products.dispersion)
    z = (history.demand - mean).sum(axis=(0, 1)) / np.sqrt(variance.sum(axis=(0, 1)))
    assert np.abs(z).max() < 4.5
    ratio = ((history.demand - mean) ** 2 / variance).mean(axis=(0, 1))
    np.testing.assert_allclose(ratio, 1.0, atol=0.2)
    assert set(chain.products.forecast_form) == {POISSON, NORMAL, PMF, DETERMINISTIC}


def test_conservation_in_the_files_alone(world):
    """Stock of the last evening = stock of the first + fulfilled orders - sales - what expired: nothing is delivered
    on the first day.
    """
    first, last = "2026-05-03 00:00:00", "2026-06-01 00:00:00"
    inventory, sales, orders = read(world, "rawdata/inv_*"), read(world, "rawdata/sales_*"), read(world, "orders/s_q/*")
    by = ["StoreID", "ProductID"]

    def units(frame, column="Units"):
        return frame.assign(units=frame[column].astype(int)).groupby(by).units.sum()

    after_first = sales[~sales.file.str.contains("2026_05_03")]
    balance = pd.DataFrame(
        {
            "opening": units(inventory[inventory.InventoryDateTime == first]),
            "closing": units(inventory[inventory.InventoryDateTime == last]),
            "received": units(orders[orders.Fulfilled == "True"], "Quantity"),
            "gone": units(after_first),
        }
    ).fillna(0)
    assert len(balance) == 80
    pd.testing.assert_series_equal(
        balance.opening + balance.received - balance.gone, balance.closing, check_names=False
    )


def test_dates_are_consistent(world):
    assert world.as_of == datetime(2026, 6, 1)
    sales = read(world, "rawdata/sales_*")
    stamp, price = pd.to_datetime(sales.TransactionDateTime), sales.Price.astype(float)
    closed = pd.to_datetime(sales.file.str.extract(r"_(\d{4}_\d\d_\d\d)_00_00_00")[0], format="%Y_%m_%d")
    expired = price == 0
    assert expired.any() and (stamp[expired] == closed[expired]).all()
    opened = closed[~expired] - pd.Timedelta(days=1)
    assert (
        (stamp[~expired] >= opened + pd.Timedelta(hours=7)) & (stamp[~expired] < opened + pd.Timedelta(hours=21))
    ).all()
    assert (sales.Units[~expired] == "1").all()
    assert not sales.duplicated(["StoreID", "ProductID", "TransactionDateTime"]).any()
    assert (stamp.min().date(), closed.max().to_pydatetime()) == (date(2026, 5, 2), world.as_of)

    inventory = read(world, "rawdata/inv_*")
    expiry, counted = pd.to_datetime(inventory.ExpiryDateTime), pd.to_datetime(inventory.InventoryDateTime)
    assert (expiry > counted).all() and (expiry.dt.year == 2044).any() and (expiry.dt.year == 2026).any()
    assert not inventory.duplicated(["StoreID", "ProductID", "InventoryDateTime", "ExpiryDateTime"]).any()
    assert inventory.groupby("StoreID").InventoryDateTime.nunique().eq(30).all()


def test_open_orders_exist_and_some_are_late(world, daily_world):
    for summary in (world, daily_world):
        orders = read(summary, "orders/s_q/*")
        ordered, due = pd.to_datetime(orders.OrderTimestamp), pd.to_datetime(orders.ETA)
        assert (ordered < due).all() and (ordered < summary.as_of).all()
        is_open = orders.Fulfilled == "False"
        assert (due[is_open] < summary.as_of).any(), "no late order"
        assert (due[is_open] >= summary.as_of).any(), "no order that is still due"
        assert (orders.Fulfilled[due < pd.Timestamp(summary.as_of)] == "True").mean() > 0.8


@pytest.mark.parametrize("seed", range(8))
def test_a_held_up_supplier_makes_late_orders_in_every_small_chain(seed):
    chain = make_chain(4, 20, np.random.default_rng([seed, 0]))
    items = make_assortment(chain, np.arange(4), np.random.default_rng([seed, 1]))
    orders = simulate(chain, items, n_days=30, first_weekday=0, rng=np.random.default_rng([seed, 2])).orders
    late = (orders.due_day < 30) & (orders.arrival_day >= 30)
    of_held_up = items.supplier[orders.store, orders.product] == chain.held_up_supplier
    assert (late & of_held_up).any()
    assert (orders.arrival_day > orders.order_day).all()


def test_no_two_transactions_of_a_product_at_the_same_second():
    sold = np.array([20_000, 0, 3, 1])
    seconds = distinct_seconds(sold, np.random.default_rng(1))
    product = np.repeat(np.arange(4), sold)
    assert seconds.min() >= 0 and seconds.max() < 14 * 3600
    assert len(np.unique(np.stack([product, seconds]), axis=1).T) == 20_004
    # spread over the day, not at its start
    assert abs(seconds[:20_000].mean() / (14 * 1800) - 1) < 0.02


def test_forecasts_are_of_every_form_and_add_up(world, daily_world):
    for summary in (world, daily_world):
        rows = read(summary, "rawdata/demand_forecasts/**/2026-06-01_00_00_00.*")
        rows = rows.astype({"Demand": float, "PredictedDemandVariance": float, "PredictedDemandProbability": float})
        per_day = rows.groupby(["StoreID", "ProductID", "DateTime"])
        assert per_day.ngroups == 80 * 42 and (rows.DateTime.min(), rows.DateTime.max()) == ("2026-06-01", "2026-07-12")
        np.testing.assert_allclose(per_day.PredictedDemandProbability.sum(), 1.0, atol=1e-9)
        explicit = rows[per_day.Demand.transform("size") > 1]
        assert len(explicit) and (explicit.PredictedDemandDistribution == "").all() and (explicit.Demand % 1 == 0).all()
        assert explicit.PredictedDemandProbability.between(0, 1).all()
        assert not explicit.duplicated(["StoreID", "ProductID", "DateTime", "Demand"]).any()
        single = rows[per_day.Demand.transform("size") == 1]
        poisson, normal, certain = (
            single[single.PredictedDemandDistribution == name] for name in ("Poisson", "Normal", "")
        )
        assert len(poisson) and (poisson.Demand == poisson.PredictedDemandVariance).all()
        assert len(normal) and (normal.PredictedDemandVariance > normal.Demand).all()
        assert (
            len(certain)
            and (certain.PredictedDemandVariance == -1).all()
            and (certain.PredictedDemandProbability == 1).all()
        )


def test_forecasts_are_near_what_is_asked_for(tmp_path):
    summary = write_world(tmp_path / "w", n_stores=20, n_products=10, n_days=14, seed=9)
    # made a week before the end, for the days of that week
    rows = read(summary, "rawdata/demand_forecasts/*/*/2026-05-25_00_00_00.csv")
    rows = rows[rows.DateTime <= "2026-05-31"]
    expected = (rows.Demand.astype(float) * rows.PredictedDemandProbability.astype(float)).sum()
    sales = read(summary, "rawdata/sales_*")
    sold = ((sales.Price.astype(float) > 0) & (sales.TransactionDateTime >= "2026-05-25")).sum()
    # a few percent are lost sales, and the biases of 200 items nearly cancel
    assert 0.85 < sold / expected < 1.05
    assert sold != round(expected)


def test_daily_form_is_the_same_chain(world, daily_world):
    for path in (world.folder / "publicparameters").iterdir():
        assert path.read_bytes() == (daily_world.folder / "publicparameters" / path.name).read_bytes(), path.name
    by = ["StoreID", "ProductID", "day", "Price"]
    guide, daily = (
        frame.assign(
            day=frame.TransactionDateTime.str[:10], Price=frame.Price.astype(float), Units=frame.Units.astype(int)
        )
        for frame in (read(world, "rawdata/sales_*"), read(daily_world, "rawdata/sales_*"))
    )
    assert not daily.duplicated(by).any()
    pd.testing.assert_series_equal(guide.groupby(by).Units.sum(), daily.groupby(by).Units.sum())
    by = ["StoreID", "ProductID", "InventoryDateTime", "ExpiryDateTime"]
    guide, daily = (
        frame.assign(Units=frame.Units.astype(int))
        for frame in (read(world, "rawdata/inv_*"), read(daily_world, "rawdata/inv_*"))
    )
    assert daily.InventoryDateTime.nunique() == 3
    guide = guide[guide.InventoryDateTime.isin(daily.InventoryDateTime)]
    pd.testing.assert_series_equal(guide.groupby(by).Units.sum(), daily.groupby(by).Units.sum())


@pytest.mark.parametrize("form", ["guide", "daily"])
def test_a_chain_of_several_chunks_is_one_chain(tmp_path, monkeypatch, form):
    monkeypatch.setattr("invopt.world.write.PAIRS_PER_CHUNK", 25)
    lines = []
    summary = write_world(tmp_path / "w", n_stores=5, n_products=12, n_days=6, seed=2, form=form, progress=lines.append)
    assert len(lines) == 3
    items = static(summary, "store_product_supplier")
    assert len(items) == len(keys(items)) == 60
    assert not items.duplicated(["Cost", "BackorderCost", "ShippingCost"]).any(), "two chunks drew the same numbers"
    for pattern in ("rawdata/demand_forecasts/**/2026-06-01_00_00_00.*", "rawdata/inv_*"):
        assert set(read(summary, pattern).StoreID) == {"1", "2", "3", "4", "5"}
    sales = read(summary, "rawdata/sales_*")
    assert not sales.duplicated(["StoreID", "ProductID", "TransactionDateTime"]).any() and sales.StoreID.nunique() == 5
    assert (
        len(read(summary, "orders/s_q/*")) == summary.rows["orders"]
        and len(list(summary.folder.glob("orders/s_q/*"))) == 5
    )


def test_auto_form_goes_by_size(tmp_path):
    assert write_world(tmp_path / "a", n_stores=2, n_products=5, n_days=1, seed=1).form == "guide"
    assert write_world(tmp_path / "b", n_stores=21, n_products=100, n_days=1, seed=1).form == "daily"


def test_costs_make_decisions_sensible(world):
    items = static(world, "store_product_supplier").merge(
        static(world, "store_product_storage"), how="inner", on=["StoreID", "ProductID"]
    )
    items = items.merge(static(world, "store_department_brand_products"), how="inner", on=["StoreID", "ProductID"])
    assert len(items) == 80
    assert items.Cost.between(0.5, 42).all() and (items.MSRP / items.Cost).between(1.09, 1.53).all()
    assert (items.StorageCost / items.Cost).between(0.0009, 0.0051).all()
    assert items.LeadTime.between(1, 7).all() and items.LeadTimeConfidenceInterval.isin([0, 1]).all()
    assert items.ServiceLevel.between(0.9, 0.99).all() and items.ShipmentFreq.str.fullmatch(r"[1-5] days").all()
    assert (items.MinInventorySize < items.MaxInventorySize).all() and (
        items.MaxOrderQuantity % items.QuantityMultiplier == 0
    ).all()
    assert static(world, "suppliers").ShippingCost.between(1.5, 12).all()
    life = static(world, "brands_products").ShelfLife
    assert (
        life.isna().any()
        and life.dropna().map(lambda text: re.fullmatch(r"\d+ (days?|weeks?|months?)", text) is not None).all()
    )


def test_large_parquet_files_are_continued(tmp_path):
    products = np.repeat([f"1_{n}" for n in range(5)], 5)
    columns = [np.array(["1"] * 25), products, np.array(["2026-06-01"] * 25), np.arange(25), np.ones(25)]
    # 22 rows would divide an item: a newer file replaces an item's whole forecast, and the rest would be lost
    with LandingWriter(tmp_path, max_rows=22) as landing:
        landing.append("sales", "rawdata/sales_2026_06_01.parquet", columns)
        landing.append("sales", "rawdata/sales_2026_06_01.parquet", columns)
    names = ["sales_2026_06_01.parquet", "sales_2026_06_01_2.parquet", "sales_2026_06_01_3.parquet"]
    pieces = [pd.read_parquet(tmp_path / "rawdata" / name) for name in names]
    assert [len(piece) for piece in pieces] == [20, 20, 10] and len(list((tmp_path / "rawdata").iterdir())) == 3
    assert pd.concat(pieces).Units.tolist() == [*range(25), *range(25)]


def test_an_item_that_no_file_holds_is_refused(tmp_path):
    columns = [np.array(["1"] * 25), np.array(["1_1"] * 25), np.array(["2026-06-01"] * 25), np.arange(25), np.ones(25)]
    with LandingWriter(tmp_path, max_rows=20) as landing, pytest.raises(ValueError, match="more than 20 rows"):
        landing.append("sales", "rawdata/sales_2026_06_01.parquet", columns)


def test_dirt_adds_what_it_says_and_keeps_what_was_right(world, tmp_path):
    dirty = write_world(tmp_path / "dirty", **SIZE, seed=7, dirt=True)
    planted = dirty.planted
    clean_sales, sales, inventory = (
        read(world, "rawdata/sales_*"),
        read(dirty, "rawdata/sales_*"),
        read(dirty, "rawdata/inv_*"),
    )
    assert (dirty.rows["sales"], dirty.rows["inventory"]) == (len(sales), len(inventory))
    bad = pd.to_numeric(sales.Units, errors="coerce").isna() | pd.to_numeric(sales.Price, errors="coerce").isna()
    n_bad = bad.sum() + pd.to_numeric(inventory.Units, errors="coerce").isna().sum()
    assert n_bad == planted["rejected_rows"] == 3
    columns = list(HEADERS["sales"])
    good = sales.loc[~bad, columns]
    assert good.duplicated().sum() == planted["duplicate_rows"] > 0
    pd.testing.assert_frame_equal(
        good.drop_duplicates().sort_values(columns, ignore_index=True),
        clean_sales[columns].sort_values(columns, ignore_index=True),
    )
    last = inventory.groupby("StoreID").InventoryDateTime.max()
    assert (last != "2026-06-01 00:00:00").sum() == planted["stale_stores"] == 1
    assert read(dirty, "orders/s_q/*").SupplierID.str.endswith(".0").sum() == planted["float_id_rows"] > 0
    assert (static(dirty, "brands_products").MSRP == 0).sum() == planted["zero_msrp_products"] == 1
    before, after = digests(world.folder), digests(dirty.folder)
    # the repeated and the header-only file came, the last inventory file of one store did not
    assert len(after.keys() - before.keys()) == 2 and len(before.keys() - after.keys()) == 1
    lengths = [len(path.read_text().splitlines()) for path in dirty.folder.glob("rawdata/sales_*")]
    assert lengths.count(1) == planted["header_only_files"] == 1
    assert sum(not path.read_bytes().endswith(b"\n") for path in dirty.folder.rglob("*.csv")) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_stores": 0}, "n_stores"),
        ({"n_products": 0}, "n_products"),
        ({"n_days": -3}, "n_days"),
        ({"seed": -1}, "seed"),
        ({"n_stores": 2.5}, "n_stores"),
        ({"form": "weekly"}, "form"),
        ({"form": "daily", "dirt": True}, "dirt"),
        ({"n_stores": 1, "dirt": True}, "dirt"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_written(tmp_path, change, message):
    with pytest.raises(ParameterError, match=message):
        write_world(tmp_path / "w", **{**SIZE, "seed": 1, **change})
    assert not (tmp_path / "w").exists()


def test_a_folder_with_something_in_it_is_refused(tmp_path):
    (tmp_path / "mine.csv").write_text("a\n")
    with pytest.raises(ParameterError, match="not empty"):
        write_world(tmp_path, **SIZE, seed=1)


def test_smallest_world_and_progress(tmp_path):
    lines = []
    summary = write_world(tmp_path / "one", n_stores=1, n_products=1, n_days=1, seed=0, progress=lines.append)
    assert len(lines) == 1 and summary.rows["store_product_supplier"] == 1 and summary.rows["orders"] == 0
