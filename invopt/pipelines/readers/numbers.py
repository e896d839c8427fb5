"""Numbers in the notations of every common system, where they have one meaning.

    12.5, 1e3, +5, .5, 5-, (5)                  read
    1,234.56   1.234,56   1 234,5   1'234.5     read: the last sign is the decimal sign
    1,234,567   1.234.567                       read: a sign that comes twice parts thousands
    12,5   0,125                                read: these can't be thousands
    1,234                                       1234 or 1.234: rejected unless the decimal sign is declared
    $5   5 EUR                                  read where the unit is money
    95 %                                        0.95 where the unit is a fraction
    1.5f   0x1p3   NaN   Infinity   5 kg        no numbers

A declared decimal sign decides all of them: with "," 1.234 is 1234, and 1.5 is no number.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from invopt.tables.dataset import Field

_FIRST = r"[1-9]\d{0,2}"
_BLANKS = rf"({_FIRST}(?:[ '’]\d{{3}})+)(?:[SIGN](\d*))?"
_PLAIN = r"(\d*)\.?(\d*)((?:[eE][+-]?\d+)?)"
_WHOLE = r"(\d+)((?:[eE][+-]?\d+)?)"
# decimal sign -> the notations that it allows: (pattern with groups, which groups are digits before the decimal sign,
# after it, and an exponent)
_NOTATIONS: dict[str | None, tuple[tuple[str, str], ...]] = {
    None: (
        (_BLANKS.replace("SIGN", ".,"), "wf"),
        (rf"({_FIRST}(?:,\d{{2,3}})*,\d{{3}})\.(\d*)", "wf"),
        (rf"({_FIRST}(?:\.\d{{3}})+),(\d*)", "wf"),
        (rf"({_FIRST}(?:,\d{{3}}){{2,}})", "w"),
        (rf"({_FIRST}(?:\.\d{{3}}){{2,}})", "w"),
        (rf"(?!{_FIRST},\d{{3}}(?!\d))(\d*),(\d+)", "wf"),
        (_PLAIN, "wfe"),
    ),
    ".": (
        (_BLANKS.replace("SIGN", "."), "wf"),
        (rf"({_FIRST}(?:,\d{{2,3}})*,\d{{3}})(?:\.(\d*))?", "wf"),
        (_PLAIN, "wfe"),
    ),
    ",": (
        (_BLANKS.replace("SIGN", ","), "wf"),
        (rf"({_FIRST}(?:\.\d{{3}})+)(?:,(\d*))?", "wf"),
        (r"(\d*),(\d+)", "wf"),
        (_WHOLE, "we"),
    ),
}
_AMBIGUOUS = rf"^[^\d]*{_FIRST},\d{{3}}[^\d]*$"


def read_number(
    text: Column, field: Field, decimal: str | None = None, is_of_typed_file: Column | None = None
) -> Column:
    """The finite number that a text is, NULL when it is none or could be two.

    decimal : the declared decimal sign of text files, None where none is declared
    is_of_typed_file : the line comes from a file whose columns have types: its numbers are written with a point
    """
    is_usual = F.substring(text, -1, 1) <= "9"
    if decimal == ",":
        has_no_point = ~text.contains(".")
        is_usual = is_usual & (has_no_point if is_of_typed_file is None else has_no_point | is_of_typed_file)
    # a suffix (1.5f) and hexadecimal digits are Java's, no data's
    quick = F.when(is_usual & ~text.contains("x"), text.try_cast("double"))
    number = F.coalesce(quick, _in_any_notation(text, field, decimal))
    # NaN is above every number
    return F.when(F.abs(number) < F.lit(1e300), number)


def _in_any_notation(text: Column, field: Field, decimal: str | None) -> Column:
    """One replacement brings a text to the form -1234;56E7; a text of no notation becomes a lone ";", which is no
    number.
    """
    groups: dict[str, list[str]] = {"w": [], "f": [], "e": []}
    notations, number = [], 2  # the groups 1 and 2 are signs
    for pattern, meanings in _NOTATIONS[decimal]:
        notations.append(pattern)
        for meaning in meanings:
            number += 1
            groups[meaning].append(f"${number}")
    money = r"(?:\p{Sc}|[A-Z]{3})?" if field.unit.startswith("money") else ""
    percent = "%?" if field.unit == "fraction" else ""
    minus_after = number + 1
    pattern = (
        rf"^(?=[^()]*$|\([^()]*\)$)([+\-−(]?) ?{money} ?([+\-−]?)"
        rf"(?:{'|'.join(notations)}) ?{money}{percent} ?([\-−]?)\)?$"
        r"|(?s)^.*$"
    )
    parts = f"$1$2${minus_after}{''.join(groups['w'])};{''.join(groups['f'])}{''.join(groups['e'])}"
    written = F.regexp_replace(text, pattern, parts)
    number_column = F.translate(written, ";−(., '’", ".--").try_cast("double")
    if not percent:
        return number_column
    return F.when(text.endswith("%"), number_column / 100).otherwise(number_column)


def why_no_number(text: Column, decimal: str | None, dataset_name: str) -> list[tuple[Column, Column]]:
    """(condition, what is told) for a text that is a number in two notations."""
    if decimal is not None:
        return []
    commas_part = F.regexp_replace(text, r"[^\d]", "")
    comma_is_point = F.regexp_replace(F.replace(text, F.lit(","), F.lit(".")), r"[^\d.]", "")
    told = F.concat(
        F.lit("may be "),
        commas_part,
        F.lit(" or "),
        comma_is_point,
        F.lit(f" (say what parts decimals by `decimal` under `mapping: {dataset_name}`)"),
    )
    return [(text.rlike(_AMBIGUOUS), told)]
