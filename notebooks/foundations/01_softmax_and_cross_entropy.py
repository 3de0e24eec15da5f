# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Softmax and cross-entropy
#
# A linear model gives scores. A reader wants probabilities, and training wants one number to lower. Softmax and
# cross-entropy are the two functions in between. This chapter builds both, shows why they have the form that they have,
# and makes the usual mistakes with them on purpose.
#
# **After this chapter you can**
#
# * read the curves of sigmoid and softmax: limits, the value at zero, what they sum to;
# * name the four parts of the method and what each is for;
# * say why softmax uses exponentials, and compute it without overflow;
# * work out a cross-entropy by hand, and average it over batches of unequal size;
# * say why accuracy cannot be the cost;
# * recognise a double softmax and a wrong label shape by their numbers.
#
# **You need** Python, arrays and logarithms. The method is {term}`logistic regression`, here with several {term}`classes <class>`. Symbols are explained in [](../../book/notation), words in
# [](../../book/glossary); "log" always means the natural logarithm, [$\ln$](notation-log).

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
dataset: str = "mnist"  # data set for the examples on images, "mnist"
seed: int = 0  # fixes split, order and initial weights, 0 or more
batch_size: int = 64  # images in the example batches, 10 or more
num_epochs: int = 3  # passes over the images in the double-softmax runs, 1 or more
learning_rate: float = 0.01  # step length of those runs, above 0
momentum: float = 0.9  # share of the last step kept in the next, 0 to below 1

# %%
from tutorial_utils.training.config import TrainingConfig

config = TrainingConfig(
    dataset=dataset,
    seed=seed,
    batch_size=batch_size,
    num_epochs=num_epochs,
    learning_rate=learning_rate,
    momentum=momentum,
    learning_rate_decay=1.0,
    early_stopping_patience=num_epochs,
)

# %%
from tutorial_utils.plots.style import use_book_style

use_book_style()

# %% [markdown]
# (foundations-four-parts)=
# ## Four parts
#
# The whole method has four parts. Everything else in this book is measurement.
#
# ```mermaid
# flowchart TB
#     accTitle: The four parts of softmax regression
#     accDescr: Features go through a linear map to logits, softmax turns logits into probabilities, cross-entropy compares probabilities with the label and gives a loss, and gradient descent uses the loss to change the weights and biases of the linear map.
#     x["features x"] --> linear["linear map<br/>W x + b"]
#     linear -->|"logits z"| softmax["softmax"]
#     softmax -->|"probabilities p"| loss["cross-entropy<br/>minus ln p of the true class"]
#     y["label y"] --> loss
#     loss -->|"loss"| descent["gradient descent"]
#     descent -->|"new W and b"| linear
# ```
#
# | part | takes | gives | what it is for |
# |---|---|---|---|
# | linear map | {term}`features <feature>` [$x$](notation-x), with [$W$ and $b$](notation-w) | one {term}`logit` per class | weighs the evidence of each feature for each class |
# | {term}`softmax` | logits | {term}`probabilities <probability>` | makes scores comparable: positive, and one in total |
# | {term}`cross-entropy` | probabilities, {term}`label` | one number, the {term}`loss` | says how badly the truth was predicted, smoothly |
# | {term}`gradient descent` | loss | new {term}`weights <weight>` and {term}`biases <bias>` | moves them where the loss falls |
#
# To predict, the first two parts are enough. The last two are needed for training only. The linear map is built in
# [](../mnist/02_model); softmax and cross-entropy follow here, gradients in [](02_gradients), and descent in
# [](03_gradient_descent).
#
# (foundations-sigmoid)=
# ## Two classes: the sigmoid
#
# With two classes one score [$z$](notation-z) is enough, and the {term}`sigmoid` turns it into the probability of one of them, [$\sigma$](notation-sigma):
#
# $$
# \sigma(z) = \frac{1}{1 + e^{-z}}.
# $$


# %%
import torch


def sigmoid(z):
    return 1 / (1 + torch.exp(-z))


