"""Texts that are neither ids nor numbers nor dates: truth values, durations, price breaks."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from invopt.pipelines.readers.blanks import is_one_of

# in lower case; English, German, French, Italian and Spanish, Portuguese, and what spreadsheets and databases write
TRUE = (
    "true", "t", "yes", "y", "1", "1.0", "on", "x", "✓", "✔",
    "wahr", "ja", "j", "vrai", "oui", "o", "vero", "sì", "si", "sí", "s", "verdadero", "verdadeiro", "sim",
)  # fmt: skip
FALSE = (
    "false", "f", "no", "n", "0", "0.0", "off", "falsch", "nein", "faux", "non", "falso", "não", "nao",
)  # fmt: skip

# the states of an order, in lower case and without blanks, hyphens and underscores
STATES = {
    "open": (
        "open", "ordered", "placed", "sent", "new", "pending", "draft", "submitted", "released", "approved",
        "confirmed", "acknowledged", "purchase", "processing", "inprogress", "backordered", "shipped", "intransit",
        "partial", "partially", "partiallyreceived", "partlyreceived", "partiallydelivered", "offen", "bestellt",
    ),
    "received": (
        "received", "fullyreceived", "delivered", "fulfilled", "complete", "completed", "closed", "done", "arrived",
        "finished", "invoiced", "geliefert", "erledigt",
    ),
    "cancelled": (
        "cancelled", "canceled", "cancel", "void", "voided", "deleted", "rejected", "declined", "storniert",
    ),
}  # fmt: skip

_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}
_NUMBER = r"\d{1,13}(\.\d+)?"
_PRICE_BREAKS = rf"^\s*{_NUMBER}\s*:\s*{_NUMBER}\s*(;\s*{_NUMBER}\s*:\s*{_NUMBER}\s*)*$"
_LONGEST = 2_000_000_000  # fits an int


def read_flag(text: Column) -> Column:
    """True or False, NULL when the text is a word for neither."""
    low = F.lower(text)
    return F.when(is_one_of(low, TRUE), True).when(is_one_of(low, FALSE), False)


def read_order_status(text: Column) -> Column:
    """open, received or cancelled; NULL when the text is a word for none of them."""
    plain = F.regexp_replace(F.lower(text), r"[\s_-]+", "")
    found = F.lit(None).cast("string")
    for name, words in STATES.items():
        found = F.when(is_one_of(plain, words), name).otherwise(found)
    return found


def read_duration(text: Column) -> Column:
    """ "3 days", "1 week", "2 months" and "3" in days; NULL for -1, which means none, and for what is none of these.

    What no int holds is the largest, and above every field's maximum.
    """
    low = F.lower(text)
    count = F.regexp_extract(low, r"^(\d+)(?:\.0+)?\s*(?:(?:day|week|month|year)s?)?$", 1).try_cast("double")
    unit = F.regexp_extract(low, r"(day|week|month|year)s?$", 1)
    factor = F.lit(1)
    for name, days in _DAYS.items():
        factor = F.when(unit == name, days).otherwise(factor)
    days = count * factor
    return F.when(days < _LONGEST, days.cast("int")).when(days >= _LONGEST, _LONGEST)


def read_price_breaks(text: Column) -> Column:
    """ "50: 9.5; 100: 9" without its blanks, NULL when the text is no such list."""
    return F.when(text.rlike(_PRICE_BREAKS), F.regexp_replace(text, r"\s", ""))
