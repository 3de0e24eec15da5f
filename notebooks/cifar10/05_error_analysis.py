# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Error analysis on CIFAR-10
#
# The model is wrong on most photographs. This chapter studies how, with the tools of the digits, and then asks the question that the source only answers in words: is that inevitable for a linear model?
#
# **After this chapter you can**
#
# * study errors when they are the rule, and tell stable ones from those of a single run;
# * say when a search for wrong labels is worth its candidates, and when not;
# * ask which properties of an image go with errors, each at equal values of the others;
# * draw a model's templates, and explain errors with them;
# * find the minimum of a penalised loss, and say why the minimum of the training loss is no ceiling of accuracy;
# * separate what the method cannot do from what training has not done yet.
#
# **You need** [](04_evaluation), and [the error analysis of MNIST](../mnist/05_error_analysis) for the methods.

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
short_epochs: int = 8  # epochs of the comparisons, 3 or more
solver_steps: int = 110  # most steps of the solver, 1 or more

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
model, _ = load_or_fit(config, data, results.output_folder())
train_part, held_out = datasets.split(data.train, config.validation_split, config.seed)

# %% [markdown]
# (cifar10-errors-changes)=
# :::{admonition} What changed from MNIST
# :class: note
# The settings, computed from the headline configurations of the two data sets.
# :::

# %% tags=["hide-input"]
from tutorial_utils.report.narrate import table

table(HEADLINE["mnist"].differences(config, ("MNIST", "here")))

# %% [markdown]
# (cifar10-collect-errors)=
# ## The errors, by class and by pair
#
# As before, hypotheses come from validation images and are confirmed on test images.

# %%
from tutorial_utils.evaluation.errors import (
    average_images,
    collect_errors,
    compare_errors,
    error_patterns,
)
from tutorial_utils.evaluation.predictions import predict

parts = {"validation": held_out, "test": data.test}
said = {
    name: predict(model, datasets.standardise(part)) for name, part in parts.items()
}
errors = {name: collect_errors(part.labels, said[name]) for name, part in parts.items()}

# %%
import numpy as np

from tutorial_utils.evaluation.metrics import (
    evaluate,
    most_common_confusions,
    rate_by_quantile,
)

matrices = {
    name: evaluate(part.labels, said[name]).confusion_matrix
    for name, part in parts.items()
}
missed = {
    name: 1 - np.diag(matrix) / matrix.sum(axis=1) for name, matrix in matrices.items()
}

# %% tags=["hide-input"]
from tutorial_utils.evaluation import comparisons, statistics
from tutorial_utils.report.narrate import (
    enumerate_words,
    interval,
    p_value,
    percent,
    say,
)

table(
    [
        {
            "class": name,
            "validation errors": percent(missed["validation"][k], 1),
            "test errors": percent(missed["test"][k], 1),
            "95 % interval (test)": interval(
                *statistics.wilson_interval(
                    int((errors["test"].true == k).sum()),
                    int(matrices["test"][k].sum()),
                ),
                1,
            ),
        }
        for k, name in enumerate(names)
    ]
)

# %% tags=["hide-input"]
hard = [names[k] for k in missed["validation"].argsort()[::-1][:3]]
hard_on_test = [names[k] for k in missed["test"].argsort()[::-1][:3]]
say(
    f"{len(errors['test']):,} of {len(data.test):,} test images are wrong. Hardest on"
    f" validation: {enumerate_words(hard)}; on test: {enumerate_words(hard_on_test)}."
)

# %% mystnb={"figure": {"caption": "Errors on the validation images, in per cent of each true class's images.", "name": "fig-cifar10-error-patterns"}, "image": {"alt": "A ten by ten heat map with class names on both axes and per cent numbers in the cells; dark cells pair automobile with truck, and animals with one another."}}
from tutorial_utils.plots import data as draw
from tutorial_utils.plots import evaluation as draw_evaluation

pattern = error_patterns(errors["validation"], matrices["validation"].sum(axis=1))
ax = draw_evaluation.confusion_matrix(pattern, names, shares=True)
_ = ax.set_xticklabels(names, rotation=45, ha="right")

# %% [markdown]
# A pair counts as confirmed if, on the test images, it takes more than its even share, one ninetieth, of all errors. (The p-values are adjusted for the six tests by Benjamini and Hochberg's method {cite:p}`benjamini1995`. As in [the chapter on digits](../mnist/05_error_analysis), validation images propose and test images confirm.) This shows that a pair is over-represented, not why; that
# pairs differ at all is no surprise.

