# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Claims about time and memory, measured
#
# Three claims of the tutorial on MNIST {cite}`researchscientistpod` are about the clock and about memory: that loader workers help, that the model is small and fast, and that larger batches take more memory and make faster epochs. Seconds change from machine to machine and from minute to minute. So this chapter runs when nothing else does, and compares instead of timing.
#
# **After this chapter you can**
#
# * time two ways of doing the same work so that neither is favoured;
# * turn the seconds of a few rounds into a ratio with the interval that they have, and say what it depends on;
# * say when loader workers pay, and when they cost;
# * count what a training step keeps in memory, and set it beside what the data take;
# * tell a faster epoch from a faster way to a low loss.
#
# **You need** [](../mnist/01_eda) for the `DataLoader`, and [](../mnist/03_training) for the training loop. How a rule becomes a verdict is said in {ref}`claims-verdicts`.

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

# %%
from tutorial_utils.training.config import TrainingConfig

config = TrainingConfig(
    dataset=dataset,
    seed=seed,
    batch_size=batch_size,
    learning_rate=learning_rate,
    momentum=momentum,
    device="cpu",
)

# %%
import os

import torch

from tutorial_utils.data import datasets
from tutorial_utils.plots.style import use_book_style
from tutorial_utils.report.ledger import Ledger, Measurement
from tutorial_utils.report.narrate import percent, say, table

use_book_style()
data = datasets.load(config.dataset)
ledger = Ledger()
threads = torch.get_num_threads()
THREADS = f"{threads} thread{'s' if threads > 1 else ''}"
say(
    f"Everything here runs on the processor: PyTorch uses {THREADS}, and the machine has"
    f" {os.cpu_count()} processor cores."
)

# %% [markdown]
# (claims-timing-method)=
# ## How to time fairly
#
# Machines warm up, slow down and do other things in between. Timing all of A and then all of B gives B another machine. So the contestants run **in turns**, in rounds; the order is moved on by one each round, so that nobody always goes first; and one round before the others is not counted, because first calls allocate and load.

# %%
import time


def race(contestants, rounds=num_rounds):
    """Seconds of each contestant in each round, a dict of lists."""
    names, seconds = list(contestants), {name: [] for name in contestants}
    for number in range(rounds + 1):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            started = time.perf_counter()
            contestants[name]()
            if number:
                seconds[name].append(time.perf_counter() - started)
    return seconds


# %% [markdown]
# Each round gives one ratio of two times that were taken under nearly the same conditions. The estimate is the **median** of these ratios: a single hiccup moves a mean, not a median. Seven rounds say little about their median, and its interval must show it. Each round falls below the true median with a probability of one half, like a coin. The smallest and the largest ratio hold the true median between them unless all seven coins fall alike, which happens in one case of 64. So the interval runs **from the first to the seventh**, and its level is 98.4 %. Five rounds reach no more than 93.75 %: six are the fewest that will do. With more rounds, inner ratios become the ends.
#
# A bootstrap over rounds would give something narrower. It draws from seven values as if they were all there is, and claims more than they know. The **sign test** fits the interval: count the rounds above the bound, and ask how often coins would fall that unevenly. Both assume that rounds are alike and independent, and both cover this machine on this day only.
#
# "Faster" needs a margin. A gain of less than a tenth is not worth a setting, so the rule for faster is a ratio above 1.1. It stands with the rules of all claims in one file of the package.

# %%
import numpy as np

from tutorial_utils.evaluation.medians import median_interval, sign_test
from tutorial_utils.report import results, rules

rulebook = rules.read()


def ratio(part, slow, fast, **names):
    """Median ratio of two times, held against the rule of one part of a claim."""
    ratios = np.divide(slow, fast)
    found = median_interval(ratios)
    how = f"ratios of rank {found.rank} and {found.n + 1 - found.rank} of {found.n}"
    return Measurement(
        found.median, found.low, found.high, n=found.n, of_what="rounds", how=how,
        confidence=found.confidence, names=names | {"threads": THREADS},
        exact_p=sign_test(ratios, rulebook.parts[part].rule.bounds[0]),
    )  # fmt: skip


