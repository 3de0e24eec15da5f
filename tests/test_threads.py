"""A small model computes with one thread, unless another number was asked for."""

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from tutorial_utils.training import threads
from tutorial_utils.training.config import TrainingConfig
from tutorial_utils.training.models import make_model
from tutorial_utils.training.trainer import Trainer

SMALL = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
FILTERS = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(2 * 26 * 26, 10))
WIDE = nn.Linear(784, 200)


@pytest.fixture
def two_at_start(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A fresh kernel on two cores, where nobody asked for anything."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(threads, "_AT_START", 2)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_at_start")
def test_small_models_take_one_thread_and_others_all() -> None:
    assert [threads.choose_threads(model) for model in (SMALL, FILTERS, WIDE)] == [1, 2, 2]
    with threads.suitable_threads(SMALL):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_at_start")
def test_what_was_asked_for_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(3)
    assert threads.choose_threads(SMALL) == 3
    torch.set_num_threads(2)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert threads.choose_threads(SMALL) == 2


@pytest.mark.usefixtures("two_at_start")
def test_training_keeps_to_it_and_puts_back_what_was() -> None:
    used = []

    class Watched(nn.Linear):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            used.append(torch.get_num_threads())
            return super().forward(images.flatten(1))

    config = TrainingConfig(dataset="mnist", num_epochs=1)
    batches = [(torch.zeros(4, 1, 28, 28), torch.tensor([0, 1, 2, 3]))]
    Trainer(config, show_progress=False).fit(Watched(784, 10), batches, batches)
    assert set(used) == {1}
    assert torch.get_num_threads() == 2
    assert threads.choose_threads(make_model(config)) == 1
