"""The files of the history: sales, inventory, forecasts and orders, in one of two forms.

guide : one file per store and day, for small worlds; a row is a transaction of one unit between 7:00 and 21:00, as in
    the guide
daily : one Parquet file per day for all stores, for large worlds; a row is an item's day, stamped at closing time.
    Dates are text here too, so that both forms read the same in every time zone of a reader

In both forms, expired units are a row of the sales file at midnight with price 0, as in the guide's sample. The date in
the name of a sales or inventory file is the midnight on which it was closed, one day after the sales in it.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from invopt.world.assortment import Assortment
from invopt.world.chain import Chain
from invopt.world.forecasts import DISTRIBUTIONS, HORIZON, ForecastRows
from invopt.world.history import NEVER, History, Lots, PlacedOrders
from invopt.world.landing_writer import LandingWriter, same, text

OPENING_HOUR, CLOSING_HOUR = 7, 21
OPEN_SECONDS = (CLOSING_HOUR - OPENING_HOUR) * 3600
# the expiry that the guide's sample gives to products that keep
FAR_FUTURE = date(2044, 5, 23)
POLICY_ID = "s_q"


def write_sales_of_stores(
    landing: LandingWriter, chain: Chain, items: Assortment, history: History, first_day: date, rng: np.random.Generator
) -> None:
    """Guide form: one file per store and day, its transactions in the order of time."""
    n_days, n_stores, n_products = history.sold.shape
    for day in range(n_days):
        today = first_day + timedelta(days=day)
        for store in range(n_stores):
            sold, spoiled = history.sold[day, store], history.spoiled[day, store]
            product = np.repeat(np.arange(n_products), sold)
            second = distinct_seconds(sold, rng)
            in_time = np.lexsort((product, second))
            expired = np.flatnonzero(spoiled)
            product = np.concatenate([product[in_time], expired])
            stamp = np.concatenate(
                [
                    np.datetime64(today, "s") + (OPENING_HOUR * 3600 + second[in_time]).astype("timedelta64[s]"),
                    np.full(len(expired), np.datetime64(today + timedelta(days=1), "s")),
                ]
            )
            units = np.concatenate([np.ones(len(in_time), dtype=np.int64), spoiled[expired]])
            price = np.where(np.arange(len(product)) < len(in_time), items.price[store, product], 0.0)
            store_id = chain.stores.location_id[items.stores[store]]
            landing.write(
                "sales",
                f"rawdata/sales_store{store_id}_{_stamp(today + timedelta(days=1))}_00_00_00.csv",
                [same(store_id, len(product)), text(chain.products.product_id, product), stamp, units, price],
            )


def distinct_seconds(sold: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A second of the opening hours for each unit, product after product.

    No two units of a product have the same second, so that the key of a transaction is unique.

    sold : (n_products,) units
    """
    n = int(sold.sum())
    product = np.repeat(np.arange(len(sold)), sold)
    # sorted draws from a range shorter by their number, each moved up by its rank, are distinct and uniform
    draw = np.floor(rng.random(n) * (OPEN_SECONDS - sold[product])).astype(np.int64)
    order = np.lexsort((draw, product))
    rank = np.arange(n) - np.repeat(np.cumsum(sold) - sold, sold)
    return draw[order] + rank


def append_sales(landing: LandingWriter, chain: Chain, items: Assortment, history: History, first_day: date) -> None:
    """Daily form: these stores' rows of every day's file."""
    for day in range(len(history.sold)):
        today = first_day + timedelta(days=day)
        sold_store, sold_product = np.nonzero(history.sold[day])
        lost_store, lost_product = np.nonzero(history.spoiled[day])
        store, product = np.concatenate([sold_store, lost_store]), np.concatenate([sold_product, lost_product])
        is_sale = np.arange(len(store)) < len(sold_store)
        stamps = np.array([f"{today + timedelta(days=1)} 00:00:00", f"{today} {CLOSING_HOUR}:00:00"])
        units = np.concatenate(
            [history.sold[day, sold_store, sold_product], history.spoiled[day, lost_store, lost_product]]
        )
        landing.append(
            "sales",
            f"rawdata/sales_{_stamp(today + timedelta(days=1))}.parquet",
            [
                text(chain.stores.location_id, items.stores[store]),
                text(chain.products.product_id, product),
                text(stamps, is_sale),
                units,
                np.where(is_sale, items.price[store, product], 0.0),
            ],
        )


