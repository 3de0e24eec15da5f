# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Tuning
#
# Your trained model still reads some fives as threes. Would another learning rate, batch size, schedule or patience do better, and how do
# you tell better from lucky?
#
# *20 minutes to read, 45 with the exercises. **You need** [Training](03_training.ipynb). What else can go wrong stands in
# [When training fails](03c_when_training_fails.ipynb). Next comes [Evaluation](04_evaluation.ipynb).*
#
# After this chapter you can
#
# * say how far chance alone moves a validation loss, and compare settings so that it does not mislead you;
# * find a learning rate with a range test, and check what it said;
# * choose a batch size, a schedule and a patience that fit each other.

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
seed: int = 0  # the first model's, 0 or more
device: str = "auto"  # where to compute: "auto", "cpu", "cuda", "mps"
num_epochs: int = 30  # passes over the training images, 1 or more
batch_size: int = 64  # images per update, 1 to 54,000
learning_rate: float = 0.01  # step length of the first epoch, above 0
momentum: float = 0.9  # share of the last step kept in the next, 0 to below 1
learning_rate_decay: float = 0.1  # factor at each decay, above 0 to 1
learning_rate_step: int = 10  # epochs between two decays, 1 or more
validation_split: float = 0.1  # share of images held out, between 0 and 1
num_seeds: int = 10  # models that differ by chance alone, 2 or more
short_epochs: int = 6  # epochs of the comparisons, 3 or more

# %% tags=["hide-input"]
# @title Check the settings: a wrong one stops the notebook here, and says why
import torch

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
    early_stopping_patience=num_epochs,
)
torch.set_num_threads(1)  # a second one would mostly wait for the first
use_book_style()

# %% [markdown]
# ## Ten models in one pass
#
# Before you compare settings, compare a setting with itself. These ten models differ in their seed alone: in which images are held out, in
# their first weights, and in the order of the batches.
#
# `replicas` trains them together. A step of one small model is many short operations, and much of its time goes into starting them. Stack the
# weights of ten models, and one wide matrix product gives all their logits. [The last exercise](#Exercise-4-★★★-Ten-models-in-one-step) builds such a step.

# %%
from tutorial_utils.data import datasets
from tutorial_utils.report import results
from tutorial_utils.training import replicas

data = datasets.load(dataset)
configs = [config.but(seed=each) for each in range(num_seeds)]
runs = replicas.load_or_train(configs, data, results.output_folder())

# %% [markdown]
# Of each, take the epoch with the lowest validation loss, as in [Training](03_training.ipynb#The-settings,-and-what-each-does).

# %%
import pandas as pd


def kept(records):
    return min(records, key=lambda record: record.validation_loss)


bests = [kept(run.history.records) for run in runs]
losses = [best.validation_loss for best in bests]
accuracies = [best.validation_accuracy for best in bests]
chance = pd.DataFrame({"loss": losses, "accuracy": accuracies})
chance.describe().loc[["mean", "std", "min", "max"]].round(4)

# %% [markdown]
# From the worst seed to the best it is the best part of a percentage point, and nobody changed a setting. Whoever tries one rate with one
# seed and another rate with another will find a difference, and it may mean nothing ([Bouthillier et al., 2021](https://arxiv.org/abs/2103.03098)).
#
# ## How sure is the validation accuracy?
#
# Two kinds of chance are at work. Keep them apart.
#
# * **Other images.** Had other images of the same kind been held out, how many would *these very weights* read correctly? For one accuracy,
#   Wilson's interval answers that. [Evaluation](04_evaluation.ipynb) explains it.
# * **Another training.** Had the run been repeated with another seed, how good would *its* weights be?

# %%
from tutorial_utils.evaluation import statistics

n = round(validation_split * len(data.train))
sampling = statistics.wilson_interval(round(accuracies[0] * n), n)
sampling, (accuracies[0] * (1 - accuracies[0]) / n) ** 0.5

