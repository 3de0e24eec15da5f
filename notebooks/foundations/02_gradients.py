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
# Training moves every weight a little against its gradient. For softmax regression that gradient is short enough to
# derive on one page: prediction minus truth, times input. This chapter derives it step by step, and checks each
# formula twice, in the cell that follows it.
#
# **After this chapter you can**
#
# * derive the gradient of the loss, from the Jacobian of softmax to the weights and the bias;
# * check any gradient against finite differences, with a step that is neither too long nor too short;
# * write the gradients of a batch as two matrix products, and the update rule from them;
# * say why the gradient is bounded and why the loss has no false minima.
#
# **You need** [](01_softmax_and_cross_entropy), the chain rule and matrix products. Symbols are those of
# [](../../book/notation): examples are rows, so a batch is a matrix [$X$](notation-x) of shape [$B$](notation-b-size) by [$n$](notation-n) and the weights
# [$W$](notation-w) have shape $(K, n)$.

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
dataset: str = "mnist"  # data set of the batch, "mnist"
seed: int = 0  # fixes the batch, the initial weights and the made-up numbers, 0 or more
batch_size: int = 64  # images in the batch, 1 to 1,000
learning_rate: float = 0.01  # step length of the updates at the end, above 0
weight_decay: float = 0.01  # strength of the L2 penalty in those updates, 0 or more

# %%
from tutorial_utils.training.config import TrainingConfig

config = TrainingConfig(
    dataset=dataset,
    seed=seed,
    batch_size=batch_size,
    learning_rate=learning_rate,
    weight_decay=weight_decay,
    device="cpu",
    momentum=0.0,
)

# %%
import torch

from tutorial_utils.plots.style import use_book_style

use_book_style()
torch.set_printoptions(precision=4, sci_mode=False)

# %% [markdown]
# The numbers are one batch of images and the untrained model. They are made `float64`, sixteen digits instead of seven, because
# checks by differences lose half of the digits.

# %%
import torch.nn.functional as F

from tutorial_utils.data import datasets
from tutorial_utils.report.narrate import enumerate_words, say, table
from tutorial_utils.training.batches import training_batches
from tutorial_utils.training.models import make_model

data = datasets.load(config.dataset)
train, _ = training_batches(data.train, config)
images, labels = next(iter(train))
X = images.flatten(start_dim=1).double()
model = make_model(config).double()
W, b = model.linear.weight.detach().clone(), model.linear.bias.detach().clone()
Y = F.one_hot(labels, config.description.num_classes).double()
say(f"X has shape {tuple(X.shape)}, W {tuple(W.shape)}, b {tuple(b.shape)}, and Y, the"
    f" one-hot labels, {tuple(Y.shape)}.")  # fmt: skip

# %% [markdown]
# (foundations-chain)=
# ## The chain
#
# For one example the loss is reached in three steps, and the {term}`chain rule` walks them back, one [$\partial$](notation-partial) at a time:
#
# $$
# z = W x + b, \qquad p = \operatorname{softmax}(z), \qquad \ell = -\sum_k \mathbf{y}_k \ln p_k,
# $$
#
# $$
# \frac{\partial \ell}{\partial W_{kj}} = \sum_i \frac{\partial \ell}{\partial z_i} \frac{\partial z_i}{\partial W_{kj}},
# \qquad
# \frac{\partial \ell}{\partial z_i} = \sum_k \frac{\partial \ell}{\partial p_k} \frac{\partial p_k}{\partial z_i}.
# $$
#
# So three pieces are needed: $\partial \ell / \partial p$, the {term}`Jacobian` $\partial p / \partial z$, and $\partial z / \partial W$.
#
# (foundations-finite-differences)=
# ## How to check a derivative
#
# A derivative is a limit of differences, so take a small step [$h$](notation-h) to both sides and compare:
#
# $$
# f'(a) \approx \frac{f(a + h) - f(a - h)}{2h}.
# $$
#
# This **central {term}`finite difference`** uses nothing but values of $f$. It knows no calculus and so cannot share a mistake with a
# derivation. It costs two evaluations for each number, which is why nobody trains with it.


