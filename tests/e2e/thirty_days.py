"""Thirty days of a small chain whose feeds are late, partial, twice, amended and silent, beside a ledger of its own.

`python -m tests.e2e.thirty_days FOLDER [--days 30]` writes each day's files, runs the day, and compares the position of
every item with what the ledger says; at the end it replays each day. The ledger knows the truth: what is in the stores
and what was ordered, sold and received. The files tell it in the ways of real feeds, and where they tell everything,
the run must believe the truth.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from invopt.config import Config
from invopt.pipelines import flow
from invopt.pipelines.context import Context
from invopt.pipelines.replay import differs, replayed
from invopt.run import Run
from invopt.spark.stores import open_store
from invopt.tables import ITEM_STATE, ORDERS

FIRST = datetime(2026, 3, 2, tzinfo=UTC)
STORES = ("A", "B")
PRODUCTS = tuple(f"p{n}" for n in range(10))
LEAD_TIME, LEVEL, MAX_AGE = 2, 60, 8
# day -> what a unit costs from that day on
COSTS = {0: 1.0, 2: 1.5, 11: 0.5}
# products with a fate of their own: orders amended, partly received, confirmed by the day alone, declined, never
# confirmed; counts that leave out what is there; counted now and then
AMENDED, PARTLY, BY_DAY, DECLINED, SILENT, LEFT_OUT, CYCLED = PRODUCTS[:7]

POLICY = """
import numpy as np
import pyomo.environ as pyo

from invopt.policies.base import About, Answer, Decision, Params, Policy
from invopt.tables.columns import Column
from invopt.theory.order_rules import to_base_stock


class OwnParams(Params):
    level: float = 60.0


def algorithm(items, params):
    return Answer({"LEVEL": np.full(len(items), params.level)}, np.ones(len(items)))


