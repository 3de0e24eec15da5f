# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Claims about time and memory
#
# How do you find out which of two ways is faster, when seconds change from machine to machine and from minute to minute? Three claims of the tutorial on MNIST are about the clock and about memory. This page runs while nothing else does, and judges ratios, not seconds.
#
# *20 minutes to read, 40 with the exercises. **You need** [the `DataLoader`](../mnist/01_eda.ipynb), [the training loop](../mnist/03_training.ipynb) and [how a claim is judged](01a_mnist_data_and_model.ipynb#How-a-claim-is-judged).
# Next comes a [replication](04_replication.ipynb).*
#
# The tutorial is by [The Research Scientist Pod](https://researchdatapod.com/mastering-logistic-regression-mnist-pytorch-implementation-analysis). After this chapter you can
#
# * time two ways of doing the same work so that neither is favoured;
# * turn a few rounds into a ratio with the interval that they have;
# * count what a training step keeps in memory;
# * tell a faster epoch from a faster way to a low loss.

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
seed: int = 0  # fixes initial weights and order, 0 or more
batch_size: int = 64  # images per batch of the loaders, 1 or more
learning_rate: float = 0.01  # step length, above 0
momentum: float = 0.9  # share of the last step kept in the next, 0 to below 1
num_rounds: int = 7  # rounds of each race, 6 or more

# %% tags=["hide-input"]
# @title Check the settings: a wrong one stops the notebook here, and says why
from tutorial_utils.plots.style import use_book_style
from tutorial_utils.training.config import TrainingConfig

config = TrainingConfig(
    dataset=dataset,
    seed=seed,
    batch_size=batch_size,
    learning_rate=learning_rate,
    momentum=momentum,
    device="cpu",
)
use_book_style()

# %% [markdown]
# ## How to time fairly
#
# Machines warm up, slow down and do other things in between. Timing all of A and then all of B gives B another machine. So the contestants run **in turns**, in rounds. The order moves on by one each round, so that nobody always goes first. One round before the others is not counted, because first calls allocate and load. All of it runs on the processor.

# %%
import os
import time

import numpy as np
import torch

from tutorial_utils.data import datasets
from tutorial_utils.report import measuring, results
from tutorial_utils.report.ledger import Ledger, Measurement

data, ledger = datasets.load(dataset), Ledger()
threads = torch.get_num_threads()
print(f"{threads} thread(s) of PyTorch, {os.cpu_count()} processor cores")


# %%
def race(contestants, rounds=num_rounds):
    """Seconds of each contestant in each round, a dict of lists."""
    names = list(contestants)
    seconds = {name: [] for name in names}
    for turn in range(rounds + 1):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            started = time.perf_counter()
            contestants[name]()
            if turn:
                seconds[name].append(time.perf_counter() - started)
    return seconds


# %% [markdown]
# Each round gives one ratio of two times that were taken under nearly the same conditions. The estimate is the **median** of these ratios: a single hiccup moves a mean, not a median.
#
# Seven rounds say little about their median, and its interval must show it. Each ratio falls below the true median with a probability of one half, like a coin. The smallest and the largest hold it between them unless all seven coins fall alike, which happens in one case of 64. So the interval runs **from the first to the seventh**, and its level is 98.4 %. Six rounds are the fewest that reach 95 %. With more,
# inner ratios become the ends. A bootstrap over rounds would give something narrower: it draws from seven values as if they were all there is ([Efron & Tibshirani, 1993](https://doi.org/10.1201/9780429246593)).
#
# The **sign test** fits the interval: count the rounds above the bound, and ask how often coins would fall that unevenly. Both take rounds to be alike and independent, and both cover this machine on this day only.
#
# "Faster" needs a margin. A gain of less than a tenth is not worth a setting, so the rule for faster is a ratio above 1.1.


# %%
def ratio(part, slow, fast, **names):
    """Median ratio of two times, to be judged by one part of a claim."""
    names["threads"] = f"{threads} thread{'s' if threads > 1 else ''}"
    bound = ledger.rulebook.parts[part].rule.bounds[0]
    ratios = np.divide(slow, fast)
    return measuring.median(ratios, bound, of_what="rounds", **names)


# %% [markdown]
# What can seven rounds show? A ratio counts as above 1.1 only if all seven are. The next line has the chance of that, if half, nine tenths or 97 % of all rounds are above the bound.

