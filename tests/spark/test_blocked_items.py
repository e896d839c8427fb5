"""What could not be read is never 0: one chain, a fault per item, one run; then the files that mend some of them.

Each item is a product of location L1. A product without a fault has 1 unit and a demand of 5 a day, so it is ordered.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from invopt.config import Config
from invopt.errors import InvoptError
from invopt.pipelines import flow
from invopt.pipelines.conform import conform
from invopt.pipelines.ingest import ingest
from invopt.pipelines.inputs import make_inputs
from invopt.pipelines.order import order
from invopt.pipelines.solve import solve
from invopt.tables import FINDINGS, ITEM_STATE, ORDER_REVIEWS, REJECTED
from tests.contexts import context_at

AS_OF = datetime(2026, 3, 2, tzinfo=UTC)
NEXT = AS_OF.replace(hour=6)
HEADERS = {
    "stores": "StoreID,StoreName,AvgHouseHoldIncome,AvgTraffic",
    "store_storage": "StoreID,StorageID,StorageName,StorageVolume,StorageCostBudget",
    "store_departments": "StoreID,DepartmentID,DepartmentName",
    "brands": "BrandID,BrandName",
    "suppliers": "SupplierID,SupplierName,ShippingCost,MinShippingVolume,MaxShippingVolume,FixedOrderSize,"
    "PurchaseCostBudget",
    "store_product_supplier": "StoreID,SupplierID,ProductID,LeadTime,LeadTimeConfidenceInterval,MinOrderQuantity,"
    "MaxOrderQuantity,QuantityMultiplier,Cost,BackorderCost,ShippingCost,PurchaseCostBudget,ShipmentFreq,ServiceLevel",
    "brands_products": "BrandID,ProductID,ProductName,MSRP,ProductVolume,ShelfLife",
    "store_product_storage": "StoreID,StorageID,ProductID,StorageCost,MissedSaleCost,MinInventorySize,MaxInventorySize",
    "store_department_brand_products": "StoreID,DepartmentID,BrandID,ProductID,MSRP,DisposalCost",
    "inventory": "StoreID,ProductID,InventoryDateTime,Units,ExpiryDateTime",
    "forecasts": "StoreID,ProductID,DateTime,Demand,PredictedDemandDistribution,PredictedDemandVariance,"
    "PredictedDemandProbability",
    "orders": "InventoryPolicyName,StoreID,ProductID,SupplierID,Quantity,OrderTimestamp,ETA,ConfidenceInterval,"
    "Fulfilled",
}
ORDERED = ("plain", "forecast_old", "product_old", "terms_old", "two_sources", "mended_twice")
FAULTY = (
    "stock_bad",
    "order_bad",
    "forecast_bad",
    "forecast_part",
    "product_bad",
    "shelf_life_of_ages",
    "shelf_life_0",
    "lead_time_1e10",
    "lead_time_1e8",
    "supplier_bad",
    "no_probability",
    "00123",
)
# no good line of store_product_supplier names it
WITHOUT_TERMS = "terms_bad"


class Landing:
    """A landing zone; each file is newer than the one before."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.n_files = 0

    def write(self, name: str, header: str, lines: Sequence[str]) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([header, *lines]) + "\n")
        self.n_files += 1
        moment = AS_OF.timestamp() - 86400 + self.n_files
        os.utime(path, (moment, moment))

    def static(self, dataset: str, lines: Sequence[str], suffix: str = "") -> None:
        self.write(f"publicparameters/{dataset}{suffix}.csv", HEADERS[dataset], lines)

    def stock(self, name: str, lines: Sequence[str]) -> None:
        self.write(f"rawdata/inv_{name}.csv", HEADERS["inventory"], lines)

    def forecast(self, product: str, made: str, demands: Sequence[str], more: str = "Poisson,-1,1") -> None:
        lines = [f"L1,{product},2026-03-{day:02d} 00:00:00,{demand},{more}" for day, demand in enumerate(demands, 2)]
        self.write(f"rawdata/demand_forecasts/L1/{product}/{made}_00_00_00.csv", HEADERS["forecasts"], lines)

    def order(self, name: str, quantity: str, product: str = "order_bad") -> None:
        line = f"erp,L1,{product},S1,{quantity},2026-02-27 08:00:00,2026-03-05 00:00:00,0,False"
        self.write(f"orders/erp/orders_{name}.csv", HEADERS["orders"], [line])


