"""From the texts of a line to its values, and the rules that a line may break; each kind's reading is in `readers/`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F

from invopt.pipelines.readers import moments
from invopt.pipelines.readers.blanks import says_nothing, trimmed, unless_nothing
from invopt.pipelines.readers.ids import read_id
from invopt.pipelines.readers.moments import DateReading
from invopt.pipelines.readers.numbers import read_number, why_no_number
from invopt.pipelines.readers.words import read_duration, read_flag, read_price_breaks
from invopt.tables.dataset import Dataset, Field

# the struct that holds a line's texts: beside the typed columns, because Spark takes `Units` and `units` for one name
LANDED = "landed"
# kinds whose text is first of all a number
_NUMBERS = ("number", "price", "limit")
# what a line may bring beside its texts: the problem of its rejected file, the order of that file's numeric dates, and
# whether that file's columns have types, so that its numbers were written by us
FILE_PROBLEM, DATES, IS_OF_TYPED_FILE = "file_problem", "dates", "is_of_typed_file"
# the product of a line with a fraction is counted in pieces
_IS_PIECE = "is_piece"


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


def typed(
    lines: DataFrame,
    dataset: Dataset,
    *,
    decimal: str | None = None,
    formats: Sequence[str] = (),
    zone: str | None = None,
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
    pieces : one column `product_id`, the products of which there are no fractions
    """
    reading = Reading(dataset, lines.columns, decimal, formats, zone)
    headers = [field.header for field in dataset.fields]
    landed = F.struct(*(F.col(f"`{header}`") for header in headers)).alias(LANDED)
    trimmed_texts = (trimmed(F.col(f"`{field.header}`")).alias(_name(field, "text")) for field in dataset.fields)
    texts = lines.select(*(name for name in lines.columns if name not in headers), landed, *trimmed_texts)
    # an empty text is none
    texts = texts.withColumns(
        {_name(field, "text"): F.when(text(field) != "", text(field)) for field in dataset.fields}
    )
    dates = reading.fields(*moments.KINDS)
    numbers = texts.withColumns(
        {
            _name(field, "number"): read_number(text(field), field, decimal, reading.is_of_typed_file)
            for field in reading.fields(*_NUMBERS)
        }
        | {_name(field, "is_usual"): moments.is_usual(text(field)) for field in dates}
        | {_name(field, "iso"): moments.iso(text(field), reading.dates) for field in dates}
    )
    shown = numbers.withColumns(
        {_name(field, "at"): moments.read_at(text(field), _of(field, "iso"), field, reading.dates) for field in dates}
    )
    values = shown.withColumns({field.column: value(field, reading) for field in dataset.fields})
    if pieces is not None:
        values = _with_pieces(values, dataset, pieces)
    return values.withColumn("is_broken", _is_broken(reading, pieces is not None))


def _name(field: Field, what: str) -> str:
    return f"{field.column}_{what}"


def _of(field: Field, what: str) -> Column:
    return F.col(_name(field, what))


def text(field: Field) -> Column:
    """The trimmed text, NULL when it is empty."""
    return _of(field, "text")


def value(field: Field, reading: Reading) -> Column:
    """The typed value, NULL when there is none or the text can't be one."""
    raw = text(field)
    if field.kind == "id":
        return read_id(unless_nothing(raw), reading.decimal)
    if field.kind == "text":
        # a name that must be there, such as who ordered, may be any text
        return raw if field.is_required else unless_nothing(raw)
    if field.kind in moments.KINDS:
        return moments.read_moment(
            field, raw, _of(field, "at"), _of(field, "iso"), _of(field, "is_usual"), reading.dates
        )
    if field.kind == "flag":
        return read_flag(raw)
    if field.kind == "duration":
        return read_duration(raw)
    if field.kind == "price_breaks":
        return read_price_breaks(raw)
    number = _of(field, "number")
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
        pieces.select(F.col("product_id").alias("_fraction_of"), F.lit(True).alias(_IS_PIECE)).distinct()
    )
    return lines.join(known, on="_fraction_of", how="left").drop("_fraction_of")


def _means_none(field: Field) -> Column:
    """Whether a text that has no value says so: a word for nothing, a limit of -1, a price of 0, the date 0."""
    raw = text(field)
    means_none = says_nothing(raw)
    if field.kind == "limit":
        means_none = means_none | (_of(field, "number") == -1)
    elif field.kind == "duration":
        means_none = means_none | (raw.try_cast("double") == -1)
    elif field.kind == "price":
        means_none = means_none | (_of(field, "number") == 0)
    elif field.kind in moments.KINDS:
        means_none = means_none | moments.is_zero_date(raw)
    return F.coalesce(means_none, F.lit(False))


def _is_broken(reading: Reading, has_pieces: bool) -> Column:
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
            for condition, what in _ranges(field, _IS_PIECE in rows.columns)
        ]
    malformed = F.array(F.lit("the line does not have as many fields as the header, or its quotes are not closed"))
    rules = F.when(F.col("malformed_line").isNotNull(), malformed).otherwise(F.array_compact(F.array(*sentences)))
    if not reading.has_rejected_files:
        return rules
    return F.when(F.col(FILE_PROBLEM).isNotNull(), F.array(F.col(FILE_PROBLEM))).otherwise(rules)


_WHAT_IT_IS_NOT = {
    "flag": "is not True or False",
    "duration": 'is not a duration like "3 days"',
    "price_breaks": 'is not a list of quantities and prices like "50: 9.5; 100: 9"',
}


def _why_no_value(field: Field, reading: Reading) -> Column:
    """The sentence about a field that has no value, NULL where it has one or may have none."""
    raw = text(field)
    header, name = field.header, reading.dataset.name
    if field.kind in moments.KINDS:
        causes = moments.why_no_moment(raw, _of(field, "at"), field, reading.dates, name)
    elif field.kind in _NUMBERS:
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
    if field.is_required:
        missing = F.when(raw.isNull(), F.lit(f"{header} is missing")).otherwise(
            F.concat(F.lit(f"{header} is missing (it says "), raw, F.lit(")"))
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
        is_fraction = (known != F.floor(known)) & F.col(_IS_PIECE)
        rules.append((is_fraction, "is not a whole number, and the product's UnitOfMeasure is piece"))
    return rules
