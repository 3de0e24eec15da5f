# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Claims about MNIST: images and model
#
# Tutorials say much about their images in passing: the classes are balanced, the digits need no alignment, normalisation speeds training. Which of it holds
# when you measure it, and what should you do differently?
#
# *25 minutes to read, 50 with the exercises. **You need** [Training](../mnist/03_training.ipynb) and [Evaluation](../mnist/04_evaluation.ipynb).
# Next come the [claims about training](01b_mnist_training.ipynb) and [about results](01c_mnist_evaluation.ipynb).*
#
# The claims are those of a published tutorial on MNIST by [The Research Scientist Pod](https://researchdatapod.com/mastering-logistic-regression-mnist-pytorch-implementation-analysis), in our
# words. Most are advice that you will meet elsewhere, too. After this chapter you can
#
# * turn a vague claim into a measurement and a rule, before looking at the numbers (ours were set with results known, and [the ledger](../../book/claims.md) dates each);
# * compare two kinds of input fairly: same images, several seeds, each at a rate that suits it;
# * say which care for the inputs pays in softmax regression, and which does not.

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
seed: int = 0  # of what is drawn on this page, 0 or more
device: str = "auto"  # where to compute: "auto", "cpu", "cuda", "mps"
num_epochs: int = 30  # passes over the training images, 1 or more
num_seeds: int = 10  # repeated runs, 2 or more
short_epochs: int = 6  # epochs of the comparisons, 3 or more

# %% tags=["hide-input"]
# @title Check the settings: a wrong one stops the notebook here, and says why
from tutorial_utils.plots.style import use_book_style
from tutorial_utils.training.config import TrainingConfig

config = TrainingConfig(
    dataset=dataset,
    seed=seed,
    device=device,
    num_epochs=num_epochs,
    early_stopping_patience=num_epochs,
)
use_book_style()

# %% [markdown]
# ## How a claim is judged
#
# A claim gets one or more **parts**. Each part is one measurement with a 95 % interval, and a **rule** that says which values support the claim. If the whole interval
# satisfies the rule, the part **holds**. If no value in it does, the part **does not hold**. Otherwise it is **not settled**: the data allow either. A count has no interval, and is judged by its value.
#
# Then the parts judge the claim. Where some hold and some do not, it is **mixed**. If not, a claim that says all its parts waits for each of them. Where the parts are readings of one statement, those that are settled speak for it.
# [The ledger](../../book/claims.md) keeps all verdicts. They are computed from the numbers, not written by hand.
#
# An interval of 95 % misses the truth once in twenty, and this page has two dozen: expect about one to miss. The ledger therefore also gives every verdict after Holm's correction for many tests.
#
# "Better" and "no difference" need a margin. One pair serves all comparisons of settings: 0.2 points of accuracy or recall, which is 20 of 10,000 images, and
# 0.005 nats of loss. Smaller differences may be real. Nobody should choose a setting for their sake.
#
# Two kinds of interval appear.
#
# * **Over seeds and images.** Two settings are compared on every test image, by every pair of models with the same seed. What both find easy or hard cancels out, so small
#   differences show. The interval answers for other seeds *and* other test images, not for other training images ([Cameron et al., 2011](https://doi.org/10.1198/jbes.2010.07136)). Neighbouring test images often come from one writer, so a block of
#   100 counts as one observation.
# * **Over seeds.** Where the question is about training alone, such as the loss after an epoch, there is one number per seed and Student's t. Runs that share training images vary less than runs on fresh
#   ones would, so the interval is widened ([Nadeau & Bengio, 2003](https://doi.org/10.1023/A:1024068626366)).
#
# ## The models
#
# Claims about a trained model ask the ten models of [Tuning](../mnist/03b_tuning.ipynb). Comparisons train a **short protocol**: six epochs, the rate decayed twice on
# the way, from the same ten seeds. The **reference** has the tutorial's settings.

# %%
from tutorial_utils.data import datasets, exploration
from tutorial_utils.report import results
from tutorial_utils.training import answers, replicas, stepwise

data, folder = datasets.load(dataset), results.output_folder()
each_seed = [config.but(seed=s) for s in range(num_seeds)]
ten = replicas.load_or_train(each_seed, data, folder)
short = [stepwise.shortened(each, short_epochs) for each in each_seed]
reference = replicas.load_or_train(short, data, folder)

