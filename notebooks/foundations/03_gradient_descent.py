# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Gradient descent
#
# The gradient says which way is down. How many images should you look at before you take a step: all of them, a few, or only one?
#
# *20 minutes to read, 60 with the exercises. **You need** [Gradients](02_gradients.ipynb) and
# [the first page](../start/01_read_digits.ipynb)'s loop. Next comes [When it fits](04_when_it_fits.ipynb), which can wait; or go on to
# [MNIST](../mnist/01_eda.ipynb).*
#
# After this chapter you can
#
# * say what batch, stochastic and mini-batch gradient descent compute, and what each costs;
# * say what an epoch is, and what `torch.optim.SGD` does and does not do;
# * say how well a small batch points the way, and what four times as many images buy.

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
seed: int = 0  # draws images, their order and made-up points, 0 or more
num_images: int = 10_000  # training images used here, 1,000 to 54,000
batch_size: int = 64  # images in a mini-batch, 2 to 256
learning_rate: float = 0.1  # step length where all share one, above 0
num_steps: int = 120  # steps of the first comparison, 20 or more
num_epochs: int = 60  # epochs that each method may take at most, 1 or more
num_draws: int = 100  # batches of each size whose angle is measured, 10 or more

# %%
from tutorial_utils.lessons.show import show
from tutorial_utils.plots.style import use_book_style

use_book_style()

# %% [markdown]
# ## Batch, stochastic, mini-batch
#
# Every kind of gradient descent takes the same step: weights minus learning rate times gradient. They differ in the images that the gradient is the
# mean of. With $m$ training images:
#
# | method | a step looks at | steps in an epoch | its gradient is |
# |---|---|---|---|
# | **batch gradient descent** | all $m$ images | 1 | that of the training loss, exactly |
# | **stochastic gradient descent** | one image | $m$ | right on average, very noisy |
# | **mini-batch gradient descent** | $B$ images | $m / B$, rounded up | right on average, less noisy |
#
# "Right on average", because the full gradient is the mean of the images' gradients. The loop of the first page is the third kind. To compare all three fairly, take ten thousand images and
# the gradient that you derived.

# %%
import torch
import torch.nn.functional as F

from tutorial_utils.data import datasets

data = datasets.load("mnist")
train, _ = datasets.split(data.train, 0.1, seed)
X = train.images[:num_images].flatten(start_dim=1) / 255
labels = train.labels[:num_images]
Y = F.one_hot(labels, 10).float()


def gradient(weight, bias, inputs, truth):
    predicted = (inputs @ weight.T + bias).softmax(dim=1)
    slopes = (predicted - truth) / len(inputs)  # in the scores
    return slopes.T @ inputs, slopes.sum(dim=0)


def full_loss(weight, bias):
    return F.cross_entropy(X @ weight.T + bias, labels).item()


# %% [markdown]
# One function makes all three descents. Only `size` tells them apart.


# %%
def descend(size, rate):
    torch.manual_seed(seed)
    weight, bias, seen = torch.zeros(10, 784), torch.zeros(10), 0
    while True:  # one epoch after another
        for chosen in torch.randperm(len(X)).split(size):
            dw, db = gradient(weight, bias, X[chosen], Y[chosen])
            weight, bias = weight - rate * dw, bias - rate * db
            seen += len(chosen)
            yield weight, bias, seen


# %% [markdown]
# It is a generator: with `yield`, it hands out the weights after each step and waits until you ask for the next. It starts from zero weights, where all digits are
# equally probable and the loss is ln 10.
#
# ### One epoch is every image once
#
# An **epoch** deals all images out like cards: `randperm` shuffles, `split` cuts. No image is left out and none comes twice. What if you draw each
# image from all of them instead, as with dice? **Predict first:** after as many draws as there are images, what share has never come up?

# %%
dealt = torch.cat(torch.randperm(num_images).split(batch_size))
drawn = torch.randint(num_images, (num_images,))
print("dealt: ", 1 - len(dealt.unique()) / num_images, "missed")
print("drawn: ", 1 - len(drawn.unique()) / num_images, "missed")

