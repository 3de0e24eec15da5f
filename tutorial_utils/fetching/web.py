"""Where files come from: what every source promises, how its speed is watched, and web servers as sources."""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol
from urllib.parse import urljoin, urlsplit

from tqdm import tqdm

from tutorial_utils import progress
from tutorial_utils.fetching import archives
from tutorial_utils.fetching.wanted import DataFile, WebArchive

if TYPE_CHECKING:
    import requests

SLOW_SECONDS = 20.0
SLOW_RATE = 100_000.0
"""A source below this rate (bytes per second) over ``SLOW_SECONDS`` is left for another, if there is one."""

STALL_SECONDS = 60.0
STALL_BYTES = 60_000
"""An attempt that adds less than this to a file within ``STALL_SECONDS`` is given up, whatever else comes.

So every attempt has an end: it lasts ``STALL_SECONDS`` for each ``STALL_BYTES`` of its file, and once more.
"""

WORKER = "download"
"""Name of the threads that download."""

CHUNK = 8192
"""Bytes between two looks at the clock; small, so that the rate of a very slow server is noticed in time."""


class SourceError(Exception):
    """A source could not deliver.

    Attributes:
        transient: Whether trying the same source again may help.
    """

    def __init__(self, reason: str, *, transient: bool = False) -> None:
        super().__init__(reason)
        self.transient = transient


class Source(Protocol):
    """Anything that can put files into a folder."""

    @property
    def name(self) -> str:
        """Name in messages."""

    def by_hand(self, files: Sequence[DataFile]) -> str:
        """Say how a person gets the files from here."""

    def deliver(self, files: Sequence[DataFile], folder: Path, *, patient: bool) -> int:
        """Write the files, unpacked, into the folder; nobody trusts them before their checksums are checked.

        Args:
            files: The files to deliver, by their names.
            folder: An empty temporary folder.
            patient: Stay with a slow source because no other is left.

        Returns:
            Number of bytes that were transferred.

        Raises:
            SourceError: It does not work; what is complete by then may still be used.
            DataError: What came cannot be unpacked.
        """


class Pace:
    """A progress bar that also watches the speed.

    Attributes:
        transferred: Bytes so far.
    """

    def __init__(self, source: str, *, total: int, limit: int, patient: bool) -> None:
        self._source, self._limit, self._patient = source, limit, patient
        self._bar: tqdm[object] = progress.bar(total=total, description=f"fetching from {source}", unit="B")
        self.transferred = 0
        self._window = (time.monotonic(), 0)
        self._mark = (time.monotonic(), 0)  # when bytes were last enough not to be a stall, and how many
        self._stopped = False

    @property
    def total(self) -> float | None:
        """Number of bytes to expect; 0 when the server does not say."""
        return self._bar.total

    @total.setter
    def total(self, total: int) -> None:
        self._bar.total = total or None

    def update(self, count: int) -> None:
        """Move on by some bytes.

        Raises:
            SourceError: The source sends more than it may, or is too slow while another is left; or nobody
                waits for it any more.
        """
        if self._stopped:
            raise SourceError("was given up")
        self._bar.update(count)
        self.transferred += count
        if self.transferred >= self._mark[1] + STALL_BYTES:
            self._mark = (time.monotonic(), self.transferred)
        if self.transferred > self._limit:
            raise SourceError(f"sends more than {self._limit:,} bytes")
        began, bytes_then = self._window
        seconds = time.monotonic() - began
        if seconds < SLOW_SECONDS:
            return
        rate = (self.transferred - bytes_then) / seconds
        self._window = (began + seconds, self.transferred)
        if rate < SLOW_RATE:
            said = f"slow: {rate / 1000:.0f} kB/s over {seconds:.0f} s"
            if not self._patient:
                raise SourceError(said)
            progress.note(f"{self._source} is {said}; no other source is left, so this goes on")

    def watch(self, work: Callable[[], None]) -> None:
        """Do the work, but wait only as long as the file grows.

        A time limit of a socket starts again with each byte, and headers are bytes, too. So the work is done
        by a thread that is left behind when it hangs; it ends with its next byte, or with the process.

        Args:
            work: Downloads, and tells each of its bytes to :meth:`update`.

        Raises:
            SourceError: Less than ``STALL_BYTES`` have come within ``STALL_SECONDS``.
        """
        problems: list[BaseException] = []

        def run() -> None:
            try:
                work()
            except BaseException as problem:  # whatever it is, it belongs to who waits
                problems.append(problem)

        worker = threading.Thread(target=run, name=WORKER, daemon=True)
        self._mark = (time.monotonic(), self.transferred)
        worker.start()
        try:
            while worker.is_alive():
                left = self._mark[0] + STALL_SECONDS - time.monotonic()
                if left <= 0:
                    said = f"sends less than {STALL_BYTES:,} bytes of the file in {STALL_SECONDS:g} s"
                    raise SourceError(said, transient=True)
                worker.join(left)
        finally:
            self._stopped = worker.is_alive()
        if problems:
            raise problems[0]

    def close(self) -> None:
        """Take the bar off the screen."""
        self._bar.close()


