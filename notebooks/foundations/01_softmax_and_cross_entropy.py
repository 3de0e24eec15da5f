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
# A model looks at your handwritten 5 and gives every digit a score, and the 3 gets the highest. How do scores become
# probabilities, and probabilities one number that says how wrong the model was?
#
# *About 80 minutes, or 50 minutes without the exercises. **You need** Python, logarithms and [tensors](../start/02_tensors_and_gradients.ipynb).
# Next comes [Gradients](02_gradients.ipynb).*
#
# After this chapter you can
#
# * compute softmax and cross-entropy with a pencil, and in code that does not overflow;
# * say why softmax uses exponentials, and why training lowers this loss instead of counting errors;
# * catch two mistakes that raise no error: a second softmax, and labels in a column.
#
# "Log" always means the natural logarithm, $\ln$. Every symbol is explained in [Notation](../../book/notation.md).

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
num_classes: int = 10  # classes in the experiments, 2 or more
batch_size: int = 64  # images in the batch at the end, 2 or more
seed: int = 0  # draws that batch, 0 or more

# %%
from tutorial_utils.lessons.show import show
from tutorial_utils.plots.style import use_book_style

use_book_style()

# %% [markdown]
# ## The four parts
#
# Logistic regression with several classes, the method of this book, has four parts.
#
# | part | what it does |
# |---|---|
# | linear map | turns pixels into one score per class, the **logits** |
# | softmax | turns scores into probabilities |
# | cross-entropy | turns probabilities and the true class into one number, the **loss** |
# | gradient descent | turns the loss into better weights |
#
# To predict, the first two are enough. Training takes all four. This page is about the two in the middle. You build the
# first in [The model](../mnist/02_model.ipynb) and the last in [Gradient descent](03_gradient_descent.ipynb).
#
# ## Softmax turns scores into probabilities
#
# Keep it small: three digits, 3, 5 and 8. Say that a model gave your 5 these scores.

# %%
import torch

digits = ["3", "5", "8"]
scores = torch.tensor([2.0, 1.0, -1.0])

# %% [markdown]
# Scores may be any numbers, also below zero. Probabilities must be positive and add up to one. Softmax takes two steps: the
# exponential makes every score positive, and dividing by the sum makes the total one.
#
# $$
# p_k = \frac{e^{z_k}}{\sum_{j=1}^K e^{z_j}}
# $$


# %%
def softmax(z):
    exponentials = z.exp()
    return exponentials / exponentials.sum(dim=-1, keepdim=True)


softmax(scores)

# %% [markdown]
# The highest score has the highest probability, so this model answers 3. The 3 has one point more than the 5, and $e \approx 2.72$
# times its probability. A *difference* of scores becomes a *ratio* of probabilities: $p_a / p_b = e^{z_a - z_b}$. (With `dim=-1` the sum
# runs over classes, so the same function takes a batch with one image in each row.)
#
# Now move the scores yourself. Add 1 to
# every score: which numbers stay? Then make 5 the answer. The loss on the right is explained [further down](#Cross-entropy-says-how-wrong).

# %%
from tutorial_utils.lessons import live

live.show("softmax")

# %% [markdown]
# Scores seldom move alone. Let one number $z$ drive three of them: $z$, $z/2$ and $-z/2$. **Predict first:** what are the three
# probabilities at $z = 0$, and which class wins on the far left?

# %%
z = torch.linspace(-5, 5, 401)
three_scores = torch.stack([z, z / 2, -z / 2], dim=-1)
probabilities = softmax(three_scores)

# %% tags=["hide-input"]
# @title The figure
from tutorial_utils.plots.foundations import mark_levels
from tutorial_utils.plots.training import compare_curves

names = ["score z", "score z/2", "score -z/2"]
curves = {name: (z, p) for name, p in zip(names, probabilities.T, strict=True)}
ax = compare_curves(curves, xlabel="z", ylabel="probability")
ax = mark_levels([(1 / 3, "one third"), (1, "1")], ax=ax)
show(
    ax,
    caption="Softmax of the scores z, z/2 and -z/2.",
    alt="Three curves meet at one third over z = 0. One rises towards 1 on the"
    " right, one on the left; the third has a low hump between them.",
    name="fig-foundations-softmax",
)