# %% [markdown]
# First the interval of seed 0. Then the standard deviation that other images alone would cause. The ten seeds vary about as much as
# that. So what you saw in the table is mostly that each seed has other validation images, some of them easier.
#
# That chance can be taken out. Compare two settings **on the same seeds**: same images held out, same first weights. Then look at the
# differences, seed by seed. The rest of this page does so.
#
# ## How long a step? The range test
#
# A **range test** ([Smith, 2017](https://arxiv.org/abs/1506.01186)) raises the learning rate with every batch, from far too small to far too large, and
# watches the loss. While the rate is too small, nothing happens. Then the loss falls, and at last it blows up. It takes a hundred updates,
# on a model that you throw away afterwards.


# %%
import torch.nn.functional as F

from tutorial_utils.training.batches import training_batches
from tutorial_utils.training.models import make_model


def range_test(model, batches, momentum):
    rates, losses = torch.logspace(-7, 1, 100).tolist(), []
    optimiser = torch.optim.SGD(model.parameters(), lr=1, momentum=momentum)
    for rate, (images, labels) in zip(rates, batches, strict=False):
        optimiser.param_groups[0]["lr"] = rate
        loss = F.cross_entropy(model(images), labels)
        losses.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return rates[: len(losses)], losses


train, validation = training_batches(data.train, config.but(device="cpu"))
fresh = [make_model(config).cpu() for _ in range(2)]
plain = range_test(fresh[0], train, momentum=0)
with_momentum = range_test(fresh[1], train, momentum)

# %% [markdown]
# Single batches scatter, so average each loss with its three neighbours on either side. On *both* sides: an average of the past alone lags
# behind, and its curve turns up several batches after the loss has. With rates that rise as fast as here, that is a factor of several in the
# rate that you read off. (The package's `range_test` does all this on a copy of your model, and draws batches without disturbing the order.)

# %% tags=["hide-input"]
# @title Figure: two range tests
import matplotlib.pyplot as plt
import numpy as np

from tutorial_utils.lessons.show import show
from tutorial_utils.plots import training as plots
from tutorial_utils.training.range_test import RangeTest, smooth

figure, axes = plt.subplots(ncols=2, figsize=(7.6, 3.4), sharey=True)
tests = [
    RangeTest(np.array(rates), np.array(each), smooth(each))
    for rates, each in (plain, with_momentum)
]
for ax, test, title in zip(axes, tests, ("Plain", "Momentum"), strict=True):
    marks = {"lowest": test.lowest, "used": learning_rate}
    series = test.learning_rates, test.losses, test.smoothed
    plots.draw_range_test(*series, marks, ax).set_title(title)
show(
    figure,
    caption="Loss against a learning rate that rises with every batch, without"
    " momentum and with it. Both axes are logarithmic.",
    alt="In both panels the loss runs level, falls to its lowest point and then"
    " shoots up. With momentum all of that happens at smaller rates.",
    name="fig-mnist-range-test",
)

# %% [markdown]
# With momentum 0.9 a steady gradient moves the weights ten times as far, so every turn of the curve comes at a smaller rate. Read the curve that
# belongs to how you train. The rate of this book, 0.01, lies on the way down, below the lowest point.
#
# The test sees each rate for one batch. That narrows the search to a decade or so. To choose, train.
#
# ## Rates, with and without a schedule
#
# Once the rate stays constant, once a **step schedule** divides it by ten twice on the way. **Predict first:** will the same rate win? Here are
# sixteen rates on one seed, epoch by epoch. In the book, move the slider.

