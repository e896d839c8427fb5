"""What can be read and looks like a slip is told with what is usual."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest

from invopt.pipelines.implausible import implausible

AS_OF = datetime(2026, 3, 10)
SCHEMAS = {
    "sales": "location_id string, product_id string, sold_at timestamp, units double",
    "stock_lots": "location_id string, product_id string, snapshot_at timestamp, units double",
    "landed_orders": "location_id string, product_id string, ordered_at timestamp, quantity double, "
    "policy_name string, is_received boolean, order_id string",
    "orders": "location_id string, product_id string, ordered_at timestamp, order_id string",
    "landed_lines": "location_id string, product_id string, ordered_at timestamp, quantity double",
    "product_suppliers": "location_id string, product_id string, source_id string, purchase_cost double, "
    "backorder_cost double",
    "item_state": "location_id string, product_id string, on_order double, quantity_multiple double, "
    "min_order_quantity double, demand_mean array<double>",
    "demand_forecasts": "location_id string, product_id string, made_at timestamp, demand_mean array<double>",
}


def daily(product, units, last=AS_OF):
    """A value a day, the last of them on the day of `last`."""
    days = len(units)
    return [("L", product, last - timedelta(days=days - 1 - day), float(one)) for day, one in enumerate(units)]


@pytest.fixture(scope="module")
def found(spark):
    rows = {
        "sales": [
            *daily("slip", [3, 4, 3, 5000]),
            *daily("large_always", [4000, 5000, 4500]),
            *daily("alone", [9000]),
            *daily("long_ago", [3, 3, 9000], AS_OF - timedelta(days=10)),
            *daily("not_yet", [3, 3, 9000], AS_OF + timedelta(days=1)),
            *daily("small", [0.02, 0.03, 50]),
        ],
        "stock_lots": [
            *daily("pallets", [12, 10], AS_OF - timedelta(days=1)),
            ("L", "pallets", AS_OF, 6000.0),
            ("L", "pallets", AS_OF, 6000.0),
        ],
        "landed_lines": daily("steady", [600, 700, 900]),
        "landed_orders": [
            ("L", "of_tomorrow", AS_OF + timedelta(hours=5), 40.0, "erp", None, ""),
            ("L", "of_the_baseline", AS_OF + timedelta(hours=5), 40.0, "Sim", None, ""),
            ("M", "moved", AS_OF - timedelta(days=2), 40.0, "mine", None, "id of moved"),
            ("L", "at_home", AS_OF - timedelta(days=2), 40.0, "mine", None, "id of at_home"),
            ("L", "of_another_system", AS_OF - timedelta(days=2), 40.0, "erp", None, "P1"),
            ("L", "without_an_id", AS_OF - timedelta(days=2), 40.0, "erp", None, ""),
        ],
        "orders": [
            ("L", product, AS_OF - timedelta(days=3), order_id)
            for product, order_id in (("moved", "id of moved"), ("at_home", "id of at_home"), ("new", ""))
        ],
        "item_state": [
            ("L", "absurd_order", 6000.0, 6.0, None, [5.0, 7.0]),
            ("L", "absurd_multiple", 0.0, 1e9, None, [5.0, None]),
            ("L", "busy", 6000.0, 6.0, 500.0, [50.0]),
            ("L", "rare", 50.0, 6.0, None, [0.01]),
        ],
        "product_suppliers": [
            ("L", "free", "S", 0.0, 1.0),
            ("L", "paid", "S", 0.01, None),
            ("L", "may_lack", "S", 2.0, 0.0),
        ],
        "demand_forecasts": [
            ("L", "peak", AS_OF, [2.0, 2.0, None, 2500.0, 3.0]),
            ("L", "flat", AS_OF, [2000.0, 2000.0]),
            ("L", "once", AS_OF, [0.0, 0.0, 400.0]),
        ],
    }
    views = {name: spark.createDataFrame(rows[name], schema) for name, schema in SCHEMAS.items()}
    baselines = SimpleNamespace(inputs=SimpleNamespace(baselines=["Sim"]))
    context = SimpleNamespace(spark=spark, as_of=AS_OF, config=baselines)
    return {one.dataset: one for one in implausible(context, views)}


def test_each_dataset_tells_its_items_and_what_is_usual(found):
    assert {name: one.n for name, one in found.items()} == {
        "demand_forecasts": 1,
        "inventory": 1,
        "later orders": 1,
        "least order": 1,
        "moved orders": 1,
        "on order": 1,
        "sales": 1,
        "store_product_supplier": 1,
        "backorder cost": 1,
    }
    assert found["sales"].examples == ("L/slip: 5,000 of 2026-03-10, where 3 is usual",)
    assert found["inventory"].examples == ("L/pallets: 12,000 of 2026-03-10, where 12 is usual",)
    assert found["demand_forecasts"].examples == ("L/peak: 2,500 of 2026-03-10, where 2 is usual",)


def test_the_sentences(found):
    assert found["on order"].sentence == (
        "1 item with a thousand days of demand on order or more, such as L/absurd_order: 6,000, where 6 is usual; it "
        "counts as it is: is it in another unit?"
    )
    assert "L/absurd_multiple: 1,000,000,000, where 2.5 is usual" in found["least order"].sentence
    assert "such as M/moved: 40 of 2026-03-08: it counts where its line says" in found["moved orders"].sentence
    assert "such as L/of_tomorrow: 40 of 2026-03-10: are its clocks" in found["later orders"].sentence
    assert found["sales"].sentence == (
        "sales: 1 item with a quantity of a thousand times the usual or more, such as L/slip: 5,000 of 2026-03-10, "
        "where 3 is usual; it counts as it is: is it in another unit?"
    )
    assert found["store_product_supplier"].sentence == (
        "store_product_supplier: 1 item with a purchase cost of 0, such as L/free/S"
    )
