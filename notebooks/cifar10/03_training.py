# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Training on CIFAR-10
#
# The loop is the one that read digits. Here it is built again in the other common shape, as three small functions, and used to answer one question well: which learning rate?
#
# **After this chapter you can**
#
# * write training and evaluation around one function that handles a batch;
# * average over batches of unequal size without error;
# * compare learning rates fairly, and say what a tuned validation maximum is worth;
# * give a validation accuracy with its sampling interval and its spread over seeds, told apart.
#
# **You need** [](02_model), and [training on MNIST](../mnist/03_training) for the loss, the optimiser and the schedule.
#
# The settings are those of the source {cite}`dhalla2020`: plain steps without momentum, schedule or standardisation. It does not publish its number of epochs; ours is below.

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
from tutorial_utils.data import datasets
from tutorial_utils.plots.style import use_book_style
from tutorial_utils.report.narrate import enumerate_words, interval, percent, say, table
from tutorial_utils.training.batches import Batches, training_batches

use_book_style()
say(*config.notes)
data = datasets.load(config.dataset)
train, validation = training_batches(data.train, config)

# %% [markdown]
# (cifar10-training-changes)=
# :::{admonition} What changed from MNIST
# :class: note
# Computed from the headline configurations of the two data sets.
# :::

# %% tags=["hide-input"]
table(HEADLINE["mnist"].differences(config, ("MNIST", "here")))

# %% [markdown]
# (cifar10-three-functions)=
# ## Three functions
#
# **`loss_batch`** handles one batch. Given an optimiser it also updates the model; without one it only measures. It returns the loss, the number of images, and a metric if one was asked for.


# %%
def loss_batch(model, loss_function, xb, yb, optimiser=None, metric=None):
    scores = model(xb)
    loss = loss_function(scores, yb)
    if optimiser is not None:
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return loss.item(), len(xb), None if metric is None else metric(scores, yb)


def accuracy(scores, labels):
    return (scores.argmax(dim=1) == labels).double().mean().item()


# %% [markdown]
# **`evaluate`** goes through all batches and averages, each batch weighted by its length. **`fit`** alternates between training and evaluation.


# %%
import torch


@torch.no_grad()
def evaluate(model, loss_function, batches, metric=None):
    parts = [
        loss_batch(model, loss_function, xb, yb, metric=metric) for xb, yb in batches
    ]
    total = sum(length for _, length, _ in parts)
    loss = sum(loss * length for loss, length, _ in parts) / total
    if metric is None:
        return loss, total, None
    return loss, total, sum(value * length for _, length, value in parts) / total


def fit(num_epochs, learning_rate, model, loss_function, train, validation, metric):
    optimiser = torch.optim.SGD(model.parameters(), lr=learning_rate)
    history = [evaluate(model, loss_function, validation, metric)]
    for _ in range(num_epochs):
        for xb, yb in train:
            loss_batch(model, loss_function, xb, yb, optimiser)
        history.append(evaluate(model, loss_function, validation, metric))
    return history


# %% [markdown]
# The history begins with the untrained model, so that every curve starts where training starts. Are these the numbers of the package's `Trainer`? Two epochs of each:

# %%
import torch.nn.functional as F

from tutorial_utils.training.models import make_model
from tutorial_utils.training.threads import choose_threads
from tutorial_utils.training.trainer import Trainer, load_or_fit, measure

two = config.but(
    num_epochs=2, momentum=0.0, weight_decay=0.0, learning_rate_decay=1.0, device="cpu"
)
torch.set_num_threads(choose_threads(make_model(two)))  # of a model this small: one
mine = fit(
    two.num_epochs, two.learning_rate, make_model(two), F.cross_entropy,
    *training_batches(data.train, two), accuracy,
)  # fmt: skip
theirs = Trainer(two).fit(make_model(two), *training_batches(data.train, two))
theirs.require_trained()
for (loss, _, hits), record in zip(mine[1:], theirs.records, strict=True):
    torch.testing.assert_close(loss, record.validation_loss, rtol=1e-5, atol=0)
    torch.testing.assert_close(hits, record.validation_accuracy)
say("Both give the same losses and accuracies, epoch by epoch.")

# %% [markdown]
# (cifar10-weighted-average)=
# ### Why weight by length?
#
# The source weights by batch length to avoid wrong averages. There, every batch has 100 images, so the plain mean would be right, too. It goes wrong when the last batch is small. With batches of 3,000 the last of 10,000 images holds 1,000:

