# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Error analysis on MNIST
#
# The model reads most digits rightly. Which does it get wrong, how sure is it of them, and what would help? Where a hypothesis is
# tested, it is formed on validation images first.
#
# **After this chapter you can**
#
# * collect a model's errors with everything needed to study them;
# * look at errors by confidence, by pair of classes and as average images;
# * find labels that may be wrong, and say what they would change;
# * measure whether errors go with properties of the image, such as contrast or blur, one at a time and together;
# * compare two versions of a model error by error, and tell which errors a new seed repeats;
# * say which next step is worth its cost, because you tried it small.
#
# **You need** [](04_evaluation). The model is the same; if it has not been trained yet, it is trained here.

# %% tags=["remove-cell"]
# @title Set-up: install the book's package where it is missing, and nothing else
import importlib.metadata
import importlib.util
import subprocess
import sys

version = "0.2.0"
release = f"https://github.com/logistic-regression-measured/book/archive/refs/tags/v{version}.zip"
command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", release]
if importlib.util.find_spec("tutorial_utils") is None:
    installed = subprocess.run(command, capture_output=True, text=True)
    if installed.returncode != 0:
        raise RuntimeError(f"pip could not install {release}:\n{installed.stderr}")
    importlib.invalidate_caches()

import tutorial_utils

if tutorial_utils.__version__ != version:
    raise RuntimeError(
        f"This notebook needs tutorial_utils {version}; {tutorial_utils.__version__} is "
        f"installed. Run this, then restart the kernel:\n{' '.join(command)}"
    )

needed = """
numpy scipy pandas matplotlib seaborn scikit-learn statsmodels
pydantic tqdm pooch requests filelock safetensors typer pillow torch
torchvision
"""
find = importlib.metadata.distributions
missing = [name for name in needed.split() if not any(find(name=name))]
if missing:
    raise ImportError(f"Libraries are missing: pip install {' '.join(missing)}")

# %% tags=["parameters"]
dataset: str = "mnist"  # data set, "mnist"
seed: int = 0  # fixes split, order and initial weights, 0 or more
device: str = "auto"  # where to compute: "auto", "cpu", "cuda", "mps"
initialisation: str = "xavier_uniform"  # initial weights, "xavier_uniform" or "default"
num_epochs: int = 30  # passes over the training images, 1 or more
batch_size: int = 64  # images per update, 1 to 54,000
learning_rate: float = 0.01  # step length of the first epoch, above 0
momentum: float = 0.9  # share of the last step kept in the next, 0 to below 1
weight_decay: float = 0.0  # strength of the L2 penalty, 0 or more
learning_rate_decay: float = 0.1  # factor on the rate at each decay, above 0 to 1
learning_rate_step: int = 10  # epochs between two decays, 1 or more
validation_split: float = 0.1  # share of images held out, between 0 and 1
early_stopping_patience: int = 30  # epochs without improvement, 1 or more
divergence_bound: float = 1e4  # batch loss in nats that ends training, above 2.303
log_interval: int = 100  # batches between two updates of the progress bar, 1 or more
num_seeds: int = 10  # repeated runs that show which errors are stable, 2 or more

# %%
from tutorial_utils.training.config import TrainingConfig

config = TrainingConfig(
    dataset=dataset,
    seed=seed,
    device=device,
    initialisation=initialisation,
    num_epochs=num_epochs,
    batch_size=batch_size,
    learning_rate=learning_rate,
    momentum=momentum,
    weight_decay=weight_decay,
    learning_rate_decay=learning_rate_decay,
    learning_rate_step=learning_rate_step,
    validation_split=validation_split,
    early_stopping_patience=early_stopping_patience,
    divergence_bound=divergence_bound,
    log_interval=log_interval,
)

# %%
from tutorial_utils.data import datasets, exploration
from tutorial_utils.plots.style import use_book_style
from tutorial_utils.report import results
from tutorial_utils.training.batches import Batches, training_batches
from tutorial_utils.training.trainer import load_or_fit

use_book_style()
data = datasets.load(config.dataset)
class_names = data.description.class_names
model, _ = load_or_fit(config, data, results.output_folder())
train, _ = training_batches(data.train, config)

# %% [markdown]
# (mnist-collect-errors)=
# ## Collecting the errors
#
# For each error, keep the position of the image, its true class, the prediction, the confidence, and all ten probabilities. In the open, it is
# a mask and a few columns:

# %%
import pandas as pd

from tutorial_utils.evaluation.errors import (
    average_images,
    collect_errors,
    compare_errors,
    error_patterns,
)
from tutorial_utils.evaluation.predictions import predict

_, validation = datasets.split(data.train, config.validation_split, config.seed)
said = {
    "validation": predict(model, datasets.standardise(validation)),
    "test": predict(model, datasets.standardise(data.test)),
}
truth = {"validation": validation.labels, "test": data.test.labels}
wrong = (said["validation"].labels != truth["validation"]).nonzero()[:, 0]
by_hand = pd.DataFrame(
    {
        "true": truth["validation"][wrong],
        "predicted": said["validation"].labels[wrong],
        "confidence": said["validation"].confidence[wrong],
    },
    index=wrong.numpy(),
)
errors = {part: collect_errors(truth[part], said[part]) for part in said}
pd.testing.assert_frame_equal(
    errors["validation"][list(by_hand)], by_hand, check_names=False
)