# %% [markdown]
# At zero all scores are equal, and each class gets one third. On the right the class with score $z$ takes nearly everything. On the
# left it is the class with $-z/2$, the only positive score there. The middle class never wins. On the right it even falls while its
# score rises, because another rises faster. At every $z$ the three add up to one.
#
# ## Two classes and the sigmoid
#
# With two classes one score is enough. Only the difference counts, so the other class can keep the score 0. Softmax is then a
# function of one number, the **sigmoid**:
#
# $$
# \frac{e^z}{e^z + e^0} = \frac{1}{1 + e^{-z}} = \sigma(z)
# $$


# %%
def sigmoid(z):
    return 1 / (1 + torch.exp(-z))


z = torch.linspace(-10, 10, 401)
two_scores = torch.stack([z, torch.zeros_like(z)], dim=-1)
torch.testing.assert_close(softmax(two_scores)[:, 0], sigmoid(z))

# %% tags=["hide-input"]
# @title The figure
curves = {"sigmoid": (z, sigmoid(z))}
ax = compare_curves(curves, xlabel="score z", ylabel="probability")
ax = mark_levels([(0, "0"), (0.5, "one half"), (1, "1")], ax=ax)
ax.get_legend().remove()
show(
    ax,
    caption="The sigmoid. Dotted lines: its two limits, and one half.",
    alt="An S-shaped curve that stays near 0 on the left, passes one half at"
    " z = 0, where it is steepest, and stays near 1 on the right.",
    name="fig-foundations-sigmoid",
)

# %% [markdown]
# The curve comes near 0 on the left and near 1 on the right, and reaches neither. At zero it is one half, and steepest there: a little
# more score is worth a quarter of it in probability. It favours no class, since $\sigma(-z) = 1 - \sigma(z)$.
#
# ## Why exponentials
#
# Why not divide each score by the sum of the scores? Put both to a test: add the same number to all three scores. No class has
# gained on another, so no probability should move.

# %%
for constant in (0, 10, -1.5):
    moved = scores + constant
    print(f"{constant:+5}", moved / moved.sum(), softmax(moved))

# %% [markdown]
# On the left is plain division, on the right softmax. Division gives negative "probabilities": to the negative score at first, to the positive one when the sum is
# negative. With 10 added, the three become almost equal. With $-1.5$ added, the *lowest* score gets the largest share. And scores that sum to zero cannot be divided
# at all. In softmax the constant cancels:
#
# $$
# \frac{e^{z_k + c}}{\sum_j e^{z_j + c}} = \frac{e^c\, e^{z_k}}{e^c \sum_j e^{z_j}} = p_k
# $$
#
# > **Nothing else of this form will do** (optional). Turn scores into positive numbers $f(z)$ and divide each by their sum. A constant
# > cancels only if $f(a)/f(b)$ depends on $a - b$ alone. The only continuous functions like that are $f(z) = C e^{\beta z}$. The factor
# > $C$ cancels. A $\beta$ of 0 would ignore the scores; any other only rescales them, as the weights can. The case against division:
# > [Dhalla (2020)](https://medium.com/ai-in-plain-english/complete-guide-image-classification-on-cifar-10-chapter-i-multiclass-logistic-regression-525daee0775b).
#
# ### When exponentials overflow
#
# The formula is right, and our code for it still breaks:

# %%
softmax(torch.tensor([200.0, 0.0, 0.0]))

# %% [markdown]
# A `float32` ends near $3.4 \times 10^{38}$, which is about $e^{88.7}$. Beyond that an exponential is infinite, and infinity divided by
# infinity is not a number, `nan`. Scores beyond 88.7 are common where somebody forgot to scale the pixels.
#
# The cure costs nothing. You may subtract any number from all scores, so subtract the largest (`amax` is `max` without the places). Now the largest exponential is
# $e^0 = 1$.


# %%
def softmax(z):
    exponentials = (z - z.amax(dim=-1, keepdim=True)).exp()
    return exponentials / exponentials.sum(dim=-1, keepdim=True)


softmax(torch.tensor([200.0, 0.0, 0.0]))

# %% [markdown]
# At the other end, a tiny probability is rounded to zero, and the logarithm of zero is minus infinity. So take
# the logarithm on paper, before anything is rounded:
#
# $$
# \ln p_k = z_k - \ln \sum_j e^{z_j}
# $$
#
# The last term is called **log-sum-exp**, and subtracting the largest score makes it safe as well.


# %%
def log_softmax(z):
    z = z - z.amax(dim=-1, keepdim=True)
    return z - z.exp().sum(dim=-1, keepdim=True).log()


