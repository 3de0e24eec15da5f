# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Evaluation on CIFAR-10
#
# The settings are fixed, so the test set may be opened. The source stops before this point: its best figure is a validation accuracy. Here is the number that can be compared with other people's.
#
# **After this chapter you can**
#
# * report a test result beside the validation figure that led to it, with its sampling interval and its spread over seeds;
# * measure whether test images are independent, and say which interval answers which question;
# * set a model beside its baselines, and test the differences;
# * read a confusion matrix of things rather than digits, and say where it is lopsided;
# * say which classes a linear model can tell apart, with intervals;
# * judge the confidence of a model that is often wrong, and what a temperature mends.
#
# **You need** [](03_training), and [the evaluation of MNIST](../mnist/04_evaluation), where every measure and every test is explained, with its assumptions.

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
dataset: str = "cifar10"  # data set, "cifar10"
seed: int = 0  # fixes split, order and initial weights, 0 or more
device: str = "auto"  # where to compute: "auto", "cpu", "cuda", "mps"
initialisation: str = "default"  # initial weights, "xavier_uniform" or "default"
num_epochs: int = 60  # passes over the training images, 1 or more
batch_size: int = 100  # images per update, 1 to 40,000
learning_rate: float = 0.009  # step length of the first epoch, above 0
momentum: float = 0.0  # share of the last step kept in the next, 0 to below 1
weight_decay: float = 0.0  # strength of the L2 penalty, 0 or more
learning_rate_decay: float = 1.0  # factor on the rate at each decay, above 0 to 1
learning_rate_step: int = 10  # epochs between two decays, 1 or more
validation_split: float = 0.2  # share of images held out, between 0 and 1
early_stopping_patience: int = 60  # epochs without improvement, 1 or more
divergence_bound: float = 1e4  # batch loss in nats that ends training, above 2.303
log_interval: int = 100  # batches between two updates of the progress bar, 1 or more
num_seeds: int = 10  # repeated runs that show the spread, 2 or more
solver_steps: int = 100  # most steps of the solver, 1 or more

# %%
from tutorial_utils.training.config import HEADLINE, TrainingConfig

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
from tutorial_utils.training.trainer import load_or_fit

use_book_style()
data = datasets.load(config.dataset)
names = data.description.class_names
model, history = load_or_fit(config, data, results.output_folder())

# %% [markdown]
# (cifar10-evaluation-changes)=
# :::{admonition} What changed from MNIST
# :class: note
# The settings, computed from the headline configurations of the two data sets.
# :::

# %% tags=["hide-input"]
from tutorial_utils.report.narrate import table

table(HEADLINE["mnist"].differences(config, ("MNIST", "here")))

# %% [markdown]
# (cifar10-test-set)=
# ## The test set, opened
#
# Nothing is chosen on it, here or in the next chapter, which measures on it again.

# %%
from tutorial_utils.evaluation.metrics import (
    evaluate,
    most_common_confusions,
    one_vs_rest_accuracy,
    per_class_report,
    precision_recall_curves,
    roc_curves,
)
from tutorial_utils.evaluation.predictions import predict

truth = data.test.labels
test_images = datasets.standardise(data.test)
said = predict(model, test_images)
test = evaluate(truth, said)

# %% tags=["hide-input"]
from tutorial_utils.report.narrate import (
    enumerate_words,
    interval,
    p_value,
    percent,
    say,
)

low, high = test.accuracy_interval
tuned = max(history.column("validation_accuracy"))
kept = history.best.validation_accuracy
say(
    f"Test accuracy {percent(test.accuracy)} on {test.n:,} images, 95 % Wilson interval"
    f" {interval(low, high)}; test loss {test.loss:.4f}.",
    f"The best validation accuracy of any epoch was {percent(tuned)}, that of the"
    f" weights kept (lowest validation loss) {percent(kept)}. The source's highest,"
    " 41.71 %, "
    + (
        "lies inside the interval of our test accuracy."
        if low <= 0.4171 <= high
        else "lies outside the interval of our test accuracy."
    )
    + " The two kinds of number should not be mixed: one was maximised on the images"
    " that it is measured on.",
)

# %% [markdown]
# (cifar10-spread)=
# ### Sampling interval and spread over seeds
#
# Three headline numbers, each with both: the interval says how the number of *this* model would vary over test sets (accuracy and loss by [blocks of 100 neighbours](../mnist/04_evaluation), macro F1 by the bootstrap), the columns to its right how it varies over trainings from other seeds, on the same test images. **Macro F1** is the mean of the classes' F1.

# %%
import torch

from tutorial_utils.evaluation import (
    calibration,
    comparisons,
    dependence,
    statistics,
)
from tutorial_utils.training import replicas

ten_said = [
    predict(each.model, test_images)
    for each in replicas.load_or_train(
        [config.but(seed=each) for each in range(num_seeds)],
        data,
        results.output_folder(),
    )
]
ten = [evaluate(truth, each) for each in ten_said]
del test_images
hits = said.labels == truth
by_blocks = dependence.block_interval(hits)
losses = -said.probabilities[torch.arange(test.n), truth].log().numpy()
macro_f1_bounds = statistics.bootstrap_from_confusion(
    test.confusion_matrix,
    lambda counts: statistics.f1_from_confusion(counts).mean(axis=-1, keepdims=True),
)

