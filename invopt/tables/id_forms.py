"""The forms that ids are brought to, where feeds write the same id in several ways: the setting `ids`.

A form is a regular expression and what stands for its first match; Python and Spark read these expressions alike.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

ANY_TEXT = "any_text"
# name -> (pattern, replacement): what `ids` may give; the order of the user's list is the order in which they are done
FORMS: Mapping[str, tuple[str, str]] = {
    "no_blanks": (r"[\s\u00a0\u200b\ufeff]+", ""),
    "no_leading_zeros": (r"^0+(?=.)", ""),
    "no_decimals": (r"\.0+$", ""),
    "no_prefix": (r"^[A-Za-z]+[-_ :#/.]*(?=\d)", ""),
    # changes nothing: texts that are words for nothing elsewhere, such as NULL or NA, are ids here
    ANY_TEXT: (r"(?!)", ""),
}
CASES = ("upper", "lower")
# "width 13": digits are filled up to this many with zeros
WIDTH = re.compile(r"width ([1-9]\d?)")
ALLOWED = (*FORMS, *CASES, "width N")

# forms of ids by the column that holds them
IdForms = Mapping[str, Sequence[str]]


def width_of(form: str) -> int | None:
    """The number of digits of "width 13"; None for another form."""
    found = WIDTH.fullmatch(form)
    return int(found[1]) if found else None


def is_form(form: str) -> bool:
    """Whether there is such a form."""
    return form in FORMS or form in CASES or width_of(form) is not None


def formed(text: str, forms: Sequence[str]) -> str:
    """An id in its form.

    >>> formed("sku-00123", ["no_prefix", "no_leading_zeros"])
    '123'
    >>> formed("4 006 381", ["no_blanks", "width 13"])
    '0000004006381'
    >>> formed("0", ["no_leading_zeros", "upper"])
    '0'
    """
    for form in forms:
        if form in FORMS:
            text = re.sub(*FORMS[form], text)
        elif form in CASES:
            text = getattr(text, form)()
        elif re.fullmatch(r"[0-9]+", text):
            text = text.zfill(width_of(form) or 0)
    return text