# %%
from functools import partial

import numpy as np
import pandas as pd
import torch

from tutorial_utils.evaluation.predictions import predict
from tutorial_utils.report import measuring
from tutorial_utils.report.ledger import Ledger, Measurement
from tutorial_utils.report.measuring import gain

test_images, truth = datasets.standardise(data.test), data.test.labels
said = [predict(run.model, test_images) for run in ten]
right = partial(answers.hits, labels=truth)  # (seeds, images), 0 or 1
as_before = right(reference, test_images)
over_seeds = partial(measuring.over_seeds, test_share=1 / 9)
of_confusions = partial(measuring.of_confusions, truth, said)
ledger = Ledger()

# %% [markdown]
# ## Classes
#
# ### Claim 1: the classes are balanced, so that no class is favoured
#
# These are two statements. *Balanced*: the largest class has less than 1.5 times the images of the smallest. That is a convention; remedies are rarely proposed below a factor of several. *Favoured*:
# a model that favours a digit predicts it more often than it occurs. The digit most over-predicted on the validation images is named there, then judged on the test images. More than 5 % too often would be favour.

# %% tags=["hide-input"]
# @title Claim 1, measured
counts = exploration.class_counts(data.train)
held_out = answers.validation_confusions(ten, data.train)
favourite = int((held_out.sum(axis=0) / held_out.sum(axis=1)).argmax())


def times_predicted(matrices):
    return (matrices.sum(axis=-2) / matrices.sum(axis=-1))[..., favourite]


n = {"n": len(data.train), "of_what": "training images"}
favoured = of_confusions(times_predicted, favourite=favourite)
ledger.record(1, a=Measurement(counts.max() / counts.min(), **n), b=favoured)

# %% [markdown]
# **For you:** count your classes, as the tutorial does. At ratios like this one, go on.
#
# ### Claim 7: no class weights are needed
#
# To test that, weight the classes. The usual weights are $n/(k\,n_c)$: a class with few images counts more, and all classes count alike in total. The claim
# asks that accuracy stays within the margin, and that the recall of the rarest digit does not rise by more. `stepwise` trains with weights: its error is $w_y(p-y)$
# over the sum of weights in the batch, as in PyTorch's `cross_entropy(weight=...)`.