# %%
from tutorial_utils.report.narrate import (
    enumerate_words,
    interval,
    p_value,
    percent,
    say,
    table,
)

shown = errors["validation"].head(5).round(3).reset_index()
table(shown)

# %% [markdown]
# `p_true` is the probability that the true class received, and `margin` the confidence minus that.
#
# Grouped by true label, with the share of each digit's images that was missed:

# %%
import torch

from tutorial_utils.evaluation import comparisons, statistics

support = {part: torch.bincount(truth[part], minlength=10).numpy() for part in truth}
grouped = pd.DataFrame({"digit": class_names})
for part, frame in errors.items():
    counts = frame.groupby("true").size().reindex(range(10), fill_value=0).to_numpy()
    grouped[f"{part} errors"], grouped[f"{part} images"] = counts, support[part]
    grouped[f"{part} share"] = counts / support[part]
    grouped[f"{part} 95 %"] = [
        interval(*statistics.wilson_interval(int(k), int(n)), 1)
        for k, n in zip(counts, support[part], strict=True)
    ]
table(grouped, {"validation share": ".1%", "test share": ".1%"})

# %% tags=["hide-input"]
n_errors = {part: len(frame) for part, frame in errors.items()}
hardest = grouped.sort_values("validation share", ascending=False).digit.tolist()[:3]
hardest_test = grouped.sort_values("test share", ascending=False).digit.tolist()[:3]
n_images = {part: len(labels) for part, labels in truth.items()}
counted = [
    f"{n_errors[part]} errors on {n_images[part]:,} {part} images"
    f" ({percent(n_errors[part] / n_images[part])}, 95 % interval"
    f" {interval(*statistics.wilson_interval(n_errors[part], n_images[part]))})"
    for part in truth
]
say(
    f"{enumerate_words(counted)}. Hypothesis from validation: {enumerate_words(hardest)} are missed most often. On the test images"
    f" the three are {enumerate_words(hardest_test)}. The intervals say how firm such"
    " an order is: places whose intervals overlap widely may swap by chance."
)

# %% [markdown]
# (mnist-confident-errors)=
# ## The most and the least confident errors
#
# Confident errors are the costly ones: nothing warns of them. Look at each and ask whether *you* would have read it rightly.


# %% mystnb={"figure": {"caption": "The fifteen most confident errors on the test images: prediction with confidence, and the true digit.", "name": "fig-mnist-most-confident"}, "image": {"alt": "Fifteen handwritten digits in three rows. Above each stands the wrong prediction with a confidence near 100 per cent, and the true digit."}}
from tutorial_utils.plots.data import image_grid


def show_errors(frame, images):
    titles = [
        f"says {row.predicted:.0f} ({row.confidence:.1%})\nis {row.true:.0f}"
        for row in frame.itertuples()
    ]
    return image_grid(images[torch.tensor(frame.index.tolist()), 0], titles)


most = errors["test"].nlargest(15, "confidence")
axes = show_errors(most, data.test.images)

# %% mystnb={"figure": {"caption": "The fifteen least confident errors on the test images.", "name": "fig-mnist-least-confident"}, "image": {"alt": "Fifteen handwritten digits in three rows. Above each stands the wrong prediction with a low confidence, and the true digit."}}
least = errors["test"].nsmallest(15, "confidence")
axes = show_errors(least, data.test.images)

# %% tags=["hide-input"]
import math

runner_up = (
    errors["test"].p_true
    >= errors["test"][[f"p{k}" for k in range(10)]].apply(
        lambda row: row.nlargest(2).iloc[1], axis=1
    )
).mean()
say(
    "The most confident error has a confidence of"
    f" {percent(most.confidence.iloc[0], 1)}, the fifteenth still"
    f" {percent(most.confidence.iloc[-1], 1)}. The least confident one has"
    f" {percent(least.confidence.iloc[0], 1)}, so at least"
    f" {math.ceil(1 / least.confidence.iloc[0])} digits share the probability. In {percent(runner_up, 0)} of all errors the true digit is the"
    " second choice.",
    "Would you have read each of the confident ones? Some labels of this test set are"
    " known to be wrong: the next section looks for them.",
)

# %% [markdown]
# (mnist-wrong-labels)=
# ## Labels that may be wrong
#
# In some of these errors the label may be at fault. **Confident learning** {cite}`northcutt2021confident` makes a list of candidates. Ask first how much probability images labelled 4 usually give to 4: their mean is the threshold of 4. An image with
# another label that reaches this threshold, and is read as something else than its label, is a candidate. The model must not have been trained on the images, or it would repeat their labels. It was not trained on test images.

# %%
from tutorial_utils.evaluation.labels import label_candidates

labels, rows = truth["test"], said["test"].probabilities
usual = torch.stack([rows[labels == digit, digit].mean() for digit in range(10)])
reached = torch.where(rows >= usual, rows, -1)
guess = reached.argmax(dim=1)
is_candidate = (reached.amax(dim=1) >= 0) & (guess != labels)
is_candidate &= said["test"].labels != labels
candidates = label_candidates(labels, said["test"])  # the same, the surest first
assert set(is_candidate.nonzero()[:, 0].tolist()) == set(candidates.index)

# %% [markdown]
# Here are the two surest candidates of each label. Judge each one before you read on: is the label right, is the model, or could nobody tell?

