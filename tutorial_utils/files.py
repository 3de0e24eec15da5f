"""Files that arrive whole or not at all, and temporary folders that do not stay for ever."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

from tutorial_utils.exceptions import ConfigurationError

DATA_VARIABLE = "TUTORIAL_DATA"
"""Environment variable that names the folder of all data sets."""

EVERY_VARIABLE = "TUTORIAL_EVERY"
"""Environment variable: of the images, only every n-th is loaded. The book's previews set it."""

_SCRATCH = "tutorial-scratch-"


def absolute(place: str | Path, variable: str) -> Path:
    """Find the folder that a text means where the user stands; ``~`` is a home folder.

    Args:
        place: Absolute, or relative to the working directory.
        variable: The environment variable that may say otherwise, for the message.

    Raises:
        ConfigurationError: There is no such home folder.
    """
    try:
        return Path(place).expanduser().absolute()
    except RuntimeError:  # pathlib's answer to a user without home, and to an unknown one
        raise ConfigurationError(
            f"no home folder is known for {str(place)!r}; set {variable} to a folder without ~"
        ) from None


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Write a file so that no reader ever sees half of it; its folder is made if needed.

    The block gets and writes to a uniquely named temporary path in that folder. When it ends without an error
    the file is flushed to disk and renamed, which is atomic; when it raises, the temporary file is removed.
    """
    temporary = _temporary_beside(path)
    try:
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def check_place(path: Path) -> None:
    """Make sure that :func:`whole_file` could write a file, before the time that making its content takes.

    Raises:
        OSError: It could not: no permission, no space for a name, a name that is too long.
    """
    _temporary_beside(path).unlink()


def _temporary_beside(path: Path) -> Path:
    """Make an empty file with a name of its own, somewhat longer than the path's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    temporary.touch(exist_ok=False)  # not mkstemp, which makes files private, whatever the user's umask says
    return temporary


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """Make a temporary folder that is removed at the end of the block, or after this process was killed.

    Its path is absolute and without links. Beside it lies a lock that the operating system lets go when this
    process ends, however that is. Whoever makes such a folder first removes this user's that nobody locks.
    """
    import filelock

    _remove_abandoned()
    outer = Path(tempfile.mkdtemp(prefix=_SCRATCH)).resolve()
    lock = filelock.FileLock(outer / "lock")
    try:
        with contextlib.suppress(OSError, NotImplementedError):  # without locks nobody removes anything
            lock.acquire()
        (outer / "work").mkdir()
        yield outer / "work"
    finally:
        lock.release()
        shutil.rmtree(outer, ignore_errors=True)


def _remove_abandoned() -> None:
    """Remove the scratch folders of processes that are gone; ``work`` stands for a lock that was taken."""
    import filelock

    ours = getattr(os, "getuid", int)()  # where there are no users, files belong to user 0
    for work in Path(tempfile.gettempdir()).glob(f"{_SCRATCH}*/work"):
        with contextlib.suppress(OSError, NotImplementedError):  # also of a lock that is held
            if work.parent.lstat().st_uid == ours:
                with filelock.FileLock(work.parent / "lock", timeout=0):
                    shutil.rmtree(work, ignore_errors=True)
                shutil.rmtree(work.parent, ignore_errors=True)
