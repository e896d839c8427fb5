"""A table's folder as its files: on this machine, or where Hadoop's file systems reach (s3a, abfss, hdfs)."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any


class Folder(ABC):
    """The files below a place."""

    place: str

    @abstractmethod
    def files(self) -> dict[str, int] | None:
        """Name below the place -> bytes; names of folders end with a slash. None where there is no such place."""

    @abstractmethod
    def text(self, name: str) -> str:
        """The text of a small file; bytes that are no text become signs that no reader takes for any."""

    @abstractmethod
    def age(self) -> float:
        """Seconds since something below the place changed."""

    @abstractmethod
    def remove(self, names: Iterable[str]) -> None:
        """Removes these files and folders, and the place itself; a folder that has got another file meanwhile stays."""


class LocalFolder(Folder):
    """A folder that this process sees."""

    def __init__(self, place: str) -> None:
        self.place = place

    def files(self) -> dict[str, int] | None:
        root = Path(self.place)
        if not root.is_dir():
            return None
        sizes = {}
        for folder, folders, names in os.walk(root):
            below = Path(folder).relative_to(root)
            sizes |= {f"{(below / name).as_posix()}/": 0 for name in folders}
            for name in names:
                with contextlib.suppress(FileNotFoundError):  # a process that is at work here has removed it
                    sizes[(below / name).as_posix()] = (root / below / name).lstat().st_size
        return sizes

    def text(self, name: str) -> str:
        return Path(self.place, name).read_text(encoding="utf-8", errors="replace")

    def age(self) -> float:
        newest = 0.0
        for name in ("", *(self.files() or {})):
            with contextlib.suppress(FileNotFoundError):
                newest = max(newest, Path(self.place, name).lstat().st_mtime)
        return time.time() - newest

    def remove(self, names: Iterable[str]) -> None:
        for name in _deepest_first(names):
            path = Path(self.place, name)
            if path.is_dir() and not path.is_symlink():
                _remove_empty(path)
            else:
                path.unlink(missing_ok=True)
        _remove_empty(Path(self.place))


class HadoopFolder(Folder):
    """A folder by Hadoop's file system; `paths` is Hadoop's class Path."""

    def __init__(self, place: str, file_system: Any, paths: Any) -> None:
        self.place = place
        self._files, self._path = file_system, paths

    def files(self) -> dict[str, int] | None:
        if not self._files.exists(self._path(self.place)):
            return None
        return {name: 0 if name.endswith("/") else status.getLen() for name, status in self._statuses("")}

    def _statuses(self, below: str) -> list[tuple[str, Any]]:
        statuses = []
        for status in self._files.listStatus(self._path(f"{self.place}/{below}")):
            name = f"{below}{status.getPath().getName()}"
            if status.isDirectory():
                statuses += [(f"{name}/", status), *self._statuses(f"{name}/")]
            else:
                statuses.append((name, status))
        return statuses

    def text(self, name: str) -> str:
        stream = self._files.open(self._path(f"{self.place}/{name}"))
        try:
            return bytes(stream.readAllBytes()).decode("utf-8", errors="replace")
        finally:
            stream.close()

    def age(self) -> float:
        root = self._files.getFileStatus(self._path(self.place))
        moments = [root.getModificationTime(), *(status.getModificationTime() for _, status in self._statuses(""))]
        return time.time() - max(moments) / 1000

    def remove(self, names: Iterable[str]) -> None:
        for name in [*_deepest_first(names), ""]:
            path = self._path(f"{self.place}/{name}".rstrip("/"))
            if not (name.endswith("/") or not name) or not self._files.listStatus(path):
                self._files.delete(path, False)


def _remove_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise


def _deepest_first(names: Iterable[str]) -> list[str]:
    """Files before the folder that holds them."""
    return sorted(names, key=lambda name: (-name.rstrip("/").count("/"), name.endswith("/"), name))
