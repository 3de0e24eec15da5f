# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Gradient descent, and when this method fits
#
# The gradient says which way is down. How many examples should it be computed from before each step: all, one, or a few? The first half of this
# chapter measures that. The second half asks when logistic regression is the right tool at all, and answers each common claim with
# a small experiment.
#
# **After this chapter you can**
#
# * say what batch, stochastic and mini-batch gradient descent compute, and what each costs;
# * say what an epoch is, and what `torch.optim.SGD` does and does not do;
# * say how well a small batch's gradient points the way of the full one;
# * list strengths and weaknesses of logistic regression, each with a number;
# * recognise data that a straight boundary cannot separate, and data on which weights grow forever;
# * tell softmax from one-vs-rest.
#
# **You need** [](02_gradients) for the gradient. Symbols are in [](../../book/notation).

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
dataset: str = "mnist"  # data set that the descents run on, "mnist"
seed: int = 0  # fixes images, order, initial weights and made-up points, 0 or more
batch_size: int = 64  # images per mini-batch, 2 to 5,000
learning_rate: float = 0.01  # step length where the methods share one, above 0
weight_decay: float = 0.01  # strength of the L2 penalty, above 0

# %%
from tutorial_utils.training.config import TrainingConfig

config = TrainingConfig(
    dataset=dataset,
    seed=seed,
    batch_size=batch_size,
    learning_rate=learning_rate,
    weight_decay=weight_decay,
    device="cpu",
)

# %%
from tutorial_utils.plots.style import use_book_style

use_book_style()
random_state = config.seed % 2**32  # the seed that scikit-learn takes

# %% [markdown]
# The images are 10,000 of the training images, laid out as rows, and 6,000 validation images that no step is taken on. No test image is used.

# %%
import torch
import torch.nn.functional as F

from tutorial_utils.data import datasets
from tutorial_utils.training.models import make_model
from tutorial_utils.training.threads import choose_threads

data = datasets.load(config.dataset)
pool, validation = datasets.split(data.train, config.validation_split, config.seed)
some = pool.subset(torch.arange(10_000))
X, labels = datasets.standardise(some).flatten(1), some.labels
Y = F.one_hot(labels, config.description.num_classes).float()
unseen = datasets.standardise(validation).flatten(1)
start_model = make_model(config)
torch.set_num_threads(choose_threads(start_model))  # of a model this small: one
start = (start_model.linear.weight.detach(), start_model.linear.bias.detach())


def gradient(weight, bias, inputs, targets, activate=lambda z: z.softmax(dim=1)):
    forces = (activate(inputs @ weight.T + bias) - targets) / len(inputs)
    return forces.T @ inputs, forces.sum(dim=0)


def full_loss(weight, bias):
    return F.cross_entropy(X @ weight.T + bias, labels).item()


# %% [markdown]
# (foundations-three-descents)=
# ## Batch, stochastic, mini-batch
#
# The three methods use one update rule, [$\theta$](notation-theta) $\leftarrow \theta -$ [$\eta$](notation-eta) [$g$](notation-g). They differ in the examples that $g$ is averaged over. With
# [$m$](notation-m) training examples:
#
# | method | $g$ is the mean gradient of | steps per {term}`epoch` | $g$ is |
# |---|---|---|---|
# | {term}`batch gradient descent` | all $m$ examples | 1 | the gradient of the training loss, exactly |
# | {term}`stochastic gradient descent` | one example, drawn at random | $m$ | right on average, and noisy |
# | {term}`mini-batch gradient descent` | $B$ examples, drawn at random | $\lceil m / B \rceil$ | right on average, less noisy |

# %%
import math

from tutorial_utils.report.narrate import (
    enumerate_words,
    interval,
    p_value,
    percent,
    say,
    table,
)

sizes = {"batch": len(X), "mini-batch": config.batch_size, "stochastic": 1}
steps_per_epoch = {name: math.ceil(len(X) / size) for name, size in sizes.items()}
table(
    [
        {"method": name, "images in a step": size, "steps per epoch": steps}
        for (name, size), steps in zip(
            sizes.items(), steps_per_epoch.values(), strict=True
        )
    ],
    {"images in a step": ",", "steps per epoch": ","},
)

# %% [markdown]
# "Right on average" is exact: the mini-batches of one epoch, weighted by their size, have the full gradient as their mean.

# %%
from tutorial_utils.reproducibility import make_generator

order = torch.randperm(len(X), generator=make_generator(seed, "order"))
parts = order.split(config.batch_size)
weighted = [len(part) * gradient(*start, X[part], Y[part])[0] for part in parts]
full = gradient(*start, X, Y)[0]
torch.testing.assert_close(sum(weighted) / len(X), full, rtol=1e-3, atol=1e-5)

# %% [markdown]
# (foundations-epoch)=
# ### One epoch is every batch once
#
# An epoch draws without replacement: it shuffles once and deals all images out. No image is left out, and none comes twice. An epoch is not one
# step, and not one batch. Drawing *with* replacement is another method, and as many draws would miss a good part of the images:

# %%
from tutorial_utils.training.batches import Batches

numbered = Batches(
    torch.arange(len(X)), labels, batch_size, make_generator(seed, "deal")
)
dealt = torch.cat([numbers for numbers, _ in numbered])
assert len(list(numbered)) == math.ceil(len(X) / batch_size)
assert torch.equal(dealt.sort().values, torch.arange(len(X)))
drawn = torch.randint(len(X), (len(X),), generator=make_generator(seed, "draw"))
missed = 1 - len(drawn.unique()) / len(X)
say(
    f"Dealt: {len(dealt.unique()):,} different images of {len(X):,}. Drawn with"
    f" replacement: {percent(missed, 1)} never come up; theory says 1/e ="
    f" {percent(1 / math.e, 1)}."
)

# %% [markdown]
# (foundations-bumpiness)=
# ### How bumpy is the way down?
#
# All three begin at the same weights and take 120 steps at the same {term}`learning rate`. After every step the loss is measured on all 10,000
# images, so that what wobbles in the figure is the model and not the measurement.


# %%
import itertools


def endless(size, purpose):
    generator = make_generator(seed, purpose)
    while True:
        yield from torch.randperm(len(X), generator=generator).split(size)


