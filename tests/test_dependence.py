"""Block and crossed intervals agree with statsmodels, and cover what they say where independence fails."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray
from scipy import special, stats
from statsmodels.formula.api import ols

from tutorial_utils.evaluation.dependence import CrossedInterval, block_interval, crossed_interval, draw_best
from tutorial_utils.evaluation.statistics import wilson_interval
from tutorial_utils.exceptions import DataError

Array = NDArray[Any]
SETS = 2_000


def writers(generator: np.random.Generator, n: int, alike: float, accuracy: float = 0.925) -> Array:
    """Right or wrong, shape (n,): writers of 50 to 150 consecutive images, each as good as a beta draw.

    Two images of one writer have the correlation ``alike``.
    """
    lengths = generator.integers(50, 151, size=n // 50)
    strength = 1 / alike - 1
    ability = generator.beta(accuracy * strength, (1 - accuracy) * strength, size=len(lengths))
    return generator.random(n) < np.repeat(ability, lengths)[:n]


def half_width(interval: Any) -> float:
    return float(interval.high - interval.low) / 2


# Blocks


def test_without_neighbours_a_block_interval_is_that_of_clusters_and_with_them_that_of_a_short_memory() -> (
    None
):
    """statsmodels: cluster-robust and heteroscedasticity-and-autocorrelation-robust errors of a mean."""
    right = writers(np.random.default_rng(0), 3_000, alike=0.1).astype(float)
    found = block_interval(right, 100)
    mean = sm.OLS(right, np.ones(3_000))
    clusters = mean.fit(
        cov_type="cluster", cov_kwds={"groups": np.arange(3_000) // 100, "use_correction": False}
    )
    independent = right.var() / 3_000
    assert found.within_blocks == pytest.approx(clusters.bse[0] ** 2 * 30 / 29 / independent)
    blocks = sm.OLS(right.reshape(30, 100).mean(axis=1), np.ones(30))
    memory = {"maxlags": 1, "kernel": "uniform", "use_correction": False}
    variance = blocks.fit(cov_type="HAC", cov_kwds=memory).bse[0] ** 2 * 30 / 29
    assert found.design_effect == pytest.approx(variance / independent)
    assert found.design_effect > found.within_blocks > 2
    assert half_width(found) == pytest.approx(stats.t.ppf(0.975, 29 / 3) * math.sqrt(variance))
    assert (found.mean, found.blocks, found.n) == (pytest.approx(right.mean()), 30, 3_000)


def test_a_negative_covariance_of_neighbours_is_taken_as_chance() -> None:
    seesaw = np.tile(np.repeat([0.0, 1.0], 10), 10)
    found = block_interval(seesaw, 10)
    assert found.design_effect == found.within_blocks == pytest.approx(10 * 20 / 19)


def test_what_differs_between_strata_is_no_chance() -> None:
    """Means of strata as one-way analysis of variance has them: blocks vary around the mean of theirs."""
    values = np.random.default_rng(0).normal(size=2_000) + np.repeat([0.0, 5.0], 1_000)
    found = block_interval(values, 50, strata=2)
    table = pd.DataFrame({"mean": values.reshape(40, 50).mean(axis=1), "half": np.repeat(["a", "b"], 20)})
    variance = ols("mean ~ half", table).fit().mse_resid / 40
    assert found.within_blocks == pytest.approx(variance / (values.var() / 2_000))
    assert half_width(block_interval(values, 50)) > 5 * half_width(found)
    matrix = np.tile(values, (3, 1))
    assert crossed_interval(matrix, block=50, strata=2)[1:3] == pytest.approx(found[1:3])


def test_blocks_need_not_divide_the_images() -> None:
    values = np.arange(1_234.0)
    found = block_interval(values, 100)
    assert (found.blocks, found.n, found.mean) == (12, 1_234, pytest.approx(616.5))
    assert block_interval(np.ones(1_234), 100)[:3] == (1.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("values", "length", "strata", "words"),
    [
        (np.ones((2, 500)), 10, 1, r"shape \(n,\); found shape \(2, 500\)"),
        (np.ones(999), 100, 1, "10 blocks are needed; blocks of 100 images in 1 x 999"),
        (np.ones(999), 0, 1, "a length of 1 or more"),
        (np.ones(999), 10, 2, "999 images do not make 2 equal parts"),
        (np.ones(999), 10, 0, "do not make 0 equal parts"),
        (np.append(np.ones(999), np.nan), 10, 1, "1 of 1000 values that are NaN"),
    ],
)
def test_what_makes_no_blocks_is_refused(values: Array, length: int, strata: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        block_interval(values, length, strata)


def covered(hits: Iterator[bool]) -> float:
    return float(np.mean(list(hits)))


@pytest.mark.nightly
@pytest.mark.parametrize("alike", [0.01, 0.02, 0.04])
def test_blocks_cover_the_accuracy_on_a_made_up_set_with_writers_where_wilson_does_not(alike: float) -> None:
    generator = np.random.default_rng(1)
    sets = [writers(generator, 10_000, alike) for _ in range(SETS)]
    blocks = covered(found.low <= 0.925 <= found.high for found in map(block_interval, sets))
    wilsons = (wilson_interval(int(right.sum()), len(right)) for right in sets)
    wilson = covered(found.low <= 0.925 <= found.high for found in wilsons)
    print(f"writers, {alike}: blocks {blocks:.3f}, Wilson {wilson:.3f}")
    assert 0.92 <= blocks <= 0.98
    assert wilson < 0.85


@pytest.mark.nightly
def test_blocks_cover_the_accuracy_of_independent_images_too() -> None:
    sets = np.random.default_rng(2).random((SETS, 10_000)) < 0.4
    found = [block_interval(right) for right in sets]
    share = covered(each.low <= 0.4 <= each.high for each in found)
    print(f"independent: blocks {share:.3f}, effect {np.mean([each.design_effect for each in found]):.2f}")
    assert 0.92 <= share <= 0.98


# Seeds and images


def analysis_of_variance(matrix: Array) -> pd.DataFrame:
    """Two-way table of statsmodels, without interaction."""
    seeds, images = np.indices(matrix.shape)
    table = pd.DataFrame({"value": matrix.ravel(), "seed": seeds.ravel(), "image": images.ravel()})
    result: pd.DataFrame = sm.stats.anova_lm(ols("value ~ C(seed) + C(image)", table).fit())
    return result


def two_way(seeds: float, images: float, shape: tuple[int, int] = (6, 40), seed: int = 0) -> Array:
    generator = np.random.default_rng(seed)
    effects = generator.normal(0, seeds, (shape[0], 1)) + generator.normal(0, images, (1, shape[1]))
    return np.asarray(effects + generator.normal(size=shape))


@pytest.mark.parametrize(("seeds", "images"), [(0.8, 3.0), (3.0, 0.8), (2.0, 3.0)])
def test_the_variance_over_seeds_and_images_is_that_of_the_analysis_of_variance(
    seeds: float, images: float
) -> None:
    matrix = two_way(seeds, images)
    found = crossed_interval(matrix)
    table = analysis_of_variance(matrix)
    squares, df = table["mean_sq"].to_numpy() / matrix.size, table["df"].to_numpy()
    signed = squares * [1, 1, -1]
    assert squares[:2].min() > squares[2], "no part is below 0 here"
    assert found.standard_error**2 == pytest.approx(signed.sum())
    assert found.seed_share == pytest.approx((squares[0] - squares[2]) / signed.sum())
    satterthwaite = signed.sum() ** 2 / (squares**2 / df).sum()
    assert found.degrees_of_freedom == pytest.approx(max(satterthwaite, 5))
    assert half_width(found) == pytest.approx(
        found.standard_error * stats.t.ppf(0.975, found.degrees_of_freedom)
    )


def test_the_pigeonhole_bootstrap_agrees_on_seeds_and_images_but_adds_pairs_that_should_be_taken_away() -> (
    None
):
    matrix = two_way(1.0, 1.0)
    num_seeds, num_images = matrix.shape
    generator = np.random.default_rng(1)
    of_seeds = generator.multinomial(num_seeds, np.full(num_seeds, 1 / num_seeds), size=40_000)
    of_images = generator.multinomial(num_images, np.full(num_images, 1 / num_images), size=40_000)
    means = ((of_seeds @ matrix) * of_images).sum(axis=1) / matrix.size
    squares = analysis_of_variance(matrix)["mean_sq"].to_numpy() / matrix.size
    # A bootstrap divides by n where an unbiased variance divides by n - 1.
    by_seed, by_image = 1 - 1 / num_seeds, 1 - 1 / num_images
    assert means.var() == pytest.approx(squares @ [by_seed, by_image, by_seed * by_image], rel=0.03)
    assert crossed_interval(matrix).standard_error ** 2 == pytest.approx(squares @ [1, 1, -1])


def test_with_one_source_of_variance_the_crossed_interval_is_the_simple_one() -> None:
    values = np.random.default_rng(0).normal(size=200)
    same_models = crossed_interval(np.tile(values, (10, 1)))
    simple = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert same_models[:3] == pytest.approx((values.mean(), simple.low, simple.high))
    assert same_models.seed_share == 0
    same_images = crossed_interval(np.tile(values[:10, np.newaxis], (1, 500)))
    simple = stats.ttest_1samp(values[:10], 0).confidence_interval(0.95)
    assert same_images[:3] == pytest.approx((values[:10].mean(), simple.low, simple.high))
    assert (same_images.seed_share, same_images.degrees_of_freedom) == (1, pytest.approx(9))
    series = writers(np.random.default_rng(0), 2_000, alike=0.1)
    blocks = block_interval(series, 100)
    assert crossed_interval(np.tile(series, (10, 1)), block=100)[1:3] == pytest.approx(blocks[1:3])
    assert crossed_interval(np.ones((3, 5)))[:4] == (1, 1, 1, 0)


@pytest.mark.parametrize("matrix", [np.ones(5), np.ones((1, 5)), np.ones((5, 1)), np.ones((2, 2, 2))])
def test_what_is_no_matrix_of_seeds_and_images_is_refused(matrix: Array) -> None:
    with pytest.raises(ValueError, match="one row per seed and one column per image"):
        crossed_interval(matrix)


def rights(generator: np.random.Generator, seeds: float, images: float, shape: tuple[int, int]) -> Array:
    """Right or wrong: log odds of 2.5 plus what the seed and the image add, with these deviations."""
    odds = 2.5 + generator.normal(0, seeds, (shape[0], 1)) + generator.normal(0, images, (1, shape[1]))
    return generator.random(shape) < special.expit(odds)


def expected_accuracy(seeds: float, images: float) -> float:
    points, weights = np.polynomial.hermite_e.hermegauss(200)
    return float(weights @ special.expit(2.5 + np.hypot(seeds, images) * points) / weights.sum())


REGIMES = {"images dominate": (0.02, 3.0), "both": (0.3, 3.0), "seeds dominate": (0.3, 0.3)}


@pytest.mark.nightly
@pytest.mark.parametrize("regime", REGIMES)
def test_the_crossed_interval_covers_the_accuracy_over_seeds_and_images(regime: str) -> None:
    seeds, images = REGIMES[regime]
    truth = expected_accuracy(seeds, images)
    generator = np.random.default_rng(3)
    found = [crossed_interval(rights(generator, seeds, images, (10, 2_000))) for _ in range(SETS)]
    report(regime, found, truth)
    share = np.median([each.seed_share for each in found])
    low, high = {"images dominate": (0, 0.05), "both": (0.3, 0.7), "seeds dominate": (0.85, 1)}[regime]
    assert low <= share <= high, "the regime is another one"


@pytest.mark.nightly
@pytest.mark.parametrize("seeds", [0.0, 0.02])
def test_the_crossed_interval_in_blocks_covers_with_writers(seeds: float) -> None:
    """Ten models of other seeds answer the same writers' images."""
    generator = np.random.default_rng(4)
    found, alone = [], []
    for _ in range(SETS):
        ability = np.repeat(generator.normal(0, 0.05, 100), generator.integers(50, 151, 100))[:5_000]
        chance = 0.8 + generator.normal(0, seeds, (10, 1)) + ability
        right = generator.random(5_000) < chance.clip(0, 1)
        found.append(crossed_interval(right, block=100))
        alone.append(crossed_interval(right))
    report(f"writers and seeds {seeds}", found, 0.8)
    if not seeds:
        assert covered(each.low <= 0.8 <= each.high for each in alone) < 0.9


def report(name: str, found: list[CrossedInterval], truth: float) -> None:
    """Check the share that covers, and say it."""
    share = covered(each.low <= truth <= each.high for each in found)
    print(f"{name}: crossed {share:.3f}, seed share {np.median([each.seed_share for each in found]):.2f}")
    assert 0.92 <= share <= 0.98


def test_the_best_choice_is_drawn_with_every_image_alike_in_all_splits() -> None:
    rng = np.random.default_rng(5)
    values, images = rng.random((3, 6, 2)), rng.permuted(np.tile(np.arange(8), (3, 1)), axis=1)[:, :6]
    again = np.random.default_rng(2)
    expected = []
    for _ in range(50):
        drawn, splits = again.integers(8, size=8).tolist(), again.integers(3, size=3).tolist()
        sums = [
            sum(
                values[split, place, choice]
                for split in splits
                for image in drawn
                for place in np.flatnonzero(images[split] == image)
            )
            for choice in (0, 1)
        ]
        expected.append(int(sums[1] > sums[0]))
    assert draw_best(values, images, 8, draws=50, seed=2).tolist() == expected
    assert {0, 1} == set(expected), "neither is always the best"
    with pytest.raises(DataError, match="images from 0 to 7"):
        draw_best(values, images, 7)
