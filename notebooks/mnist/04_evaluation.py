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
initialisation: str = "xavier_uniform"  # weights, "xavier_uniform" or "default"
num_epochs: int = 30  # passes over the training images, 1 or more
batch_size: int = 64  # images per update, 1 to 54,000
learning_rate: float = 0.01  # step length of the first epoch, above 0
momentum: float = 0.9  # share of the last step kept in the next, 0 to below 1
weight_decay: float = 0.0  # strength of the L2 penalty, 0 or more
learning_rate_decay: float = 0.1  # factor at each decay, above 0 to 1
learning_rate_step: int = 10  # epochs between two decays, 1 or more
validation_split: float = 0.1  # share of images held out, between 0 and 1
early_stopping_patience: int = 30  # epochs without improvement, 1 or more
divergence_bound: float = 1e4  # batch loss that ends training, above 2.303
log_interval: int = 100  # batches between two updates of the bar, 1 or more

# %% tags=["hide-input"]
# @title Check the settings: a wrong one stops the notebook here, and says why
import torch

from tutorial_utils.plots.style import use_book_style
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
torch.set_num_threads(1)  # a second one would mostly wait for the first
use_book_style()

# %% [markdown]
# ## The test set, opened once
#
# The 10,000 test images have waited for this. You choose nothing by them, neither here nor later. You only find out.

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
accuracy = hits.double().mean().item()
int(hits.sum()), accuracy

# %% [markdown]
# So many of the 10,000 are read correctly. The share is the **accuracy**. Numbers need pictures beside them, so look at some.

# %% tags=["hide-input"]
# @title Figure: twenty-five test images, drawn at random
from tutorial_utils.lessons.show import show
from tutorial_utils.plots import evaluation as plots
from tutorial_utils.reproducibility import make_generator

