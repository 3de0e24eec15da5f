"""A new network is trained once from its seed, on the images asked for, and measured on the test images."""

import dataclasses
from functools import partial
from pathlib import Path

import pytest
import torch
from statsmodels.stats.proportion import proportion_confint
from test_config import TOY
from test_datasets import make_images

from tutorial_utils.data import catalogue
from tutorial_utils.data.datasets import LoadedDataset
from tutorial_utils.evaluation.dependence import block_interval
from tutorial_utils.features import networks, recipes
from tutorial_utils.training.config import TrainingConfig
from tutorial_utils.training.trainer import Trainer

MAKE = partial(networks.dense, 16, (5,), 3)


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> LoadedDataset:
    monkeypatch.setitem(catalogue.DATASETS, "toy", TOY)
    return LoadedDataset(make_images(120, TOY), make_images(30, TOY), TOY, fingerprint="0123456789ab")


def test_a_new_network_depends_on_its_seed_alone_and_comes_from_its_file_the_second_time(
    toy: LoadedDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = TrainingConfig(dataset="toy", batch_size=10, num_epochs=2, device="cpu")
    torch.manual_seed(1)
    first, history = recipes.train_new(MAKE, config, toy, tmp_path)
    torch.manual_seed(2)
    again, _ = recipes.train_new(MAKE, config, toy, None)
    monkeypatch.setattr(Trainer, "fit", lambda *arguments, **options: pytest.fail("trained again"))
    loaded, found = recipes.train_new(MAKE, config, toy, tmp_path)
    assert found == history
    for one, *others in zip(*(each.parameters() for each in (first, again, loaded)), strict=True):
        assert all(torch.equal(one, other) for other in others)


def test_only_the_classes_asked_for_are_trained_and_validated_on(
    toy: LoadedDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[int]] = []

    def watch(config: object, network: object, train: object, validation: object, folder: object) -> None:
        seen.extend({int(label) for label in part.labels} for part in (train, validation))  # type: ignore[attr-defined]

    monkeypatch.setattr(recipes, "fit_or_load", watch)
    config = TrainingConfig(dataset="toy", batch_size=10, device="cpu")
    recipes.train_new(MAKE, config, toy, None, classes=(0, 2), chosen=slice(20), change=recipes.flip)
    assert seen == [{0, 2}, {0, 2}]


def test_test_accuracy_comes_with_wilsons_interval_and_by_blocks_where_writers_stand_together(
    toy: LoadedDataset,
) -> None:
    network = MAKE()
    test = make_images(1_000, TOY)
    hits = network((test.images.float() / 255 - 0.5) / 0.25).argmax(dim=1) == test.labels
    expected = float(hits.double().mean()), *proportion_confint(int(hits.sum()), 1_000, method="wilson")
    assert recipes.measure_test(network, dataclasses.replace(toy, test=test)) == pytest.approx(expected)
    handwritten = dataclasses.replace(toy, test=test, description=dataclasses.replace(TOY, test_strata=2))
    assert recipes.measure_test(network, handwritten) == block_interval(hits, strata=2)[:3]