far = torch.tensor([0.0, 200.0])
print("through p:", softmax(far).log(), " directly:", log_softmax(far))

# %% [markdown]
# ## Cross-entropy says how wrong
#
# You know the truth: it is a 5. Write it as a vector $\mathbf{y}$ with a one at the true class and zeros elsewhere, called **one-hot**. The
# **cross-entropy** between it and the probabilities is
#
# $$
# \ell = -\sum_{k=1}^K \mathbf{y}_k \ln p_k.
# $$
#
# All of it for your 5:

# %%
import pandas as pd

truth = torch.tensor([0.0, 1.0, 0.0])
terms = -truth * log_softmax(scores)
names = ["z", "exp z", "p", "ln p", "y", "-y ln p"]
columns = [scores, scores.exp(), softmax(scores), log_softmax(scores)]
columns = torch.stack([*columns, truth, terms], dim=1)
pd.DataFrame(columns, digits, names).round(4)

# %%
terms.sum()

# %% [markdown]
# The zeros of $\mathbf{y}$ strike out all classes but the true one. So the sum is a long way to write
# $\ell = -\ln p_{\text{true}}$: **minus the logarithm of the probability of the truth**. Its unit is called **nat**, for the natural
# logarithm; with base 2 it would be bits. In the figure, look at both ends, and at what guessing costs.

# %%
import math

p = torch.linspace(0.001, 1, 1000)
price = -p.log()

# %% tags=["hide-input"]
# @title The figure
curves = {"-ln p": (p, price)}
ax = compare_curves(
    curves, xlabel="probability of the true class", ylabel="loss (nats)"
)
guessing = f"guessing among {num_classes} classes: ln {num_classes}"
ax = mark_levels([(math.log(num_classes), guessing)], ax=ax)
ax.get_legend().remove()
show(
    ax,
    caption="The loss, by the probability that the true class was given.",
    alt="A curve falls steeply from a great height at probability 0, then ever"
    " more gently, to 0 at probability 1. A dotted line marks guessing.",
    name="fig-foundations-loss",
)

# %% [markdown]
# A model that was certain and right pays nothing. One that guesses evenly pays the logarithm of the number of classes. One that rules out
# the truth pays without limit. To lower the loss is to make the labels more probable. Weights for which they are as probable as can be have what
# statisticians call maximum likelihood ([Bishop, 2006](https://www.microsoft.com/en-us/research/publication/pattern-recognition-machine-learning/)).
#
# ### The mean over batches
#
# The loss of a **batch** of images is the mean of their losses. Take care with several batches, for the last is often smaller. Five
# images come in batches of four and one, with losses that you can average in your head. **Predict first:** what is the mean of the two
# batch means, and what is the mean over all five images?

# %%
losses = torch.tensor([1.0, 1.0, 1.0, 1.0, 6.0])
batches = losses.split(4)
means = torch.stack([batch.mean() for batch in batches])
sizes = torch.tensor([len(batch) for batch in batches])
weighted = (sizes * means).sum() / sizes.sum()
print(f"mean of means {means.mean()}, weighted by size {weighted}")

# %% [markdown]
# In the mean of means, the last image counts as much as the other four together. Weight each batch by its size, and you have the mean
# over images.
#
# ## Why accuracy cannot be the loss
#
# What you want in the end is many right answers. Why not train for that? Because the share of right answers does not notice
# improvement. Let the score of your 5 rise from $-1$ to $4$, while the scores of 3 and 8 stay at 2 and $-1$.

# %%
five = torch.linspace(-1, 4, 501)
three, eight = torch.full_like(five, 2), torch.full_like(five, -1)
rising = torch.stack([three, five, eight], dim=-1)
losses = -log_softmax(rising)[:, 1]
correct = rising.argmax(dim=-1) == 1

# %% tags=["hide-input"]
# @title The figure
curves = {"loss (nats)": (five, losses), "accuracy (0 or 1)": (five, correct)}
ax = compare_curves(curves, xlabel="score of the true class", ylabel="")
show(
    ax,
    caption="Loss and accuracy of one image, by the score of its true class.",
    alt="The loss falls smoothly from left to right. Accuracy is flat at 0,"
    " jumps to 1 where the true class takes the lead, and is flat again.",
    name="fig-foundations-staircase",
)

