# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # When training fails
#
# The loss does not move, or jumps, or is no number any more, and your 5 is read as anything but a 5. What is wrong, and how do you find out?
#
# *20 minutes to read, 40 with the exercises; each of the nine experiments stands alone. **You need** [Training](03_training.ipynb). Next comes
# [Evaluation](04_evaluation.ipynb).*
#
# After this chapter you can
#
# * tell the usual failures of training apart by what they look like;
# * name a cure for each, and say which cures only hide the cause;
# * say why some famous failures cannot happen to this model.
#
# | what you see | look at |
# |---|---|
# | the loss hardly moves, or flies off, or is no number | [1. the learning rate](#1.-A-bad-learning-rate), [2. the inputs](#2.-Inputs-that-are-not-standardised) |
# | a deep network's first layers do not learn | [4. vanishing gradients](#4.-Gradients-that-vanish-with-depth) |
# | the model answers with a few favourite classes | [5. the order of the images](#5.-Training-in-the-order-of-the-labels) |
# | an error about shapes | [6. the flatten](#6.-A-forgotten-flatten) |
# | training loss falls, validation loss rises | [7. overfitting](#7.-Overfitting) |
# | the loss jumps from batch to batch | [8. the step](#8.-A-loss-that-jumps) |
# | all is well, but slow | [9. the optimiser](#9.-Would-another-optimiser-help?) |

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
seed: int = 0  # fixes images, first weights and order, 0 or more
short_epochs: int = 5  # epochs of most experiments, 3 or more

# %% tags=["hide-input"]
# @title Check the settings: a wrong one stops the notebook here, and says why
import torch

from tutorial_utils.plots.style import use_book_style
from tutorial_utils.training.config import TrainingConfig

config = TrainingConfig(dataset=dataset, seed=seed)
torch.set_num_threads(1)  # a second one would mostly wait for the first
use_book_style()

# %% [markdown]
# To be quick, all experiments share 6,000 training images and 6,000 others to validate on. One short loop trains any model with any optimiser and
# returns the validation losses, the untrained model's first. Between `backward` and `step` a `hook` may look at the gradients, or change them.

# %%
import torch.nn.functional as F
from torch import nn

from tutorial_utils.data import datasets
from tutorial_utils.reproducibility import make_generator
from tutorial_utils.training.batches import Batches
from tutorial_utils.training.models import LogisticRegression
from tutorial_utils.training.trainer import measure

data = datasets.load(dataset)
_, pool = datasets.split(data.train, 0.2, seed)
small, others = (pool.subset(half) for half in torch.arange(len(pool)).chunk(2))
x, y = datasets.standardise(small), small.labels
held_out = [(datasets.standardise(others), others.labels)]


# %%
def new_model():
    chance = make_generator(seed, "initialisation")
    return LogisticRegression(784, 10, generator=chance)


def shuffled(images=x, labels=y):
    return Batches(images, labels, 64, make_generator(seed, "order"))


def sgd(model, rate=0.01, momentum=0.9, weight_decay=0.0):
    weights = model.parameters()
    return torch.optim.SGD(weights, rate, momentum, weight_decay=weight_decay)


# %%
def train(model, steps, batches, epochs=short_epochs, held=held_out, hook=None):
    losses = [measure(model, held)[0]]
    for _ in range(epochs):
        model.train()
        for images, labels in batches:
            loss = F.cross_entropy(model(images), labels)
            steps.zero_grad()
            loss.backward()
            if hook:
                hook(model, loss.item())
            steps.step()
        losses.append(measure(model, held)[0])
    return losses


# %% [markdown]
# ## 1. A bad learning rate
#
# Plain steps, five rates. **Predict first:** what does the curve of a rate look like that is a thousand times too small? And too large?

# %%
by_rate = {}
for rate in (1e-5, 1e-3, 1e-2, 1e-1, 10.0):
    trial = new_model()
    steps = sgd(trial, rate, momentum=0)
    by_rate[rate] = train(trial, steps, shuffled())

