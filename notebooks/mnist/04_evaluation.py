# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Evaluation on MNIST
#
# The model is trained and every choice is made. Now the test set is opened, once, to answer one question: how
# well does this model read digits that it has never seen, and how sure can we be of the answer?
#
# **After this chapter you can**
#
# * give an accuracy with its sampling interval, and keep that apart from the spread over seeds;
# * read a confusion matrix, and compute precision, recall and F1 from it by hand;
# * say why one-vs-rest accuracy misleads, and what ROC and precision-recall curves add;
# * look at predictions and at their confidence, right and wrong ones apart;
# * make a run repeatable, and say what that does not guarantee.
#
# **You need** the previous chapter, [](03_training). Its settings are repeated below; with the same settings
# the model trained there is loaded, with others it is trained now.

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
num_seeds: int = 10  # repeated runs that show the spread, 2 or more

# %%
from tutorial_utils import datasets, results
from tutorial_utils.config import TrainingConfig

config = TrainingConfig(
    **{name: globals()[name] for name in TrainingConfig.model_fields}
)

# %%
import numpy as np
import pandas as pd
import torch
from scipy.stats import mannwhitneyu

from tutorial_utils import evaluation, exploration, statistics
from tutorial_utils.models import make_model, predict
from tutorial_utils.narrate import enumerate_words, interval, percent, say, table
from tutorial_utils.plots.evaluation import (
    confidence_histograms,
    confusion_matrix,
    curve_grid,
    dots,
    per_class_bars,
    prediction_grid,
)
from tutorial_utils.plots.style import use_book_style
from tutorial_utils.plots.training import strips
from tutorial_utils.reproducibility import make_generator, seed_everything
from tutorial_utils.training import Trainer, load_or_fit

use_book_style()
say(*config.notes)

# %%
data = datasets.load(config.dataset)
class_names = data.description.class_names
model, history = load_or_fit(config, data, results.output_folder())

# %% [markdown]
# (mnist-test-set)=
# ## The test set, opened once
#
# A prediction is a plain value: the class with the highest probability, and all ten probabilities.
# Everything below is computed from predictions and true labels alone, so it would work the same for any other
# model.

# %%
test_images, test_labels = datasets.standardise(data.test), data.test.labels
predictions = predict(model, test_images)
hits = predictions.labels == test_labels
accuracy = hits.float().mean().item()
test = evaluation.evaluate(test_labels, predictions)
assert hits.sum().item() == round(test.accuracy * test.n)
say(
    f"{hits.sum().item():,} of {test.n:,} test images are read correctly: an accuracy"
    f" of {percent(test.accuracy)}."
)

# %% [markdown]
# (mnist-accuracy-interval)=
# ### How sure is that?
#
# The 10,000 test images are a sample. Another sample of 10,000 digits would have given another accuracy. If
# images were drawn independently, the number of hits $k$ of $n$ would be binomial, and the **Wilson interval**
# {cite}`wilson1927` holds the true accuracy in 95 of 100 samples:
#
# $$
# \frac{\hat p + \frac{z^2}{2n} \pm z\sqrt{\frac{\hat p(1-\hat p)}{n} + \frac{z^2}{4n^2}}}{1 + \frac{z^2}{n}},
# \qquad \hat p = k/n,\ z = 1.96.
# $$

# %%
n, p, z = test.n, test.accuracy, 1.959964
centre = p + z**2 / (2 * n)
reach = z * (p * (1 - p) / n + z**2 / (4 * n**2)) ** 0.5
by_hand = ((centre - reach) / (1 + z**2 / n), (centre + reach) / (1 + z**2 / n))
torch.testing.assert_close(by_hand, tuple(test.accuracy_interval))
half_width = (test.accuracy_interval.high - test.accuracy_interval.low) / 2
say(
    f"95 % Wilson interval: {interval(*test.accuracy_interval)}, about"
    f" {100 * half_width:.1f} percentage points to each side."
)

