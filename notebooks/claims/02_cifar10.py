# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Claims about CIFAR-10: model and measures
#
# What does a model say before it has learnt anything, how exact is its softmax, and what do averages and batches hide? Little of this needs training, so here most
# claims can be checked to the last decimal, and two that sound safe turn out otherwise.
#
# *25 minutes to read, 45 with the exercises. **You need** [The model](../cifar10/02_model.ipynb) and [how a claim is judged](01a_mnist_data_and_model.ipynb#How-a-claim-is-judged).
# Next come the [claims about training](02b_cifar10_training.ipynb).*
#
# The tutorial on CIFAR-10 is by [Dhalla (2020)](https://medium.com/ai-in-plain-english/complete-guide-image-classification-on-cifar-10-chapter-i-multiclass-logistic-regression-525daee0775b). After this chapter you can
#
# * tell what one untrained model shows from what all of them share;
# * say how far rounding can explain a surprise, and how far not;
# * choose an interval that fits the question: over images, over seeds or over starts.

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
seed: int = 0  # of the split and order that models share, 0 or more
device: str = "auto"  # where to compute: "auto", "cpu", "cuda", "mps"
num_epochs: int = 60  # passes over the training images, 1 or more
num_seeds: int = 10  # repeated runs, 2 or more

# %% tags=["hide-input"]
# @title Check the settings: a wrong one stops the notebook here, and says why
from tutorial_utils.plots.style import use_book_style
from tutorial_utils.training.config import HEADLINE

config = HEADLINE["cifar10"].but(
    dataset=dataset, seed=seed, device=device, num_epochs=num_epochs
)
use_book_style()

# %% [markdown]
# ## Ten models, before and after
#
# The seed of a model fixes its split, the order of its batches and its first weights. The ten here are those of [Training](../cifar10/03_training.ipynb), and their scores for all 60,000 images are computed once: untrained and trained. A claim about *models before training*
# asks 200 of them, which cost nothing but one matrix product.
#
# Three kinds of interval appear. Those **over seeds**, and **over seeds and images**, are as with [MNIST](01a_mnist_data_and_model.ipynb#How-a-claim-is-judged). Shares of images or seeds that were drawn independently have Wilson's ([Wilson, 1927](https://doi.org/10.1080/01621459.1927.10502953)). Neighbouring images of CIFAR-10 are no more alike than others, so each counts as one
# observation. Two accuracies count as equal within half a point, everywhere in this part.

# %%
import numpy as np
import torch

from tutorial_utils.data import datasets
from tutorial_utils.report import measuring, results
from tutorial_utils.report.ledger import Ledger, Measurement
from tutorial_utils.training import replicas
from tutorial_utils.training.batches import training_batches
from tutorial_utils.training.models import make_model

data, folder = datasets.load(dataset), results.output_folder()
seeds = [config.but(seed=s) for s in range(num_seeds)]
ten = replicas.load_or_train(seeds, data, folder)
train, validation = training_batches(data.train, config)
held_labels = validation.labels.cpu()
ledger = Ledger()


# %%
@torch.no_grad()
def scores_of(models):
    """Logits of all models for all images, (models, images, classes)."""
    models, parts = [model.cpu() for model in models], []
    for images in (data.train.images, data.test.images):
        for inputs in map(train.transform, images.split(5_000)):
            parts.append(torch.stack([model(inputs) for model in models]))
    return torch.cat(parts, dim=1)


logits = {
    "untrained": scores_of([make_model(each) for each in seeds]),
    "trained": scores_of([run.model for run in ten]),
}

# %%
UNTRAINED = 200
on_cpu = config.but(device="cpu")
stack = replicas.Stack([on_cpu.but(seed=s) for s in range(UNTRAINED)])
votes = []
for images, _ in validation:
    votes.append(stack.logits(images.cpu().flatten(1)).argmax(dim=1))
votes = torch.cat(votes, dim=1)  # (models, validation images)

