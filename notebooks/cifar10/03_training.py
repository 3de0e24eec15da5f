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
# Which learning rate suits photographs? And if no rate takes the model beyond about four in ten, is that the fault of training, or of the model?
#
# *15 minutes to read, 35 with the exercises. **You need** [The model](02_model.ipynb), [Training on MNIST](../mnist/03_training.ipynb), where the
# loop is built, and [Tuning](../mnist/03b_tuning.ipynb). Next comes [Evaluation](04_evaluation.ipynb).*
#
# After this chapter you can
#
# * write training and evaluation around one function for a batch;
# * compare learning rates, and distrust the best of many epochs;
# * tell from the curves whether training or the model is the limit.

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
initialisation: str = "default"  # start: "xavier_uniform" or "default"
num_epochs: int = 60  # passes over the training images, 1 or more
batch_size: int = 100  # images per update, 1 to 40,000
learning_rate: float = 0.009  # step length of the first epoch, above 0
momentum: float = 0.0  # share of the last step kept, 0 to below 1
weight_decay: float = 0.0  # strength of the L2 penalty, 0 or more
learning_rate_decay: float = 1.0  # factor at each decay, above 0 to 1
learning_rate_step: int = 10  # epochs between two decays, 1 or more
validation_split: float = 0.2  # share of images held out, between 0 and 1
early_stopping_patience: int = 60  # epochs without improvement, 1 or more
divergence_bound: float = 1e4  # batch loss that ends training, above 2.303
log_interval: int = 100  # batches between two updates of the bar, 1 or more
num_seeds: int = 10  # repeated runs that show the spread, 2 or more

# %% tags=["hide-input"]
# @title Check the settings: a wrong one stops the notebook here, and says why
from tutorial_utils.lessons.expect import expect
from tutorial_utils.lessons.show import show
from tutorial_utils.plots.style import use_book_style
from tutorial_utils.report.narrate import table
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
use_book_style()

# %% [markdown]
# ## What is new
#
# The settings. All chapters of this part share them, and here is where they differ from MNIST's:

# %% tags=["hide-input"]
# @title Table: the settings of this part, beside MNIST's
table(HEADLINE["mnist"].differences(config, ("MNIST", "here")))

# %% [markdown]
# Plain steps: no momentum, no schedule, and pixels that are not standardised. They are those of the tutorial that this part re-examines
# ([Dhalla 2020](https://medium.com/ai-in-plain-english/complete-guide-image-classification-on-cifar-10-chapter-i-multiclass-logistic-regression-525daee0775b)).
# It does not say for how many epochs it trained; the 60 are ours. Patience is as long as the run, so it never fires.
#
# ## Three functions
#
# The loop is the one that read digits. You often see it in another shape, so write it once more, in that one. **`loss_batch`** handles one
# batch. Given an optimiser it updates the model, without one it only measures. **`evaluate`** goes through all batches. **`fit`** takes turns.

# %%
import torch
import torch.nn.functional as F

from tutorial_utils.training.models import make_model


def loss_batch(model, loss, xb, yb, optimiser=None, metric=None):
    scores = model(xb)
    value = loss(scores, yb)
    if optimiser is not None:
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
    return value.item(), len(xb), metric and metric(scores, yb)


def accuracy(scores, labels):
    return (scores.argmax(dim=1) == labels).double().mean().item()


@torch.no_grad()
def evaluate(model, loss, batches, metric):
    parts = [loss_batch(model, loss, *b, metric=metric) for b in batches]
    total = sum(length for _, length, _ in parts)
    mean_loss = sum(each * length for each, length, _ in parts) / total
    return mean_loss, sum(each * length for _, length, each in parts) / total


def fit(num_epochs, rate, model, train, validation):
    optimiser = torch.optim.SGD(model.parameters(), lr=rate)
    history = [evaluate(model, F.cross_entropy, validation, accuracy)]
    for _ in range(num_epochs):
        for xb, yb in train:
            loss_batch(model, F.cross_entropy, xb, yb, optimiser)
        history.append(evaluate(model, F.cross_entropy, validation, accuracy))
    return history