POLICY = Policy(
    name="up_to", about=About("orders up to a level", "none", "this test", "reads it off"),
    decides=(Decision("LEVEL", "units", "lifts the position to this"),),
    needs=(Column("unit_cost", "double", "money/unit", "cost", is_nullable=False),), params=OwnParams,
    build_model=lambda items, params: pyo.ConcreteModel(), cost=lambda items, decisions, params: np.ones(len(items)),
    order=lambda decisions, stock: to_base_stock(decisions["LEVEL"], stock), examples=(), algorithm=algorithm,
)
"""


@dataclass
class Line:
    """An order of ours as the ledger knows it: what is still to come of it, and what the other system says."""

    store: str
    product: str
    day: int
    units: float
    order_id: str
    left: float = 0.0

    def __post_init__(self) -> None:
        self.left = self.units


@dataclass
class Chain:
    """The truth, and the files that tell it."""

    folder: Path
    stock: dict[tuple[str, str], float] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    late_counts: dict[str, tuple[str, str, list[list]] | None] = field(default_factory=dict)
    blocked: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        for n, store in enumerate(STORES):
            for m, product in enumerate(PRODUCTS):
                self.stock[store, product] = 20.0 + 3 * m + n

    def write(self, path: str, header: str, rows: list[list]) -> None:
        file = self.folder / "landing" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows([header.split(","), *rows])

    # ------------------------------------------------------------------------------------------------ what happens

    def sell(self, day: int) -> None:
        """What is sold on a day, told the next morning: by the hour in A, as the day's total in B."""
        rows = []
        for store in STORES:
            for n, product in enumerate(PRODUCTS):
                units = min(self.stock[store, product], float((7 * day + 3 * n + len(store)) % 5))
                if units:
                    self.stock[store, product] -= units
                    hour = " 15:30:00" if store == "A" else ""
                    rows.append([store, product, f"{date_of(day)}{hour}", units, 2])
        self.write(f"rawdata/sales_{date_of(day)}.csv", "StoreID,ProductID,TransactionDateTime,Units,Price", rows)

    def receive(self, day: int) -> None:
        """What arrives in the morning at 05:00, and what the other system says of it, and of new orders, by 05:30."""
        rows = []
        for line in self.lines:
            age = day - line.day
            own = [line.order_id, f"N{line.day}{line.store}{line.product}", "erp"]
            if line.product == SILENT:
                # it never arrives, and nobody says so
                continue
            if line.product == BY_DAY:
                # the policy's name and the day, another hour and another source
                own = ["", "", "ours"]
            if line.product == DECLINED and line.day % 3 == 0:
                if age == 1:
                    line.left = 0.0
                    rows.append([*own, line, line.units, "", "cancelled"])
                continue
            if age == 1:
                if line.product == AMENDED:
                    line.units, line.left = line.units + 5, line.left + 5
                rows.append([*own, line, line.units, "", "open"])
            elif age == LEAD_TIME and line.product == PARTLY:
                part = float(int(line.units / 2))
                self.stock[line.store, line.product] += part
                line.left = line.units - part
                rows.append([*own, line, line.units, part, "open"])
            elif (age == LEAD_TIME or (age == LEAD_TIME + 2 and line.product == PARTLY)) and line.left:
                self.stock[line.store, line.product] += line.left
                line.left = 0.0
                rows.append([*own, line, line.units, line.units if line.product == PARTLY else "", "received"])
        header = (
            "OrderID,OrderNumber,InventoryPolicyName,StoreID,ProductID,SupplierID,Quantity,OrderTimestamp,ETA,"
            "ReceivedQuantity,Status"
        )
        told = [
            [
                *own,
                line.store,
                line.product,
                "S2" if own[2] == "ours" else "S1",
                units,
                date_of(line.day),
                "",
                part,
                status,
            ]
            for *own, line, units, part, status in rows
        ]
        if told:
            self.write(f"orders/erp/orders_{date_of(day)}.csv", header, told)
            if day % 4 == 0:  # once more, under another name
                self.write(f"orders/erp/orders_{date_of(day)}_again.csv", header, told)

    def count(self, store: str, day: int) -> None:
        """What is counted, and told in the ways of the stores: A at 7 in the morning, after what has arrived; B in the
        evening before, without an hour or half an hour after midnight.
        """
        late, self.late_counts[store] = self.late_counts.get(store), None
        if late is not None:
            self.write(*late)
        at = (
            f"{date_of(day)} 07:00:00"
            if store == "A"
            else f"{date_of(day)} 00:30:00"
            if day % 4 == 1
            else date_of(day - 1)
        )
        is_whole = day % 3 == 0
        rows = [
            # a product that is counted now and then is not in the others, which say so
            [store, product, at, self.stock[store, product], "", "" if is_whole else "true"]
            for product in PRODUCTS
            if is_whole or product != CYCLED
        ]
        name, header = f"{store}_{date_of(day)}", "StoreID,ProductID,InventoryDateTime,Units,ExpiryDateTime,Partial"
        if store == "A" and day % 7 == 3:
            # no count: it goes on from the day before; the file comes the day after
            self.late_counts[store] = (f"rawdata/inv_{name}_late.csv", header, rows)
            return
        if store == "B" and day % 7 == 4 and not is_whole:
            rows = rows[::2]
        if any(row[1] == LEFT_OUT for row in rows):
            self.blocked.discard((store, LEFT_OUT))
        if store == "B" and day % 6 == 0 and day and self.stock[store, LEFT_OUT] > 0:
            # a whole count that leaves out a product that can't be gone
            rows = [row for row in rows if row[1] != LEFT_OUT]
            self.blocked.add((store, LEFT_OUT))
        if store == "A" and day % 6 == 3:
            # nothing is written of what is not there
            rows = [row for row in rows if row[3] > 0]
        self.write(f"rawdata/inv_{name}.csv", header, rows)
        if day % 9 == 2:
            self.write(f"rawdata/inv_{name}_again.csv", header, rows)

    def terms(self, day: int) -> None:
        """The static files on the first day, other terms on two more."""
        if day == 0:
            write = self.write
            write(
                "publicparameters/stores.csv",
                "StoreID,StoreName,AvgHouseholdIncome,AvgTraffic",
                [[s, s, 1, 1] for s in STORES],
            )
            write(
                "publicparameters/brands_products.csv",
                "BrandID,ProductID,ProductName,MSRP,ProductVolume,ShelfLife",
                [["x", p, p, 9, 1, ""] for p in PRODUCTS],
            )
            write("publicparameters/suppliers.csv", "SupplierID,SupplierName,ShippingCost", [["S1", "S1", 10]])
            write(
                "publicparameters/store_product_storage.csv",
                "StoreID,ProductID,StorageID,StorageCost",
                [[s, p, "w", 0.01] for s in STORES for p in PRODUCTS],
            )
        if day in COSTS:
            rows = [[s, "S1", p, LEAD_TIME, COSTS[day], 2] for s in STORES for p in PRODUCTS]
            header = "StoreID,SupplierID,ProductID,LeadTime,Cost,BackorderCost"
            self.write(f"publicparameters/store_product_supplier_{date_of(day)}.csv", header, rows)
        rows = [
            [s, p, date_of(day), date_of(day + n), 2, "Poisson"] for s in STORES for p in PRODUCTS for n in range(7)
        ]
        header = "StoreID,ProductID,ForecastDateTime,DateTime,Demand,PredictedDemandDistribution"
        self.write(f"rawdata/demand_forecasts/{date_of(day)}.csv", header, rows)

    # ------------------------------------------------------------------------------------------------ what is expected

    def on_order(self, store: str, product: str, day: int) -> float:
        """What is to come: of orders that nobody confirms all, until they are overdue."""
        lines = [line for line in self.lines if (line.store, line.product) == (store, product)]
        if product == SILENT:
            return sum(line.units for line in lines if day <= line.day + LEAD_TIME + MAX_AGE)
        return sum(line.left for line in lines)

    def position(self, store: str, product: str, day: int) -> float | None:
        if (store, product) in self.blocked:
            return None
        return self.stock[store, product] + self.on_order(store, product, day)


