"""The lines of landed files as the bronze tables have them: every field as text, under the standard header."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from invopt.pipelines.context import Context
from invopt.pipelines.landed_files import Reading, date_in_name
from invopt.spark.frames import frame
from invopt.tables.dataset import Dataset


def shape(reading: Reading) -> tuple:
    """Files with the same format, header and (Parquet) types are read together."""
    return (reading.format, reading.headers, reading.types)


def bronze_lines(context: Context, dataset: Dataset, batch_id: int, alike: list[Reading]) -> DataFrame:
    """The lines of files that have the same header, as the bronze table has them."""
    first = alike[0]
    paths = [reading.file.path for reading in alike]
    names = [f"c{number}" for number in range(len(first.headers))]
    if first.format == "csv":
        schema = ", ".join(f"{name} string" for name in [*names, "malformed_line"])
        # without column pruning every line is parsed whole, so that one with too few or too many fields is seen
        lines = (
            context.spark.read.schema(schema)
            .option("header", "true")
            .option("columnPruning", "false")
            .option("mode", "PERMISSIVE")
            .option("columnNameOfCorruptRecord", "malformed_line")
            .option("enforceSchema", "true")
            .option("escape", '"')  # a quote inside quotes is doubled, as everywhere but in Spark's default
            .csv(paths)
        )
    else:
        lines = context.spark.read.parquet(*paths)
        lines = lines.select(
            *(
                F.col(f"`{header}`").cast("string").alias(name)
                for header, name in zip(first.headers, names, strict=True)
            ),
            F.lit(None).cast("string").alias("malformed_line"),
            "_metadata",
        )
    by_header = {column: name for column, name in zip(first.columns, names, strict=True) if column is not None}
    fields = []
    for field in dataset.fields:
        value = F.col(by_header[field.header]) if field.header in by_header else F.lit(None).cast("string")
        fields.append(value.alias(field.header))
    # small enough to go to every task; found by the path as Spark's metadata spell it, because decoding it costs more
    # than parsing a line
    known = frame(
        context.spark,
        [(reading.file.uri, reading.file.number, str(date_in_name(reading.file.path) or "")) for reading in alike],
        "uri string, file_number bigint, date_in_name string",
    )
    lines = lines.select(
        F.lit(batch_id).cast("bigint").alias("batch_id"),
        F.col("_metadata.file_path").alias("uri"),
        *fields,
        "malformed_line",
    )
    # were a file not found, its lines would have none, and bronze refuses that: they are never left out in silence
    lines = lines.join(F.broadcast(known), on="uri", how="left").drop("uri")
    if any(field.header == "ForecastDateTime" for field in dataset.fields):
        lines = lines.withColumn(
            "ForecastDateTime", F.coalesce("ForecastDateTime", F.nullif("date_in_name", F.lit("")))
        )
    return lines