def rows_of(chosen):
    whole = len(chosen) == len(X)  # the order does not matter: spare the copy
    return (X, Y) if whole else (X[chosen], Y[chosen])


def losses_of_steps(size, rate, num_steps):
    weight, bias = (tensor.clone() for tensor in start)
    losses = [full_loss(weight, bias)]
    for chosen in itertools.islice(endless(size, "bumps"), num_steps):
        d_weight, d_bias = gradient(weight, bias, *rows_of(chosen))
        weight -= rate * d_weight
        bias -= rate * d_bias
        losses.append(full_loss(weight, bias))
    return losses


# %%
bumps = {name: losses_of_steps(size, learning_rate, 120) for name, size in sizes.items()}  # fmt: skip

# %% mystnb={"figure": {"caption": "Training loss after each of 120 steps at one learning rate, for the three methods (left), and the last 40 steps of batch and mini-batch (right).", "name": "fig-foundations-bumps"}, "image": {"alt": "Two panels of training loss over steps. Left, the stochastic curve jumps up and down while the batch and mini-batch curves fall together. Right, enlarged: the batch curve is smooth, the mini-batch curve has small wobbles."}}
import matplotlib.pyplot as plt

from tutorial_utils.plots.training import compare_curves

figure, axes = plt.subplots(ncols=2, figsize=(10, 3.6))
for ax, names, first in ((axes[0], list(sizes), 0), (axes[1], list(sizes)[:2], 80)):
    compare_curves(
        {name: (range(first, 121), bumps[name][first:]) for name in names},
        xlabel="step",
        ylabel="training loss (nats)",
        ax=ax,
    )

# %%
changes = {name: torch.tensor(losses).diff() for name, losses in bumps.items()}
rises = {name: (change > 0).float().mean().item() for name, change in changes.items()}
bumpiness = {
    name: change[60:].diff().abs().mean().item() for name, change in changes.items()
}
table(
    [
        {
            "method": name,
            "steps that raised the loss": percent(rises[name], 1),
            "bumpiness (nats)": f"{bumpiness[name]:.5f}",
            "images used": f"{120 * sizes[name]:,}",
        }
        for name in sizes
    ]
)

# %% tags=["hide-input"]
say(
    "*Bumpiness* is the mean change from one step's change to the next, over the last"
    " sixty steps; a straight slope has none. Mini-batches of"
    f" {batch_size} are {bumpiness['mini-batch'] / bumpiness['batch']:,.0f} times as"
    " bumpy as the full batch, and single images"
    f" {bumpiness['stochastic'] / bumpiness['mini-batch']:,.0f} times as bumpy as"
    " mini-batches."
    + (
        " The full batch never went up, as a short enough step along the true gradient"
        " cannot."
        if rises["batch"] == 0
        else " Even the full batch went up at times: its steps are too long."
    )
)

# %% [markdown]
# (foundations-time-to-loss)=
# ### Time to a given loss
#
# A bumpy way may still be the quicker one. How much work does each method need to bring the training loss to 0.35? Each gets the rate that suits it: several rates
# are tried, and the one that needs the fewest images counts. Two things are counted: images, for the arithmetic, and steps, because each has a fixed cost.
# What they come to in seconds is measured in [the chapter about time](claims-timing-to-loss), where nothing else runs.

# %%
TARGET = 0.35


def descend(size, rate, num_images):
    weight, bias = (tensor.clone() for tensor in start)
    seen, rows = 0, [(0, 0, full_loss(weight, bias))]
    for step, chosen in enumerate(endless(size, "descent"), start=1):
        d_weight, d_bias = gradient(weight, bias, *rows_of(chosen))
        weight -= rate * d_weight
        bias -= rate * d_bias
        seen += len(chosen)
        if seen - rows[-1][0] >= min(500, num_images):
            rows.append((seen, step, full_loss(weight, bias)))
        if seen >= num_images or rows[-1][2] < TARGET:
            return rows, (weight, bias)


# %%
budgets = {"batch": 60 * len(X), "mini-batch": 6 * len(X), "stochastic": 3 * len(X)}
rates = {
    "batch": (0.1, 0.2, 0.3, 0.5),
    "mini-batch": (0.01, 0.03, 0.1, 0.2),
    "stochastic": (0.001, 0.002, 0.003, 0.005),
}
fastest = {}
for name, size in sizes.items():
    runs = {rate: descend(size, rate, budgets[name])[0] for rate in rates[name]}
    reached = {rate: rows for rate, rows in runs.items() if rows[-1][2] < TARGET}
    best_rate = min(
        reached or runs, key=lambda rate: (runs[rate][-1][0], runs[rate][-1][2])
    )
    fastest[name] = (best_rate, runs[best_rate], bool(reached))  # fmt: skip

# %% mystnb={"figure": {"caption": "Training loss of each method at its best rate, against images seen (left) and against steps (right), until it reaches 0.35.", "name": "fig-foundations-time-to-loss"}, "image": {"alt": "Two panels of three falling loss curves on logarithmic horizontal axes. Against images seen, the stochastic and mini-batch curves fall long before the batch curve; against steps, the batch curve falls first and the stochastic curve last."}}
from tutorial_utils.plots.foundations import decision_regions, loss_paths, mark_levels

figure, axes = plt.subplots(ncols=2, figsize=(10, 3.6), sharey=True)
for ax, column, unit in ((axes[0], 0, "images seen"), (axes[1], 1, "steps")):
    curves = {
        name: ([row[column] for row in rows[1:]], [row[2] for row in rows[1:]])
        for name, (_, rows, _) in fastest.items()
    }
    compare_curves(
        curves, xlabel=unit, ylabel="training loss (nats)", yscale="log", ax=ax
    )
    ax.set_xscale("log")
    mark_levels([(TARGET, "target")], ax=ax)

# %%
table(
    [
        {
            "method": name,
            "best rate": f"{rate:g}",
            "images seen": f"{rows[-1][0]:,}",
            "epochs": f"{rows[-1][0] / len(X):.1f}",
            "steps": f"{rows[-1][1]:,}",
            "reached the target": "yes" if reached else "no",
        }
        for name, (rate, rows, reached) in fastest.items()
    ]
)

