# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Tensors and gradients
#
# What is a tensor, and how does PyTorch know which way is downhill? This page answers both, with five error
# messages that everyone meets sooner or later.
#
# *40 minutes; 15 of them up to the errors, which can wait until you meet one.* **You need** some Python, and derivatives. This page leads to [Read digits in ninety minutes](01_read_digits.ipynb).
#
# After this chapter you can
#
# * read the shape of a tensor, axis by axis, and say what an operation does to it;
# * predict what happens when two shapes differ;
# * let PyTorch find a slope, and step downhill with it;
# * read a shape error, and mend its cause.

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
seed: int = 0  # fixes the random numbers, 0 or more
batch_size: int = 64  # images in the batch, 2 to 60,000
num_epochs: int = 40  # steps downhill, each with all points, 1 or more
learning_rate: float = 0.3  # length of a step, above 0

# %% tags=["hide-input"]
# @title Check the settings: a wrong one stops the notebook here, and says why
from tutorial_utils.training.config import TrainingConfig

config = TrainingConfig(
    seed=seed,
    batch_size=batch_size,
    num_epochs=num_epochs,
    learning_rate=learning_rate,
)

# %% [markdown]
# ## Numbers with a shape
#
# A **tensor** is a block of numbers of one kind. Here is a batch of handwritten digits.

# %%
import torch

from tutorial_utils.data import datasets

torch.manual_seed(seed)
data = datasets.load("mnist")
images = data.train.images[:batch_size] / 255
labels = data.train.labels[:batch_size]
images.shape, images.dtype, labels.shape, labels.dtype

# %% [markdown]
# The **shape** says how long each axis is. From the left: 64 images, one grey channel, 28 rows, 28 columns. The labels have
# one axis, a number for each image. The **dtype** says what kind of number: pixels are `float32`, made for arithmetic, and
# labels are `int64`, whole numbers that name a class.
#
# A whole-number index takes an axis away. `flatten` joins axes into one, and keeps the order of the numbers.

# %%
rows = images.flatten(start_dim=1)
images[0].shape, images[0, 0, 14].shape, rows.shape

# %% [markdown]
# `rows` has one row of 784 numbers for each image. That is the form that a matrix product wants. In `A @ B`, the inner lengths must be equal.
# They disappear, and the outer ones stay: (64, 784) @ (784, 10) gives (64, 10).
# Each number of the result is a row of the first times a column of the second, place by place, added up.

# %%
weights = torch.randn(784, 10)
scores = rows @ weights
scores.shape

# %% [markdown]
# Sums, means and maxima take away the axis that you name. `scores.mean(dim=0)` is a mean over the images, one for each of ten columns.
# `scores.mean(dim=1)` is a mean over the columns, one for each image.

# %%
scores.mean(dim=0).shape, scores.mean(dim=1).shape

# %% [markdown]
# ## When shapes differ: broadcasting
#
# Ten biases are to be added to each of 64 rows. You need no loop:

# %%
bias = torch.arange(10.0)
(scores + bias).shape

# %% [markdown]
# PyTorch writes the two shapes below each other, flush right. Two lengths fit if they are equal, or if one of them is 1 or missing. That one is
# stretched: its numbers are used again and again, as if they stood there as often as needed.
#
# | tensor | first axis | last axis |
# |---|--:|--:|
# | `scores` | 64 | 10 |
# | `bias` | missing | 10 |
# | result | 64 | 10 |
#
# Now divide each row by its own maximum. The maxima of 64 rows have the shape (64,). Flush right, 64 would stand below 784, which does not fit. Ask `max` to keep
# its axis, with length 1. It gives the maxima, `values`, and their places, `indices`:

# %%
top = rows.max(dim=1, keepdim=True).values
top.shape, (rows / top).shape

# %% [markdown]
# ## Gradients
#
# Take one number, compute with it, and ask for the slope. `requires_grad=True` makes PyTorch take notes of every operation on `w`. `backward` reads these notes
# from the end to the beginning, by the chain rule (slopes of steps in a row are multiplied), and leaves the slope of the result in `w.grad`.

# %%
w = torch.tensor(3.0, requires_grad=True)
loss = (2 * w - 4) ** 2
loss.backward()
w.grad

# %% [markdown]
# By hand: the derivative of $(2w - 4)^2$ is $2 \cdot (2w - 4) \cdot 2$, which is 8 at $w = 3$. Once more, with one surprise:

# %%
loss = (2 * w - 4) ** 2
loss.backward()
w.grad

# %% [markdown]
# The slope is still 8. But `backward` **adds** to what `grad` holds. Whoever wants the slope of one batch alone clears it first. In a training
# loop, `optimiser.zero_grad()` does that.
#
# ## Downhill: `no_grad` and `detach`
#
# Three points lie on the line $y = 2x - 1$. Forget the 2 and the 1, begin with zeros, and go downhill. All three points are in every step, so
# an epoch, one pass over the data, is one step. (A trailing `_`, as in `zero_`, means that a tensor is changed in place.)