# %%
{share: round(share**num_rounds, 2) for share in (0.5, 0.9, 0.97)}

# %% [markdown]
# A small gain on a restless machine therefore stays **not settled**, and rightly so. Seven coins that fall alike have a p-value of 1/64. That is enough for one question, and not for one among the many that this book asks: after Holm's correction, which counts them all, these claims are open.
#
# ## Loading
#
# ### Claim 20: more loader workers are faster
#
# Workers are processes that fetch batches ahead. They can share work among cores. They must also be started for each pass, and each batch must travel between processes. What wins depends on how much work one image is. So there are two loaders, each with no worker and with two:
#
# * **image by image**, as in the tutorial: each image is turned into a tensor and normalised by itself, then a batch of them is stacked;
# * **batch by batch**: images lie in memory as one normalised tensor, and a batch is cut out of it.
#
# This book's `Batches` is timed beside them and not judged.

# %% tags=["hide-input"]
# @title The images, one by one and as one tensor
from torch.utils.data import BatchSampler, SequentialSampler, TensorDataset
from torchvision import transforms

some = data.train.subset(torch.arange(len(data.train) // 3))
description = data.description
normalise = transforms.Normalize(description.mean, description.std)
prepare = transforms.Compose([transforms.ToTensor(), normalise])
one_by_one = datasets.ImageDataset(some, prepare)
whole_tensor = TensorDataset(datasets.standardise(some), some.labels)
in_order = SequentialSampler(whole_tensor)
in_slices = BatchSampler(in_order, batch_size, drop_last=False)

# %%
from functools import partial

from torch.utils.data import DataLoader

from tutorial_utils.training.batches import Batches

transform = datasets.training_transform(description)
ours = Batches(some.images, some.labels, batch_size, transform=transform)
loaders = {"Batches of this book": ours}
for workers in (0, 2):
    load, named = partial(DataLoader, num_workers=workers), f"{workers} workers"
    loaders[f"image by image, {named}"] = load(one_by_one, batch_size)
    in_batches = load(whole_tensor, None, sampler=in_slices)
    loaders[f"batch by batch, {named}"] = in_batches


# %% [markdown]
# A race is fair only if all do the same work. So every pass counts its images and adds up their pixels, and the sums must agree.


# %%
def one_pass(loader):
    """Go through a loader once; images seen, and their sum."""
    seen, total = 0, 0.0
    for images, labels in loader:
        seen += len(labels)
        total += images.sum().item()
    return seen, total


counted = [one_pass(loader) for loader in loaders.values()]
assert all(seen == len(some) for seen, _ in counted)
assert np.ptp([total for _, total in counted]) < 1e-3 * len(some)

# %%
runs = {name: partial(one_pass, loader) for name, loader in loaders.items()}
passes = race(runs)

# %% tags=["hide-input"]
# @title Figure: seconds for one pass with each loader
from tutorial_utils.lessons.show import show
from tutorial_utils.plots.training import strips

show(
    strips(passes, xlabel="seconds for one pass", shares=False),
    caption="Seconds for one pass over 20,000 images with each loader. A mark"
    " is one round, the bar the mean.",
    alt="Five rows of marks. Image by image, with and without workers, takes by"
    " far the longest; the batches of this book lie at the left edge.",
)


# %% tags=["hide-input"]
# @title Claim 20, measured
def without_over_with(part, loader):
    none, two = (passes[f"{loader}, {workers} workers"] for workers in (0, 2))
    return ratio(part, none, two)


ledger.record(
    20,
    a=without_over_with("20a", "image by image"),
    b=without_over_with("20b", "batch by batch"),
)

# %% [markdown]
# Batch by batch, two workers are many times slower: there is nothing to share but the cost. Image by image they may help, if there is a core to spare; look at the interval before you believe the ratio. **For you:** ask first which loader to use, then how many workers to give it. Work that is not done needs no workers.
#
# ## The model in use
#
# ### Claim 23: the model is small and fast at inference
#
# Small is taken as less than 100 KiB of parameters. That is counted, so there is no interval. Fast needs something to compare with: a small convolutional network, which needs more arithmetic for its better answers. Fast is taken as at most a fifth of that network's time, once for 2,000 images together, and once for a single image, where the cost of the calls themselves counts most. Neither needs training to be timed.

# %% tags=["hide-input"]
# @title Two models and 2,000 images
from torch import nn

from tutorial_utils.training.models import make_model

regression, layers = make_model(config).eval(), []
for channels, filters in ((1, 8), (8, 16)):
    layers.append(nn.Conv2d(channels, filters, 5, padding=2))
    layers += [nn.ReLU(), nn.MaxPool2d(2)]
network = nn.Sequential(*layers, nn.Flatten(), nn.Linear(16 * 7 * 7, 10))
images = datasets.standardise(data.test.subset(torch.arange(2_000)))

# %%


@torch.no_grad()
def answer(model, inputs, calls):
    for _ in range(calls):
        model(inputs)


CALLS = {"all": (images, 5), "single": (images[:1], 500)}
entries = {
    f"{name}, {which}": partial(answer, model, *CALLS[which])
    for name, model in (("regression", regression), ("network", network))
    for which in CALLS
}
answers = race(entries)


# %% tags=["hide-input"]
# @title Claim 23, measured
def kibibytes(model):
    return sum(each.nbytes for each in model.parameters()) / 1024


def network_over_regression(part, which, **names):
    slow, fast = answers[f"network, {which}"], answers[f"regression, {which}"]
    return ratio(part, slow, fast, **names)


ledger.record(
    23,
    a=Measurement(kibibytes(regression), n=1, of_what="model"),
    b=network_over_regression("23b", "all", images=f"{len(images):,}"),
    c=network_over_regression("23c", "single"),
)

# %% [markdown]
# Small and fast it is. But the network is small, too: small is nothing special to this model. And a single image costs more time than one among many, because there the calls count, not the arithmetic. **For you:** answer in batches where you can.
#
# ## Batch size
#
# ### Claim 43: larger batches take more memory and make faster epochs
#
# **Memory.** A training step needs the parameters, their gradients and the momentum: three times the same size, whatever the batch. For the backward pass it keeps the batch's images and what the loss needs. PyTorch can be asked what it keeps, so the bytes are counted, not sampled. At 256 images the step must take more than 1.1 times the memory of one at 64.
#
# **Time.** One epoch over 54,000 images, at several sizes, in turns: the same loop, the same images. Each step to four times the batch, from 16 to 64 to 256, must make an epoch more than 1.1 times as fast.


# %%
import torch.nn.functional as F


def bytes_of_step(size):
    """Model, gradients, momentum, and what the backward pass needs."""
    model, batch = make_model(config), data.train.subset(torch.arange(size))
    kept = {}

    def remember(tensor):
        kept[tensor.data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(remember, lambda t: t):
        F.cross_entropy(model(datasets.standardise(batch)), batch.labels)
    own = {each.data_ptr(): each.nbytes for each in model.parameters()}
    others = [size for place, size in kept.items() if place not in own]
    return 3 * sum(own.values()) + sum(others)


step_bytes = {size: bytes_of_step(size) for size in (16, 64, 256)}
{size: f"{each / 1024:,.0f} KiB" for size, each in step_bytes.items()}

# %%
from tutorial_utils.reproducibility import make_generator

train, validation = datasets.split(data.train, config.validation_split, seed)


def update(model, optimiser, inputs, labels):
    loss = F.cross_entropy(model(inputs), labels)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


def one_epoch(size):
    order, model = make_generator(seed, "order"), make_model(config)
    optimiser = torch.optim.SGD(model.parameters(), learning_rate, momentum)
    for batch in Batches(train.images, train.labels, size, order, transform):
        update(model, optimiser, *batch)
    return model


sizes = (16, 32, 64, 128, 256, 512)  # three of them are judged
epochs = race({size: partial(one_epoch, size) for size in sizes})
{size: round(float(np.median(epochs[size])), 2) for size in sizes}  # seconds

# %% tags=["hide-input"]
# @title Claim 43, measured
growth = step_bytes[256] / step_bytes[64]
ledger.record(
    43,
    a=ratio("43a", epochs[64], epochs[256]),
    b=ratio("43b", epochs[16], epochs[64]),
    c=Measurement(growth, n=1, of_what="step of each size"),
)

# %% [markdown]
# Larger batches share the fixed cost of a step among more images, and once that cost is small there is little left to share. The memory triples, which sounds like much, and is next to nothing beside the 45 MiB of the training images. **For you:** here memory is no reason for small batches. With a deep network on a card it is the first.
#
# ## Time to a given loss
#
# A faster epoch makes fewer updates: it is not yet faster training. [Gradient descent](../foundations/03_gradient_descent.ipynb) counts the images and steps that the full batch, mini-batches and single images need to a given loss. Here the three run against the clock, from the same weights on the same 10,000 images, to a training loss of 0.35, each at a rate that suits it. The clock stops while the loss is measured.

# %% tags=["hide-input"]
# @title Seconds to a loss, the clock stopped while it is measured
few = train.subset(torch.arange(10_000))
inputs, targets = datasets.standardise(few).flatten(1), few.labels


def seconds_to(target, size, rate, check_every):
    model, seconds, step = make_model(config), 0.0, 0
    optimiser = torch.optim.SGD(model.parameters(), lr=rate)
    order = make_generator(seed, "order")
    while True:
        for rows in torch.randperm(len(inputs), generator=order).split(size):
            started, step = time.perf_counter(), step + 1
            update(model, optimiser, inputs[rows], targets[rows])
            seconds += time.perf_counter() - started
            look = step % check_every == 0
            if look and F.cross_entropy(model(inputs), targets) < target:
                return seconds, step


# %% tags=["hide-input"]
# @title Table: three rounds of three ways
import pandas as pd

descents = {  # images per step, learning rate, steps between two looks
    "full batch": (len(inputs), 0.5, 1),
    "mini-batches": (batch_size, 0.1, 8),
    "single images": (1, 0.003, 500),
}
reached = {name: [] for name in descents}
for _ in range(3):
    for name, settings in descents.items():
        reached[name].append(seconds_to(0.35, *settings))
to_loss = {name: sorted(s for s, _ in each) for name, each in reached.items()}
shown = pd.DataFrame(to_loss, index=["least", "seconds", "most"]).T.round(2)
shown.assign(steps=[each[0][1] for each in reached.values()])

# %% [markdown]
# The seconds are the median of three rounds. Three have no interval worth the name: from the least to the most makes 75 %. They are enough where the ways differ as much as here, and nothing is judged by them. Mini-batches come first by far: they share the fixed cost of a step, and still take many steps for each look at the data.

# %% tags=["remove-input"]
# @title Guards of the sentences above
from tutorial_utils.lessons.expect import expect

value = measuring.Parts(ledger.entries("timing")).column("measurement")
expect("many times slower batch by batch", value["20b"], below=0.5)
expect("small and fast it is", min(value["23b"], value["23c"]), above=5)
seconds = {n: np.median(answers[f"regression, {n}"]) for n in CALLS}
per_image = seconds["single"] / 500, seconds["all"] / 5 / len(images)
expect("a single image costs more", per_image[0] / per_image[1], above=2)
expect("less to share each time", value["43a"] / value["43b"], below=0.9)
expect("the memory triples", value["43c"], between=(2.8, 3.3))
middle = {name: each[1] for name, each in to_loss.items()}
ahead = min(middle["full batch"], middle["single images"])
expect("mini-batches come first", ahead / middle["mini-batches"], above=3)

# %% [markdown]
# ## Exercises
#
# ### Exercise 1 ★ With a pencil
#
# A setting is faster than another in nine of ten rounds. In which share of races over seven rounds are all seven faster?

# %%
from tutorial_utils.lessons import checks

your_share = ...
checks.answer(your_share, 0.9**7, tolerance=0.02, hint="rounds are independent")

# %% tags=["hide-cell"]
# @title Solution
0.9**7

# %% [markdown]
# ### Exercise 2 ★★ Predict, then run
#
# Starting two workers takes time before the first image comes. If from then on they halved the time per image, how many images must a pass have before they pay? Guess, then time a pass over a single batch. (A factor of two counts as right: write the logarithm to base 2, such as 10 for 1,024.)

# %%
your_log2 = ...
tiny = datasets.ImageDataset(some.subset(torch.arange(batch_size)), prepare)
both = {w: DataLoader(tiny, batch_size, num_workers=w) for w in (0, 2)}
starts = race({w: partial(one_pass, each) for w, each in both.items()})
cost = np.median(np.subtract(starts[2], starts[0]))
per_image = np.median(passes["image by image, 0 workers"]) / len(some)
needed = cost / (per_image / 2)
hint = "a start takes tenths of a second, an image a ten-thousandth"
checks.answer(your_log2, np.log2(max(needed, 1)), tolerance=1, hint=hint)

# %% tags=["hide-cell"]
# @title Solution
# The cost of a start, over half of the time of one image.
f"{1e3 * cost:.0f} ms, {1e6 * per_image:.0f} microseconds: {needed:,.0f} images"

# %% [markdown]
# ### Exercise 3 ★★★ A faster epoch, or faster training?
#
# Write a function that takes seconds and losses of several runs, and returns how many of them are beaten: another run took no longer and has a lower loss. Then train each batch size for one epoch and apply it to the validation losses. Which sizes are worth a look?


# %%
def your_beaten(seconds, losses):
    return 0


# %% tags=["remove-cell"]
# @title What the check of exercise 3 compares with
def beaten(seconds, losses):
    runs = list(zip(seconds, losses, strict=True))
    return sum(any(s <= t and k < m for s, k in runs) for t, m in runs)


cases = [((1, 2, 3), (0.5, 0.4, 0.3)), ((1, 2, 3), (0.3, 0.4, 0.2))]

# %%
checks.function(your_beaten, beaten, cases)

# %% tags=["hide-cell"]
# @title Solution
from tutorial_utils.report.narrate import table
from tutorial_utils.training.trainer import measure

# Larger batches need a larger rate before the comparison is fair; the claims
# about training give them one.
held = Batches(validation.images, validation.labels, 500, transform=transform)
losses = {size: measure(one_epoch(size), held)[0] for size in sizes}
seconds = {size: float(np.median(epochs[size])) for size in sizes}
rows = [{"size": s, "seconds": seconds[s], "loss": losses[s]} for s in sizes]
table(rows, {"seconds": ".2f", "loss": ".4f"})

# %% [markdown]
# ## Five questions

# %% tags=["remove-input"]
# @title Five questions
from tutorial_utils.lessons.questions import ask, choice, number

ask(
    [
        choice(
            "You time A ten times, then B ten times. What is wrong?",
            {
                "ten are too few": "They may do.",
                "B may have had another machine": "",
                "B is slower": "You cannot tell.",
            },
            correct="B may have had another machine",
            because="machines warm up and slow down; take turns.",
        ),
        number(
            "From the smallest to the largest of five rounds: which level does"
            " this interval of the median have, in per cent?",
            answer=100 * (1 - 2 / 2**5),
            tolerance=0.3,
            unit="%",
            because="it misses if all five coins fall alike, 2 cases of 32.",
        ),
        choice(
            "When do loader workers pay?",
            {
                "always": "Batch by batch they cost.",
                "when an image is much work and cores are free": "",
                "with small images": "These are small.",
            },
            correct="when an image is much work and cores are free",
            because="starting them and moving batches must be won back.",
            sure=True,
        ),
        number(
            "Parameters take 30 KiB. How many KiB do parameters, gradients and"
            " momentum take in a training step, whatever the batch?",
            answer=90,
            tolerance=1,
            unit="KiB",
            because="three times the same size.",
        ),
        choice(
            "Batches of 512 make the fastest epoch. Do they train fastest?",
            {
                "yes": "An epoch of them has few updates.",
                "not known from this": "",
            },
            correct="not known from this",
            because="what counts is the time to a given loss.",
        ),
    ]
)

# %% [markdown]
# ## Further reading
#
# * [Efron & Tibshirani (1993)](https://doi.org/10.1201/9780429246593) on the bootstrap and its limits with few observations.
# * [Goyal et al. (2017)](https://arxiv.org/abs/1706.02677) on what large batches need in order to train as well as small ones.
#
# Next: [A replication](04_replication.ipynb).


# %% tags=["remove-cell"]
# @title The results file
times = {"loading": passes, "inference": answers, "epoch": epochs}
seconds = {  # of a round; those of inference have 5 or 500 calls
    kind: {name: float(np.median(each)) for name, each in found.items()}
    for kind, found in times.items()
}
timed = {"claims": ledger.entries("timing"), "threads": threads}
path = results.write(
    "claims/03_timing",
    parameters=config.model_dump() | {"num_rounds": num_rounds},
    metrics={"step_bytes": step_bytes, "rules_sha256": ledger.rulebook.sha256},
    timings=timed | {"seconds": seconds | {"to_loss": middle}},
    data_hash=data.fingerprint,
)
