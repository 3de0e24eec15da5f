# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Probabilities
#
# When your model says 90 %, is it right nine times in ten? This page finds out, tries the usual cure for models that are not, and puts the
# answer to use: a model that knows when it is unsure can ask for help.
#
# *23 minutes to read, 45 with the exercises. **You need** [Evaluation](04_evaluation.ipynb). Next comes
# [Comparing models](04c_comparing_models.ipynb).*
#
# After this chapter you can
#
# * build a reliability diagram, and read it;
# * compute the expected calibration error, and say how much of it is chance;
# * fit a temperature, and say what it mends and what it costs;
# * let a model abstain, or answer with several digits.

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
learning_rate_decay: float = 0.1  # factor at each decay, above 0 to 1
learning_rate_step: int = 10  # epochs between two decays, 1 or more
validation_split: float = 0.1  # share of images held out, between 0 and 1
early_stopping_patience: int = 30  # epochs without improvement, 1 or more

# %% tags=["hide-input"]
# @title Check the settings: a wrong one stops the notebook here, and says why
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
    learning_rate_decay=learning_rate_decay,
    learning_rate_step=learning_rate_step,
    validation_split=validation_split,
    early_stopping_patience=early_stopping_patience,
)
use_book_style()

# %% [markdown]
# ## A number on every answer
#
# For each image the model gives ten probabilities. It names the digit with the highest one, and that probability is its **confidence**.
# Here is the model of [Training](03_training.ipynb), and what it says about the test images:

# %%
import pandas as pd
import torch

from tutorial_utils.data import datasets
from tutorial_utils.evaluation.predictions import predict
from tutorial_utils.report import results
from tutorial_utils.training.trainer import load_or_fit

data = datasets.load(dataset)
model, _ = load_or_fit(config, data, results.output_folder())
said = predict(model, datasets.standardise(data.test))
truth, n = data.test.labels, len(data.test)
right, confidence = said.labels == truth, said.confidence

# %% [markdown]
# How sure was it when it read a 5 as a 3? The least, the median, the most:

# %%
fives = confidence[(truth == 5) & (said.labels == 3)]
pd.Series(fives).quantile([0, 0.5, 1]).round(3)

# %% [markdown]
# From a guess to near certainty. Now all test images, right answers and wrong ones apart:

# %% tags=["hide-input"]
# @title Figure: confidence of right and of wrong answers
from tutorial_utils.lessons.show import show
from tutorial_utils.plots import evaluation as plots

show(
    plots.confidence_histograms(confidence[right], confidence[~right]),
    caption="Right and wrong answers by confidence, in 50 bins: counts, and"
    " densities (each group has area one). Heights are logarithmic.",
    alt="Right answers rise steeply towards 1. Wrong ones are nearly level from"
    " 0.4 to 1: few as counts; as densities above the right ones to the left.",
    name="fig-mnist-confidence",
)

# %%
answers = pd.DataFrame({"confidence": confidence, "right": right})
described = answers.groupby("right").confidence.describe()
described.round(3)

# %% [markdown]
# Most right answers are given with a confidence near one. The wrong ones are spread widely, and some are as sure as any right one. A low
# confidence is a warning, and a high one is no guarantee. (The tutorial of The Research Scientist Pod puts the
# wrong ones at 0.5 to 0.6; [its claims](../claims/01c_mnist_evaluation.ipynb) measure it.)
#
# ## Is 90 % nine times in ten?
#
# One answer cannot tell: it is right or wrong. Take all answers given with *about* 90 %, and count. If nine in ten are right, and likewise at
# every other confidence, the model is **calibrated**. **Predict first:** does it claim too much, too little, or what it keeps?
#
# Sort the answers into fifteen bins by their confidence. Counted from 0, the one around 90 % is bin 13.

# %%
edges = torch.linspace(0, 1, 16, dtype=torch.float64)
answers["bin"] = torch.bucketize(confidence, edges[1:-1])
bins = answers.groupby("bin").agg(
    answers=("right", "size"),
    claimed=("confidence", "mean"),
    right=("right", "mean"),
)
bins.round(3)