# %% mystnb={"figure": {"caption": "Test images whose label may be wrong: of each label the two that the model doubts most, with the label and the digit that the model is sure of.", "name": "fig-mnist-wrong-labels"}, "image": {"alt": "Twenty handwritten digits in five rows of four, two for each label from 0 to 9. Above each stands its label, and the other digit that the model suggests with a high probability."}}
surest = candidates.groupby("given").head(2).sort_values("given", kind="stable")
axes = image_grid(
    data.test.images[torch.tensor(surest.index.tolist()), 0],
    [
        f"label {row.given:.0f}\nmodel {row.suggested:.0f} ({row.p_suggested:.1%})"
        for row in surest.itertuples()
    ],
    columns=4,
)

# %% [markdown]
# Most of the list is this weak model's own mistakes: it says where to look, not what is wrong. {cite:t}`northcutt2021` let people judge the candidates of better models, and found 15 wrong labels in these 10,000 images. That is a lower bound, because nobody
# looked at the rest. What would the accuracy become if that many labels were wrong, and the model right on each? And if all candidates were?

# %%
from tutorial_utils.evaluation import dependence

measured_accuracy = dependence.block_interval(said["test"].labels == labels, strata=2)
wrong_labels = {
    "none": 0,
    "the published number": 15,
    "all images shown": len(surest),
    "all candidates": len(candidates),
}
corrected = {
    name: measured_accuracy.mean + count / len(labels)
    for name, count in wrong_labels.items()
}
table(
    [
        {"wrong labels": name, "images": count, "accuracy": percent(corrected[name])}
        for name, count in wrong_labels.items()
    ]
)

# %% tags=["hide-input"]
say(
    "The accuracy with the labels as they are has the 95 % interval"
    f" {interval(measured_accuracy.low, measured_accuracy.high)}, by blocks."
)

# %% [markdown]
# The known wrong labels move this accuracy by less than the interval leaves open. They matter to models that are nearly perfect: whoever is right by the labels on more than 99.85 % of these images repeats wrong ones. (A wrong label that the model repeats
# counts as right today, so the true accuracy may also be lower.)
#
# (mnist-error-patterns)=
# ## Patterns: which digit is read as which?
#
# The shares below are of each true digit's validation images, so that frequent and rare digits compare fairly.

# %% mystnb={"figure": {"caption": "Errors on the validation images, in per cent of each true digit's images. The diagonal is empty: only errors are drawn.", "name": "fig-mnist-error-patterns"}, "image": {"alt": "A ten by ten heat map, rows for the true digit and columns for the wrong prediction, with a per cent number in each cell; a few cells are clearly darker than the rest."}}
from tutorial_utils.plots.evaluation import confusion_matrix, rates

pattern = error_patterns(errors["validation"], support["validation"])
ax = confusion_matrix(pattern, class_names, shares=True)


# %%
from tutorial_utils.evaluation.metrics import (
    evaluate,
    most_common_confusions,
    rate_by_quantile,
)


def count_pairs(part):
    matrix = evaluate(truth[part], said[part]).confusion_matrix
    return most_common_confusions(matrix)


pairs = {part: count_pairs(part) for part in said}
rank = {pair[:2]: place for place, pair in enumerate(pairs["test"], start=1)}
counts = {pair[:2]: pair[2] for pair in pairs["test"]}

# %% [markdown]
# The six most common confusions on the validation images are the hypotheses. **Above even** means: the pair occurs more often on the test images than
# errors spread evenly over the 90 possible pairs would make it (exact binomial test).
#
# > **One rule for many tests** holds in this chapter and in that on CIFAR-10. Validation images propose, test images confirm. All tests that ask one question are adjusted together by
# > [Benjamini and Hochberg's method](mnist-comparing), and an adjusted p-value below 0.05 confirms: of what is confirmed, at most one in twenty is false, on average.

# %%
from scipy.stats import binomtest


def adjusted_for_evenness(counts):
    total = n_errors["test"]
    return comparisons.adjust(
        [binomtest(k, total, 1 / 90, alternative="greater").pvalue for k in counts]
    )


proposed = pairs["validation"][:6]
on_test_counts = [counts.get(pair[:2], 0) for pair in proposed]
adjusted = adjusted_for_evenness(on_test_counts)
confirmed = int((adjusted < 0.05).sum())

# %% tags=["hide-input"]
table(
    [
        {"true -> predicted": f"{true} -> {predicted}", "validation": count, "test": found,
         "rank on test": rank.get((true, predicted), "-"),
         "adjusted p": p_value(chance), "above even": "yes" if chance < 0.05 else "no"}
        for (true, predicted, count), found, chance in zip(proposed, on_test_counts, adjusted, strict=True)
    ]
)  # fmt: skip

# %% tags=["hide-input"]
every_count = [counts.get((i, j), 0) for i in range(10) for j in range(10) if i != j]
all_above = int((adjusted_for_evenness(every_count) < 0.05).sum())
still_common = sum(rank.get(pair[:2], 90) <= 6 for pair in proposed)
top_share = sum(count for _, _, count in pairs["test"][:6]) / n_errors["test"]
say(
    f"{confirmed} of 6 occur more often than an even spread would make them, as do"
    f" {all_above} of all 90 pairs (adjusted for 90 tests). To be among the six most"
    f" common again is the harder test; {still_common} pass it. Six of the 90"
    f" possible pairs make up {percent(top_share, 0)} of all test errors; spread evenly"
    f" it would be {percent(6 / 90, 0)}. On the test images the six most common are "
    + enumerate_words(
        f"{true} read as {predicted} ({count})"
        for true, predicted, count in pairs["test"][:6]
    )
    + "."
)