# %% [markdown]
# The loss falls all the way, so every small step is rewarded. Accuracy is flat, jumps once, and is flat again. Training goes downhill,
# and a flat line has no downhill. See it in numbers: the probability of the truth, your 5, rises from 0.1 to 0.2, and 3 stays ahead. The
# answer is wrong before and after, and the loss has fallen by $\ln 2$.

# %%
before = torch.tensor([0.7, 0.1, 0.2])
after = torch.tensor([0.6, 0.2, 0.2])
print("answers:", digits[before.argmax()], digits[after.argmax()])
print("losses: ", -before[1].log(), -after[1].log())

# %% [markdown]
# Move the probability yourself, and see which measure notices.

# %%
live.show("log_loss")

# %% [markdown]
# So we train on the loss and report the accuracy. Mostly they improve together, but not always: a model can gain accuracy while its loss
# rises.
#
# ## PyTorch takes scores
#
# PyTorch has all of this in one function. `F.cross_entropy` takes *scores*, not probabilities. Inside are two steps: log-softmax, then
# `nll_loss`, which picks the true class, changes the sign, and averages.

# %%
import torch.nn.functional as F

label = torch.tensor(1)
log_p = F.log_softmax(scores, dim=0)
print(F.cross_entropy(scores, label), F.nll_loss(log_p, label))

# %% [markdown]
# That is why models in this book return scores. Softmax is for people, and comes last.
#
# ### A second softmax
#
# Somebody ends a model with softmax, and trains it with `F.cross_entropy`. Now there are two.
#
# You need no model to see what that does to training: train the scores themselves. They start at zero, class 0 is true, and each step
# moves them a little in the direction in which the loss falls.
# ([Gradients](02_gradients.ipynb) derives it.)

# %% tags=["remove-input"]
# @title Your prediction
from tutorial_utils.lessons.questions import ask, choice, number, predict

lowest = math.log(math.e + num_classes - 1) - 1
paths = ["to zero, only later", "to a floor far above zero", "it rises"]
ask(
    [
        predict(
            "With one softmax the loss goes to zero. And with two?",
            paths,
            correct=paths[1 if lowest > 0.2 * math.log(num_classes) else 0],
            because=f"it cannot fall below {lowest:.3f}. See below why.",
        )
    ]
)


# %%
def descend(loss_of, steps=200):
    z = torch.zeros(num_classes, requires_grad=True)
    losses = []
    for _ in range(steps):
        loss = loss_of(z)
        loss.backward()  # how the loss changes with each score
        losses.append(loss.item())
        with torch.no_grad():
            z -= z.grad  # a step downhill
            z.grad = None
    return losses


label = torch.tensor(0)
once = descend(lambda z: F.cross_entropy(z, label))
twice = descend(lambda z: F.cross_entropy(softmax(z), label))

# %% tags=["hide-input"]
# @title The figure
steps = range(len(once))
curves = {"one softmax": (steps, once), "two softmaxes": (steps, twice)}
ax = compare_curves(curves, xlabel="step", ylabel="loss (nats)")
floor = math.log(math.e + num_classes - 1) - 1
ax = mark_levels([(0, "0"), (floor, f"{floor:.3f}")], ax=ax)
show(
    ax,
    caption="The loss of the trained scores, with one softmax and with two.",
    alt="Two curves start at one height. With one softmax the loss soon drops"
    " to nearly 0. With two it falls a little, then runs level far above 0.",
    name="fig-foundations-second-softmax",
)

# %% [markdown]
# One softmax lets the loss go to zero. With two it stops at a floor. The inner softmax gives numbers between 0 and 1, and those are the
# scores of the outer one. The best they can be is a 1 and $K - 1$ zeros, with exponentials $e$ and 1:
#
# $$
# -\ln \frac{e}{e + K - 1} = \ln(e + K - 1) - 1.
# $$
#
# Whatever a model has learnt, a second softmax leaves its answers alone, for it keeps the order of the scores. But training through it learns
# more slowly: accuracy is lower, seldom alarmingly, and the mistake lives on. Suspect it when **the loss stalls a little above**
# $\ln(e + K - 1) - 1$ **while accuracy looks good.**
#
# ### Labels in a column
#
# Labels are whole numbers, one per image, in a tensor of shape $(n,)$. Files often bring them as a column, of shape $(n, 1)$. Here is a
# batch with both. Its scores are noise, with a lead of 3 for the true class, so most answers are right.

