# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Training on MNIST
#
# A model with random weights reads your 5 as anything at all. How does it find weights that read nine digits in ten, and how do
# you know when to stop?
#
# *20 minutes to read, 45 with the exercises. **You need** [The model](02_model.ipynb), and [Gradients](../foundations/02_gradients.ipynb) for what
# `backward` does. Next come [Tuning](03b_tuning.ipynb), [When training fails](03c_when_training_fails.ipynb) and
# [Evaluation](04_evaluation.ipynb).*
#
# After this chapter you can
#
# * write the training loop from memory, and say what each line is for;
# * hold images out honestly, and recognise a leak by a loss that is too good;
# * read loss curves: progress, plateaus, overfitting.
#
# The cell below holds the settings. Leave them as they are the first time. Later, change one and run everything again: try
# `learning_rate = 3`.

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
initialisation: str = "xavier_uniform"  # weights, "xavier_uniform" or "default"
num_epochs: int = 30  # passes over the training images, 1 or more
batch_size: int = 64  # images per update, 1 to 54,000
learning_rate: float = 0.01  # step length of the first epoch, above 0
momentum: float = 0.9  # share of the last step kept in the next, 0 to below 1
weight_decay: float = 0.0  # strength of the L2 penalty, 0 or more
learning_rate_decay: float = 0.1  # factor at each decay, above 0 to 1
learning_rate_step: int = 10  # epochs between two decays, 1 or more
validation_split: float = 0.1  # share of images held out, between 0 and 1
early_stopping_patience: int = 30  # epochs without improvement, 1 or more
divergence_bound: float = 1e4  # batch loss that ends training, above 2.303
log_interval: int = 100  # batches between two updates of the bar, 1 or more

# %% tags=["hide-input"]
# @title Check the settings: a wrong one stops the notebook here, and says why
import torch

from tutorial_utils.plots.style import use_book_style
from tutorial_utils.training.config import TrainingConfig

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
torch.set_num_threads(1)  # a second one would mostly wait for the first
use_book_style()

# %% [markdown]
# ## Two disjoint sets of images
#
# Training fits the weights to the images that it sees. You want to know how well they read images that it did not see. So
# before anything else, a random tenth of the 60,000 training images is put aside: the **validation** images. The rest is trained on.

# %%
from tutorial_utils.data import datasets

data = datasets.load(dataset)
chosen = datasets.split_indices(len(data.train), validation_split, seed)
for_training, held_out = chosen
len(for_training), len(held_out)

# %% [markdown]
# So many to train on, so many to validate on, and no image is among both. MNIST's 10,000 test images take no part in this: no choice is ever made
# on them.
#
# Images come in **batches**. One pass over all training images is an **epoch**.

# %%
from tutorial_utils.training.batches import training_batches
from tutorial_utils.training.models import make_model

model = make_model(config)
here = model.linear.weight.device  # the processor, or a graphics card
train, validation = (b.to(here) for b in training_batches(data.train, config))
len(train)

# %% [markdown]
# That many batches make an epoch. The training batches are drawn in a new random order every time. Pixels arrive
# [standardised](01_eda.ipynb): the mean of the training images subtracted, divided by their standard deviation.
#
# ## The loss and the optimiser
#
# The model gives an image ten logits. Their [cross-entropy](../foundations/01_softmax_and_cross_entropy.ipynb) is minus the logarithm of the
# probability that the true digit was given. PyTorch's function takes logits and returns the mean over a batch. This is what the untrained
# model pays on the first one:

# %%
import torch.nn.functional as F

images, labels = next(iter(validation))
untrained_loss = F.cross_entropy(model(images), labels)
untrained_loss