# %% tags=["hide-input"]
# @title Figure: five learning rates
import matplotlib.pyplot as plt
import pandas as pd

from tutorial_utils.lessons.show import show
from tutorial_utils.plots.training import compare_curves

names = {"xlabel": "epoch", "ylabel": "validation loss (nats)", "beside": True}
curves = {f"rate {k:g}": (range(len(v)), v) for k, v in by_rate.items()}
show(
    compare_curves(curves, yscale="log", **names),
    caption="Validation loss at five learning rates, on a logarithmic axis.",
    alt="At 0.00001 the curve is nearly level. At 0.001, 0.01 and 0.1 it falls,"
    " each deeper than the one before. At 10 it leaps up and stays far above.",
    name="fig-mnist-rates",
)

# %% [markdown]
# Too small looks like slow progress: the curve falls, but it would take days. Too large looks like noise, far above what even guessing costs, 2.3. Every step overshoots. If you have no idea of the rate, [a range test](03b_tuning.ipynb#How-long-a-step?-The-range-test) finds its order of magnitude.
#
# ## 2. Inputs that are not standardised
#
# Raw pixels run from 0 to 255. The gradient of a weight is proportional to its input, so the gradients grow, and the same rate is far too large. Two cures are tried:
# standardise the inputs, or **clip** the gradient, which shortens it to a norm of 1 when it is longer
# ([Pascanu et al., 2013](https://arxiv.org/abs/1211.5063)).


# %%
def clip(model, loss):
    nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)


raw, raw_held = small.images.float(), [(others.images.float(), others.labels)]
tries = {
    "raw pixels": (raw, raw_held, None),
    "raw pixels, clipped": (raw, raw_held, clip),
    "standardised": (x, held_out, None),
}
inputs, course = {}, {}
for name, (images, held, hook) in tries.items():
    trial, more = new_model(), {"held": held, "hook": hook}
    course[name] = train(trial, sgd(trial), shuffled(images), **more)
    inputs[name] = measure(trial, held)
pd.DataFrame(inputs, ["validation loss", "accuracy"]).T.round(3)

# %% [markdown]
# On raw pixels the loss is in the hundreds or thousands, while the accuracy looks almost respectable: the model is wrong rarely, and then terribly sure. Look at both.
# Clipping contains the explosion and leaves its cause. Standardising removes the cause.
#
# ## 3. Why gradients do not explode here
#
# Clipping was made for deep and recurrent networks. For this model there is a bound. The weight gradient of one image is $(p - y)\,x^\top$, and the vector $p - y$ is
# never longer than $\sqrt 2$. So the gradient is never longer than $\sqrt 2\,\lVert x \rVert$. It explodes only if the inputs do. Check it with a model that is as wrong as can be:
# its weights are 200 times too large, and all labels are false.

# %% tags=["hide-input"]
# @title The largest of 500 gradients, as a share of its bound
sure = new_model()
with torch.no_grad():
    sure.linear.weight.mul_(200)
false = (y[:500] + 1) % 10
error = sure(x[:500]).softmax(dim=1) - F.one_hot(false, 10)
lengths = x[:500].flatten(1).norm(dim=1)
share_of_bound = (error.norm(dim=1) * lengths / (2**0.5 * lengths)).max().item()
share_of_bound

# %% [markdown]
# The largest of 500 gradients reaches the bound, to rounding, and none exceeds it.
#
# ## 4. Gradients that vanish with depth
#
# With one layer there is no depth for a gradient to get lost in. So here is another model: ten sigmoid layers, and one on top that gives the logits, eleven layers of
# weights in all. Each sigmoid passes on at most a quarter of a gradient. The cure is a rectified linear unit, **ReLU**, which passes on all of it where its input is
# positive, with weights that start as [He et al. (2015)](https://arxiv.org/abs/1502.01852) propose.


