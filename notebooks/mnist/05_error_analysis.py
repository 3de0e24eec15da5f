# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
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
# * measure whether errors go with properties of the image, such as contrast or blur;
# * compare two versions of a model error by error;
# * say which next step is worth its cost, because you tried it small.
#
# **You need** [](04_evaluation). The model is the same; if it has not been trained yet, it is trained here.

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
log_interval: int = 100  # batches between two updates of the progress bar, 1 or more

# %%
from tutorial_utils.config import TrainingConfig

config = TrainingConfig(
    **{name: globals()[name] for name in TrainingConfig.model_fields}
)

# %%
import tempfile
from pathlib import Path

import pandas as pd
import torch
import torch.nn.functional as F
from scipy.stats import binomtest
from torch import nn

from tutorial_utils import (
    datasets,
    error_analysis,
    evaluation,
    exploration,
    results,
    statistics,
)
from tutorial_utils.models import make_model, predict
from tutorial_utils.narrate import enumerate_words, interval, percent, say, table
from tutorial_utils.plots.data import image_grid
from tutorial_utils.plots.evaluation import confusion_matrix, rates
from tutorial_utils.plots.style import use_book_style
from tutorial_utils.reproducibility import make_generator
from tutorial_utils.training import load_or_fit, measure

use_book_style()
data = datasets.load(config.dataset)
class_names = data.description.class_names
model, _ = load_or_fit(config, data, results.output_folder())
train, _ = datasets.training_batches(data.train, config)

# %% [markdown]
# (mnist-collect-errors)=
# ## Collecting the errors
#
# For each error, keep the position of the image, its true class, the prediction, the confidence, and all ten probabilities. In the open, it is
# a mask and a few columns:

# %%
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
errors = {part: error_analysis.collect_errors(truth[part], said[part]) for part in said}
pd.testing.assert_frame_equal(
    errors["validation"][list(by_hand)], by_hand, check_names=False
)

# %%
shown = errors["validation"].head(5).round(3).reset_index()
table(shown)

# %% [markdown]
# `p_true` is the probability that the true class received, and `margin` the confidence minus that.
#
# Grouped by true label, with the share of each digit's images that was missed:

# %%
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
say(
    f"{n_errors['validation']} errors on {len(validation):,} validation images and"
    f" {n_errors['test']} on {len(data.test):,} test images. Hypothesis from"
    f" validation: {enumerate_words(hardest)} are missed most often. On the test images"
    f" the three are {enumerate_words(hardest_test)}. The intervals say how firm such"
    " an order is: places whose intervals overlap widely may swap by chance."
)

# %% [markdown]
# (mnist-confident-errors)=
# ## The most and the least confident errors
#
# Confident errors are the costly ones: nothing warns of them. Look at each and ask whether *you* would have read it rightly.


# %% mystnb={"figure": {"caption": "The fifteen most confident errors on the test images: prediction with confidence, and the true digit.", "name": "fig-mnist-most-confident"}, "image": {"alt": "Fifteen handwritten digits in three rows. Above each stands the wrong prediction with a confidence near 100 per cent, and the true digit."}}
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
    f" {percent(least.confidence.iloc[0], 1)}: three or more digits share the"
    f" probability. In {percent(runner_up, 0)} of all errors the true digit is the"
    " second choice.",
    "Would you have read each of the confident ones? Some labels of this test set are"
    " known to be wrong; see the note below.",
)

# %% [markdown]
# {cite:t}`northcutt2021` found about fifteen wrong labels among the 10,000.
#
# (mnist-error-patterns)=
# ## Patterns: which digit is read as which?
#
# The shares below are of each true digit's validation images, so that frequent and rare digits compare fairly.

# %% mystnb={"figure": {"caption": "Errors on the validation images, in per cent of each true digit's images. The diagonal is empty: only errors are drawn.", "name": "fig-mnist-error-patterns"}, "image": {"alt": "A ten by ten heat map, rows for the true digit and columns for the wrong prediction, with a per cent number in each cell; a few cells are clearly darker than the rest."}}
pattern = error_analysis.error_patterns(errors["validation"], support["validation"])
ax = confusion_matrix(pattern, class_names, shares=True)


