"""The benchmarks do the same work in every loop, count right, and tell what they promise."""

from __future__ import annotations

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

ROOT = Path(__file__).parents[1]
BENCHMARKS = ROOT / "benchmarks"
OWN_LOOPS = ("package", "loader_0", "bare", "by_hand")
"""The loops that need nothing but the book's packages, and no processes."""


@pytest.fixture(autouse=True)
def benchmarks_are_found(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    for name in {path.stem for path in BENCHMARKS.glob("*.py")} & (set(sys.modules) - before):
        del sys.modules[name]  # such names are too common to stay


def benchmark(name: str) -> ModuleType:
    return importlib.import_module(name)


@pytest.fixture
def results() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((BENCHMARKS / "results.json").read_text())
    return content


# Turns


def test_ways_take_turns_and_each_begins_a_round(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def loop(name: str) -> Callable[[], str]:
        return lambda: ran.append(name) or f"{name} {len(ran)}"  # type: ignore[func-returns-value]

    seconds, last = benchmark("rounds").interleave({name: loop(name) for name in "abc"}, 3)
    assert "".join(ran) == "abc" + "bca" + "cab"
    assert last == {"a": "a 8", "b": "b 9", "c": "c 7"}
    assert all(len(times) == 3 and min(times) >= 0 for times in seconds.values())


def test_seconds_are_those_of_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = benchmark("rounds")
    clock = iter([0.0, 2.0, 10.0, 11.0, 20.0, 24.0, 30.0, 31.5])
    monkeypatch.setattr(rounds.time, "perf_counter", lambda: next(clock))
    seconds, _ = rounds.interleave({"slow": lambda: None, "quick": lambda: None}, 2)
    assert seconds == {"slow": [2.0, 1.5], "quick": [1.0, 4.0]}


def test_summaries_and_ratios_are_of_medians() -> None:
    rounds = benchmark("rounds")
    seconds = {"here": [1.0, 9.0, 2.0], "there": [6.0, 5.0, 100.0]}
    assert rounds.summarise(seconds["here"]) == {
        "median": 2.0,
        "low": 1.0,
        "high": 9.0,
        "rounds": [1.0, 9.0, 2.0],
    }
    assert rounds.compare(seconds, "here") == {"here": 1.0, "there": 3.0}


# The same work


@pytest.mark.data
@pytest.mark.parametrize("dataset", ["mnist", "cifar10"])
def test_all_ways_train_the_same(dataset: str) -> None:
    found = benchmark("epoch").measure_epochs(OWN_LOOPS, dataset, threads=1, rounds=2, num_images=3000)
    losses = found["validation_loss"]
    assert set(losses) == set(found["seconds"]) == set(found["ratios"]) == set(OWN_LOOPS)
    assert losses["package"] < {"mnist": 1.0, "cifar10": 2.3}[dataset], "nothing was learnt"
    assert all(loss == pytest.approx(losses["package"], rel=1e-5) for loss in losses.values())


@pytest.mark.data
def test_a_way_that_trains_something_else_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    epoch, loops = benchmark("epoch"), benchmark("loops")
    bare = loops.MAKERS["bare"]
    changed = {**loops.MAKERS, "bare": lambda data, config: bare(data, config.but(momentum=0.8))}
    monkeypatch.setattr(loops, "MAKERS", changed)
    with pytest.raises(AssertionError, match=r"not the same training: .*bare"):
        epoch.measure_epochs(("package", "bare"), "mnist", threads=1, rounds=1, num_images=3000)


@pytest.mark.data
@pytest.mark.slow
def test_memory_is_that_of_a_process_of_its_own() -> None:
    epoch = benchmark("epoch")
    floats = 60_000 * 28 * 28 * 4
    assert epoch.peak_bytes("package", "mnist") < floats < epoch.peak_bytes("bare", "mnist") < 3 * floats


def test_the_memory_of_a_block_is_what_it_added() -> None:
    # In a process of its own, as the benchmarks do it: this one may give memory back while it measures.
    program = f"""
import numpy as np, memory
with memory.Peak() as peak:
    filled = np.ones({(size := 50_000_000)}, np.uint8)
assert filled.all()
with memory.Peak() as nothing:
    pass
print(peak.bytes, nothing.bytes)
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=BENCHMARKS, capture_output=True, text=True, check=True
    )
    peak, nothing = map(int, ended.stdout.split())
    assert size <= peak < 1.5 * size
    assert nothing < size / 10


def test_workers_count_when_they_should() -> None:
    memory = benchmark("memory")
    program = "x = bytearray(80_000_000); print(len(x), flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdout is not None and worker.stdin is not None
        worker.stdout.readline()
        with_workers, alone = memory.own_memory(workers=True), memory.own_memory()
        worker.communicate("")
    assert 80_000_000 < with_workers - alone < 160_000_000


@pytest.mark.parametrize("missing", ["pytorch_lightning", "skorch"])
def test_without_a_package_to_compare_with_nothing_runs(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == missing else find("json"))
    with pytest.raises(SystemExit, match=f"{missing} to compare with is not installed here; `make bench`"):
        benchmark("epoch").available()


@pytest.mark.parametrize("options", [["--only", "nothing"], ["--rounds", "0"]])
def test_wrong_options_are_refused(options: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / "run.py"), *options], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 2
    assert "loading" in done.stderr or "must be 1 or more" in done.stderr


# Growth


def test_a_power_law_is_found_again() -> None:
    growth = benchmark("growth")
    sizes = np.array([1.0, 10, 100, 1000])
    fit = growth.slope(sizes, 3 * sizes**0.5)
    assert fit["exponent"] == pytest.approx(0.5)
    assert fit["factor"] == pytest.approx(3)
    assert fit["standard_error"] == pytest.approx(0, abs=1e-6)


def test_a_straight_line_is_found_again() -> None:
    fit = benchmark("growth").straight([1, 2, 4, 8], [7, 9, 13, 21])
    assert (fit["at_zero"], fit["each"], fit["r_squared"]) == pytest.approx((5, 2, 1))


@pytest.mark.data
def test_images_in_a_file_train_the_same_and_take_no_memory(tmp_path: Path) -> None:
    growth = benchmark("growth")
    torch.set_num_threads(1)
    resident, mapped = growth.train_resident(60_000), growth.train_mapped(60_000)
    pixels = 60_000 * 28 * 28
    assert mapped["bytes"] < pixels / 2 < pixels < resident["bytes"]


@pytest.mark.data
def test_tiled_images_repeat_the_data_set_with_their_labels(mnist: Any) -> None:
    images, labels = benchmark("growth")._tile(mnist.train, 60_003)
    assert len(images) == len(labels) == 60_003
    assert torch.equal(images[60_000:], mnist.train.images[:3])
    assert torch.equal(labels[60_000:], mnist.train.labels[:3])


# What is promised


def test_a_promise_knows_whether_it_is_kept() -> None:
    target = benchmark("targets").Target
    assert target("", 10, 10, True).met and target("", 10, 10, False).met
    assert target("", 11, 10, True).met and not target("", 11, 10, False).met
    assert not target("", 9, 10, True).met and target("", 9, 10, False).met


def test_a_missed_promise_is_told() -> None:
    targets = benchmark("targets")
    told = targets.describe_target(targets.Target("reading MNIST", 0.75, 0.5, False, "s"))
    assert told == "MISSED  reading MNIST: 0.75 s (at most 0.5 s)"


# The results on record


def test_every_part_is_on_record_with_its_machine(results: dict[str, Any]) -> None:
    assert set(results) == {*benchmark("run").PARTS, "targets"}
    for part in benchmark("run").PARTS:
        assert {"cpu", "cores", "date", "versions", "commit"} <= results[part]["machine"].keys()


def test_every_promise_on_record_is_what_the_results_say(results: dict[str, Any]) -> None:
    checked = benchmark("targets").check_targets(results)
    assert [(each["title"], each["value"], each["bound"], each["met"]) for each in results["targets"]] == [
        (target.title, target.value, target.bound, target.met) for target in checked
    ]


def test_every_promise_on_record_is_kept(results: dict[str, Any]) -> None:
    assert not [each["title"] for each in results["targets"] if not each["met"]]


def test_ratios_on_record_are_those_of_the_rounds(results: dict[str, Any]) -> None:
    for dataset in ("mnist", "cifar10"):
        for threads in ("threads_1", "threads_2"):
            found = results["epoch"][dataset][threads]
            assert set(found["seconds"]) == set(benchmark("loops").MAKERS)
            own = statistics.median(found["seconds"]["package"]["rounds"])
            for loop, ratio in found["ratios"].items():
                rounds = found["seconds"][loop]["rounds"]
                assert len(rounds) >= 5
                assert ratio == pytest.approx(statistics.median(rounds) / own, rel=1e-3)


def test_losses_on_record_agree(results: dict[str, Any]) -> None:
    for dataset in ("mnist", "cifar10"):
        for threads in ("threads_1", "threads_2"):
            losses = results["epoch"][dataset][threads]["validation_loss"]
            assert max(losses.values()) == pytest.approx(min(losses.values()), rel=1e-5)
    assert results["solvers"]["threads_1"]["package_validation_loss"] <= results["solvers"]["target_loss"]


def test_growth_on_record_is_in_proportion_and_memory_as_predicted(results: dict[str, Any]) -> None:
    images = results["growth"]["images"]
    assert images["sizes"][-1] == 100 * images["sizes"][0]
    assert images["time_line"]["r_squared"] > 0.98
    assert images["memory_line"]["each"] == pytest.approx(benchmark("growth").BYTES_PER_IMAGE, rel=0.1)


def test_every_key_is_explained(results: dict[str, Any]) -> None:
    readme = (BENCHMARKS / "README.md").read_text()
    for part in results:
        assert f"`{part}" in readme or f"{part}.py" in readme, part
    for file in BENCHMARKS.glob("*.py"):
        assert f"`{file.name}`" in readme, file.name
