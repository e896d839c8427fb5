"""The place of a table that a process was about to make when it died: what is left there is told from a table.

A table is born with its first commit. A process that dies before leaves a folder, an empty log, or temporary files of
the commit; a machine that loses its power leaves a first commit that is empty or cut short. Nothing of that holds a
row, but Delta refuses to make a table there, or doesn't make it without a word. A place with any other file is never
touched.
"""

from __future__ import annotations

import enum
import json
import re
import time
from collections.abc import Callable, Mapping

from invopt.errors import TableError
from invopt.spark.folders import Folder

LOG = "_delta_log/"
FIRST_COMMIT = f"{LOG}{0:020}.json"
# a later commit, or a checkpoint, which holds all commits before it
_LATER = re.compile(rf"{LOG}(\d+\.(\d+\.)?(json|checkpoint\..*|compacted\.json)|_last_checkpoint|_sidecars/.*)")
# files of ours, of commits that never were, and of a file system that keeps checksums
_OF_NO_ROW = re.compile(r"(\.locks/.*|_delta_log/.*|(.*/)?\.[^/]*\.crc)")
# a process that makes a table commits a fraction of a second after it has made the folder
QUIET = 10.0
PATIENCE = 60.0


class State(enum.Enum):
    """What is at a table's place."""

    FREE = "nothing"
    BORN = "a table"
    UNBORN = "what a process that died while it made the table has left"
    FOREIGN = "files that belong to no table"


def state_of(files: Mapping[str, int] | None, first_commit: Callable[[], str], *, is_unknown: bool = False) -> State:
    """The state of a table's place.

    Parameters
    ----------
    files : name below the place -> bytes; names of folders end with a slash; None where there is no such place
    first_commit : gives the text of the first commit, which is among the files
    is_unknown : the catalog knows of no table there: one that was made and never written is not born either

    >>> state_of({"_delta_log/": 0}, str), state_of({"part-0.parquet": 9, "_delta_log/": 0}, str)
    (<State.UNBORN: 'what a process that died while it made the table has left'>, \
<State.FOREIGN: 'files that belong to no table'>)
    """
    if files is None:
        return State.FREE
    if any(_LATER.fullmatch(name) for name in files if name != FIRST_COMMIT):
        return State.BORN
    if FIRST_COMMIT in files and is_whole(first_commit()) and (_rows(files) or not is_unknown):
        return State.BORN
    return State.FOREIGN if _rows(files) else State.UNBORN


def is_whole(commit: str) -> bool:
    """Whether the text of a first commit makes a table: every line is whole, and the table's columns are among them.

    >>> is_whole('{"protocol":{"minReaderVersion":1}}\\n{"metaData":{"id"'), is_whole("")
    (False, False)
    """
    try:
        actions = [json.loads(line) for line in commit.splitlines() if line.strip()]
    except ValueError:
        return False
    kinds = {kind for action in actions if isinstance(action, dict) for kind in action}
    return {"protocol", "metaData"} <= kinds


def state(folder: Folder) -> State:
    """The state of a table's folder."""
    return state_of(folder.files(), lambda: folder.text(FIRST_COMMIT))


def clear(folder: Folder, name: str, remade_by: str, say: Callable[[str], None], *, is_unknown: bool = False) -> State:
    """Frees the place of a table that was never born; gives the state that it was met in.

    A place that changed within the last seconds may be another process's that is making the table: it is waited for.

    Parameters
    ----------
    name, remade_by : of the table, and the command that makes its rows again, empty where none does
    say : told when something is removed
    is_unknown : as in `state_of`

    Raises
    ------
    TableError : the place has files that may be rows; names them and the ways out.
    """
    end = time.monotonic() + PATIENCE
    while True:
        files = folder.files()
        met = state_of(files, lambda: folder.text(FIRST_COMMIT), is_unknown=is_unknown)
        if met is not State.UNBORN or folder.age() >= QUIET or time.monotonic() > end:
            break
        time.sleep(0.25)
    if met is State.FOREIGN:
        raise lost_log(name, folder, remade_by)
    if met is State.UNBORN:
        folder.remove(files or ())
        say(f"  ! {name}: a run died while it made this table; what it left at {folder.place} had no row: removed")
    return met


def lost_log(name: str, folder: Folder, remade_by: str) -> TableError:
    """Files that may be rows lie where a table has no log, or one without a whole first commit."""
    files = _rows(folder.files() or {})
    shown = ", ".join(files[:3]) + (f" and {len(files) - 3:,} more" if len(files) > 3 else "")
    again = f", and run `{remade_by}`, which makes its rows again" if remade_by else ""
    return TableError(
        f"table {name} can't be used: {folder.place} has files ({shown}), but no {LOG}{0:020}.json that says which of "
        f"them are its rows; nothing was removed. Restore the folder {LOG.rstrip('/')} from a backup, or move "
        f"{folder.place} away{again}"
    )


def _rows(files: Mapping[str, int]) -> list[str]:
    """The files that may hold rows, or that nobody knows of."""
    return sorted(name for name in files if not name.endswith("/") and not _OF_NO_ROW.fullmatch(name))
