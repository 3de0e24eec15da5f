"""The benchmarks do the same work in every loop, count right, and tell what they promise."""

import importlib
import importlib.util
import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from conftest import find_chromium

from tutorial_utils.data.datasets import LoadedDataset

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
FEW = 2000

Load = Callable[[str], ModuleType]
Command = Callable[..., ModuleType]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Imports a benchmark as its own scripts do; afterwards no test meets modules of such common names."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    threads = torch.get_num_threads()
    yield importlib.import_module
    torch.set_num_threads(threads)
    for path in BENCHMARKS.glob("*.py"):
        sys.modules.pop(path.stem, None)


@pytest.fixture
def results() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((BENCHMARKS / "results.json").read_text())
    return content


# Turns


def test_ways_take_turns_each_begins_a_round_and_has_its_own_seconds(load: Load) -> None:
    rounds, ran, costs = load("rounds"), list[str](), {"a": 1, "b": 2, "c": 5}

    def loop(name: str) -> Callable[[], str]:
        return lambda: ran.append(name) or f"{name} {len(ran)}"  # type: ignore[func-returns-value]

    loops = {name: loop(name) for name in costs}
    seconds, last = rounds.interleave(loops, 3, clock=lambda: sum(costs[name] for name in ran))
    assert "".join(ran) == "abc" + "bca" + "cab"
    assert last == {"a": "a 8", "b": "b 9", "c": "c 7"}
    assert seconds == {name: [cost] * 3 for name, cost in costs.items()}
    rounds.interleave(loops, 1, first=4)  # by a caller with one round at a time
    assert "".join(ran[9:]) == "bca"


def test_summaries_and_ratios_are_of_medians(load: Load) -> None:
    rounds, here, there = load("rounds"), [1.0, 9.0, 2.0], [6.0, 5.0, 100.0]
    assert rounds.summarise(here) == {"median": 2.0, "low": 1.0, "high": 9.0, "rounds": here}
    assert rounds.compare({"here": here, "there": there}, "here") == {"here": 1.0, "there": 3.0}


# The same work


