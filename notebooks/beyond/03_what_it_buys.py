# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What it buys
#
# From the line on pixels you took one step to better features and another to networks. What does each step buy, and what does it cost?
#
# *20 minutes to read, 45 with the exercises. **You need** [Better features](01_better_features.ipynb) and [Networks](02_networks.ipynb), and from
# [Comparing models](../mnist/04c_comparing_models.ipynb) the coin that McNemar tosses.*
#
# After this chapter you can
#
# * set models side by side so that accuracy, seconds and weights can be weighed;
# * say which errors a better model repairs, and which new ones it makes;
# * name the cases in which the line is still the right choice.

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
seed: int = 0  # fixes splits, order and first weights, 0 or more
device: str = "auto"  # where to compute: "auto", "cpu", "cuda", "mps"
num_epochs: int = 6  # of the networks, as on the last page, 1 or more
short_epochs: int = 8  # of networks on few images, as there, 1 or more
num_centroids: int = 400  # as for the features, 32 to 2,000
remembered: int = 10_000  # images that the neighbours keep, 5 to 45,000
num_steps: int = 50  # of scikit-learn's search, 1 or more
num_seeds: int = 3  # draws of few images, 1 or more

# %% tags=["hide-input"]
# @title Check the settings: a wrong one stops the notebook here, and says why
import time
from functools import partial

import pandas as pd
import torch

from tutorial_utils.plots.style import use_book_style
from tutorial_utils.report import results
from tutorial_utils.training.config import HEADLINE, TrainingConfig

on = {"seed": seed, "device": device}
config = TrainingConfig(
    **on, batch_size=128, learning_rate=0.1, schedule="one_cycle"
).but(num_epochs=num_epochs, early_stopping_patience=num_epochs)
softmax = TrainingConfig(
    **on, batch_size=100, weight_decay=0.001, early_stopping_patience=30
)
folder = results.output_folder()
torch.set_num_threads(1)
use_book_style()

# %% [markdown]
# ## One ruler for all
#
# To compare models, treat them alike: the same images to learn from, the same test images, one core of the same computer. Of each model, the package's `rivals`
# keeps what it says about images, how many numbers it needs to say it, and how many seconds it took to learn. Filters of features count among the numbers: nobody trained them,
# but the model cannot do without them. (On photographs the line is the one of its own part, so it had fewer images: a fifth was held out there, a tenth here.)
#
# At the bottom of the ladder stand models that hardly learn. **Majority class** says the most frequent class, whatever it sees. **Nearest centroid** names the class
# whose mean image $c$ is nearest. Multiply $\lVert x - c \rVert^2$ out, and what depends on the class is a weighted sum of pixels: this is a line, too, with weights that nobody
# fitted. **Nearest neighbours** look up the five training images that are most alike ([Cover and Hart, 1967](https://doi.org/10.1109/TIT.1967.1053964)). They learn nothing and keep everything, so here they get
# only 10,000 images.
#
# Next comes the line, as this book trained it and as scikit-learn finds it. Then the line on [better inputs](01_better_features.ipynb), upright digits and features of patches, and
# [the networks](02_networks.ipynb) of the last page.

# %%
from tutorial_utils.data import datasets, exploration
from tutorial_utils.features import linear, networks, recipes, rivals
from tutorial_utils.training.trainer import load_or_fit


def trained(found, prepare):
    model, history = found
    seconds = sum(history.column("seconds"))
    return rivals.by_network(model, prepare, seconds)


def features(size, grid, data, prepare):
    start, train = time.perf_counter(), data.train
    settings = softmax.but(dataset=data.description.name)
    given = prepare(train.images), train.labels, settings
    model, _ = linear.fit_on_patches(*given, count=size, grid=grid)
    seconds = time.perf_counter() - start
    return rivals.by_network(model, prepare, seconds)


# %% [markdown]
# What was trained before is found in its file, and brings the seconds along that it took then.


# %% tags=["hide-input"]
# @title Fit all models of a data set
def small():  # as you wrote it
    made = networks.convolutional(1, (16, 32, 32, 64))
    return made.to(memory_format=torch.contiguous_format)