# %% [markdown]
# Each batch counts by its length, for [a smaller last batch](../foundations/01_softmax_and_cross_entropy.ipynb#The-mean-over-batches) must not count as much as a full one. (`metric and metric(scores, yb)` is `None` if there is no metric.)
# And `history` begins with the untrained model, so that a curve starts where training does.
#
# ## The first ten epochs
#
# A cautious rate first, 0.001.

# %%
from tutorial_utils.data import datasets
from tutorial_utils.training.batches import training_batches

data = datasets.load(dataset)
plain = {"momentum": 0.0, "weight_decay": 0.0, "learning_rate_decay": 1.0}
slow = config.but(learning_rate=0.001, num_epochs=2, device="cpu", **plain)
torch.set_num_threads(1)  # a second one would mostly wait for the first
batches = training_batches(data.train, slow)
first_ten = fit(10, slow.learning_rate, make_model(slow), *batches)

# %% tags=["hide-input"]
# @title Table: validation loss and accuracy, from the untrained model on
import pandas as pd

names = ["validation loss", "validation accuracy"]
frame = pd.DataFrame(first_ten, columns=names).rename_axis("epoch")
table(frame.reset_index(), {names[0]: ".4f", names[1]: ".2%"})

# %% tags=["hide-input"]
# @title Figure: the first ten epochs
from tutorial_utils.plots import training as plots

label = "validation accuracy"
curves = {"rate 0.001": (frame.index, frame[label])}
show(
    plots.compare_curves(curves, xlabel="epoch", ylabel=label),
    caption="Validation accuracy over the first ten epochs at rate 0.001; epoch"
    " 0 is the untrained model.",
    alt="A curve that rises steeply from a tenth to a quarter in the first"
    " epoch, and ever more slowly to more than a third in the tenth.",
    name="fig-cifar10-first-epochs",
)

# %% [markdown]
# The first epoch brings most of it; in the tenth the loss still falls. This rate has not finished. Are these the numbers of the
# package's `Trainer`? Two epochs of it:

# %%
from tutorial_utils.training.trainer import Trainer, load_or_fit

batches = training_batches(data.train, slow)  # afresh, for the same order
theirs = Trainer(slow).fit(make_model(slow), *batches)
[first_ten[1][0], first_ten[2][0]], theirs.column("validation_loss")

# %% [markdown]
# The same, up to rounding. From here on the package trains.
#
# ## Five rates
#
# Five rates see the same images in the same order, and start from the same weights, so they are trained
# [in one pass](../mnist/03b_tuning.ipynb#Ten-models-in-one-pass).

# %%
from tutorial_utils.report import results
from tutorial_utils.training import replicas

folder = results.output_folder()
RATES = sorted({0.0003, 0.001, 0.003, 0.009, 0.05, learning_rate})
grid = [config.but(learning_rate=rate) for rate in RATES]
made = replicas.load_or_train(grid, data, folder, keep_diverged=True)

# %% tags=["hide-input"]
# @title Figure: validation accuracy of each rate
replicas.require_trained([made[RATES.index(learning_rate)]])
trained = replicas.only_trained(made)


def curve_of(run):
    column = [frame[label][0], *run.history.column("validation_accuracy")]
    return range(len(column)), column


curves = {f"rate {r.config.learning_rate:g}": curve_of(r) for r in trained}
show(
    plots.compare_curves(curves, xlabel="epoch", ylabel=label),
    caption="Validation accuracy over all epochs for each learning rate. Epoch"
    " 0, the untrained model, is the same for all.",
    alt="Five curves from the same start. The smallest rates rise slowly, those"
    " of 0.003 and 0.009 highest; that of 0.05 jumps up and down below them.",
    name="fig-cifar10-learning-rates",
)

