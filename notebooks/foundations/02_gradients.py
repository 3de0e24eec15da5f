# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Gradients
#
# Your model reads a 5 as a 3. Which way, and how strongly, should each of its 7,850 numbers move to mend that?
#
# *20 minutes to read, 60 with the exercises. **You need** [Softmax and cross-entropy](01_softmax_and_cross_entropy.ipynb), derivatives with
# the chain rule, and matrix products. Next comes [Gradient descent](03_gradient_descent.ipynb).*
#
# After this chapter you can
#
# * derive the gradient of the loss with a pencil: prediction minus truth;
# * carry it on to the weights, for one image and for a batch;
# * check any gradient without calculus;
# * say why going downhill cannot end in the wrong valley.
#
# Symbols are those of [Notation](../../book/notation.md).

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
seed: int = 0  # draws the batch and the first weights, 0 or more
batch_size: int = 64  # images in the batch, 1 to 1,000
learning_rate: float = 0.1  # step length of the updates, above 0

# %%
from tutorial_utils.lessons.show import show
from tutorial_utils.plots.style import use_book_style

use_book_style()

# %% [markdown]
# ## Three numbers
#
# Take the scores of [the page before](01_softmax_and_cross_entropy.ipynb): 2, 1 and $-1$ for the digits 3, 5 and 8, and the image shows a 5. (They are
# `float64` here, sixteen digits instead of seven: [the check at the end](#Check-it-without-calculus) needs them.)

# %%
import torch
import torch.nn.functional as F

torch.set_printoptions(precision=4, sci_mode=False)
z = torch.tensor([2, 1, -1], dtype=torch.float64)
y = torch.tensor([0, 1, 0], dtype=torch.float64)


def loss_of(z):
    return -(y * z.log_softmax(dim=0)).sum()


loss_of(z)

# %% [markdown]
# Which score should move? Try it. Raise one score by a hair, a thousandth, and see by how much the loss changes for each unit of that raise. **Predict
# first:** for which scores does the loss rise, and for which does it fall?

# %%
p = z.softmax(dim=0)
slopes = torch.zeros(3, dtype=torch.float64)
for k in range(3):
    nudged = z.clone()
    nudged[k] += 0.001
    slopes[k] = (loss_of(nudged) - loss_of(z)) / 0.001
torch.stack([slopes, p, y, p - y], dim=1)

# %% [markdown]
# One row for each digit. First the slope that you measured, then $p$, $\mathbf{y}$ and $p - \mathbf{y}$. The first and the last column agree in three digits: **the slope
# of the loss in a score is prediction minus truth.** A slope of $-0.74$ says: raise this score by a little, and the loss falls by 0.74 times that little.
#
# Going downhill means going against the slope, so the **push** on each score is $\mathbf{y} - p$.

# %% tags=["hide-input"]
# @title Figure: what the model said, and the push on each score
from tutorial_utils.plots.foundations import pushes

show(
    pushes(p, y - p, ["3", "5", "8"], xlabel="digit"),
    caption="Probabilities of three digits (left), and the push on each score"
    " if the 5 is true (right).",
    alt="Left, a tall bar at 3, a short one at 5 and a tiny one at 8. Right, a"
    " tall blue bar upwards at 5, an orange one down at 3, a tiny one at 8.",
    name="fig-foundations-pushes",
)

# %% [markdown]
# The true digit is pushed up by all that its probability lacks. Each other digit is pushed down by what it was given, so the 3, most wrongly
# believed, is pushed the most. The pushes add up to zero. They fade as the model becomes right, and none is ever longer than 1.
#
# ## Why prediction minus truth
#
# Write the loss with the log-sum-exp of the page before, and with $t$ for the true class:
#
# $$
# \ell = -\ln p_t = -z_t + \ln \sum_j e^{z_j}
# $$
#
# Take the slope in the score $z_k$. The first term gives $-1$ if $k$ is the true class, and else 0: that is $-\mathbf{y}_k$. The second is a
# logarithm of a sum, whose slope is the slope of the sum divided by the sum:
#
# $$
# \frac{\partial \ell}{\partial z_k} = -\mathbf{y}_k + \frac{e^{z_k}}{\sum_j e^{z_j}} = p_k - \mathbf{y}_k
# $$
#
# All slopes together are the **gradient**. PyTorch finds the same one:

