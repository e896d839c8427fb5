"""From the text of a field to its value, and the rules that a line may break."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from invopt.tables.dataset import Dataset, Field

_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}
_NUMBER = r"\d+(\.\d+)?"
_PRICE_BREAKS = rf"^\s*{_NUMBER}\s*:\s*{_NUMBER}\s*(;\s*{_NUMBER}\s*:\s*{_NUMBER}\s*)*$"
_TRUE, _FALSE = ("true", "1", "yes", "y"), ("false", "0", "no", "n")


# the struct that holds a line's texts: beside the typed columns, because Spark takes `Units` and `units` for one name
LANDED = "landed"
# kinds whose text is first of all a number
_NUMBERS = ("number", "price", "limit")


def typed(lines: DataFrame, dataset: Dataset) -> DataFrame:
    """A dataset's bronze lines with the silver columns beside what landed, and `is_broken`, whether a line breaks a
    rule.

    Texts, numbers, values and rules are made one after the other, so that each is computed once for all that use it.
    What is made of every line holds nothing that Spark can't compile into one loop: the rules' sentences, which it
    can't, are `broken_rules`, for few lines.
    """
    headers = [field.header for field in dataset.fields]
    landed = F.struct(*(F.col(f"`{header}`") for header in headers)).alias(LANDED)
    trimmed = (F.trim(F.col(f"`{field.header}`")).alias(_text_name(field)) for field in dataset.fields)
    texts = lines.select(*(name for name in lines.columns if name not in headers), landed, *trimmed)
    # an empty text is none
    texts = texts.withColumns({_text_name(field): F.when(text(field) != "", text(field)) for field in dataset.fields})
    numbers = texts.withColumns(
        {_number_name(field): text(field).try_cast("double") for field in dataset.fields if field.kind in _NUMBERS}
    )
    return numbers.withColumns({field.column: value(field) for field in dataset.fields}).withColumn(
        "is_broken", _is_broken(dataset)
    )


def _text_name(field: Field) -> str:
    return f"{field.column}_text"


def _number_name(field: Field) -> str:
    return f"{field.column}_number"


def text(field: Field) -> Column:
    """The trimmed text, NULL when it is empty."""
    return F.col(_text_name(field))


def value(field: Field) -> Column:
    """The typed value, NULL when there is none or the text can't be one.

    >>> value.__name__
    'value'
    """
    raw = text(field)
    if field.kind == "id":
        # a float id that is whole is the id that it was made from: "5.0" is "5"
        # told by two quick looks first: the expression is slow, and of millions of ids hardly one ends so
        is_whole = raw.endswith("0") & raw.contains(".0") & raw.rlike(r"^-?\d+\.0+$")
        return F.when(is_whole, F.regexp_replace(raw, r"\.0+$", "")).otherwise(raw)
    if field.kind == "text":
        return raw
    if field.kind == "timestamp":
        return F.coalesce(
            raw.try_cast("timestamp"),
            F.try_to_timestamp(raw, F.lit("MM/dd/yyyy HH:mm:ss")),
            F.try_to_timestamp(raw, F.lit("MM/dd/yyyy")),
        )
    if field.kind == "flag":
        low = F.lower(raw)
        return F.when(low.isin(*_TRUE), True).when(low.isin(*_FALSE), False)
    if field.kind == "duration":
        return F.when(raw == "-1", F.lit(None)).otherwise(_days(raw)).cast("int")
    if field.kind == "price_breaks":
        return F.when(raw.rlike(_PRICE_BREAKS), F.regexp_replace(raw, r"\s", ""))
    number = F.col(_number_name(field))
    # NaN is above every number
    number = F.when(F.abs(number) < F.lit(1e300), number)
    if field.kind == "price":
        return F.when(number != 0, number)
    if field.kind == "limit":
        return F.when(number != -1, number)
    return number


def _days(raw: Column) -> Column:
    """ "3 days", "1 week", "2 months" and "3" in days, NULL when it is none of these."""
    low = F.lower(raw)
    count = F.regexp_extract(low, r"^(\d+)(?:\.0+)?\s*(?:(?:day|week|month|year)s?)?$", 1).try_cast("int")
    unit = F.regexp_extract(low, r"(day|week|month|year)s?$", 1)
    factor = F.lit(1)
    for name, days in _DAYS.items():
        factor = F.when(unit == name, days).otherwise(factor)
    # 99999999 months are more than an int holds
    return F.try_multiply(count, factor)


def _is_broken(dataset: Dataset) -> Column:
    broken = [F.coalesce(condition, F.lit(False)) for field in dataset.fields for condition, _ in _rules(field)]
    return reduce(lambda one, other: one | other, broken, F.col("malformed_line").isNotNull())


def broken_rules(dataset: Dataset) -> Column:
    """The rules that a line breaks, as an array of sentences that name the column and the text; empty for a good
    line.
    """
    sentences = (F.when(condition, sentence) for field in dataset.fields for condition, sentence in _rules(field))
    malformed = F.array(F.lit("the line does not have as many fields as the header, or its quotes are not closed"))
    return F.when(F.col("malformed_line").isNotNull(), malformed).otherwise(F.array_compact(F.array(*sentences)))


_WHAT_IT_IS_NOT = {
    "timestamp": "is not a date",
    "flag": "is not True or False",
    "duration": 'is not a duration like "3 days"',
    "price_breaks": 'is not a list of quantities and prices like "50: 9.5; 100: 9"',
}


def _rules(field: Field) -> list[tuple[Column, Column]]:
    """(condition, sentence) of each rule of a field; a condition that is NULL is not broken."""
    raw, typed = text(field), F.col(field.column)

    def broken(condition: Column, what: str) -> tuple[Column, Column]:
        return condition, F.concat(F.lit(f"{field.header} {what}: "), F.coalesce(raw, F.lit("nothing")))

    rules = []
    if field.is_required:
        rules.append((raw.isNull(), F.lit(f"{field.header} is missing")))
    if field.kind not in ("id", "text"):
        # a limit of -1 and a price of 0 are read as "none" on purpose
        means_none = F.lit(False)
        if field.kind in ("limit", "duration"):
            means_none = raw.try_cast("double") == -1
        elif field.kind == "price":
            means_none = raw.try_cast("double") == 0
        what = _WHAT_IT_IS_NOT.get(field.kind, "is not a number")
        rules.append(broken(raw.isNotNull() & typed.isNull() & ~F.coalesce(means_none, F.lit(False)), what))
    if field.minimum is not None:
        rules.append(broken(typed < field.minimum, f"is below {field.minimum:g}"))
    if field.maximum is not None:
        rules.append(broken(typed > field.maximum, f"is above {field.maximum:g}"))
    if field.is_whole:
        rules.append(broken(typed != F.floor(typed), "is not a whole number"))
    return rules
