# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The model
#
# Softmax regression is one matrix, one vector and one exponential. This chapter builds it in the open, counts its numbers, measures
# its size and speed, and draws what it has learnt.
#
# **After this chapter you can**
#
# * write softmax regression as a PyTorch module, and say what each line is for;
# * count its parameters and the memory that they take;
# * measure the time of one prediction, and say what the measurement depends on;
# * draw the weights of a class as an image, and say what may be read from it and what may not.
#
# **You need** [](01_eda), for the data. The trained weights come from the settings of [](03_training); if that chapter has
# not run yet, they are trained here.

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
initialisation: str = "xavier_uniform"  # initial weights, "xavier_uniform" or "default"
num_epochs: int = 30  # passes over the training images, 1 or more
batch_size: int = 64  # images per update, 1 to 54,000
learning_rate: float = 0.01  # step length of the first epoch, above 0
momentum: float = 0.9  # share of the last step kept in the next, 0 to below 1
weight_decay: float = 0.0  # strength of the L2 penalty, 0 or more
learning_rate_decay: float = 0.1  # factor on the rate at each decay, above 0 to 1
learning_rate_step: int = 10  # epochs between two decays, 1 or more
validation_split: float = 0.1  # share of images held out, between 0 and 1
early_stopping_patience: int = 30  # epochs without improvement, 1 or more
divergence_bound: float = 1e4  # batch loss in nats that ends training, above 2.303
log_interval: int = 100  # batches between two updates of the progress bar, 1 or more

# %%
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

# %%
from tutorial_utils.data import datasets
from tutorial_utils.plots.style import use_book_style

use_book_style()
description = config.description
data = datasets.load(config.dataset)

# %% [markdown]
# (mnist-architecture)=
# ## From an image to ten probabilities
#
# The image is laid out as one row $x$ of 784 numbers. Each class $k$ multiplies these by weights of its own and adds a bias, which gives
# a score, the **logit** $z_k$. **Softmax** turns ten logits into ten probabilities:
#
# $$
# z_k = w_k \cdot x + b_k, \qquad p_k = \frac{e^{z_k}}{\sum_j e^{z_j}}.
# $$
#
# ```mermaid
# flowchart LR
#     accTitle: Softmax regression
#     accDescr: An image of 28 by 28 pixels is flattened into 784 values, a linear layer with 7,850 parameters makes ten logits, and softmax makes ten probabilities.
#     image["image<br/>1 x 28 x 28"] -- flatten --> row["784<br/>values"]
#     row -- "linear: 7,840 weights, 10 biases" --> logits["10<br/>logits"]
#     logits -- softmax --> probabilities["10 prob-<br/>abilities"]
# ```
#
# Why exponentials, and not shares of the scores? [The first chapter of the foundations](foundations-why-exponentials) answers that.
#
# In PyTorch:


# %%
from torch import nn


class SoftmaxRegression(nn.Module):
    def __init__(self, num_features, num_classes, generator):
        super().__init__()
        self.linear = nn.Linear(num_features, num_classes)
        nn.init.xavier_uniform_(self.linear.weight, generator=generator)
        nn.init.zeros_(self.linear.bias)

    def forward(self, images):
        return self.linear(images.flatten(start_dim=1))

    def predict_proba(self, images):
        return self(images).softmax(dim=1)


# %% [markdown]
# `forward` returns logits, because the loss wants them. `predict_proba` adds the softmax for people. The initial weights are drawn
# by Glorot's rule, called Xavier in PyTorch {cite}`glorot2010`: uniformly within $\pm\sqrt{6/(784 + 10)}$, so that logits are neither tiny nor huge; biases start at
# zero. The package has the same model:

# %%
import torch

from tutorial_utils.reproducibility import make_generator
from tutorial_utils.training import models

images = datasets.standardise(data.train.subset(torch.arange(64)))
mine = SoftmaxRegression(
    description.num_features,
    description.num_classes,
    make_generator(config.seed, "initialisation"),
)
theirs = models.LogisticRegression(
    description.num_features,
    description.num_classes,
    generator=make_generator(config.seed, "initialisation"),
)
torch.testing.assert_close(mine(images), theirs(images))
torch.testing.assert_close(mine.predict_proba(images), theirs.predict_proba(images))
bound = (6 / (description.num_features + description.num_classes)) ** 0.5
assert mine.linear.weight.abs().max() <= bound

# %%
from tutorial_utils.report.narrate import percent, say, table

probabilities = mine.predict_proba(images)
torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(64))
say(
    f"A batch of shape {tuple(images.shape)} gives logits of shape"
    f" {tuple(mine(images).shape)}, and probabilities whose rows sum to one within"
    f" {(probabilities.sum(dim=1) - 1).abs().max().item():.0e}. Untrained, the first"
    f" image gets {percent(probabilities[0].max().item(), 0)} for"
    f" {probabilities[0].argmax().item()}; it is a {data.train.labels[0].item()}."
)