# %% tags=["hide-input"]
import numpy as np

headline = {
    "accuracy": (test.accuracy, by_blocks[1:3], [e.accuracy for e in ten]),
    "loss (nats)": (test.loss, dependence.block_interval(losses)[1:3], [e.loss for e in ten]),
    "macro F1": (test.f1.mean(), macro_f1_bounds[:, 0], [e.f1.mean() for e in ten]),
}  # fmt: skip
seeds = {name: statistics.spread(values) for name, (_, _, values) in headline.items()}
table(
    [
        {
            "measure": name,
            "this model": f"{value:.4f}",
            "95 % sampling interval": f"[{bounds[0]:.4f}, {bounds[1]:.4f}]",
            f"mean of {num_seeds} seeds": f"{seeds[name].mean:.4f}",
            "their standard deviation": f"{seeds[name].deviation:.4f}",
            "their range": f"{seeds[name].low:.4f} to {seeds[name].high:.4f}",
        }
        for name, (value, bounds, _) in headline.items()
    ]
)

# %% [markdown]
# (cifar10-blocks)=
# ### Do neighbours go together here?
#
# Neighbouring digits are alike, because one person wrote them. Neighbouring photographs have nothing to do with each other. Is that so? The same measurements as [for the digits](../mnist/04_evaluation):

# %%
seed_hits = torch.stack([each.labels == truth for each in ten_said])
crossed = dependence.crossed_interval(seed_hits, block=100)
over_seeds = headline["accuracy"][2]
four = {
    "Wilson: independent images": (test.accuracy, *test.accuracy_interval),
    "blocks: neighbours may be alike": (test.accuracy, *by_blocks[1:3]),
    "seeds: other trainings": (
        np.mean(over_seeds),
        *statistics.mean_interval(over_seeds),
    ),
    "crossed: other trainings and other images": crossed[:3],
}

# %% mystnb={"figure": {"caption": "Four 95 % intervals of one accuracy. The upper two speak of this model, the lower two of the mean over seeds. Crosses mark the models of single seeds.", "name": "fig-cifar10-intervals"}, "image": {"alt": "Four horizontal lines below each other, each around a point. Wilson's and that by blocks are about equally wide, that over seeds is far shorter, with a cross for each seed's accuracy around it, and the crossed one is about as wide as the first two."}}
from tutorial_utils.plots import evaluation as draw

ax = draw.intervals(four, xlabel="test accuracy")
_ = ax.plot(over_seeds, [2.25] * num_seeds, "x", color="black", markersize=5)

# %% tags=["hide-input"]
table(
    [
        {
            "95 % interval": name,
            "accuracy": percent(value),
            "from, to": interval(*bounds),
        }
        for name, (value, *bounds) in four.items()
    ]
)

# %%
half = test.n // 2
wrong_in_halves = [int((~hits[:half]).sum()), int((~hits[half:]).sum())]
halves = statistics.proportion_difference(
    wrong_in_halves[0], half, wrong_in_halves[1], test.n - half
)
say(
    f"Design effect in blocks of 100: {by_blocks.within_blocks:.2f}. Second half minus"
    f" first, errors in points: {-100 * halves.estimate:+.1f}"
    f" [{-100 * halves.high:+.1f}, {-100 * halves.low:+.1f}]."
)

# %% [markdown]
# A design effect near 1 is that of independent images, and the halves do not differ by more than chance explains. So Wilson's interval may be used here, and the one by blocks is hardly wider. (What this cannot see are images that are alike without being
# neighbours.) Again the seeds agree far better than two test sets would: the crossed interval is nearly all images.
#
# %% [markdown]
# (cifar10-baselines)=
# ## Baselines
#
# Baselines put the number in its place. **Chance** and the **majority class** look at no pixel. The **nearest centroid**, the class whose average image is closest, is the simplest classifier that does. And **scikit-learn's logistic regression** {cite}`pedregosa2011` is the same model trained by someone else: not by gradient descent, but by L-BFGS, to the minimum of the loss with an L2 penalty. All learn from the same training images.

# %%
part, held_out = datasets.split(data.train, config.validation_split, config.seed)
centroids = exploration.class_means(part).flatten(1).float()
majority = part.labels.bincount().argmax()
answers = {
    "majority class": torch.full_like(truth, majority),
    "nearest centroid": torch.cdist(
        data.test.images.flatten(1).float().div_(255), centroids
    ).argmin(dim=1),
}

# %% [markdown]
# The penalty is chosen on the validation images. (As [for the digits](../mnist/04c_comparing_models), $\lambda$ is the strength of the penalty, and scikit-learn is told $C = 1/(\lambda n)$.) Subtracting the mean pixel leaves the minimum where it is and shortens the search, which ends when no entry of the gradient exceeds a thousandth.


# %%
import warnings

from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression


def centred(images):
    return images.flatten(1).float().div_(255).sub_(mean_pixel).numpy()


mean_pixel = exploration.pixel_statistics(part.images).mean_image.float().flatten()
inputs, fits = centred(part.images), {}
for strength in (0.01, 0.003):
    fits[strength] = LogisticRegression(
        C=1 / (strength * len(part)), tol=1e-3, max_iter=solver_steps
    )
    with warnings.catch_warnings():  # whether it converged is said below
        warnings.simplefilter("ignore", ConvergenceWarning)
        fits[strength].fit(inputs, part.labels.numpy())
