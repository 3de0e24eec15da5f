"""Measurements on images agree with NumPy and SciPy, whatever the number of images and channels."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from torch import Tensor

from tutorial_utils.data import exploration
from tutorial_utils.data.catalogue import MNIST
from tutorial_utils.data.datasets import ImageData

SHAPES = [(11, 1, 7, 9), (11, 3, 6, 5)]
DESCRIPTION = dataclasses.replace(MNIST, image_shape=(2, 3, 4), class_names=("cat", "dog", "owl", "yak"))

every_shape = pytest.mark.parametrize("shape", SHAPES, ids=["grey", "colour"])
in_parts_and_at_once = pytest.mark.usefixtures("chunk")


@pytest.fixture(params=[4, exploration.CHUNK], ids=["in-parts", "at-once"])
def chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eleven images are two parts of four and one of three, or a single part."""
    monkeypatch.setattr(exploration, "CHUNK", request.param)


def random_images(shape: tuple[int, ...], seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(256, shape, generator=generator, dtype=torch.uint8)


def labelled(labels: list[int]) -> ImageData:
    images = random_images((len(labels), *DESCRIPTION.image_shape))
    return ImageData(images, torch.tensor(labels), DESCRIPTION)


def as_floats(images: Tensor) -> Any:
    """Pixels in [0, 1], for NumPy and SciPy to measure."""
    return images.numpy() / 255


def grey(images: Tensor) -> Any:
    return as_floats(images).mean(axis=1)


def one_picture(picture: Any) -> Tensor:
    """A grey picture as a set of one image."""
    return torch.from_numpy(np.asarray(picture, dtype=np.uint8))[None, None]


# Statistics


@in_parts_and_at_once
@every_shape
def test_pixel_statistics_are_those_of_numpy(shape: tuple[int, ...]) -> None:
    images = random_images(shape)
    found, pixels = exploration.pixel_statistics(images), as_floats(images)
    np.testing.assert_allclose(found.mean, pixels.mean(axis=(0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(found.std, pixels.std(axis=(0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(found.mean_image, pixels.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.std_image, pixels.std(axis=0), rtol=1e-10)
    assert found.mean.shape == found.std.shape == shape[1:2]
    assert found.mean.dtype == found.std_image.dtype == torch.float64


@in_parts_and_at_once
def test_pixel_statistics_do_not_depend_on_the_order_of_the_images() -> None:
    images = random_images((11, 3, 6, 5))
    there, back = exploration.pixel_statistics(images), exploration.pixel_statistics(images.flip(0))
    for field in dataclasses.fields(there):
        assert torch.equal(getattr(there, field.name), getattr(back, field.name))


@pytest.mark.parametrize("value", [0, 77, 255])
def test_equal_pixels_have_a_deviation_of_exactly_zero(value: int) -> None:
    found = exploration.pixel_statistics(torch.full((11, 2, 5, 3), value, dtype=torch.uint8))
    assert found.std.tolist() == [0, 0]
    assert not found.std_image.any()


# Classes


def test_classes_are_counted_in_label_order_and_absent_ones_are_zero() -> None:
    assert exploration.class_counts(labelled([2, 0, 2, 2, 0])).tolist() == [2, 0, 3, 0]


def test_the_average_of_a_class_is_numpys_and_that_of_an_absent_class_is_nan() -> None:
    data = labelled([2, 0, 2, 2, 0])
    means, pixels = exploration.class_means(data), as_floats(data.images)
    assert means.shape == (4, 2, 3, 4)
    assert means.dtype == torch.float64
    np.testing.assert_allclose(means[0], pixels[[1, 4]].mean(axis=0))
    np.testing.assert_allclose(means[2], pixels[[0, 2, 3]].mean(axis=0))
    assert means[[1, 3]].isnan().all()


# Quality


def noise_of(picture: Any) -> Any:
    return np.sqrt(np.pi / 2) / 6 * np.abs(np.diff(np.diff(picture, n=2, axis=0), n=2, axis=1)).mean()


def centre_of(picture: Any) -> Any:
    return np.array(ndimage.center_of_mass(picture)) - (np.array(picture.shape) - 1) / 2


def slant_of(picture: Any) -> Any:
    rows, columns = np.indices(picture.shape)
    return -np.polyfit(rows.ravel(), columns.ravel(), deg=1, w=np.sqrt(picture.ravel()))[0]


@in_parts_and_at_once
@every_shape
@pytest.mark.parametrize(
    ("measure", "pixels", "oracle"),
    [
        (exploration.brightness, as_floats, np.mean),
        (exploration.contrast, as_floats, np.std),
        (exploration.sharpness, grey, lambda picture: ndimage.laplace(picture)[1:-1, 1:-1].var()),
        (exploration.noise, grey, noise_of),
        (exploration.centre_of_mass, grey, centre_of),
        (exploration.slant, grey, slant_of),
    ],
)
def test_every_image_is_measured_as_numpy_or_scipy_does(
    shape: tuple[int, ...],
    measure: Callable[[Tensor], Tensor],
    pixels: Callable[[Tensor], Any],
    oracle: Callable[[Any], Any],
) -> None:
    images = random_images(shape)
    found = measure(images)
    relative, absolute = (1e-7, 1e-12) if found.dtype == torch.float64 else (1e-4, 1e-5)
    np.testing.assert_allclose(found, list(map(oracle, pixels(images))), rtol=relative, atol=absolute)


def test_quality_is_the_four_measures_by_name() -> None:
    images = random_images((3, 1, 8, 8))
    found = exploration.quality(images)
    assert list(found) == ["brightness", "contrast", "sharpness", "noise"]
    assert all(torch.equal(values, getattr(exploration, name)(images)) for name, values in found.items())


@pytest.mark.parametrize("deviation", [3, 8, 20])
def test_noise_recovers_the_deviation_of_gaussian_noise_on_a_smooth_ramp(deviation: int) -> None:
    rows, columns = np.mgrid[:64, :64]
    ramp = 90 + 0.7 * rows + 0.4 * columns
    noisy = ramp + np.random.default_rng(0).normal(0, deviation, (11, 64, 64))
    images = torch.from_numpy(noisy.round().clip(0, 255).astype(np.uint8))[:, None]
    expected = np.sqrt(deviation**2 + 1 / 12) / 255  # rounding to integers is noise too
    assert exploration.noise(images).mean().item() == pytest.approx(expected, rel=0.02)


# Where the ink is


def test_an_image_without_centre_or_slant_is_left_as_it_is() -> None:
    row = np.zeros((4, 6))
    row[2, 1:5] = 90
    images = torch.cat([one_picture(np.zeros((4, 6))), one_picture(row)])
    assert exploration.centre_of_mass(images).isnan().all(dim=1).tolist() == [True, False]
    assert exploration.slant(images).isnan().all()
    assert torch.equal(exploration.deskew(images), images)


@in_parts_and_at_once
@every_shape
def test_deskewing_is_scipys_shear_about_the_middle(shape: tuple[int, ...]) -> None:
    images = random_images(shape)
    middle = (np.array(shape[2:]) - 1) / 2
    upright = exploration.deskew(images)
    assert upright.dtype == torch.uint8
    for before, after, lean in zip(images.numpy(), upright.numpy(), exploration.slant(images), strict=True):
        shear = np.array([[1, 0], [-lean.item(), 1]])
        for channel, sheared in zip(before.astype(float), after, strict=True):
            expected = ndimage.affine_transform(
                channel, shear, middle - shear @ middle, order=1, mode="grid-constant"
            )
            np.testing.assert_allclose(sheared, expected, atol=0.51)  # rounding to integers


@pytest.mark.parametrize("lean", [-0.5, 0.3, 0.8])
def test_a_leaning_stroke_becomes_upright(lean: float) -> None:
    rows, columns = np.mgrid[:28, :28] - 13.5
    stroke = 255 * np.exp(-((columns + lean * rows) ** 2) / 4) * (np.abs(rows) < 8)
    image = one_picture(stroke.round())
    assert exploration.slant(image).item() == pytest.approx(lean, abs=0.02)
    assert exploration.slant(exploration.deskew(image)).item() == pytest.approx(0, abs=0.02)


# Duplicates


@given(bits=st.lists(st.lists(st.integers(0, 1), min_size=2, max_size=2), min_size=1, max_size=12))
def test_duplicates_are_the_images_that_are_equal_pixel_by_pixel(bits: list[list[int]]) -> None:
    images = torch.tensor(bits, dtype=torch.uint8).view(-1, 1, 1, 2)
    expected = [
        [j for j in range(len(bits)) if bits[j] == bits[i]]
        for i in range(len(bits))
        if bits[i] not in bits[:i] and bits.count(bits[i]) > 1
    ]
    assert exploration.duplicate_groups(images) == expected