# %% [markdown]
# The assumption deserves a look. The digits of one writer resemble each other, so the images are not
# independent draws, and the test set was put together from two sources. Its two halves differ:

# %% tags=["hide-input"]
half = len(test_labels) // 2
halves = {
    "first": 1 - hits[:half].double().mean().item(),
    "second": 1 - hits[half:].double().mean().item(),
}
chance_gap = 1.96 * (2 * test.accuracy * (1 - test.accuracy) / half) ** 0.5
gap = halves["first"] - halves["second"]
say(
    f"Errors in the first half: {percent(halves['first'], 1)}. In the second:"
    f" {percent(halves['second'], 1)}. The gap is {100 * gap:.1f} points; random halves"
    f" would differ by less than {100 * chance_gap:.1f} in 95 of 100 cases."
)

# %% [markdown]
# So the interval holds for images drawn like this mixture. And because the digits of one writer resemble each other,
# it is, if anything, too narrow.

# %% [markdown]
# (mnist-spread)=
# ### Sampling interval and spread over seeds
#
# The interval says how the accuracy of *this* model would vary over test sets. A second question is how it varies
# over trainings: other splits, orders and initial weights. That is the **spread over seeds**, and it is kept
# apart. No seed is picked for its result: the seed in the parameters cell was fixed before the test set was opened.

# %%
patience = max(config.num_epochs, 30)
over_seeds = []
for each in range(num_seeds):
    seed_config = config.but(seed=each, early_stopping_patience=patience)
    seed_model, _ = load_or_fit(seed_config, data, results.output_folder())
    over_seeds.append(
        evaluation.evaluate(test_labels, predict(seed_model, test_images)).accuracy
    )
seeds = statistics.spread(over_seeds)

# %% mystnb={"figure": {"caption": "Test accuracy of this model with its 95 % sampling interval (line), and of models trained from different seeds (marks, the bar is their mean).", "name": "fig-mnist-spread"}, "image": {"alt": "A horizontal line for the sampling interval of the headline model's accuracy, and above it one mark per seed for the accuracy of models trained from other seeds."}}
ax = strips({"seeds": over_seeds}, xlabel="test accuracy")
ax.plot(test.accuracy_interval, [0.7, 0.7], "-", color="black", linewidth=2.5)
ax.plot([test.accuracy], [0.7], marker="o", color="black")
ax.set(
    yticks=[0, 0.7],
    yticklabels=["spread over seeds", "sampling interval, seed " + str(config.seed)],
)
_ = ax.set_ylim(1.1, -0.6)

# %% tags=["hide-input"]
majority = int(np.bincount(data.train.labels).argmax())
majority_accuracy = (test_labels == majority).float().mean().item()
published_accuracy = 0.93
inside = test.accuracy_interval.low <= published_accuracy <= test.accuracy_interval.high
say(
    f"Over {seeds.n} seeds: mean {percent(seeds.mean)}, standard deviation"
    f" {100 * seeds.deviation:.2f} points, from {percent(seeds.low)} to"
    f" {percent(seeds.high)}."
    + (
        " Choosing another seed matters less than drawing another test set."
        if 1.96 * seeds.deviation < test.accuracy - test.accuracy_interval.low
        else " Choosing another seed matters as much as drawing another test set."
    ),
    f"For comparison: guessing scores {percent(1 / len(class_names), 0)}, always"
    f" answering {majority} (the most common training digit)"
    f" {percent(majority_accuracy, 1)}. The published tutorial reports an accuracy of"
    f" 0.93, to two digits; rounded alike, ours is {test.accuracy:.2f}"
    + (
        ", and 0.93 lies inside our interval."
        if inside
        else ", and 0.93 lies outside our interval."
    ),
)

# %% [markdown]
# (mnist-confusion-matrix)=
# ## The confusion matrix
#
# One number hides which digits are confused. The **confusion matrix** counts, for every true digit (row), what the
# model said (column). Right answers stand on the diagonal. It takes three lines to build:

