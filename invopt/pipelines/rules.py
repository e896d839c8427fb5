"""The rules that a line may break: whether it breaks one, for every line, and their sentences, for few."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from invopt.pipelines.readers import moments
from invopt.pipelines.readers.blanks import says_nothing
from invopt.pipelines.readers.numbers import why_no_number
from invopt.pipelines.readers.reading import FILE_PROBLEM, IS_PIECE, NUMBERS, Reading, made, text
from invopt.tables.dataset import Dataset, Field


def _means_none(field: Field) -> Column:
    """Whether a text that has no value says so: a word for nothing, a limit of -1, a price of 0, the date 0."""
    raw = text(field)
    means_none = says_nothing(raw)
    if field.kind == "limit":
        means_none = means_none | (made(field, "number") == -1)
    elif field.kind == "duration":
        means_none = means_none | (raw.try_cast("double") == -1)
    elif field.kind == "price":
        means_none = means_none | (made(field, "number") == 0)
    elif field.kind in moments.KINDS:
        means_none = means_none | moments.is_zero_date(raw)
    return F.coalesce(means_none, F.lit(False))


def is_broken(reading: Reading, has_pieces: bool) -> Column:
    broken = [F.col("malformed_line").isNotNull()]
    if reading.has_rejected_files:
        broken.append(F.col(FILE_PROBLEM).isNotNull())
    for field in reading.dataset.fields:
        known = F.col(field.column)
        if field.is_required:
            broken.append(known.isNull())
        elif field.kind != "text":
            broken.append(known.isNull() & text(field).isNotNull() & ~_means_none(field))
        broken += [F.coalesce(condition, F.lit(False)) for condition, _ in _ranges(field, has_pieces)]
    return reduce(lambda one, other: one | other, broken)


def broken_rules(
    rows: DataFrame, dataset: Dataset, *, decimal: str | None = None, formats: Sequence[str] = ()
) -> Column:
    """The rules that a line breaks, as an array of sentences that name the column and the text; empty for a good
    line.

    rows : what `typed` made with the same settings
    """
    reading = Reading(dataset, rows.columns, decimal, formats, None)
    sentences = []
    for field in dataset.fields:
        sentences.append(_why_no_value(field, reading))
        sentences += [
            F.when(condition, F.concat(F.lit(f"{field.header} {what}: "), text(field)))
            for condition, what in _ranges(field, IS_PIECE in rows.columns)
        ]
    malformed = F.array(F.lit("the line does not have as many fields as the header, or its quotes are not closed"))
    rules = F.when(F.col("malformed_line").isNotNull(), malformed).otherwise(F.array_compact(F.array(*sentences)))
    if not reading.has_rejected_files:
        return rules
    return F.when(F.col(FILE_PROBLEM).isNotNull(), F.array(F.col(FILE_PROBLEM))).otherwise(rules)


_WHAT_IT_IS_NOT = {
    "flag": "is not True or False",
    "order_status": "is no state of an order that is known, such as open, received or cancelled",
    "duration": 'is not a duration like "3 days"',
    "price_breaks": 'is not a list of quantities and prices like "50: 9.5; 100: 9"',
}


def _why_no_value(field: Field, reading: Reading) -> Column:
    """The sentence about a field that has no value, NULL where it has one or may have none."""
    raw = text(field)
    header, name = field.header, reading.dataset.name
    if field.kind in moments.KINDS:
        causes = moments.why_no_moment(raw, made(field, "at"), field, reading.dates, name)
    elif field.kind in NUMBERS:
        causes = [*why_no_number(raw, reading.decimal, name), (F.lit(True), F.lit("is not a number"))]
    elif field.kind == "id":
        causes = [(F.lit(True), F.lit("was a number that has lost its last digits; export the column as text"))]
    else:
        causes = [(F.lit(True), F.lit(_WHAT_IT_IS_NOT.get(field.kind, "can't be read")))]
    sentence = F.lit(None).cast("string")
    for condition, what in reversed(causes):
        told = F.concat(F.lit(f"{header} "), what, F.lit(": "), raw)
        sentence = F.when(F.coalesce(condition, F.lit(False)), told).otherwise(sentence)
    missing = F.lit(None).cast("string")
    cure = f"; where that is an id, set `ids: {{{field.column}: any_text}}`" if field.kind == "id" else ""
    if field.is_required:
        missing = F.when(raw.isNull(), F.lit(f"{header} is missing")).otherwise(
            F.concat(F.lit(f"{header} is missing (it says "), raw, F.lit(")" + cure))
        )
    has_none = raw.isNull() | _means_none(field)
    return F.when(F.col(field.column).isNull(), F.when(has_none, missing).otherwise(sentence))


def _ranges(field: Field, has_pieces: bool) -> list[tuple[Column, str]]:
    """(condition, what is told) of the rules that a value may break; a condition that is NULL is not broken."""
    known, (least, most) = F.col(field.column), field.range
    rules = []
    if least is not None:
        rules.append((known < least, f"is below {least:,g}"))
    if most is not None:
        rules.append((known > most, f"is above {most:,g}"))
    if field.is_whole_of_piece and has_pieces:
        is_fraction = (known != F.floor(known)) & F.col(IS_PIECE)
        rules.append((is_fraction, "is not a whole number, and the product's UnitOfMeasure is piece"))
    return rules
