"""Where files come from: what every source promises, how its speed is watched, and web servers as sources."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urljoin, urlsplit

from tutorial_utils import progress
from tutorial_utils.fetching import archives
from tutorial_utils.fetching.wanted import DataFile

if TYPE_CHECKING:
    import requests

SLOW_SECONDS = 20.0
SLOW_RATE = 100_000.0
"""A source below this rate (bytes per second) over ``SLOW_SECONDS`` is left for another, if there is one."""

STALL_SECONDS = 60.0
STALL_BYTES = 60_000
"""An attempt that adds less than this to a file within ``STALL_SECONDS`` is given up, even the last one."""

CHUNK = 512
"""Bytes between two looks at the clock.

A socket's own time limit catches a server that falls silent. One that sends a byte just before each limit is
noticed when a chunk is full: with 20 seconds a byte, after three hours. What is no part of the file is not
looked at, so headers that never end are waited for until somebody presses Ctrl-C.
"""


class SourceError(Exception):
    """A source could not deliver; when ``transient``, trying the same one again may help.

    When ``absent``, it is none on this machine, which is worth a word only if no other source delivers.
    """

    def __init__(self, reason: str, *, transient: bool = False, absent: bool = False) -> None:
        super().__init__(reason)
        self.transient, self.absent = transient, absent


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
    """A progress bar that also watches the speed; pooch sets ``total`` and moves it after each chunk."""

    def __init__(
        self, source: str, written: Callable[[], int], *, limit: int, patient: bool, total: int = 0
    ) -> None:
        self._source, self._written, self._limit, self._patient = source, written, limit, patient
        self._bar = progress.bar(description=f"fetching from {source}", unit="B")
        self.total = total
        self._mark = self._window = (time.monotonic(), 0)  # when bytes were last enough; when last looked at

    def update(self, count: int = 0) -> None:
        """Look at what has been written, and how fast; pooch's count of bytes is that of full chunks.

        Raises:
            SourceError: The source sends more than it may, or next to nothing, or is slow while another is
                left.
        """
        now, came = time.monotonic(), self._written()
        self._bar.total = self.total or None
        self._bar.update(min(came, self.total or came) - self._bar.n)
        if came > self._limit:
            raise SourceError(f"sends more than {self._limit:,} bytes")
        if came >= self._mark[1] + STALL_BYTES:
            self._mark = (now, came)
        elif now - self._mark[0] > STALL_SECONDS:
            raise SourceError(f"stalled: less than {STALL_BYTES:,} bytes came in {STALL_SECONDS:g} s")
        began, before = self._window
        seconds = now - began
        if seconds < SLOW_SECONDS or 0 < self.total <= came:  # after all bytes, npm only copies
            return
        rate = (came - before) / seconds
        self._window = (now, came)
        if rate < SLOW_RATE:
            said = f"slow: {rate / 1000:.0f} kB/s over {seconds:.0f} s"
            if not self._patient:
                raise SourceError(said)
            progress.note(f"{self._source} is {said}; no other source is left, so this goes on")

    def reset(self) -> None:
        """Do nothing: pooch moves bars back at the end, then on by the total, but this one is right."""

    def close(self) -> None:
        """Take the bar off the screen."""
        self._bar.close()


@dataclass(frozen=True)
class HttpSource:
    """A web server with each file packed by gzip, under the file's name and ``.gz``.

    Attributes:
        url: Address of their folder; https, or http on this machine itself.
        timeout: Seconds to wait for a connection, and for the next byte.
    """

    url: str
    timeout: tuple[float, float] = (10.0, 20.0)

    def __post_init__(self) -> None:
        if not is_trustworthy(self.url):  # anyone on the way could change what comes
            raise ValueError(f"a mirror must be https, not {self.url!r}")

    @property
    def name(self) -> str:
        """Name in messages."""
        return urlsplit(self.url).netloc

    def address(self, file: DataFile) -> str:
        """Address of one file."""
        return f"{self.url.rstrip('/')}/{file.name}.gz"

    def by_hand(self, files: Sequence[DataFile]) -> str:
        """Say how a person gets the files from here."""
        return "download and unpack " + ", ".join(self.address(file) for file in files)

    def deliver(self, files: Sequence[DataFile], folder: Path, *, patient: bool) -> int:
        """Download and unpack one file after the other; see :class:`Source`."""
        transferred = 0
        for file in files:
            packed = folder / f"{file.name}.download"
            # gzip adds a header even to what it cannot shrink.
            self._get(self.address(file), packed, limit=file.size + 2**16, patient=patient)
            transferred += packed.stat().st_size
            archives.gunzip(packed, folder / file.name, limit=file.size)
        return transferred

    def _get(self, url: str, target: Path, *, limit: int, patient: bool) -> None:
        """Download one address to a file."""
        import pooch
        import requests

        _check_certificates()
        with target.open("wb") as output:
            pace = Pace(self.name, output.tell, limit=limit, patient=patient)
            download = pooch.HTTPDownloader(
                progressbar=pace,
                chunk_size=CHUNK,
                timeout=self.timeout,
                hooks={"response": _look_at_redirect},
                headers={"Accept-Encoding": "identity"},  # else a server's own compression is undone unseen
            )
            try:
                with contextlib.closing(pace):
                    download(url=url, output_file=output, pooch=None)
            except (requests.RequestException, ValueError) as error:  # ValueError: a length that is no number
                raise _http_fault(url, error) from error


@dataclass(frozen=True)
class PlainHttpSource(HttpSource):
    """A web server with each file as it is."""

    def address(self, file: DataFile) -> str:
        """Address of one file."""
        return f"{self.url.rstrip('/')}/{file.name}"

    def by_hand(self, files: Sequence[DataFile]) -> str:
        """Say how a person gets the files from here."""
        return "download " + ", ".join(self.address(file) for file in files)

    def deliver(self, files: Sequence[DataFile], folder: Path, *, patient: bool) -> int:
        """Download one file after the other; see :class:`Source`."""
        for file in files:
            self._get(self.address(file), folder / file.name, limit=file.size, patient=patient)
        return sum(file.size for file in files)


@dataclass(frozen=True, kw_only=True)
class HttpArchiveSource(HttpSource):
    """A web server with one .tar.gz that holds all files; ``url`` is its address.

    Attributes:
        size: Size of the archive in bytes.
        folder: Folder of the files inside the archive.
    """

    size: int
    folder: str

    def by_hand(self, files: Sequence[DataFile]) -> str:
        """Say how a person gets the files from here."""
        return f"download {self.url} and take them from its folder {self.folder}"

    def deliver(self, files: Sequence[DataFile], folder: Path, *, patient: bool) -> int:
        """Download the archive and unpack the files alone; see :class:`Source`."""
        packed = folder / "archive.download"
        self._get(self.url, packed, limit=self.size, patient=patient)
        archives.extract(packed, self.folder, files, folder)
        return packed.stat().st_size


def _look_at_redirect(response: requests.Response, *args: object, **kwargs: object) -> None:
    """Look at an answer before requests follows it elsewhere."""
    if response.is_redirect:
        goal = urljoin(response.url, response.headers["location"])
        if not is_trustworthy(goal):
            raise SourceError(f"{response.url} redirects to {goal}, which is not https")
        response.close()  # requests would read whatever stands beside the new address, be it endless


def _check_certificates() -> None:
    """Name a variable that points nowhere: requests would fail without saying who told it."""
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        place = os.environ.get(variable)
        if place and not Path(place).exists():
            raise SourceError(f"{variable} is {place}, which is not there; unset it, or name certificates")


def proxy_variable() -> str | None:
    """Name of the environment variable that sends https through a proxy, if one does."""
    names = (name for each in ("https_proxy", "all_proxy") for name in (each, each.upper()))
    return next((name for name in names if os.environ.get(name)), None)


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
    if isinstance(error, requests.exceptions.ProxyError):
        return SourceError(
            f"{url}: the proxy of {proxy_variable()} does not let it through ({origin})", transient=transient
        )
    return SourceError(f"{url}: {origin}", transient=transient)


def is_trustworthy(url: str) -> bool:
    """Tell whether an address is https, or plain http on this machine itself."""
    parts = urlsplit(url)
    if parts.scheme == "http":
        with contextlib.suppress(ValueError):
            return ipaddress.ip_address(parts.hostname or "").is_loopback
    return parts.scheme == "https"