# %%
def finite_differences(function, point, step=1e-5):
    """Slopes of a function by every number of a point; the last axis counts those numbers."""
    slopes = []
    for index in range(point.numel()):
        nudge = torch.zeros_like(point)
        nudge.view(-1)[index] = step
        rise = function(point + nudge) - function(point - nudge)
        slopes.append(rise / (2 * step))
    return torch.stack(slopes, dim=-1)


# %% [markdown]
# How small should $h$ be? Too long a step leaves the tangent; too short a step subtracts two numbers that agree in all
# digits. The next figure shows the error for the slope of the batch's loss by the first bias, for one-sided and
# for central differences.


# %%
from torch.autograd.functional import hessian, jacobian


def loss_of_bias(bias):
    return F.cross_entropy(X @ W.T + bias, labels)


exact = jacobian(loss_of_bias, b)[0].item()
first = torch.zeros_like(b)
first[0] = 1.0
steps = torch.logspace(-14, 0, 57, dtype=torch.float64)
here = loss_of_bias(b)
errors = {"one-sided": [], "central": []}
for h in steps:
    ahead, behind = loss_of_bias(b + h * first), loss_of_bias(b - h * first)
    errors["one-sided"].append(abs((ahead - here) / h - exact).item())
    errors["central"].append(abs((ahead - behind) / (2 * h) - exact).item())

# %% mystnb={"figure": {"caption": "Error of one-sided and central differences against the step, both axes logarithmic.", "name": "fig-foundations-finite-differences"}, "image": {"alt": "Two V-shaped curves of error against step. Towards long steps both rise, the central one more steeply; towards short steps both rise with a jagged line. The central curve reaches a lower error."}}
from tutorial_utils.plots.training import compare_curves

ax = compare_curves(
    {name: (steps, [max(e, 1e-17) for e in values]) for name, values in errors.items()},
    xlabel="step h",
    ylabel="error of the slope",
    yscale="log",
    xscale="log",
)

# %%
best = {name: min(range(len(steps)), key=values.__getitem__) for name, values in errors.items()}  # fmt: skip
say(
    "The lowest error is "
    + enumerate_words(
        f"{errors[name][place]:.0e} at a step of {steps[place].item():.0e} ({name})"
        for name, place in best.items()
    )
    + ". To the right of its lowest point the one-sided error grows with the step, the"
    " central one with its square; to the left both grow with the reciprocal, which is"
    " rounding. The checks below use central differences with a step of 1e-5."
)

# %% [markdown]
# Each formula below goes through this check. It fails the chapter if a formula disagrees with {term}`automatic differentiation` or with
# differences, and keeps the largest disagreement for the table at the end.

# %%
checks = []


def check(name, formula, automatic, differences):
    differences = differences.reshape(formula.shape)
    torch.testing.assert_close(formula, automatic, rtol=1e-9, atol=1e-11)
    torch.testing.assert_close(formula, differences, rtol=1e-5, atol=1e-7)
    checks.append(
        {
            "derivative": name,
            "numbers": formula.numel(),
            "against autograd": (formula - automatic).abs().max().item(),
            "against differences": (formula - differences).abs().max().item(),
        }
    )


# %% [markdown]
# (foundations-softmax-jacobian)=
# ## The Jacobian of softmax
#
# Write $S = \sum_j e^{z_j}$, so $p_k = e^{z_k} / S$, and note that $\partial S / \partial z_i = e^{z_i}$. The quotient rule gives two cases. If $i = k$,
#
# $$
# \frac{\partial p_k}{\partial z_k} = \frac{e^{z_k} S - e^{z_k} e^{z_k}}{S^2} = p_k - p_k^2 = p_k (1 - p_k).
# $$
#
# If $i \neq k$, the numerator of $p_k$ does not contain $z_i$, and
#
# $$
# \frac{\partial p_k}{\partial z_i} = \frac{0 - e^{z_k} e^{z_i}}{S^2} = -p_k p_i.
# $$
#
# With the {term}`Kronecker delta` [$\delta_{ki}$](notation-delta), one if $k = i$ and zero otherwise, both are one formula, and one matrix, [$J$](notation-j):
#
# $$
# \frac{\partial p_k}{\partial z_i} = p_k (\delta_{ki} - p_i), \qquad J = \operatorname{diag}(p) - p\, p^\top.
# $$

