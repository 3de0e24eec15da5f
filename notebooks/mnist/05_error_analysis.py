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
# Which errors does your model make, and what would repair them? You have known since the first page that it reads your 5 as a 3; here that
# story ends.
#
# *22 minutes to read, 50 with the exercises. **You need** [Evaluation](04_evaluation.ipynb). Next comes another kind of image:
# [Exploring CIFAR-10](../cifar10/01_eda.ipynb).*
#
# After this chapter you can
#
# * collect a model's errors, and find what those of a kind have in common;
# * form hypotheses on validation images, and confirm them on test images;
# * tell errors of the method from errors of chance, and what goes with errors from what causes them;
# * choose the next step because you tried it small.

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
learning_rate: float = 0.01  # step length of the first epoch, above 0
num_seeds: int = 10  # trainings that differ by chance alone, 2 or more

# %% tags=["hide-input"]
# @title Check the settings: a wrong one stops the notebook here, and says why
import torch

from tutorial_utils.plots.style import use_book_style
from tutorial_utils.training.config import TrainingConfig

config = TrainingConfig(dataset=dataset, seed=seed, device=device)
config = config.but(num_epochs=num_epochs, learning_rate=learning_rate)
config = config.but(early_stopping_patience=num_epochs)
use_book_style()

# %% [markdown]
# ## Collecting the errors
#
# Take the model that you trained, and the validation images, which it has not learnt from. An error is an image with `said.labels != validation.labels`. `collect_errors` gives each a row:
# true and predicted digit, confidence, and all ten probabilities, of which you see three.

# %%
import pandas as pd

from tutorial_utils.data import datasets, exploration
from tutorial_utils.evaluation.predictions import predict
from tutorial_utils.report import results
from tutorial_utils.training.trainer import load_or_fit

data, folder = datasets.load(dataset), results.output_folder()
model = load_or_fit(config, data, folder)[0].cpu()
_, validation = datasets.split(data.train, config.validation_split, seed)
said = predict(model, datasets.standardise(validation))


# %%
from tutorial_utils.evaluation import errors as lists

errors = lists.collect_errors(validation.labels, said)
errors.iloc[:4, :8].round(2)

# %% [markdown]
# Which share of each digit's images is missed?

# %%
missed = errors.groupby("true").size() / validation.labels.bincount().numpy()
(100 * missed).map("{:.1f} %".format).to_frame("missed").T

# %% [markdown]
# Only the 8 is missed more often than the 5. Yours is in company.
#
# > **Validation proposes, test confirms.** Look at a list of errors long enough, and you find patterns, some of them accidents of that list. So what
# > follows is first seen on validation images, with one exception. What then holds on test images, too, was hardly an accident.
#
# ## The most and the least confident errors
#
# Confident errors are costly: nothing warns of them. Cover the titles, and read each digit yourself.

# %% tags=["hide-input"]
# @title Figure: fifteen most and fifteen least confident errors
from tutorial_utils.lessons.show import show
from tutorial_utils.plots import evaluation as plots

ranked = errors.sort_values("confidence", ascending=False)
ends = pd.concat([ranked.head(15), ranked.tail(15)])
images = validation.images[ends.index.tolist(), 0]
show(
    plots.prediction_grid(images, ends.true, ends.predicted, ends.confidence),
    caption="The fifteen most confident errors, and the fifteen least.",
    alt="Six rows of five digits, each under answer, confidence and label.",
)

# %% [markdown]
# Of the last digits the model is in doubt, and spreads the probability. On the first it is all but certain, and some are plain to you: their ink lies where another digit has its own.
#
# ### Labels that may be wrong
#
# Or are some of those answers right, and the labels wrong? **Confident learning** ([Northcutt, Jiang and Chuang 2021](https://doi.org/10.1613/jair.1.12125)) lists candidates:
# images to which the model gives another digit at least as much probability as that digit's own images usually get.

# %%
from tutorial_utils.evaluation.labels import label_candidates