z = torch.linspace(-10, 10, 401, dtype=torch.float64)
torch.testing.assert_close(sigmoid(z), torch.sigmoid(z))

# %% [markdown]
# In the figure, look at both ends, at the height over zero, and at where the curve is steep.

# %% mystnb={"figure": {"caption": "The sigmoid on [-10, 10]. Dotted lines: its limits, and one half.", "name": "fig-foundations-sigmoid"}, "image": {"alt": "An S-shaped curve that stays near 0 on the left, passes one half at z = 0, where it is steepest, and stays near 1 on the right."}}
from tutorial_utils.plots.foundations import mark_levels
from tutorial_utils.plots.training import compare_curves

ax = compare_curves(
    {"sigmoid": (z, sigmoid(z))}, xlabel="score z", ylabel="probability"
)
ax = mark_levels([(0, "0"), (0.5, "one half"), (1, "1")], ax=ax)

# %%
from tutorial_utils.report.narrate import enumerate_words, percent, say, table

zero = torch.zeros((), dtype=torch.float64, requires_grad=True)
sigmoid(zero).backward()
assert sigmoid(zero).item() == 0.5
assert zero.grad.item() == 0.25
torch.testing.assert_close(sigmoid(-z), 1 - sigmoid(z))
say(
    f"At the ends the curve is at {sigmoid(z[0]).item():.6f} and"
    f" {sigmoid(z[-1]).item():.6f}: it comes near 0 and 1 and reaches neither. At zero"
    " it is one half, with slope one quarter, its steepest. It is symmetric: the"
    " probability at minus z is one minus the probability at z, so no class is"
    " favoured. Beyond a score of 5 or so, more score changes little:"
    f" {sigmoid(torch.tensor(5.0)).item():.4f} at 5,"
    f" {sigmoid(torch.tensor(6.0)).item():.4f} at 6."
)

# %% [markdown]
# (foundations-softmax-curves)=
# ## Several classes: softmax
#
# With [$K$](notation-k) classes there are $K$ scores, the logits, and softmax turns them into as many probabilities, [$p$](notation-p): it divides the
# exponential of each by their sum. (Subscripts [count classes](notation-conventions).)
#
# $$
# p_k = \frac{e^{z_k}}{\sum_{j=1}^K e^{z_j}}.
# $$
#
# To draw it, let one number $z$ drive three scores: $z$, $z/2$ and $-z/2$.


# %%
def plain_softmax(z):
    exponentials = z.exp()
    return exponentials / exponentials.sum(dim=-1, keepdim=True)


z = torch.linspace(-5, 5, 401, dtype=torch.float64)
scores = torch.stack([z, z / 2, -z / 2], dim=1)
p = plain_softmax(scores)
torch.testing.assert_close(p, scores.softmax(dim=1))
torch.testing.assert_close(p.sum(dim=1), torch.ones_like(z))

# %% mystnb={"figure": {"caption": "Softmax of three classes with scores z, z/2 and -z/2, on [-5, 5].", "name": "fig-foundations-softmax"}, "image": {"alt": "Three probability curves that meet at one third over z = 0. The class with score z rises towards 1 on the right, the class with score minus z half rises towards 1 on the left, and the middle class stays low with a flat hump."}}
ax = compare_curves(
    {
        "score z": (z, p[:, 0]),
        "score z/2": (z, p[:, 1]),
        "score -z/2": (z, p[:, 2]),
    },
    xlabel="z",
    ylabel="probability",
)
ax = mark_levels([(1 / 3, "one third"), (1, "1")], ax=ax)

# %% tags=["hide-input"]
middle = len(z) // 2
top = p[:, 1].argmax()
torch.testing.assert_close(p[middle], torch.full((3,), 1 / 3, dtype=torch.float64))
assert not (p.argmax(dim=1)[torch.arange(len(z)) != middle] == 1).any()
say(
    "At zero all scores are equal, and each class gets one third. At z = 5 the"
    " probabilities are "
    + enumerate_words(f"{value:.4f}" for value in p[-1].tolist())
    + "; at z = -5, "
    + enumerate_words(f"{value:.4f}" for value in p[0].tolist())
    + ". In the limit the largest score takes everything on either side, but from the"
    " left it is another class, the one with score -z/2: among negative numbers, it"
    " alone is positive.",
    "The class with score z/2 is never the largest away from zero. Its probability is"
    f" highest at z = {z[top].item():.2f}, with {p[top, 1].item():.4f}, and falls on"
    " both sides: a rising score does not help when another rises faster. At every z"
    " the three add up to one.",
)

