"""Unpacking what came from outside: only named members, never more bytes than expected, no links."""

from __future__ import annotations

import contextlib
import gzip
import shutil
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from tutorial_utils.exceptions import DataError
from tutorial_utils.fetching.wanted import SizedFile

UNPACKED_LIMIT = 2**30
"""No archive that we read is larger when unpacked; more than this is a decompression bomb."""


class _CappedGzip(gzip.GzipFile):
    """A gzip file that raises when it holds more bytes than it may."""

    def __init__(self, archive: Path, limit: int) -> None:
        super().__init__(archive)
        self._archive, self._limit = archive, limit

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        if self.tell() > self._limit:
            raise DataError(f"{self._archive.name} unpacks to more than {self._limit:,} bytes")
        return data


@contextlib.contextmanager
def _unpacking(archive: Path, limit: int) -> Iterator[gzip.GzipFile]:
    """Open a gzip file for reading, at most ``limit`` bytes of content."""
    try:
        with _CappedGzip(archive, limit) as stream:
            yield stream
    except (gzip.BadGzipFile, EOFError, zlib.error, tarfile.TarError) as error:
        raise DataError(f"{archive.name} is not a whole archive ({error})") from error


def gunzip(archive: Path, target: Path, *, limit: int) -> None:
    """Unpack a gzip file.

    Raises:
        DataError: It is not gzip, breaks off, or unpacks to more than the limit in bytes.
    """
    with _unpacking(archive, limit) as content, target.open("wb") as output:
        shutil.copyfileobj(content, output)


def extract(archive: Path, inside: str, wanted: Iterable[SizedFile], folder: Path) -> None:
    """Copy files out of a folder inside a .tgz, under their own names; nothing else is ever written.

    Raises:
        DataError: A wanted member is absent, a link, or not of its size; the archive is broken or a bomb.
    """
    left = {f"{inside}/{file.name}": file for file in wanted}
    with (
        _unpacking(archive, UNPACKED_LIMIT) as content,
        tarfile.open(fileobj=content, mode="r|", bufsize=2**18) as members,
    ):
        for member in members:
            file = left.pop(member.name, None)
            if file is None:
                continue
            data = members.extractfile(member) if member.isreg() else None
            if data is None or member.size != file.size:
                raise DataError(f"{member.name} is not a regular file of {file.size:,} bytes")
            with (folder / file.name).open("wb") as output:
                shutil.copyfileobj(data, output)
            if not left:
                return
    raise DataError(f"{archive.name} lacks {', '.join(left)}")