def date_of(day: int) -> str:
    return f"{FIRST + timedelta(days=day):%Y-%m-%d}"


def moment_of(day: int) -> datetime:
    return FIRST + timedelta(days=day, hours=8)


def config_of(folder: Path) -> Config:
    (folder / "policies").mkdir(parents=True, exist_ok=True)
    (folder / "policies" / "up_to.py").write_text(POLICY, encoding="utf-8")
    return Config(
        lakehouse={"root": str(folder / "lake")},
        landing=str(folder / "landing"),
        policies_folder=str(folder / "policies"),
        inputs={"late_order_max_age": MAX_AGE, "horizon": 7},
        solve={"tasks": 1, "audit_partitions": 0},
        orders={
            "plausibility": dict.fromkeys(("days_of_demand", "above_sold", "unit_of_forecast", "unit_of_stock"), "off")
        },
        policies=[{"id": "ours", "policy": "up_to", "method": "algorithm", "params": {"level": float(LEVEL)}}],
        solvers=[{"name": "highs"}],
    )


def days(spark: SparkSession, folder: Path, n_days: int, say=print) -> Iterator[str]:
    """Runs the days, and gives a sentence for each thing that is not as the ledger has it."""
    chain, config = Chain(folder), config_of(folder)
    store = open_store(spark, config.lakehouse)
    for day in range(n_days):
        if day:
            chain.sell(day - 1)
        chain.count("B", day)
        if day:
            chain.receive(day)
        chain.count("A", day)
        chain.terms(day)
        said: list[str] = []
        context = Context(Run(config, moment_of(day)), store, spark, said.append)
        flow.do(context, "run")
        state = store.read(ITEM_STATE).where(F.col("run_id") == context.run_id)
        rows = {(row["location_id"], row["product_id"]): row for row in state.collect()}
        expected = {(s, p): chain.position(s, p, day) for s in STORES for p in PRODUCTS}
        for place, position in expected.items():
            row = rows.get(place)
            found = row and row["inventory_position"]
            if row is None or found != position:
                about = row and f"on hand {row['on_hand']}, on order {row['on_order']}, problem {row['problem']}"
                truth = f"on hand {chain.stock[place]}, on order {chain.on_order(*place, day)}"
                yield f"{date_of(day)} {'/'.join(place)}: position {found}, not {position}; {about}; {truth}"
        lines = store.read(ORDERS).where((F.col("ordered_at") == F.lit(moment_of(day))) & (F.col("status") == "open"))
        ordered = {(row["location_id"], row["product_id"]): row for row in lines.collect()}
        for place, position in expected.items():
            wanted = 0.0 if position is None else max(0.0, LEVEL - position)
            line = ordered.get(place)
            found = line["quantity"] if line else 0.0
            if found != wanted:
                yield f"{date_of(day)} {'/'.join(place)}: {found} ordered, not {wanted}"
            cost = COSTS[max(since for since in COSTS if since <= day)]
            if line and line["unit_cost"] != cost:
                yield f"{date_of(day)} {'/'.join(place)}: at {line['unit_cost']} a unit, not {cost}"
            if line:
                chain.lines.append(Line(*place, day, line["quantity"], line["order_id"]))
        say(f"{date_of(day)}: {len(rows)} items, {len(ordered)} orders, {len(chain.blocked)} blocked")
    for day in range(n_days):
        with replayed(spark, store, config, moment_of(day), lambda line: None) as found:
            wrong = found.rows.where(differs()).collect()
        for row in wrong:
            item = f"{row['location_id']}/{row['product_id']}"
            yield f"replay of {date_of(day)} {item}: {row['quantity']}, not {row['was']}; {row['reason']}"
        say(f"replay of {date_of(day)}: {len(wrong)} differ")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.thirty_days", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--days", type=int, default=30)
    chosen = parser.parse_args(arguments)
    from invopt.spark.session import spark_session

    # a heap that may grow to half of the machine does so over thirty days, whatever is in it
    session = spark_session(settings={"spark.driver.memory": "3g"}, is_short=True)
    n_wrong = 0
    for wrong in days(session, chosen.folder, chosen.days, lambda line: print(line, flush=True)):
        n_wrong += 1
        print(f"WRONG {wrong}", flush=True)
    print(f"{n_wrong} differences" if n_wrong else "every position, order and replay is as the ledger has it")
    return int(n_wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
