import os
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tutorial_utils.exceptions import ConfigurationError
from tutorial_utils.files import DATA_VARIABLE, absolute, check_place, scratch_folder, whole_file


def test_a_file_arrives_with_its_content_in_a_new_folder(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "büch.txt"
    with whole_file(path) as temporary:
        temporary.write_text("all of it")
        assert not path.exists()
    assert path.read_text() == "all of it"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "kept.txt"
    path.write_text("old")
    with pytest.raises(error), whole_file(path) as temporary:
        temporary.write_text("half of the n")
        raise error
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_two_writers_do_not_share_a_temporary_file(tmp_path: Path) -> None:
    path = tmp_path / "contested.txt"
    with whole_file(path) as first, whole_file(path) as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"  # the outer block ends last
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
@pytest.mark.parametrize("umask, mode", [(0o022, 0o644), (0o077, 0o600)])
def test_permissions_follow_the_umask(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        with whole_file(tmp_path / "file") as temporary:
            temporary.write_bytes(b"x")
        assert os.umask(umask) == umask  # the block has put it back
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode


@pytest.mark.parametrize("name", ["n" * 250, "file/below.txt", "n" * 300 + "/x.txt"])
def test_a_place_where_no_file_can_arrive_is_known_before_and_trying_leaves_nothing(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "file").touch()
    check_place(tmp_path / "new folder" / "fits.txt")
    with pytest.raises(OSError):
        check_place(tmp_path / name)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["file"]


HOLDER = """
from tutorial_utils.files import scratch_folder
with scratch_folder() as folder:
    (folder / "left").write_text("behind")
    print(folder, flush=True)
    input()
"""


@pytest.mark.fault(107)
@pytest.mark.parametrize("locks", [True, False])
def test_a_scratch_folder_goes_with_its_block_or_after_its_process(
    tmp_path: Path, locks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    others = tmp_path / "tutorial-scratch-of-others"
    others.mkdir()  # no folder in it says that a lock was ever taken
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with (
        subprocess.Popen([sys.executable, "-c", HOLDER], **pipes) as killed,  # type: ignore[call-overload]
        subprocess.Popen([sys.executable, "-c", HOLDER], **pipes) as alive,  # type: ignore[call-overload]
    ):
        abandoned, held = (Path(each.stdout.readline().rstrip("\n")) for each in (killed, alive))
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        assert (abandoned / "left").exists()
        if not locks:
            monkeypatch.setattr("filelock.FileLock.acquire", no_locks)
        with scratch_folder() as folder:
            assert abandoned.parent.exists() == (not locks)
            assert (held / "left").exists() and folder.is_dir() and folder.is_relative_to(tmp_path)
        alive.communicate("\n")
    assert {path for path in tmp_path.iterdir()} == {others, *([] if locks else [abandoned.parent])}


def no_locks(*arguments: object, **options: object) -> None:
    raise NotImplementedError


@pytest.mark.fault(81)
def test_a_file_arrives_where_modes_cannot_be_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "chmod", refuse)
    monkeypatch.setattr(os, "fchmod", refuse)
    with whole_file(tmp_path / "file") as temporary:
        temporary.write_text("kept")
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.fault(78)
@pytest.mark.parametrize("place", ["~nobody-of-this-name/data", "~/data"])
def test_a_home_that_nobody_knows_is_named_with_its_variable(
    monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as for a user without an entry
    with pytest.raises(ConfigurationError, match=f"no home folder is known for '{place}'; set TUTORIAL_DATA"):
        absolute(place, DATA_VARIABLE)
