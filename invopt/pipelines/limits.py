"""The limits of the data that the orders of a run do not obey: an order above one of them must surprise nobody."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from invopt import policies
from invopt.pipelines.context import Context
from invopt.pipelines.scopes import policies_of

# header, column of gold.item_state, and where it is a limit: some policies plan with it, and the others do not know it
_OF_ITEMS = (
    ("MaxInventorySize", "max_inventory", "max_inventory IS NOT NULL"),
    ("MinInventorySize", "min_inventory", "min_inventory > 0"),
    ("MaxShippingVolume", "max_shipping_volume", "max_shipping_volume IS NOT NULL"),
    ("PurchaseCostBudget", "purchase_budget", "purchase_budget IS NOT NULL"),
    ("StorageCostBudget", "storage_cost_budget", "storage_cost_budget IS NOT NULL"),
    ("ShipmentFreq", "shipping_interval", "shipping_interval > 1"),
)
# header, view, column and whose it is: no policy knows these
_OF_NOBODY = (
    ("MinShippingVolume", "suppliers", "min_shipping_volume", "supplier"),
    ("FixedOrderSize", "suppliers", "fixed_order_size", "supplier"),
    ("StorageVolume", "storages", "storage_volume", "storage space"),
    ("PurchaseCostBudget", "product_suppliers", "purchase_cost_budget", "line of store_product_supplier"),
)


def limits_not_obeyed(context: Context, views: Mapping[str, DataFrame], item_state: DataFrame) -> list[tuple[str, str]]:
    """(header, how many of what have it) of each limit that stands in the data and in no plan; one query.

    views : suppliers, storages and product_suppliers
    """
    deciding = [row for row in context.config.active_policies() if not row.is_shadow]
    folder = context.config.policies_folder
    needed = {row.id: {column.name for column in policies.load(row.policy, folder).needs} for row in deciding}
    counted, whose = [], []
    for header, column, is_limit in _OF_ITEMS:
        blind = [row for row in deciding if column not in needed[row.id]]
        counted.append(F.count_if((F.size(policies_of(blind)) > 0) & F.expr(is_limit)))
        whose.append((header, "item"))
    found = item_state.agg(*(count.alias(f"n{place}") for place, count in enumerate(counted)))
    for header, view, column, what in _OF_NOBODY:
        name = f"n{len(whose)}"
        found = found.crossJoin(views[view].where("absent_since IS NULL").agg(F.count(column).alias(name)))
        whose.append((header, what))
    return [
        (header, f"{n:,} {what if n == 1 else _many(what)}")
        for (header, what), n in zip(whose, found.first(), strict=True)
        if n
    ]


def _many(what: str) -> str:
    first, *rest = what.split(" of ")
    return " of ".join([f"{first}s", *rest])