# %% tags=["hide-input"]
seen = {name: rows[-1][0] for name, (_, rows, _) in fastest.items()}
steps_taken = {name: rows[-1][1] for name, (_, rows, _) in fastest.items()}

say(
    f"The full batch looks at {seen['batch'] / seen['mini-batch']:,.0f} times as many"
    " images as mini-batches, in"
    f" {steps_taken['mini-batch'] / steps_taken['batch']:.1f} times fewer steps. Single"
    f" images need {seen['stochastic'] / seen['mini-batch']:.1f} times as many images as"
    " mini-batches, and"
    f" {steps_taken['stochastic'] / steps_taken['mini-batch']:,.0f} times as many steps."
)

# %% [markdown]
# (foundations-angle)=
# ### How well does a small batch point the way?
#
# A mini-batch gradient is an estimate of the full gradient. Measure the angle between the two, over 100 random batches of each size: at 0 degrees they agree, at 90
# the batch knows nothing. Do it twice, with the initial weights and with weights that have reached the target.


# %%
import numpy as np


def angle(one, other):
    cosine = F.cosine_similarity(one.flatten(), other.flatten(), dim=0)
    return math.degrees(math.acos(min(cosine.item(), 1.0)))


def angles_at(weights, size, draws=100):
    true = gradient(*weights, X, Y)[0]
    batches = itertools.islice(endless(size, "angle"), draws)
    return [angle(gradient(*weights, X[i], Y[i])[0], true) for i in batches]


trained = descend(batch_size, fastest["mini-batch"][0], budgets["mini-batch"])[1]
BATCHES = (1, 4, 16, 64, 256, 1024, 4096)
places = {"initial weights": start, "trained weights": trained}
angles = {
    name: np.array([angles_at(weights, size) for size in BATCHES])
    for name, weights in places.items()
}

# %% mystnb={"figure": {"caption": "Angle between mini-batch gradient and full gradient against batch size: median (line) and middle half (band) of 100 batches.", "name": "fig-foundations-angle"}, "image": {"alt": "Two falling curves of angle in degrees against batch size on a logarithmic axis, each with a band; the curve of the trained weights lies above the curve of the initial ones."}}
ax = compare_curves(
    {
        name: (BATCHES, *np.quantile(values, [0.5, 0.25, 0.75], axis=1))
        for name, values in angles.items()
    },
    xlabel="batch size",
    ylabel="angle (degrees)",
    marked=True,
    xscale="log",
    ylim=(0, 110),
)

# %%
medians = {name: np.median(values, axis=1) for name, values in angles.items()}
noise = {
    name: np.tan(np.radians(values)) * np.sqrt(BATCHES)
    for name, values in medians.items()
}
at = BATCHES.index(64)

# %% tags=["hide-input"]
say(
    "At a batch size of 64 the median angle is "
    + enumerate_words(f"{v[at]:.0f} degrees ({n})" for n, v in medians.items())
    + ". If noise falls with the root of the batch size, the tangent of the angle times"
    " that root is constant. From size 16 to 1,024 it runs from "
    + enumerate_words(
        f"{v[2:6].min():.1f} to {v[2:6].max():.1f} ({n})" for n, v in noise.items()
    )
    + ". So the angle shrinks slowly: a batch four times as large needs four times as"
    " many images and halves the noise. That is the case for small batches."
    + (
        " Nearer the minimum the full gradient fades and the noise does not, which is"
        " the case for shorter steps late in training."
        if medians["trained weights"][at] > medians["initial weights"][at]
        else ""
    )
    + (
        " For single images, the median angle at the trained weights is"
        f" {medians['trained weights'][0]:.0f} degrees: more than half of them point"
        " away from the full gradient, which the others outweigh."
        if medians["trained weights"][0] > 90
        else ""
    )
)

# %% [markdown]
# (foundations-paths)=
# ### The paths, on a loss of two parameters
#
# With two weights the loss can be drawn. The points are made up: two overlapping classes of 200 points, one feature with
# almost three times the spread of the other, no bias. The three methods start at the star and make 60 steps at one rate.

# %%
from sklearn.datasets import make_blobs, make_circles, make_moons

centres = np.array([[-0.7, -0.7], [0.7, 0.7]])
points, classes = make_blobs(400, centers=centres, cluster_std=1.0, random_state=random_state)  # fmt: skip
points = torch.tensor(points * [1.6, 0.6])
classes = torch.tensor(classes, dtype=torch.float64)


def logistic_losses(weights):
    logits = points @ weights.T
    wanted = classes[:, None].expand_as(logits)
    return F.binary_cross_entropy_with_logits(logits, wanted, reduction="none").mean(0)


def path(size, rate=0.6, num_steps=60):
    generator = make_generator(seed, "path")
    weights = [torch.tensor([-0.6, -0.6], dtype=torch.float64)]
    for _ in range(num_steps):
        chosen = torch.randperm(len(points), generator=generator)[:size]
        forces = torch.sigmoid(points[chosen] @ weights[-1]) - classes[chosen]
        weights.append(weights[-1] - rate * forces @ points[chosen] / size)
    return torch.stack(weights)


# %% mystnb={"figure": {"caption": "The loss of two weights as contour lines, and 60 steps of each method over it.", "name": "fig-foundations-paths"}, "image": {"alt": "Contour lines of a long valley with three paths from one start: the batch path is a smooth curve, the mini-batch path wavers around it, the stochastic path zigzags."}}
paths = {"batch": path(400), "mini-batch of 16": path(16), "stochastic": path(1)}
every = torch.cat(list(paths.values()))
low, high = every.min(dim=0).values - 0.4, every.max(dim=0).values + 0.4
first, second = (torch.linspace(low[i], high[i], 80).double() for i in (0, 1))
grid = torch.cartesian_prod(first, second)
surface = logistic_losses(grid).view(80, 80).T
ax = loss_paths(
    first, second, surface, paths, xlabel="first weight", ylabel="second weight"
)

