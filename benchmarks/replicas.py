"""Sixteen learning rates in one pass against one by one; run it with --help for its options.

Both ways train the same configurations of MNIST on the same batches for one epoch, validation included, in
turn in the same process. What counts is the ratio of their times, and that their losses agree.
"""

import argparse
import json
import statistics
import time

import numpy as np
import torch

from tutorial_utils import datasets, replicas
from tutorial_utils.config import HEADLINE, TrainingConfig
from tutorial_utils.datasets import LoadedDataset
from tutorial_utils.models import make_model
from tutorial_utils.training import Trainer


def one_by_one(configs: list[TrainingConfig], data: LoadedDataset) -> list[float]:
    """Train each configuration by itself; return the validation losses."""
    losses = []
    for config in configs:
        history = Trainer(config, show_progress=False).fit(
            make_model(config), *datasets.training_batches(data.train, config)
        )
        losses.append(history.best.validation_loss)
    return losses


def together(configs: list[TrainingConfig], data: LoadedDataset) -> list[float]:
    """Train all in one pass; return the validation losses."""
    batches = datasets.training_batches(data.train, configs[0])
    made = replicas.train(configs, *batches, show_progress=False)
    return [replica.history.best.validation_loss for replica in made]


def main() -> None:
    """Measure and print one line for each round, then the result as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--replicas", type=int, default=16)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    data = datasets.load("mnist")
    base = HEADLINE["mnist"].but(num_epochs=1)
    rates = np.geomspace(1e-4, 0.05, options.replicas)
    configs = [base.but(learning_rate=float(rate)) for rate in rates]
    seconds: dict[str, list[float]] = {"one by one": [], "together": []}
    for _ in range(options.rounds):
        losses = {}
        for name, way in (("one by one", one_by_one), ("together", together)):
            started = time.perf_counter()
            losses[name] = np.array(way(configs, data))
            seconds[name].append(time.perf_counter() - started)
        difference = float(np.max(np.abs(losses["together"] / losses["one by one"] - 1)))
        print(
            {name: round(values[-1], 3) for name, values in seconds.items()},
            f"losses differ by {difference:.1e}",
        )
    ratios = [alone / shared for alone, shared in zip(*seconds.values(), strict=True)]
    print(
        json.dumps(
            {
                "threads": options.threads,
                "replicas": options.replicas,
                "median_seconds": {name: statistics.median(values) for name, values in seconds.items()},
                "median_ratio": statistics.median(ratios),
                "ratios": ratios,
                "largest_relative_difference_of_losses": difference,
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