# %%
z.requires_grad_()
loss_of(z).backward()
torch.testing.assert_close(z.grad, p - y)

# %% [markdown]
# ### The longer way, and what it is good for
#
# Many books go through the probabilities. How does $p_k$ change when $z_i$ moves? The quotient rule gives $p_k (1 - p_k)$ for a class's own score and
# $-p_k p_i$ for another's. All of them form one matrix, the **Jacobian** of softmax:
#
# $$
# J = \operatorname{diag}(p) - p\,p^\top, \qquad J_{ki} = \frac{\partial p_k}{\partial z_i}
# $$

# %%
J = torch.diag(p) - torch.outer(p, p)
J

# %% [markdown]
# Raising a score raises its own probability (the diagonal) at the cost of all others. Rows sum to zero: what one gains, the others
# lose. And the chain rule leads back to where you were. The loss is $-\ln p_t$, so its slope in $p_t$ is $-1/p_t$, and
# row $t$ of $J$ times that is $p - \mathbf{y}$. The small probability in the denominator cancels. With other losses it does not, as
# [the last exercise](#Exercise-4-★★★-Another-loss) shows.

# %% [markdown]
# ## From scores to weights
#
# Nobody moves scores. A score is made of weights, pixels and a bias, $z_k = \sum_j W_{kj}\, x_j + b_k$, and those can be moved. The weight $W_{kj}$ occurs in
# score $k$ alone, multiplied by pixel $x_j$. So its slope is the slope of its score, times its pixel:
#
# $$
# \frac{\partial \ell}{\partial W_{kj}} = (p_k - \mathbf{y}_k)\, x_j
# $$
#
# $$
# \frac{\partial \ell}{\partial b_k} = p_k - \mathbf{y}_k
# $$
#
# For an image of four pixels, the slopes of all twelve weights are one table, each row $p_k - \mathbf{y}_k$ times the image. Such a table is
# called an **outer product**.

# %%
x = torch.tensor([0, 0.5, 1, 0], dtype=torch.float64)
torch.outer(p - y, x)

# %% [markdown]
# Blank pixels change nothing (a `-0.` is a zero). Inked ones change every digit's weights, the true one's upwards. Now a whole image: a 5 from MNIST and an untrained
# model, as on [the first page](../start/01_read_digits.ipynb).

# %%
from torch import nn

from tutorial_utils.data import datasets

data = datasets.load("mnist")
torch.manual_seed(seed)
chosen = torch.randperm(len(data.train))[:batch_size]
X = data.train.images[chosen].flatten(start_dim=1).double() / 255
labels = data.train.labels[chosen]
model = nn.Linear(784, 10).double()

# %%
five = (data.train.labels == 5).nonzero()[0]
image = data.train.images[five].flatten().double() / 255
said = model(image).softmax(dim=0).detach()
wanted = F.one_hot(torch.tensor(5), 10)
slopes_of_five = torch.outer(said - wanted, image)

# %% tags=["hide-input"]
# @title Figure: the slope of the loss in each digit's weights
from tutorial_utils.plots.model import evidence_images

titles = [f"{k}: {v:+.2f}" for k, v in enumerate((wanted - said).tolist())]
show(
    evidence_images(list(-slopes_of_five.view(10, 28, 28)), titles),
    caption="Minus the slope of the loss in each digit's weights, for one 5:"
    " the image itself, times y - p (in the titles). Blue: this weight will"
    " rise.",
    alt="Ten panels with the same handwritten 5. The panel of the digit 5 shows"
    " it in strong blue, the nine others show it in pale red.",
    name="fig-foundations-gradient-images",
)