# %%
z = torch.tensor([2.0, 1.0, 0.0], dtype=torch.float64)
p = z.softmax(dim=0)
J = torch.diag(p) - torch.outer(p, p)


def softmax(scores):
    return scores.softmax(dim=0)


check("dp/dz, three classes", J, jacobian(softmax, z), finite_differences(softmax, z))
J

# %% [markdown]
# Three things to see in the matrix. It is symmetric. The diagonal is positive and the rest negative: raising one score raises its own
# probability at the expense of all others. And each row sums to zero, because adding the same to all scores changes
# nothing.

# %%
torch.testing.assert_close(J, J.T)
torch.testing.assert_close(J.sum(dim=1), torch.zeros(3, dtype=torch.float64))
assert (J.diagonal() > 0).all() and (J - torch.diag(J.diagonal()) <= 0).all()

# %% [markdown]
# The same on the ten logits of the first image of the batch:

# %%
z = X[0] @ W.T + b
p = softmax(z)
J = torch.diag(p) - torch.outer(p, p)
check("dp/dz, one image", J, jacobian(softmax, z), finite_differences(softmax, z))

# %% [markdown]
# (foundations-gradient-logits)=
# ## The loss by the logits: p - y
#
# The loss is $-\sum_k \mathbf{y}_k \ln p_k$, so $\partial \ell / \partial p_k = -\mathbf{y}_k / p_k$. Multiply by the Jacobian and sum:
#
# $$
# \frac{\partial \ell}{\partial z_i}
# = -\sum_k \frac{\mathbf{y}_k}{p_k}\, p_k (\delta_{ki} - p_i)
# = -\sum_k \mathbf{y}_k \delta_{ki} + p_i \sum_k \mathbf{y}_k
# = p_i - \mathbf{y}_i.
# $$
#
# The probability in the denominator cancels, and the label's entries sum to one. What is left is prediction minus truth.

# %%
y = Y[0]


def loss_of_logits(scores):
    return -(y * scores.log_softmax(dim=0)).sum()


by_p = -y / p
check(
    "dl/dz through the Jacobian",
    J @ by_p,
    jacobian(loss_of_logits, z),
    finite_differences(loss_of_logits, z),
)
check(
    "dl/dz = p - y",
    p - y,
    jacobian(loss_of_logits, z),
    finite_differences(loss_of_logits, z),
)

# %%
true_class = labels[0].item()
rest = (p - y).clone()
rest[true_class] = 0
torch.testing.assert_close((p - y).sum(), torch.zeros((), dtype=torch.float64))
say(
    f"The true class is {true_class} and has probability {p[true_class].item():.4f}, so"
    f" its logit is pulled up with a force of {-(p - y)[true_class].item():.4f}. All"
    f" others are pushed down, class {rest.argmax().item()} the most, with"
    f" {rest.max().item():.4f}. The forces sum to zero."
)

# %% [markdown]
# The gradient is large while the model is wrong and fades as it becomes right, and each entry lies between -1 and 1. The first property is a gift of the
# pair softmax and cross-entropy; [exercise 1](foundations-gradient-exercises) shows a loss whose gradient fades also where the model is most wrong.
#
# (foundations-gradient-weights)=
# ## The loss by weights and bias, for one example
#
# Logit $i$ is $z_i = \sum_j W_{ij} x_j + b_i$. Weight $W_{kj}$ appears in logit $k$ only, multiplied by $x_j$; bias $b_k$ appears there with
# factor one. Hence
#
# $$
# \frac{\partial \ell}{\partial W_{kj}} = (p_k - \mathbf{y}_k)\, x_j, \qquad
# \frac{\partial \ell}{\partial b_k} = p_k - \mathbf{y}_k,
# $$
#
# or for the whole matrix, an {term}`outer product`: $\partial \ell / \partial W = (p - \mathbf{y})\, x^\top$, in the shape of $W$.

# %%
x = X[0]


def loss_of_one(weight, bias):
    return loss_of_logits(weight @ x + bias)


by_w, by_b = torch.outer(p - y, x), p - y
auto_w, auto_b = jacobian(loss_of_one, (W, b))
check("dl/dW, one example", by_w, auto_w, finite_differences(lambda w: loss_of_one(w, b), W))  # fmt: skip
check("dl/db, one example", by_b, auto_b, finite_differences(lambda c: loss_of_one(W, c), b))  # fmt: skip

