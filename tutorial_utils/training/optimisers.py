"""The optimiser and the one-cycle schedule of a configuration, and their state, put away and put back."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from tutorial_utils.exceptions import DataError
from tutorial_utils.training.config import TrainingConfig


def make_optimiser(model: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    """Make the optimiser that a configuration asks for.

    Args:
        model: Its parameters are what is moved.
        config: Gives optimiser, rate, momentum and weight decay.

    Returns:
        Stochastic gradient descent with momentum, or Adam (Kingma and Ba 2015), whose first decay rate is the
        configuration's momentum and whose second is 0.999.
    """
    parameters, rate, decay = model.parameters(), config.learning_rate, config.weight_decay
    if config.optimiser == "adam":
        return torch.optim.Adam(parameters, lr=rate, betas=(config.momentum, 0.999), weight_decay=decay)
    return torch.optim.SGD(parameters, lr=rate, momentum=config.momentum, weight_decay=decay)


def make_one_cycle(
    optimiser: torch.optim.Optimizer, config: TrainingConfig, *, steps_per_epoch: int, epochs_done: int = 0
) -> torch.optim.lr_scheduler.OneCycleLR | None:
    """Make the schedule that moves the rate after every batch, where a configuration asks for it.

    The rate rises from a 25th of ``learning_rate`` to all of it in the first 30 % of the run's updates, and
    then falls to next to nothing (Smith and Topin 2018, in the shape of PyTorch's default). Momentum stays.

    Args:
        optimiser: Its rate is set.
        config: Gives schedule, highest rate and number of epochs.
        steps_per_epoch: Training batches.
        epochs_done: Finished epochs of a run that is continued. A rate depends on nothing but the settings
            and the number of updates so far, so this is all the state that there is to put back.

    Returns:
        What to step after each update; None for the step schedule, whose rate holds for a whole epoch.

    Raises:
        DataError: The number of batches is unknown.
    """
    if config.schedule != "one_cycle":
        return None
    if steps_per_epoch < 1:
        raise DataError(
            "schedule='one_cycle' spreads one cycle over all updates, and these training batches do not say "
            "how many there are; give batches that have a length, such as Batches, a DataLoader or a list"
        )
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        max_lr=config.learning_rate,
        total_steps=config.num_epochs * steps_per_epoch,
        cycle_momentum=False,
    )
    if done := epochs_done * steps_per_epoch:
        cycle.load_state_dict({**cycle.state_dict(), "last_epoch": done - 1, "_step_count": done})
        cycle.step()
    return cycle


def read_state(optimiser: torch.optim.Optimizer, model: nn.Module) -> dict[str, Tensor]:
    """Read what an optimiser remembers of each weight, such as its momentum.

    Args:
        optimiser: Of this model.
        model: Names the weights.

    Returns:
        Tensors by ``weight/kind``, such as ``"linear.bias/momentum_buffer"``; the optimiser's own, no copies.
    """
    return {
        f"{name}/{kind}": value
        for name, parameter in model.named_parameters()
        for kind, value in optimiser.state.get(parameter, {}).items()
        if value is not None
    }


def write_state(optimiser: torch.optim.Optimizer, model: nn.Module, state: dict[str, Tensor]) -> None:
    """Let an optimiser remember what :func:`read_state` read.

    Args:
        optimiser: Changed in place.
        model: Names the weights; its device is where the state goes.
        state: By ``weight/kind``; other weights are left alone.
    """
    for name, parameter in model.named_parameters():
        for kind in kinds_of_state(optimiser):
            if (value := state.get(f"{name}/{kind}")) is not None:
                # Adam counts its steps on the CPU, wherever the weights are.
                optimiser.state[parameter][kind] = value if kind == "step" else value.to(parameter.device)


def lacking_state(
    optimiser: torch.optim.Optimizer, model: nn.Module, state: Iterable[str]
) -> dict[str, list[str]]:
    """List what an optimiser must remember after a step and a stored state does not have.

    Args:
        optimiser: Any that :func:`make_optimiser` makes.
        model: Names the weights; those that are not trained have no state.
        state: Names as :func:`read_state` gives them.

    Returns:
        Names of weights by kind of state, without kinds of which nothing is missing.
    """
    present = set(state)
    learning = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    missing = {
        kind: [name for name in learning if f"{name}/{kind}" not in present]
        for kind in kinds_of_state(optimiser)
    }
    return {kind: names for kind, names in missing.items() if names}


def kinds_of_state(optimiser: torch.optim.Optimizer) -> tuple[str, ...]:
    """Name what an optimiser remembers of each weight once it has taken a step."""
    if isinstance(optimiser, torch.optim.Adam):
        return "step", "exp_avg", "exp_avg_sq"
    return ("momentum_buffer",) if optimiser.param_groups[0]["momentum"] else ()
