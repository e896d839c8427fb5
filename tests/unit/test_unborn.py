"""What a process that died while it made a table has left is removed; nothing else ever is."""

import os
import time
from pathlib import Path

import pytest

from invopt.errors import TableError
from invopt.spark import unborn
from invopt.spark.folders import LocalFolder
from invopt.spark.unborn import FIRST_COMMIT, State

WHOLE = '{"protocol":{"minReaderVersion":1}}\n{"metaData":{"id":"a"}}\n'
LEFT = {
    "an empty log": {"_delta_log/": None},
    "nothing at all": {},
    "temporary files of the commit": {
        "_delta_log/.00000000000000000000.json.1-2.tmp": "x",
        "_delta_log/._commit.json.tmp.crc": "x",
        "_delta_log/_commit_5e.json.tmp": WHOLE,
        ".locks/writer.lock": "",
    },
    "a first commit without a byte": {FIRST_COMMIT: ""},
    "a first commit cut short": {FIRST_COMMIT: WHOLE[:-9]},
    "a first commit cut between two lines": {FIRST_COMMIT: WHOLE.splitlines()[0]},
}
TABLES = {
    "a first commit": {FIRST_COMMIT: WHOLE},
    "a first commit with rows": {FIRST_COMMIT: WHOLE, "part-0.parquet": "rows"},
    "a damaged first commit before another one": {FIRST_COMMIT: "", f"_delta_log/{1:020}.json": ""},
    "a checkpoint": {f"_delta_log/{10:020}.checkpoint.parquet": "x", "part-0.parquet": "rows"},
    "a checkpoint of version 0": {f"_delta_log/{0:020}.checkpoint.parquet": "x"},
    "a newer kind of checkpoint": {f"_delta_log/{7:020}.checkpoint.80a0-11.json": "x"},
    "compacted commits": {f"_delta_log/{0:020}.{4:020}.compacted.json": "x"},
}
OF_OTHERS = {
    "rows without a log": {"part-0.parquet": "rows"},
    "rows beside an empty log": {"_delta_log/": None, "part-0.parquet": "rows"},
    "rows beside a first commit cut short": {FIRST_COMMIT: WHOLE[:-9], "run_id=1/part-0.parquet": "rows"},
    "a file of the user's": {"notes.txt": "", "_delta_log/": None},
    "a hidden file": {".part": "rows"},
}


def lay(folder: Path, files: dict[str, str | None]) -> None:
    folder.mkdir()
    for name, text in files.items():
        path = folder / name
        (path if text is None else path.parent).mkdir(parents=True, exist_ok=True)
        if text is not None:
            path.write_text(text)


@pytest.fixture
def place(tmp_path):
    return tmp_path / "silver_sales"


@pytest.mark.parametrize("files", LEFT.values(), ids=LEFT)
def test_what_is_left_of_a_birth_is_removed(place, files, monkeypatch):
    monkeypatch.setattr(unborn, "QUIET", 0.0)
    lay(place, files)
    told = []
    assert unborn.clear(LocalFolder(str(place)), "silver.sales", "invopt conform", told.append) is State.UNBORN
    assert not place.exists() and len(told) == 1 and "silver.sales" in told[0]
    assert unborn.clear(LocalFolder(str(place)), "silver.sales", "invopt conform", told.append) is State.FREE


@pytest.mark.parametrize("files", TABLES.values(), ids=TABLES)
def test_a_table_is_left_alone(place, files, monkeypatch):
    monkeypatch.setattr(unborn, "QUIET", 0.0)
    lay(place, files)
    before = LocalFolder(str(place)).files()
    assert unborn.clear(LocalFolder(str(place)), "silver.sales", "", pytest.fail) is State.BORN
    assert LocalFolder(str(place)).files() == before


@pytest.mark.parametrize("files", OF_OTHERS.values(), ids=OF_OTHERS)
def test_files_that_may_be_rows_are_never_removed(place, files, monkeypatch):
    monkeypatch.setattr(unborn, "QUIET", 0.0)
    lay(place, files)
    before = LocalFolder(str(place)).files()
    with pytest.raises(TableError, match=r"silver.sales.*silver_sales has files.*nothing was removed.*invopt conform"):
        unborn.clear(LocalFolder(str(place)), "silver.sales", "invopt conform", pytest.fail)
    assert LocalFolder(str(place)).files() == before


def test_a_table_that_another_process_makes_at_this_moment_is_waited_for(place, monkeypatch):
    lay(place, {"_delta_log/": None})
    monkeypatch.setattr(unborn.time, "sleep", lambda seconds: (place / FIRST_COMMIT).write_text(WHOLE))
    assert unborn.clear(LocalFolder(str(place)), "silver.sales", "", pytest.fail) is State.BORN


def test_what_is_left_is_removed_once_nothing_has_changed_for_a_while(place, monkeypatch):
    lay(place, {"_delta_log/": None})
    waits = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        old = time.time() - unborn.QUIET - 1
        for path in (place / "_delta_log", place):
            os.utime(path, (old, old))

    monkeypatch.setattr(unborn.time, "sleep", sleep)
    assert unborn.clear(LocalFolder(str(place)), "silver.sales", "", lambda line: None) is State.UNBORN
    assert len(waits) == 1 and not place.exists()


def test_a_folder_that_has_got_a_file_meanwhile_stays(place):
    lay(place, {"_delta_log/": None})
    folder = LocalFolder(str(place))
    judged = folder.files()
    (place / FIRST_COMMIT).write_text(WHOLE)
    folder.remove(judged)
    assert unborn.state(folder) is State.BORN
