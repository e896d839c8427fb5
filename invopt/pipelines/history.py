"""Tables that keep their history: what a delivery changes in one, and the rows that hold on a day.

A row holds from `known_on` until `known_until`. A key has exactly one row on any day from its first one on: where a
newer full delivery lacks it, a row with the same values and `absent_since`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from invopt.tables import FOREVER, Table
from invopt.tables.dataset import Dataset
from invopt.tables.silver import HISTORY

# a row's own bookkeeping, which is no value
_OF_LINE = ("n_lines", "file_number", "batch_id")
_OF_TIME = tuple(column.name for column in HISTORY)


def in_force(rows: DataFrame, day: date | None = None) -> DataFrame:
    """The rows of a table with history that hold on a day, without the times; `absent_since` stays.

    day : None for the newest rows of all
    """
    if day is None:
        holds = F.col("known_until").isNull()
    else:
        until = F.col("known_until")
        holds = (F.col("known_on") <= F.lit(day)) & (until.isNull() | (until > F.lit(day)))
    return rows.where(holds).drop("known_on", "known_until")


def values_of(dataset: Dataset) -> list[str]:
    """The columns whose change makes a new row."""
    return [field.column for field in dataset.fields if field.column not in dataset.keys]


def first(new: DataFrame, table: Table) -> DataFrame:
    """The rows of a dataset's first delivery: they hold for every earlier day too."""
    return new.withColumns({"known_on": F.lit(FOREVER), "known_until": _no_date(), "absent_since": _no_date()}).select(
        *table.column_names
    )


def compared(
    history: DataFrame,
    new: DataFrame,
    dataset: Dataset,
    day: date,
    *,
    is_whole: bool,
    spared: DataFrame | None = None,
    named: DataFrame | None = None,
) -> DataFrame:
    """A delivery's rows beside those that hold: the keys, structs `old` and `new`, and `action`.

    insert: the key is new; change: other values than before; replace: the same, on the very day from which the row
    before it holds; renew: the same values, of a key of which a line was rejected; same; absent: a whole delivery lacks
    it; stays: it lacks the key, and that says nothing.

    Parameters
    ----------
    new : one row per key, with its values and n_lines, file_number, batch_id
    is_whole : what it does not hold is gone
    spared : keys that it names, though no good line of it does
    named : keys of which a line was ever rejected: that they are readable again must be seen
    """
    keys, values = list(dataset.keys), values_of(dataset)
    columns = (*values, *_OF_LINE)
    standing = history.where(F.col("known_until").isNull())
    left = standing.select(*keys, F.struct(*columns, "known_on", "absent_since").alias("old"))
    right = new.select(*keys, F.struct(*columns).alias("new"))
    both = right.join(left, on=keys, how="full" if is_whole else "left")
    is_spared, is_named = F.lit(False), F.lit(False)
    if is_whole and spared is not None:
        both = both.join(spared.select(*keys).distinct().withColumn("_is_spared", F.lit(True)), on=keys, how="left")
        is_spared = F.coalesce("_is_spared", F.lit(False))
    if named is not None:
        of_name = [name for name in named.columns if name in keys]
        flagged = F.broadcast(named.select(*of_name).dropna().distinct().withColumn("_is_named", F.lit(True)))
        both = both.join(flagged, on=of_name, how="left")
        is_named = F.coalesce("_is_named", F.lit(False))
    is_equal = F.col("old.absent_since").isNull()
    for name in values:
        is_equal = is_equal & F.col(f"old.{name}").eqNullSafe(F.col(f"new.{name}"))
    action = (
        F.when(F.col("old").isNull(), "insert")
        .when(F.col("new").isNull() & (F.col("old.absent_since").isNotNull() | is_spared), "stays")
        .when(F.col("new").isNull(), "absent")
        .when(is_equal & is_named, "renew")
        .when(is_equal, "same")
        .when(F.col("old.known_on") == F.lit(day), "replace")
        .otherwise("change")
    )
    return both.select(*keys, "old", "new", action.alias("action"))


def versions(
    both: DataFrame, table: Table, dataset: Dataset, day: date, *, is_first: bool, batch_id: int, file_number: int
) -> DataFrame:
    """The rows of the table that a delivery writes, new ones and those that it closes.

    both : what `compared` gave
    batch_id, file_number : of the delivery, for the rows that it makes absent
    """
    values, since = values_of(dataset), FOREVER if is_first else day

    def row(source: str, known_on: Column, known_until: Column, absent_since: Column, **other: Column) -> Column:
        of_line = (other.get(name, F.col(f"{source}.{name}")).alias(name) for name in _OF_LINE)
        times = (known_on.alias("known_on"), known_until.alias("known_until"), absent_since.alias("absent_since"))
        return F.struct(*(F.col(f"{source}.{name}").alias(name) for name in values), *of_line, *times)

    none, today = _no_date(), F.lit(day)
    was_since, was_absent = F.col("old.known_on"), F.col("old.absent_since")
    opened = row("new", F.lit(since), none, none)
    closed = row("old", was_since, today, was_absent)
    renewed = row(
        "old", was_since, none, was_absent, file_number=F.col("new.file_number"), batch_id=F.col("new.batch_id")
    )
    gone = row(
        "old", today, none, today,
        n_lines=F.lit(0).cast("bigint"),
        file_number=F.lit(file_number).cast("bigint"),
        batch_id=F.lit(batch_id).cast("bigint"),
    )  # fmt: skip
    action = F.col("action")
    written = (
        F.when(action == "insert", F.array(opened))
        .when(action == "change", F.array(closed, row("new", today, none, none)))
        .when(action == "replace", F.array(row("new", today, none, none)))
        .when(action == "renew", F.array(renewed))
        .when((action == "absent") & (was_since == today), F.array(gone))
        .when(action == "absent", F.array(closed, gone))
    )
    changed = both.where(action.isin("insert", "change", "replace", "renew", "absent"))
    return (
        changed.select(*dataset.keys, F.explode(written).alias("row"))
        .select(*dataset.keys, "row.*")
        .select(*table.column_names)
    )


def applied(history: DataFrame, written: DataFrame, table: Table) -> DataFrame:
    """The history with the rows that a delivery writes in the place of those with the same key and day."""
    others = history.join(written.select(*table.keys), on=list(table.keys), how="left_anti")
    return others.select(*table.column_names).unionByName(written)


def differences(there: DataFrame, wanted: DataFrame, table: Table) -> DataFrame:
    """What makes the table of what is there the wanted one: its columns and `action`, upsert or delete."""
    keys: Sequence[str] = table.keys
    others = [name for name in table.column_names if name not in keys]
    left = there.select(*keys, F.struct(*others).alias("old"))
    right = wanted.select(*keys, F.struct(*others).alias("new"))
    both = right.join(left, on=list(keys), how="full").where(~F.col("old").eqNullSafe(F.col("new")))
    action = F.when(F.col("new").isNull(), "delete").otherwise("upsert").alias("action")
    row = F.coalesce("new", "old").alias("row")
    return both.select(*keys, row, action).select(*keys, *(F.col(f"row.{name}") for name in others), "action")


def _no_date() -> Column:
    return F.lit(None).cast("date")
