"""silver: what the landed lines mean, typed and deduplicated."""

from __future__ import annotations

from datetime import date

from invopt.tables.columns import optional, required
from invopt.tables.dataset import Dataset
from invopt.tables.datasets import BY_NAME
from invopt.tables.table import BATCH, Table

# the day from which the first delivery of a dataset holds: also for every day before it
FOREVER = date(1900, 1, 1)

HISTORY = (
    required(
        "known_on",
        "date",
        "",
        "the day from which the row holds; 1900-01-01 where nothing before it is known: it holds for every earlier day",
    ),
    optional("known_until", "date", "", "the day from which another row of the key holds; none while this one does"),
    optional(
        "absent_since",
        "date",
        "",
        "the day of the first delivery that does not hold the key any more: the row has its last values",
    ),
)

# how lines become rows -> the columns that such rows have beside their fields
MORE = {
    "lots": (required("lot_number", "int", "", "lots of one count are numbered from 1"),),
    "versions": (
        required("line_number", "int", "", "lines of a file about one location and product are numbered from 1"),
        optional("known_on", "date", "", "the day from which the line is known; none where it holds for every day"),
    ),
}


def silver(dataset: Dataset) -> Table:
    """The typed table of a dataset, one row per key, or per key and time where it keeps its history."""
    return Table(
        dataset.table,
        dataset.meaning,
        (
            *(field.silver_column() for field in dataset.fields),
            *MORE.get(dataset.how, ()),
            required("n_lines", "bigint", "lines", "landed lines that this row stands for"),
            required("file_number", "bigint", "", "the newest file that brought it, in bronze.files"),
            BATCH,
            *(HISTORY if dataset.keeps_history else ()),
        ),
        (*dataset.keys, "known_on") if dataset.keeps_history else dataset.keys,
        dataset.cluster_by,
        remade_by="invopt conform",
    )


SPOILAGE = Table(
    "silver.spoilage",
    "units taken out of stock unsold: the sales rows with price 0",
    tuple(column for column in silver(BY_NAME["sales"]).columns if column.name != "unit_price"),
    ("location_id", "product_id", "sold_at"),
    ("sold_at", "location_id"),
    remade_by="invopt conform",
)

REJECTED = Table(
    "silver.rejected",
    "landed lines that broke a rule, with the rule and the line",
    (
        required("dataset", "string", "", "dataset"),
        BATCH,
        required("file", "string", "", "path of the file"),
        required("rules", "array<string>", "", "the rules that the line breaks"),
        required("line", "string", "", "the line's text"),
        # what is known of whom the line is about: an item is held by it until a newer file can be read
        optional("location_id", "string", "", "location that the line names; none where that can't be read"),
        optional("product_id", "string", "", "product that the line names; none where that can't be read"),
        optional("source_id", "string", "", "supplier that the line names; none where that can't be read"),
        optional("file_number", "bigint", "", "the file, in bronze.files"),
        optional(
            "counted_at", "timestamp", "", "the moment of the stock count that the line is of, where it can be read"
        ),
    ),
    (),
    ("dataset", "batch_id"),
)

BATCHES = Table(
    "silver.batches",
    "one row per dataset and ingest batch: rows in = rows kept + rejected + duplicates",
    (
        required("dataset", "string", "", "dataset"),
        BATCH,
        required("rows_in", "bigint", "lines", "lines in bronze"),
        required("rows_kept", "bigint", "lines", "lines that silver rows stand for"),
        required("rows_rejected", "bigint", "lines", "lines in silver.rejected"),
        required(
            "rows_duplicate", "bigint", "lines", "lines that another file brought too, or that a newer file replaced"
        ),
        required("conformed_at", "timestamp", "", "when"),
        optional("ids", "string", "", "the setting `ids` of its columns, by which its ids were read"),
    ),
    ("dataset", "batch_id"),
)

DELIVERIES = Table(
    "silver.deliveries",
    "one row per delivery of a dataset that keeps its history: what it held and what became of it",
    (
        required("dataset", "string", "", "dataset"),
        required("delivery", "string", "", "the date or the folder of its files, else the batch that took them"),
        BATCH,
        optional("known_on", "date", "", "the day from which it is known; none where an older version took it"),
        required("kind", "string", "", "full: it holds all rows; delta: only what has changed"),
        required("status", "string", "", "applied, held until it is confirmed, or superseded by a newer one"),
        required("n_rows", "bigint", "rows", "keys that it holds and that can be read"),
        optional("n_absent", "bigint", "rows", "rows before it that it does not hold; none where it was not compared"),
        optional("n_before", "bigint", "rows", "rows before it; none where it was not compared"),
        optional("problem", "string", "", "why what it lacks was not taken for gone"),
    ),
    ("dataset", "delivery", "batch_id"),
    remade_by="invopt conform",
)