# %%
from scipy.stats import binom, binomtest

pairs = {name: most_common_confusions(matrix) for name, matrix in matrices.items()}
on_test = {pair[:2]: pair[2] for pair in pairs["test"]}
proposed = [(*pair, on_test.get(pair[:2], 0)) for pair in pairs["validation"][:6]]
adjusted = comparisons.adjust(
    [
        binomtest(found, len(errors["test"]), 1 / 90, alternative="greater").pvalue
        for *_, found in proposed
    ]
)
hypotheses = [
    {"true": names[true], "taken for": names[predicted], "validation": count, "test": found,
     "adjusted p": p_value(chance), "confirmed": "yes" if chance < 0.05 else "no"}
    for (true, predicted, count, found), chance in zip(proposed, adjusted, strict=True)
]  # fmt: skip
table(hypotheses)

# %% [markdown]
# (cifar10-confident-errors)=
# ## Confident errors


# %% mystnb={"figure": {"caption": "The fifteen most confident errors on the test images.", "name": "fig-cifar10-most-confident"}, "image": {"alt": "Fifteen small colour photographs in three rows. Above each stands the wrong prediction with a high confidence, and the true class."}}
import torch


def show(frame):
    pictures = data.test.images[torch.tensor(frame.index.tolist())].permute(0, 2, 3, 1)
    return draw.image_grid(
        pictures,
        [
            f"{names[row.predicted]} ({row.confidence:.0%})\nis {names[row.true]}"
            for row in frame.itertuples()
        ],
    )


most = errors["test"].nlargest(15, "confidence")
axes = show(most)

# %% mystnb={"figure": {"caption": "The fifteen least confident errors on the test images.", "name": "fig-cifar10-least-confident"}, "image": {"alt": "Fifteen small colour photographs in three rows. Above each stands the wrong prediction with a low confidence, and the true class."}}
least = errors["test"].nsmallest(15, "confidence")
axes = show(least)

# %% tags=["hide-input"]
taken_for = enumerate_words(sorted({names[k] for k in most.predicted}))
say(
    f"The most confident errors reach {percent(most.confidence.iloc[0], 1)}; the least"
    f" confident ones stand at {percent(least.confidence.iloc[0], 1)}, hardly more than"
    " a guess. Compare the backgrounds of the confident ones with the average images"
    f" of the classes that they were taken for: {taken_for}."
)

# %% mystnb={"figure": {"caption": "Average test image of each of the ten most common confusions, with the number of images.", "name": "fig-cifar10-average-errors"}, "image": {"alt": "Ten blurred colour patches in two rows, each with the true class, the class it was taken for and the number of images averaged."}}
common = pairs["test"][:10]
averages = average_images(data.test.images, errors["test"], common)
axes = draw.image_grid(
    torch.stack(averages).permute(0, 2, 3, 1),
    [
        f"{names[true]} as\n{names[predicted]}, n = {count}"
        for true, predicted, count in common
    ],
)

# %% [markdown]
# (cifar10-wrong-labels)=
# ## Labels that may be wrong
#
# For the digits, [confident learning](../mnist/05_error_analysis) made a list of labels that may be wrong. It takes as suspect what the model is sure of and the label denies. What does it list for a model that is wrong on most images?

# %%
from tutorial_utils.evaluation import dependence
from tutorial_utils.evaluation.labels import label_candidates

right = said["test"].labels == data.test.labels
by_blocks = dependence.block_interval(right)
candidates = label_candidates(data.test.labels, said["test"])
wrong_labels = {
    "none": 0,
    "the published number": 54,
    "all candidates": len(candidates),
}
corrected = {
    name: by_blocks.mean + count / len(data.test)
    for name, count in wrong_labels.items()
}

# %% tags=["hide-input"]
table(
    [
        {"wrong labels, and the model right on each": name, "images": f"{count:,}", "accuracy": percent(corrected[name])}
        for name, count in wrong_labels.items()
    ]
)  # fmt: skip

# %% [markdown]
# As a list this is useless. Nearly half of the test set is on it, and almost all of that is the model's own mistakes: a method that trusts a model's sureness needs a model that is seldom wrong. {cite:t}`northcutt2021` used far better models, let people judge the
# candidates, and found 54 wrong labels, a lower bound. If the model were right on all of those, its accuracy would change by half a point, less than another test set would change it. Only the surest few are worth a look: here is one of each label.

