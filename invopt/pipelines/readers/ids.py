"""Ids are texts: leading zeros, letter case and text stay; only what a float column made of a number is undone.

4006381333931.0     -> 4006381333931   a column of numbers with an empty cell, as text
4.006381333931E12   -> 4006381333931   the same as Java writes it
4.006381333931e+12  -> 4006381333931   the same as C and Python write it
1.23457E+12         rejected           a spreadsheet wrote it: the last digits are lost
1E5, 007, 01.0      stay as they are   no float is written so
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

from invopt.tables.id_forms import CASES, FORMS, width_of

# a float is exact up to here; the ids of larger ones have been rounded
_EXACT = 2.0**53
# whole numbers that a float holds exactly, and those that it has rounded
_WHOLE, _ROUNDED = r"(-?(?:0|[1-9]\d{0,14}|[1-8]\d{15}))[SIGN]0+", r"-?[1-9]\d{15,}[SIGN]0+"
_WITH_EXPONENT = r"^-?[1-9][.,]\d+[eE]\+?\d+$|^-?[1-9]e\+\d\d+$"


def read_id(text: Column, decimal: str | None = None) -> Column:
    """The id that a text is, NULL when its last digits are lost.

    Two quick looks come first: of millions of ids hardly one begins with a digit and ends with ".0" or has an E.
    """
    sign = decimal or "."
    may_be_whole = text.endswith("0") & text.contains(f"{sign}0")
    whole = F.regexp_replace(text, f"^{_WHOLE}$|^{_ROUNDED}$".replace("SIGN", sign), "$1")
    has_exponent = (text < ":") & (text.contains("E") | text.contains("e")) & text.rlike(_WITH_EXPONENT)
    return (
        F.when(may_be_whole, F.nullif(whole, F.lit("")))
        .when(has_exponent, F.when(~has_lost_digits(text), _written_out(text)))
        .otherwise(text)
    )


def in_form(id_: Column, forms: Sequence[str]) -> Column:
    """The id in the forms that the setting `ids` gives: `id_forms.formed` for a column."""
    for form in forms:
        if form in FORMS:
            pattern, replacement = FORMS[form]
            id_ = F.regexp_replace(id_, pattern, replacement)
        elif form in CASES:
            id_ = F.upper(id_) if form == "upper" else F.lower(id_)
        else:
            is_short = id_.rlike("^[0-9]+$") & (F.length(id_) < width_of(form))
            id_ = F.when(is_short, F.lpad(id_, width_of(form), "0")).otherwise(id_)
    return id_


def _is_exact(digits: Column) -> Column:
    return F.abs(digits.try_cast("double")) < _EXACT


def _written_out(text: Column) -> Column:
    return F.replace(text, F.lit(","), F.lit(".")).try_cast("decimal(38,0)").cast("string")


def has_lost_digits(text: Column) -> Column:
    """Whether a number with an exponent does not show all of its digits.

    Java's shortest form ("4.0E12") is exact; a form with a plus sign is cut to a number of digits, unless it shows all.
    """
    shown = F.length(F.regexp_extract(text, r"[.,](\d+)", 1))
    exponent = F.regexp_extract(text, r"[eE]\+?(\d+)$", 1).try_cast("int")
    all_shown = (shown == exponent) | (~text.contains("+") & (shown < exponent))
    return ~F.coalesce(all_shown & _is_exact(F.replace(text, F.lit(","), F.lit("."))), F.lit(False))