# %% [markdown]
# (mnist-parameters)=
# ## How many numbers, and how much memory?
#
# Each number is a `float32` of four bytes; a kilobyte is 1,024 bytes here.

# %%
rows = [
    {"tensor": name, "shape": " x ".join(map(str, weight.shape)), "numbers": weight.numel(),
     "KB": weight.numel() * weight.element_size() / 1024}
    for name, weight in mine.named_parameters()
]  # fmt: skip
rows.append({"tensor": "total", "shape": "", "numbers": sum(row["numbers"] for row in rows),
             "KB": sum(row["KB"] for row in rows)})  # fmt: skip
table(rows, {"numbers": ",", "KB": ".2f"})

# %% tags=["hide-input"]
total, kilobytes = rows[-1]["numbers"], rows[-1]["KB"]
say(
    f"{total:,} parameters in {kilobytes:.2f} KB, as much as"
    f" {kilobytes * 1024 / description.num_features:.0f} of the images take as bytes."
    " Training needs a few times that, for the gradients and the momentum, which have"
    " the same shape."
)

# %% [markdown]
# (mnist-inference)=
# ## How fast is a prediction?
#
# One image costs one multiplication and one addition per weight. Count them, beside those of a small convolutional network: each of its
# filters is applied at every position of the image.

# %%
ours = description.num_features * description.num_classes
positions = 28 * 28
network = (
    positions * 8 * (5 * 5 * 1)  # 8 filters of 5 x 5 on one channel
    + positions // 4 * 16 * (5 * 5 * 8)  # after pooling: 16 filters on 8 channels
    + 16 * 7 * 7 * 10  # the linear layer at the end
)
table(
    [
        {"model": name, "multiplications per image": f"{count:,}", "relative": f"{count / ours:.0f}"}
        for name, count in (("this model", ours), ("a small convolutional network", network))
    ]
)  # fmt: skip

# %% [markdown]
# What a count does not say: a single image mostly pays for the calls, a large batch for the arithmetic. So how many images are predicted
# at once matters more than anything else. [The chapter about time](claim-23) measures both, with a quiet machine.

# %% [markdown]
# (mnist-weights)=
# ## What has it learnt?
#
# Each class has one weight per pixel, so its weights can be drawn as an image. Red pixels speak for the class when they are inked, blue ones
# against it. But take care: adding the same numbers to the weights of *all* classes changes no probability, so only **differences
# between classes** mean anything. What is drawn is each class's weights minus the mean over classes.

# %%
from tutorial_utils.report import results
from tutorial_utils.training.trainer import load_or_fit

model, history = load_or_fit(config, data, results.output_folder())
weights = (
    model.linear.weight.detach()
    .cpu()
    .view(description.num_classes, *description.image_shape[1:])
)
relative = weights - weights.mean(dim=0)
shifted = models.LogisticRegression(description.num_features, description.num_classes)
shifted.load_state_dict(model.state_dict())
with torch.no_grad():
    shifted.linear.weight += torch.randn(1, description.num_features)
torch.testing.assert_close(
    shifted.predict_proba(images),
    model.cpu().predict_proba(images),
    rtol=1e-3,
    atol=1e-4,
)

# %% mystnb={"figure": {"caption": "Weights of each digit relative to the mean over digits, after training. Red: ink here speaks for the digit; blue: against it.", "name": "fig-mnist-weights"}, "image": {"alt": "Ten heat maps of weights, one per digit, red for positive and blue for negative: a red ring with a blue centre for 0, a red upright bar for 1, and less tidy patterns for the others."}}
from tutorial_utils.plots.data import heat_images

axes = heat_images(list(relative), [str(digit) for digit in range(10)], diverging=True)

# %% tags=["hide-input"]
border = torch.ones(28, 28, dtype=torch.bool)
border[4:24, 4:24] = False
never = data.train.images.amax(dim=0)[0] == 0
zero_centre = relative[0, 12:16, 12:16].mean().item()
zero_ring = relative[0, 13:15, 6:9].mean().item()
say(
    f"For 0, the weights in the centre average {zero_centre:+.2f}, those on the left of"
    f" the ring {zero_ring:+.2f}"
    + (
        ": ink in the hole of a 0 speaks against it. "
        if zero_centre < 0 < zero_ring
        else ". "
    )
    + "The weights are rough, because pixels that are inked together can share their"
    " evidence in many ways, and the data hardly decide between them.",
    "Outside the middle 20 x 20 pixels, where there is little ink, the weights still"
    f" have a spread of {relative[:, border].std().item():.2f} (inside:"
    f" {relative[:, ~border].std().item():.2f}), and at the {int(never.sum())} pixels"
    f" that no training image inks, of {relative[:, never].std().item():.2f}. Those"
    " hold their random start. Do not read anything into them.",
)

# %% [markdown]
# For one image, the evidence can be split up exactly: the logit of a class is its bias plus a sum over pixels of weight times input. (A blank pixel is
# not zero after standardising. It counts too, with the opposite sign.) Here are images, and which of their pixels speak for and against their own class.