def ladder(data, make, rate, size, grid, prepare):
    about, train = data.description, data.train
    chosen, _ = datasets.split_indices(len(train), 0.1, seed)
    part = train.subset(chosen)
    plain = datasets.training_transform(about)
    dense = partial(networks.dense, part.images[0].numel(), [256])
    networks_of = {"dense network": (dense, rate), "convolution": (make, 0.2)}
    settings = HEADLINE[about.name].but(**on)
    made = rivals.baselines(plain, part, remembered, num_steps)
    made["line"] = trained(load_or_fit(settings, data, folder), plain)
    if about.name == "mnist":
        given = train.images, train.labels, softmax
        made["line, upright"] = rivals.by_shearing(*given)
    made["features"] = features(size, grid, data, prepare)
    for name, (kind, step) in networks_of.items():
        settings = config.but(dataset=about.name, learning_rate=step)
        found = recipes.train_new(kind, settings, data, folder)
        made[name] = trained(found, plain)
    return made


wide = partial(networks.convolutional, 3, (32, 64, 64, 128))
digits, photos = map(datasets.load, ("mnist", "cifar10"))
of_digits = digits, small, 0.1, num_centroids // 2, 3, exploration.deskew
of_photos = photos, wide, 0.02, num_centroids, 2, torch.clone
models = {"MNIST": ladder(*of_digits), "CIFAR-10": ladder(*of_photos)}

# %% [markdown]
# Every setting was chosen before, on validation images, or left as it is by default. So now the test images, with
# [intervals by blocks](../mnist/04_evaluation.ipynb):

# %%
from tutorial_utils.evaluation import dependence

sets = {"MNIST": digits, "CIFAR-10": photos}
said, rights, asked, rows = {}, {}, {}, {}
for where, made in models.items():
    test, strata = sets[where].test, 1 + (where == "MNIST")
    for name, model in made.items():
        key, start = (where, name), time.perf_counter()
        said[key] = model.say(test.images)
        asked[key] = time.perf_counter() - start
        rights[key] = said[key].labels == test.labels
        bounds = dependence.block_interval(rights[key], strata=strata)[:3]
        rows[key] = (*bounds, model.weights, model.seconds)
table = pd.DataFrame(rows, ["accuracy", "low", "high", "weights", "seconds"]).T
table.drop(columns="seconds").astype({"weights": int}).round(4)

# %% [markdown]
# ## What accuracy costs
#
# Now draw accuracy against the seconds that learning took. Accuracy is on the scale of log odds: whenever a model halves the errors, it
# moves up by about the same step, be it from 20 % or from 2 %. Read factors of ten from the seconds, no percentages: they are of the machine that made
# this page, and some models were trained while others were, too.

# %% tags=["hide-input"]
# @title Figure: accuracy against seconds
from tutorial_utils.lessons.show import show
from tutorial_utils.plots import costs

show(
    costs.trade_offs(table, "seconds", xlabel="seconds of training"),
    caption="Test accuracy by seconds of training, one core.",
    alt="Two panels of points on logarithmic axes. To the left lie majority"
    " class, nearest neighbours and nearest centroid; to the right all others,"
    " the features high and the convolution highest.",
    name="fig-accuracy-seconds",
)

# %% tags=["hide-input"]
# @title Figure: accuracy against weights
show(
    costs.trade_offs(table, "weights", xlabel="numbers to keep"),
    caption="Test accuracy by the numbers that a model has to keep.",
    alt="Two panels. The convolution lies highest, with fewer numbers than the"
    " dense network. The nearest neighbours lie far to the right, and low.",
    name="fig-accuracy-weights",
)

# %% [markdown]
# Look at the second figure first. More numbers do not make a better model. The nearest neighbours keep millions and are beaten by features that keep a few ten
# thousand. The dense network keeps several times as many as the convolution, and is wrong more often. What a model knows beforehand (a piece of an image means the same wherever it is) it need not learn, and need not keep.
#
# In the first figure, nothing took longer than minutes. The two lines are of one kind, found by two searches: scikit-learn's has a penalty, and is cut short. Look also how far the dense network gets
# on digits, and how far on photographs: it does not know that pixels have neighbours, and for photographs that matters more.
#
# ## Is the gain real?
#
# [McNemar's coin](../mnist/04c_comparing_models.ipynb) compares each model with the line, on the images that one of them gets right and the other wrong: those that it
# **repaired**, and its **new** errors. Beside it stands the gain in accuracy with its interval. There are many comparisons, so the p-values are adjusted for their number; the intervals
# are not. (A p of 0.000 is one that rounds to it.)

# %%
from tutorial_utils.evaluation import comparisons
from tutorial_utils.evaluation.statistics import paired_difference

compared = {}
for (where, name), right in rights.items():
    if name != "line":
        before = rights[where, "line"]
        new, repaired, p, _ = comparisons.exact_mcnemar(before, right)
        gain = paired_difference(before, right)[:3]
        compared[where, name] = (repaired, new, *gain, p)
