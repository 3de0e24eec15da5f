"""`TORCH=cpu` sets up PyTorch's CPU builds, and nothing of CUDA's; Codespaces and Binder ask for it."""

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import venv
from importlib import metadata
from pathlib import Path

import jsonschema
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


@pytest.mark.nightly
@pytest.mark.skipif(shutil.which("uv") is None, reason="no uv here")
@pytest.mark.parametrize(
    "platform", ["x86_64-manylinux_2_28", "aarch64-manylinux_2_28", "aarch64-apple-darwin"]
)
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
def test_every_supported_python_finds_built_files_for_the_whole_lock(
    tmp_path: Path, python: str, platform: str
) -> None:
    """A dry run: nothing is fetched but the index's pages, and nothing is compiled."""
    command = ["uv", "pip", "install", "--no-config", "--dry-run", "--no-deps", "--require-hashes"]
    command += ["--only-binary=:all:", f"--python-version={python}", f"--python-platform={platform}"]
    done = subprocess.run(
        [*command, f"--target={tmp_path}", f"--requirements={ROOT / 'requirements.lock'}"],
        env={**os.environ, "MACOSX_DEPLOYMENT_TARGET": "15.0"},  # README's oldest
        capture_output=True,
        text=True,
    )
    if "error sending request" in done.stderr:
        pytest.skip("the package index cannot be reached")
    assert done.returncode == 0, done.stderr


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
    command = ["make", "setup", *arguments]
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


# Where nothing is installed


COMMAND = "make setup TORCH=cpu"


def test_a_codespace_sets_itself_up(bare: Path, offline: dict[str, str]) -> None:
    """The keys are those of the specification's schema, containers.dev, as far as they are used."""
    text = {"type": "string", "minLength": 1}
    port = {"label": text, "onAutoForward": {"enum": ["notify", "openBrowser", "openPreview", "silent"]}}
    size = {"type": "string", "pattern": r"^\d+([tgmk]b)?$"}
    properties = {
        "name": text,
        "image": {"type": "string", "pattern": r"^[\w./-]+/python:3\.\d+-\w+$"},
        "hostRequirements": closed({"cpus": {"type": "integer"}, "memory": size, "storage": size}),
        "postCreateCommand": {"const": COMMAND},
        "forwardPorts": {"type": "array", "items": {"type": "integer", "maximum": 65535}},
        "portsAttributes": {"type": "object", "additionalProperties": closed(port)},
        "customizations": closed({"vscode": closed({"extensions": {"type": "array"}, "settings": {}})}),
    }
    content = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    jsonschema.validate(content, closed(properties))
    assert "python:3.11-" in content["image"], "the oldest that the package supports"
    assert [str(port) for port in content["forwardPorts"]] == list(content["portsAttributes"])
    done = set_up(bare, *shlex.split(content["postCreateCommand"])[2:], environment=offline)
    assert done.returncode == 0 and "torch-1.0+cpu" in installed(bare), done.stderr


def closed(properties: dict[str, object]) -> dict[str, object]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def test_binder_sets_up_the_same_and_makes_it_the_kernel_of_every_notebook(
    bare: Path, offline: dict[str, str]
) -> None:
    """With a module in place of `ipykernel` that repeats what it is asked to install."""
    program = ROOT / ".binder" / "postBuild"
    assert os.access(program, os.X_OK) and COMMAND in program.read_text().splitlines()
    assert (ROOT / ".binder" / "runtime.txt").read_text() == "python-3.11\n"
    (site,) = (bare / ".venv").glob("lib/python*/site-packages")
    (site / "ipykernel.py").write_text("import sys\nprint(sys.prefix, *sys.argv[1:], sep='|')\n")
    environment = {**offline, "NB_PYTHON_PREFIX": "/srv/an env"}
    done = subprocess.run([program], cwd=bare, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and "torch-1.0+cpu" in installed(bare), done.stdout + done.stderr
    asked = f"{bare}/.venv|install|--prefix|/srv/an env|--name|python3|"
    assert done.stdout.splitlines()[-1].startswith(asked)
