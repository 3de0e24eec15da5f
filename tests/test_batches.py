"""Batches show every image once an epoch, in the order that the seed decides."""

import math

import pytest
import torch
from test_datasets import COLOUR, make_images
from torch.utils.data import DataLoader, TensorDataset

from tutorial_utils.data import datasets
from tutorial_utils.exceptions import ConfigurationError, DataError
from tutorial_utils.reproducibility import make_generator
from tutorial_utils.training.batches import Batches, training_batches
from tutorial_utils.training.config import TrainingConfig


def numbered(num_images: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Images that know their number, labels that repeat it."""
    return torch.arange(num_images, dtype=torch.float32).view(-1, 1, 1, 1), torch.arange(num_images)


@pytest.mark.parametrize("num_images, batch_size", [(10, 3), (9, 3), (1, 3), (10, 100)])
def test_batches_in_order_equal_those_of_a_data_loader(num_images: int, batch_size: int) -> None:
    images, labels = numbered(num_images)
    batches = Batches(images, labels, batch_size)
    loader = DataLoader(TensorDataset(images, labels), batch_size=batch_size)
    assert len(batches) == len(loader)
    for _ in range(2):
        for (found, classes), (expected, expected_classes) in zip(batches, loader, strict=True):
            assert torch.equal(found, expected)
            assert torch.equal(classes, expected_classes)
            assert found.untyped_storage().data_ptr() == images.untyped_storage().data_ptr()  # no copy


@pytest.mark.parametrize("num_images, batch_size", [(100, 7), (100, 10), (5, 8)])
def test_shuffled_epochs_show_every_image_once_with_its_label(num_images: int, batch_size: int) -> None:
    images, labels = numbered(num_images)
    batches = Batches(images, labels, batch_size, generator=torch.Generator().manual_seed(0))
    for _ in range(2):
        sizes, seen = [], []
        for found, classes in batches:
            assert torch.equal(found.flatten(), classes.float())
            sizes.append(len(found))
            seen += classes.tolist()
        assert sorted(seen) == list(range(num_images))
        assert len(sizes) == len(batches) == math.ceil(num_images / batch_size)
        assert set(sizes[:-1]) <= {batch_size}


def test_the_order_is_new_every_epoch_and_equal_for_equal_seeds() -> None:
    def two_epochs(seed: int) -> list[list[int]]:
        batches = Batches(*numbered(100), 7, generator=torch.Generator().manual_seed(seed))
        return [[label for _, labels in batches for label in labels.tolist()] for _ in range(2)]

    first, second = two_epochs(0)
    assert first != second
    assert two_epochs(0) == [first, second]
    assert two_epochs(1)[0] != first


@pytest.mark.parametrize("num_labels, batch_size", [(9, 3), (10, 0), (10, -1)])
def test_impossible_batches_are_refused(num_labels: int, batch_size: int) -> None:
    with pytest.raises(DataError, match="no batches"):
        Batches(torch.zeros(10, 1), torch.zeros(num_labels), batch_size)


def test_training_batches_follow_the_configuration() -> None:
    data = make_images(100)
    config = TrainingConfig(validation_split=0.2, batch_size=30, seed=5, device="cpu")
    train, validation = training_batches(data, config)
    assert (train.num_images, validation.num_images) == (80, 20)
    assert len(train) == 3
    assert validation.generator is None
    train_indices, validation_indices = datasets.split_indices(100, 0.2, seed=5)
    expected = datasets.standardise(data)
    ((validation_images, _),) = validation
    assert torch.equal(train.transform(train.images), expected[train_indices])
    assert torch.equal(validation_images, expected[validation_indices])
    assert torch.equal(validation.labels, data.labels[validation_indices])
    first = [labels.tolist() for _, labels in train]
    again, _ = training_batches(data, config)
    assert [labels.tolist() for _, labels in again] == first
    # The order is drawn from the seed's stream for it.
    order = make_generator(5, "order")
    assert first[0] == data.labels[train_indices][torch.randperm(80, generator=order)][:30].tolist()
    # Iterating the validation batches leaves it alone.
    again, other = training_batches(data, config)
    list(other)
    assert [labels.tolist() for _, labels in again] == first


def test_images_of_another_data_set_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="dataset='mnist', but these images are 'colour'"):
        training_batches(make_images(100, COLOUR), TrainingConfig())