columns = ["repaired", "new", "gain", "low", "high", "p"]
tests = pd.DataFrame(compared, columns).T
tests["p"] = comparisons.adjust(tests["p"])
tests.astype({"repaired": int, "new": int}).round(3)

# %% [markdown]
# A gain is a balance. Even the convolution gets images wrong that the line got right, on photographs hundreds of them. Whoever exchanges a model in use should look at that column: users notice
# what used to work. Where do both kinds lie?


# %% tags=["hide-input"]
# @title Figure: errors repaired and new, class by class
def by_class(where, name):
    labels = sets[where].test.labels
    before, right = rights[where, "line"], rights[where, name]
    groups = labels[right & ~before], labels[before & ~right]
    return [each.bincount(minlength=10).tolist() for each in groups]


changes = {
    where: (data.description.class_names, *by_class(where, "convolution"))
    for where, data in sets.items()
}
show(
    costs.repaired_and_new(changes),
    caption="What the convolution does to the errors of the line, by class.",
    alt="Two panels of horizontal bars. In every class the bar of repaired"
    " errors, to the right, is longer than that of new ones, to the left.",
    name="fig-repaired",
)

# %% [markdown]
# Every class gains.
#
# ## Do they mean what they say?
#
# Is an answer given with 90 % right nine times in ten? Here is the [calibration error](../mnist/04b_probabilities.ipynb) of all that were trained to give probabilities, beside
# what chance alone could make of it. Then the temperature that suits the validation images best (above 1: the model claims too much), and the error that it leaves.

# %%
UNTRAINED = "majority class", "nearest centroid", "nearest neighbours"
honest = {}
for (where, name), claims in said.items():
    if name not in UNTRAINED:
        train, test = sets[where].train, sets[where].test
        held = train.subset(datasets.split_indices(len(train), 0.1, seed)[1])
        on_held = models[where][name].say(held.images), held.labels
        honest[where, name] = rivals.honesty(claims, test.labels, *on_held)
calibrated = pd.DataFrame(honest, rivals.Honesty._fields).T
calibrated.round(3)

# %% [markdown]
# Better is not the same as more honest. Look at the convolution on photographs, the best of all: it claims more than it keeps, by more than chance would make of it,
# and its temperature lies above 1. That one number, found on validation images, takes a good part of the error away. So calibration is measured anew for each
# model. It does not come with accuracy.
#
# ## When is the line still right?
#
# **When images are few?** Take 100 labelled digits, 1,000, or 10,000, and train the line, the line on features, and the convolution. (The centroids of the features have seen
# patches of all images, but no label.) **Predict first:** with 100 images, which is ahead?

# %% tags=["hide-input"]
# @title Accuracy on validation images, mean over draws
from tutorial_utils.features import starts
from tutorial_utils.features.few_labels import network_on_first, on_first

COUNTS = {100: (10, 20), 1_000: (50, 15), 10_000: (128, short_epochs)}
SEEDS = range(seed, seed + num_seeds)
train = digits.train
extract = models["MNIST"]["features"].model[0]
pixels, upright = train.images.flatten(1) / 255, exploration.deskew
views = {"line": pixels, "features": extract(upright(train.images))}
few = {kind: [] for kind in (*views, "convolution")}
fast = config.but(learning_rate=0.2)
for count, (size, epochs) in COUNTS.items():
    given = small, fast, digits, folder, count, size, epochs
    few["convolution"].append([network_on_first(*given, s) for s in SEEDS])
    for name, x in views.items():
        few[name].append([on_first(x, train.labels, count, s) for s in SEEDS])
means = {name: pd.DataFrame(each).mean(axis=1) for name, each in few.items()}
at = pd.DataFrame(means).set_axis(list(COUNTS))
at.round(3)

# %% [markdown]
# The features are far ahead where images are few. What they know of images was found without labels. The convolution has its filters to learn, too: with
# 100 images and this recipe it is no better than the line. With 1,000 it has left the line behind, and with 10,000 it has caught up with the features. So few images
# are no reason for the line on pixels. They are one for the line on features.
#
# **When the answer must be the same each time?** The loss of the line is convex: with a penalty it has one minimum, and every search ends there. Start twice from different weights, with the same 1,000 images, and
# compare the answers on others:


# %%
given = pixels[:1_000], train.labels[:1_000], pixels[-6_000:]
agree = {}
for name, widths in {"line": [], "dense network": [64]}.items():
    make = partial(networks.dense, 784, widths)
    agree[name] = starts.agreement(make, *given, (seed, seed + 1))
agree

# %% [markdown]
# The two lines agree. The two networks disagree on some images in a hundred: which of them you have is chance.
#
# **When there is no time to think?** Test images answered per second:

# %%
speeds = {key: len(right) / asked[key] for key, right in rights.items()}
pd.Series(speeds).round(-2).astype("Int64").unstack(0)
# %% [markdown]
# The nearest neighbours, who learnt nothing, pay now, with every answer. The line leaves them far behind.
#
# **When one must see why.** The weights of the line [can be looked at](../mnist/03_training.ipynb), pixel by pixel, and what they say is all there is. A filter can be looked at, too,
# but the answer is made from thousands of its values.
#
# ## What became of the 5 that was read as a 3?
#
# That was the question with which the book began. Here is how many fives of the test images each model reads as threes:

# %%
fives = digits.test.labels == 5
threes = {}
for name in models["MNIST"]:
    threes[name] = int((said["MNIST", name].labels[fives] == 3).sum())
pd.Series(threes)

# %% tags=["hide-input"]
# @title Figure: the same fives
from tutorial_utils.plots.data import image_grid

once, now = (said["MNIST", name].labels for name in ("line", "convolution"))
misread = (fives & (once == 3)).nonzero()[:10, 0]
titles = [f"now {now[each]}" for each in misread]
show(
    image_grid(digits.test.images[misread, 0], titles),
    caption="The first ten fives that the line reads as threes, and what the"
    " convolution reads.",
    alt="Two rows of five handwritten fives, round or leaning. Above most of"
    " them stands: now 5.",
    name="fig-fives",
)

# %% [markdown]
# Most of them are fives again. No pixel has changed. The line asks each pixel for its vote and adds; a model that first looks for bars and bellies has something better to add. And the adding at the end is still
# softmax regression.
#
# > **Remember** Start with the line. It is quick, it is always the same, and it tells you what every further step is worth.

# %% tags=["remove-input"]
# @title Guards of the sentences above
from tutorial_utils.lessons.expect import expect

for where in sets:
    own = table["accuracy"][where]
    expect(f"highest on {where}", own.idxmax(), equals="convolution")
    lead = own["features"] - own["nearest neighbours"]
    expect(f"features beat the neighbours on {where}", lead, above=0.015)
    more = [a - b for a, b in zip(*changes[where][1:], strict=True)]
    expect(f"every class of {where} gains", min(more), above=0)
expect("hundreds are new errors", sum(changes["CIFAR-10"][2]), above=150)
off = calibrated.loc[("CIFAR-10", "convolution")]
expect("it claims too much", off["temperature"], above=1.05)
expect("by more than chance", off["ece"] / off["chance"], above=1.3)
expect("a temperature repairs it", off["ece_tempered"] / off["ece"], below=0.7)
lead = at["features"] - at[["line", "convolution"]].max(axis=1)
expect("features are far ahead with 100 images", lead[100], above=0.08)
lead = at["convolution"] - at["line"]
expect("the network is no better than the line", lead[100], below=0.04)
expect("with 1,000 images it is", lead[1_000], above=0.04)
expect("the lines agree", agree["line"], above=0.998)
expect("the networks do not", agree["dense network"], below=0.992)
slow = speeds["MNIST", "line"] / speeds["MNIST", "nearest neighbours"]
expect("neighbours pay with every answer", bool(slow > 2), equals=True)
expect("most are fives again", threes["convolution"], below=15)

# %% [markdown]
# ## Exercises
#
# ### Exercise 1 ★ With a pencil
#
# Model A is right on 9,260 of 10,000 images, model B on 9,840. B repairs 640 of A's errors. How many new errors does it make?

# %%
from tutorial_utils.lessons import checks

new_errors = ...
hint = "9,840 - 9,260 is what is repaired, less what is new"
checks.answer(new_errors, 60, tolerance=0.5, hint=hint)

# %% tags=["hide-cell"]
# @title Solution
# The gain of 580 is 640 repaired less the new ones.
640 - (9_840 - 9_260)

# %% [markdown]
# ### Exercise 2 ★★ Predict, then run
#
# If features and convolution disagreed in their errors, one could help the other. Of the photographs that the features get wrong, which share does the convolution get right? Write down your guess, then run.

