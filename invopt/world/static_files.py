"""The nine static files of `publicparameters/`: the chain and its assortment in the words of the technical guide.

`StorageCost` is per unit and day. `FixedOrderSize` is -1 throughout, any size: a size that every order must have would
leave no order quantity to decide. Some household goods are cheaper from a quantity on: `PriceBreaks`.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from invopt.world.assortment import Assortment
from invopt.world.chain import DEPARTMENTS, STORAGES, Chain
from invopt.world.landing_writer import LandingWriter, text

# ids of departments and storages: 1, 2, 3, 4 in each store
NUMBERS = np.arange(1, max(len(DEPARTMENTS), len(STORAGES)) + 1).astype(str)


def static_name(dataset: str) -> str:
    return f"publicparameters/{dataset}.csv"


def write_chain(landing: LandingWriter, chain: Chain) -> None:
    """The five files about the chain as a whole: stores, departments, brands, products, suppliers."""
    stores, products, suppliers = chain.stores, chain.products, chain.suppliers
    n_stores, n_departments = len(stores.location_id), len(DEPARTMENTS)

    def write(dataset: str, *columns) -> None:
        landing.write(dataset, static_name(dataset), list(columns))

    write("stores", stores.location_id, stores.name, stores.household_income, stores.traffic)
    store, department = np.repeat(np.arange(n_stores), n_departments), np.tile(np.arange(n_departments), n_stores)
    write(
        "store_departments",
        text(stores.location_id, store),
        text(NUMBERS, department),
        text(np.array(DEPARTMENTS), department),
    )
    write("brands", np.arange(1, len(chain.brands) + 1).astype(str), np.array(chain.brands))
    msrp = np.maximum((products.unit_cost * products.markup).round(2), 0.01)
    write(
        "brands_products",
        (products.brand + 1).astype(str),
        products.product_id,
        products.name,
        msrp,
        products.volume,
        products.shelf_life_text,
    )
    write(
        "suppliers",
        suppliers.source_id,
        suppliers.name,
        suppliers.fixed_order_cost,
        suppliers.min_volume,
        suppliers.max_volume,
        np.full(len(suppliers.source_id), -1),
        suppliers.purchase_budget,
    )


def append_assortment(landing: LandingWriter, chain: Chain, assortment: Assortment) -> None:
    """The rows of some stores in the four files about stores' storages and items."""
    items, products = assortment, chain.products
    n_stores, n_products = items.demand_mean.shape
    store, product = np.repeat(items.stores, n_products), np.tile(np.arange(n_products), n_stores)
    store_id, product_id = text(chain.stores.location_id, store), text(products.product_id, product)
    place = text(NUMBERS, products.department[product])

    def append(dataset: str, *columns) -> None:
        landing.append(dataset, static_name(dataset), list(columns))

    storage = np.tile(np.arange(len(STORAGES)), n_stores)
    append(
        "store_storage",
        text(chain.stores.location_id, np.repeat(items.stores, len(STORAGES))),
        text(NUMBERS, storage),
        text(np.array(STORAGES), storage),
        items.storage_volume.ravel(),
        items.storage_budget.ravel(),
    )
    brand_id = text(np.arange(1, len(chain.brands) + 1), products.brand[product])
    append(
        "store_department_brand_products",
        store_id,
        place,
        brand_id,
        product_id,
        items.msrp.ravel(),
        items.disposal_cost.ravel(),
    )
    append(
        "store_product_storage",
        store_id,
        place,
        product_id,
        items.holding_cost.ravel(),
        items.lost_sale_cost.ravel(),
        items.min_inventory.ravel(),
        items.max_inventory.ravel(),
    )
    append(
        "store_product_supplier",
        store_id,
        text(chain.suppliers.source_id, items.supplier.ravel()),
        product_id,
        items.lead_time.ravel(),
        items.lead_time_interval.ravel(),
        items.min_order_quantity.ravel(),
        items.max_order_quantity.ravel(),
        items.quantity_multiple.ravel(),
        items.unit_cost.ravel(),
        items.backorder_cost.ravel(),
        items.unit_shipping_cost.ravel(),
        (items.unit_cost * items.max_order_quantity).ravel().round(2),
        text([f"{days} days" for days in range(items.review_period.max() + 1)], items.review_period.ravel()),
        items.service_level.ravel(),
        _price_breaks(items, products.department),
    )


def _price_breaks(items: Assortment, department: np.ndarray) -> pa.Array:
    """The price breaks of every second household product, such as "30: 3.8; 90: 3.6"; empty text for the others.

    The first break lies at some days of the product's demand.
    """
    n_stores, n_products = items.unit_cost.shape
    has_breaks = (department == DEPARTMENTS.index("Household")) & (np.arange(n_products) // len(DEPARTMENTS) % 2 == 0)
    texts = np.full((n_stores, n_products), "", dtype=object)
    for product in np.flatnonzero(has_breaks):
        first = np.ceil(10 * items.demand_mean[:, product] + 1)
        cost = items.unit_cost[:, product]
        texts[:, product] = [
            f"{q:.0f}: {c * 0.97:.2f}; {3 * q:.0f}: {c * 0.94:.2f}" for q, c in zip(first, cost, strict=True)
        ]
    return pa.array(texts.ravel().tolist(), pa.string())
