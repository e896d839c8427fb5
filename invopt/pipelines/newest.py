"""From good lines to one row per key: what the newest file says counts, and nothing counts twice.

How lines become rows (`how` of the dataset):

- one_line: one line per key; of several, the newest file's;
- summed: lines of one key in one file are added up, because a second may hold two sales of the same product at the same
  price; a key that comes again in a newer file is the same sales delivered again, and the newer file's sum counts;
- lots: every line is a lot, equal lines too; the newest file's lots of a count replace the older ones;
- distinct: equal lines of the newest file are one;
- versions: equal lines of a file are one, and what each file says stays: who reads the rows chooses the newest that was
  known at a moment. A file that says of a location, product and day what the one before it said adds nothing.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import Window as W
from pyspark.sql import functions as F

from invopt.tables.dataset import Dataset

# lines whose sums are held in memory together: a table of millions of keys is many times slower than several that fit
# the processor's cache
LINES_PER_SUM = 150_000
PARTS_PER_FILE = 32


def newest(good: DataFrame, dataset: Dataset, n_lines: int, n_tasks: int) -> DataFrame:
    """One row per key of a batch's good lines, with `n_lines`, the lines that the row stands for, and the `file_number`
    it came from.

    Parameters
    ----------
    n_lines : lines of the batch, roughly
    n_tasks : tasks that run at a time
    """
    values = [field.column for field in dataset.fields if field.column not in dataset.keys]
    keys = list(dataset.keys)
    if dataset.how == "summed":
        of_file = _shuffled(good, keys, n_lines, n_tasks).groupBy(*keys, "file_number").agg(*_sums(values))
        newest_sums = of_file.groupBy(*keys).agg(
            *(F.max_by(name, "file_number").alias(name) for name in [*values, "n_lines"]),
            *_first_and_newest_file(),
        )
        return _in_few_files(newest_sums, n_lines, n_tasks)
    if dataset.how == "one_line":
        # the struct's order decides: the newest file, then the values, so that the choice is always the same
        best = good.groupBy(*keys).agg(F.max(F.struct("file_number", *values)).alias("best"))
        return best.select(
            *keys,
            *(F.col(f"best.{name}") for name in ("file_number", *values)),
            F.lit(1).cast("bigint").alias("n_lines"),
        )
    if dataset.how == "versions":
        of_file = ["location_id", "product_id", "file_number"]
        by_line = W.partitionBy(*of_file).orderBy(
            *(name for name in good.columns if name not in (*of_file, "is_broken"))
        )
        lines = good.dropDuplicates([*(field.column for field in dataset.fields), "file_number"])
        return lines.withColumn("line_number", F.row_number().over(by_line)).withColumn(
            "n_lines", F.lit(1).cast("bigint")
        )
    together = list(dataset.replaced_together)
    latest = good.groupBy(*together).agg(F.max("file_number").alias("newest_file"))
    lines = (
        good.join(latest, on=together, how="inner")
        .where(F.col("file_number") == F.col("newest_file"))
        .drop("newest_file")
    )
    if dataset.how == "distinct":
        distinct = lines.dropDuplicates([*keys, *values])
        # one value per key even when a file contradicts itself
        return (
            distinct.groupBy(*keys, "file_number")
            .agg(*(F.max(name).alias(name) for name in values))
            .withColumn("n_lines", F.lit(1).cast("bigint"))
        )
    by_lot = W.partitionBy(*together, "file_number").orderBy(*values)
    return lines.withColumn("lot_number", F.row_number().over(by_lot)).withColumn("n_lines", F.lit(1).cast("bigint"))


def sums(good: DataFrame, dataset: Dataset, n_lines: int, n_tasks: int) -> DataFrame:
    """As `newest` of a summed dataset by one sum per key instead of two, right only for keys whose lines are all of one
    file: those whose `first_file` is their `file_number`.
    """
    keys = list(dataset.keys)
    values = [field.column for field in dataset.fields if field.column not in keys]
    sums_of_keys = _shuffled(good, keys, n_lines, n_tasks).groupBy(*keys).agg(*_sums(values), *_first_and_newest_file())
    return _in_few_files(sums_of_keys, n_lines, n_tasks)


def _sums(values: list[str]) -> list[Column]:
    return [*(F.sum(name).alias(name) for name in values), F.count(F.lit(1)).alias("n_lines")]


def _first_and_newest_file() -> list[Column]:
    return [F.min("file_number").alias("first_file"), F.max("file_number").alias("file_number")]


def _shuffled(good: DataFrame, keys: list[str], n_lines: int, n_tasks: int) -> DataFrame:
    # one shuffle by part of the key serves every sum; how few lines are spread is left to Spark
    n_parts = n_lines // LINES_PER_SUM
    return good.repartition(n_parts, *keys[:2]) if n_parts > n_tasks else good.repartition(*keys[:2])


def _in_few_files(sums_of_keys: DataFrame, n_lines: int, n_tasks: int) -> DataFrame:
    # a task sums one part after the other and writes one file
    n_parts = n_lines // LINES_PER_SUM
    return sums_of_keys.coalesce(max(n_tasks, n_parts // PARTS_PER_FILE)) if n_parts > n_tasks else sums_of_keys


def versions(old: DataFrame, new: DataFrame, dataset: Dataset, said_again: DataFrame | None) -> DataFrame:
    """The rows of `new` that say something else than the file before them said of their location, product and day.

    Parameters
    ----------
    old : the rows of earlier batches; new : the rows of this one
    said_again : location x products whose rows are kept though they are the same: a line of them was rejected, and that
        they can be read again must be seen
    """
    of_day = ["location_id", "product_id", "day"]
    day = F.to_date("ordered_at").alias("day")
    fields = sorted(field.column for field in dataset.fields)
    hashed = F.xxhash64(*fields).alias("hash")
    touched = new.select("location_id", "product_id", day).distinct()
    known = old.select("location_id", "product_id", day, "file_number", hashed).join(
        touched, on=of_day, how="left_semi"
    )
    files = (
        known.unionByName(new.select("location_id", "product_id", day, "file_number", hashed))
        .groupBy(*of_day, "file_number")
        .agg(F.sort_array(F.collect_list("hash")).alias("said"))
    )
    by_file = W.partitionBy(*of_day).orderBy("file_number")
    is_same = F.coalesce(F.col("said") == F.lag("said").over(by_file), F.lit(False))
    same = files.withColumn("is_same", is_same).where("is_same").select(*of_day, "file_number")
    if said_again is not None:
        same = same.join(F.broadcast(said_again), on=["location_id", "product_id"], how="left_anti")
    return (
        new.withColumn("day", F.to_date("ordered_at"))
        .join(same, on=[*of_day, "file_number"], how="left_anti")
        .drop("day")
    )


def against(
    old: DataFrame, new: DataFrame, dataset: Dataset, keys: list[str], values: list[str], batch_id: int
) -> DataFrame:
    """What the new rows do to the table: all columns of the new row and `action`: insert, update, delete, same, or
    again.

    `again` is a row that this very batch wrote before a crash; `delete` rows are old rows whose group came anew without
    them.
    """
    together = [key for key in (dataset.replaced_together or keys) if key in keys] or keys
    touched = old.join(new.select(*together).distinct(), on=together, how="left_semi")
    columns = [*values, "n_lines", "file_number", "batch_id"]
    left = touched.select(*keys, *(F.col(name).alias(f"old_{name}") for name in columns), F.lit(True).alias("_is_old"))
    right = new.select(*keys, *columns, F.lit(True).alias("_is_new"))
    both = right.join(left, on=keys, how="full")
    equal = F.lit(True)
    for name in values:
        equal = equal & F.col(name).eqNullSafe(F.col(f"old_{name}"))
    action = (
        F.when(F.col("_is_old").isNull(), "insert")
        .when(F.col("_is_new").isNull(), "delete")
        .when(F.col("old_batch_id") == batch_id, "again")
        .when(equal, "same")
        .otherwise("update")
    )
    return both.select(*keys, *columns, action.alias("action"))
