# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # When it fits
#
# A model that draws straight lines reads nine digits in ten. When is it the right tool, and when should you look for another?
#
# *20 minutes to read, 60 with the exercises. **You need** [Gradient descent](03_gradient_descent.ipynb). You can read this page later, after
# [MNIST](../mnist/01_eda.ipynb). What other tools buy is measured at the end of [the errors](../mnist/05_error_analysis.ipynb).*
#
# After this chapter you can
#
# * recognise data that a straight boundary cannot separate, and straighten some;
# * say why weights can grow without end, and what stops them;
# * name strengths and weaknesses of logistic regression, each with a number;
# * tell softmax from one-vs-rest.

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
seed: int = 0  # draws points and images, 0 or more
num_images: int = 10_000  # training images used here, 1,000 to 54,000
num_epochs: int = 20  # passes over the images, 1 or more
num_steps: int = 2_000  # steps on made-up points, 10 or more

# %%
from tutorial_utils.lessons.show import show
from tutorial_utils.plots.style import use_book_style

use_book_style()

# %% [markdown]
# ## What a straight boundary separates
#
# Two classes are equally probable where their scores are equal. Scores are linear, so that place is a straight line: the **decision boundary**. With three features it is
# a plane. To see it, take points in the plane. One generator descends on all of them, with the loop of [the first page](../start/01_read_digits.ipynb). If nobody
# says otherwise, each step takes all points.

# %%
import itertools

import torch
import torch.nn.functional as F


def descend(x, y, rate=0.5, decay=0, size=None, loss_of=F.cross_entropy):
    torch.manual_seed(seed)
    model = torch.nn.Linear(x.shape[1], int(y.max()) + 1)
    optimiser = torch.optim.SGD(model.parameters(), lr=rate, weight_decay=decay)
    while True:
        for chosen in torch.randperm(len(x)).split(size or len(x)):
            optimiser.zero_grad()
            loss = loss_of(model(x[chosen]), y[chosen])
            loss.backward()
            optimiser.step()
            yield model, loss.item()


def fit(x, y, steps=num_steps, **settings):
    *_, (model, _) = itertools.islice(descend(x, y, **settings), steps)
    return model.requires_grad_(False)  # that of the last step


def accuracy(model, x, y):
    return (model(x).argmax(dim=1) == y).double().mean().item()


# %% [markdown]
# Three sets of points: two clouds, two half moons that interlock, and a ring inside a ring. **Predict first:** on which of them is a line right for
# almost all points, for most, and for half? In the last panel, each point has a third feature, its squared distance from the centre.


# %%
def with_radius(x):
    return torch.cat([x, x.square().sum(dim=1, keepdim=True)], dim=1)


# %% tags=["hide-input"]
# @title Where the points come from
from sklearn.datasets import make_blobs, make_circles, make_moons

CENTRES = {
    "clouds": [[-2, -1], [2, 1]],
    "far apart": [[-3, -2], [3, 2]],
    "in a row": [[-3, 0], [0, 0], [3, 0]],
}


def draw_points(name, n, s):
    settings = {"n_samples": n, "random_state": s % 2**32}
    if name == "moons":
        x, y = make_moons(noise=0.15, **settings)
    elif name == "rings":
        x, y = make_circles(noise=0.1, factor=0.5, **settings)
    else:
        x, y = make_blobs(centers=CENTRES[name], cluster_std=0.9, **settings)
    return torch.tensor(x).float(), torch.tensor(y)


# %% tags=["hide-input"]
# @title Figure: three sets of points, and one with a feature added
import matplotlib.pyplot as plt

from tutorial_utils.plots.foundations import decision_regions


def draw(ax, model, x, y, title, features):
    edge = x.abs().amax(dim=0) * 1.15
    across, up = (torch.linspace(-e, e, 320) for e in edge.tolist())
    places = features(torch.cartesian_prod(across, up))
    regions = model(places).argmax(dim=1).view(320, 320).T
    decision_regions(across, up, regions, x, y, title=title, ax=ax)


