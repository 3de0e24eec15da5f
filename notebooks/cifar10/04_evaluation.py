# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
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
# * report a test result beside the validation figure that led to it;
# * read a confusion matrix of things rather than digits;
# * say which classes a linear model can tell apart, with intervals;
# * judge the confidence of a model that is often wrong.
#
# **You need** [](03_training), and [the evaluation of MNIST](../mnist/04_evaluation), where every measure is explained and built by hand.

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
log_interval: int = 100  # batches between two updates of the progress bar, 1 or more

# %%
from tutorial_utils.config import HEADLINE, TrainingConfig

config = TrainingConfig(
    **{name: globals()[name] for name in TrainingConfig.model_fields}
)

# %%
import numpy as np
import torch

from tutorial_utils import datasets, evaluation, results, statistics
from tutorial_utils.models import predict
from tutorial_utils.narrate import enumerate_words, interval, percent, say, table
from tutorial_utils.plots import evaluation as draw
from tutorial_utils.plots.style import use_book_style
from tutorial_utils.reproducibility import make_generator
from tutorial_utils.training import load_or_fit

use_book_style()
data = datasets.load(config.dataset)
names = data.description.class_names
model, history = load_or_fit(config, data, results.output_folder())
truth = data.test.labels
said = predict(model, datasets.standardise(data.test))
test = evaluation.evaluate(truth, said)

# %% [markdown]
# (cifar10-evaluation-changes)=
# :::{admonition} What changed from MNIST
# :class: note
# The settings, computed from the headline configurations of the two data sets.
# :::

# %% tags=["hide-input"]
table(HEADLINE["mnist"].differences(config, ("MNIST", "here")))

# %% [markdown]
# (cifar10-test-set)=
# ## The test set, opened
#
# Nothing is chosen on it, here or in the next chapter, which measures on it again.

# %% tags=["hide-input"]
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
# Baselines put the number in its place. Guessing, or always answering one class, scores a tenth, because the classes are balanced. The **nearest class average** is the simplest classifier that looks at pixels:

# %%
from tutorial_utils.exploration import class_means

part, _ = datasets.split(data.train, config.validation_split, config.seed)
centroids = class_means(part).flatten(1).float()
flat = data.test.images.flatten(1).float() / 255
nearest = torch.cdist(flat, centroids).argmin(dim=1)
centroid_accuracy = (nearest == truth).double().mean().item()
del flat
say(
    f"Nearest class average: {percent(centroid_accuracy)}. Softmax regression:"
    f" {percent(test.accuracy)}, {test.accuracy / (1 / len(names)):.1f} times guessing."
)

# %% [markdown]
# (cifar10-confusion-matrix)=
# ## Which things are taken for which?

# %% mystnb={"figure": {"caption": "Confusion matrix on the test set. Rows are true classes, columns predicted ones; the shade counts mistakes only.", "name": "fig-cifar10-confusion"}, "image": {"alt": "A ten by ten grid of counts with class names on both axes. The darker cells lie among the animals in one block, among the vehicles in another, and between airplane and ship."}}
ax = draw.confusion_matrix(test.confusion_matrix, names)
_ = ax.set_xticks(range(len(names)), names, rotation=45, ha="right")

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
top = evaluation.most_common_confusions(test.confusion_matrix, count=6)
say(
    "The most common mistakes: "
    + enumerate_words(
        f"{names[true]} taken for {names[predicted]} ({count})"
        for true, predicted, count in top
    )
    + ".",
    f"{percent(within / wrong.sum(), 0)} of the mistakes stay among animals or among"
    ' vehicles. Asked only "animal or vehicle?", the model is right on'
    f" {percent(kind_right, 1)} of the images, where always saying animal would score"
    f" {percent(is_animal[truth].mean(), 0)}.",
)

# %% [markdown]
# (cifar10-per-class)=
# ## Class by class

