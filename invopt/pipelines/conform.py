"""Step `conform`: bronze -> silver, typed and deduplicated; what breaks a rule goes to silver.rejected with the rule
and the line.

For every dataset and batch: rows in = rows kept + rows rejected + duplicates, checked, and kept in silver.batches.
"""

from __future__ import annotations

import json
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F

from invopt.errors import TableError
from invopt.pipelines.conformed import Conformed
from invopt.pipelines.context import Context, Stopwatch
from invopt.pipelines.file_notes import FileNotes, notes_of_batches, with_notes
from invopt.pipelines.history import in_force
from invopt.pipelines.into_history import Brought, Lines, bring
from invopt.pipelines.into_silver import Batch, SkippedError
from invopt.pipelines.rules import broken_rules
from invopt.pipelines.typed import LANDED, typed
from invopt.run import now
from invopt.tables import BATCHES, DELIVERIES, FILES, REJECTED, SPOILAGE, Table, bronze, silver
from invopt.tables.columns import ITEM
from invopt.tables.dataset import Dataset
from invopt.tables.datasets import BY_NAME, DATASETS

THREADS = 4
# ids that become one by the setting `ids`, as far as they are shown
MERGED_TOLD = 3
# datasets whose lines go through one time to become rows, so that they can be counted on the way
ONE_PASS = ("summed", "one_line")
# how feeds call what is counted and never cut, in lower case
PIECE = ("piece", "pieces", "pc", "pcs", "pce", "each", "ea", "stück", "stueck", "stk", "st", "pièce", "pieza", "pezzo")
PRODUCTS = BY_NAME["brands_products"]


def conform(context: Context) -> list[Conformed]:
    """Conforms every batch of bronze that silver does not have yet."""
    watch = Stopwatch()
    if not context.store.exists(FILES):
        raise TableError("nothing was ingested yet: run `invopt ingest` first")
    with context.store.turn("silver"):
        done = _conform_pending(context)
    total = [
        sum(getattr(one, name) for one in done) for name in ("rows_in", "rows_kept", "rows_rejected", "rows_duplicate")
    ]
    context.say(
        "conform: {:,} lines in = {:,} kept + {:,} rejected + {:,} duplicates".format(*total)
        + f", {watch.seconds:.1f} s"
    )
    for conformed in done:
        if conformed.rows_rejected:
            context.say(
                f"  ! {conformed.dataset}: {conformed.rows_rejected:,} lines rejected, with their rules in "
                f"{REJECTED.name}"
            )
    return done


def _conform_pending(context: Context) -> list[Conformed]:
    _make_silver(context)
    every = notes_of_batches(context.store)
    pending = _pending(context, every)
    changed: dict[str, list[tuple]] = {}

    def every_batch(dataset: Dataset) -> list[Conformed]:
        if dataset.keeps_history:
            brought = _bring_deliveries(context, dataset, every, pending)
            if brought.deliveries is not None:
                changed[dataset.name] = brought.deliveries
            return brought.conformed
        return [
            _conform_batch(context, dataset, batch_id, notes)
            for (name, batch_id), notes in pending.items()
            if name == dataset.name
        ]

    def after_products(dataset: Dataset, products: Future) -> list[Conformed]:
        # whether a product is counted in pieces is known when its own lines are
        if any(field.is_whole_of_piece for field in dataset.fields):
            products.result()
        return every_batch(dataset)

    # the products first, then the longest: forecasts and sales; those who wait for the products come last
    others = sorted(
        (dataset for dataset in reversed(DATASETS) if dataset is not PRODUCTS),
        key=lambda dataset: dataset.name != "demand_forecasts",
    )
    with ThreadPoolExecutor(THREADS) as pool:
        products = pool.submit(every_batch, PRODUCTS)
        futures = [products, *(pool.submit(after_products, dataset, products) for dataset in others)]
        done = [conformed for future in futures for conformed in future.result()]
    if changed:
        rows = [row for of_dataset in changed.values() for row in of_dataset]
        context.store.replace(DELIVERIES, rows, {"dataset": sorted(changed)})
    if done:
        _record(context, done)
    return done