# %%
matrix = torch.zeros(10, 10, dtype=torch.int64)
for true, predicted in zip(test_labels, predictions.labels, strict=True):
    matrix[true, predicted] += 1
assert torch.equal(matrix, torch.as_tensor(test.confusion_matrix))

# %% mystnb={"figure": {"caption": "Confusion matrix on the test set. Rows are true digits, columns predicted ones; the shade counts mistakes only.", "name": "fig-mnist-confusion"}, "image": {"alt": "A ten by ten grid of counts, rows for the true digit and columns for the predicted digit. Off-diagonal cells are shaded by their count, and the diagonal shows the right answers in bold."}}
ax = confusion_matrix(test.confusion_matrix, class_names)

# %% [markdown]
# Which mistakes are the most common, and how many did the published model make of each?

# %%
published_confusions = {
    (5, 3): 35,
    (2, 8): 33,
    (4, 9): 33,
    (5, 8): 30,
    (7, 9): 29,
    (8, 5): 29,
}
top = evaluation.most_common_confusions(test.confusion_matrix, count=6)

# %%
ranked = {
    pair[:2]: rank
    for rank, pair in enumerate(
        evaluation.most_common_confusions(test.confusion_matrix), start=1
    )
}
table(
    [
        {
            "true -> predicted": f"{true} -> {predicted}",
            "ours": int(test.confusion_matrix[true, predicted]),
            "our rank": ranked.get((true, predicted), "-"),
            "published": count,
        }
        for (true, predicted), count in published_confusions.items()
    ]
)

# %% tags=["hide-input"]
shared = [pair for pair in published_confusions if pair in {(t, p) for t, p, _ in top}]
say(
    "Our six most common mistakes: "
    + enumerate_words(
        f"{true} read as {predicted} ({count})" for true, predicted, count in top
    )
    + f". {len(shared)} of the six published pairs are among them."
)

# %% [markdown]
# (mnist-per-class)=
# ## Precision, recall, F1
#
# For one class, say 5, four counts follow from the matrix: true positives (5 read as 5), false positives (others read
# as 5), false negatives (5 read as others), true negatives (the rest).
#
# * **Precision**: of the images read as 5, which share is a 5? $TP / (TP + FP)$
# * **Recall**: of the fives, which share is found? $TP / (TP + FN)$
# * **F1**: their harmonic mean, $2\,TP / (2\,TP + FP + FN)$; it is high only if both are.
# * **Support**: how many images of the class there are.

# %%
digit = 5
tp = matrix[digit, digit].item()
fp, fn = matrix[:, digit].sum().item() - tp, matrix[digit].sum().item() - tp
precision, recall, f1 = tp / (tp + fp), tp / (tp + fn), 2 * tp / (2 * tp + fp + fn)
torch.testing.assert_close(
    (precision, recall, f1),
    (test.precision[digit].item(), test.recall[digit].item(), test.f1[digit].item()),
)
say(
    f"For {digit}: precision {precision:.4f}, recall {recall:.4f}, F1 {f1:.4f}, support"
    f" {tp + fn}."
)

# %% [markdown]
# Here is the report for all digits, each number with its 95 % interval, beside the published one. Recall and
# precision are shares of images and get Wilson intervals. F1 is not a share of anything one could draw, so its interval comes
# from the **bootstrap** {cite}`efron1993`: draw 10,000 images again with replacement, compute F1, repeat, and
# take the middle 95 % of the results.

# %% tags=["hide-input"]
published = pd.DataFrame(
    {
        "precision": [0.954183, 0.963605, 0.927291, 0.904528, 0.937436,
                      0.899538, 0.937307, 0.931440, 0.881443, 0.911504],
        "recall": [0.977551, 0.979736, 0.902132, 0.909901, 0.930754,
                   0.873318, 0.951983, 0.925097, 0.877823, 0.918731],
        "f1": [0.965726, 0.971603, 0.914538, 0.907206, 0.934083,
               0.886234, 0.944588, 0.928258, 0.879630, 0.915104],
        "one-vs-rest": [0.9932, 0.9935, 0.9826, 0.9812, 0.9871,
                        0.9800, 0.9893, 0.9853, 0.9766, 0.9828],
    },
    index=list(class_names),
)  # fmt: skip