# %% [markdown]
# The gradient of each class's weights is the image itself, times one number. In the figure, the true class shows the image in
# blue, because a negative gradient means that the weights will rise; the others show it in red, as strongly as they are
# wrongly believed. The background has the other sign, because standardised background pixels are below zero.

# %% mystnb={"figure": {"caption": "Gradient of one example by the weights of each class: the image, scaled by p - y.", "name": "fig-foundations-gradient-images"}, "image": {"alt": "Ten panels with the same handwritten digit in different strength and sign, one per class, each titled with the class and its value of p minus y."}}
from tutorial_utils.plots.model import evidence_images

pictures = by_w.view(len(b), *config.description.image_shape).mean(dim=1)
titles = [f"{k}: {value:+.2f}" for k, value in enumerate((p - y).tolist())]
axes = evidence_images(list(-pictures), titles)  # blue: this weight will rise

# %% [markdown]
# ### A bound
#
# The size of this gradient is a product of [lengths](notation-norm), $\lVert p - \mathbf{y} \rVert \cdot \lVert x \rVert$, and the first factor is at most $\sqrt 2$: the squares of the
# wrong classes' probabilities sum to at most $(1 - p_y)^2$, and the true class adds the same. So the gradient of one example cannot explode.

# %%
import math

P = (X @ W.T + b).softmax(dim=1)
sizes = (P - Y).norm(dim=1) * X.norm(dim=1)
per_example = torch.stack([torch.outer(d, x) for d, x in zip(P - Y, X, strict=True)])
torch.testing.assert_close(per_example.flatten(1).norm(dim=1), sizes)
assert ((P - Y).norm(dim=1) <= math.sqrt(2)).all()
say(
    f"In this batch the factor runs from {(P - Y).norm(dim=1).min().item():.3f} to"
    f" {(P - Y).norm(dim=1).max().item():.3f}, below {math.sqrt(2):.3f}."
)

# %% [markdown]
# (foundations-gradient-batch)=
# ## The loss of a batch
#
# The loss of a batch of $B$ examples is the mean of their losses, so its gradient is the mean of their gradients. Stack the
# examples as rows, $Z = X W^\top + b$ and $P = \operatorname{softmax}(Z)$ row by row. The sum over examples becomes a matrix product:
#
# $$
# \frac{\partial L}{\partial Z} = \frac{1}{B}(P - Y), \qquad
# \frac{\partial L}{\partial W} = \frac{1}{B}(P - Y)^\top X, \qquad
# \frac{\partial L}{\partial b} = \frac{1}{B} \sum_{i=1}^{B} \left(p^{(i)} - \mathbf{y}^{(i)}\right).
# $$
#
# The shapes are a check in themselves: $(K, B)$ times $(B, n)$ is $(K, n)$, the shape of $W$. The differences below go through every single
# weight.


# %%
def batch_loss(weight, bias):
    return F.cross_entropy(X @ weight.T + bias, labels)


Z, B = X @ W.T + b, len(X)
G = (P - Y) / B
check(
    "dL/dZ, batch",
    G,
    jacobian(lambda scores: F.cross_entropy(scores, labels), Z),
    finite_differences(lambda scores: F.cross_entropy(scores, labels), Z),
)

# %%
by_w, by_b = G.T @ X, G.sum(dim=0)
auto_w, auto_b = jacobian(batch_loss, (W, b))
check("dL/dW, batch", by_w, auto_w, finite_differences(lambda w: batch_loss(w, b), W))
check("dL/db, batch", by_b, auto_b, finite_differences(lambda c: batch_loss(W, c), b))
torch.testing.assert_close(by_w, per_example.mean(dim=0))

# %% [markdown]
# All disagreements in one table. Against automatic differentiation they are rounding; against differences they are the error that the
# figure above promised.

# %%
table(checks, {"numbers": ",", "against autograd": ".0e", "against differences": ".0e"})

# %% [markdown]
# Bias and weights can share one formula. Append a column of ones to $X$ and the bias as a last column to $W$; the result is what many texts call
# [$\theta$](notation-theta).