# %% [markdown]
# (mnist-average-errors)=
# ## What the errors of a pair have in common
#
# Average the images of each common confusion, as the exploration did for whole digits. The pairs are chosen by count, with the count beside them. (The published
# code takes the first ten pairs that it happens to meet, and calls them the most common.)

# %% mystnb={"figure": {"caption": "Average test image of each of the ten most common confusions, with the number of images.", "name": "fig-mnist-average-errors"}, "image": {"alt": "Ten blurred average digits in two rows, each with the true digit, the digit it was read as and the number of images averaged."}}
common = pairs["test"][:10]
averages = average_images(data.test.images, errors["test"], common)
axes = image_grid(
    torch.stack(averages)[:, 0],
    [f"{true} read as {predicted}\nn = {count}" for true, predicted, count in common],
    limits=(0, 1),
)


# %%
def similarity(average, digit):
    mean = class_averages[digit].flatten()
    return torch.corrcoef(torch.stack([average.flatten(), mean]))[0, 1].item()


class_averages = exploration.class_means(data.train)
closer = [
    similarity(average, predicted) > similarity(average, true)
    for average, (true, predicted, _) in zip(averages, common, strict=True)
]
first_met = list(
    dict.fromkeys(zip(errors["test"].true, errors["test"].predicted, strict=True))
)[:10]
missed = len({pair[:2] for pair in common} - set(first_met))
say(
    f"In {sum(closer)} of 10 pairs the average error looks more like the average of the"
    " digit that was *read* than of the true one (correlation of pixels). Taking the"
    f" first ten pairs met instead would have missed {missed} of the ten most common."
)

# %% [markdown]
# (mnist-errors-and-quality)=
# ## Do errors go with image quality?
#
# The published text explains errors by poor images. Four properties can be measured on each image:
#
# * **brightness**, the mean pixel: how much ink;
# * **contrast**, the standard deviation of the pixels;
# * **sharpness**, the variance of the Laplacian, a filter that responds to edges: low means blurred;
# * **noise**, the mean response to a filter that ignores smooth shading. Thin strokes respond to it too.
#
# A fifth, **slant**, is not quality but style: how far the digit leans, from the moments of its ink. Sort the images by each property, cut them into five groups of equal size, and
# count errors in each.


# %%
def slant_by_hand(images):
    """Horizontal shift per row of height, from second moments of the ink."""
    ink = images[:, 0].double()
    total = ink.sum(dim=(1, 2))
    steps = torch.arange(28.0, dtype=torch.float64)
    down = steps - ((ink.sum(dim=2) @ steps) / total)[:, None]
    right = steps - ((ink.sum(dim=1) @ steps) / total)[:, None]
    covariance = torch.einsum("nrc,nr,nc->n", ink, down, right)
    return -covariance / torch.einsum("nrc,nr->n", ink, down.square())


torch.testing.assert_close(
    slant_by_hand(validation.images), exploration.slant(validation.images)
)


# %%
def properties(images):
    return {
        "brightness": exploration.brightness(images),
        "contrast": exploration.contrast(images),
        "sharpness": exploration.sharpness(images),
        "noise": exploration.noise(images),
        "slant": exploration.slant(images),
    }


# %% mystnb={"figure": {"caption": "Share of errors among the validation images in five groups of equal size, by five properties of the image, with 95 % intervals.", "name": "fig-mnist-error-quality"}, "image": {"alt": "Five panels, one per image property, each with the error rate of five groups of images joined by a line and an interval at each point."}}
held = properties(validation.images)
held_wrong = said["validation"].labels != truth["validation"]
binned = {name: rate_by_quantile(held_wrong, values) for name, values in held.items()}
axes = rates(
    {
        name: (bins.centres, bins.rates, bins.low, bins.high)
        for name, bins in binned.items()
    },
    ylabel="errors",
)

# %% [markdown]
# The same in one number: the mean of the wrong images minus the mean of the right ones, in standard deviations. What holds on validation images should hold on test images.

# %%
measured = properties(data.test.images)
is_wrong = said["test"].labels != truth["test"]
not_one = truth["test"] != 1


def shift_of_errors(values, wrong):
    difference = values[wrong].double().mean() - values[~wrong].double().mean()
    return (difference / values.double().std()).item()


# %%
effects = [
    {
        "property": name,
        "on validation": shift_of_errors(held[name], held_wrong),
        "on test": shift_of_errors(values, is_wrong),
        "without ones": shift_of_errors(values[not_one], is_wrong[not_one]),
    }
    for name, values in measured.items()
]
formats = ("on validation", "on test", "without ones")
table(effects, dict.fromkeys(formats, "+.2f"))