# %% [markdown]
# More than a third, very nearly $1/e$: one draw misses a given image with probability $1 - 1/m$, and all $m$ draws do with $(1 - 1/m)^m \approx 1/e$. Dealing misses none, so training
# deals.
#
# ## How bumpy is the way down?
#
# All three start at the same weights and take the same number of steps at the same learning rate. After every step, measure the loss on *all* ten thousand images, so
# that what wobbles is the model and not the measurement.

# %%
import itertools

sizes = {"batch": num_images, "mini-batch": batch_size, "stochastic": 1}
bumps = {}
for name, size in sizes.items():
    steps = itertools.islice(descend(size, learning_rate), num_steps)
    bumps[name] = torch.tensor([full_loss(W, b) for W, b, _ in steps])

# %% tags=["hide-input"]
# @title Figure: loss after each step
from tutorial_utils.plots.training import compare_curves

curves = {n: (range(1, num_steps + 1), each) for n, each in bumps.items()}
axis = {"xlabel": "step", "ylabel": "training loss (nats)"}
show(
    compare_curves(curves, **axis),
    caption="Training loss after each step, for three kinds of descent at one"
    " learning rate.",
    alt="The curves of batch and mini-batch descent fall together, almost as"
    " one. Far above them, the stochastic curve jumps up and down.",
    name="fig-foundations-bumps",
)

# %% [markdown]
# Put a number on it. How often did a step make the loss *larger*? And by how much does one step's change differ from the next one's? Call the mean of these
# differences the **bumpiness**; a straight slope has none.

# %% tags=["hide-input"]
# @title Table: rises, bumpiness and work
import pandas as pd

table = pd.DataFrame()
for name, each in bumps.items():
    changes = each.diff()
    table.loc[name, "share of rises"] = (changes > 0).float().mean().item()
    table.loc[name, "bumpiness"] = changes.diff().abs().mean().item()
    table.loc[name, "images seen"] = num_steps * sizes[name]
form = {"share of rises": "{:.2f}", "bumpiness": "{:.4f}"}
table.style.format(form | {"images seen": "{:,.0f}"})

# %% [markdown]
# The full batch never goes up: a short enough step against the true gradient cannot. Mini-batches waver a little. A single image pulls the
# weights its own way, and nearly every second step harms the others. But look at the last column. The smooth way has looked at more than a
# million images, the bumpiest at a hundred and twenty.
#
# ## How much work to a given loss?
#
# So let them race to a loss of 0.4, each at the best of three rates: the one that gets there with the fewest images. (The loss is looked at every 500 images or so, so counts are no finer than that.) Count images, for the arithmetic, and steps, because each step has a fixed cost of its
# own. Whoever is not there after 60 epochs or 4,000 steps is out.

# %%
TARGET = 0.4