# %% [markdown]
# ## Before training
#
# ### Claim 24: an untrained model favours truck
#
# The tutorial sees one untrained model answer "truck" for most of a batch. That says two things: that a model favours *some* class, and that the class is truck. Truck would be favoured if it won at least twice as often as one class in ten. A class is favoured if in the median it gets more than twice an even share of the images.
#
# The interval of a median runs between two of the values themselves. Each value falls below the true median with a probability of one half, so a binomial distribution says how far from the middle they must lie; [Timing](03_timing.ipynb) uses the same.

# %%
class_names = data.description.class_names
counts = torch.stack([row.bincount(minlength=10) for row in votes])
favourites = counts.argmax(dim=1)
wins = favourites.bincount(minlength=10).tolist()
dict(zip(class_names, wins, strict=True))  # models that favour each class

# %% tags=["hide-input"]
# @title Claim 24, measured
favoured = counts.amax(dim=1) / len(held_labels)
bound = ledger.rulebook.parts["24b"].rule.bounds[0]
wins_of_truck = wins[class_names.index("truck")]
ledger.record(
    24,
    a=measuring.share(wins_of_truck, UNTRAINED, of_what="seeds"),
    b=measuring.median(favoured.numpy(), bound, of_what="seeds"),
)

# %% [markdown]
# Half of it is true, and it is the interesting half. An untrained model gives about two thirds of the images to one class, because all images share a large part, their mean, which moves the scores of all the same way ([The model](../cifar10/02_model.ipynb) shows it). Which class that is, the seed decides. **For you:** a single draw shows that something happens. What it happens *to* takes several.
#
# ### Claim 33: untrained accuracy is about 10 %
#
# A model that has seen nothing can only guess, and one guess in ten is correct. The claim is about the mean: between 9 % and 11 %.

# %% tags=["hide-input"]
# @title Claim 33, measured
guessed = (votes == held_labels).double().numpy()
mean_guess = measuring.over_seeds_and_images(
    guessed, of_what="validation images", independent=True
)
ledger.record(33, a=mean_guess)

# %%
single = guessed.mean(axis=1)
np.round([single.min(), single.max()], 3)  # the worst and the best of them

# %% [markdown]
# The mean is right. A single untrained model can stray well away from it, because it gives most images to one or two classes. **For you:** 7 % or 12 % before training is no bug.
#
# ### Claim 25: initial train and validation losses are close
#
# Both parts are random samples of the same images, so an untrained model must lose as much on one as on the other, up to sampling. Close is taken as a mean distance below 0.02 nats, less than a hundredth of the loss of guessing, ln 10.

# %% tags=["hide-input"]
# @title Claim 25, measured
import torch.nn.functional as F

num_train, gaps = len(data.train), []
splits = [
    datasets.split_indices(num_train, config.validation_split, s)
    for s in range(num_seeds)
]
for scores, (kept, held) in zip(logits["untrained"], splits, strict=True):
    losses = F.cross_entropy(
        scores[:num_train].double(), data.train.labels, reduction="none"
    )
    gaps.append(abs(losses[held].mean() - losses[kept].mean()).item())
ledger.record(25, a=measuring.over_seeds(gaps))

# %% [markdown]
# They differ by a few thousandths of a nat. **For you:** if yours differ by more before training, look at how the two parts were made.
#
# ## Softmax and rounding
#
# ### Claim 32: softmax is unmoved by an added constant, plain division is not
#
# Softmax divides exponentials by their sum, so a constant added to all scores cancels ([Softmax and cross-entropy](../foundations/01_softmax_and_cross_entropy.ipynb)). Dividing the scores themselves by their sum has no such property. Four constants are added. For softmax the *largest* change of any probability must stay below a millionth, a few times float32's rounding. For plain
# division the *median* image must change by more than 0.01. The largest would be no fair measure: a sum near zero makes it as large as you like.

# %%
scores = logits["untrained"]


