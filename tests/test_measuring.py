"""Numbers of several runs become measurements whose intervals are SciPy's and those of `dependence`."""

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.metrics import confusion_matrix, precision_score, recall_score

from tutorial_utils.data.exploration import squares_from_mean
from tutorial_utils.evaluation import confusions, dependence, influence
from tutorial_utils.evaluation.predictions import Predictions
from tutorial_utils.report import measuring
from tutorial_utils.report.ledger import Ledger

RNG = np.random.default_rng(7)
ROWS = RNG.normal(0.3, 1, size=(5, 10_000))


def test_over_seeds_is_students_interval() -> None:
    values = RNG.normal(size=8)
    found = measuring.over_seeds(values)
    low, high = stats.ttest_1samp(values, 0).confidence_interval()
    assert (found.value, found.low, found.high) == pytest.approx((values.mean(), low, high))
    wide = measuring.over_seeds(values, test_share=1 / 8)
    assert wide.high - wide.low == pytest.approx(np.sqrt(2) * (high - low))  # type: ignore[operator]
    ratios = measuring.over_seeds(np.exp(values), log=True)
    assert (ratios.value, ratios.low, ratios.high) == pytest.approx(np.exp((values.mean(), low, high)))
    assert ratios.log_scale and ratios.n == 8


def test_over_pairs_is_the_jackknife_that_leaves_out_one_run() -> None:
    drawn = RNG.normal(size=(7, 7))
    table = drawn + drawn.T
    upper = np.triu_indices(7, 1)

    def mean_without(run: int) -> float:
        left = np.delete(np.delete(table, run, axis=0), run, axis=1)
        return float(left[np.triu_indices(6, 1)].mean())

    found = measuring.over_pairs(table)
    assert found.value == pytest.approx(table[upper].mean())
    without = np.array([mean_without(run) for run in range(7)])
    error = np.sqrt(6 / 7 * ((without - without.mean()) ** 2).sum())
    assert found.high - found.value == pytest.approx(stats.t.ppf(0.975, 6) * error)  # type: ignore[operator]
    assert (found.n, found.degrees_of_freedom, found.how) == (7, 6, "jackknife over seeds")
    two = measuring.over_pairs(table[:2, :2])
    assert two.low == two.value == two.high == pytest.approx(table[0, 1]), "one pair tells no spread"


def test_a_mean_over_some_images_alone_is_their_mean_in_their_blocks() -> None:
    where = RNG.random(10_000) < 0.1
    found = measuring.gain(np.zeros_like(ROWS), ROWS, where=where, of_what="some", digit=3)
    assert found.value == pytest.approx(ROWS[:, where].mean())
    assert (found.n, found.of_what, dict(found.names)) == (where.sum(), "some", {"digit": 3})
    assert found.low < found.value < found.high  # type: ignore[operator]
    whole = measuring.over_seeds_and_images(ROWS, where=np.ones(10_000, dtype=bool))
    everywhere = measuring.over_seeds_and_images(ROWS)
    expected = dependence.crossed_interval(ROWS, block=100, strata=2)
    assert (everywhere.low, everywhere.high) == (expected.low, expected.high)
    assert (whole.low, whole.high) == pytest.approx((expected.low, expected.high))


def test_images_that_are_independent_count_one_by_one() -> None:
    found = measuring.over_seeds_and_images(ROWS, independent=True)
    expected = dependence.crossed_interval(ROWS)
    assert (found.value, found.low, found.high) == expected[:3]
    assert found.how == "crossed, over seeds and images"


def test_a_share_has_the_interval_of_wilson_and_a_median_that_of_its_sign_test() -> None:
    found = measuring.share(17, 200, of_what="seeds", runs=3)
    low, high = stats.binomtest(17, 200).proportion_ci(method="wilson")
    assert (found.value, found.low, found.high) == pytest.approx((0.085, low, high))
    assert dict(found.names) == {"runs": 3}
    values = RNG.normal(1, size=7)
    middle = measuring.median(values, 10.0, of_what="rounds")
    assert (middle.value, middle.low, middle.high) == (np.median(values), values.min(), values.max())
    assert middle.confidence == pytest.approx(1 - 2 / 2**7)
    assert middle.exact_p == pytest.approx(stats.binomtest(0, 7).pvalue)
    assert measuring.over_seeds(values, of_what="orders").how == "t over orders"