# %% tags=["hide-input"]
# @title Two deep networks, untrained, and their gradients
def deep_network(activation, initialise=None):
    torch.manual_seed(seed)
    layers = [nn.Flatten()]
    for inputs in [784] + [64] * 9:
        layers += [nn.Linear(inputs, 64), activation()]
    network = nn.Sequential(*layers, nn.Linear(64, 10))
    for layer in network[1::2] if initialise else []:
        initialise(layer.weight, nonlinearity="relu")
    return network


def gradient_by_layer(network):
    F.cross_entropy(network(x[:512]), y[:512]).backward()
    return [layer.weight.grad.norm().item() for layer in network[1::2]]


by_layer = {
    "sigmoid": gradient_by_layer(deep_network(nn.Sigmoid)),
    "ReLU": gradient_by_layer(deep_network(nn.ReLU, nn.init.kaiming_normal_)),
}

# %% tags=["hide-input"]
# @title Figure: the gradient of every layer
curves = {k: (range(1, len(v) + 1), v) for k, v in by_layer.items()}
labels = {"xlabel": "layer, from image to logits", "ylabel": "gradient norm"}
ax = compare_curves(curves, yscale="log", marked=True, **labels)
show(
    ax,
    caption="Norm of the weight gradient in each layer of an untrained deep"
    " network, on a logarithmic axis.",
    alt="The line of the sigmoid network climbs through seven powers of ten"
    " from the first layer to the last; that of the ReLU network is level.",
    name="fig-mnist-vanishing",
)

# %% [markdown]
# In the sigmoid network the first layer's gradient is millions of times smaller than the last's. No single rate fits both. In the other, all layers learn at
# about the same pace.
#
# ## 5. Training in the order of the labels
#
# Files often come sorted. Without shuffling, the model sees nothing but zeros, then nothing but ones, and at the end of the epoch nothing but nines. Two epochs, and then the
# share of each answer on the validation images:

# %%
by_label = y.argsort()
ordered = Batches(x[by_label], y[by_label], 64)
shuffling, answers = {}, {}
for name, batches in {"ordered": ordered, "shuffled": shuffled()}.items():
    trial = new_model()
    course[name] = train(trial, sgd(trial), batches, epochs=2)
    shuffling[name] = measure(trial, held_out)[1]
    answered = trial(held_out[0][0]).argmax(dim=1)
    answers[name] = (answered.bincount(minlength=10) / len(answered)).tolist()
pd.DataFrame(answers).T.round(2).assign(accuracy=shuffling)

# %% [markdown]
# Each digit should get about a tenth of the answers. The model that saw them in order favours the digits that came last, and has all but forgotten others. Shuffle every
# epoch.
#
# ## 6. A forgotten flatten
#
# A linear layer works on the last axis of its input. Given 28 x 28 images it sees 28 numbers, not 784.

# %%
batch = x[:64]
for features in (784, 28):
    try:
        F.cross_entropy(nn.Linear(features, 10)(batch), y[:64])
    except RuntimeError as mistake:
        print(features, "features:", mistake)

# %% [markdown]
# The first message names the shapes that do not fit: 64 x 28 rows of 28 numbers. Whoever "mends" it with 28 features gets further, and is stopped by the loss, whose message sounds like
# another problem altogether. `batch.flatten(1)` is the cure. Print shapes before you change numbers.
#
# ## 7. Overfitting
#
# Two hundred images and 7,850 weights: the model can learn its images by heart. Four cures: a penalty on the weights (**weight decay**), leaving out a random half of the pixels in each
# step (**dropout**, [Srivastava et al., 2014](https://jmlr.org/papers/v15/srivastava14a.html)), stopping at the best epoch, and more data.