names = ("clouds", "moons", "rings", "rings with radius")
figure, axes = plt.subplots(2, 2, figsize=(7, 5.8))
right = {}
for ax, title in zip(axes.flat, names, strict=True):
    name = title.split()[0]
    features = torch.clone if title == name else with_radius  # clone: as is
    x, y = draw_points(name, 300, seed)
    model = fit(features(x), y)
    draw(ax, model, x, y, title, features)
    x, y = draw_points(name, 2_000, seed + 1)
    right[title] = accuracy(model, features(x), y)
show(
    figure,
    caption="Points of two classes, and the class that the model gives to every"
    " place. In the last panel, the squared radius is a third feature.",
    alt="A straight line splits two clouds. Lines cut moons and rings with both"
    " classes on both sides. With the radius, a closed curve parts the rings.",
    name="fig-foundations-boundaries",
)

# %%
right  # share of 2,000 fresh points

# %% [markdown]
# On the clouds the line is as good as one can ask for. On the moons it is right for most, because much of each moon does lie on one side. On the rings it is no better than
# guessing. Then one **engineered feature**, the squared distance from the centre, takes the same model to almost all. Its boundary is still a plane,
# in three dimensions. Back in two it is a circle.
#
# So "linear" is a matter of the features that you give it.
#
# ## Weights without bound
#
# Data that a line separates sound like the easy case. **Predict first:** once every point is on its own side, what does descent do with the weights?

# %%
x, y = draw_points("far apart", 200, seed)
lengths = {}
for decay in (0, 0.01):
    rows = lengths[f"penalty {decay:g}"] = []
    way = descend(x, y, rate=0.1, decay=decay)
    for model, _ in itertools.islice(way, num_steps):
        rows.append(model.weight.norm().item())
    print(f"penalty {decay:g}, share right:", accuracy(model, x, y))

# %% tags=["hide-input"]
# @title Figure: length of the weights
from tutorial_utils.plots.training import compare_curves

curves = {n: (range(1, num_steps + 1), rows) for n, rows in lengths.items()}
show(
    compare_curves(curves, xlabel="steps", ylabel="length", xscale="log"),
    caption="Length of the weights by steps, on points that a line separates.",
    alt="Without a penalty the curve keeps rising, at the end nearly straight."
    " With one, it ends level.",
    name="fig-foundations-growing-weights",
)

# %% [markdown]
# They grow, without end. Every point is right early on. After that, making all weights larger makes every probability more extreme and the loss smaller, always. So there
# is no best set of weights: the floor of the bowl is infinitely far away. The growth slows down: in the long run the length is like the logarithm of the number of steps
# ([Soudry et al., 2018](https://jmlr.org/papers/v19/18-188.html)). On this axis a logarithm is a straight line, and towards the end the curve nears one. Nothing is learnt by it but certainty.
#
# An **L2 penalty**, also called weight decay, adds a small multiple of the squared length of the weights to the loss. That sets an end.
#
# ## Two roads to many classes
#
# With more than two classes there are two ways. **Softmax** fits all classes at once, and their probabilities share one whole. **One-vs-rest** fits one sigmoid for each
# class, "a 5, or not?", each on its own, and the surest wins. Weights and scores look the same; the push on a score is $\mathbf{y}_k - \sigma(z_k)$ instead of
# $\mathbf{y}_k - p_k$. Three clouds in a row, left, middle and right, show what that changes.


# %%
def one_vs_rest(scores, y):
    truth = F.one_hot(y, scores.shape[1]).float()
    loss = F.binary_cross_entropy_with_logits(scores, truth, reduction="sum")
    return loss / len(scores)


x, y = draw_points("in a row", 450, seed)
roads = {"softmax": fit(x, y), "one-vs-rest": fit(x, y, loss_of=one_vs_rest)}