def _pending(context: Context, every: dict[tuple[str, int], FileNotes]) -> dict[tuple[str, int], FileNotes]:
    """Datasets and batches that bronze has and silver.batches does not, in the order of arrival, and what is noted of
    their files.
    """
    done = {(row["dataset"], row["batch_id"]) for row in context.store.counts(BATCHES, ["dataset", "batch_id"])}
    return {key: notes for key, notes in every.items() if key not in done}


def _bring_deliveries(
    context: Context,
    dataset: Dataset,
    every: dict[tuple[str, int], FileNotes],
    pending: dict[tuple[str, int], FileNotes],
) -> Brought:
    """Brings the pending batches of a dataset that keeps its history into its table."""
    settings, table = text_settings(context, dataset), bronze(dataset)

    def lines(batch_id: int) -> DataFrame:
        of_batch = context.store.read(table).where(F.col("batch_id") == batch_id)
        notes, has_comma = every[dataset.name, batch_id], settings["decimal"] == ","
        return with_notes(context, of_batch, dataset, batch_id, notes, has_decimal_comma=has_comma)

    def rejected(rows: DataFrame, rules: Column | None) -> DataFrame:
        return _rejected(rows, dataset, context.store.read(FILES), settings, rules)

    batches = {batch_id for name, batch_id in pending if name == dataset.name}
    if settings["ids"]:
        for batch_id in sorted(batches):
            _tell_merged_ids(context, dataset, lines(batch_id), settings)
    return bring(
        context,
        dataset,
        batches,
        Lines(
            lambda batch_id: typed(lines(batch_id), dataset, **settings),
            rejected,
            lambda batch_id: _rows_in(context, dataset, batch_id),
        ),
    )


def _rows_in(context: Context, dataset: Dataset, batch_id: int) -> int:
    """The lines of a batch, counted apart from their rules: a balance that compares a number with itself would always
    be right.
    """
    return sum(row["n"] for row in context.store.counts(bronze(dataset), ["batch_id"], {"batch_id": batch_id}))


def _conform_batch(context: Context, dataset: Dataset, batch_id: int, notes: FileNotes) -> Conformed:
    try:
        return _brought(context, dataset, batch_id, notes, is_marked=True)
    except SkippedError:
        # the table was emptied, and the numbers of what it held before are still in its log
        return _brought(context, dataset, batch_id, notes, is_marked=False)


def _brought(context: Context, dataset: Dataset, batch_id: int, notes: FileNotes, *, is_marked: bool) -> Conformed:
    """Brings a batch's lines into silver; what is observed on the way can be observed one time."""
    settings = text_settings(context, dataset)
    lines = context.store.read(bronze(dataset)).where(F.col("batch_id") == batch_id)
    lines = with_notes(context, lines, dataset, batch_id, notes, has_decimal_comma=settings["decimal"] == ",")
    rows_in, watch = _rows_in(context, dataset, batch_id), Stopwatch()
    context.say_of_many(rows_in, f"{dataset.name}: conforms {rows_in:,} lines")
    batch = Batch(context, dataset, batch_id, rows_in, is_marked)
    if is_marked and settings["ids"]:
        _tell_merged_ids(context, dataset, lines, settings)
    rows, parts = typed(lines, dataset, **settings, pieces=products_of_pieces(context, dataset)), _parts(dataset)
    counting = [
        F.count_if("is_broken").alias("rejected"),
        *(F.count_if(_is_good(which)).alias(table.name) for table, which in parts),
    ]
    kept = rows_rejected = 0
    counts: dict[str, int] | None = None
    if dataset.how in ONE_PASS and all(context.store.is_empty(table) for table, _ in parts):
        seen = Observation()
        table, which = parts[0]
        kept = batch.load(table, _watched(rows, dataset, seen, *counting).where(_is_good(which)))
        if kept:  # a write that Delta skips, because an attempt before this one made it, observes nothing
            counts, parts = seen.get, parts[1:]
    if counts is None:
        counts = rows.agg(*counting).first().asDict()
    if counts["rejected"]:
        rejected = _rejected(rows, dataset, context.store.read(FILES), settings)
        rows_rejected = context.store.replace(REJECTED, rejected, {"dataset": dataset.name, "batch_id": batch_id})
    for table, which in parts:
        if counts[table.name]:
            chosen = _watched(rows.where(which), dataset, Observation(), F.count(F.lit(1)).alias("chosen"))
            kept += batch.save(table, chosen.where(~F.col("is_broken")))
    context.say_of_many(rows_in, f"{dataset.name}: {kept:,} lines are kept, {watch.seconds:.1f} s")
    return Conformed(dataset.name, batch_id, rows_in, kept, rows_rejected).checked()


