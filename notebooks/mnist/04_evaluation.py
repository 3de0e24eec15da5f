# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Evaluation on MNIST
#
# Your model is trained, and every choice is made. How many digits that it has never seen does it read correctly, and which does it mix
# up? And how often is a 5 read as a 3?
#
# *20 minutes to read, 40 with the exercises. **You need** [Training](03_training.ipynb). Next come
# [Probabilities](04b_probabilities.ipynb), [Comparing models](04c_comparing_models.ipynb) and [Error analysis](05_error_analysis.ipynb).*
#
# After this chapter you can
#
# * say how sure an accuracy is, and what neighbours do to that;
# * read a confusion matrix, and find precision, recall and F1 in it by hand;
# * spot a number that flatters, and read ROC and precision-recall curves.

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
num_epochs: int = 30  # passes over the training images, 1 or more
batch_size: int = 64  # images per update, 1 to 54,000
learning_rate: float = 0.01  # step length of the first epoch, above 0
momentum: float = 0.9  # share of the last step kept in the next, 0 to below 1
weight_decay: float = 0.0  # strength of the L2 penalty, 0 or more
learning_rate_decay: float = 0.1  # factor at each decay, above 0 to 1
learning_rate_step: int = 10  # epochs between two decays, 1 or more
validation_split: float = 0.1  # share of images held out, between 0 and 1
early_stopping_patience: int = 30  # epochs without improvement, 1 or more

# %% tags=["hide-input"]
# @title Check the settings: a wrong one stops the notebook here, and says why
import torch

from tutorial_utils.plots.style import use_book_style
from tutorial_utils.training.config import TrainingConfig

config = TrainingConfig(
    dataset=dataset,
    seed=seed,
    device=device,
    num_epochs=num_epochs,
    batch_size=batch_size,
    learning_rate=learning_rate,
    momentum=momentum,
    weight_decay=weight_decay,
    learning_rate_decay=learning_rate_decay,
    learning_rate_step=learning_rate_step,
    validation_split=validation_split,
    early_stopping_patience=early_stopping_patience,
)
torch.set_num_threads(1)  # a second one would mostly wait for the first
use_book_style()

# %% [markdown]
# ## The test set, opened again
#
# On [the first page](../start/01_read_digits.ipynb) the 10,000 test images judged a model of five epochs. Here they judge that of
# [Training](03_training.ipynb), so the numbers differ. You choose nothing by them, neither then nor now.

# %%
from tutorial_utils.data import datasets
from tutorial_utils.evaluation.predictions import predict
from tutorial_utils.report import results
from tutorial_utils.training.trainer import load_or_fit

data = datasets.load(dataset)
model, _ = load_or_fit(config, data, results.output_folder())
test_images, truth = datasets.standardise(data.test), data.test.labels
predictions = predict(model, test_images)  # labels and probabilities
hits = predictions.labels == truth
n, accuracy = len(hits), hits.double().mean().item()
int(hits.sum()), accuracy

# %% [markdown]
# So many of the 10,000 are read correctly. The share is the **accuracy**. Numbers need pictures beside them, so look at some.

# %% tags=["hide-input"]
# @title Figure: twenty-five test images, drawn at random
from tutorial_utils.lessons.show import show
from tutorial_utils.plots import evaluation as plots
from tutorial_utils.reproducibility import make_generator

draw = make_generator(seed, "prediction grid")
chosen = torch.randperm(n, generator=draw)[:25]
answers = predictions.labels[chosen].tolist()
sure = predictions.confidence[chosen].tolist()
pictures = data.test.images[chosen, 0]
show(
    plots.prediction_grid(pictures, truth[chosen].tolist(), answers, sure),
    caption="Twenty-five random test images: answer, its probability, truth.",
    alt="A five by five grid of handwritten digits, each under its answer; the"
    " few that are misread carry a cross and a thick dashed frame.",
    name="fig-mnist-predictions",
)