# %%
uneven = Batches(
    validation.images, validation.labels, 3_000, transform=validation.transform
)
model = make_model(config).cpu()
with torch.no_grad():
    parts = [
        loss_batch(model, F.cross_entropy, xb, yb, metric=accuracy) for xb, yb in uneven
    ]
plain = sum(value for _, _, value in parts) / len(parts)
weighted = evaluate(model, F.cross_entropy, uneven, accuracy)[2]
torch.testing.assert_close(weighted, measure(model, validation)[1])
say(
    f"Batches of {enumerate_words(length for _, length, _ in parts)} images. The plain"
    f" mean of accuracies is {plain:.5f}, the weighted one {weighted:.5f}, which is the"
    " accuracy of the whole set."
)

# %% [markdown]
# (cifar10-first-epochs)=
# ## The first ten epochs at rate 0.001
#
# A cautious rate first. The first row is the untrained model.

# %%
slow = config.but(
    learning_rate=0.001, momentum=0.0, learning_rate_decay=1.0, num_epochs=10
)
first_ten = fit(
    10,
    0.001,
    make_model(slow).cpu(),
    F.cross_entropy,
    *training_batches(data.train, slow),
    accuracy,
)
table(
    [
        {"epoch": epoch, "validation loss": loss, "validation accuracy": hits}
        for epoch, (loss, _, hits) in enumerate(first_ten)
    ],
    {"validation loss": ".4f", "validation accuracy": ".2%"},
)

# %% mystnb={"figure": {"caption": "Validation accuracy over the first ten epochs at rate 0.001; epoch 0 is the untrained model.", "name": "fig-cifar10-first-epochs"}, "image": {"alt": "A curve of validation accuracy that rises steeply in the first epochs and flattens afterwards."}}
from tutorial_utils.plots.training import compare_curves, learning_curves, strips

ax = compare_curves(
    {"rate 0.001": (range(11), [hits for _, _, hits in first_ten])},
    xlabel="epoch",
    ylabel="validation accuracy",
)

# %% tags=["hide-input"]
import itertools

gains = [later[2] - earlier[2] for earlier, later in itertools.pairwise(first_ten)]
say(
    f"The first epoch brings {100 * gains[0]:.1f} points, the tenth"
    f" {100 * gains[-1]:+.1f}. The loss still falls at the end ({first_ten[-2][0]:.4f}"
    f" to {first_ten[-1][0]:.4f}): this rate has not finished its work."
)

# %% [markdown]
# (cifar10-learning-rates)=
# ## Which learning rate?
#
# Five rates, the same split, order of batches and initial weights for all, and the same number of epochs. They see the same batches, so they are trained in one pass, stacked as [on MNIST](../mnist/03_training). For each we report the best epoch *and* the last, because the best of many epochs is a maximum: it is partly luck.

# %%
from tutorial_utils.report import results
from tutorial_utils.training import replicas

RATES = (0.0003, 0.001, 0.003, 0.009, 0.05)
stacked = replicas.load_or_train(
    [config.but(learning_rate=rate) for rate in sorted({*RATES, config.learning_rate})],
    data,
    results.output_folder(),
    keep_diverged=True,
)
for each in stacked:
    if each.config == config:
        each.history.require_trained()  # the rate of this chapter must come through
compared = {
    each.config.learning_rate: each.history for each in replicas.only_trained(stacked)
}
stopped = {
    f"{each.config.learning_rate:g}": each.history.stop_detail
    for each in stacked
    if not each.trained
}

# %% mystnb={"figure": {"caption": "Validation accuracy over all epochs for each learning rate; epoch 0, the untrained model, is the same for all.", "name": "fig-cifar10-learning-rates"}, "image": {"alt": "One curve of validation accuracy per learning rate, from the same start: the small rates rise slowly, the middle ones highest, and the largest jumps up and down below them."}}
untrained_validation_loss, untrained_accuracy = measure(make_model(config), validation)
untrained_train_loss, _ = measure(make_model(config), train)
ax = compare_curves(
    {
        f"rate {rate:g}": (
            range(len(run) + 1),
            [untrained_accuracy, *run.column("validation_accuracy")],
        )
        for rate, run in compared.items()
    },
    xlabel="epoch",
    ylabel="validation accuracy",
)

# %%
from tutorial_utils.evaluation import statistics

