"""Sixteen learning rates in one pass against one by one: the same configurations on the same batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from rounds import compare, interleave, say, summarise

from tutorial_utils.data import datasets
from tutorial_utils.data.datasets import ImageData
from tutorial_utils.training import replicas
from tutorial_utils.training.batches import training_batches
from tutorial_utils.training.config import HEADLINE, TrainingConfig
from tutorial_utils.training.models import make_model
from tutorial_utils.training.trainer import Trainer

REPLICAS = 16
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


def measure(rounds: int, quick: bool) -> dict[str, Any]:
    """Both kinds of training, with one thread and with two.

    Args:
        rounds: Of both.
        quick: A trial on few images.

    Returns:
        By number of threads: seconds of each, how many times as long one by one takes, and how far the losses
        lie apart, relative to their size.
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
    return found
