"""Files that arrive whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Write a file so that no reader ever sees half of it.

    The block writes to a uniquely named temporary file in the same folder. When it ends without an error
    the file is flushed to disk and renamed, which is atomic; when it raises, the temporary file is removed.

    Args:
        path: Where the file should arrive; its folder is made if needed.

    Yields:
        The temporary path to write to.
    """
    temporary = _temporary_beside(path)
    try:
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        # mkstemp makes files private; an ordinary file follows the user's umask.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def check_place(path: Path) -> None:
    """Make sure that :func:`whole_file` could write a file, before the time that making its content takes.

    Args:
        path: Where the file should arrive; its folder is made if needed.

    Raises:
        OSError: It could not: no permission, no space for a name, a name that is too long.
    """
    _temporary_beside(path).unlink()


def _temporary_beside(path: Path) -> Path:
    """Make an empty file with a name of its own, somewhat longer than the path's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    os.close(handle)
    return Path(name)