del inputs  # half a gigabyte

# %%
held_inputs = centred(held_out.images)
on_validation = {
    strength: fit.score(held_inputs, held_out.labels) for strength, fit in fits.items()
}
strength = max(on_validation, key=on_validation.get)
answers["scikit-learn"] = torch.from_numpy(
    fits[strength].predict(centred(data.test.images))
)
answers["this model"] = said.labels
rights = {name: (given == truth).numpy() for name, given in answers.items()}

# %% tags=["hide-input"]
steps = {each: int(fit.n_iter_[0]) for each, fit in fits.items()}
say(
    "Validation accuracy of scikit-learn's model: "
    + enumerate_words(
        f"{percent(on_validation[each])} with a penalty of {each:g} ({count} steps, "
        + ("converged)" if count < solver_steps else "ended before it converged)")
        for each, count in steps.items()
    )
    + f". The chosen penalty is {strength:g}. "
    + (
        "Of the two tried, the weaker won; one weaker still may do better."
        if strength == min(fits)
        else "Of the two tried, the stronger won; one stronger still may do better."
    )
)
baselines = {
    name: {
        "accuracy": right.mean(),
        "low": bounds.low,
        "high": bounds.high,
    }
    for name, right in rights.items()
    for bounds in [dependence.block_interval(right)]
}
by_definition = {
    "classifier": "chance",
    "test accuracy": percent(1 / len(names)),
    "95 % interval by blocks": "by definition",
}
table(
    [by_definition]
    + [
        {"classifier": name, "test accuracy": percent(row["accuracy"]), "95 % interval by blocks": interval(row["low"], row["high"])}
        for name, row in baselines.items()
    ]
)  # fmt: skip

# %% [markdown]
# The test images are equally many of each class, so any fixed answer is right on exactly a tenth of them. Do the others differ by more than chance? Cochran's Q asks once for all; then every pair is compared by the exact McNemar test, adjusted for the number of pairs (by Benjamini and Hochberg, who bound the share of false findings: there are many), with the paired difference and its bootstrap interval. [](../mnist/04c_comparing_models) explains them and their assumptions.

# %%
cochran = comparisons.cochran_q(np.column_stack(list(rights.values())))
compared = comparisons.compare_all(rights)


# %% tags=["hide-input"]
table(
    [
        {
            "first": row.first,
            "second": row.second,
            "only one is right": f"{row.only_first:,} : {row.only_second:,}",
            "second minus first (points)": f"{100 * row.difference:+.2f} [{100 * row.low:+.2f}, {100 * row.high:+.2f}]",
            "adjusted p": p_value(row.p_adjusted),
        }
        for row in compared.itertuples()
    ]
)  # fmt: skip

# %% tags=["hide-input"]
from sklearn.metrics import cohen_kappa_score

same = answers["scikit-learn"] == said.labels
agreement = {
    "share": same.double().mean().item(),
    **statistics.wilson_interval(int(same.sum()), test.n)._asdict(),
    "kappa": float(cohen_kappa_score(answers["scikit-learn"], said.labels)),
}
against = compared[compared["first"] == "scikit-learn"].iloc[0]
say(
    f"Cochran's Q is {cochran.statistic:,.0f} on {cochran.df} degrees of freedom;"
    f" p-value {p_value(cochran.p_value)}."
    f" Between scikit-learn's model and ours lie {100 * against.difference:+.2f} points: "
    + (
        "more than chance explains, on these test images."
        if against.p_adjusted < 0.05
        else "no more than chance explains."
    )
    + " That speaks of these two trained models; the spread over seeds above says how"
    " much another training moves ours.",
    f"The two give the same answer to {percent(agreement['share'], 1)} of the images,"
    f" 95 % interval {interval(agreement['low'], agreement['high'], 1)}; Cohen's kappa,"
    f" which discounts agreement by chance, is {agreement['kappa']:.2f}. Models that are"
    " about equally good may still answer differently.",
)

# %% [markdown]
# (cifar10-confusion-matrix)=
# ## Which things are taken for which?

# %% mystnb={"figure": {"caption": "Confusion matrix on the test set. Rows are true classes, columns predicted ones; the shade counts mistakes only.", "name": "fig-cifar10-confusion"}, "image": {"alt": "A ten by ten grid of counts with class names on both axes. The darker cells lie among the animals in one block, among the vehicles in another, and between airplane and ship."}}
ax = draw.confusion_matrix(test.confusion_matrix, names)
_ = ax.set_xticklabels(names, rotation=45, ha="right")

# %%
ANIMALS = [
    names.index(name)
    for name in ("bird", "cat", "deer", "dog", "frog", "horse")
    if name in names
]
is_animal = np.isin(np.arange(len(names)), ANIMALS)
wrong = test.confusion_matrix - np.diag(np.diag(test.confusion_matrix))
within = (
    wrong[np.ix_(is_animal, is_animal)].sum()
    + wrong[np.ix_(~is_animal, ~is_animal)].sum()
)
kind_right = 1 - (wrong.sum() - within) / test.n