# %% [markdown]
# What can seven rounds show? A ratio counts as above 1.1 only if all seven are. If the true median is 1.1 exactly, that happens once in 128 races. If nine rounds in ten exceed 1.1, it happens in about half of the races: 0.9 to the power of 7. A small gain on a restless machine therefore stays **not settled**, and rightly so. Seven coins that fall alike have a p-value of 1/64. That is enough for one question, and not for one among the many that the book asks: after Holm's correction, which counts them all, these claims are open. The last line says how many rounds it would take.

# %%
import math

for beyond in (0.5, 0.9, 0.97):
    chance = beyond**num_rounds
    print(
        f"{beyond:.0%} of rounds beyond the bound: all {num_rounds} are in {chance:.1%} of races"
    )
for_holm = math.ceil(1 + math.log2(rulebook.num_tests / 0.05))
print(
    f"{rulebook.num_tests} tests in the book: all of {for_holm} rounds would pass Holm's correction"
)

# %% [markdown]
# (claims-timing-workers)=
# ## Loading
#
# (claim-20)=
# ### Claim 20: more loader workers are faster
#
# Workers are processes that fetch batches ahead. They can share work among cores. They must also be started for each pass, and each batch must travel between processes. What wins depends on how much work one image is. So there are two loaders, each with no worker and with two:
#
# * **image by image**, as in the source: each image is turned into a tensor and normalised by itself, then a batch of them is stacked;
# * **batch by batch**: images lie in memory as one normalised tensor, and a batch is cut out of it.
#
# The claim is judged for both, by the time without workers over the time with two. This book's `Batches` is timed beside them and not judged.

# %%
from torch.utils.data import BatchSampler, DataLoader, SequentialSampler, TensorDataset
from torchvision import transforms

some = data.train.subset(torch.arange(len(data.train) // 3))
description = data.description
one_by_one = datasets.ImageDataset(
    some,
    transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize(description.mean, description.std)]
    ),
)
whole_tensor = TensorDataset(datasets.standardise(some), some.labels)
in_slices = BatchSampler(SequentialSampler(whole_tensor), config.batch_size, False)

# %%
from tutorial_utils.training.batches import Batches

loaders = {}
for workers in (0, 2):
    loaders[f"image by image, {workers} workers"] = DataLoader(
        one_by_one, batch_size=config.batch_size, num_workers=workers
    )
    loaders[f"batch by batch, {workers} workers"] = DataLoader(
        whole_tensor, sampler=in_slices, batch_size=None, num_workers=workers
    )
transform = datasets.training_transform(description)
loaders["Batches of this book"] = Batches(
    some.images, some.labels, config.batch_size, transform=transform
)

# %% [markdown]
# A race is fair only if all do the same work, so first: do they all deliver the same images?


# %%
def one_pass(loader):
    """Go through a loader once; images seen, and their sum."""
    seen, total = 0, 0.0
    for images, labels in loader:
        seen += len(labels)
        total += images.sum().item()
    return seen, total


expected_sum = whole_tensor.tensors[0].double().sum().item()
for name, loader in loaders.items():
    seen, total = one_pass(loader)
    assert seen == len(some), name
    assert abs(total - expected_sum) < 1e-3 * len(some), name

# %%
from functools import partial

passes = race({name: partial(one_pass, loader) for name, loader in loaders.items()})

# %% mystnb={"figure": {"caption": "Seconds for one pass over 20,000 images with each loader. A mark is one round, the bar the mean.", "name": "fig-claims-timing-loaders"}, "image": {"alt": "Five rows, one per way of loading: image by image and batch by batch, each with no and with two workers, and the batches of this book. Each row has one mark per round on an axis of seconds, and a bar at the mean."}}
from tutorial_utils.plots.training import strips

ax = strips(passes, xlabel="seconds for one pass", shares=False)

# %%
medians = {name: float(np.median(values)) for name, values in passes.items()}
ours = passes["Batches of this book"]
times_ours = {
    name: float(np.median(np.divide(values, ours))) for name, values in passes.items()
}
ledger.record(
    20,
    a=ratio("20a", passes["image by image, 0 workers"], passes["image by image, 2 workers"]),
    b=ratio("20b", passes["batch by batch, 0 workers"], passes["batch by batch, 2 workers"]),
    remark=f"This machine has {os.cpu_count()} processor cores, so the answer may differ elsewhere."
    f" Image by image with two workers takes {times_ours['image by image, 2 workers']:.0f} times as long as this"
    f" book's batches without any; batch by batch with two, {times_ours['batch by batch, 2 workers']:.0f} times.",
)  # fmt: skip