candidates = label_candidates(validation.labels, said)
len(candidates), candidates.index[:15].isin(ends.index[:15]).sum().item()

# %% [markdown]
# First how many candidates there are, then how many of the fifteen surest you have just judged, among the confident errors. How many labels did you doubt? The list says where to look, not
# what is wrong. For the test set, [Northcutt, Athalye and Mueller (2021)](https://arxiv.org/abs/2103.14749) had people judge the candidates of better models, and found 15 wrong labels among 10,000. If your
# model were right on all 15, it would gain 0.15 percentage points. That matters to models that are nearly perfect. It is not what ails yours.
#
# ## Patterns: which digit is read as which?

# %% tags=["hide-input"]
# @title Figure: errors by pair of digits
counts = validation.labels.bincount(minlength=10).numpy()
shares = lists.error_patterns(errors, counts)
show(
    plots.confusion_matrix(shares, data.description.class_names, shares=True),
    caption="Validation errors, in per cent of each true digit's images.",
    alt="Ten rows and columns; 3 and 5, 5 and 8, 7 and 9, 4 and 9 are darkest.",
)

# %% [markdown]
# A few cells hold most of the colour. Take the six most common pairs as hypotheses, and open the test images. **Predict first:** if all 90 pairs were equally common, each would have about eight
# errors there. How many will these have?

# %%
suspects = errors.groupby(["true", "predicted"]).size().nlargest(6)

test_said = predict(model, datasets.standardise(data.test))
test_errors = lists.collect_errors(data.test.labels, test_said)
on_test = test_errors.groupby(["true", "predicted"]).size()
found = on_test.reindex(suspects.index, fill_value=0)
pd.DataFrame({"validation": suspects, "test": found})

# %% [markdown]
# All six occur more than twice as often. *Which pairs* are common is hardly an accident. Their *order* may be. On the validation images a 5
# read as a 3 was too rare to be a hypothesis; on the test images no pair is more common. This is the exception: you chose the pair because of your 5. Only *where*
# such fives err is seen on validation images first.
#
# ## What the errors of a pair have in common
#
# The model compares no shapes, it adds up votes. [The model](02_model.ipynb#Why-does-it-read-this-5-as-a-3?) took the vote on one 5 apart. Do so for all: where
# have misread fives ink that other fives lack, or lack ink that others have? Multiply this difference by the weights of 3 minus those of 5.

# %%
weights = model.linear.weight.detach().view(10, 28, 28) / 0.3081


def kinds(part, said, true, read):
    of_digit = part.labels == true
    return [part.images[of_digit & (said.labels == k)] for k in (read, true)]


def votes(part, said, true, read):
    groups = kinds(part, said, true, read)
    wrong, correct = (group[:, 0].double().mean(dim=0) for group in groups)
    return (weights[read] - weights[true]) * (wrong - correct) / 255


sets = {"validation": (validation, said), "test": (data.test, test_said)}
rows = {k: votes(*each, 5, 3).sum(dim=1) for k, each in sets.items()}
sums = {k: [r.sum() for r in v.split([8, 4, 4, 12])] for k, v in rows.items()}
pd.DataFrame(sums, ["bar", "neck", "middle", "below"]).astype(float).round(1)

# %% tags=["hide-input"]
# @title Figure: what speaks for the wrong digit, in the ten common pairs
from tutorial_utils.plots.model import evidence_images

common = [(*pair, n) for pair, n in on_test.nlargest(10).items()]
averages = lists.average_images(data.test.images, test_errors, common)
show(
    evidence_images(
        [votes(*sets["test"], *pair) for *pair, _ in common],
        [f"{true} read as {read}\nn = {n}" for true, read, n in common],
        outlines=[average[0] for average in averages],
    ),
    caption="Outlined: the average of n test errors. Filled: their ink minus"
    " correct ones', times weights: blue for the digit read, red against. Blue"
    " outside the outline is ink that they lack.",
    alt="Mostly blue; in 5 read as 3, at the bar, the neck and in the middle.",
)

