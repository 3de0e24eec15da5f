"""Features by a fixed convolution, beside that convolution alone; and how far they take a linear model."""

from __future__ import annotations

import statistics
import time
from typing import Any

import torch
import torch.nn.functional as F
from rounds import interleave, say, summarise

from tutorial_utils.data import datasets
from tutorial_utils.evaluation.predictions import predict
from tutorial_utils.features import convolution, linear, patches
from tutorial_utils.features.convolution import PatchFeatures
from tutorial_utils.training.config import TrainingConfig

SIZES = {"cifar10": {"count": 400, "grid": 2}, "mnist": {"count": 200, "grid": 3}}
"""The features of the chapter."""

DENSE = {"count": 400, "grid": 3, "stride": 1}
"""Those of the linear head: patches at every row and column, nine squares."""

HEAD = TrainingConfig(
    dataset="cifar10",
    device="cpu",
    batch_size=100,
    weight_decay=0.002,
    early_stopping_patience=30,
)
"""Its training: the first settings that were tried, not tuned. Test labels are used once, at the end."""


def bare_convolution(features: PatchFeatures, images: torch.Tensor) -> int:
    """The convolution alone, in the same batches and the same layout; what comes out is dropped."""
    places = 0
    with torch.no_grad():
        for part in images.split(convolution.BATCH_SIZE):
            ready = patches.pixels(part).contiguous(memory_format=torch.channels_last)
            places += F.conv2d(ready, features.filters, stride=features.stride).numel()
    return places


def measure_extraction(dataset: str, rounds: int, num_images: int) -> dict[str, Any]:
    """Time features and their bare convolution in turn, with one thread: the processor's seconds.

    Args:
        dataset: Short name.
        rounds: How often.
        num_images: Images of a round.

    Returns:
        ``seconds`` of ``package`` and ``bare`` as in :func:`rounds.summarise`; ``speed``: the bare one's of a
        round divided by the package's of the same round, the median of all; and ``num_images``.
    """
    torch.set_num_threads(1)
    images = datasets.load(dataset).train.images[:num_images]
    features = PatchFeatures.fit(images, seed=0, **SIZES[dataset])
    ways = {
        "package": lambda: features(images).numel(),
        "bare": lambda: bare_convolution(features, images),
    }
    for way in ways.values():
        way()  # what happens only the first time
    seconds, _ = interleave(ways, rounds, clock=time.process_time)
    speeds = [bare / package for bare, package in zip(seconds["bare"], seconds["package"], strict=True)]
    return {
        "seconds": {name: summarise(times) for name, times in seconds.items()},
        "speed": statistics.median(speeds),
        "num_images": len(images),
    }


def measure_head(count: int | None = None, epochs: int = HEAD.num_epochs) -> dict[str, Any]:
    """Train the linear head on dense features of CIFAR-10, once, with one thread.

    Args:
        count: Centroids, by default those of :data:`DENSE`.
        epochs: Of training.

    Returns:
        ``test_accuracy``, ``validation_accuracy``, ``num_features``, and the processor's ``seconds``, of
        which ``extraction_seconds`` went before training.
    """
    torch.set_num_threads(1)
    data, started = datasets.load("cifar10"), time.process_time()
    chosen, _ = datasets.split_indices(len(data.train), HEAD.validation_split, HEAD.seed)
    features = PatchFeatures.fit(
        data.train.images[chosen], seed=HEAD.seed, **{**DENSE, "count": count or DENSE["count"]}
    )
    extracted = features(data.train.images)
    extraction = time.process_time() - started
    head, history = linear.fit(extracted, data.train.labels, HEAD.but(num_epochs=epochs))
    seconds = time.process_time() - started
    said = predict(torch.nn.Sequential(features, head), data.test.images)
    return {
        "test_accuracy": (said.labels == data.test.labels).double().mean().item(),
        "validation_accuracy": history.best.validation_accuracy,
        "num_features": features.num_features,
        "seconds": seconds,
        "extraction_seconds": extraction,
    }


def measure(rounds: int, quick: bool) -> dict[str, Any]:
    """Both data sets, and the head.

    Args:
        rounds: Of extraction.
        quick: A trial with few images and centroids.

    Returns:
        By data set as in :func:`measure_extraction`, and ``head`` as in :func:`measure_head`.
    """
    found: dict[str, Any] = {}
    for dataset in SIZES:
        say(f"features of {dataset}")
        found[dataset] = measure_extraction(dataset, rounds, 500 if quick else 5_000)
    say("a linear head on dense features")
    found["head"] = measure_head(8, 1) if quick else measure_head()
    return found