# %% [markdown]
# The image is added to the weights of the 5, and a little of it is taken away from all others. That is all that this model ever learns from an image. How much
# is bounded: the slopes of the weights together have the length of $p - \mathbf{y}$ times the length of the image, and the first is never above
# $\sqrt 2$. A single image cannot make this gradient explode.
#
# ## A batch
#
# The loss of a batch is the mean of its images' losses, so its gradient is the mean of their gradients. Put the images into the rows of $X$, and the
# probabilities and one-hot labels into the rows of $P$ and $Y$. Then a matrix product does the sum:
#
# $$
# \frac{\partial L}{\partial W} = \frac{1}{B} (P - Y)^\top X
# $$
#
# $$
# \frac{\partial L}{\partial b} = \frac{1}{B} \sum_{i=1}^{B} \left(p^{(i)} - \mathbf{y}^{(i)}\right)
# $$


# %%
def gradient(weight, bias, inputs, truth):
    predicted = (inputs @ weight.T + bias).softmax(dim=1)
    slopes = (predicted - truth) / len(inputs)  # in the scores
    return slopes.T @ inputs, slopes.sum(dim=0)


Y = F.one_hot(labels, 10)
W, b = model.weight.detach().clone(), model.bias.detach().clone()
dw, db = gradient(W, b, X, Y)
dw.shape, db.shape

# %% [markdown]
# The shapes are a check already: ten rows of $B$ times $B$ rows of 784 are ten rows of 784, the shape of $W$. And `backward` agrees:

# %%
F.cross_entropy(model(X), labels).backward()
torch.testing.assert_close(dw, model.weight.grad)
torch.testing.assert_close(db, model.bias.grad)

# %% [markdown]
# ## The update rule
#
# **Gradient descent** moves every number against its slope, by the **learning rate** $\eta$ times the slope:
#
# $$
# W \leftarrow W - \frac{\eta}{B} (P - Y)^\top X
# $$
#
# $$
# b \leftarrow b - \frac{\eta}{B} \sum_{i=1}^{B} \left(p^{(i)} - \mathbf{y}^{(i)}\right)
# $$
#
# In words: if a digit was believed too much where a pixel had ink, that weight falls. Five steps of your own on this batch, beside five of PyTorch:

# %%
optimiser = torch.optim.SGD(model.parameters(), lr=learning_rate)
losses = []
for _ in range(5):
    dw, db = gradient(W, b, X, Y)
    W, b = W - learning_rate * dw, b - learning_rate * db

    loss = F.cross_entropy(model(X), labels)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    losses.append(loss.item())

torch.testing.assert_close(W, model.weight.detach())
losses

# %% [markdown]
# The weights are the same, and the loss falls with each step. So the loop of the first page holds no secret: forward pass, `backward` and `step` together are two
# matrix products, a softmax and a subtraction. PyTorch earns its keep where a model has more than one layer.
#
# ## The loss is a bowl
#
# Downhill leads to the bottom only if there is one valley. Is there? Stand at your weights, choose a direction at random, and walk straight ahead and back. Here
# is the loss of the batch on four such walks.

# %%
t = torch.linspace(-20, 20, 81, dtype=torch.float64)


def walk(direction):
    stops = [W + step * direction for step in t]
    return [F.cross_entropy(X @ V.T + b, labels) for V in stops]


directions = torch.randn(4, 10, 784).double()
walks = [walk(d / d.norm()) for d in directions]

# %% tags=["hide-input"]
# @title Figure: the loss on four straight walks
from tutorial_utils.plots.training import compare_curves

curves = {f"walk {k}": (t, each) for k, each in enumerate(walks, 1)}
ax = compare_curves(curves, xlabel="distance walked", ylabel="loss (nats)")
show(
    ax,
    caption="The loss of the batch along four random directions through the"
    " weights. Distance 0 is where you stand.",
    alt="Four curves cross at distance 0. Each is bent upwards everywhere, like"
    " a section through a bowl, and their lowest points lie apart.",
    name="fig-foundations-bowl",
)

