"""What the package promises of its speed, each a ratio or a time that results.json holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

THREADS = "threads_1"
"""Of what is promised: one, as small models are computed with. What two do stands beside it."""


@dataclass(frozen=True)
class Target:
    """One promise.

    Attributes:
        title: What is measured.
        value: What was measured.
        bound: What was promised.
        at_least: The value should be at or above the bound, not at or below it.
        unit: Of both, such as ``"times"``.
    """

    title: str
    value: float
    bound: float
    at_least: bool
    unit: str = "times"

    @property
    def met(self) -> bool:
        """Whether the promise is kept."""
        return self.value >= self.bound if self.at_least else self.value <= self.bound


def check_targets(results: Mapping[str, Any]) -> list[Target]:
    """Compare results with promises.

    Args:
        results: Content of results.json.

    Returns:
        Every promise about what was measured.
    """
    found: list[Target] = []
    if "epoch" in results:
        ratios, of_cifar10 = (results["epoch"][name][THREADS]["ratios"] for name in ("mnist", "cifar10"))
        found += [
            Target("DataLoader with 2 workers, against this package", ratios["loader_2"], 10, True),
            Target("DataLoader without workers, against this package", ratios["loader_0"], 10, True),
            Target("this package, against a bare loop", 1 / ratios["bare"], 1.05, False),
            Target("this package, against the gradient by hand", 1 / ratios["by_hand"], 1.85, False),
            Target("the same on CIFAR-10", 1 / of_cifar10["by_hand"], 1.5, False),
            Target("PyTorch Lightning, against this package", ratios["lightning"], 3, True),
            Target("skorch, against this package", ratios["skorch"], 1.2, True),
        ]
    if "solvers" in results:
        solvers = results["solvers"]
        ratio, loss = (solvers[THREADS][key] for key in ("ratio_to_best_solver", "package_validation_loss"))
        found += [
            Target("time to the same loss, against scikit-learn's best solver", ratio, 0.7, False),
            Target("that loss, on the worst split", loss, solvers["target_loss"], False, "nats"),
        ]
    if "replicas" in results:
        ratio, seeds = results["replicas"][THREADS]["ratio"], results["replicas"]["seeds"]
        to_products = 1 / seeds["cifar10"]["ratios"]["products"]
        found += [
            Target("sixteen rates one by one, against replicas", ratio, 6, True),
            Target("ten seeds one by one, against replicas", seeds["mnist"]["ratios"]["one_by_one"], 3, True),
            Target("ten seeds of CIFAR-10, against their bare products", to_products, 1.7, False),
        ]
    if "loading" in results:
        seconds = {name: each["median"] for name, each in results["loading"]["seconds"].items()}
        found += [
            Target("reading MNIST", seconds["mnist"], 0.5, False, "s"),
            Target("reading CIFAR-10", seconds["cifar10"], 1.5, False, "s"),
        ]
    if "imports" in results:
        ratios = results["imports"]["ratios"]
        found += [
            Target("what a training chapter imports, against importing torch", ratios["chapter"], 1.6, False),
            Target("importing the trainer, against importing torch", ratios["trainer"], 1.15, False),
        ]
    if "features" in results:
        features = results["features"]
        slower = min(features[name]["speed"] for name in ("mnist", "cifar10"))
        accuracy = features["head"]["test_accuracy"]
        found += [
            Target("speed of features, against their bare convolution", slower, 0.5, True),
            Target("CIFAR-10's test accuracy of a linear head on dense features", accuracy, 0.73, True, ""),
        ]
    if "growth" in results:
        images = results["growth"]["images"]
        power, each = images["time"]["exponent"], images["memory_line"]["each"]
        predicted = images["predicted_bytes"][-1] / images["sizes"][-1]
        found += [
            Target("power of the number of images with which time grows", power, 1.1, False, ""),
            Target("memory of an image, against what was predicted", each / predicted, 1.1, False),
        ]
    if "sweep" in results:
        found.append(Target("a sweep with two jobs, against one job", results["sweep"]["ratio"], 0.7, False))
    if "strokes" in results:
        delay = results["strokes"]["seconds"]["median"]
        found.append(Target("from the pen to the answer on the landing page", delay, 0.05, False, "s"))
    return found


def describe_target(target: Target) -> str:
    """Write a promise and its outcome as one line."""
    bound = f"{'at least' if target.at_least else 'at most'} {target.bound:g} {target.unit}".rstrip()
    value = f"{target.value:.3g} {target.unit}".rstrip()
    return f"{'met   ' if target.met else 'MISSED'}  {target.title}: {value} ({bound})"
