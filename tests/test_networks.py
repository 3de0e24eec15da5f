"""The small networks compute what their descriptions say, and random shifts and flips move whole images."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tutorial_utils.exceptions import ConfigurationError, DataError
from tutorial_utils.features import networks, recipes
from tutorial_utils.training.batches import Batches


def test_a_dense_network_is_its_products_and_one_without_hidden_layers_is_softmax_regression() -> None:
    images = torch.randn(5, 1, 4, 4)
    network = networks.dense(16, (7, 6), 3, activation=nn.Sigmoid)
    first, second, last = (layer for layer in network if isinstance(layer, nn.Linear))
    hidden = torch.sigmoid(images.flatten(1) @ first.weight.T + first.bias)
    hidden = torch.sigmoid(hidden @ second.weight.T + second.bias)
    torch.testing.assert_close(network(images), hidden @ last.weight.T + last.bias)
    assert [type(layer) for layer in networks.dense(16, ())] == [nn.Flatten, nn.Linear]


@pytest.mark.parametrize("size", [28, 32])
def test_a_convolutional_network_is_its_convolutions_whatever_its_layout_in_memory(size: int) -> None:
    images = torch.randn(4, 3, size, size)
    network = networks.convolutional(3, (4, 5, 6, 7), 3, batch_norm=False).eval()
    one, two, three, four = (layer for layer in network if isinstance(layer, nn.Conv2d))
    maps = F.conv2d(images, one.weight, one.bias, stride=2, padding=2).relu()
    maps = F.conv2d(maps, two.weight, two.bias, stride=2, padding=1).relu()
    maps = F.max_pool2d(F.conv2d(maps, three.weight, three.bias, padding=1).relu(), 2)
    features = F.conv2d(maps, four.weight, four.bias, padding=1).relu().mean(dim=(2, 3))
    torch.testing.assert_close(network[:-1](images), features, rtol=1e-4, atol=1e-5)
    normalised = networks.convolutional(3, (4, 5, 6, 7), dropout=0.5)
    kinds = [type(layer).__name__ for layer in normalised]
    assert kinds.count("BatchNorm2d") == 4 and kinds[-2:] == ["Dropout", "Linear"]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: networks.convolutional(3, (4, 5, 6)), "allowed: four widths"),
        (lambda: networks.convolutional(3, (4, 5, 6, 7), dropout=1.0), "dropout of 0 to below 1"),
        (lambda: networks.convolutional(3, (4, 5, 0, 7)), "each must be at least 1"),
        (lambda: networks.dense(784, (0,)), "each must be at least 1"),
    ],
)
def test_impossible_networks_are_refused(make: object, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        make()  # type: ignore[operator]


def test_shifts_reach_every_place_up_to_the_most_and_flips_are_mirror_images() -> None:
    torch.manual_seed(0)
    image = torch.arange(1.0, 73).view(1, 2, 6, 6)
    padded = F.pad(image, (1,) * 4)
    places = {
        (down, right): padded[:, :, down : down + 6, right : right + 6]
        for down in range(3)
        for right in range(3)
    }
    found = set()
    for moved in recipes.shift(image.repeat(300, 1, 1, 1), most=1):
        (place,) = (where for where, there in places.items() if torch.equal(moved, there[0]))
        found.add(place)
    assert found == set(places)
    flipped = recipes.flip(image.repeat(300, 1, 1, 1))
    mirrored = [torch.equal(each, image[0].flip(2)) for each in flipped]
    assert all(torch.equal(each, image[0]) or was for each, was in zip(flipped, mirrored, strict=True))
    assert 100 < sum(mirrored) < 200


def test_some_images_are_taken_and_changed_after_they_are_standardised() -> None:
    images, labels = torch.arange(24, dtype=torch.uint8).view(6, 1, 2, 2), torch.arange(6) % 3
    batches = Batches(images, labels, 2, torch.Generator().manual_seed(1), lambda images: images / 2)
    some = recipes.changed(recipes.only(batches, labels > 0), lambda images: images.flip(3))
    found = {int(label): image for part in some for image, label in zip(part[0], part[1], strict=True)}
    assert set(found) == {1, 2} and some.num_images == 4 and len(some) == 2
    (seen, _), *_ = recipes.changed(Batches(images, labels, 6), lambda images: images.float() + 1)
    torch.testing.assert_close(seen, images.float() + 1)
    for image in (image for part, _ in some for image in part):
        assert any(torch.equal(image, (each / 2).flip(2)) for each in images[labels > 0])
    assert recipes.of_classes(labels, range(2)).tolist() == [True, True, False] * 2
    with pytest.raises(DataError, match="of 6 images none is left"):
        recipes.only(batches, slice(0))
