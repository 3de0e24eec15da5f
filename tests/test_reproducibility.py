"""Seeds give streams that repeat and do not disturb each other; devices are chosen or refused by name."""

import contextlib
import itertools
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial_utils import reproducibility
from tutorial_utils.reproducibility import (
    MAX_SEED,
    NOT_TRAINING,
    available_devices,
    choose_device,
    make_generator,
    package_fingerprint,
    preserved_randomness,
    report_environment,
    seed_everything,
    training_fingerprint,
)

ROOT = Path(__file__).parents[1]
CASES = settings(max_examples=50, deadline=None)  # no deadline: a busy machine is no bug
SEEDS = st.integers(min_value=0, max_value=MAX_SEED)
PURPOSES = ("split", "order", "initialisation")


def draw(generator: torch.Generator) -> list[int]:
    return torch.randint(2**62, (8,), generator=generator).tolist()


def draw_global() -> tuple[float, float, float]:
    return random.random(), float(np.random.random()), torch.rand(()).item()


@CASES
@given(seeds=st.sets(SEEDS, min_size=2, max_size=4))
def test_each_seed_and_purpose_has_a_stream_of_its_own_that_repeats(seeds: set[int]) -> None:
    pairs = list(itertools.product(seeds, PURPOSES))
    streams, again = ([tuple(draw(make_generator(*pair))) for pair in pairs] for _ in range(2))
    assert streams == again
    assert len(set(streams)) == len(pairs)


def test_drawing_more_from_one_stream_leaves_the_others_and_the_global_ones_alone() -> None:
    expected = draw(make_generator(3, "order"))
    order, split = make_generator(3, "order"), make_generator(3, "split")
    state = torch.get_rng_state()
    for _ in range(5):
        draw(split)
    assert draw(order) == expected
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("seed", [0, 1, 2**32, MAX_SEED])
def test_seeding_everything_repeats_python_numpy_and_torch(seed: int) -> None:
    with preserved_randomness():
        seed_everything(seed)
        first = draw_global()
        assert all(a != b for a, b in zip(first, draw_global(), strict=True))
        seed_everything(seed)
        assert draw_global() == first


@pytest.mark.parametrize("error", [None, ZeroDivisionError])
def test_preserved_randomness_puts_back_the_global_and_the_given_generators(
    error: type[Exception] | None,
) -> None:
    generator = make_generator(0, "order")
    with preserved_randomness():  # keeps this test itself from disturbing others
        seed_everything(7)
        random.gauss(), np.random.standard_normal()  # both keep a second number for the next call
        before = random.getstate(), np.random.get_state(legacy=False)
        expected = (draw_global(), draw(make_generator(0, "order")))
        seed_everything(7)
        random.gauss(), np.random.standard_normal()
        with pytest.raises(error) if error else contextlib.nullcontext(), preserved_randomness([generator]):
            draw_global()
            draw(generator)
            seed_everything(99)
            if error:
                raise error
        np.testing.assert_equal((random.getstate(), np.random.get_state(legacy=False)), before)
        assert (draw_global(), draw(generator)) == expected


def pretend(monkeypatch: pytest.MonkeyPatch, *, gpus: int, mps: bool) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("gpus", "mps", "devices"),
    [
        (0, False, ["cpu"]),
        (0, True, ["mps", "cpu"]),
        (1, False, ["cuda", "cuda:0", "cpu"]),
        (2, True, ["cuda", "cuda:0", "cuda:1", "mps", "cpu"]),
    ],
)
def test_auto_takes_the_first_of_the_devices_that_are_there(
    monkeypatch: pytest.MonkeyPatch, gpus: int, mps: bool, devices: list[str]
) -> None:
    pretend(monkeypatch, gpus=gpus, mps=mps)
    assert available_devices() == devices
    assert choose_device("auto") == choose_device() == torch.device(devices[0])
    for name in devices:
        assert choose_device(name) == torch.device(name)


