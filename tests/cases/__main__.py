"""Runs the cases and prints what came out beside what is right: `python -m tests.cases`, `... --only 08 16`."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from invopt import config, lake, policies
from invopt.errors import InvoptError
from invopt.pipelines import flow
from invopt.pipelines.context import Context
from invopt.run import Run
from invopt.spark.session import spark_session
from invopt.spark.stores import open_store
from invopt.tables import FILES, FINDINGS, ITEM_STATE, ORDER_REVIEWS, bronze, silver
from invopt.tables.datasets import BY_NAME

CASES = Path(__file__).parents[3] / "shared" / "cases"
AS_OF = datetime(2026, 3, 2, tzinfo=UTC)
# the moments of the cases that have another
MOMENTS = {"20": AS_OF.replace(hour=6), "23": AS_OF.replace(hour=6), "24": AS_OF.replace(day=20)}


@dataclass(frozen=True)
class Outcome:
    """What a case has left: rows as dictionaries, and the errors that ended it."""

    lines: int
    files: dict[str, str]
    items: dict[str, dict]
    error: str
    findings: str
    folder: Path
    config: config.Config


def sales_are_taken(least: int) -> Callable[[Outcome], bool]:
    return lambda case: case.lines >= least


def nothing_unless_held(*products: str) -> Callable[[Outcome], bool]:
    """Nothing is ordered for the products, because enough is there or on order, or because they are held by name."""

    def check(case: Outcome) -> bool:
        return all(
            not case.items[product]["quantity"]
            and (
                case.items[product]["inventory_position"] == 100 or "rejected" in (case.items[product]["problem"] or "")
            )
            for product in products
        )

    return check


def never_is_readable(case: Outcome) -> bool:
    lots = lake.read(case.config.lakehouse, silver(BY_NAME["inventory"]))
    return str(lots["expires_at"].iloc[0]).startswith("9999-12-31") and nothing_unless_held("never")(case)


def of_five_days(case: Outcome) -> bool:
    item = case.items["nl"]
    return item["shelf_life"] == 5 and item["policy_id"] == "per" and 0 < item["quantity"] <= 25


RIGHT: dict[str, tuple[str, Callable[[Outcome], bool]]] = {
    "01": ("4 lines", sales_are_taken(4)),
    "03": ("2 lines, the packed file rejected", sales_are_taken(2)),
    "05": ("4 lines", sales_are_taken(4)),
    "07": ("2 lines, the Parquet file rejected", sales_are_taken(2)),
    "08": (
        "100.5 on hand",
        lambda case: any(not one["quantity"] and one["on_hand"] == 100.5 for one in case.items.values()),
    ),
    "10": ("100 on order", nothing_unless_held("null_eta", "ctl")),
    "12": ("100 on order, or held", nothing_unless_held("serial", "ctl")),
    "14": ("100 on order each", nothing_unless_held("eu", "ctl")),
    "15": ("100 on hand, and readable", never_is_readable),
    "16": ("100 on hand", nothing_unless_held("4006381333931")),
    "18": (
        "10 on order, 52 ordered",
        lambda case: case.items["amend"]["quantity"] == 52 and case.items["amend"]["on_order"] == 10,
    ),
    "20": (
        "52 on order on the second day",
        lambda case: case.items["rt"]["on_order"] == 52 == case.items["rt"]["inventory_position"],
    ),
    "22": ("5 or more today", lambda case: case.items["phase"]["quantity"] >= 5),
    "23": (
        "52 for each of the three stores",
        lambda case: case.items["p"]["quantity"] == 156 and not case.items["p"]["problem"],
    ),
    "24": (
        "held, for the count is 18 days old",
        lambda case: (
            not case.items["old"]["quantity"]
            and case.items["old"]["is_blocked"]
            and "the stock count of 2026-03-02 is older than 3 days" in case.items["old"]["problem"]
        ),
    ),
    "26": (
        "52 of keep, gone held with the day",
        lambda case: (
            case.items["keep"]["quantity"] == 52
            and not case.items["gone"]["quantity"]
            and case.items["gone"]["problem"].startswith("not in store_product_supplier of 2026-03-02")
        ),
    ),
    "28": ("52 of 8_4, nothing of 84", lambda case: case.items["8_4"]["quantity"] == 52 and "84" not in ordered(case)),
    "27": (
        "52 of one source",
        lambda case: case.items["dual"]["quantity"] == 52 and "several sources" in case.findings,
    ),
    "30": ("shelf life 5 days, at most 25", of_five_days),
    "31": ("a word that the maximum binds nowhere", lambda case: "do not obey yet: MaxInventorySize" in case.findings),
    "33": (
        "s 31, Q 55 of Normal demand, and it is said",
        lambda case: case.items["lumpy"]["quantity"] == 55 and "Normal is used" in case.items["lumpy"]["remark"],
    ),
    "35": (
        "held, with the missing dates",
        lambda case: not case.items["sun"]["quantity"] and "2026-03-08" in case.items["sun"]["problem"],
    ),
}


def ordered(case: Outcome) -> set[str]:
    return {product for product, item in case.items.items() if item["quantity"]}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.cases", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=RIGHT, default=list(RIGHT), help="cases to run")
    chosen = parser.parse_args()
    if not CASES.is_dir():
        sys.exit(f"the cases are not beside the repository: {CASES}")
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="invopt-cases-") as folder:
        for number in chosen.only:
            (source,) = CASES.glob(f"{number}_*")
            what, is_right = RIGHT[number]
            case = run(source, Path(folder) / source.name, MOMENTS.get(number, AS_OF))
            try:
                right = is_right(case)
            except (KeyError, IndexError, TypeError) as error:
                right, what = False, f"{what}; {error!r}"
            wrong += not right
            shown = "; ".join(
                f"{name}: {item['quantity'] or 0:g} ordered, {item['on_hand']} on hand, {item['on_order']} on order"
                + (f", {item['problem']}" if item["problem"] else "")
                for name, item in sorted(case.items.items())
            )
            print(f"{'right' if right else 'WRONG'}  {source.name}: {what}")
            print(f"       {case.lines} sales lines  {shown}  {case.error}", flush=True)
    sys.exit(wrong)


def run(source: Path, folder: Path, as_of: datetime = AS_OF) -> Outcome:
    """Runs a case in a copy of it, and once more on the next day where it has files of that.

    Those without forecasts are only ingested.
    """
    shutil.copytree(source, folder)
    os.chdir(folder)
    loaded = config.load("conf", checks=(policies.problems,))
    spark = spark_session(settings=loaded.spark, is_short=True)
    store = open_store(spark, loaded.lakehouse)
    is_whole = (folder / "landing/rawdata/demand_forecasts").is_dir()
    errors = []
    for day in range(1 + (folder / "day2").is_dir()):
        if day:
            shutil.copytree(folder / "day2", folder / "landing", dirs_exist_ok=True)
        context = Context(Run(loaded, as_of + timedelta(days=day)), store, spark, lambda line: None)
        for command in ("run",) if is_whole else ("ingest", "conform"):
            try:
                flow.do(context, command)
            except InvoptError as error:
                errors.append(str(error).replace("\n", " ")[:300])
    of_run = {"run_id": context.run_id}
    files = {os.path.basename(row["file"]): row["status"] for row in store.rows(FILES)}
    sales = bronze(BY_NAME["sales"])
    lines = len(store.rows(sales)) if store.exists(sales) else 0
    findings = [row["sentence"] for row in store.rows(FINDINGS, of_run)] if is_whole and store.exists(FINDINGS) else []
    items = {row["product_id"]: row.asDict() for row in store.rows(ITEM_STATE, of_run)} if is_whole else {}
    for item in items.values():
        item |= {"quantity": None, "policy_id": None}
    for row in store.rows(ORDER_REVIEWS, of_run) if items and store.exists(ORDER_REVIEWS) else ():
        quantity = (items[row["product_id"]]["quantity"] or 0.0) + row["quantity"]
        items[row["product_id"]] |= {"quantity": quantity, "policy_id": row["policy_id"]}
    return Outcome(lines, files, items, " / ".join(errors), " / ".join(findings), folder, loaded)


if __name__ == "__main__":
    main()