# %% [markdown]
# The sigmoid is the softmax of two classes with scores $z$ and 0. Only the difference counts.

# %%
two = torch.stack([z, torch.zeros_like(z)], dim=1)
torch.testing.assert_close(two.softmax(dim=1)[:, 0], torch.sigmoid(z))

# %% [markdown]
# (foundations-why-exponentials)=
# ## Why exponentials?
#
# To get shares from scores, why not divide each score by the sum? Three scores, and the same three with one number
# added to all. Adding a constant should change nothing: it favours no class.

# %%
scores = torch.tensor([3.0, 2.0, 1.0], dtype=torch.float64)
rows = []
for constant in (0.0, 10.0, -2.25):
    shifted = scores + constant
    rows.append(
        {
            "added": f"{constant:g}",
            "scores": enumerate_words(f"{v:g}" for v in shifted.tolist()),
            "score / sum": enumerate_words(f"{v:.3f}" for v in shifted / shifted.sum()),
            "softmax": enumerate_words(f"{v:.3f}" for v in shifted.softmax(dim=0)),
        }
    )
table(rows)

# %%
plain_shares = [(scores + c) / (scores + c).sum() for c in (0.0, 10.0, -2.25)]
for constant in (10.0, -2.25):
    torch.testing.assert_close(
        (scores + constant).softmax(dim=0), scores.softmax(dim=0)
    )
assert not torch.allclose(plain_shares[0], plain_shares[1])
assert plain_shares[2].min() < 0 and plain_shares[2].max() > 1
assert plain_shares[2].argmax() == scores.argmin()
assert ((scores - scores.mean()) / (scores - scores.mean()).sum()).isfinite().sum() == 0

# %% [markdown]
# Plain division has three faults. It depends on an arbitrary constant: with 10 added, the three classes become almost
# equal. It breaks on negative scores: it gives "probabilities" below zero and above one, and here the lowest score even gets the largest share. And when the scores sum to zero it divides
# by zero. Softmax has none of them, because the constant cancels:
#
# $$
# \frac{e^{z_k + c}}{\sum_j e^{z_j + c}} = \frac{e^c\, e^{z_k}}{e^c \sum_j e^{z_j}} = p_k.
# $$
#
# Is there another function that would do? Suppose each score is turned into a positive weight $f(z)$, and the weights are
# divided by their sum. The constant cancels only if $f(a)/f(b)$ depends on $a - b$ alone, and the only continuous functions like that
# are $f(z) = C e^{\beta z}$. The factor $C$ cancels. So the exponential is forced, up to the scale $\beta$, which the weights of the model can absorb. A difference of
# scores becomes a ratio of probabilities: $p_a / p_b = e^{z_a - z_b}$.
#
# Are negative scores rare? Here are the logits of an untrained model on one batch of training images.

# %%
from tutorial_utils.data import datasets
from tutorial_utils.training.batches import training_batches
from tutorial_utils.training.models import make_model

data = datasets.load(config.dataset)
train, validation = training_batches(data.train, config)
images, labels = next(iter(train))
model = make_model(config).cpu()
with torch.no_grad():
    logits = model(images)
say(
    f"Of {logits.numel()} logits, {percent((logits < 0).float().mean().item(), 0)} are"
    " negative, and"
    f" {percent((logits < 0).any(dim=1).float().mean().item(), 0)} of the images have"
    " at least one. Plain division fails on all of those."
)

# %% [markdown]
# (foundations-overflow)=
# ## Overflow, and log-sum-exp as the cure
#
# The formula is right, and the code above is still wrong: exponentials grow fast, and a `float32` ends at about
# $3.4 \times 10^{38}$.