# %%
wrong = ~rights["CIFAR-10", "features"]
helped = rights["CIFAR-10", "convolution"][wrong].double().mean().item()
rescued = ...
hint = "less than the convolution's accuracy on all: these are the hard ones"
checks.answer(rescued, helped, tolerance=0.03, hint=hint)

# %% tags=["hide-cell"]
# @title Solution
# Both find the same photographs hard, but by far not only the same.
helped

# %% [markdown]
# ### Exercise 3 ★★★ Two opinions
#
# `your_answers` gets the probabilities of features and convolution, (n, 10) each, and returns labels (n,). Combine them. The starter listens to the
# second alone.


# %%
def your_answers(first, second):
    return second.argmax(dim=1)


names, truth = ("features", "convolution"), photos.test.labels
pair = [said["CIFAR-10", name].probabilities for name in names]
hits = (your_answers(*pair) == truth).double().mean().item()
mean = (sum(pair).argmax(dim=1) == truth).double().mean().item()
checks.answer(hits, mean, tolerance=0.004, hint="average the probabilities")


# %% tags=["hide-cell"]
# @title Solution
# Where one is unsure, the other decides: an ensemble. To report its accuracy,
# you would have to choose it on validation images.
def my_answers(first, second):
    return (first + second).argmax(dim=1)


mean, table["accuracy"]["CIFAR-10"][list(names)].to_dict()

# %% [markdown]
# ## Five questions

# %% tags=["remove-input"]
# @title Five questions
from tutorial_utils.lessons.questions import ask, choice, number

ask(
    [
        choice(
            "B repairs 50 errors of A and makes 45 new ones. Is B better?",
            {
                "yes": "A fair coin falls 50 to 45 very often.",
                "not settled": "",
                "no": "It may be, but these images do not say so.",
            },
            correct="not settled",
            because="95 tosses as even as this are what a fair coin gives.",
            sure=True,
        ),
        number(
            "How many numbers does nearest centroid keep for ten classes of"
            " 784 pixels, biases left out?",
            answer=7_840,
            tolerance=0.5,
            because="one mean image for each class.",
        ),
        choice(
            "Why does the convolution get by with fewer weights than the dense"
            " network?",
            {
                "its filters serve at every place": "",
                "it has fewer layers": "It has more.",
                "it was trained longer": "That changes no count.",
            },
            correct="its filters serve at every place",
            because="a dense layer has a weight for every place of its own.",
        ),
        choice(
            "Two trainings of a line with a penalty, from different first"
            " weights, end at different accuracies. You suspect",
            {
                "a local minimum": "A convex loss has none.",
                "a search that stopped early": "",
                "chance in the data": "The data are the same.",
            },
            correct="a search that stopped early",
            because="there is only one minimum to end at.",
        ),
        choice(
            "You must answer a hundred million images an hour on a cheap"
            " computer, and 92 % is enough. You start with",
            {
                "the line": "",
                "nearest neighbours": "They pay with every answer.",
                "the convolution": "It does more than is asked, more slowly.",
            },
            correct="the line",
            because="it is quick, and good enough here.",
        ),
    ]
)

# %% [markdown]
# ## Further reading
#
# * [Dietterich (1998)](https://doi.org/10.1162/089976698300017197): which test to use when two classifiers are compared.
# * [Hand (2006)](https://doi.org/10.1214/088342306000000060): whether progress in classifiers is an illusion, and why the first step up from a simple rule is the largest.

# %% tags=["remove-cell"]
# @title The results file
measured, timings = {}, {"threads": torch.get_num_threads()}
gains = tests.rename(columns={"low": "gain_low", "high": "gain_high"})
for key, right in rights.items():
    where, name = key
    entry = table.loc[key, :"weights"].to_dict() | {"n_test": len(right)}
    for each in (gains, calibrated):
        entry |= each.loc[key].to_dict() if key in each.index else {}
    entry["repaired_by_class"], entry["new_by_class"] = by_class(where, name)
    measured.setdefault(where, {})[name] = entry
    timings[f"{where}, {name}"] = models[where][name].seconds, asked[key]
given = {"num_centroids": num_centroids, "remembered": remembered}
given |= {"num_steps": num_steps, "num_seeds": num_seeds}
metrics = {"models": measured, "agreement_of_two_starts": agree}
metrics |= {"few_images_accuracy": few, "fives_read_as_threes": threes}
path = results.write(
    "beyond/03_what_it_buys",
    parameters=config.model_dump() | given,
    metrics=metrics,
    timings=timings,
    data_hash=f"{digits.fingerprint}+{photos.fingerprint}",
)