# %% [markdown]
# The per cents are the probabilities that the model gives to its answers. Whether they mean what they say is the question of
# [Probabilities](04b_probabilities.ipynb).
#
# ## How sure is that?
#
# Other 10,000 digits would have given another accuracy. If images are drawn independently of each other, you know how far apart such
# accuracies lie, because each image is then a coin that falls on *read correctly* with probability $p$. **Wilson's interval**
# ([Wilson, 1927](https://doi.org/10.1080/01621459.1927.10502953)) holds the true $p$ for 95 in 100 such test sets.
# With $\hat p$ for the share read correctly, and $z = 1.96$, it is
#
# $$
# \frac{\hat p + \frac{z^2}{2n} \pm z\sqrt{\frac{\hat p(1-\hat p)}{n} + \frac{z^2}{4n^2}}}{1 + \frac{z^2}{n}}.
# $$

# %%
p, z = accuracy, 1.96
centre = p + z**2 / (2 * n)
reach = z * (p * (1 - p) / n + z**2 / (4 * n**2)) ** 0.5
wilson = [(centre + sign * reach) / (1 + z**2 / n) for sign in (-1, 1)]
wilson

# %% [markdown]
# About half a percentage point to each side. With a hundred images in place of ten thousand, how wide would it be?

# %% tags=["hide-input"]
# @title Figure: the interval and the number of images
from tutorial_utils.lessons import live

live.show("sample_size", accuracy=accuracy)

# %% [markdown]
# A hundred times the images, a tenth of the width: the interval shrinks with $\sqrt n$. (The right panel and the last control ask how small a difference between *two* models
# such a test shows. That is for [Comparing models](04c_comparing_models.ipynb).)
#
# ## Neighbours go together
#
# Are these images independent draws? Each writer gave many digits, and they stand together in the test set
# ([Yadav and Bottou, 2019](https://arxiv.org/abs/1905.10498)). A careless hand makes a run of hard images, a neat one a run of easy ones.
# Besides, the two halves of the test set come from two collections ([LeCun et al., 1998](https://doi.org/10.1109/5.726791)). Cut it into blocks of
# 100 neighbours, and look at the accuracy of each.

# %%
blocks = hits.double().view(2, -1, 100).mean(dim=2)  # (halves, blocks)
by_chance = p * (1 - p) / 100  # variance, were images independent
design_effect = blocks.var(dim=1).mean().item() / by_chance

# %% tags=["hide-input"]
# @title Figure: accuracy in blocks of neighbours
from tutorial_utils.plots.data import scatter

place = torch.arange(blocks.numel()).view(2, -1)
series = {"first half": (place[0], blocks[0])}
series["second half"] = place[1], blocks[1]
ax = scatter(series, xlabel="block of 100 test images", ylabel="accuracy")
reach = z * by_chance**0.5
ax.axhspan(p - reach, min(p + reach, 1), color="grey", alpha=0.2)
ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
show(
    ax,
    caption="Blocks of 100 test images; chance alone keeps 95 % in the band.",
    alt="Points of two kinds. Those of the first half lie lower; many of the"
    " second lie above a grey band, some of either below it.",
    name="fig-mnist-blocks",
)

# %% [markdown]
# The first half is the harder one, and within each half blocks differ more than chance allows. The **design effect** says how much: their variance, as
# a multiple of what independent images would give. Neighbouring *blocks* go together, too, since a writer may stand on both sides of an edge
# ([White and Domowitz, 1984](https://doi.org/10.2307/1911465)). An interval that counts each block as one
# observation ([Cameron and Miller, 2015](https://doi.org/10.3368/jhr.50.2.317)) knows both.

# %%
import pandas as pd

from tutorial_utils.evaluation.dependence import block_interval

by_blocks = block_interval(hits, length=100, strata=2)
ends = {"independent": wilson, "by blocks": (by_blocks.low, by_blocks.high)}
intervals = pd.DataFrame(ends, ["low", "high"]).T
intervals["width"] = intervals.high - intervals.low
design_effect, by_blocks.design_effect, intervals.round(4)

# %% [markdown]
# Within blocks the variance is about twice that of independent images. With neighbouring blocks, the second number, it is more than three times. The width of an
# interval goes with the root of that, so the honest one is about twice as wide as Wilson's: other writers would move the accuracy by about a percentage point to each side. From here on it is the one to quote. (Other seeds would move it, too: see
# [Comparing models](04c_comparing_models.ipynb#Another-seed,-another-model).)
#
# ## Compared with what?
#
# An accuracy alone means little. Two simple rules answer the same images: always say the **majority class**, the most common training digit; or
# say the **nearest centroid**, the digit whose average image is closest. Guessing would be right once in ten.