def divide(scores):
    return scores / scores.sum(dim=-1, keepdim=True)


def largest_changes(shares):
    moved = [shares(scores + c) - shares(scores) for c in (-10, -1, 1, 10)]
    return torch.stack([each.abs().amax(dim=-1) for each in moved]).amax(dim=0)


by_softmax = largest_changes(lambda scores: scores.softmax(dim=-1))
by_division = largest_changes(divide).median(dim=1).values

# %% tags=["hide-input"]
# @title Claim 32, measured
n = scores.shape[1]
ledger.record(
    32,
    a=Measurement(by_softmax.max().item(), n=n, of_what="images"),
    b=measuring.over_seeds(by_division.tolist()),
)

# %% [markdown]
# What is left in softmax is rounding: a score plus ten keeps fewer decimals than the score alone. **For you:** this is why you may subtract the largest score before you take exponentials.
#
# ### Claim 46: logits and softmax have the same argmax
#
# The exponential keeps the order, so in exact arithmetic this is a theorem. In float32 two scores can be so close that their probabilities round to the same number, and `argmax` then takes the first. Both must agree on more than 0.9999 of the images, in every model. Wilson's interval needs some 40,000 images to say so even without a single disagreement;
# that is why all 60,000 are used.

# %% tags=["hide-input"]
# @title Claim 46, measured
parts = {}
for letter, z in zip("ab", logits.values(), strict=True):
    same = z.argmax(dim=-1) == z.softmax(dim=-1).argmax(dim=-1)
    agreed = int(same.all(dim=0).sum())
    parts[letter] = measuring.share(agreed, n, of_what="images", runs=len(ten))
ledger.record(46, **parts)

# %% [markdown]
# They do. **For you:** to predict a class you need no softmax.
#
# ### Claim 47: rounding makes row sums miss one by 8e-5
#
# The tutorial prints a row of probabilities that sums to 0.99992282, and blames rounding. If rounding can do that, then among 50,000 training images some sum should miss one by more than 5e-5. All ten models are tried before and after training, in float32.

# %% tags=["hide-input"]
# @title Claim 47, measured
sums = torch.stack(
    [z[:, :num_train].softmax(dim=-1).sum(dim=-1) for z in logits.values()]
)
largest_miss = (sums - 1).abs().max().item()
miss = Measurement(largest_miss, n=num_train, of_what="training images")
ledger.record(47, a=miss)

# %% [markdown]
# The published miss is more than fifty times the largest of a million sums. Something else was at work. The tutorial does not show enough to say what; exercise 2 tries one explanation. **For you:** "rounding" is a number, and it can be checked. Float32 knows one to about 1e-7.
#
# ## Averages and what they hide
#
# ### Claim 31: weighting by batch length avoids wrong averages when batches are uneven
#
# If the last batch is smaller, a plain mean of batch means gives its images too much weight. In the tutorial, batches of 100 divide the validation images evenly, and its weighting changes nothing; as a habit it is right. Weighting avoids something if the difference exceeds a millionth, far more than the rounding of float64. It is judged with batches of 300, which
# leave a short last one.

# %%
off = {100: [], 300: []}
for scores, (_, held) in zip(logits["trained"], splits, strict=True):
    hits = (scores[held].argmax(dim=1) == data.train.labels[held]).double()
    for size, errors in off.items():
        plain = torch.stack([batch.mean() for batch in hits.split(size)]).mean()
        errors.append((plain - hits.mean()).abs().item())

# %% tags=["hide-input"]
# @title Claim 31, measured
names = {"uneven": 300}
worst = Measurement(max(off[300]), n=len(ten), of_what="models", names=names)
ledger.record(31, a=worst)