# %%
few = short[: max(2, num_seeds // 2)]
balancing = torch.tensor(len(data.train) / (10 * counts)).float()
weights = torch.stack([balancing] * len(few) + [torch.ones(10)] * len(few))
batches, _ = replicas.batches_of_each(data.train, few * 2)
opened = stepwise.train_to_the_end(few * 2, batches, class_weights=weights)
with_weights, without = np.split(right(opened, test_images), 2)

# %% tags=["hide-input"]
# @title Claim 7, measured
rarest = int(counts.argmin())
of_rarest = {"where": truth == rarest, "digit": rarest, "runs": len(few)}
of_rarest["of_what"] = f"test images of {rarest}"
ledger.record(
    7,
    a=gain(without, with_weights, runs=len(few)),
    b=gain(without, with_weights, **of_rarest),
)

# %% [markdown]
# The verdict is mixed, yet the tutorial's advice stands: accuracy does not need weights. The part that fails shows what weights are *for*. Even weights this near to 1 (the classes are nearly balanced) move the recall of the fives a little, and what one digit
# gains, others pay. **For you:** leave them out, unless you care for one class more than for others. Then they are a dial for just that.
#
# ## Inputs
#
# ### Claim 2: normalisation speeds convergence
#
# The tutorial scales pixels to [0, 1], then standardises them. Does the second step help? Comparing at one rate is unfair to one side: smaller inputs have smaller gradients.
# Precisely, all inputs times $s$ is the same as the rate of the weights times $s^2$ and their start times $s$. So the validation loss after one epoch and after three is compared
# twice: at the tutorial's rate, and with each input at its own best rate from a grid. That rate is chosen on the very losses that are then compared, which flatters both sides; both choose from five.
#
# The same grid serves claim 42, so it has two more inputs: raw pixels from 0 to 255, and standardised pixels of which a random half is multiplied by ten. No guard stops these runs: a
# first loss that is huge would trip it, although training may come back from there. After the training you see each input's best rate, and its validation loss there after three epochs.

# %%
from tutorial_utils.reproducibility import make_generator

standardise = datasets.training_transform(data.description)
drawn = torch.randperm(784, generator=make_generator(seed, "half"))[:392]
tenfold = torch.ones(784).index_fill_(0, drawn, 10).view(28, 28)
inputs = {
    "standardised": standardise,
    "[0, 1]": lambda images: images.float() / 255,
    "raw, 0 to 255": lambda images: images.float(),
    "half of the pixels times 10": lambda images: (
        standardise(images) * tenfold.to(images.device)
    ),
}
rates = {}  # at smaller ones where the squares of the inputs are larger
for name, scale in zip(inputs, (1, 1, 1e-3, 1e-2), strict=True):
    rates[name] = [0.01 * scale * f for f in (0.1, 0.3, 1, 3, 10)]
    rates[name] += [0.01] * (scale != 1)

# %% tags=["hide-input"]
# @title Train the grid: four inputs, five or six rates, several seeds
three = [each.but(num_epochs=3, learning_rate_decay=1.0) for each in few]
grids = {
    name: stepwise.train_grid(three, rates[name], data.train, transform)
    for name, transform in inputs.items()
}


def losses_after(name, epoch):
    return np.array([answers.after(row, epoch) for row in grids[name]])


means = {name: losses_after(name, 3).mean(axis=0) for name in inputs}
best = {name: int(means[name].argmin()) for name in inputs}
at_source = {name: rates[name].index(0.01) for name in inputs}

# %%
from tutorial_utils.report.narrate import table

found = [(name, rates[name][best[name]], means[name].min()) for name in inputs]
frame = pd.DataFrame(found, columns=["input", "best rate", "loss there"])
table(frame, {"best rate": "g", "loss there": ".3f"})

# %% tags=["hide-input"]
# @title Claim 2, measured
standard, scaled, *spoilt = inputs


def slower(columns, epoch):
    ends = [losses_after(n, epoch)[:, columns[n]] for n in (scaled, standard)]
    return over_seeds(ends[0] - ends[1])


parts = [slower(each, n) for each in (at_source, best) for n in (1, 3)]
ledger.record(2, **dict(zip("abcd", parts, strict=True)))

# %% [markdown]
# At the tutorial's rate, standardised pixels are ahead after one epoch. Give pixels in [0, 1] a rate of their own, ten times as large, and the lead is gone. What looked like the merit of
# normalisation was a learning rate. **For you:** standardise, because then common rates suit. Before you credit it with more, tune the rate of the other side, too.
#
# ### Claim 42: the method is sensitive to feature scale
#
# There are two ways to get scale wrong: all pixels too large by one factor, and some pixels larger than others. The claim holds if test accuracy after three epochs falls by more than the margin, at
# the tutorial's rate and at each input's own best.


# %% tags=["hide-input"]
# @title Claim 42, measured
def grid_right(name, column):
    parts = data.test.images.split(exploration.CHUNK)
    images = torch.cat([inputs[name](part) for part in parts])
    return right([row[column] for row in grids[name]], images)


parts = []
for columns in (at_source, best):
    good, *bad = (grid_right(n, columns[n]) for n in (standard, *spoilt))
    parts += [gain(good, each, runs=len(few)) for each in bad]
ledger.record(42, **dict(zip("abcd", parts, strict=True)))

# %% [markdown]
# It holds in all four ways. A rate of their own does not rescue raw pixels. A common factor could be made up by the rate *and* the start; a new rate alone leaves raw pixels with a start 255 times too large, and pixels that seldom carry ink forget it slowly.
# For unequal factors there is no rate that suits all weights. **For you:** here the tutorial is right, and it matters most for features in different units.
#
# ### Claim 6: centred digits need no alignment
#
# MNIST's digits were centred when the set was made. But they also lean. **Deskewing** shears each image until its second moments say that it stands upright; labels are not looked at. The claim
# holds if accuracy rises by less than the margin.


# %%
def upright(part):
    images = exploration.deskew(part.images)
    return datasets.ImageData(images, part.labels, part.description)


upright_images = datasets.standardise(upright(data.test))
batches = replicas.batches_of_each(upright(data.train), short)
aligned = replicas.train(short, *batches)
when_aligned = right(aligned, upright_images)
ledger.record(6, a=gain(as_before, when_aligned, runs=num_seeds))

# %% [markdown]
# That is the largest gain on this page, from a few lines that never saw a label. [LeCun et al. (1998)](https://doi.org/10.1109/5.726791) report 12.0 % errors without and 8.4 % with deskewing for a linear
# classifier. Three in ten errors went there, and three in ten go here. So the claim falls if alignment includes slant, which the tutorial may not have meant; centring is about position. **For you:** a model that weighs pixels cares where strokes lie. Align what you can.
#
# What standing upright brings to this softmax regression, and what comes after it: [Better features](../beyond/01_better_features.ipynb#First,-stand-the-digit-upright).
#
# ### Claims 3 and 35: augmentation
#
# The tutorial says that size and quality make **augmentation** unnecessary (3). Elsewhere it prescribes it for hard digits (35). Augmentation shows altered copies of the training images. The usual
# first choice for digits is a shift, here by up to one pixel each way, anew in every epoch.

# %%
import torch.nn.functional as F

draws = make_generator(seed, "augmentation")


def shifted(images):
    """Cut a window of 28 x 28 from each image with a border of one pixel."""
    windows = F.pad(images, (1, 1, 1, 1)).unfold(2, 28, 1).unfold(3, 28, 1)
    down, across = torch.randint(3, (2, len(images)), generator=draws)
    return standardise(windows[torch.arange(len(images)), :, down, across])


batches, held = replicas.batches_of_each(data.train, short)
batches.transform = shifted
augmented = replicas.train(short, batches, held)
when_shifted = right(augmented, test_images)

# %% [markdown]
# ### Claim 3: size and quality make augmentation unnecessary
#
# It holds if test accuracy rises by less than the margin.

# %% tags=["hide-input"]
# @title Claim 3, measured
ledger.record(3, a=gain(as_before, when_shifted, runs=num_seeds))

# %% [markdown]
# ### Claim 35: augmentation helps the hard digits
#
# The two digits with the lowest recall on the reference's *validation* images are named there. Their recall on the test images must rise by more than the margin.

# %% tags=["hide-input"]
# @title Claim 35, measured
from tutorial_utils.evaluation.confusions import recalls

held_out = answers.validation_confusions(reference, data.train)
hard = recalls(held_out).argsort()[:2].tolist()
names = {"first": hard[0], "second": hard[1], "runs": num_seeds}
parts = []
for digit in hard:
    names |= {"where": truth == digit, "of_what": f"test images of {digit}"}
    parts.append(gain(as_before, when_shifted, **names))
ledger.record(35, a=parts[0], b=parts[1])

# %% [markdown]
# These shifts make it worse, and the hard digits do not gain. That is one augmentation, by one pixel, for six epochs; others were not tried. The conclusion of claim 3 stands here, but hardly for the reason given. A likely reason is the *model*: it has one weight per pixel and class,
# so it cannot follow a stroke that moves, only blur its template. **For you:** augmentation teaches what a model is able to learn. A convolutional network may gain.
#
# What better inputs do without more images: [Better features](../beyond/01_better_features.ipynb).
#
# ## Images
#
# ### Claim 40: image quality is consistent across samples
#
# Brightness is the mean of an image's pixels, contrast their standard deviation. Consistent is taken as: over the images, each varies by less than a quarter of its mean.

# %% tags=["hide-input"]
# @title Claim 40, measured
from tutorial_utils.evaluation import influence

images = data.train.images
kinds = exploration.contrast(images), exploration.brightness(images)
parts = [measuring.over_images(influence.of_variation(each)) for each in kinds]
ledger.record(40, a=parts[0], b=parts[1])

# %% [markdown]
# By this convention contrast is consistent and brightness is not. But a 0 has more than twice the ink of a 1: brightness measures the digit as much as the image. **For you:** before you call an image
# poor, ask what a good image of *its class* looks like.
#
# ### Claim 41: variation is central and most pixels are near 0
#
# *Near 0*: more than half of an image's pixels are exactly 0, on average. *Central*: the middle 14 x 14 pixels, a quarter of the area, hold more than half of the variance.

# %% tags=["hide-input"]
# @title Claim 41, measured
squares = [exploration.squares_from_mean(images, border) for border in (7, 0)]
central = measuring.over_images(influence.of_ratio(*squares))
empty = (images == 0).double().mean(dim=(1, 2, 3))
ledger.record(41, a=central, b=measuring.over_images(empty))

# %% [markdown]
# The tutorial is right, and the numbers are more than comfortable. It follows from how the set was made: each digit was scaled into a box of 20 x 20 pixels, with a black border around it.
#
# ### Claim 22: errors go with poor image quality
#
# Poor is taken as low contrast, low sharpness or much noise. A **logistic regression** of wrong or correct on such a property gives the **odds ratio** of an error per standard deviation more of it: below 1 for contrast and
# sharpness, above 1 for noise, if the claim is right. Two traps: ones have little ink and are easy, so ink predicts correctness without any quality; the regression therefore has an indicator for each digit. And
# brightness and contrast nearly repeat each other, so each property is asked alone.

# %% tags=["hide-input"]
# @title Claim 22, measured
wrong = [each.labels != truth for each in said]
indicators = {f"is {d}": (truth == d).double() for d in range(1, 10)}
parts = []
for name in ("contrast", "sharpness", "noise"):
    kept = {name: getattr(exploration, name)(data.test.images)} | indicators
    parts.append(measuring.odds_ratio(wrong, name, kept))
ledger.record(22, **dict(zip("abc", parts, strict=True)))

# %% [markdown]
# Low contrast does go with errors. Sharpness goes the other way: among images of the same digit, the *sharper* ones are misread more often. For noise these images do not settle the sign: per standard deviation, the odds move by at most about a fifth either way. This is association, not cause. **For you:** "poor quality" is a guess until you measure it.
# [Error analysis](../mnist/05_error_analysis.ipynb) looks at the images.
#
# ## Weights
#
# ### Claim 45: the weights can be interpreted
#
# The claim does not say how, so two things are asked of them. *As pictures*: each digit's weights, relative to the mean over digits (only differences between classes mean anything), correlate with
# the digit's average image minus the overall average, above 0.5 on average. Many expect that; a good classifier need not do it. *As something to rely on*: the weights of two runs correlate above 0.9, over all pairs of runs. Pixels that are hardly ever inked keep their random start, so this part looks at pixels with ink in at least one of a hundred images. (On those, the likeness of the first part is little higher.)
#
# Each run belongs to many pairs, so the pairs are not independent, and Student's t over pairs would be too sure. The **jackknife** asks instead how much the mean over pairs changes when one run is left out.


# %% tags=["hide-input"]
# @title Claim 45, measured
def correlation(one, other):
    """Mean over digits of the correlation over pixels, shapes (10, pixels)."""
    return np.mean([each[0, 1] for each in map(np.corrcoef, one, other)])


def relative(rows):
    return rows - rows.mean(dim=0)


expected = relative(exploration.class_means(data.train).flatten(1))
inked = ((images > 0).double().mean(dim=0) >= 0.01).flatten()
learnt = [relative(r.model.linear.weight.detach().cpu().double()) for r in ten]
on_ink = [each[:, inked] for each in learnt]
alike = [[correlation(a, b) for b in on_ink] for a in on_ink]
likeness = over_seeds([correlation(each, expected) for each in learnt])
stable = measuring.over_pairs(alike, test_share=1 / 9)
ledger.record(45, a=likeness, b=stable)

# %% tags=["hide-input"]
# @title Figure: weights beside average images
from tutorial_utils.lessons.show import show
from tutorial_utils.plots.model import evidence_images

some = [0, 1, 3, 5, 8]
titles = [f"{what} {d}" for what in ("weights of", "average") for d in some]
shown = [*learnt[0][some], *expected[some]]
shown = [(each / each.abs().max()).view(28, 28) for each in shown]
show(
    evidence_images(shown, titles),
    caption="Top: weights of five digits relative to the mean over digits, blue"
    " for the digit and red against it. Bottom: their average images minus the"
    " overall average. Each is scaled to its own largest value.",
    alt="Two rows of five heat maps. The lower row shows smooth blurred digits;"
    " the upper row shows rough patterns that resemble them only in part.",
    name="fig-claims-mnist-weights",
)

# %% [markdown]
# The weights are stable, but they are no pictures of digits. That is no fault: a classifier by nearest average would have the averages as its weights, while logistic regression weighs what tells digits
# *apart*. **For you:** read weights as evidence for and against, as in [The model](../mnist/02_model.ipynb), not as a likeness.
#
# ## What the intervals could see
#
# A rule that could not have told yes from no says nothing. So here is, for every part with an interval, half its width and the smallest distance from its bound that it settles four times in five
# ([Cohen, 1988](https://doi.org/10.4324/9780203771587)). Nearer to the bound, "not settled" is the likely outcome, whichever side the truth is on.

# %%
entries = ledger.entries("metric")
table(measuring.sees(entries))

# %% [markdown]
# Class weights (7a) are compared to within the margin of 0.2 points. Other inputs change more answers, so their intervals are wider. The recall of one digit rests on a tenth of the images, and its intervals are several times as wide.

# %% tags=["remove-input"]
# @title Guards of the sentences above
from tutorial_utils.lessons.expect import expect

parts = measuring.Parts(entries)
low, high, value = map(parts.column, ("low", "high", "measurement"))
expect("two dozen intervals", len(measuring.sees(entries)), between=(21, 27))
told = [parts[n]["verdict"] for n in ("40a", "40b", "41a", "41b", "22c", "45b")]
right_now = ["holds", "does not hold", "holds", "holds", "not settled", "holds"]
expect("the text tells the verdicts", told, equals=right_now)
expect("weights move the fives' recall", low["7b"], above=0.001)
expect("standardised pixels lead after one epoch", low["2a"], above=0.02)
expect("at its own rate the lead is gone", value["2c"], below=0.002)
own = rates[scaled][best[scaled]] / rates[standard][best[standard]]
expect("its own rate is ten times as large", own, between=(9, 11))
expect("raw pixels never get as low", min(means[spoilt[0]]), above=0.35)
expect("scale matters", max(high[f"42{c}"] for c in "abcd"), below=-0.01)
expect("their own rate is no rescue", value["42c"], below=-0.02)
gone = 1 - (1 - when_aligned.mean()) / (1 - as_before.mean())
expect("three in ten errors go", gone, between=(0.25, 0.35))
expect("deskewing gains most", value["6a"], above=0.01)
expect("shifts lower accuracy", high["3a"], below=-0.0005)
expect("hard digits do not gain", max(high["35a"], value["35b"]), below=0.0019)
ink = exploration.class_means(data.train).mean(dim=(1, 2, 3))
expect("a 0 has twice the ink of a 1", ink[0] / ink[1], above=2.1)
expect("low contrast goes with errors", high["22a"], below=0.99)
expect("sharp ones are misread more", low["22b"], above=1.02)
expect("noise matters little", max(high["22c"], 1 / low["22c"]), below=1.3)
expect("weights are no likeness", high["45a"], below=0.45)
seen = correlation(on_ink[0], expected[:, inked])
expect("nor on inked pixels", seen, below=0.45)
expect("recall has wide intervals", high["7b"] - low["7b"], above=0.004)


expect("weights: in the margin", measuring.detectable(parts["7a"]), below=0.002)

# %% [markdown]
# ## Exercises
#
# ### Exercise 1 ★ With a pencil
#
# Somebody divides all standardised inputs by ten and starts with weights ten times as large. Which rate of the weights gives the same training as 0.01 did before?

# %%
from tutorial_utils.lessons import checks

your_rate = ...
hint = "inputs times s is the same as the weights' rate times s squared"
checks.answer(your_rate, 0.01 / 0.1**2, tolerance=0.01, hint=hint)

# %% tags=["hide-cell"]
# @title Solution, checked on 100 batches without bias and momentum
# Inputs a tenth: the gradient is a tenth, and a weight must move ten times as
# far. So the rate is a hundred times as large: 1.
order = torch.randperm(6_400, generator=draws)


def follow(scale, rate, weight):
    for chosen in order.split(64):
        pixels = scale * standardise(data.train.images[chosen]).flatten(1)
        wanted = F.one_hot(data.train.labels[chosen], 10)
        error = (pixels @ weight.T).softmax(dim=1) - wanted
        weight = weight - rate * error.T @ pixels / len(pixels)
    return weight


start = torch.randn(10, 784, generator=draws) / 28
one, tenth = follow(1.0, 0.01, start), follow(0.1, 1.0, 10 * start)
torch.testing.assert_close(tenth / 10, one, rtol=1e-3, atol=1e-4)

# %% [markdown]
# ### Exercise 2 ★★ Predict, then run
#
# The models of claim 6 learnt from upright digits. Show them the test images as they are. How many do they read correctly? Write down a share first.

# %%
your_share = ...
leaning = right(aligned, test_images).mean()
checks.answer(your_share, leaning, tolerance=0.02, hint="they saw no slant")

# %% tags=["hide-cell"]
# @title Solution
# Better than nothing, worse than without deskewing: what is done to training
# images must be done to all that come after.
leaning, as_before.mean(), when_aligned.mean()

# %% [markdown]
# ### Exercise 3 ★★★ What pairing is worth
#
# Write the half-width of a 95 % interval for the difference of two accuracies on the *same* images, taking images as independent: 1.96 standard errors of the mean of the
# differences. How much wider is it if you forget the pairs?


# %%
def your_half_width(one, other):
    """Both of shape (n,), 0 or 1."""
    return one.mean() - other.mean()


# %% tags=["remove-cell"]
# @title What the check of exercise 3 compares with
def paired_half_width(one, other):
    return 1.96 * (other - one).std(correction=0) / len(one) ** 0.5


pair = torch.as_tensor(as_before[0]), torch.as_tensor(when_aligned[0])

# %%
checks.function(your_half_width, paired_half_width, [pair])

# %% tags=["hide-cell"]
# @title Solution
# Without the pairs, variances add up, whatever the two have in common.
variance = sum(each.var(correction=0) for each in pair) / len(pair[0])
apart = 1.96 * variance**0.5
paired_half_width(*pair), apart, apart / paired_half_width(*pair)

# %% [markdown]
# ## Five questions

# %% tags=["remove-input"]
# @title Five questions
from tutorial_utils.lessons.questions import ask, choice, number

ask(
    [
        choice(
            "Method A beats method B at the usual rate of A. What do you do"
            " first, before you believe it?",
            {
                "adopt A": "B may only have had the wrong rate.",
                "tune B's rate, too": "",
                "train longer": "That does not make the comparison fair.",
            },
            correct="tune B's rate, too",
            because="at its own rate, [0, 1] was as good after three epochs.",
            sure=True,
        ),
        choice(
            "A part's interval runs from -0.5 to +0.1 points. Its rule says"
            " below 0.2. What is the verdict?",
            ["holds", "does not hold", "not settled"],
            correct="holds",
            because="the whole interval satisfies the rule.",
        ),
        number(
            "A class has 500 of 10,000 images, and there are ten classes. Which"
            " weight does n / (k n_c) give it?",
            answer=10_000 / (10 * 500),
            tolerance=0.01,
            because="10,000 / (10 times 500).",
        ),
        choice(
            "What is a likely reason that these shifts lowered the accuracy?",
            {
                "there were too many images": "Others gain with as many.",
                "a linear model has one weight per pixel": "",
                "shifted digits are no digits": "You would read them.",
            },
            correct="a linear model has one weight per pixel",
            because="it can only blur its template.",
        ),
        choice(
            "Which change of the inputs removed most errors?",
            ["standardising", "shifting", "deskewing"],
            correct="deskewing",
            because=f"it removed {100 * gone:.0f} % of them.",
        ),
    ]
)

# %% [markdown]
# ## Further reading
#
# * [LeCun et al. (1998)](https://doi.org/10.1109/5.726791) on what deskewing, and then better models, did for digits.
# * [Bouthillier et al. (2021)](https://arxiv.org/abs/2103.03098) on how much of a difference is the seed.
#
# Next: [Claims about MNIST: training](01b_mnist_training.ipynb).

# %% tags=["remove-cell"]
# @title The results file
path = results.write(
    "claims/01a_mnist_data_and_model",
    parameters=config.model_dump()
    | {"num_seeds": num_seeds, "short_epochs": short_epochs},
    metrics=ledger.metrics(),
    data_hash=data.fingerprint,
)