# %%
ones = torch.ones(B, 1, dtype=torch.float64)
extended, theta = torch.cat([X, ones], dim=1), torch.cat([W, b[:, None]], dim=1)
torch.testing.assert_close(extended @ theta.T, Z)
torch.testing.assert_close(G.T @ extended, torch.cat([by_w, by_b[:, None]], dim=1))

# %% [markdown]
# (foundations-update-rule)=
# ## The update rule
#
# {term}`Gradient descent <gradient descent>` moves every number against its gradient, by a step of the {term}`learning rate` [$\eta$](notation-eta) times the {term}`gradient`:
#
# $$
# W \leftarrow W - \frac{\eta}{B} (P - Y)^\top X, \qquad
# b \leftarrow b - \frac{\eta}{B} \sum_{i=1}^{B} \left(p^{(i)} - \mathbf{y}^{(i)}\right).
# $$
#
# For a single weight, as a sum over [examples $(i)$](notation-indices): $\theta_{kj} \leftarrow \theta_{kj} - \frac{\eta}{B} \sum_i \left(p^{(i)}_k - \mathbf{y}^{(i)}_k\right) x^{(i)}_j$. In words: if class $k$ was believed too
# much on images with a large feature $j$, that weight falls.
#
# An {term}`L2 penalty` $\frac{\lambda}{2} \lVert \theta \rVert^2$ ({term}`weight decay`, [$\lambda$](notation-lambda)) adds $\lambda\theta$ to the gradient. Five updates by hand, on
# the same batch, against PyTorch:


# %%
from tutorial_utils.training.trainer import make_optimiser


def update(weight, bias, rate, decay):
    forces = ((X @ weight.T + bias).softmax(dim=1) - Y) / len(X)
    return (
        weight - rate * (forces.T @ X + decay * weight),
        bias - rate * (forces.sum(dim=0) + decay * bias),
    )


optimiser = make_optimiser(model, config)  # torch.optim.SGD
mine_w, mine_b = W, b
loss_path = [batch_loss(mine_w, mine_b).item()]
for _ in range(5):
    mine_w, mine_b = update(mine_w, mine_b, learning_rate, weight_decay)
    optimiser.zero_grad()
    F.cross_entropy(model(X), labels).backward()
    optimiser.step()
    loss_path.append(batch_loss(mine_w, mine_b).item())

# %%
import itertools

torch.testing.assert_close(mine_w, model.linear.weight.detach())
torch.testing.assert_close(mine_b, model.linear.bias.detach())
say(
    f"Weights and biases agree. The loss of the batch went from {loss_path[0]:.4f} to"
    f" {loss_path[-1]:.4f} in five updates"
    + (
        ", falling each time."
        if all(after < before for before, after in itertools.pairwise(loss_path))
        else "; it did not fall each time, so the steps are too long."
    )
)  # fmt: skip

# %% [markdown]
# Two lines of NumPy would do the same. Automatic differentiation earns its keep when the model has more than one layer.
#
# (foundations-convexity)=
# ## No false minima
#
# Going downhill finds the bottom only if there is one valley. Take the second derivative. The gradient by the logits is $p - \mathbf{y}$, and $\mathbf{y}$ is
# constant, so the {term}`Hessian` by the logits is the Jacobian of softmax again. For any direction $v$,
#
# $$
# v^\top J v = \sum_k p_k v_k^2 - \Big(\sum_k p_k v_k\Big)^2,
# $$
#
# which is the variance of the numbers $v_k$ drawn with probabilities $p_k$, and no variance is negative. So the loss is {term}`convex` in the logits.
# The logits are linear in $W$ and $b$, and a convex function of a linear one is convex. Every minimum is a global one.

# %%
from tutorial_utils.reproducibility import make_generator

H = hessian(loss_of_logits, z)
torch.testing.assert_close(H, J)
v = torch.randn(len(z), dtype=torch.float64, generator=make_generator(seed, "direction"))  # fmt: skip
torch.testing.assert_close(v @ J @ v, (p * (v - (p * v).sum()) ** 2).sum())
eigenvalues = torch.linalg.eigvalsh(J)
assert eigenvalues.min() > -1e-12
say(
    f"The eigenvalues of J for the first image run from {abs(eigenvalues.min()):.0e}"
    f" to {eigenvalues.max().item():.4f}. None is negative; the smallest is zero, in"
    " the direction that adds the same to all scores."
)