# %% [markdown]
# Each curve bends upwards everywhere, and so it is on every straight walk: the loss is **convex**, a bowl. A curve that bends upwards cannot turn down again once it has
# begun to rise, so it has no second valley. Why does it bend upwards? Its slope never falls, that is, the slope *of the slope* is never negative. The slope in the scores is
# $p - \mathbf{y}$, and $\mathbf{y}$ does not move, so the slope of that is how $p$ changes, $J$. In a direction $v$ the loss bends by
#
# $$
# v^\top J v = \sum_k p_k v_k^2 - \Big(\sum_k p_k v_k\Big)^2 ,
# $$
#
# which is the variance of numbers $v_k$ drawn with probabilities $p_k$. No variance is negative. Scores are linear in the weights, so what holds
# for scores holds for weights: **every minimum is the lowest.** Two notes. Adding the same to all scores bends nothing, so a bowl may have a
# flat floor: there is not *one* best $W$. And the floor may lie infinitely far away, as [When it fits](04_when_it_fits.ipynb#Weights-without-bound) shows.
#
# ## Check it without calculus
#
# You began with a nudge. It is the oldest check there is, because it knows no calculus and shares no mistake with your pencil. Nudge to both sides, and the
# errors of the two sides mostly cancel:
#
# $$
# f'(a) \approx \frac{f(a + h) - f(a - h)}{2h}
# $$
#
# This is a **finite difference**. It takes two evaluations for each number, so nobody trains with it. Use it once after each derivation.


# %%
def finite_differences(function, point, h=1e-5):
    slopes = []
    for index in range(point.numel()):
        nudge = torch.zeros_like(point)
        nudge.view(-1)[index] = h
        rise = function(point + nudge) - function(point - nudge)
        slopes.append(rise / (2 * h))
    return torch.stack(slopes, dim=-1)


# %% [markdown]
# Try it on the three numbers, and then on every formula of this page, each single number of it:

# %%
z = z.detach()
finite_differences(loss_of, z) - (p - y)

# %% tags=["hide-input"]
# @title Table: how far finite differences are from each formula
import pandas as pd


def loss_of_five(weight):
    return F.cross_entropy(image @ weight.T + b, torch.tensor(5))


def loss_of_batch(weight, bias):
    return F.cross_entropy(X @ weight.T + bias, labels)


dw, db = gradient(W, b, X, Y)
said = (image @ W.T + b).softmax(dim=0)
formulas = {
    "softmax: J": (J, lambda z: z.softmax(dim=0), z),
    "loss by scores": (p - y, loss_of, z),
    "one image, by W": (torch.outer(said - wanted, image), loss_of_five, W),
    "batch, by W": (dw, lambda weight: loss_of_batch(weight, b), W),
    "batch, by b": (db, lambda bias: loss_of_batch(W, bias), b),
}
rows = {}
for name, (formula, function, point) in formulas.items():
    found = finite_differences(function, point).view_as(formula)
    error = (found - formula).abs().max().item()
    rows[name] = {"numbers": formula.numel(), "largest error": error}
checked = pd.DataFrame(rows).T
checked.style.format({"numbers": "{:,.0f}", "largest error": "{:.0e}"})

# %% [markdown]
# No error is above a billionth. A wrong sign, a forgotten $1/B$ or a transposed matrix would show as an error millions of times larger.

# %% tags=["remove-input"]
# @title The book's own check (skip)
from torch.autograd.functional import hessian, jacobian

from tutorial_utils.lessons.expect import expect

