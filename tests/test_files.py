import os
import stat
from pathlib import Path

import pytest

from tutorial_utils.files import check_place, whole_file


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
