"""From the texts of a line to its values; each kind's reading is in `readers/`, the rules are in `rules.py`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F

from invopt.pipelines.readers import moments
from invopt.pipelines.readers.blanks import NO_ID, NOTHING, trimmed, unless_nothing
from invopt.pipelines.readers.ids import in_form, read_id
from invopt.pipelines.readers.numbers import read_number
from invopt.pipelines.readers.reading import IS_PIECE, NUMBERS, Reading, made, name_of, text
from invopt.pipelines.readers.words import read_duration, read_flag, read_order_status, read_price_breaks
from invopt.pipelines.rules import is_broken
from invopt.tables.dataset import Dataset, Field
from invopt.tables.id_forms import ANY_TEXT, IdForms

# the struct that holds a line's texts: beside the typed columns, because Spark takes `Units` and `units` for one name
LANDED = "landed"


def typed(
    lines: DataFrame,
    dataset: Dataset,
    *,
    decimal: str | None = None,
    formats: Sequence[str] = (),
    zone: str | None = None,
    ids: IdForms | None = None,
    pieces: DataFrame | None = None,
) -> DataFrame:
    """A dataset's bronze lines with the silver columns beside what landed, and `is_broken`, whether a line breaks a
    rule.

    Texts, numbers, values and rules are made one after the other, so that each is computed once for all that use it.
    What is made of every line holds nothing that Spark can't compile into one loop: the rules' sentences, which it
    can't, are `broken_rules`, for few lines.

    Parameters
    ----------
    decimal : the declared decimal sign; None where none is declared, and a number like 1,234 could be two
    formats : declared date formats, Java patterns or `excel`
    zone : whose clocks show the moments that have no offset; UTC where it is not given
    ids : the forms of the ids, by column
    pieces : one column `product_id`, the products of which there are no fractions
    """
    reading = Reading(dataset, lines.columns, decimal, formats, zone)
    headers = [field.header for field in dataset.fields]
    landed = F.struct(*(F.col(f"`{header}`") for header in headers)).alias(LANDED)
    trimmed_texts = (trimmed(F.col(f"`{field.header}`")).alias(name_of(field, "text")) for field in dataset.fields)
    texts = lines.select(*(name for name in lines.columns if name not in headers), landed, *trimmed_texts)
    # an empty text is none
    texts = texts.withColumns(
        {name_of(field, "text"): F.when(text(field) != "", text(field)) for field in dataset.fields}
    )
    dates = reading.fields(*moments.KINDS)
    numbers = texts.withColumns(
        {
            name_of(field, "number"): read_number(text(field), field, decimal, reading.is_of_typed_file)
            for field in reading.fields(*NUMBERS)
        }
        | {
            name_of(field, "id"): text(field)
            if ANY_TEXT in (ids or {}).get(field.column, ())
            else unless_nothing(text(field), NO_ID if field.is_required else NOTHING)
            for field in reading.fields("id")
        }
        | {name_of(field, "is_usual"): moments.is_usual(text(field)) for field in dates}
        | {name_of(field, "iso"): moments.iso(text(field), reading.dates) for field in dates}
    )
    shown = numbers.withColumns(
        {
            name_of(field, "at"): moments.read_at(text(field), made(field, "iso"), field, reading.dates)
            for field in dates
        }
    )
    values = shown.withColumns({field.column: value(field, reading) for field in dataset.fields})
    if absent := {
        one.column: F.coalesce(one.column, F.lit(one.missing)) for one in dataset.fields if one.missing is not None
    }:
        values = values.withColumns(absent)
    if formed_ids := {name: in_form(F.col(name), forms) for name, forms in (ids or {}).items() if forms}:
        values = values.withColumns(formed_ids)
    if pieces is not None:
        values = _with_pieces(values, dataset, pieces)
    return values.withColumn("is_broken", is_broken(reading, pieces is not None))


def value(field: Field, reading: Reading) -> Column:
    """The typed value, NULL when there is none or the text can't be one."""
    raw = text(field)
    if field.kind == "id":
        return read_id(made(field, "id"), reading.decimal)
    if field.kind == "text":
        # a name that must be there, such as who ordered, may be any text
        return raw if field.is_required else unless_nothing(raw)
    if field.kind in moments.KINDS:
        return moments.read_moment(
            field, raw, made(field, "at"), made(field, "iso"), made(field, "is_usual"), reading.dates
        )
    if field.kind == "flag":
        return read_flag(raw)
    if field.kind == "order_status":
        return read_order_status(raw)
    if field.kind == "duration":
        return read_duration(raw)
    if field.kind == "price_breaks":
        return read_price_breaks(raw)
    number = made(field, "number")
    if field.kind == "price":
        return F.when(number != 0, number)
    if field.kind == "limit":
        return F.when(number != -1, number)
    return number


def _with_pieces(values: DataFrame, dataset: Dataset, pieces: DataFrame) -> DataFrame:
    """The lines with `is_piece`; only the few that have a fraction are looked up."""
    has_fraction = reduce(
        lambda one, other: one | other,
        (F.col(field.column) != F.floor(field.column) for field in dataset.fields if field.is_whole_of_piece),
    )
    # an observation keeps the optimizer from deriving facts of every value for the join
    seen = values.observe(Observation(), F.count(F.lit(1)).alias("lines"))
    lines = seen.withColumn("_fraction_of", F.when(has_fraction, F.col("product_id")))
    known = F.broadcast(
        pieces.select(F.col("product_id").alias("_fraction_of"), F.lit(True).alias(IS_PIECE)).distinct()
    )
    return lines.join(known, on="_fraction_of", how="left").drop("_fraction_of")
