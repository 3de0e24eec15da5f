"""Unpacking what came from outside: only named members, never more bytes than expected, no links."""

from __future__ import annotations

import contextlib
import gzip
import shutil
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, cast

from tutorial_utils.exceptions import DataError
from tutorial_utils.fetching.wanted import SizedFile

UNPACKED_LIMIT = 2**30
"""No archive that we read is larger when unpacked; more than this is a decompression bomb."""


class _Capped:
    """A readable stream that raises when it holds more bytes than it may."""

    def __init__(self, stream: IO[bytes], limit: int, name: str) -> None:
        self._stream, self._limit, self._left, self._name = stream, limit, limit, name

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise DataError(f"{self._name} unpacks to more than {self._limit:,} bytes")
        return data


@contextlib.contextmanager
def _unpacking(archive: Path, limit: int) -> Iterator[IO[bytes]]:
    """Open a gzip file for reading, at most ``limit`` bytes of content."""
    try:
        with gzip.open(archive) as stream:
            yield cast(IO[bytes], _Capped(cast(IO[bytes], stream), limit, archive.name))
    except (gzip.BadGzipFile, EOFError, zlib.error, tarfile.TarError) as error:
        raise DataError(f"{archive.name} is not a whole archive ({error})") from error


def gunzip(archive: Path, target: Path, *, limit: int) -> None:
    """Unpack a gzip file.

    Args:
        archive: The packed file.
        target: Where to write its content.
        limit: Largest allowed content in bytes.

    Raises:
        DataError: It is not gzip, breaks off, or unpacks to more than the limit.
    """
    with _unpacking(archive, limit) as content, target.open("wb") as output:
        shutil.copyfileobj(content, output)


def extract(
    archive: Path, wanted: Mapping[str, SizedFile], folder: Path, *, limit: int = UNPACKED_LIMIT
) -> None:
    """Copy named members of a .tgz into a folder, under names that we choose; nothing else is ever written.

    Args:
        archive: A gzip-compressed tar archive.
        wanted: Member name to the file that it should be.
        folder: Where the files go.
        limit: Largest allowed content of the whole archive in bytes.

    Raises:
        DataError: A wanted member is absent, a link, or not of its size; the archive is broken or a bomb.
    """
    left = dict(wanted)
    with (
        _unpacking(archive, limit) as content,
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