# %% tags=["hide-input"]
lengths = {
    name: steps.diff(dim=0).norm(dim=1).sum().item() for name, steps in paths.items()
}
ends = {name: logistic_losses(steps[-1:]).item() for name, steps in paths.items()}
turned = angle(
    paths["batch"][1] - paths["batch"][0], paths["batch"][-1] - paths["batch"][0]
)
say(
    "Distance walked: " + enumerate_words(f"{v:.1f} ({n})" for n, v in lengths.items())
    + ". Loss at the end: " + enumerate_words(f"{v:.4f} ({n})" for n, v in ends.items())
    + f". Even the exact gradient does not point at the minimum: the first step of the batch path is {turned:.0f} degrees off "
    "the straight line to its end, because descent crosses contour lines at a right angle, and the valley is longer than wide."
)  # fmt: skip

# %% [markdown]
# (foundations-sgd-by-name)=
# ### What `torch.optim.SGD` means by its name
#
# The optimiser is called SGD, stochastic gradient descent. But it draws nothing, shuffles nothing and has never heard of a batch. It takes the gradients that lie in `.grad`,
# wherever they come from, and applies the update rule (with {term}`momentum`, [$\mu$](notation-mu), and {term}`weight decay`, if asked). Whether the descent is batch, stochastic or mini-batch
# is decided by whoever computes the gradient. Four checks:


# %%
def one_step(fill_gradient):
    model = make_model(config)
    optimiser = torch.optim.SGD(model.parameters(), lr=learning_rate)
    fill_gradient(model)
    optimiser.step()
    return model.linear.weight.detach()


def backward_on(*parts):
    def fill(model):
        for part in parts:
            F.cross_entropy(model(X[part]), labels[part]).backward()

    return fill


# %%
everything, half = slice(None), len(X) // 2
by_rule = start[0] - learning_rate * full
exact = one_step(backward_on(everything))
torch.testing.assert_close(exact, by_rule)  # 1: on all images it is batch descent
assert torch.equal(exact, one_step(backward_on(everything)))  # 2: no randomness


# %%
def set_ones(model):
    model.linear.weight.grad = torch.ones_like(model.linear.weight)


# 3: it believes any gradient
torch.testing.assert_close(one_step(set_ones), start[0] - learning_rate)
# 4: gradients add up until they are cleared; two halves make a step twice as long
halves = one_step(backward_on(slice(0, half), slice(half, len(X))))
torch.testing.assert_close(halves - start[0], 2 * (exact - start[0]), rtol=1e-3, atol=1e-6)  # fmt: skip
say("All four hold. The randomness of training lives in the order of the batches.")

# %% [markdown]
# The fourth check is why every training loop calls `zero_grad`, and also a way to use batches that do not fit into memory: add up the gradients of parts, divided
# by their number, and step once.
#
# (foundations-boundaries)=
# ## What a straight boundary can and cannot separate
#
# From here on the question is when this method fits. Softmax regression compares scores that are linear in the features, so where two classes are equally probable, the features
# satisfy a linear equation: the {term}`decision boundary` is a line in the plane, a plane in space. The figure shows three sets of made-up points {cite}`pedregosa2011`, and a fourth panel: the third set with one
# engineered feature, the squared distance from the centre.


# %%
def fit(inputs, targets, rate=0.5, num_steps=2_000, decay=0.0, watch=None):
    """Plain batch descent from zero weights, in float64."""
    wanted = F.one_hot(targets).double()
    weight = torch.zeros(wanted.shape[1], inputs.shape[1], dtype=torch.float64)
    bias = torch.zeros(wanted.shape[1], dtype=torch.float64)
    for step in range(1, num_steps + 1):
        d_weight, d_bias = gradient(weight, bias, inputs, wanted)
        weight -= rate * (d_weight + decay * weight)
        bias -= rate * d_bias
        if watch is not None:
            watch(step, weight, bias)
    return weight, bias


def answers(model, inputs):
    weight, bias = model
    return (inputs @ weight.T + bias).argmax(dim=1)


# %%
def same(inputs):
    return inputs


def with_radius(inputs):
    return torch.cat([inputs, inputs.square().sum(dim=1, keepdim=True)], dim=1)


def blobs(n, state):
    return make_blobs(n, centers=[[-2, -1], [2, 1]], cluster_std=0.9, random_state=state)  # fmt: skip


makers = {
    "blobs": (blobs, same),
    "moons": (lambda n, s: make_moons(n, noise=0.15, random_state=s), same),
    "circles": (lambda n, s: make_circles(n, noise=0.1, factor=0.5, random_state=s), same),
    "circles + radius": (lambda n, s: make_circles(n, noise=0.1, factor=0.5, random_state=s), with_radius),
}  # fmt: skip

# %% mystnb={"figure": {"caption": "Points of two classes, and the class that logistic regression gives to every place. In the last panel the squared radius is a third feature.", "name": "fig-foundations-boundaries"}, "image": {"alt": "Four panels of points in the plane. Two clouds are split by a straight line. Two interleaved half moons and two rings are each cut by a straight line that leaves points of both classes on both sides. With the squared radius as a feature, the rings are split by a closed curve."}}
figure, panels = plt.subplots(ncols=4, figsize=(12, 3.3))
plane_accuracy = {}
for ax, (name, (make, features)) in zip(panels, makers.items(), strict=True):
    inputs, targets = (torch.tensor(part) for part in make(300, random_state))
    fresh_inputs, fresh = (torch.tensor(part) for part in make(2_000, random_state + 1))
    plane = fit(features(inputs), targets)
    hits = answers(plane, features(fresh_inputs)) == fresh
    plane_accuracy[name] = (hits.double().mean().item(), int(hits.sum()), len(hits))
    edge = inputs.abs().max(dim=0).values * 1.15
    across, up = (torch.linspace(-e, e, 160).double() for e in edge)
    places = torch.cartesian_prod(across, up)
    regions = answers(plane, features(places)).view(160, 160).T
    decision_regions(across, up, regions, inputs, targets, title=name, ax=ax)

# %%
from tutorial_utils.evaluation.statistics import wilson_interval

table(
    [
        {
            "points": name,
            "accuracy on 2,000 fresh points": percent(accuracy, 1),
            "95 % interval": interval(*wilson_interval(right, n), 1),
        }
        for name, (accuracy, right, n) in plane_accuracy.items()
    ]
)