x, y = draw_points("in a row", 3_000, seed + 1)
middle = {
    "softmax": roads["softmax"](x[y == 1]).softmax(dim=1)[:, 1],
    "one-vs-rest": roads["one-vs-rest"](x[y == 1]).sigmoid()[:, 1],
}
for name, model in roads.items():
    print(f"{name:12}{accuracy(model, x, y):.3f}  {middle[name].mean():.3f}")

# %% [markdown]
# First the share of right answers, then the mean probability that the true middle class got. "The middle, or the rest?" has no good answer by a line, since the rest
# lies on both sides. So one-vs-rest gives the middle about a third, its share of the points. The middle still wins where both
# neighbours are low, so the answers suffer less than the probabilities.
#
# ## Strengths, each with a number
#
# For these, train on ten thousand MNIST images and look at images that were held out. Another reader stands beside the model. It finds the training image that is
# nearest, the most similar one, and gives its label: its boundaries are as crooked as it takes.

# %%
from tutorial_utils.data import datasets

data = datasets.load("mnist")
train, validation = datasets.split(data.train, 0.1, seed)
X = train.images[:num_images].flatten(1) / 255
labels = train.labels[:num_images]
unseen, truth = validation.images.flatten(1) / 255, validation.labels

steps = num_epochs * -(-len(X) // 64)  # batches, rounded up
digits = fit(X, labels, steps, rate=0.3, size=64)
confidence = digits(unseen).softmax(dim=1).amax(dim=1)
correct = accuracy(digits, unseen, truth)

nearest = torch.cdist(unseen[:2_000], X).argmin(dim=1)
by_nearest = (labels[nearest] == truth[:2_000]).float().mean()

# %% tags=["hide-input"]
# @title Table: strengths
import pandas as pd

generator = torch.Generator().manual_seed(seed)
known = torch.tensor([2.0, -1.0, 0.0])  # weights to be found again
x = torch.randn(20_000, 3, generator=generator)
y = torch.rand(20_000, generator=generator) < (x @ known).sigmoid()
found = fit(x, y.long(), num_steps // 4, rate=1).weight.diff(dim=0)[0]
worst = (found - known).abs().max().item()  # found: class 1 less class 0


def shown(value):
    return f"{value:,}" if isinstance(value, int) else f"{float(value):.3f}"


def as_table(*rows):
    columns = ["", "measured", "this model", "compared with", "its value"]
    rows = [(a, b, shown(c), d, shown(e)) for a, b, c, d, e in rows]
    return pd.DataFrame(rows, columns=columns).set_index("").rename_axis(None)


seen_before = accuracy(digits, X, labels)
as_table(
    ("simple", "numbers to learn", 7_850, "nearest image keeps", X.numel()),
    ("readable", "error of weights", worst, "largest weight", 2),
    ("probabilities", "confidence", confidence.mean(), "accuracy", correct),
    ("fast", "products per image", 7_840, "nearest image", X.numel()),
    ("a baseline", "accuracy", correct, "guessing", 0.1),
    ("separable", "accuracy, clouds", right["clouds"], "guessing", 0.5),
)

# %% [markdown]
# For *readable*, labels were drawn from three known weights, and a model had to find these again.
#
# Two warnings. A mean confidence near the accuracy is less than calibration, which [Probabilities](../mnist/04b_probabilities.ipynb) measures properly. And weights are readable where
# features are not near copies of one another. Neighbouring pixels are.
#
# ## Weaknesses, each with a number
#
# One of them, scale, takes an experiment. Give one of two features a unit a hundred times smaller, so that its numbers are a hundred times
# larger. The best fit answers exactly the same. But how many steps does descent need, at the best of four rates, to come within one per cent of the best loss?


# %%
def steps_to(goal, x, y, rate):
    way = enumerate(descend(x, y, rate=rate), start=1)
    for step, (_, loss) in itertools.islice(way, num_steps):
        if loss < goal:
            return step
    return num_steps


x, y = draw_points("moons", 300, seed)
x = (x - x.mean(dim=0)) / x.std(dim=0)
goal = 1.01 * F.cross_entropy(fit(x, y)(x), y)
units = {1: x, 100: x * torch.tensor([1, 100])}
rates = (1, 0.001, 0.0003, 0.0001)
steps = {
    unit: min(steps_to(goal, each, y, rate) for rate in rates)
    for unit, each in units.items()
}

# %% tags=["hide-input"]
# @title Table: weaknesses
circle = right["rings"], right["rings with radius"]
as_table(
    ("straight boundaries", "accuracy, rings", circle[0], "guessing", 0.5),
    ("underfits", "accuracy, unseen", correct, "nearest image", by_nearest),
    ("underfits", "accuracy, training", seen_before, "nearest image", 1.0),
    ("scale", "steps", steps[1], "one feature x 100", steps[100]),
    ("needs features", "rings", circle[0], "with radius", circle[1]),
)

# %% [markdown]
# Looking up the most similar image reads more of the unseen ones. The linear model does not even get all its training images right. And scale does not change what the model
# can say, only how hard that is to find. One rate must serve both features. The one that the large feature allows is far too small for the other.
# (A count equal to `num_steps` means: not reached.)
#
# ## Beyond the data
#
# A model answers everywhere, also where it has seen nothing. Fit two curves to labels 0 and 1 at values between $-1$ and 1: a straight line by least squares, and
# a sigmoid. Then ask both far outside.

# %%
import numpy as np

generator = torch.Generator().manual_seed(seed)
value = 2 * torch.rand(200, 1, generator=generator) - 1
label = torch.rand(200, generator=generator) < torch.sigmoid(4 * value[:, 0])
model = fit(value, label.long())

wide = torch.linspace(-4, 4, 81)
curve = model(wide[:, None]).softmax(dim=1)[:, 1]
straight = np.polyval(np.polyfit(value[:, 0], label, 1), wide)

# %% tags=["hide-input"]
# @title Figure: a line and a sigmoid, far beyond their data
curves = {"sigmoid": (wide, curve), "line": (wide, straight)}
ax = compare_curves(curves, xlabel="value", ylabel="probability")
ax.axvspan(-1, 1, color="black", alpha=0.08, linewidth=0)
show(
    ax,
    caption="A line and a sigmoid fitted to labels at values between -1 and 1"
    " (shaded), and continued.",
    alt="Where it is shaded the two nearly agree. Outside, the line leaves the"
    " range from 0 to 1 on both sides, and the sigmoid stays within.",
    name="fig-foundations-extrapolation",
)

# %% [markdown]
# The line's "probabilities" below zero and above one mean nothing. The sigmoid stays inside. But it is not wise, only bounded: far from all data it becomes
# certain, with no reason. Show the model of the digits their photographic negatives, with ink and paper swapped. You would read every one of them.

# %%
sure, answer = digits(1 - unseen).softmax(dim=1).max(dim=1)
negative = (answer == truth).float().mean().item()

# %% tags=["remove-input"]
# @title Your prediction
from tutorial_utils.lessons.questions import ask, choice, predict

guesses = {"most of them": 0.9, "one in ten, as by guessing": 0.1}
guesses["almost none"] = 0
ask(
    [
        predict(
            "How many of the negatives does it read?",
            list(guesses),
            correct=min(guesses, key=lambda n: abs(guesses[n] - negative)),
            because=f"a share of {negative:.3f} is right, and the median"
            f" confidence is {sure.median():.3f}.",
        )
    ]
)

# %%
print(f"digits     {correct:.3f} {confidence.median():.3f}")
print(f"negatives  {negative:.3f} {sure.median():.3f}")
answer.bincount(minlength=10)

# %% [markdown]
# Share of right answers, median confidence, and how often each digit was the answer. It is *worse* than guessing, and nearly as sure as on real digits. There is much ink, so the
# leads of one score over another are long, and no weight ever learnt what a paper full of ink means. A probability from this model is a statement about images like those it
# was trained on, and about no others. Deep networks do the same ([Hein et al., 2019](https://arxiv.org/abs/1812.05720)).
#
# ## So when is it the right tool?
#
# | use it when | look for another when |
# |---|---|
# | you need a first number, quickly, to compare others with | the boundary is curved, and no feature straightens it |
# | weights should be read, and features are no near copies | features are raw pixels of things that move, turn and change |
# | you want probabilities, and new data resemble the old | data will come from elsewhere, and certainty there would mislead |
# | features are many and little else is known (with a penalty) | accuracy matters more than simplicity |
#
# No data set is on one side throughout. MNIST's digits are centred, but neighbouring pixels are near copies. In CIFAR-10's photographs, things move, turn
# and change. The rest of this book measures both.

# %% tags=["remove-input"]
# @title The book's own check (skip)
from tutorial_utils.lessons.expect import expect

expect("the clouds are separated", right["clouds"], above=0.97)
expect("the moons are mostly right", right["moons"], between=(0.8, 0.95))
expect("the rings are guessed", right["rings"], between=(0.4, 0.6))
expect("the radius straightens them", right["rings with radius"], above=0.97)
free, held = lengths.values()
late = num_steps // 2
expect("without a penalty they grow", free[-1] - free[late], above=0.1)
expect("with one they settle", abs(held[-1] - held[late]), below=0.05)
third = middle["one-vs-rest"].mean()
expect("one-vs-rest gives the middle a third", third, between=(0.28, 0.4))
expect("the weights are found again", worst, below=0.15)
gap = confidence.mean() - correct
expect("confidence is near the accuracy", gap, between=(-0.04, 0.04))
expect("the nearest image beats the model", by_nearest, above=correct + 0.01)
expect("not all training images are right", seen_before, below=0.98)
expect("scale costs steps", steps[100], above=20 * steps[1])
expect("on negatives it is worse than guessing", negative, below=0.09)
expect("and nearly as sure", sure.median(), above=0.85)

# %% [markdown]
# ## Exercises
#
# ### Exercise 1 ★ With a pencil
#
# The first class has the score $2 x_1 - x_2$, the second $x_2 - 1$. Where does the boundary cross the axis $x_1 = 0$? And how much larger is the first score at the
# point $(1, 1)$?

# %%
from tutorial_utils.lessons import checks

crosses_at, first_leads_by = ..., ...

checks.answer(crosses_at, 0.5, tolerance=0.01, hint="set the scores equal")
checks.answer(first_leads_by, (2 - 1) - (1 - 1), tolerance=0.01, hint="insert")

# %% tags=["hide-cell"]
# @title Solution
# Equal where 2 x1 - x2 = x2 - 1, so 2 x1 + 1 = 2 x2: the line crosses at 1/2.
# At (1, 1) the scores are 1 and 0.
(2 * 1 - 1) - (1 - 1)

# %% [markdown]
# ### Exercise 2 ★ Predict, then run
#
# The same unseen digits, written with a pale pencil: all ink at half its strength. Does the model read fewer of them? Is it less sure? Type your guess of the
# median confidence. Within 0.1 counts.

# %%
your_guess = ...
pale = digits(unseen / 2)
half = pale.softmax(dim=1).amax(dim=1).median()
hint = "half the ink, half the lead of one score over another"
checks.answer(your_guess, half, tolerance=0.1, hint=hint)

# %% tags=["hide-cell"]
# @title Solution
# Less sure, because the leads are about half as long. But the leader mostly
# stays the leader. Somewhat fewer are read, because the biases do not fade.
half, (pale.argmax(dim=1) == truth).float().mean(), correct

# %% [markdown]
# ### Exercise 3 ★★ Straighten the moons
#
# Add features to the moons, as the radius was added to the rings, until at least 97 % of fresh points are right. The starter adds nothing. Powers of the first
# feature are a good start.


# %%
def your_features(x):
    return torch.cat([x], dim=1)


def share_right(features):
    x, y = draw_points("moons", 300, seed)
    model = fit(features(x), y, rate=0.3)
    x, y = draw_points("moons", 2_000, seed + 1)
    return accuracy(model, features(x), y)


checks.answer(share_right(your_features), 1, tolerance=0.03, hint="a wave fits")


# %% tags=["hide-cell"]
# @title Solution
# A cubic can follow the wave between the moons.
def with_powers(x):
    return torch.cat([x, x[:, :1] ** 2, x[:, :1] ** 3], dim=1)


share_right(with_powers)

# %% [markdown]
# ## Five questions

# %% tags=["remove-input"]
# @title Five questions
ask(
    [
        choice(
            "Why is the boundary of softmax regression straight?",
            {
                "softmax is a straight line": "It is curved, but where two"
                " probabilities are equal, so are the scores.",
                "it lies where two linear scores are equal": "",
                "training makes it so": "No weights could bend it.",
            },
            correct="it lies where two linear scores are equal",
            because="equal scores are a linear equation in the features.",
        ),
        choice(
            "The weights grow and grow, and the training accuracy stays at"
            " 100 %. What is going on?",
            {
                "the learning rate is too high": "Then the loss would rise.",
                "a line separates the data": "",
                "the model is learning more": "Its answers no longer change.",
            },
            correct="a line separates the data",
            because="longer weights lower the loss. A penalty ends it.",
        ),
        choice(
            "The ten numbers of one-vs-rest for an image sum to 1.7. A bug?",
            {
                "yes, probabilities sum to one": "Those of softmax do.",
                "no": "",
            },
            correct="no",
            because="they answer ten separate questions.",
        ),
        choice(
            "You give one of two features in a unit a hundred times smaller."
            " How many steps does it take to the same loss?",
            {
                "as many: its weight becomes smaller": "It would, in the end.",
                "far more": "",
                "fewer: the model can express more": "It can say the same.",
            },
            correct="far more"
            if steps[100] > steps[1]
            else "as many: its weight becomes smaller",
            because=f"here {steps[100]:,} steps or more, not {steps[1]:,}.",
        ),
        choice(
            "A photograph of a cat is shown to the model of the digits. It says"
            " 8, with 0.97. What do you conclude?",
            {
                "the cat looks like an 8": "Negatives look like a 5, then.",
                "nothing about the cat": "",
                "the model is badly calibrated on digits": "A cat says nothing"
                " about that.",
            },
            correct="nothing about the cat",
            because="it shares 1 among ten digits, whatever it is shown.",
        ),
    ]
)

# %% [markdown]
# ## Further reading
#
# * [Hastie, Tibshirani and Friedman (2009)](https://doi.org/10.1007/978-0-387-84858-7), chapter 4, on linear methods for classification.
# * The made-up points come from [scikit-learn (Pedregosa et al., 2011)](https://jmlr.org/papers/v12/pedregosa11a.html).
#
# Enough of clouds and rings. [The images](../mnist/01_eda.ipynb) are next.

# %% tags=["remove-cell"]
# @title The results file
from tutorial_utils.report import results

path_written = results.write(
    "foundations/04_when_it_fits",
    parameters={
        "seed": seed,
        "num_images": num_images,
        "num_epochs": num_epochs,
        "num_steps": num_steps,
    },
    metrics={
        "plane_accuracy": right,
        "weight_length": {name: rows[-1] for name, rows in lengths.items()},
        "accuracy": {"train": seen_before, "new": correct},
        "neighbour_accuracy": by_nearest,
        "steps_by_scale": {"standardised": steps[1], "x 100": steps[100]},
        "negatives": {"accuracy": negative, "confidence": sure.median()},
    },
    data_hash=data.fingerprint,
)
