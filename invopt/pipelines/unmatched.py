"""Ids that never join: keys of stock, sales, orders, forecasts and the calendar without an item, and products without
a row.

Where one transformation would join an id, it is named: a feed that drops leading zeros brings stock for nobody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from invopt.pipelines.context import Context
from invopt.spark import sql
from invopt.tables.id_forms import formed

# days before as_of whose sales and stock counts are looked at
DAYS = 7
EXAMPLES = 3
# ids of a kind whose cause is looked for
LARGEST_SEARCH = 10_000
PREFIX = "a prefix"
_BLANKS = "\\s\\u00a0\\u200b\\ufeff"
# a difference of ids, and the form of the setting `ids` without it: an id joins one of an item where it makes one of
# them the other
DIFFERENCES: dict[str, str] = {
    "blanks": "no_blanks",
    "letter case": "lower",
    "leading zeros": "no_leading_zeros",
    'a trailing ".0"': "no_decimals",
    PREFIX: "no_prefix",
}


@dataclass(frozen=True)
class Unmatched:
    """Keys of a dataset that join nothing: how many, some of them, and what would join them, "" where nothing would."""

    dataset: str
    n: int
    examples: tuple[str, ...]
    cause: str


def unmatched(context: Context, views: Mapping[str, DataFrame]) -> list[Unmatched]:
    """What joins nothing in a run, dataset by dataset.

    views : item_state, demand_forecasts, landed_lines, and the silver tables stock_lots, sales, products and calendar
    """
    values = {"as_of": context.as_of, "since": context.as_of - timedelta(days=DAYS)}
    keys = sql.query(context.spark, sql.text("gold/unmatched"), views, values).persist()
    try:
        counted = _counted(keys).collect()
        causes = _causes(keys, views) if counted else {}
    finally:
        keys.unpersist()
    return [
        Unmatched(row["dataset"], row["n"], tuple(row["examples"]), causes.get(row["dataset"], ""))
        for row in sorted(counted, key=lambda row: row["dataset"])
    ]


def _counted(keys: DataFrame) -> DataFrame:
    """dataset, n, and the first keys: no list holds more than a few of what may be millions."""
    key = F.concat_ws(" x ", "location_id", "product_id")
    of_part = keys.withColumn("key", key).withColumn("part", F.pmod(F.xxhash64("key"), F.lit(EXAMPLES)))
    parts = of_part.groupBy("dataset", "part").agg(F.count(F.lit(1)).alias("n"), F.min("key").alias("key"))
    return parts.groupBy("dataset").agg(F.sum("n").alias("n"), F.array_sort(F.collect_list("key")).alias("examples"))


def _causes(keys: DataFrame, views: Mapping[str, DataFrame]) -> dict[str, str]:
    """dataset -> the transformation that joins most of its unknown ids, with a pair of them."""
    pairs: dict[str, list[tuple[str, str, str]]] = {}
    for column, known in (
        ("location_id", views["item_state"].select(F.col("location_id").alias("known"))),
        ("product_id", views["item_state"].select(F.col("product_id").alias("known"))),
    ):
        of_items = known.distinct()
        unknown = (
            keys.where("dataset <> 'brands_products'")
            .select("dataset", F.col(column).alias("unknown"))
            .distinct()
            .join(of_items.select(F.col("known").alias("unknown")), on="unknown", how="left_anti")
            .limit(LARGEST_SEARCH)
        )
        for row in _alike(unknown, of_items).collect():
            pairs.setdefault(row["dataset"], []).append((column, row["unknown"], row["known"]))
    unknown = keys.where("dataset = 'brands_products'").select("dataset", F.col("product_id").alias("unknown"))
    of_rows = views["products"].select(F.col("product_id").alias("known"))
    for row in _alike(unknown.limit(LARGEST_SEARCH), of_rows).collect():
        pairs.setdefault(row["dataset"], []).append(("product_id", row["unknown"], row["known"]))
    return {dataset: cause for dataset, of_dataset in pairs.items() if (cause := likely_cause(of_dataset))}


def _alike(unknown: DataFrame, known: DataFrame) -> DataFrame:
    """Pairs of an unknown and a known id that are the same when all transformations are done to both."""
    left = unknown.withColumn("form", F.explode(_forms("unknown")))
    right = known.withColumn("form", F.explode(_forms("known")))
    return (
        left.join(right, on="form", how="inner").select("dataset", "unknown", "known").distinct().limit(LARGEST_SEARCH)
    )


def _forms(name: str) -> Column:
    plain = F.regexp_replace(F.lower(name), f"[{_BLANKS}]", "")
    plain = F.regexp_replace(F.regexp_replace(plain, r"\.0+$", ""), "^0+", "")
    bare = F.regexp_replace(F.regexp_replace(plain, r"^[a-z]+[-_ :#/.]*(?=\d)", ""), "^0+", "")
    forms = F.array_distinct(F.array(plain, bare))
    return F.filter(forms, lambda form: form != "")


def likely_cause(pairs: Sequence[tuple[str, str, str]]) -> str:
    """The one transformation that makes most pairs equal, in words; "" where none makes any.

    pairs : (column, unknown id, known id)

    >>> cause = likely_cause([("product_id", "123", "00123"), ("product_id", "7", "007"), ("product_id", "x1", "X1")])
    >>> print(cause.replace("; ", ";\\n"))
    leading zeros: product_id 123 is 00123 there (2 such ids);
    `ids: {product_id: no_leading_zeros}` in conf/base.yaml would join them
    >>> likely_cause([("product_id", "SKU-7", "7"), ("product_id", "SKU-8", "ART-8")]).split(";")[0]
    'a prefix: product_id SKU-7 is 7 there (1 such id)'
    """
    counts: Counter[str] = Counter()
    first: dict[str, tuple[str, str, str]] = {}
    counted: set[tuple[str, str]] = set()
    for column, unknown, known in sorted(pairs):
        if (column, unknown) in counted:
            continue
        for name, form in DIFFERENCES.items():
            of_unknown, of_known = formed(unknown, [form]), formed(known, [form])
            # two prefixes are two ids: only one side may have one
            if known == of_unknown or unknown == of_known or (name != PREFIX and of_unknown == of_known):
                counts[name] += 1
                counted.add((column, unknown))
                first.setdefault(name, (column, unknown, known))
                break
    if not counts:
        return ""
    name, n = counts.most_common(1)[0]
    column, unknown, known = first[name]
    shown = f"{name}: {column} {unknown} is {known} there ({n:,} such id{'s' if n > 1 else ''})"
    return f"{shown}; `ids: {{{column}: {DIFFERENCES[name]}}}` in conf/base.yaml would join them"