# %% [markdown]
# The larger question is which loader to use, not how many workers to give it: work that is not done needs no workers.
#
# (claims-timing-inference)=
# ## The model in use
#
# (claim-23)=
# ### Claim 23: the model is small and fast at inference
#
# Small is taken as less than 100 KiB of parameters. That is counted, so there is no interval. Fast needs something to compare with: a small convolutional network, the one of [](../mnist/05_error_analysis), which needs more arithmetic for its better answers. Fast is taken as at most a fifth of that network's time, once for 2,000 images together, and once for a single image, where the cost of the calls themselves counts most. Neither needs training to be timed.

# %%
from torch import nn

from tutorial_utils.training.models import make_model

softmax_regression = make_model(config).eval()
layers = []
for channels, filters in ((1, 8), (8, 16)):
    layers += [nn.Conv2d(channels, filters, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)]
network = nn.Sequential(*layers, nn.Flatten(), nn.Linear(16 * 7 * 7, 10)).eval()
images = datasets.standardise(data.test.subset(torch.arange(2_000)))
single = images[:1]


def kibibytes(trained):
    return (
        sum(each.numel() * each.element_size() for each in trained.parameters()) / 1024
    )


# %%
@torch.no_grad()
def answer(chosen, inputs, calls):
    for _ in range(calls):
        chosen(inputs)


answers = race(
    {
        "regression, all": lambda: answer(softmax_regression, images, 5),
        "network, all": lambda: answer(network, images, 1),
        "regression, single": lambda: answer(softmax_regression, single, 500),
        "network, single": lambda: answer(network, single, 500),
    }
)
per_call = {
    name: np.divide(values, {"regression, all": 5, "network, all": 1}.get(name, 500))
    for name, values in answers.items()
}

# %%
alone = 1e6 * np.median(per_call["regression, single"])
in_crowd = 1e6 * np.median(per_call["regression, all"]) / len(images)
ledger.record(
    23,
    a=Measurement(kibibytes(softmax_regression), n=1, of_what="model"),
    b=ratio("23b", per_call["network, all"], per_call["regression, all"], images=f"{len(images):,}"),
    c=ratio("23c", per_call["network, single"], per_call["regression, single"]),
    remark=f"A single image takes {alone:.0f} microseconds, one among {len(images):,} together {in_crowd:.2f}. The network's"
    f" parameters take {kibibytes(network):.0f} KiB: small is not special to this model.",
)  # fmt: skip

# %% [markdown]
# (claims-timing-batches)=
# ## Batch size
#
# (claim-43)=
# ### Claim 43: larger batches take more memory and make faster epochs
#
# **Memory.** A training step needs the parameters, their gradients and the momentum: three times the same size, whatever the batch. For the backward pass it keeps the batch's images and what the loss needs. PyTorch can be asked what it keeps, so the bytes are counted, not sampled. The rule: at 256 images the step takes more than 1.1 times the memory of one at 64.
#
# **Time.** One epoch over 54,000 images, at 16, 64 and 256 images per batch, in turns: the same loop, the same images. The rule: each step to four times the batch makes an epoch more than 1.1 times as fast.


# %%
import torch.nn.functional as F