# %% tags=["hide-input"]
say(
    "Guessing scores 50 %. On the blobs the line is"
    f" {'as good as one can ask for' if plane_accuracy['blobs'][0] > 0.97 else 'fair'}. On the moons it is right for"
    f" {percent(plane_accuracy['moons'][0], 0)}, because much of each moon does lie on its side of a line. On the circles it is right for"
    f" {percent(plane_accuracy['circles'][0], 0)}: no line separates a ring from its centre. One engineered feature takes that to"
    f" {percent(plane_accuracy['circles + radius'][0], 0)}. The boundary is still a plane, in three dimensions; back in two it is a circle."
)  # fmt: skip

# %% [markdown]
# (foundations-strengths)=
# ## Strengths, each with a number
#
# The claims are those of the textbooks. For "readable weights", data are made from known weights, and the fit must find them again. For "probabilities" and
# "baseline", the model is trained on the 10,000 images and asked about the validation images; a {term}`baseline` is something simple to compare with.

# %%
generator = make_generator(seed, "readable")
true_weights = torch.tensor([2.0, -1.0, 0.0], dtype=torch.float64)
inputs = torch.randn(20_000, 3, dtype=torch.float64, generator=generator)
chance = torch.rand(20_000, dtype=torch.float64, generator=generator)
targets = (chance < torch.sigmoid(inputs @ true_weights)).long()
weight, _ = fit(inputs, targets, rate=1.0, num_steps=500)
found = weight[1] - weight[0]  # only the difference between classes means anything
worst = (found - true_weights).abs().max().item()
say(f"True weights 2, -1, 0; found {enumerate_words(f'{w:.3f}' for w in found)}.")


# %%
def train_images(activate, rate, num_epochs=3):
    weight, bias = (tensor.clone() for tensor in start)
    num_steps = num_epochs * math.ceil(len(X) / batch_size)
    for chosen in itertools.islice(endless(batch_size, "images"), num_steps):
        d_weight, d_bias = gradient(weight, bias, X[chosen], Y[chosen], activate)
        weight -= rate * d_weight
        bias -= rate * d_bias
    return weight, bias


def softmax(logits):
    return logits.softmax(dim=1)


image_model = train_images(softmax, rate=0.02, num_epochs=10)
p = softmax(unseen @ image_model[0].T + image_model[1])
confidence, said = p.max(dim=1)
right = said == validation.labels

# %%
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid

majority = (validation.labels == labels.bincount().argmax()).float().mean().item()
centroid = NearestCentroid().fit(X.numpy(), labels.numpy())
centroid_accuracy = centroid.score(unseen.numpy(), validation.labels.numpy())
accuracy = right.float().mean().item()
few = slice(0, 2_000)
long_model = train_images(softmax, rate=0.02, num_epochs=40)
train_accuracy = (answers(long_model, X) == labels).float().mean().item()
long_hits = answers(long_model, unseen[few]) == validation.labels[few]
long_accuracy = long_hits.float().mean().item()
neighbours = KNeighborsClassifier(3).fit(X.numpy(), labels.numpy())
neighbour_accuracy = neighbours.score(
    unseen[few].numpy(), validation.labels[few].numpy()
)
num_numbers = sum(tensor.numel() for tensor in image_model)

# %% tags=["hide-input"]
table(
    [
        {"claim": "simple", "measured": "numbers in the whole model", "result": f"{num_numbers:,}"},
        {"claim": "readable weights", "measured": "largest error of three known weights, 20,000 examples", "result": f"{worst:.3f}"},
        {"claim": "gives probabilities", "measured": "mean confidence against accuracy, validation images", "result": f"{percent(confidence.mean().item(), 1)} against {percent(accuracy, 1)}"},
        {"claim": "fast", "measured": "multiplications to classify one image", "result": f"{image_model[0].numel():,}"},
        {"claim": "a good baseline", "measured": "validation accuracy; nearest class mean; majority class", "result": f"{percent(accuracy, 1)}; {percent(centroid_accuracy, 1)}; {percent(majority, 1)}"},
        {"claim": "good on separable classes", "measured": "accuracy on the blobs", "result": percent(plane_accuracy["blobs"][0], 1)},
    ]
)  # fmt: skip

# %% [markdown]
# Two warnings. A mean confidence equal to the accuracy would still be less than {term}`calibration`, which is measured properly elsewhere in this book. And readable weights need
# features that are not near copies of one another: neighbouring pixels share their evidence in many ways, as [the weights of the digits](mnist-weights) show.
#
# (foundations-weaknesses)=
# ## Weaknesses, each with a number
#
# Scale first. The same two features, standardised, and then one of them in a unit a hundred times smaller, so that its numbers are a hundred times larger. The best
# fit predicts exactly the same in both units. But how many steps does descent need to come within one per cent of its loss?


# %%
def steps_needed(inputs, targets, goal, rates, limit=2_000):
    fewest = limit + 1
    for rate in rates:
        losses = []

        def watch(step, weight, bias, inputs=inputs, losses=losses):
            losses.append(F.cross_entropy(inputs @ weight.T + bias, targets).item())

        fit(inputs, targets, rate=rate, num_steps=min(limit, fewest - 1), watch=watch)
        hit = [step for step, loss in enumerate(losses, start=1) if loss < goal]
        fewest = min([fewest, *hit])
    return fewest


# %%
inputs, targets = (torch.tensor(part) for part in make_moons(300, noise=0.3, random_state=random_state))  # fmt: skip
inputs = (inputs - inputs.mean(dim=0)) / inputs.std(dim=0)
weight, bias = fit(inputs, targets, rate=1.0, num_steps=2_000)
goal = 1.01 * F.cross_entropy(inputs @ weight.T + bias, targets).item()
rates = [10.0**power for power in (-4, -3.5, -3, -2, -1, 0)]
units = torch.tensor([1.0, 100.0], dtype=torch.float64)
steps = {
    name: steps_needed(each, targets, goal, rates)
    for name, each in (("standardised", inputs), ("one feature x 100", inputs * units))
}