# %%
generator = torch.Generator().manual_seed(seed)
labels = torch.randint(num_classes, (batch_size,), generator=generator)
noise = torch.randn(batch_size, num_classes, generator=generator)
predicted = (noise + 3 * F.one_hot(labels, num_classes)).argmax(dim=1)
column = labels.view(-1, 1)

right, wrong = predicted == labels, predicted == column

# %% tags=["remove-input"]
# @title Your prediction
n = batch_size
ask(
    [
        predict(
            f"`predicted` has shape ({n},) and `column` has shape ({n}, 1)."
            " What shape has `predicted == column`?",
            ["none: it is an error", f"({n},)", f"({n}, 1)", f"({n}, {n})"],
            correct=str(tuple(wrong.shape)),
            because="every prediction is compared with every label.",
        )
    ]
)

# %% tags=["hide-output"]
print("labels:", tuple(right.shape), right.float().mean().item())
print("column:", tuple(wrong.shape), wrong.float().mean().item())

# %% [markdown]
# The comparison stretched both until they fitted, which is called **broadcasting**. Every prediction met every label, and the mean of that
# square looks like the accuracy of a model that guesses. `F.cross_entropy` refuses a column; this comparison does not. Look at the shape
# before you believe an accuracy.


# %% tags=["remove-input"]
# @title The book's own check (skip)
from tutorial_utils.lessons.expect import expect

silent, honest = wrong.float().mean(), right.float().mean()
expect("with one softmax the loss goes to zero", once[-1], below=0.02)
gap = twice[-1] - floor
expect("with two softmaxes it stops at a floor", gap, between=(0, 0.05))
expect("the floor lies far above zero", floor, above=1)
expect("most answers in the batch are right", honest, above=0.75)
bounds = 0.5 / num_classes, 1.5 / num_classes
expect("the mean of the square looks like guessing", silent, between=bounds)

# %% [markdown]
# ## Exercises
#
# ### Exercise 1 ★ With a pencil
#
# Three scores are $\ln 2$, $0$ and $0$. Which probability does the first class get, and what is the loss if the *second* is true? Type
# both in place of the dots.

# %%
from tutorial_utils.lessons import checks

p_first, loss_if_second = ..., ...

p = softmax(torch.tensor([math.log(2), 0, 0]))
checks.answer(p_first, p[0], tolerance=0.01, hint="first, three exponentials")
checks.answer(loss_if_second, -p[1].log(), tolerance=0.01, hint="ln of what?")

# %% tags=["hide-cell"]
# @title Solution
# The exponentials are 2, 1 and 1, and sum to 4. The first class gets 2/4.
# The second gets 1/4, and the loss is -ln(1/4) = 2 ln 2.
torch.testing.assert_close(p, torch.tensor([0.5, 0.25, 0.25]))

# %% [markdown]
# ### Exercise 2 ★ Predict, then run
#
# Divide the scores by a **temperature** $T$ before softmax. Write down what you expect at $T = 0.1$ and at $T = 10$: can the answer
# change? Then set `temperature` and run. Which number does the first probability come near as $T$ grows?

# %%
temperature = 1.0
print(softmax(scores / temperature))

when_hot = ...
hint = "divided by a large T, all scores are near zero"
checks.answer(when_hot, softmax(0 * scores)[0], tolerance=0.01, hint=hint)

# %% tags=["hide-cell"]
# @title Solution
# Cold is certain, hot is even: one third each. The order never changes, so
# the answer does not.
answers = [softmax(scores / t).argmax().item() for t in (0.1, 1.0, 10.0)]
assert answers == [0, 0, 0]

# %% [markdown]
# ### Exercise 3 ★★ Your own cross-entropy
#
# Write the mean cross-entropy of a batch yourself. The starter is right on paper. Run it, read what the check says, and mend it. (The check gives
# it two rows of scores, 2, 1, 0 and 0, 0, 3, with labels 0 and 1; then the same scores times 100.)


# %%
def your_cross_entropy(logits, labels):
    rows = torch.arange(len(labels))
    return -softmax(logits)[rows, labels].log().mean()


checks.cross_entropy(your_cross_entropy)


# %% tags=["hide-cell"]
# @title Solution
# The logarithm is taken before anything is rounded.
def my_cross_entropy(logits, labels):
    return -log_softmax(logits)[torch.arange(len(labels)), labels].mean()


checks.cross_entropy(my_cross_entropy)