# %% [markdown]
# The table cuts the image into bands of rows: bar, neck, middle, and all below. What sets misread fives apart lies in bar, neck and middle, most of all in the neck; the belly has hardly a
# say. They have a neck, but where a 3 has its upper bow.
#
# ## How far it leans
#
# What moves a neck to another place? Leaning does. The **slant** of a digit is how many pixels its ink goes to the right with each row upwards. Compare errors with correctly
# read digits of their kind.


# %%
from scipy.stats import ttest_ind

leans = {}
for pair in [(5, 3), (3, 5), (4, 9)]:
    for k, each in sets.items():
        x = [exploration.slant(y) for y in kinds(*each, *pair)]
        interval = ttest_ind(*x, equal_var=False).confidence_interval()
        leans[(*pair, k)] = len(x[0]), (x[0].mean() - x[1].mean()), *interval
leans = pd.DataFrame(leans, index=["n", "difference", "low", "high"]).T
leans.rename_axis(["true", "read as", "images"]).astype(float).round(2)

# %% [markdown]
# The difference of the $n$ errors from the others, with a 95 % interval: in the second and third pair they lean *less* to the right, on the test images again. For your pair, the first, that is not settled. Is leaning what makes errors? Try it: **shear** a 5, each row sideways in
# proportion to its height, and let the model read it. **Predict first:** here is a validation 5 that is read as a 3. Make it lean to the right, as most fives do. What will become of the probability of 5?

# %% tags=["hide-input"]
# @title Figure: shear, and what it does to confidence
from tutorial_utils.lessons import live
from tutorial_utils.lessons.read_digit import A_FIVE, read_digit

as_three = errors[(errors.true == 5) & (errors.predicted == 3)]["p3"]
one_five = validation.images[as_three.nlargest(2).index[-1]]
shears = torch.arange(-30, 31) / 50


def leaning(five):
    images = exploration.shear(five.expand(61, 1, 28, 28), shears)
    part = datasets.ImageData(images, torch.full((61,), 5), data.description)
    return images, predict(model, datasets.standardise(part)).probabilities


images, shares = leaning(one_five)
live.show("shear", shears=shears, images=images, probabilities=shares, truth=5)

# %% [markdown]
# Upright, it is still a 3. Only when it leans as most fives do is the model sure of the 5. No stroke came or went; the same strokes met other weights. Now the book's 5, or yours: over all these shears, how high does the
# probability of 5 get?

# %%
your_five = read_digit(A_FIVE)  # or read_digit("my_digit.png")
leaning(your_five)[1][:, 5].max().item()

# %% [markdown]
# No lean makes *these weights* read the book's 5 as a 5. And yet it stands upright. Remember that. The weights were learnt from fives of every slant, and where
# some have their neck, others have a gap.
#
# ## Image quality
#
# Or are these poor images? Four properties measure that.
#
# * **Brightness**, the mean pixel: how much ink.
# * **Contrast**, the standard deviation of the pixels.
# * **Sharpness**, the variance of the response of a filter for edges. Low means blurred.
# * **Noise**, the mean response to a filter that ignores smooth shading.
#
# Sort the images by each, cut them into five groups of equal size, and count errors. (Ones have little ink and are easy. They are left out, or every measure of ink
# would speak of them.) The last panel does the same for the distance from the usual slant.

# %% tags=["hide-input"]
# @title Figure: errors by image quality, and by slant
from tutorial_utils.evaluation.metrics import rate_by_quantile

usual = exploration.slant(validation.images).median()


def rates_by_property(part, said):
    kept = part.labels != 1
    wrong, images = (said.labels != part.labels)[kept], part.images[kept]
    unusual = (exploration.slant(images) - usual).abs()
    found = exploration.quality(images) | {"unusual slant": unusual}
    rates = {k: rate_by_quantile(wrong, x) for k, x in found.items()}
    return {k: tuple(vars(each).values()) for k, each in rates.items()}