# %% tags=["hide-input"]
shown = {
    name: f"{count:,}" if count <= 2_000 else "more than 2,000"
    for name, count in steps.items()
}
table(
    [
        {"claim": "linear boundaries", "measured": "accuracy on the circles, where guessing scores 50 %", "result": percent(plane_accuracy["circles"][0], 1)},
        {"claim": "underfits complex patterns", "measured": "after 40 epochs: accuracy on its training images; on 2,000 new ones; three nearest neighbours there", "result": f"{percent(train_accuracy, 1)}; {percent(long_accuracy, 1)}; {percent(neighbour_accuracy, 1)}"},
        {"claim": "sensitive to feature scale", "measured": "steps to within 1 % of the best loss: standardised; one feature x 100", "result": "; ".join(shown.values())},
        {"claim": "needs engineered features", "measured": "accuracy on the circles without and with the radius", "result": f"{percent(plane_accuracy['circles'][0], 1)}; {percent(plane_accuracy['circles + radius'][0], 1)}"},
    ]
)  # fmt: skip

# %% tags=["hide-input"]
say(
    "The scale does not change what the model can say, only how hard it is to find: one"
    " rate must serve both features, and the one that the large feature allows is far"
    f" too small for the other. Each count is the best of {len(rates)} rates. (An L2"
    " penalty does change the answer with the unit, since it counts large weights.)",
    (
        "Looking up the three most similar images, with boundaries as crooked as it"
        f" takes, is right on {100 * (neighbour_accuracy - long_accuracy):.1f} points"
        " more of the new images. Even its own training images the linear model does"
        " not get all right, however long it looks at them here."
        if train_accuracy < 1 and neighbour_accuracy > long_accuracy
        else "Looking up the most similar images does no better here."
    ),
)

# %% [markdown]
# (foundations-growing-weights)=
# ## Weights that grow without bound
#
# {term}`Linearly separable <linearly separable>` data sound like the easy case. But once every point is on its side, making all weights larger makes every probability more extreme and the
# loss smaller, always. So there is no best set of weights, and descent goes on forever, at a pace like the logarithm of the number of steps
# {cite}`soudry2018`. A penalty on the size of the weights sets an end to it.

# %%
far_apart = make_blobs(200, centers=[[-2, -1.5], [2, 1.5]], cluster_std=0.6, random_state=random_state)  # fmt: skip
inputs, targets = (torch.tensor(part) for part in far_apart)
CHECKPOINTS = (1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000)
growth = {}
for decay in (0.0, weight_decay):
    rows = []

    def watch(step, weight, bias, rows=rows):
        if step in CHECKPOINTS:
            loss = F.cross_entropy(inputs @ weight.T + bias, targets).item()
            right = answers((weight, bias), inputs) == targets
            rows.append((weight.norm().item(), loss, right.double().mean().item()))

    fit(inputs, targets, rate=0.1, num_steps=10_000, decay=decay, watch=watch)
    growth[f"penalty {decay:g}"] = rows

# %% mystnb={"figure": {"caption": "Length of the weights against the number of steps on separable points, without a penalty and with one.", "name": "fig-foundations-growing-weights"}, "image": {"alt": "Two curves over a logarithmic step axis: without a penalty the length of the weights keeps rising, with a penalty it becomes flat."}}
ax = compare_curves(
    {name: (CHECKPOINTS, [row[0] for row in rows]) for name, rows in growth.items()},
    xlabel="steps",
    ylabel="length of the weights",
    xscale="log",
)

# %% tags=["hide-input"]
free, held = growth["penalty 0"], growth[f"penalty {weight_decay:g}"]
separable = all(row[2] == 1 for row in free[-5:])
settled = abs(held[-1][0] - held[-2][0]) < 1e-3 * held[-1][0]
say(
    f"Without a penalty, from step {CHECKPOINTS[-3]:,} to {CHECKPOINTS[-1]:,} the length goes from {free[-3][0]:.2f} to {free[-1][0]:.2f} and the loss from"
    f" {free[-3][1]:.1e} to {free[-1][1]:.1e}, "
    + ("with every point right all the while: nothing is learnt but certainty. " if separable else "though not every point is right: with this seed the points are not separable. ")
    + f"With a penalty of {weight_decay:g} the length is {held[-3][0]:.3f} and {held[-1][0]:.3f}"
    + (": it has settled." if settled else ".")
)  # fmt: skip

# %% [markdown]
# (foundations-extrapolation)=
# ## Beyond the data
#
# A model says something everywhere, also where it has seen nothing. Two examples with straight lines.
#
# *A line for a loss.* Fit a line to the first measurements of the training loss in a mini-batch descent, and extend it. It fits its five points well enough. But a
# cross-entropy cannot be negative.
#
# *A line for a probability.* Fit a line to labels 0 and 1 by least squares. It leaves the interval from 0 to 1, and its "probabilities" below zero or above one mean
# nothing. The sigmoid stays inside.

# %%
losses = torch.tensor(losses_of_steps(batch_size, learning_rate, 60)).numpy()
measured = np.arange(0, 61, 4)
fitted = measured[:5]
slope, intercept = np.polyfit(fitted, losses[fitted], 1)
line = intercept + slope * measured
below_zero = -intercept / slope

# %%
generator = make_generator(seed, "line")
dose = 2 * torch.rand(200, 1, dtype=torch.float64, generator=generator) - 1
sick = (torch.rand(200, dtype=torch.float64, generator=generator) < torch.sigmoid(4 * dose[:, 0])).long()  # fmt: skip
wide = torch.linspace(-4, 4, 81, dtype=torch.float64)
weight, bias = fit(dose, sick)
curve = softmax(wide[:, None] @ weight.T + bias)[:, 1]
straight = np.polyval(np.polyfit(dose[:, 0], sick, 1), wide)

# %% mystnb={"figure": {"caption": "Left: a line through the first five measurements of a training loss, extended, and what was measured. Right: a line and a sigmoid fitted to labels at values between -1 and 1, extended to -4 and 4.", "name": "fig-foundations-extrapolation"}, "image": {"alt": "Two panels. Left, a straight line falls below zero while the measured loss flattens out above it. Right, a straight line leaves the range from 0 to 1 on both sides while the sigmoid stays within."}}
figure, (left, right_panel) = plt.subplots(ncols=2, figsize=(10, 3.6))
curves = {"measured": (measured, losses[measured]), "line": (measured, line)}
compare_curves(curves, xlabel="step", ylabel="training loss (nats)", ax=left)
mark_levels([(0, "no loss is below this")], ax=left)
curves = {"sigmoid": (wide, curve), "line": (wide, straight)}
compare_curves(curves, xlabel="value", ylabel="probability", ax=right_panel)
_ = mark_levels([(0, "0"), (1, "1")], ax=right_panel)