# %%
report = evaluation.per_class_report(test, class_names)


def with_interval(row, name):
    return f"{row[name]:.3f} [{row[name + '_low']:.3f}, {row[name + '_high']:.3f}]"


columns = {"digit": report.index}
for name in ("precision", "recall", "f1"):
    columns[name] = [with_interval(row, name) for _, row in report.iterrows()]
    columns[f"{name}, published"] = [f"{value:.3f}" for value in published[name]]
table(pd.DataFrame({**columns, "support": report.support.to_numpy()}))

# %% tags=["hide-input"]
gaps = (
    report[["precision", "recall", "f1"]] - published[["precision", "recall", "f1"]]
).abs()
worst_digit, worst_metric = gaps.stack().idxmax()
say(
    f"The largest difference to the published table is {gaps.max().max():.3f}, in the {worst_metric} of {worst_digit}."
    + (" Every published recall lies inside our interval."
       if ((report.recall_low <= published.recall) & (published.recall <= report.recall_high)).all() else "")
)  # fmt: skip

# %% mystnb={"figure": {"caption": "Precision, recall and F1 of every digit with 95 % intervals. The axis does not start at zero.", "name": "fig-mnist-per-class"}, "image": {"alt": "Three bar charts, one bar per digit with an error bar: precision, recall and F1."}}
axes = per_class_bars(report)

# %% [markdown]
# (mnist-easy-and-hard)=
# ### Which digits are hard, and why?
#
# The published text calls 0, 1 and 6 strong, 5 and 8 weak, and finds low recall at 2 and 8. That leaves out the
# lowest: the three lowest recalls of its own table belong to 5, 8 and 2, in that order.

# %% tags=["hide-input"]
averages = exploration.class_means(data.train).flatten(1)
similar = torch.corrcoef(averages)
alike = sorted(
    ((similar[a, b].item(), a, b) for b in range(10) for a in range(b)), reverse=True
)

# %% tags=["hide-input"]
by_f1, by_recall = report.f1.sort_values(), report.recall.sort_values()
lowest = list(by_f1.index[:2])
overlap = report.f1_high[by_f1.index[1]] > report.f1_low[by_f1.index[2]]
partners = {}
for name in lowest:
    row = test.confusion_matrix[int(name)].copy()
    row[int(name)] = 0
    partners[name] = np.argsort(-row)[:2]
say(
    f"By F1, ours are strongest at {enumerate_words(by_f1.index[:-4:-1])} and weakest"
    f" at {enumerate_words(lowest)}. The three lowest recalls are at"
    f" {enumerate_words(by_recall.index[:3])}. "
    + " ".join(
        f"Digit {name} is most often read as {enumerate_words(partners[name])}."
        for name in lowest
    ),
    f"How firm is the order? The intervals of {by_f1.index[1]} and of the next digit,"
    f" {by_f1.index[2]}, "
    + ("overlap: that difference may be chance." if overlap else "do not overlap."),
    "The reason is in the method. The model compares each image with one set of weights"
    " per digit, and digits that ink the same pixels are hard to keep apart by a"
    " weighted sum. The most alike averages of two digits belong to "
    + enumerate_words(f"{a} and {b} (correlation {r:.2f})" for r, a, b in alike[:4])
    + "; the most common mistakes are among such pairs.",
)

# %% [markdown]
# (mnist-one-vs-rest)=
# ## A misleading number: one-vs-rest accuracy
#
# The published report lists a "per-class accuracy" of 97.7 to 99.4 %. It asks, for each digit, "is it this one or
# not?", and counts both answers. But nine of ten images are of other digits, so a rule that *never* says
# the digit is right on all of those. Compare it with recall, the share of the digit's own images that are found.