# %% tags=["hide-input"]
strongest = max(effects, key=lambda row: abs(row["on validation"]))
same = strongest["on validation"] * strongest["on test"] > 0
ratio = {name: max(bins.rates) / min(bins.rates) for name, bins in binned.items()}
quality_ratio = max(ratio[name] for name in ratio if name != "slant")
say(
    "The mean of wrong images differs from that of right ones most in"
    f" {strongest['property']}, by {strongest['on validation']:+.2f} standard"
    " deviations on validation images; on test images the direction is"
    f" {'the same' if same else 'another'} ({strongest['on test']:+.2f}). Between the"
    " best and the worst fifth the error rate changes by a factor of up to"
    f" {quality_ratio:.1f} for the four quality measures, and {ratio['slant']:.1f} for"
    " slant."
)

# %% [markdown]
# Ones have little ink and are easy, so every measure of ink is tied to them. The column *without ones* leaves them out of the test images.

# %% tags=["hide-input"]
by_name = {row["property"]: row for row in effects}
fading = [
    name
    for name, row in by_name.items()
    if abs(row["without ones"]) < abs(row["on test"]) / 2
]
sharper = by_name["sharpness"]["without ones"] > 0
say(
    "Without ones, the shift at least halves for"
    f" {enumerate_words(fading) or 'none of them'}. Wrong images are"
    f" {'not more blurred' if sharper else 'more blurred'} than right ones: their"
    " sharpness differs by"
    f" {by_name['sharpness']['without ones']:+.2f} standard deviations, and blur would"
    " make that negative."
)

# %% [markdown]
# (mnist-error-regression)=
# ### All properties at once
#
# One at a time, properties stand in for each other: a thick stroke is bright and rich in contrast. A **logistic regression** {cite}`hastie2009` of "wrong or right" on all of them asks about each
# *at equal values of the others*. Its **odds ratio** is the factor by which the odds of an error change for one standard deviation more; 1 means no effect.
#
# It assumes independent images, and log odds that change in a straight line. A property that does harm at both ends can show nothing, so the distance from the usual slant joins the
# slant. Properties that nearly repeat each other share their effect and get wide intervals. And it finds association, not cause.
#
# The hypotheses are the properties whose interval on *validation* images leaves out 1. Confirmed is what goes the same way on test images, with an adjusted p-value below 0.05.

# %%
usual_slant = held["slant"].median()
for values in (held, measured):
    values["unusual slant"] = (values["slant"] - usual_slant).abs()
without_ones = {name: values[not_one] for name, values in measured.items()}
odds = {
    "validation": comparisons.error_regression(held_wrong, held),
    "test": comparisons.error_regression(is_wrong, measured),
    "test, without ones": comparisons.error_regression(is_wrong[not_one], without_ones),
}
suspected = (odds["validation"].low > 1) | (odds["validation"].high < 1)
on_test = odds["test"]
same_side = (odds["validation"].odds_ratio > 1) == (on_test.odds_ratio > 1)
adjusted_p = pd.Series(comparisons.adjust(on_test.p_value), on_test.index)
confirmed_properties = list(on_test.index[suspected & same_side & (adjusted_p < 0.05)])

# %% tags=["hide-input"]
table(
    [
        {"odds ratio per standard deviation": name,
         **{where: f"{frame.odds_ratio[name]:.2f} [{frame.low[name]:.2f}, {frame.high[name]:.2f}]"
            for where, frame in odds.items()},
         "adjusted p (test)": p_value(adjusted_p[name])}
        for name in on_test.index
    ]
)  # fmt: skip

# %% tags=["hide-input"]
not_confirmed = [
    name for name in on_test.index[suspected] if name not in confirmed_properties
]
alike = torch.corrcoef(torch.stack([measured["brightness"], measured["contrast"]]))[
    0, 1
].item()
kept_up = [
    name
    for name in confirmed_properties
    if odds["test, without ones"].low[name] > 1
    or odds["test, without ones"].high[name] < 1
]
say(
    f"Suspected on validation: {enumerate_words(on_test.index[suspected]) or 'none'}. Confirmed on test images:"
    f" {enumerate_words(confirmed_properties) or 'none'}; clear without ones too: {enumerate_words(kept_up) or 'none'}."
    + (f" Not confirmed: {enumerate_words(not_confirmed)}." if not_confirmed else "")
    + f" McFadden's pseudo R² on test images, 0 if the properties explain nothing and 1 if they explain everything, is {on_test.attrs['pseudo_r2']:.2f}"
    + (": which images go wrong is mostly not in these properties." if on_test.attrs["pseudo_r2"] < 0.2 else "."),
    f"On the test images, brightness and contrast correlate at {alike:.2f}"
    + (", so their two ratios describe the difference between them, not dark or bright images." if alike > 0.9 else "."),
)  # fmt: skip

# %% [markdown]
# An association within one data set is not a cause. The test is whether removing the property removes the errors. For slant (positive when the digit leans right),
# [the section on remedies](mnist-what-to-do) makes that test.
#
# (mnist-two-versions)=
# ## Two versions, error by error
#
# When a model changes, the accuracy says how many errors it makes, not which. Keep the list of errors of each version, and compare: which are **fixed**, which are **new**,
# which are **kept**? Here the old version is the one with the published patience of 5, the new one is the headline model.

# %%
import tempfile
from pathlib import Path

old_config = config.but(
    early_stopping_patience=TrainingConfig().early_stopping_patience
)
old_model, _ = load_or_fit(old_config, data, results.output_folder())
test_images = datasets.standardise(data.test)
old_said = predict(old_model, test_images)
old_errors = collect_errors(truth["test"], old_said)
with tempfile.TemporaryDirectory() as folder:
    stored = Path(folder) / "errors_of_the_old_version.csv"
    old_errors.to_csv(stored)
    read_back = pd.read_csv(stored, index_col="image")