def test_every_way_trains_the_same_and_one_that_does_not_is_noticed(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    epoch, loops = load("epoch"), load("loops")
    installed = [name for name, need in loops.NEED_MORE.items() if importlib.util.find_spec(need)]
    names = [*(loops.MAKERS.keys() - loops.NEED_MORE), *installed]  # `make bench` installs the others
    found = epoch.measure_epochs(names, "cifar10", threads=1, rounds=2, num_images=FEW)
    assert set(found["validation_loss"]) == set(found["seconds"]) == set(found["ratios"]) == set(names)
    bare = loops.MAKERS["bare"]
    monkeypatch.setitem(loops.MAKERS, "bare", lambda data, config: bare(data, config.but(momentum=0.8)))
    with pytest.raises(AssertionError, match=r"not the same training: .*bare"):
        epoch.measure_epochs(["package", "bare"], "cifar10", threads=1, rounds=1, num_images=FEW)


def test_features_and_their_bare_convolution_meet_the_same_places(load: Load, cifar10: LoadedDataset) -> None:
    features, images = load("features"), cifar10.train.images[:60]
    made = features.PatchFeatures.fit(images, seed=0, **features.SIZES["cifar10"])
    assert features.bare_convolution(made, images) == 60 * 400 * 14 * 14
    found = features.measure_extraction("cifar10", rounds=2, num_images=60)
    bare, package = (found["seconds"][way]["rounds"] for way in ("bare", "package"))
    assert found["speed"] == pytest.approx((bare[0] / package[0] + bare[1] / package[1]) / 2, rel=1e-3)


# Memory and growth


def test_the_memory_of_a_block_is_what_it_and_its_workers_added() -> None:
    # In a process of its own, as the benchmarks do it: this one may give memory back while it measures.
    size = 50_000_000
    program = f"""
import subprocess, sys, numpy as np, memory
with memory.Peak(workers=True) as peak:
    filled = np.ones({size}, np.uint8)
    subprocess.run([sys.executable, "-c", "import time; more = bytearray({size}); time.sleep(1)"])
with memory.Peak() as nothing:
    assert filled.all()
print(peak.bytes, nothing.bytes)
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=BENCHMARKS, capture_output=True, text=True, check=True
    )
    peak, nothing = map(int, ended.stdout.split())
    assert 2 * size <= peak < 3 * size
    assert nothing < size / 10


def test_what_grows_is_found_again(load: Load) -> None:
    growth = load("growth")
    sizes = np.array([1.0, 10, 100, 1000])
    law = growth.slope(sizes, 3 * sizes**0.5)
    assert (law["exponent"], law["factor"]) == pytest.approx((0.5, 3))
    assert law["standard_error"] == pytest.approx(0, abs=1e-6)
    line = growth.straight([1, 2, 4, 8], [7, 9, 13, 21])
    assert (line["at_zero"], line["each"], line["r_squared"]) == pytest.approx((5, 2, 1))


def test_images_in_a_file_take_no_memory_and_tiled_ones_keep_their_labels(
    load: Load, mnist: LoadedDataset
) -> None:
    growth = load("growth")
    torch.set_num_threads(1)
    pixels = 60_000 * 28 * 28
    assert growth.train_mapped(60_000)["bytes"] < pixels / 2 < pixels < growth.train_resident(60_000)["bytes"]
    images, labels = growth._tile(mnist.train, 60_003)
    assert len(images) == len(labels) == 60_003
    assert torch.equal(images[60_000:], mnist.train.images[:3])
    assert torch.equal(labels[60_000:], mnist.train.labels[:3])


BUSY = """<!doctype html><html lang="en"><head><title>Pad</title></head><body>
<button id="demo-clear">Clear</button><ul id="demo-bars"></ul>
<canvas id="demo-paper" width="300" height="300" style="border: 1px solid"></canvas>
<script>
  let moves = 0;
  document.querySelector("#demo-paper").addEventListener("pointermove", (event) => {
    if (!event.buttons || ++moves % 2) return;  // every second movement changes nothing
    for (const start = performance.now(); performance.now() < start + 30;);
    document.querySelector("#demo-bars").textContent += "x";
  });
</script></body></html>"""


def test_a_movement_counts_from_the_pen_to_the_frame_that_shows_another_answer(
    load: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    find_chromium()
    strokes = load("strokes")
    monkeypatch.setattr(strokes, "PAGE", tmp_path / "busy.html")
    (tmp_path / "busy.html").write_text(BUSY)
    found = strokes.measure(2, True)
    made = 2 * strokes.STEPS * sum(len(stroke) - 1 for stroke in strokes.STROKES)
    assert 0 < found["movements"] <= made / 2
    assert found["worst"] >= found["seconds"]["median"] >= 0.03


# The command


@pytest.fixture
def command(load: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """The command with parts that cost nothing; it writes into the test's folder."""

    def run(*arguments: str) -> ModuleType:
        run = load("run")
        for part, measured in {
            "imports": {"ratios": {"chapter": 1.5, "trainer": 1.25}},
            "loading": {"seconds": {"mnist": {"median": 0.7}, "cifar10": {"median": 1.5}}},
        }.items():
            answer = lambda rounds, quick, measured=measured: {**measured, "asked": [rounds, quick]}  # noqa: E731
            monkeypatch.setitem(run.PARTS, part, (answer, 7))
        monkeypatch.setattr(sys, "argv", ["run.py", "--results", str(tmp_path / "results.json"), *arguments])
        run.main()
        return run

    return run


def test_parts_are_measured_one_by_one_into_one_file(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command("--only", "imports")
    command("--only", "loading", "--rounds", "2")
    found = json.loads((tmp_path / "results.json").read_text())
    assert (found["imports"]["asked"], found["loading"]["asked"]) == ([7, False], [2, False])
    assert {target["title"]: target["met"] for target in found["targets"]} == {
        "reading MNIST": False,
        "reading CIFAR-10": True,
        "what a training chapter imports, against importing torch": True,
        "importing the trainer, against importing torch": False,
    }
    assert all(target["unit"] in ("s", "times") for target in found["targets"])
    for part in ("imports", "loading"):
        assert {"cpu", "cores", "date", "versions"} <= set(found[part]["machine"])
    assert "MISSED  reading MNIST: 0.7 s (at most 0.5 s)" in capsys.readouterr().out.splitlines()
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]


def test_a_missed_target_fails_only_when_asked_to_and_a_trial_writes_nothing(
    command: Command, tmp_path: Path
) -> None:
    command("--only", "loading", "--quick", "--strict")
    assert not list(tmp_path.iterdir())
    command("--only", "loading")
    with pytest.raises(SystemExit) as ended:
        command("--only", "loading", "--strict")
    assert ended.value.code == 1


def test_without_packages_to_compare_with_nothing_runs(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    run = load("run")
    monkeypatch.setattr(sys, "argv", ["run.py"])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match=r"pytorch_lightning and skorch .* not installed here; `make bench`"):
        run.main()


# What is promised, and what is on record


def test_growth_and_the_loss_reached_are_promises(load: Load) -> None:
    images = {"sizes": [1000, 2000], "predicted_bytes": [800_000, 1_600_000]}
    images |= {"time": {"exponent": 1.2}, "memory_line": {"each": 840.0}}
    race = {"ratio_to_best_solver": 0.5, "package_validation_loss": 0.33}
    results = {"growth": {"images": images}, "solvers": {"target_loss": 0.32, "threads_1": race}}
    seeds = {"mnist": {"ratios": {"one_by_one": 4.5}}, "cifar10": {"ratios": {"products": 0.8}}}
    results["replicas"] = {"threads_1": {"ratio": 5.0}, "seeds": seeds}
    speeds = {"mnist": {"speed": 0.6}, "cifar10": {"speed": 0.7}}
    results["features"] = {**speeds, "head": {"test_accuracy": 0.72}}
    results["strokes"] = {"seconds": {"median": 0.06}}
    targets = load("targets")
    assert [targets.describe_target(target) for target in targets.check_targets(results)] == [
        "met     time to the same loss, against scikit-learn's best solver: 0.5 times (at most 0.7 times)",
        "MISSED  that loss, on the worst split: 0.33 nats (at most 0.32 nats)",
        "MISSED  sixteen rates one by one, against replicas: 5 times (at least 6 times)",
        "met     ten seeds one by one, against replicas: 4.5 times (at least 3 times)",
        "met     ten seeds of CIFAR-10, against their bare products: 1.25 times (at most 1.7 times)",
        "met     speed of features, against their bare convolution: 0.6 times (at least 0.5 times)",
        "MISSED  CIFAR-10's test accuracy of a linear head on dense features: 0.72 (at least 0.73)",
        "MISSED  power of the number of images with which time grows: 1.2 (at most 1.1)",
        "met     memory of an image, against what was predicted: 1.05 times (at most 1.1 times)",
        "MISSED  from the pen to the answer on the landing page: 0.06 s (at most 0.05 s)",
    ]


def test_every_part_is_on_record_with_its_machine_and_explained(load: Load, results: dict[str, Any]) -> None:
    parts = load("run").PARTS
    assert set(results) == {*parts, "targets"}
    assert all(
        {"cpu", "cores", "date", "versions", "commit"} <= results[part]["machine"].keys() for part in parts
    )
    readme = (BENCHMARKS / "README.md").read_text()
    assert not [part for part in results if f"`{part}" not in readme and f"{part}.py" not in readme]
    assert not [file.name for file in BENCHMARKS.glob("*.py") if f"`{file.name}`" not in readme]


def test_every_promise_on_record_is_what_the_results_say_and_kept(
    load: Load, results: dict[str, Any]
) -> None:
    checked = load("targets").check_targets(results)
    assert [(each["title"], each["value"], each["bound"], each["met"]) for each in results["targets"]] == [
        (target.title, target.value, target.bound, True) for target in checked
    ]


@pytest.mark.parametrize("dataset", ["mnist", "cifar10"])
@pytest.mark.parametrize("threads", ["threads_1", "threads_2"])
def test_epochs_on_record_did_the_same_work(
    dataset: str, threads: str, load: Load, results: dict[str, Any]
) -> None:
    found = results["epoch"][dataset][threads]
    assert set(found["seconds"]) == set(load("loops").MAKERS)
    own = statistics.median(found["seconds"]["package"]["rounds"])
    for loop, ratio in found["ratios"].items():
        rounds = found["seconds"][loop]["rounds"]
        assert len(rounds) >= 5
        assert ratio == pytest.approx(statistics.median(rounds) / own, rel=1e-3)
    losses = found["validation_loss"].values()
    assert max(losses) == pytest.approx(min(losses), rel=1e-5)
    assert results["solvers"][threads]["package_validation_loss"] <= results["solvers"]["target_loss"]
