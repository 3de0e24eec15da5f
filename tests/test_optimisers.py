"""Optimiser and one-cycle schedule are PyTorch's, any network trains, and every resume is exact."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from test_trainer import interrupt_after, same, timeless, weights_of
from torch import Tensor, nn

from tutorial_utils.exceptions import CheckpointError, ConfigurationError, DataError
from tutorial_utils.features import networks, recipes
from tutorial_utils.reproducibility import preserved_randomness
from tutorial_utils.training import checkpoints, replicas, stored
from tutorial_utils.training.batches import Batches
from tutorial_utils.training.config import TrainingConfig
from tutorial_utils.training.trainer import Trainer

CYCLE: dict[str, Any] = {"schedule": "one_cycle", "num_epochs": 4, "early_stopping_patience": 4}


def tensors(n: int, seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % 3
    return torch.randn(n, 1, 12, 12, generator=generator) + labels.view(-1, 1, 1, 1), labels


def batches(seed: int = 3) -> Batches:
    return Batches(*tensors(45, 1), 10, torch.Generator().manual_seed(seed), recipes.shift)


def held_out() -> Batches:
    return Batches(*tensors(30, 2), 30)


def network(seed: int = 0) -> nn.Sequential:
    """One with normalisation and dropout, so that buffers and global generators matter."""
    with preserved_randomness():
        torch.manual_seed(seed)
        return networks.convolutional(1, (2, 3, 3, 4), 3, dropout=0.3)


def fit(
    config: TrainingConfig, model: nn.Module, order: int = 3, resume: bool = False, **options: Any
) -> Any:
    torch.manual_seed(7 + order)
    trainer = Trainer(config, show_progress=False, **options)
    return trainer.fit(model, batches(order), held_out(), resume=resume)


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_a_run_is_the_bare_loop_with_pytorchs_optimiser_and_one_cycle(optimiser: str) -> None:
    config = TrainingConfig(**CYCLE, optimiser=optimiser, learning_rate=0.05, momentum=0.8, weight_decay=0.01)
    model, oracle = network(), network()
    with preserved_randomness():
        history = fit(config, model)
        torch.manual_seed(10)
        steps = (
            torch.optim.SGD(oracle.parameters(), 0.05, 0.8, weight_decay=0.01)
            if optimiser == "sgd"
            else torch.optim.Adam(oracle.parameters(), 0.05, (0.8, 0.999), weight_decay=0.01)
        )
        cycle = torch.optim.lr_scheduler.OneCycleLR(steps, 0.05, 20, cycle_momentum=False)
        rates, losses, train = [], [], batches()
        for _ in range(4):
            oracle.train()
            rates.append(cycle.get_last_lr()[0])
            for images, labels in train:
                loss = F.cross_entropy(oracle(images), labels)
                steps.zero_grad()
                loss.backward()
                steps.step()
                cycle.step()
            oracle.eval()
            with torch.no_grad():
                losses.append(F.cross_entropy(oracle(held_out().images), held_out().labels).item())
    assert history.column("learning_rate") == rates
    assert history.column("validation_loss") == pytest.approx(losses, rel=1e-5)
    if history.best.epoch == 4:
        assert same(weights_of(model), weights_of(oracle))


@pytest.mark.parametrize("after", [1, 3])
@pytest.mark.parametrize(
    ("optimiser", "schedule"), [("adam", "one_cycle"), ("sgd", "one_cycle"), ("adam", "step")]
)
@pytest.mark.fault(49)
def test_a_resume_equals_the_run_that_was_never_interrupted(
    optimiser: str, schedule: str, after: int, tmp_path: Path
) -> None:
    config = TrainingConfig(**{**CYCLE, "schedule": schedule}, optimiser=optimiser, learning_rate=0.02)
    whole_path, path = tmp_path / "whole.safetensors", tmp_path / "parts.safetensors"
    model, again = network(), network(seed=9)
    with preserved_randomness():
        whole = fit(config, model, checkpoint=whole_path)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(checkpoints, "save", interrupt_after(checkpoints.save, calls=after))
            fit(config, network(), checkpoint=path)
        resumed = fit(config, again, order=5, checkpoint=path, resume=True)
    assert timeless(resumed) == timeless(whole)
    assert same(weights_of(again), weights_of(model))
    assert same(load_file(path), load_file(whole_path))
    if optimiser == "adam":
        found = checkpoints.load(path)
        del found.optimiser["0.weight/exp_avg_sq"]
        checkpoints.save(path, found)
        with pytest.raises(CheckpointError, match=r"lacks the optimiser's exp_avg_sq of 0\.weight"):
            fit(config, network(), checkpoint=path, resume=True)


def test_one_cycle_needs_to_know_how_many_batches_there_are() -> None:
    class Endless:
        def __iter__(self) -> Any:
            return iter(batches())

    with pytest.raises(DataError, match=r"schedule='one_cycle'.*give batches that have a length"):
        Trainer(TrainingConfig(**CYCLE), show_progress=False).fit(network(), Endless(), held_out())


def test_replicas_refuse_what_is_not_plain_gradient_descent_with_steps() -> None:
    plain = TrainingConfig(num_epochs=2)
    for other, named in (
        ({"optimiser": "adam"}, "optimiser='adam'"),
        ({"schedule": "one_cycle"}, "one_cycle"),
    ):
        with pytest.raises(ConfigurationError, match=rf"linear models.*found .*{named}.*with Trainer"):
            replicas.train([plain, plain.but(**other)], held_out(), held_out(), show_progress=False)


def test_a_training_is_kept_and_found_again_only_if_it_is_the_same(tmp_path: Path) -> None:
    config = TrainingConfig(**CYCLE, learning_rate=0.05)

    def run(config: TrainingConfig, model: nn.Module, order: int = 3) -> tuple[Any, nn.Module]:
        model_and_batches = (config, model, batches(order), held_out())
        return stored.fit_or_load(*model_and_batches, tmp_path, show_progress=False), model

    def files() -> int:
        return len(list((tmp_path / "models").iterdir()))

    torch.manual_seed(1)
    before = torch.get_rng_state()
    history, model = run(config, network())
    assert torch.equal(torch.get_rng_state(), before)  # whatever was drawn
    torch.manual_seed(2)
    again, loaded = run(config, network())
    assert again == history and same(
        weights_of(loaded), weights_of(model)
    )  # seconds, too: nothing was trained
    assert files() == 1
    run(config.but(seed=1), network())
    run(config, network(seed=1))
    run(config, network(), order=4)
    with preserved_randomness():
        torch.manual_seed(0)
        run(config, networks.convolutional(1, (2, 3, 3, 4), 3, dropout=0.2))
    assert files() == 5