# %% [markdown]
# `claimed` against `right` is the **reliability diagram**. Each share gets its Wilson interval. Bins of fewer than ten images
# would say nothing, and are left out.

# %%
import matplotlib.pyplot as plt

from tutorial_utils.evaluation import statistics

drawn = bins[bins.answers >= 10]
hits = (drawn.right * drawn.answers).round().astype(int)
low, high = statistics.wilson_bounds(hits, drawn.answers)
figure, ax = plt.subplots(figsize=(5, 4.6))
ax.plot([0, 1], [0, 1], ":", color="grey")
lengths = [drawn.right - low, high - drawn.right]
ax.errorbar(drawn.claimed, drawn.right, yerr=lengths, fmt="o", capsize=3)
ax.set(xlabel="confidence, mean of the bin", ylabel="share that is right")
show(
    figure,
    caption="Below the dotted diagonal it claims too much. 95 % intervals.",
    alt="Eleven points rise along the diagonal, each with an interval that"
    " reaches it, long below 0.6 and too short to see at the end.",
    name="fig-mnist-reliability",
)

# %% [markdown]
# **Yes, about.** At 90 %, and wherever else there are answers to count, the model keeps what it claims, as far as these images can tell.
# (Each interval holds 95 times in 100, so of a dozen one may miss by chance.)
#
# Nobody could have known this beforehand. Logistic regression is often said to be calibrated by construction. At the lowest loss the gradient is zero, so on the *training*
# images the probabilities of each digit add up to how often it occurs. That says nothing of confidence. On new images calibration depends on the data
# ([Bai et al., 2021](https://arxiv.org/abs/2102.07856)), so it is measured. And what you found holds for images like these: [what you draw yourself](../../book/demo.md) is another matter.
#
# And you? The questions of this book ask how sure you are. [Your own calibration](../../book/your_calibration.md) draws this diagram from your answers.
#
# ## One number, and what chance adds to it
#
# How far are the points from the diagonal, on average over images? That is the **expected calibration error**
# ([Naeini et al., 2015](https://doi.org/10.1609/aaai.v29i1.9602)), ECE for short:


# %%
def ece(confidence, right, bins=15):
    edges = torch.linspace(0, 1, bins + 1, dtype=torch.float64)
    which = torch.bucketize(confidence, edges[1:-1])
    error = 0.0
    for each in which.unique():
        inside = which == each
        claimed = confidence[inside].mean()
        kept = right[inside].double().mean()
        error += inside.double().mean() * (claimed - kept).abs()
    return float(error)


by_bins = {b: 100 * ece(confidence, right, b) for b in (10, 15, 20, 50)}
pd.Series(by_bins).round(2)

# %% [markdown]
# Percentage points, by the number of bins: the error depends on the bins, so name them. And it is above zero. Distances do not cancel, so chance
# alone keeps it there. How large would it be if every confidence were exactly right? Then an answer given with 90 % would be right with probability 0.9. Draw that, two hundred times:

# %%
draw = torch.Generator().manual_seed(seed)
chance = [
    ece(confidence, torch.rand(n, generator=draw).double() < confidence)
    for _ in range(200)
]
by_chance = 100 * pd.Series(chance).quantile([0.025, 0.5, 0.975])
by_chance.round(2)

# %% [markdown]
# With fifteen bins, your model's error lies in this range. A perfectly calibrated model would look just like it, so quote no ECE without its chance level. (The package's
# `calibration.expected_calibration_error` is your function.)
#
# ## The usual cure: a temperature
#
# Deep networks claim too much, and the usual cure divides all logits by one number before the softmax, the **temperature** $T$
# ([Guo et al., 2017](https://arxiv.org/abs/1706.04599)). Above 1 it brings the ten probabilities closer together. Their order stays, so no answer
# changes. Choose the $T$ with the lowest loss on *validation* images: training images flatter the model, and test images are for checking. (Logarithms of probabilities
# are the logits up to a constant for each image, which softmax cancels.)

# %%
import torch.nn.functional as F

