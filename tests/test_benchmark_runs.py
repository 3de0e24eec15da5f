"""The command of the benchmarks, from options to results.json, and every loop against the formulas alone."""

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from tutorial_utils.data import datasets
from tutorial_utils.data.datasets import LoadedDataset
from tutorial_utils.training.models import make_model

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
FEW = 2000
OWN_LOOPS = ("package", "loader_0", "loader_2", "bare", "by_hand")
MODULES = [path.stem for path in BENCHMARKS.glob("*.py")]

Load = Callable[[str], ModuleType]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Imports a benchmark as its own scripts do; afterwards no test meets modules of these names."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    threads = torch.get_num_threads()
    yield importlib.import_module
    torch.set_num_threads(threads)
    for name in MODULES:
        sys.modules.pop(name, None)


# The loops


def train_in_numpy(data: datasets.ImageData, config: Any) -> float:
    """One epoch in double precision from the formulas alone; the validation loss."""
    train, validation = datasets.split(data, config.validation_split, config.seed)
    mean, deviation = data.description.mean[0], data.description.std[0]

    def pixels_of(part: datasets.ImageData) -> Any:
        return ((part.images.numpy() / 255 - mean) / deviation).reshape(len(part), -1)

    pixels, labels = pixels_of(train), train.labels.numpy()
    model = make_model(config)
    weight, bias = (each.detach().double().numpy() for each in (model.linear.weight, model.linear.bias))
    push = [np.zeros_like(weight), np.zeros_like(bias)]
    order = torch.randperm(len(train), generator=datasets.make_generator(config.seed, "order")).numpy()
    for start in range(0, len(order), config.batch_size):
        batch = order[start : start + config.batch_size]
        logits = pixels[batch] @ weight.T + bias
        errors = np.exp(logits) / np.exp(logits).sum(1, keepdims=True) - np.eye(10)[labels[batch]]
        gradients = errors.T @ pixels[batch] / len(batch), errors.mean(0)
        push = [config.momentum * old + new for old, new in zip(push, gradients, strict=True)]
        weight, bias = weight - config.learning_rate * push[0], bias - config.learning_rate * push[1]
    logits = pixels_of(validation) @ weight.T + bias
    right = logits[np.arange(len(logits)), validation.labels.numpy()]
    return float(np.mean(np.log(np.exp(logits).sum(1)) - right))


def test_every_way_does_the_work_that_the_formulas_describe(load: Load, mnist: LoadedDataset) -> None:
    epoch, loops = load("epoch"), load("loops")
    data, config = epoch.one_epoch("mnist", FEW)
    expected = train_in_numpy(data, config)
    for name in OWN_LOOPS:
        run = loops.MAKERS[name](data, config)
        assert [run(), run()] == pytest.approx([expected] * 2, rel=1e-5), name


@pytest.mark.parametrize("name", ["lightning", "skorch"])
def test_compared_packages_do_the_same_work(name: str, load: Load, mnist: LoadedDataset) -> None:
    epoch, loops = load("epoch"), load("loops")
    pytest.importorskip(loops.NEED_MORE[name], reason="only `make bench` installs it")
    data, config = epoch.one_epoch("mnist", FEW)
    run = loops.MAKERS[name](data, config)
    assert [run(), run()] == pytest.approx([train_in_numpy(data, config)] * 2, rel=1e-5)


# Turns


def test_callers_with_one_round_at_a_time_take_turns_too(load: Load) -> None:
    ran: list[str] = []
    loops = {name: lambda name=name: ran.append(name) for name in "abc"}
    for number in range(4):
        load("rounds").interleave(loops, 1, first=number)
    assert "".join(ran) == "abc" + "bca" + "cab" + "abc"


def test_imports_take_turns_and_count_what_each_process_says(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    imports = load("imports")
    ran: list[str] = []
    monkeypatch.setattr(imports, "import_seconds", lambda statement: ran.append(statement) or float(len(ran)))
    found = imports.measure(3, False)
    statements = list(imports.STATEMENTS.values())
    assert [ran[at] for at in range(0, 16, 4)] == [statements[at] for at in (0, 0, 1, 2)]
    # Four first calls that do not count; then what the calls said, in the order of the rounds.
    assert found["seconds"]["torch"]["rounds"] == [5, 12, 15]


# The command


def run_command(load: Load, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> ModuleType:
    """Run the command with parts that cost nothing."""
    run = load("run")
    for part, measured in {
        "imports": {"ratios": {"tutorial_utils": 0.5}},
        "loading": {"seconds": {"mnist": {"median": 0.7}, "cifar10": {"median": 1.5}}},
    }.items():
        answer = lambda rounds, quick, measured=measured: {**measured, "asked": [rounds, quick]}  # noqa: E731
        monkeypatch.setitem(run.PARTS, part, (answer, 7))
    monkeypatch.setattr(sys, "argv", ["run.py", *arguments])
    run.main()
    return run


def test_parts_are_measured_one_by_one_into_one_file(
    load: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "results.json"
    run_command(load, monkeypatch, "--only", "imports", "--results", str(path))
    run_command(load, monkeypatch, "--only", "loading", "--rounds", "2", "--results", str(path))
    found = json.loads(path.read_text())
    assert (found["imports"]["asked"], found["loading"]["asked"]) == ([7, False], [2, False])
    assert {target["title"]: target["met"] for target in found["targets"]} == {
        "reading MNIST": False,
        "reading CIFAR-10": True,
        "importing this package, against importing torch": True,
    }
    assert all(target["unit"] in ("s", "times") for target in found["targets"])
    for part in ("imports", "loading"):
        assert {"cpu", "cores", "date", "versions"} <= set(found[part]["machine"])
    lines = capsys.readouterr().out.splitlines()
    assert "MISSED  reading MNIST: 0.7 s (at most 0.5 s)" in lines
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]


def test_a_missed_target_fails_only_when_asked_to(
    load: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    options = ["--only", "loading", "--results", str(tmp_path / "results.json")]
    run_command(load, monkeypatch, *options)
    with pytest.raises(SystemExit) as ended:
        run_command(load, monkeypatch, *options, "--strict")
    assert ended.value.code == 1


def test_a_trial_writes_nothing(load: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    run_command(load, monkeypatch, "--only", "loading", "--quick", "--strict", "--results", str(path))
    assert not path.exists()


def test_no_rounds_are_refused(
    load: Load, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run_command(load, monkeypatch, "--only", "loading", "--rounds", "0")
    assert "--rounds must be 1 or more" in capsys.readouterr().err


def test_growth_and_the_loss_reached_are_promises(load: Load) -> None:
    images = {
        "sizes": [1000, 2000],
        "predicted_bytes": [800_000, 1_600_000],
        "time": {"exponent": 1.2},
        "memory_line": {"each": 840.0},
    }
    race = {"ratio_to_best_solver": 0.5, "package_validation_loss": 0.33}
    results = {"growth": {"images": images}, "solvers": {"target_loss": 0.32, "threads_2": race}}
    targets = load("targets")
    assert [targets.describe_target(target) for target in targets.check_targets(results)] == [
        "met     time to the same loss, against scikit-learn's best solver: 0.5 times (at most 0.7 times)",
        "MISSED  that loss, on the worst split: 0.33 nats (at most 0.32 nats)",
        "MISSED  power of the number of images with which time grows: 1.2 (at most 1.1)",
        "met     memory of an image, against what was predicted: 1.05 times (at most 1.1 times)",
    ]