def bytes_of_step(size):
    """What one training step holds: model, gradients, momentum, and what backward needs."""
    trained, batch = make_model(config), data.train.subset(torch.arange(size))
    kept = {}

    def remember(tensor):
        kept[tensor.data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(remember, lambda tensor: tensor):
        F.cross_entropy(trained(datasets.standardise(batch)), batch.labels)
    parameters = {each.data_ptr(): each.nbytes for each in trained.parameters()}
    for pointer in parameters:
        kept.pop(pointer, None)
    return 3 * sum(parameters.values()) + sum(kept.values())


sizes = (16, 64, 256)
step_bytes = {size: bytes_of_step(size) for size in sizes}

# %%
from tutorial_utils.reproducibility import make_generator

train, validation = datasets.split(data.train, config.validation_split, config.seed)


def batches_of(size):
    generator = make_generator(config.seed, "order")
    return Batches(train.images, train.labels, size, generator, transform=transform)


# %%
def one_epoch(batches):
    trained = make_model(config)
    optimiser = torch.optim.SGD(
        trained.parameters(), lr=config.learning_rate, momentum=config.momentum
    )
    for inputs, labels in batches:
        loss = F.cross_entropy(trained(inputs), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return trained


# %%
timed_sizes = (16, 32, 64, 128, 256, 512)  # the claim is judged on three of them
epochs = race({size: partial(one_epoch, batches_of(size)) for size in timed_sizes})

# %% mystnb={"figure": {"caption": "Seconds for one epoch of 54,000 images at six batch sizes. A mark is one round, the bar the mean.", "name": "fig-claims-timing-batches"}, "image": {"alt": "Six rows, for batches of 16 to 512 images, each with one mark per round on an axis of seconds for one epoch, and a bar at the mean."}}
rows = {f"{size} images per batch": values for size, values in epochs.items()}
ax = strips(rows, xlabel="seconds for one epoch", shares=False)

# %%
pixels = data.train.images.nbytes
ledger.record(
    43,
    a=ratio("43a", epochs[64], epochs[256]),
    b=ratio("43b", epochs[16], epochs[64]),
    c=Measurement(step_bytes[256] / step_bytes[64], n=1, of_what="step of each size"),
    remark=f"A step at 256 holds {step_bytes[256] / 1024:,.0f} KiB, at 64 {step_bytes[64] / 1024:,.0f} KiB."
    f" The training images take {pixels / 1024**2:.0f} MiB as bytes, so the larger step adds"
    f" {percent((step_bytes[256] - step_bytes[64]) / pixels, 1)} to that. A faster epoch makes fewer updates:"
    " it is not yet faster training.",
)  # fmt: skip

# %% [markdown]
# (claims-timing-to-loss)=
# ## Time to a given loss
#
# An epoch's time does not say when the loss is low. [The chapter on gradient descent](foundations-time-to-loss) counts the images and the steps that the full batch, mini-batches and single images need to a given loss. Here the three run against the clock, from the same weights on the same 10,000 images, to a training loss of 0.35, each at a rate that suits it. The clock stops while the loss is measured.

# %%
few = train.subset(torch.arange(10_000))
inputs, targets = datasets.standardise(few).flatten(1), few.labels


# %%
def seconds_to(target, size, rate, check_every):
    trained = make_model(config)
    optimiser = torch.optim.SGD(trained.parameters(), lr=rate)
    generator, seconds, step = make_generator(config.seed, "order"), 0.0, 0
    while True:
        for chosen in torch.randperm(len(inputs), generator=generator).split(size):
            started = time.perf_counter()
            loss = F.cross_entropy(trained(inputs[chosen]), targets[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            seconds += time.perf_counter() - started
            step += 1
            if step % check_every == 0:
                with torch.no_grad():
                    if F.cross_entropy(trained(inputs), targets).item() < target:
                        return seconds, step


# %%
descents = {  # images per step, learning rate, steps between two looks at the loss
    "full batch": (len(inputs), 0.5, 1),
    "mini-batches": (config.batch_size, 0.1, 8),
    "single images": (1, 0.003, 500),
}
reached = {name: [] for name in descents}
for _ in range(3):
    for name, settings in descents.items():
        reached[name].append(seconds_to(0.35, *settings))
to_loss = {
    name: sorted(seconds for seconds, _ in runs) for name, runs in reached.items()
}
table(
    [
        {"method": name, "images per step": f"{descents[name][0]:,}", "steps": f"{reached[name][0][1]:,}",
         "seconds": f"{middle:.3f}", "from": f"{least:.3f}", "to": f"{most:.3f}"}
        for name, (least, middle, most) in to_loss.items()
    ]
)  # fmt: skip

# %% [markdown]
# The seconds are the median of three rounds. Three have no interval worth the name: from the least to the most makes 75 %. They are enough where the ways differ as much as here, and nothing is judged by them. Mini-batches share the fixed cost of a step among their images, and still take many steps for each look at the data. Exercise 3 asks the same of the batch sizes above.

# %%
seconds = {
    "loading": medians,
    "inference": {name: float(np.median(each)) for name, each in per_call.items()},
    "epoch": {size: float(np.median(each)) for size, each in epochs.items()},
    "to_loss": {name: middle for name, (_, middle, _) in to_loss.items()},
}
path = results.write(
    "claims/03_timing",
    parameters={**config.model_dump(), "num_rounds": num_rounds},
    metrics={
        "parameter_kibibytes": kibibytes(softmax_regression),
        "network_kibibytes": kibibytes(network),
        "step_bytes": step_bytes,
        "rules_sha256": rulebook.sha256,
    },
    timings={
        "claims": ledger.entries("timing"), "threads": threads, "seconds": seconds,
    },
    data_hash=data.fingerprint,
)  # fmt: skip

# %% [markdown]
# ## What you have learnt
#
# You can now
#
# * time two ways of doing the same work so that neither is favoured;
# * turn the seconds of a few rounds into a ratio with the interval that they have, and say what it depends on;
# * say when loader workers pay, and when they cost;
# * count what a training step keeps in memory, and set it beside what the data take.
#
# ## Exercises
#
# ### Exercise 1: what does starting workers cost?
#
# Time a pass over a single batch with no worker and with two, image by image. How many images must a pass have before two workers could pay, if from then on they halved the time?

# %% tags=["hide-cell"]
# Solution: the cost of a start, over half of the time of one image.
tiny = datasets.ImageDataset(
    some.subset(torch.arange(config.batch_size)), one_by_one.transform
)
starting = {
    workers: DataLoader(tiny, batch_size=config.batch_size, num_workers=workers)
    for workers in (0, 2)
}
starts = race({workers: partial(one_pass, starting[workers]) for workers in starting})
start_cost = float(np.median(np.subtract(starts[2], starts[0])))
per_image = medians["image by image, 0 workers"] / len(some)
say(
    f"Starting two workers costs {1e3 * start_cost:.0f} ms, one image"
    f" {1e6 * per_image:.0f} microseconds. Even at half the time per image, two workers"
    f" need about {start_cost / (per_image / 2):,.0f} images to win that back."
)

# %% [markdown]
# ### Exercise 2: costlier images
#
# Add a random rotation and shift to the transform of each image (`transforms.RandomAffine`). Do two workers pay now? Judge it with the rule of claim 20 on 2,000 images.

# %% tags=["hide-cell"]
# Solution: the same race with a costlier transform.
costly = datasets.ImageDataset(
    some.subset(torch.arange(2_000)),
    transforms.Compose(
        [transforms.RandomAffine(15, translate=(0.1, 0.1)), one_by_one.transform]
    ),
)
costly_passes = race(
    {
        workers: partial(
            one_pass,
            DataLoader(costly, batch_size=config.batch_size, num_workers=workers),
        )
        for workers in (0, 2)
    }
)
rotated = ratio("20a", costly_passes[0], costly_passes[2])
rule = rulebook.parts["20a"]
verdict = rule.rule.judge(rotated.value, rotated.low, rotated.high)
say(
    f"Without workers it takes {rotated.value:.2f} times as long as with two,"
    f" [{rotated.low:.2f}, {rotated.high:.2f}]; {rule.text}, the claim"
    f" {verdict.singular}. With 2,000 images and {os.cpu_count()} cores, starting the"
    " workers may cost more than they save; see Exercise 1."
)

# %% [markdown]
# ### Exercise 3: a faster epoch, or faster training?
#
# Train each batch size for one epoch, at the same learning rate, and measure the validation loss. Which size is lowest after one epoch? Which is lowest for the seconds that it took?

# %% tags=["hide-cell"]
from tutorial_utils.training.trainer import measure

# Solution: one epoch of each; seconds are the medians from above.
held = Batches(validation.images, validation.labels, 500, transform=transform)
epoch_rows = []
for size in sizes:
    loss, accuracy = measure(one_epoch(batches_of(size)), held)
    epoch_rows.append(
        {"images per batch": size, "seconds of an epoch": f"{np.median(epochs[size]):.2f}",
         "validation loss": f"{loss:.4f}", "validation accuracy": percent(accuracy)}
    )  # fmt: skip
table(epoch_rows)

# %% [markdown]
# Larger batches need a larger learning rate before the comparison is fair; [the claims about batches](01b_mnist_training.ipynb#Batches) give them one.
#
# ## Further reading
#
# * {cite:t}`efron1993` on the bootstrap and its limits with few observations.
# * {cite:t}`goyal2017` on what large batches need in order to train as well as small ones.
#
# Next: {ref}`the ledger of all claims <claims>`.