# %%
import math

limit = math.log(torch.finfo(torch.float32).max)
large = torch.tensor([limit - 1, limit + 1, 0.0])
assert large.exp().isinf().tolist() == [False, True, False]
assert plain_softmax(large).isnan().any()
say(
    f"Above {limit:.1f} the exponential of a `float32` is infinite, and infinity"
    f" divided by infinity is not a number: {plain_softmax(large).tolist()}."
)

# %% [markdown]
# Do scores get that large in practice? Forget to scale the pixels, so that they run from 0 to 255 instead of around zero, and
# count the images on which the plain formula breaks. No weight has been trained yet.

# %%
raw = data.train.images[:1000].float()
with torch.no_grad():
    raw_logits = model(raw)
broken = plain_softmax(raw_logits).isnan().any(dim=1).float().mean().item()
assert raw_logits.softmax(dim=1).isfinite().all()
say(
    f"The largest score is {raw_logits.max().item():.0f}, and the plain formula breaks"
    f" on {percent(broken, 1)} of the images. PyTorch's softmax breaks on none."
)

# %% [markdown]
# The cure uses what softmax gives for free: a constant may be subtracted from all scores. Subtract the largest. Then the largest
# exponential is $e^0 = 1$, nothing overflows, and the sum is at least one. The same step makes the logarithm of the sum safe,
# the {term}`log-sum-exp`:
#
# $$
# \ln \sum_j e^{z_j} = c + \ln \sum_j e^{z_j - c}, \qquad c = \max_j z_j.
# $$


# %%
def stable_softmax(z):
    return plain_softmax(z - z.amax(dim=-1, keepdim=True))


def log_sum_exp(z):
    largest = z.amax(dim=-1, keepdim=True)
    return (largest + (z - largest).exp().sum(dim=-1, keepdim=True).log()).squeeze(-1)


torch.testing.assert_close(stable_softmax(raw_logits), raw_logits.softmax(dim=1))
torch.testing.assert_close(log_sum_exp(raw_logits), raw_logits.logsumexp(dim=1))

# %% [markdown]
# One trap remains, at the other end. A stable softmax may round a small probability to zero, and the logarithm of zero is
# minus infinity. The loss needs the logarithm, so it should never go through the probability:

# %%
far = torch.tensor([0.0, 200.0])
through_p = stable_softmax(far).log()
direct = far - log_sum_exp(far)
assert through_p[0].isinf()
torch.testing.assert_close(direct, far.log_softmax(dim=0))
say(
    f"Scores 0 and 200: through the probability, ln p = {through_p[0].item()}; directly,"
    f" as score minus log-sum-exp, {direct[0].item():g}."
)

# %% [markdown]
# (foundations-cross-entropy)=
# ## Cross-entropy by hand
#
# The label says which class is true. Written as a vector with a one at that class and zeros elsewhere, it is
# {term}`one-hot`, [$\mathbf{y}$](notation-y). The cross-entropy between label and prediction, [$\ell$](notation-l), is
#
# $$
# \ell = -\sum_{k=1}^K \mathbf{y}_k \ln p_k.
# $$
#
# One example with three classes, of which the second is true, worked out column by column:

# %%
z = torch.tensor([2.0, 1.0, 0.0], dtype=torch.float64)
one_hot = torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)
p = z.exp() / z.exp().sum()
terms = -one_hot * p.log()
worked = table(
    [
        {"class": k, "z": z[k], "exp z": z[k].exp(), "p": p[k], "ln p": p[k].log(),
         "y": one_hot[k], "-y ln p": terms[k] + 0.0}
        for k in range(3)
    ],
    {"z": ".0f", "exp z": ".4f", "p": ".4f", "ln p": ".4f", "y": ".0f", "-y ln p": ".4f"},
)  # fmt: skip
worked

# %%
import torch.nn.functional as F