# %%
from sklearn.neighbors import NearestCentroid

seen, _ = datasets.split(data.train, validation_split, seed)
pixels = datasets.standardise(seen).flatten(1).numpy()
centroids = NearestCentroid().fit(pixels, seen.labels.numpy())
read = torch.from_numpy(centroids.predict(test_images.flatten(1).numpy()))
rules = {"this model": hits, "nearest centroid": read == truth}
rules["majority class"] = truth == seen.labels.mode().values
baselines = {k: block_interval(v, strata=2)[:3] for k, v in rules.items()}
pd.DataFrame(baselines, ["accuracy", "low", "high"]).T.round(4)

# %% [markdown]
# Comparing average images already reads four in five. Training adds another ten points.
#
# ## Which digits does it mix up?
#
# One number hides that. Your 5, read as a 3: is it the only one?

# %% tags=["remove-input"]
# @title Predict
from tutorial_utils.lessons import questions

as_three = int(((truth == 5) & (predictions.labels == 3)).sum())
fives = int((truth == 5).sum())
options = [2, 12, 36, 120]
nearest = min(options, key=lambda each: abs(each - as_three))
questions.ask(
    [
        questions.predict(
            f"Of the {fives} fives among the test images, about how many are"
            " read as a 3?",
            options,
            correct=nearest,
            because=f"it is {as_three}.",
            sure=True,
        )
    ]
)

# %% [markdown]
# The **confusion matrix** counts, for every true digit (row), what the model said (column):

# %%
matrix = torch.zeros(10, 10, dtype=torch.int64)
for true, read in zip(truth, predictions.labels, strict=True):
    matrix[true, read] += 1

# %% tags=["hide-input"]
# @title Figure: the confusion matrix, and how to read it
class_names = data.description.class_names
of_row = f"row: all {matrix[5].sum()} images of a 5"
of_column = f"column: all {matrix[:, 5].sum()} images read as a 5"
framed = 5, of_row, of_column
show(
    plots.confusion_matrix(matrix.numpy(), class_names, framed=framed),
    caption="Confusion matrix of the test images. What is right stands on the"
    " diagonal, in bold; the shade counts mistakes alone.",
    alt="A ten by ten grid of counts. A solid blue frame marks the row of 5, a"
    " dashed red one its column. They cross on the diagonal.",
    name="fig-mnist-confusion",
)

# %% [markdown]
# Read along the **row** of the 5: here are all images of a 5, each under what it was taken for. Most stand where the frames cross. Of the others, most stand under 3 and 8.
#
# Now down the **column** of the 5: all images that the model *called* a 5, each beside what it really is. Again 3 and 8 stand out.
#
# Mistakes of a row are fives that were missed. Mistakes of a column are other digits that were called 5 by mistake. These are the most common mistakes of all, as (true, said, how often):

# %%
from tutorial_utils.evaluation import metrics

confused = metrics.most_common_confusions(matrix.numpy())
confused[:6]

# %% [markdown]
# Yours, (5, 3), is one of them. (The first page's model had a count of its own.)
#
# ## Three questions about one digit
#
# **Recall**: of all fives, which share is found? Go along the row.

# %%
found = matrix[5, 5]
recall = found / matrix[5].sum()
recall

# %% [markdown]
# **Precision**: of all images called a 5, which share is one? Go down the column.

# %%
precision = found / matrix[:, 5].sum()
precision

# %% [markdown]
# Either is easy to raise alone. Call everything a 5, and you find them all, but nine in ten of those you call a 5 are no fives. **F1** is high only if both are. It is their harmonic mean:

# %%
f1 = 2 * precision * recall / (precision + recall)
f1

# %% [markdown]
# ## Which digits are hard, and why?
#
# All three, for all digits. Recall and precision are shares of images and have Wilson intervals. For F1 the images are drawn again, with replacement, two thousand
# times. That is a **bootstrap**. (All take images as independent, so they are too narrow; by how much is not measured here.)

# %% tags=["hide-input"]
# @title Figure: precision, recall and F1 of each digit
test = metrics.evaluate(truth, predictions)
report = metrics.per_class_report(test, class_names)
show(
    plots.per_class_bars(report),
    caption="Precision, recall and F1 of every digit, with 95 % intervals.",
    alt="Three bar charts with error bars, a bar for each digit. Those of 0, 1"
    " and 6 are tall, that of 8 low; that of 5 is lowest for recall.",
    name="fig-mnist-per-class",
)

