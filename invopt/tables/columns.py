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
)


@dataclass(frozen=True)
class Column:
    """One column: name, Spark SQL type, unit ("" where there is none), meaning, and whether NULL is allowed."""

    name: str
    type: str
    unit: str
    meaning: str
    is_nullable: bool = True

    def __post_init__(self) -> None:
        if self.type not in SQL_TYPES:
            raise ValueError(f"column {self.name}: type {self.type!r} is not one of {', '.join(SQL_TYPES)}")


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