# %%
def overfit(batches, weight_decay=0.0, dropout=0.0, epochs=30 * short_epochs):
    torch.manual_seed(seed)
    trial = nn.Sequential(nn.Dropout(dropout), new_model())
    steps = sgd(trial, weight_decay=weight_decay)
    losses = train(trial, steps, batches, epochs)
    row = {"accuracy on 200": measure(trial, [few])[1]}
    row |= {"on others": measure(trial, held_out)[1], "last loss": losses[-1]}
    row |= {"lowest": min(losses), "in epoch": losses.index(min(losses))}
    return losses, row


few = x[:200], y[:200]
cures = {
    "no cure": overfit(shuffled(*few)),
    "weight decay 0.1": overfit(shuffled(*few), weight_decay=0.1),
    "dropout 0.5": overfit(shuffled(*few), dropout=0.5),
    "30 times the data": overfit(shuffled(), epochs=3 * short_epochs),
}

# %% tags=["hide-input"]
# @title Figure: validation loss with 200 images
curves = {name: (range(len(run[0])), run[0]) for name, run in cures.items()}
del curves["30 times the data"]
show(
    compare_curves(curves, ylim=(0.4, 1.2), **names),
    caption="Validation loss of a model trained on 200 images: without a cure,"
    " with weight decay, and with dropout.",
    alt="All curves fall at first. Without a cure the loss then creeps up; with"
    " weight decay it stays low; with dropout it climbs highest.",
    name="fig-mnist-overfitting",
)

# %%
rows = {name: row for name, (_, row) in cures.items()}
pd.DataFrame.from_dict(rows, "index").round(3)

# %% [markdown]
# The 200 images are learnt by heart, and nearly one unseen image in five is misread. From its lowest point on, validation loss creeps up: that is the sign. More data helps most, by far. Weight decay helps, and
# stopping at the lowest point a little. Dropout makes the loss worse here. It was made for networks with many units to spare, and this model has none: without half of
# its pixels it is another, noisier model.
#
# ## 8. A loss that jumps
#
# Is the step too long, or is the gradient too large? Log the norm of the gradient beside the loss, at a moderate rate and at a long one.


# %%
def logged(rate):
    trial, rows = new_model(), []

    def log(model, loss):
        grads = [weight.grad for weight in model.parameters()]
        rows.append((loss, nn.utils.get_total_norm(grads).item()))

    train(trial, sgd(trial, rate, momentum=0), shuffled(), 1, hook=log)
    return pd.DataFrame(rows, columns=["loss", "norm"])


logs = {0.01: logged(0.01), 0.5: logged(0.5)}

# %% tags=["hide-input"]
# @title Figure: loss and gradient of every batch
figure, axes = plt.subplots(ncols=2, figsize=(7.6, 3.1))
for ax, column in zip(axes, ("loss", "norm"), strict=True):
    runs = {f"rate {k}": (log.index, log[column]) for k, log in logs.items()}
    compare_curves(runs, xlabel="update", ylabel=column, ax=ax)
show(
    figure,
    caption="Loss (left) and norm of the gradient (right) of every batch in one"
    " epoch, at a moderate rate and at a long one.",
    alt="Left, the loss at rate 0.01 falls with small jitter while that at 0.5"
    " leaps up and down. Right, both gradients are of similar size.",
    name="fig-mnist-unstable",
)

# %% [markdown]
# The loss at the long step leaps from batch to batch. The gradients are of similar size. So it is the step, rate times gradient, that differs, and a smaller rate calms the loss. Had
# the gradient grown as well, you would look at the inputs first.
#
# ## 9. Would another optimiser help?
#
# [Adam](https://arxiv.org/abs/1412.6980) and RMSProp give each weight a step length of its own. Each runs at a rate that is usual for it, beside SGD with
# momentum from section 2.

# %%
by_optimiser = {"SGD": course["standardised"][-1]}
for make in (torch.optim.Adam, torch.optim.RMSprop):
    trial = new_model()
    steps = make(trial.parameters(), lr=0.001)
    by_optimiser[make.__name__] = train(trial, steps, shuffled())[-1]