loss = terms.sum()
torch.testing.assert_close(loss, -p[1].log())
torch.testing.assert_close(loss, F.cross_entropy(z, torch.tensor(1)))
say(
    f"The exponentials sum to {z.exp().sum().item():.4f}. All terms but one vanish, and"
    f" the loss is minus the logarithm of the true class's probability: -ln"
    f" {p[1].item():.4f} = {loss.item():.4f} nats."
)

# %% [markdown]
# So the sum over classes is a long way to write $\ell = -\ln p_y$, where [$y$](notation-y) is the number of the true class. The loss is zero if the model
# gave the truth all its probability, and grows without bound as that probability goes to zero. Its unit is the
# {term}`nat`, because the logarithm is natural. Minimising it is the same as making the labels as probable as possible,
# which statisticians call maximum likelihood {cite}`bishop2006`.
#
# (foundations-batch-means)=
# ### The mean over a batch, and over batches of unequal size
#
# The loss of a {term}`batch` is the mean over its images, [$L$](notation-l). With one-hot labels it is one line:

# %%
one_hot = F.one_hot(labels, config.description.num_classes)
losses = -(one_hot * logits.log_softmax(dim=1)).sum(dim=1)
torch.testing.assert_close(losses.mean(), F.cross_entropy(logits, labels))
say(
    f"{len(labels)} images, untrained model: mean loss {losses.mean().item():.4f}, from"
    f" {losses.min().item():.3f} to {losses.max().item():.3f} for single images. Ten"
    f" equal probabilities would cost ln 10 = {math.log(10):.4f}."
)

# %% [markdown]
# An {term}`epoch` has many batches. The mean over several batches is *not* the mean of their means, unless all have the same size. The last batch of an epoch is often
# smaller, and each of its images would count for more. Weight each batch by its number of images. The worst case is a last batch of one image:

# %%
few_images = datasets.standardise(data.train.subset(torch.arange(batch_size + 1)))
few_labels = data.train.labels[: batch_size + 1]
with torch.no_grad():
    each = F.cross_entropy(model(few_images), few_labels, reduction="none")
batches = each.split(batch_size)
sizes = [len(batch) for batch in batches]
batch_means = [batch.mean().item() for batch in batches]
mean_of_means = sum(batch_means) / len(batch_means)
weighted = sum(n * mean for n, mean in zip(sizes, batch_means, strict=True)) / sum(
    sizes
)
torch.testing.assert_close(weighted, each.mean().item())

# %% tags=["hide-input"]
say(
    f"Batches of {enumerate_words(sizes)} images have mean losses of"
    f" {enumerate_words(f'{mean:.4f}' for mean in batch_means)}. The mean of the means"
    f" is {mean_of_means:.4f}; the mean over images is {weighted:.4f}. In the first"
    f" number, the last image counts as much as the other {batch_size} together. An"
    f" error of {mean_of_means - weighted:+.4f} comes from arithmetic alone."
)

# %% [markdown]
# (foundations-why-not-accuracy)=
# ## Why accuracy cannot be the cost
#
# {term}`Accuracy <accuracy>` is what we want in the end. Why not maximise it directly? Because it does not notice improvement. Raise the probability
# of the true class from 0.1 to 0.2, while another class keeps the largest:

# %%
before = torch.tensor([0.1, 0.7, 0.2], dtype=torch.float64)
after = torch.tensor([0.2, 0.6, 0.2], dtype=torch.float64)
assert before.argmax() == after.argmax() == 1  # the truth is class 0: wrong both times
fall = (-before[0].log() - -after[0].log()).item()
torch.testing.assert_close(fall, math.log(2))
say(
    f"The answer is wrong before and after: accuracy 0 and 0. The loss falls from"
    f" {-before[0].log().item():.4f} to {-after[0].log().item():.4f}, by ln 2 ="
    f" {fall:.4f}."
)

# %% [markdown]
# Descent needs to know which way is down, and accuracy has no slope to tell it. The step from probabilities to an answer is `argmax`, and the
# comparison is `==`. Neither has a useful gradient: PyTorch does not even try.

# %%
weights_matter = model(images)
accuracy = (weights_matter.argmax(dim=1) == labels).float().mean()
assert not accuracy.requires_grad
assert F.cross_entropy(weights_matter, labels).requires_grad
try:
    accuracy.backward()
