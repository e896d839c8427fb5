"""What invopt computed: the state of items, decisions, reviews and orders. Runs are matched by the moment they look at.

A run's id holds a hash of its configuration, which may change where nothing else does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tests.comparison.compare import Report, compare
from tests.comparison.lakehouse import Lakehouse
from tests.comparison.sheet import Sheet, keyed

ITEM = ("location_id", "product_id", "source_id")


@dataclass(frozen=True)
class GoldTable:
    """A table with its key and the columns that are compared; without any, all that are no key.

    of_newest_run : rows of an older run of the same moment do not count; an order is kept by whichever run wrote it
    """

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...] = ()
    of_newest_run: bool = True


TABLES: Mapping[str, GoldTable] = {
    "item_state": GoldTable("gold.item_state", ITEM),
    "solutions": GoldTable(
        "gold.solutions", ("policy_id", *ITEM), ("decisions", "cost", "objective", "status", "method")
    ),
    "order_reviews": GoldTable(
        "gold.order_reviews",
        ("policy_id", *ITEM),
        (
            *("inventory_position", "on_hand", "expiring", "on_order", "wanted", "quantity"),
            *("cycle", "outcome", "because", "detail", "decided", "ledger"),
        ),
    ),
    "orders": GoldTable(
        "gold.orders",
        ("policy_id", *ITEM),
        ("quantity", "unit_cost", "order_value", "eta", "status", "order_id", "cycle", "revision", "because", "ledger"),
        of_newest_run=False,
    ),
}


@dataclass(frozen=True)
class Runs:
    """The runs of a lakehouse: the moment that each one looks at, and the newest run of each moment."""

    as_of: Mapping[str, datetime]
    newest: Mapping[datetime, str]
    sheet: Sheet | None


def runs_of(lakehouse: Lakehouse) -> Runs:
    """The runs of a lakehouse, by gold.runs; of several runs of one moment the last one started is compared."""
    found = lakehouse.records("gold.runs")
    if found is None:
        return Runs({}, {}, None)
    rows = sorted(found[1], key=lambda row: str(row.get("started_at")))
    newest = {row["as_of"]: row for row in rows}
    sheet = keyed("gold.runs", ("as_of",), (), newest.values())
    if len(newest) < len(rows):
        sheet = replace(sheet, notes=("of several runs of one moment the newest is compared",))
    as_of = {row["run_id"]: row["as_of"] for row in rows}
    return Runs(as_of, {moment: row["run_id"] for moment, row in newest.items()}, sheet)


def reports(before: Lakehouse, after: Lakehouse, what: set[str], tolerance: float) -> Iterator[Report]:
    """The runs, then each of the tables in `what`, of the moments that both sides have a run of."""
    old, new = runs_of(before), runs_of(after)
    yield compare(old.sheet, new.sheet, "gold.runs", tolerance)
    moments = old.newest.keys() & new.newest.keys()
    for name, table in TABLES.items():
        if name in what:
            sheets = (_sheet(side, table, runs, moments) for side, runs in ((before, old), (after, new)))
            yield compare(*_of_one_version(*sheets), table.name, tolerance)


def _of_one_version(before: Sheet | None, after: Sheet | None) -> tuple[Sheet | None, Sheet | None]:
    """Two sheets without what differs by design where only the second one has order cycles.

    Since then an order's id is that of item and cycle, and what nobody knows to be wanted is NULL, which was 0.
    Quantities are compared as they are.
    """
    if before is None or after is None or "cycle" in before.columns or "cycle" not in after.columns:
        return before, after
    told = []
    if "order_id" in after.columns:
        keys = before.rows.keys() & after.rows.keys()
        n_other = sum(before.rows[key].get("order_id") != after.rows[key].get("order_id") for key in keys)
        told.append(f"as expected, {n_other} of {len(keys)} order ids are other ones: they hold the cycle now")
    rows = dict(after.rows)
    if "wanted" in after.columns:
        unknown = [key for key, row in rows.items() if row["wanted"] is None]
        rows |= {key: {**rows[key], "wanted": 0.0} for key in unknown}
        told.append(f"as expected, wanted is NULL where nobody knows it, and was 0: {len(unknown)} rows")
    old = replace(before, columns=tuple(name for name in before.columns if name != "order_id"))
    columns = tuple(name for name in after.columns if name != "order_id")
    return old, replace(after, rows=rows, columns=columns, notes=(*after.notes, *told))


def _sheet(lakehouse: Lakehouse, table: GoldTable, runs: Runs, moments: set[datetime]) -> Sheet | None:
    found = lakehouse.records(table.name)
    if found is None:
        return None
    there, rows = found
    wanted: list[dict[str, Any]] = []
    for row in rows:
        as_of = runs.as_of.get(row["run_id"])
        if as_of in moments and not (table.of_newest_run and runs.newest[as_of] != row["run_id"]):
            wanted.append({**row, "as_of": as_of})
    key = ("as_of", *table.key)
    columns = table.columns or tuple(name for name in there if name not in (*key, "run_id"))
    sheet = keyed(table.name, key, [column for column in columns if column in there], wanted)
    n_unknown = sum(row["run_id"] not in runs.as_of for row in rows)
    unknown = (f"{n_unknown} rows are left out, whose run gold.runs does not have",) if n_unknown else ()
    return replace(sheet, notes=sheet.notes + unknown)