# %% mystnb={"figure": {"caption": "Of each label the test image that the model doubts most, with the label and the class that the model is sure of.", "name": "fig-cifar10-wrong-labels"}, "image": {"alt": "Ten small colour photographs in two rows, one for each label. Above each stands its label, and another class that the model suggests with a high probability."}}
surest = candidates.groupby("given").head(1).sort_values("given")
axes = draw.image_grid(
    data.test.images[torch.tensor(surest.index.tolist())].permute(0, 2, 3, 1),
    [
        f"label {names[row.given]}\nmodel {names[row.suggested]} ({row.p_suggested:.0%})"
        for row in surest.astype({"given": int, "suggested": int}).itertuples()
    ],
)

# %% [markdown]
# Is even one of these labels wrong? Judge for yourself. What the pictures show is what the model goes by: colours and backgrounds.
#
# (cifar10-errors-and-quality)=
# ## Do errors go with image quality?

# %%
measures = {
    "brightness": exploration.brightness,
    "contrast": exploration.contrast,
    "sharpness": exploration.sharpness,
    "noise": exploration.noise,
}
wrong = {name: said[name].labels != part.labels for name, part in parts.items()}
measured = {
    name: {title: quantity(part.images) for title, quantity in measures.items()}
    for name, part in parts.items()
}

# %% mystnb={"figure": {"caption": "Share of errors among the test images in five groups of equal size, by four properties of the image, with 95 % intervals.", "name": "fig-cifar10-error-quality"}, "image": {"alt": "Four panels, one per image property, each with the error rate of five groups of images joined by a line and an interval at each point."}}
binned = {
    name: rate_by_quantile(wrong["test"], values)
    for name, values in measured["test"].items()
}
axes = draw_evaluation.rates(
    {
        name: (bins.centres, bins.rates, bins.low, bins.high)
        for name, bins in binned.items()
    },
    ylabel="errors",
)

# %% tags=["hide-input"]
spread = {name: bins.rates.max() - bins.rates.min() for name, bins in binned.items()}
widest = max(spread, key=spread.get)
say(
    "Between the best and the worst fifth, the error rate changes by"
    f" {enumerate_words(f'{100 * value:.1f} points ({name})' for name, value in spread.items())}."
    f" Even the best fifth by {widest} is wrong on"
    f" {percent(binned[widest].rates.min(), 0)} of its images: these four properties"
    " alone do not separate right from wrong."
)

# %% [markdown]
# Such properties go together: fine detail looks like noise, and a sharp photograph is full of contrast. A **logistic regression of errors** {cite:p}`hastie2009` on all four asks what each does at equal values of the others. An odds ratio of 1.1 means: one standard deviation more goes with odds of an error 1.1 times as high. Here, too, validation images propose (an interval that leaves out 1) and test images confirm (the same direction, adjusted p below 0.05).

# %%
regressions = {
    name: comparisons.error_regression(wrong[name], measured[name]) for name in parts
}
adjusted_p = comparisons.adjust(regressions["test"].p_value)
effects = []
for name, chance in zip(measures, adjusted_p, strict=True):
    before, after = (regressions[part].loc[name] for part in ("validation", "test"))
    is_proposed = not before.low <= 1 <= before.high
    holds = chance < 0.05 and (before.odds_ratio > 1) == (after.odds_ratio > 1)
    effects.append(
        {"property": name,
         "validation": f"{before.odds_ratio:.2f} [{before.low:.2f}, {before.high:.2f}]",
         "test": f"{after.odds_ratio:.2f} [{after.low:.2f}, {after.high:.2f}]",
         "adjusted p (test)": p_value(chance),
         "confirmed": ("yes" if holds else "no") if is_proposed else "not proposed"}
    )  # fmt: skip
table(effects)

# %% tags=["hide-input"]
alike = np.corrcoef(np.stack([each.numpy() for each in measured["test"].values()]))
first, second = np.unravel_index(
    np.abs(alike - np.eye(len(measures))).argmax(), alike.shape
)
says_confirmed = [row["property"] for row in effects if row["confirmed"] == "yes"]
say(
    f"Confirmed: {enumerate_words(says_confirmed) or 'none of the four'}. McFadden's"
    " pseudo R² of all four together is"
    f" {regressions['test'].attrs['pseudo_r2']:.3f}, where 0 explains nothing and 1"
    " everything. The closest pair is"
    f" {list(measures)[first]} and {list(measures)[second]}, with a correlation of"
    f" {alike[first, second]:.2f}; such a pair shares its effect. And the regression"
    " sees straight lines only: harm at both ends shows in the figure, not in an odds"
    " ratio. Association is not cause."
)

# %% [markdown]
# (cifar10-two-versions)=
# ## Two versions
#
# Does a different seed make the same errors?

