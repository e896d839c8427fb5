"""The engine's log goes to a folder of the user's own, and no planted link is followed or emptied."""

import os
import stat
import tempfile
import time

import pytest

from invopt.spark import log

pytestmark = pytest.mark.skipif(not hasattr(os, "getuid"), reason="links and owners are those of Unix")


@pytest.fixture
def usual(tmp_path, monkeypatch):
    """The usual folder, in a folder for temporary files of this test's own."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(log, "current", None)
    return tmp_path / f"invopt-{os.getuid()}"


def write() -> os.PathLike:
    path, output = log.new_log()
    with output:
        output.write(b"from Java")
    return path


def test_the_log_is_a_new_file_that_only_the_user_reads(usual):
    assert log.log_file() is None
    for _ in range(2):  # an earlier process had the same number
        path = write()
    assert path == log.log_file() == usual / f"spark-{os.getpid()}.log" and path.read_bytes() == b"from Java"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(usual.stat().st_mode) == 0o700


@pytest.mark.parametrize("kind", ["symlink_to", "hardlink_to"])
def test_the_target_of_a_planted_link_keeps_its_content(usual, tmp_path, kind):
    target = tmp_path / "letters"
    target.write_text("dear")
    usual.mkdir(mode=0o700)
    getattr(usual / f"spark-{os.getpid()}.log", kind)(target)
    path = write()
    assert target.read_text() == "dear" and path.read_bytes() == b"from Java" and not path.is_symlink()


def test_a_folder_that_others_can_write_or_a_link_or_a_file_is_not_used(usual, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / f"spark-{os.getpid()}.log").write_text("dear")
    for plant in (lambda: usual.mkdir(), lambda: usual.symlink_to(elsewhere), usual.touch):
        plant()
        if usual.is_dir() and not usual.is_symlink():
            usual.chmod(0o777)
        path = write()
        assert path.parent not in (usual, elsewhere) and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert (elsewhere / f"spark-{os.getpid()}.log").read_text() == "dear"
        usual.rmdir() if usual.is_dir() and not usual.is_symlink() else usual.unlink()


def test_a_folder_of_another_user_is_not_used(usual, monkeypatch):
    usual.mkdir(mode=0o700)
    user = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: user + 1)
    usual.rename(usual.with_name(f"invopt-{user + 1}"))
    assert write().parent != usual.with_name(f"invopt-{user + 1}")


def test_old_logs_are_forgotten(usual):
    usual.mkdir(mode=0o700)
    old, new = usual / "spark-1.log", usual / "spark-2.log"
    for path in (old, new):
        path.touch()
    os.utime(old, (0, time.time() - log.KEPT_SECONDS - 9))
    write()
    assert not old.exists() and new.exists()
