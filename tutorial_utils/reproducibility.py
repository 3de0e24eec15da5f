"""What a result depends on, chosen and reported: seeds, threads, devices, versions, source code."""

from __future__ import annotations

import ast
import contextlib
import datetime
import functools
import hashlib
import importlib.metadata
import json
import os
import platform
import random
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

# torch and NumPy are imported where they are used: a wrong setting is refused without waiting for them.

MAX_SEED = 2**63 - 1
"""Largest seed that ``torch.Generator`` and this package take."""

DEVICE_VARIABLE = "TUTORIAL_DEVICE"
"""Environment variable that says what the device ``"auto"`` is. The book's own build sets it to ``cpu``."""

REPORTED_PACKAGES = ("torch", "torchvision", "numpy", "scipy", "scikit-learn", "statsmodels", "matplotlib")
"""Packages whose versions stand in every provenance box."""


def make_generator(seed: int, purpose: str) -> torch.Generator:
    """Make the random stream of one purpose, on the CPU, seeded by a hash of seed and purpose.

    Splitting, shuffling and initialising draw from streams of their own, so that drawing more numbers for
    one of them does not change the others.

    Args:
        seed: The run's seed, 0 to 2**63 - 1.
        purpose: Name of the stream, such as ``"split"``, ``"order"``, ``"initialisation"``.
    """
    import torch

    digest = hashlib.sha256(f"{purpose}:{seed}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") % MAX_SEED)


def seed_everything(seed: int) -> None:
    """Seed the global generators of Python, NumPy (with the lowest 32 bits) and PyTorch (all devices).

    The package itself draws from :func:`make_generator`; this is for code that uses the global ones, such as
    a ``DataLoader`` without a generator.
    """
    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


@contextlib.contextmanager
def preserved_randomness(
    generators: Iterable[torch.Generator] = (), device: torch.device | None = None
) -> Iterator[None]:
    """Put the global generators, and further ones that are given, back as they were when the block ends.

    Of cards, only the generator of the given ``device`` is touched.
    """
    import torch

    named = {str(number): generator for number, generator in enumerate(generators)}
    states = random_states(named)
    card = getattr(torch, device.type) if device is not None and device.type != "cpu" else None
    which = [device] if card is torch.cuda else []  # of Apple's there is one
    of_card = card.get_rng_state(*which) if card else None
    try:
        yield
    finally:
        if card:
            card.set_rng_state(of_card, *which)
        set_random_states(states, named)


def random_states(generators: Mapping[str, torch.Generator]) -> dict[str, torch.Tensor]:
    """Read the states of the global generators and of further ones, by name, as bytes, uint8.

    ``"global"`` is PyTorch's, ``"python"`` and ``"numpy"`` are theirs, then come the given ones.
    """
    import numpy as np
    import torch

    states = {"global": torch.get_rng_state()}
    for name, state in (("python", random.getstate()), ("numpy", np.random.get_state(legacy=False))):
        text = json.dumps(state, default=lambda array: array.tolist())
        states[name] = torch.frombuffer(bytearray(text, "utf-8"), dtype=torch.uint8)
    return states | {name: generator.get_state() for name, generator in generators.items()}


def set_random_states(states: Mapping[str, torch.Tensor], generators: Mapping[str, torch.Generator]) -> None:
    """Put the global generators, and those of the same names, into what :func:`random_states` returned."""
    import numpy as np
    import torch

    torch.set_rng_state(states["global"])
    version, words, gauss = json.loads(states["python"].numpy().tobytes())
    random.setstate((version, tuple(words), gauss))
    np.random.set_state(json.loads(states["numpy"].numpy().tobytes()))
    for name, generator in generators.items():
        generator.set_state(states[name])


def available_devices() -> list[str]:
    """List the devices of this machine, fastest first; ``"cpu"`` is always the last."""
    import torch

    devices = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    if devices:
        devices.insert(0, "cuda")
    if torch.backends.mps.is_available():
        devices.append("mps")
    return [*devices, "cpu"]


def check_device(name: str) -> None:
    """Refuse a device that is neither ``"auto"`` nor one of :func:`available_devices`.

    Raises:
        ValueError: The message names those that the machine has.
    """
    # Every machine has these two, so that torch, slow to import, is not needed to know them.
    if name not in ("auto", "cpu") and name not in (devices := available_devices()):
        raise ValueError(f"no device {name!r} here; this machine has: auto, {', '.join(devices)}")


