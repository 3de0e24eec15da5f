"""Error lists hold what pandas finds by hand, agree with the confusion matrix, and survive a file."""

import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from tutorial_utils.evaluation.errors import average_images, collect_errors, compare_errors, error_patterns
from tutorial_utils.evaluation.metrics import evaluate, most_common_confusions
from tutorial_utils.evaluation.predictions import Predictions
from tutorial_utils.exceptions import PredictionError

COLUMNS = ["true", "predicted", "confidence", "p_true", "margin"]

# Images 1 and 3 are wrong.
LABELS = torch.tensor([0, 2, 1, 0])
PROBABILITIES = torch.tensor(
    [[0.75, 0.25, 0.0], [0.5, 0.125, 0.375], [0.125, 0.75, 0.125], [0.0, 0.0, 1.0]], dtype=torch.float64
)


def random_case(n: int = 200, num_classes: int = 4, seed: int = 0) -> tuple[Tensor, Predictions]:
    """Labels, and predictions that are wrong about most of them."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(num_classes, (n,), generator=generator)
    logits = torch.randn(n, num_classes, generator=generator, dtype=torch.float64)
    return labels, Predictions.from_probabilities(logits.softmax(dim=1))


# Collecting


def test_every_error_is_listed_with_its_probabilities_under_the_position_of_its_image() -> None:
    errors = collect_errors(LABELS, Predictions.from_probabilities(PROBABILITIES))
    expected = pd.DataFrame(
        {
            "true": [2, 0],
            "predicted": [0, 2],
            "confidence": [0.5, 1.0],
            "p_true": [0.375, 0.0],
            "margin": [0.125, 1.0],
            "p0": [0.5, 0.0],
            "p1": [0.125, 0.0],
            "p2": [0.375, 1.0],
        },
        index=pd.Index([1, 3], name="image"),
    )
    pd.testing.assert_frame_equal(errors, expected)


def test_confidence_is_that_of_the_class_said_even_when_another_was_more_probable() -> None:
    said = Predictions(labels=torch.tensor([1]), probabilities=PROBABILITIES[1:2])
    errors = collect_errors(torch.tensor([2]), said)
    assert errors[["predicted", "confidence", "margin"]].to_numpy().tolist() == [[1, 0.125, -0.25]]


def test_without_errors_the_list_is_empty_and_keeps_its_columns() -> None:
    predictions = Predictions.from_probabilities(PROBABILITIES)
    errors = collect_errors(predictions.labels, predictions)
    assert len(errors) == 0
    assert errors.columns.tolist() == [*COLUMNS, "p0", "p1", "p2"]
    assert errors.index.name == "image"
    pd.testing.assert_series_equal(errors.dtypes, collect_errors(LABELS, predictions).dtypes)


@pytest.mark.parametrize("labels", [LABELS[:3], LABELS.repeat(2), LABELS[:, None]])
def test_labels_of_other_images_are_refused(labels: Tensor) -> None:
    with pytest.raises(PredictionError, match=re.escape(str(tuple(labels.shape)))):
        collect_errors(labels, Predictions.from_probabilities(PROBABILITIES))


# Patterns


def test_patterns_are_the_confusion_matrix_by_row_without_its_diagonal() -> None:
    labels, predictions = random_case()
    result = evaluate(labels, predictions)
    patterns = error_patterns(collect_errors(labels, predictions), result.support)
    expected = result.confusion_matrix / result.support[:, None]
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(patterns, expected)
    np.testing.assert_allclose(patterns.sum(axis=1), 1 - result.recall)


def test_a_class_without_images_has_undefined_patterns_and_a_model_without_errors_patterns_of_zero() -> None:
    predictions = Predictions.from_probabilities(PROBABILITIES)
    labels = torch.tensor([0, 2, 2, 0])  # no image of class 1, though one is called that
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        patterns = error_patterns(collect_errors(labels, predictions), evaluate(labels, predictions).support)
    np.testing.assert_array_equal(patterns, [[0, 0, 0.5], [np.nan] * 3, [0.5, 0.5, 0]])
    patterns = error_patterns(collect_errors(predictions.labels, predictions), np.array([3, 1, 2]))
    np.testing.assert_array_equal(patterns, np.zeros((3, 3)))


# Averages


def test_the_average_of_a_confusion_is_that_of_exactly_its_images() -> None:
    labels, predictions = random_case()
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(256, (200, 3, 4, 5), generator=generator, dtype=torch.uint8)
    pairs = most_common_confusions(evaluate(labels, predictions).confusion_matrix)
    averages = average_images(images, collect_errors(labels, predictions), pairs)
    assert len(averages) == len(pairs) == 12
    truth, said, pixels = labels.numpy(), predictions.labels.numpy(), images.numpy() / 255
    for average, (true, predicted, count) in zip(averages, pairs, strict=True):
        chosen = pixels[(truth == true) & (said == predicted)]
        assert len(chosen) == count
        assert average.dtype == torch.float64
        np.testing.assert_allclose(average, chosen.mean(axis=0))


# Versions


@pytest.mark.parametrize("seed", range(3))
def test_fixed_new_and_kept_errors_share_out_both_lists(seed: int) -> None:
    labels, before = random_case(seed=seed)
    _, after = random_case(seed=seed + 100)
    change = compare_errors(collect_errors(labels, before), collect_errors(labels, after))
    was_wrong, is_wrong = (said.labels.ne(labels).numpy() for said in (before, after))
    assert change.fixed == np.flatnonzero(was_wrong & ~is_wrong).tolist()
    assert change.new == np.flatnonzero(~was_wrong & is_wrong).tolist()
    assert change.kept == np.flatnonzero(was_wrong & is_wrong).tolist()


def test_comparing_survives_a_file(tmp_path: Path) -> None:
    labels, before = random_case()
    old, new = collect_errors(labels, before), collect_errors(labels, random_case(seed=1)[1])
    old.to_csv(tmp_path / "errors.csv")
    read_back = pd.read_csv(tmp_path / "errors.csv", index_col="image")
    pd.testing.assert_frame_equal(read_back, old)
    assert compare_errors(read_back, new) == compare_errors(old, new)
    old[:0].to_csv(tmp_path / "none.csv")  # a first version without errors
    change = compare_errors(pd.read_csv(tmp_path / "none.csv", index_col="image"), new)
    assert (change.fixed, change.new, change.kept) == ([], new.index.tolist(), [])