held = datasets.split(data.train, validation_split, seed)[1]
held_said = predict(model, datasets.standardise(held))
logits = held_said.probabilities.log()  # up to a constant for each image
temperatures = 2 ** torch.linspace(-0.5, 0.5, 301)
losses = [F.cross_entropy(logits / t, held.labels) for t in temperatures]
losses = torch.stack(losses)
temperatures[losses.argmin()]

# %% [markdown]
# Could the truth be 1, and this be chance? A **likelihood-ratio test** ([Wilks, 1938](https://doi.org/10.1214/aoms/1177732360)) asks how much better the best temperature
# explains the $n$ validation labels: if 1 were right, $2n$ times the mean loss at 1 less the lowest mean loss would exceed $3.84 = 1.96^2$ once in twenty times. Turned round, all temperatures whose excess is
# no more form the **95 % interval**.

# %%
excess = 2 * len(held) * (losses - losses.min())
interval = temperatures[excess <= 3.84]
interval.min(), interval.max(), excess[150].float()  # number 150 is T = 1

# %% tags=["hide-input"]
# @title Figure: the loss by temperature
near = excess <= 2.5 * excess[150].clip(min=10)
allowed = (losses.min() + 3.84 / 2 / len(held)).item()
show(
    plots.temperature_valley(temperatures[near], losses[near], allowed),
    caption="Loss by temperature; in grey, the 95 % interval. The cross is 1.",
    alt="A valley, lowest near 1.1, with a narrow grey band about the lowest"
    " point. The cross at 1 lies outside, well above the dotted line.",
    name="fig-mnist-temperature",
)

# %% [markdown]
# First the ends of the interval, then the excess of 1, far above 3.84. So the temperature is above 1: by this test, the model claims too much. But did the diagram not
# say that it keeps its claims? **Predict first:** on the test images, will this temperature lower the ECE?

# %%
from tutorial_utils.evaluation import calibration, dependence, miscalibration

fit = miscalibration.temperature_test(held.labels, held_said)
tempered = calibration.with_temperature(said, fit.temperature)
versions = {"before": said, "after": tempered}
errors = {k: 100 * ece(v.confidence, right) for k, v in versions.items()}
pd.Series(errors).round(2)

# %% [markdown]
# It rises, well beyond chance. The package finds the temperature that you found, so the fit is right, and the cure makes confidence worse. How can both be?
#
# ## Scores that look at all ten probabilities
#
# The ECE sees one probability of each image, that of the digit named. Two older scores see more.
#
# * **Log loss**, the loss you trained with: $-\ln p$ of the *true* digit, however small. A sure mistake costs many nats.
# * **Brier score** ([Brier, 1950](https://doi.org/10.1175/1520-0493%281950%29078%3C0001:VOFEIT%3E2.0.CO;2)): the squared distance between
#   the ten probabilities and the truth, a one and nine zeros.
#
# Both also reward telling digits apart, so a lower score alone does not mean better calibration.


# %%
def scores(said):
    squares = (said.probabilities - F.one_hot(truth, 10)).square()
    loss = F.nll_loss(said.probabilities.log(), truth, reduction="none")
    return pd.DataFrame({"log loss": loss, "Brier": squares.sum(dim=1)})


of_images = {name: scores(each) for name, each in versions.items()}
pd.DataFrame({k: each.mean() for k, each in of_images.items()}).round(4)

# %% tags=["hide-input"]
# @title The change, with its 95 % interval by blocks of neighbours
changed = of_images["after"] - of_images["before"]
interval_of = dependence.block_interval
changes = {k: interval_of(x, strata=2)[:3] for k, x in changed.items()}
pd.DataFrame(changes, ["change", "low", "high"]).T.round(4)

# %% [markdown]
# The log loss falls, a little. The Brier score rises, a little. (Which interval stays farther from zero, for its width?) Who gains, and who pays? Add up, in nats, what the temperature saves on each image:

# %%
rows = torch.arange(n)
gains = (tempered.probabilities / said.probabilities)[rows, truth].log()
pd.Series(gains).groupby(right.tolist()).agg(["count", "sum", "mean"]).round(3)

