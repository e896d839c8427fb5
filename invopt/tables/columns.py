"""A column of a table, declared once with its type, unit and meaning."""

from __future__ import annotations

from dataclasses import dataclass

# the name of the SQL type -> the types a column may have; Delta, Arrow and the DDL all derive from these names
SQL_TYPES = (
    "string",
    "boolean",
    "int",
    "bigint",
    "double",
    "date",
    "timestamp",
    "array<double>",
    "array<array<double>>",
    "array<string>",
    "map<string,array<double>>",
    "map<string,bigint>",
    "map<string,double>",
    "array<struct<step:string,units:double,limit:double,price:double>>",
    "array<struct<warning:string,value:double,limit:double>>",
)


@dataclass(frozen=True)
class Column:
    """One column: name, Spark SQL type, unit ("" where there is none), meaning, and which values are allowed.

    minimum, maximum : the range of its numbers, ends included, at any depth of an array
    is_above_minimum : the minimum itself is not allowed
    default : stands for NULL where a policy reads the column, and for a column that `invopt.solve` is not given
    """

    name: str
    type: str
    unit: str
    meaning: str
    is_nullable: bool = True
    minimum: float | None = None
    maximum: float | None = None
    is_above_minimum: bool = False
    default: float | str | None = None

    def __post_init__(self) -> None:
        if self.type not in SQL_TYPES:
            raise ValueError(f"column {self.name}: type {self.type!r} is not one of {', '.join(SQL_TYPES)}")

    @property
    def range(self) -> str:
        """The range in words, "" where every finite number is allowed.

        >>> Column("lead_time", "double", "days", "from order to arrival", minimum=0, maximum=3650).range
        '0 or more and at most 3650'
        """
        parts = []
        if self.minimum is not None:
            parts.append(f"above {self.minimum:g}" if self.is_above_minimum else f"{self.minimum:g} or more")
        if self.maximum is not None:
            parts.append(f"at most {self.maximum:g}")
        return " and ".join(parts)


def required(name: str, type_: str, unit: str, meaning: str) -> Column:
    """A column that is never NULL."""
    return Column(name, type_, unit, meaning, is_nullable=False)


def optional(name: str, type_: str, unit: str, meaning: str) -> Column:
    """A column that may be NULL."""
    return Column(name, type_, unit, meaning)


# every table about items is keyed by these three: a transfer's source is a location, a purchase's a supplier
ITEM_KEYS = (
    Column("location_id", "string", "", "store, distribution centre or plant", is_nullable=False),
    Column("product_id", "string", "", "product", is_nullable=False),
    Column("source_id", "string", "", "where it comes from: a supplier or another location", is_nullable=False),
)
ITEM = tuple(column.name for column in ITEM_KEYS)