# %% tags=["hide-input"]
# @title Table: what each rate reaches
reached = []
for run in trained:
    hits = pd.Series(run.history.column("validation_accuracy"))
    reached.append(
        {"rate": run.config.learning_rate, "best accuracy": hits.max(),
         "in epoch": int(hits.argmax()) + 1, "last accuracy": hits.iloc[-1],
         "jitter": hits[len(hits) // 2 :].diff().abs().mean()}
    )  # fmt: skip
shares = dict.fromkeys(("best accuracy", "last accuracy", "jitter"), ".2%")
table(reached, shares | {"rate": "g"})

# %% [markdown]
# *Jitter* is how far accuracy moves from one epoch to the next, on average over the second half.
#
# The two smallest rates are still on their way. By its best epoch 0.009 comes out first, here as in the tutorial; by the last it is level with 0.003. At 0.05 the accuracy jumps by several
# points from epoch to epoch: the steps are too long for the valley, and the weights go
# from side to side, as in [the picture that moves](../foundations/03_gradient_descent.ipynb#The-paths,-over-a-bowl).
#
# Which to believe? The best of 60 epochs is a *maximum*: partly it is luck, and the more a curve jumps, the more of it. Choose by it on the
# very images that you report, and you report a little too much. That is also how to read published maxima (on the tutorial's, see
# [its claims, measured](../claims/02_cifar10.ipynb)). The test images stay closed until the [next chapter](04_evaluation.ipynb).
#
# ## Let the rate fall
#
# For the digits, long steps first and [short ones at the end](../mnist/03b_tuning.ipynb#Rates,-with-and-without-a-schedule) did better than any constant rate. So divide
# the rate by ten after epoch 40. **Predict first:** what becomes of the wild rate, 0.05?

# %%
falling = {"learning_rate_decay": 0.1, "learning_rate_step": 40}
grid = [config.but(learning_rate=rate, **falling) for rate in (0.009, 0.05)]
tamed = replicas.load_or_train(grid, data, folder)

# %% tags=["hide-input"]
# @title Figure: two rates, constant and falling
both = [r for r in trained if r.config.learning_rate in (0.009, 0.05)]
curves = {f"{r.config.learning_rate:g}, constant": curve_of(r) for r in both}
curves |= {f"{r.config.learning_rate:g}, falling": curve_of(r) for r in tamed}
show(
    plots.compare_curves(curves, xlabel="epoch", ylabel=label),
    caption="Validation accuracy at two rates, constant and divided by ten"
    " after epoch 40.",
    alt="Up to epoch 40 the curves of each rate are the same. Then the falling"
    " ones turn flat; that of 0.05 leaps up to those of 0.009, near 0.4.",
    name="fig-cifar10-schedule",
)

# %% [markdown]
# It lands where the others are. It had not gone astray; it was circling, and shorter steps let it settle. With a schedule the choice
# between these two hardly matters any more. So why does this part do without? Because the best weights are kept, a schedule gains little for 0.009.
# And all roads lead to about the same place, four in ten. The rate is not what holds the model back.
#
# ## Is training the limit, or the model?
#
# Train the chosen rate once more by itself, and measure the training images, too. `Trainer` keeps the weights with the lowest validation *loss*. Their epoch need not be that
# of the highest accuracy.

# %%
model, history = load_or_fit(config, data, folder, measure_train=True)

# %% tags=["hide-input"]
# @title Figure: loss and accuracy at the chosen rate
runs = history.to_frame()
runs = runs.filter(regex="^(train|validation)_(loss|accuracy)$")
show(
    plots.learning_curves(runs),
    caption="Loss and accuracy after each epoch at the chosen rate, on training"
    " and on validation images.",
    alt="Two panels. On the left two curves of loss fall together and drift"
    " apart slowly; on the right accuracies rise to about 0.4 and jitter.",
    name="fig-cifar10-curves",
)

# %% tags=["hide-input"]
# @title Table: the epoch that was kept, and the last
kept, last = history.best, history.records[-1]
both = runs.loc[sorted({kept.epoch, last.epoch})]
table(both.reset_index().round(4))

# %% [markdown]
# Compare with [the curves of the digits](../mnist/03_training.ipynb#Reading-the-curves). The gap between training and validation is small beside the loss itself. And the accuracy on the
# *training* images, which it has seen sixty times, is only a few points higher. A model that overfits reads its training images well. This one
# cannot even learn those: it **underfits**. No schedule cures that, and no patience. It takes
# [another kind of model](05_error_analysis.ipynb).
#
# ## How sure is the validation accuracy?
#
# [As for the digits](../mnist/03b_tuning.ipynb#How-sure-is-the-validation-accuracy?) there are two kinds of chance: other images, and another training.

# %%
from tutorial_utils.evaluation import statistics

n = round(validation_split * len(data.train))
right = round(kept.validation_accuracy * n)
low, high = statistics.wilson_interval(right, n)
grid = [config.but(seed=each) for each in range(num_seeds)]
ten = [r.history for r in replicas.load_or_train(grid, data, folder)]
of_kept = [each.best.validation_accuracy for each in ten]
of_best = [max(each.column("validation_accuracy")) for each in ten]
spread = statistics.spread(of_kept)
[round(v, 4) for v in (low, high, spread.mean, spread.deviation)]

# %% [markdown]
# First Wilson's interval for other images: a point to either side. Then mean and standard deviation over ten seeds, about half a point. That is about
# what other images alone would cause, and each seed does hold out images of its own. And the best of any epoch lies higher than the weights kept on most seeds, for nothing but the choice.

# %% tags=["remove-input"]
# @title The sentences above, guarded
losses, shares = frame[names[0]], frame[label]
near = (losses[2] - theirs.records[1].validation_loss).item()
expect("Trainer's numbers are yours", abs(near), below=1e-4)
gained = (shares[1] - shares[0]) / (shares[10] - shares[0])
expect("the first epoch brings most of it", gained, above=0.5)
fell = losses[9] - losses[10]
expect("in the tenth the loss still falls", fell, above=0.003)
rates = pd.DataFrame(reached).set_index("rate")
best_rate = float(rates["best accuracy"].idxmax())
expect("0.009 comes out first", best_rate, equals=0.009)
at_end = rates["last accuracy"].reindex([0.003, 0.009]).diff().abs().max()
expect("by the last it is level with 0.003", at_end, below=0.015)
wild = rates["jitter"].get(0.05, 0)
expect("0.05 jumps by several points", wild, above=0.02)
ends = [run.history.records[-1].validation_accuracy for run in tamed]
expect("0.05 lands where the others are", min(ends), above=0.385)
expect("none goes beyond four in ten", max(ends), below=0.425)
gain = kept.validation_loss - tamed[0].history.best.validation_loss
expect("a schedule gains little for 0.009", gain, below=0.01)
gap = last.train_accuracy - last.validation_accuracy
expect("training images are read only a little better", gap, below=0.06)
small = (last.validation_loss - last.train_loss) / last.train_loss
expect("the gap is small beside the loss", small, below=0.1)
expect("a point to either side", (high - low) / 2, between=(0.008, 0.011))
lucky = sum(a > b for a, b in zip(of_best, of_kept, strict=True)) / num_seeds
expect("the best epoch is higher on most seeds", lucky, above=0.5)
expect("half a point over seeds", spread.deviation, between=(0.002, 0.01))

# %% [markdown]
# ## Exercises
#
# ### Exercise 1 ★ With a pencil
#
# At which loss does a model stand that gives each of the ten classes a tenth, whatever the image? It is the mark to beat.

# %%
import math

from tutorial_utils.lessons import checks

your_loss = ...
hint = "minus the logarithm of one tenth"
checks.answer(your_loss, math.log(10), tolerance=0.01, hint=hint)

# %% tags=["hide-cell"]
# @title Solution
# ln 10; then the untrained model's loss, and the trained one's.
math.log(10), first_ten[0][0], kept.validation_loss

# %% [markdown]
# ### Exercise 2 ★★ Predict, then run: patience
#
# For the digits a patience of 5 ended most runs before the first decay. Here there is no decay to wait for. In which epoch would a patience of 5 have
# ended the run at the chosen rate? Write your guess in place of the dots, then find it in `runs`.

# %% tags=["remove-cell"]
# @title What the check of exercise 2 compares with
held = runs["validation_loss"]
ages = {epoch: epoch - held[:epoch].idxmin() for epoch in held.index}
ended = next((e for e, age in ages.items() if age >= 5), len(held))

# %%
your_epoch = ...
hint = "the first epoch whose best loss so far is five epochs old"
checks.answer(your_epoch, ended, tolerance=0.5, hint=hint)

# %% tags=["hide-cell"]
# @title Solution
# The epoch, and what it would have cost in validation loss: about a hundredth.
ended, held[:ended].min() - held.min()

# %% [markdown]
# ### Exercise 3 ★★★ How lucky is a maximum?
#
# A model stays at a true accuracy of 40 % for 30 epochs. Each epoch's measured accuracy scatters about it with a standard deviation of 0.3 points. By
# how many points is the best epoch too high, on average? Simulate it.

# %% tags=["remove-cell"]
# @title What the check of exercise 3 compares with
draw = torch.Generator().manual_seed(seed)
luck = 0.3 * torch.randn(10_000, 30, generator=draw).amax(dim=1).mean()

# %%
your_points = ...
hint = "torch.randn(10_000, 30) has one row for each run"
checks.answer(your_points, luck, tolerance=0.02, hint=hint)

# %% tags=["hide-cell"]
# @title Solution
# The mean of the largest of thirty: twice the deviation, for no improvement.
luck

# %% [markdown]
# ## Five questions

# %% tags=["remove-input"]
# @title Five questions
from tutorial_utils.lessons.questions import ask, choice, number

ask(
    [
        choice(
            "`loss_batch` gets no optimiser. What does it do?",
            {
                "it measures, and changes nothing": "",
                "it raises an error": "None is what it expects by default.",
                "it takes a step of length one": "There is nothing to step.",
            },
            correct="it measures, and changes nothing",
            because="the three lines of the update are skipped.",
        ),
        number(
            "Two batches: 300 images, 40 % right, and 100 images, 20 % right."
            " What is the accuracy of all, in per cent?",
            answer=(300 * 40 + 100 * 20) / 400,
            tolerance=0.1,
            form=".0f",
            because="each batch counts by its length.",
        ),
        choice(
            "Accuracy jumps by several points from epoch to epoch. What do you"
            " try first?",
            {
                "a smaller rate at the end": "",
                "more epochs": "They go on jumping.",
                "the epoch with the highest accuracy": "That is mostly luck.",
            },
            correct="a smaller rate at the end",
            because=f"above, it led 0.05 to {ends[1]:.3f}.",
        ),
        choice(
            f"Training accuracy {last.train_accuracy:.2f}, validation accuracy"
            f" {last.validation_accuracy:.2f}. What is the limit?",
            {
                "overfitting": "Then the training images were read well.",
                "the model": "",
                "too few images": "It cannot learn those that it has.",
            },
            correct="the model",
            because="it cannot even read what it was trained on.",
            sure=True,
        ),
        choice(
            "A paper reports the highest validation accuracy of 100 epochs."
            " On new images you expect",
            {
                "as much": "The highest of many is partly luck.",
                "a little less": "",
                "much less": "Luck is a few tenths of a point here.",
            },
            correct="a little less",
            because="the epoch was chosen on the very images of the report.",
            sure=True,
        ),
    ]
)

# %% [markdown]
# ## Further reading
#
# * [Raschka 2018](https://arxiv.org/abs/1811.12808) on choosing models and settings without fooling oneself.
#
# Four in ten, by every road. Which four? [Evaluation](04_evaluation.ipynb) opens the test set.

# %% tags=["remove-cell"]
# @title The results file
metrics = {
    "best_validation_loss": kept.validation_loss,
    "best_validation_accuracy": runs["validation_accuracy"].max(),
    "best_epoch": kept.epoch,
    "epochs_run": len(history),
    "stop_reason": history.stop_reason,
    "validation_accuracy": kept.validation_accuracy,
    "validation_accuracy_interval": (low, high),
    "validation_accuracy_over_seeds": of_kept,
    "best_validation_accuracy_over_seeds": of_best,
    "untrained_accuracy": shares[0],
    "untrained_validation_loss": losses[0],
    "best_learning_rate": best_rate,
    "learning_rates": reached,
    "falling_rates_last_accuracy": ends,
    "first_ten_accuracies": shares.tolist(),
}
path = results.write(
    "cifar10/03_training",
    parameters={**config.model_dump(), "num_seeds": num_seeds},
    metrics=metrics,
    data_hash=data.fingerprint,
)