groups = {name: rates_by_property(*each) for name, each in sets.items()}
show(
    plots.rates(groups["validation"], ylabel="errors"),
    caption="Errors in fifths of the validation images, with 95 % intervals.",
    alt="Most errors at low brightness, high sharpness and unusual slant.",
)

# %% [markdown]
# Digits with little ink or contrast are missed more often, and so are the *sharpest*; the most blurred less so. That looks like thin pens, not like damage, and holds on the test images. Much ink
# seems hard, too, but test images do not confirm it.
#
# Slant is no quality, it is style, so keep the last panel apart. Unusual slant goes with errors, too. But even in its worst fifth most digits are read
# correctly: neither slant nor quality tells you much about *which* images go wrong. So is neither worth repairing? That does not follow. What goes *with* errors is one question; what you would gain by *removing* it is another, and only
# removing it answers that. Slant can be removed, [below](#What-would-help?).
#
# ## Which errors would another training make too?
#
# Some errors belong to the image and the method, others to chance in the training. Train with other seeds, and count the errors that all models make.

# %%
from tutorial_utils.training import replicas

seeds = [config.but(seed=each) for each in range(num_seeds)]
inputs, labels = datasets.standardise(data.test), data.test.labels
runs = replicas.load_or_train(seeds, data, folder)
wrong = torch.stack([predict(r.model, inputs).labels != labels for r in runs])
stable = wrong.all(dim=0)[test_errors.index.tolist()].double().mean()
stable.item()

# %% [markdown]
# This share of your model's errors is made by every seed. Training again will not repair them.
#
# Remember that when you compare *versions* of a model. Accuracy says how many errors each makes, not which. So store the list of the old version, and ask which errors are
# **fixed**, **new** and **kept**. The old version here stopped early, with a patience of 5. Beside it, two seeds of one version.

# %% tags=["hide-input"]
# @title Table: two versions, and two seeds
old = load_or_fit(config.but(early_stopping_patience=5), data, folder)[0].cpu()
both = {"patience 5 to 30": lists.collect_errors(labels, predict(old, inputs))}
both["seed 1 to 0"] = pd.DataFrame(index=wrong[1].nonzero()[:, 0].tolist())
both = {k: vars(lists.compare_errors(v, test_errors)) for k, v in both.items()}
changes = pd.DataFrame(both).map(len)
changes

# %% [markdown]
# The new version fixes more than it breaks. But a mere change of seed fixes dozens of errors, too, and breaks as many. A list of fixed errors
# impresses until you know what chance fixes.
#
# ## What would help?
#
# Now try remedies, small: 6,000 training images, one seed, judged on 6,000 other images of the training set.

# %%
from torch import nn

from tutorial_utils.training.models import make_model

rest, pool = datasets.split(data.train, 0.2, seed)
small, judged = (pool.subset(half) for half in torch.arange(len(pool)).chunk(2))
answers = {}


def try_out(name, part, on=judged, model=None, epochs=10, decay=0.0):
    model = model or make_model(config).cpu()
    draw = torch.Generator().manual_seed(seed)
    rates = {"lr": 0.01, "momentum": 0.9, "weight_decay": decay}
    optimiser = torch.optim.SGD(model.parameters(), **rates)
    x, y = datasets.standardise(part), part.labels
    for _ in range(epochs):
        for batch in torch.randperm(len(y), generator=draw).split(64):
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
            optimiser.step()
    answers[name] = predict(model, datasets.standardise(on)).labels
    return model


as_before = try_out("reference: softmax regression", small)

# %% [markdown]
# **Deskewing** shears each image until its slant is zero. The model learns from upright digits, and reads upright ones.

# %%
from dataclasses import replace


def upright(part):
    return replace(part, images=exploration.deskew(part.images))


straight = try_out("deskewed", upright(small), on=upright(judged))