# %% [markdown]
# By F1, 0, 1 and 6 are the easiest, 5 and 8 the hardest. The 5 has the lowest recall.
#
# Why? The model compares each image with one set of weights per digit. Two digits that ink the same pixels are hard to tell apart by a
# weighted sum. Take the average image of each digit. How alike is it to the average 5, and how often is a 5 taken for that digit?

# %%
from tutorial_utils.data.exploration import class_means

averages = class_means(data.train).flatten(1)
alike = torch.corrcoef(averages)[5]
rows = {"likeness to the 5": alike, "fives read so": matrix[5]}
pd.DataFrame(rows).round(2)

# %% [markdown]
# The two digits whose averages are most like the 5 are the two that a 5 is most often taken for, 3 and 8. That is half the answer to why it reads your 5 as a 3.
# (Most digits obey this rule, not all. A 6 is read as a 5 more often than as a 2 or a 4, and these are more like it on average.)
#
# ## A number that flatters
#
# Reports often list an accuracy *per class*. For the 5 it asks of each image, "a 5 or not?", and counts both kinds of right answer. **Predict first:** how would a rule score that
# never says 5?

# %%
one_vs_rest = metrics.one_vs_rest_accuracy(matrix.numpy())
never = 1 - (matrix.sum(dim=1) / n).numpy()
shares = {"never says it": never, "one-vs-rest accuracy": one_vs_rest}
pd.DataFrame(shares | {"recall": test.recall}).round(3)

# %% [markdown]
# Nine in ten images are of other digits, and never saying 5 is right on all of those. So **one-vs-rest accuracy** makes all digits look alike, and excellent. Recall shows
# the difference. (The tutorial of The Research Scientist Pod prints it: see [its claims, measured](../claims/01c_mnist_evaluation.ipynb).)
#
# ## Moving the threshold
#
# So far the model gave one answer per image. Now ask for the 5 alone: call every image a 5 to which the model gives at least a probability $t$ of being one. **Predict
# first:** when $t$ rises, what happens to recall, and what to precision?

# %%
score, is_five = predictions.probabilities[:, 5], truth == 5


def at(threshold):
    called = score >= threshold
    right = (called & is_five).sum().item()
    rate = (called & ~is_five).sum().item() / (~is_five).sum().item()
    return rate, right / is_five.sum().item(), right / called.sum().item()


columns = "false positive rate", "recall", "precision"
thresholds = {t: at(t) for t in (0.1, 0.5, 0.9)}
pd.DataFrame(thresholds, columns).T.round(4)

# %% [markdown]
# A stricter threshold finds fewer fives, and what it calls a 5 is one more often. The **false positive rate** is the share of *other* digits called a 5. Let the threshold take all values,
# and draw a point for each. With the false positive rate to the right and recall upwards, the points form the **ROC curve** ([Fawcett, 2006](https://doi.org/10.1016/j.patrec.2005.10.010)); with recall
# to the right and precision upwards, the **precision-recall curve** ([Davis and Goadrich, 2006](https://doi.org/10.1145/1143844.1143874)).
#
# The histograms use *log odds*, $\ln \frac{p}{1-p}$, in place of the probability $p$: 0 is one half. And the axis of the false positive rate is logarithmic, so that small rates can be told apart.

# %% tags=["hide-input"]
# @title Figure: a threshold on the probability of a 5
curves = metrics.roc_curves, metrics.precision_recall_curves
roc, pr = (make(truth, predictions) for make in curves)
live.show(
    "threshold",
    probabilities=predictions.probabilities,
    labels=truth,
    images=data.test.images,
    digit=5,
)

# %% [markdown]
# The area under the ROC curve, **AUC**, has a plain meaning. Take a 5 and another digit at random: how probable is it that the 5 has the higher score? You can ask all pairs:

# %%
wins = score[is_five][:, None] > score[~is_five]  # (fives, others)
wins.double().mean().item(), pr[5].area

# %% [markdown]
# The first number sounds nearly perfect. But a false positive rate of 1 % is 1 % of nine thousand images: one false alarm for every ten fives. AUC does not see how many
# others there are. Precision does. The second number is the area under the precision-recall curve, **average precision** (AP).

