"""A card that computes here: for tests of what happens on a GPU, on machines without one.

Its tensors say that they are on the card. They refuse to meet tensors that are not, as CUDA's do, and
float64, as Apple's do. Generators stay on the CPU.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from unittest import mock

import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map

CARD = torch.device("cuda", 0)
LEAVES = {
    "to",
    "cpu",
    "copy_",
    "__get__",
    "__set__",
    "__repr__",
    "__len__",
    "__format__",
    "tolist",
    "item",
    "set_",
}
"""Functions that may see tensors of both kinds, or that lead off the card."""

ASKS_A_REAL_CARD = "_accelerator_graph_capture_health_check"
"""What optimisers do before each step: it warns of recorded steps, which nobody records."""

INDEXING = {"__getitem__", "__setitem__"}
"""A card's tensors may be indexed with the CPU's, as CUDA allows."""


class OnCard(torch.Tensor):
    """A tensor that says that it is on the card."""

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return CARD

    @property
    def is_cuda(self) -> bool:  # type: ignore[override]
        return True

    def numpy(self, *args: Any, **options: Any) -> Any:
        raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu()")

    def __array__(self, *args: Any, **options: Any) -> Any:
        return self.numpy()

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        made = put(off(self).clone()).requires_grad_(self.requires_grad)
        return torch.nn.Parameter(made, self.requires_grad) if isinstance(self, torch.nn.Parameter) else made


def put(tensor: torch.Tensor) -> torch.Tensor:
    """Put a tensor onto the card."""
    if tensor.dtype == torch.float64:
        raise TypeError(
            "Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64"
        )
    return tensor.clone().as_subclass(OnCard)


def off(tensor: torch.Tensor) -> torch.Tensor:
    """The same numbers as an ordinary tensor."""
    with torch._C.DisableTorchFunctionSubclass():
        return tensor.as_subclass(torch.Tensor)


def is_card(device: Any) -> bool:
    """Whether a device, however it is given, is the card."""
    if isinstance(device, torch.Tensor):
        return isinstance(device, OnCard)
    return isinstance(device, str | torch.device) and torch.device(device).type == CARD.type


class StandInCard(TorchFunctionMode):
    """While it is in force, the card is there."""

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        name = getattr(function, "__name__", "")
        tensors = [each for each in tree_leaves((args, kwargs)) if isinstance(each, torch.Tensor)]
        on_card = [isinstance(each, OnCard) for each in tensors]
        if name == "to":
            goal = next((each for each in (*args[1:], *kwargs.values()) if is_device(each)), None)
            return self.move(goal, args, kwargs)
        if name == "cpu":
            return off(args[0]).clone() if on_card[0] else args[0]
        if name == "double" and any(on_card):
            put(torch.zeros(1, dtype=torch.float64))
        goal = kwargs.pop("device", None)
        strangers = [each for each, there in zip(tensors, on_card, strict=True) if not there and each.ndim]
        if any(on_card) and strangers and name not in LEAVES | INDEXING:
            raise RuntimeError(
                f"Expected all tensors to be on the same device, but found cuda:0 and cpu! ({name})"
            )
        if not any(on_card) and name in LEAVES | INDEXING and not is_card(goal):
            return function(*args, **kwargs)
        with torch._C.DisableTorchFunctionSubclass():
            result = function(*args, **kwargs)
        if name in ("item", "tolist", "__set__") or not (any(on_card) or is_card(goal)):
            return result
        return tree_map(lambda each: wrap(each) if isinstance(each, torch.Tensor) else each, result)

    @staticmethod
    def move(goal: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """``Tensor.to``: between the two, to another type, or to channels last, which rounds otherwise."""
        here = args[0]
        found = [each for each in (*args[1:], *kwargs.values()) if isinstance(each, torch.dtype)]
        with torch._C.DisableTorchFunctionSubclass():
            there = here.to(found[0]) if found else here
            if "memory_format" in kwargs and here.ndim == 4:  # as modules do it
                there = there.contiguous(memory_format=kwargs["memory_format"])
        stays = isinstance(here, OnCard) if goal is None else is_card(goal)
        if stays:
            return wrap(there, copy=not isinstance(here, OnCard))
        return off(there).clone() if isinstance(here, OnCard) else there


def is_device(value: Any) -> bool:
    """Whether an argument of ``Tensor.to`` says where."""
    return isinstance(value, str | torch.device | OnCard)


def wrap(tensor: torch.Tensor, copy: bool = False) -> torch.Tensor:
    """A result that belongs to the card."""
    if tensor.dtype == torch.float64:
        put(tensor)
    return tensor if isinstance(tensor, OnCard) else (tensor.clone() if copy else tensor).as_subclass(OnCard)


def module_to(module: nn.Module, *args: Any, **kwargs: Any) -> nn.Module:
    """``Module.to`` and ``Module.cpu``: every parameter and buffer, in place."""
    for part in module.modules():
        for name, each in part._parameters.items():
            if each is not None:
                part._parameters[name] = nn.Parameter(each.detach().to(*args, **kwargs), each.requires_grad)
        for name, each in part._buffers.items():
            if each is not None:
                part._buffers[name] = each.to(*args, **kwargs)
    return module


@contextlib.contextmanager
def plugged_in() -> Iterator[None]:
    """Have the card in this block."""
    with (
        mock.patch("torch.cuda.device_count", lambda: 1),
        mock.patch("torch.cuda.is_available", lambda: True),
        mock.patch("torch.cuda.get_rng_state", lambda device: torch.get_rng_state()),
        mock.patch("torch.cuda.set_rng_state", lambda state, device: torch.set_rng_state(state)),
        mock.patch.object(nn.Module, "to", module_to),
        mock.patch.object(nn.Module, "cpu", lambda module: module_to(module, "cpu")),
        mock.patch.object(torch.optim.Optimizer, ASKS_A_REAL_CARD, lambda optimiser: None),
        StandInCard(),
    ):
        yield