# %% tags=["hide-input"]
say(
    (
        f"The line crosses zero at step {below_zero:.0f}, and promises {line[-1]:.2f} nats at step {measured[-1]}; measured there:"
        f" {losses[measured[-1]]:.3f}."
        if slope < 0
        else "With this rate the loss rises at first, and the line with it, without end."
    )
    + f" The second line promises probabilities from {straight.min():.2f} to {straight.max():.2f}; the sigmoid, from {curve.min().item():.4f} to {curve.max().item():.4f}."
)  # fmt: skip

# %% [markdown]
# But the sigmoid is not wise, only bounded. Far from all data it becomes certain, with no reason: its score is a line too. Here is the model of the images, asked about images
# that are no digits: pixels drawn at random, each from 0 to 255.

# %%
generator = make_generator(seed, "nonsense")
nonsense = torch.randint(
    256, (1_000, *config.description.image_shape), generator=generator
)
mean, std = config.description.mean, config.description.std
inputs = datasets.standardise_pixels(nonsense.to(torch.uint8), mean, std).flatten(1)
sure, which = softmax(inputs @ image_model[0].T + image_model[1]).max(dim=1)
counts = which.bincount(minlength=len(image_model[1]))
say(
    "Median confidence on validation images:"
    f" {percent(confidence.median().item(), 1)}. On noise:"
    f" {percent(sure.median().item(), 1)}, and {percent(counts.max().item() / 1_000, 0)}"
    f" of the noise is called {counts.argmax().item()}. A probability from this model"
    " is a statement about images like those it was trained on, and about no others."
)

# %% [markdown]
# (foundations-one-vs-rest)=
# ## Two roads to many classes: softmax and one-vs-rest
#
# **Softmax** fits all classes at once; their probabilities sum to one, and raising one lowers the others. **{term}`One-vs-rest <one-vs-rest>`** fits one sigmoid for each class,
# "this class or any other?", each on its own, and takes the class with the highest answer. The model has the same shape, $W$ and $b$. Only the activation changes, and with it
# the force: $\sigma(z_k) - \mathbf{y}_k$ instead of $p_k - \mathbf{y}_k$.
#
# Three clouds in a row show the difference. The outer classes can be told from the rest by a line, the middle one cannot.


# %%
def fit_with(activate, inputs, targets, rate=0.5, num_steps=3_000):
    wanted = F.one_hot(targets).double()
    weight = torch.zeros(wanted.shape[1], inputs.shape[1], dtype=torch.float64)
    bias = torch.zeros(wanted.shape[1], dtype=torch.float64)
    for _ in range(num_steps):
        d_weight, d_bias = gradient(weight, bias, inputs, wanted, activate)
        weight, bias = weight - rate * d_weight, bias - rate * d_bias
    return weight, bias


roads = {"softmax": softmax, "one-vs-rest": torch.sigmoid}
row_of_clouds = {"centers": [[-3, 0], [0, 0], [3, 0]], "cluster_std": 0.9}
inputs, targets = (torch.tensor(part) for part in make_blobs(450, **row_of_clouds, random_state=random_state))  # fmt: skip
row_models = {name: fit_with(road, inputs, targets) for name, road in roads.items()}

# %% mystnb={"figure": {"caption": "Three clouds in a row, and the regions that softmax and one-vs-rest give to the classes.", "name": "fig-foundations-one-vs-rest"}, "image": {"alt": "Two panels of three clouds of points side by side, split into three upright regions by two lines. In the one-vs-rest panel the middle region has another width than in the softmax panel."}}
figure, panels = plt.subplots(ncols=2, figsize=(10, 3.4), sharey=True)
across, up = torch.linspace(-6, 6, 600).double(), torch.linspace(-3, 3, 300).double()
places = torch.cartesian_prod(across, up)
for ax, (name, row_model) in zip(panels, row_models.items(), strict=True):
    regions = answers(row_model, places).view(600, 300).T
    decision_regions(across, up, regions, inputs, targets, title=name, ax=ax)

# %%
fresh, wanted = (torch.tensor(part) for part in make_blobs(3_000, **row_of_clouds, random_state=random_state + 1))  # fmt: skip
row_table = []
for name, road in roads.items():
    weight, bias = row_models[name]
    given = road(fresh @ weight.T + bias)
    middle = wanted == 1
    row_table.append(
        {
            "road": name,
            "accuracy": (given.argmax(dim=1) == wanted).double().mean().item(),
            "of the middle class": (given.argmax(1) == 1)[middle]
            .double()
            .mean()
            .item(),
            "mean probability given to the true middle": given[middle, 1].mean().item(),
        }
    )
table(row_table, dict.fromkeys(list(row_table[0])[1:], ".3f"))

# %% tags=["hide-input"]
by_softmax, by_rest = row_table
key = "mean probability given to the true middle"
say(
    f"Asked \"the middle or the rest?\", a line has no good answer: one-vs-rest gives the true middle class {by_rest[key]:.2f} on average, about its share of the points, softmax"
    f" {by_softmax[key]:.2f}. The middle class still wins where both outer ones are low, so accuracy "
    + ("suffers less: " if by_softmax["accuracy"] - by_rest["accuracy"] < 0.1 else "suffers too: ")
    + f"{by_rest['accuracy']:.3f} against {by_softmax['accuracy']:.3f}."
)  # fmt: skip

# %% [markdown]
# On the images, both roads are trained for three epochs, each at the best of four rates by its own training loss, and compared on the validation images, pair by pair.


# %%
def training_loss_of(name, weights):
    logits = X @ weights[0].T + weights[1]
    if name == "softmax":
        return F.cross_entropy(logits, labels).item()
    return F.binary_cross_entropy_with_logits(logits, Y, reduction="sum").item() / len(X)  # fmt: skip


image_models, correct, sums = {}, {}, None
for name, road in roads.items():
    tried = [train_images(road, rate) for rate in (0.005, 0.01, 0.02, 0.05)]
    image_models[name] = min(tried, key=lambda w, n=name: training_loss_of(n, w))
    given = road(unseen @ image_models[name][0].T + image_models[name][1])
    correct[name] = given.argmax(dim=1) == validation.labels
    sums = given.sum(dim=1)  # of the last road, one-vs-rest