# %%
one_vs_rest = evaluation.one_vs_rest_accuracy(test.confusion_matrix)
never = 1 - test.support / test.n
torch.testing.assert_close(
    one_vs_rest[digit].item(),
    ((predictions.labels == digit) == (test_labels == digit)).double().mean().item(),
)

# %% mystnb={"figure": {"caption": "For every digit: the accuracy of never saying it, the model's one-vs-rest accuracy, and its recall.", "name": "fig-mnist-one-vs-rest"}, "image": {"alt": "A dot plot with one row per digit and three marks in each: the accuracy of a rule that never says the digit, the model's one-vs-rest accuracy, and the model's recall."}}
ax = dots(
    {
        "never says it": never,
        "one-vs-rest accuracy": one_vs_rest,
        "recall": test.recall,
    },
    class_names,
    xlabel="share of images",
)

# %% tags=["hide-input"]
say(
    f"One-vs-rest accuracy runs from {percent(one_vs_rest.min(), 1)} to"
    f" {percent(one_vs_rest.max(), 1)} (published:"
    f" {percent(published['one-vs-rest'].min(), 1)} to"
    f" {percent(published['one-vs-rest'].max(), 1)}); never saying the digit already"
    f" gives {percent(never.min(), 1)} to {percent(never.max(), 1)}. Recall spreads"
    f" over {100 * (test.recall.max() - test.recall.min()):.1f} points, one-vs-rest"
    f" accuracy over {100 * (one_vs_rest.max() - one_vs_rest.min()):.1f}: it makes all"
    " digits look alike, and excellent."
)

# %% [markdown]
# (mnist-curves-roc)=
# ## ROC and precision-recall curves
#
# So far the model gave one answer per image. Its probability of, say, 5 can also be used as a score: call
# everything above a threshold a 5. Lowering the threshold finds more fives and raises more false alarms. The
# **ROC curve** {cite}`fawcett2006` draws the share of fives found against the share of others wrongly called 5.
# The area under it, **AUC**, has a plain meaning: the probability that a random 5 scores higher than a random other
# digit. That can be counted:

# %%
roc = evaluation.roc_curves(test_labels, predictions)
scores = predictions.probabilities[:, digit].numpy()
is_digit = (test_labels == digit).numpy()
wins = mannwhitneyu(scores[is_digit], scores[~is_digit]).statistic
counted = wins / (is_digit.sum() * (~is_digit).sum())
torch.testing.assert_close(roc[digit].area, float(counted))
say(
    f"A random {digit} outscores a random other digit in {percent(counted)} of all"
    f" pairs; the area is {roc[digit].area:.4f}."
)

# %% mystnb={"figure": {"caption": "One-vs-rest ROC curve of every digit (blue), the other digits (grey) and a score without information (dotted). Only the corner is shown: false positive rates up to 0.2.", "name": "fig-mnist-roc"}, "image": {"alt": "Ten small panels, one per digit, with its ROC curve in the top left corner of the plot above a dotted line for a score without information."}}
diagonal = [([0, 1], [0, 1])] * 10
axes = curve_grid(
    roc,
    class_names,
    xlabel="false positive rate",
    ylabel="true positive rate",
    area_name="AUC",
    baselines=diagonal,
    limits=((0, 0.2), (0, 1.005)),
)

# %% tags=["hide-input"]
areas = np.array([curve.area for curve in roc])
published_auc = np.array([1.00, 1.00, 0.99, 0.99, 1.00, 0.99, 1.00, 0.99, 0.99, 0.99])
agree = int((np.round(areas, 2) == published_auc).sum())
say(
    f"AUC runs from {areas.min():.4f} ({class_names[areas.argmin()]}) to"
    f" {areas.max():.4f} ({class_names[areas.argmax()]}). Rounded to two digits,"
    f" {agree} of 10 agree with the published values (1.00 for 0, 1, 4, 6 and 0.99 for"
    " the others). Two digits hide the differences that matter."
)