# %% [markdown]
# Giving each digit one tenth would cost $\ln 10$, about 2.3 nats. Random weights cost more. They prefer some digits without any reason, and
# are often wrong with confidence.
#
# Which way should the weights move? The gradient $g$ of the loss points uphill, so go the other way, in small steps of a
# **learning rate** $\eta$. **Momentum** keeps a share $\mu$ of the last step ([Polyak, 1964](https://doi.org/10.1016/0041-5553%2864%2990137-5)):
#
# $$
# v \leftarrow \mu v + g, \qquad w \leftarrow w - \eta v.
# $$
#
# A gradient that points the same way again and again makes steps of up to $\eta / (1 - \mu)$ times itself, ten times as long with
# $\mu = 0.9$. One that changes its mind cancels out. In PyTorch both are one object, `torch.optim.SGD`, for stochastic gradient descent. The
# optimiser itself does nothing at random. Chance comes from the batches.


# %%
def make_optimiser(model):
    return torch.optim.SGD(
        model.parameters(),
        lr=learning_rate,
        momentum=momentum,
        weight_decay=weight_decay,
    )


# %% [markdown]
# ## The training loop
#
# Now the lines that everything else serves. Read them aloud.


# %%
def train_one_epoch(model, batches, optimiser, watch):
    for step, (images, labels) in enumerate(batches, start=1):
        loss = F.cross_entropy(model(images), labels)
        watch(step, loss.item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


# %% [markdown]
# * `for`: take one batch after the other.
# * `cross_entropy(model(images), labels)`: predict, and see how wrong that was.
# * `watch`: look at the loss before anything is changed. You write it below.
# * `zero_grad`: forget the gradient of the last batch; `backward` would add to it.
# * `backward`: find the gradient of the loss in every weight and bias.
# * `step`: move them all against it.
#
# Measuring uses the same images and no update. `no_grad` says that nobody will ask for gradients. Sums are divided by the number of
# images at the very end, so that [a smaller last batch](../foundations/01_softmax_and_cross_entropy.ipynb#The-mean-over-batches) does not count as much as a
# full one.


# %%
@torch.no_grad()
def measure(model, batches):
    total_loss, correct, seen = 0.0, 0, 0
    for images, labels in batches:
        logits = model(images)
        total_loss += F.cross_entropy(logits, labels, reduction="sum").item()
        correct += (logits.argmax(dim=1) == labels).sum().item()
        seen += len(labels)
    return total_loss / seen, correct / seen


# %% [markdown]
# ## The settings, and what each does
#
# Three things are missing before you can let it run: how long the steps are, when to stop, and what to do when all goes wrong. Each has its
# setting.

# %% tags=["hide-input"]
# @title Table: the settings of this run
import pandas as pd

pd.set_option("display.max_colwidth", None)
fields = TrainingConfig.model_fields.items()
effects = {name: field.description for name, field in fields}
pd.DataFrame({"here": dict(config), "what it does": effects})

# %% [markdown]
# **Steps that get shorter.** Long steps come near the minimum quickly, then hop about it from side to side. Short ones settle into it. So the rate
# is multiplied by `learning_rate_decay` after every `learning_rate_step` epochs. This is a **step schedule**.


# %%
def rate_in(epoch):
    decays = (epoch - 1) // learning_rate_step
    return learning_rate * learning_rate_decay**decays


print(*(f"{rate_in(epoch):g}" for epoch in (1, 10, 11, 20, 21, 30)))

# %% [markdown]
# **A guard.** If the steps are far too long, the loss grows until it is no number any more. The guard stops a run whose loss reaches
# `divergence_bound`, and tells you where. Such a model is not scored: its weights mean nothing. `watch_with` makes the `watch` of one epoch, a function that
# remembers which epoch it is, and which progress bar to move after every `log_interval` batches.


# %%
from tutorial_utils.exceptions import TrainingError
from tutorial_utils.progress import bar


def watch_with(progress, epoch):
    def watch(step, loss):
        if not loss < divergence_bound:  # true of "not a number" as well
            bound, rate = f"{divergence_bound=:g}", f"{rate_in(epoch):g}"
            where = f"epoch {epoch}, step {step} at learning rate {rate}"
            raise TrainingError(f"loss {loss:.3g} passed {bound} in {where}")
        if step % log_interval == 0:
            progress.update(log_interval)

    return watch


# %% [markdown]
# **The best weights.** The last weights need not be the best. Keep a copy whenever the validation loss is lower than ever before, and put the
# best ones back at the end. If none has come for `early_stopping_patience` epochs, stop: this is **early stopping**
# ([Prechelt, 1998](https://doi.org/10.1007/3-540-49430-8_3)). As shipped the patience is as long as the run, so it never fires.
# [Tuning](03b_tuning.ipynb#When-to-stop) shows why.


# %%
import copy
import math

from tutorial_utils.training.batches import Batches

in_order = Batches(train.images, train.labels, 500, transform=train.transform)


def fit(model, batches):
    optimiser, history = make_optimiser(model), []
    best_loss, best_epoch = math.inf, 0
    for epoch in range(1, num_epochs + 1):
        optimiser.param_groups[0]["lr"] = rate_in(epoch)
        with bar(total=len(batches), description="epoch", unit="batch") as b:
            train_one_epoch(model, batches, optimiser, watch_with(b, epoch))
        history.append(measure(model, validation) + measure(model, in_order))
        if history[-1][0] < best_loss:
            best_loss, best_epoch = history[-1][0], epoch
            best_weights = copy.deepcopy(model.state_dict())
        if epoch - best_epoch >= early_stopping_patience:
            break
    model.load_state_dict(best_weights)
    return history


# %% [markdown]
# Line by line: each epoch sets its rate, trains, and adds four numbers to `history`, which are loss and accuracy on the validation images and on the training images (`in_order` holds
# these in larger batches, to measure on). If the validation loss is a new best, the weights are copied. If the best is too old, the loop ends early. Then the best weights are
# put back. Every setting of the table is in these functions, and that is all there is to training.
#
# ## Let it run
#
# Now train your model.

# %%
history = fit(model, train)

# %% tags=["remove-input"]
# @title Predict
from tutorial_utils.lessons.questions import ask, choice, number, predict

best_loss, best_accuracy = measure(model, validation)
words = {0.75: "three in four", 0.85: "17 in 20", 0.92: "nine in ten", 1: "all"}
near = min(words, key=lambda share: abs(share - best_accuracy))
ask(
    [
        predict(
            "How many of the validation images does it read correctly now?",
            list(words.values()),
            correct=words[near],
            because=f"the share is {best_accuracy:.3f}.",
            sure=True,
        )
    ]
)

# %%
names = ["validation_loss", "validation_accuracy"]
names += ["train_loss", "train_accuracy"]
frame = pd.DataFrame(history, range(1, len(history) + 1), names)
best_epoch = int(frame.validation_loss.idxmin())
frame.iloc[[0, best_epoch - 1, -1]].round(4)

# %% [markdown]
# The first epoch, the best one by validation loss, and the last. The first alone brought most of it. The model that you hold is the one of
# the best epoch, not the last. Do not take anybody's word for it, measure again:

# %%
measure(model, validation)

# %% [markdown]
# ## Reading the curves
#
# Look at three things. Do the curves still fall at the end? Do they go flat and fall again where the rate changes, after epochs 10 and 20?
# And do training and validation drift apart?

# %% tags=["hide-input"]
# @title Figure: loss and accuracy after each epoch
from tutorial_utils.lessons.show import show
from tutorial_utils.plots.training import compare_curves, learning_curves

axes = learning_curves(frame)
show(
    axes,
    caption="Loss and accuracy after each epoch, on training and on validation"
    " images. The rate is a tenth as large from epoch 11, and again from 21.",
    alt="Left, two curves of loss wobble, drop at epoch 11 and run flat,"
    " validation on top. Right, accuracy rises, jumps and runs flat, too.",
    name="fig-mnist-curves",
)

# %% tags=["remove-input"]
# @title Guards of the sentences above and below
from tutorial_utils.lessons.expect import expect

even = math.log(data.description.num_classes)
expect("random weights cost more than even shares", untrained_loss, above=even)
what = "training did not diverge: its loss ends below that of even shares"
expect(what, best_loss, below=even, see="the curves, and try a smaller rate")
losses = frame.validation_loss
gained = (untrained_loss - losses[1]) / (untrained_loss - best_loss)
expect("the first epoch alone brought most of it", gained, above=0.8)
expect("nine digits in ten are right", best_accuracy, between=(0.9, 0.95))
late = frame.train_loss.iloc[-5:]
expect("at the end the curves are flat", late.max() - late.min(), below=0.005)
changed = [e for e in frame.index[1:] if rate_in(e) < rate_in(e - 1)][:1]
drop = sum(losses[e - 1] - losses[e] for e in changed)
expect("the loss drops at once when the rate does", drop, above=0.01)
gaps = losses - frame.train_loss
wider = gaps.iloc[-1] / gaps.iloc[0]
expect("the gap is several times as wide at the end", wider, above=3)

# %% [markdown]
# * **Convergence.** At the end the curves are flat. More epochs would bring next to nothing.
# * **A plateau.** In the first ten epochs the loss soon only wobbles. It looks finished, and is not: the loss drops at once when the rate
#   does. The weights had been circling round the minimum.
# * **Overfitting.** The gap between the curves of loss is several times as wide at the end as after the first epoch. What the model goes on
#   learning is more and more about these very images. If validation loss rose as well, it would be time to stop.
#
# Compare losses that are measured alike. Progress bars often show the *running* loss, taken before each update, with weights that are on average half an epoch
# old. Only a loss measured after the epoch belongs beside the validation loss.
#
# ## A mistake: validating on training images
#
# What if the validation images slip into the training batches? It happens easily: one loader made before the split is enough. Here it is done on
# purpose. The model, the settings and the images to validate on are the same. **Predict first:** will the loss be lower or higher?

# %%
from tutorial_utils.reproducibility import make_generator

leaky = make_model(config)
order = make_generator(seed, "order")
images, labels = data.train.images.to(here), data.train.labels.to(here)
everything = Batches(images, labels, batch_size, order, train.transform)
leaky_losses = [row[0] for row in fit(leaky, everything)]

# %% tags=["hide-input"]
# @title Figure: the validation loss, honest and leaky
curves = {"honest": (frame.index, losses)}
curves["leaky"] = range(1, len(leaky_losses) + 1), leaky_losses
ax = compare_curves(curves, xlabel="epoch", ylabel="validation loss (nats)")
show(
    ax,
    caption="Validation loss with an honest split, and with a leak: validation"
    " images are trained on as well.",
    alt="Two curves that wobble, drop at epoch 11 and run flat. The leaky one"
    " lies clearly lower all the way.",
    name="fig-mnist-leak",
)

# %% [markdown]
# The leaky loss is much lower, and the model is no better: its validation images have become training images. No error was raised. A
# result that is too good is a reason to look for a leak. (The tutorial that this part re-examines has this one. See
# [its claims, measured](../claims/01b_mnist_training.ipynb).)
#
# ## The same from the package
#
# The package's `Trainer` is this loop, with the same guard, schedule, patience and best weights, plus a file from which an interrupted run goes on. `load_or_fit` trains
# with it, and keeps the model for the chapters that follow. Is it the same model as yours, to the last bit?

# %%
from tutorial_utils.report import page_data, results
from tutorial_utils.training.trainer import load_or_fit

theirs, record = load_or_fit(config, data, results.output_folder())
torch.equal(model.linear.weight, theirs.linear.weight)

# %% tags=["remove-input"]
# @title Guards of the sentences above and below
all_updates = num_epochs * len(train)  # for exercise 1
leak = best_loss - min(leaky_losses)
expect("the leaky loss is much lower", leak, above=0.03)
same = torch.equal(model.linear.weight, theirs.linear.weight)
expect("your weights and those of Trainer are equal", same, equals=True)

# %% [markdown]
# Every one of the 7,840 weights is equal: your loop and `Trainer` did the same sums in the same order. From here on the chapters use `Trainer`, and you
# know what is in it.
#
# ## Your 5 again
#
# Why does it read my 5 as a 3? Training has not cured that. Count the validation images of a 5 that your model takes for a 3, and all images of
# a 5 among them.

# %%
images, labels = map(torch.cat, zip(*validation, strict=True))
with torch.no_grad():
    p = model(images).softmax(dim=1).cpu()
images, labels = images.cpu(), labels.cpu()
misread = ((labels == 5) & (p.argmax(dim=1) == 3)).nonzero()[:, 0]
len(misread), int((labels == 5).sum())

# %% tags=["hide-input"]
# @title Figure: fives that are read as threes
from tutorial_utils.plots.data import image_grid

surest = (p[:, 3] * (labels == 5)).argsort(descending=True)[:5]
titles = [f"3: {p[i, 3]:.2f}, 5: {p[i, 5]:.2f}" for i in surest]
show(
    image_grid(images[surest, 0], titles),
    caption="The five validation images of a 5 with the highest probability of"
    " a 3. Above each, its probabilities of 3 and 5.",
    alt="Five handwritten fives in a row. The model gives each of them a much"
    " higher probability of being a 3 than of being a 5.",
)

# %% [markdown]
# Say what misled it before you read on. Whatever it was, more epochs will not help, for the curves are flat. Are better settings
# the cure? That is the question of [Tuning](03b_tuning.ipynb).
#
# This very model reads what you draw on [the live page](../../book/demo.md), and [the playground](../../book/playground.md) trains on a few
# of these images.
#
# ## Exercises
#
# ### Exercise 1 ★ With a pencil
#
# How many updates does the whole run make, as shipped?

# %%
from tutorial_utils.lessons import checks

updates = ...
hint = "batches in an epoch, the smaller last one counted, times epochs"
checks.answer(updates, all_updates, tolerance=0.5, hint=hint)

# %% tags=["hide-cell"]
# @title Solution
# 54,000 / 64 is 843.75, so an epoch has 844 batches; 30 epochs have 25,320.
assert len(train) == math.ceil(len(for_training) / batch_size)

# %% [markdown]
# ### Exercise 2 ★★ Write the update yourself
#
# `your_step` gets the weights, their gradient and the velocity, and returns the new weights and velocity, stacked. As it stands it is plain
# gradient descent. Add momentum.


# %%
def your_step(weight, gradient, velocity, rate=0.01, mu=0.9):
    return torch.stack([weight - rate * gradient, velocity])


# %% tags=["remove-cell"]
# @title What the check of exercise 2 compares with
def right_step(w, g, v):
    return torch.stack([w - 0.01 * (0.9 * v + g), 0.9 * v + g])


w, g, v = torch.tensor([[1.0, 2.0], [3.0, -1.0], [0.5, 4.0]])
hints = {"the velocity changes, too": lambda found: torch.equal(found[1], v)}

# %%
checks.function(your_step, right_step, [(w, g, v)], hints=hints)


# %% tags=["hide-cell"]
# @title Solution
# Two steps of it are two steps of PyTorch's optimiser.
def my_step(weight, gradient, velocity, rate=0.01, mu=0.9):
    velocity = mu * velocity + gradient
    return torch.stack([weight - rate * velocity, velocity])


weight = w.clone().requires_grad_()
optimiser = torch.optim.SGD([weight], lr=0.01, momentum=0.9)
mine, velocity = w, torch.zeros(2)
for gradient in (g, v):
    weight.grad = gradient.clone()
    optimiser.step()
    mine, velocity = my_step(mine, gradient, velocity)
torch.testing.assert_close(mine, weight.detach())

# %% [markdown]
# ### Exercise 3 ★★★ Predict, then run: stop early
#
# Look at the curve of validation loss. With a patience of 5, in which epoch would the run have ended? Write your guess down. Then find it in
# `frame`, without training: which is the first epoch whose best loss so far is five epochs old?

# %% tags=["remove-cell"]
# @title What the check of exercise 3 compares with
ages = {e: e - losses[:e].idxmin() for e in losses.index}
ended = next((e for e, age in ages.items() if age >= 5), len(frame))

# %%
last_epoch = ...
checks.answer(last_epoch, ended, tolerance=0.5, hint="count from the best one")

# %% tags=["hide-cell"]
# @title Solution
# The epoch, and what stopping there would have cost in validation loss. The
# rate drops a little later, which is what that run would have missed.
ended, losses[:ended].min() - losses.min()

# %% [markdown]
# ## Five questions

# %% tags=["remove-input"]
# @title Five questions
ask(
    [
        choice(
            "You forget `optimiser.zero_grad()`. What happens?",
            {
                "nothing: `backward` starts from zero": "No, it adds.",
                "each step follows all gradients before it, too": "",
                "the loss is no number at once": "It may be, but later.",
            },
            correct="each step follows all gradients before it, too",
            because="`backward` adds each gradient to the one that is there.",
        ),
        number(
            "The rate starts at 0.01 and is multiplied by 0.1 after every 10"
            " epochs. What is it in epoch 25?",
            answer=0.01 * 0.1 ** ((25 - 1) // 10),
            tolerance=0.00001,
            because="two decays lie before it, after epochs 10 and 20.",
        ),
        choice(
            "Which images decide which weights are kept?",
            {
                "training": "They are what the weights were fitted to.",
                "validation": "",
                "test": "Then they could no longer judge the model.",
            },
            correct="validation",
            because="the copy with the lowest validation loss is put back.",
        ),
        choice(
            "Your validation loss is far below what anyone else has found."
            " What do you look for first?",
            {
                "a leak": "",
                "a rate that is too small": "Then both losses would be high.",
                "overfitting": "Then validation loss would be high, not low.",
            },
            correct="a leak",
            because=f"above, a leak took {leak:.3f} off the loss for nothing.",
            sure=True,
        ),
        choice(
            "Which two losses show whether the model overfits?",
            {
                "running and validation": "The running one met older weights.",
                "training and validation, both after the epoch": "",
                "training in two epochs": "It falls either way.",
            },
            correct="training and validation, both after the epoch",
            because="they belong to the same weights, and only images differ.",
        ),
    ]
)

# %% [markdown]
# ## Further reading
#
# * [Goodfellow, Bengio and Courville (2016)](https://www.deeplearningbook.org), chapter 8, on stochastic gradient descent and momentum.
# * [Prechelt (1998)](https://doi.org/10.1007/3-540-49430-8_3) on when to stop early.
#
# Next: [Tuning](03b_tuning.ipynb). Are these settings good ones, and how would you know?

# %% tags=["remove-cell"]
# @title The results file
metrics = {
    "best_validation_loss": best_loss,
    "best_validation_accuracy": frame.validation_accuracy.max(),
    "best_epoch": best_epoch,
    "kept_validation_accuracy": best_accuracy,
    "epochs_run": len(frame),
    "stop_reason": record.stop_reason,
    "validation_losses": losses.tolist(),
    "train_losses": frame.train_loss.tolist(),
    "leaky_validation_loss": min(leaky_losses),
    "first_decay_change": -drop,
}
path = results.write(
    "mnist/03_training",
    parameters=config.model_dump(),
    metrics=metrics,
    data_hash=data.fingerprint,
)

# %% tags=["remove-cell"]
# @title What the live page and the playground load
weights = dict(model.linear.named_parameters())
(mean,), (deviation,) = data.description.mean, data.description.std
weights |= {"mean": mean, "deviation": deviation}
path = page_data.write("mnist_model", weights)
few, held = map(data.train.subset, (for_training[:800], held_out[:400]))
sample = {"images": few.images, "validation_images": held.images}
marks = {"labels": few.labels, "validation_labels": held.labels}
sample |= {name: labels.byte() for name, labels in marks.items()}
path = page_data.write("mnist_sample", sample)
