"""Patches come from where they say; whitening and spherical k-means agree with NumPy and scikit-learn."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from tutorial_utils.exceptions import DataError
from tutorial_utils.features import patches
from tutorial_utils.reproducibility import make_generator


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", [(5, 1, 8, 7), (5, 3, 6, 9)], ids=["grey", "colour"])
def test_every_patch_is_one_of_an_image_and_all_places_are_drawn(shape: tuple[int, ...]) -> None:
    images = torch.randint(256, shape, generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    found = patches.sample_patches(images, 3_000, 4, make_generator(0, "patches"))
    there = F.unfold(images.float(), 4).transpose(1, 2).flatten(0, 1) / 255
    assert set(map(tuple, found.tolist())) == set(map(tuple, there.tolist()))
    again = patches.sample_patches(images.float() / 255, 3_000, 4, make_generator(0, "patches"))
    assert torch.equal(found, again)


def test_contrast_is_normalised_as_by_numpy_and_a_flat_patch_stays_flat() -> None:
    raw = torch.cat([draw(20, 12), torch.full((1, 12), 0.7)])
    found = patches.normalise_contrast(raw, 0.01).numpy()
    array = raw.double().numpy()
    centred = array - array.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(found, centred / np.sqrt(array.var(axis=1, keepdims=True) + 0.01), atol=1e-5)
    assert np.abs(found[-1]).max() < 1e-4


def test_whitened_points_have_no_correlations_and_turn_nothing() -> None:
    raw = draw(2_000, 6) @ draw(6, 6, seed=1) + 5
    mean, matrix = patches.fit_whitening(raw, floor=0.0)
    points = ((raw - mean) @ matrix).numpy()
    np.testing.assert_allclose(np.cov(points.T, ddof=0), np.eye(6), atol=1e-3)
    np.testing.assert_allclose(points.mean(axis=0), 0, atol=1e-4)
    assert torch.equal(matrix, matrix.T) or torch.allclose(matrix, matrix.T, atol=1e-6)
    assert np.linalg.eigvalsh(matrix.double().numpy()).min() > 0  # symmetric and positive: no rotation
    floored = patches.fit_whitening(raw, floor=2.0).matrix.double().numpy()
    covariance = np.cov(raw.double().numpy().T, ddof=0)
    np.testing.assert_allclose(floored @ floored @ (covariance + 2 * np.eye(6)), np.eye(6), atol=1e-3)


def test_centroids_are_unit_vectors_in_the_middle_of_the_groups_that_scikit_learn_finds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    directions = F.normalize(draw(4, 8), dim=1)
    lengths = 1 + draw(800, 1, seed=1).abs()
    points = lengths * F.normalize(directions.repeat(200, 1) + 0.05 * draw(800, 8, seed=2), dim=1)
    # A seed whose first centroids lie in four groups: from others, k-means can end with two in one group.
    seed = next(
        seed
        for seed in range(50)
        if len({*(torch.randperm(800, generator=make_generator(seed, "patches"))[:4] % 4).tolist()}) == 4
    )
    for chunk in (patches.CHUNK, 300):  # the last part is smaller
        monkeypatch.setattr(patches, "CHUNK", chunk)
        centroids = patches.spherical_kmeans(points, 4, make_generator(seed, "patches"))
        torch.testing.assert_close(centroids.norm(dim=1), torch.ones(4))
        groups = (points @ centroids.T).argmax(dim=1)
        oracle = KMeans(4, n_init=10, random_state=0).fit_predict(F.normalize(points).numpy())
        assert adjusted_rand_score(oracle, groups.numpy()) == 1
        for group in range(4):
            of_group = F.normalize(points[groups == group].sum(dim=0), dim=0)
            assert centroids[group] @ of_group > 0.999


def test_without_rounds_centroids_are_points_drawn_at_random() -> None:
    points = draw(50, 5)
    found = patches.spherical_kmeans(points, 50, make_generator(0, "patches"), rounds=0)
    whole = F.normalize(points)
    assert sorted(map(tuple, found.tolist())) == sorted(map(tuple, whole.tolist()))
    few = patches.spherical_kmeans(points, 7, make_generator(1, "patches"), rounds=0)
    assert len(few) == 7 and not torch.equal(few, found[:7])


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda g: patches.sample_patches(torch.zeros(2, 1, 5, 9), 3, 6, g), r"6 x 6 .* 2 images of 5 x 9"),
        (lambda g: patches.sample_patches(torch.zeros(0, 1, 9, 9), 3, 6, g), r"fit into 0 images"),
        (lambda g: patches.spherical_kmeans(torch.ones(3, 2), 4, g), r"count=4 .* give 1 to 3"),
        (lambda g: patches.spherical_kmeans(torch.ones(3, 2), 0, g), r"count=0"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_told(call, told: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DataError, match=told):
        call(make_generator(0, "patches"))