# %% [markdown]
# **A convolutional network** looks at 5 x 5 pixels at once, wherever they are: it can find a neck that joins a belly. **Augmentation** adds copies shifted by one pixel. Then **five times the data**,
# **weight decay**, and **transfer**: a network that learnt the digits 0 to 4, of which only a new last layer is trained on all ten. **Predict first:** which helps the linear model most, shifts, more data, weight decay
# or deskewing?


# %% tags=["hide-input"]
# @title A convolutional network, and four more remedies
def network(classes=10):
    torch.manual_seed(seed)
    first = nn.Conv2d(1, 8, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)
    second = nn.Conv2d(8, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)
    return nn.Sequential(*first, *second, nn.Flatten(), nn.Linear(784, classes))


net = try_out("convolutional network", small, model=network(), epochs=5)
ways = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))
copies = torch.cat([small.images.roll(way, (2, 3)) for way in ways])
copies = replace(small, images=copies, labels=small.labels.repeat(5))
try_out("augmented by shifts", copies, epochs=2)
try_out("five times the data", rest.subset(torch.arange(len(copies))), epochs=2)
try_out("weight decay 0.001", small, decay=0.001)
low = small.subset((small.labels < 5).nonzero()[:, 0])
transfer = "transfer from digits 0 to 4"
body = try_out(transfer, low, model=network(5), epochs=5)[:-1]
body = nn.Sequential(body.requires_grad_(False), nn.Linear(784, 10))
body = try_out(transfer, small, model=body, epochs=5)

# %%
trials = {k: (a == judged.labels).double().mean() for k, a in answers.items()}
left = 1 - pd.Series(trials).astype(float)
cures = pd.DataFrame({"errors": left, "removed": 1 - left / left.iloc[0]})
(100 * cures).map("{:.1f} %".format)

# %% [markdown]
# Weight decay of this strength changes next to nothing: it is too weak to tell. More data help somewhat. Whether shifts do, one seed cannot settle. **Deskewing removes a third of the errors**, without another image or
# weight; the network, about three quarters, and transfer nearly as many. So slant told you little about *which* images fail, and still a third of the errors hung on it.
#
# A linear model asks which *places* are inked. What helps is to let a place mean the same in every hand, or to find strokes wherever they
# are. (With all training images, [the claims](../claims/01a_mnist_data_and_model.ipynb) find that deskewing helps, too, and that shifts harm.)
#
# ## Your 5, read again
#
# The story ends with the 5 that it began with, and the probabilities of 3 and 5.

# %%
mine = datasets.ImageData(your_five[None], torch.tensor([5]), data.description)
last = [(as_before, mine), (straight, upright(mine)), (net, mine)]
p = [predict(m, datasets.standardise(x)).probabilities[0] for m, x in last]
pd.DataFrame(torch.stack(p)[:, [3, 5]], list(answers)[:3], ["3", "5"]).round(3)

# %% [markdown]
# Both remedies read it as a 5. But the book's 5 stands upright, so deskewing hardly changed it. It changed *the other fives*. They no longer lean, their necks stand
# in one place, and the weights could learn that this place speaks for a 5. **Your 5 was read as a 3 because of how others write theirs.**
#
# ## Conclusion of the MNIST part
#
# * **A few pairs dominate the errors.** To tell them apart takes features that know strokes, not pixels.
# * **Most errors come back** with every seed. Change the model, not the luck.
# * **Some errors are confident.** Look at those first, labels included.
# * **Slant** tells little of which images fail, and costs a third of the errors. It can be removed.
# * **Image quality**: thin pens are hard. What mending them would gain was not tried.
#
# The last part of this book measures better features, networks, and what they cost.

# %% tags=["remove-input"]
# @title Guards of the sentences above
from tutorial_utils.lessons.expect import expect