# %% mystnb={"figure": {"caption": "Precision, recall and F1 of every class with 95 % intervals.", "name": "fig-cifar10-per-class"}, "image": {"alt": "Three bar charts with one bar per class and an error bar on each: precision, recall and F1, ranging widely from class to class."}}
report = evaluation.per_class_report(test, names)
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
    f" {ranked.min():.2f}, where the digits differed by a few points. The model says"
    f" {eager} {over[eager]:.2f} times as often as there are {eager}s, and {shy}"
    f" {over[shy]:.2f} times."
)

# %% [markdown]
# One possible reason for the order is the background: ships and airplanes often stand before blue, animals before anything. This chapter does not test that.
#
# (cifar10-one-vs-rest)=
# ### One-vs-rest accuracy, at its worst

# %% tags=["hide-input"]
one_vs_rest = evaluation.one_vs_rest_accuracy(test.confusion_matrix)
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
        f"For {enumerate_words(beaten)} the rule that never says the class is *better*."
        if beaten
        else "No class falls below that rule."
    )
)

# %% [markdown]
# (cifar10-curves-roc)=
# ## Curves

# %% mystnb={"figure": {"caption": "One-vs-rest ROC curve of every class (blue), the other classes (grey) and a score without information (dotted).", "name": "fig-cifar10-roc"}, "image": {"alt": "Ten small panels, one per class, with its ROC curve bulging above the dotted diagonal, more for some classes than for others."}}
roc = evaluation.roc_curves(truth, said)
axes = draw.curve_grid(
    roc,
    names,
    xlabel="false positive rate",
    ylabel="true positive rate",
    area_name="AUC",
    baselines=[([0, 1], [0, 1])] * len(names),
)

# %% mystnb={"figure": {"caption": "One-vs-rest precision-recall curve of every class (blue), the other classes (grey) and a score without information (dotted).", "name": "fig-cifar10-precision-recall"}, "image": {"alt": "Ten small panels, one per class, with a falling precision-recall curve well below the top right corner, and a dotted line at one tenth."}}
curves = evaluation.precision_recall_curves(truth, said)
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
hits = said.labels == truth
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
    f" right in {percent(test.accuracy, 1)}: "
    + (
        "the two agree within three points, which is not yet calibration."
        if abs(mean_confidence - test.accuracy) < 0.03
        else "the two disagree by more than three points."
    )
)

# %% [markdown]
# (cifar10-evaluation-results)=
# ## What this chapter measured

# %% tags=["hide-input"]
path = results.write(
    "cifar10/04_evaluation",
    parameters=config.model_dump(),
    metrics={
        **test.metrics(),
        "support": test.support,
        "class_names": names,
        "validation_accuracy_of_kept_weights": kept,
        "best_validation_accuracy": tuned,
        "nearest_average_accuracy": centroid_accuracy,
        "animal_or_vehicle_accuracy": kind_right,
        "one_vs_rest_accuracy": one_vs_rest,
        "auc": areas,
        "average_precision": precisions,
        "mean_confidence": mean_confidence,
    },
    data_hash=data.fingerprint,
)

# %% [markdown]
# ## What you have learnt
#
# You can now
#
# * report a test result beside the validation figure that led to it;
# * read a confusion matrix of things;
# * say which classes the model can tell apart;
# * judge the confidence of a model that is often wrong.
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
# ### Exercise 2: is the model better than the nearest average?
#
# Count the images that only one of the two classifiers gets right, and test the difference with a binomial test on those.

# %% tags=["hide-cell"]
# Solution: the exact McNemar test.
from scipy.stats import binomtest

only_model = int((hits & (nearest != truth)).sum())
only_nearest = int((~hits & (nearest == truth)).sum())
p_value = binomtest(only_model, only_model + only_nearest).pvalue
say(
    f"{only_model:,} only by the model, {only_nearest:,} only by the nearest average, p"
    f" = {p_value:.0e}."
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
