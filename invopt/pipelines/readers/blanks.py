"""Blanks around a text, and texts that say that there is nothing."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

# blanks of fixed width and the like: inside a text they look like a plain blank, and are read as one
_HARD_BLANKS = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
# of no width at all: byte-order mark, zero-width blank, word joiner, marks of the writing direction
_UNSEEN = "\ufeff\u200b\u2060\u200e\u200f"
_PLAIN_BLANKS = " \t\r\n\x0b\x0c"

# how databases and spreadsheets write that there is no value, in lower case: no system gives such an id
NO_ID = (
    "null", "(null)", "[null]", "<null>", "\\n", "<na>", "#n/a", "#n/a n/a", "#na", "#null!",
    "-", "--", "---", "?", ".",
)  # fmt: skip
# and how languages write it: a product may be called NA or none
NOTHING = (
    *NO_ID, "nil", "none", "nan", "-nan", "nat", "na", "n/a", "n.a.", "missing", "unknown", "undefined", "empty",
)  # fmt: skip


def trimmed(raw: Column) -> Column:
    """The text without blanks around it, with plain blanks inside; it may be empty.

    Two quick looks find the few texts with anything but ASCII, or with a blank or control character at an end.
    """
    is_odd = (F.octet_length(raw) != F.length(raw)) | (raw < "!") | (F.substring(raw, -1, 1) < "!")
    plain = F.translate(raw, _HARD_BLANKS + _UNSEEN, " " * len(_HARD_BLANKS))
    return F.when(is_odd, F.btrim(plain, F.lit(_PLAIN_BLANKS))).otherwise(raw)


def says_nothing(text: Column) -> Column:
    """Whether a text is a word for nothing, in any case."""
    return is_one_of(F.lower(text), NOTHING)


def is_one_of(text: Column, words: Sequence[str]) -> Column:
    """Whether a text is one of the words, which hold no comma: one literal, and not one per word, keeps plans small."""
    return F.find_in_set(text, F.lit(",".join(words))) > 0


def unless_nothing(text: Column, words: Sequence[str] = NOTHING) -> Column:
    """The text, NULL when it is one of the words; ids, which mostly begin with a digit, are not put in lower case."""
    begins_with_digit = (text >= "0") & (text < ":")
    return F.when(begins_with_digit | ~is_one_of(F.lower(text), words), text)