def terms(product: str, lead_time: str = "2", source: str = "S1") -> str:
    return f"L1,{source},{product},{lead_time},0,-1,-1,1,5,2,0,-1,1 days,0.95"


def fill(landing: Landing) -> None:
    products = (*ORDERED, *FAULTY, WITHOUT_TERMS)
    landing.static("stores", ["L1,Store,,"])
    landing.static("store_storage", ["L1,1,Main,1000,-1"])
    landing.static("store_departments", ["L1,1,All"])
    landing.static("brands", ["1,Brand"])
    landing.static("suppliers", ["S1,Supplier,5,-1,-1,-1,-1", "S2,Other,x5,-1,-1,-1,-1", "S3,Third,5,-1,-1,-1,-1"])
    lead_times = {"lead_time_1e10": "1e10", "lead_time_1e8": "100000000", WITHOUT_TERMS: "fast"}
    lines = [terms(one, lead_times.get(one, "2"), "S2" if one == "supplier_bad" else "S1") for one in products]
    landing.static("store_product_supplier", [*lines, terms("two_sources", "fast", "S3")])
    landing.static("store_product_supplier", [terms("terms_old", "fast")], "_2026-03-01")
    shelf_lives = {"product_bad": "soon", "shelf_life_of_ages": "99999999 months", "shelf_life_0": "0 days"}
    landing.static("brands_products", [f"1,{one},P,9,1,{shelf_lives.get(one, '')}" for one in products])
    landing.static("brands_products", ["1,product_old,P,9,1,soon"], "_2026-03-01")
    landing.static("store_product_storage", [f"L1,1,{one},0.02,4,-1,-1" for one in products])
    landing.static("store_department_brand_products", [f"L1,1,1,{one},9,0.5" for one in products])
    counted = "2026-03-02 00:00:00"
    lines = [f"L1,{one},{counted},1," for one in products if one != "00123"]
    lines += [f"L1,stock_bad,{counted},x12,", f"L1,mended_twice,{counted},x12,"]
    landing.stock("L1_a", [*lines, f"L1,123,{counted},70,", f"L1,,{counted},7,"])
    # a newer file in which every line of the item can be read
    landing.stock("L1_b", [f"L1,mended_twice,{counted},1,"])
    # an older count that lands later does not say what could not be read of the newer one
    landing.stock("L1_old", ["L1,stock_bad,2026-02-20 05:00:00,100,"])
    landing.order("1", "100")
    landing.order("2", "many")
    for one in products:
        demands = {"forecast_bad": ["x"] * 30, "forecast_part": ["5", "5", "x", *["5"] * 27]}.get(one, ["5"] * 30)
        if one == "no_probability":
            landing.forecast(one, "2026-03-02", demands, ",-1,0")
        else:
            landing.forecast(one, "2026-03-01" if one == "forecast_old" else "2026-03-02", demands)
    landing.forecast("forecast_old", "2026-03-02", ["x"] * 3)
    landing.write("rawdata/inv_of_nobody.csv", "A,B", ["1,2"])
    landing.write("publicparameters/calendar.csv", "StoreID,Date,IsClosed", ["L9,2026-03-08,True"])


class Chain:
    """A lakehouse, and what was told."""

    def __init__(self, spark, folder: Path) -> None:
        self.landing, self.spark, self.said = Landing(folder / "landing"), spark, []
        scope = {"product_id": [*ORDERED, *FAULTY, WITHOUT_TERMS, "8_4"]}
        self.config = Config.model_validate(
            {
                "lakehouse": {"root": str(folder / "lakehouse")},
                "landing": str(folder / "landing"),
                # the files of the later days hold one line each
                "mapping": {name: {"delivery": "delta"} for name in ("store_product_supplier", "brands_products")},
                "solve": {"audit_partitions": 0},
                "policies": [{"id": "sq", "policy": "s_q", "method": "algorithm", "scope": scope}],
                "solvers": [{"name": "highs"}],
            }
        )

    def context(self, as_of: datetime):
        return context_at(self.spark, self.config, as_of, self.said.append)

    def state(self, as_of: datetime) -> dict:
        context = self.context(as_of)
        rows = context.store.rows(ITEM_STATE, {"run_id": context.run_id})
        return {(row["product_id"], row["source_id"]): row for row in rows}


