"""Files of other systems' orders, from the landing zone to what holds: the newest that was said of each order."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from invopt.config import Config
from invopt.pipelines import item_views
from invopt.pipelines.conform import conform
from invopt.pipelines.ingest import ingest
from invopt.tables import BATCHES, ORDERS, silver
from invopt.tables.datasets import BY_NAME
from tests.contexts import context_at

PAGE = Path(__file__).parents[2] / "docs" / "orders_and_erp.md"
ON_PAGE = re.search(r"## Back.*?```csv\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)[1]
HEADER = "InventoryPolicyName,StoreID,ProductID,SupplierID,Quantity,OrderTimestamp,ETA,OrderNumber,Status\n"
AS_OF = datetime(2026, 3, 4, 6, tzinfo=UTC)
LANDED_ORDERS = silver(BY_NAME["orders"])


@pytest.fixture(scope="module")
def landed(spark, tmp_path_factory):
    """What holds of each product after the files of three days."""
    folder = tmp_path_factory.mktemp("orders of an erp")
    (folder / "landing/orders/erp").mkdir(parents=True)
    run = context_at(spark, Config(lakehouse={"root": str(folder / "lake")}, landing=str(folder / "landing")), AS_OF)
    run.store.create(ORDERS)
    nothing = {"string": "", "double": 0.0, "int": 0}
    default = {column.name: None if column.is_nullable else nothing.get(column.type) for column in ORDERS.columns}
    own = {"order_id": "8d1f0c...", "location_id": "S001", "product_id": "P0007", "source_id": "V02", "quantity": 48.0}
    own |= {"policy_id": "s_q", "status": "open", "ordered_at": datetime(2026, 3, 2, 6, tzinfo=UTC), "eta": AS_OF}
    run.store.append(ORDERS, [tuple((default | own)[name] for name in ORDERS.column_names)])

    def land(name: str, text: str, second: int) -> None:
        path = folder / "landing/orders/erp" / name
        path.write_text(text, encoding="utf-8")
        os.utime(path, (second, second))

    def taken() -> None:
        ingest(run)
        conform(run)

    def line(product: str, quantity: int, number: int, status: str, at: str = "2026-03-02 10:00") -> str:
        return f"erp,S001,{product},V01,{quantity},{at},2026-03-09,{number},{status}\n"

    land("orders_2026-03-02.csv", ON_PAGE, 100)
    # the name tells which is newer, not the time of the copy
    land("orders_9.csv", HEADER + line("amended", 90, 1, "Sent") + line("void", 5, 2, "open"), 300)
    land("orders_10.csv", HEADER + line("amended", 10, 1, "In Transit", "2026-03-03 08:00"), 200)
    taken()
    land("orders_11.csv", HEADER + line("amended", 10, 1, "In Transit", "2026-03-03 08:00") * 2, 400)
    land(
        "orders_12.csv",
        HEADER + line("void", 5, 2, "Voided") + line("two", 3, 3, "new") + line("two", 4, 3, "new"),
        500,
    )
    land("orders_13.csv", HEADER + line("odd", 5, 2, "maybe"), 600)
    taken()
    return run


def test_what_holds_of_each_order(spark, landed):
    read = {"orders": landed.store.read(ORDERS), "landed_orders": landed.store.read(LANDED_ORDERS)}
    values = item_views.values_of("r", AS_OF, landed.config.inputs, ["s_q"])
    lines = item_views.make_views(spark, read, values, ("landed_versions", "landed_lines"))["landed_lines"]
    names = ("product_id", "quantity", "left_to_come", "is_open", "is_cancelled", "own_order_id")
    assert sorted(tuple(row) for row in lines.select(*names).collect()) == [
        ("P0007", 24.0, 24.0, True, False, None),
        ("P0007", 48.0, 28.0, True, False, "8d1f0c..."),
        ("P0009", 12.0, 12.0, False, False, None),
        ("amended", 10.0, 10.0, True, False, None),
        ("two", 3.0, 3.0, True, False, None),
        ("two", 4.0, 4.0, True, False, None),
        ("void", 5.0, 5.0, False, True, None),
    ]


def test_a_file_that_says_the_same_adds_nothing_and_the_count_is_exact(landed):
    rows = {row["batch_id"]: row for row in landed.store.rows(BATCHES, {"dataset": "orders"})}
    counts = {batch: (row["rows_in"], row["rows_kept"], row["rows_rejected"]) for batch, row in rows.items()}
    # of the second batch's six lines two say what the file before them said, and one has a status that is none
    assert counts == {0: (6, 6, 0), 1: (6, 3, 1)}
    kept = landed.store.read(LANDED_ORDERS)
    assert kept.count() == 9 == kept.select(*LANDED_ORDERS.keys).distinct().count()
