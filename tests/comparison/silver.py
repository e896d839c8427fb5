"""What the landed files mean, as figures of each silver table.

These are rows, NULLs and sums; which rules the rejected lines broke; and whether the lines of each dataset balance.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tests.comparison.compare import Report, compare
from tests.comparison.lakehouse import Lakehouse
from tests.comparison.sheet import Sheet, keyed

REJECTED, BATCHES = "silver.rejected", "silver.batches"
COUNTS = ("rows_in", "rows_kept", "rows_rejected", "rows_duplicate")
# these say in which order files came, not what they held
BOOKKEEPING = ("batch_id", "file_number")


def reports(before: Lakehouse, after: Lakehouse, what: set[str], tolerance: float) -> Iterator[Report]:
    """Each silver table's figures; then the broken rules and the balance of lines, which have their own forms."""
    if "silver" in what:
        names = {*before.names("silver"), *after.names("silver")} - {REJECTED, BATCHES}
        for name in sorted(names):
            yield compare(_figures(before, name), _figures(after, name), name, tolerance, may_be_new=True)
    for part, name, sheet in (("rejected", REJECTED, _rejected), ("batches", BATCHES, _batches)):
        if part in what:
            yield compare(sheet(before), sheet(after), name, tolerance)


def _figures(lakehouse: Lakehouse, name: str) -> Sheet | None:
    """One row for the whole table: how many rows, and of each column what can be added up."""
    table = lakehouse.table(name)
    if table is None:
        return None
    figures: dict[str, Any] = {"rows": table.num_rows}
    for field in table.schema:
        if field.name not in BOOKKEEPING:
            figures |= {f"{figure} of {field.name}": value for figure, value in _of_column(table[field.name]).items()}
    return Sheet(name, ("table",), tuple(figures), {(name,): figures}, table.num_rows)


def _of_column(column: pa.ChunkedArray) -> dict[str, Any]:
    kind, figures = column.type, {"NULLs": column.null_count}
    if (
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_boolean(kind)
    ):
        return figures | {"sum": pc.sum(column).as_py()}
    if pa.types.is_temporal(kind):
        return figures | {name: value.as_py() for name, value in pc.min_max(column).items()}
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        texts = column.cast(pa.large_string())
        n_characters = pc.sum(pc.utf8_length(texts)).as_py()
        return figures | {"distinct values": pc.count_distinct(texts).as_py(), "characters": n_characters}
    return figures


def _rejected(lakehouse: Lakehouse) -> Sheet | None:
    """Rejected lines of each dataset and rule."""
    found = lakehouse.records(REJECTED)
    if found is None:
        return None
    lines = Counter((row["dataset"], rule) for row in found[1] for rule in row["rules"])
    rows = ({"dataset": dataset, "rule": rule, "lines": n} for (dataset, rule), n in lines.items())
    return keyed(REJECTED, ("dataset", "rule"), ("lines",), rows)


def _batches(lakehouse: Lakehouse) -> Sheet | None:
    """Lines of each dataset over all batches, and how many batches do not balance."""
    found = lakehouse.records(BATCHES)
    if found is None:
        return None
    totals: dict[str, Counter[str]] = defaultdict(Counter)
    for row in found[1]:
        is_unbalanced = row["rows_in"] != sum(row[name] for name in COUNTS[1:])
        totals[row["dataset"]] += Counter({name: row[name] for name in COUNTS} | {"unbalanced": int(is_unbalanced)})
    columns = (*COUNTS, "unbalanced")
    rows = [{"dataset": dataset} | {name: total[name] for name in columns} for dataset, total in totals.items()]
    return keyed(BATCHES, ("dataset",), columns, rows)