# %%
from tutorial_utils.training import replicas

ten = replicas.load_or_train(
    [config.but(seed=each) for each in range(num_seeds)], data, results.output_folder()
)
test_images, truth = datasets.standardise(data.test), data.test.labels
by_seed = {each.config.seed: predict(each.model, test_images) for each in ten}
wrong_by_seed = {each: given.labels != truth for each, given in by_seed.items()}
other = next(each for each in by_seed if each != config.seed)
change = compare_errors(collect_errors(truth, by_seed[other]), errors["test"])
mcnemar = comparisons.exact_mcnemar(~wrong_by_seed[other], ~wrong["test"])
gain = statistics.paired_difference(~wrong_by_seed[other], ~wrong["test"])
assert (len(change.new), len(change.fixed)) == mcnemar[:2]
del test_images

# %% tags=["hide-input"]
say(
    f"From the model of seed {other} to this one: {len(change.fixed):,} errors fixed,"
    f" {len(change.new):,} new, {len(change.kept):,} kept; accuracy changes by"
    f" {100 * gain.estimate:+.2f} points (95 % interval {100 * gain.low:+.2f} to"
    f" {100 * gain.high:+.2f}), McNemar's exact p-value {p_value(mcnemar.p_value)}: "
    + (
        "more than chance explains, for these two."
        if mcnemar.p_value < 0.05
        else "no more than chance explains."
    )
    + " "
    + (
        "Most errors are made by both models: they belong to the images and the method"
        " more than to the seed."
        if len(change.kept) > len(change.fixed) + len(change.new)
        else "Many errors depend on the run."
    )
)

# %% [markdown]
# (cifar10-stable-errors)=
# ### Errors that no seed avoids
#
# Two runs are few. How many of the models get each test image wrong? If errors fell on images at random, the counts would heap up around their mean.

# %%
votes = torch.stack(list(wrong_by_seed.values())).sum(dim=0)
shares = torch.bincount(votes, minlength=num_seeds + 1) / len(votes)
counts = [int(each.sum()) for each in wrong_by_seed.values()]
over_seeds = statistics.spread(counts)
at_random = binom.pmf(range(num_seeds + 1), num_seeds, over_seeds.mean / len(votes))
stable = int((votes[wrong["test"]] == num_seeds).sum())

# %% mystnb={"figure": {"caption": "Share of the test images that a given number of the models gets wrong, and what it would be if every model erred on images at random.", "name": "fig-cifar10-stable-errors"}, "image": {"alt": "Two curves against the number of models that are wrong: the measured one is high at both ends and low between, the dashed one for random errors is a single hump in the middle."}}
from tutorial_utils.plots.training import compare_curves

ax = compare_curves(
    {
        "measured": (range(num_seeds + 1), shares),
        "errors at random": (range(num_seeds + 1), at_random),
    },
    xlabel="models that get the image wrong",
    ylabel="share of test images",
)

# %% tags=["hide-input"]
say(
    f"Over {over_seeds.n} seeds the number of test errors has a mean of"
    f" {over_seeds.mean:,.0f} and a standard deviation of {over_seeds.deviation:.0f}"
    f" (from {over_seeds.low:,.0f} to {over_seeds.high:,.0f}); this model makes"
    f" {len(errors['test']):,}. Of these, {percent(stable / len(errors['test']), 1)}"
    f" are made by all {num_seeds} models (95 % interval"
    f" {interval(*statistics.wilson_interval(stable, len(errors['test'])), 1)}). At"
    f" random, {percent(at_random[-1], 1)} of the images would be wrong for all; in"
    f" fact {percent(shares[-1].item(), 1)} are.",
    "The seeds share most of their training images and all of the method, so this"
    " measures what a new seed cannot mend."
    + (" This model's own seed is one of them." if config.seed in by_seed else ""),
)

# %% [markdown]
# (cifar10-inevitable)=
# ## Is low accuracy inevitable?
#
# The source argues that it is: a class's score is a weighted sum of pixels, so each pixel speaks for or against the class in the same way wherever the object stands. That argument is sound, as far as it goes. How far does it go?
#
# **Two numbers cannot separate the classes.** Here are two channels of one pixel, for two classes:

# %% mystnb={"figure": {"caption": "Red against blue of the centre pixel, for 300 training images of each of two classes.", "name": "fig-cifar10-two-channels"}, "image": {"alt": "A scatter plot of two classes, marked by different shapes and colours, which overlap almost completely."}}
first, second = names.index("cat"), names.index("dog")
clouds = {
    names[label]: (
        train_part.images[train_part.labels == label][:300, :, 16, 16].float() / 255
    )
    for label in (first, second)
}
ax = draw.scatter(
    {name: (cloud[:, 0], cloud[:, 2]) for name, cloud in clouds.items()},
    xlabel="red",
    ylabel="blue",
)

