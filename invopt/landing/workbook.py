"""The rows of a sheet of an Excel workbook as text."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any

from invopt.landing.opening import UnreadableError

# a workbook unpacks in memory; a longer one is better landed as CSV or Parquet
MAX_BYTES = 1 << 30


def rows(path: str, content: bytes | None, sheet: str | None) -> Iterator[list[str | None]]:
    """The rows of a sheet, the first one where none is named; the rows that hold nothing are left out.

    Raises
    ------
    UnreadableError : it is no workbook, has no such sheet, or the package that reads workbooks is missing.
    """
    try:
        import defusedxml  # noqa: F401  openpyxl uses it where it is there: a sheet may come from anywhere
        from openpyxl import load_workbook
    except ImportError as error:
        raise UnreadableError("to read workbooks, install them: pip install 'invopt[xlsx]'") from error
    place: Any = path if content is None else io.BytesIO(content)
    try:
        with zipfile.ZipFile(place) as parts:
            if sum(part.file_size for part in parts.infolist()) > MAX_BYTES:
                raise UnreadableError("the workbook is larger than 1 GB when unpacked: land it as CSV or Parquet")
        book = load_workbook(place, read_only=True, data_only=True)
    except UnreadableError:
        raise
    except Exception as error:  # openpyxl raises what its many parsers raise
        raise UnreadableError(f"is not a readable workbook: {str(error)[:200] or type(error).__name__}") from error
    try:
        if sheet is not None and sheet not in book.sheetnames:
            raise UnreadableError(f"has no sheet {sheet!r}; its sheets: {', '.join(book.sheetnames)}")
        found = book[sheet] if sheet is not None else book.worksheets[0]
        for row in found.iter_rows(values_only=True):
            if any(value is not None and str(value).strip() for value in row):
                yield [_text(value) for value in row]
    except UnreadableError:
        raise
    except Exception as error:
        raise UnreadableError(f"the workbook is damaged: {str(error)[:200] or type(error).__name__}") from error
    finally:
        book.close()


def _text(value: Any) -> str | None:
    """A cell as text: 5.0 is 5, a date is written as in ISO 8601."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e16:
        return str(int(value))
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds") if value.time() != time() else str(value.date())
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
