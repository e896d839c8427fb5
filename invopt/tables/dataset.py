"""A dataset that lands as files: which files it is made of, their fields, and what a silver row of it is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from invopt.tables.columns import Column

# how the text of a field becomes a value, and the SQL type of that value
KINDS = {
    "id": "string",  # "5.0" is "5"
    "text": "string",
    "number": "double",
    "price": "double",  # 0 means that it is not known
    "limit": "double",  # -1 means no limit
    "duration": "int",  # "3 days", "1 week", "2 months", in days; empty means that there is none
    "timestamp": "timestamp",  # a moment: offsets and the zone of its file count
    "day": "timestamp",  # a day, with or without a clock, as it is written: no zone moves it
    "day_or_moment": "timestamp",  # at midnight sharp the day as it is written, else a moment
    "flag": "boolean",
    "order_status": "string",  # open, received or cancelled, in the words of common systems
    "price_breaks": "string",  # "50: 9.5; 100: 9": from 50 units on a unit costs 9.5, from 100 on 9
}

# costs, quantities and all other numbers beyond it are slips of the keyboard, and sums of them would drown the others
LARGEST = 1e12
# days: shelf lives and intervals end within a century, lead times within ten years
LONGEST, LONGEST_LEAD_TIME = 36_500, 3650


@dataclass(frozen=True)
class Field:
    """One column of a landed file and the silver column it becomes."""

    header: str
    column: str
    kind: str
    unit: str
    meaning: str
    is_required: bool = True  # a row without it is rejected, and so is a file whose header lacks it
    also: tuple[str, ...] = ()  # other spellings of the header, compared without case, blanks and underscores
    minimum: float | None = None
    maximum: float | None = None
    is_whole_of_piece: bool = False  # a fraction is refused where the product's UnitOfMeasure is `piece`
    may_lack: bool = False  # a file may come without this column
    missing: str | None = None  # stands in a key for a text that is not there: what is NULL is equal to nothing

    @property
    def range(self) -> tuple[float | None, float | None]:
        """The least and the largest value that is taken: without a declared one, what no chain reaches.

        >>> cost("Cost", "purchase_cost", "money/unit", "").range
        (0.0, 1000000000000.0)
        """
        is_number = KINDS[self.kind] == "double"
        least = self.minimum if self.minimum is not None else -LARGEST if is_number else None
        most = self.maximum if self.maximum is not None else LARGEST if is_number else None
        if self.kind == "duration" and most is None:
            most = LONGEST
        return least, most

    def silver_column(self) -> Column:
        return Column(
            self.column,
            KINDS[self.kind],
            self.unit,
            self.meaning,
            is_nullable=not self.is_required and self.missing is None,
        )


@dataclass(frozen=True)
class Dialect:
    """The way in which a user's files of one dataset are laid out, where it is not the usual one.

    glob : pattern of further paths below the landing zone, with their ending
    separator, encoding, sheet : of text files and workbooks; None: what the file itself tells
    dates : formats of dates, such as dd.MM.yyyy or excel; none: the usual ones
    constants : standard header -> the value of a column that the files lack
    decimal : what parts decimals; None: what a number alone, and its file, tell
    headers : standard header -> the user's own names of it
    """

    glob: str | None = None
    separator: str | None = None
    encoding: str | None = None
    sheet: str | None = None
    dates: tuple[str, ...] = ()
    constants: tuple[tuple[str, str], ...] = ()
    decimal: str | None = None
    headers: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class Dataset:
    """A kind of file: which files it is made of, their fields, and the key under which a later file replaces an
    earlier one.
    """

    name: str
    table: str
    meaning: str
    files: str  # regular expression on the path below the landing zone, without its ending
    fields: tuple[Field, ...]
    keys: tuple[str, ...]
    cluster_by: tuple[str, ...] = ()
    # a newer file replaces all rows that share these; the key itself where empty
    replaced_together: tuple[str, ...] = ()
    # how lines of one key become one row: one_line, summed, lots, distinct or versions; see pipelines/newest.py
    how: str = "one_line"
    keeps_history: bool = False  # a row says from when until when it holds; see pipelines/history.py
    delivery: str = "full"  # whether a delivery holds all rows (full) or only what has changed (delta)
    is_needed: bool = False  # without a file of it nothing can be ordered
    is_seldom: bool = False  # most chains have no file of it, so that there is none is not told
    dialect: Dialect = Dialect()

    def path_pattern(self) -> re.Pattern[str]:
        """The pattern of its files' paths; a folder may have the ending too, as those that Spark writes."""
        endings = r"(?:csv|tsv|json|jsonl|ndjson)(?:\.gz)?|parquet|xlsx|xlsm"
        named = rf"(?:{self.files})\.(?:{endings})"
        if self.dialect.glob:
            named += f"|{_glob_pattern(self.dialect.glob)}"
        return re.compile(rf"(?:^|/)(?:{named})\Z", re.IGNORECASE | re.DOTALL)

    def has(self, path: str) -> bool:
        """Whether a file with this path is one of its files."""
        return self.path_pattern().search(re.sub(r"(?i)\.(csv|parquet|json)(?=/)", "", path)) is not None

    @property
    def dates(self) -> tuple[Field, ...]:
        """The fields that hold days or moments."""
        return tuple(field for field in self.fields if KINDS[field.kind] == "timestamp")

    @property
    def tells_by_absence(self) -> bool:
        """Whether what a file does not name is gone: stock of a product, a row of a static table."""
        return self.how == "lots" or self.keeps_history

    @property
    def numbers(self) -> tuple[Field, ...]:
        """The fields that hold numbers."""
        return tuple(field for field in self.fields if KINDS[field.kind] == "double")


def normal_header(header: str) -> str:
    """The form in which headers are compared: no byte-order mark, quotes, blanks, underscores or case."""
    return re.sub(r"[\s_\"'\ufeff]", "", header).lower()


def identifier(header: str, column: str, meaning: str, *, also: tuple[str, ...] = ()) -> Field:
    return Field(header, column, "id", "", meaning, also=also)


def cost(header: str, column: str, unit: str, meaning: str, **more) -> Field:
    return Field(header, column, "number", unit, meaning, minimum=0.0, **more)


def static_file(name: str) -> str:
    """`stores.csv`, `stores_2017-02-01.csv` (a later delivery) or a folder `stores/part-0.csv`, never
    `store_storage.csv`; the folder may have a date too.
    """
    return rf"publicparameters/{name}(?:[_-]\d[^/]*)?(?:/[^/]+)?"


LOCATION = identifier("StoreID", "location_id", "store")
PRODUCT = identifier("ProductID", "product_id", "product")
SUPPLIER = identifier("SupplierID", "source_id", "supplier")


def _glob_pattern(glob: str) -> str:
    """A glob as a regular expression: `*` and `?` stay within a folder, `**` goes over folders."""
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    return "".join(parts.get(piece, re.escape(piece)) for piece in pieces)