agree = (slopes - (p - y)).abs().max()
expect("the nudges agree with p - y in three digits", agree, below=0.0005)
expect("the slope of the 5 is near -0.74", (p - y)[1], between=(-0.745, -0.735))
expect("the 3 is pushed down the most", (p - y).argmax(), equals=0)
steepest = torch.tensor(losses).diff().max()
expect("the loss falls with each step", steepest, below=0)
bends = torch.tensor(walks).diff(dim=1).diff(dim=1).min()
expect("each walk bends upwards everywhere", bends, above=0)
worst = checked["largest error"].max()
expect("no error is above a billionth", worst, below=1e-9)
torch.testing.assert_close(-J[1] / p[1], p - y)
torch.testing.assert_close(J, jacobian(lambda z: z.softmax(dim=0), z))
torch.testing.assert_close(J, hessian(loss_of, z))
longest = (said - wanted).norm() * image.norm()
length = torch.outer(said - wanted, image).norm()
torch.testing.assert_close(length, longest)

# %% [markdown]
# ## Exercises
#
# ### Exercise 1 ★ With a pencil
#
# Three scores are all 0, and the first class is true. What is the slope of the loss in the first score, and what in the second? Type both in place of
# the dots.

# %%
from tutorial_utils.lessons import checks

slope_first, slope_second = ..., ...

third = torch.ones(3).softmax(dim=0)
checks.answer(slope_first, third[0] - 1, tolerance=0.01, hint="p - y")
checks.answer(slope_second, third[1], tolerance=0.01, hint="p - y, y is 0")

# %% tags=["hide-cell"]
# @title Solution
# Each class has one third. So 1/3 - 1 for the true one, 1/3 for the others.
third - torch.tensor([1.0, 0, 0])

# %% [markdown]
# ### Exercise 2 ★ Predict, then run
#
# A smaller step $h$ comes closer to the true slope. So $h = 10^{-12}$ should be a better check than $10^{-5}$. Is it? Write down what you expect of
# `error_of(1e-1)`, `error_of(1e-5)` and `error_of(1e-12)`, then run them. Which power of ten is best? Type its exponent, such as $-3$.


# %%
def error_of(h):
    error = finite_differences(loss_of, z, h) - (p - y)
    return error.abs().max().item()


best_exponent = ...
hint = "try more steps between 1e-3 and 1e-9"
checks.answer(best_exponent, -5.5, tolerance=1.6, hint=hint)

# %% tags=["hide-cell"]
# @title Solution
# Near 1e-5. Longer steps leave the tangent. Shorter ones subtract two numbers
# that agree in nearly all digits, and what is left is mostly rounding.
trials = {exponent: error_of(10.0**exponent) for exponent in range(-12, 0)}
min(trials, key=trials.get), trials[-1], trials[-5], trials[-12]

# %% [markdown]
# ### Exercise 3 ★★ Your own gradient, for two classes
#
# With two classes and the sigmoid, $\ell = -y \ln \sigma(z) - (1 - y) \ln(1 - \sigma(z))$, with $y$ 1 or 0. Derive the slope in $z$, and let your
# function return it. (It is checked for scores from $-6$ to 6, with both labels.)


# %%
def your_slope(z, y):
    return torch.sigmoid(z)  # not yet


def by_autograd(z, y):
    z = z.clone().requires_grad_()
    F.binary_cross_entropy_with_logits(z, y, reduction="sum").backward()
    return z.grad


many = torch.linspace(-6, 6, 13)
both = [(many, torch.zeros(13)), (many, torch.ones(13))]
checks.function(your_slope, by_autograd, both)


# %% tags=["hide-cell"]
# @title Solution
# The slope of sigma is sigma (1 - sigma), which cancels in both terms.
def my_slope(z, y):
    return torch.sigmoid(z) - y


checks.function(my_slope, by_autograd, both)

# %% [markdown]
# ### Exercise 4 ★★★ Another loss
#
# Take squared error on the probabilities, $\frac12 \lVert p - \mathbf{y} \rVert^2$, in place of cross-entropy. Derive its slopes in the scores with the
# Jacobian. Then look at a model that is certain and wrong: scores 10, 0 and 0, and the second class is true. What would it learn?
# (Hint: first the slope in each $p_k$, which is easy; then $J$ carries it on to the scores.)


# %%
def squared_slopes(z, y):
    p = z.softmax(dim=0)
    return p - y  # not yet: this is cross-entropy's


