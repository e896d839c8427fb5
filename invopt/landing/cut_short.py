"""Whether a text ends within a line, as where an upload broke off: what its end would have named would pass for gone.

What can't be told: a file that ends at a line's end, or within the last field of a line.
"""

from __future__ import annotations

import csv
import re

from invopt.landing.decoding import blocks
from invopt.landing.opening import opened
from invopt.landing.reading import Reading

TAIL = 1 << 16  # bytes in which the last two lines lie
# the whole first field of a line that is no record: a total, the number of rows
_FOOTER = re.compile(
    r"(?i)\W*(?:(?:(?:grand |sub)?total|summe?|gesamt|count|anzahl|eof|end of file|trailer|rows?|records?)\W*\d*"
    r"|\d+ (?:rows?|records?|lines?|zeilen|datensätze)(?: \w+)?)\W*"
)


def cut_short(path: str, reading: Reading, content: bytes | None = None) -> str | None:
    """Why a text that broke off is refused; None where it is whole."""
    tail = b""
    with opened(path, content) as stream:
        for block in blocks(stream, reading.encoding):
            tail = (tail + block)[-TAIL:]
    before, _, last = tail.rpartition(b"\n")
    text = last.decode("utf-8", "replace").strip()
    fields, whole = (_fields(line, reading.separator) for line in (last, before.rpartition(b"\n")[2]))
    n_fields = len(reading.columns)
    # where the line before it is short too, the lines are written so
    if not text or len(fields) >= n_fields or len(whole) != n_fields or _FOOTER.fullmatch(fields[0]):
        return None
    # a line that broke off in its first field begins as the one before it
    if len(fields) == 1 and not whole[0].startswith(text):
        return None
    return f"the file is cut short: it ends within the line {text[:80]!r}; land it again, whole, under a new name"


def _fields(line: bytes, separator: str) -> list[str]:
    try:
        return next(csv.reader([line.decode("utf-8", "replace").rstrip("\r")], delimiter=separator), [""])
    except csv.Error:
        return [""]