def race(size, rate):
    every = max(1, 500 // size)  # steps between two looks at the loss
    for step, (*weights, seen) in enumerate(descend(size, rate), start=1):
        if step % every == 0:
            loss = full_loss(*weights)
            out = seen >= num_epochs * num_images or step >= 4_000
            if loss < TARGET or out:
                return seen, step, loss


rates = {"batch": (0.5, 1, 2), "mini-batch": (0.3, 1, 2)}
rates["stochastic"] = (0.01, 0.03, 0.1)

# %% tags=["remove-input"]
# @title Your prediction
from tutorial_utils.lessons.questions import ask, choice, number, predict

best, best_rate = {}, {}
for name, size in sizes.items():
    ends = {rate: race(size, rate) for rate in rates[name]}
    there = [rate for rate, (*_, loss) in ends.items() if loss < TARGET]
    best_rate[name] = min(there or ends, key=lambda rate: ends[rate])
    best[name] = ends[best_rate[name]]
columns = ["images seen", "steps", "loss"]
best = pd.DataFrame(list(best.values()), list(best), columns)
seen, taken = best["images seen"], best["steps"].astype(int)
times = seen["batch"] / seen["mini-batch"]
guesses = {"about as many": 1, "five times as many": 5, "fifty or more": 70}
ask(
    [
        predict(
            "How many images does the full batch look at on its way to the"
            " target, compared with mini-batches?",
            list(guesses),
            correct=min(guesses, key=lambda n: abs(guesses[n] / times - 1)),
            because=f"it is {times:.0f} times as many.",
        )
    ]
)

# %% tags=["hide-input"]
# @title Table: what each needs to reach the target
# best and best_rate: the race at each descent's best rate, and that rate
shown = best[["images seen", "steps"]].assign(rate=best_rate)
shown.style.format("{:,.0f}").format("{:g}", subset="rate")

# %% [markdown]
# The full batch needs by far the most images: it looks at all of them before each step, and the step is worth only about two of a mini-batch's, for more than a hundred times the images. Single images
# need the fewest, but by far the most steps, one after another, while a processor is good at doing many products at
# once. Mini-batches have nearly the best of both, which is why everybody uses them.
# [The chapter about time](../claims/03_timing.ipynb) measures what that comes to in seconds.
#
# ## How well does a small batch point the way?
#
# A mini-batch's gradient is an estimate. Measure the angle between it and the full gradient: at 0 degrees it points exactly the same way, and at 90 it knows
# nothing. Do so at the start, and again after three epochs.


# %%
def angle(one, other):
    cosine = F.cosine_similarity(one.flatten(), other.flatten(), dim=0)
    return cosine.clamp(-1, 1).acos().rad2deg().item()


def angles(weight, bias, size):
    true, _ = gradient(weight, bias, X, Y)
    found = []
    for _ in range(num_draws):
        chosen = torch.randperm(num_images)[:size]
        estimate, _ = gradient(weight, bias, X[chosen], Y[chosen])
        found.append(angle(estimate, true))
    return found


# %% tags=["hide-input"]
# @title The angles at both places, for batches of 1 to 1,024 images
BATCHES = (1, 4, 16, 64, 256, 1024)
steps = 3 * len(torch.arange(num_images).split(batch_size))
way = itertools.islice(descend(batch_size, learning_rate), steps)
*weights, _ = list(way)[-1]
start = torch.zeros(10, 784), torch.zeros(10)
places = {"at the start": start, "after three epochs": weights}
spread = {
    name: torch.tensor([angles(*place, size) for size in BATCHES])
    for name, place in places.items()
}
medians = {name: each.median(dim=1).values for name, each in spread.items()}

# %% tags=["remove-input"]
# @title Your prediction
at_64 = medians["after three epochs"][BATCHES.index(64)].item()
guesses = {"about 5 degrees": 5, "about 30 degrees": 30, "about 80 degrees": 80}
ask(
    [
        predict(
            "After three epochs, how far off does a batch of 64 images point?",
            list(guesses),
            correct=min(guesses, key=lambda n: abs(guesses[n] - at_64)),
            because=f"in the median by {at_64:.1f} degrees.",
        )
    ]
)

# %% tags=["hide-input"]
# @title Figure: angle by batch size
quartiles = torch.tensor([0.5, 0.25, 0.75])
bands = {name: each.quantile(quartiles, dim=1) for name, each in spread.items()}
curves = {name: (BATCHES, *band) for name, band in bands.items()}
axis = {"xlabel": "batch size", "ylabel": "angle (degrees)"}
ax = compare_curves(curves, **axis, marked=True, xscale="log", ylim=(0, 110))
show(
    ax,
    caption="Angle between the gradient of a batch and the full gradient, by"
    " batch size: median, and the middle half of all batches as a band.",
    alt="Two curves fall from between 80 and 95 degrees. The one after three"
    " epochs wavers at first, and lies far above the one at the start.",
    name="fig-foundations-angle",
)

# %% [markdown]
# After three epochs the angles are larger. The full gradient has become small, and what single images want hardly has. (That a few images point more than 90 degrees off in the median is chance: it is
# the median of a hundred draws.) A batch of 64 points more to the side
# than ahead, and it still works: the sideways parts differ from batch to batch and cancel over many steps, while the parts that point ahead add up.
#
# A larger batch points better, but slowly. Noise falls with the root of the number of images: **four times as many images halve it.** Four times the
# work for half the noise is the case for small batches. Late in training the slope fades and the noise stays: a reason for shorter steps then.
#
# ## The paths, over a bowl
#
# With two weights you can see all of it. The points are made up: two overlapping classes, one feature with almost three times the spread of the other. **Predict
# first:** three descents start at the star. Which one heads straight for the lowest point?

# %% tags=["hide-input"]
# @title Figure: three paths over a loss of two weights
from tutorial_utils.plots.foundations import loss_paths


def path(size):
    weights = [torch.tensor([-0.6, -0.6])]
    for _ in range(60):
        chosen = torch.randperm(400)[:size]
        slopes = torch.sigmoid(points[chosen] @ weights[-1]) - classes[chosen]
        weights.append(weights[-1] - 0.6 * slopes @ points[chosen] / size)
    return torch.stack(weights)


def losses_at(weights):
    z = points @ weights.T
    return (F.softplus(z) - classes[:, None] * z).mean(dim=0)


torch.manual_seed(seed)
classes = torch.arange(400) % 2
points = torch.randn(400, 2) + 1.4 * classes[:, None] - 0.7
points = points * torch.tensor([1.6, 0.6])
paths = {"batch": path(400), "mini-batch of 16": path(16)}
paths["stochastic"] = path(1)
first, second = torch.linspace(-1, 2.2, 80), torch.linspace(-1.6, 2.4, 80)
surface = losses_at(torch.cartesian_prod(first, second)).view(80, 80).T
axis = {"xlabel": "first weight", "ylabel": "second weight"}
show(
    loss_paths(first, second, surface, paths, **axis),
    caption="The loss of two weights as contour lines, and 60 steps of each"
    " descent over it. The plus marks the lowest point.",
    alt="Contour lines of a long valley with three paths from one start. The"
    " batch path is a smooth curve, the mini-batch path wavers around it, and"
    " the stochastic path zigzags.",
    name="fig-foundations-paths",
)

# %% [markdown]
# None does. Even the exact gradient points across the contour lines, not at the minimum, and the valley is longer than wide. The mini-batch wavers around that curve. The single
# example staggers, and does not come to rest at the bottom, for each example still pulls its own way.
#
# Now steer. First raise the learning rate until descent runs away. Then give each step one example, and look for a rate at which it comes close to the minimum. (The
# third control, momentum, keeps a share of the last step for the next. [Training](../mnist/03_training.ipynb) uses it.)

# %%
from tutorial_utils.lessons import live

live.show("descent")

# %% [markdown]
# In a narrow valley the rate must suit the steep direction, and then it is short for the flat one. With single examples, a short rate ends closer to the minimum, because
# it averages over many of them on the way.
#
# ## What `torch.optim.SGD` means by its name
#
# It says *stochastic* gradient descent, and it is nothing of the kind. It draws nothing, shuffles nothing, and has never heard of a batch. Two checks:

# %%
model = torch.nn.Linear(784, 10)
optimiser = torch.optim.SGD(model.parameters(), lr=learning_rate)

before = model.weight.detach().clone()
dw, _ = gradient(before, model.bias.detach(), X, Y)
F.cross_entropy(model(X), labels).backward()  # all images
optimiser.step()
torch.testing.assert_close(model.weight.detach(), before - learning_rate * dw)

before = model.weight.detach().clone()
model.weight.grad = torch.ones_like(before)  # nobody's gradient
optimiser.step()
torch.testing.assert_close(model.weight.detach(), before - learning_rate)

# %% [markdown]
# On all images, it is batch descent. And it believes whatever lies in `.grad`, wherever that came from. Which of the three kinds it is, is decided by whoever fills
# `.grad`: the randomness of training lives in the order of the batches.

# %% tags=["remove-input"]
# @title The book's own check (skip)
from tutorial_utils.lessons.expect import expect

missed = 1 - len(drawn.unique()) / num_images
expect("drawn, more than a third is missed", missed, between=(0.34, 0.4))
rises, bumpiness = table["share of rises"], table["bumpiness"]
expect("the full batch never goes up", rises["batch"], equals=0)
expect("about half the steps harm", rises["stochastic"], between=(0.35, 0.55))
times = bumpiness / bumpiness["batch"]
expect("mini-batches waver", times["mini-batch"], above=4)
expect("each reaches the target", best["loss"].max(), below=TARGET)
times = seen / seen["mini-batch"]
expect("the full batch looks at the most images", times["batch"], above=20)
expect("single images need the fewest", times["stochastic"], below=0.9)
times = taken / taken["mini-batch"]
expect("a full step is worth about two", 1 / times["batch"], between=(1.5, 3))
expect("single images need the most steps", times["stochastic"], above=5)
at_start = medians["at the start"][BATCHES.index(64)]
expect("later a batch points worse", at_64, above=at_start + 10)
expect("it points more to the side than ahead", at_64, between=(60, 89))
noise = medians["after three epochs"].deg2rad().tan()
gain = (noise[3:5] / noise[4:6]).mean()
expect("four times the images halve the noise", gain, between=(1.6, 2.7))
way = paths["batch"]
turned = angle(way[1] - way[0], way[-1] - way[0])
expect("the exact gradient does not point at the minimum", turned, above=10)

# %% [markdown]
# ## Exercises
#
# ### Exercise 1 ★ With a pencil
#
# The first page trained on 54,000 images in batches of 64, for five epochs. How many steps did it take? And how many would batch descent have taken?

# %%
from tutorial_utils.lessons import checks

steps_of_64, steps_of_all = ..., ...

hint = "the last batch of an epoch is smaller, and counts"
checks.answer(steps_of_64, 5 * -(-54_000 // 64), tolerance=0.5, hint=hint)
checks.answer(steps_of_all, 5, tolerance=0.5, hint="one step an epoch")

# %% tags=["hide-cell"]
# @title Solution
# 54,000 / 64 = 843.75, so 844 batches, the last of 48 images: 4,220 steps.
# Batch descent takes one step in an epoch: 5.
5 * len(torch.arange(54_000).split(64)), 5

# %% [markdown]
# ### Exercise 2 ★ Predict, then run
#
# One epoch with batches of 64 at a rate of 0.02, and one with batches of 256. Which ends at the lower loss? Write it down, then run `after_an_epoch(64, 0.02)`
# and `after_an_epoch(256, 0.02)`. Then find the rate at which batches of 256 do about as well as those of 64 did.


# %%
def after_an_epoch(size, rate):
    steps = -(-num_images // size)
    *weights, _ = list(itertools.islice(descend(size, rate), steps))[-1]
    return full_loss(*weights)


rate_of_256 = ...
hint = "a quarter of the steps must lead as far"
checks.answer(rate_of_256, 0.08, tolerance=0.006, hint=hint)

# %% tags=["hide-cell"]
# @title Solution
# The smaller batches: four times as many steps of the same length. With steps
# four times as long, 256 keep up. The rule ends where steps become too long
# for the bowl: try 0.1 with 64 images, and 0.4 with 256.
after_an_epoch(256, 0.08), after_an_epoch(64, 0.1), after_an_epoch(256, 0.4)

# %% [markdown]
# ### Exercise 3 ★★ A batch that does not fit
#
# Your memory holds 16 images, and you want the step of a batch of 40. Take parts of 16, 16 and 8, and put their gradients together. The starter does not quite
# do it. It is checked on the biases, ten numbers. (In PyTorch this needs no new code: `backward` adds gradients up until `zero_grad`.)


# %%
def accumulated(inputs, truth):
    total = 0
    for part in torch.arange(len(inputs)).split(16):
        total += gradient(*start, inputs[part], truth[part])[1]
    return total


def at_once(inputs, truth):
    return gradient(*start, inputs, truth)[1]


checks.function(accumulated, at_once, [(X[:40], Y[:40])])


# %% tags=["hide-cell"]
# @title Solution
# Each gradient is a mean: weight it by its share of the images.
def my_accumulated(inputs, truth):
    total = 0
    for part in torch.arange(len(inputs)).split(16):
        share = len(part) / len(inputs)
        total += share * gradient(*start, inputs[part], truth[part])[1]
    return total


checks.function(my_accumulated, at_once, [(X[:40], Y[:40])])

# %% [markdown]
# ### Exercise 4 ★★★ How large a batch for thirty degrees?
#
# Noise stands at a right angle to the full gradient, so the *tangent* of the angle is noise divided by slope, and that falls with the root of the batch
# size. A batch of 64 has `at_64` degrees after three epochs, the answer to the prediction above. Which size would have 30? Say, too, why you cannot trust the answer near the size of the whole set.

# %%
batch_for_30 = ...

tangents = torch.tensor([at_64, 30.0]).deg2rad().tan()
right = (64 * (tangents[0] / tangents[1]) ** 2).item()
checks.answer(batch_for_30, right, tolerance=0.03 * right, hint="its root")

# %% tags=["hide-cell"]
# @title Solution
# tan(30) = tan(at_64) * sqrt(64 / B), solved for B. The rule takes the images
# as drawn independently; the batch of all images has no error at all.
round(right)

# %% [markdown]
# ## Five questions

# %% tags=["remove-input"]
# @title Five questions
few, many = sorted([batch_size, 4 * batch_size])
ask(
    [
        number(
            f"How many steps are in an epoch of {num_images:,} images with a"
            f" batch size of {batch_size}?",
            answer=-(-num_images // batch_size),
            tolerance=0.5,
            because="the last batch is smaller, and it is a step as well.",
        ),
        choice(
            "You pass all 10,000 images to one `backward`, then call `step` of"
            " `torch.optim.SGD`. Which descent is that?",
            {
                "stochastic, by its name": "The name says nothing about it.",
                "batch gradient descent": "",
                "mini-batch": "It has never heard of batches.",
            },
            correct="batch gradient descent",
            because="whoever fills `.grad` decides.",
        ),
        choice(
            "Why did single images need so many steps?",
            {
                "their gradients are wrong": "On average they are right.",
                "noise forces a short step": "",
                "they see too few images": "They saw the fewest, which is to"
                " their credit.",
            },
            correct="noise forces a short step"
            if best_rate["stochastic"] < best_rate["mini-batch"]
            else "they see too few images",
            because=f"their best rate was {best_rate['stochastic']:g}, that of"
            f" mini-batches {best_rate['mini-batch']:g}.",
        ),
        choice(
            f"You go from batches of {few} to batches of {many}. The noise of"
            " the gradient",
            {"stays": "", "halves": "", "falls to a quarter": "Mind the root."},
            correct="halves",
            because="it falls with the root of the batch size.",
        ),
        choice(
            "The loss of single batches goes up now and then during training."
            " What does that tell you?",
            {
                "the learning rate is too high": "It rises at good ones, too.",
                "nothing much": "",
                "the gradient has a wrong sign": "Then it would keep rising.",
            },
            correct="nothing much",
            because="mini-batches are bumpy, also where all is well.",
        ),
    ]
)

# %% [markdown]
# ## Further reading
#
# * [Bottou, Curtis and Nocedal (2018)](https://doi.org/10.1137/16M1080173) on stochastic gradients, with proofs.
#
# You can train this model, and you know how. Should you? [When it fits](04_when_it_fits.ipynb) asks what a straight boundary can do. To train it in earnest first,
# go to [the images](../mnist/01_eda.ipynb).

# %% tags=["remove-cell"]
# @title The results file
from tutorial_utils.report import results

path_written = results.write(
    "foundations/03_gradient_descent",
    parameters={
        "seed": seed,
        "num_images": num_images,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "num_steps": num_steps,
        "num_epochs": num_epochs,
        "num_draws": num_draws,
    },
    metrics={
        "bumpiness": bumpiness.to_dict(),
        "share_of_rises": rises.to_dict(),
        "images_to_target": seen.to_dict(),
        "steps_to_target": taken.to_dict(),
        "best_rate": best_rate,
        "angle_at_64": {n: m[BATCHES.index(64)] for n, m in medians.items()},
    },
    data_hash=data.fingerprint,
)
