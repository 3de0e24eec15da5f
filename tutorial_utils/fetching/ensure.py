"""Mirrors, checksums, atomic arrival: how wanted files come to lie in a folder; knows nothing of images."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import filelock

from tutorial_utils import progress
from tutorial_utils.exceptions import DataError, DownloadError, join_problems
from tutorial_utils.fetching.wanted import DataFile
from tutorial_utils.fetching.web import Source, SourceError

TRIES = 2
"""How often one source is asked when its fault looks transient."""

RETRY_PAUSE = 1.0
"""Seconds before asking again."""

OFFLINE_VARIABLE = "TUTORIAL_OFFLINE"
"""Environment variable that, set to 1, forbids to fetch anything."""

LOCK_NAME = ".lock"
TEMPORARY_PREFIX = ".arriving-"


@dataclass(frozen=True)
class Arrival:
    """How files came to be where they are.

    Attributes:
        folder: Where they are.
        source: Name of the source that delivered the last of them; None when all were in the cache.
        transferred: Bytes that this source sent.
        seconds: How long it took.
        attempts: What failed before, each as source and reason.
    """

    folder: Path
    source: str | None = None
    transferred: int = 0
    seconds: float = 0.0
    attempts: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.source is None:
            return "verified in the cache"
        megabytes = self.transferred / 1e6
        rate = megabytes / max(self.seconds, 1e-9)
        return f"fetched from {self.source}: {megabytes:.1f} MB in {self.seconds:.1f} s ({rate:.1f} MB/s)"


def ensure(
    files: Sequence[DataFile], folder: Path, sources: Sequence[Source], *, offline: bool = False
) -> Arrival:
    """Make sure that all files lie in a folder, each with its pinned checksum.

    When they do, no network connection is opened and nothing is locked. What is missing or damaged is fetched
    from the first source that works; a file appears under its name only when it is complete and verified.
    Several processes may do this at once.

    Args:
        files: The wanted files.
        folder: Where they should be; made if needed.
        sources: Where to look, best first.
        offline: Fetch nothing; ``TUTORIAL_OFFLINE=1`` does the same.

    Raises:
        DownloadError: No source delivered (the message lists each attempt and what to do by hand), or the
            folder cannot be written to.
    """
    folder = folder.absolute()  # npm works in a folder of its own
    try:
        wanted = _faulty(files, folder)
        if not wanted:
            return Arrival(folder)
        if offline or os.environ.get(OFFLINE_VARIABLE, "") not in ("", "0"):
            raise DownloadError(_report(wanted, folder, sources, "nothing is fetched when offline"))
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            wanted = _faulty(files, folder)  # another process may have finished while this one waited
            return _fetch(wanted, folder, sources) if wanted else Arrival(folder)
    except DownloadError:
        raise
    except OSError as error:
        raise DownloadError(_explain(error, files, folder)) from error


def find_fault(file: DataFile, path: Path) -> str | None:
    """Compare the file at a path with what it should be: None, or what is wrong, as in ``"is missing"``."""
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, 2)
            if size != file.size:
                return f"has {size:,} bytes instead of {file.size:,}"
            stream.seek(0)
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    except (FileNotFoundError, NotADirectoryError):
        return "is missing"
    return None if found == file.sha256 else "has the wrong checksum"


def _faulty(files: Sequence[DataFile], folder: Path) -> dict[DataFile, str]:
    """Which files are not right, and what is wrong with them."""
    faults = {file: find_fault(file, folder / file.name) for file in files}
    return {file: fault for file, fault in faults.items() if fault is not None}


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let one process at a time fetch into a folder, where the file system knows locks.

    The lock belongs to the operating system and ends with the process, so nobody waits for a dead one.
    Without locks two processes may both fetch; unique temporary names and atomic renames keep that right.
    """
    lock = filelock.FileLock(folder / LOCK_NAME)
    with contextlib.suppress(OSError, NotImplementedError):
        try:
            lock.acquire(timeout=1)
        except filelock.Timeout:
            progress.note(f"another process is fetching into {folder}; waiting for it")
            lock.acquire()
        for leftover in folder.glob(f"{TEMPORARY_PREFIX}*"):  # of killed processes; who holds the lock may
            shutil.rmtree(leftover, ignore_errors=True)
    try:
        yield
    finally:
        lock.release()


def _fetch(wanted: dict[DataFile, str], folder: Path, sources: Sequence[Source]) -> Arrival:
    """Go through the sources until every wanted file has arrived."""
    for file, fault in wanted.items():
        if fault != "is missing":
            progress.note(f"{folder / file.name} {fault}; fetching it again")
    attempts: list[str] = []
    for position, source in enumerate(sources, start=1):
        for tries_left in reversed(range(TRIES)):
            started = time.perf_counter()
            try:
                transferred = _deliver(source, list(wanted), folder, patient=position == len(sources))
            except SourceError as fault:
                attempts.append(f"{source.name}: {fault}")
                if not fault.absent:
                    progress.note(f"failed: {attempts[-1]}")
                wanted = _faulty(list(wanted), folder)
                if not fault.transient or not tries_left:
                    break
                time.sleep(RETRY_PAUSE)
            else:
                seconds = time.perf_counter() - started
                return Arrival(folder, source.name, transferred, seconds, tuple(attempts))
    tried = join_problems("tried:", dict.fromkeys(attempts))
    raise DownloadError(_report(wanted, folder, sources, tried))


def _deliver(source: Source, files: list[DataFile], folder: Path, *, patient: bool) -> int:
    """Let one source deliver into a temporary folder, and move in what is right, even if not all is."""
    fault: SourceError | None = None
    transferred = 0
    with tempfile.TemporaryDirectory(prefix=TEMPORARY_PREFIX, dir=folder) as name:
        try:
            transferred = source.deliver(files, Path(name), patient=patient)
        except SourceError as error:
            fault = error
        except DataError as error:
            fault = SourceError(str(error))
        wrong = _faulty(files, Path(name))
        for file in [file for file in files if file not in wrong]:
            delivered = Path(name) / file.name
            # Killed before the rename, a process leaves it where the next one cleans up.
            with delivered.open("rb+") as written:
                os.fsync(written.fileno())
            delivered.replace(folder / file.name)
    if wrong:
        file, reason = next(iter(wrong.items()))
        raise fault or SourceError(f"its {file.name} {reason}")
    return transferred


def _report(wanted: dict[DataFile, str], folder: Path, sources: Sequence[Source], reason: str) -> str:
    """Say what is missing, why, and how a person can help."""
    missing = (f"{file.name} {fault}" for file, fault in wanted.items())
    by_hand = (source.by_hand(list(wanted)) for source in sources)
    needed = join_problems(f"files are wanted in {folder}:", missing)
    helping = join_problems("to help by hand, put them there, unpacked, from any of these:", by_hand)
    return f"{needed}\n{reason}\n{helping}"


def _explain(error: OSError, files: Sequence[DataFile], folder: Path) -> str:
    """Say what the operating system refused, where, and what helps."""
    where = error.filename2 or error.filename or folder
    elsewhere = "or choose another folder (--root, or the environment variable TUTORIAL_DATA)"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        need = 3 * sum(file.size for file in files) / 1e6
        return f"the disk of {folder} is full; make room for {need:.0f} MB there {elsewhere}"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{where} may not be read or written; change its permissions {elsewhere}"
    if error.errno in (errno.EEXIST, errno.ENOTDIR, errno.EISDIR):
        return f"{where} stands in the way ({error.strerror}); move it {elsewhere}"
    return f"{where}: {error.strerror or error}; mend this {elsewhere}"