# %% [markdown]
# ### Exercise 4 ★★★ Does honesty pay?
#
# Ten images look exactly alike. Nine are a 3, one is a 5. A model gives each the probability $p$ of being a 3, and $1 - p$ of being
# a 5. Which $p$ has the lowest mean loss? Write `average_loss`, and let the cell search. Which answers change between $p = 0.51$ and
# $p = 0.9$, and what does that say of accuracy?


# %%
def average_loss(p):
    return 0 * p  # p: probabilities to try, a tensor


def by_pytorch(p):
    truth = torch.tensor([1.0] * 9 + [0.0])  # nine are a 3
    losses = [F.binary_cross_entropy(q.repeat(10), truth) for q in p]
    return torch.stack(losses)


checks.function(average_loss, by_pytorch, [(torch.tensor([0.1, 0.5, 0.9]),)])
candidates = torch.linspace(0.001, 0.999, 999)
print("lowest at", candidates[average_loss(candidates).argmin()])


# %% tags=["hide-cell"]
# @title Solution
# The lowest loss is at 0.9, the true share: it pays to say what one believes.
# No answer changes between 0.51 and 0.9, so accuracy asks for no honesty.
def my_average_loss(p):
    return -(0.9 * p.log() + 0.1 * (1 - p).log())


candidates[my_average_loss(candidates).argmin()]

# %% [markdown]
# ## Five questions

# %% tags=["remove-input"]
# @title Five questions
changes = {
    "the largest grows, the smallest shrinks": "",
    "they become more equal": "All differences grow, too.",
    "nothing": "That is so if you add a number to all of them.",
}
apart = softmax(2 * scores).max() > softmax(scores).max()
suspects = {
    "the learning rate, which is too low": "Then it would still be falling.",
    "a softmax inside the model": "",
    "labels in a column": "The loss refuses those with an error.",
}
ask(
    [
        choice(
            "You double every score. What happens to the probabilities?",
            changes,
            correct=list(changes)[0 if apart else 1],
            because="every difference doubles, and so every ratio is squared.",
        ),
        number(
            "One class has score 4, another 2. How many times as probable is"
            " the first? (One decimal is enough.)",
            answer=math.exp(4 - 2),
            tolerance=0.1,
            because="a difference of scores is a ratio of probabilities: e².",
        ),
        number(
            f"A model guesses evenly among {num_classes} classes. What is its"
            " loss? (One decimal is enough.)",
            answer=math.log(num_classes),
            tolerance=0.06,
            unit="nats",
            because="whichever class is true, its probability was one share.",
        ),
        choice(
            f"Accuracy looks fine, but the loss of a model with {num_classes}"
            f" classes stands still at {twice[-1]:.2f}. What do you suspect?",
            suspects,
            correct=list(suspects)[1],
            because=f"with two softmaxes no loss gets below {floor:.3f}.",
        ),
        choice(
            "The probability of the true class rises from 0.1 to 0.2, and"
            " another class stays ahead. What improves?",
            {
                "the loss": "",
                "the accuracy": "The answer is still the other class.",
                "both": "The answer is still the other class.",
                "neither": "More was given to the truth.",
            },
            correct="the loss" if before.argmax() == after.argmax() else "both",
            because="the answer is wrong before and after, but less so.",
        ),
    ]
)

# %% [markdown]
# ## Further reading
#
# * [Bishop (2006)](https://www.microsoft.com/en-us/research/publication/pattern-recognition-machine-learning/), chapter 4, derives sigmoid
#   and softmax from Bayes' rule.
# * [Goodfellow, Bengio and Courville (2016)](https://www.deeplearningbook.org), section 6.2, explain why a loss should take scores.
#
# Your 5 was read as a 3 because the 3 had one point more of score, which makes it $e$ times as probable. Which way must each score move
# to mend that? [Gradients](02_gradients.ipynb) answers with three symbols.

# %% tags=["remove-cell"]
# @title The results file
from tutorial_utils.report import results

path = results.write(
    "foundations/01_softmax_and_cross_entropy",
    parameters={
        "num_classes": num_classes,
        "batch_size": batch_size,
        "seed": seed,
    },
    metrics={
        "loss_by_softmaxes": [once[-1], twice[-1]],
        "double_softmax_floor": floor,
        "accuracy_by_label_shape": {"(n,)": honest, "(n, 1)": silent},
    },
    data_hash="none",
)