def squared_by_autograd(z, y):
    z = z.clone().requires_grad_()
    (0.5 * (z.softmax(dim=0) - y).square().sum()).backward()
    return z.grad


wrong = torch.tensor([10, 0, 0], dtype=torch.float64)
cases = [(z, y), (wrong, y)]
checks.function(squared_slopes, squared_by_autograd, cases)


# %% tags=["hide-cell"]
# @title Solution
# J (p - y): nothing cancels, and J is almost zero where p is extreme. So it
# learns next to nothing where it is most wrong.
def my_squared_slopes(z, y):
    p = z.softmax(dim=0)
    return (torch.diag(p) - torch.outer(p, p)) @ (p - y)


checks.function(my_squared_slopes, squared_by_autograd, cases)
my_squared_slopes(wrong, y)

# %% [markdown]
# ## Five questions

# %% tags=["remove-input"]
# @title Five questions
from tutorial_utils.lessons.questions import ask, choice, number

equal = torch.zeros(10).softmax(dim=0)
loss_change = 0.1 * (p - y)[1].item()
ask(
    [
        number(
            "A model gives the true digit a probability of 0.9. What is the"
            " slope of the loss in that digit's score?",
            answer=0.9 - 1,
            tolerance=0.005,
            because="prediction minus truth. It is below zero, so raising the"
            " score lowers the loss.",
        ),
        choice(
            "What are the slopes in the weights of a pixel that is blank?",
            {
                "0": "",
                "p - y": "That is the slope in the biases.",
                "they depend on the weights": "The weights come in through p"
                " alone, and p - y is multiplied by the pixel.",
            },
            correct="0" if (dw[:, 0] == 0).all() else "p - y",
            because="each slope is p - y times the pixel, which is 0.",
        ),
        choice(
            f"P - Y has shape ({batch_size}, 10), X has ({batch_size}, 784)."
            " Which product has the shape of W?",
            {
                "(P - Y).T @ X": "",
                "X.T @ (P - Y)": "That is its transpose, (784, 10).",
                "(P - Y) @ X": "These shapes do not fit.",
            },
            correct="(P - Y).T @ X",
            because=f"it has shape {tuple(dw.shape)}.",
        ),
        choice(
            "A gradient that you derived disagrees with finite differences by"
            f" a factor of {batch_size}, the batch size. What happened?",
            {
                "the step h was too long": "The error would be small.",
                "the mean over the batch was forgotten": "",
                "PyTorch rounds": "Never by this much.",
            },
            correct="the mean over the batch was forgotten",
            because="a sum over the batch is that many times its mean.",
        ),
        choice(
            "Two people train this model on the same images, from different"
            " first weights, for a very long time. What do they find?",
            {
                "two different losses, each in its own valley": "There is one"
                " valley alone.",
                "the same loss": "",
                "the same loss, and exactly the same weights": "Add the same"
                " numbers to all rows of W, and no probability changes.",
            },
            correct="the same loss" if bends > 0 else "two different losses",
            because="the loss is a bowl, whose floor may be flat.",
        ),
    ]
)

# %% [markdown]
# ## Further reading
#
# * [Baydin et al. (2018)](https://jmlr.org/papers/v18/17-468.html) explain automatic differentiation, and how it differs from symbols and
#   from differences.
# * [Bishop (2006)](https://www.microsoft.com/en-us/research/publication/pattern-recognition-machine-learning/), section 4.3, derives the same
#   gradients.
#
# You know which way is down. How many images should you look at before each step? [Gradient descent](03_gradient_descent.ipynb) tries all, one, and
# a few.

# %% tags=["remove-cell"]
# @title The results file
from tutorial_utils.report import results

path = results.write(
    "foundations/02_gradients",
    parameters={
        "seed": seed,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
    },
    metrics={
        "checks": len(checked),
        "worst_error_of_differences": worst,
        "loss_path": losses,
        "least_bend": bends,
    },
    data_hash=data.fingerprint,
)