# %% [markdown]
# They overlap, but that alone proves nothing: two of 3,072 numbers overlap, and 3,072 together might not. In fact few images in many dimensions can always be separated; what matters is *new* images.
#
# **Fewer classes.** How well does the model tell new images of two classes apart, and how does that change as classes are added? Five random subsets for each number of classes,
# eight epochs each, trained side by side. More classes also mean more images and more steps.


# %%
def only(part, labels, per_class):
    smallest = part.labels.bincount(minlength=len(names)).min().item()
    kept = [
        (part.labels == label).nonzero()[: min(per_class, smallest), 0]
        for label in labels
    ]
    return torch.cat(kept)


# %%
from tutorial_utils.reproducibility import make_generator


def train_side_by_side(draws):
    short = config.but(
        num_epochs=short_epochs, early_stopping_patience=short_epochs, device="cpu"
    )
    transform = datasets.training_transform(data.description)
    orders = [make_generator(config.seed, f"order {k}") for k in range(len(draws))]
    shown = torch.stack([only(train_part, each, 1_500) for each in draws])
    asked = torch.stack([only(held_out, each, 500) for each in draws])
    trained = replicas.train(
        [short] * len(draws),
        replicas.StackedBatches(train_part, shown, 100, orders, transform),
        replicas.StackedBatches(held_out, asked, 100, None, transform),
    )
    trained = replicas.require_trained(trained)
    return [each.history.records[-1].validation_accuracy for each in trained]


# %%
subsets = {}
for count in (2, 3, 5, 7, 10):
    draws = [
        torch.randperm(len(names), generator=make_generator(each, "subset"))[:count]
        for each in range(5 if count < len(names) else 1)
    ]
    subsets[count] = train_side_by_side(draws)

# %% mystnb={"figure": {"caption": "Validation accuracy on random subsets of 2 to 10 classes, trained on at most 1,500 images per class.", "name": "fig-cifar10-subsets"}, "image": {"alt": "Marks for the accuracy of each subset against the number of classes, and crosses for guessing; both fall as classes are added, and the marks of two classes spread widely."}}
ax = draw.scatter(
    {
        "softmax regression": (
            [count for count, values in subsets.items() for _ in values],
            [value for values in subsets.values() for value in values],
        ),
        "guessing": (list(subsets), [1 / count for count in subsets]),
    },
    xlabel="number of classes",
    ylabel="validation accuracy",
)

# %% tags=["hide-input"]
pair_low, pair_high = min(subsets[2]), max(subsets[2])
asked = 2 * len(only(held_out, [0], 500))
low, high = statistics.wilson_interval(round(pair_high * asked), asked)
say(
    f"With two classes accuracy lies between {percent(pair_low, 0)} and"
    f" {percent(pair_high, 0)}, depending on the pair (each measured on {asked:,}"
    f" images, so to about {50 * (high - low):.0f} points); with all ten it is"
    f" {percent(subsets[10][0], 0)}. "
    + (
        "Even two classes are not told apart reliably on new images. "
        if pair_low < 0.9
        else ""
    )
    + "This is no proof that they are inseparable: 3,000 training images in 3,072"
    " dimensions can almost always be separated by a plane. That plane need not hold"
    " for new images."
)

# %% [markdown]
# (cifar10-templates)=
# **The templates.** One set of weights per class, drawn as an image. As before only differences between classes mean anything, so the mean over classes is subtracted, and the range is scaled for display.

# %% mystnb={"figure": {"caption": "Weights of each class relative to the mean over classes, scaled to the range of an image.", "name": "fig-cifar10-templates"}, "image": {"alt": "Ten noisy colour patches, one per class: bluish ones for airplane and ship, greenish and brownish ones for animals, and a faint red car shape for automobile."}}
weights = (
    model.linear.weight.detach().cpu().view(len(names), *data.description.image_shape)
)
relative = weights - weights.mean(dim=0)
scaled = (0.5 + relative / (6 * relative.std())).clamp(0, 1)
axes = draw.image_grid(scaled.permute(0, 2, 3, 1), names)