# %% [markdown]
# **For you:** sum hits and losses over all images, and divide once. Then no batch can be uneven.
#
# ### Claim 50: accuracy misses small improvements that the loss sees
#
# The tutorial's example: the probability of the true class rises from 0.1 to 0.2 while another class stays on top. By hand, the loss must fall and accuracy must not change.
#
# In training: ten models take fifty small steps at rate 0.001 on the same batches, and all validation images are measured after each. Among the steps after which the loss is lower, what share leaves accuracy no higher? Above a tenth counts as "misses". The steps of one run depend on one another, so each start gives one share, and the interval is over starts.

# %%
import itertools

walkers = replicas.Stack([on_cpu.but(seed=s) for s in range(num_seeds)])
rates = walkers.column([0.001] * num_seeds)
held_inputs = torch.cat([x.cpu().flatten(1) for x, _ in validation])
path, endless = [], itertools.chain.from_iterable(itertools.repeat(train))
for images, labels in itertools.islice(endless, 50):
    inputs, labels = images.cpu().flatten(1), labels.cpu()
    error = replicas.measure_batch(walkers.logits(inputs), labels)[2]
    walkers.update(inputs, error, rates)
    held_logits = walkers.logits(held_inputs)
    losses, hits, _ = replicas.measure_batch(held_logits, held_labels)
    path.append(torch.stack([losses, hits.sum(dim=(1, 2)).double()]))
loss_change, accuracy_change = torch.stack(path).diff(dim=0).unbind(dim=1)

# %% tags=["hide-input"]
# @title Claim 50, measured
better = loss_change < 0  # (steps, starts)
unseen = (better & (accuracy_change <= 0)).sum(dim=0)
missed = (unseen / better.sum(dim=0).clamp(min=1)).tolist()
by_hand = torch.tensor([[0.1, 0.5, 0.4], [0.2, 0.45, 0.35]])
on_top = (by_hand.argmax(dim=1) == 0).double()
fall = (by_hand[1, 0] / by_hand[0, 0]).log().item()
one = {"n": 1, "of_what": "example"}
ledger.record(
    50,
    a=measuring.over_seeds(missed, of_what="starts"),
    b=Measurement(fall, **one),
    c=Measurement((on_top[1] - on_top[0]).item(), **one),
)

# %% [markdown]
# About a third of the steps that lower the loss leave accuracy as it was, or worse. **For you:** watch the loss to see *whether* a model learns, accuracy to see what it is worth.
#
# ## Batches
#
# ### Claim 49: a mini-batch gradient approximates the full one
#
# The gradient of a batch estimates the gradient of all training images, and on average over batches it is right ([Bottou et al., 2018](https://doi.org/10.1137/16M1080173)). Whether *one* batch is a good approximation is a question of direction. The cosine of the angle between the two is 1 for the same direction and 0 for a right angle. The mean over all batches of an
# epoch must exceed 0.9, before training and at its end. Each of the ten models gives one mean.


# %%
@torch.no_grad()
def cosines(model, batches):
    model, gradients, sizes = model.cpu(), [], []
    for images, labels in batches:
        inputs = images.cpu().flatten(1)
        error = model(inputs).softmax(dim=1)
        error[torch.arange(len(labels)), labels.cpu()] -= 1  # p - y
        weights, bias = error.T @ inputs, error.sum(dim=0)
        gradients.append(torch.cat([weights.flatten(), bias]) / len(labels))
        sizes.append(len(labels))
    each, sizes = torch.stack(gradients), torch.tensor(sizes).float()
    full = sizes @ each / sizes.sum()
    return F.cosine_similarity(each, full.unsqueeze(0)).numpy()


# %%
angles = {"before training": [], "after training": []}
for run in ten:
    batches, _ = training_batches(data.train, run.config)
    angles["before training"].append(cosines(make_model(run.config), batches))
    angles["after training"].append(cosines(run.model, batches))
means = {when: [a.mean() for a in each] for when, each in angles.items()}

# %% tags=["hide-input"]
# @title Figure: the angles of a hundred batches
from tutorial_utils.lessons.show import show
from tutorial_utils.plots.training import strips

