"""The rows of a sheet of an Excel workbook as text."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from typing import Any

from invopt.landing.opening import UnreadableError

# a workbook unpacks in memory; a longer one is better landed as CSV or Parquet
MAX_BYTES = 1 << 30


def chosen_sheet(path: str, content: bytes | None, declared: str | None) -> tuple[str, list[str]]:
    """The sheet that is read, the declared one or the first visible one that holds something, and all others.

    Raises
    ------
    UnreadableError : it is no workbook, has no such sheet, or the package that reads workbooks is missing.
    """
    with _opened(path, content, has_formulas=False) as book:
        names = book.sheetnames
        if declared is not None and declared not in names:
            raise UnreadableError(f"has no sheet {declared!r}; its sheets: {', '.join(names)}")
        visible = [sheet.title for sheet in book.worksheets if sheet.sheet_state == "visible"]
        filled = (name for name in visible if next(_filled(book, name), None) is not None)
        sheet = declared or next(filled, None) or names[0]
    return sheet, [name for name in names if name != sheet]


def rows(path: str, content: bytes | None, sheet: str) -> Iterator[list[str | None]]:
    """The rows of a sheet; those that hold nothing are left out.

    Raises
    ------
    UnreadableError : it is damaged, or a cell has a formula and no value.
    """
    with _opened(path, content, has_formulas=False) as book:
        if not _has_formulas(path, content):
            for _, row in _filled(book, sheet):
                yield [_text(value) for value in row]
            return
        # a program that never computed them writes formulas without their values
        with _opened(path, content, has_formulas=True) as formulas:
            written = {number: row for number, row in _filled(formulas, sheet)}
        for number, row in _filled(book, sheet):
            for value, formula in zip(row, written.pop(number, ()), strict=False):
                _refuse_formula(value, formula, number)
            yield [_text(value) for value in row]
        for number, row in written.items():
            for formula in row:
                _refuse_formula(None, formula, number)


def _refuse_formula(value: Any, formula: Any, number: int) -> None:
    if value is None and isinstance(formula, str) and formula.startswith("="):
        raise UnreadableError(
            f"row {number} has a formula without a value: open the workbook, save it, and land it under a new name"
        )


def _filled(book: Any, name: str) -> Iterator[tuple[int, tuple]]:
    """The rows of a sheet that hold something, with their numbers."""
    sheet = book[name]
    # some programs write a wrong size of the sheet, and rows beyond it would be lost
    sheet.reset_dimensions()
    for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
        if any(value is not None and str(value).strip() for value in row):
            yield number, row


def _has_formulas(path: str, content: bytes | None) -> bool:
    with zipfile.ZipFile(path if content is None else io.BytesIO(content)) as parts:
        names = [name for name in parts.namelist() if name.startswith("xl/worksheets/")]
        return any(re.search(rb"<(?:\w+:)?f[ >]", parts.read(name)) for name in names)


@contextmanager
def _opened(path: str, content: bytes | None, *, has_formulas: bool) -> Iterator[Any]:
    """The workbook, with the values of its cells or with their formulas."""
    try:
        import defusedxml  # noqa: F401  openpyxl uses it where it is there: a sheet may come from anywhere
        from openpyxl import load_workbook
    except ImportError as error:
        raise UnreadableError("to read workbooks, install them: pip install 'invopt[xlsx]'") from error
    # by its bytes: openpyxl refuses a name that ends in .csv
    with open(path, "rb") if content is None else io.BytesIO(content) as file:
        try:
            with zipfile.ZipFile(file) as parts:
                if "xl/workbook.xml" not in parts.namelist():
                    raise UnreadableError("is not a readable workbook but a zip archive: unpack it")
                if sum(part.file_size for part in parts.infolist()) > MAX_BYTES:
                    raise UnreadableError("the workbook is larger than 1 GB when unpacked: land it as CSV or Parquet")
            file.seek(0)
            book = load_workbook(file, read_only=True, data_only=not has_formulas)
        except UnreadableError:
            raise
        except Exception as error:  # openpyxl raises what its many parsers raise
            raise UnreadableError(f"is not a readable workbook: {str(error)[:200] or type(error).__name__}") from error
        try:
            yield book
        except (UnreadableError, GeneratorExit):
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