def write_inventory_of_stores(
    landing: LandingWriter, chain: Chain, items: Assortment, history: History, first_day: date
) -> None:
    """Guide form: one file per store and day."""
    for day, lots in history.lots.items():
        counted = first_day + timedelta(days=day + 1)
        bounds = np.searchsorted(lots.store, np.arange(len(items.stores) + 1))
        for store, (start, stop) in enumerate(zip(bounds[:-1], bounds[1:], strict=True)):
            of_store = Lots(*(getattr(lots, name)[start:stop] for name in ("store", "product", "expiry_day", "units")))
            name = f"rawdata/inv_store{chain.stores.location_id[items.stores[store]]}_{_stamp(counted)}_00_00_00.csv"
            landing.write("inventory", name, _inventory_columns(chain, items, of_store, first_day, counted))


def append_inventory(
    landing: LandingWriter, chain: Chain, items: Assortment, history: History, first_day: date
) -> None:
    """Daily form: these stores' lots of each day whose lots the history has."""
    for day, lots in history.lots.items():
        counted = first_day + timedelta(days=day + 1)
        landing.append(
            "inventory",
            f"rawdata/inv_{_stamp(counted)}.parquet",
            _inventory_columns(chain, items, lots, first_day, counted),
        )


def _inventory_columns(chain: Chain, items: Assortment, lots: Lots, first_day: date, counted: date) -> list:
    keeps = lots.expiry_day == NEVER
    days, which = np.unique(np.where(keeps, -1, lots.expiry_day), return_inverse=True)
    expiries = [
        f"{FAR_FUTURE if day < 0 else first_day + timedelta(days=int(day))} 0{OPENING_HOUR}:00:00" for day in days
    ]
    return [
        text(chain.stores.location_id, items.stores[lots.store]),
        text(chain.products.product_id, lots.product),
        same(f"{counted} 00:00:00", len(lots.units)),
        lots.units,
        text(expiries, which),
    ]


def write_forecasts_of_items(
    landing: LandingWriter, chain: Chain, items: Assortment, rows: ForecastRows, made: date
) -> None:
    """Guide form: one file per store, product and day on which forecasts were made."""
    columns = pa.Table.from_arrays(_forecast_columns(chain, items, rows, made), [str(i) for i in range(7)])
    starts = np.flatnonzero(np.diff(rows.store * len(chain.products.product_id) + rows.product, prepend=-1))
    for start, stop in zip(starts, [*starts[1:], len(rows.store)], strict=True):
        store_id = chain.stores.location_id[items.stores[rows.store[start]]]
        name = (
            f"rawdata/demand_forecasts/{store_id}/{chain.products.product_id[rows.product[start]]}/{made}_00_00_00.csv"
        )
        landing.write("demand_forecasts", name, columns.slice(start, stop - start).columns)


def append_forecasts(landing: LandingWriter, chain: Chain, items: Assortment, rows: ForecastRows, made: date) -> None:
    """Daily form: these stores' rows of the day's file."""
    landing.append(
        "demand_forecasts",
        f"rawdata/demand_forecasts/{made}_00_00_00.parquet",
        _forecast_columns(chain, items, rows, made),
    )


def _forecast_columns(chain: Chain, items: Assortment, rows: ForecastRows, made: date) -> list:
    days = [str(made + timedelta(days=day)) for day in range(HORIZON)]
    return [
        text(chain.stores.location_id, items.stores[rows.store]),
        text(chain.products.product_id, rows.product),
        text(days, rows.day),
        pa.array(rows.demand),
        text(DISTRIBUTIONS, rows.distribution),
        pa.array(rows.variance),
        pa.array(rows.probability),
    ]


def write_orders_of_stores(
    landing: LandingWriter, chain: Chain, items: Assortment, orders: PlacedOrders, first_day: date, n_days: int
) -> None:
    """One file per store in both forms: every order of the history, fulfilled when its delivery has come."""
    in_order = np.lexsort((orders.product, orders.order_day, orders.store))
    bounds = np.searchsorted(orders.store[in_order], np.arange(len(items.stores) + 1))
    days = np.datetime64(first_day, "D")
    for store, (start, stop) in enumerate(zip(bounds[:-1], bounds[1:], strict=True)):
        of_store = in_order[start:stop]
        product = orders.product[of_store]
        store_id = chain.stores.location_id[items.stores[store]]
        has_come = orders.arrival_day[of_store] < n_days
        landing.write(
            "orders",
            f"orders/{POLICY_ID}/orders_{store_id}.csv",
            [
                same(POLICY_ID, len(product)),
                same(store_id, len(product)),
                text(chain.products.product_id, product),
                text(chain.suppliers.source_id, items.supplier[store, product]),
                orders.quantity[of_store],
                days + orders.order_day[of_store].astype("timedelta64[D]"),
                days + orders.due_day[of_store].astype("timedelta64[D]"),
                items.lead_time_interval[store, product],
                text(("False", "True"), has_come),
            ],
        )


def _stamp(day: date) -> str:
    return f"{day:%Y_%m_%d}"