# %% [markdown]
# There is one template for each class, and it must serve every pose and palette at once. A horse that faces left and one that faces right pull the same weights in different directions, and the template
# is a compromise.
#
# (cifar10-penalised-minimum)=
# **The minimum of the loss.** Perhaps training just stopped too early? The loss is convex, so its minimum can be sought by a method that uses curvature, L-BFGS. Without a penalty there may be no minimum to reach; below, that search is stopped at a limit.
# With an L2 penalty of strength $\lambda$, the objective
#
# $$
# J(W, b) = \frac{1}{n}\sum_i \ell_i + \frac{\lambda}{2}\lVert W \rVert^2
# $$
#
# has exactly one best $W$ (and biases up to a common constant). [](04_evaluation) let scikit-learn find it; here is how. The strength is chosen on validation images.
#
# One preparation helps the search: subtract the mean pixel from the inputs. The minimum stays the same, because the bias, which is not penalised, can absorb the shift.

# %%
inputs, labels = train_part.images.flatten(1).float().div_(255), train_part.labels
mean_pixel = inputs.mean(dim=0)
inputs -= mean_pixel
held_inputs = held_out.images.flatten(1).float().div_(255) - mean_pixel
shape = (len(names), data.description.num_features)


def unpack(packed):
    packed = torch.tensor(packed, dtype=torch.float32)
    return packed[: -len(names)].view(shape), packed[-len(names) :]


# %%
import torch.nn.functional as F


def objective(packed, strength):
    weight, bias = unpack(packed)
    log_p = torch.addmm(bias, inputs, weight.T).log_softmax(dim=1)
    loss = F.nll_loss(log_p, labels) + strength / 2 * weight.square().sum()
    error = log_p.exp_()
    error[torch.arange(len(labels)), labels] -= 1
    gradient = error.T @ inputs / len(labels) + strength * weight
    packed_gradient = torch.cat([gradient.flatten(), error.mean(dim=0)])
    return loss.double().item(), packed_gradient.double().numpy()


# %% [markdown]
# The gradient is the formula $(p - y)\,x^\top$, averaged, plus the penalty's share. Check it against autograd, then search until no entry of the gradient exceeds 0.0001.

# %%
start = np.zeros(shape[0] * shape[1] + shape[0])
probe = 0.01 * np.random.default_rng(config.seed).standard_normal(len(start))
weight, bias = unpack(probe)
weight.requires_grad_()
loss = F.cross_entropy(torch.addmm(bias, inputs, weight.T), labels)
(loss + 0.01 / 2 * weight.square().sum()).backward()
by_formula, _ = unpack(objective(probe, 0.01)[1])
torch.testing.assert_close(by_formula, weight.grad, rtol=1e-3, atol=1e-5)


# %%
def is_right(packed, inputs, labels):
    weight, bias = unpack(packed)
    return torch.addmm(bias, inputs, weight.T).argmax(dim=1) == labels


def held_accuracy(packed):
    return is_right(packed, held_inputs, held_out.labels).double().mean().item()


# %%
from scipy.optimize import minimize


def search(strength, steps):
    path = []
    found = minimize(
        objective, start, args=(strength,), jac=True, method="L-BFGS-B",
        callback=lambda packed: path.append(held_accuracy(packed)),
        options={"maxiter": steps, "maxfun": 2 * steps, "gtol": 1e-4, "ftol": 0, "maxcor": 20},
    )  # fmt: skip
    return found, path


STRENGTHS = (0.01, 0.003)
minima = {strength: search(strength, steps=solver_steps) for strength in STRENGTHS}
unpenalised, drift = search(0.0, steps=solver_steps)

# %%
minimum_rows = [
    {
        "penalty": f"{strength:g}",
        "steps": len(path),
        "ended": "converged" if found.success else "step limit",
        "objective": found.fun,
        "gradient (norm)": float(np.linalg.norm(found.jac)),
        "validation accuracy": held_accuracy(found.x),
    }
    for strength, (found, path) in {**minima, 0.0: (unpenalised, drift)}.items()
]
table(
    minimum_rows,
    {"objective": ".4f", "gradient (norm)": ".1e", "validation accuracy": ".2%"},
)

# %% mystnb={"figure": {"caption": "Validation accuracy along the search for the minimum, with each strength of the penalty and without one.", "name": "fig-cifar10-minimum"}, "image": {"alt": "Curves of validation accuracy against the number of L-BFGS steps: with a penalty they level off, without one the curve rises and then drifts down."}}
ax = compare_curves(
    {
        **{
            f"penalty {strength:g}": (range(1, len(path) + 1), path)
            for strength, (_, path) in minima.items()
        },
        "no penalty": (range(1, len(drift) + 1), drift),
    },
    xlabel="steps of L-BFGS",
    ylabel="validation accuracy",
    ylim=(0.3, 0.45),
)