def text_settings(context: Context, dataset: Dataset) -> dict[str, Any]:
    """How the dataset's texts are to be read, as `typed` takes it: what its `mapping` declares."""
    mapping, ids = context.config.mapping.get(dataset.name), id_forms(context, dataset)
    if mapping is None:
        return {"decimal": None, "formats": (), "zone": None, "ids": ids}
    return {"decimal": mapping.decimal, "formats": mapping.dates, "zone": mapping.zone, "ids": ids}


def id_forms(context: Context, dataset: Dataset) -> dict[str, list[str]]:
    """The forms that the setting `ids` gives for the dataset's columns."""
    columns = {field.column for field in dataset.fields if field.kind == "id"}
    return {name: list(forms) for name, forms in sorted(context.config.ids.items()) if forms and name in columns}


def _ids_text(forms: dict[str, list[str]]) -> str | None:
    """The forms as silver.batches keeps them."""
    return json.dumps(forms) if forms else None


def _tell_merged_ids(context: Context, dataset: Dataset, lines: DataFrame, settings: dict[str, Any]) -> None:
    """Tells where the setting `ids` makes one of several ids of a dataset that lists things one by one."""
    if len(dataset.keys) != 1 or dataset.keys[0] not in settings["ids"]:
        return
    column = dataset.keys[0]
    rows = typed(lines, dataset, **settings)
    header = next(field.header for field in dataset.fields if field.column == column)
    several = (
        rows.groupBy(column)
        .agg(F.array_sort(F.collect_set(F.col(f"{LANDED}.{header}"))).alias("written"))
        .where(F.size("written") > 1)
        .orderBy(column)
    )
    found = several.limit(MERGED_TOLD + 1).collect()
    if found:
        shown = "; ".join(f"{', '.join(row['written'][:3])} are {row[column]}" for row in found[:MERGED_TOLD])
        more = " ..." if len(found) > MERGED_TOLD else ""
        context.say(f"  ! {dataset.name}: the setting `ids` makes one of several {column}: {shown}{more}")


def products_of_pieces(context: Context, dataset: Dataset) -> DataFrame | None:
    """The products of which there are no fractions; None where no product is one, or the dataset counts none."""
    if not any(field.is_whole_of_piece for field in dataset.fields):
        return None
    table = silver(PRODUCTS)
    units = [row["unit_of_measure"] for row in context.store.counts(table, ["unit_of_measure"])]
    of_pieces = [unit for unit in units if unit is not None and unit.lower() in PIECE]
    if not of_pieces:
        return None
    return in_force(context.store.read(table)).where(F.col("unit_of_measure").isin(of_pieces)).select("product_id")


def _parts(dataset: Dataset) -> list[tuple[Table, Column]]:
    """The silver tables that a dataset's good lines go to, and which go there: sales with price 0 are spoilage."""
    if dataset.name != "sales":
        return [(silver(dataset), F.lit(True))]
    is_spoiled = F.col("unit_price") == 0
    return [(silver(dataset), ~is_spoiled), (SPOILAGE, is_spoiled)]


