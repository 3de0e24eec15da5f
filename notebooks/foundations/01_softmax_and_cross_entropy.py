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
# *About 35 minutes. **You need** Python, arrays and logarithms. Next comes [Gradients](02_gradients.ipynb).*
#
# A model looks at your handwritten 5 and gives every digit a score, and the 3 gets the highest. How do scores become
# probabilities, and probabilities one number that says how wrong the model was?
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
# Every model in this book has the same four parts.
#
# | part | turns | into | so that |
# |---|---|---|---|
# | linear map | the pixels of an image | one score per class, its **logits** | each pixel speaks for or against each class |
# | softmax | scores | probabilities | scores can be compared: positive, and one in total |
# | cross-entropy | probabilities, and the true class | one number, the **loss** | you know how badly the truth was predicted |
# | gradient descent | the loss | better weights | the next loss is lower |
#
# To predict, the first two are enough. Training takes all four. This page is about the two in the middle. You build the
# first in [The model](../mnist/02_model.ipynb) and the last in [Gradient descent](03_gradient_descent.ipynb).
#
# ## Softmax turns scores into probabilities
#
# Keep it small: three digits, 3, 5 and 8. These scores came out of some linear map for your 5.

# %%
import torch

digits = ["3", "5", "8"]
scores = torch.tensor([2.0, 1.0, 0.0])

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
# The highest score has the highest probability, so this model answers 3. Look at the steps: each score is one less than the
# score before it, and each probability is the one before it divided by $e \approx 2.72$. A *difference* of scores becomes a
# *ratio* of probabilities: $p_a / p_b = e^{z_a - z_b}$. (With `dim=-1` the sum runs over classes, so the same function takes a
# batch with one image in each row.)
#
# Now move the scores yourself. Give all three the same push. Make 5 the answer. Then give 5 a lead of ten.

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
from tutorial_utils.plots.foundations import mark_levels
from tutorial_utils.plots.training import compare_curves

names = ["score z", "score z/2", "score -z/2"]
curves = {name: (z, p) for name, p in zip(names, probabilities.T, strict=True)}
ax = compare_curves(curves, xlabel="z", ylabel="probability")
ax = mark_levels([(1 / 3, "one third"), (1, "1")], ax=ax)
show(
    ax,
    caption="Softmax of the scores z, z/2 and -z/2.",
    alt="Three curves meet at one third over z = 0. The class with score z rises"
    " towards 1 on the right, the class with score minus z half rises towards 1"
    " on the left, and the middle class has a low hump and falls on both sides.",
    name="fig-foundations-softmax",
)

# %% [markdown]
# At zero all scores are equal, and each class gets one third. On the right the class with score $z$ takes everything. On the left
# it is the class with $-z/2$: among negative numbers it alone is positive. The middle class never wins, and on the right it falls
# although its score rises, because another rises faster. At every $z$ the three add up to one.
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
ax = compare_curves(
    {"sigmoid": (z, sigmoid(z))}, xlabel="score z", ylabel="probability"
)
ax = mark_levels([(0, "0"), (0.5, "one half"), (1, "1")], ax=ax)
ax.get_legend().remove()
show(
    ax,
    caption="The sigmoid. Dotted lines: its two limits, and one half.",
    alt="An S-shaped curve that stays near 0 on the left, passes one half at z = 0,"
    " where it is steepest, and stays near 1 on the right.",
    name="fig-foundations-sigmoid",
)

# %% [markdown]
# The curve comes near 0 on the left and near 1 on the right, and reaches neither. At zero it is one half, and steepest there: its
# slope is one quarter. It favours no class, since $\sigma(-z) = 1 - \sigma(z)$. Beyond a score of 5 or so, more score changes little.
#
# ## Why exponentials
#
# Why not divide each score by the sum of the scores? Put both to a test: add the same number to all three scores. No class has
# gained on another, so no probability should move.

# %%
for constant in (0, 10, -1.25):
    moved = scores + constant
    print(f"{constant:+6}: plain {moved / moved.sum()}, softmax {softmax(moved)}")

