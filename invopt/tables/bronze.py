"""bronze: what landed, every field as text."""

from __future__ import annotations

from invopt.tables.columns import optional, required
from invopt.tables.dataset import Dataset
from invopt.tables.table import BATCH, Table

FILES = Table(
    "bronze.files",
    "every file seen in the landing zone",
    (
        required("file_number", "bigint", "", "order of arrival: by batch, then time of change, then path"),
        required("file", "string", "", "path"),
        optional("dataset", "string", "", "the dataset it belongs to; none when its name fits no dataset"),
        required("batch_id", "bigint", "", "number of the ingest batch"),
        required("file_modified_at", "timestamp", "", "time of change when it was read"),
        required("file_bytes", "bigint", "bytes", "size when it was read"),
        required("status", "string", "", "ingested, rejected or ignored"),
        optional("problem", "string", "", "why it was not ingested, or what was odd about it"),
        optional("dates", "string", "", "order of its numeric dates, dmy or mdy; none when it has no such dates"),
        optional("n_lines", "bigint", "lines", "lines read from it"),
    ),
    ("file_number",),
)


def bronze(dataset: Dataset) -> Table:
    """The table of a dataset's lines as they landed: the guide's headers, every field as text."""
    fields = tuple(optional(field.header, "string", field.unit, field.meaning) for field in dataset.fields)
    return Table(
        f"bronze.{dataset.name}",
        f"lines of the files of {dataset.name}, every field as text",
        (
            BATCH,
            required("file_number", "bigint", "", "the file, in bronze.files"),
            *fields,
            optional(
                "malformed_line", "string", "", "the whole line, where it does not have as many fields as the header"
            ),
        ),
        (),
        ("batch_id",),
    )