@pytest.fixture(scope="module")
def chain(spark, tmp_path_factory):
    chain = Chain(spark, tmp_path_factory.mktemp("blocked"))
    fill(chain.landing)
    context = chain.context(AS_OF)
    ingest(context)
    conform(context)
    make_inputs(context)
    solve(context)
    order(context)
    return chain


@pytest.fixture(scope="module")
def state(chain):
    return chain.state(AS_OF)


@pytest.fixture(scope="module")
def reviews(chain):
    context = chain.context(AS_OF)
    rows = context.store.rows(ORDER_REVIEWS, {"run_id": context.run_id})
    return {(row["product_id"], row["source_id"]): row for row in rows}


def test_rejected_lines_name_their_item(chain):
    rows = chain.context(AS_OF).store.rows(REJECTED, {"dataset": "inventory"})
    named = {row["product_id"] for row in rows}
    assert named == {"stock_bad", "mended_twice", None} and all(row["location_id"] == "L1" for row in rows)
    assert all(row["file_number"] for row in rows)


BLOCKS = {
    "stock_bad": ("its stock could not be read: 1 line of inv_L1_a.csv was rejected: Units", "x12"),
    "order_bad": ("an open order of it could not be read: 1 line of orders_2.csv was rejected: Quantity", "many"),
    "forecast_bad": ("no forecast: 30 lines of 2026-03-02_00_00_00.csv were rejected, such as: Demand", "x"),
    "forecast_part": ("its forecast could not be read whole: 1 line of 2026-03-02_00_00_00.csv was", "x"),
    "product_bad": ("brands_products could not be read: 1 line of brands_products.csv was rejected: ShelfLife", "soon"),
    "shelf_life_0": ("brands_products could not be read: 1 line of brands_products.csv was", "0 days"),
    "shelf_life_of_ages": ("brands_products could not be read: 1 line of brands_products.csv was", "99999999 months"),
    "supplier_bad": ("suppliers could not be read: 1 line of suppliers.csv was rejected: ShippingCost", "x5"),
    "terms_bad": ("store_product_supplier could not be read: 1 line of store_product_supplier.csv was", "fast"),
    "lead_time_1e10": ("", ""),
    "lead_time_1e8": ("", ""),
}


@pytest.mark.parametrize("product", BLOCKS)
def test_an_item_with_a_rejected_line_is_blocked_and_says_why(state, reviews, product):
    key = (product, "S2" if product == "supplier_bad" else "S1")
    start, text = BLOCKS[product]
    assert state[key]["is_blocked"] and state[key]["problem"].startswith(start) and text in state[key]["problem"]
    review = reviews[key]
    assert (review["quantity"], review["outcome"], review["because"]) == (0.0, "blocked", "bad_input")
    assert review["detail"] == state[key]["problem"] and review["detail"] in review["reason"]


def test_what_is_not_known_is_null_and_never_0(state, reviews):
    stock, on_order = state["stock_bad", "S1"], state["order_bad", "S1"]
    assert (stock["on_hand"], stock["on_order"], stock["inventory_position"]) == (None, 0.0, None)
    assert (on_order["on_hand"], on_order["on_order"], on_order["inventory_position"]) == (1.0, None, None)
    assert "unknown on hand" in reviews["stock_bad", "S1"]["reason"]
    without = state[WITHOUT_TERMS, "S1"]
    assert (without["unit_cost"], without["lead_time"], without["lead_time_demand_mean"]) == (None, None, None)


@pytest.mark.parametrize("product", ORDERED)
def test_the_others_are_ordered_as_ever(state, reviews, product):
    assert not state[product, "S1"]["is_blocked"] and state[product, "S1"]["problem"] is None
    assert reviews[product, "S1"]["quantity"] == reviews["plain", "S1"]["quantity"] == 52.0


def test_the_last_good_values_hold_and_it_is_told(state):
    remarks = {product: state[product, "S1"]["remark"] for product in ORDERED}
    assert remarks["plain"] is None and remarks["mended_twice"] is None and remarks["two_sources"] is None
    assert remarks["forecast_old"].startswith("the forecast of 2026-03-01 holds: 3 lines of ")
    assert remarks["product_old"].startswith("the last good values of brands_products hold: 1 line of ")
    assert remarks["terms_old"].startswith("the last good values of store_product_supplier hold: 1 line of ")