# %% [markdown]
# Plain division fails in three ways. With 10 added, the three are almost equal. With $-1.25$ added, two scores are negative, and the
# *lowest* of them gets a "probability" above one. With $-1$ added the scores would sum to zero, and nothing can be divided by that. In
# softmax the constant cancels:
#
# $$
# \frac{e^{z_k + c}}{\sum_j e^{z_j + c}} = \frac{e^c\, e^{z_k}}{e^c \sum_j e^{z_j}} = p_k
# $$
#
# > **Nothing else will do.** Give each score a positive weight $f(z)$ and divide by the sum of the weights. The constant cancels only
# > if $f(a)/f(b)$ depends on $a - b$ alone, and the only continuous functions like that are $f(z) = C e^{\beta z}$. The factor $C$
# > cancels, and the weights of the model absorb $\beta$. The argument against plain division is that of
# > [Dhalla (2020)](https://medium.com/ai-in-plain-english/complete-guide-image-classification-on-cifar-10-chapter-i-multiclass-logistic-regression-525daee0775b).
#
# ### When exponentials overflow
#
# The formula is right, and our code for it still breaks:

# %%
softmax(torch.tensor([200.0, 0.0, 0.0]))

# %% [markdown]
# A `float32` ends near $3.4 \times 10^{38}$, which is about $e^{88.7}$. Beyond that an exponential is infinite, and infinity divided by
# infinity is not a number, `nan`. Such scores are common: forget to scale the pixels, and hundreds of them, each up to 255, add up to
# more before any training.
#
# The cure costs nothing. You may subtract any number from all scores, so subtract the largest. Now the largest exponential is
# $e^0 = 1$.


# %%
def softmax(z):
    exponentials = (z - z.amax(dim=-1, keepdim=True)).exp()
    return exponentials / exponentials.sum(dim=-1, keepdim=True)


softmax(torch.tensor([200.0, 0.0, 0.0]))

# %% [markdown]
# There is a trap at the other end, too. A tiny probability is rounded to zero, and the logarithm of zero is minus infinity. So take
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
# You know the truth: it is a 5. The **cross-entropy** is minus the logarithm of the probability that the model gave to the truth. In
# general one writes the truth as a vector $\mathbf{y}$ with a one at the true class and zeros elsewhere, called **one-hot**:
#
# $$
# \ell = -\sum_{k=1}^K \mathbf{y}_k \ln p_k
# $$
#
# Here is all of it for your 5, one column after the other.

# %%
import pandas as pd

truth = torch.tensor([0.0, 1.0, 0.0])
terms = -truth * log_softmax(scores)
columns = {
    "z": scores,
    "exp z": scores.exp(),
    "p": softmax(scores),
    "ln p": log_softmax(scores),
    "y": truth,
    "-y ln p": terms,
}
pd.DataFrame({name: c.numpy() for name, c in columns.items()}, digits).round(4)

# %%
loss = terms.sum()
loss

# %% [markdown]
# Only the true class pays; the zeros of $\mathbf{y}$ strike out the rest. So the sum is a long way to write
# $\ell = -\ln p_{\text{true}}$. Its unit is the **nat**, because the logarithm is natural. In the figure, look at both ends, and at
# where a model stands that guesses.

# %%
import math

p = torch.linspace(0.001, 1, 1000)
price = -p.log()

# %% tags=["hide-input"]
ax = compare_curves(
    {"-ln p": (p, price)},
    xlabel="probability given to the true class",
    ylabel="loss (nats)",
)
ax.get_legend().remove()
ax.plot(1 / num_classes, math.log(num_classes), "o", color="black")
_ = ax.annotate(
    f"guessing among {num_classes} classes: ln {num_classes}",
    (1 / num_classes, math.log(num_classes)),
    xytext=(12, 6),
    textcoords="offset points",
)
show(
    ax,
    caption="The loss by the probability that the true class was given.",
    alt="A curve that falls from a great height at probability 0, steeply and then"
    " ever more gently, to exactly 0 at probability 1. A dot marks guessing.",
    name="fig-foundations-loss",
)

# %% [markdown]
# A model that was certain and right pays nothing. One that guesses pays the logarithm of the number of classes. One that rules out the
# truth pays without limit. To lower the loss is to make the labels as probable as possible, which statisticians call maximum likelihood
# ([Bishop, 2006](https://www.microsoft.com/en-us/research/publication/pattern-recognition-machine-learning/)).
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
# improvement. Let the score of your 5 rise from $-1$ to $4$, while the scores of 3 and 8 stay at 2 and 0.

