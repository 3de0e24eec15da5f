"""How many threads a model computes with: one while it is small, since more would wait for each other."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import torch
from torch import nn

SMALL = 100_000
"""Most parameters of a small model. The linear ones of this book have 7,850 and 30,730."""

_AT_START = torch.get_num_threads()


def choose_threads(model: nn.Module) -> int:
    """Choose how many of the processor's threads a model should be trained with.

    A step of a small model takes a fraction of a millisecond. Shared among threads it is hardly quicker, and
    where another program keeps a core busy it is many times slower: threads spin while they wait for the one
    that was put aside. Networks with filters, which are used all over an image, or with many weights take
    them all.

    Args:
        model: The model.

    Returns:
        One for a small model; all there are for others, and what was asked for if something was: by the
        environment variable ``OMP_NUM_THREADS``, or by ``torch.set_num_threads``.
    """
    present = torch.get_num_threads()
    if "OMP_NUM_THREADS" in os.environ or present != _AT_START:
        return present
    parameters = list(model.parameters())
    small = sum(each.numel() for each in parameters) <= SMALL and all(each.ndim <= 2 for each in parameters)
    return 1 if small else present


@contextlib.contextmanager
def suitable_threads(model: nn.Module) -> Iterator[None]:
    """Compute with the threads that :func:`choose_threads` chooses, and with as many as before afterwards.

    Args:
        model: The model.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(choose_threads(model))
    try:
        yield
    finally:
        torch.set_num_threads(before)