hundred = {when: each[0][:100] for when, each in angles.items()}
show(
    strips(hundred, xlabel="cosine with the full gradient", shares=False),
    caption="Cosine of the angle between the gradient of a batch and that of"
    " all training images, for a hundred batches of the first model; the bars"
    " are their means.",
    alt="Two rows of marks: those of the untrained model lie around two"
    " thirds, those of the trained one around a quarter.",
)

# %% tags=["hide-input"]
# @title Claim 49, measured
held_out = config.validation_split
shared = held_out / (1 - held_out)  # they trained on shared images
size = config.batch_size
before, after = means.values()
ledger.record(
    49,
    a=measuring.over_seeds(before, size=size),
    b=measuring.over_seeds(after, test_share=shared, size=size),
)

# %% [markdown]
# On average nothing is amiss: the full gradient *is* the mean of the batches' gradients. One batch alone points elsewhere, and the more so after training, when what all images agree on is learnt and what tells them apart is left. **For you:** trust the walk, not the step.
#
# ## The verdicts of this page
#
# All fifty claims stand in [the ledger](../../book/claims.md).

# %%
from tutorial_utils.report.narrate import table

entries = ledger.entries("metric")
table([{k: each[k] for k in ("id", "claim", "verdict")} for each in entries])

# %% [markdown]
# For every part with an interval of Student's t: half its width, and the smallest distance from its bound that it settles four times in five ([Cohen, 1988](https://doi.org/10.4324/9780203771587)). A rule is fair if what it accepts is wider than that.

# %%
table(measuring.sees(entries))

# %% tags=["remove-input"]
# @title Guards of the sentences above
from tutorial_utils.lessons.expect import expect

found = measuring.Parts(entries)
low, high, value = map(found.column, ("low", "high", "measurement"))
holding = ("33a", "25a", "32a", "32b", "46a", "46b", "31a", "50a", "50b", "50c")
told = [found[name]["verdict"] for name in holding]
expect("verdicts are as told", told, equals=["holds"] * len(holding))
expect("truck is not favoured", high["24a"], below=0.18)
expect("two thirds go to one class", value["24b"], between=(0.58, 0.74))
expect("one may have 7 %", single.min(), below=0.07)
expect("or 12 %", single.max(), above=0.12)
expect("losses differ by thousandths", value["25a"], between=(0.001, 0.004))
expect("the miss is far larger", (1 - 0.99992282) / largest_miss, above=50)
expect("even batches need no weighting", max(off[100]), below=1e-9)
expect("a third of the steps", value["50a"], between=(0.28, 0.45))
expect("one batch points elsewhere", high["49a"], below=0.85)
expect("more so after training", low["49a"] - high["49b"], above=0.1)
expect("around two thirds", value["49a"], between=(0.6, 0.75))
expect("around a quarter", value["49b"], between=(0.2, 0.36))

# %% [markdown]
# ## Exercises
#
# ### Exercise 1 ★ With a pencil
#
# There are 10,000 validation images, in batches of 300. In the plain mean of batch means, how many times too much does an image of the last batch count?

# %%
from tutorial_utils.lessons import checks

your_factor = ...
checks.answer(
    your_factor,
    (1 / 34) / (100 / 10_000),
    tolerance=0.06,
    hint="33 full batches, and one of 100 images",
)

# %% tags=["hide-cell"]
# @title Solution
# 34 batches: each has weight 1/34. The last should have 100/10,000.
(1 / 34) / (100 / 10_000)

# %% [markdown]
# ### Exercise 2 ★★ Predict, then run
#
# A row that misses one by 8e-5 does not come from float32. In float16 numbers have 11 significant binary digits, in bfloat16 8. By how much will the probabilities of ten random scores, rounded to float16, typically miss one? Write down the exponent, such as -3 for 1e-3, then run. Is bfloat16 a candidate, too?

# %%
your_exponent = ...
draw = torch.Generator().manual_seed(seed)
exact = torch.randn(10_000, 10, generator=draw).double().softmax(dim=1)