# %%
def count_pairs(part):
    matrix = evaluation.evaluate(truth[part], said[part]).confusion_matrix
    return evaluation.most_common_confusions(matrix)


pairs = {part: count_pairs(part) for part in said}
rank = {pair[:2]: place for place, pair in enumerate(pairs["test"], start=1)}
counts = {pair[:2]: pair[2] for pair in pairs["test"]}

# %% [markdown]
# The six most common confusions on the validation images are the hypotheses. **Above even** means: the pair occurs more often on the test images than
# errors spread evenly over the 90 possible pairs would make it (exact binomial test, multiplied by six for the six looks).

# %%
rows = []
for true, predicted, count in pairs["validation"][:6]:
    on_test = counts.get((true, predicted), 0)
    p_value = min(
        1.0,
        6 * binomtest(on_test, n_errors["test"], 1 / 90, alternative="greater").pvalue,
    )
    rows.append(
        {
            "true -> predicted": f"{true} -> {predicted}",
            "validation": count,
            "test": on_test,
            "rank on test": rank.get((true, predicted), "-"),
            "adjusted p": f"{p_value:.1e}",
            "above even": "yes" if p_value < 0.05 else "no",
        }
    )
table(rows)

# %% tags=["hide-input"]
confirmed = sum(row["above even"] == "yes" for row in rows)
all_above = sum(
    min(
        1.0,
        90 * binomtest(count, n_errors["test"], 1 / 90, alternative="greater").pvalue,
    )
    < 0.05
    for _, _, count in pairs["test"]
)
top_share = sum(count for _, _, count in pairs["test"][:6]) / n_errors["test"]
say(
    f"{confirmed} of 6 occur more often than an even spread would make them, as do"
    f" {all_above} of all 90 pairs (allowing for 90 looks). To be among the six most"
    " common again is the harder test;"
    f" {sum(row['rank on test'] in range(1, 7) for row in rows)} pass it. Six of the 90"
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
averages = error_analysis.average_images(data.test.images, errors["test"], common)
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
def slant(images):
    """Horizontal shift per row of height, from second moments of the ink."""
    ink = images[:, 0].double()
    total = ink.sum(dim=(1, 2))
    rows, columns = (
        torch.arange(28.0, dtype=torch.float64),
        torch.arange(28.0, dtype=torch.float64),
    )
    row_mean = (ink.sum(dim=2) @ rows) / total
    column_mean = (ink.sum(dim=1) @ columns) / total
    down = rows[None] - row_mean[:, None]
    right = columns[None] - column_mean[:, None]
    covariance = torch.einsum("nrc,nr,nc->n", ink, down, right)
    return -covariance / torch.einsum("nrc,nr->n", ink, down.square())


# %%
def properties(images):
    return {
        "brightness": exploration.brightness(images),
        "contrast": exploration.contrast(images),
        "sharpness": exploration.sharpness(images),
        "noise": exploration.noise(images),
        "slant": slant(images),
    }


# %% mystnb={"figure": {"caption": "Share of errors among the test images in five groups of equal size, by five properties of the image, with 95 % intervals.", "name": "fig-mnist-error-quality"}, "image": {"alt": "Five panels, one per image property, each with the error rate of five groups of images joined by a line and an interval at each point."}}
measured = properties(data.test.images)
is_wrong = said["test"].labels != truth["test"]
binned = {
    name: evaluation.rate_by_quantile(is_wrong, values)
    for name, values in measured.items()
}
axes = rates(
    {
        name: (bins.centres, bins.rates, bins.low, bins.high)
        for name, bins in binned.items()
    },
    ylabel="errors",
)

# %%
held = properties(validation.images)
held_wrong = said["validation"].labels != truth["validation"]
not_one = truth["test"] != 1


# %%
def shift_of_errors(values, wrong):
    difference = values[wrong].double().mean() - values[~wrong].double().mean()
    return (difference / values.double().std()).item()


effects = []
for name, values in measured.items():
    effects.append(
        {
            "property": name,
            "errors, lowest fifth": binned[name].rates[0],
            "errors, middle fifth": binned[name].rates[2],
            "errors, highest fifth": binned[name].rates[-1],
            "shift in standard deviations": shift_of_errors(values, is_wrong),
            "without ones": shift_of_errors(values[not_one], is_wrong[not_one]),
            "on validation": shift_of_errors(held[name], held_wrong),
        }
    )

# %%
share = ".1%"
table(
    effects,
    {"errors, lowest fifth": share, "errors, middle fifth": share, "errors, highest fifth": share,
     "shift in standard deviations": "+.2f", "without ones": "+.2f", "on validation": "+.2f"},
)  # fmt: skip

# %% tags=["hide-input"]
shift = "shift in standard deviations"
strongest = max(effects, key=lambda row: abs(row[shift]))
same = strongest[shift] * strongest["on validation"] > 0
ratio = {name: max(bins.rates) / min(bins.rates) for name, bins in binned.items()}
quality_ratio = max(ratio[name] for name in ratio if name != "slant")
say(
    "The mean of wrong images differs from that of right ones most in"
    f" {strongest['property']}, by {strongest[shift]:+.2f} standard deviations; on"
    f" validation images the direction is {'the same' if same else 'another'}. Between"
    " the best and the worst fifth the error rate changes by a factor of up to"
    f" {quality_ratio:.1f} for the four quality measures, and {ratio['slant']:.1f} for"
    " slant."
)

# %% [markdown]
# Ones have little ink and are easy, so every measure of ink is tied to them. The column *without ones* leaves them out.

# %% tags=["hide-input"]
by_name = {row["property"]: row for row in effects}
fading = [
    name
    for name, row in by_name.items()
    if abs(row["without ones"]) < abs(row[shift]) / 2
]
sharper = by_name["sharpness"]["without ones"] > 0
say(
    "Without ones, the shift at least halves for"
    f" {enumerate_words(fading) or 'none of them'}. Wrong images are"
    f" {'sharper, not more blurred' if sharper else 'more blurred'}, with"
    f" {by_name['sharpness']['without ones']:+.2f} standard deviations: the explanation"
    " of errors by poor images is"
    f" {'not supported by blur' if sharper else 'supported'}."
)

# %% [markdown]
# One caution: an association within one data set is not a cause. The test is whether removing the property removes the errors. For slant (positive when the digit leans right),
# [the section on remedies](mnist-what-to-do) makes that test.
#
# (mnist-two-versions)=
# ## Two versions, error by error
#
# When a model changes, the accuracy says how many errors it makes, not which. Keep the list of errors of each version, and compare: which are **fixed**, which are **new**,
# which are **kept**? Here the old version is the one with the published patience of 5, the new one is the headline model.

# %%
old_config = config.but(
    early_stopping_patience=TrainingConfig().early_stopping_patience
)
old_model, _ = load_or_fit(old_config, data, results.output_folder())
old_errors = error_analysis.collect_errors(
    truth["test"], predict(old_model, datasets.standardise(data.test))
)
with tempfile.TemporaryDirectory() as folder:
    stored = Path(folder) / "errors_of_the_old_version.csv"
    old_errors.to_csv(stored)
    read_back = pd.read_csv(stored, index_col="image")
change = error_analysis.compare_errors(read_back, errors["test"])
assert len(change.fixed) + len(change.kept) == len(old_errors)
assert len(change.new) + len(change.kept) == n_errors["test"]

# %% tags=["hide-input"]
discordant = len(change.fixed) + len(change.new)
p_change = binomtest(len(change.fixed), discordant).pvalue if discordant else 1.0
say(
    f"{len(old_errors)} errors before, {n_errors['test']} after: {len(change.fixed)}"
    f" fixed, {len(change.new)} new, {len(change.kept)} kept. If both versions were"
    " equally good, fixed and new would be equally likely; the exact McNemar test on"
    f" these {discordant} images gives p = {p_change:.2g}."
)

# %% [markdown]
# The test is explained by {cite:t}`dietterich1998`.
#
# (mnist-what-to-do)=
# ## What would help?
#
# Every proposal is tried small, with 6,000 training images and one seed, and judged on 6,000 *validation* images. The reference is softmax regression on the same
# 6,000 images.

# %%
_, pool = datasets.split(data.train, 0.2, config.seed)
small = pool.subset(torch.arange(6_000))
held_out = pool.subset(torch.arange(6_000, 12_000))


def batches_of(part, size, generator=None):
    return datasets.Batches(
        part.images, part.labels, size, generator, transform=train.transform
    )


# %%
def train_small(model, batches, held, epochs=10, decay=0.0):
    optimiser = torch.optim.SGD(
        model.parameters(), lr=0.01, momentum=0.9, weight_decay=decay
    )
    for _ in range(epochs):
        model.train()
        for images, labels in batches:
            optimiser.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimiser.step()
    return measure(model, held)[1]


# %%
def shuffled(part):
    return batches_of(part, 64, make_generator(config.seed, "order"))


held_batches = batches_of(held_out, 1_000)
reference_model = make_model(config)
trials = {
    "reference: softmax regression": train_small(
        reference_model, shuffled(small), held_batches
    )
}

# %% [markdown]
# **Alignment.** Shear each image so that its slant becomes zero.


# %%
def deskew(images):
    """Shear uint8 images upright, about the middle of the image."""
    lean = slant(images).float()
    shear = torch.zeros(len(images), 2, 3)
    shear[:, 0, 0] = shear[:, 1, 1] = 1
    shear[:, 0, 1] = -lean
    grid = F.affine_grid(shear, list(images.shape), align_corners=False)
    upright = F.grid_sample(images.float(), grid, align_corners=False)
    return upright.round().clamp(0, 255).to(torch.uint8)


# %%
upright, upright_held = (
    datasets.ImageData(deskew(part.images), part.labels, part.description)
    for part in (small, held_out)
)
left_over = (
    slant(upright_held.images).abs().mean() / slant(held_out.images).abs().mean()
)
assert left_over < 0.5
trials["deskewed"] = train_small(
    make_model(config), shuffled(upright), batches_of(upright_held, 1_000)
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
trials["augmented by shifts"] = train_small(
    make_model(config), shuffled(shifted), held_batches, epochs=2
)
more = datasets.split(data.train, 0.2, config.seed)[0].subset(torch.arange(30_000))
trials["five times the data"] = train_small(
    make_model(config), shuffled(more), held_batches, epochs=2
)
for decay in (1e-4, 1e-3, 1e-2):
    trials[f"weight decay {decay:g}"] = train_small(
        make_model(config), shuffled(small), held_batches, decay=decay
    )

# %% [markdown]
# **A convolutional network** looks for strokes wherever they are. **Transfer** reuses such a network: train it on the digits 0 to 4, keep its features, and train only a new linear layer on
# all ten.


# %%
def small_network(num_classes):
    torch.manual_seed(config.seed)
    return nn.Sequential(
        nn.Conv2d(1, 8, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(16 * 7 * 7, num_classes),
    )  # fmt: skip


# %%
trials["convolutional network"] = train_small(
    small_network(10), shuffled(small), held_batches, epochs=5
)
features = small_network(5)
low, low_held = (
    part.subset((part.labels < 5).nonzero()[:, 0]) for part in (small, held_out)
)
train_small(features, shuffled(low), batches_of(low_held, 1_000), epochs=5)
body = features[:-1].eval().requires_grad_(False)
trials["transfer from digits 0 to 4"] = train_small(
    nn.Sequential(body, nn.Linear(16 * 7 * 7, 10)),
    shuffled(small),
    held_batches,
    epochs=5,
)

# %%
baseline = trials["reference: softmax regression"]
trial_rows = []
for name, accuracy in trials.items():
    low, high = statistics.wilson_interval(
        round(accuracy * len(held_out)), len(held_out)
    )
    trial_rows.append(
        {"what was tried": name, "validation accuracy": accuracy, "95 % interval": interval(low, high, 1),
         "change (points)": 100 * (accuracy - baseline)}
    )  # fmt: skip
table(trial_rows, {"validation accuracy": ".2%", "change (points)": "+.2f"})

# %% tags=["hide-input"]
best_trial = max(trials, key=trials.get)
errors_removed = 1 - (1 - trials[best_trial]) / (1 - baseline)
say(
    f"The best of these is the {best_trial}, at {percent(trials[best_trial], 1)}: it"
    f" removes {percent(errors_removed, 0)} of the reference's errors. Deskewing"
    f" changes accuracy by {100 * (trials['deskewed'] - baseline):+.1f} points, shifts"
    f" by {100 * (trials['augmented by shifts'] - baseline):+.1f}, five times the data"
    f" by {100 * (trials['five times the data'] - baseline):+.1f}.",
    "One seed and 6,000 images decide nothing finely: changes of less than a point may"
    " be chance. The large ones have a simple reading. The linear model asks which"
    " pixels are inked; what helps is to make the answer mean the same for every hand.",
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
        {"what the errors say": "errors share visual traits",
         "measured": f"deskewing changes accuracy by {100 * (trials['deskewed'] - baseline):+.1f} points, shifts by {100 * (trials['augmented by shifts'] - baseline):+.1f}",
         "what to do": "align, or use a model that finds strokes wherever they are"},
        {"what the errors say": "image quality explains little",
         "measured": f"wrong images are {'sharper' if sharper else 'more blurred'} than right ones",
         "what to do": "nothing to repair in MNIST: no image is damaged"},
    ]
)  # fmt: skip

# %%
path = results.write(
    "mnist/05_error_analysis",
    parameters=config.model_dump(),
    metrics={
        "n_errors": n_errors["test"],
        "n_errors_validation": n_errors["validation"],
        "confusions": pairs["test"],
        "confusions_validation": pairs["validation"],
        "confirmed_hypotheses": confirmed,
        "share_of_six_pairs": top_share,
        "confident_share": sure,
        "average_errors_like_predicted": sum(closer),
        "versions": {"fixed": len(change.fixed), "new": len(change.new), "kept": len(change.kept), "p": p_change},
        "quality": {row["property"]: row["shift in standard deviations"] for row in effects},
        "trials": trials,
    },
    data_hash=data.fingerprint,
)  # fmt: skip

# %% [markdown]
# ## What you have learnt
#
# You can now
#
# * collect errors with everything needed to study them;
# * look at them by confidence, by pair and as averages;
# * measure whether they go with properties of the image;
# * compare two versions error by error;
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
other_model = make_model(config)
train_small(other_model, shuffled(other), held_batches)
held_images = datasets.standardise(held_out)
first, second = (
    set(
        error_analysis.collect_errors(held_out.labels, predict(each, held_images)).index
    )
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
# With $b$ fixed and $c$ new errors, compute the two-sided exact p-value from binomial coefficients, and compare it with SciPy's. Write `exact_mcnemar(b, c)`.

# %% tags=["hide-cell"]
# Solution: twice the smaller tail of a fair coin.
from math import comb


def exact_mcnemar(b, c):
    tail = sum(comb(b + c, k) for k in range(min(b, c) + 1)) / 2 ** (b + c)
    return min(1.0, 2 * tail)


torch.testing.assert_close(
    exact_mcnemar(len(change.fixed), len(change.new)), float(p_change)
)
say(f"By hand: p = {exact_mcnemar(len(change.fixed), len(change.new)):.2g}.")

# %% [markdown]
# ## Further reading
#
# * {cite:t}`northcutt2021` on wrong labels in well-known test sets.
# * {cite:t}`lecun1998` report what deskewing did for a linear classifier.