# %% tags=["hide-input"]
top = most_common_confusions(test.confusion_matrix, count=6)
say(
    "The most common mistakes: "
    + enumerate_words(
        f"{names[true]} taken for {names[predicted]} ({count})"
        for true, predicted, count in top
    )
    + ".",
    f"{percent(within / wrong.sum(), 0)} of the mistakes stay among animals or among"
    ' vehicles. Asked only "animal or vehicle?", the model is right on'
    f" {percent(kind_right, 1)} of the images (95 % interval"
    f" {interval(*statistics.wilson_interval(round(kind_right * test.n), test.n), 1)}),"
    f" where always saying animal would score {percent(is_animal[truth].mean(), 0)}.",
)

# %% [markdown]
# (cifar10-asymmetry)=
# ### Is a cat taken for a dog as often as a dog for a cat?
#
# Three questions, from coarse to fine, [as for the digits](../mnist/04c_comparing_models): is the matrix symmetric (Bowker), is each class said as often as it occurs (Stuart and Maxwell), and which pairs are lopsided (exact binomial tests, adjusted for all 45)? All classes have equally many test images, so nothing here comes from class sizes.

# %%
symmetry = comparisons.bowker(test.confusion_matrix)
margins = comparisons.marginal_homogeneity(test.confusion_matrix)
lopsided = comparisons.asymmetric_pairs(test.confusion_matrix, names)
firm = lopsided[lopsided.p_adjusted < 0.05]
table(
    [
        {
            "pair": f"{row.first} and {row.second}",
            "first taken for second": row.n_ij,
            "second taken for first": row.n_ji,
            "adjusted p": p_value(row.p_adjusted),
        }
        for row in lopsided.head(6).itertuples()
    ]
)

# %% tags=["hide-input"]
say(
    f"Symmetry: statistic {symmetry.statistic:,.0f} on {symmetry.df} degrees of freedom; p-value"
    f" {p_value(symmetry.p_value)}. Equal margins: {margins.statistic:,.0f} on"
    f" {margins.df}; p-value {p_value(margins.p_value)}. {len(firm)} of {len(lopsided)} pairs are lopsided at"
    " an adjusted p below 0.05. "
    + (
        "The model has favourites: what it says too often gains from both sides."
        if margins.p_value < 0.05
        else "No class is said too often or too rarely by more than chance explains."
    )
)

# %% [markdown]
# (cifar10-per-class)=
# ## Class by class

# %% mystnb={"figure": {"caption": "Precision, recall and F1 of every class with 95 % intervals.", "name": "fig-cifar10-per-class"}, "image": {"alt": "Three bar charts with one bar per class and an error bar on each: precision, recall and F1, ranging widely from class to class."}}
report = per_class_report(test, names)
axes = draw.per_class_bars(report)
for panel in axes:
    panel.set_xticks(range(len(names)), names, rotation=60, ha="right", fontsize=8)

# %% tags=["hide-input"]
ranked = report.f1.sort_values()
over = {
    name: test.confusion_matrix[:, k].sum() / test.support[k]
    for k, name in enumerate(names)
}
eager, shy = max(over, key=over.get), min(over, key=over.get)
say(
    f"F1 is highest for {enumerate_words(ranked.index[:-4:-1])} and lowest for"
    f" {enumerate_words(ranked.index[:3])}: from {ranked.max():.2f} to"
    f" {ranked.min():.2f}. The model says"
    f" {eager} {over[eager]:.2f} times as often as there are {eager}s, and {shy}"
    f" {over[shy]:.2f} times."
)

# %% [markdown]
# One possible reason for the order is the background: ships and airplanes often stand before blue, animals before anything. This chapter does not test that.
#
# (cifar10-one-vs-rest)=
# ### One-vs-rest accuracy, at its worst

# %% tags=["hide-input"]
one_vs_rest = one_vs_rest_accuracy(test.confusion_matrix)
never = 1 - test.support / test.n
beaten = [
    name
    for name, value, blind in zip(names, one_vs_rest, never, strict=True)
    if value < blind
]
say(
    f"One-vs-rest accuracy runs from {percent(one_vs_rest.min(), 1)} to"
    f" {percent(one_vs_rest.max(), 1)} for a model that is wrong on most images; never"
    f" saying the class gives {percent(never.max(), 0)}. "
    + (
        f"For {'all ten classes' if len(beaten) == len(names) else enumerate_words(beaten)} the rule that never says the class is *better*."
        if beaten
        else "No class falls below that rule."
    )
)

# %% [markdown]
# (cifar10-curves-roc)=
# ## Curves

# %% mystnb={"figure": {"caption": "One-vs-rest ROC curve of every class (blue), the other classes (grey) and a score without information (dotted).", "name": "fig-cifar10-roc"}, "image": {"alt": "Ten small panels, one per class, with its ROC curve bulging above the dotted diagonal, more for some classes than for others."}}
roc = roc_curves(truth, said)
axes = draw.curve_grid(
    roc,
    names,
    xlabel="false positive rate",
    ylabel="true positive rate",
    area_name="AUC",
    baselines=[([0, 1], [0, 1])] * len(names),
)