change = compare_errors(read_back, errors["test"])
assert len(change.fixed) + len(change.kept) == len(old_errors)
assert len(change.new) + len(change.kept) == n_errors["test"]

# %% [markdown]
# If both versions were equally good, fixed and new would be equally likely. That is [McNemar's test](mnist-comparing); the size of the change is the paired difference.

# %%
old_right = old_said.labels == truth["test"]
mcnemar = comparisons.exact_mcnemar(old_right, ~is_wrong)
gain = statistics.paired_difference(old_right, ~is_wrong)
assert (mcnemar.only_first, mcnemar.only_second) == (len(change.new), len(change.fixed))
say(
    f"{len(old_errors)} errors before, {n_errors['test']} after: {len(change.fixed)}"
    f" fixed, {len(change.new)} new, {len(change.kept)} kept. Exact McNemar test:"
    f" p-value {p_value(mcnemar.p_value)}. The accuracy changes by"
    f" {100 * gain.estimate:+.2f} points [{100 * gain.low:+.2f}, {100 * gain.high:+.2f}]."
)

# %% [markdown]
# Both speak of these two trained models. Whether a *patience* of 30 is better is a question about trainings, and [the seeds](mnist-early-stopping) answered it.
#
# (mnist-stable-errors)=
# ## Which errors would another training make too?
#
# Some errors belong to the image and the method, others to chance in the training. Models from other seeds tell them apart: count, for every test image, how many of them miss it.

# %%
from tutorial_utils.training import replicas

seed_configs = [config.but(seed=each) for each in range(num_seeds)]
trained = replicas.load_or_train(seed_configs, data, results.output_folder())
missed = torch.stack(
    [predict(run.model, test_images).labels != truth["test"] for run in trained]
)  # (seeds, images)
times_missed = missed.sum(dim=0)
errors_over_seeds = missed.sum(dim=1).tolist()
stable = int((times_missed[is_wrong] == num_seeds).sum())
stable_share = stable / n_errors["test"]
stable_bounds = statistics.wilson_interval(stable, n_errors["test"])

# %% tags=["hide-input"]
how_often = {
    "none": times_missed == 0,
    "some": (times_missed > 0) & (times_missed < num_seeds),
    "all": times_missed == num_seeds,
}
table(
    [
        {"missed by": f"{name} of the {num_seeds} seeds", "test images": f"{chosen.sum().item():,}",
         "of the errors of this model": f"{(chosen & is_wrong).sum().item():,}"}
        for name, chosen in how_often.items()
    ]
)  # fmt: skip

# %% tags=["hide-input"]
error_spread = statistics.spread(errors_over_seeds)
by_luck = missed.double().mean(dim=1).prod().item() * len(is_wrong)
moved = statistics.spread(
    [
        (missed[one] != missed[other]).sum().item()
        for one in range(num_seeds)
        for other in range(one)
    ]
)
say(
    f"The seeds make {error_spread.mean:.0f} errors on average, with a standard deviation of {error_spread.deviation:.1f} (from"
    f" {error_spread.low:.0f} to {error_spread.high:.0f}). {percent(stable_share, 0)} of this model's errors are made by all {num_seeds} (95 % interval {interval(*stable_bounds, 0)});"
    f" if errors fell at random, {'fewer than one image' if by_luck < 1 else f'about {by_luck:.0f} images'} would be missed by all. "
    + ("Most errors are stable: a new seed does not mend them." if stable_share > 0.5
       else "Less than half are stable: chance in the training decides much.")
    + f" (This model is one of the {num_seeds}, and the seeds share most of their training images.)"
    + f" Two seeds differ on {moved.mean:.0f} images on average, the two versions above on {len(change.fixed) + len(change.new)}: "
    "a list of fixed errors is worth reading only beside what a mere change of seed fixes."
)  # fmt: skip

# %% [markdown]
# (mnist-what-to-do)=
# ## What would help?
#
# Every proposal is tried small, with 6,000 training images and one seed, and judged on 6,000 *validation* images. The reference is softmax regression on the same
# 6,000 images. All are judged on the same images, so changes are paired, with an interval and an adjusted [McNemar test](mnist-comparing).

# %%
_, pool = datasets.split(data.train, 0.2, config.seed)
small, held_out = (pool.subset(half) for half in torch.arange(len(pool)).chunk(2))


def batches_of(part, size, generator=None):
    return Batches(part.images, part.labels, size, generator, transform=train.transform)


# %%
import torch.nn.functional as F


def train_small(model, batches, held, epochs=10, decay=0.0):
    """Train briefly, and say which of the held-out images are read rightly."""
    optimiser = torch.optim.SGD(
        model.parameters(), lr=0.01, momentum=0.9, weight_decay=decay
    )
    for _ in range(epochs):
        model.train()
        for images, labels in batches:
            optimiser.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimiser.step()
    with torch.no_grad():
        return torch.cat([model.eval()(x).argmax(dim=1) == y for x, y in held])


# %%
from tutorial_utils.reproducibility import make_generator
from tutorial_utils.training.models import make_model


def shuffled(part):
    return batches_of(part, 64, make_generator(config.seed, "order"))


