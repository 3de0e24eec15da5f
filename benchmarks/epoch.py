"""One epoch by every loop of :mod:`loops`: seconds, ratios, losses, and memory in a process of its own."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import loops
import torch
from memory import Peak
from rounds import compare, interleave, say, summarise

from tutorial_utils.data import datasets
from tutorial_utils.data.datasets import ImageData
from tutorial_utils.training.config import HEADLINE, TrainingConfig

BATCH_SIZE = 64
AGREEMENT = 1e-5
"""How far validation losses may lie apart, relative to the package's: rounding in another order."""


def one_epoch(dataset: str, num_images: int | None = None) -> tuple[ImageData, TrainingConfig]:
    """The training images and the settings of the book, for one epoch at batch size 64."""
    data = datasets.load(dataset).train
    if num_images is not None:
        data = data.subset(torch.arange(num_images))
    return data, HEADLINE[dataset].but(num_epochs=1, batch_size=BATCH_SIZE, device="cpu")


def available() -> list[str]:
    """The loops that this environment can run.

    Raises:
        SystemExit: A package to compare with is missing.
    """
    missing = [need for need in loops.NEED_MORE.values() if importlib.util.find_spec(need) is None]
    if missing:
        raise SystemExit(
            f"error: {' and '.join(missing)} to compare with is not installed here; `make bench` sees to that"
        )
    return list(loops.MAKERS)


def measure_epochs(
    names: Sequence[str], dataset: str, threads: int, rounds: int, num_images: int | None = None
) -> dict[str, Any]:
    """Time one epoch by several loops in turn.

    Args:
        names: Keys of :data:`loops.MAKERS`, the package among them.
        dataset: Short name.
        threads: Of PyTorch's arithmetic.
        rounds: How often.
        num_images: Fewer than all, for a trial.

    Returns:
        ``seconds`` by loop as in :func:`rounds.summarise`, ``ratios`` to the package's median, and
        ``validation_loss`` by loop.

    Raises:
        AssertionError: Two loops did not train the same.
    """
    torch.set_num_threads(threads)
    data, config = one_epoch(dataset, num_images)
    ready = {name: loops.MAKERS[name](data, config) for name in names}
    for name in names:
        if not name.startswith("loader"):
            ready[name]()  # what happens only the first time
    seconds, losses = interleave(ready, rounds)
    apart = {name: abs(loss / losses["package"] - 1) for name, loss in losses.items()}
    assert max(apart.values()) < AGREEMENT, f"not the same training: {apart}"
    return {
        "seconds": {name: summarise(times) for name, times in seconds.items()},
        "ratios": compare(seconds, "package"),
        "validation_loss": losses,
    }


def peak_bytes(name: str, dataset: str) -> int:
    """Most memory that one loop takes, in a process of its own, beyond what it had with the images read.

    Args:
        name: Key of :data:`loops.MAKERS`.
        dataset: Short name.

    Returns:
        Bytes, those of its workers included.
    """
    answer = subprocess.run(
        [sys.executable, __file__, name, dataset], check=True, capture_output=True, text=True
    )
    return int(answer.stdout.splitlines()[-1])


def measure(rounds: int, quick: bool) -> dict[str, Any]:
    """Both data sets, with one thread and with two.

    Args:
        rounds: Of every loop.
        quick: A trial with few images and no memory.

    Returns:
        By data set: by number of threads as in :func:`measure_epochs`, and ``memory_bytes`` by loop.
    """
    names = available()
    found: dict[str, Any] = {}
    for dataset in ("mnist", "cifar10"):
        found[dataset] = {}
        for threads in (1, 2):
            say(f"one epoch of {dataset}, {threads} thread{'s' * (threads > 1)}")
            found[dataset][f"threads_{threads}"] = measure_epochs(
                names, dataset, threads, rounds, 3000 if quick else None
            )
        if not quick:
            found[dataset]["memory_bytes"] = {name: peak_bytes(name, dataset) for name in names}
    return found


def _report_own_memory(name: str, dataset: str) -> None:
    data, config = one_epoch(dataset)
    make = loops.MAKERS[name]
    make(data.subset(torch.arange(1000)), config)()  # what is imported or set up only the first time
    with Peak(workers=True, every=0.02) as peak:
        make(data, config)()
    print(peak.bytes)


if __name__ == "__main__":
    _report_own_memory(*sys.argv[1:])