# %%
x = torch.tensor([0.0, 1.0, 2.0])
y = 2 * x - 1
line = torch.zeros(2, requires_grad=True)
losses = torch.zeros(num_epochs)
for epoch in range(num_epochs):
    loss = ((line[0] * x + line[1] - y) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        line -= learning_rate * line.grad
    line.grad.zero_()
    losses[epoch] = loss.item()
line

# %% [markdown]
# The loop has found the line that you hid, as nearly as its number of steps allows. Every training loop has these parts: loss, `backward`, step, clear. Three
# words keep computation and notes apart.
#
# * **`torch.no_grad()`** takes no notes inside its block. The step changes `line`; it is not a part of the formula whose slope is wanted.
#   Without `no_grad`, PyTorch refuses to change `line` in place. Measuring an accuracy needs no notes either, and is faster without.
# * **`item()`** gives a plain Python number without notes. A list of losses with their notes would keep every step in memory.
# * **`detach()`**, for whole tensors, gives a tensor on the same numbers without their past, as plots and NumPy want it. Add `.clone()` before
#   you change it: what changes one changes the other.

# %%
line.requires_grad, (2 * line).requires_grad, line.detach().requires_grad

# %% tags=["remove-input"]
# @title The book's own check (skip)
from tutorial_utils.lessons.expect import expect

miss = (line.detach() - torch.tensor([2.0, -1.0])).abs().max()
see = "the list `losses`: a larger learning rate than this may overshoot"
expect("the loop has found the line", miss, below=0.05, see=see)

# %% [markdown]
# ## Five shape errors that everyone meets
#
# They look alike: a long grey trace, and at its very end one line with shapes in it. That line is all you need. A small helper catches the error
# and prints that line. (`lambda: …` is a function without a name, so that the error comes inside the helper.)


# %%
import textwrap


def provoke(attempt):
    try:
        return attempt()
    except (RuntimeError, ValueError) as error:
        print(textwrap.fill(str(error), 72, break_on_hyphens=False))


layer = torch.nn.Linear(784, 10)

# %% [markdown]
# ### 1. The forgotten `flatten`

# %%
provoke(lambda: layer(images))

# %% [markdown]
# `mat1` is your input, `mat2` the layer's weights, transposed: rows turned into columns. A linear layer works on the last axis, here 28 pixels of a row, and counts everything before it as cases:
# 64 · 1 · 28 of them. It wanted 784 in the place of that 28. **Cure:** `layer(images.flatten(start_dim=1))`.
#
# ### 2. The wrong way round

# %%
provoke(lambda: rows @ layer.weight)

# %% [markdown]
# Compare the two inner numbers: 784 and 10. PyTorch stores a layer's weights as (outputs, inputs). **Cure:** turn them, `rows @ layer.weight.T`.
#
# ### 3. Numbers left over

# %%
provoke(lambda: images.view(batch_size, 10, 10))

# %% [markdown]
# A new shape must hold just as many numbers as the old one, and 10 · 10 is not 784. **Cure:** count. Or leave one length to PyTorch by writing `-1`:
# `images.view(batch_size, -1)`.
#
# ### 4. Axes that do not line up

# %%
provoke(lambda: scores - scores.mean(dim=1))

# %% [markdown]
# Here `a` is the left tensor and `b` the right one. Flush right, 64 stands below 10. A "singleton" is an axis of length 1, which could be stretched. The message counts axes from 0. **Cure:** keep the axis,
# `scores - scores.mean(dim=1, keepdim=True)`.
#
# ### 5. The one without a message
#
# Labels sometimes arrive as a column, of shape (64, 1). Compare the labels with themselves. Every comparison should be true.

# %% tags=["remove-input"]
# @title Predict
from tutorial_utils.lessons.questions import ask, choice, number, predict

column = labels[:, None]
share = (labels == column).float().mean().item()
options = {"all of them": 1.0, "about half": 0.5, "about one in ten": 0.1}
ask(
    [
        predict(
            f"`labels` has the shape ({batch_size},), `column` has them as "
            f"({batch_size}, 1). "
            "What share of `labels == column` is true?",
            [*options, "none: an error"],
            correct=min(options, key=lambda name: abs(options[name] - share)),
            because="the shapes fit by stretching: each label meets them all.",
            sure=True,
        )
    ]
)

# %%
column = labels[:, None]
(labels == column).shape, (labels == column).float().mean()

# %% [markdown]
# No error, and a perfect answer scored as if it were guessed. (64,) and (64, 1) are stretched to (64, 64), so each label is compared with all of them; and two random
# digits agree about once in ten. It is the worst of the
# five, because nothing stops. **Cure:** bring both into one shape, `column.flatten()`, and be suspicious of a score that is no better than chance. One line in the loop costs nothing:
# `assert predicted.shape == labels.shape`.

# %% tags=["remove-input"]
# @title The book's own check (skip)
expect("a perfect answer is scored as if it were guessed", share, below=0.25)

# %% [markdown]
# ### Exercise 1 ★ (pencil)
#
# `a` has the shape (5, 1, 3), `b` the shape (4, 3). What is the shape of `a + b`, and how many numbers does it hold? Put that count in place of the dots.

# %%
from tutorial_utils.lessons import checks

a, b = torch.zeros(5, 1, 3), torch.zeros(4, 3)
your_count = ...
checks.answer(your_count, (a + b).numel(), tolerance=0.5, hint="flush right")

# %% tags=["hide-cell"]
# @title Solution
# Flush right: 3 fits 3, 1 is stretched to 4, and 5 stands alone.
(a + b).shape

# %% [markdown]
# ### Exercise 2 ★★ (predict, then run)
#
# `u` is 5. What is `u.grad` after `backward` has run twice? Put your prediction in place of the dots. Then take `line.grad.zero_()` out of the loop above, and see
# what the same mistake does there.

# %%
your_slope = ...
u = torch.tensor(5.0, requires_grad=True)
(u**2).backward()
(u**2).backward()
checks.answer(your_slope, u.grad, tolerance=0.01, hint="backward adds")

# %% tags=["hide-cell"]
# @title Solution
# The slope of u² at 5 is 10, twice. In the loop, the slopes of all steps add
# up: the line swings about its goal.
u.grad

# %% [markdown]
# ### Exercise 3 ★★
#
# Standardise the rows of a tensor: subtract each row's mean, and divide by its standard deviation (by n - 1, as `torch.std` takes it, and `ddof=1` below), without a
# loop. SciPy checks yours.


# %%
from scipy.stats import zscore


def standardise(rows):
    return rows  # mend this line


def by_scipy(rows):
    return torch.from_numpy(zscore(rows.numpy(), axis=1, ddof=1))


checks.function(standardise, by_scipy, [(scores[:2, :3],)])


# %% tags=["hide-cell"]
# @title Solution
# Means and deviations of rows must stay columns, or they would not line up.
def solution(rows):
    mean = rows.mean(dim=1, keepdim=True)
    return (rows - mean) / rows.std(dim=1, keepdim=True)


checks.function(solution, by_scipy, [(scores,), (rows,)])

# %% [markdown]
# ## Five questions

# %% tags=["remove-input"]
# @title Five questions
shape = tuple((torch.zeros(32, 784) @ torch.zeros(784, 10)).shape)
v = torch.tensor(2.0, requires_grad=True)
(v**3).backward()
ask(
    [
        choice(
            "(32, 784) @ (784, 10): what is the shape?",
            {
                "(784, 784)": "The inner lengths disappear.",
                "(32, 10)": "",
                "(10, 32)": "The outer lengths stay in their order.",
            },
            correct=str(shape),
            because="the inner lengths disappear, the outer ones stay.",
        ),
        choice(
            "Which of these can be added to a tensor of shape (64, 10)?",
            {
                "(64,)": "Flush right, 64 stands below 10.",
                "(64, 1)": "",
                "(10, 64)": "Neither length fits.",
            },
            correct="(64, 1)",
            because="10 meets 1, which is stretched; 64 meets 64.",
            sure=True,
        ),
        number(
            "v is 2. What does (v**3).backward() leave in v.grad?",
            answer=v.grad,
            tolerance=0.01,
            because="the derivative of v³ is 3v², which is 12 at v = 2.",
        ),
        choice(
            "Why does the step of a training loop stand in torch.no_grad()?",
            {
                "it is not a part of the formula whose slope is wanted": "",
                "to make the step smaller": "The learning rate does that.",
                "to clear the slopes": "It clears nothing; zero_ does.",
            },
            correct="it is not a part of the formula whose slope is wanted",
            because="without no_grad PyTorch refuses to change it in place.",
        ),
        choice(
            "The loss has fallen from 2.3 to 0.3, yet the accuracy says one in "
            "ten. Where do you look?",
            {
                "at the learning rate": "It made the loss fall: it will do.",
                "at the shapes of predictions and labels": "",
                "at the number of epochs": "The loss has had enough of them.",
            },
            correct="at the shapes of predictions and labels",
            because="a column of labels makes n times n pairs, and no message.",
        ),
    ]
)

# %% [markdown]
# ### Further reading
#
# * PyTorch's own notes on [broadcasting](https://docs.pytorch.org/docs/stable/notes/broadcasting.html) and on
#   [how gradients are found](https://docs.pytorch.org/docs/stable/notes/autograd.html).
#
# Now [Read digits in ninety minutes](01_read_digits.ipynb), which stands before this page in the contents.

# %% tags=["remove-cell"]
# @title Results: what this page measured, for the book's own tables
from tutorial_utils.report import results

settings = "seed batch_size num_epochs learning_rate"
path = results.write(
    "start/02_tensors_and_gradients",
    parameters=config.model_dump(include=set(settings.split())),
    metrics={
        "line": line.detach(),
        "last_loss": losses[-1],
        "share_of_true_comparisons": share,
    },
    data_hash=data.fingerprint,
)
