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
        required(
            "status",
            "string",
            "",
            "ingested, rejected or ignored; `pending` and `refused` while the lines of the batch are being written",
        ),
        optional("problem", "string", "", "why it was not ingested, or what was odd about it"),
        optional("n_lines", "bigint", "lines", "its lines in the dataset's bronze table, also of a rejected file"),
        optional("dates", "string", "", "dmy or mdy: how its dates in figures are read; none where they are plain"),
        optional(
            "read_with",
            "string",
            "",
            "hash of the settings it was read with: when they change, a file that was not ingested is looked at again",
        ),
        optional(
            "known_on",
            "date",
            "",
            "the day from which what it says is known: the one in its name or its folder's, else that of the as_of of "
            "the run that took it; none in files that an older version took: known for ever",
        ),
        optional("taken_on", "date", "", "the day of the as_of of the run that took it"),
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