except RuntimeError as error:
    say(f"`accuracy.backward()` says: *{str(error).splitlines()[0]}*.")

# %% [markdown]
# The figure shows both along one line through weight space: from the untrained weights against the gradient of the loss on one batch.
# Look for steps on the right, and for their absence on the left.

# %%
direction = torch.autograd.grad(
    F.cross_entropy(model(images), labels), list(model.parameters())
)
distances = torch.linspace(0, 0.2, 201)
line_losses, line_accuracies = [], []
with torch.no_grad():
    for distance in distances:
        weight = model.linear.weight - distance * direction[0]
        bias = model.linear.bias - distance * direction[1]
        moved = F.linear(images.flatten(1), weight, bias)
        line_losses.append(F.cross_entropy(moved, labels).item())
        line_accuracies.append((moved.argmax(1) == labels).float().mean().item())

# %% mystnb={"figure": {"caption": "Loss (left) and accuracy (right) of one batch while the weights move against the gradient of the loss.", "name": "fig-foundations-staircase"}, "image": {"alt": "Two panels over the distance moved in weight space: the loss is a smooth curve, the accuracy is a staircase of flat treads and sudden jumps."}}
import matplotlib.pyplot as plt

figure, (left, right) = plt.subplots(ncols=2, figsize=(9.5, 3.4))
for ax, name, values in (
    (left, "loss (nats)", line_losses),
    (right, "accuracy", line_accuracies),
):
    compare_curves(
        {name: (distances, values)},
        xlabel="distance moved",
        ylabel=name,
        xticks=[0, 0.05, 0.1, 0.15, 0.2],
        ax=ax,
    )
    ax.get_legend().remove()

# %%
import itertools

flat = sum(a == b for a, b in itertools.pairwise(line_accuracies))
still = sum(a == b for a, b in itertools.pairwise(line_losses))
say(
    f"Of {len(distances) - 1} small moves, {flat} left the accuracy exactly as it was."
    f" The loss changed in {len(distances) - 1 - still} of them. On a tread of the"
    " staircase the slope is zero, at a jump it does not exist: there is nothing to"
    " follow."
)

# %% [markdown]
# So training minimises the loss, and accuracy is reported. The two mostly move together, but not always: a model can gain accuracy
# while its loss rises, by getting a few hopeless images more wrong.
#
# (foundations-pytorch-cross-entropy)=
# ## PyTorch's cross-entropy takes logits
#
# `F.cross_entropy` does two things: log-softmax, then the negative log-likelihood, which picks the true class and takes the mean. Softmax is
# inside. The three ways below agree:

# %%
from torch import nn

in_two_steps = F.nll_loss(F.log_softmax(logits, dim=1), labels)
as_modules = nn.NLLLoss()(nn.LogSoftmax(dim=1)(logits), labels)
at_once = F.cross_entropy(logits, labels)
torch.testing.assert_close(in_two_steps, at_once)
torch.testing.assert_close(as_modules, at_once)
torch.testing.assert_close(logits.log_softmax(dim=1).exp(), logits.softmax(dim=1))
say(f"All three: {at_once.item():.6f}.")

# %% [markdown]
# That is why the model of this book returns logits, and has a separate method for probabilities.
#
# (foundations-double-softmax)=
# ### A mistake: the second softmax
#
# A model that ends in softmax, trained with `F.cross_entropy`, applies softmax twice. No error is raised. But the inner
# probabilities lie between 0 and 1, so the outer softmax sees scores that differ by at most one. Even a model that is right and certain
# cannot reach a loss of zero:
#
# $$
# -\ln \frac{e^1}{e^1 + (K-1)\,e^0} = \ln(e + K - 1) - 1.
# $$