# %%
five = torch.linspace(-1, 4, 501)
three, eight = torch.full_like(five, 2), torch.zeros_like(five)
rising = torch.stack([three, five, eight], dim=-1)
losses = -log_softmax(rising)[:, 1]
correct = rising.argmax(dim=-1) == 1

# %% tags=["hide-input"]
curves = {"loss (nats)": (five, losses), "accuracy (0 or 1)": (five, correct)}
ax = compare_curves(curves, xlabel="score of the true class", ylabel="")
show(
    ax,
    caption="Loss and accuracy of one image while the score of its true class rises.",
    alt="The loss falls smoothly from left to right. The accuracy is flat at 0, jumps"
    " to 1 where the true class overtakes the leader, and is flat again.",
    name="fig-foundations-staircase",
)

# %% [markdown]
# The loss falls all the way, so every small step is rewarded. Accuracy is flat, jumps once, and is flat again. Training goes downhill,
# and a flat line has no downhill. The numbers say the same. Raise the probability of the truth from 0.1 to 0.2 while another class stays
# ahead: wrong before, wrong after, and the loss has fallen by $\ln 2$.

# %%
before = torch.tensor([0.7, 0.1, 0.2])
after = torch.tensor([0.6, 0.2, 0.2])
print("answers:", before.argmax().item(), after.argmax().item())
print("losses: ", -before[1].log(), -after[1].log())

# %% [markdown]
# PyTorch can say how a result changes with the numbers it came from, if those are marked with `requires_grad`. Through `argmax` and `==`
# it does not even try.

# %%
marked = scores.clone().requires_grad_()
accuracy = (marked.argmax() == 1).float()
loss = -log_softmax(marked)[1]
print("slope known?", accuracy.requires_grad, loss.requires_grad)

# %% [markdown]
# So we train on the loss and report the accuracy. Mostly they improve together, but not always: a model can gain accuracy while its loss
# rises, by growing more certain of a few hopeless images.
#
# ## PyTorch takes scores
#
# PyTorch has all of this in one function. `F.cross_entropy` takes *scores*, not probabilities. Inside are two steps: log-softmax, then
# `nll_loss`, which picks the true class, changes the sign, and averages.

# %%
import torch.nn.functional as F

y = torch.tensor(1)
print(F.cross_entropy(scores, y), F.nll_loss(F.log_softmax(scores, dim=0), y))

# %% [markdown]
# That is why models in this book return scores. Softmax is for people, and comes last.
#
# ### A second softmax
#
# Somebody ends a model with softmax, and trains it with `F.cross_entropy`. Now there are two. Nothing complains.
#
# You can watch what training does without any model: let the scores themselves be what is trained. They start at zero, class 0 is true,
# and each step moves them a little in the direction in which the loss falls. **Predict first:** one run has one softmax, the other has
# two. To which value does each loss go?


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


y = torch.tensor(0)
once = descend(lambda z: F.cross_entropy(z, y))
twice = descend(lambda z: F.cross_entropy(softmax(z), y))

# %% tags=["remove-input"]
# @title Your prediction
from tutorial_utils.lessons.questions import ask, choice, number, predict

floor = math.log(math.e + num_classes - 1) - 1
paths = {
    "to zero as well, only later": "Later does not help: think of the scores that"
    " the outer softmax sees.",
    "to a floor far above zero": "",
    "nowhere: it rises": "The slopes are right, so it does fall.",
}
ask(
    [
        predict(
            "With one softmax the loss goes to zero. Where does it go with two?",
            paths,
            correct=list(paths)[1 if floor < twice[-1] < once[0] else 0],
            because=f"after all steps it stands at {twice[-1]:.3f} with two, and at"
            f" {once[-1]:.3f} with one.",
            sure=True,
        )
    ]
)