# %% mystnb={"figure": {"caption": "One-vs-rest precision-recall curve of every class (blue), the other classes (grey) and a score without information (dotted).", "name": "fig-cifar10-precision-recall"}, "image": {"alt": "Ten small panels, one per class, with a falling precision-recall curve well below the top right corner, and a dotted line at one tenth."}}
curves = precision_recall_curves(truth, said)
axes = draw.curve_grid(
    curves,
    names,
    xlabel="recall",
    ylabel="precision",
    area_name="AP",
    baselines=[([0, 1], [1 - blind] * 2) for blind in never],
)

# %% tags=["hide-input"]
areas = np.array([curve.area for curve in roc])
precisions = np.array([curve.area for curve in curves])
say(
    f"AUC runs from {areas.min():.3f} ({names[areas.argmin()]}) to {areas.max():.3f}"
    f" ({names[areas.argmax()]}), which sounds respectable. Average precision runs from"
    f" {precisions.min():.2f} ({names[precisions.argmin()]}) to {precisions.max():.2f}"
    f" ({names[precisions.argmax()]}), where a score without information has"
    f" {1 - never.max():.2f}."
)

# %% [markdown]
# (cifar10-prediction-grid)=
# ## Looking at predictions

# %% mystnb={"figure": {"caption": "Twenty-five random test images with prediction, confidence and truth. A tick and a thin frame mark right answers, a cross and a thick dashed frame wrong ones.", "name": "fig-cifar10-predictions"}, "image": {"alt": "A five by five grid of small colour photographs. Above each stands the predicted class, the confidence and the true class; more than half carry a cross and a thick dashed frame."}}
from tutorial_utils.reproducibility import make_generator

chosen = torch.randperm(
    test.n, generator=make_generator(config.seed, "prediction grid")
)[:25]
axes = draw.prediction_grid(
    data.test.images[chosen].permute(0, 2, 3, 1),
    [names[k] for k in truth[chosen]],
    [names[k] for k in said.labels[chosen]],
    said.confidence[chosen].tolist(),
)

# %% tags=["hide-input"]
say(
    f"{int(hits[chosen].sum())} of these 25 are right, where {25 * test.accuracy:.1f}"
    " would be expected."
)

# %% [markdown]
# (cifar10-confidence)=
# ## Confidence
#
# For the digits, right answers were confident and wrong ones less so. Is that still true when most answers are wrong?

# %% mystnb={"figure": {"caption": "Confidence of right and of wrong predictions in 50 bins, as counts and as densities.", "name": "fig-cifar10-confidence"}, "image": {"alt": "Two histograms of the top probability, right predictions filled and wrong ones outlined with a dashed line; the two overlap widely."}}
axes = draw.confidence_histograms(said.confidence[hits], said.confidence[~hits])

# %% tags=["hide-input"]
medians = {
    "right": said.confidence[hits].median().item(),
    "wrong": said.confidence[~hits].median().item(),
}
mean_confidence = said.confidence.mean().item()
say(
    (
        "Right answers are still the more confident. "
        if medians["right"] > medians["wrong"]
        else "Right answers are no more confident. "
    )
    + f"Median confidence {medians['right']:.2f} when right and {medians['wrong']:.2f}"
    f" when wrong. On average the model claims {percent(mean_confidence, 1)} and is"
    f" right in {percent(test.accuracy, 1)}, a difference of"
    f" {100 * (mean_confidence - test.accuracy):+.1f} points; the next section asks"
    " whether that is chance."
)

# %% [markdown]
# (cifar10-calibration)=
# ## Calibration
#
# Of the images to which the model gives 60 %, are 60 % right? [The digits](../mnist/04b_probabilities) introduced the measures. What is different here: the model is often unsure, so the middle bins hold images, too. The **temperature**, by which all scores are divided, is fitted on validation images; it changes confidence and never an answer.

# %%
held_said = predict(model, datasets.standardise(held_out))
temperature = calibration.fit_temperature(held_out.labels, held_said)
tempered = calibration.with_temperature(said, temperature)
assert torch.equal(tempered.labels, said.labels)
before, after = (
    calibration.calibration_report(truth, each) for each in (said, tempered)
)

# %% mystnb={"figure": {"caption": "Accuracy against confidence in bins of confidence, with 95 % intervals, before and after temperature scaling; below, the number of images in each bin.", "name": "fig-cifar10-reliability"}, "image": {"alt": "A reliability diagram with a dotted diagonal and two lines of points with error bars, one before and one after temperature scaling, and below it a panel with the number of images behind each point."}}
ax = draw.reliability_diagram(
    calibration.reliability(truth, said),
    calibration.reliability(truth, tempered),
    ("before", f"temperature {temperature:.2f}"),
)


# %% tags=["hide-input"]
def bounded(report, name):
    low, high = report[f"{name}_low"], report[f"{name}_high"]
    return f"{report[name]:.3f} [{low:.3f}, {high:.3f}]"


reports = {"before": before, "after": after}
measures = {
    "mean confidence - accuracy": lambda report: bounded(report, "gap"),
    "slope (1 if calibrated)": lambda report: bounded(report, "slope"),
    "intercept (0 if calibrated)": lambda report: bounded(report, "intercept"),
    "Brier score": lambda report: f"{report['brier']:.4f}",
    "log loss (nats)": lambda report: f"{report['log_loss']:.4f}",
}
table(
    [
        {"measure": name} | {when: write(report) for when, report in reports.items()}
        for name, write in measures.items()
    ]
)