# %% mystnb={"figure": {"caption": "One validation image of each of five digits (top), and the evidence of each pixel for its true class, weight times input, relative to the mean over classes (bottom).", "name": "fig-mnist-evidence"}, "image": {"alt": "Two rows of five panels: handwritten digits above, and below each a map of red and blue pixels that spoke for and against its class."}}
_, held_out = datasets.split(data.train, config.validation_split, config.seed)
some_digits = (0, 1, 3, 5, 8)
picked = torch.tensor(
    [(held_out.labels == digit).nonzero()[0, 0].item() for digit in some_digits]
)
shown = datasets.standardise(held_out.subset(picked))[:, 0]
evidence = torch.stack(
    [relative[digit] * image for digit, image in zip(some_digits, shown, strict=True)]
)
ink = shown / shown.max() * evidence.abs().max()
axes = heat_images(
    [*ink, *evidence],
    [str(digit) for digit in some_digits] + ["evidence"] * len(some_digits),
    diverging=True,
)

# %%
logits = model.cpu()(shown[:, None]).detach()
bias = model.linear.bias.detach() - model.linear.bias.detach().mean()
by_parts = torch.stack(
    [
        part.sum() + bias[digit]
        for part, digit in zip(evidence, some_digits, strict=True)
    ]
)
relative_logits = torch.stack(
    [row[digit] - row.mean() for row, digit in zip(logits, some_digits, strict=True)]
)
torch.testing.assert_close(by_parts, relative_logits, rtol=1e-3, atol=1e-3)
say(
    "The pixels' evidence and the bias add up to the logit, relative to the mean logit,"
    " for each of the five images."
)

# %% [markdown]
# (mnist-model-results)=
# ## What this chapter measured

# %%
path = results.write(
    "mnist/02_model",
    parameters=config.model_dump(),
    metrics={
        "num_parameters": total,
        "kilobytes": kilobytes,
        "multiplications_per_image": ours,
        "xavier_bound": bound,
        "validation_loss": history.best.validation_loss,
        "validation_accuracy": history.best.validation_accuracy,
        "weight_spread_border": relative[:, border].std(),
        "weight_spread_inside": relative[:, ~border].std(),
    },
    data_hash=data.fingerprint,
)

# %% [markdown]
# ## What you have learnt
#
# You can now
#
# * write softmax regression as a module;
# * count its parameters and their memory;
# * measure the time of a prediction;
# * draw weights as images, and know that only differences between classes mean anything.
#
# ## Exercises
#
# ### Exercise 1: without the module
#
# Compute the logits of the 64 images from `mine.linear.weight` and `mine.linear.bias` with `@` alone, and check the shapes.

# %% tags=["hide-cell"]
# Solution: (64, 784) times (784, 10), plus (10,).
by_matrix = images.flatten(1) @ mine.linear.weight.T + mine.linear.bias
torch.testing.assert_close(by_matrix, mine(images))
say(f"(64, 784) @ (784, 10) + (10,) gives {tuple(by_matrix.shape)}.")

# %% [markdown]
# ### Exercise 2: two classes are enough for a sigmoid
#
# With two classes, softmax regression has two rows of weights, but only their difference counts. Show on random numbers that the softmax
# probability of class 1 is the sigmoid of the difference of the two logits.

# %% tags=["hide-cell"]
# Solution: e^b / (e^a + e^b) = 1 / (1 + e^(a - b)).
two = torch.randn(100, 2, generator=make_generator(config.seed, "exercise"))
torch.testing.assert_close(
    two.softmax(dim=1)[:, 1], torch.sigmoid(two[:, 1] - two[:, 0])
)
say("Equal for all one hundred pairs.")

# %% [markdown]
# ### Exercise 3: half the precision
#
# Store the trained weights as `float16`, which halves the memory. Convert them back, predict the validation images, and count how many
# answers change.

# %% tags=["hide-cell"]
from tutorial_utils.evaluation import statistics
from tutorial_utils.evaluation.predictions import predict

# Solution: round the weights to float16 and compare predictions.
small = models.LogisticRegression(description.num_features, description.num_classes)
small.load_state_dict(
    {name: weight.half().float() for name, weight in model.state_dict().items()}
)
held_out_images = datasets.standardise(held_out)
changed = (
    (predict(small, held_out_images).labels != predict(model, held_out_images).labels)
    .sum()
    .item()
)
low, high = statistics.wilson_interval(changed, len(held_out))
say(
    f"{changed} of {len(held_out):,} answers change, with {kilobytes / 2:.2f} KB"
    f" instead of {kilobytes:.2f} (95 % interval of the share: {percent(low)} to"
    f" {percent(high)})."
)

# %% [markdown]
# ## Further reading
#
# * {cite:t}`glorot2010` on initial weights in deep networks, where they matter more than here.
#
# Next: [](03_training).