class_names = data.description.class_names
draw = make_generator(seed, "prediction grid")
chosen = torch.randperm(len(truth), generator=draw)[:25]
show(
    plots.prediction_grid(
        data.test.images[chosen, 0],
        [class_names[label] for label in truth[chosen]],
        [class_names[label] for label in predictions.labels[chosen]],
        predictions.confidence[chosen].tolist(),
    ),
    caption="Twenty-five random test images: prediction, its probability, and"
    " truth. A cross and a thick dashed frame mark what is misread.",
    alt="A five by five grid of handwritten digits. Above each stands the"
    " predicted digit, its probability in per cent and the true digit; the few"
    " that are misread carry a cross and a thick dashed frame.",
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
# ([Wilson, 1927](https://doi.org/10.1080/01621459.1927.10502953)) holds the true $p$ for 95 in 100 such test sets:
#
# $$
# \frac{\hat p + \frac{z^2}{2n} \pm z\sqrt{\frac{\hat p(1-\hat p)}{n} + \frac{z^2}{4n^2}}}{1 + \frac{z^2}{n}},
# \qquad \hat p = \text{share read correctly},\ z = 1.96.
# $$

# %%
n, p, z = len(truth), accuracy, 1.96
centre = p + z**2 / (2 * n)
reach = z * (p * (1 - p) / n + z**2 / (4 * n**2)) ** 0.5
wilson = [(centre + sign * reach) / (1 + z**2 / n) for sign in (-1, 1)]
wilson

# %% [markdown]
# About half a percentage point to each side. **Predict first:** with a hundred images in place of ten thousand, how wide would it be?

# %% tags=["hide-input"]
# @title Figure: the interval and the number of images
from tutorial_utils.evaluation import statistics

sizes = 10, 100, 1_000, 10_000, 100_000
rows = {}
for size in sizes:
    right = round(p * size)
    bounds = statistics.wilson_interval(right, size)
    rows[f"{size:,} images"] = right / size, *bounds
show(
    plots.intervals(rows, xlabel="accuracy"),
    caption="Wilson's interval of about the same accuracy, by the number of test"
    " images.",
    alt="Five horizontal lines below each other. With ten images the line is"
    " over thirty points wide; each step to ten times as many makes it about a"
    " third as wide.",
)

# %% [markdown]
# A hundred times the images for a tenth of the width: the interval shrinks with $\sqrt n$.
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

count = blocks.shape[1]
first = range(count), blocks[0]
second = range(count, 2 * count), blocks[1]
halves = {"first half": first, "second half": second}
ax = scatter(halves, xlabel="block of 100 test images", ylabel="accuracy")
band = p - z * by_chance**0.5, min(p + z * by_chance**0.5, 1)
ax.axhspan(*band, color="grey", alpha=0.2, zorder=0, label="chance")
ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
show(
    ax,
    caption="Accuracy in blocks of 100 neighbouring test images, in the order of"
    " the test set. Were images independent, 95 of 100 blocks would lie in the"
    " grey band.",
    alt="Points against the position of the block, with different marks for the"
    " two halves. Those of the first half lie lower on average. Many marks of"
    " the second half lie above a grey band, some of either half below it.",
    name="fig-mnist-blocks",
)

# %% [markdown]
# The first half is the harder one, and within each half blocks differ more than chance allows. The **design effect** says how much: their variance, as
# a multiple of what independent images would give. Neighbouring *blocks* go together a little, too, since a writer may stand on both sides of an edge
# ([White and Domowitz, 1984](https://doi.org/10.2307/1911465)). An interval that counts each block as one
# observation ([Cameron and Miller, 2015](https://doi.org/10.3368/jhr.50.2.317)) knows both.

# %%
import pandas as pd

from tutorial_utils.evaluation.dependence import block_interval

by_blocks = block_interval(hits, length=100, strata=2)
ends = {"independent": wilson, "by blocks": by_blocks[1:3]}
intervals = pd.DataFrame(ends, ["low", "high"]).T
intervals["width"] = intervals.high - intervals.low
design_effect, intervals.round(4)

# %% [markdown]
# With a design effect of two, ten thousand images tell as much as five thousand independent ones. The honest interval is about twice as
# wide as Wilson's: other writers would move the accuracy by about a percentage point to each side. From here on it is the one to quote. (Other seeds would move it, too: see
# [Comparing models](04c_comparing_models.ipynb#Another-seed,-another-model).)
#
# ## Compared with what?
#
# An accuracy alone means little. Two simple rules answer the same images: the **majority class** always says the most common training digit, the **nearest centroid** says
# the digit whose average image is closest. Guessing would be right once in ten.

# %%
from sklearn.dummy import DummyClassifier
from sklearn.neighbors import NearestCentroid

fitting, _ = datasets.split(data.train, validation_split, seed)
seen = datasets.standardise(fitting).flatten(1).numpy()
answers = {"this model": predictions.labels.numpy()}
for rule in (NearestCentroid(), DummyClassifier()):
    rule.fit(seen, fitting.labels.numpy())
    new = test_images.flatten(1).numpy()
    answers[type(rule).__name__] = rule.predict(new)
baselines = {
    name: block_interval(said == truth.numpy(), strata=2)[:3]
    for name, said in answers.items()
}
names = ["accuracy", "low", "high"]
pd.DataFrame(baselines, names).T.round(4)

# %% [markdown]
# Comparing average images already reads four in five. What training adds is the last ten points.
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
for true, said in zip(truth, predictions.labels, strict=True):
    matrix[true, said] += 1

# %% tags=["hide-input"]
# @title Figure: the confusion matrix, and how to read it
row, column = matrix[5].sum(), matrix[:, 5].sum()
ax = plots.confusion_matrix(matrix.numpy(), class_names)
show(
    plots.frame_class(
        ax,
        5,
        f"row: all {row} images of a 5",
        f"column: all {column} images read as a 5",
    ),
    caption="Confusion matrix of the test images. What is right stands on the"
    " diagonal, in bold; the shade counts mistakes alone.",
    alt="A ten by ten grid of counts, rows for the true digit and columns for"
    " the predicted one. A solid blue frame marks the row of 5, a dashed red"
    " one its column. They cross on the diagonal.",
    name="fig-mnist-confusion",
)

# %% [markdown]
# Read along the **row** of the 5: here are all images of a 5, each under what it was taken for. Most stand where the frames cross. Of the others, more stand under 3 than under
# any other digit.
#
# Now down the **column** of the 5: all images that the model *called* a 5, each beside what it really is. Here the 3 comes first, with the 8 close behind.
#
# Mistakes of a row are fives that were missed. Mistakes of a column are other digits that were called 5 by mistake. These are the most common mistakes of all, as (true, said, how often):

# %%
from tutorial_utils.evaluation import metrics

confused = metrics.most_common_confusions(matrix.numpy())
confused[:6]

# %% [markdown]
# Yours is in good company.
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
# Either is easy to raise alone. Call everything a 5, and you find them all, but nine in ten of those you call a 5 are none. **F1** is high only if both are. It is their harmonic mean:

# %%
f1 = 2 * precision * recall / (precision + recall)
f1

# %% [markdown]
# ## Which digits are hard, and why?
#
# All three, for all digits. Recall and precision are shares of images and have Wilson intervals. For F1 the images are drawn again, with replacement, two thousand
# times. That is a **bootstrap**. (All take images as independent, so they are somewhat too narrow.)

# %% tags=["hide-input"]
# @title Figure: precision, recall and F1 of each digit
test = metrics.evaluate(truth, predictions)
report = metrics.per_class_report(test, class_names)
show(
    plots.per_class_bars(report),
    caption="Precision, recall and F1 of every digit with 95 % intervals. The axis"
    " does not start at zero.",
    alt="Three bar charts, one bar per digit with an error bar. In all three the"
    " bars of 0, 1 and 6 are among the tallest and that of 8 among the lowest;"
    " that of 5 is the lowest for recall.",
    name="fig-mnist-per-class",
)

# %% [markdown]
# By F1, 0, 1 and 6 are the easiest, 5 and 8 the hardest. Of no digit are fewer found than of the 5.
#
# Why? The model compares each image with one set of weights per digit. Two digits that ink the same pixels are hard to tell apart by a
# weighted sum. Take the average image of each digit, and ask how alike two averages are:

# %%
from tutorial_utils.data.exploration import class_means

averages = class_means(data.train).flatten(1)
one, other = torch.triu_indices(10, 10, offset=1)  # all 45 pairs
alike = torch.corrcoef(averages)[one, other]
mistakes = (matrix + matrix.T)[one, other]

# %% tags=["hide-input"]
# @title Figure: likeness and mistakes
import matplotlib.pyplot as plt

_, ax = plt.subplots(figsize=(6.5, 4))
ax.plot(alike, mistakes, "o", linestyle="none", alpha=0.6)
for k in range(len(alike)):
    if mistakes[k] > 25:
        where = alike[k] + 0.012, mistakes[k] - 1
        ax.annotate(f"{one[k]} and {other[k]}", where)
xlabel = "correlation of the two average images"
ax.set(xlabel=xlabel, ylabel="mistakes, both ways", xlim=(None, 1.06))
show(
    ax,
    caption="Each point is a pair of digits: how alike their average images are,"
    " and how often the model takes one for the other.",
    alt="Forty-five points that rise to the right. Highest are 3 and 5, 4 and 9,"
    " 5 and 8, 3 and 8, 7 and 9, all at correlations above 0.8. Far to the"
    " left of them, 2 and 7 are mixed up often as well.",
)

# %% [markdown]
# The more alike, the more mistakes: 3 and 5 are among the most alike of all. It is not the whole story. The averages of 2 and 7 differ, and still the two are mixed up often.
#
# ## A number that flatters
#
# Reports often list an accuracy *per class*. For the 5 it asks of each image, "a 5 or not?", and counts both kinds of right answer. **Predict first:** how would a rule score that
# never says 5?

# %%
one_vs_rest = metrics.one_vs_rest_accuracy(matrix.numpy())
never = 1 - (matrix.sum(dim=1) / n).numpy()

# %% tags=["hide-input"]
# @title Figure: one-vs-rest accuracy, and what it hides
shares = {"never says it": never, "one-vs-rest accuracy": one_vs_rest}
shares["recall"] = test.recall
show(
    plots.dots(shares, class_names, xlabel="share of images"),
    caption="For every digit: the accuracy of never saying it, the model's"
    " one-vs-rest accuracy, and its recall.",
    alt="A dot plot with one row per digit and three marks in each. Never saying"
    " the digit scores about 90 %, the model about 98 % in every row; recall"
    " varies most from row to row.",
    name="fig-mnist-one-vs-rest",
)

# %% [markdown]
# Nine in ten images are of other digits, and never saying 5 is right on all of those. So **one-vs-rest accuracy** makes all digits look alike, and excellent. Recall shows
# the difference. (The tutorial that this part re-examines prints this one: see [its claims, measured](../claims/01_mnist.ipynb).)
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
    false_alarms = called.sum().item() - right
    rate = false_alarms / (~is_five).sum().item()
    return rate, right / fives, right / called.sum().item()


columns = "false positive rate", "recall", "precision"
thresholds = {t: at(t) for t in (0.1, 0.5, 0.9)}
pd.DataFrame(thresholds, columns).T.round(4)

# %% [markdown]
# A stricter threshold finds fewer fives, and what it calls a 5 is one more often. The **false positive rate** is the share of *other* digits called a 5. Let the threshold take all values:
# recall against false positive rate is the **ROC curve** ([Fawcett, 2006](https://doi.org/10.1016/j.patrec.2005.10.010)), precision against recall the **precision-recall curve**
# ([Davis and Goadrich, 2006](https://doi.org/10.1145/1143844.1143874)).

# %% tags=["hide-input"]
# @title Figure: a threshold on the probability of a 5
curves = metrics.roc_curves, metrics.precision_recall_curves
roc, pr = (make(truth, predictions) for make in curves)
marks = {f"t = {t:g}": each for t, each in thresholds.items()}
show(
    plots.threshold_curves(roc, pr, 5, marks, fives / n),
    caption="ROC curve and precision-recall curve of the 5 (blue), those of the"
    " other digits (grey), and of a score that knows nothing (dotted). Rates of"
    " false positives are on a logarithmic axis.",
    alt="Left, a blue curve rises from a recall near 0.4 at a false positive rate"
    " of 0.0002 to 1; a dotted line stays far below. Right, a blue curve runs"
    " along the top, falls slowly and, beyond a recall of 0.9, steeply. On both"
    " curves three thresholds are marked.",
    name="fig-mnist-roc",
)

# %% [markdown]
# The area under the ROC curve, **AUC**, has a plain meaning. Take a 5 and another digit at random: how probable is it that the 5 has the higher score? You can ask all pairs:

# %%
wins = score[is_five][:, None] > score[~is_five]  # (fives, others)
wins.double().mean().item()

# %% [markdown]
# It sounds nearly perfect. But a false positive rate of 1 % is 1 % of nine thousand images: one false alarm for every ten fives. AUC, too, is flattered by the many other digits. Precision is not.
# **Average precision** (AP) is the area under the other curve.

# %%
areas = {"AUC": [curve.area for curve in roc]}
areas["AP"] = [curve.area for curve in pr]
pd.DataFrame(areas).T.round(3)

# %% [markdown]
# ## What these numbers do not say
#
# * **Wrong labels.** About fifteen of the 10,000 test labels are known to be wrong, and that is a lower bound ([Northcutt et al., 2021](https://arxiv.org/abs/2103.14749)).
#   It is far below this model's errors. [Error analysis](05_error_analysis.ipynb) looks for candidates.
# * **Other digits.** On freshly rebuilt test digits accuracy falls somewhat ([Yadav and Bottou, 2019](https://arxiv.org/abs/1905.10498)). No interval here covers other scanners or countries.
# * **Reuse.** Thousands of studies have looked at these test images. You opened them once, and chose nothing by them.
#
# So how often does it read a 5 as a 3? You counted: it is one of its most common mistakes. Is it sure when it does so? That is next.

# %% tags=["remove-input"]
# @title Guards of the sentences above
from tutorial_utils.lessons.expect import expect

half_width = (wilson[1] - wilson[0]) / 2
expect("about half a point to each side", half_width, between=(0.004, 0.006))
library = tuple(test.accuracy_interval)
expect("by hand as in the library", abs(library[0] - wilson[0]), below=1e-6)
errors = [round(each, 4) for each in (1 - blocks.mean(dim=1)).tolist()]
expect("the first half is harder", errors[0] / errors[1], above=1.3)
expect("a design effect of two", design_effect, between=(1.7, 2.7))
wider = (by_blocks.high - by_blocks.low) / (wilson[1] - wilson[0])
expect("the honest interval is twice as wide", wider, between=(1.6, 2.4))
centroid = baselines["NearestCentroid"][0]
expect("average images read four in five", centroid, between=(0.78, 0.85))
gained = accuracy - centroid
expect("training adds ten points", gained, between=(0.08, 0.13))
missed = [int(each) for each in matrix[5]]
missed[5] = 0
expect("a 5 is most often read as a 3", missed.index(max(missed)), equals=3)
places = {pair[:2]: place for place, pair in enumerate(confused, 1)}
expect("5 as 3 is among the six most common", places[5, 3], below=7)
called = sorted(range(10), key=lambda k: -int(matrix[k, 5]))
expect("what is called a 5 is mostly 5, 3, 8", called[:3], equals=[5, 3, 8])
easy = sorted(report.f1.argsort()[-3:].tolist())
expect("0, 1 and 6 are the easiest", easy, equals=[0, 1, 6])
hard = sorted(report.f1.argsort()[:2].tolist())
expect("5 and 8 are the hardest", hard, equals=[5, 8])
expect("of no digit fewer are found", test.recall.argmin(), equals=5)
ranks = torch.stack([alike, mistakes.double()]).argsort().argsort()
likeness = torch.corrcoef(ranks.double())[0, 1]
expect("the more alike, the more mistakes", likeness, above=0.6)
pair_35 = ((one == 3) & (other == 5)).nonzero().item()
rank_35 = (alike > alike[pair_35]).sum()
expect("3 and 5 are among the most alike", rank_35, below=6)
pair_27 = ((one == 2) & (other == 7)).nonzero().item()
rank_27 = (alike > alike[pair_27]).sum()
expect("the averages of 2 and 7 differ", rank_27, above=25)
rank_27 = (mistakes > mistakes[pair_27]).sum()
expect("2 and 7 are mixed up often", rank_27, below=12)
expect("never saying a digit scores nine in ten", never.min(), above=0.88)
spreads = [float(each.max() - each.min()) for each in shares.values()]
expect("recall shows the difference", spreads[2] / spreads[1], above=3)
by_threshold = [thresholds[t] for t in (0.1, 0.5, 0.9)]
for name, row in zip(columns, zip(*by_threshold, strict=True), strict=True):
    step = row[2] - row[0] if name == "precision" else row[0] - row[2]
    expect(f"a stricter threshold changes the {name}", step, above=0.005)
counted = wins.double().mean().item()
expect("AUC is what was counted", abs(counted - roc[5].area), below=1e-4)

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
hint = "pooling counts every image once"
checks.answer(your_choice, accuracy, tolerance=1e-6, hint=hint)

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
    return matrix.diagonal() / matrix.sum(dim=1)


# %% tags=["remove-cell"]
# @title What the check of exercise 3 compares with
def right_f1(matrix):
    return statistics.f1_from_confusion(matrix.numpy())


example = torch.tensor([[8, 2, 0], [1, 5, 4], [0, 0, 10]])

# %%
checks.function(your_f1, right_f1, [(example,), (matrix,)])


# %% tags=["hide-cell"]
# @title Solution
# A row has TP + FN images, a column TP + FP.
def my_f1(matrix):
    true_and_called = matrix.sum(dim=1) + matrix.sum(dim=0)
    return 2 * matrix.diagonal() / true_and_called


checks.function(my_f1, right_f1, [(example,), (matrix,)])

# %% [markdown]
# ## Five questions

# %% tags=["remove-input"]
# @title Five questions
points = 100 * (intervals.high - intervals.low) / 2
questions.ask(
    [
        questions.choice(
            "You quote the accuracy. Which range do you give?",
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
    "design_effect_with_neighbours": by_blocks.design_effect,
    "support": test.support,
    "class_names": class_names,
    "error_by_half": errors,
    "baselines": {name: list(each) for name, each in baselines.items()},
    "one_vs_rest_accuracy": one_vs_rest,
    "auc": areas["AUC"],
    "average_precision": areas["AP"],
    "likeness_and_mistakes": likeness,
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