# %% [markdown]
# ## What these numbers do not say
#
# * **Wrong labels.** About fifteen of the 10,000 test labels are known to be wrong, and that is a lower bound ([Northcutt et al., 2021](https://arxiv.org/abs/2103.14749)).
#   That is far below this model's errors. [Error analysis](05_error_analysis.ipynb) looks for candidates.
# * **Other digits.** On freshly rebuilt test digits accuracy falls somewhat ([Yadav and Bottou, 2019](https://arxiv.org/abs/1905.10498)). No interval here covers other scanners or countries.
# * **Reuse.** Thousands of studies have looked at these test images. You opened them for two models, and chose nothing by them.
#
# So how often does it read a 5 as a 3? You counted: it is one of its most common mistakes. Is it sure when it does so? That is next.

# %% tags=["remove-input"]
# @title Guards of the sentences above
from tutorial_utils.lessons.expect import expect

reach = (wilson[1] - wilson[0]) / 2
expect("about half a point to each side", reach, between=(0.004, 0.006))
halves = 1 - blocks.mean(dim=1)
expect("the first half is harder", halves[0] / halves[1], above=1.3)
expect("twice the variance in blocks", design_effect, between=(1.7, 2.7))
full = by_blocks.design_effect
expect("more than three times with neighbours", full, between=(3, 4.6))
ratio = intervals.width["by blocks"] / intervals.width["independent"]
expect("the honest interval is twice as wide", ratio, between=(1.6, 2.4))
gained = accuracy - baselines["nearest centroid"][0]
expect("training adds ten points", gained, between=(0.08, 0.13))
both = alike, matrix[5], matrix[:, 5]
both = [sorted(each.argsort()[-3:].tolist()) for each in both]
expect("3 and 8 stand out, and look like a 5", both, equals=[[3, 5, 8]] * 3)
six = 1.5 * matrix[6, [2, 4]].max()
expect("a 6 is read as a 5 more than as 2 or 4", matrix[6, 5], above=six)
off = matrix - matrix.diagonal().diag()
rank = (off > off[5, 3]).sum()
expect("5 as 3 is among the most common mistakes", rank, below=6)
order = report.f1.argsort().tolist()
expect("5 and 8 are the hardest", sorted(order[:2]), equals=[5, 8])
expect("0, 1 and 6 are the easiest", sorted(order[7:]), equals=[0, 1, 6])
expect("the 5 has the lowest recall", test.recall.argmin(), equals=5)
expect("never saying a digit scores nine in ten", never.min(), above=0.88)
gaps = [each.max() - each.min() for each in (one_vs_rest, test.recall)]
expect("recall shows the difference", gaps[1] / gaps[0], above=3)
gains = pd.DataFrame(thresholds, columns).T["precision"].diff().dropna()
expect("what it calls a 5 is one more often", gains.min(), above=0.02)

# %% [markdown]
# ## Exercises
#
# ### Exercise 1 ★ With a pencil
#
# How many independent test images would bring Wilson's interval to a tenth of a percentage point to each side, at an accuracy of 92.5 %? Ignore the terms
# with $z^2/n$, and take $z = 1.96$.

# %%
from tutorial_utils.lessons import checks

your_n = ...
hint = "solve z * sqrt(p (1 - p) / n) = 0.001 for n"
needed = z**2 * 0.925 * 0.075 / 0.001**2
checks.answer(your_n, needed, tolerance=5_000, hint=hint)

# %% tags=["hide-cell"]
# @title Solution
# n = z^2 p (1 - p) / 0.001^2, over a quarter of a million: 25 times as many
# as for half a point.
needed

# %% [markdown]
# ### Exercise 2 ★★ Predict, then run
#
# Average recall over the ten digits: that is *macro* recall. Or pool all digits first, found over all images: *micro* recall. One of the two is a number that you know already.
# Say which before you run, then give it.

# %%
macro = (matrix.diagonal() / matrix.sum(dim=1)).mean()
micro = matrix.diagonal().sum() / matrix.sum()
your_choice = ...  # macro or micro
checks.answer(your_choice, accuracy, tolerance=1e-6, hint="count images")

# %% tags=["hide-cell"]
# @title Solution
# Micro recall is the accuracy. Macro gives the rarer digits as much say.
macro, micro