# %% [markdown]
# `True` are the right answers. Every one of them loses. On the whole, answers were as sure as they should be, and become too modest. That is what the ECE sees. Most wrong answers gain, because the true digit, almost ruled out before, gets
# a little more. That is what the likelihood sees. And sure is not large: all that is saved is about one hundredth of the loss.
#
# A cure is judged by the measure that matters to its user, and only where there is something to cure. This book leaves its model as it is.
#
# ## May it abstain?
#
# Confidence helps even where it is not calibrated, if it puts right answers before wrong ones. Let the model answer the images of which it is most sure, and hand the rest to a person. Sort by confidence,
# and count right answers as you go:

# %%
order = confidence.argsort(descending=True)
answered = torch.arange(1, n + 1)
accuracy = right[order].double().cumsum(dim=0) / answered
accuracy[[n // 2 - 1, 9 * n // 10 - 1, n - 1]]  # half, nine tenths, all

# %% tags=["hide-input"]
# @title Figure: accuracy among the answered
from tutorial_utils.evaluation import abstaining

answering = abstaining.risk_coverage(truth, said)
show(
    plots.risk_coverage(answering),
    caption="Accuracy among the answered, with 95 % intervals. Dotted: if"
    " confidence knew nothing of right and wrong.",
    alt="The curve stays near 100 % until two thirds are answered, then falls"
    " ever faster, down to the dotted line when all are.",
    name="fig-mnist-abstaining",
)

# %% [markdown]
# This is the **risk-coverage curve** ([El-Yaniv and Wiener, 2010](https://jmlr.org/papers/v11/el-yaniv10a.html)). Hand over the tenth of which the model is least sure, and more than half of its errors
# are gone. A threshold that you mean to use is chosen on validation images, as in [exercise 3](#Exercise-3-★★-A-threshold-to-use).
#
# ## Several digits instead of one
#
# Between an answer and none there is a third way: "a 3 or a 5". How many digits must the model name, so that the true one is among them nine times in ten? **Split conformal prediction**
# ([Vovk et al., 2005](https://doi.org/10.1007/b106715); [Angelopoulos and Bates, 2021](https://arxiv.org/abs/2107.07511)) finds out on validation images: of the probabilities that their true digits
# got, take the one that nine in ten reach. Every digit that reaches it belongs to the set. `rank` says how many validation images must reach it: nine tenths, with the new image counted as one more, rounded up.

# %%
import math

needed = held_said.probabilities[torch.arange(len(held)), held.labels]
rank = math.ceil((len(held) + 1) * 0.9)
threshold = needed.sort(descending=True).values[rank - 1]
sets = said.probabilities >= threshold
sets[rows, truth].sum() / n, sets.sum() / n

# %% [markdown]
# The share of sets that hold the true digit, and the mean number of digits in a set. Ask for more, and sets grow:

# %% tags=["hide-input"]
# @title Sets by what is asked for
overall = abstaining.conformal_report(held.labels, held_said, truth, said)
overall.drop(columns="n").rename_axis("asked for").round(3)

# %% [markdown]
# `coverage` is the share of sets with the true digit, between `low` and `high` with 95 % confidence; `size` is the mean number of digits; `single` and `empty` are the shares of sets with one digit and with none.
#
# The promise is kept, about. It needs no good model, only that validation and test images could change places. Here they cannot quite: writers
# of validation images also wrote training images, and the epoch was chosen on these very images. So it is not guaranteed. For nine in ten, less than one digit on average is
# enough: for some images it names none. But the promise is one for all digits together:

# %% tags=["hide-input"]
# @title Figure: the promise, digit by digit
by_digit = abstaining.set_report(truth, sets.numpy())
show(
    plots.set_coverage(by_digit, data.description.class_names, asked=0.9),
    caption="How often the set holds the true digit, with 95 % intervals, where"
    " nine in ten were asked for (dotted).",
    alt="All images together lie at the dotted line. Digits 0, 1 and 6 lie well"
    " to its right; 2, 8 and 5 well to its left, 5 the farthest.",
    name="fig-mnist-conformal",
)

# %% [markdown]
# Easy digits pay for hard ones. Your 5 gets least of all. [Exercise 4](#Exercise-4-★★★-A-promise-for-every-digit) gives each digit its own threshold.
#
# ## If you want to be sure
#
# *You may skip this.* Was the diagram too coarse a look? Behind two clicks stand more measures:
#
# * the **gap** between mean confidence and accuracy;
# * the **slope** ([Cox, 1958](https://doi.org/10.1093/biomet/45.3-4.562)) of the log odds of being right against those claimed, below 1 if confidences are too extreme;
# * the **debiased ECE** ([Kumar et al., 2019](https://arxiv.org/abs/1909.10155)), less what chance adds;
# * the **mean squared gap** ([Ferro and Fricker, 2012](https://doi.org/10.1002/qj.1924)), zero on average if calibrated.
#
# Then, class by class: of the images that get 0.3
# for *5*, are 30 % fives ([Kull et al., 2019](https://arxiv.org/abs/1910.12656))? That is compared with labels drawn from the probabilities themselves
# ([Bröcker and Smith, 2007](https://doi.org/10.1175/WAF993.1)).

# %% tags=["hide-cell"]
# @title Before and after the temperature, as fractions
calibrations, debiased = {}, {}
for name, version in versions.items():
    calibrations[name] = calibration.calibration_report(truth, version)
    found = miscalibration.debiased_calibration_error(truth, version)
    debiased[name] = found._asdict()
rows_of = ["gap", "gap_low", "gap_high", "slope", "slope_low", "slope_high"]
shown = pd.DataFrame(calibrations).loc[rows_of], pd.DataFrame(debiased)
pd.concat(shown).astype(float).round(5)

# %% tags=["hide-cell"]
# @title Class by class, in points; rarely above is once in forty
by_class = miscalibration.classwise_report
classwise = {k: by_class(truth, v, seed=seed) for k, v in versions.items()}
usually = classwise["before"]
(100 * usually).rename_axis("digit").round(2)

# %% [markdown]
# On the whole these say what the diagram says. Only the class-wise error is a little more than chance makes: averaged over the digits, and for some of them alone. (Of ten digits, chance
# would lift a quarter of one above its once in forty. Count them in the table.) Ten probabilities show more than the one of the digit named.
#
# All other intervals on this page take images as independent, and those of one writer are not ([Evaluation](04_evaluation.ipynb) measures how much that matters). The true ones are somewhat wider.

# %% tags=["remove-input"]
# @title Guards of the sentences above
from tutorial_utils.lessons.expect import expect

middle = described.loc[False, ["25%", "75%"]].diff().iloc[-1]
expect("right answers are near one", described["50%"][True], above=0.97)
expect("wrong answers are spread widely", middle, above=0.2)
misses = int(((low > drawn.claimed) | (high < drawn.claimed)).sum())
expect("the intervals reach the diagonal", misses, below=2)
expect("a small gap", abs(calibrations["before"]["gap"]), below=0.01)
expect("90 % is nine in ten", bins.right.get(13, 0.0), between=(0.88, 0.93))
expect("the ECE is no more than chance", by_bins[15], below=by_chance[0.975])
expect("the ECE depends on the bins", by_bins[50], above=1.5 * by_bins[15])
expect("the temperature is above 1", fit.low, above=1.02)
expect("the ECE rises", errors["after"], above=1.2 * by_chance[0.975])
saved = gains.mean() / of_images["before"]["log loss"].mean()
expect("about a hundredth of the loss is saved", saved, between=(0.005, 0.02))
expect("Brier rises", changes["Brier"][1], above=0.0)
expect("every right answer loses", gains[right].max(), below=0.0)
expect("most wrong ones gain", (gains[~right] > 0).double().mean(), above=0.7)
last = (~right)[order[9 * n // 10 :]].sum() / (~right).sum()
expect("the least sure tenth holds half the errors", last, above=0.52)
off = (overall.coverage - overall.index).abs().max()
expect("sets keep their promise", off, below=0.012)
expect("nine in ten takes less than a digit", overall["size"][0.9], below=0.99)
expect("5 gets least", int(by_digit.coverage[1:].idxmin()), equals=5)
error, _, usual = usually.loc["mean"]
expect("class by class it is more than chance", error, above=1.05 * usual)
expect("some digits", (usually.error > usually.rarely_above).sum(), above=2)

# %% [markdown]
# ## Exercises
#
# ### Exercise 1 ★ With a pencil
#
# A model gave 40 answers: 10 with a confidence of 0.8, of which 7 were right, and 30 with 0.6, of which 21 were right. What is its ECE, as a fraction?

# %%
from tutorial_utils.lessons import checks

your_ece = ...
checks.answer(your_ece, 0.1, tolerance=0.002, hint="weigh gaps by answers")

# %% tags=["hide-cell"]
# @title Solution
# The gaps are 0.1 on either side, too much at 0.8 and too little at 0.6. They
# do not cancel: 10 / 40 * 0.1 + 30 / 40 * 0.1. And yet mean confidence,
# 0.65, is near the accuracy of 0.7: a mean hides what bins show.
10 / 40 * abs(0.8 - 7 / 10) + 30 / 40 * abs(0.6 - 21 / 30)

# %% [markdown]
# ### Exercise 2 ★★ Predict, then run
#
# The mean confidence of this model is about its accuracy. Divide all logits by 2. What becomes of the mean confidence, as a fraction? And of the accuracy?

# %%
halved = calibration.with_temperature(said, 2.0)  # what to look at afterwards
your_mean = ...
hint = "the odds of the best digit against each other one become their root"
checks.answer(your_mean, halved.confidence.mean(), tolerance=0.04, hint=hint)

# %% tags=["hide-cell"]
# @title Solution
# Odds of 99 to 1 become about 10 to 1. The accuracy stays: no order changes.
halved.confidence.mean().item(), (halved.labels == truth).double().mean().item()

# %% [markdown]
# ### Exercise 3 ★★ A threshold to use
#
# Find the smallest threshold on confidence, in steps of 0.01, at which the model is right on 98 % of the *validation* images that it answers. Use `held_said` and
# `held.labels`: test images make no decisions. (`enough`, out of sight here, is what a loop over all such thresholds finds.)


# %% tags=["remove-cell"]
# @title What the check of exercise 3 compares with
known = (held_said.labels == held.labels).double()
kept = [known[held_said.confidence >= k / 100].mean() for k in range(100)]
enough = next((k / 100 for k in range(100) if kept[k] >= 0.98), 1.0)

# %%
your_threshold = ...
hint = "look at the answers at or above the threshold, those alone"
checks.answer(your_threshold, enough, tolerance=0.001, hint=hint)

# %% tags=["hide-cell"]
# @title Solution, and what it does to the test images
# The threshold, the share it refuses, the accuracy on the rest.
open_to = confidence >= enough
refused = 1 - open_to.double().mean().item()
enough, round(refused, 3), round(right[open_to].double().mean().item(), 4)

# %% [markdown]
# ### Exercise 4 ★★★ A promise for every digit
#
# Give the fives their own threshold: the one that nine in ten validation fives reach, by the same rule of ranks. Then write a loop over all digits, and see what each gets on the test images.
# (`own`, out of sight here, is the package's threshold for the fives.)

# %% tags=["remove-cell"]
# @title What the check of exercise 4 compares with
known_fives = held.labels == 5
of_fives = held.labels[known_fives], held_said.subset(known_fives)
own = abstaining.conformal_threshold(*of_fives, error=0.1)

# %%
your_five = ...
hint = "of the column of 5, take the rows whose label is 5"
checks.answer(your_five, own, tolerance=0.001, hint=hint)

# %% tags=["hide-cell"]
# @title Solution: the loop, and what each digit gets on the test images
by_loop = torch.zeros(10).double()
for digit in range(10):
    reached = held_said.probabilities[held.labels == digit, digit]
    rank = math.ceil((len(reached) + 1) * 0.9)
    by_loop[digit] = reached.sort(descending=True).values[rank - 1]
own_sets = (said.probabilities >= by_loop).numpy()
abstaining.set_report(truth, own_sets)[["coverage", "size"]].round(3)

# %% [markdown]
# ## Five questions

# %% tags=["remove-input"]
# @title Five questions
from tutorial_utils.lessons.questions import ask, choice, number

wrong = int((~right).sum())
ask(
    [
        choice(
            "A model says 90 % a thousand times, and is right 800 times. It is",
            {
                "too sure": "",
                "too modest": "It claims more than it keeps.",
                "calibrated": "Nine in ten would be 900.",
            },
            correct="too sure",
            because="it claims 0.9 and keeps 0.8: below the diagonal.",
        ),
        choice(
            "A perfectly calibrated model, on 10,000 images, has an ECE",
            {
                "of exactly 0": "Shares of finitely many images scatter.",
                "above 0": "",
                "that may be negative": "It is a sum of distances.",
            },
            correct="above 0",
            because="chance moves each bin off, and distances do not cancel.",
            sure=True,
        ),
        number(
            f"Your model makes {wrong} errors on the test images. Divide its"
            " logits by 1.1. How many errors does it make now?",
            answer=wrong,
            tolerance=0.5,
            because="the order of the digits stays, and so does every answer.",
        ),
        choice(
            "The temperature lowered the log loss, and raised the ECE. Why?",
            {
                "a bug": "Both are right.",
                "they look at different probabilities": "",
                "too few validation images": "Its interval is narrow.",
            },
            correct="they look at different probabilities",
            because="one sees that of the true digit, the other that of the"
            " digit named.",
            sure=True,
        ),
        choice(
            "Sets of digits hold the truth nine times in ten. For which fives?",
            {
                "for every five": "Nothing is promised for one image.",
                "for nine fives in ten": "The promise is one for all digits.",
                "for fewer than nine in ten": "",
            },
            correct="for fewer than nine in ten",
            because="easy digits pay for hard ones.",
        ),
    ]
)

# %% [markdown]
# ## Further reading
#
# * [Guo et al. (2017)](https://arxiv.org/abs/1706.04599) on calibration and temperatures of deep networks.
# * [Angelopoulos and Bates (2021)](https://arxiv.org/abs/2107.07511), a gentle introduction to sets that keep promises.
#
# You know now how far to trust a probability. But why does it read your 5 as a 3 at all? [Error analysis](05_error_analysis.ipynb) looks at the images. Before that comes
# [Comparing models](04c_comparing_models.ipynb): is one model better than another, or was it lucky?

# %% tags=["remove-cell"]
# @title The results file
gain = dependence.block_interval(gains, strata=2)
again = miscalibration.temperature_test(truth, said)
metrics = {
    "reliability": drawn.assign(low=low, high=high).to_dict("list"),
    "confidence_brier": (confidence - right.double()).square().mean(),
    "confidence_right_median": described["50%"][True],
    "confidence_wrong_quartiles": described.loc[False, ["25%", "50%", "75%"]],
    "temperature": fit.temperature,
    "calibration": calibrations,
    "debiased_calibration": debiased,
    "temperature_test": {"validation": fit._asdict(), "test": again._asdict()},
    "temperature_gain": {"mean": gain.mean, "low": gain.low, "high": gain.high},
    "classwise_calibration": {
        **{name: each.error[:-1] for name, each in classwise.items()},
        "if_calibrated": usually.if_calibrated[:-1],
        "if_calibrated_high": usually.rarely_above[:-1],
        "mean_if_calibrated_high": usually.rarely_above["mean"],
    },
    "risk_coverage": vars(answering),
    "conformal": overall.to_dict("index"),
    "conformal_by_class": by_digit.drop(index="all").to_dict("list"),
}
run = {"parameters": config.model_dump(), "data_hash": data.fingerprint}
path = results.write("mnist/04b_probabilities", metrics=metrics, **run)