def test_a_source_without_terms_comes_after_those_with_terms(state, reviews):
    second = state["two_sources", "S3"]
    assert second["is_blocked"] and second["source_rank"] == 2 and ("two_sources", "S3") not in reviews


def test_probabilities_of_0_concern_their_item_alone(state, reviews):
    problem = state["no_probability", "S1"]["problem"]
    assert problem == "the forecast has probabilities that add up to 0"
    review = reviews["no_probability", "S1"]
    assert (review["outcome"], review["because"]) == ("blocked", "no_solution")
    assert review["detail"].startswith(f"{problem}; ")


def test_what_joins_nothing_and_what_has_no_keys_is_told_at_every_run(chain):
    context = chain.context(AS_OF)
    found = {(row["finding"], row["about"]): row for row in context.store.rows(FINDINGS, {"run_id": context.run_id})}
    stock = found["no_item", "inventory"]
    assert (stock["n"], stock["examples"]) == (1, ["L1 x 123"])
    assert "leading zeros: product_id 123 is 00123 there (1 such id)" in stock["sentence"]
    assert found["no_item", "calendar"]["sentence"] == "calendar: 1 location that no item has: L9"
    assert found["unread_keys", "inventory"]["n"] == 1
    assert found["unread_file", "inventory"]["examples"][0].endswith("inv_of_nobody.csv")
    assert found["scope", "sq"]["examples"] == ["8_4"]
    several = found["several_sources", "sq"]
    assert (several["n"], several["examples"]) == (1, ["L1/two_sources"])
    assert "from the cheapest" in several["sentence"]
    chain.said.clear()
    make_inputs(context)
    assert any("unchanged" in line for line in chain.said)
    for row in found.values():
        assert f"  ! {row['sentence']}" in chain.said


@pytest.mark.slow
def test_a_newer_file_ends_the_block(chain, state):
    chain.landing.stock("L1_c", ["L1,stock_bad,2026-03-02 05:00:00,12,", "L1,stock_bad,2026-03-02 05:00:00,5,"])
    # the very line that the table has: it changes nothing, and can be read again
    chain.landing.order("3", "100")
    chain.landing.static("store_product_supplier", [terms(WITHOUT_TERMS)], "_2026-03-02")
    context = chain.context(NEXT)
    ingest(context)
    conform(context)
    make_inputs(context)
    after = chain.state(NEXT)
    assert after["stock_bad", "S1"]["problem"] is None and after["stock_bad", "S1"]["on_hand"] == 17.0
    assert after["order_bad", "S1"]["problem"] is None and after["order_bad", "S1"]["on_order"] == 100.0
    assert after[WITHOUT_TERMS, "S1"]["problem"] is None and after[WITHOUT_TERMS, "S1"]["lead_time"] == 2.0
    # a newer file of stock was read: the file of nobody is told no more
    assert not any("inv_of_nobody.csv could not be read" in line for line in chain.said[-20:])
    others = set(BLOCKS) - {"stock_bad", "order_bad", WITHOUT_TERMS, "supplier_bad"}
    assert all(after[one, "S1"]["is_blocked"] for one in others)


@pytest.mark.slow
def test_a_first_run_in_which_every_item_is_blocked_says_so_and_reviews_them(spark, tmp_path):
    """No stock was counted, and the only file of sales was refused: both are told."""
    chain = Chain(spark, tmp_path)
    fill(chain.landing)
    for count in (chain.landing.folder / "rawdata").glob("inv_*.csv"):
        count.unlink()
    chain.landing.write("rawdata/sales_1.csv", "Filiale,Artikel,Menge", ["L1,plain,2"])
    context = chain.context(AS_OF)
    with pytest.raises(InvoptError) as ended:
        flow.do(context, "run")
    assert ended.value.exit_code == 3
    text = str(ended.value)
    assert "sales_1.csv" in text and "items could be decided" in text and "gold.solutions" not in text
    outcomes = {row["outcome"] for row in context.store.rows(ORDER_REVIEWS, {"run_id": context.run_id})}
    assert outcomes == {"blocked"}