# %%
chosen = max(STRENGTHS, key=lambda strength: held_accuracy(minima[strength][0].x))
solution = minima[chosen][0]
test_inputs = data.test.images.flatten(1).float().div_(255) - mean_pixel
minimum_right = is_right(solution.x, test_inputs, truth)
minimum_accuracy = minimum_right.double().mean().item()
minimum_bounds = statistics.wilson_interval(int(minimum_right.sum()), len(truth))
test_accuracy = 1 - len(errors["test"]) / len(data.test)
lead = statistics.paired_difference(~wrong["test"], minimum_right)
lead_p = comparisons.exact_mcnemar(~wrong["test"], minimum_right).p_value
inputs = held_inputs = test_inputs = None  # hundreds of megabytes, no longer needed

# %% tags=["hide-input"]
say(
    f"The best of these penalties on validation images is {chosen:g}; its"
    f" {'minimum' if solution.success else 'end point'} (gradient norm"
    f" {np.linalg.norm(solution.jac):.0e}) scores {percent(minimum_accuracy)} on the"
    f" test images (95 % interval {interval(*minimum_bounds)}), where gradient descent"
    f" scored {percent(test_accuracy)}. Without a"
    f" penalty, validation accuracy peaked at {percent(max(drift), 1)} and stood at"
    f" {percent(drift[-1], 1)} when the search was ended"
    + (
        ": fitting the training images ever better lowers accuracy on the others."
        if drift[-1] < max(drift)
        else "."
    ),
    f"On the same images the minimum leads by {100 * lead.estimate:+.2f} points (95 %"
    f" interval {100 * lead.low:+.2f} to {100 * lead.high:+.2f}, McNemar's exact"
    f" p-value {p_value(lead_p)}); another seed moves gradient descent by"
    f" {100 * over_seeds.deviation / len(truth):.2f} points (standard deviation). "
    + "Neither figure is a ceiling: the minimum of a loss is not the maximum of"
    " accuracy."
    + (
        " The chosen penalty is at the edge of those tried; one beyond it may do"
        " better."
        if chosen in (min(STRENGTHS), max(STRENGTHS))
        else ""
    ),
)

# %% [markdown]
# (cifar10-nonlinear)=
# **A model that is not linear.** A small convolutional network, with 10,000 training images and a few epochs:


# %%
from torch import nn


def small_network():
    torch.manual_seed(config.seed)
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * 8 * 8, 10),
    )  # fmt: skip


# %%
from tutorial_utils.training.batches import Batches


def train(model, part, epochs, size, rate, momentum=0.0):
    transform = datasets.training_transform(data.description)
    order = make_generator(config.seed, "order")
    optimiser = torch.optim.SGD(model.parameters(), lr=rate, momentum=momentum)
    batches = Batches(part.images, part.labels, size, order, transform)
    for _ in range(epochs):
        for images, labels in batches:
            optimiser.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimiser.step()
    held_images = datasets.standardise(held_out)
    return predict(model, held_images, batch_size=500).labels == held_out.labels


# %%
from tutorial_utils.training.models import make_model

pool = train_part.subset(torch.arange(min(10_000, len(train_part))))
network_right = train(
    small_network(), pool, epochs=short_epochs - 2, size=50, rate=0.02, momentum=0.9
)
linear_right = train(make_model(config).cpu(), pool, epochs=20, size=100, rate=0.009)
network_accuracy = network_right.double().mean().item()
network_bounds = statistics.wilson_interval(int(network_right.sum()), len(held_out))
ahead = statistics.paired_difference(linear_right, network_right)

# %% tags=["hide-input"]
say(
    f"On validation images the network reaches {percent(network_accuracy, 1)} (95 %"
    f" interval {interval(*network_bounds, 1)}), softmax regression on the same"
    f" {len(pool):,} training images"
    f" {percent(linear_right.double().mean().item(), 1)}, and on all"
    f" {len(train_part):,} of them"
    f" {percent(1 - len(errors['validation']) / len(held_out), 1)}. From the same"
    f" images, the network gets {100 * ahead.estimate:+.1f} points more (95 % interval"
    f" {100 * ahead.low:+.1f} to {100 * ahead.high:+.1f}). "
    + (
        "The data hold more than this linear model uses. No linear model on raw pixels"
        " tried here comes near the network; with other features one may."
        if ahead.low > 0
        else "Here the network does no better."
    )
)