# %% [markdown]
# The expected calibration error depends on the bins, and chance keeps it above zero even for a calibrated model. So it stands beside what it would be *if* every confidence were right.

# %% tags=["hide-input"]
by_chance = {
    bins: calibration.ece_if_calibrated(said, bins, seed=config.seed)
    for bins in before["ece"]
}
table(
    [
        {
            "bins": bins,
            "ECE before": f"{before['ece'][bins]:.4f}",
            "ECE after": f"{after['ece'][bins]:.4f}",
            "if calibrated": f"{chance.mean:.4f} [{chance.low:.4f}, {chance.high:.4f}]",
        }
        for bins, chance in by_chance.items()
    ]
)

# %% tags=["hide-input"]
excess = before["ece"][15] > by_chance[15].high
say(
    f"With 15 bins the error is {before['ece'][15]:.4f}, "
    + ("more than" if excess else "no more than")
    + " chance would give a calibrated model. "
    + (
        "On average the model claims too much"
        if before["gap_low"] > 0
        else "On average the model claims too little"
        if before["gap_high"] < 0
        else "On average it claims neither too much nor too little"
    )
    + ", and in log odds its confidences are "
    + (
        "too extreme"
        if before["slope_high"] < 1
        else "too timid"
        if before["slope_low"] > 1
        else "not shown to be too extreme or too timid"
    )
    + f" (slope {bounded(before, 'slope')}). The fitted temperature is"
    f" {temperature:.3f}"
    + (", so confidences come down" if temperature > 1 else ", so confidences go up")
    + ". On the test images it takes the log loss from"
    f" {before['log_loss']:.4f} to {after['log_loss']:.4f} and the error from"
    f" {before['ece'][15]:.4f} to {after['ece'][15]:.4f}: "
    + (
        "one number mends something."
        if after["ece"][15] < before["ece"][15]
        else "one number, fitted on other images, mends nothing here."
    ),
)

# %% [markdown]
# (cifar10-temperature-test)=
# ### Beyond the ECE
#
# [The digits](../mnist/04b_probabilities) introduced three more measures: the **debiased ECE**, the **temperature with its interval** and likelihood-ratio test, and the **class-wise calibration error**. There the test found what the ECE did not see. And here?

# %%
from tutorial_utils.evaluation import miscalibration, power

versions = {"before": said, "after": tempered}
debiased = {
    when: miscalibration.debiased_calibration_error(truth, each)
    for when, each in versions.items()
}
table(
    [
        {
            "temperature scaling": when,
            "ECE (15 bins)": reports[when]["ece"][15],
            "debiased ECE": each.ece,
            "mean squared gap": each.mean_square,
        }
        for when, each in debiased.items()
    ],
    {"ECE (15 bins)": ".4f", "debiased ECE": ".4f", "mean squared gap": ".6f"},
)

# %%
temperatures = {
    "validation": miscalibration.temperature_test(held_out.labels, held_said),
    "test": miscalibration.temperature_test(truth, said),
}
table(
    [
        {
            "images": part,
            "temperature": f"{fit.temperature:.3f}",
            "95 % interval": f"[{fit.low:.3f}, {fit.high:.3f}]",
            "p-value": p_value(fit.p_value),
        }
        for part, fit in temperatures.items()
    ]
)

# %%
classwise = {
    when: miscalibration.classwise_calibration_error(truth, each)
    for when, each in versions.items()
}
classwise_if_calibrated = np.stack(
    [
        miscalibration.classwise_calibration_error(torch.from_numpy(drawn), said)
        for drawn in power.calibrated_labels(said, draws=50, seed=config.seed)
    ]
)  # (draws, classes)
classwise_high = np.quantile(classwise_if_calibrated, 0.975, axis=0)
classwise_high_mean = np.quantile(classwise_if_calibrated.mean(axis=1), 0.975)

# %% tags=["hide-input"]
table(
    [
        {"class": name, "error before": f"{first:.4f}", "error after": f"{second:.4f}",
         "mean if calibrated": f"{expected:.4f}", "rarely above, if calibrated": f"{most:.4f}"}
        for name, first, second, expected, most in zip(
            [*names, "mean"],
            [*classwise["before"], classwise["before"].mean()],
            [*classwise["after"], classwise["after"].mean()],
            [*classwise_if_calibrated.mean(axis=0), classwise_if_calibrated.mean()],
            [*classwise_high, classwise_high_mean],
            strict=True,
        )
    ]
)  # fmt: skip

# %% [markdown]
# Here it is the other way round. The debiased ECE is hardly smaller than the plain one, so the ECE is real. The temperature is not shown to differ from 1: to divide all scores by one number is not the change that this model needs. And most classes are off by
# more than a calibrated model would be, before scaling and after. Each measure asks its own question. None of them stands for calibration as a whole, and a measure that finds nothing does not acquit the model.
#
# A model may be wrong on most images and still mean what it says: calibration is not accuracy. All this holds for images like the test images; on others, confidence may mislead.
#
# (cifar10-abstaining)=
# ## When the model may abstain
#
# A model that is wrong on most images can still be useful, if it knows when. Let it answer its most confident images alone.