# %% [markdown]
# AUC, too, counts the many other digits. A false positive rate of 1 % sounds small, but it is 1 % of nine thousand
# images: about as many false alarms as a tenth of all fives. The **precision-recall curve** {cite}`davis2006` asks
# directly: when I find this share of the fives, which share of what I found is right? Its summary is the **average
# precision** (AP); a score without information has an AP equal to the share of the digit.

# %% mystnb={"figure": {"caption": "One-vs-rest precision-recall curve of every digit (blue), the other digits (grey) and a score without information (dotted, at the share of the digit).", "name": "fig-mnist-precision-recall"}, "image": {"alt": "Ten small panels, one per digit, with its precision-recall curve near the top right corner, and a dotted horizontal line at the share of the digit."}}
pr = evaluation.precision_recall_curves(test_labels, predictions)
shares = [([0, 1], [1 - share, 1 - share]) for share in never]
axes = curve_grid(
    pr,
    class_names,
    xlabel="recall",
    ylabel="precision",
    area_name="AP",
    baselines=shares,
    limits=((0, 1), (0, 1.02)),
)

# %% tags=["hide-input"]
precisions = np.array([curve.area for curve in pr])
order = precisions.argsort()
say(
    f"Average precision runs from {precisions.min():.3f} ({class_names[order[0]]}) to"
    f" {precisions.max():.3f} ({class_names[order[-1]]}), a spread"
    f" {(precisions.max() - precisions.min()) / (areas.max() - areas.min()):.0f} times"
    " that of AUC. The weakest three are"
    f" {enumerate_words(class_names[index] for index in order[:3])}."
)

# %% [markdown]
# (mnist-prediction-grid)=
# ## Looking at predictions
#
# Numbers need pictures beside them. Here are 25 test images drawn at random. (Taking the first 25 is not
# random: the first half of the test set is the harder one, as we saw.)

# %% mystnb={"figure": {"caption": "Twenty-five random test images with prediction, confidence and truth. A tick and a thin frame mark right answers, a cross and a thick dashed frame wrong ones.", "name": "fig-mnist-predictions"}, "image": {"alt": "A five by five grid of handwritten digits. Above each stands the predicted digit, the confidence in per cent and the true digit; wrong predictions carry a cross and a thick dashed frame."}}
chosen = torch.randperm(
    test.n, generator=make_generator(config.seed, "prediction grid")
)[:25]
axes = prediction_grid(
    data.test.images[chosen, 0],
    [class_names[label] for label in test_labels[chosen]],
    [class_names[label] for label in predictions.labels[chosen]],
    predictions.confidence[chosen].tolist(),
)

# %% tags=["hide-input"]
shown = predictions.subset(chosen)
wrong_shown = (shown.labels != test_labels[chosen]).sum().item()
say(
    f"{25 - wrong_shown} of 25 are right, where {25 * test.accuracy:.1f} would be"
    " expected. The confidence above each image is the probability of the predicted"
    f" digit; here it ranges from {percent(shown.confidence.min().item(), 1)} to"
    f" {percent(shown.confidence.max().item(), 1)}."
)

# %% [markdown]
# (mnist-confidence)=
# ## Confidence of right and wrong predictions
#
# Is the model less sure when it is wrong? The published reading of its histogram is that right predictions sit near 1
# and wrong ones around 0.5 to 0.6. In the figure, the counts show how rare mistakes are, and the densities, each scaled to
# area one, show how the two groups are spread.

# %% mystnb={"figure": {"caption": "Confidence of right and of wrong predictions in 50 bins, as counts and as densities.", "name": "fig-mnist-confidence"}, "image": {"alt": "Two histograms of the top probability between 0 and 1, right predictions filled and wrong ones outlined with a dashed line: counts on the left, densities on the right."}}
right_confidence, wrong_confidence = (
    predictions.confidence[hits],
    predictions.confidence[~hits],
)
axes = confidence_histograms(right_confidence, wrong_confidence)

