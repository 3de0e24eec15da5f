"""The fixed convolution gives what patches that are cut out one by one give, on any device."""

import numpy as np
import pytest
import stand_in_card
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from tutorial_utils.exceptions import ConfigurationError, DataError
from tutorial_utils.features import convolution, patches
from tutorial_utils.features.convolution import PatchFeatures
from tutorial_utils.features.patches import Whitening

GREY, COLOUR = (60, 1, 13, 14), (60, 3, 12, 12)
every_shape = pytest.mark.parametrize("shape", [GREY, COLOUR], ids=["grey", "colour"])


@pytest.fixture(autouse=True)
def few_patches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convolution, "NUM_PATCHES", 2_000)


def random_images(shape: tuple[int, ...], seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(256, shape, generator=generator, dtype=torch.uint8)


def by_hand(
    images: torch.Tensor,
    centroids: torch.Tensor,
    whitening: Whitening,
    grid: int,
    stride: int,
    threshold: float,
) -> NDArray[np.float64]:
    """Cut every patch out, normalise, whiten, compare with each centroid; average in each square."""
    n, _, height, width = images.shape
    raw = F.unfold(images.double() / 255, 6, stride=stride).transpose(1, 2).numpy()  # (n, places, d)
    deviation = np.sqrt(raw.var(axis=2, keepdims=True) + convolution.CONTRAST_FLOOR)
    normalised = (raw - raw.mean(axis=2, keepdims=True)) / deviation
    points = (normalised - whitening.mean.double().numpy()) @ whitening.matrix.double().numpy()
    answers = np.maximum(points @ centroids.double().numpy().T - threshold, 0)
    rows, columns = 1 + (height - 6) // stride, 1 + (width - 6) // stride
    maps = torch.from_numpy(answers).transpose(1, 2).reshape(n, len(centroids), rows, columns)
    return F.adaptive_avg_pool2d(maps, grid).flatten(1).numpy()


@every_shape
@pytest.mark.parametrize(("grid", "stride", "threshold"), [(2, 2, 0.25), (3, 1, 0.0), (1, 2, 1.0)])
def test_features_are_those_of_patches_cut_out_one_by_one(
    shape: tuple[int, ...], grid: int, stride: int, threshold: float
) -> None:
    images, entries = random_images(shape), 36 * shape[1]
    images[0] = 200  # without any contrast
    generator = torch.Generator().manual_seed(1)
    raw = patches.normalise_contrast(patches.sample_patches(images, 1_000, 6, generator), 0.01)
    whitening = patches.fit_whitening(raw, 0.1)
    centroids = F.normalize(torch.randn(7, entries, generator=generator))
    made = PatchFeatures(
        centroids, whitening, channels=shape[1], grid=grid, stride=stride, threshold=threshold
    )
    found = made(images)
    assert found.shape == (60, made.num_features) == (60, 7 * grid**2)
    expected = by_hand(images, centroids, whitening, grid, stride, threshold)
    np.testing.assert_allclose(found.numpy(), expected, atol=2e-4)
    assert (expected > 0.01).mean() > 0.05  # there is something to compare
    torch.testing.assert_close(made(images.float() / 255), found)


@every_shape
def test_equal_seeds_give_equal_features_and_batches_change_nothing(
    shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    images = random_images(shape)
    one, same, other = (PatchFeatures.fit(images, 9, seed, grid=2) for seed in (0, 0, 1))
    assert torch.equal(one(images), same(images))
    assert not torch.allclose(one(images), other(images))
    together = one(images)
    monkeypatch.setattr(convolution, "BATCH_SIZE", 7)
    torch.testing.assert_close(one(images), together)
    assert one(images[:0]).shape == (0, 36)


def test_learnt_centroids_answer_more_strongly_than_random_ones() -> None:
    images = random_images(GREY)
    kernel = torch.ones(1, 1, 5, 5) / 25
    smooth = F.conv2d(images.float(), kernel, padding=2).byte()  # neighbours go together
    learnt, drawn = (PatchFeatures.fit(smooth, 20, 0, grid=1, rounds=rounds) for rounds in (10, 0))
    ready, (down, along) = patches.pixels(smooth), map(learnt._windows, smooth.shape[2:])
    strongest = [made._answers(ready, down, along).amax(dim=1).mean() for made in (learnt, drawn)]
    assert strongest[0] > strongest[1]


def test_nothing_in_it_learns_and_its_numbers_travel_with_the_state() -> None:
    images = random_images(COLOUR)
    one, other = (PatchFeatures.fit(images, 5, seed, grid=2) for seed in (0, 1))
    assert list(one.parameters()) == [] and not one(images).requires_grad
    other.load_state_dict(one.state_dict())
    assert torch.equal(one(images), other(images))


@every_shape
@pytest.mark.fault(69, 70)
def test_a_card_gives_the_same_features_and_hands_them_back(shape: tuple[int, ...]) -> None:
    images = random_images(shape)
    here = PatchFeatures.fit(images, 5, 0, grid=2)(images)
    with stand_in_card.plugged_in():
        made = PatchFeatures.fit(images, 5, 0, grid=2).to(torch.device("cuda"))
        there = made(images)
        assert there.device.type == "cpu" and made.filters.device.type == "cuda"
        assert made(images.to(torch.device("cuda"))).device.type == "cuda"
    torch.testing.assert_close(stand_in_card.off(there), here)


def test_impossible_shapes_are_told() -> None:
    whitening = Whitening(torch.zeros(36), torch.eye(36))
    with pytest.raises(ConfigurationError, match=r"36 numbers make no squares of 3 channels .* grid=2"):
        PatchFeatures(torch.ones(2, 36), whitening, channels=3, grid=2)
    with pytest.raises(ConfigurationError, match=r"grid=0"):
        PatchFeatures(torch.ones(2, 36), whitening, channels=1, grid=0)
    made = PatchFeatures(torch.ones(2, 36), whitening, channels=1, grid=4)
    with pytest.raises(DataError, match=r"images of \(9, 12\) hold 2 x 4 patches, too few for grid=4"):
        made(torch.zeros(1, 1, 9, 12))