by_optimiser

# %% [markdown]
# Validation losses that close, from one seed and 6,000 images, are a tie ([Tuning](03b_tuning.ipynb#Ten-models-in-one-pass) shows how far a seed alone moves one). On a model with one layer
# and standardised inputs there is little left for a cleverer optimiser to do. It may still save you a search: the usual rate worked at once.

# %% tags=["remove-input"]
# @title Guards of the sentences above
from tutorial_utils.lessons.expect import expect

ends = {rate: losses[-1] for rate, losses in by_rate.items()}
expect("at 0.00001 little is learnt", ends[1e-5], above=2)
expect("at 10 the loss is far above guessing", ends[10.0], above=5)
order = sorted([1e-3, 1e-2, 1e-1], key=ends.get)
expect("a larger rate falls deeper", order, equals=[1e-1, 1e-2, 1e-3])
(raw_loss, respectable), (clipped, _), (standard, _) = inputs.values()
expect("raw pixels end in hundreds or more", raw_loss, above=100)
expect("and yet look respectable", respectable, above=0.6)
expect("clipping contains the explosion", clipped, below=100)
expect("standardising removes it", standard, below=1)
expect("the bound is reached and kept", share_of_bound, between=(0.99, 1.002))
fade = {name: norms[-1] / norms[0] for name, norms in by_layer.items()}
expect("sigmoids lose a factor of millions", fade["sigmoid"], above=1e6)
expect("ReLU layers are about equal", fade["ReLU"], between=(0.1, 10))
expect("the ordered model forgets digits", min(answers["ordered"]), below=0.03)
expect("it favours the last digits", sum(answers["ordered"][6:]), above=0.7)
bad, row = cures["no cure"]
expect("200 images are learnt by heart", row["accuracy on 200"], above=0.99)
helped = {name: bad[-1] - run[0][-1] for name, run in cures.items()}
helped["early stopping"] = helped.pop("no cure") + bad[-1] - min(bad)
ranking = " > ".join(sorted(helped, key=helped.get, reverse=True))
found = "30 times the data > weight decay 0.1 > early stopping > dropout 0.5"
expect("data help most, then decay, then stopping", ranking, equals=found)
expect("dropout makes the loss worse", helped["dropout 0.5"], below=-0.05)
jumps = [log.loss.diff().abs()[30:].mean() for log in logs.values()]
expect("at the long step the loss leaps", jumps[1] / jumps[0], above=2)
norms = [log.norm[30:].mean() for log in logs.values()]
expect("gradients are of similar size", norms[1] / norms[0], between=(0.4, 2.5))
span = max(by_optimiser.values()) - min(by_optimiser.values())
expect("three optimisers are a tie", span, below=0.05)

# %% tags=["remove-cell"]
# @title What the checks compare with
zero = new_model()
nn.init.zeros_(zero.linear.weight)
train(zero, sgd(zero), shuffled())
from_zero = measure(zero, held_out)[1]
longest, sections = 30 * 2**0.5, {"A": 5, "B": 1, "C": 2}
runs = course["ordered"], by_rate[1e-5], course["raw pixels"]

# %% [markdown]
# ## Exercises
#
# ### Exercise 1 ★ With a pencil
#
# A standardised image has length $\lVert x \rVert = 30$. How long can the weight gradient of its loss be at most? One decimal is enough.

# %%
from tutorial_utils.lessons import checks

at_most = ...
checks.answer(at_most, longest, tolerance=0.1, hint="how long can p - y be?")

# %% tags=["hide-cell"]
# @title Solution
# The worst error is 1 at a wrong class and -1 at the true one: length sqrt(2).
30 * 2**0.5

# %% [markdown]
# ### Exercise 2 ★★ Predict, then run: start from zero
#
# Deep networks must not start with all weights at zero: their units would stay copies of each other. Does this model mind? Guess its validation accuracy after the
# usual epochs, then find out.