# %% mystnb={"figure": {"caption": "Accuracy among the images that are answered, the most confident first, with 95 % intervals; dotted, the accuracy if confidence knew nothing of right and wrong.", "name": "fig-cifar10-abstaining"}, "image": {"alt": "A curve of accuracy against the share of images answered. It begins high at the left and falls steadily to the accuracy on all images, which a dotted horizontal line marks."}}
from tutorial_utils.evaluation import abstaining
from tutorial_utils.plots.training import compare_curves

answering = abstaining.risk_coverage(truth, said)
ax = compare_curves(
    {"the most confident": (answering.coverage, answering.accuracy, answering.low, answering.high)},
    xlabel="share of test images answered",
    ylabel="accuracy among them",
)  # fmt: skip
_ = ax.axhline(test.accuracy, linestyle=":", color="black")

# %% tags=["hide-input"]
columns = zip(
    answering.coverage, answering.accuracy, answering.low, answering.high, strict=True
)
table(
    [
        {
            "answered": percent(share, 0),
            "accuracy": percent(accuracy, 1),
            "95 % interval": interval(low, high, 1),
        }
        for share, accuracy, low, high in list(columns)[3::4]
    ]
)

# %% [markdown]
# Confidence knows something here, too: the surest images are right far more often than the rest. But even among the surest fifth many are wrong. A reader who needs nine right answers in ten gets next to none from this model.
#
# (cifar10-conformal)=
# ### Sets of classes
#
# How many classes must the model name, so that the true one is among them nine times in ten? The threshold comes from validation images, the sets are measured on test images; [the digits](../mnist/04b_probabilities) explain how.

# %%
set_reports, thresholds = {}, {}
for error in (0.1, 0.05, 0.01):
    thresholds[error] = abstaining.conformal_threshold(
        held_out.labels, held_said, error
    )
    sets = abstaining.conformal_sets(said, thresholds[error])
    set_reports[error] = abstaining.set_report(truth, sets)


# %% tags=["hide-input"]
def set_row(row):
    return {"sets that hold the truth": percent(row.coverage, 1), "95 % interval": interval(row.low, row.high, 1),
            "classes in a set": f"{row['size']:.2f}", "sets of one class": percent(row["single"], 1)}  # fmt: skip


table(
    [
        {"asked for": percent(1 - error, 0), "probability at least": f"{thresholds[error]:.3f}", **set_row(each.loc["all"])}
        for error, each in set_reports.items()
    ]
)  # fmt: skip

# %% mystnb={"figure": {"caption": "Share of test images of each class whose set holds it, with 95 % intervals, where nine in ten were asked for (dotted).", "name": "fig-cifar10-conformal"}, "image": {"alt": "Eleven rows, one for all images and one for each class, with a point and a line for the coverage. All images lie at the dotted line of 90 per cent; the classes are spread on both sides of it."}}
by_class = set_reports[0.1]
names_of_rows = ["all", *(names[k] for k in by_class.index[1:])]
ax = draw.intervals(
    dict(zip(names_of_rows, by_class[["coverage", "low", "high"]].to_numpy(), strict=True)),
    xlabel="sets that hold the true class",
)  # fmt: skip
_ = ax.axvline(0.9, linestyle=":", color="black")

# %% tags=["hide-input"]
table(
    [
        {"images": name, "n": f"{row.n:,.0f}", **set_row(row)}
        for name, (_, row) in zip(names_of_rows, by_class.iterrows(), strict=True)
    ]
)

# %% [markdown]
# The promise is kept, for a model that is wrong on most images: conformal sets need no good model. The price is their size. To hold the truth nine times in ten the model must name half of the classes, and it hardly ever names a single one. The size of the
# sets says what the model knows; their coverage only says that the promise is kept. As with the digits, it is kept on average: some classes get more than was asked for, others less.
#
# (cifar10-limits)=
# ## What these numbers do not say
#
# * **Labels.** At least 54 of the 10,000 test labels are wrong {cite}`northcutt2021`.
# * **Near duplicates.** 3.3 % of the test images have a near duplicate among the training images {cite}`barz2020`, which flatters every model that remembers.
# * **New images.** On a freshly collected test set accuracies fell by several points, while the order of models held {cite}`recht2018`. No interval above covers that: they are all for images like these.

# %% tags=["hide-input"]
reach = (by_blocks.high - by_blocks.low) / 2
say(
    "If the answers to all 54 changed sides, the accuracy would move by"
    f" {100 * 54 / test.n:.2f} points; the sampling interval reaches"
    f" {100 * reach:.2f} points to each side."
)

# %% [markdown]
# (cifar10-evaluation-results)=
# ## What this chapter measured

# %% tags=["hide-input"]
from dataclasses import asdict

