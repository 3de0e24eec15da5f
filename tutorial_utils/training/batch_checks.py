"""What batches of any kind must be before a model trains on them, and what their order is drawn from."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType

import torch
from torch import Tensor

from tutorial_utils.exceptions import DataError
from tutorial_utils.reproducibility import preserved_randomness
from tutorial_utils.training.batches import BatchIterable

MOST_PARTS = 100
"""Longer lists hold images or file names, and are not searched for generators."""


def check_labels(images: Tensor, labels: Tensor) -> None:
    """Refuse labels that are not one class number per image, such as a column or one-hot rows.

    Comparing those with predictions would go through silently, and count other hits.

    Args:
        images: Shape (n, ...).
        labels: What must be int64, shape (n,).

    Raises:
        DataError: They are something else.
    """
    if labels.shape != images.shape[:1] or labels.dtype not in (torch.int64, torch.uint8):
        raise DataError(
            f"labels of shape {tuple(labels.shape)} and type {labels.dtype} for {len(images)} images; "
            "expected one class number per image, int64 of shape (n,): use labels.squeeze(1) for a column, "
            "labels.argmax(1) for one-hot rows"
        )


def begin(
    batches: BatchIterable, what: str, check: Callable[[Tensor, Tensor], None] = check_labels
) -> Iterator[tuple[Tensor, Tensor]]:
    """Begin an iteration, and look at its first batch before it is used.

    Args:
        batches: The batches.
        what: Which they are, for the message: ``"training"`` or ``"validation"``.
        check: Refuses images and labels that are not as they must be.

    Returns:
        All batches, the first among them; the others come at no cost.

    Raises:
        DataError: There is no batch, or the first one is refused.
    """
    iterator = iter(batches)
    first = next(iterator, None)
    if first is None or first[1].numel() == 0:
        raise DataError(
            f"the {what} batches gave none; give at least one image, in batches that can be begun anew"
        )
    check(*first)
    return itertools.chain([first], iterator)


def refuse_single_use(batches: BatchIterable, what: str) -> None:
    """Refuse an iterator, which a second epoch would find used up.

    Args:
        batches: The batches.
        what: Which they are, for the message.

    Raises:
        DataError: They can be iterated only once.
    """
    if isinstance(batches, Iterator):
        raise DataError(
            f"the {what} batches are a {type(batches).__name__}, which can be iterated only once; "
            "give what can be begun anew, such as a DataLoader, Batches or a list"
        )


def check_before_training(
    train: BatchIterable,
    validation: BatchIterable,
    check: Callable[[Tensor, Tensor], None] = check_labels,
) -> None:
    """Refuse, before the first step, what would otherwise end a run after its first epoch.

    The training batches are looked at when they are begun, which comes before the first step, too.

    Args:
        train: Training batches.
        validation: Validation batches; their first one is looked at.
        check: As for :func:`begin`.

    Raises:
        DataError: Batches can be iterated only once, or validation has none or not those it needs.
    """
    refuse_single_use(train, "training")
    refuse_single_use(validation, "validation")
    with preserved_randomness(order_generators(validation).values()):
        begin(validation, "validation", check)


def order_generators(batches: object) -> dict[str, torch.Generator]:
    """Find every generator of their own that batches draw from: a loader's, a sampler's, a data set's.

    Args:
        batches: Batches of any kind; all their parts are searched, and the parts of these.

    Returns:
        Generators by name, the nearest first: ``"order"``, ``"order 2"`` and so on; none if the batches
        come in one order, or in that of a global generator.
    """
    found: dict[str, torch.Generator] = {}
    seen: set[int] = set()
    pending = deque([batches])
    while pending:
        part = pending.popleft()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, torch.Generator):
            found[f"order {len(found) + 1}" if found else "order"] = part
        pending.extend(_parts(part))
    return found


def _parts(whole: object) -> Iterable[object]:
    """What an object holds, where a generator may be."""
    if isinstance(whole, Tensor | ModuleType | type):
        return ()
    if isinstance(whole, list | tuple | dict):
        values = whole.values() if isinstance(whole, dict) else whole
        return values if len(whole) <= MOST_PARTS else ()
    return vars(whole).values() if hasattr(whole, "__dict__") else ()


def order_is_known(batches: BatchIterable) -> bool:
    """Whether batches come again as they came when all generators are put back as they were.

    They do not if their order is drawn from what nobody can find, such as a generator inside a function,
    or if they count their own epochs.

    Args:
        batches: Begun twice; only the first batches are compared.
    """
    first = []
    for _ in range(2):
        with preserved_randomness(order_generators(batches).values()):
            first.append(next(iter(batches), ()))
    return all(
        one.shape == other.shape and torch.allclose(one, other, rtol=0, atol=0, equal_nan=True)
        for one, other in zip(*first, strict=True)
    )
