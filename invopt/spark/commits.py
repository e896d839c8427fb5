"""One commit to a Delta table, tried again when another writer was faster; Delta's refusals in plain sentences."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable

from invopt.errors import ConcurrentRunError, TableError
from invopt.spark.failures import explained
from invopt.spark.slices import OUTSIDE
from invopt.tables import Table

ATTEMPTS = 4
# stands for the rows of a write that Delta skipped, because its transaction was written before
SKIPPED = -1

# another one is making the table, and its first commit isn't there yet; or what is there is no table
_NO_TABLE_YET = re.compile(
    r"DELTA_CREATE_TABLE_WITH_NON_EMPTY_LOCATION|DELTA_MISSING_DELTA_TABLE|DELTA_TABLE_NOT_FOUND"
)
# another writer was faster: Delta's own words for it, whatever class Spark wraps them in
_OVERTAKEN = re.compile(
    r"DELTA_CONCURRENT|Concurrent(Append|Write|Transaction|DeleteRead|DeleteDelete)|ProtocolChanged|MetadataChanged"
    r"|[Cc]oncurrent transaction|changed since last commit"  # deltalake's words
)
_NULL = re.compile(
    r"NOT NULL constraint violated for column:? ?`?([\w.]+)|DELTA_NOT_NULL_CONSTRAINT_VIOLATED.*?column:? ?`?([\w.]+)",
    re.DOTALL,
)
_OUTSIDE = re.compile(
    rf"DELTA_REPLACE_WHERE_MISMATCH.*?condition '?(.*?)'?(?:\.|$)|{OUTSIDE}(.*?)(?: SQLSTATE|$)", re.MULTILINE
)


def commit(action: Callable[[], None], name: str, place: str, say: Callable[[str], None]) -> None:
    """Does the action that commits to a table.

    Parameters
    ----------
    name, place : of the table, for the user's eyes
    say : told once per further attempt, because a write of many rows takes minutes, and is done anew

    Raises
    ------
    ConcurrentRunError : every attempt was overtaken.
    TableError : a NOT NULL column is NULL, a row lies outside the slice, the folder is no Delta table, or its disk is
        full, read-only or damaged.
    InvoptError : Spark ran out of memory.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return action()
        except (
            Exception
        ) as error:  # a write of few rows runs in the driver, and py4j's own exception then holds Delta's words
            text = str(error)
            is_missing = _NO_TABLE_YET.search(text)
            if not is_missing and not _OVERTAKEN.search(text):
                refusal = _refusal(text, name) or explained(error, name, place)
                if refusal:
                    raise refusal from error
                raise
            if attempt == ATTEMPTS:
                raise _given_up(bool(is_missing), name, place) from error
        if not is_missing:  # that a table is being made is no news
            say(f"  ! {name} is being written by another run: trying again ({attempt + 1} of {ATTEMPTS})")
        # two that wait equally long would meet again and again
        time.sleep(0.5 * 2**attempt * random.uniform(0.5, 1.5))
    return None


def skipped(table: Table, place: str, transaction: tuple[str, int]) -> TableError:
    """A write that Delta skipped without anybody knowing why: its rows are not in the table."""
    application, number = transaction
    return TableError(
        f"table {table.name}: its rows were not written, because {place} has had a transaction {number} or later of "
        f"{application} before, which Delta takes for the same rows. The table is of another lakehouse or of an older "
        "state than the others: restore all tables of the lakehouse from the same moment, or begin with an empty one"
    )


def _given_up(is_missing: bool, name: str, place: str) -> TableError | ConcurrentRunError:
    if is_missing:
        return TableError(
            f"table {name} can't be made: {place} has files in it and is no Delta table. Move them away, "
            f"or let `lakehouse` in the configuration name another folder."
        )
    return ConcurrentRunError(
        f"table {name} at {place} is being written by another run: tried {ATTEMPTS} times, nothing of this write "
        "was kept. "
        f"Wait until the other run has ended, then run again: what is already done is not repeated."
    )


def _refusal(text: str, name: str) -> TableError | None:
    """Delta's refusal in a plain sentence; None for one that is not known."""
    null, outside = _NULL.search(text), _OUTSIDE.search(text)
    if null:
        column = (null[1] or null[2]).rstrip(".")
        return TableError(
            f"table {name}: column {column} must not be NULL, but a row to write has it so; nothing was written"
        )
    if outside:
        return TableError(f"table {name}: {OUTSIDE}{outside[1] or outside[2]}; nothing was written")
    return None