# %%
num_classes = config.description.num_classes
certain = F.one_hot(torch.tensor([0]), num_classes).float()
floor = F.cross_entropy(certain, torch.tensor([0])).item()
ceiling = F.cross_entropy(certain, torch.tensor([1])).item()
torch.testing.assert_close(floor, math.log(math.e + num_classes - 1) - 1)
say(
    f"For {num_classes} classes, a certain and right answer costs {floor:.3f} instead"
    f" of 0. A certain and wrong one costs {ceiling:.3f} instead of infinity. All that"
    f" training can ever see lies between the two; guessing, at"
    f" {math.log(num_classes):.3f}, is close to the bad end."
)

# %% [markdown]
# Train both, from the same weights and in the same order. "Measured rightly" applies the single-softmax loss to the logits
# of either model.


# %%
class DoubleSoftmax(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, images):
        return self.model(images).softmax(dim=1)  # then cross_entropy applies another


# %%
from tutorial_utils.training.trainer import Trainer

right_model = make_model(config).cpu()
wrong_model = DoubleSoftmax(make_model(config).cpu())
runs = {}
for name, trained in (("one softmax", right_model), ("two softmaxes", wrong_model)):
    batches, held_out = training_batches(data.train, config)
    trainer = Trainer(config, show_progress=False)
    runs[name] = trainer.fit(trained, batches, held_out).require_trained(name)
held_out_images = torch.cat([part for part, _ in held_out])
held_out_labels = torch.cat([part for _, part in held_out])
with torch.no_grad():
    true_losses = {
        name: F.cross_entropy(each(held_out_images), held_out_labels).item()
        for name, each in zip(runs, (right_model, wrong_model.model), strict=True)
    }

# %%
table(
    [
        {
            "model": name,
            "loss it reports": history.best.validation_loss,
            "loss measured rightly": true_losses[name],
            "accuracy": history.best.validation_accuracy,
        }
        for name, history in runs.items()
    ],
    {"loss it reports": ".4f", "loss measured rightly": ".4f", "accuracy": ".4f"},
)

# %% tags=["hide-input"]
best = {name: history.best for name, history in runs.items()}
assert best["two softmaxes"].validation_loss > floor
gap = (
    best["one softmax"].validation_accuracy - best["two softmaxes"].validation_accuracy
)
say(
    f"After {config.num_epochs} epoch(s) the double softmax reports"
    f" {best['two softmaxes'].validation_loss:.4f}, which can never fall below"
    f" {floor:.3f}. Its accuracy is"
    f" {percent(best['two softmaxes'].validation_accuracy)}, against"
    f" {percent(best['one softmax'].validation_accuracy)}"
    + (", which hides the mistake. " if abs(gap) < 0.02 else ". ")
    + f"Measured rightly, the losses are {true_losses['two softmaxes']:.4f} and"
    f" {true_losses['one softmax']:.4f}"
    + (
        ": what suffers is the probability."
        if true_losses["two softmaxes"] > true_losses["one softmax"]
        else "."
    ),
    "The sign to watch for is a loss that stops far above zero while accuracy looks"
    " fine.",
)

# %% [markdown]
# (foundations-label-shapes)=
# ### A mistake: labels of shape (n, 1)
#
# Integer labels have shape $(n,)$, one number per image. Kept as a column of shape $(n, 1)$, they bring two kinds of trouble. The loss refuses
# them loudly. A comparison accepts them silently: {term}`broadcasting` stretches both sides, and compares every prediction with every label.

# %%
column = labels.view(-1, 1)
predicted = logits.argmax(dim=1)
right, wrong = predicted == labels, predicted == column
assert right.shape == (len(labels),)
assert wrong.shape == (len(labels), len(labels))
try:
    F.cross_entropy(logits, column)
except (RuntimeError, ValueError) as error:
    message = str(error).splitlines()[0]
say(
    f"`F.cross_entropy` says: *{message}*. The comparison says nothing, and has shape"
    f" {tuple(wrong.shape)} instead of {tuple(right.shape)}. Its mean,"
    f" {percent(wrong.float().mean().item(), 1)}, even looks like an accuracy. The true"
    f" one is {percent(right.float().mean().item(), 1)}."
)

# %%
with torch.no_grad():
    trained_predictions = right_model.cpu()(images).argmax(dim=1)
