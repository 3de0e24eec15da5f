"""Many models in one pass: sixteen rates on shared batches, and ten seeds with orders of their own."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from rounds import compare, interleave, say, summarise

from tutorial_utils.data import datasets
from tutorial_utils.data.datasets import ImageData, split_indices
from tutorial_utils.training import replicas
from tutorial_utils.training.batches import training_batches
from tutorial_utils.training.config import HEADLINE, TrainingConfig
from tutorial_utils.training.models import make_model
from tutorial_utils.training.trainer import Trainer

REPLICAS = 16
SEEDS = 10
SLOWEST_RATE, FASTEST_RATE = 1e-4, 0.05
"""Above this, rounding makes single runs differ after some hundred steps, in whatever order they are made."""


def one_by_one(configs: list[TrainingConfig], data: ImageData) -> list[float]:
    """Train each configuration by itself; return the validation losses."""
    losses = []
    for config in configs:
        history = Trainer(config, show_progress=False).fit(
            make_model(config), *training_batches(data, config)
        )
        losses.append(history.best.validation_loss)
    return losses


def together(configs: list[TrainingConfig], data: ImageData) -> list[float]:
    """Train all in one pass; return the validation losses."""
    made = replicas.train(configs, *training_batches(data, configs[0]), show_progress=False)
    return [replica.history.best.validation_loss for replica in made]


def bare_products(configs: list[TrainingConfig], data: ImageData) -> None:
    """What no seed can do without: its own images, gathered and made floats, and two products a step."""
    size, classes = configs[0].batch_size, configs[0].description.num_classes
    images = data.images.flatten(1)
    scores, gradient = torch.empty(classes, size), torch.empty(classes, images.shape[1])
    for config in configs:
        weight, error = torch.randn_like(gradient), torch.randn(classes, size)
        train, _ = split_indices(len(data), config.validation_split, config.seed)
        for chosen in train[torch.randperm(len(train))].split(size):
            inputs = images.index_select(0, chosen).float()
            torch.mm(weight, inputs.T, out=scores[:, : len(chosen)])
            torch.mm(error[:, : len(chosen)], inputs, out=gradient)


def measure_seeds(dataset: str, rounds: int, num_images: int | None) -> dict[str, Any]:
    """Ten seeds with splits and orders of their own: together, one by one, and their bare products alone.

    Args:
        dataset: Short name.
        rounds: Of each.
        num_images: Fewer than all, for a trial.

    Returns:
        Seconds of each, and how many times as long as all together they take.
    """
    say(f"{SEEDS} seeds with orders of their own, {dataset}")
    data = datasets.load(dataset).train
    if num_images is not None:
        data = data.subset(torch.arange(num_images))
    base = HEADLINE[dataset].but(num_epochs=1, device="cpu")
    configs = [base.but(seed=seed) for seed in range(SEEDS)]
    seconds, _ = interleave(
        {
            "together": lambda: replicas.train_all(configs, data, show_progress=False),
            "one_by_one": lambda: one_by_one(configs, data),
            "products": lambda: bare_products(configs, data),
        },
        rounds,
    )
    return {
        "seconds": {name: summarise(times) for name, times in seconds.items()},
        "ratios": compare(seconds, "together"),
    }


def measure(rounds: int, quick: bool) -> dict[str, Any]:
    """Shared batches with one thread and with two; batches of their own with one, as small models compute.

    Args:
        rounds: Of both.
        quick: A trial on few images.

    Returns:
        By number of threads: seconds of each, how many times as long one by one takes, and how far the losses
        lie apart, relative to their size. By data set under ``seeds``: see :func:`measure_seeds`.
    """
    data = datasets.load("mnist").train
    if quick:
        data = data.subset(torch.arange(3000))
    rates = np.geomspace(SLOWEST_RATE, FASTEST_RATE, REPLICAS)
    base = HEADLINE["mnist"].but(num_epochs=1, device="cpu")
    configs = [base.but(learning_rate=float(rate)) for rate in rates]
    found: dict[str, Any] = {"replicas": REPLICAS}
    for threads in (1, 2):
        say(f"{REPLICAS} learning rates, {threads} thread{'s' * (threads > 1)}")
        torch.set_num_threads(threads)
        seconds, losses = interleave(
            {"together": lambda: together(configs, data), "one_by_one": lambda: one_by_one(configs, data)},
            rounds,
        )
        apart = np.array(losses["together"]) / np.array(losses["one_by_one"]) - 1
        found[f"threads_{threads}"] = {
            "seconds": {name: summarise(times) for name, times in seconds.items()},
            "ratio": compare(seconds, "together")["one_by_one"],
            "losses_apart": float(np.abs(apart).max()),
        }
    torch.set_num_threads(1)
    few = 3000 if quick else None
    found["seeds"] = {name: measure_seeds(name, rounds, few) for name in ("mnist", "cifar10")}
    return found