# %% tags=["hide-input"]
quartiles = wrong_confidence.quantile(
    torch.tensor([0.25, 0.5, 0.75], dtype=torch.float64)
).tolist()
middle = ((wrong_confidence >= 0.5) & (wrong_confidence <= 0.6)).double().mean().item()
sure_and_wrong = int((wrong_confidence > 0.9).sum())
sure = int((predictions.confidence > 0.9).sum())
low, high = statistics.wilson_interval(sure_and_wrong, sure)
promised = predictions.confidence[predictions.confidence > 0.9].mean().item()
say(
    "Right predictions have a median confidence of"
    f" {right_confidence.median().item():.3f}, wrong ones of {quartiles[1]:.3f}. The"
    f" wrong ones are spread widely: their middle half runs from {quartiles[0]:.2f} to"
    f" {quartiles[2]:.2f}, and only {percent(middle, 0)} of them lie between 0.5 and"
    " 0.6.",
    f"Of the {sure:,} predictions with a confidence above 0.9, {sure_and_wrong} are"
    f" wrong ({percent(sure_and_wrong / sure, 1)}, 95 % interval"
    f" {interval(low, high, 1)}). Their mean confidence promised"
    f" {percent(1 - promised, 1)}. Confidence is a useful warning, not a guarantee.",
)

# %% [markdown]
# (mnist-reproducibility)=
# ## Can this be repeated?
#
# A training run draws random numbers in three places: for the split, for the initial weights, and for the order of
# batches. This book gives each a generator of its own, seeded from one number, so that drawing more in one place
# does not shift the others. Loader workers, dropout and augmentation draw as well, from PyTorch's global generator. (The published
# tutorial defines a seeding function after the training, never calls it, and forgets one of its imports.)
#
# Four runs of one epoch show what holds here: twice the same seed, another seed, and the same seed with two threads.


# %%
def one_epoch_weights(seed, threads=1):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        short = config.but(seed=seed, num_epochs=1, device="cpu")
        trial = make_model(short)
        Trainer(short, show_progress=False).fit(
            trial, *datasets.training_batches(data.train, short)
        )
    finally:
        torch.set_num_threads(before)
    return trial.linear.weight.detach()


# %%
first, again = one_epoch_weights(config.seed), one_epoch_weights(config.seed)
other, threaded = (
    one_epoch_weights(config.seed + 1),
    one_epoch_weights(config.seed, threads=2),
)
assert torch.equal(first, again)
scale = first.abs().max()
other_difference, thread_difference = (
    (first - each).abs().max() / scale for each in (other, threaded)
)
assert thread_difference < 1e-3
say(
    "The same seed twice gives the same weights, bit for bit. "
    f"Another seed differs by up to {percent(other_difference.item(), 0)} of the largest weight. "
    + ("Two threads give the same bits as one here. " if thread_difference == 0 else
       f"Two threads differ from one by up to {thread_difference.item():.0e} of the largest weight: sums are taken in another order. ")
    + "Across processors, operating systems and versions of PyTorch nothing is promised, which is why "
    "the box at the end of each chapter records them."
)  # fmt: skip

# %% [markdown]
# For code that draws from the global generators, they are seeded together, **before** anything is drawn. Seeding
# afterwards repeats nothing:

# %%
draws = []
for seed_first in (True, True, False, False):
    if seed_first:
        seed_everything(config.seed)
    weight = torch.nn.Linear(784, 10).weight
    if not seed_first:
        seed_everything(config.seed)  # too late: the weights are drawn
    draws.append(weight.detach())
assert torch.equal(draws[0], draws[1])
assert not torch.equal(draws[2], draws[3])
say(
    "Seeded first, two models begin with equal weights. Seeded afterwards, they do not."
)

# %% [markdown]
# (mnist-evaluation-results)=
# ## What this chapter measured

# %% tags=["hide-input"]
metrics = {
    **test.metrics(),
    "support": test.support,
    "class_names": class_names,
    "accuracy_over_seeds": over_seeds,
    "accuracy_seed_mean": seeds.mean,
    "accuracy_seed_deviation": seeds.deviation,
    "error_first_half": halves["first"],
    "error_second_half": halves["second"],
    "majority_accuracy": majority_accuracy,
    "one_vs_rest_accuracy": one_vs_rest,
    "auc": areas,
    "average_precision": precisions,
    "confidence_right_median": right_confidence.median(),
    "confidence_wrong_quartiles": quartiles,
    "largest_gap_to_published": gaps.max().max(),
    "thread_difference": thread_difference,
}

