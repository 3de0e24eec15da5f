# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The model, before training
#
# The model is the same as for the digits; its input is four times as long. This chapter asks what it does before it has learnt anything: which shapes fit, which classes an untrained model
# favours and why, and what its loss and accuracy must be.
#
# **After this chapter you can**
#
# * read a shape error and mend it;
# * name the shapes of weights and bias, and the values they start from;
# * explain why an untrained model favours one class, and which one;
# * check a model before training by its loss and accuracy.
#
# **You need** [](01_eda), and [the model chapter of MNIST](../mnist/02_model).

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
batch_size: int = 100  # images per batch, 1 or more
validation_split: float = 0.2  # share of training images held out, between 0 and 1
initialisation: str = "default"  # initial weights, "xavier_uniform" or "default"
num_seeds: int = 200  # untrained models to look at, 2 or more

# %%
from tutorial_utils.training.config import HEADLINE

config = HEADLINE["cifar10"].but(
    dataset=dataset,
    seed=seed,
    batch_size=batch_size,
    validation_split=validation_split,
    initialisation=initialisation,
)

# %%
from tutorial_utils.data import datasets
from tutorial_utils.plots.style import use_book_style
from tutorial_utils.training.batches import training_batches

use_book_style()
description = config.description
names = description.class_names
data = datasets.load(config.dataset)
train, validation = training_batches(data.train, config)
images, labels = next(iter(train))

# %% [markdown]
# (cifar10-model-changes)=
# :::{admonition} What changed from MNIST
# :class: note
# The settings, computed from the headline configurations of the two data sets.
# :::

# %% tags=["hide-input"]
from tutorial_utils.report.narrate import enumerate_words, p_value, percent, say, table

table(HEADLINE["mnist"].differences(config, ("MNIST", "here")))

# %% [markdown]
# (cifar10-shapes)=
# ## Shapes that fit and shapes that do not
#
# A linear layer from 3,072 inputs to 10 outputs wants rows of 3,072 numbers. A batch of images has four axes. Try:

# %%
from torch import nn

layer = nn.Linear(description.num_features, description.num_classes)
try:
    layer(images)
except RuntimeError as error:
    message = str(error)
say(f"A batch of shape {tuple(images.shape)} into `{layer}`: *{message}*")

# %% [markdown]
# Read it from the numbers. The layer took the last axis, 32 pixels wide, as the inputs of each example, and counted all other axes together as examples. Two matrices whose inner sizes differ cannot be multiplied.
# The cure is to flatten each image in `forward`. The size -1 means "whatever is left", so it works for a last batch that is smaller, too.


# %%
class Classifier(nn.Module):
    def __init__(self, num_features, num_classes):
        super().__init__()
        self.linear = nn.Linear(num_features, num_classes)

    def forward(self, images):
        return self.linear(images.reshape(len(images), -1))


model = Classifier(description.num_features, description.num_classes)
assert model(images).shape == (len(images), description.num_classes)
assert model(images[:7]).shape == (7, description.num_classes)

# %% [markdown]
# Calling `model(images)` is more than calling `forward`: `nn.Module` runs hooks around it, so the module is called and `forward` is only defined.
#
# What does the layer hold? The weights have shape (10, 3072), one row per class; the source writes it the other way round. `requires_grad` says that autograd will follow each of them. PyTorch draws both uniformly within
# $1/\sqrt{3072}$, and this book keeps that for this data set, as the source does.

# %%
import math

bound = 1 / math.sqrt(description.num_features)
table(
    [
        {"tensor": name, "shape": str(tuple(weight.shape)), "requires_grad": weight.requires_grad,
         "smallest": weight.min().item(), "largest": weight.max().item()}
        for name, weight in model.named_parameters()
    ],
    {"smallest": "+.4f", "largest": "+.4f"},
)  # fmt: skip

# %%
import torch

assert all(weight.abs().max() <= bound for weight in model.parameters())
torch.testing.assert_close(
    model(images),
    images.flatten(1) @ model.linear.weight.T + model.linear.bias,
    rtol=1e-4,
    atol=1e-5,
)
say(
    f"All lie within 1/sqrt({description.num_features:,}) = {bound:.4f}. The logits are"
    " images @ W.T + b."
)

# %% [markdown]
# (cifar10-untrained)=
# ## What an untrained model says
#
# Two images, their logits, and what softmax makes of them:

# %%
from tutorial_utils.training.models import LogisticRegression, make_model

untrained = make_model(config).cpu()
two = images[:2]
logits = untrained(two).detach()
probabilities = logits.softmax(dim=1)
table(
    [
        {"class": name, "logit 1": logits[0, k].item(), "probability 1": probabilities[0, k].item(),
         "logit 2": logits[1, k].item(), "probability 2": probabilities[1, k].item()}
        for k, name in enumerate(names)
    ],
    {"logit 1": "+.3f", "probability 1": ".4f", "logit 2": "+.3f", "probability 2": ".4f"},
)  # fmt: skip

# %% tags=["hide-input"]
from tutorial_utils.evaluation.predictions import predict

