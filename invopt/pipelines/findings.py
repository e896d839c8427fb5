"""What a run found in its inputs that somebody should know: told at every run, and kept in gold.findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from invopt.pipelines.context import Context
from invopt.pipelines.held import held, held_sentence
from invopt.pipelines.implausible import implausible
from invopt.pipelines.late_orders import late_orders
from invopt.pipelines.limits import limits_not_obeyed
from invopt.pipelines.scopes import SCOPE_IDS, passed_over, unknown_scope_ids
from invopt.pipelines.unmatched import unmatched
from invopt.pipelines.unread import UnreadFile, lines_without_keys
from invopt.pipelines.unseen import unseen_files
from invopt.tables import FINDINGS, ITEM_STATE, REJECTED
from invopt.tables.columns import ITEM

# lines of one kind that are told; gold.findings and the tables named have all
SHOWN = 5
EXAMPLES = 3
# how the remark of such an item begins, in gold/item_state.sql
NEVER_COUNTED = "no stock count names it"


class Finding(NamedTuple):
    """A row of gold.findings without its run and place."""

    finding: str
    about: str
    n: int
    examples: tuple[str, ...]
    sentence: str


def find(
    context: Context,
    item_state: DataFrame,
    views: Mapping[str, DataFrame],
    files: Sequence[UnreadFile],
    rejected: DataFrame | None,
) -> list[Finding]:
    """All findings of a run, in the order in which they are told.

    views : as in `unmatched`, without item_state, and product_suppliers
    files : rejected files that name no item
    rejected : silver.rejected as the run sees it; None where it has no row
    """
    return [
        *_held_deliveries(context),
        *_unseen(context),
        *_unread_files(files),
        *(_unread_keys(rejected) if rejected is not None else ()),
        *_unmatched(context, {**views, "item_state": item_state}),
        *_implausible(context, item_state, views),
        *_scopes(context, item_state),
        *_sources(context, item_state),
        *_late(context, item_state),
        *_limits(context, views, item_state),
        *_stock(context, item_state),
        *_of_items(item_state.where(~_is_told_of_stock("remark")), "remark", "last_good"),
        *_of_items(item_state.where(~_is_told_of_stock("problem")), "problem", "problem"),
    ]


def keep(context: Context, findings: Sequence[Finding]) -> None:
    """Writes the findings in the place of those that the run wrote before."""
    rows = [(context.run_id, place, *one[:3], list(one.examples), one.sentence) for place, one in enumerate(findings)]
    if rows or context.store.exists(FINDINGS):
        context.store.replace(FINDINGS, rows, {"run_id": context.run_id})


def say(context: Context) -> None:
    """Tells the findings of the run, as they were kept."""
    rows = context.store.rows(FINDINGS, {"run_id": context.run_id}) if context.store.exists(FINDINGS) else []
    for row in sorted(rows, key=lambda row: row["place"]):
        context.say(f"  ! {row['sentence']}")


def _held_deliveries(context: Context) -> Iterator[Finding]:
    for row in held(context):
        title = str(row["known_on"] or row["delivery"])
        sentence = held_sentence(row["dataset"], title, row["n_absent"], row["n_before"])
        yield Finding("held_delivery", row["dataset"], row["n_absent"], (title,), sentence)


def _unseen(context: Context) -> Iterator[Finding]:
    """What the run leaves out, because it counts from a later day on."""
    for dataset, numbers in sorted(unseen_files(context).items()):
        sentence = (
            f"{dataset}: {len(numbers):,} of its files count from a later day on than this run's, "
            f"{context.as_of:%Y-%m-%d} in UTC, by the day in their names or the day on which they were taken: it does "
            "not see them (docs/landing.md, Known days)"
        )
        yield Finding("unseen", dataset, len(numbers), (), sentence)


def _unread_files(files: Sequence[UnreadFile]) -> Iterator[Finding]:
    for one in files[:SHOWN]:
        # for sales that are not known no item waits, whatever its lines name
        then = (
            "what it says was sold is not counted"
            if one.dataset == "sales"
            else "it does not tell which items it names, so none of them is held"
        )
        sentence = (
            f"{one.file} could not be read, and {then}: {one.problem}; this is told until a newer file of "
            f"{one.dataset} is read"
        )
        yield Finding("unread_file", one.dataset, 1, (one.file,), sentence)
    rest = files[SHOWN:]
    if rest:
        names = tuple(one.file for one in rest[:EXAMPLES])
        sentence = f"{len(rest):,} more such files: status 'rejected' in bronze.files"
        yield Finding("unread_file", "all", len(rest), names, sentence)


def _unread_keys(rejected: DataFrame) -> Iterator[Finding]:
    for dataset, n, files, rule in lines_without_keys(rejected):
        sentence = (
            f"{dataset}: {_lines(n)} without ids that can be read, so nothing is held because of "
            f"{'it' if n == 1 else 'them'}, in {', '.join(files)}, such as: {rule}; see {REJECTED.name}"
        )
        yield Finding("unread_keys", dataset, n, tuple(files), sentence)


def _lines(n: int) -> str:
    return f"{n:,} rejected line{'' if n == 1 else 's'}"


def _unmatched(context: Context, views: Mapping[str, DataFrame]) -> Iterator[Finding]:
    for one in unmatched(context, views):
        shown = ", ".join(one.examples) + (" ..." if one.n > len(one.examples) else "")
        cause = f"; a likely cause is {one.cause}" if one.cause else ""
        if one.dataset == "brands_products":
            sentence = f"{one.n:,} products of items have no row in brands_products: {shown}{cause}"
            yield Finding("no_product", one.dataset, one.n, one.examples, sentence)
        elif one.dataset == "calendar":
            sentence = f"calendar: {one.n:,} location{'' if one.n == 1 else 's'} that no item has: {shown}{cause}"
            yield Finding("no_item", one.dataset, one.n, one.examples, sentence)
        else:
            sentence = f"{one.dataset}: {one.n:,} location x products that are no item: {shown}{cause}"
            yield Finding("no_item", one.dataset, one.n, one.examples, sentence)


def _implausible(context: Context, item_state: DataFrame, views: Mapping[str, DataFrame]) -> Iterator[Finding]:
    for one in implausible(context, {**views, "item_state": item_state}):
        yield Finding("implausible", one.dataset, one.n, one.examples, one.sentence)


def _scopes(context: Context, item_state: DataFrame) -> Iterator[Finding]:
    for policy_id, unknown in unknown_scope_ids(item_state, context.config.active_policies()).items():
        for name in (name for name in SCOPE_IDS if name in unknown):
            ids = unknown[name]
            shown = ", ".join(ids[:EXAMPLES]) + (" ..." if len(ids) > EXAMPLES else "")
            sentence = f"policy {policy_id}: no item has the {name} {shown} of its scope in conf/policies.yaml"
            yield Finding("scope", policy_id, len(ids), tuple(ids[:EXAMPLES]), sentence)


def _sources(context: Context, item_state: DataFrame) -> Iterator[Finding]:
    """The location x products of which a scope holds several sources: they are ordered from the cheapest of these."""
    active = context.config.active_policies()
    # a scope that names one source leaves no choice
    rows = [row for row in active if row.scope.source_id is None or len(row.scope.source_id) > 1]
    item, counted = F.concat_ws("/", "location_id", "product_id"), []
    for number, row in enumerate(rows):
        passed = F.when(passed_over(row.scope), item)
        counted += [F.count_distinct(passed).alias(f"n{number}"), F.min(passed).alias(f"first{number}")]
    found = item_state.agg(*counted).first() if counted else {}
    for number, row in enumerate(rows):
        n, first = found[f"n{number}"], found[f"first{number}"]
        if n:
            sentence = (
                f"policy {row.id}: {n:,} location x products of its scope have several sources, and each is ordered "
                f"from the cheapest, at equal cost from the faster one ({_such_as(n, [first])})"
            )
            yield Finding("several_sources", row.id, n, (first,), sentence)


def _late(context: Context, item_state: DataFrame) -> Iterator[Finding]:
    for one in late_orders(item_state, context.config.inputs.late_order_max_age):
        yield Finding(one.kind, "orders", one.n, (one.first,), one.sentence)


def _limits(context: Context, views: Mapping[str, DataFrame], item_state: DataFrame) -> Iterator[Finding]:
    limits = limits_not_obeyed(context, views, item_state)
    if limits:
        told = ", ".join(f"{header} ({of_what})" for header, of_what in limits)
        headers = tuple(dict.fromkeys(header for header, _ in limits))
        yield Finding("limit", "limits", len(headers), headers, f"limits that these orders do not obey yet: {told}")


def _stock(context: Context, item_state: DataFrame) -> Iterator[Finding]:
    """The location x products of which no count says what is there: how many, how many units, one of them."""
    max_age = context.config.inputs.stock_max_age
    is_held = context.config.orders.stale_stock == "hold"
    then = "nothing is ordered for them" if is_held else "they are ordered from what is left of it"
    kind = F.expr(
        "CASE WHEN is_stock_stale AND stock_status = 'no_count' THEN 'no_count' WHEN is_stock_stale THEN 'old_count' "
        "WHEN stock_status = 'missing' OR stock_status = 'never_counted' AND on_hand IS NOT NULL THEN stock_status END"
    )
    places = item_state.where("source_rank = 1").withColumn("kind", kind).where("kind IS NOT NULL")
    counted = places.groupBy("kind").agg(
        F.count(F.lit(1)).alias("n"),
        F.count_distinct("location_id").alias("locations"),
        F.expr("format_number(coalesce(sum(coalesce(stock_expected, on_hand)), 0D), '#,##0.##')").alias("units"),
        F.date_format(F.min("snapshot_at"), "yyyy-MM-dd").alias("oldest"),
        F.min(F.concat_ws("/", "location_id", "product_id")).alias("first"),
    )
    for row in counted.orderBy("kind").collect():
        places = f"{row['n']:,} location x product{'' if row['n'] == 1 else 's'}"
        of = f"of {row['locations']:,} location{'' if row['locations'] == 1 else 's'}"
        such_as = f"such as {row['first']}"
        sentence = {
            "no_count": f"{places} {of} without a stock count, {such_as}: "
            + ("nothing is ordered for them" if is_held else "they are ordered as if nothing were there"),
            "old_count": f"{places} {of} with a stock count older than {max_age} day{'' if max_age == 1 else 's'}, the "
            f"oldest of {row['oldest']}, of {row['units']} units, {such_as}: {then}",
            "missing": f"{places} {of} that a newer count does not name, where {row['units']} units are expected, "
            f"{such_as}: blocked until they are counted; see `absent` in docs/landing.md",
            "never_counted": f"{places} {of} that no stock count names, {such_as}: taken for 0 on hand",
        }[row["kind"]]
        yield Finding(row["kind"], "inventory", row["n"], (row["first"],), f"inventory: {sentence}")


def _is_told_of_stock(column: str) -> Column:
    """Whether a text of an item says what `_stock` tells of many, and nothing else."""
    alone = ~F.coalesce(F.col(column).contains("; "), F.lit(False))
    if column == "remark":
        return alone & F.coalesce(F.col(column).startswith(NEVER_COUNTED), F.lit(False))
    return alone & (F.col("is_stock_stale") | F.coalesce(F.col("stock_status") == "missing", F.lit(False)))


def _of_items(item_state: DataFrame, column: str, finding: str) -> Iterator[Finding]:
    """The texts of a column of gold.item_state, the most frequent first."""
    item = F.concat_ws("/", *ITEM)
    groups = item_state.where(F.col(column).isNotNull()).groupBy(column)
    counted = groups.agg(F.count(F.lit(1)).alias("n"), F.min(item).alias("first"), F.max(item).alias("last"))
    ordered = counted.orderBy(F.desc("n"), column)
    rows = ordered.limit(SHOWN + 1).collect()
    for row in rows[:SHOWN]:
        examples = tuple(dict.fromkeys((row["first"], row["last"])))
        shown = f"{row['n']:,} item{'' if row['n'] == 1 else 's'}"
        yield Finding(
            finding, ITEM_STATE.name, row["n"], examples, f"{shown}: {row[column]} ({_such_as(row['n'], examples)})"
        )
    if len(rows) > SHOWN:
        total = counted.agg(F.sum("n").alias("items"), F.count(F.lit(1)).alias("texts")).first()
        n = total["items"] - sum(row["n"] for row in rows[:SHOWN])
        sentence = f"{n:,} more items with {total['texts'] - SHOWN:,} other texts: column {column} of {ITEM_STATE.name}"
        yield Finding(finding, ITEM_STATE.name, n, (rows[SHOWN]["first"],), sentence)


def _such_as(n: int, examples: Sequence[str]) -> str:
    return ", ".join(examples) + (" ..." if n > len(examples) else "")