expect("8 and 5 are missed most", missed.nlargest(2).index, equals=[8, 5])
expect("it is all but certain", ranked.confidence.iloc[14], above=0.9)
expect("more than twice as often", found.min(), above=len(test_errors) / 45)
expect("no pair is more common", (on_test > on_test[5, 3]).sum(), equals=0)
means = exploration.class_means(data.train).flatten(1)
like = torch.corrcoef(torch.cat([torch.stack(averages).flatten(1), means]))
true, read, _ = (10 + torch.tensor(common)).T
closer = (like[range(10), read] > like[range(10), true]).sum()
bar, neck, middle, belly = map(min, zip(*sums.values(), strict=True))
expect("most of all in the neck", neck, above=1.1 * max(bar, middle))
expect("the belly has hardly a say", belly, below=0.5 * middle)
gaps = leans.difference.iloc[2:]
expect("3 as 5 and 4 as 9 lean less", gaps.max(), below=-0.04)
expect("upright, it is a 3", shares[35, 5], below=0.4)
expect("leaning, it is surely a 5", shares[50, 5], above=0.9)
expect("no lean makes it a 5", leaning(your_five)[1][:, 5].max(), below=0.4)
for name, fifths in groups.items():
    ink, gap, sharp, _, odd = (rates for _, rates, *_ in fifths.values())
    more = ink[0] / ink[3], gap[0] / gap[2], sharp[4] / sharp[2]
    expect(f"harder: {name}", min(*more, odd[4] / odd[0]), above=1.2)
    limit = {"above": 1.1} if name == "validation" else {"below": 1.1}
    expect(f"much ink, on {name} images", ink[4] / ink[2], **limit)
    expect(f"the blurred less so ({name})", sharp[0] / sharp[4], below=1)
    expect(f"most are read correctly ({name})", odd[4], below=0.2)
expect("most errors come back", stable, above=0.6)
fixed, new, _ = changes.to_numpy()
expect("the new version fixes more", fixed[0], above=1.2 * new[0])
expect("a seed fixes dozens", fixed[1], above=30)
expect("decay changes next to nothing", abs(cures.removed.iloc[5]), below=0.04)
expect("more data help somewhat", cures.removed.iloc[4], above=0.1)
expect("deskewing removes a third", cures.removed.iloc[1], between=(0.25, 0.42))
expect("a network, three quarters", cures.removed.iloc[2], between=(0.66, 0.82))
expect("transfer nearly as many", cures.removed.iloc[6], between=(0.56, 0.74))
expect("both read it as a 5", min(p[1][5], p[2][5]), above=0.8)
top_two = test_said.probabilities.topk(2).indices  # for exercise 2
top_two = (top_two == labels[:, None]).any(dim=1).double().mean()

# %% [markdown]
# ## Exercises
#
# ### Exercise 1 ★ With a pencil
#
# A 5 is 20 rows tall and leans by 0.3. Deskewing shears it upright. By how many pixels does its top move against its foot?

# %%
from tutorial_utils.lessons import checks

your_shift = ...
checks.answer(your_shift, 6, tolerance=0.4, hint="0.3 pixels for each row")

# %% tags=["hide-cell"]
# @title Solution
# 20 rows at 0.3 pixels a row: 6 pixels (from the first row to the last, 5.7).
0.3 * 20

# %% [markdown]
# ### Exercise 2 ★★ Predict, then run
#
# In which share of the test images is the true digit among the two likeliest? Write down your prediction, then compute.
# (`top_two`, out of sight here, is that share.)

# %%
your_share = ...
hint = "test_said.probabilities.topk(2).indices has a row of two for each image"
checks.answer(your_share, top_two, tolerance=0.002, hint=hint)

# %% tags=["hide-cell"]
# @title Solution
# The second guess repairs more than half of the errors.
best_two = test_said.probabilities.topk(2).indices
(best_two == labels[:, None]).any(dim=1).double().mean()

# %% [markdown]
# ### Exercise 3 ★★★ The slant, from moments
#
# Write `your_slant` for images of shape (n, 1, 28, 28). It is the slope of the line that fits columns to rows by least squares, each pixel weighted by its ink: minus their covariance, over the variance
# of the rows.


