"""How time and memory grow: with images, with replicas, with the points of a sweep; and beyond memory.

Each size has a process of its own, so that its peak of memory is its own.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from memory import Peak
from rounds import say
from scipy import stats
from sweep import run_command
from torch import Tensor

from tutorial_utils.data import datasets
from tutorial_utils.data.datasets import ImageData, training_transform
from tutorial_utils.reproducibility import make_generator
from tutorial_utils.training import replicas
from tutorial_utils.training.batches import Batches, training_batches
from tutorial_utils.training.config import HEADLINE
from tutorial_utils.training.models import make_model
from tutorial_utils.training.trainer import Trainer

IMAGES = (6_000, 20_000, 60_000, 200_000, 600_000)
REPLICAS = (1, 2, 4, 8, 16, 32, 64)
POINTS = (1, 2, 4, 8, 16)
SWEPT = "notebooks/foundations/01_softmax_and_cross_entropy"
"""The chapter that takes least, so that what is measured is what a sweep adds."""
VALIDATION_IMAGES = 1_000
CONFIG = HEADLINE["mnist"].but(num_epochs=1, batch_size=64, device="cpu")
BYTES_PER_IMAGE = 28 * 28 + 8 + 8
"""What an image takes while training: its pixels, its label, and its place in the order of an epoch."""


def slope(sizes: Sequence[float], values: Sequence[float]) -> dict[str, float]:
    """Fit a power law.

    Returns:
        The exponent, 1 for growth in proportion, its standard error, and the constant factor.
    """
    line = stats.linregress(np.log(sizes), np.log(values))
    return {
        "exponent": float(line.slope),
        "standard_error": float(line.stderr),
        "factor": float(np.exp(line.intercept)),
    }


def straight(sizes: Sequence[float], values: Sequence[float]) -> dict[str, float]:
    """Fit a straight line: what is there at size zero, what each unit adds, and the share explained."""
    line = stats.linregress(sizes, values)
    return {
        "at_zero": float(line.intercept),
        "each": float(line.slope),
        "standard_error": float(line.stderr),
        "r_squared": float(line.rvalue**2),
    }


def _in_a_process(task: str, size: int) -> dict[str, float]:
    """Run one of :data:`TASKS` in a fresh process."""
    command = [sys.executable, __file__, task, str(size)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(answer.stdout.splitlines()[-1]))


def _batches(images: Tensor, labels: Tensor, data: ImageData) -> Batches:
    """Training batches as the package makes them, of any images."""
    order = make_generator(0, "order")
    return Batches(images, labels, CONFIG.batch_size, order, training_transform(data.description))


def _validation(data: ImageData) -> Batches:
    return _batches(data.images[:VALIDATION_IMAGES], data.labels[:VALIDATION_IMAGES], data)


def _epoch_seconds(batches: Batches, data: ImageData) -> float:
    history = Trainer(CONFIG, show_progress=False).fit(make_model(CONFIG), batches, _validation(data))
    return history.records[-1].seconds


def _tile(data: ImageData, size: int) -> tuple[Tensor, Tensor]:
    """The training images again and again, until there are enough."""
    images = torch.empty((size, *data.images.shape[1:]), dtype=torch.uint8)
    for start in range(0, size, len(data)):
        images[start : start + len(data)] = data.images[: size - start]
    return images, data.labels.repeat(math.ceil(size / len(data)))[:size].clone()


def train_resident(size: int) -> dict[str, float]:
    """One epoch over this many images in memory."""
    data = datasets.load("mnist").train
    _epoch_seconds(_validation(data), data)  # what happens only the first time
    with Peak() as peak:
        seconds = _epoch_seconds(_batches(*_tile(data, size), data), data)
    return {"seconds": seconds, "bytes": peak.bytes}


def train_mapped(size: int) -> dict[str, float]:
    """The same with the images in a file: first with nothing of it in memory, then with what stayed there."""
    data = datasets.load("mnist").train
    _epoch_seconds(_validation(data), data)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.bin"
        images, labels = _tile(data, size)
        with path.open("wb") as file:
            file.write(memoryview(images.numpy()))
            file.flush()
            os.fsync(file.fileno())
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        shape = images.shape
        del images
        with Peak() as peak:
            mapped = torch.from_file(str(path), size=math.prod(shape), dtype=torch.uint8).view(shape)
            batches = _batches(mapped, labels, data)
            first, second = (_epoch_seconds(batches, data) for _ in range(2))
    return {"seconds_first": first, "seconds": second, "bytes": peak.bytes}


def train_replicas(size: int) -> dict[str, float]:
    """One epoch of MNIST with this many learning rates at once."""
    data = datasets.load("mnist").train
    configs = [CONFIG.but(learning_rate=float(rate)) for rate in np.geomspace(1e-4, 0.05, size)]
    train, validation = training_batches(data, CONFIG)
    started = time.perf_counter()
    replicas.train(configs, train, validation, show_progress=False)
    return {"seconds": time.perf_counter() - started}


def sweep_points(size: int) -> dict[str, float]:
    """A sweep of this many points, two at a time."""
    with tempfile.TemporaryDirectory() as folder:
        seeds = ",".join(map(str, range(size)))
        started = time.perf_counter()
        run_command(SWEPT, 2, ["-g", f"seed={seeds}"], folder)
        return {"seconds": time.perf_counter() - started}


TASKS: dict[str, Callable[[int], dict[str, float]]] = {
    "images": train_resident,
    "mapped": train_mapped,
    "replicas": train_replicas,
    "points": sweep_points,
}


def _medians(task: str, sizes: Sequence[int], rounds: int) -> dict[str, list[float]]:
    """Run a task of every size in turn, several times; medians by size."""
    found: list[list[dict[str, float]]] = [[] for _ in sizes]
    for number in range(rounds):
        say(f"  {task} {', '.join(f'{size:,}' for size in sizes)}: round {number + 1} of {rounds}")
        for size, measured in zip(sizes, found, strict=True):
            measured.append(_in_a_process(task, size))
    return {
        key: [statistics.median(each[key] for each in measured) for measured in found] for key in found[0][0]
    }


def measure(rounds: int, quick: bool) -> dict[str, Any]:
    """Measure all growth, with one thread.

    Args:
        rounds: Of each size of images and replicas; a sweep runs once.
        quick: A trial with small sizes.

    Returns:
        By kind: sizes, medians of seconds and bytes, and how they grow.
    """
    images = IMAGES[:2] if quick else IMAGES
    found: dict[str, Any] = {}
    by_images = _medians("images", images, rounds)
    found["images"] = {
        "sizes": images,
        **by_images,
        "predicted_bytes": [size * BYTES_PER_IMAGE for size in images],
        "time": slope(images, by_images["seconds"]),
        "time_line": straight(images, by_images["seconds"]),
        "memory_line": straight(images, by_images["bytes"]),
    }
    mapped = _medians("mapped", images[-1:], rounds)
    found["mapped"] = {
        "size": images[-1],
        **{key: values[0] for key, values in mapped.items()},
        "ratio_first": mapped["seconds_first"][0] / by_images["seconds"][-1],
        "ratio": mapped["seconds"][0] / by_images["seconds"][-1],
    }
    numbers = REPLICAS[:2] if quick else REPLICAS
    by_replicas = _medians("replicas", numbers, rounds)
    found["replicas"] = {
        "sizes": numbers,
        **by_replicas,
        "time_line": straight(numbers, by_replicas["seconds"]),
    }
    if not quick:
        by_points = _medians("points", POINTS, 1)
        found["points"] = {
            "sizes": POINTS,
            **by_points,
            "time_line": straight(POINTS, by_points["seconds"]),
        }
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps(TASKS[sys.argv[1]](int(sys.argv[2]))))