@pytest.mark.parametrize("name", ["cuda", "cuda:99", "gpu", "mps", "", "CPU"])
@pytest.mark.fault(37)
def test_a_device_that_is_not_there_is_refused_with_those_that_are(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    pretend(monkeypatch, gpus=0, mps=False)
    with pytest.raises(ValueError, match=f"no device '{name}' here; this machine has: auto, cpu$"):
        choose_device(name)
    pretend(monkeypatch, gpus=2, mps=False)
    with pytest.raises(ValueError, match="'cuda:2' here; this machine has: auto, cuda, cuda:0, cuda:1, cpu"):
        choose_device("cuda:2")


def test_the_environment_is_reported_as_plain_values() -> None:
    report = report_environment()
    assert set(report) == {"versions", "python", "system", "cpu", "cores", "threads", "date", "commit"}
    assert json.loads(json.dumps(report)) == report
    versions = report["versions"]
    assert isinstance(versions, dict)
    assert versions["torch"] == torch.__version__.split("+")[0] or versions["torch"] == torch.__version__
    assert versions["numpy"] == np.__version__
    assert report["threads"] == torch.get_num_threads()
    assert all(report.values())


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="cores cannot be taken away here")
def test_cores_are_those_that_the_process_may_use() -> None:
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert report_environment()["cores"] == 1
    finally:
        os.sched_setaffinity(0, before)
    assert report_environment()["cores"] == len(before)


def test_the_commit_is_that_of_the_repository_and_unknown_outside_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    assert reproducibility.git_commit() == "unknown"

    def git(*arguments: str) -> str:
        command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init")
    git("commit", "--allow-empty", "--message", "first")
    assert git("rev-parse", "HEAD").startswith(reproducibility.git_commit())
    # As where the checkout belongs to another user, whom no settings trust.
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    assert reproducibility.git_commit() == "unknown (git: detected dubious ownership)"
    monkeypatch.setenv("PATH", "")  # without git
    assert reproducibility.git_commit() == "unknown"


# Fingerprints of the code


def test_the_fingerprint_of_the_package_is_stable_and_follows_its_source(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "plots").mkdir()
    monkeypatch.setattr(reproducibility, "__file__", str(tmp_path / "a.py"))
    seen = []
    for file in ("a.py", "plots/b.py", "plots/b.py", "c.py"):
        (tmp_path / file).write_text(f"NUMBER = {len(seen)}\n")
        seen.append(package_fingerprint.__wrapped__())
    assert len(set(seen)) == 4
    assert all(len(found) == 12 and int(found, 16) >= 0 for found in seen)
    (tmp_path / "notes.txt").write_text("not source")
    assert package_fingerprint.__wrapped__() == seen[-1]


LOADED = """
import sys
from tutorial_utils.training import replicas, trainer
print(*(module.__file__ for name, module in sys.modules.items() if name.startswith("tutorial_utils")))
"""


def test_a_model_depends_on_all_that_training_imports_but_what_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python itself says what is imported: each such file is hashed, or named with a reason, or empty."""
    copy = tmp_path / "tutorial_utils"
    shutil.copytree(ROOT / "tutorial_utils", copy, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-c", LOADED]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    said = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    imported = {str(path.relative_to(copy)) for path in map(Path, said.split()) if path.read_text()}

    monkeypatch.setattr(reproducibility, "__file__", str(copy / "reproducibility.py"))
    hashed, seen = set(), {training_fingerprint.__wrapped__()}
    for file in sorted(copy.rglob("*.py")):
        file.write_text(file.read_text() + "# changed\n")
        if (found := training_fingerprint.__wrapped__()) not in seen:
            hashed.add(str(file.relative_to(copy)))
        seen.add(found)
    assert not imported - hashed - set(NOT_TRAINING), "a stale model would be loaded"
    assert not hashed & set(NOT_TRAINING)
    assert not set(NOT_TRAINING) - imported, "named, but not imported"
    assert all(NOT_TRAINING.values())
    others = ("evaluation/", "report/", "plots/", "runs/", "cli.py")
    assert not [name for name in hashed if name.startswith(others)]
