"""Does it matter where training starts: networks led to a minimum from different first weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tutorial_utils.reproducibility import preserved_randomness

PENALTY = 0.001
"""Times the sum of all squared weights, which is added to the loss."""


def minimise(network: nn.Module, inputs: Tensor, labels: Tensor, *, steps: int = 400) -> float:
    """Lead a network to a minimum of its penalised loss on all inputs at once, by L-BFGS.

    Args:
        network: Changed in place.
        inputs: What it takes, shape (n, ...).
        labels: int64, shape (n,).
        steps: At most.

    Returns:
        The penalised loss there, in nats.
    """
    weights = list(network.parameters())
    solver = torch.optim.LBFGS(weights, max_iter=steps, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        solver.zero_grad()
        penalised = F.cross_entropy(network(inputs), labels)
        penalised = penalised + PENALTY * torch.stack([each.square().sum() for each in weights]).sum()
        penalised.backward()
        return penalised

    solver.step(loss)
    return loss().item()


def agreement(
    make: Callable[[], nn.Module], inputs: Tensor, labels: Tensor, others: Tensor, seeds: Sequence[int]
) -> float:
    """Train from two starts on the same images, and count on how many others both say the same.

    Args:
        make: Makes a network; what it draws comes from the global generator.
        inputs: To train on, shape (n, ...).
        labels: int64, shape (n,).
        others: To answer, shape (m, ...).
        seeds: Two, one for either start.

    Returns:
        A fraction: 1 if it does not matter where training starts.
    """
    answers = []
    for seed in seeds:
        with preserved_randomness():
            torch.manual_seed(seed)
            network = make()
        minimise(network, inputs, labels)
        with torch.no_grad():
            answers.append(network(others).argmax(dim=1))
    return float((answers[0] == answers[1]).double().mean())