path = results.write(
    "cifar10/04_evaluation",
    parameters={**config.model_dump(), "num_seeds": num_seeds},
    metrics={
        **test.metrics(),
        "test_accuracy_low": by_blocks.low,  # in place of Wilson's
        "test_accuracy_high": by_blocks.high,
        "test_accuracy_wilson": test.accuracy_interval,
        "test_accuracy_blocks": by_blocks[1:3],
        "test_accuracy_seeds": statistics.mean_interval(over_seeds),
        "test_accuracy_crossed": crossed[1:3],
        "design_effect": by_blocks.within_blocks,
        "design_effect_with_neighbours": by_blocks.design_effect,
        "test_loss_low": headline["loss (nats)"][1][0],
        "test_loss_high": headline["loss (nats)"][1][1],
        "macro_f1": headline["macro F1"][0],
        "macro_f1_low": headline["macro F1"][1][0],
        "macro_f1_high": headline["macro F1"][1][1],
        **{
            f"{key}_{suffix}": value
            for key, name in {
                "accuracy": "accuracy", "loss": "loss (nats)", "macro_f1": "macro F1"
            }.items()
            for suffix, value in {
                "over_seeds": headline[name][2],
                "seed_mean": seeds[name].mean,
                "seed_deviation": seeds[name].deviation,
            }.items()
        },
        "error_first_half": wrong_in_halves[0] / half,
        "error_second_half": wrong_in_halves[1] / (test.n - half),
        "majority_accuracy": baselines["majority class"]["accuracy"],
        "baselines": baselines,
        "penalty": {"strength": strength, "validation_accuracy": on_validation},
        "cochran_q": asdict(cochran),
        "comparisons": compared.to_dict("records"),
        "agreement": agreement,
        "bowker": asdict(symmetry),
        "marginal_homogeneity": asdict(margins),
        "asymmetric_pairs": firm.to_dict("records"),
        "temperature": temperature,
        "calibration": {"before": before, "after": after},
        "debiased_calibration": {when: each._asdict() for when, each in debiased.items()},
        "temperature_test": {part: fit._asdict() for part, fit in temperatures.items()},
        "classwise_calibration": {
            **classwise,
            "if_calibrated": classwise_if_calibrated.mean(axis=0),
            "if_calibrated_high": classwise_high,
            "mean_if_calibrated_high": classwise_high_mean,
        },
        "risk_coverage": asdict(answering),
        "conformal": {
            f"{1 - error:g}": {"threshold": thresholds[error], **each.loc["all"].to_dict()}
            for error, each in set_reports.items()
        },
        "conformal_by_class": by_class.drop(index="all").to_dict("list"),
        "support": test.support,
        "class_names": names,
        "validation_accuracy_of_kept_weights": kept,
        "best_validation_accuracy": tuned,
        "nearest_average_accuracy": baselines["nearest centroid"]["accuracy"],
        "animal_or_vehicle_accuracy": kind_right,
        "one_vs_rest_accuracy": one_vs_rest,
        "auc": areas,
        "average_precision": precisions,
        "mean_confidence": mean_confidence,
    },
    data_hash=data.fingerprint,
)  # fmt: skip

# %% [markdown]
# ## What you have learnt
#
# You can now
#
# * measure whether test images are independent;
# * report a test result beside the validation figure, with its sampling interval and its spread over seeds;
# * set a model beside its baselines, and test the differences;
# * read a confusion matrix of things, and say where it is lopsided;
# * say which classes the model can tell apart;
# * judge the confidence of a model that is often wrong, and what a temperature mends;
# * let such a model abstain, or answer with sets.
#
# ## Exercises
#
# ### Exercise 1: five guesses
#
# How often is the true class among the model's five most probable? What would guessing give?

# %% tags=["hide-cell"]
# Solution: topk, and five tenths by chance.
five = (
    (said.probabilities.topk(5).indices == truth[:, None])
    .any(dim=1)
    .double()
    .mean()
    .item()
)
assert five >= test.accuracy
say(f"{percent(five, 1)}, against {percent(5 / len(names), 0)} by guessing.")

# %% [markdown]
# ### Exercise 2: the McNemar test by hand
#
# Count the images that only one of the two gets right, this model or the nearest centroid, and test whether a fair coin would fall so. Is it the p-value of `comparisons.exact_mcnemar`?

# %% tags=["hide-cell"]
from scipy.stats import binomtest

# Solution: a binomial test on the images that only one gets right.

nearest = rights["nearest centroid"]
only_model = int((rights["this model"] & ~nearest).sum())
only_nearest = int((~rights["this model"] & nearest).sum())
by_hand = binomtest(only_model, only_model + only_nearest).pvalue
packaged = comparisons.exact_mcnemar(rights["this model"], nearest)
assert (only_model, only_nearest) == packaged[:2]
np.testing.assert_allclose(by_hand, packaged.p_value)
say(
    f"{only_model:,} only by the model, {only_nearest:,} only by the nearest centroid,"
    f" p-value {p_value(by_hand)}, both ways."
)

# %% [markdown]
# ### Exercise 3: merge the classes
#
# If cat and dog counted as one class, and automobile and truck as another, what would the accuracy be?

# %% tags=["hide-cell"]
# Solution: rename classes in both truth and prediction.
merged = torch.arange(len(names))
for first, second in (("cat", "dog"), ("automobile", "truck")):
    merged[names.index(second)] = names.index(first)
merged_hits = int((merged[said.labels] == merged[truth]).sum())
low, high = statistics.wilson_interval(merged_hits, test.n)
say(f"{percent(merged_hits / test.n)}, 95 % interval {interval(low, high)}.")

# %% [markdown]
# ## Further reading
#
# * {cite:t}`recht2018` measured how far accuracies fall on a freshly collected test set, while the order of models held.
# * {cite:t}`northcutt2021` found at least 54 wrong labels in this one.
#
# Next: [](05_error_analysis).