def typical_miss(kind):
    sums = exact.to(kind).double().sum(dim=1)
    return (sums - 1).abs().median().item()


in_half = np.log10(typical_miss(torch.float16))
checks.answer(your_exponent, in_half, tolerance=0.6, hint="2**-11 is 5e-4")

# %% tags=["hide-cell"]
# @title Solution
# Float16 comes nearest to the published 8e-5; bfloat16 misses by more.
kinds = (torch.float32, torch.float16, torch.bfloat16)
{str(kind): f"{typical_miss(kind):.0e}" for kind in kinds}

# %% [markdown]
# ### Exercise 3 ★★★ How large a batch?
#
# Suppose that the gradients of single images are independent draws around the full one. Then the squared length of a batch's deviation falls as one over its size, and the squared cosine is $1 / (1 + r/m)$ with $m$ images and some noise ratio $r$. From a cosine at one size, work out the size that a wanted cosine takes.


# %%
def your_size(cosine, size, wanted):
    return size


# %% tags=["remove-cell"]
# @title What the check of exercise 3 compares with
def needed(cosine, size, wanted):
    return size * (1 / cosine**2 - 1) / (1 / wanted**2 - 1)


# %%
checks.function(your_size, needed, [(0.6, 100, 0.9), (0.3, 100, 0.9)])

# %% tags=["hide-cell"]
# @title Solution
# r = m (1 / cos^2 - 1), solved for m at the wanted cosine. It is rough: the
# mean of cosines is not the cosine of a mean.
[round(needed(value[part], size, 0.9)) for part in ("49a", "49b")]

# %% [markdown]
# ## Five questions

# %% tags=["remove-input"]
# @title Five questions
from tutorial_utils.lessons.questions import ask, choice, number

ask(
    [
        choice(
            "One untrained model answers “truck” for most images. What do you"
            " know about trucks now?",
            {
                "they are easy": "Nothing was learnt yet.",
                "nothing": "",
                "they are bright": "Another seed favours another class.",
            },
            correct="nothing",
            because="the random weights choose the favourite.",
        ),
        number(
            "If no image disagrees, Wilson's lower end is n / (n + 3.84). How"
            " many images does it take to exceed 0.9999?",
            answer=np.ceil(0.9999 * 3.84 / 0.0001),
            tolerance=400,
            form=",.0f",
            because="solve n > 0.9999 (n + 3.84).",
        ),
        choice(
            "Ten float32 probabilities sum to 0.9999. What is at work?",
            {
                "rounding of float32": "It misses by less than a millionth.",
                "something else": "",
                "the size of the scores": "Softmax divides by the sum.",
            },
            correct="something else",
            because=f"the largest miss on this page is {largest_miss:.0e}.",
            sure=True,
        ),
        choice(
            "The validation loss falls and accuracy stays. Is that a bug?",
            {
                "yes": "By hand it can be shown to happen.",
                "no": "",
            },
            correct="no",
            because="a probability can rise without becoming the largest.",
        ),
        number(
            f"After training, batches of {size} have a mean cosine of"
            f" {value['49b']:.2f}. With r as in exercise 3, what would batches"
            " four times as large have?",
            answer=1 / np.sqrt(1 + (1 / value["49b"] ** 2 - 1) / 4),
            tolerance=0.03,
            form=".2f",
            because="r/m falls to a quarter.",
        ),
    ]
)

# %% [markdown]
# ## Further reading
#
# * [Bottou et al. (2018)](https://doi.org/10.1137/16M1080173) on what a mini-batch gradient is good for.
#
# Next: [Claims about CIFAR-10: training](02b_cifar10_training.ipynb).

# %% tags=["remove-cell"]
# @title The results file
path = results.write(
    "claims/02_cifar10",
    parameters=config.model_dump() | {"num_seeds": num_seeds},
    metrics=ledger.metrics(),
    data_hash=data.fingerprint,
)