def _is_good(which: Column) -> Column:
    # NULL, as of a price that is none, is no
    return F.coalesce(~F.col("is_broken") & which, F.lit(False))


def _watched(rows: DataFrame, dataset: Dataset, seen: Observation, *counts: Column) -> DataFrame:
    """The columns that good lines become rows from; the rows are counted in passing.

    The optimizer moves a filter below what makes its columns, and would compute a value again for each rule; it stops
    at an observation.
    """
    return rows.select(*(field.column for field in dataset.fields), "file_number", "is_broken").observe(seen, *counts)


def _rejected(
    rows: DataFrame, dataset: Dataset, files: DataFrame, settings: dict[str, Any], rules: Column | None = None
) -> DataFrame:
    """The rows of silver.rejected of lines that break a rule, or of all lines, for the rules given."""
    # a line whose file is not found would have none, and the table refuses that
    # the optimizer derives facts from a filter on `is_broken`, twice as many for each column that a rule reads: two
    # minutes and gigabytes for a supplier's terms; it does not look through an observation
    seen = rows.observe(Observation(), F.count(F.lit(1)).alias("lines"))
    broken = (seen.where(F.col("is_broken")) if rules is None else seen).join(
        F.broadcast(files.select("file_number", "file")), on="file_number", how="left"
    )
    if rules is None:
        rules = broken_rules(broken, dataset, decimal=settings["decimal"], formats=settings["formats"])
    keys = {field.column for field in dataset.fields}
    return broken.select(
        F.lit(dataset.name).alias("dataset"),
        "batch_id",
        "file",
        rules.alias("rules"),
        # the landed text; a line with another number of fields is kept as it was
        F.coalesce("malformed_line", F.to_csv(LANDED)).alias("line"),
        *(F.col(name) if name in keys else F.lit(None).cast("string").alias(name) for name in ITEM),
        "file_number",
        (F.col("snapshot_at") if "snapshot_at" in keys else F.lit(None).cast("timestamp")).alias("counted_at"),
    )


def _make_silver(context: Context) -> None:
    """Makes the silver tables that are missing or were made anew: the next step's SQL needs no special case.

    A dataset whose table has lost its rows is conformed again from bronze, whatever silver.batches says of it.
    """
    store = context.store
    tables = [(dataset.name, table) for dataset in DATASETS for table, _ in _parts(dataset)]
    # bronze.files of an older version lacks columns that may be NULL
    tables += [("", REJECTED), ("", BATCHES), ("", DELIVERIES), ("", FILES)]
    with ThreadPoolExecutor(THREADS) as pool:
        made = list(pool.map(store.create, [table for _, table in tables]))
    is_new = {name for (name, _), is_made in zip(tables, made, strict=True) if is_made}
    batches = store.rows(BATCHES)
    had_rows = {row["dataset"] for row in batches if row["rows_kept"] > 0}
    for dataset in DATASETS:
        forms = _ids_text(id_forms(context, dataset))
        if dataset.name in had_rows and (dataset.name in is_new or store.is_empty(silver(dataset))):
            context.say(f"  ! {dataset.name}: its table has lost its rows, so all of its lines are conformed again")
        elif any(row["dataset"] == dataset.name and row["ids"] != forms for row in batches):
            context.say(
                f"  ! {dataset.name}: the setting `ids` has changed, so all of its lines are conformed again; open "
                f"lines of gold.orders keep their former ids: see docs/landing.md"
            )
            for table, _ in _parts(dataset):
                store.replace(table, [], {}, check_keys=False)
        else:
            continue
        store.replace(BATCHES, [], {"dataset": dataset.name}, check_keys=False)


def _record(context: Context, done: list[Conformed]) -> None:
    rows = [
        (
            one.dataset,
            one.batch_id,
            one.rows_in,
            one.rows_kept,
            one.rows_rejected,
            one.rows_duplicate,
            now(),
            _ids_text(id_forms(context, BY_NAME[one.dataset])),
        )
        for one in done
    ]
    context.store.append(BATCHES, rows)