rows = []
for rate, run in compared.items():
    top = max(run.records, key=lambda record: record.validation_accuracy)
    late = run.column("validation_accuracy")[len(run) // 2 :]
    rows.append(
        {"rate": rate, "best accuracy": top.validation_accuracy, "in epoch": top.epoch,
         "last accuracy": run.records[-1].validation_accuracy, "lowest loss": run.best.validation_loss,
         "jitter": statistics.spread([abs(b - a) for a, b in itertools.pairwise(late)]).mean
         if len(late) > 1 else float("nan")}
    )  # fmt: skip
formats = dict.fromkeys(("best accuracy", "last accuracy"), ".2%") | {
    "lowest loss": ".4f",
    "jitter": ".2%",
}
table(rows, formats)

# %% tags=["hide-input"]
say(*(f"Stopped, so its rate is not compared: {line}." for line in stopped.values()))
best_row = max(rows, key=lambda row: row["best accuracy"])
here = next(row for row in rows if row["rate"] == config.learning_rate)
n = validation.num_images
low, high = statistics.wilson_interval(round(best_row["best accuracy"] * n), n)
say(
    "Jitter is the mean change of accuracy from one epoch to the next, over the second"
    f" half. Best of these rates is {best_row['rate']:g}, with"
    f" {percent(best_row['best accuracy'])} in epoch {best_row['in epoch']} (95 %"
    f" sampling interval {interval(low, high)}). The source found 0.009 and a highest"
    f" validation accuracy of 41.71 %; at our rate of {config.learning_rate:g} the best"
    f" epoch has {percent(here['best accuracy'])} and the last"
    f" {percent(here['last accuracy'])}.",
    "The interval is for one model fixed in advance; a maximum over epochs and rates"
    f" is higher by selection. At rate {best_row['rate']:g} accuracy moves by"
    f" {100 * best_row['jitter']:.1f} points from one epoch to the next, so differences"
    " of that size say nothing about rates.",
)

# %% [markdown]
# Two cautions about 41.71 %. It is the *maximum* over epochs and rates, chosen on the very images that it is measured on, so it is a little too good. And the source never opens its test set. The next chapter opens ours, with the settings fixed here.
#
# (cifar10-curves)=
# ## The curves of the chosen rate
#
# The rate in the parameters cell, once more by itself, so that the training images can be measured after each epoch too. The next two chapters load this model.

# %%
model, history = load_or_fit(config, data, results.output_folder(), measure_train=True)

# %% mystnb={"figure": {"caption": "Loss and accuracy of every epoch at the chosen rate: while training (grey), and after each epoch on training and validation images.", "name": "fig-cifar10-curves"}, "image": {"alt": "Two panels of curves over epochs, loss on the left and accuracy on the right, for training and validation; the two drift apart slowly."}}
axes = learning_curves(history.to_frame())

# %% tags=["hide-input"]
last = history.records[-1]
say(
    f"Training ended because: {history.stop_detail}. At the end the training loss is"
    f" {last.train_loss:.4f} and the validation loss {last.validation_loss:.4f}, the"
    f" accuracies {percent(last.train_accuracy, 1)} and"
    f" {percent(last.validation_accuracy, 1)}. The lowest validation loss came in epoch"
    f" {history.best.epoch}; those weights are kept."
)

# %% [markdown]
# (cifar10-training-spread)=
# ## How sure is the validation accuracy?
#
# Two questions, as [for the digits](../mnist/04c_comparing_models). The **sampling interval** says how the accuracy of *this* model would vary over other images. The **spread over seeds** says how it varies over trainings, each with another split, order and initial weights. One does not stand in for the other.
#
# For each seed two numbers are drawn: the accuracy of the weights kept (lowest validation loss), and the highest accuracy of any epoch.

# %%
ten = replicas.load_or_train(
    [config.but(seed=each) for each in range(num_seeds)], data, results.output_folder()
)
kept_over_seeds = [each.history.best.validation_accuracy for each in ten]
best_over_seeds = [max(each.history.column("validation_accuracy")) for each in ten]
seeds, maxima = statistics.spread(kept_over_seeds), statistics.spread(best_over_seeds)

# %% mystnb={"figure": {"caption": "Validation accuracy of models trained from different seeds: of the weights kept, and of the best epoch. The bars are means.", "name": "fig-cifar10-training-spread"}, "image": {"alt": "Two rows of marks, one mark per seed in each: the accuracy of the weights kept, and a little to the right of it the highest accuracy of any epoch."}}
ax = strips(
    {"weights kept": kept_over_seeds, "best of any epoch": best_over_seeds},
    xlabel="validation accuracy",
)

# %% tags=["hide-input"]
kept = history.best.validation_accuracy
low, high = statistics.wilson_interval(round(kept * n), n)
say(
    f"Weights kept, seed {config.seed}: {percent(kept)} of {n:,} validation images, 95 %"
    f" Wilson interval {interval(low, high)}. Over {seeds.n} seeds: mean"
    f" {percent(seeds.mean)}, standard deviation {100 * seeds.deviation:.2f} points,"
    f" from {percent(seeds.low)} to {percent(seeds.high)}. The highest accuracy of any"
    f" epoch averages {percent(maxima.mean)}, {100 * (maxima.mean - seeds.mean):.2f}"
    " points more, for nothing but the choice.",
    "The spread holds both kinds of chance: other seeds validate on other images, too."
    " The next chapter measures all seeds on the same test images.",
)

# %% [markdown]
# (cifar10-training-results)=
# ## What this chapter measured

# %% tags=["hide-input"]
path = results.write(
    "cifar10/03_training",
    parameters={**config.model_dump(), "num_seeds": num_seeds},
    metrics={
        "best_validation_loss": history.best.validation_loss,
        "best_validation_accuracy": max(history.column("validation_accuracy")),
        "best_epoch": history.best.epoch,
        "epochs_run": len(history),
        "stop_reason": history.stop_reason,
        "last_validation_accuracy": last.validation_accuracy,
        "validation_accuracy": kept,
        "validation_accuracy_low": low,
        "validation_accuracy_high": high,
        "validation_accuracy_over_seeds": kept_over_seeds,
        "validation_accuracy_seed_mean": seeds.mean,
        "validation_accuracy_seed_deviation": seeds.deviation,
        "best_validation_accuracy_over_seeds": best_over_seeds,
        "untrained_accuracy": untrained_accuracy,
        "untrained_train_loss": untrained_train_loss,
        "untrained_validation_loss": untrained_validation_loss,
        "best_learning_rate": best_row["rate"],
        "learning_rates": {f"{row['rate']:g}": row for row in rows},
        "learning_rates_stopped": stopped,
        "first_ten_accuracies": [hits for _, _, hits in first_ten],
    },
    timings={"epoch_seconds": statistics.spread(history.column("seconds")).mean},
    data_hash=data.fingerprint,
)

# %% [markdown]
# ## What you have learnt
#
# You can now
#
# * build training and evaluation around one function for a batch;
# * average over batches without error;
# * compare learning rates, and distrust the maximum of many epochs;
# * give a validation accuracy with its sampling interval and its spread over seeds.
#
# ## Exercises
#
# ### Exercise 1: how lucky is a maximum?
#
# Suppose that a model stays at a true accuracy of 40 % for 30 epochs, and that each epoch's measured accuracy scatters around it with a standard deviation of 0.3 points. How high is the best epoch, on average? Simulate it.

# %% tags=["hide-cell"]
# Solution: the mean of the largest of thirty normal numbers.
noise = torch.randn(10_000, 30, generator=torch.Generator().manual_seed(seed))
excess = 0.3 * noise.amax(dim=1).mean().item()
say(
    f"About {excess:.2f} points too high. The maximum flatters, even when nothing"
    " improves."
)

# %% [markdown]
# ### Exercise 2: another metric
#
# Write `top_three(scores, labels)`, the share of images whose class is among the three largest scores, and pass it to `evaluate`.


# %% tags=["hide-cell"]
# Solution: any function of scores and labels will do.
def top_three(scores, labels):
    return (scores.topk(3).indices == labels[:, None]).any(dim=1).double().mean().item()


_, _, share = evaluate(model.cpu(), F.cross_entropy, validation, top_three)
assert share >= measure(model, validation)[1]
say(
    f"The right class is among the first three for {percent(share, 1)} of the"
    " validation images."
)

# %% [markdown]
# ### Exercise 3: the loss of knowing nothing
#
# At which loss does a model stand that gives every class its share of the training labels, whatever the image? Compare it with the untrained model, and with the trained one.

# %% tags=["hide-cell"]
import math

# Solution: the entropy of the class shares.
class_shares = train.labels.bincount().double() / train.num_images
entropy = -(class_shares * class_shares.log()).sum().item()
torch.testing.assert_close(entropy, math.log(10), rtol=1e-3, atol=0)
say(
    f"{entropy:.4f}; untrained {untrained_validation_loss:.4f}, trained"
    f" {history.best.validation_loss:.4f}."
)

# %% [markdown]
# ## Further reading
#
# * {cite:t}`raschka2018` on choosing models and settings without fooling oneself.
#
# Next: [](04_evaluation).