@dataclass(frozen=True)
class HttpSource:
    """A web server with one address per file.

    Attributes:
        base_url: Address of the folder; https, or http on this machine itself.
        suffix: What the server appends to file names; ``".gz"`` is unpacked.
        timeout: Seconds to wait for a connection, and for the next byte.
    """

    base_url: str
    suffix: str = ".gz"
    timeout: tuple[float, float] = (10.0, 20.0)

    def __post_init__(self) -> None:
        _require_trustworthy(self.base_url)

    @property
    def name(self) -> str:
        """Name in messages."""
        return urlsplit(self.base_url).netloc

    def address(self, file: DataFile) -> str:
        """Address of one file."""
        return f"{self.base_url.rstrip('/')}/{file.name}{self.suffix}"

    def by_hand(self, files: Sequence[DataFile]) -> str:
        """Say how a person gets the files from here."""
        return "download and unpack " + ", ".join(self.address(file) for file in files)

    def deliver(self, files: Sequence[DataFile], folder: Path, *, patient: bool) -> int:
        """Download and unpack one file after the other; see :class:`Source`."""
        transferred = 0
        for file in files:
            target = folder / file.name
            packed = folder / f"{file.name}.download"
            # gzip adds a header even to what it cannot shrink.
            pace = Pace(self.name, total=file.size, limit=file.size + 2**16, patient=patient)
            with contextlib.closing(pace):
                _get(self.address(file), packed, pace, self.timeout)
            transferred += packed.stat().st_size
            if self.suffix == ".gz":
                archives.gunzip(packed, target, limit=file.size)
            else:
                packed.replace(target)
        return transferred


@dataclass(frozen=True)
class HttpArchiveSource:
    """A web server with one archive that holds all files.

    Attributes:
        archive: Its address (https, or http on this machine itself) and what it should be.
        timeout: Seconds to wait for a connection, and for the next byte.
    """

    archive: WebArchive
    timeout: tuple[float, float] = (10.0, 20.0)

    def __post_init__(self) -> None:
        _require_trustworthy(self.archive.url)

    @property
    def name(self) -> str:
        """Name in messages."""
        return urlsplit(self.archive.url).netloc

    def by_hand(self, files: Sequence[DataFile]) -> str:
        """Say how a person gets the files from here."""
        return f"download {self.archive.url} and take them from its folder {self.archive.folder}"

    def deliver(self, files: Sequence[DataFile], folder: Path, *, patient: bool) -> int:
        """Download the archive and unpack the files alone; see :class:`Source`."""
        packed = folder / "archive.download"
        size = self.archive.size
        with contextlib.closing(Pace(self.name, total=size, limit=size, patient=patient)) as pace:
            _get(self.archive.url, packed, pace, self.timeout)
        with packed.open("rb") as stream:
            # The publishers give no better checksum; each unpacked file is held to its SHA-256 all the same.
            found = hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
        if found != self.archive.md5:
            raise SourceError(f"{self.archive.url} has the MD5 {found}, expected {self.archive.md5}")
        archives.extract(packed, {f"{self.archive.folder}/{file.name}": file for file in files}, folder)
        return packed.stat().st_size


def _get(url: str, target: Path, pace: Pace, timeout: tuple[float, float]) -> None:
    """Download one address to a file."""
    import pooch
    import requests

    def look(response: requests.Response, *args: object, **kwargs: object) -> None:
        _refuse_downgrade(response)
        if response.is_redirect:
            response.close()  # requests would read whatever stands beside the new address, be it endless
            return
        # read() would wait until a chunk is full, hours from a server that sends a byte now and then.
        reads_what_is_there = getattr(response.raw, "read1", response.raw.read)
        response.raw.read = reads_what_is_there  # type: ignore[method-assign]
        pace.total = int(response.headers.get("content-length", 0))

    download = pooch.HTTPDownloader(
        chunk_size=CHUNK,
        timeout=timeout,
        hooks={"response": look},
        headers={"Accept-Encoding": "identity"},  # else a server's own compression is undone unseen
    )

    def work() -> None:
        with target.open("wb") as output:
            download(url=url, output_file=_Measured(output, pace), pooch=None)

    try:
        pace.watch(work)
    except (requests.RequestException, ValueError) as error:  # ValueError: a length that is no number
        raise _http_fault(url, error) from error


class _Measured:
    """A file that counts what is written to it; pooch's own progress counts full chunks only."""

    def __init__(self, output: IO[bytes], pace: Pace) -> None:
        self._output, self._pace = output, pace

    def write(self, data: bytes) -> None:
        self._output.write(data)
        self._pace.update(len(data))

    def flush(self) -> None:
        self._output.flush()


def _http_fault(url: str, error: Exception) -> SourceError:
    """Say what requests ran into, in a line, and whether it may pass."""
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return SourceError(f"{url} answers {error.response.status_code} {error.response.reason}")
    origin: BaseException = error  # requests and urllib3 wrap the plain reason several times
    while deeper := origin.__cause__ or origin.__context__:
        origin = deeper
    passing = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
    transient = isinstance(error, passing) and not isinstance(error, requests.exceptions.SSLError)
    return SourceError(f"{url}: {origin}", transient=transient)


def is_trustworthy(url: str) -> bool:
    """Tell whether an address is https, or plain http on this machine itself."""
    parts = urlsplit(url)
    if parts.scheme == "http":
        with contextlib.suppress(ValueError):
            return ipaddress.ip_address(parts.hostname or "").is_loopback
    return parts.scheme == "https"


def _require_trustworthy(url: str) -> None:
    """Refuse the address of a mirror that anyone on the way could change."""
    if not is_trustworthy(url):
        raise ValueError(f"a mirror must be https, not {url!r}")


def _refuse_downgrade(response: requests.Response) -> None:
    """Look at an answer before requests follows it elsewhere."""
    if response.is_redirect:
        target = urljoin(response.url, response.headers["location"])
        if not is_trustworthy(target):
            raise SourceError(f"{response.url} redirects to {target}, which is not https")