everything = torch.cat(
    [predict(untrained, part).probabilities for part, _ in validation]
)
in_float32 = untrained(validation.transform(validation.images)).detach().softmax(dim=1)
worst_sum = (in_float32.sum(dim=1, dtype=torch.float64) - 1).abs().max().item()
said = [names[k] for k in probabilities.argmax(dim=1)]
say(
    f"It says {enumerate_words(said)}; the images show"
    f" {enumerate_words(names[k] for k in labels[:2])}. The probabilities of a row sum"
    f" to one, up to rounding: over {len(in_float32):,} images the worst sum misses one"
    f" by {worst_sum:.0e}.",
    "The source prints a row that sums to 0.99992282 and blames rounding. That is"
    f" {(1 - 0.99992282) / worst_sum:,.0f} times the worst error here; rounding in"
    " float32 cannot explain it.",
)

# %% [markdown]
# (cifar10-favourite)=
# ### Why does it favour one class?
#
# The source looks at one untrained model and one batch, sees that it answers "truck" again and again, and asks the reader to ponder. Look at the favourite of this model on the whole validation set:

# %% tags=["hide-input"]
answers = everything.argmax(dim=1).bincount(minlength=len(names))
favourite = answers.argmax().item()
say(
    f"It answers {names[favourite]} for"
    f" {percent(answers[favourite].item() / len(everything), 0)} of the images, and"
    f" never says {int((answers == 0).sum())} of the ten classes at all."
)

# %% [markdown]
# The reason is in the inputs. Pixels in [0, 1] are all positive and, on the whole, alike: every photograph is mostly some middle grey. So an image is a large common part plus a smaller part of its own. The common part gives each class the same
# score for *every* image, decided by the sum of its random weights. The class with the luckiest sum wins nearly everywhere.
#
# Which class wins must be chance, whatever the reason: all classes draw their weights alike. The explanation predicts more. Centring the inputs, which removes the common part, should weaken the favourite; dropping the small bias should change little.
# Three settings, many seeds each:

# %%
pixels = validation.images.flatten(1).float() / 255
mean_pixel = (
    datasets.standardise(data.train.subset(torch.arange(len(data.train) // 5)))
    .flatten(1)
    .mean(dim=0)
)
labels_held = validation.labels


# %%
import numpy as np

from tutorial_utils.reproducibility import make_generator


def most_common(logits):
    """The class that most images go to, and its share of them; logits of shape (classes, n)."""
    answers = logits.argmax(dim=0).bincount(minlength=len(logits))
    return answers.argmax().item(), answers.max().item() / logits.shape[1]


# %% [markdown]
# One product of weights and pixels serves three settings: the bias is added to it, and centring the inputs takes the same number from the logits of every image.

# %%
found = {"as in the source": [], "zero bias": [], "zero bias, centred": []}
with torch.no_grad():
    for each in range(num_seeds):
        layer = LogisticRegression(
            description.num_features, description.num_classes,
            initialisation="default", generator=make_generator(each, "initialisation"),
        ).linear  # fmt: skip
        logits = layer.weight @ pixels.T
        of_mean = layer.weight @ mean_pixel.flatten()
        found["as in the source"].append(most_common(logits + layer.bias[:, None]))
        found["zero bias"].append(most_common(logits))
        found["zero bias, centred"].append(most_common(logits - of_mean[:, None]))

settings = {}
for name, pairs in found.items():
    winners, shares = zip(*pairs, strict=True)
    settings[name] = (np.bincount(winners, minlength=10), np.array(shares))

# %% mystnb={"figure": {"caption": "How often each class is the favourite of an untrained model (left), and the share of images that the favourite gets (right), over many seeds.", "name": "fig-cifar10-favourites"}, "image": {"alt": "Left: bars of similar height, one per class, for the number of seeds in which it is the favourite. Right: three groups of points for the share of images given to the favourite, high for inputs in 0 to 1, with and without bias, and lower for centred inputs."}}
from tutorial_utils.plots.data import favourites as draw_favourites

axes = draw_favourites(
    settings["as in the source"][0],
    {name: shares for name, (_, shares) in settings.items()},
    names,
)

# %%
from scipy.stats import chisquare

counts, shares = settings["as in the source"]
p_equal = chisquare(counts).pvalue
medians = {name: np.median(values) for name, (_, values) in settings.items()}
say(
    f"Over {num_seeds} seeds the favourite is truck {counts[names.index('truck')]}"
    " times, "
    + (
        "and no class stands out"
        if p_equal >= 0.05
        else "and the counts differ more than expected"
    )
    + f" (chi-squared test of equal chances: p-value {p_value(p_equal)}). In the median the"
    f" favourite gets {percent(medians['as in the source'], 0)} of the images,"
    f" {percent(medians['zero bias'], 0)} with zero bias, and"
    f" {percent(medians['zero bias, centred'], 0)} once the inputs are centred."
)

# %% [markdown]
# (cifar10-before-training)=
# ## Accuracy and loss before training
#
# Accuracy compares the largest score with the label. Softmax keeps the order of the scores, so it makes no difference whether logits or probabilities are passed:


# %%
def accuracy(scores, labels):
    return (scores.argmax(dim=1) == labels).double().mean().item()


all_logits = untrained(validation.transform(validation.images)).detach()
assert accuracy(all_logits, labels_held) == accuracy(
    all_logits.softmax(dim=1), labels_held
)

# %% tags=["hide-input"]
from tutorial_utils.training.trainer import measure

untrained_train_loss, _ = measure(untrained, train)
untrained_validation_loss, untrained_accuracy = measure(untrained, validation)
gap = untrained_validation_loss - untrained_train_loss
with torch.no_grad():
    losses = [
        torch.cat(
            [
                nn.functional.cross_entropy(untrained(x), y, reduction="none")
                for x, y in part
            ]
        )
        for part in (train, validation)
    ]
error = math.sqrt(sum(part.var().item() / len(part) for part in losses))

# %% tags=["hide-input"]
say(
    f"Before training: accuracy {percent(untrained_accuracy, 1)} (guessing:"
    f" {percent(1 / len(names), 0)}), loss {untrained_train_loss:.4f} on training and"
    f" {untrained_validation_loss:.4f} on validation images (spreading probability"
    f" evenly: ln 10 = {math.log(10):.4f}). The two losses differ by {gap:+.4f}, with a"
    f" standard error of {error:.4f}"
    + (
        ": within what sampling does."
        if abs(gap) < 3 * error
        else ": more than sampling explains."
    )
)

# %% [markdown]
# These are checks worth making. A loss far above ln 10 says that logits are too large at the start. Some difference between training and validation loss *before* training comes from sampling. A difference of many standard errors cannot come from learning: it would mean that the two parts were
# prepared differently, or that one is not a random sample.
#
# (cifar10-model-results)=
# ## What this chapter measured

# %% tags=["hide-input"]
from tutorial_utils.report import results

path = results.write(
    "cifar10/02_model",
    parameters={**config.model_dump(), "num_seeds": num_seeds},
    metrics={
        "untrained_accuracy": untrained_accuracy,
        "untrained_train_loss": untrained_train_loss,
        "untrained_validation_loss": untrained_validation_loss,
        "worst_row_sum_error": worst_sum,
        "favourite_counts": {
            name: counts.tolist() for name, (counts, _) in settings.items()
        },
        "favourite_median_share": medians,
        "p_equal_chances": p_equal,
    },
    data_hash=data.fingerprint,
)

# %% [markdown]
# ## What you have learnt
#
# You can now
#
# * read a shape error and mend it;
# * name the shapes and initial values of weights and bias;
# * explain the favourite of an untrained model;
# * check a model before training.
#
# ## Exercises
#
# ### Exercise 1: how many parameters?
#
# How many parameters has this model, and how many times as many as the one for MNIST? Work it out before you count.

# %% tags=["hide-cell"]
# Solution: 3,072 x 10 + 10.
count = sum(weight.numel() for weight in untrained.parameters())
assert (
    count
    == description.num_features * description.num_classes + description.num_classes
)
mnist_count = sum(
    weight.numel() for weight in make_model(HEADLINE["mnist"]).parameters()
)
say(
    f"{count:,}, which is {count / mnist_count:.1f} times the {mnist_count:,} of the"
    " model for MNIST."
)

# %% [markdown]
# ### Exercise 2: a model with no favourite
#
# Set all weights and biases to zero. What are the probabilities, the loss, and the accuracy? Why is the accuracy exactly what it is?

# %% tags=["hide-cell"]
# Solution: all logits equal; argmax takes the first class of equals.
blank = make_model(config).cpu()
with torch.no_grad():
    for weight in blank.parameters():
        weight.zero_()
loss, hits = measure(blank, validation)
torch.testing.assert_close(loss, math.log(10), rtol=1e-5, atol=0)
share_of_first = (labels_held == 0).double().mean().item()
assert hits == share_of_first
say(
    f"Loss ln 10, accuracy {percent(hits)}: all classes tie, the first wins, and that"
    f" is the share of {names[0]}s."
)

# %% [markdown]
# ### Exercise 3: brighter images
#
# Add 1 to every pixel of every image. Does the favourite win more images afterwards? Softmax ignores a constant added to all logits: why does it not ignore this one?


# %% tags=["hide-cell"]
# Solution: the common part of all images has grown.
def share_of_favourite(inputs):
    scores = untrained(inputs).detach()
    return scores.argmax(dim=1).bincount().max().item() / len(inputs)


before, after = share_of_favourite(pixels), share_of_favourite(pixels + 1)
say(
    f"The favourite's share goes from {percent(before, 0)} to {percent(after, 0)}. A"
    " constant added to every *logit* would change nothing; a constant added to every"
    " *pixel* is multiplied by each class's own weights, and does."
)

# %% [markdown]
# ## Further reading
#
# * {cite:t}`dhalla2020` poses the question of the favourite class.
#
# Next: [](03_training).