silent = (trained_predictions == column).float().mean().item()
honest = (trained_predictions == labels).float().mean().item()
say(
    f"With the trained model the silent number is {percent(silent, 1)}, the true one"
    f" {percent(honest, 1)}"
    + (": a good model that looks like guessing." if honest > 0.5 > 2 * silent else ".")
)

# %% [markdown]
# ## What this chapter measured

# %% tags=["hide-input"]
metrics = {
    "overflow_limit": limit,
    "raw_pixels_broken": broken,
    "double_softmax_floor": floor,
    "double_softmax_reported_loss": best["two softmaxes"].validation_loss,
    "true_loss": true_losses,
    "accuracy": {name: one.validation_accuracy for name, one in best.items()},
    "mean_of_means_error": mean_of_means - weighted,
    "moves_that_left_accuracy": flat,
    "accuracy_from_wrong_shape": silent,
    "accuracy_from_right_shape": honest,
}

# %%
from tutorial_utils.report import results

path = results.write(
    "foundations/01_softmax_and_cross_entropy",
    parameters=config.model_dump(
        include={
            "dataset",
            "seed",
            "batch_size",
            "num_epochs",
            "learning_rate",
            "momentum",
        }
    ),
    metrics=metrics,
    data_hash=data.fingerprint,
)

# %% [markdown]
# ## What you have learnt
#
# You can now
#
# * read the curves of sigmoid and softmax;
# * name the four parts of the method and what each is for;
# * say why softmax uses exponentials, and compute it without overflow;
# * work out a cross-entropy by hand, and average it rightly;
# * say why accuracy cannot be the cost;
# * recognise a double softmax and a wrong label shape.
#
# ## Exercises
#
# ### Exercise 1: temperature
#
# Divide the logits by a number $T$ before softmax. What happens to the probabilities of the scores 2, 1, 0 as $T$ goes to zero, and as it
# grows? Does the answer, the largest, ever change?

# %% tags=["hide-cell"]
# Solution: towards certainty, and towards equal shares. The order never changes.
z = torch.tensor([2.0, 1.0, 0.0], dtype=torch.float64)
for temperature in (0.1, 1.0, 10.0):
    softened = (z / temperature).softmax(dim=0)
    assert softened.argmax() == z.argmax()
    say(f"T = {temperature:g}: {enumerate_words(f'{v:.4f}' for v in softened)}.")

# %% [markdown]
# ### Exercise 2: bits
#
# How many bits does the untrained model's mean loss make, and how many equally likely classes would cost as much? (The second number is
# called perplexity.)

# %% tags=["hide-cell"]
# Solution: divide by ln 2; raise e to the loss.
nats = losses.mean().item()
say(
    f"{nats:.4f} nats are {nats / math.log(2):.4f} bits, as many as {math.exp(nats):.2f}"
    " equally likely classes would cost."
)

# %% [markdown]
# ### Exercise 3: a loss for hedgers
#
# Nine of ten images of a kind are class A, one is class B, and nothing tells them apart. Which probability of A has the lowest expected
# cross-entropy? Which has the lowest expected *accuracy loss*? Draw a conclusion about honesty.

# %% tags=["hide-cell"]
# Solution: cross-entropy is lowest at the true share; accuracy does not care above 1/2.
shares = torch.linspace(0.01, 0.99, 99, dtype=torch.float64)
expected = -(0.9 * shares.log() + 0.1 * (1 - shares).log())
best_share = shares[expected.argmin()].item()
assert abs(best_share - 0.9) < 1e-6
say(
    f"Cross-entropy is lowest at {best_share:.2f}, the true share: it pays to say what"
    " one believes. Accuracy is the same for every probability above one half."
)

# %% [markdown]
# ## Further reading
#
# * {cite:t}`bishop2006`, chapter 4, derives sigmoid and softmax from Bayes' rule and the loss from maximum likelihood.
# * {cite:t}`goodfellow2016`, section 6.2, on why the loss should take logits.
# * {cite:t}`dhalla2020` is the source of the argument about plain division.
#
# Next: [](02_gradients).