# %%
constant = config.but(
    num_epochs=short_epochs,
    learning_rate_decay=1.0,
    early_stopping_patience=1000,  # never
)
decays = {"learning_rate_decay": 0.1, "learning_rate_step": short_epochs // 3}

# %% tags=["hide-input"]
# @title Figure: sixteen rates, with and without a schedule
from tutorial_utils.lessons import live

rates = torch.logspace(-4, -1, 16).tolist()
by_epoch = {"validation_loss": [], "validation_accuracy": []}
for base in (constant, constant.but(**decays)):
    trials = [base.but(learning_rate=rate) for rate in rates]
    tried = [run.history for run in replicas.train_all(trials, data.train)]
    for name, columns in by_epoch.items():
        columns.append([history.column(name) for history in tried])

live.show("learning_rates", rates=rates, start=10, **by_epoch)

# %% [markdown]
# That was one seed. Five rates (rows) and three seeds (columns) are fifteen models, once more without the schedule and with it.

# %%
RATES, SEEDS = (0.001, 0.003, 0.01, 0.03, 0.1), (0, 1, 2)


def final_losses(base, name, values):
    """Validation losses at the end: a row per value, a column per seed."""
    trials = [base.but(**{name: v, "seed": s}) for v in values for s in SEEDS]
    made = replicas.require_trained(replicas.train_all(trials, data.train))
    ends = [run.history.column("validation_loss")[-1] for run in made]
    return pd.DataFrame(np.reshape(ends, (len(values), -1)), values, SEEDS)


# %%
by_rate = {
    "constant": final_losses(constant, "learning_rate", RATES),
    "schedule": final_losses(constant.but(**decays), "learning_rate", RATES),
}
pd.concat(by_rate, axis=1).round(3)

# %% [markdown]
# In these few epochs, of the five constant rates 0.003 wins on every seed. With the schedule it is 0.01, on every seed again, and its loss is lower than any constant rate's.
# The long steps cover the distance, the short ones settle. So a rate is not good or bad by itself. **Tune the rate together with its schedule.**
#
# Look along a row: from seed to seed the losses differ. Look down a column: on each seed the same rate wins. Had each rate been tried with a seed of its own, luck could
# have reversed the order of the best. That is what comparing on the same seeds buys.
#
# ## How many images per step?
#
# There are two fair ways to compare batch sizes. At **equal epochs** every run sees the same images, and large batches make fewer steps. At **equal
# steps** all make the same number of updates, and large batches see more images. The rate stays constant.

# %%
SIZES = (32, 64, 128, 256)


def at_equal_steps(size):
    epochs = max(1, short_epochs * size // 64)
    return final_losses(constant.but(num_epochs=epochs), "batch_size", [size])


by_size = {
    "equal epochs": final_losses(constant, "batch_size", SIZES),
    "equal steps": pd.concat(map(at_equal_steps, SIZES)),
}
pd.concat(by_size, axis=1).round(3)

# %% tags=["hide-input"]
# @title Figure: batch sizes
means = {name: (t.index, t.mean(axis=1)) for name, t in by_size.items()}
log = {"xscale": "log", "yscale": "log", "ylabel": "validation loss (nats)"}
ax = plots.compare_curves(means, xlabel="images per step", marked=True, **log)
ax.set(xticks=SIZES, xticklabels=SIZES)
show(
    ax,
    caption="Validation loss by batch size, at equal epochs and at equal steps,"
    " mean over three seeds, at a constant rate. Both axes are logarithmic.",
    alt="Both lines fall steeply from batches of 32 to 128. At equal epochs the"
    " line then runs level; at equal steps it goes on falling.",
    name="fig-mnist-batch-size",
)

# %% [markdown]
# At this constant rate batches of 32 are the worst, on every seed and in both ways of comparing. A gradient of few images is a noisy one, and nothing
# damps the noise. At equal epochs there is nothing to gain beyond 128: the gradients are better, but there are fewer of them.
#
# Larger batches are not better as such. With a rate that decays, the noise dies down by itself, so do not carry this order over. The loss of this
# model has no second minimum to fall into: all its minima are equally low, so batch size changes how you get there. For deep networks that is disputed
# ([Keskar et al., 2017](https://arxiv.org/abs/1609.04836); [Goyal et al., 2017](https://arxiv.org/abs/1706.02677)). Memory is no argument here: a
# step with 256 images takes less than one megabyte. What sizes cost in time stands in [Timing](../claims/03_timing.ipynb). (The tutorial that this part
# re-examines recommends 64. Its reasons are measured in [its claims](../claims/01b_mnist_training.ipynb#Batches).)
#
# ## When to stop
#
# **Early stopping** ends training when the validation loss has not improved for so many epochs, the **patience**
# ([Prechelt, 1998](https://doi.org/10.1007/3-540-49430-8_3)). Five is a usual number. Does it go with a schedule that waits ten epochs before the rate falls?
#
# Nothing need be trained for that. A patience changes nothing until it fires. So walk through the runs that you have, and stop where it would have.


# %%
def replay(records, patience):
    best = 0
    for now, record in enumerate(records):
        if record.validation_loss < records[best].validation_loss:
            best = now
        if now - best >= patience:
            return records[: now + 1]
    return records


short = [replay(run.history.records, patience=5) for run in runs]
kept_short = [kept(records) for records in short]
rows = {"epochs run": [len(records) for records in short]}
rows["loss kept"] = [best.validation_loss for best in kept_short]
rows["loss without"] = losses
pd.DataFrame(rows).rename_axis("seed").round(4)

# %% tags=["hide-input"]
# @title Figure: what a patience of 5 costs
names = ("patience 5", "to the end")
label = "validation loss kept (nats)"
show(
    plots.paired(rows["loss kept"], losses, names=names, ylabel=label),
    caption="Validation loss of the weights that are kept, with patience 5 and"
    " without. Each line is one seed.",
    alt="Ten lines lead from the loss with patience 5 to the loss without. Most"
    " fall clearly, two are nearly level, and their mean falls.",
    name="fig-mnist-patience",
)

# %% tags=["hide-input"]
# @title The mean cost, and its 95 % interval over seeds
cost = [a - b for a, b in zip(rows["loss kept"], losses, strict=True)]
sum(cost) / len(cost), statistics.mean_interval(cost)

# %% [markdown]
# With patience 5 every run is stopped, most of them before the first decay. At the first rate the loss wobbles, and five epochs without a new best are
# nothing unusual. What the decay would have brought is never seen.
#
# The cost cannot be negative: whoever trains longer can only find a lower minimum. Whether it is worth the time is the question. **A patience
# should outlast the wait for the next decay.** That is why [Training](03_training.ipynb) runs to its end.
#
# So what was gained on this page? The settings were good to begin with: rate and schedule fit, and batches of 64 are not the last word.
# None of it taught the model to tell your 5 from a 3. For that, see what [Evaluation](04_evaluation.ipynb) says about the two.

# %% tags=["remove-input"]
# @title Guards of the sentences above
from tutorial_utils.lessons.expect import expect


def falling_range(test):
    top, bottom = test.smoothed[:10].mean(), test.smoothed.min()
    before = test.learning_rates < test.lowest
    waiting = before & (test.smoothed >= top - 0.1 * (top - bottom))
    last = max(waiting.nonzero()[0], default=0)
    return test.learning_rates[last], test.lowest


(_, plain_lowest), falls = map(falling_range, tests)
as_long = 0.01 / (1 - 0.9) * (1 - 0.95)  # for exercise 1
span = max(accuracies) - min(accuracies)
expect("seeds lie up to a point apart", span, between=(0.005, 0.015))
ratio = chance.accuracy.std() / (accuracies[0] * (1 - accuracies[0]) / n) ** 0.5
expect("seeds vary as other images would", ratio, between=(0.5, 1.6))
expect("momentum moves the lowest point", falls[1], below=plain_lowest / 2)
expect("the rate lies on the way down", learning_rate, between=falls)
winners = [sorted(set(each.idxmin())) for each in by_rate.values()]
expect("0.003 wins constant, 0.01 scheduled", winners, equals=[[0.003], [0.01]])
lower = by_rate["schedule"].min().mean() / by_rate["constant"].min().mean()
expect("with a schedule the best loss is lower", lower, below=0.99)
worst = [sorted(set(each.idxmax())) for each in by_size.values()]
expect("batches of 32 are worst on every seed", worst, equals=[[32], [32]])
level = by_size["equal epochs"].mean(axis=1)
beyond = 1 - level[256] / level[128]
expect("beyond 128 little is gained at equal epochs", beyond, below=0.03)
early = sum(len(each) < num_epochs for each in short)
expect("patience 5 stops every run", early, equals=num_seeds)
hasty = sum(len(each) <= learning_rate_step for each in short) / num_seeds
expect("most before the first decay", hasty, above=0.5)

# %% [markdown]
# ## Exercises
#
# ### Exercise 1 ★ With a pencil
#
# Momentum is 0.95. Which learning rate makes steps as long as 0.01 does with momentum 0.9, if the gradient stays the same?

# %%
from tutorial_utils.lessons import checks

your_rate = ...
hint = "a steady gradient moves the weights by rate / (1 - momentum)"
checks.answer(your_rate, as_long, tolerance=1e-4, hint=hint)

# %% tags=["hide-cell"]
# @title Solution, and two runs that say whether the rule holds
# 0.01 / (1 - 0.9) = 0.1 = rate / (1 - 0.95), so the rate is 0.005. By this
# rule, no momentum at 0.01 should end where momentum 0.9 ends at 0.001. It
# does: here, most of momentum is a longer step.
(without,) = replicas.train_all([constant.but(momentum=0.0)], data.train)
without.history.column("validation_loss")[-1], by_rate["constant"].loc[0.001, 0]

# %% [markdown]
# ### Exercise 2 ★★ Predict, then run
#
# Somebody runs the range test on the model that is trained already, and goes on to evaluate that model. What is left of its accuracy? Write your guess
# down as a share, then run.

# %% tags=["remove-cell"]
# @title What the check of exercise 2 compares with
from tutorial_utils.training.trainer import load_or_fit, measure

trained = load_or_fit(config, data, results.output_folder())[0].cpu()
before = measure(trained, validation)[1]
range_test(trained, train, momentum)
after = measure(trained, validation)[1]

# %%
what_is_left = ...
checks.answer(what_is_left, after, tolerance=0.1, hint="the rates end huge")

# %% tags=["hide-cell"]
# @title Solution
# Before and after. So test a fresh model, or a copy.
before, after

# %% [markdown]
# ### Exercise 3 ★★ A patience that fits
#
# Which patience is the smallest that stops none of the ten runs before the first decay of the rate? Use `replay`.


# %% tags=["remove-cell"]
# @title What the check of exercise 3 compares with
def reaches(patience):
    ends = [len(replay(run.history.records, patience)) for run in runs]
    return min(ends) > min(learning_rate_step, num_epochs - 1)


smallest = next((p for p in range(1, num_epochs) if reaches(p)), num_epochs)

# %%
your_patience = ...
hint = "every replayed run must have more epochs than learning_rate_step"
checks.answer(your_patience, smallest, tolerance=0.5, hint=hint)

# %% tags=["hide-cell"]
# @title Solution
smallest

# %% [markdown]
# ### Exercise 4 ★★★ Ten models in one step
#
# Write one plain gradient step for a stack of models: `weight` has the shape (models, 10, 784), `bias` (models, 10), `x` (images, 784). The gradient of the
# mean loss with respect to the logits is $(p - y)/n$, as [Gradients](../foundations/02_gradients.ipynb) derives. The starter gets as far as the logits of
# all models, in one product. Return the new weights.


# %%
def your_step(weight, bias, x, y, rate=0.1):
    wide = x @ weight.flatten(0, 1).T  # (images, models * 10)
    logits = wide.view(len(x), *bias.shape) + bias  # (images, models, 10)
    return weight + 0 * logits.sum()


# %% tags=["remove-cell"]
# @title What the check of exercise 4 compares with
def one_by_one(weight, bias, x, y, rate=0.1):
    weight, bias = weight.clone().requires_grad_(), bias.clone()
    for w, b in zip(weight, bias, strict=True):
        F.cross_entropy(x @ w.T + b, y).backward()
    return weight.detach() - rate * weight.grad


draw = torch.Generator().manual_seed(seed)
shapes = (2, 3, 4), (2, 3), (5, 4)  # two models, three classes, five images
some = [torch.rand(*shape, generator=draw) for shape in shapes]

# %%
checks.function(your_step, one_by_one, [(*some, torch.arange(5) % 3)])


# %% tags=["hide-cell"]
# @title Solution
# One product gives the logits of all, one more the gradients of all.
def my_step(weight, bias, x, y, rate=0.1):
    wide = x @ weight.flatten(0, 1).T
    logits = wide.view(len(x), *bias.shape) + bias
    error = logits.softmax(dim=2) - F.one_hot(y, bias.shape[1])[:, None]
    gradient = error.flatten(1).T @ x / len(x)
    return weight - rate * gradient.view(weight.shape)


checks.function(my_step, one_by_one, [(*some, torch.arange(5) % 3)])

# %% [markdown]
# ## Five questions

# %% tags=["remove-input"]
# @title Five questions
from tutorial_utils.lessons.questions import ask, choice, number

ask(
    [
        choice(
            "Two rates were tried with one seed each, two different ones. The"
            f" accuracies differ by {span / 2:.3f}. What do you conclude?",
            {
                "the better rate is better": "Equal settings differ as much.",
                "nothing yet": "",
                "the rates are equal": "That is not known, either.",
            },
            correct="nothing yet",
            because=f"seeds alone spread over {span:.3f}.",
            sure=True,
        ),
        choice(
            "Why does the curve of a range test average both neighbours, not"
            " the past alone?",
            {
                "it is smoother": "Both are smooth.",
                "an average of the past lags behind": "",
                "it needs fewer batches": "It needs as many.",
            },
            correct="an average of the past lags behind",
            because="its lowest point comes late, at too large a rate.",
        ),
        number(
            "Without momentum a rate of 0.2 trains well. Which rate do you try"
            " first with momentum 0.9?",
            answer=0.2 * (1 - 0.9),
            tolerance=0.001,
            because="with momentum, steps are up to ten times as long.",
        ),
        choice(
            "With a schedule, which first rate did best here?",
            list(RATES),
            correct=by_rate["schedule"].mean(axis=1).idxmin(),
            because="long steps first, short ones to settle.",
        ),
        choice(
            "The rate falls every 20 epochs. Which patience fits?",
            {
                "5": "It fires while the loss wobbles at the first rate.",
                "10": "It may fire before the first decay.",
                "25": "",
            },
            correct="25",
            because="it outlasts the wait for the next decay.",
        ),
    ]
)

# %% [markdown]
# ## Further reading
#
# * [Smith (2017)](https://arxiv.org/abs/1506.01186) on range tests.
# * [Bouthillier et al. (2021)](https://arxiv.org/abs/2103.03098) on how much results vary with the seed.
#
# Next: [When training fails](03c_when_training_fails.ipynb), or straight on to [Evaluation](04_evaluation.ipynb).

# %% tags=["remove-cell"]
# @title The results file
metrics = {
    "validation_accuracy_over_seeds": accuracies,
    "patience_5_epochs": rows["epochs run"],
    "patience_5_stopped_early": early,
    "patience_5_cost": sum(cost) / len(cost),
    "range_test_falling": falls,
    "range_test_on_trained_model": {"before": before, "after": after},
    "batch_size_loss": level.to_dict(),
}
path = results.write(
    "mnist/03b_tuning",
    parameters={**config.model_dump(), "num_seeds": num_seeds},
    metrics=metrics,
    data_hash=data.fingerprint,
)