# %% [markdown]
# ### Exercise 3 ★★★ F1 of all digits at once
#
# `your_f1` takes a confusion matrix and returns one F1 per class, without a loop. Show on paper first that the harmonic mean is
# $2\,TP / (2\,TP + FP + FN)$: found twice, over found twice plus both kinds of mistake. The starter returns recall.


# %%
def your_f1(matrix):
    return matrix.diagonal() / matrix.sum(axis=1)


# %%
from tutorial_utils.evaluation import statistics

counts = matrix.numpy()
checks.function(your_f1, statistics.f1_from_confusion, [(counts,)])


# %% tags=["hide-cell"]
# @title Solution
# A row has TP + FN images, a column TP + FP.
def my_f1(matrix):
    true_and_called = matrix.sum(axis=1) + matrix.sum(axis=0)
    return 2 * matrix.diagonal() / true_and_called


checks.function(my_f1, statistics.f1_from_confusion, [(counts,)])

# %% [markdown]
# ## Five questions

# %% tags=["remove-input"]
# @title Five questions
points = 100 * (intervals.high - intervals.low) / 2
questions.ask(
    [
        questions.choice(
            "You quote this model's accuracy. Which range do you give?",
            {
                f"{points.iloc[0]:.1f} points to each side": "That takes"
                " neighbours as independent.",
                f"{points.iloc[1]:.1f} points to each side": "",
                "none, all 10,000 were counted": "Others would differ.",
            },
            correct=f"{points.iloc[1]:.1f} points to each side",
            because="one writer's digits stand together.",
            sure=True,
        ),
        questions.number(
            "Of 40 images called a 7, 30 are. There are 60 sevens. Recall?",
            answer=30 / 60,
            tolerance=0.005,
            because="30 of 60 sevens are found; 30 of 40 is the precision.",
        ),
        questions.choice(
            "Where do you see what fives are taken for?",
            {
                "in the row of the 5": "",
                "in the column of the 5": "There you see what is called a 5.",
                "on the diagonal": "There stands what is right.",
            },
            correct="in the row of the 5",
            because="a row holds all images of one true digit.",
        ),
        questions.choice(
            "A report says 98 % for the 5, one-vs-rest. What do you ask?",
            {
                "what never saying 5 would score": "",
                "how many epochs": "That does not change the yardstick.",
                "nothing, that is excellent": "Never saying 5 scores"
                f" {100 * never[5]:.0f} %.",
            },
            correct="what never saying 5 would score",
            because=f"it is {100 * never[5]:.0f} %.",
        ),
        questions.choice(
            "You raise the threshold for calling an image a 5. Recall",
            {
                "rises": "Fewer images are called a 5.",
                "falls, or stays": "",
                "may do either": "No new 5 can be found by calling fewer.",
            },
            correct="falls, or stays",
            because="what is called a 5 at a high threshold is at a low one.",
        ),
    ]
)

# %% [markdown]
# ## Further reading
#
# * [Raschka (2018)](https://arxiv.org/abs/1811.12808) on evaluating models.
# * [Yadav and Bottou (2019)](https://arxiv.org/abs/1905.10498), who rebuilt 50,000 lost test digits.
#
# Next: [Probabilities](04b_probabilities.ipynb). When the model says 90 %, is it right nine times in ten?

# %% tags=["remove-cell"]
# @title The results file
metrics_of_page = {
    **test.metrics(),
    "test_accuracy_low": by_blocks.low,  # in place of Wilson's
    "test_accuracy_high": by_blocks.high,
    "test_accuracy_wilson": test.accuracy_interval,
    "design_effect": design_effect,
    "baselines": baselines,
    "one_vs_rest_accuracy": one_vs_rest,
    "auc": [curve.area for curve in roc],
    "average_precision": [curve.area for curve in pr],
}
path = results.write(
    "mnist/04_evaluation",
    parameters=config.model_dump(),
    metrics=metrics_of_page,
    data_hash=data.fingerprint,
)

# %% tags=["remove-cell"]
# @title What the live page compares its own probabilities with
from tutorial_utils.report import page_data

first = {"images": data.test.images[:100]}
first["labels"] = data.test.labels[:100].byte()
first["probabilities"] = predictions.probabilities[:100]
path = page_data.write("mnist_test_images", first)