held_batches = batches_of(held_out, 1_000)
reference_model = make_model(config).cpu()
reference = "reference: softmax regression"
rights = {reference: train_small(reference_model, shuffled(small), held_batches)}

# %% [markdown]
# **Alignment.** `deskew` shears each image sideways, each row by its height times the slant, so that the slant becomes zero.

# %%
upright, upright_held = (
    datasets.ImageData(exploration.deskew(part.images), part.labels, part.description)
    for part in (small, held_out)
)
left_over = exploration.slant(upright_held.images).abs().mean()
assert left_over < exploration.slant(held_out.images).abs().mean() / 2
rights["deskewed"] = train_small(
    make_model(config).cpu(), shuffled(upright), batches_of(upright_held, 1_000)
)

# %% [markdown]
# **Augmentation.** Add four copies of each image, shifted by one pixel up, down, left and right. **More data**, five times as many. **Regularisation**: three
# strengths of weight decay.

# %%
shifts = ((1, 0), (-1, 0), (0, 1), (0, -1))
copies = [small.images.roll(shift, dims=(2, 3)) for shift in shifts]
shifted = datasets.ImageData(
    torch.cat([small.images, *copies]), small.labels.repeat(5), small.description
)
rights["augmented by shifts"] = train_small(
    make_model(config).cpu(), shuffled(shifted), held_batches, epochs=2
)
rest, _ = datasets.split(data.train, 0.2, config.seed)
more = rest.subset(torch.arange(len(rest) * 5 // 8))
rights["five times the data"] = train_small(
    make_model(config).cpu(), shuffled(more), held_batches, epochs=2
)
for decay in (1e-4, 1e-3, 1e-2):
    rights[f"weight decay {decay:g}"] = train_small(
        make_model(config).cpu(), shuffled(small), held_batches, decay=decay
    )

# %% [markdown]
# **A convolutional network** looks for strokes wherever they are. **Transfer** reuses such a network: train it on the digits 0 to 4, keep its features, and train only a new linear layer on
# all ten.


# %%
from torch import nn


def small_network(num_classes):
    torch.manual_seed(config.seed)
    return nn.Sequential(
        nn.Conv2d(1, 8, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(16 * 7 * 7, num_classes),
    )  # fmt: skip


# %%
rights["convolutional network"] = train_small(
    small_network(10), shuffled(small), held_batches, epochs=5
)
features = small_network(5)
low, low_held = (
    part.subset((part.labels < 5).nonzero()[:, 0]) for part in (small, held_out)
)
train_small(features, shuffled(low), batches_of(low_held, 1_000), epochs=5)
body = features[:-1].eval().requires_grad_(False)
rights["transfer from digits 0 to 4"] = train_small(
    nn.Sequential(body, nn.Linear(16 * 7 * 7, 10)),
    shuffled(small),
    held_batches,
    epochs=5,
)

# %%
trials = {name: right.double().mean().item() for name, right in rights.items()}
baseline = trials[reference]
changes = comparisons.compare_all(rights)
changes = changes[changes["first"] == reference].set_index("second")
changes["p_adjusted"] = comparisons.adjust(changes["p"])  # for these comparisons alone
table(
    [
        {"what was tried": name, "validation accuracy": percent(trials[name]),
         "95 % interval": interval(*statistics.wilson_interval(int(right.sum()), len(right)), 1),
         "change (points)": "" if name == reference else
            "{:+.2f} [{:+.2f}, {:+.2f}]".format(*(100 * changes.loc[name, ["difference", "low", "high"]])),
         "adjusted p": "" if name == reference else p_value(changes.p_adjusted[name])}
        for name, right in rights.items()
    ]
)  # fmt: skip

# %% tags=["hide-input"]
best_trial = max(trials, key=trials.get)
errors_removed = 1 - (1 - trials[best_trial]) / (1 - baseline)
unclear = list(changes.index[changes.p_adjusted >= 0.05])
say(
    f"The best of these is the {best_trial}, at {percent(trials[best_trial], 1)}: it"
    f" removes {percent(errors_removed, 0)} of the reference's errors. Deskewing"
    f" changes accuracy by {100 * (trials['deskewed'] - baseline):+.2f} points, shifts"
    f" by {100 * (trials['augmented by shifts'] - baseline):+.2f}, five times the data"
    f" by {100 * (trials['five times the data'] - baseline):+.2f}."
    + (f" Chance alone could explain {enumerate_words(unclear)}." if unclear else ""),
    "Each was trained once, with one seed, so small changes are not worth a story. The"
    " large ones have a simple reading. The linear model asks which pixels are inked;"
    " what helps is to make the answer mean the same for every hand.",
)

# %% [markdown]
# (mnist-conclusion)=
# ## Conclusion of the MNIST part
#
# The published tutorial closes with five directions: convolutional networks, augmentation, more varied data, tuning with regularisation, transfer learning. The table above gives a first number
# for each. What the errors say, in order of weight:

# %% tags=["hide-input"]
sure = (errors["test"].confidence > 0.9).mean()
table(
    [
        {"what the errors say": "a few pairs dominate",
         "measured": f"6 of 90 pairs make {percent(top_share, 0)} of the errors",
         "what to do": "features that tell those pairs apart: strokes, not pixels"},
        {"what the errors say": "some errors are confident",
         "measured": f"{percent(sure, 0)} have a confidence above 0.9",
         "what to do": "check labels; treat confidence as a warning"},
        {"what the errors say": "most errors would be made again" if stable_share > 0.5 else "many errors are chance",
         "measured": f"{percent(stable_share, 0)} are made by all {num_seeds} seeds",
         "what to do": "another model, not another run of this one"},
        {"what the errors say": "errors share visual traits",
         "measured": f"one standard deviation more of unusual slant multiplies the odds of an error by {on_test.odds_ratio['unusual slant']:.2f}; deskewing changes accuracy by {100 * (trials['deskewed'] - baseline):+.2f} points",
         "what to do": "align, or use a model that finds strokes wherever they are"},
        {"what the errors say": "image quality explains little",
         "measured": f"wrong images are {'not more' if sharper else 'more'} blurred than right ones; all properties together reach a pseudo R² of {on_test.attrs['pseudo_r2']:.2f}",
         "what to do": "nothing to repair in MNIST: no image is damaged"},
    ]
)  # fmt: skip

# %% tags=["hide-input"]
metrics = {
    "n_errors": n_errors["test"],
    "n_errors_validation": n_errors["validation"],
    "n_errors_over_seeds": errors_over_seeds,
    "n_errors_seed_mean": error_spread.mean,
    "n_errors_seed_deviation": error_spread.deviation,
    "stable_share": stable_share,
    "confusions": pairs["test"],
    "confusions_validation": pairs["validation"],
    "confirmed_hypotheses": confirmed,
    "label_candidates": len(candidates),
    "accuracy_if_labels_wrong": corrected,
    "share_of_six_pairs": top_share,
    "confident_share": sure,
    "average_errors_like_predicted": sum(closer),
    "versions": {
        "fixed": len(change.fixed),
        "new": len(change.new),
        "kept": len(change.kept),
        "p": mcnemar.p_value,
        "difference": gain.estimate,
        "low": gain.low,
        "high": gain.high,
    },
    "quality": {row["property"]: row["on test"] for row in effects},
    "odds_ratios": {where: frame.to_dict("index") for where, frame in odds.items()},
    "confirmed_properties": confirmed_properties,
    "trials": trials,
    "trial_changes": changes[["difference", "low", "high", "p_adjusted"]].to_dict(
        "index"
    ),
}

# %%
path = results.write(
    "mnist/05_error_analysis",
    parameters={**config.model_dump(), "num_seeds": num_seeds},
    metrics=metrics,
    data_hash=data.fingerprint,
)

# %% [markdown]
# ## What you have learnt
#
# You can now
#
# * collect errors with everything needed to study them;
# * look at them by confidence, by pair and as averages;
# * find labels that may be wrong, and say what they would change;
# * measure whether they go with properties of the image, one at a time and together;
# * compare two versions error by error, and tell which errors a new seed repeats;
# * say which next step is worth its cost.
#
# ## Exercises
#
# ### Exercise 1: which errors would a second guess repair?
#
# If the model may name two digits, how often is the true one among them? Compute this *top-2 accuracy* on the test images.

# %% tags=["hide-cell"]
# Solution: look for the true class among the two most probable.
two = said["test"].probabilities.topk(2).indices
top_two = (two == truth["test"][:, None]).any(dim=1).double().mean().item()
assert top_two >= (~is_wrong).double().mean().item()
say(
    f"Top-2 accuracy: {percent(top_two)}, against"
    f" {percent((~is_wrong).double().mean().item())} for one guess."
)

# %% [markdown]
# ### Exercise 2: errors that two training sets share
#
# Train two models on different 6,000 images each. How many of their validation errors do they share, and how many would be shared if errors fell at random?

# %% tags=["hide-cell"]
# Solution: train, collect, intersect; by chance, the product of the two error rates.
other = more.subset(torch.arange(6_000))
other_model = make_model(config).cpu()
train_small(other_model, shuffled(other), held_batches)
held_images = datasets.standardise(held_out)
first, second = (
    set(collect_errors(held_out.labels, predict(each, held_images)).index)
    for each in (reference_model, other_model)
)
by_chance = len(first) * len(second) / len(held_out)
say(
    f"{len(first)} and {len(second)} errors, {len(first & second)} of them shared; by"
    f" chance it would be about {by_chance:.0f}. "
    + (
        "Most errors belong to the images and the method, not to the training sample."
        if len(first & second) > 3 * by_chance
        else ""
    )
)

# %% [markdown]
# ### Exercise 3: the McNemar test by hand
#
# With $b$ fixed and $c$ new errors, compute the two-sided exact p-value from binomial coefficients, and compare it with the one above. Write `exact_mcnemar(b, c)`.

# %% tags=["hide-cell"]
from math import comb

# Solution: twice the smaller tail of a fair coin.


def exact_mcnemar(b, c):
    tail = sum(comb(b + c, k) for k in range(min(b, c) + 1)) / 2 ** (b + c)
    return min(1.0, 2 * tail)


torch.testing.assert_close(
    exact_mcnemar(len(change.fixed), len(change.new)), mcnemar.p_value
)
say(f"By hand: p-value {p_value(exact_mcnemar(len(change.fixed), len(change.new)))}.")

# %% [markdown]
# ## Further reading
#
# * {cite:t}`northcutt2021` on wrong labels in well-known test sets.
# * {cite:t}`lecun1998` report what deskewing did for a linear classifier.