# %% tags=["hide-input"]
from scipy.stats import binomtest

only_softmax = int((correct["softmax"] & ~correct["one-vs-rest"]).sum())
only_rest = int((correct["one-vs-rest"] & ~correct["softmax"]).sum())
by_chance = binomtest(only_softmax, max(only_softmax + only_rest, 1)).pvalue
road_accuracy = {name: hits.float().mean().item() for name, hits in correct.items()}
say(
    "Validation accuracy: " + enumerate_words(f"{percent(v)} ({n})" for n, v in road_accuracy.items())
    + f". Softmax alone is right on {only_softmax} images, one-vs-rest alone on {only_rest}; McNemar's exact test gives a p-value of {p_value(by_chance)}. "
    + ("On these images, the road matters. " if by_chance < 0.05 else "These images do not settle which road is better. ")
    + f"The ten answers of one-vs-rest sum to {sums.min().item():.2f} at the least and {sums.max().item():.2f} at the most, with a mean of {sums.mean().item():.2f}:"
    " they are ten opinions, not one distribution."
)  # fmt: skip

# %% [markdown]
# (foundations-when)=
# ## So when is it the right tool?
#
# | use it when | look for something else when |
# |---|---|
# | a first number is needed, quickly, to compare others with | the boundary between classes is curved, and no feature straightens it |
# | weights should be read, and features are few and not near copies | features are raw pixels of things that move, turn and change |
# | probabilities are wanted, and new data resemble the old | data will come from elsewhere, and certainty there would mislead |
# | there are many features and little else is known (with a penalty) | accuracy matters more than simplicity |
#
# No data set is on one side throughout. MNIST has centred digits, but also neighbouring pixels that are near copies; CIFAR-10 has things that move, turn and change. The rest of this book measures both.
#
# ## What this chapter measured

# %% tags=["hide-input"]
metrics = {
    "steps_per_epoch": steps_per_epoch,
    "bumpiness": bumpiness,
    "share_of_rises": rises,
    "images_to_target": seen,
    "steps_to_target": steps_taken,
    "best_rate": {name: row[0] for name, row in fastest.items()},
    "reached_target": {name: row[2] for name, row in fastest.items()},
    "angle_at_64": {name: values[at] for name, values in medians.items()},
    "plane_accuracy": {name: row[0] for name, row in plane_accuracy.items()},
    "validation_accuracy": road_accuracy,
    "one_vs_rest_p_value": by_chance,
    "centroid_accuracy": centroid_accuracy,
    "neighbour_accuracy": neighbour_accuracy,
    "accuracy_after_40_epochs": {"train": train_accuracy, "new": long_accuracy},
    "steps_by_scale": steps,
    "weight_length": {name: rows[-1][0] for name, rows in growth.items()},
    "confidence_on_noise": sure.median(),
}

# %%
from tutorial_utils.report import results

path_written = results.write(
    "foundations/03_gradient_descent",
    parameters=config.model_dump(
        include={"dataset", "seed", "batch_size", "learning_rate", "weight_decay"}
    ),
    metrics=metrics,
    data_hash=data.fingerprint,
)

# %% [markdown]
# ## What you have learnt
#
# You can now
#
# * say what the three kinds of gradient descent compute and cost;
# * say what an epoch is, and what `torch.optim.SGD` does and does not do;
# * say how well a small batch points the way;
# * list strengths and weaknesses of logistic regression, each with a number;
# * recognise data that no line separates, and data on which weights grow forever;
# * tell softmax from one-vs-rest.
#
# ## Exercises
#
# ### Exercise 1: how large a batch for thirty degrees?
#
# At the trained weights, which batch size would bring the median angle to thirty degrees? Use the rule about the tangent, and say why the answer cannot be trusted
# near the size of the whole set.

# %% tags=["hide-cell"]
# Solution: tan(angle) = c / sqrt(B), so B = (c / tan 30)^2, with c from size 64.
constant = noise["trained weights"][at]
needed = (constant / math.tan(math.radians(30))) ** 2
say(
    f"About {needed:,.0f} images. The rule takes draws as independent; a batch of all"
    f" {len(X):,} images, drawn without replacement, has an angle of zero exactly."
)

# %% [markdown]
# ### Exercise 2: straighten the moons
#
# Add features to the moons, as the radius was added to the circles, until logistic regression is right for at least 97 % of fresh points. Powers of the first feature are
# a good start.


# %% tags=["hide-cell"]
# Solution: the boundary between the moons is a wave, and a cubic can follow it.
def with_powers(inputs):
    return torch.cat([inputs, inputs[:, :1] ** 2, inputs[:, :1] ** 3], dim=1)


make = makers["moons"][0]
inputs, targets = (torch.tensor(part) for part in make(300, random_state))
fresh_inputs, fresh_targets = (torch.tensor(part) for part in make(2_000, random_state + 1))  # fmt: skip
bent = fit(with_powers(inputs), targets, rate=0.3, num_steps=10_000)
right = answers(bent, with_powers(fresh_inputs)) == fresh_targets
say(f"With powers up to three: {percent(right.double().mean().item(), 1)}.")

# %% [markdown]
# ### Exercise 3: accumulate
#
# Show that four batches of 16, their gradients added up and divided by four, give the same step as one batch of 64.

# %% tags=["hide-cell"]
# Solution: the mean of means is right when all parts have the same size.
quarters = torch.arange(64).split(16)
one_by_one = sum(gradient(*start, X[i], Y[i])[0] for i in quarters) / 4
torch.testing.assert_close(one_by_one, gradient(*start, X[:64], Y[:64])[0])
say("They are equal up to rounding.")

# %% [markdown]
# ## Further reading
#
# * {cite:t}`bottou2018` on stochastic gradients, with proofs.
# * {cite:t}`soudry2018` on what descent does on separable data.
# * {cite:t}`hastie2009`, chapter 4, on linear methods for classification.
# * {cite:t}`hein2019` on why such models are certain far from their data, though that paper is about deeper ones.
#
# Next: [](../mnist/01_eda).
