"""How the texts of a dataset are read, and the columns between a text and its value."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

from invopt.pipelines.readers.moments import DateReading
from invopt.tables.dataset import Dataset, Field

# kinds whose text is first of all a number
NUMBERS = ("number", "price", "limit")
# what a line may bring beside its texts: the problem of its rejected file, the order of that file's numeric dates, and
# whether that file's columns have types, so that its numbers were written by us
FILE_PROBLEM, DATES, IS_OF_TYPED_FILE = "file_problem", "dates", "is_of_typed_file"
# the product of a line with a fraction is counted in pieces
IS_PIECE = "is_piece"


class Reading:
    """How the texts of a dataset are read; the parameters are those of `typed`."""

    def __init__(
        self, dataset: Dataset, columns: Sequence[str], decimal: str | None, formats: Sequence[str], zone: str | None
    ):
        self.dataset = dataset
        self.decimal = decimal
        self.dates = DateReading(tuple(formats), zone, DATES in columns)
        self.is_of_typed_file = F.col(IS_OF_TYPED_FILE) if IS_OF_TYPED_FILE in columns else None
        self.has_rejected_files = FILE_PROBLEM in columns

    def fields(self, *kinds: str) -> list[Field]:
        return [field for field in self.dataset.fields if field.kind in kinds]


def name_of(field: Field, what: str) -> str:
    """The column of what is made of a field on the way to its value: its text, number, iso, at, is_usual."""
    return f"{field.column}_{what}"


def made(field: Field, what: str) -> Column:
    return F.col(name_of(field, what))


def text(field: Field) -> Column:
    """The trimmed text, NULL when it is empty."""
    return made(field, "text")
