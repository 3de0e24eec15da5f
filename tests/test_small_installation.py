"""`make book TORCH=cpu` sets up PyTorch's builds for the CPU, and nothing of CUDA's."""

import hashlib
import re
import shutil
import subprocess
import sys
import venv
from importlib import metadata
from pathlib import Path

import pytest
from packages import pack_wheel
from packaging.requirements import Requirement
from test_security import CUDA, read_lock

ROOT = Path(__file__).parents[1]
CPU_LOCK = ROOT / "requirements-cpu.lock"
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="no make here")


def test_the_small_lock_is_the_lock_without_cuda_and_with_the_same_torch(tmp_path: Path) -> None:
    (choose,) = re.findall(r"^CHOSEN := (awk .+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    chosen = subprocess.run(choose, shell=True, cwd=ROOT, capture_output=True, text=True, check=True)
    (tmp_path / "lock").write_text(chosen.stdout)
    small, whole = read_lock(tmp_path / "lock"), read_lock(ROOT / "requirements.lock")
    torches = {line for line in whole if Requirement(line).name in ("torch", "torchvision")}
    cuda = {line for line in whole if CUDA.match(Requirement(line).name)}
    assert len(torches) == 2 and len(cuda) > 10
    assert small == {line: hashes for line, hashes in whole.items() if line not in cuda | torches}
    index, *instead = read_lock(CPU_LOCK)
    assert index == "--index-url https://download.pytorch.org/whl/cpu"
    for platform, ending in (("linux", "+cpu"), ("win32", "+cpu"), ("darwin", "")):
        wanted = [Requirement(line) for line in instead]
        there = [each for each in wanted if each.marker and each.marker.evaluate({"sys_platform": platform})]
        assert {f"{each.name}{each.specifier}" for each in there} == {f"{line}{ending}" for line in torches}


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """The Makefile and an empty .venv, with a lock of a few empty packages that lie in a local index."""
    root = tmp_path / "ein Büchlein"
    root.mkdir()
    shutil.copy(ROOT / "Makefile", root)
    (root / "pyproject.toml").write_text(
        '[project]\nname = "book"\nversion = "1"\n[tool.setuptools]\npackages = []\n'
    )
    venv.create(root / ".venv", symlinks=True)
    (site,) = (root / ".venv").glob("lib/python*/site-packages")
    for each in map(metadata.distribution, ("pip", "setuptools")):
        for entry in {file.parts[0] for file in each.files or ()} - {"..", "__pycache__"}:
            (site / entry).symlink_to(each.locate_file(entry))
    index = tmp_path / "index"
    index.mkdir()
    locked = []
    for name in ("small", "torch", "torchvision", "triton", "nvidia_cublas", "cuda_toolkit"):
        wheel = pack_wheel(index, name, "1.0")
        sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
        locked.append(f"{name.replace('_', '-')}==1.0 \\\n    --hash=sha256:{sha256}\n    # via book\n")
    (root / "requirements.lock").write_text("# made\n" + "".join(locked))
    for name in ("torch", "torchvision"):
        pack_wheel(index, name, "1.0+cpu")
    (root / "requirements-cpu.lock").write_text("torch==1.0+cpu\ntorchvision==1.0+cpu\n")
    return root


def set_up(root: Path, *arguments: str, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    command = ["make", ".venv/.ready", *arguments]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=300)


@pytest.fixture
def offline(tmp_path: Path) -> dict[str, str]:
    """What pip needs to look into the local index alone."""
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": (tmp_path / "index").as_uri(),
    }


def installed(root: Path) -> set[str]:
    """What pip put there, beside itself and what it builds with."""
    found = {path.stem for path in root.glob(".venv/lib/python*/site-packages/*.dist-info")}
    return {name for name in found if not name.startswith(("pip-", "setuptools-", "book-"))}


def test_set_up_takes_builds_for_the_cpu_and_keeps_to_them(bare: Path, offline: dict[str, str]) -> None:
    small = {"small-1.0", "torch-1.0+cpu", "torchvision-1.0+cpu"}
    for arguments in (["TORCH=cpu"], []):
        (bare / ".venv" / ".ready").unlink(missing_ok=True)
        done = set_up(bare, *arguments, environment=offline)
        assert done.returncode == 0, done.stdout + done.stderr
        assert installed(bare) == small


def test_other_values_and_an_environment_with_cuda_are_refused(bare: Path, offline: dict[str, str]) -> None:
    done = set_up(bare, "TORCH=gpu", environment=offline)
    assert done.returncode == 2 and "Allowed: TORCH=cpu, or nothing" in done.stderr
    (site,) = (bare / ".venv").glob("lib/python*/site-packages")
    (site / "nvidia").mkdir()
    done = set_up(bare, "TORCH=cpu", environment=offline)
    assert done.returncode == 2 and "remove it first: rm -r .venv" in done.stderr
    assert installed(bare) == set()