def test_the_best_of_a_grid_is_known_to_half_a_step_and_to_what_draws_leave_open() -> None:
    grid, images = 0.1 * 2.0 ** np.arange(4), np.tile(np.arange(300), (5, 1))
    values = RNG.normal([0, 0.1, 0, -2], 1, size=(5, 300, 4))
    found = measuring.best_of_grid(values, images, grid)
    assert found.value == grid[values.mean(axis=(0, 1)).argmax()]
    drawn = grid[dependence.draw_best(values, images, 300)]
    expected = np.quantile(drawn, [0.025, 0.975]) * (2**-0.5, 2**0.5)
    assert (found.low, found.high, found.n) == pytest.approx((*expected, 300))
    sure = measuring.best_of_grid(values + 100 * (grid == 0.2), images, grid)
    assert (sure.low, sure.high) == pytest.approx((0.2 / 2**0.5, 0.2 * 2**0.5))


def test_odds_ratios_are_those_of_a_logistic_regression() -> None:
    ink = RNG.normal(size=2_000)
    wrong = [RNG.random(2_000) < 1 / (1 + np.exp(2 - 0.7 * ink)) for _ in range(3)]
    found = measuring.odds_ratio(wrong, "ink", {"ink": ink})
    logs = [influence.of_log_odds(each, {"ink": ink})["ink"].mean() for each in wrong]
    assert found.value == pytest.approx(np.exp(np.mean(logs)))
    assert found.low < np.exp(0.7) < found.high and found.log_scale  # type: ignore[operator]


def test_what_a_part_could_see_is_said_in_its_unit() -> None:
    ledger = Ledger()
    hits = (RNG.random((4, 2_000)) < 0.99).astype(float)
    ledger.record(37, a=measuring.over_seeds_and_images(hits))
    (entry,) = ledger.metrics()["claims"]
    parts = measuring.Parts([entry])
    (row,) = measuring.sees([entry])
    half = (entry["high"] - entry["low"]) / 2
    assert measuring.half_width(parts["37a"]) == pytest.approx(half)
    assert row == {
        "part": "37a",
        "half-width": f"{100 * half:.2f} %",
        "settled four times in five": f"{100 * measuring.detectable(parts['37a']):.2f} %",
    }
    df = entry["parts"][0]["degrees_of_freedom"]
    times = stats.t.ppf(0.8, df) / stats.t.ppf(0.975, df) + 1
    assert measuring.detectable(parts["37a"]) == pytest.approx(times * half)
    assert parts.column("verdict") == {"37a": "holds"}


def test_shares_of_confusions_are_those_of_scikit_learn() -> None:
    truth, said = RNG.integers(0, 4, size=(2, 2_000))
    matrix = confusion_matrix(truth, said)
    stack = np.stack([matrix, matrix.T])
    assert confusions.recalls(stack)[0] == pytest.approx(recall_score(truth, said, average=None))
    assert confusions.precisions(stack)[0] == pytest.approx(precision_score(truth, said, average=None))
    assert confusions.imbalances(stack)[0] == pytest.approx(confusions.imbalances(stack)[1])
    wrong = truth != said
    share = (wrong & (truth == 2) & (said == 1)).sum() / wrong.sum()
    back = (wrong & (truth == 1) & (said == 2)).sum() / wrong.sum()
    assert confusions.directions(stack)[0, 2, 1] == pytest.approx(12 * share)
    assert confusions.pairs(stack)[:, 2, 1] == pytest.approx([6 * (share + back)] * 2)
    assert confusions.directions(stack).diagonal(axis1=1, axis2=2).max() == 0
    labels, probabilities = torch.from_numpy(said), torch.nn.functional.one_hot(torch.from_numpy(said), 4)
    answers = [Predictions(labels, probabilities.double())] * 2
    found = measuring.of_confusions(torch.from_numpy(truth), answers, lambda m: confusions.recalls(m)[..., 1])
    assert found.value == pytest.approx(confusions.recalls(matrix)[1])


def test_squares_from_the_mean_add_up_to_the_variance() -> None:
    images = torch.randint(0, 256, (50, 1, 8, 8), dtype=torch.uint8)
    pixels = images.numpy()[:, 0] / 255
    assert squares_from_mean(images).sum().item() == pytest.approx(50 * pixels.var(axis=0).sum())
    inner = pixels[:, 2:6, 2:6]
    assert squares_from_mean(images, 2).sum().item() == pytest.approx(50 * inner.var(axis=0).sum())