# %%
def your_slant(images):
    ink = images[:, 0].double()
    return torch.zeros(len(ink))


checks.function(your_slant, exploration.slant, [(validation.images[:5],)])


# %% tags=["hide-cell"]
# @title Solution
# Rows count downwards, so ink that leans right has a negative covariance.
def my_slant(images):
    ink = images[:, 0].double()
    ink = ink / ink.sum(dim=(1, 2), keepdim=True)
    steps = torch.arange(28.0, dtype=torch.float64)
    down = steps - (ink.sum(dim=2) @ steps)[:, None]
    right = steps - (ink.sum(dim=1) @ steps)[:, None]
    covariance = torch.einsum("nrc,nr,nc->n", ink, down, right)
    return -covariance / torch.einsum("nrc,nr->n", ink, down**2)


checks.function(my_slant, exploration.slant, [(validation.images[:20],)])

# %% [markdown]
# > **A project for this part.** Take a common pair, such as 4 and 9. Form a hypothesis on validation images, invent a remedy,
# > try it small, and confirm it on test images, once. Report all that you tried.
#
# ## Five questions

# %% tags=["remove-input"]
# @title Five questions
from tutorial_utils.lessons.questions import ask, choice, number

ask(
    [
        choice(
            "Why do other images confirm a hypothesis than those that gave it?",
            {
                "to have more images": "Each part then has fewer.",
                "a pattern may be an accident of one list": "",
                "test images are harder": "They are of the same kind.",
            },
            correct="a pattern may be an accident of one list",
            because="the same accident will hardly happen twice.",
        ),
        choice(
            "Blue ink in the map of 5 read as 3 means:",
            {
                "misread fives have ink there": "Or lack it, at a red weight.",
                "this difference speaks for the 3": "",
                "the weights of 3 are large there": "That alone moves nothing.",
            },
            correct="this difference speaks for the 3",
            because="it is a difference of ink times a difference of weights.",
        ),
        choice(
            "A property hardly tells which images go wrong. What would be"
            " gained by removing it?",
            {
                "nothing": "Slant told little, and deskewing helped.",
                "nobody knows yet": "",
                "much": "Nor does that follow.",
            },
            correct="nobody knows yet",
            because="only removing it answers that.",
            sure=True,
        ),
        number(
            "How many errors did the change of seed fix?",
            answer=fixed[1],
            tolerance=0.5,
            form=",.0f",
            because="and nobody changed anything but the seed.",
        ),
        choice(
            "Why did deskewing mend a 5 that stood upright already?",
            {
                "its picture was changed": "Hardly: its slant was near 0.",
                "the weights were learnt from upright fives": "",
                "the model got more weights": "It has as many as before.",
            },
            correct="the weights were learnt from upright fives",
            because="other fives' necks no longer fall on other places.",
        ),
    ]
)

# %% [markdown]
# ## Further reading
#
# * [Northcutt, Athalye and Mueller (2021)](https://arxiv.org/abs/2103.14749) on wrong labels in well-known test sets.
# * [LeCun et al. (1998)](https://doi.org/10.1109/5.726791) report what deskewing did for a linear classifier.
#
# Next: [Exploring CIFAR-10](../cifar10/01_eda.ipynb), where digits become photographs.

# %% tags=["remove-cell"]
# @title The results file
metrics = {
    "n_errors": len(test_errors),
    "share_of_six_pairs": on_test.nlargest(6).sum() / len(test_errors),
    "confident_share": (test_errors.confidence > 0.9).mean(),
    "average_errors_like_predicted": closer,
    "versions": changes.iloc[:, 0].to_dict(),
    "trials": trials,
}
path = results.write(
    "mnist/05_error_analysis",
    parameters=config.model_dump() | {"num_seeds": num_seeds},
    metrics=metrics,
    data_hash=data.fingerprint,
)
