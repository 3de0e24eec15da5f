"""A data set that the package has never heard of runs through everything once it is described."""

import dataclasses
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest

from tutorial_utils.data import catalogue, datasets
from tutorial_utils.data.catalogue import DatasetDescription
from tutorial_utils.evaluation.metrics import evaluate, per_class_report
from tutorial_utils.evaluation.predictions import predict
from tutorial_utils.exceptions import ConfigurationError
from tutorial_utils.fetching.ensure import Arrival
from tutorial_utils.fetching.wanted import DataFile
from tutorial_utils.training import models
from tutorial_utils.training.batches import training_batches
from tutorial_utils.training.config import TrainingConfig
from tutorial_utils.training.trainer import Trainer

NUM_TRAIN, NUM_TEST, HEIGHT, WIDTH = 300, 60, 6, 5
CLASSES = ("left", "middle", "right")


def write_pair(folder: Path, part: str, num_images: int) -> tuple[DataFile, DataFile]:
    """Noise with a bright stripe whose place is the class, as IDX files."""
    rng = np.random.default_rng(num_images)
    labels = rng.integers(0, len(CLASSES), num_images, dtype=np.uint8)
    images = rng.integers(0, 100, (num_images, HEIGHT, WIDTH), dtype=np.uint8)
    images[np.arange(num_images), :, 2 * labels] += 120
    contents = {
        f"{part}-images": struct.pack(">IIII", 2051, num_images, HEIGHT, WIDTH) + images.tobytes(),
        f"{part}-labels": struct.pack(">II", 2049, num_images) + labels.tobytes(),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    pair = [DataFile(n, len(c), hashlib.sha256(c).hexdigest()) for n, c in contents.items()]
    return pair[0], pair[1]


@pytest.fixture
def stripes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DatasetDescription:
    """The description of a made-up data set, added to the catalogue and nowhere else."""
    folder = tmp_path / "stripes"
    folder.mkdir()
    description = dataclasses.replace(
        catalogue.MNIST,
        name="stripes",
        title="Stripes",
        image_shape=(1, HEIGHT, WIDTH),
        class_names=CLASSES,
        num_train=NUM_TRAIN,
        num_test=NUM_TEST,
        mean=(0.3,),
        std=(0.2,),
        folder="stripes",
        train_files=write_pair(folder, "train", NUM_TRAIN),
        test_files=write_pair(folder, "test", NUM_TEST),
    )
    monkeypatch.setitem(catalogue.DATASETS, "stripes", description)
    return description


def test_a_described_data_set_is_loaded_split_trained_on_and_evaluated(
    stripes: DatasetDescription, tmp_path: Path
) -> None:
    config = TrainingConfig(
        dataset="stripes", device="cpu", num_epochs=15, batch_size=20, validation_split=0.2
    )
    assert datasets.fetch("stripes", root=tmp_path) == Arrival(tmp_path / "stripes")
    data = datasets.load("stripes", root=tmp_path)
    train, validation = datasets.split(data.train, config.validation_split, config.seed)
    assert (len(train), len(validation)) == (240, 60)
    batches = training_batches(data.train, config)
    model = models.make_model(config)
    assert model.linear.weight.shape == (3, HEIGHT * WIDTH)
    Trainer(config, show_progress=False).fit(model, *batches)
    predictions = predict(model, datasets.standardise(data.test))
    measured = evaluate(data.test.labels, predictions)
    assert measured.n == NUM_TEST
    assert measured.accuracy > 0.9
    assert measured.confusion_matrix.shape == (3, 3)
    assert list(per_class_report(measured, stripes.class_names).index[:3]) == list(CLASSES)


def test_its_limits_and_its_name_are_known_to_configurations(stripes: DatasetDescription) -> None:
    with pytest.raises(ConfigurationError, match="at most 240"):
        TrainingConfig(dataset="stripes", validation_split=0.2, batch_size=241)
    with pytest.raises(ConfigurationError, match="did you mean 'stripes'"):
        TrainingConfig(dataset="stripe")