def choose_device(name: str = "auto") -> torch.device:
    """Turn a name that passes :func:`check_device` into a device; ``"auto"`` takes the fastest.

    The package asks in one place, when :func:`~tutorial_utils.training.models.make_model` makes a model: the
    model owns its device, and what is fed to it follows.

    ``"auto"`` is what ``TUTORIAL_DEVICE`` says, where it is set: the book's own build sets it to ``cpu``.

    Raises:
        ValueError: As :func:`check_device`.
    """
    import torch

    wanted = os.environ.get(DEVICE_VARIABLE, "auto") if name == "auto" else name
    check_device(wanted)
    return torch.device(available_devices()[0] if wanted == "auto" else wanted)


NOT_TRAINING = {
    "__init__.py": "the release number and the moment of import",
    "exceptions.py": "the words of errors; what raises one trains nothing",
    "progress.py": "what a bar shows; no number comes from it",
    "fetching/archives.py": "how files are unpacked; their checksums in `wanted` and `catalogue` decide",
    "fetching/ensure.py": "where files are looked for; their checksums decide",
    "fetching/npm.py": "one source of the files; their checksums decide",
    "fetching/sprites.py": "how one source's files are rewritten; their checksums decide",
    "fetching/web.py": "another source of the files; their checksums decide",
}
"""Files that training imports and that no trained model depends on, each with the reason. A change in one of
these trains nothing again."""


@functools.cache
def package_fingerprint() -> str:
    """A short hash of this package's own source and of PyTorch's version."""
    return _fingerprint(Path(__file__).parent.rglob("*.py"))


@functools.cache
def training_fingerprint() -> str:
    """The same of what a trained model depends on, so that a new figure does not train everything again.

    That is whatever ``training/trainer.py`` and ``training/replicas.py`` import, directly or not, but for
    :data:`NOT_TRAINING`.
    """
    folder = Path(__file__).parent
    excluded = {folder / name for name in NOT_TRAINING}
    needed: set[Path] = set()
    pending = {folder / "training" / "trainer.py", folder / "training" / "replicas.py"}
    while pending:
        path = pending.pop()
        needed.add(path)
        pending |= set(_imported(path, folder)) - needed - excluded
    return _fingerprint(needed)


def _imported(path: Path, folder: Path) -> Iterator[Path]:
    """Files of this package that one of them imports, anywhere in it."""
    package = folder.name
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == package:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            for name in [node.module or "", *names]:
                file = folder.joinpath(*name.split(".")[1:]).with_suffix(".py")
                if file.is_file():
                    yield file


def _fingerprint(sources: Iterable[Path]) -> str:
    """Hash source files and PyTorch's version."""
    digest = hashlib.sha256(importlib.metadata.version("torch").encode())  # known without importing it
    for source in sorted(sources):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:12]


def cpu_name() -> str:
    """Name the processor as the operating system does."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def usable_cores() -> int | None:
    """Count the cores that this process may use, which can be fewer than the machine has."""
    if hasattr(os, "process_cpu_count"):  # since Python 3.13
        return int(os.process_cpu_count())
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def git_commit() -> str:
    """Commit of the repository around the working directory.

    ``"unknown"`` outside one and without git; with git's reason in brackets, ``"unknown (git: ...)"``, where
    it refuses to say, as in a checkout that belongs to another user.
    """
    try:
        answer = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=10"],
            capture_output=True,
            text=True,
            timeout=10,
            env={**os.environ, "LC_ALL": "C"},
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    if answer.returncode == 0:
        return answer.stdout.strip() or "unknown"
    first_line = answer.stderr.partition("\n")[0].removeprefix("fatal: ")
    reason = first_line.partition(" in repository at ")[0]  # without this machine's path
    return f"unknown (git: {reason})" if reason and "not a git repository" not in reason else "unknown"


def report_environment() -> dict[str, object]:
    """Report as plain values what results depend on besides parameters: versions, machine, date, commit."""
    import torch

    versions = {}
    for package in REPORTED_PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    return {
        "versions": versions,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": cpu_name(),
        "cores": usable_cores(),
        "threads": torch.get_num_threads(),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": git_commit(),
    }
