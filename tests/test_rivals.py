"""Models side by side say what they would say alone, and their numbers are counted."""

import torch
from sklearn.dummy import DummyClassifier
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from torch import nn

from tutorial_utils.data.datasets import split_indices
from tutorial_utils.features import few_labels, networks, rivals, starts
from tutorial_utils.features.convolution import PatchFeatures

DRAW = torch.Generator().manual_seed(0)
IMAGES = torch.randint(256, (120, 1, 9, 9), dtype=torch.uint8, generator=DRAW)
LABELS = torch.randint(4, (120,), generator=DRAW)


def prepare(images: torch.Tensor) -> torch.Tensor:
    return images / 255


def test_nearest_centroid_is_a_line() -> None:
    rival = rivals.by_centroids(prepare, IMAGES, LABELS, 4)
    pixels = prepare(IMAGES).flatten(1).numpy()
    expected = NearestCentroid().fit(pixels, LABELS.numpy()).predict(pixels)
    assert rival.say(IMAGES).labels.tolist() == expected.tolist()
    assert rival.weights == 4 * 82


def test_an_estimator_answers_images_of_bytes() -> None:
    rival = rivals.by_estimator(KNeighborsClassifier(1), prepare, IMAGES, LABELS, IMAGES.numel())
    assert rival.say(IMAGES).labels.equal(LABELS)
    rival = rivals.by_estimator(DummyClassifier(), prepare, IMAGES, LABELS, 4)
    assert (rival.say(IMAGES).labels == LABELS.bincount().argmax()).all()
    assert rival.weights == 4 and rival.seconds > 0


def test_filters_that_nobody_trained_count_as_weights() -> None:
    features = PatchFeatures.fit(IMAGES, 5, 0, grid=2)
    network = nn.Sequential(features, nn.Linear(20, 4))
    assert rivals.by_network(network, torch.clone, 0.0).weights == 5 * 36 + 5 + 21 * 4


def test_a_line_ends_at_the_same_minimum_wherever_it_starts() -> None:
    inputs = prepare(IMAGES).flatten(1)
    ends = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        ends.append(starts.minimise(nn.Linear(81, 4), inputs, LABELS))
    assert abs(ends[0] - ends[1]) < 1e-5
    line = starts.agreement(lambda: nn.Linear(81, 4), inputs, LABELS, inputs, (0, 1))
    network = starts.agreement(lambda: networks.dense(81, [30], 4), inputs[:40], LABELS[:40], inputs, (0, 1))
    assert line > 0.98 > network


def test_few_images_are_the_first_of_the_split() -> None:
    chosen, held = split_indices(120, 0.25, 3)
    features = torch.randn(120, 5, generator=DRAW)
    features[chosen[:20], :4] = torch.eye(4)[LABELS[chosen[:20]]] * 9
    features[held, :4] = torch.eye(4)[LABELS[held]] * 9  # those between would mislead
    assert few_labels.on_first(features, LABELS, 20, 3, held_out=0.25, strength=1.0) == 1