# %% [markdown]
# That flat direction has a consequence: adding one vector to the weights of all classes changes no prediction, so there is never *one*
# best $W$, and only differences between classes mean anything. And on data that can be separated the valley has no lowest point at
# all: it falls forever, as [](03_gradient_descent) shows.
#
# ## What this chapter measured

# %% tags=["hide-input"]
metrics = {
    "checks": len(checks),
    "worst_against_autograd": max(row["against autograd"] for row in checks),
    "worst_against_differences": max(row["against differences"] for row in checks),
    "best_step_central": steps[best["central"]],
    "best_error_central": errors["central"][best["central"]],
    "best_error_one_sided": errors["one-sided"][best["one-sided"]],
    "loss_path": loss_path,
}

# %%
from tutorial_utils.report import results

path = results.write(
    "foundations/02_gradients",
    parameters=config.model_dump(
        include={"dataset", "seed", "batch_size", "learning_rate", "weight_decay"}
    ),
    metrics=metrics,
    data_hash=data.fingerprint,
)

# %% [markdown]
# ## What you have learnt
#
# You can now
#
# * derive the gradient, from the Jacobian of softmax to the weights and the bias;
# * check any gradient against finite differences;
# * write the gradients of a batch as two matrix products, and the update rule;
# * say why the gradient is bounded and why the loss has no false minima.
#
# (foundations-gradient-exercises)=
# ## Exercises
#
# ### Exercise 1: another loss
#
# Take squared error on the probabilities, $\frac12 \lVert p - \mathbf{y} \rVert^2$, instead of cross-entropy. Derive its gradient by the logits. How large is it when the model
# is certain and wrong, with scores 10, 0, 0 and the second class true?

# %% tags=["hide-cell"]
# Solution: the Jacobian no longer cancels, and it is almost zero where p is extreme.
wrong = torch.tensor([10.0, 0.0, 0.0], dtype=torch.float64)
truth = torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)
q = softmax(wrong)
squared = (torch.diag(q) - torch.outer(q, q)) @ (q - truth)
automatic = jacobian(lambda s: 0.5 * (softmax(s) - truth).square().sum(), wrong)
torch.testing.assert_close(squared, automatic)
assert squared.norm() < 0.01 < (q - truth).norm()
say(
    f"Cross-entropy pulls with {(q - truth).norm().item():.3f}, squared error with"
    f" {squared.norm().item():.6f}: where it is most wrong, it learns the least."
)

# %% [markdown]
# ### Exercise 2: two classes
#
# For the sigmoid with $\ell = -y \ln \sigma(z) - (1 - y) \ln(1 - \sigma(z))$, show that $\partial \ell / \partial z = \sigma(z) - y$. Check it for both labels and many scores.

# %% tags=["hide-cell"]
# Solution: the derivative of sigma is sigma (1 - sigma), which cancels in both terms.
scores = torch.linspace(-6, 6, 25, dtype=torch.float64, requires_grad=True)
for truth in (0.0, 1.0):
    target = torch.full_like(scores, truth)
    total = F.binary_cross_entropy_with_logits(scores, target, reduction="sum")
    (slope,) = torch.autograd.grad(total, scores)
    torch.testing.assert_close(slope, scores.sigmoid() - truth)
say("Prediction minus truth, again.")

# %% [markdown]
# ### Exercise 3: the rank of a gradient
#
# The gradient of the weights has shape (10, 784). What is its {term}`rank` for one example, and what is the highest that it can have for a batch? Why is it not ten?

# %% tags=["hide-cell"]
# Solution: an outer product has rank one. Forces sum to zero over classes, so nine at most.
one_rank = torch.linalg.matrix_rank(per_example[0]).item()
batch_rank = torch.linalg.matrix_rank(by_w).item()
assert one_rank == 1
assert batch_rank <= min(len(b) - 1, B)
torch.testing.assert_close(by_w.sum(dim=0), torch.zeros_like(by_w[0]))
say(f"One example: {one_rank}. This batch: {batch_rank}.")

# %% [markdown]
# ## Further reading
#
# * {cite:t}`baydin2018` explain automatic differentiation, and how it differs from symbols and from differences.
# * {cite:t}`bishop2006`, section 4.3, derives the same gradients.
#
# Next: [](03_gradient_descent).