# %% [markdown]
# (cifar10-errors-results)=
# ## What this chapter measured

# %% tags=["hide-input"]
path = results.write(
    "cifar10/05_error_analysis",
    parameters={**config.model_dump(), "num_seeds": num_seeds},
    metrics={
        "n_errors": len(errors["test"]),
        "n_errors_validation": len(errors["validation"]),
        "confusions": pairs["test"],
        "confirmed_hypotheses": sum(row["confirmed"] == "yes" for row in hypotheses),
        "label_candidates": len(candidates),
        "accuracy_if_labels_wrong": corrected,
        "versions": {"fixed": len(change.fixed), "new": len(change.new), "kept": len(change.kept)},
        "version_mcnemar_p": mcnemar.p_value,
        "version_difference": gain._asdict(),
        "errors_over_seeds": counts,
        "errors_seed_mean": over_seeds.mean,
        "errors_seed_deviation": over_seeds.deviation,
        "stable_error_share": stable / len(errors["test"]),
        "wrong_for_all_seeds": shares[-1],
        "quality_spread": spread,
        "error_regression": {
            name: {**found.to_dict("index"), **found.attrs} for name, found in regressions.items()
        },
        "confirmed_properties": says_confirmed,
        "subset_accuracies": subsets,
        "penalised_minimum": {"penalty": chosen, "test_accuracy": minimum_accuracy,
                              "low": minimum_bounds.low, "high": minimum_bounds.high,
                              "lead": lead._asdict(), "mcnemar_p": lead_p,
                              "gradient_norm": float(np.linalg.norm(solution.jac))},
        "unpenalised_path": {"peak": max(drift), "end": drift[-1]},
        "network_accuracy": network_accuracy,
        "network_lead": ahead._asdict(),
    },
    data_hash=data.fingerprint,
)  # fmt: skip

# %% [markdown]
# ## What you have learnt
#
# You can now
#
# * study errors when they are the rule, and tell stable ones from those of a single run;
# * say when a search for wrong labels is worth its candidates;
# * ask which properties of an image go with errors;
# * draw templates, and explain errors with them;
# * find the minimum of a penalised loss, and keep it apart from a ceiling of accuracy;
# * separate what the method cannot do from what training has not done.
#
# ## Exercises
#
# ### Exercise 1: mirrored images
#
# Classes that face either way are hard for a template. Mirror every test image: how many predictions change?

# %% tags=["hide-cell"]
# Solution: flip, predict, compare.
flipped = predict(model, datasets.standardise(data.test).flip(dims=(3,)))
changed = (flipped.labels != said["test"].labels).double().mean().item()
say(
    f"{percent(changed, 0)} of the predictions change, though nothing that matters has."
)

# %% [markdown]
# ### Exercise 2: grey photographs
#
# Replace each image by its grey version in all three channels, without training again. Which classes lose most recall? What does that say about the templates?

# %% tags=["hide-cell"]
# Solution: average the channels, repeat them, predict.
grey = datasets.standardise(data.test).mean(dim=1, keepdim=True).expand(-1, 3, -1, -1)
grey_recall = evaluate(data.test.labels, predict(model, grey)).recall
loss_of_recall = (1 - missed["test"]) - grey_recall
order = loss_of_recall.argsort()[::-1]
say(
    "The largest losses: "
    + enumerate_words(
        f"{names[k]} ({100 * loss_of_recall[k]:.0f} points)" for k in order[:3]
    )
    + ". These classes are recognised by colour."
)

# %% [markdown]
# ### Exercise 3: the easiest and the hardest pair
#
# Of all 45 pairs of classes, which is the easiest to tell apart, and which the hardest? Use the ten-class model's probabilities: for images of a pair, compare only those two.

# %% tags=["hide-cell"]
# Solution: restrict the argmax to two columns.
scores = {}
for i in range(len(names)):
    for j in range(i):
        both = (held_out.labels == i) | (held_out.labels == j)
        p = said["validation"].probabilities[both]
        scores[names[j], names[i]] = (
            ((p[:, i] > p[:, j]) == (held_out.labels[both] == i)).double().mean().item()
        )
easy, difficult = max(scores, key=scores.get), min(scores, key=scores.get)
say(
    f"Easiest: {' and '.join(easy)}, {percent(scores[easy], 0)}. Hardest:"
    f" {' and '.join(difficult)}, {percent(scores[difficult], 0)}."
)

# %% [markdown]
# ## Further reading
#
# * {cite:t}`dhalla2020` for the argument that started this chapter.
# * {cite:t}`krizhevsky2009` on what the images are.