# %% tags=["hide-input"]
curves = {"one softmax": (range(200), once), "two softmaxes": (range(200), twice)}
ax = compare_curves(curves, xlabel="step", ylabel="loss (nats)")
ax = mark_levels([(0, "0"), (floor, f"{floor:.3f}")], ax=ax)
show(
    ax,
    caption="The loss while the scores are trained, with one softmax and with two.",
    alt="Both curves start at the same height. With one softmax the loss drops to"
    " nearly 0 within some fifty steps. With two it falls a little, then runs"
    " level along a dotted line far above 0.",
    name="fig-foundations-second-softmax",
)

# %% [markdown]
# One softmax lets the loss go to zero. With two it stops at a floor. The inner softmax gives numbers between 0 and 1, and those are the
# scores of the outer one. The best they can be is a 1 and $K - 1$ zeros, which makes
#
# $$
# -\ln \frac{e^1}{e^1 + (K - 1)\, e^0} = \ln(e + K - 1) - 1.
# $$
#
# The answers are often right all the same, so accuracy looks fine and the mistake lives on. Remember the sign: **a loss that stops far
# above zero while accuracy looks fine.**
#
# ### Labels in a column
#
# Labels are integers of shape $(n,)$, one per image. Files often bring them as a column, of shape $(n, 1)$. Here is a batch with both. Its
# scores are noise, with a lead of 3 for the true class, so most answers are right. **Predict first:** what shape has
# `predicted == column`?

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
            f"`predicted` has shape ({n},). What comes of `predicted == column`?",
            {
                "an error": "A comparison stretches shapes until they fit.",
                f"shape ({n},)": "That needs labels of the same shape.",
                f"shape ({n}, 1)": "The column is stretched, too.",
                f"shape ({n}, {n})": "",
            },
            correct=f"shape {tuple(wrong.shape)}",
            because="every prediction is compared with every label.",
            sure=True,
        )
    ]
)

# %%
print("labels:", tuple(right.shape), right.float().mean().item())
print("column:", tuple(wrong.shape), wrong.float().mean().item())

# %% [markdown]
# The column was stretched until it fitted, which is called **broadcasting**: every prediction was compared with every label. The mean of
# that square looks like an accuracy, that of a model which guesses. `F.cross_entropy` would have refused the column. A comparison never does, so
# look at shapes before you believe an accuracy.


# %% tags=["remove-input"]
# @title Guards of the sentences above
from tutorial_utils.lessons.expect import expect

guess = 1 / num_classes
silent, honest = wrong.float().mean(), right.float().mean()
expect("with one softmax the loss goes to zero", once[-1], below=0.02)
expect("with two softmaxes it stops at a floor", twice[-1] - floor, between=(0, 0.05))
expect("the floor lies far above zero", floor, above=1)
expect("most answers in the batch are right", honest, above=0.75)
expect(
    "the square's mean looks like guessing", silent, between=(0.5 * guess, 1.5 * guess)
)

# %% [markdown]
# ## Exercises
#
# ### Exercise 1: with a pencil
#
# ★ Three scores are $\ln 2$, $0$ and $0$. Without a computer: which probability has the first class, and what does it cost if the
# *second* is true? Type both answers in.

# %%
from tutorial_utils.lessons import checks

probability_of_first = ...
loss_if_second = ...

easy = torch.tensor([math.log(2), 0, 0])
answer = softmax(easy)[0]
checks.answer(probability_of_first, answer, tolerance=0.01, hint="e to the ln 2 is 2")
answer = -log_softmax(easy)[1]
checks.answer(loss_if_second, answer, tolerance=0.01, hint="the second has 1 part in 4")

# %% tags=["hide-cell"]
# @title Solution
# The exponentials are 2, 1 and 1, with sum 4. The first class has probability 2/4.
# The second has 1/4, and the loss is -ln(1/4) = 2 ln 2.
print(softmax(easy), 2 * math.log(2))

# %% [markdown]
# ### Exercise 2: predict, then run
#
# ★ Divide the scores by a **temperature** $T$ before softmax. Write down what you expect of the three probabilities at $T = 0.1$ and at
# $T = 10$, and whether the answer can change. Then set `temperature` and run. To which number does the first probability come near
# as $T$ grows?

# %%
temperature = 1.0
softened = softmax(scores / temperature)

first_at_high_temperature = ...
checks.answer(
    first_at_high_temperature,
    softmax(scores / 1e6)[0],
    tolerance=0.01,
    hint="divided by a large T, all scores are nearly the same",
)