# %%
path = results.write(
    "mnist/04_evaluation",
    parameters={**config.model_dump(), "num_seeds": num_seeds},
    metrics=metrics,
    data_hash=data.fingerprint,
)
if test.undefined():
    say(
        "Undefined here, for lack of images: " + enumerate_words(test.undefined()) + "."
    )

# %% [markdown]
# ## What you have learnt
#
# You can now
#
# * give an accuracy with its sampling interval, and keep that apart from the spread over seeds;
# * read a confusion matrix, and compute precision, recall and F1 from it;
# * say why one-vs-rest accuracy misleads, and what the curves add;
# * look at predictions and their confidence;
# * make a run repeatable, and say what that does not guarantee.
#
# ## Exercises
#
# ### Exercise 1: how many test images would you need?
#
# How many test images would halve the width of the Wilson interval at this accuracy? And how many for one tenth of a
# percentage point to each side? Write `needed(accuracy, half_width)`, ignoring the terms in $z^2/n$.


# %% tags=["hide-cell"]
# Solution: solve z * sqrt(p (1 - p) / n) = half_width for n.
def needed(accuracy, half_width):
    return z**2 * accuracy * (1 - accuracy) / half_width**2


width = test.accuracy_interval.high - test.accuracy_interval.low
say(
    f"Half the width takes about {needed(test.accuracy, width / 4):,.0f} images, four"
    " times as many. A tenth of a point takes about"
    f" {needed(test.accuracy, 0.001):,.0f}."
)

# %% [markdown]
# ### Exercise 2: macro and micro
#
# Average recall over the ten digits (*macro*), and pool the counts of all digits before dividing (*micro*). For recall,
# pooling equals weighting by support. One of the two is a number you know already. Which, and why?

# %% tags=["hide-cell"]
# Solution: weighting recall by support counts every hit once, which is the accuracy.
macro = test.recall.mean()
micro = (test.recall * test.support).sum() / test.support.sum()
torch.testing.assert_close(micro.item(), test.accuracy)
say(
    f"Macro {percent(macro)}, micro {percent(micro)}: the micro average of recall is"
    " the accuracy."
)

# %% [markdown]
# ### Exercise 3: a threshold on confidence
#
# Let the model refuse to answer when its confidence is below a threshold. Find the smallest threshold, in steps of 0.01,
# at which it is right on 98 % of the images that it answers. Which share does it refuse? (Choose it on the validation images:
# the test set makes no decisions.)

# %% tags=["hide-cell"]
# Solution: choose on validation images, then look at the test images once.
_, validation = datasets.split(data.train, config.validation_split, config.seed)
said = predict(model, datasets.standardise(validation))
said_right = said.labels == validation.labels
for threshold in np.arange(0, 1, 0.01):
    answered = said.confidence >= threshold
    if said_right[answered].double().mean() >= 0.98:
        break
answered = predictions.confidence >= threshold
say(
    f"On validation images the threshold is {threshold:.2f}. On the test images it"
    f" refuses {percent(1 - answered.double().mean().item(), 1)} and is right on"
    f" {percent(hits[answered].double().mean().item(), 1)} of the rest."
)

# %% [markdown]
# ## Further reading
#
# * {cite:t}`raschka2018` on evaluating models; {cite:t}`dietterich1998` on comparing two.
# * {cite:t}`bouthillier2021` on the variance that benchmarks ignore.
# * {cite:t}`northcutt2021` found about fifteen wrong labels in this test set; {cite:t}`yadav2019` rebuilt 50,000 lost
#   test digits and measured how much accuracy falls on them.
# * {cite:t}`guo2017` on whether confidence means what it says.