# %%
your_guess = ...
hint = "each class has its own error p - y, so no two rows stay alike"
checks.answer(your_guess, from_zero, tolerance=0.03, hint=hint)

# %% tags=["hide-cell"]
# @title Solution
# It learns as well as from random weights: with one layer there is no symmetry
# to break, and only one minimum to reach.
from_zero, inputs["standardised"][1]

# %% [markdown]
# ### Exercise 3 ★★★ Three patients
#
# Three runs from this page came in without their names. Here are their validation losses: of the untrained model, and after one epoch and two. Which section is
# each from? Give its number. One more hint: A answers with one digit far too often.

# %%
print(pd.DataFrame([losses[:3] for losses in runs], list("ABC")).round(2))

diagnosis = {"A": ..., "B": ..., "C": ...}
for name, section in sections.items():
    checks.answer(diagnosis[name], section, tolerance=0.1, hint="how large?")

# %% tags=["hide-cell"]
# @title Solution
# B falls evenly and far too slowly: the rate. C is wrong by hundreds before
# any step: raw inputs. A goes up, as with a rate that is too large. But then no
# digit would be favoured: it is the order.
diagnosis = {"A": 5, "B": 1, "C": 2}

# %% [markdown]
# ## Five questions

# %% tags=["remove-input"]
# @title Five questions
from tutorial_utils.lessons.questions import ask, choice, number

ask(
    [
        choice(
            "The loss is 2,000, the accuracy 85 %. What do you check first?",
            {
                "whether inputs are standardised": "",
                "whether the model overfits": "That moves a loss by tenths.",
                "whether images are shuffled": "That ruins the accuracy, too.",
            },
            correct="whether inputs are standardised",
            because=f"raw pixels did that above: a loss of {raw_loss:,.0f}.",
            sure=True,
        ),
        choice(
            "Which failure cannot happen to a model with one layer?",
            {
                "gradients that vanish with depth": "",
                "overfitting": "It learnt 200 images by heart.",
                "a rate that is too large": "The first figure shows one.",
            },
            correct="gradients that vanish with depth",
            because="there is no depth that they would have to pass.",
        ),
        number(
            "The largest derivative of a sigmoid is 1/4. To which share can ten"
            " of them shrink a gradient at best? (Write it as 1e-5.)",
            answer=0.25**10,
            tolerance=2e-7,
            because="a quarter to the power of ten.",
        ),
        choice(
            "On 200 images, what helped most against overfitting?",
            ["more data", "weight decay", "early stopping", "dropout"],
            correct="more data" if ranking[0] == "3" else "weight decay",
            because=f"it took {max(helped.values()):.2f} off the last loss.",
        ),
        choice(
            "The loss jumps, the gradient norm is steady. What do you change?",
            {
                "the learning rate": "",
                "the inputs": "They would show in the gradient.",
                "the number of epochs": "It would go on jumping.",
            },
            correct="the learning rate",
            because="the step is rate times gradient; only one is too large.",
        ),
    ]
)

# %% [markdown]
# ## Further reading
#
# * [Goodfellow, Bengio and Courville (2016)](https://www.deeplearningbook.org), chapters 7 and 8.
# * [Glorot and Bengio (2010)](https://proceedings.mlr.press/v9/glorot10a.html) on why deep networks were hard to train.
#
# Your 5 is still read as a 3, and now you know nine reasons that it is *not*. [Evaluation](04_evaluation.ipynb) counts how often it happens.

# %% tags=["remove-cell"]
# @title The results file
from tutorial_utils.report import results

path = results.write(
    "mnist/03c_when_training_fails",
    parameters={**config.model_dump(), "short_epochs": short_epochs},
    metrics={
        "learning_rate_loss": ends,
        "inputs": {name: loss for name, (loss, _) in inputs.items()},
        "shuffling": shuffling,
        "overfitting_cures": helped,
    },
    data_hash=data.fingerprint,
)