# %% tags=["hide-cell"]
# @title Solution
# Cold is certain, hot is even. The order of the scores never changes.
torch.stack([softmax(scores / t) for t in (0.1, 1.0, 10.0, 1000.0)])

# %% [markdown]
# ### Exercise 3: your own cross-entropy
#
# ★★ Write the mean cross-entropy of a batch yourself. The starter is right on paper. Run it, read what the check says, and mend it.


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
# ### Exercise 4: does honesty pay?
#
# ★★★ Of the images of one kind, nine in ten are a 3 and one in ten is a 5, and nothing tells them apart. A model gives all of them the same
# probability $p$ of being a 3. Which $p$ has the lowest loss on average? Write `average_loss`, draw it or search it, and say what it
# means that accuracy would not mind $p = 0.51$.

# %% tags=["remove-cell"]
# @title What the check of exercise 4 compares with
shares = torch.linspace(0.001, 0.999, 999)
honest_losses = -(0.9 * shares.log() + 0.1 * (1 - shares).log())


# %%
def average_loss(p):
    return 0 * p  # p: probabilities to try, a tensor


best_probability = ...
hint = "average over the ten images: nine cost -ln p, and one costs what?"
checks.answer(
    best_probability, shares[honest_losses.argmin()], tolerance=0.02, hint=hint
)


# %% tags=["hide-cell"]
# @title Solution
# The lowest loss is at the true share: it pays to say what one believes. Every p
# above one half gives the same accuracy, so accuracy does not ask for honesty.
def my_average_loss(p):
    return -(0.9 * p.log() + 0.1 * (1 - p).log())


shares[my_average_loss(shares).argmin()]

# %% [markdown]
# ## Five questions

# %% tags=["remove-input"]
# @title Five questions
moved = softmax(scores + 3)
kinds = ["they grow", "they become more equal", "they stay as they are"]
ask(
    [
        choice(
            "You add 3 to each of three scores. What happens to the probabilities?",
            kinds,
            correct=kinds[2 if torch.allclose(moved, softmax(scores)) else 1],
            because="a common factor cancels; only differences of scores count.",
        ),
        number(
            "A score of 4 stands beside a score of 2. How many times as probable is"
            " the first class as the second? (One decimal is enough.)",
            answer=math.exp(4 - 2),
            tolerance=0.1,
            form=".2f",
            because="a difference of scores is a ratio of probabilities, e².",
        ),
        number(
            f"A model guesses evenly among {num_classes} classes. What is its loss?"
            " (One decimal is enough.)",
            answer=math.log(num_classes),
            tolerance=0.06,
            form=".3f",
            because="minus the logarithm of one share, whichever class is true.",
            unit="nats",
        ),
        choice(
            f"With {num_classes} classes, a training loss has stood at"
            f" {twice[-1]:.2f} for a long time, while accuracy looks fine. What do you"
            " look for first?",
            {
                "a learning rate that is too low": "Then accuracy would be poor, too.",
                "a softmax inside the model": "",
                "labels in a column": "Those the loss refuses with an error.",
            },
            correct="a softmax inside the model",
            because=f"two softmaxes cannot get below {floor:.3f}.",
            sure=True,
        ),
        choice(
            "The true class rises from probability 0.1 to 0.2, and another stays"
            " ahead. What changes?",
            ["only the loss", "only the accuracy", "both", "neither"],
            correct="only the loss" if before.argmax() == after.argmax() else "both",
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
# You have one number that says how wrong a model was. In which direction does each weight have to move to lower it? That is the next
# page: [Gradients](02_gradients.ipynb).

# %% tags=["remove-cell"]
# @title The results file
from tutorial_utils.report import results

path = results.write(
    "foundations/01_softmax_and_cross_entropy",
    parameters={"num_classes": num_classes, "batch_size": batch_size, "seed": seed},
    metrics={
        "loss_with_one_softmax": once[-1],
        "loss_with_two_softmaxes": twice[-1],
        "double_softmax_floor": floor,
        "accuracy_from_wrong_shape": silent,
        "accuracy_from_right_shape": honest,
    },
    data_hash="none",
)
